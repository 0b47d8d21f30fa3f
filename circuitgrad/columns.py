"""Columns: a circuit as NumPy arrays in compressed-row form.

The canonical order, which every circuit has: the inputs in their order, then the
constants by value (pi last), each once, then the gates in topological order.  The
constants of a sum are weights on the constant 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad import exact, loops
from circuitgrad.gates import CONSTANT, INPUT, SUM, gate_type, gate_types
from circuitgrad.loops import kernel

__all__ = [
    "Bools",
    "Columns",
    "Ints",
    "RawColumns",
    "assemble",
    "first_defect",
    "trait_table",
]

Ints = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Columns:
    """The vertices and wires of a circuit, one array a property.

    Vertex ``v`` has gate type ``op[v]`` and the wires ``offsets[v]:offsets[v + 1]``,
    one an operand slot.  Wire ``w`` comes from vertex ``operands[w]`` with the weight
    at place ``weights[w]`` of the number table (`circuitgrad.exact`).  ``params[v]`` is
    the place of a constant's value or a gate's parameter, -1 where there is none.
    ``shapes[v]`` is the place of the vertex's shape; 0 is ``()``, the only one so far.
    All arrays are read-only.
    """

    op: Ints
    offsets: Ints
    operands: Ints
    weights: Ints
    params: Ints
    shapes: Ints

    def __post_init__(self) -> None:
        for array in (
            self.op,
            self.offsets,
            self.operands,
            self.weights,
            self.params,
            self.shapes,
        ):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.op)

    @property
    def wires(self) -> int:
        """Number of operand slots, dead gates included."""
        return len(self.operands)

    @cached_property
    def fan_in(self) -> Ints:
        """Number of operands of each vertex."""
        fan_in: Ints = np.diff(self.offsets)
        return fan_in

    @cached_property
    def consumer(self) -> Ints:
        """The vertex that each wire enters."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.fan_in)

    @cached_property
    def slot(self) -> Ints:
        """The operand slot of each wire."""
        slot: Ints = np.arange(self.wires) - np.repeat(self.offsets[:-1], self.fan_in)
        return slot

    @cached_property
    def is_gate(self) -> Bools:
        """Which vertices are gates."""
        return self.op > CONSTANT

    @cached_property
    def inputs(self) -> int:
        """Number of inputs, which are the first vertices."""
        return int(np.count_nonzero(self.op == INPUT))

    @cached_property
    def sources(self) -> int:
        """Number of inputs and constants; the gates start here."""
        return int(np.count_nonzero(self.op <= CONSTANT))

    def place_of_constant(self, place: int) -> int | None:
        """Give the vertex of the constant at this place of the number table, if any."""
        found = np.flatnonzero(self.params[self.inputs : self.sources] == place)
        return self.inputs + int(found[0]) if len(found) else None

    def wires_of(self, vertex: int) -> range:
        """Give the wires into a vertex, in the order of their slots."""
        return range(int(self.offsets[vertex]), int(self.offsets[vertex + 1]))

    def operands_of(self, vertex: int) -> list[int]:
        """Give the operands of a vertex, in order; a list of Python integers."""
        found: list[int] = self.operands[
            self.offsets[vertex] : self.offsets[vertex + 1]
        ].tolist()
        return found

    def weights_of(self, vertex: int) -> list[int]:
        """Give the places of the weights of a vertex's wires, in order."""
        found: list[int] = self.weights[
            self.offsets[vertex] : self.offsets[vertex + 1]
        ].tolist()
        return found

    @cached_property
    def uses(self) -> tuple[Ints, Ints]:
        """The wires out of each vertex: where those of v start, and the wires.

        Those of a vertex are in the order of their consumers and slots.
        """
        starts = np.zeros(len(self) + 2, dtype=np.int64)
        wires = np.empty(self.wires, dtype=np.int32)
        loops.distribute(self.operands, starts, wires)
        return starts[:-1], wires

    def live(self, roots: Ints, wire_on: Bools | None = None) -> Bools:
        """Tell which vertices the roots depend on, themselves included."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[roots] = True
        on = np.ones(self.wires, dtype=np.bool_) if wire_on is None else wire_on
        loops.reach_sources(self.offsets, self.operands, on, mask)
        return mask

    def depends_on(self, sources: Ints, wire_on: Bools | None = None) -> Bools:
        """Tell which vertices depend on any of the given ones, themselves included."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[sources] = True
        on = np.ones(self.wires, dtype=np.bool_) if wire_on is None else wire_on
        loops.reach_sinks(self.offsets, self.operands, on, mask)
        return mask

    @cached_property
    def varies(self) -> Bools:
        """Which vertices depend on some input; the others are constants."""
        return self.depends_on(np.arange(self.inputs))


def trait_table(trait: str) -> Bools:
    """Give, for each gate type code, whether the type has a trait."""
    return np.array([False, False, *(trait in gate.traits for gate in gate_types())])


@kernel
def _defect(op, offsets, operands, weights, params, arity, parameter, found):  # type: ignore[no-untyped-def]
    """Find the first gate that breaks a rule: its vertex and the rule's number."""
    for v in range(len(op)):
        if op[v] <= CONSTANT:
            continue
        fan_in = offsets[v + 1] - offsets[v]
        kind = -1
        if fan_in < 1 or (arity[op[v]] >= 0 and fan_in != arity[op[v]]):
            kind = 0
        elif (params[v] >= 0) != parameter[op[v]]:
            kind = 1
        for w in range(offsets[v], offsets[v + 1]):
            u = operands[w]
            if u < 0:
                kind = 2
            elif u >= v:
                kind = 3
            elif op[v] != SUM:
                if weights[w] != exact.ONE:
                    kind = 4
            elif op[u] == CONSTANT and params[u] not in (exact.ONE, exact.PI_PLACE):
                kind = 5
        if kind >= 0:
            found[0] = v
            found[1] = kind
            break


def first_defect(columns: Columns) -> tuple[int, str] | None:
    """Find the first gate that breaks an invariant, and say what it has."""
    arity = np.array([-1, -1, *(_any_or(gate.arity) for gate in gate_types())])
    parameter = np.array(
        [False, False, *(gate.takes_parameter for gate in gate_types())]
    )
    found = np.full(2, -1, dtype=np.int64)
    _defect(
        columns.op, columns.offsets, columns.operands, columns.weights, columns.params,
        arity, parameter, found,
    )  # fmt: skip
    vertex, kind = found.tolist()
    if vertex < 0:
        return None
    gate = gate_type(int(columns.op[vertex]))
    wrong = "no parameter" if gate.takes_parameter else "a parameter"
    return vertex, (
        f"{columns.fan_in[vertex]} operands, which {gate.name} does not take",
        f"{wrong}, against {gate.name}",
        "an operand before the first vertex",
        "an operand that comes later",
        "a weight outside a sum",
        "a constant of a sum that is no weight on 1",
    )[kind]


def _any_or(arity: int | None) -> int:
    return -1 if arity is None else arity


@dataclass
class RawColumns:
    """Columns on their way: topological, but with constants anywhere and repeated."""

    op: Ints
    offsets: Ints
    operands: Ints
    weights: Ints
    params: Ints
    shapes: Ints

    @classmethod
    def of(cls, columns: Columns) -> RawColumns:
        """Start from finished columns."""
        return cls(
            columns.op,
            columns.offsets,
            columns.operands,
            columns.weights,
            columns.params,
            columns.shapes,
        )

    @classmethod
    def joined(cls, parts: list[RawColumns]) -> RawColumns:
        """Concatenate blocks of vertices; operands already count across the blocks."""
        wires = np.cumsum([0, *(len(part.operands) for part in parts)])
        ends = [part.offsets[1:] + at for part, at in zip(parts, wires, strict=False)]
        return cls(
            np.concatenate([part.op for part in parts]),
            np.concatenate([np.zeros(1, dtype=np.int64), *ends]),
            np.concatenate([part.operands for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.params for part in parts]),
            np.concatenate([part.shapes for part in parts]),
        )

    def with_gates(
        self, gates: Mapping[int, tuple[int, list[int], list[int], int]]
    ) -> RawColumns:
        """Put gates in the place of others: code, operands, weights, parameter."""
        if not gates:
            return self
        vertices = np.array(sorted(gates), dtype=np.int64)
        new = [gates[v] for v in vertices.tolist()]
        op, params, fan_in = self.op.copy(), self.params.copy(), np.diff(self.offsets)
        untouched = np.ones(len(op), dtype=np.bool_)
        untouched[vertices] = False
        moved = np.repeat(untouched, fan_in)
        op[vertices] = [code for code, _, _, _ in new]
        params[vertices] = [param for _, _, _, param in new]
        fan_in[vertices] = [len(operands) for _, operands, _, _ in new]
        offsets = np.concatenate([[0], np.cumsum(fan_in)])
        operands = np.empty(offsets[-1], dtype=np.int32)
        weights = np.empty(offsets[-1], dtype=np.int32)
        stays = np.repeat(untouched, fan_in)
        operands[stays] = self.operands[moved]
        weights[stays] = self.weights[moved]
        operands[~stays] = [u for _, used, _, _ in new for u in used]
        weights[~stays] = [place for _, _, places, _ in new for place in places]
        return RawColumns(op, offsets, operands, weights, params, self.shapes)

    def with_constants(self, places: Sequence[int]) -> RawColumns:
        """Append constants, by the places of their values."""
        count = len(places)
        if not count:
            return self
        return RawColumns(
            np.append(self.op, np.full(count, CONSTANT, dtype=np.uint8)),
            np.append(self.offsets, np.full(count, self.offsets[-1])),
            self.operands,
            self.weights,
            np.append(self.params, np.array(places, dtype=np.int32)),
            np.append(self.shapes, np.zeros(count, dtype=np.int32)),
        )


@kernel
def _survey(op, offsets, operands, params, alias, keep, wanted, found):  # type: ignore[no-untyped-def]
    """Mark in ``wanted`` the constants in use; one more stands for the 1 of sums.

    ``found[0]`` counts the wires of sums that come from other numbers than 1.
    """
    count = len(op)
    for v in range(count):
        if op[v] <= CONSTANT or not keep[v]:
            continue
        for w in range(offsets[v], offsets[v + 1]):
            u = alias[operands[w]]
            if op[u] == CONSTANT:
                if op[v] == SUM and params[u] != exact.PI_PLACE:
                    wanted[count] = True
                    if params[u] != exact.ONE:
                        found[0] += 1
                else:
                    wanted[u] = True


@kernel
def _compact(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, shapes, alias, keep, one, place, at,
    new_op, new_offsets, new_operands, new_weights, new_params, new_shapes, origin,
):  # fmt: skip
    """Write the gates that stay, one after another from place ``at``."""
    wire = 0
    for v in range(len(op)):
        if op[v] <= CONSTANT or not keep[v]:
            continue
        for w in range(offsets[v], offsets[v + 1]):
            u = alias[operands[w]]
            if op[v] == SUM and op[u] == CONSTANT and params[u] != exact.PI_PLACE:
                new_operands[wire] = one
            else:
                new_operands[wire] = place[u]
            new_weights[wire] = weights[w]
            wire += 1
        new_op[at] = op[v]
        new_params[at] = params[v]
        new_shapes[at] = shapes[v]
        origin[at] = v
        place[v] = at
        at += 1
        new_offsets[at] = wire


def assemble(
    raw: RawColumns,
    used: Ints,
    keep: Bools | None = None,
    alias: Ints | None = None,
) -> tuple[Columns, Ints, Ints]:
    """Put raw columns in the canonical order.

    Parameters
    ----------
    raw : RawColumns
    used : array of int
        Vertices that must stay though no wire uses them: outputs, named constants.
    keep : array of bool, optional
        Which gates stay; nothing that stays may depend on one that goes.
    alias : array of int32, optional
        For each vertex the one that wires from it come from instead.

    Returns
    -------
    columns : Columns
    place : array of int
        The new vertex of each raw one, -1 where it is gone.
    origin : array of int
        The first raw vertex of each new one, -1 for a constant 1 that sums need.

    Notes
    -----
    Linear in wires, in two loops.
    """
    count = len(raw.op)
    if keep is None:
        keep = np.ones(count, dtype=np.bool_)
    if alias is None:
        alias = np.arange(count, dtype=np.int32)
    operands = np.ascontiguousarray(raw.operands, dtype=np.int32)
    wanted = np.zeros(count + 1, dtype=np.bool_)
    wanted[used] = True
    found = np.zeros(1, dtype=np.int64)
    _survey(raw.op, raw.offsets, operands, raw.params, alias, keep, wanted, found)
    weights = raw.weights
    if found[0]:
        weights = _weighted(raw, alias[operands], keep)

    inputs = np.flatnonzero(raw.op == INPUT)
    constants = np.append(np.flatnonzero(raw.op == CONSTANT), count)
    values = np.append(raw.params[constants[:-1]], exact.ONE)
    wanted_values = set(values[wanted[constants]].tolist())
    places = sorted(wanted_values, key=exact.sort_key)
    vertex_of = {value: len(inputs) + i for i, value in enumerate(places)}
    first_gate = len(inputs) + len(places)
    place = np.full(count + 1, -1, dtype=np.int32)
    place[inputs] = np.arange(len(inputs))
    place[constants] = [vertex_of.get(value, -1) for value in values.tolist()]

    total = first_gate + int(np.count_nonzero(keep & (raw.op > CONSTANT)))
    op = np.full(total, INPUT, dtype=np.uint8)
    op[len(inputs) : first_gate] = CONSTANT
    offsets = np.zeros(total + 1, dtype=np.int64)
    params = np.full(total, -1, dtype=np.int32)
    params[len(inputs) : first_gate] = places
    shapes = np.zeros(total, dtype=np.int32)
    shapes[: len(inputs)] = raw.shapes[inputs]
    origin = np.full(total, -1, dtype=np.int32)
    constants = constants[:-1][place[constants[:-1]] >= 0]
    origin[place[constants[::-1]]] = constants[::-1]  # the first is written last
    origin[: len(inputs)] = inputs
    new_operands = np.empty(len(operands), dtype=np.int32)
    new_weights = np.empty(len(operands), dtype=np.int32)
    _compact(
        raw.op, raw.offsets, operands, weights, raw.params, raw.shapes, alias, keep,
        vertex_of.get(exact.ONE, -1), place, first_gate,
        op, offsets, new_operands, new_weights, params, shapes, origin,
    )  # fmt: skip
    wires = int(offsets[-1])
    columns = Columns(
        op, offsets, new_operands[:wires], new_weights[:wires], params, shapes
    )
    return columns, place[:-1], origin


def _weighted(raw: RawColumns, operands: Ints, keep: Bools) -> Ints:
    """Give the weights where a sum's number other than 1 is a weight on the 1."""
    in_sum = np.repeat(keep & (raw.op == SUM), np.diff(raw.offsets))
    values = raw.params[operands]
    number = in_sum & (raw.op[operands] == CONSTANT)
    number &= (values != exact.PI_PLACE) & (values != exact.ONE)
    weights = raw.weights.copy()
    wires = np.flatnonzero(number)
    pairs = np.stack([raw.weights[wires], values[wires]])
    kinds, kind = np.unique(pairs, axis=1, return_inverse=True)
    scaled = [
        exact.intern(exact.check_digits(exact.rational(a) * exact.rational(b)))
        for a, b in kinds.T.tolist()
    ]
    weights[wires] = np.array(scaled, dtype=np.int32)[kind.ravel()]
    return weights
