"""Shapes of vertices: tuples of lengths, interned; broadcasting, and axes.

A vertex's shape in columns is a place in one table of the process; place 0 is ``()``,
the shape of a scalar.  An axis has at least one entry.
"""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from circuitgrad.errors import ShapeError
from circuitgrad.limits import exceeded, limit

__all__ = [
    "MAX_AXES",
    "SCALAR",
    "Shape",
    "axes_of",
    "axis_of",
    "broadcast",
    "checked",
    "entries",
    "format_shape",
    "place_of",
    "shape_at",
    "whole",
]

Shape = tuple[int, ...]

#: The place of ``()``.
SCALAR: Final = 0

#: Axes of an array: as many as NumPy has had at least.
MAX_AXES: Final = 32

_shapes: list[Shape] = [()]
_places: dict[Shape, int] = {(): SCALAR}
_lock = threading.Lock()


def place_of(shape: Shape) -> int:
    """Give the place of a shape, which is kept from now on."""
    place = _places.get(shape)
    if place is None:
        with _lock:
            place = _places.get(shape)
            if place is None:
                _shapes.append(checked(shape))
                place = _places[shape] = len(_shapes) - 1
    return place


def shape_at(place: int) -> Shape:
    """Give the shape at a place: the inverse of `place_of`."""
    return _shapes[place]


def checked(shape: Iterable[int]) -> Shape:
    """Give a shape, of Python's own integers, or say why it is none.

    Raises
    ------
    ShapeError
        If an axis has no entry.
    LimitError
        If it has too many entries or axes.
    """
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise ShapeError(f"{shape!r} is no shape: (3,) is one, and (3, 4)")
    found = tuple(map(whole, shape))
    for length in found:
        if length < 1:
            raise ShapeError(
                f"an axis of length {length} in {format_shape(found)}: "
                "an axis has at least one entry"
            )
    if len(found) > MAX_AXES:
        raise ShapeError(f"{len(found)} axes: at most {MAX_AXES} are there")
    if math.prod(found) > limit("entries"):
        message = f"the shape {format_shape(found)}: over {limit('entries')} entries"
        raise exceeded("entries", message)
    return found


def whole(value: object) -> int:
    """Give a whole number, of NumPy or of Python, as Python's own.

    Raises
    ------
    ShapeError
        If it is none.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ShapeError(f"{value!r} is not a whole number") from None


def entries(shape: Shape) -> int:
    """Count the entries of an array."""
    return math.prod(shape)


def format_shape(shape: Shape) -> str:
    """Write a shape as Python does: ``(3,)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def broadcast(*operands: Shape) -> Shape:
    """Give the shape of an elementwise gate, by NumPy's rule.

    Raises
    ------
    ShapeError
        If two lengths of an axis differ, and neither is 1.
    """
    if not any(operands):
        return ()
    rank = max(map(len, operands))
    found = [1] * rank
    for shape in operands:
        for i, length in enumerate(shape, rank - len(shape)):
            if length != found[i]:
                if length != 1 and found[i] != 1:
                    raise ShapeError(
                        f"axis {i - rank} has {found[i]} entries in one "
                        f"and {length} in another: they should be equal, or one be 1"
                    )
                found[i] = max(length, found[i])
    return tuple(found)


def axis_of(axis: object, rank: int) -> int:
    """Count an axis from the first one.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    place = whole(axis)
    if not -rank <= place < rank:
        most = f"its axes are 0 to {rank - 1}" if rank else "a scalar has no axes"
        raise ShapeError(f"there is no axis {place}: {most}")
    return place % rank


def axes_of(axes: int | Sequence[int] | None, rank: int) -> Shape:
    """Count axes from the first one, in order; None is all of them."""
    if axes is None:
        return tuple(range(rank))
    if isinstance(axes, int):
        axes = (axes,)
    found = tuple(sorted(axis_of(axis, rank) for axis in axes))
    if len(set(found)) < len(found):
        raise ShapeError(f"an axis twice among {format_shape(tuple(axes))}")
    return found
