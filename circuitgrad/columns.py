"""Columns: a circuit as NumPy arrays in compressed-row form.

The canonical order, which every circuit has: the inputs in their order, then the
constants by value (pi last), each once, then the gates in topological order.  The
constants of a sum are weights on the constant 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad import exact, loops
from circuitgrad.gates import CONSTANT, GATES, INPUT, SUM

__all__ = ["Bools", "Columns", "Ints", "RawColumns", "assemble", "trait_table"]

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
    return np.array([False, False, *(trait in gate.traits for gate in GATES)])


@dataclass
class RawColumns:
    """Columns on their way: topological, but with constants anywhere and repeated."""

    op: Ints
    fan_in: Ints
    operands: Ints
    weights: Ints
    params: Ints
    shapes: Ints

    @classmethod
    def of(cls, columns: Columns) -> RawColumns:
        """Start from finished columns."""
        return cls(
            columns.op,
            columns.fan_in,
            columns.operands,
            columns.weights,
            columns.params,
            columns.shapes,
        )

    @classmethod
    def joined(cls, parts: list[RawColumns]) -> RawColumns:
        """Concatenate blocks of vertices; operands already count across the blocks."""
        return cls(
            np.concatenate([p.op for p in parts]),
            np.concatenate([p.fan_in for p in parts]),
            np.concatenate([p.operands for p in parts]),
            np.concatenate([p.weights for p in parts]),
            np.concatenate([p.params for p in parts]),
            np.concatenate([p.shapes for p in parts]),
        )

    @classmethod
    def sources(cls, op: int, params: Ints) -> RawColumns:
        """Make a block of inputs (parameters -1) or constants."""
        count, empty = len(params), np.zeros(0, dtype=np.int32)
        return cls(
            np.full(count, op, dtype=np.uint8),
            np.zeros(count, dtype=np.int64),
            empty,
            empty,
            np.asarray(params, dtype=np.int32),
            np.zeros(count, dtype=np.int32),
        )


def assemble(
    raw: RawColumns, used: Ints, keep: Bools | None = None
) -> tuple[Columns, Ints, Ints]:
    """Put raw columns in the canonical order.

    Parameters
    ----------
    raw : RawColumns
    used : array of int
        Vertices that must stay though no wire uses them: outputs, named constants.
    keep : array of bool, optional
        Which gates stay; nothing that stays may depend on one that goes.

    Returns
    -------
    columns : Columns
    place : array of int
        The new vertex of each raw one, -1 where it is gone.
    origin : array of int
        The first raw vertex of each new one.
    """
    if keep is None:
        keep = np.ones(len(raw.op), dtype=np.bool_)
    wire_kept = np.repeat(keep, raw.fan_in)
    fan_in = raw.fan_in[keep]
    operands = raw.operands[wire_kept].astype(np.int64)
    weights = raw.weights[wire_kept].astype(np.int32)

    # The constants of a sum become weights on the constant 1, raw vertex `one`.
    one = len(raw.op)
    in_sum = np.repeat(raw.op[keep] == SUM, fan_in)
    from_constant = (raw.op[operands] == CONSTANT) & in_sum
    wires = np.flatnonzero(from_constant & (raw.params[operands] != exact.PI_PLACE))
    for wire, value in zip(
        wires.tolist(), raw.params[operands[wires]].tolist(), strict=True
    ):
        if value != exact.ONE:
            scaled = exact.rational(int(weights[wire])) * exact.rational(value)
            weights[wire] = exact.intern(exact.check_digits(scaled))
    operands[wires] = one

    values = np.append(raw.params, exact.ONE)
    is_constant = np.append(raw.op == CONSTANT, True)
    wanted = np.zeros(one + 1, dtype=np.bool_)
    wanted[operands] = True
    wanted[used] = True
    places = np.unique(values[wanted & is_constant])
    places = np.array(sorted(places.tolist(), key=exact.sort_key), dtype=np.int32)

    inputs = np.flatnonzero(raw.op == INPUT)
    gates = np.flatnonzero(keep & (raw.op > CONSTANT))
    place = np.full(one + 1, -1, dtype=np.int64)
    place[inputs] = np.arange(len(inputs))
    first_gate = len(inputs) + len(places)
    place[gates] = first_gate + np.arange(len(gates))
    constant_vertex = {p: len(inputs) + i for i, p in enumerate(places.tolist())}
    constants = np.flatnonzero(is_constant)
    found = [constant_vertex.get(p, -1) for p in values[constants].tolist()]
    place[constants] = np.array(found, dtype=np.int64)

    count = first_gate + len(gates)
    op = np.full(count, CONSTANT, dtype=np.uint8)
    op[: len(inputs)] = INPUT
    op[first_gate:] = raw.op[gates]
    params = np.full(count, -1, dtype=np.int32)
    params[len(inputs) : first_gate] = places
    params[first_gate:] = raw.params[gates]
    shapes = np.zeros(count, dtype=np.int32)
    shapes[: len(inputs)] = raw.shapes[inputs]
    shapes[first_gate:] = raw.shapes[gates]
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(raw.fan_in[gates], out=offsets[first_gate + 1 :])

    origin = np.full(count, -1, dtype=np.int64)
    kept = np.flatnonzero(place >= 0)[::-1]  # the first raw vertex is written last
    origin[place[kept]] = kept
    origin[origin == one] = -1
    columns = Columns(
        op, offsets, place[operands].astype(np.int32), weights, params, shapes
    )
    return columns, place[:-1], origin
