"""Shapes and options of matrix gates: what goes together, and what does not.

A shape rule gives the shape of a gate from those of its operands; an options rule
completes what is given and checks it.  Both raise a `ShapeError` that says why there is
none.
"""

from __future__ import annotations

from math import prod
from typing import Any

from circuitgrad.errors import ShapeError
from circuitgrad.exact import Options
from circuitgrad.shapes import (
    Shape,
    axes_of,
    axis_of,
    broadcast,
    checked,
    format_shape,
)

__all__ = ["reduced", "windows"]

# ---------------------------------------------------------------------- shapes


def matrix(*shapes: Shape, square: bool = False, **options: Any) -> Shape:
    """See that the first operand is a matrix, or a batch of them."""
    shape = shapes[0]
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        what = "a square matrix" if square else "a matrix"
        hint = ""
        if len(shape) == 1:
            hint = "; a vector is a column by reshape(u, shape=(n, 1))"
        raise ShapeError(f"{what} is needed, or a batch of them{hint}")
    return shape


def square(*shapes: Shape, **options: Any) -> Shape:
    return matrix(*shapes, square=True)


def vector(shape: Shape, **options: Any) -> Shape:
    if not shape:
        raise ShapeError("a vector is needed, or a batch of them")
    return shape


def swapped(shape: Shape) -> Shape:
    matrix(shape)
    return (*shape[:-2], shape[-1], shape[-2])


def matmul_shape(a: Shape, b: Shape) -> Shape:
    """Give the shape of a product, by NumPy's rule for vectors and batches."""
    if not a or not b:
        raise ShapeError("@ multiplies arrays; * multiplies by a scalar")
    rows = b[-2] if len(b) > 1 else b[0]
    if a[-1] != rows:
        left = "columns" if len(a) > 1 else "entries"
        right = "rows" if len(b) > 1 else "entries"
        raise ShapeError(
            f"the {a[-1]} {left} of the first should be as many as "
            f"the {rows} {right} of the second"
        )
    batch = broadcast(a[:-2], b[:-2])
    return (*batch, *(a[-2:-1] if len(a) > 1 else ()), *(b[-1:] if len(b) > 1 else ()))


def reduced(shape: Shape, axis: Shape, keep: int = 0) -> Shape:
    """Give the shape without some axes, or with length 1 there."""
    if keep:
        return tuple(1 if i in axis else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axis)


def slice_shape(a: Shape, axis: int, start: int, stop: int) -> Shape:
    return (*a[:axis], stop - start, *a[axis + 1 :])


def pad_shape(a: Shape, axis: int, before: int, after: int) -> Shape:
    return (*a[:axis], before + a[axis] + after, *a[axis + 1 :])


def concatenated(*shapes: Shape, axis: int) -> Shape:
    first = shapes[0]
    for shape in shapes:
        others = reduced(shape, (axis,)) == reduced(first, (axis,))
        if len(shape) != len(first) or not others:
            raise ShapeError(f"their shapes should be alike but along axis {axis}")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def dot_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b or a[-1] != b[-1]:
        raise ShapeError("two vectors of one length are needed, or batches of them")
    return broadcast(a[:-1], b[:-1])


def outer_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("two vectors are needed, or batches of them")
    return (*broadcast(a[:-1], b[:-1]), a[-1], b[-1])


def solve_shape(a: Shape, b: Shape) -> Shape:
    square(a)
    if not b or (b[0] if len(b) == 1 else b[-2]) != a[-1]:
        raise ShapeError(f"the right side should have {a[-1]} rows")
    return matmul_shape(a, b)


def pooled(a: Shape, window: Shape) -> Shape:
    pairs = zip(a[-len(window) :], window, strict=True)
    return (*a[: -len(window)], *(n // k for n, k in pairs))


def windows(a: Shape, window: Shape) -> tuple[Shape, Shape]:
    """Give a shape with the axes of the windows apart, and where those are."""
    head = a[: -len(window)]
    parts = [(n // k, k) for n, k in zip(a[-len(window) :], window, strict=True)]
    rank = len(head) + 2 * len(window)
    inside = tuple(range(len(head) + 1, rank, 2))
    return (*head, *(n for pair in parts for n in pair)), inside


# ---------------------------------------------------------------------- options


def axes(a: Shape, axis: Any, keep: int) -> Options:
    if keep not in (0, 1):
        raise ShapeError("keep is 0 or 1: whether summed axes stay, of length 1")
    return axes_of(axis, len(a)), int(keep)


def some_axes(a: Shape, axis: Any) -> Options:
    return (axes_of(axis, len(a)),)


def one_axis(a: Shape, *others: Shape, axis: int) -> Options:
    if not isinstance(axis, int):
        raise ShapeError("one axis is needed: a whole number")
    return (axis_of(axis, len(a)),)


def broadcast_to(a: Shape, shape: Any, axis: Any) -> Options:
    wanted = checked((shape,) if isinstance(shape, int) else shape)
    new = axes_of(axis, len(wanted))
    others = [i for i in range(len(wanted)) if i not in new]
    new = tuple(sorted((*new, *others[: max(len(others) - len(a), 0)])))
    lengths = list(a)
    for place in new:
        lengths.insert(place, 1)
    fits = len(lengths) == len(wanted) and all(
        n in (1, length) for n, length in zip(lengths, wanted, strict=True)
    )
    if not fits:
        raise ShapeError(f"it does not broadcast to {format_shape(wanted)}")
    return wanted, new


def reshaped(a: Shape, shape: Any) -> Options:
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if wanted.count(-1) > 1:
        raise ShapeError("one length of a shape may be -1: what is left")
    if -1 in wanted:
        rest = -prod(wanted)
        if rest > 0 and prod(a) % rest == 0:
            wanted[wanted.index(-1)] = prod(a) // rest
    found = checked(wanted)
    if prod(found) != prod(a):
        raise ShapeError(
            f"{prod(a)} entries do not make {format_shape(found)}, of {prod(found)}"
        )
    return (found,)


def sliced(a: Shape, axis: int, start: int, stop: Any) -> Options:
    place = axis_of(axis, len(a))
    length = a[place]
    stop = length if stop is None else stop
    first = start + length if start < 0 else start
    last = stop + length if stop < 0 else stop
    if not 0 <= first < last <= length:
        raise ShapeError(
            f"entries {start} to {stop} of {length}: "
            f"0 <= start < stop <= {length} is needed"
        )
    return place, first, last


def padded(a: Shape, axis: int, before: int, after: int) -> Options:
    if before < 0 or after < 0:
        raise ShapeError("zeros before and after are counted from 0")
    return axis_of(axis, len(a)), before, after


def windowed(a: Shape, window: Any) -> Options:
    sizes = (window,) if isinstance(window, int) else tuple(window)
    if not 0 < len(sizes) <= len(a):
        raise ShapeError("a window has an axis or more, and not more than the operand")
    for n, k in zip(a[-len(sizes) :], sizes, strict=True):
        if k < 1 or n % k:
            raise ShapeError(f"windows of {k} do not divide an axis of {n}")
    return (sizes,)


def diagonal_option(a: Shape, k: int) -> Options:
    return (int(k),)
