"""The linear maps of matrix gates: their differentials, and transposes of linear gates.

`circuitgrad.gates.matrix` says what these are given.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from math import prod
from typing import Any

from circuitgrad.gates import forms
from circuitgrad.shapes import Shape

__all__ = ["unbroadcast"]


def unbroadcast(g: Any, u: Any, shape: Shape) -> Any:
    """Sum an array over the axes that broadcasting made: its transpose."""
    extra = len(u.shape) - len(shape)
    lead = tuple(range(extra))
    wide = tuple(i for i, n in enumerate(shape, extra) if n == 1 and u.shape[i] != 1)
    if not lead and not wide:
        return u
    if not wide:
        return g.sum_axes(u, axis=lead)
    if not lead:
        return g.sum_axes(u, axis=wide, keep=1)
    return g.reshape(g.sum_axes(u, axis=lead + wide), shape=shape)


def with_axes(g: Any, u: Any, shape: Shape, axis: Shape) -> Any:
    """Put axes of length 1 back that a sum took, where broadcasting needs them."""
    if axis == tuple(range(len(axis))):
        return u  # leading axes: broadcasting puts them there
    return g.reshape(u, shape=forms.reduced(shape, axis, 1))


def column(g: Any, v: Any) -> Any:
    return g.reshape(v, shape=(*v.shape, 1))


def row(g: Any, v: Any) -> Any:
    return g.reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1]))


def matmul_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    """Claim 16.2 of the notes: U B^T and A^T U."""
    if len(a.shape) == len(b.shape) == 1:
        return u * (a if slot else b)
    if len(b.shape) == 1:
        if slot == 0:
            return unbroadcast(g, g.outer(u, b), a.shape)
        if len(a.shape) == 2:
            return a.T @ u
        return unbroadcast(g, g.sum_axes(a * column(g, u), axis=-2), b.shape)
    if len(a.shape) == 1:
        if slot == 1:
            return unbroadcast(g, g.outer(a, u), b.shape)
        if len(b.shape) == 2:
            return b @ u
        return unbroadcast(g, g.sum_axes(b * row(g, u), axis=-1), a.shape)
    if slot == 0:
        return unbroadcast(g, u @ b.T, a.shape)
    return unbroadcast(g, a.T @ u, b.shape)


def aligned(g: Any, t: Any, own: Shape, whole: Shape) -> Any:
    """Give a tangent, of shape ``own`` behind the axes in front, as many as a gate's.

    ``whole`` is the operand's shape with the axes that the gate puts before it.
    """
    lead = t.shape[: len(t.shape) - len(own)]
    wanted = (*lead, *whole)
    return t if wanted == t.shape else g.reshape(t, shape=wanted)


def longer(shape: Shape, rank: int) -> Shape:
    return (*(1,) * (rank - len(shape)), *shape)


def matmul_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    """Multiply a tangent, whose axes in front are a batch."""
    own = (a, b)[slot].shape
    if len(t.shape) == len(own):
        return t @ b if slot == 0 else a @ t
    lead = t.shape[: len(t.shape) - len(own)]
    # a vector is a matrix of one row or column, and axes in front stay in front
    left = (1, *a.shape) if len(a.shape) == 1 else a.shape
    right = (*b.shape, 1) if len(b.shape) == 1 else b.shape
    rank = max(len(left), len(right))
    t = aligned(g, t, own, longer((left, right)[slot], rank))
    product = (
        t @ aligned(g, b, b.shape, right)
        if slot == 0
        else aligned(g, a, a.shape, left) @ t
    )
    return aligned(g, product, product.shape[len(lead) :], y.shape)


def broadcast_transpose(
    g: Any, slot: int, u: Any, a: Any, shape: Shape, axis: Shape
) -> Any:
    kept = [i for i in range(len(shape)) if i not in axis]
    wide = tuple(
        i for i, n in zip(kept, a.shape, strict=True) if n == 1 and shape[i] != 1
    )
    if not wide:
        return g.sum_axes(u, axis=axis) if axis else u
    if not axis:
        return g.sum_axes(u, axis=wide, keep=1)
    return g.reshape(g.sum_axes(u, axis=(*axis, *wide)), shape=a.shape)


def concatenate_transpose(g: Any, slot: int, u: Any, *a: Any, axis: int) -> Any:
    ends = [0, *accumulate(each.shape[axis] for each in a)]
    return g.slice(u, axis=axis, start=ends[slot], stop=ends[slot + 1])


def concatenate_differential(
    g: Any, y: Any, slot: int, t: Any, *a: Any, axis: int
) -> Any:
    ends = [0, *accumulate(each.shape[axis] for each in a)]
    before, after = ends[slot], ends[-1] - ends[slot + 1]
    return g.pad(t, axis=axis - len(y.shape), before=before, after=after)


def dot_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    other, own = (a, b) if slot else (b, a)
    return unbroadcast(g, (column(g, u) if u.shape else u) * other, own.shape)


def outer_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    if len(u.shape) == 2:
        return a @ u if slot else u @ b
    if slot == 0:
        return unbroadcast(g, g.sum_axes(u * row(g, b), axis=-1), a.shape)
    return unbroadcast(g, g.sum_axes(u * column(g, a), axis=-2), b.shape)


def vectors(g: Any, y: Shape, t: Any, own: Shape) -> Any:
    """Align a tangent of vectors with a batch of shape ``y``."""
    if len(t.shape) == len(own):
        return t
    return aligned(g, t, own, longer(own, len(y) + 1))


def outer_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    t = vectors(g, y.shape[:-2], t, (a, b)[slot].shape)
    return g.outer(a, t) if slot else g.outer(t, b)


def dot_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    t = vectors(g, y.shape, t, (a, b)[slot].shape)
    return g.sum_axes(t * (a if slot else b), axis=-1)


def trace_transpose(g: Any, slot: int, u: Any, a: Any) -> Any:
    rows = (*a.shape[:-2], a.shape[-1])
    return g.diag(g.broadcast(column(g, u) if u.shape else u, shape=rows))


def zero(*arguments: Any, **options: Any) -> int:
    return 0


def negative(axis: Any, rank: int) -> Any:
    """Count axes from the last one."""
    return axis - rank if isinstance(axis, int) else tuple(i - rank for i in axis)


def total(g: Any, t: Any, axis: Any, rank: int, keep: int) -> Any:
    return g.sum_axes(t, axis=negative(axis, rank), keep=keep)


def max_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, axis: Shape, keep: int
) -> Any:
    return total(g, g.first_max(a, axis=axis) * t, axis, len(a.shape), keep)


def softmax_differential(g: Any, y: Any, slot: int, t: Any, z: Any, axis: int) -> Any:
    scaled = y * t  # (diag(y) - y y^T) t = y * (t - <y, t>)
    return scaled - y * total(g, scaled, (axis,), len(z.shape), 1)


def log_softmax_differential(
    g: Any, y: Any, slot: int, t: Any, z: Any, axis: int
) -> Any:
    return t - total(g, g.softmax(z, axis=axis) * t, (axis,), len(z.shape), 1)


def log_sum_exp_differential(
    g: Any, y: Any, slot: int, t: Any, z: Any, axis: int, keep: int
) -> Any:
    return total(g, g.softmax(z, axis=axis) * t, (axis,), len(z.shape), keep)


def pool_parts(g: Any, t: Any, a: Shape, window: Shape) -> Any:
    parts, inside = forms.windows(a, window)
    lead = t.shape[: len(t.shape) - len(a)]
    return g.reshape(t, shape=(*lead, *parts)), inside, len(parts)


def avg_pool_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, window: Shape
) -> Any:
    split, inside, rank = pool_parts(g, t, a.shape, window)
    return total(g, split, inside, rank, 0) * Fraction(1, prod(window))


def max_pool_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, window: Shape
) -> Any:
    own, inside, rank = pool_parts(g, a, a.shape, window)
    split, _, _ = pool_parts(g, t, a.shape, window)
    return total(g, g.first_max(own, axis=inside) * split, inside, rank, 0)


def radial_differential(g: Any, y: Any, slot: int, t: Any, z: Any) -> Any:
    """Give q t + z c <z, t>, where q = s/r and c = (s (1 - s) - q)/r^2, r = |z|.

    At 0 it is 0: there ``step(r)`` is, and the divisor is 1.
    """
    r = g.sqrt(g.sum_axes(z * z, axis=-1, keep=1))
    there = g.step(r)
    divisor = r + 1 - there
    s = g.sigmoid(r)
    q = there * s / divisor
    c = there * (s * (1 - s) - q) / (divisor * divisor)
    return q * t + z * (c * g.sum_axes(z * t, axis=-1, keep=1))


def inverse_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    return -(y @ t @ y)


def solve_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    """Give A^-1 T in the right side, and -A^-1 T Y in the matrix."""
    own = (a, b)[slot].shape
    vector = len(b.shape) == 1
    if len(t.shape) == len(own) and not (vector and len(a.shape) > 2):
        return g.solve(a, t) if slot else -g.solve(a, t @ y)
    lead = t.shape[: len(t.shape) - len(own)]
    rank = len(y.shape) + vector
    if slot:
        columns = (*own, 1) if vector else own
        solved = g.solve(a, aligned(g, t, own, longer(columns, rank)))
    else:
        columns = (*y.shape, 1) if vector else y.shape
        t = aligned(g, t, own, longer(own, rank))
        solved = -g.solve(a, t @ aligned(g, y, y.shape, columns))
    return aligned(g, solved, solved.shape[len(lead) :], y.shape)


def solve_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    if slot == 0:
        return None  # not linear in the matrix
    if len(b.shape) == 1 and len(a.shape) > 2:
        solved = g.solve(a.T, column(g, u))
        return unbroadcast(g, g.reshape(solved, shape=u.shape), b.shape)
    return unbroadcast(g, g.solve(a.T, u), b.shape)


def det_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give tr(adj(A) T), Jacobi's formula, which needs no inverse."""
    return g.sum_axes(g.adjugate(a).T * t, axis=(-2, -1))


def adjugate_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give adj(A) tr(B T) - B T adj(A), where B is the inverse."""
    b = g.inverse(a)
    trace = g.sum_axes(b.T * t, axis=(-2, -1), keep=1)
    return y * trace - b @ t @ y


def cholesky_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give L phi(L^-1 S L^-T): phi takes the lower triangle, and half the diagonal.

    S is T where the lower triangle alone is read, as the gate does.
    References: I. Murray, "Differentiation of the Cholesky decomposition", 2016.
    """
    b = g.inverse(y)
    s = g.tril(t, k=0) + g.tril(t, k=-1).T
    inner = b @ s @ b.T
    half = Fraction(1, 2)
    return y @ (half * g.tril(inner, k=0) + half * g.tril(inner, k=-1))
