"""Formal degrees of rational functions: what bounds the chance of a false agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import CONSTANT, DIV, INPUT, INV, POWER, PROD, SUM
from circuitgrad.loops import kernel

__all__ = ["Degree", "degrees", "difference"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Degree:
    """Bounds of the degrees of a numerator and a denominator."""

    above: float
    below: float

    def plus(self, other: Degree) -> Degree:
        """Bound those of a sum."""
        above = max(self.above + other.below, other.above + self.below)
        return Degree(above, self.below + other.below)


@kernel
def _degrees(op, offsets, operands, params, live, exponents, above, below):  # type: ignore[no-untyped-def]
    """Bound the degrees of every vertex, moved by a variable of its own or not."""
    for v in range(len(op)):
        if not live[v]:
            continue
        if op[v] <= CONSTANT:
            above[v] = 1.0 if op[v] == INPUT else 0.0
            continue
        start, stop = offsets[v], offsets[v + 1]
        u = operands[start]
        top, bottom = above[u], below[u]
        if op[v] == SUM:
            for w in range(start + 1, stop):
                u = operands[w]
                top = max(top + below[u], above[u] + bottom)
                bottom += below[u]
        elif op[v] == PROD:
            for w in range(start + 1, stop):
                top += above[operands[w]]
                bottom += below[operands[w]]
        elif op[v] == DIV:
            u = operands[stop - 1]
            top, bottom = top + below[u], bottom + above[u]
        elif op[v] == INV:
            top, bottom = bottom, top
        elif op[v] == POWER and exponents[params[v]] != 0.0:
            e = exponents[params[v]]
            if e < 0.0:
                top, bottom, e = bottom, top, -e
            top, bottom = e * top, e * bottom
        else:
            top, bottom = 2.0, 2.0  # of a function, in an element of its own
        above[v] = max(top, bottom + 1.0)
        below[v] = bottom


def degrees(circuit: Circuit) -> tuple[Floats, Floats]:
    """Bound the degrees of numerators and denominators, as quotients of polynomials.

    The polynomials are in the inputs, in what functions give, each of degree 2 at most
    in an element that is new with each argument, and in a shift of each vertex.

    Returns
    -------
    above, below : array of float
        By vertex; infinite where they pass 10^308.

    Notes
    -----
    Linear in wires.  A sum's denominator is the product of its operands', so
    elimination has degrees that double with each step.
    """
    columns = circuit.columns
    above, below = np.zeros((2, len(columns)))
    exponents = np.zeros(exact.count())
    powers = np.unique(columns.params[circuit.live & (columns.op == POWER)])
    for place in powers.tolist():
        exponent = exact.rational(place)
        if exponent.denominator == 1:
            exponents[place] = exact.to_float(exponent)
    _degrees(
        columns.op, columns.offsets, columns.operands, columns.params, circuit.live,
        exponents, above, below,
    )  # fmt: skip
    return above, below


def derivative(degree: Degree) -> Degree:
    """Bound the degrees of a derivative in a direction, whose entries count."""
    return Degree(degree.above + degree.below + 1.0, 2.0 * degree.below)


def difference(first: Degree, second: Degree) -> float:
    """Bound the degree of the polynomial that is 0 where two quotients are equal."""
    return first.plus(second).above


def log2(degree: float) -> float | None:
    """Give the logarithm, None of infinity."""
    return math.log2(max(degree, 1.0)) if math.isfinite(degree) else None


def weighted(above: Any, below: Any) -> Degree:
    """Bound the degrees of a combination of quotients, whose coefficients count."""
    bottom = float(np.sum(below))
    if not math.isfinite(bottom):
        return Degree(math.inf, math.inf)
    return Degree(1.0 + float(np.max(above - below, initial=0.0)) + bottom, bottom)
