"""Real numbers as balls, with the slope in one direction: FLINT's interval arithmetic.

A `Ball` encloses a value and its slope, u + u' t, as a power series in t cut off after
t.  Whatever is computed encloses the true result, so balls that do not meet prove two
numbers different; how close they are says how equal.  The slopes are FLINT's own.

Where a ball is too wide to tell, across a kink or around a pole, `UnsettledError` is
raised: more bits may settle it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import flint

from circuitgrad import exact
from circuitgrad.errors import EvaluationError

__all__ = ["Ball", "Balls", "UnsettledError", "precision"]


class UnsettledError(EvaluationError):
    """A ball that is too wide to tell: more bits may settle it."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute with so many bits within the block, slopes included."""
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = bits, 2
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


class Ball:
    """A ball around a value, and one around its slope.

    Parameters
    ----------
    series : flint.arb_series
        The value plus its slope times t.
    """

    __slots__ = ("series",)

    def __init__(self, series: Any) -> None:
        self.series = series

    @classmethod
    def of(cls, value: Fraction | int, slope: Fraction | int = 0) -> Ball:
        """Enclose a rational number that moves with a rational slope."""
        parts = [flint.arb(flint.fmpq(*v.as_integer_ratio())) for v in (value, slope)]
        return cls(flint.arb_series(parts if slope else parts[:1]))

    @property
    def value(self) -> Any:
        """The ball around the value."""
        return self.series[0]

    @property
    def slope(self) -> Any:
        """The ball around the slope."""
        return self.series[1]

    @property
    def vanishes(self) -> bool:
        """Whether the value and the slope are 0, exactly."""
        return bool(self.value.is_zero() and self.slope.is_zero())

    def __add__(self, other: Ball | int) -> Ball:
        return Ball(self.series + _series(other))

    def __sub__(self, other: Ball | int) -> Ball:
        return Ball(self.series - _series(other))

    def __mul__(self, other: Ball | int) -> Ball:
        return Ball(self.series * _series(other))

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: int) -> Ball:
        return Ball(other - self.series)

    def __neg__(self) -> Ball:
        return Ball(-self.series)

    def __truediv__(self, other: Ball | int) -> Ball:
        divisor = other if isinstance(other, Ball) else Ball.of(other)
        _refuse_zero(divisor, "division by zero", "a division by a ball around 0")
        return Ball(self.series / divisor.series)

    def __rtruediv__(self, other: int) -> Ball:
        return Ball.of(other) / self

    def __pow__(self, exponent: Fraction | int) -> Ball:
        return Balls().power(self, Fraction(exponent))

    def __gt__(self, other: Ball | int) -> bool:
        return _sign(self - other) > 0

    def __lt__(self, other: Ball | int) -> bool:
        return _sign(self - other) < 0


def _series(value: Ball | int) -> Any:
    return value.series if isinstance(value, Ball) else value


def _sign(ball: Ball) -> int:
    """Give the sign of what must not change it: 1, -1, or 0 where it vanishes."""
    value = ball.value
    if value > 0:
        return 1
    if value < 0:
        return -1
    if ball.vanishes:
        return 0
    if value.is_zero():
        raise EvaluationError("a kink at the point")
    raise UnsettledError("a kink within the ball")


def _refuse_zero(ball: Ball, exactly: str, perhaps: str) -> None:
    if ball.value.is_zero():
        raise EvaluationError(exactly)
    if ball.value.contains(0):
        raise UnsettledError(perhaps)


def _refuse_negative(ball: Ball, function: str) -> None:
    """Refuse what is not positive; of 0 itself there may be a value, but no slope."""
    if ball.value > 0:
        return
    if ball.value <= 0:
        raise EvaluationError(f"{function} has no real value or slope here")
    raise UnsettledError(f"{function} of a ball around 0")


class Balls:
    """The arithmetic of balls, with the bits of the `precision` block around it.

    What has no real value raises `EvaluationError`: a logarithm of a negative number.
    """

    def number(self, value: exact.Number | int) -> Ball:
        """Enclose an exact number."""
        if isinstance(value, exact.Pi):
            return Ball(flint.arb_series([flint.arb.pi()]))
        return Ball.of(value)

    def divide(self, u: Ball, v: Ball) -> Ball:
        """Divide, refusing zero."""
        return u / v

    def power(self, u: Ball, exponent: Fraction | Ball) -> Ball:
        """Give the real power."""
        if isinstance(exponent, Ball):
            whole = exponent.value.unique_fmpz() if exponent.value.is_exact() else None
            if whole is None or not exponent.slope.is_zero() or u.value > 0:
                _refuse_negative(u, "a power")
                return self.finite("a power", Ball(u.series**exponent.series))
            exponent = Fraction(int(whole))
        if exponent.denominator == 1:
            if exponent < 0:
                _refuse_zero(u, "division by zero", "a power of a ball around 0")
            return self.finite("a power", Ball(u.series ** int(exponent)))
        if u.vanishes and exponent > 0:
            return u
        _refuse_negative(u, "a power")
        return self.finite("a power", Ball(u.series ** Ball.of(exponent).value))

    def absolute(self, u: Ball) -> Ball:
        """Give the absolute value."""
        return u * _sign(u)

    def sign(self, u: Ball) -> Ball:
        """Give 1, 0 or -1."""
        return Ball.of(_sign(u))

    def step(self, u: Ball) -> Ball:
        """Give 1 where positive, else 0."""
        return Ball.of(int(u > 0))

    def maximum(self, u: Ball, v: Ball) -> Ball:
        """Give the larger."""
        return v if v > u else u

    def minimum(self, u: Ball, v: Ball) -> Ball:
        """Give the smaller."""
        return v if u > v else u

    def select(self, condition: bool, u: Ball, v: Ball) -> Ball:
        """Choose by a condition."""
        return u if condition else v

    def log(self, u: Ball) -> Ball:
        """Give the logarithm."""
        _refuse_negative(u, "log")
        return self.finite("log", Ball(u.series.log()))

    def log1p(self, u: Ball) -> Ball:
        """Give log(1 + u)."""
        return self.log(1 + u)

    def sqrt(self, u: Ball) -> Ball:
        """Give the square root."""
        return self.power(u, Fraction(1, 2))

    def sinh(self, u: Ball) -> Ball:
        """Give (exp(u) - exp(-u))/2."""
        return (self.exp(u) - self.exp(-u)) / 2

    def cosh(self, u: Ball) -> Ball:
        """Give (exp(u) + exp(-u))/2."""
        return (self.exp(u) + self.exp(-u)) / 2

    def tanh(self, u: Ball) -> Ball:
        """Give 2 sigmoid(2u) - 1."""
        return 2 * self.sigmoid(2 * u) - 1

    def sigmoid(self, u: Ball) -> Ball:
        """Give 1/(1 + exp(-u))."""
        return 1 / (1 + self.exp(-u))

    def asin(self, u: Ball) -> Ball:
        """Give the arc sine."""
        return self._arc("asin", u)

    def acos(self, u: Ball) -> Ball:
        """Give the arc cosine."""
        return self._arc("acos", u)

    def _arc(self, name: str, u: Ball) -> Ball:
        inside = 1 - u * u
        if inside.vanishes:  # the slope is infinite, but nothing moves
            return Ball(flint.arb_series([getattr(u.value, name)()]))
        _refuse_negative(inside, name)
        return self.finite(name, Ball(getattr(u.series, name)()))

    def finite(self, function: str, found: Ball) -> Ball:
        """Return a ball, refusing one without end."""
        if not (found.value.is_finite() and found.slope.is_finite()):
            raise UnsettledError(f"{function} has no finite ball here")
        return found

    def __getattr__(self, name: str) -> Callable[..., Ball]:
        if name.startswith("_") or not hasattr(flint.arb_series, name):
            raise AttributeError(name)

        def function(u: Ball) -> Ball:
            return self.finite(name, Ball(getattr(u.series, name)()))

        setattr(self, name, function)
        return function
