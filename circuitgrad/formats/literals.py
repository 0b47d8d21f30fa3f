"""Arrays written at a shell: ``[[1, 1/2], [0, -3]]``, or the name of a .npy file."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.errors import CircuitError, FormatError
from circuitgrad.exact import check_digits, parse_decimal

__all__ = ["parse_array", "read_array"]

_DECIMAL: Final = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN: Final = re.compile(rf"\s*([\[\],]|[+-]?{_DECIMAL}(?:/{_DECIMAL})?|\S)")


def parse_array(text: str) -> npt.NDArray[np.object_]:
    """Read an array of exact numbers in brackets; text is never evaluated.

    Raises
    ------
    CircuitError
        If it is none, or ragged.
    LimitError
        If a number has too many digits.

    Examples
    --------
    >>> parse_array("[[1, 0.5], [1/3, -2]]").tolist()[1]
    [Fraction(1, 3), Fraction(-2, 1)]
    """
    tokens = _TOKEN.findall(text)
    open_: list[list[Any]] = [[]]
    comma = True  # whether an entry may follow
    for token in tokens:
        if token == "[" and comma:
            open_.append([])
        elif token == "]" and len(open_) > 1 and not (comma and open_[-1]):
            done = open_.pop()
            open_[-1].append(done)
            comma = False
        elif token == "," and not comma and len(open_) > 1:
            comma = True
        elif comma and token not in ("[", "]", ","):
            open_[-1].append(_number(token))
            comma = False
        else:
            raise CircuitError(
                f"{token!r} stands where it should not: [[1, 2], [3, 4]]"
            )
    if len(open_) != 1 or len(open_[0]) != 1:
        raise CircuitError("brackets should close: [[1, 2], [3, 4]]")
    return _as_array(open_[0][0])


def _number(token: str) -> Fraction:
    if not re.fullmatch(rf"[+-]?{_DECIMAL}(?:/{_DECIMAL})?", token):
        raise CircuitError(f"{token!r} is no number, such as 0.5 or 1/3")
    above, _, below = token.lstrip("+-").partition("/")
    divisor = parse_decimal(below or "1")
    if divisor == 0:
        raise CircuitError(f"{token!r} divides by zero")
    value = parse_decimal(above) / divisor
    return check_digits(-value if token.startswith("-") else value)


def _as_array(rows: Any) -> npt.NDArray[np.object_]:
    """Make nested lists an array."""
    shape = []
    level = rows
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat: list[Any] = [rows]
    for length in shape:
        if any(not isinstance(each, list) or len(each) != length for each in flat):
            raise CircuitError("ragged: rows of one length are needed")
        flat = [entry for each in flat for entry in each]
    if any(isinstance(each, list) for each in flat):
        raise CircuitError("ragged: rows of one length are needed")
    found = np.empty(len(flat), dtype=object)
    found[:] = flat
    return found.reshape(shape)


def read_array(path: str) -> npt.NDArray[Any]:
    """Read an array from a .npy file, without pickles.

    Raises
    ------
    FormatError
        If it cannot be read, or holds no numbers.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror}", path=path) from None
    except Exception:  # a header is a literal of Python, which may be wrong in any way
        raise FormatError(
            "not a .npy file of numbers, as numpy.save writes it", path=path
        ) from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        raise FormatError("not an array of real numbers", path=path)
    return found
