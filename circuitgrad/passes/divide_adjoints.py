"""Adjoints divided, as Baur and Strassen propagate through a quotient."""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import DIV, INV, PROD, SUM
from circuitgrad.passes.rebuild import Rebuild, rebuild
from circuitgrad.provenance import PARTIAL

__all__ = ["divide_adjoints"]


def divide_adjoints(circuit: Circuit) -> Circuit:
    """Divide adjoints where the chain rule multiplies them by a quotient's partials.

    The partials of y = u/v are 1/v and -(y/v), and the notes' chain rule multiplies the
    adjoint a of y by both: five operations, with the two partials.  As a/v and
    -((a/v)*y) they are two, which is what Baur and Strassen count.  Only gates that a
    differentiation emitted are read so; no operation is added.
    """
    partial = _partials(circuit)
    if not partial:
        return circuit
    assert circuit.provenance is not None, "its partials were found"
    gate_of = circuit.provenance.vertex.tolist()
    quotients: dict[tuple[int, int], int] = {}  # by adjoint, and the gate y

    def emit(work: Rebuild, vertex: int) -> int | None:
        columns, builder = circuit.columns, work.builder
        operands = columns.operands_of(vertex)
        found = [u for u in operands if u in partial]
        if columns.op[vertex] != PROD or len(operands) != 2 or len(found) != 1:
            return None
        [adjoint] = [u for u in operands if u not in partial]
        value, divisor = partial[found[0]]
        above, below = work.now[adjoint], work.now[divisor]
        key = above, gate_of[found[0]]
        if key not in quotients:
            quotients[key] = builder.add(DIV, (above, below))
        quotient = quotients[key]
        if value < 0:
            return quotient
        product = builder.add(PROD, (quotient, work.now[value]))
        return builder.add(SUM, (product,), (exact.MINUS_ONE,))

    return rebuild(circuit, "divide_adjoints", emit)


def _partials(circuit: Circuit) -> dict[int, tuple[int, int]]:
    """Find the partials 1/v, as -1 and v, and -(y/v), as y and v, of quotients."""
    columns, provenance = circuit.columns, circuit.provenance
    if provenance is None or not (columns.op == DIV).any():
        return {}
    last = provenance.order == provenance.order.max(initial=0)
    emitted = last & (provenance.role == PARTIAL) & columns.varies
    found = {}
    for vertex in np.flatnonzero(emitted).tolist():
        operands = columns.operands_of(vertex)
        if columns.op[vertex] == INV:
            found[vertex] = -1, operands[0]
        elif columns.op[vertex] == SUM and len(operands) == 1:
            below = operands[0]
            negated = columns.weights_of(vertex) == [exact.MINUS_ONE]
            if emitted[below] and columns.op[below] == DIV and negated:
                value, divisor = columns.operands_of(below)
                found[vertex] = value, divisor
    return found
