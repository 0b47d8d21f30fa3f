"""Weights as products by constants, as the notes read them, and back."""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import PROD, SUM
from circuitgrad.passes.fold import fold
from circuitgrad.passes.fuse import fuse
from circuitgrad.passes.rebuild import Rebuild, rebuild

__all__ = ["desugar", "sugar"]


def desugar(circuit: Circuit) -> Circuit:
    """Make every weight a product gate by a constant: "syntactic sugar" undone.

    ``x - 3*y`` becomes ``x + prod(-3, y)``, and a sum of one weighted wire that product
    itself.  A number on its own stays a weight on the constant 1.  Exact everywhere;
    linear in wires; idempotent; `sugar` is the inverse.
    """
    columns = circuit.columns
    from_one = columns.operands < columns.sources
    from_one &= columns.operands >= columns.inputs
    weighted = (columns.weights != exact.ONE) & ~from_one
    if not weighted.any():
        return circuit
    touched = np.zeros(len(columns), dtype=np.bool_)
    touched[columns.consumer[weighted]] = True

    def emit(work: Rebuild, vertex: int) -> int | None:
        if not touched[vertex]:
            return None
        operands, weights = work.operands(vertex)
        for slot, wire in enumerate(columns.wires_of(vertex)):
            if weighted[wire]:
                factor = work.builder.constant_vertex(weights[slot])
                operands[slot] = work.builder.add(PROD, (factor, operands[slot]))
                weights[slot] = exact.ONE
        if len(operands) == 1:
            return operands[0]
        return work.builder.add(SUM, operands, weights)

    return rebuild(circuit, "desugar", emit)


def sugar(circuit: Circuit) -> Circuit:
    """Make products by a constant weights again: `fold` and `fuse`."""
    return fuse(fold(circuit))
