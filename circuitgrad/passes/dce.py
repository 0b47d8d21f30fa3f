"""Dead code elimination."""

from __future__ import annotations

from circuitgrad.circuit import Circuit
from circuitgrad.passes.edit import Edit

__all__ = ["dce"]


def dce(circuit: Circuit) -> Circuit:
    """Drop every gate and constant that no output depends on; inputs stay.

    Linear in wires; idempotent.
    """
    keep = circuit.live.copy()
    keep[: circuit.columns.inputs] = True
    if keep.all():
        return circuit
    return Edit(circuit).finish("dce", keep)
