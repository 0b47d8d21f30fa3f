"""Fusing sums of sums gate by gate: of arrays, or with numbers too long for words.

What `circuitgrad.passes.fuse` does in one compiled sweep, done gate by gate with
exact numbers of any length: slower, and quadratic where sums feed sums in a long web.
"""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints
from circuitgrad.gates import CONSTANT, SUM
from circuitgrad.passes.edit import Edit

__all__ = ["fuse_exactly"]

SIGNS = (exact.ONE, exact.MINUS_ONE)


def fuse_exactly(circuit: Circuit, ieee: bool) -> Circuit:
    """Fuse until a round changes nothing; a weight of more than 64 digits is not made.

    Linear in wires for each round.
    """
    while True:
        fused = _round(circuit, ieee)
        if fused is circuit:
            return circuit
        circuit = fused


def _round(circuit: Circuit, ieee: bool) -> Circuit:
    columns = circuit.columns
    is_sum = columns.op == SUM
    live_wire = (circuit.live & columns.is_gate)[columns.consumer]
    inner = live_wire & is_sum[columns.operands] & is_sum[columns.consumer]
    touched = np.zeros(len(columns), dtype=np.bool_)
    touched[columns.consumer[inner]] = True
    touched[
        columns.consumer[_repeated(circuit, live_wire & is_sum[columns.consumer])]
    ] = True
    if not ieee:
        number = columns.op[columns.operands] == CONSTANT
        zero = number & live_wire & is_sum[columns.consumer]
        touched[columns.consumer[zero & (columns.weights == exact.ZERO)]] = True
    merged = _merged(circuit, live_wire)

    edit = Edit(circuit)
    # What could be merged may stay: under --ieee for its weight, among arrays for its
    # shape.
    alone = ieee or columns.shaped
    for vertex in np.flatnonzero(touched if alone else touched & ~merged).tolist():
        _, operands, weights, _ = edit.gate(vertex)
        mergeable = merged
        if columns.shaped:
            mergeable = merged & (columns.shapes == columns.shapes[vertex])
        spliced = _splice(edit, mergeable, operands, weights, ieee)
        if spliced == list(zip(operands, weights, strict=True)):
            continue
        if not edit.keeps_shape(vertex, [u for u, _ in spliced]):
            continue  # terms cancelled that the shape came from
        one = edit.constant(exact.ONE)
        if not spliced:
            edit.alias[vertex] = edit.constant(exact.ZERO)
        elif len(spliced) == 1 and spliced[0][0] == one:
            edit.alias[vertex] = edit.constant(spliced[0][1])
        elif len(spliced) == 1 and spliced[0][1] == exact.ONE:
            edit.alias[vertex] = spliced[0][0]
        else:
            edit.replace(vertex, SUM, [u for u, _ in spliced], [w for _, w in spliced])
    if not edit.changed:
        return circuit
    return edit.finish("fuse", live_only=True)


def _repeated(circuit: Circuit, wires: Bools) -> Ints:
    """Find the wires whose gate has an earlier wire from the same vertex."""
    columns = circuit.columns
    chosen = np.flatnonzero(wires)
    key = (
        columns.consumer[chosen].astype(np.int64) * len(columns)
        + columns.operands[chosen]
    )
    _, first = np.unique(key, return_index=True)
    return np.delete(chosen, first)


def _merged(circuit: Circuit, live_wire: Bools) -> Bools:
    """Tell which sums of several wires have one use, which is a sum."""
    columns = circuit.columns
    is_sum = columns.op == SUM
    uses = np.bincount(columns.operands[live_wire], minlength=len(columns))
    np.add.at(uses, circuit.output_vertices, 1)
    in_sums = live_wire & is_sum[columns.consumer]
    sum_uses = np.bincount(columns.operands[in_sums], minlength=len(columns))
    # A use through a sum of one wire counts once for each sum that uses that, and once
    # where the sum stays, because it has another use.
    alone = np.flatnonzero(is_sum & (columns.fan_in == 1) & circuit.live)
    for vertex in alone[::-1].tolist():
        through = sum_uses[vertex] + (uses[vertex] > sum_uses[vertex])
        uses[columns.operands[columns.offsets[vertex]]] += through - 1
    merged: Bools = is_sum & (columns.fan_in > 1) & (uses == 1) & (sum_uses == 1)
    return merged


def _splice(
    edit: Edit,
    merged: Bools,
    operands: list[int],
    weights: list[int],
    ieee: bool,
) -> list[tuple[int, int]]:
    """Give a sum's terms with the sums among them taken apart, in their order."""
    terms: dict[int, int] = {}
    one = edit.constant(exact.ONE)
    stack = list(zip(reversed(operands), reversed(weights), strict=True))
    while stack:
        vertex, weight = stack.pop()
        inner = _terms(edit, merged, vertex)
        if ieee and inner and len(inner) > 1 and weight not in SIGNS:
            inner = None
        scaled = [(u, exact.product(weight, w)) for u, w in inner] if inner else []
        if inner and all(w is not None for _, w in scaled):
            stack.extend(reversed(scaled))  # type: ignore[arg-type]
            continue
        place = edit.place(vertex)
        if place >= 0 and place not in (exact.ONE, exact.PI_PLACE):
            vertex, weight = (
                one,
                exact.intern(exact.rational(weight) * exact.rational(place)),
            )
        if vertex in terms and ieee:
            return list(zip(operands, weights, strict=True))
        if vertex in terms:
            total = exact.rational(terms[vertex]) + exact.rational(weight)
            if not exact.fits(total):
                return list(zip(operands, weights, strict=True))
            terms[vertex] = exact.intern(total)
        else:
            terms[vertex] = weight
    return [
        (vertex, weight)
        for vertex, weight in terms.items()
        if weight != exact.ZERO or ieee
    ]


def _terms(edit: Edit, merged: Bools, vertex: int) -> list[tuple[int, int]] | None:
    """Give the terms of an operand that is taken apart; None where it stays."""
    columns = edit.columns
    if vertex >= len(columns) or columns.op[vertex] != SUM:
        return None
    _, operands, weights, _ = edit.gate(vertex)
    if len(operands) == 1 or merged[vertex]:
        return list(zip(operands, weights, strict=True))
    return None
