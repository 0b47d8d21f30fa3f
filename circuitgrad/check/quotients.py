"""Quotients of polynomials in many variables, by FLINT, within a bound on the work.

Nothing is reduced to lowest terms: two quotients are equal where their cross product
is.  Every product is bounded before it is made, so no computation can take long.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import flint

from circuitgrad import exact
from circuitgrad.errors import EvaluationError

__all__ = ["Quotient", "Quotients", "TooLargeError"]

#: Most products of terms that one product of polynomials may take.
MAX_PRODUCTS: Final = 20_000_000
#: Largest total degree of a polynomial.
MAX_DEGREE: Final = 2**20


class TooLargeError(Exception):
    """A polynomial would pass the bound."""


class Quotient:
    """A polynomial over another, which is not 0."""

    __slots__ = ("above", "below", "ring")

    def __init__(self, ring: Quotients, above: Any, below: Any) -> None:
        self.ring, self.above, self.below = ring, above, below

    def __add__(self, other: Quotient) -> Quotient:
        self.ring.charge(len(self.above) + len(other.above))
        if self.below == other.below:
            return Quotient(self.ring, self.above + other.above, self.below)
        times = self.ring.times
        above = times(self.above, other.below) + times(other.above, self.below)
        return Quotient(self.ring, above, times(self.below, other.below))

    def __mul__(self, other: Quotient) -> Quotient:
        times = self.ring.times
        return Quotient(
            self.ring,
            times(self.above, other.above),
            times(self.below, other.below),
        )

    def __neg__(self) -> Quotient:
        return Quotient(self.ring, -self.above, self.below)

    def __sub__(self, other: Quotient) -> Quotient:
        return self + -other

    def __pow__(self, exponent: int) -> Quotient:
        above, below = self.above, self.below
        if exponent < 0:
            if not above:
                raise ZeroDivisionError
            above, below = below, above
        raised, times = self.ring.raised, abs(exponent)
        return Quotient(self.ring, raised(above, times), raised(below, times))

    def equals(self, other: Quotient) -> bool:
        """Tell whether two quotients are the same function."""
        if self.below == other.below:
            return bool(self.above == other.above)
        times = self.ring.times
        return bool(times(self.above, other.below) == times(other.above, self.below))

    def derivative(self, variable: int) -> Quotient:
        """Differentiate by a variable."""
        times, above, below = self.ring.times, self.above, self.below
        self.ring.charge(len(above) + len(below))
        slope, bend = above.derivative(variable), below.derivative(variable)
        if not bend:
            return Quotient(self.ring, slope, below)
        grown = times(slope, below) - times(above, bend)
        return Quotient(self.ring, grown, times(below, below))

    def without(self, variable: int) -> Quotient:
        """Set a variable to 0."""
        self.ring.charge(len(self.above) + len(self.below))
        name = self.ring.context.name(variable)
        below = self.below.subs({name: 0})
        if not below:
            raise ZeroDivisionError
        return Quotient(self.ring, self.above.subs({name: 0}), below)


class Quotients:
    """The field of quotients in some variables; an arithmetic of gates, too.

    Parameters
    ----------
    variables : int
        The number of variables.
    work : int
        Most products of terms in all.
    """

    def __init__(self, variables: int, work: int) -> None:
        names = [("x", variables)] if variables else []
        self.context = flint.fmpq_mpoly_ctx.get(names, flint.Ordering.degrevlex)
        self.one = self.context.constant(1)
        self.work = work
        #: A term has a byte, at least, for the exponent of each variable.
        self.width = 1 + variables // 64

    def variable(self, number: int) -> Quotient:
        """Give a variable."""
        return Quotient(self, self.context.gen(number), self.one)

    def number(self, value: exact.Number | int) -> Quotient:
        """Give a rational number."""
        if isinstance(value, exact.Pi):
            raise EvaluationError("pi has no rational value")
        ratio = flint.fmpq(*value.as_integer_ratio())
        return Quotient(self, self.context.constant(ratio), self.one)

    def charge(self, work: int) -> None:
        """Count work on terms, and refuse what is too much."""
        self.work -= work * self.width
        if self.work < 0:
            raise TooLargeError

    def times(self, a: Any, b: Any) -> Any:
        """Multiply two polynomials.

        Raises
        ------
        TooLargeError
            If that takes too many products of terms, or the degree grows too large.
        """
        products = len(a) * len(b)
        self.charge(products * (1 + (_bits(a) + _bits(b)) // 64))
        if products > MAX_PRODUCTS:
            raise TooLargeError
        found = a * b
        if found.total_degree() > MAX_DEGREE:
            raise TooLargeError
        return found

    def raised(self, a: Any, exponent: int) -> Any:
        """Raise a polynomial to a power, from 0."""
        if exponent == 1:
            return a
        if a.total_degree() * exponent > MAX_DEGREE:
            raise TooLargeError
        if len(a) < 2:
            return a**exponent
        found = self.one
        for bit in bin(exponent)[2:]:
            found = self.times(found, found)
            if bit == "1":
                found = self.times(found, a)
        return found

    # What gates of rational functions ask of an arithmetic.

    def divide(self, u: Quotient, v: Quotient) -> Quotient:
        """Divide."""
        return u * v**-1

    def power(self, u: Quotient, exponent: Fraction) -> Quotient:
        """Raise to a whole power."""
        return u ** int(exponent)


def _bits(polynomial: Any) -> int:
    """Give how long the leading coefficient is: others are not much longer."""
    if not polynomial:
        return 0
    leading = polynomial.leading_coefficient()
    return max(abs(int(leading.p)).bit_length(), int(leading.q).bit_length())
