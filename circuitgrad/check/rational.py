"""The level "proved" for rational circuits: polynomials by FLINT, no sympy.

What a circuit of sums, products, quotients and whole powers computes is a quotient of
polynomials in its inputs.  How large those may become is bounded along the circuit
before the first is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.check.quotients import Quotient, Quotients, TooLargeError
from circuitgrad.circuit import Circuit
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import CONSTANT, DIV, INPUT, INV, POWER, PROD, SUM

__all__ = ["MAX_TERMS", "MAX_WORK", "RationalProver", "Size", "sizes"]

#: Most terms that a polynomial may have.
MAX_TERMS: Final = 50_000
#: Longest coefficients, in bits.
MAX_BITS: Final = 20_000
#: Most products of terms in all, for one check: some seconds.
MAX_WORK: Final = 150_000_000
#: Memory that all polynomials of a circuit may take, in bytes.
MAX_BYTES: Final = 200_000_000
#: Products of terms that take as long as what a vertex costs besides.
PER_VERTEX: Final = 500
_GATES: Final = (INPUT, CONSTANT, SUM, PROD, DIV, INV, POWER)


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds on a quotient of polynomials, and on the work that it takes to make.

    Attributes
    ----------
    above, below : int
        Terms of the numerator and the denominator.
    degree, degree_below : int
        Their total degrees.
    bits : int
        Of their coefficients.
    support : int
        The inputs that occur, a bit each.
    work : int
        Products of terms that making it takes, its operands made.
    """

    above: int
    below: int
    degree: int
    degree_below: int
    bits: int
    support: int
    work: int = 0

    @property
    def small(self) -> bool:
        """Whether it may be made."""
        return max(self.above, self.below) <= MAX_TERMS and self.bits <= MAX_BITS

    def clipped(self) -> Size:
        """Bound the terms by the number of monomials there are, too."""
        inputs = self.support.bit_count()
        above = min(self.above, _monomials(self.degree, inputs))
        below = min(self.below, _monomials(self.degree_below, inputs))
        return Size(
            above, below, self.degree, self.degree_below, self.bits, self.support,
            self.work,
        )  # fmt: skip

    def times(self, other: Size) -> Size:
        """Bound a product."""
        work = self.above * other.above + self.below * other.below
        work *= 1 + (self.bits + other.bits) // 64
        return Size(
            self.above * other.above,
            self.below * other.below,
            self.degree + other.degree,
            self.degree_below + other.degree_below,
            self.bits + other.bits + min(self.above, other.above).bit_length(),
            self.support | other.support,
            self.work + other.work + work,
        ).clipped()

    def plus(self, other: Size) -> Size:
        """Bound a sum, over the product of the denominators."""
        work = self.above * other.below + other.above * self.below
        work += self.below * other.below
        work *= 1 + (self.bits + other.bits) // 64
        degrees = self.degree_below, other.degree_below
        bits = max(self.bits, other.bits) + 1
        if self.below > 1 or other.below > 1 or any(degrees):
            bits = self.bits + other.bits + 1
        return Size(
            self.above * other.below + other.above * self.below,
            self.below * other.below,
            max(self.degree + degrees[1], other.degree + degrees[0]),
            sum(degrees),
            bits,
            self.support | other.support,
            self.work + other.work + work,
        ).clipped()

    def inverse(self) -> Size:
        """Bound the inverse."""
        return Size(
            self.below, self.above, self.degree_below, self.degree, self.bits,
            self.support, self.work,
        )  # fmt: skip

    def power(self, exponent: int) -> Size:
        """Bound a power, by repeated squaring."""
        base = self if exponent >= 0 else self.inverse()
        found = ONE
        for bit in bin(abs(exponent))[2:]:
            found = found.times(found)
            if bit == "1":
                found = found.times(base)
            if not found.small:
                return HUGE
        return found


ONE: Final = Size(1, 1, 0, 0, 1, 0)
HUGE: Final = Size(2**62, 2**62, 0, 0, 2**62, 0)


def _monomials(degree: int, inputs: int) -> int:
    """Count the monomials up to a degree; 2^62 where they are too many to count."""
    if min(degree, inputs) > 60 or max(degree, inputs) > 10**6:
        return 2**62
    return math.comb(degree + inputs, inputs)


def sizes(circuit: Circuit, moved: int = -1) -> list[Size]:
    """Bound what the live vertices compute; `HUGE` where that is no small quotient.

    The ``work`` of each is that of its gate alone.  The vertex ``moved`` is moved by
    one variable more.

    Notes
    -----
    One pass, linear in wires; no polynomial is made.
    """
    columns = circuit.columns
    op, params = columns.op.tolist(), columns.params.tolist()
    offsets, operands = columns.offsets.tolist(), columns.operands.tolist()
    weights, live = columns.weights.tolist(), circuit.live.tolist()
    found = [HUGE] * len(op)
    for v in range(columns.inputs):
        found[v] = Size(1, 1, 1, 0, 1, 1 << v)
    for v in range(columns.inputs, columns.sources):
        if params[v] != exact.PI_PLACE:
            found[v] = _number(params[v])
    for v in range(columns.sources, len(op)):
        span = range(offsets[v], offsets[v + 1])
        used = [_made(found[operands[w]]) for w in span]
        if not live[v] or op[v] not in _GATES or not all(u.small for u in used):
            continue
        if op[v] == POWER:
            exponent = exact.rational(params[v])
            if exponent.denominator != 1:
                continue
            used = [used[0].power(int(exponent))]
        if op[v] == SUM:
            used = [
                u if weights[w] == exact.ONE else u.times(_number(weights[w]))
                for u, w in zip(used, span, strict=True)
            ]
        if op[v] in (DIV, INV):
            used[-1] = used[-1].inverse()
        total = used[0]
        for u in used[1:]:
            total = total.plus(u) if op[v] == SUM else total.times(u)
            if not total.small:
                break
        if v == moved:
            total = total.plus(Size(1, 1, 1, 0, 1, 1 << columns.inputs))
        found[v] = total
    return found


def _made(size: Size) -> Size:
    """Give the size of what is there already."""
    return Size(
        size.above, size.below, size.degree, size.degree_below, size.bits, size.support
    )


def _number(place: int) -> Size:
    value = exact.rational(place)
    bits = abs(value.numerator).bit_length() + value.denominator.bit_length()
    return Size(1, 1, 0, 0, bits, 0)


class RationalProver:
    """Proves claims of circuits that are small quotients of polynomials.

    Parameters
    ----------
    circuit, gradient : Circuit
    """

    def __init__(self, circuit: Circuit, gradient: Circuit) -> None:
        self.circuit, self.gradient = circuit, gradient
        self.place = {name: v for v, name in enumerate(circuit.inputs)}
        #: One variable more than inputs: how far a gate is moved.
        self.ring = Quotients(len(self.place) + 1, MAX_WORK)
        self.moved: dict[int, dict[int, Quotient]] = {}

    @cached_property
    def values(self) -> tuple[dict[int, Quotient], dict[int, Quotient]]:
        """What the outputs of both circuits compute, as far as they are small."""
        return self._outputs(self.circuit), self._outputs(self.gradient)

    def _outputs(self, circuit: Circuit, moved: int = -1) -> dict[int, Quotient]:
        """Give the outputs' quotients, with a vertex moved by the last variable."""
        self.ring.work -= PER_VERTEX * len(circuit.columns)
        if self.ring.work < 0:
            return {}
        found = sizes(circuit, moved)
        small = [(name, v) for name, v in circuit.outputs if found[v].small]
        if not small:
            return {}
        part = circuit.with_outputs(small)
        live = np.flatnonzero(part.live).tolist()
        terms = sum(found[v].above + found[v].below for v in live)
        bits = max((found[v].bits for v in live), default=0)
        # a term has a byte, at least, for the exponent of each variable
        if terms * (len(self.place) + bits // 8 + 1) > MAX_BYTES:
            return {}
        if sum(found[v].work for v in live) * self.ring.width > self.ring.work:
            return {}
        last = self.ring.variable(len(self.place))

        def shift(vertex: int, value: Quotient) -> Quotient:
            return value + last if vertex == moved else value

        inputs = [self.ring.variable(self.place[name]) for name in part.inputs]
        try:
            values = vertex_values(part, self.ring, inputs, shift)
        except (TooLargeError, ZeroDivisionError, EvaluationError):
            return {}
        return {v: values[v] for _, v in small}

    def proves(self, claim: Claim) -> bool:
        """Tell whether polynomials show that a claim holds; False is no disproof."""
        try:
            found = self.values[1].get(claim.found) if self.values[0] else None
            if found is None:
                return False
            expected = self._expected(claim)
            return expected is not None and expected.equals(found)
        except (TooLargeError, ZeroDivisionError):
            return False

    def _expected(self, claim: Claim) -> Quotient | None:
        """Give what an output should be, None where that is not small."""
        if claim.by < self.circuit.columns.inputs:
            value = self.values[0].get(claim.output)
            if value is None or claim.by < 0:
                return value
            return value.derivative(claim.by)
        if claim.by not in self.moved:
            self.moved[claim.by] = self._outputs(self.circuit, claim.by)
        value = self.moved[claim.by].get(claim.output)
        last = len(self.place)
        return None if value is None else value.derivative(last).without(last)
