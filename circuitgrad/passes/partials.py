"""The partial derivatives of all gates: traced once a gate type, stamped in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from circuitgrad import buffers, exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.columns import Bools, Ints, assemble
from circuitgrad.gates import INPUT, SUM, gate_type
from circuitgrad.loops import kernel
from circuitgrad.provenance import PARTIAL

if TYPE_CHECKING:
    from circuitgrad.columns import Columns
    from circuitgrad.passes.emission import Emission

__all__ = ["NONE", "Kinds", "Partials", "Template", "template"]

#: Stands for a partial that is structurally zero.
NONE: Final = -(2**31)


@dataclass(frozen=True)
class Template:
    """The partials of one gate type at one arity and parameter, as a small circuit.

    Its vertices are the operands, the output, then ``constants`` (places of numbers)
    and the gates of ``columns``.  ``number[slot]`` is the place of a partial that is a
    number, else -1; then ``vertex[slot]`` is the partial.  ``slot[i]`` is the slot that
    gate i serves, -1 where several share it.
    """

    columns: Columns
    constants: list[int]
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
    real = vertex >= 0
    columns, place = assemble(builder.raw(), vertex[real])
    vertex[real] = place[vertex[real]]
    constants = columns.params[columns.inputs : columns.sources].tolist()
    slot = _slots(columns, vertex)[columns.sources :]
    return Template(columns, constants, number, vertex, slot)


def _slots(columns: Columns, vertex: Ints) -> Ints:
    """Find the one slot that each template vertex serves, -1 if it serves several."""
    serves = np.full(len(columns), -2, dtype=np.int32)  # -2: none yet
    for i, v in enumerate(vertex.tolist()):
        if v >= 0:
            serves[v] = i if serves[v] == -2 else -1
    for v in range(len(columns) - 1, -1, -1):
        for u in columns.operands_of(v):
            if serves[u] not in (-2, serves[v]):
                serves[u] = -1
            else:
                serves[u] = serves[v]
    for i, v in enumerate(vertex.tolist()):
        if v >= 0:
            serves[v] = i  # a partial that another one uses is still its slot's own
    return np.maximum(serves, -1)


@kernel
def _kinds(op, offsets, params, start, table, first, kind, found):  # type: ignore[no-untyped-def]
    """Give each gate the number of its kind: type, arity and parameter.

    ``kind`` is filled for each gate, counted from vertex ``start``, with numbers in
    order of appearance; ``first`` holds the first gate of each kind and ``found`` the
    number of kinds.  ``table`` is an open-addressing hash table of those, 1 added.
    """
    slots = len(table) - 1
    count = 0
    for v in range(start, len(op)):
        arity = offsets[v + 1] - offsets[v]
        place = (op[v] * 1000003 + arity * 7919 + params[v] * 31) & slots
        while True:
            k = table[place] - 1
            if k < 0:
                table[place] = count + 1
                first[count] = v
                kind[v - start] = count
                count += 1
                break
            u = first[k]
            if (
                op[u] == op[v]
                and params[u] == params[v]
                and offsets[u + 1] - offsets[u] == arity
            ):
                kind[v - start] = k
                break
            place = (place + 1) & slots
    found[0] = count


@kernel
def _numbers(offsets, weights, kind, start, slot_at, slot_number, partial):  # type: ignore[no-untyped-def]
    """Say each wire's partial where it is a number: times the wire's weight."""
    for v in range(start, start + len(kind)):
        at = slot_at[kind[v - start]] - offsets[v]
        for w in range(offsets[v], offsets[v + 1]):
            place = slot_number[at + w]
            if place == exact.ONE:  # only sums have weights, and partials of 1
                place = weights[w]
            if place == exact.ZERO:
                partial[w] = NONE
            elif place >= 0:
                partial[w] = -1 - place


@kernel
def _stamp(  # type: ignore[no-untyped-def]
    offsets, operands, kind, start, wanted, slot_at, slot_vertex,
    gate_at, gate_op, gate_param, wire_at, wire_vertex, wire_weight, at, wire_to,
    inputs, new_op, new_offsets, new_operands, new_weights, new_params,
    partial, owner, loose,
):  # fmt: skip
    """Write the partial gates of each wanted gate at ``at[kind]``, which moves on.

    A vertex of a template is an operand, the output, a gate of the template past
    them, or, where negative, the constant vertex -1 - it.  ``loose[0]`` tells whether a
    constant of the source came into a sum.
    """
    shift = at[len(at) - 1]  # where the stamped gates begin
    for v in range(start, start + len(kind)):
        if not wanted[v]:
            continue
        k = kind[v - start]
        first = offsets[v]
        arity = offsets[v + 1] - first
        base = at[k] - arity - 1
        to = wire_to[k]
        for g in range(gate_at[k], gate_at[k + 1]):
            new = at[k]
            new_op[new] = gate_op[g]
            new_params[new] = gate_param[g]
            owner[new - shift] = v
            for w in range(wire_at[g], wire_at[g + 1]):
                u = wire_vertex[w]
                if u < 0:
                    new_operands[to] = -1 - u
                elif u < arity:
                    new_operands[to] = operands[first + u]
                    if gate_op[g] == SUM and inputs <= operands[first + u] < start:
                        loose[0] = True
                elif u == arity:
                    new_operands[to] = v
                else:
                    new_operands[to] = base + u
                new_weights[to] = wire_weight[w]
                to += 1
            new_offsets[new + 1] = to
            at[k] = new + 1
        wire_to[k] = to
        for i in range(arity):
            u = slot_vertex[slot_at[k] + i]
            if partial[first + i] < 0:
                continue  # a number
            if u < 0:
                partial[first + i] = -1 - u
            elif u < arity:
                partial[first + i] = operands[first + u]
            elif u == arity:
                partial[first + i] = v
            else:
                partial[first + i] = base + u


class Kinds:
    """The kinds of gates (type, arity, parameter) of a circuit, with their templates.

    Attributes
    ----------
    kind : array of int32
        The kind of each gate, counted from the first gate.
    templates : list of Template
        Those of each kind, in the order of appearance.
    constants : set of int
        The places of the numbers that partial gates use.
    """

    def __init__(self, columns: Columns) -> None:
        start, gates = columns.sources, len(columns) - columns.sources
        table = np.zeros(1 << max(4, (2 * gates).bit_length()), dtype=np.int32)
        first = np.zeros(gates, dtype=np.int32)
        self.kind = buffers.empty(gates, np.int32)
        found = np.zeros(1, dtype=np.int64)
        _kinds(
            columns.op, columns.offsets, columns.params, start, table, first,
            self.kind, found,
        )  # fmt: skip
        kinds = first[: found[0]]
        self.templates = [
            template(code, arity, param)
            for code, arity, param in zip(
                columns.op[kinds].tolist(),
                columns.fan_in[kinds].tolist(),
                columns.params[kinds].tolist(),
                strict=True,
            )
        ]
        self.constants = {place for t in self.templates for place in t.constants}


class Partials:
    """The partial derivative of every gate by every operand slot, one a wire.

    Attributes
    ----------
    partial : array of int32
        The vertex of the partial, once it is stamped; or -1 - the place of the number
        that it is, times the wire's weight; or `NONE` where it is structurally zero.
    nonzero : array of bool
        Which partials are not structurally zero.
    """

    def __init__(self, columns: Columns, kinds: Kinds) -> None:
        self.columns, self.kind, self.templates = columns, kinds.kind, kinds.templates
        self.start = columns.sources
        self.slot_at = _places([len(t.number) for t in self.templates])
        self.partial = buffers.full(columns.wires, 0, np.int32)
        _numbers(
            columns.offsets,
            columns.weights,
            self.kind,
            self.start,
            self.slot_at,
            _joined([t.number for t in self.templates]),
            self.partial,
        )
        self.nonzero: Bools = self.partial != NONE

    def mask(self, wire_on: Bools) -> None:
        """Leave out the partials of wires that are not on."""
        self.partial[~wire_on] = NONE

    def stamp(self, emission: Emission, wanted: Bools) -> None:
        """Emit the partial gates of the wanted gates, and fill in ``partial``."""
        columns, templates = self.columns, self.templates
        wanted[: self.start] = False
        # A partial that is a number refers to no vertex: any will do.
        slot_vertex = [_refer(t, np.maximum(t.vertex, 0), emission) for t in templates]
        wire_vertex = [_refer(t, t.columns.operands, emission) for t in templates]
        bodies = [t.columns for t in templates]
        gates = [len(body) - body.sources for body in bodies]
        wires = [body.wires for body in bodies]
        chosen = self.kind[wanted[self.start :]]
        times = np.bincount(chosen, minlength=len(templates))
        total, total_wires = int(times @ gates), int(times @ wires)
        emission.reserve(total, total_wires)
        at = emission.count + _places(times * np.array(gates, dtype=np.int64))
        at[-1] = emission.count
        wire_to = emission.wires + _places(times * np.array(wires, dtype=np.int64))
        wire_at = _places(
            _joined([body.fan_in[body.sources :] for body in bodies]).tolist()
        )
        owner = buffers.empty(total, np.int32)
        loose = np.zeros(1, dtype=np.bool_)
        _stamp(
            columns.offsets, columns.operands, self.kind, self.start, wanted,
            self.slot_at, _joined(slot_vertex), _places(gates),
            _joined([body.op[body.sources :] for body in bodies], np.uint8),
            _joined([body.params[body.sources :] for body in bodies]),
            wire_at, _joined(wire_vertex),
            _joined([body.weights for body in bodies]), at, wire_to, columns.inputs,
            emission.op, emission.offsets, emission.operands, emission.weights,
            emission.params, self.partial, owner, loose,
        )  # fmt: skip
        emission.canonical &= not loose[0]
        emission.advance(
            total,
            total_wires,
            lambda: (
                np.full(total, PARTIAL, dtype=np.uint8),
                owner,
                _joined(
                    [
                        np.tile(t.slot, n)
                        for t, n in zip(templates, times.tolist(), strict=True)
                    ]
                ),
                np.full(total, -1, dtype=np.int32),
            ),
        )


def _places(sizes: Ints | list[int]) -> Ints:
    """Give where parts of these sizes start, one after another, and where they end."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


def _joined(parts: list[Ints], dtype: type = np.int32) -> Ints:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts]).astype(dtype)


def _refer(template: Template, vertices: Ints, emission: Emission) -> Ints:
    """Say template vertices as `_stamp` reads them."""
    columns = template.columns
    refers = np.arange(len(columns))
    constants = slice(columns.inputs, columns.sources)
    refers[constants] = [-1 - emission.constant(place) for place in template.constants]
    refers[columns.sources :] -= len(template.constants)
    return refers[vertices]
