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

from circuitgrad import buffers, exact, loops
from circuitgrad.errors import LimitError
from circuitgrad.gates import CONSTANT, INPUT, SUM, gate_type, gate_types
from circuitgrad.loops import kernel
from circuitgrad.shapes import SCALAR, place_of, shape_at

__all__ = [
    "Bools",
    "Columns",
    "Ints",
    "Patch",
    "RawColumns",
    "assemble",
    "first_defect",
    "infer_shape",
    "infer_shapes",
    "option_table",
    "shaping_table",
    "starts_of",
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
    ``shapes[v]`` is the place of its shape in `circuitgrad.shapes`; 0 is ``()``.
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

    @cached_property
    def shaped(self) -> bool:
        """Whether there is an array, or a matrix gate: more than scalar gates."""
        return bool(self.shapes.any() or shaping_table()[self.op].any())

    def shape(self, vertex: int) -> tuple[int, ...]:
        """Give the shape of a vertex."""
        return shape_at(int(self.shapes[vertex]))

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
        starts = buffers.full(len(self) + 2, 0, np.int64)
        wires = buffers.empty(self.wires, np.int32)
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


def starts_of(fan_in: Ints) -> Ints:
    """Give where the wires of vertices start, one vertex after another, and end.

    Raises
    ------
    LimitError
        If there are 2^31 wires or more.
    """
    if int(fan_in.sum(dtype=np.int64)) >= 2**31:
        raise LimitError("2^31 wires or more (the limit)")
    offsets = np.zeros(len(fan_in) + 1, dtype=np.int32)
    np.cumsum(fan_in, out=offsets[1:])
    return offsets


def trait_table(trait: str) -> Bools:
    """Give, for each gate type code, whether the type has a trait."""
    return np.array([False, False, *(trait in gate.traits for gate in gate_types())])


def shaping_table() -> Bools:
    """Give, for each code, whether that is a matrix gate, whose shape is its own."""
    return np.array([False, False, *(gate.matrix for gate in gate_types())])


def option_table() -> Bools:
    """Give, for each code, whether a gate's parameter is options, and no number."""
    return np.array([False, False, *(bool(gate.options) for gate in gate_types())])


def infer_shape(code: int, param: int, operands: Sequence[int]) -> int:
    """Give the place of a gate's shape, from those of its operands.

    Raises
    ------
    ShapeError
        If these do not go together.
    """
    gate = gate_type(code)
    if not gate.matrix and not any(operands):
        return SCALAR
    options = exact.options(param) if gate.options else ()
    return place_of(gate.shape_of([*map(shape_at, operands)], options))


def infer_shapes(
    op: Ints, offsets: Ints, operands: Ints, params: Ints, shapes: Ints
) -> Ints:
    """Give the places of all shapes, from those of the inputs.

    In Python, a gate after another: circuits of arrays have few.

    Raises
    ------
    ShapeError
        If the shapes of a gate's operands do not go together.
    """
    found: list[int] = np.where(op == INPUT, shapes, SCALAR).tolist()
    codes, starts = op.tolist(), offsets.tolist()
    used, places = operands.tolist(), params.tolist()
    for v in np.flatnonzero(op > CONSTANT).tolist():
        below = [found[u] for u in used[starts[v] : starts[v + 1]]]
        found[v] = infer_shape(codes[v], places[v], below)
    return np.array(found, dtype=np.int32)


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
    parameter = np.array([False, False, *(gate.has_param for gate in gate_types())])
    found = np.full(2, -1, dtype=np.int64)
    _defect(
        columns.op, columns.offsets, columns.operands, columns.weights, columns.params,
        arity, parameter, found,
    )  # fmt: skip
    vertex, kind = found.tolist()
    if vertex < 0:
        return None
    gate = gate_type(int(columns.op[vertex]))
    wrong = "no parameter" if gate.has_param else "a parameter"
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
        return cls(
            np.concatenate([part.op for part in parts]),
            starts_of(np.concatenate([np.diff(part.offsets) for part in parts])),
            np.concatenate([part.operands for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.params for part in parts]),
            np.concatenate([part.shapes for part in parts]),
        )


@dataclass(frozen=True)
class Patch:
    """Gates that stand in the place of others: the columns of those, ascending."""

    vertices: Ints
    op: Ints
    offsets: Ints
    operands: Ints
    weights: Ints
    params: Ints

    @classmethod
    def of(cls, gates: Mapping[int, tuple[int, list[int], list[int], int]]) -> Patch:
        """Make the patch of some gates: code, operands, weights, parameter."""
        vertices = sorted(gates)
        new = [gates[vertex] for vertex in vertices]
        fan_in = np.array([len(used) for _, used, _, _ in new], dtype=np.int32)
        return cls(
            np.array(vertices, dtype=np.int64),
            np.array([code for code, _, _, _ in new], dtype=np.uint8),
            starts_of(fan_in),
            np.array([u for _, used, _, _ in new for u in used], dtype=np.int32),
            np.array([at for _, _, places, _ in new for at in places], dtype=np.int32),
            np.array([param for _, _, _, param in new], dtype=np.int32),
        )


@kernel
def _survey(  # type: ignore[no-untyped-def]
    op, offsets, operands, params, alias, keep, added,
    patched, patch_op, patch_offsets, patch_operands, wanted, found,
):  # fmt: skip
    """Mark in ``wanted`` the constants in use; one more stands for the 1 of sums.

    ``found`` counts the gates that stay, their wires, and those wires that bring sums
    other numbers than 1.
    """
    p, count, last = 0, len(op), len(wanted) - 1
    gates, wires, odds = 0, 0, 0
    for v in range(count):
        code, start, stop = op[v], offsets[v], offsets[v + 1]
        new = p < len(patched) and patched[p] == v
        if new:
            code, start, stop = patch_op[p], patch_offsets[p], patch_offsets[p + 1]
            p += 1
        if code <= CONSTANT or not keep[v] or alias[v] != v:
            continue
        gates += 1
        wires += stop - start
        for w in range(start, stop):
            u = alias[patch_operands[w] if new else operands[w]]
            if u < count and op[u] != CONSTANT:
                continue
            number = params[u] if u < count else added[u - count]
            if code == SUM and number != exact.PI_PLACE:
                wanted[last] = True
                odds += number != exact.ONE
            else:
                wanted[u] = True
    found[0] = gates
    found[1] = wires
    found[2] = odds


@kernel
def _compact(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, alias, keep, added,
    patched, patch_op, patch_offsets, patch_operands, patch_weights, patch_params,
    one, place, at,
    new_op, new_offsets, new_operands, new_weights, new_params, odd,
):  # fmt: skip
    """Write the gates that stay, one after another from place ``at``.

    ``odd`` takes pairs of a wire and the number other than 1 that it brings a sum.
    """
    p, count, wire, odds = 0, len(op), 0, 0
    for v in range(count):
        code, start, stop, param = op[v], offsets[v], offsets[v + 1], params[v]
        new = p < len(patched) and patched[p] == v
        if new:
            code, start, stop = patch_op[p], patch_offsets[p], patch_offsets[p + 1]
            param = patch_params[p]
            p += 1
        if code <= CONSTANT or not keep[v] or alias[v] != v:
            continue
        for w in range(start, stop):
            u = alias[patch_operands[w] if new else operands[w]]
            new_operands[wire] = place[u]
            new_weights[wire] = patch_weights[w] if new else weights[w]
            if code == SUM and (u >= count or op[u] == CONSTANT):
                number = params[u] if u < count else added[u - count]
                if number != exact.PI_PLACE:
                    new_operands[wire] = one
                    if number != exact.ONE:
                        odd[odds] = wire
                        odd[odds + 1] = number
                        odds += 2
            wire += 1
        new_op[at] = code
        new_params[at] = param
        place[v] = at
        at += 1
        new_offsets[at] = wire


def assemble(
    raw: RawColumns,
    used: Ints,
    *,
    keep: Bools | None = None,
    alias: Ints | None = None,
    patch: Patch | None = None,
    added: Sequence[int] = (),
) -> tuple[Columns, Ints]:
    """Put raw columns in the canonical order.

    Parameters
    ----------
    raw : RawColumns
    used : array of int
        Vertices that must stay though no wire uses them: outputs, named constants.
    keep : array of bool, optional
        Which gates stay; nothing that stays may depend on one that goes.
    alias : array of int32, optional
        For each vertex the one that wires from it come from instead; that is itself
        where the vertex stays.
    patch : Patch, optional
        Gates in the place of others.
    added : sequence of int, optional
        The places of numbers that count as constants behind the last vertex.

    Returns
    -------
    columns : Columns
    place : array of int
        The new vertex of each raw or added one, -1 where it is gone.

    Notes
    -----
    Linear in wires, in two loops.
    """
    count = len(raw.op)
    if keep is None:
        keep = np.ones(count, dtype=np.bool_)
    if alias is None:
        alias = np.arange(count, dtype=np.int32)
    more = np.array(added, dtype=np.int32)
    if len(more):
        behind = np.arange(count, count + len(more), dtype=np.int32)
        alias = np.concatenate([alias, behind])
    patch = patch or Patch.of({})
    op, offsets, weights, params = map(
        _frozen, (raw.op, raw.offsets, raw.weights, raw.params)
    )
    operands = _frozen(np.ascontiguousarray(raw.operands, dtype=np.int32))
    wanted = np.zeros(count + len(more) + 1, dtype=np.bool_)
    wanted[used] = True
    found = np.zeros(3, dtype=np.int64)
    _survey(
        op, offsets, operands, params, alias, keep, more,
        patch.vertices, patch.op, patch.offsets, patch.operands, wanted, found,
    )  # fmt: skip
    gates, wires, odds = found.tolist()

    inputs = np.flatnonzero(op == INPUT)
    old = np.flatnonzero(op == CONSTANT)
    added_and_one = np.arange(count, len(wanted))
    constants = np.concatenate([old, added_and_one])
    values = np.concatenate([params[old], more, [exact.ONE]])
    wanted_values = set(values[wanted[constants]].tolist())
    places = sorted(wanted_values, key=exact.sort_key)
    vertex_of = {value: len(inputs) + i for i, value in enumerate(places)}
    first_gate = len(inputs) + len(places)
    place = buffers.full(len(wanted), -1, np.int32)
    place[inputs] = np.arange(len(inputs))
    place[constants] = [vertex_of.get(value, -1) for value in values.tolist()]

    total = first_gate + gates
    new_op = buffers.empty(total, np.uint8)
    new_op[: len(inputs)] = INPUT
    new_op[len(inputs) : first_gate] = CONSTANT
    new_offsets = buffers.empty(total + 1, np.int32)
    new_offsets[: first_gate + 1] = 0
    new_params = buffers.empty(total, np.int32)
    new_params[: len(inputs)] = -1
    new_params[len(inputs) : first_gate] = places
    new_operands, new_weights = (buffers.empty(wires, np.int32) for _ in range(2))
    odd = np.empty(2 * odds, dtype=np.int64)
    _compact(
        op, offsets, operands, weights, params, alias, keep, more,
        patch.vertices, patch.op, patch.offsets, patch.operands, patch.weights,
        patch.params, vertex_of.get(exact.ONE, -1), place, first_gate,
        new_op, new_offsets, new_operands, new_weights, new_params, odd,
    )  # fmt: skip
    if odds:
        _weigh(new_weights, *odd.reshape(-1, 2).T)
    shapes = np.zeros(total, dtype=np.int32)
    if raw.shapes.any() or shaping_table()[new_op].any():
        shapes[: len(inputs)] = raw.shapes[inputs]
        shapes = infer_shapes(new_op, new_offsets, new_operands, new_params, shapes)
    columns = Columns(
        new_op, new_offsets, new_operands, new_weights, new_params, shapes
    )
    return columns, place[:-1]


def _frozen(array: Ints) -> Ints:
    """Give a view that cannot be written: a loop is compiled for each sort of array."""
    view = array.view()
    view.setflags(write=False)
    return view


def _weigh(weights: Ints, wires: Ints, values: Ints) -> None:
    """Make the numbers other than 1 that wires bring sums weights of the 1."""
    pairs = np.stack([weights[wires], values])
    kinds, kind = np.unique(pairs, axis=1, return_inverse=True)
    scaled = [
        exact.intern(exact.check_digits(exact.rational(a) * exact.rational(b)))
        for a, b in kinds.T.tolist()
    ]
    weights[wires] = np.array(scaled, dtype=np.int32)[kind.ravel()]
