"""Exact numbers, interned: a weight or a parameter in columns is a place here.

Numbers are integers, rationals and the constant pi; the options of matrix gates, such
as the axes of a sum, have their places in the same table.  Each distinct number is kept
once, and its place, a small integer, stands for it in every column of every circuit.
The places of 0, 1, -1 and pi are fixed.  Places say nothing about size: sort by value.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.limits import exceeded, limit

__all__ = [
    "MINUS_ONE",
    "ONE",
    "PI",
    "PI_PLACE",
    "ZERO",
    "Number",
    "Pi",
    "Rational",
    "as_fraction",
    "fits",
    "format_number",
    "intern",
    "magnitude",
    "number",
    "parse_decimal",
    "product",
    "quotient",
    "sort_key",
    "whole",
]

#: A rewrite that would make a number longer than this does not fire.
MAX_REWRITE_DIGITS: Final = 64
#: Digits that are read and written at once: CPython takes up to 4300.
_PIECE: Final = 4_000

_REWRITE_BOUND: Final = 10**MAX_REWRITE_DIGITS


class Pi:
    """The constant pi: an exact number without a rational value."""

    def __repr__(self) -> str:
        return "pi"

    def __reduce__(self) -> str:
        return "PI"  # pickles as the one instance


PI: Final = Pi()
Number = Fraction | Pi
Rational = int | Fraction
#: The parameter of a matrix gate: whole numbers, and tuples of them.
Options = tuple[int | tuple[int, ...], ...]

ZERO: Final = 0
ONE: Final = 1
MINUS_ONE: Final = 2
PI_PLACE: Final = 3

_numbers: list[Any] = [Fraction(0), Fraction(1), Fraction(-1), PI]
_places: dict[Number | Options, int] = {
    value: place for place, value in enumerate(_numbers)
}
_products: dict[tuple[int, int], int] = {}
_lock = threading.Lock()


def intern(value: Number | Options | int) -> int:
    """Give the place of a number, or of options, which is kept from now on."""
    if isinstance(value, int):
        value = Fraction(value)
    place = _places.get(value)
    if place is None:
        with _lock:
            place = _places.get(value)
            if place is None:
                _numbers.append(value)  # before its place is known to others
                place = _places[value] = len(_numbers) - 1
    return place


def count() -> int:
    """Give the number of places: every number that was met so far."""
    return len(_numbers)


def number(place: int) -> Number:
    """Give the number at a place: the inverse of `intern`."""
    found: Number = _numbers[place]
    return found


def options(place: int) -> Options:
    """Give the options at a place."""
    found: Options = _numbers[place]
    return found


def rational(place: int) -> Fraction:
    """Give the rational number at a place; pi has none."""
    value = _numbers[place]
    assert isinstance(value, Fraction), "pi is never a weight"
    return value


def product(left: int, right: int) -> int | None:
    """Multiply two rationals by place; None where the product is too long to keep."""
    if left == ONE:
        return right
    if right == ONE:
        return left
    key = (left, right)
    place = _products.get(key)
    if place is None:
        value = rational(left) * rational(right)
        if not fits(value):
            return None
        place = _products[key] = intern(value)
    return place


def whole(value: Rational) -> Rational:
    """Give a rational number as an int where it is one: those are ten times faster."""
    return value.numerator if value.denominator == 1 else value


def magnitude(value: Rational) -> Rational:
    """Give the absolute value."""
    return value if value >= 0 else -value


def quotient(left: Rational, right: Rational) -> Rational:
    """Divide exactly; the quotient is an int where it is whole."""
    if right == 1:
        return left
    if isinstance(left, int) and isinstance(right, int):
        result, rest = divmod(left, right)
        return Fraction(left, right) if rest else result
    return whole(Fraction(left) / right)


def fits(value: Rational) -> bool:
    """Tell whether a rewrite may make this number (at most 64 digits a side)."""
    return abs(value.numerator) < _REWRITE_BOUND and value.denominator < _REWRITE_BOUND


def check_digits(value: Fraction) -> Fraction:
    """Return the number, or raise `LimitError` where it is too long for a circuit."""
    bound = _power_of_ten(limit("digits"))
    if abs(value.numerator) >= bound or value.denominator >= bound:
        raise exceeded("digits", f"a number of more than {limit('digits')} digits")
    return value


def check_power(value: Fraction) -> Fraction:
    """Return an exponent, or raise `LimitError` where it is too long for one."""
    bound = _power_of_ten(limit("power"))
    if abs(value.numerator) >= bound or value.denominator >= bound:
        raise exceeded("power", f"an exponent of more than {limit('power')} digits")
    return value


@cache
def _power_of_ten(digits: int) -> int:
    return int(10**digits)


def integer_power(base: Fraction, exponent: int) -> Fraction:
    """Raise a number to an integer power, refusing absurd sizes before it is done."""
    size = max(abs(base.numerator), base.denominator).bit_length() - 1
    if size * abs(exponent) > limit("digits") * 4:  # 4 bits hold a decimal digit
        raise exceeded("digits", f"a power of more than {limit('digits')} digits")
    return check_digits(base**exponent)


def parse_decimal(text: str) -> Fraction:
    """Read a decimal literal exactly: ``0.1`` is one tenth.

    Raises
    ------
    LimitError
        If the literal has too many digits or an absurd exponent; nothing is expanded.
    """
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > limit("digits"):
        raise exceeded("digits", f"a number of more than {limit('digits')} digits")
    if exponent:
        digits = exponent.lstrip("+-").lstrip("0")
        most = limit("exponent")
        if len(digits) > 9 or int(digits or 0) > most:
            raise exceeded("exponent", f"a decimal exponent beyond {most}")
    if len(mantissa) <= _PIECE:
        return Fraction(text)
    above, _, below = mantissa.partition(".")
    scale = int(exponent or 0) - len(below)
    return parse_integer(above + below) * Fraction(10) ** scale


def parse_integer(text: str) -> int:
    """Read digits of any number (CPython's `int` stops at 4300)."""
    value = 0
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        value = value * 10 ** len(piece) + int(piece)
    return value


def as_fraction(value: object) -> Fraction:
    """Read a Python number exactly; a float means its shortest decimal.

    Raises
    ------
    TypeError
        If the value is not an integer, a rational, a decimal or a real float.
    ValueError
        If it is an infinity or NaN.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, (bool, np.bool_)):
        raise TypeError("a truth value is not a number of a circuit")
    if isinstance(value, (int, np.integer)):
        return Fraction(int(value))
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise ValueError(f"{value} is not a number of a circuit")
        return Fraction(str(value))  # the shortest decimal of its own precision
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a number of a circuit")
        return Fraction(value)
    if hasattr(value, "p") and hasattr(value, "q"):  # sympy.Rational
        return Fraction(int(value.p), int(value.q))
    raise TypeError(f"{type(value).__name__} is not an exact number")


def format_integer(value: int) -> str:
    """Write an integer of any length (CPython's `str` stops at 4300 digits)."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    pieces = []
    chunk = _power_of_ten(_PIECE)
    while value >= chunk:
        value, low = divmod(value, chunk)
        pieces.append(str(low).zfill(_PIECE))
    return sign + str(value) + "".join(reversed(pieces))


def format_number(value: Number) -> str:
    """Write a number as circuit text does: ``-3``, ``1/3``, ``pi``."""
    if isinstance(value, Pi):
        return "pi"
    if value.denominator == 1:
        return format_integer(value.numerator)
    return f"{format_integer(value.numerator)}/{format_integer(value.denominator)}"


def sort_key(place: int) -> tuple[int, Any]:
    """Order numbers by value, then pi, then options, whatever came first."""
    value = _numbers[place]
    if isinstance(value, tuple):
        return 2, repr(value)
    return (1, 0) if isinstance(value, Pi) else (0, value)


#: What is known of the numbers so far, by place: `small_fractions`, `floats`.
_small: list[npt.NDArray[np.int64]] = [np.zeros((2, 0), dtype=np.int64)]
_rounded: list[npt.NDArray[np.float64]] = [np.zeros(0)]


def small_fractions() -> npt.NDArray[np.int64]:
    """Give the numerators and denominators of all places, for loops on machine words.

    Where one of them is 2^31 or more in size, or the number is pi, both are 0.
    """
    known = _small[0]
    if known.shape[1] < len(_numbers):
        fresh = []
        for value in _numbers[known.shape[1] :]:
            pair = (0, 0)
            if isinstance(value, Fraction):
                pair = (value.numerator, value.denominator)
            fresh.append(pair if max(abs(pair[0]), pair[1]) < 2**31 else (0, 0))
        added = np.array(fresh, dtype=np.int64).T
        _small[0] = known = np.concatenate([known, added], axis=1)
    return known


def intern_fractions(
    numerators: npt.NDArray[np.int64], denominators: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """Give the places of many fractions of numbers below 2^31."""
    keys = (numerators << 31) | denominators
    kinds, kind = np.unique(keys, return_inverse=True)
    places = [intern(Fraction(key >> 31, key & (2**31 - 1))) for key in kinds.tolist()]
    return np.array(places, dtype=np.int32)[kind]


def floats() -> npt.NDArray[np.float64]:
    """Give the numbers of all places, rounded to float64."""
    known = _rounded[0]
    if len(known) < len(_numbers):
        added = [
            np.nan if isinstance(value, tuple) else to_float(value)
            for value in _numbers[len(known) :]
        ]
        _rounded[0] = known = np.concatenate([known, added])
    return known


def to_float(value: Number) -> float:
    """Round a number to the nearest float64; beyond its range, to an infinity."""
    if isinstance(value, Pi):
        return float(np.pi)
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
