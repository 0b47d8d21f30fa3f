"""Common subexpression elimination by value numbering."""

from __future__ import annotations

import numpy as np

from circuitgrad import loops
from circuitgrad.circuit import Circuit
from circuitgrad.columns import trait_table
from circuitgrad.passes.edit import Edit

__all__ = ["cse"]


def cse(circuit: Circuit) -> Circuit:
    """Merge gates of the same type, parameter, operands and weights.

    The operands of commutative gates are compared without order.  Expected linear in
    wires (hashing); idempotent.

    References
    ----------
    Value numbering: J. Cocke and J. T. Schwartz, "Programming languages and their
    compilers", 1970.
    """
    columns = circuit.columns
    slots = 1 << max(4, (len(columns) * 3 // 2).bit_length())
    same = np.empty(len(columns), dtype=np.int32)
    loops.number_values(
        columns.op,
        columns.offsets,
        columns.operands,
        columns.weights,
        columns.params,
        trait_table("commutative"),
        np.full(slots, -1, dtype=np.int64),
        np.empty(columns.wires, dtype=np.int64),
        same,
    )
    edit = Edit(circuit)
    edit.alias = same
    return edit.finish("cse") if edit.changed else circuit
