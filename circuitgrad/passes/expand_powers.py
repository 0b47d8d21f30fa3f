"""Whole powers as products, the model that the literature counts in."""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import INV, POWER, PROD
from circuitgrad.passes.rebuild import Rebuild, rebuild

__all__ = ["expand_powers"]


def expand_powers(circuit: Circuit) -> Circuit:
    """Make every whole power products of two, by squaring: x^2 is x*x, of two wires.

    x^p takes a product for each bit of p after the first, and another where that is 1;
    x^-p is the inverse of x^p.  Exact everywhere; idempotent; linear in what is
    emitted.
    """
    columns = circuit.columns
    powers = np.flatnonzero(columns.op == POWER)
    exponents = {v: exact.number(int(columns.params[v])) for v in powers.tolist()}
    whole = {
        vertex: exponent.numerator
        for vertex, exponent in exponents.items()
        if not isinstance(exponent, exact.Pi) and exponent.denominator == 1
    }

    def emit(work: Rebuild, vertex: int) -> int | None:
        if vertex not in whole:
            return None
        exponent, builder = whole[vertex], work.builder
        if exponent == 0:  # of an array, it is one
            array = bool(columns.shapes[vertex])
            return None if array else builder.constant_vertex(exact.ONE)
        [base], _ = work.operands(vertex)
        made = base
        for bit in f"{abs(exponent):b}"[1:]:
            made = builder.add(PROD, (made, made))
            if bit == "1":
                made = builder.add(PROD, (made, base))
        return builder.add(INV, (made,)) if exponent < 0 else made

    return rebuild(circuit, "expand_powers", emit) if whole else circuit
