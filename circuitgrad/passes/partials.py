"""The partial derivatives of all gates: traced once a gate type, stamped in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.columns import Bools, Ints, RawColumns
from circuitgrad.gates import CONSTANT, INPUT, gate_type
from circuitgrad.passes.emission import Emission
from circuitgrad.provenance import PARTIAL

if TYPE_CHECKING:
    from circuitgrad.columns import Columns

__all__ = ["Partials", "Template", "template"]


@dataclass(frozen=True)
class Template:
    """The partials of one gate type at one arity and parameter, as a small circuit.

    Its vertices are the operands, the output, then ``raw``'s own constants and gates.
    ``number[slot]`` is the place of a partial that is a number, else -1; then
    ``vertex[slot]`` is the partial.  ``slot[i]`` is the slot that vertex i serves, -1
    where several share it.
    """

    raw: RawColumns
    number: Ints
    vertex: Ints
    slot: Ints


@lru_cache(maxsize=4096)
def template(code: int, arity: int, param: int) -> Template:
    """Trace the partials of a gate type, once for each arity and parameter."""
    gate = gate_type(code)
    builder = Builder()
    operands = [Expr(builder, builder.add(INPUT, ())) for _ in range(arity)]
    output = Expr(builder, builder.add(INPUT, ()))
    parameter = [exact.number(param)] if gate.takes_parameter else []
    partials = gate.partials(builder.functions, output, *operands, *parameter)
    if len(partials) != arity:
        raise AssertionError(
            f"{gate.name}: {len(partials)} partials for {arity} operands"
        )
    number = np.full(arity, -1, dtype=np.int32)
    vertex = np.full(arity, -1, dtype=np.int64)
    for i, partial in enumerate(partials):
        if isinstance(partial, (Expr, exact.Pi)):
            vertex[i] = builder.lift(partial).settled()
        else:
            number[i] = exact.intern(exact.as_fraction(partial))
    raw = builder.raw()
    return Template(raw, number, vertex, _slots(raw, vertex))


def _slots(raw: RawColumns, vertex: Ints) -> Ints:
    """Find the one slot that each template vertex serves, -1 if it serves several."""
    offsets = np.concatenate([[0], np.cumsum(raw.fan_in)])
    serves = np.full(len(raw.op), -2, dtype=np.int32)  # -2: none yet
    for i, v in enumerate(vertex.tolist()):
        if v >= 0:
            serves[v] = i if serves[v] == -2 else -1
    for v in range(len(raw.op) - 1, -1, -1):
        for u in raw.operands[offsets[v] : offsets[v + 1]].tolist():
            if serves[u] not in (-2, serves[v]):
                serves[u] = -1
            else:
                serves[u] = serves[v]
    for i, v in enumerate(vertex.tolist()):
        if v >= 0:
            serves[v] = i  # a partial that another one uses is still its slot's own
    return np.maximum(serves, -1)


class Partials:
    """The partial derivative of every gate by every operand slot, one a wire.

    Attributes
    ----------
    number : array of int
        The place of the partial where it is a number, times the wire's weight; else -1.
    vertex : array of int
        The raw vertex of the partial where it is a gate or an operand; else -1.
    nonzero : array of bool
        Which partials are not structurally zero.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.number = np.full(columns.wires, -1, dtype=np.int32)
        self.vertex = np.full(columns.wires, -1, dtype=np.int64)
        self._groups = self._grouped()
        for gates, template in self._groups:
            wires = _wires(columns, gates)
            self.number[wires] = template.number
        ones = self.number == exact.ONE  # only sums have weights, and partials of 1
        self.number[ones] = columns.weights[ones]
        self.nonzero: Bools = self.number != exact.ZERO

    def _grouped(self) -> list[tuple[Ints, Template]]:
        """Group the gates by type, arity and parameter, with each group's template."""
        columns = self.columns
        gates = np.arange(columns.sources, len(columns))
        if not len(gates):
            return []
        key = np.stack(
            [columns.op[gates], columns.fan_in[gates], columns.params[gates]]
        )
        kinds, first, group = np.unique(
            key, axis=1, return_index=True, return_inverse=True
        )
        order = np.argsort(group, kind="stable")
        bounds = np.cumsum(np.bincount(group.ravel()))[:-1]
        members = np.split(gates[order.ravel()], bounds)
        return [  # by first gate: the places of parameters say nothing
            (members[i], template(*(int(k) for k in kinds[:, i])))
            for i in np.argsort(first)
        ]

    def stamp(self, emission: Emission, wanted: Bools) -> None:
        """Emit the partial gates of the wanted gates, and fill in ``vertex``."""
        for gates, template in self._groups:
            chosen = gates[wanted[gates]]
            if len(chosen) and (template.vertex >= 0).any():
                self._stamp_group(emission, chosen, template)

    def _stamp_group(self, emission: Emission, gates: Ints, template: Template) -> None:
        columns, raw = self.columns, template.raw
        wires = _wires(columns, gates)
        arity = wires.shape[1]
        body = np.arange(arity + 1, len(raw.op))  # after the operands and the output
        constant = raw.op[body] == CONSTANT
        stamped = body[~constant]
        # Where each template vertex stands, a row a gate.
        where = np.empty((len(gates), len(raw.op)), dtype=np.int64)
        where[:, :arity] = columns.operands[wires]
        where[:, arity] = gates
        for vertex in body[constant].tolist():
            where[:, vertex] = emission.constant(int(raw.params[vertex]))
        count = len(gates) * len(stamped)
        first = emission.count
        where[:, stamped] = first + np.arange(count).reshape(len(gates), len(stamped))
        if count:
            emission.append(
                RawColumns(
                    np.tile(raw.op[stamped], len(gates)),
                    np.tile(raw.fan_in[stamped], len(gates)),
                    where[:, raw.operands].ravel(),
                    np.tile(raw.weights, len(gates)),
                    np.tile(raw.params[stamped], len(gates)),
                    np.zeros(count, dtype=np.int32),
                ),
                PARTIAL,
                np.repeat(gates, len(stamped)),
                np.tile(template.slot[stamped], len(gates)),
                -1,
            )
        real = np.flatnonzero(template.vertex >= 0)
        self.vertex[wires[:, real]] = where[:, template.vertex[real]]


def _wires(columns: Columns, gates: Ints) -> Ints:
    """Give the wires into gates of one arity, a row a gate."""
    arity = int(columns.fan_in[gates[0]])
    found: Ints = columns.offsets[gates][:, None] + np.arange(arity)
    return found
