"""The arithmetics in which a gate's value rule is read.

A value rule ``value(m, *operands)`` uses ``+ - *`` of the operands and, for everything
else, functions of the arithmetic ``m``.  `Floats` computes on float64 and NumPy arrays,
`Rationals` exactly, `Formulas` builds sympy expressions; `circuitgrad.evaluation.balls`
encloses real numbers to any number of bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arrays import ArrayFunctions
from circuitgrad.limits import exceeded, limit

__all__ = ["Floats", "Formulas", "Rationals", "Symbolic"]


class Floats(ArrayFunctions):
    """IEEE double precision, elementwise on arrays; special cases give inf and nan."""

    xp = np
    sqrt, exp, log, log1p = np.sqrt, np.exp, np.log, np.log1p
    sin, cos, tan = np.sin, np.cos, np.tan
    sinh, cosh, tanh = np.sinh, np.cosh, np.tanh
    asin, acos, atan = np.arcsin, np.arccos, np.arctan
    absolute, sign, maximum, minimum = np.abs, np.sign, np.maximum, np.minimum
    divide = np.divide
    select = staticmethod(np.where)
    erf = staticmethod(np.vectorize(math.erf, otypes=[float]))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or not hasattr(np, name):
            raise AttributeError(f"floats have no function {name!r}")
        function: Callable[..., Any] = getattr(np, name)
        return function

    def number(self, value: exact.Number) -> np.float64:
        """Round an exact number."""
        return np.float64(
            exact.to_float(value) if not isinstance(value, int) else value
        )

    def step(self, u: Any) -> Any:
        """Give 1 where positive, else 0; nan stays nan."""
        return np.where(np.isnan(u), u, np.greater(u, 0) * 1.0)

    def sigmoid(self, u: Any) -> Any:
        """Give 1/(1 + exp(-u)); an exponential that overflows gives 0."""
        return 1 / (1 + np.exp(-u))

    def power(self, u: Any, exponent: Any) -> Any:
        """Give the real power, nan where there is none."""
        if isinstance(exponent, Fraction):
            exponent = exact.to_float(exponent)
        return np.power(u, exponent)


class Rationals:
    """Exact rational arithmetic; a value not rational raises `EvaluationError`."""

    def number(self, value: exact.Number | int) -> Fraction:
        """Give the number itself; pi has no rational value."""
        if isinstance(value, exact.Pi):
            raise EvaluationError("pi has no rational value")
        return Fraction(value)

    def checked(self, value: Fraction) -> Fraction:
        """Return a gate's value, refusing one that is absurdly long."""
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if size > limit("bits"):
            raise exceeded("bits", f"a value of more than {limit('bits')} bits")
        return value

    def divide(self, u: Fraction, v: Fraction) -> Fraction:
        """Divide, refusing zero."""
        if v == 0:
            raise EvaluationError("division by zero")
        return u / v

    def power(self, u: Fraction, exponent: Fraction) -> Fraction:
        """Raise to a whole power."""
        if exponent.denominator != 1:
            raise EvaluationError(
                f"a power with exponent {exponent} has no rational rule"
            )
        if u == 0 and exponent < 0:
            raise EvaluationError("division by zero")
        size = max(abs(u.numerator), u.denominator).bit_length()
        if size * abs(exponent) > limit("bits"):
            raise exceeded("bits", f"a power of more than {limit('bits')} bits")
        return u ** int(exponent)

    def absolute(self, u: Fraction) -> Fraction:
        """Give the absolute value."""
        return abs(u)

    def sign(self, u: Fraction) -> Fraction:
        """Give 1, 0 or -1."""
        return Fraction((u > 0) - (u < 0))

    def step(self, u: Fraction) -> Fraction:
        """Give 1 where positive, else 0."""
        return Fraction(u > 0)

    def maximum(self, u: Fraction, v: Fraction) -> Fraction:
        """Give the larger."""
        return max(u, v)

    def minimum(self, u: Fraction, v: Fraction) -> Fraction:
        """Give the smaller."""
        return min(u, v)

    def select(self, condition: bool, u: Fraction, v: Fraction) -> Fraction:
        """Choose by a condition."""
        return u if condition else v

    def __getattr__(self, name: str) -> Callable[..., Fraction]:
        if name.startswith("_"):
            raise AttributeError(name)

        def refuse(*operands: Fraction) -> Fraction:
            raise EvaluationError(f"{name} has no rational rule")

        return refuse


class Symbolic:
    """An arithmetic of formulas: it reads a record's formula, where that has one."""


class Formulas(Symbolic):
    """Sympy expressions, built node by node: no text is ever parsed."""

    def __init__(self) -> None:
        import sympy

        self.sympy = sympy

    def number(self, value: exact.Number | int) -> Any:
        """Give the sympy number."""
        if isinstance(value, exact.Pi):
            return self.sympy.pi
        return self.sympy.Rational(value.numerator, value.denominator)

    def divide(self, u: Any, v: Any) -> Any:
        """Divide."""
        return u / v

    def power(self, u: Any, exponent: Any) -> Any:
        """Raise to a power."""
        if isinstance(exponent, Fraction):
            exponent = self.number(exponent)
        return u**exponent

    def absolute(self, u: Any) -> Any:
        """Give the absolute value."""
        return self.sympy.Abs(u)

    def step(self, u: Any) -> Any:
        """Give Heaviside's function with the value 0 at 0."""
        return self.sympy.Heaviside(u, 0)

    def sigmoid(self, u: Any) -> Any:
        """Give 1/(1 + exp(-u))."""
        return 1 / (1 + self.sympy.exp(-u))

    def maximum(self, u: Any, v: Any) -> Any:
        """Give the larger."""
        return self.sympy.Max(u, v)

    def minimum(self, u: Any, v: Any) -> Any:
        """Give the smaller."""
        return self.sympy.Min(u, v)

    def select(self, condition: Any, u: Any, v: Any) -> Any:
        """Choose by a condition."""
        return self.sympy.Piecewise((u, condition), (v, True))

    def log1p(self, u: Any) -> Any:
        """Give log(1 + u)."""
        return self.sympy.log(1 + u)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name == "sympy":
            raise AttributeError(name)
        function: Callable[..., Any] = getattr(self.sympy, name)
        return function
