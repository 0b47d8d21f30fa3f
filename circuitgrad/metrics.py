"""Counts of a circuit, as FORMAT.md section 2 defines them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad import exact, loops
from circuitgrad.columns import trait_table
from circuitgrad.counting import (
    Counted,
    Counts,
    Tally,
    Varies,
    either,
)
from circuitgrad.gates import CONSTANT, POWER, PROD, SUM, gate_type
from circuitgrad.provenance import PARTIAL
from circuitgrad.shapes import Shape, entries

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.columns import Columns, Ints

__all__ = ["Stats", "levels", "literal_size", "stats", "theorem3_bound"]

#: Formal degrees from here on are not counted out.
MAX_DEGREE: Final = 10**18


@dataclass(frozen=True)
class Stats:
    """What a circuit costs; only what some output depends on counts.

    Attributes
    ----------
    inputs, outputs, constants : int
        Sources and outputs; constants are those that a gate or an output uses.
    size, wires, depth : int
        Gates, operand slots, gates on the longest path.
    ops, nonscalar : int
        Scalar operations of the straight-line program, and Ostrowski's measure; those
        of arrays as if they were scalarized.
    fan_out : int
        Largest number of wires that leave one vertex.
    multiplicative_depth : int
        Products on the longest path, those with fewer than two wires that no constant
        feeds left out.
    formal_degree : int or None
        Degree of the polynomial that the circuit seems to compute; None where a gate is
        neither a sum, a product nor a power with a whole exponent, or past 10^18.
    """

    inputs: int
    outputs: int
    constants: int
    size: int
    wires: int
    depth: int
    ops: int
    nonscalar: int
    fan_out: int
    multiplicative_depth: int
    formal_degree: int | None

    def as_dict(self) -> dict[str, Any]:
        """Give the counts by name."""
        return asdict(self)


def stats(circuit: Circuit) -> Stats:
    """Count a circuit, in time linear in wires.

    References
    ----------
    Shpilka and Yehudayoff, "Arithmetic circuits: a survey of recent results and open
    questions" (2010), for formal degree, multiplicative depth and fan-out.
    """
    columns = circuit.columns
    live, gate = circuit.live, circuit.columns.is_gate & circuit.live
    live_wire = gate[columns.consumer]
    variable = columns.varies[columns.operands]  # wires that no constant feeds

    def per_gate(wires: Any) -> Any:
        return np.bincount(columns.consumer[wires & live_wire], minlength=len(columns))

    wires, varying = per_gate(live_wire), per_gate(variable)
    sign = (columns.weights == exact.ONE) | (columns.weights == exact.MINUS_ONE)
    scaled = per_gate(variable & ~sign)
    positive = per_gate(~variable | (columns.weights != exact.MINUS_ONE))
    chained, linear = trait_table("chained")[columns.op], columns.op == SUM
    nonscalar = trait_table("nonscalar")[columns.op]

    cost = np.where(chained, wires - 1, 1)
    cost += np.where(linear, scaled + (positive == 0), 0)
    measure = np.where(chained, np.maximum(varying - 1, 0), 1)
    counted = gate & columns.varies  # a gate that depends on no input is a constant
    measure = np.where(nonscalar, measure, 0)
    if columns.shaped:
        _count_entries(columns, live, cost, measure)

    return Stats(
        inputs=columns.inputs,
        outputs=len(circuit.outputs),
        constants=int(np.count_nonzero(live & (columns.op == CONSTANT))),
        size=int(np.count_nonzero(gate)),
        wires=int(np.count_nonzero(live_wire)),
        depth=_longest_path(circuit, gate),
        ops=int(cost[counted].sum()),
        nonscalar=int(measure[counted].sum()),
        fan_out=int(np.bincount(columns.operands[live_wire], minlength=1).max()),
        multiplicative_depth=_longest_path(
            circuit, gate & (columns.op == PROD) & (varying > 1)
        ),
        formal_degree=_formal_degree(circuit),
    )


def _count_entries(columns: Columns, live: Any, cost: Ints, measure: Ints) -> None:
    """Change costs of gates to those of all their entries, as scalarized.

    What a matrix gate costs follows from its value rule.  Entries that depend on no
    input cost nothing.
    """
    varies: list[Varies] = [v < columns.inputs for v in range(len(columns))]
    tally = Tally()
    for v in np.flatnonzero(live & columns.is_gate).tolist():
        gate = gate_type(int(columns.op[v]))
        operands = columns.operands_of(v)
        if gate.matrix:
            tally.ops = tally.nonscalar = 0
            used = [Counted(tally, columns.shape(u), varies[u]) for u in operands]
            param = int(columns.params[v])
            options = gate.named(exact.options(param)) if gate.options else {}
            found = gate.value(Counts(), *used, **options)
            varies[v] = found.varies
            cost[v], measure[v] = tally.ops, tally.nonscalar
            continue
        masks = [varies[u] for u in operands]
        varies[v] = reduce(either, masks)
        if all(isinstance(mask, bool) for mask in masks):
            _count_masked(columns, v, (), masks, cost, measure)
            cost[v] *= entries(columns.shape(v))
            measure[v] *= entries(columns.shape(v))
        else:
            _count_masked(columns, v, columns.shape(v), masks, cost, measure)


def _count_masked(
    columns: Columns,
    v: int,
    shape: Shape,
    masks: list[Varies],
    cost: Ints,
    measure: Ints,
) -> None:
    """Count a scalar gate, whose operands may have entries that are constants."""
    gate = gate_type(int(columns.op[v]))
    wires = np.array([np.broadcast_to(mask, shape) for mask in masks])
    many = wires.sum(axis=0)
    chained = "chained" in gate.traits
    each = np.full(shape, len(masks) - 1 if chained else 1)
    if columns.op[v] == SUM:
        places = columns.weights_of(v)
        for place, wire in zip(places, wires, strict=True):
            each = each + (wire & (place not in (exact.ONE, exact.MINUS_ONE)))
        if all(place == exact.MINUS_ONE for place in places):
            each = each + (many == len(masks))
    cost[v] = each[many > 0].sum()
    products = np.maximum(many - 1, 0) if chained else many > 0
    measure[v] = products.sum() if "nonscalar" in gate.traits else 0


def levels(circuit: Circuit) -> list[int]:
    """Count the gates of each level, the lowest first, in time linear in wires.

    The level of a gate is the number of gates on the longest path that ends in it.
    """
    gate = circuit.columns.is_gate & circuit.live
    of_level = np.bincount(_path_lengths(circuit, gate)[gate], minlength=1)
    found: list[int] = of_level[1:].tolist()
    return found


def _path_lengths(circuit: Circuit, counted: Any) -> Any:
    """Count, for each vertex, the counted ones on the longest path to it."""
    columns = circuit.columns
    level = np.zeros(len(columns), dtype=np.int64)
    loops.levels(columns.offsets, columns.operands, counted.astype(np.int64), level)
    return level


def _longest_path(circuit: Circuit, counted: Any) -> int:
    return int(_path_lengths(circuit, counted)[circuit.output_vertices].max())


def _formal_degree(circuit: Circuit) -> int | None:
    columns = circuit.columns
    gates = np.flatnonzero(circuit.live & columns.is_gate)
    powers = [SUM, PROD, POWER]
    if not np.isin(columns.op[gates], powers).all():
        return None
    degree = [1] * columns.inputs + [0] * (len(columns) - columns.inputs)
    op, operands = columns.op.tolist(), columns.operands.tolist()
    offsets, params = columns.offsets.tolist(), columns.params.tolist()
    for v in gates.tolist():
        below = [degree[u] for u in operands[offsets[v] : offsets[v + 1]]]
        if op[v] == SUM:
            degree[v] = max(below)
        elif op[v] == PROD:
            degree[v] = sum(below)
        else:
            exponent = exact.rational(params[v])
            if exponent.denominator != 1 or exponent < 0:
                return None
            degree[v] = below[0] * int(exponent)
        if degree[v] > MAX_DEGREE:
            return None
    return max(degree[v] for _, v in circuit.outputs)


def theorem3_bound(circuit: Circuit) -> int:
    """Bound the gates of backpropagation's literal output: 3 wires + vertices.

    References
    ----------
    Theorem 3 of the lecture notes on circuits and backpropagation; wires and vertices
    are those that some output depends on.
    """
    live = circuit.live
    wires = int(np.count_nonzero(live[circuit.columns.consumer]))
    return 3 * wires + int(np.count_nonzero(live))


def literal_size(gradient: Circuit) -> int:
    """Count an emitted circuit's gates as Theorem 3 does: each partial is one gate.

    Gates that make one partial derivative together count once, whatever their number;
    what several partials of a gate share counts with those that use it.
    """
    provenance = gradient.provenance
    assert provenance is not None, "only an emitted circuit knows its partials"
    gate = gradient.live & gradient.columns.is_gate
    last = provenance.order == provenance.order.max(initial=0)
    partial = gate & last & (provenance.role == PARTIAL)
    vertex, slot = provenance.vertex[partial], provenance.slot[partial]
    keys = (vertex.astype(np.int64) << 32 | slot)[slot >= 0]
    keys.sort()  # np.unique hashes, which takes ten times as long
    distinct = int(np.count_nonzero(np.diff(keys))) + bool(len(keys))
    return int(np.count_nonzero(gate & ~partial)) + distinct


def operation_set(circuit: Circuit) -> set[str]:
    """Give the names of the gate types that a circuit uses."""
    gate = circuit.live & circuit.columns.is_gate
    return {circuit.gate_type(int(v)).name for v in np.flatnonzero(gate)}
