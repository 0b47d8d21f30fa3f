"""The records of matrix gates, which act on arrays as a whole.

Beside what `circuitgrad.gates` says, such a record has

``options``
    the keywords that it takes, and their defaults; in columns a gate's parameter is the
    tuple of their values.  ``settle(*shapes, **given)`` completes and checks them.
``shape(*shapes, **options)``
    the shape of the result, or a `ShapeError` that says why there is none.
``value(m, *operands, **options)``
    what it computes, in an arithmetic of arrays: NumPy, JAX, the entries one by one
    (`circuitgrad.evaluation.entries`) or the count of what that takes.
``transpose(g, slot, u, *operands, **options)``
    for a slot in which the gate is linear, the transpose of that linear map, at u.
    The result may be *compact*: of a shape that broadcasts to the operand's.
``differential(g, y, slot, t, *operands, **options)``
    what a tangent t of one operand makes of the output, by gates that are linear in t.
    Where it is left out the gate is linear in each slot, and this is the gate itself.

The pushforward is the differential; the pullback is its transpose, gate by gate
(`circuitgrad.passes.linear`).  So there is one declaration for both.  Axes of operands
are counted from the last one in differentials, because in forward mode a tangent has
more axes in front.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from math import prod
from typing import Any, Final

from circuitgrad.errors import ShapeError
from circuitgrad.exact import Options
from circuitgrad.gates.record import NEEDED, GateType, traits
from circuitgrad.shapes import (
    Shape,
    axes_of,
    axis_of,
    broadcast,
    checked,
    format_shape,
)

__all__ = ["MATRIX_GATES", "reduced", "unbroadcast"]

# ---------------------------------------------------------------------- shapes


def _matrix(*shapes: Shape, square: bool = False, **options: Any) -> Shape:
    """See that the first operand is a matrix, or a batch of them."""
    shape = shapes[0]
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        what = "a square matrix" if square else "a matrix"
        hint = ""
        if len(shape) == 1:
            hint = "; a vector is a column by reshape(u, shape=(n, 1))"
        raise ShapeError(f"{what} is needed, or a batch of them{hint}")
    return shape


def _square(*shapes: Shape, **options: Any) -> Shape:
    return _matrix(*shapes, square=True)


def _vector(shape: Shape, **options: Any) -> Shape:
    if not shape:
        raise ShapeError("a vector is needed, or a batch of them")
    return shape


def _swapped(shape: Shape) -> Shape:
    _matrix(shape)
    return (*shape[:-2], shape[-1], shape[-2])


def _matmul_shape(a: Shape, b: Shape) -> Shape:
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


def _slice_shape(a: Shape, axis: int, start: int, stop: int) -> Shape:
    return (*a[:axis], stop - start, *a[axis + 1 :])


def _pad_shape(a: Shape, axis: int, before: int, after: int) -> Shape:
    return (*a[:axis], before + a[axis] + after, *a[axis + 1 :])


def _concatenated(*shapes: Shape, axis: int) -> Shape:
    first = shapes[0]
    for shape in shapes:
        others = reduced(shape, (axis,)) == reduced(first, (axis,))
        if len(shape) != len(first) or not others:
            raise ShapeError(f"their shapes should be alike but along axis {axis}")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def _dot_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b or a[-1] != b[-1]:
        raise ShapeError("two vectors of one length are needed, or batches of them")
    return broadcast(a[:-1], b[:-1])


def _outer_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("two vectors are needed, or batches of them")
    return (*broadcast(a[:-1], b[:-1]), a[-1], b[-1])


def _solve_shape(a: Shape, b: Shape) -> Shape:
    _square(a)
    if not b or (b[0] if len(b) == 1 else b[-2]) != a[-1]:
        raise ShapeError(f"the right side should have {a[-1]} rows")
    return _matmul_shape(a, b)


def _pooled(a: Shape, window: Shape) -> Shape:
    pairs = zip(a[-len(window) :], window, strict=True)
    return (*a[: -len(window)], *(n // k for n, k in pairs))


def _windows(a: Shape, window: Shape) -> tuple[Shape, Shape]:
    """Give a shape with the axes of the windows apart, and where those are."""
    head = a[: -len(window)]
    parts = [(n // k, k) for n, k in zip(a[-len(window) :], window, strict=True)]
    rank = len(head) + 2 * len(window)
    inside = tuple(range(len(head) + 1, rank, 2))
    return (*head, *(n for pair in parts for n in pair)), inside


# ---------------------------------------------------------------------- options


def _axes(a: Shape, axis: Any, keep: int) -> Options:
    if keep not in (0, 1):
        raise ShapeError("keep is 0 or 1: whether summed axes stay, of length 1")
    return axes_of(axis, len(a)), int(keep)


def _some_axes(a: Shape, axis: Any) -> Options:
    return (axes_of(axis, len(a)),)


def _one_axis(a: Shape, *others: Shape, axis: int) -> Options:
    if not isinstance(axis, int):
        raise ShapeError("the axis is one whole number")
    return (axis_of(axis, len(a)),)


def _broadcast_to(a: Shape, shape: Any, axis: Any) -> Options:
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


def _reshaped(a: Shape, shape: Any) -> Options:
    wanted = [shape] if isinstance(shape, int) else list(shape)
    if wanted.count(-1) == 1:
        rest = -prod(wanted)
        if rest > 0 and prod(a) % rest == 0:
            wanted[wanted.index(-1)] = prod(a) // rest
    found = checked(wanted)
    if prod(found) != prod(a):
        raise ShapeError(
            f"{prod(a)} entries do not make {format_shape(found)}, of {prod(found)}"
        )
    return (found,)


def _sliced(a: Shape, axis: int, start: int, stop: Any) -> Options:
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


def _padded(a: Shape, axis: int, before: int, after: int) -> Options:
    if before < 0 or after < 0:
        raise ShapeError("zeros before and after are counted from 0")
    return axis_of(axis, len(a)), before, after


def _windowed(a: Shape, window: Any) -> Options:
    sizes = (window,) if isinstance(window, int) else tuple(window)
    if not 0 < len(sizes) <= len(a):
        raise ShapeError("a window has an axis or more, and not more than the operand")
    for n, k in zip(a[-len(sizes) :], sizes, strict=True):
        if k < 1 or n % k:
            raise ShapeError(f"windows of {k} do not divide an axis of {n}")
    return (sizes,)


def _diagonal_option(a: Shape, k: int) -> Options:
    return (int(k),)


# ---------------------------------------------------------------------- linear maps


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


def _with_axes(g: Any, u: Any, shape: Shape, axis: Shape) -> Any:
    """Put axes of length 1 back that a sum took, where broadcasting needs them."""
    if axis == tuple(range(len(axis))):
        return u  # leading axes: broadcasting puts them there
    return g.reshape(u, shape=reduced(shape, axis, 1))


def _column(g: Any, v: Any) -> Any:
    return g.reshape(v, shape=(*v.shape, 1))


def _row(g: Any, v: Any) -> Any:
    return g.reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1]))


def _matmul_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    """Claim 16.2 of the notes: U B^T and A^T U."""
    if len(a.shape) == len(b.shape) == 1:
        return u * (a if slot else b)
    if len(b.shape) == 1:
        if slot == 0:
            return unbroadcast(g, g.outer(u, b), a.shape)
        if len(a.shape) == 2:
            return a.T @ u
        return unbroadcast(g, g.sum_axes(a * _column(g, u), axis=-2), b.shape)
    if len(a.shape) == 1:
        if slot == 1:
            return unbroadcast(g, g.outer(a, u), b.shape)
        if len(b.shape) == 2:
            return b @ u
        return unbroadcast(g, g.sum_axes(b * _row(g, u), axis=-1), a.shape)
    if slot == 0:
        return unbroadcast(g, u @ b.T, a.shape)
    return unbroadcast(g, a.T @ u, b.shape)


def _aligned(g: Any, t: Any, own: Shape, whole: Shape) -> Any:
    """Give a tangent, of shape ``own`` behind the axes in front, as many as a gate's.

    ``whole`` is the operand's shape with the axes that the gate puts before it.
    """
    lead = t.shape[: len(t.shape) - len(own)]
    wanted = (*lead, *whole)
    return t if wanted == t.shape else g.reshape(t, shape=wanted)


def _longer(shape: Shape, rank: int) -> Shape:
    return (*(1,) * (rank - len(shape)), *shape)


def _matmul_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    """Multiply a tangent, whose axes in front are a batch."""
    own = (a, b)[slot].shape
    if len(t.shape) == len(own):
        return t @ b if slot == 0 else a @ t
    lead = t.shape[: len(t.shape) - len(own)]
    # a vector is a matrix of one row or column, and axes in front stay in front
    left = (1, *a.shape) if len(a.shape) == 1 else a.shape
    right = (*b.shape, 1) if len(b.shape) == 1 else b.shape
    rank = max(len(left), len(right))
    t = _aligned(g, t, own, _longer((left, right)[slot], rank))
    product = (
        t @ _aligned(g, b, b.shape, right)
        if slot == 0
        else _aligned(g, a, a.shape, left) @ t
    )
    return _aligned(g, product, product.shape[len(lead) :], y.shape)


def _broadcast_transpose(
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


def _concatenate_transpose(g: Any, slot: int, u: Any, *a: Any, axis: int) -> Any:
    ends = [0, *accumulate(each.shape[axis] for each in a)]
    return g.slice(u, axis=axis, start=ends[slot], stop=ends[slot + 1])


def _concatenate_differential(
    g: Any, y: Any, slot: int, t: Any, *a: Any, axis: int
) -> Any:
    ends = [0, *accumulate(each.shape[axis] for each in a)]
    before, after = ends[slot], ends[-1] - ends[slot + 1]
    return g.pad(t, axis=axis - len(y.shape), before=before, after=after)


def _dot_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    other, own = (a, b) if slot else (b, a)
    return unbroadcast(g, (_column(g, u) if u.shape else u) * other, own.shape)


def _outer_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    if len(u.shape) == 2:
        return a @ u if slot else u @ b
    if slot == 0:
        return unbroadcast(g, g.sum_axes(u * _row(g, b), axis=-1), a.shape)
    return unbroadcast(g, g.sum_axes(u * _column(g, a), axis=-2), b.shape)


def _vectors(g: Any, y: Shape, t: Any, own: Shape) -> Any:
    """Align a tangent of vectors with a batch of shape ``y``."""
    if len(t.shape) == len(own):
        return t
    return _aligned(g, t, own, _longer(own, len(y) + 1))


def _outer_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    t = _vectors(g, y.shape[:-2], t, (a, b)[slot].shape)
    return g.outer(a, t) if slot else g.outer(t, b)


def _dot_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    t = _vectors(g, y.shape, t, (a, b)[slot].shape)
    return g.sum_axes(t * (a if slot else b), axis=-1)


def _trace_transpose(g: Any, slot: int, u: Any, a: Any) -> Any:
    rows = (*a.shape[:-2], a.shape[-1])
    return g.diag(g.broadcast(_column(g, u) if u.shape else u, shape=rows))


def _zero(*arguments: Any, **options: Any) -> int:
    return 0


def _negative(axis: Any, rank: int) -> Any:
    """Count axes from the last one."""
    return axis - rank if isinstance(axis, int) else tuple(i - rank for i in axis)


def _total(g: Any, t: Any, axis: Any, rank: int, keep: int) -> Any:
    return g.sum_axes(t, axis=_negative(axis, rank), keep=keep)


def _max_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, axis: Shape, keep: int
) -> Any:
    return _total(g, g.first_max(a, axis=axis) * t, axis, len(a.shape), keep)


def _softmax_differential(g: Any, y: Any, slot: int, t: Any, z: Any, axis: int) -> Any:
    scaled = y * t  # (diag(y) - y y^T) t = y * (t - <y, t>)
    return scaled - y * _total(g, scaled, (axis,), len(z.shape), 1)


def _log_softmax_differential(
    g: Any, y: Any, slot: int, t: Any, z: Any, axis: int
) -> Any:
    return t - _total(g, g.softmax(z, axis=axis) * t, (axis,), len(z.shape), 1)


def _log_sum_exp_differential(
    g: Any, y: Any, slot: int, t: Any, z: Any, axis: int, keep: int
) -> Any:
    return _total(g, g.softmax(z, axis=axis) * t, (axis,), len(z.shape), keep)


def _pool_parts(g: Any, t: Any, a: Shape, window: Shape) -> Any:
    parts, inside = _windows(a, window)
    lead = t.shape[: len(t.shape) - len(a)]
    return g.reshape(t, shape=(*lead, *parts)), inside, len(parts)


def _avg_pool_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, window: Shape
) -> Any:
    split, inside, rank = _pool_parts(g, t, a.shape, window)
    return _total(g, split, inside, rank, 0) * Fraction(1, prod(window))


def _max_pool_differential(
    g: Any, y: Any, slot: int, t: Any, a: Any, window: Shape
) -> Any:
    own, inside, rank = _pool_parts(g, a, a.shape, window)
    split, _, _ = _pool_parts(g, t, a.shape, window)
    return _total(g, g.first_max(own, axis=inside) * split, inside, rank, 0)


def _radial_differential(g: Any, y: Any, slot: int, t: Any, z: Any) -> Any:
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


def _inverse_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    return -(y @ t @ y)


def _solve_differential(g: Any, y: Any, slot: int, t: Any, a: Any, b: Any) -> Any:
    """Give A^-1 T in the right side, and -A^-1 T Y in the matrix."""
    own = (a, b)[slot].shape
    vector = len(b.shape) == 1
    if len(t.shape) == len(own) and not (vector and len(a.shape) > 2):
        return g.solve(a, t) if slot else -g.solve(a, t @ y)
    lead = t.shape[: len(t.shape) - len(own)]
    rank = len(y.shape) + vector
    if slot:
        columns = (*own, 1) if vector else own
        solved = g.solve(a, _aligned(g, t, own, _longer(columns, rank)))
    else:
        columns = (*y.shape, 1) if vector else y.shape
        t = _aligned(g, t, own, _longer(own, rank))
        solved = -g.solve(a, t @ _aligned(g, y, y.shape, columns))
    return _aligned(g, solved, solved.shape[len(lead) :], y.shape)


def _solve_transpose(g: Any, slot: int, u: Any, a: Any, b: Any) -> Any:
    if slot == 0:
        return None  # not linear in the matrix
    if len(b.shape) == 1 and len(a.shape) > 2:
        column = g.solve(a.T, _column(g, u))
        return unbroadcast(g, g.reshape(column, shape=u.shape), b.shape)
    return unbroadcast(g, g.solve(a.T, u), b.shape)


def _det_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give tr(adj(A) T), Jacobi's formula, which needs no inverse."""
    return g.sum_axes(g.adjugate(a).T * t, axis=(-2, -1))


def _adjugate_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give adj(A) tr(B T) - B T adj(A), where B is the inverse."""
    b = g.inverse(a)
    trace = g.sum_axes(b.T * t, axis=(-2, -1), keep=1)
    return y * trace - b @ t @ y


def _cholesky_differential(g: Any, y: Any, slot: int, t: Any, a: Any) -> Any:
    """Give L phi(L^-1 S L^-T): phi takes the lower triangle, and half the diagonal.

    S is T where the lower triangle alone is read, as the gate does.
    References: I. Murray, "Differentiation of the Cholesky decomposition", 2016.
    """
    b = g.inverse(y)
    s = g.tril(t, k=0) + g.tril(t, k=-1).T
    inner = b @ s @ b.T
    half = Fraction(1, 2)
    return y @ (half * g.tril(inner, k=0) + half * g.tril(inner, k=-1))


def _avg_pool(m: Any, a: Any, window: Shape) -> Any:
    parts, inside = _windows(a.shape, window)
    total = m.total(m.reshape(a, parts), inside, 0)
    return m.scaled(total, Fraction(1, prod(window)))


def _max_pool(m: Any, a: Any, window: Shape) -> Any:
    parts, inside = _windows(a.shape, window)
    return m.largest(m.reshape(a, parts), inside, 0)


# ---------------------------------------------------------------------- the records

_MOVING: Final = [
    GateType(
        "transpose",
        arity=1,
        value=lambda m, a: m.swap(a),
        shape=_swapped,
        transpose=lambda g, slot, u, a: u.T,
        symbol="·ᵀ",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "reshape",
        arity=1,
        value=lambda m, a, shape: m.reshape(a, shape),
        options={"shape": NEEDED},
        settle=_reshaped,
        shape=lambda a, shape: shape,
        transpose=lambda g, slot, u, a, shape: g.reshape(u, shape=a.shape),
        symbol="reshape",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "broadcast",
        arity=1,
        value=lambda m, a, shape, axis: m.broadcast(a, shape, axis),
        options={"shape": NEEDED, "axis": ()},
        settle=_broadcast_to,
        shape=lambda a, shape, axis: shape,
        transpose=_broadcast_transpose,
        symbol="broadcast",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "slice",
        arity=1,
        value=lambda m, a, axis, start, stop: m.take(a, axis, start, stop),
        options={"axis": 0, "start": 0, "stop": None},
        settle=_sliced,
        shape=_slice_shape,
        transpose=lambda g, slot, u, a, axis, start, stop: g.pad(
            u, axis=axis, before=start, after=a.shape[axis] - stop
        ),
        symbol="slice",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "pad",
        arity=1,
        value=lambda m, a, axis, before, after: m.pad(a, axis, before, after),
        options={"axis": 0, "before": 0, "after": 0},
        settle=_padded,
        shape=_pad_shape,
        transpose=lambda g, slot, u, a, axis, before, after: g.slice(
            u, axis=axis, start=before, stop=before + a.shape[axis]
        ),
        symbol="pad",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "concatenate",
        arity=None,
        value=lambda m, *a, axis: m.concatenate(a, axis),
        options={"axis": 0},
        settle=_one_axis,
        shape=_concatenated,
        differential=_concatenate_differential,
        transpose=_concatenate_transpose,
        symbol="concat",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "diag",  # the matrix with a vector on its diagonal
        arity=1,
        value=lambda m, a: m.diag(a),
        shape=lambda a: (*_vector(a), a[-1]),
        transpose=lambda g, slot, u, a: g.diagonal(u),
        symbol="diag",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "diagonal",
        arity=1,
        value=lambda m, a: m.diagonal(a),
        shape=lambda a: _square(a)[:-1],
        transpose=lambda g, slot, u, a: g.diag(u),
        symbol="diagonal",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "tril",  # the lower triangle, below the k-th diagonal and on it
        arity=1,
        value=lambda m, a, k: m.tril(a, k),
        options={"k": 0},
        settle=_diagonal_option,
        shape=_matrix,
        transpose=lambda g, slot, u, a, k: g.tril(u, k=k),
        symbol="tril",
        traits=traits("structural linear rational"),
    ),
]

_SUMS: Final = [
    GateType(
        "sum_axes",
        arity=1,
        value=lambda m, a, axis, keep: m.total(a, axis, keep),
        options={"axis": None, "keep": 0},
        settle=_axes,
        shape=reduced,
        transpose=lambda g, slot, u, a, axis, keep: (
            u if keep else _with_axes(g, u, a.shape, axis)
        ),
        symbol="Σ",
        traits=traits("linear rational"),
        written="sum",
    ),
    GateType(
        "mean",
        arity=1,
        value=lambda m, a, axis, keep: m.scaled(
            m.total(a, axis, keep), Fraction(1, prod(a.shape[i] for i in axis))
        ),
        options={"axis": None, "keep": 0},
        settle=_axes,
        shape=reduced,
        transpose=lambda g, slot, u, a, axis, keep: (
            (u if keep else _with_axes(g, u, a.shape, axis))
            * Fraction(1, prod(a.shape[i] for i in axis))
        ),
        symbol="mean",
        traits=traits("linear rational"),
    ),
    GateType(
        "avg_pool",
        arity=1,
        value=_avg_pool,
        options={"window": NEEDED},
        settle=_windowed,
        shape=_pooled,
        differential=_avg_pool_differential,
        symbol="avg pool",
        traits=traits("rational"),
    ),
    GateType(
        "trace",
        arity=1,
        value=lambda m, a: m.total(m.diagonal(a), (len(a.shape) - 2,), 0),
        shape=lambda a: _square(a)[:-2],
        transpose=_trace_transpose,
        symbol="tr",
        traits=traits("linear rational"),
    ),
]

_PRODUCTS: Final = [
    GateType(
        "matmul",
        arity=2,
        value=lambda m, a, b: m.matmul(a, b),
        shape=_matmul_shape,
        differential=_matmul_differential,
        transpose=_matmul_transpose,
        symbol="@",
        traits=traits("rational"),
    ),
    GateType(
        "dot",
        arity=2,
        value=lambda m, a, b: m.dot(a, b),
        shape=_dot_shape,
        differential=_dot_differential,
        transpose=_dot_transpose,
        symbol="⟨·,·⟩",
        traits=traits("commutative rational"),
    ),
    GateType(
        "outer",
        arity=2,
        value=lambda m, a, b: m.outer(a, b),
        shape=_outer_shape,
        differential=_outer_differential,
        transpose=_outer_transpose,
        symbol="⊗",
        traits=traits("rational"),
    ),
    GateType(
        "squared_norm",  # of all entries: the Frobenius norm of a matrix
        arity=1,
        value=lambda m, a: m.total(m.squared(a), tuple(range(len(a.shape))), 0),
        shape=lambda a: (),
        differential=lambda g, y, slot, t, a: (
            2 * g.sum_axes(a * t, axis=tuple(range(-len(a.shape), 0)))
            if a.shape
            else 2 * (a * t)
        ),
        symbol="‖·‖²",
        traits=traits("rational"),
    ),
]

_LARGEST: Final = [
    GateType(
        "max_axes",
        arity=1,
        value=lambda m, a, axis, keep: m.largest(a, axis, keep),
        options={"axis": None, "keep": 0},
        settle=_axes,
        shape=reduced,
        differential=_max_differential,
        symbol="max",
        traits=traits("rational"),
        written="max",
        undifferentiable="where entries tie for the largest: the first one's is 1",
    ),
    GateType(
        "first_max",  # 1 at the first largest entry, 0 elsewhere
        arity=1,
        value=lambda m, a, axis: m.first_max(a, axis),
        options={"axis": None},
        settle=_some_axes,
        shape=lambda a, axis: a,
        differential=_zero,
        symbol="first max",
        traits=traits("rational"),
        undifferentiable="where entries tie for the largest: it is 0",
    ),
    GateType(
        "max_pool",
        arity=1,
        value=_max_pool,
        options={"window": NEEDED},
        settle=_windowed,
        shape=_pooled,
        differential=_max_pool_differential,
        symbol="max pool",
        traits=traits("rational"),
        undifferentiable="where entries of a window tie: the first one's is 1",
    ),
]


def _exponentials(m: Any, z: Any, axis: int) -> Any:
    """Give exp(z - max z) and what it is of: no exponential overflows."""
    shifted = z - m.largest(z, (axis,), 1)
    return shifted, m.exp(shifted)


def _softmax(m: Any, z: Any, axis: int) -> Any:
    _, e = _exponentials(m, z, axis)
    return m.divide(e, m.total(e, (axis,), 1))


def _log_softmax(m: Any, z: Any, axis: int) -> Any:
    shifted, e = _exponentials(m, z, axis)
    return shifted - m.log(m.total(e, (axis,), 1))


def _log_sum_exp(m: Any, z: Any, axis: int, keep: int) -> Any:
    largest = m.largest(z, (axis,), 1)
    spread = m.log(m.total(m.exp(z - largest), (axis,), 1))
    found = largest + spread
    return found if keep else m.reshape(found, reduced(z.shape, (axis,)))


def _radial_sigmoid(m: Any, z: Any) -> Any:
    r = m.sqrt(m.total(m.squared(z), (len(z.shape) - 1,), 1))
    return z * m.quotient(m.sigmoid(r), r)


_SMOOTH: Final = [
    GateType(
        "softmax",
        arity=1,
        value=_softmax,
        options={"axis": -1},
        settle=_one_axis,
        shape=lambda a, axis: a,
        differential=_softmax_differential,
        symbol="softmax",
        traits=traits("activation"),
    ),
    GateType(
        "log_softmax",
        arity=1,
        value=_log_softmax,
        options={"axis": -1},
        settle=_one_axis,
        shape=lambda a, axis: a,
        differential=_log_softmax_differential,
        symbol="log softmax",
    ),
    GateType(
        "log_sum_exp",
        arity=1,
        value=_log_sum_exp,
        options={"axis": -1, "keep": 0},
        settle=lambda a, axis, keep: (
            *_one_axis(a, axis=axis),
            _axes(a, axis, keep)[1],
        ),
        shape=lambda a, axis, keep: reduced(a, (axis,), keep),
        differential=_log_sum_exp_differential,
        symbol="log Σ exp",
    ),
    GateType(
        "radial_sigmoid",  # s(|z|) z/|z|
        arity=1,
        value=_radial_sigmoid,
        shape=_vector,
        differential=_radial_differential,
        symbol="radial σ",
        traits=traits("activation"),
        undifferentiable="at 0, where it is not continuous: value and derivative are 0",
    ),
]

_SOLVING: Final = [
    GateType(
        "det",
        arity=1,
        value=lambda m, a: m.det(a),
        shape=lambda a: _square(a)[:-2],
        differential=_det_differential,
        symbol="det",
        traits=traits("rational"),
    ),
    GateType(
        "adjugate",
        arity=1,
        value=lambda m, a: m.adjugate(a),
        shape=_square,
        differential=_adjugate_differential,
        symbol="adj",
        traits=traits("rational"),
        undifferentiable="its derivative is written with an inverse: nan if singular",
    ),
    GateType(
        "inverse",
        arity=1,
        value=lambda m, a: m.inverse(a),
        shape=_square,
        differential=_inverse_differential,
        symbol="·⁻¹",
        traits=traits("rational"),
        undifferentiable="where the matrix is singular: it has no value",
    ),
    GateType(
        "solve",  # A^-1 b
        arity=2,
        value=lambda m, a, b: m.solve(a, b),
        shape=_solve_shape,
        differential=_solve_differential,
        transpose=_solve_transpose,
        symbol="solve",
        traits=traits("rational"),
        undifferentiable="where the matrix is singular: it has no value",
    ),
    GateType(
        "cholesky",  # L L^T = A, of whose entries the lower triangle alone is read
        arity=1,
        value=lambda m, a: m.cholesky(a),
        shape=_square,
        differential=_cholesky_differential,
        symbol="chol",
        undifferentiable="where the matrix is not positive definite: it has no value",
    ),
]

MATRIX_GATES: Final[list[GateType]] = [
    *_MOVING,
    *_SUMS,
    *_PRODUCTS,
    *_LARGEST,
    *_SMOOTH,
    *_SOLVING,
]
