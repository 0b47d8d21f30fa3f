"""The chain rule as bulk array operations: what forward and reverse mode share.

Both modes differ only in the direction in which derivatives travel along the wires.  Each
wire (u into g at a slot) contributes one term,

    forward (5):  dg/dx  gets  du/dx * partial        reverse (6):  dy/du  gets  dy/dg * partial

and a vertex's derivative is the sum of its terms.  What a term looks like depends only on
the partial: a number becomes a weight of the sum's wire, anything else a product gate.  So
no walk over the circuit is needed: partials are traced once a gate type and stamped for all
its gates (`Partials`), and room for the terms is found by prefix sums (`Emission`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints, RawColumns
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT, INPUT, PROD, SUM, gate_type
from circuitgrad.provenance import PARTIAL, PRODUCT, Provenance

if TYPE_CHECKING:
    from circuitgrad.columns import Columns

__all__ = ["Emission", "Partials", "Request", "propagate"]


@dataclass(frozen=True)
class _Template:
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
def _template(code: int, arity: int, param: int) -> _Template:
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
    slot = np.full(0, -1, dtype=np.int32)
    for i, partial in enumerate(partials):
        if isinstance(partial, Expr):
            vertex[i] = partial.settled()
        else:
            number[i] = exact.intern(exact.as_fraction(partial))
    raw = builder.raw()
    slot = _slots(raw, vertex)
    return _Template(raw, number, vertex, slot)


def _slots(raw: RawColumns, vertex: Ints) -> Ints:
    """Find the one slot that each template vertex serves, -1 where it serves several."""
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


@dataclass(frozen=True)
class Request:
    """Which derivatives are asked for, as vertices; what both modes do the same.

    Attributes
    ----------
    of : tuple of (str, int)
        Outputs to differentiate.
    wrt : tuple of (str, int)
        Vertices to differentiate by, inputs or gates.
    """

    of: tuple[tuple[str, int], ...]
    wrt: tuple[tuple[str, int], ...]

    @classmethod
    def make(
        cls,
        circuit: Circuit,
        of: Sequence[str] | None,
        wrt: Sequence[str] | None,
        every_vertex: bool,
    ) -> Request:
        """Resolve names; by default every output by every input.

        Raises
        ------
        CircuitError
            If a name is unknown, or a constant.
        """
        outputs = dict(circuit.outputs)
        for name in of or ():
            if name not in outputs:
                known = ", ".join(outputs)
                raise CircuitError(f"no output {name!r}; the outputs are {known}")
        if every_vertex and wrt is not None:
            raise CircuitError("every vertex and a list of vertices exclude each other")
        if every_vertex:
            columns = circuit.columns
            vertices = [*range(columns.inputs), *range(columns.sources, len(columns))]
            chosen = [(circuit.labels[v], v) for v in vertices]
        else:
            chosen = [
                (name, circuit.vertex(name))
                for name in dict.fromkeys(wrt or circuit.inputs)
            ]
            for name, vertex in chosen:
                if circuit.columns.op[vertex] == CONSTANT:
                    raise CircuitError(
                        f"{name!r} is a constant: nothing varies with it"
                    )
        return cls(
            tuple((n, outputs[n]) for n in dict.fromkeys(of or outputs)), tuple(chosen)
        )

    @property
    def of_vertices(self) -> Ints:
        """The output vertices."""
        return np.array([vertex for _, vertex in self.of], dtype=np.int64)

    @property
    def wrt_vertices(self) -> Ints:
        """The vertices to differentiate by."""
        return np.array([vertex for _, vertex in self.wrt], dtype=np.int64)


class Emission:
    """An emitted circuit on its way: blocks of raw vertices after those of the source."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.count = len(circuit.columns)
        self.blocks = [RawColumns.of(circuit.columns)]
        self.names = [circuit.names]
        self.provenance = Provenance.of(circuit)
        self.constants: dict[int, int] = {}

    def append(
        self,
        block: RawColumns,
        role: Ints | int,
        vertex: Ints,
        slot: Ints,
        other: Ints | int,
    ) -> int:
        """Add a block; its operands are raw vertices.  Gives the first vertex's number."""
        first, size = self.count, len(block.op)
        self.blocks.append(block)
        self.names.append(np.full(size, None, dtype=object))
        self.provenance = self.provenance.extended(
            np.broadcast_to(np.asarray(role), size),
            vertex,
            slot,
            np.broadcast_to(np.asarray(other), size),
        )
        self.count += size
        return first

    def source(self, op: int, param: int) -> int:
        """Add an input (to be named by the caller) or a constant."""
        none = np.array([-1])
        return self.append(RawColumns.sources(op, np.array([param])), 0, none, none, -1)

    def constant(self, place: int) -> int:
        """Give the raw vertex of a constant."""
        if place not in self.constants:
            found = self.circuit.columns.place_of_constant(place)
            self.constants[place] = (
                self.source(CONSTANT, place) if found is None else found
            )
        return self.constants[place]

    def finish(
        self,
        outputs: Sequence[tuple[str, int]],
        names: Sequence[tuple[str, int]],
        pass_name: str,
    ) -> Circuit:
        """Make the circuit, with names for vertices that were appended.

        A vertex that is an output, or has a name, gets none; a name that is taken by a
        gate or an output gets ``_2``.
        """
        all_names = np.concatenate(self.names)
        taken = {label for label, _ in outputs} | set(filter(None, self.circuit.names))
        unnamed = {vertex for _, vertex in outputs}
        for wanted, vertex in names:
            if vertex in unnamed or all_names[vertex] is not None:
                continue
            name, count = wanted, 1
            while name in taken:
                count += 1
                name = f"{wanted}_{count}"
            taken.add(name)
            all_names[vertex] = name
        return Circuit.assemble(
            RawColumns.joined(self.blocks),
            all_names,
            outputs,
            name=self.circuit.name,
            provenance=self.provenance,
            pass_name=pass_name,
        )


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
        scaled = np.flatnonzero((self.number >= 0) & (columns.weights != exact.ONE))
        ones = self.number[scaled] == exact.ONE
        self.number[scaled[ones]] = columns.weights[scaled[ones]]
        self.nonzero: Bools = self.number != exact.ZERO

    def _grouped(self) -> list[tuple[Ints, _Template]]:
        """Group the gates by type, arity and parameter, with the template of each group."""
        columns = self.columns
        gates = np.arange(columns.sources, len(columns))
        if not len(gates):
            return []
        key = np.stack(
            [columns.op[gates], columns.fan_in[gates], columns.params[gates]]
        )
        kinds, group = np.unique(key, axis=1, return_inverse=True)
        order = np.argsort(group, kind="stable")
        bounds = np.cumsum(np.bincount(group.ravel()))[:-1]
        members = np.split(gates[order.ravel()], bounds)
        return [
            (member, _template(*(int(k) for k in kind)))
            for member, kind in zip(members, kinds.T, strict=True)
        ]

    def stamp(self, emission: Emission, wanted: Bools) -> None:
        """Emit the partial gates of the wanted gates, and fill in ``vertex``."""
        for gates, template in self._groups:
            chosen = gates[wanted[gates]]
            if len(chosen) and (template.vertex >= 0).any():
                self._stamp_group(emission, chosen, template)

    def _stamp_group(
        self, emission: Emission, gates: Ints, template: _Template
    ) -> None:
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


def propagate(
    emission: Emission,
    partials: Partials,
    *,
    wires: Ints,
    into: Ints,
    out_of: Ints,
    seeds: dict[int, int],
    role: int,
    other: int,
) -> Ints:
    """Emit the derivative of every vertex that terms run into.

    Parameters
    ----------
    emission : Emission
    partials : Partials
        Stamped for the consumers of all these wires.
    wires : array of int
        The wires that contribute, ordered so that a vertex's terms stand together and
        after the derivatives that they use.
    into, out_of : array of int
        For each of these wires, the vertex whose derivative gets the term and the vertex
        whose derivative the term uses.
    seeds : dict
        The derivatives that are given: vertex to raw vertex.  A seed that is a constant
        is a number.
    role, other : int
        For the provenance.

    Returns
    -------
    array of int
        The raw vertex of each vertex's derivative, -1 where it is structurally zero.

    Notes
    -----
    Linear in the wires, but for the aliases (a derivative that is one term of weight 1 is
    that term): they are followed by pointer jumping, in log(depth) array operations.
    """
    size = len(partials.columns)
    derivative = np.full(size, -1, dtype=np.int64)
    for vertex, seed in seeds.items():
        derivative[vertex] = seed
    if not len(wires):
        return derivative
    number = partials.number[wires]
    is_product = number < 0
    is_seed = np.zeros(size, dtype=np.bool_)
    for vertex, seed in seeds.items():
        is_seed[vertex] = seed in emission.constants.values()

    # One group of terms for each vertex that gets any, in order.
    starts = np.flatnonzero(np.append(True, into[1:] != into[:-1]))
    targets = into[starts]
    terms = np.diff(np.append(starts, len(wires)))
    group = np.repeat(np.arange(len(starts)), terms)
    alone = terms == 1
    lone_number = alone & ~is_product[starts]
    alias = lone_number & (number[starts] == exact.ONE) & ~is_seed[out_of[starts]]
    has_sum = ~alone | (lone_number & ~alias)

    # Room: the products of a group, then its sum.
    products = np.add.reduceat(is_product.astype(np.int64), starts)
    room = products + has_sum
    base = emission.count + np.cumsum(room) - room
    rank: Ints = np.cumsum(is_product) - is_product
    product_at = base[group] + rank - rank[starts][group]
    at = base + room - 1  # the sum, or the one product

    # Follow aliases to the derivative that they are.
    parent = np.arange(size)
    parent[targets[alias]] = out_of[starts[alias]]
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            break
        parent = further
    derivative[targets[~alias]] = at[~alias]
    derivative = derivative[parent]

    # The gates: operands in emission order, products before their sum.
    total = int(room.sum())
    op = np.full(total, SUM, dtype=np.uint8)
    op[product_at[is_product] - emission.count] = PROD
    fan_in = np.full(total, 2, dtype=np.int64)
    fan_in[at[has_sum] - emission.count] = terms[has_sum]
    offsets = np.cumsum(fan_in) - fan_in
    operands = np.empty(int(fan_in.sum()), dtype=np.int64)
    weights = np.full(len(operands), exact.ONE, dtype=np.int32)
    room_of = offsets[product_at[is_product] - emission.count]
    operands[room_of] = derivative[out_of[is_product]]
    operands[room_of + 1] = partials.vertex[wires[is_product]]
    in_sum = has_sum[group]
    slot = np.arange(len(wires)) - starts[group]
    sum_at = offsets[(at - emission.count)[group[in_sum]]] + slot[in_sum]
    operands[sum_at] = np.where(
        is_product[in_sum], product_at[in_sum], derivative[out_of[in_sum]]
    )
    weights[sum_at] = np.where(is_product[in_sum], exact.ONE, number[in_sum])

    belongs = np.repeat(targets, room)
    roles = np.full(total, role, dtype=np.uint8)
    slots = np.full(total, -1, dtype=np.int32)
    made = product_at[is_product] - emission.count
    roles[made] = PRODUCT
    belongs[made] = partials.columns.consumer[wires[is_product]]
    slots[made] = partials.columns.slot[wires[is_product]]
    lone_product = at[alone & is_product[starts]] - emission.count
    roles[lone_product] = role  # the only term is the derivative itself
    belongs[lone_product] = targets[alone & is_product[starts]]
    slots[lone_product] = -1
    emission.append(
        RawColumns(
            op,
            fan_in,
            operands,
            weights,
            np.full(total, -1, dtype=np.int32),
            np.zeros(total, dtype=np.int32),
        ),
        roles,
        belongs,
        slots,
        other,
    )
    return derivative
