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
from math import prod
from typing import Any, Final

from circuitgrad.gates import forms, maps
from circuitgrad.gates.record import NEEDED, GateType, traits
from circuitgrad.shapes import Shape

__all__ = ["MATRIX_GATES"]

# ---------------------------------------------------------------------- value rules


def _avg_pool(m: Any, a: Any, window: Shape) -> Any:
    parts, inside = forms.windows(a.shape, window)
    total = m.total(m.reshape(a, parts), inside, 0)
    return m.scaled(total, Fraction(1, prod(window)))


def _max_pool(m: Any, a: Any, window: Shape) -> Any:
    parts, inside = forms.windows(a.shape, window)
    return m.largest(m.reshape(a, parts), inside, 0)


# ---------------------------------------------------------------------- the records

_MOVING: Final = [
    GateType(
        "transpose",
        arity=1,
        value=lambda m, a: m.swap(a),
        shape=forms.swapped,
        transpose=lambda g, slot, u, a: u.T,
        symbol="·ᵀ",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "reshape",
        arity=1,
        value=lambda m, a, shape: m.reshape(a, shape),
        options={"shape": NEEDED},
        settle=forms.reshaped,
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
        settle=forms.broadcast_to,
        shape=lambda a, shape, axis: shape,
        transpose=maps.broadcast_transpose,
        symbol="broadcast",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "slice",
        arity=1,
        value=lambda m, a, axis, start, stop: m.take(a, axis, start, stop),
        options={"axis": 0, "start": 0, "stop": None},
        settle=forms.sliced,
        shape=forms.slice_shape,
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
        settle=forms.padded,
        shape=forms.pad_shape,
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
        settle=forms.one_axis,
        shape=forms.concatenated,
        differential=maps.concatenate_differential,
        transpose=maps.concatenate_transpose,
        symbol="concat",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "diag",  # the matrix with a vector on its diagonal
        arity=1,
        value=lambda m, a: m.diag(a),
        shape=lambda a: (*forms.vector(a), a[-1]),
        transpose=lambda g, slot, u, a: g.diagonal(u),
        symbol="diag",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "diagonal",
        arity=1,
        value=lambda m, a: m.diagonal(a),
        shape=lambda a: forms.square(a)[:-1],
        transpose=lambda g, slot, u, a: g.diag(u),
        symbol="diagonal",
        traits=traits("structural linear rational"),
    ),
    GateType(
        "tril",  # the lower triangle, below the k-th diagonal and on it
        arity=1,
        value=lambda m, a, k: m.tril(a, k),
        options={"k": 0},
        settle=forms.diagonal_option,
        shape=forms.matrix,
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
        settle=forms.axes,
        shape=forms.reduced,
        transpose=lambda g, slot, u, a, axis, keep: (
            u if keep else maps.with_axes(g, u, a.shape, axis)
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
        settle=forms.axes,
        shape=forms.reduced,
        transpose=lambda g, slot, u, a, axis, keep: (
            (u if keep else maps.with_axes(g, u, a.shape, axis))
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
        settle=forms.windowed,
        shape=forms.pooled,
        differential=maps.avg_pool_differential,
        symbol="avg pool",
        traits=traits("rational"),
    ),
    GateType(
        "trace",
        arity=1,
        value=lambda m, a: m.total(m.diagonal(a), (len(a.shape) - 2,), 0),
        shape=lambda a: forms.square(a)[:-2],
        transpose=maps.trace_transpose,
        symbol="tr",
        traits=traits("linear rational"),
    ),
]

_PRODUCTS: Final = [
    GateType(
        "matmul",
        arity=2,
        value=lambda m, a, b: m.matmul(a, b),
        shape=forms.matmul_shape,
        differential=maps.matmul_differential,
        transpose=maps.matmul_transpose,
        symbol="@",
        traits=traits("rational"),
    ),
    GateType(
        "dot",
        arity=2,
        value=lambda m, a, b: m.dot(a, b),
        shape=forms.dot_shape,
        differential=maps.dot_differential,
        transpose=maps.dot_transpose,
        symbol="⟨·,·⟩",
        traits=traits("commutative rational"),
    ),
    GateType(
        "outer",
        arity=2,
        value=lambda m, a, b: m.outer(a, b),
        shape=forms.outer_shape,
        differential=maps.outer_differential,
        transpose=maps.outer_transpose,
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
        settle=forms.axes,
        shape=forms.reduced,
        differential=maps.max_differential,
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
        settle=forms.some_axes,
        shape=lambda a, axis: a,
        differential=maps.zero,
        symbol="first max",
        traits=traits("rational"),
        undifferentiable="where entries tie for the largest: it is 0",
    ),
    GateType(
        "max_pool",
        arity=1,
        value=_max_pool,
        options={"window": NEEDED},
        settle=forms.windowed,
        shape=forms.pooled,
        differential=maps.max_pool_differential,
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
    return found if keep else m.reshape(found, forms.reduced(z.shape, (axis,)))


def _radial_sigmoid(m: Any, z: Any) -> Any:
    r = m.sqrt(m.total(m.squared(z), (len(z.shape) - 1,), 1))
    return z * m.quotient(m.sigmoid(r), r)


_SMOOTH: Final = [
    GateType(
        "softmax",
        arity=1,
        value=_softmax,
        options={"axis": -1},
        settle=forms.one_axis,
        shape=lambda a, axis: a,
        differential=maps.softmax_differential,
        symbol="softmax",
        traits=traits("activation"),
    ),
    GateType(
        "log_softmax",
        arity=1,
        value=_log_softmax,
        options={"axis": -1},
        settle=forms.one_axis,
        shape=lambda a, axis: a,
        differential=maps.log_softmax_differential,
        symbol="log softmax",
    ),
    GateType(
        "log_sum_exp",
        arity=1,
        value=_log_sum_exp,
        options={"axis": -1, "keep": 0},
        settle=lambda a, axis, keep: (
            *forms.one_axis(a, axis=axis),
            forms.axes(a, axis, keep)[1],
        ),
        shape=lambda a, axis, keep: forms.reduced(a, (axis,), keep),
        differential=maps.log_sum_exp_differential,
        symbol="log Σ exp",
    ),
    GateType(
        "radial_sigmoid",  # s(|z|) z/|z|
        arity=1,
        value=_radial_sigmoid,
        shape=forms.vector,
        differential=maps.radial_differential,
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
        shape=lambda a: forms.square(a)[:-2],
        differential=maps.det_differential,
        symbol="det",
        traits=traits("rational"),
    ),
    GateType(
        "adjugate",
        arity=1,
        value=lambda m, a: m.adjugate(a),
        shape=forms.square,
        differential=maps.adjugate_differential,
        symbol="adj",
        traits=traits("rational"),
        undifferentiable="its derivative is written with an inverse: nan if singular",
    ),
    GateType(
        "inverse",
        arity=1,
        value=lambda m, a: m.inverse(a),
        shape=forms.square,
        differential=maps.inverse_differential,
        symbol="·⁻¹",
        traits=traits("rational"),
        undifferentiable="where the matrix is singular: it has no value",
    ),
    GateType(
        "solve",  # A^-1 b
        arity=2,
        value=lambda m, a, b: m.solve(a, b),
        shape=forms.solve_shape,
        differential=maps.solve_differential,
        transpose=maps.solve_transpose,
        symbol="solve",
        traits=traits("rational"),
        undifferentiable="where the matrix is singular: it has no value",
    ),
    GateType(
        "cholesky",  # L L^T = A, of whose entries the lower triangle alone is read
        arity=1,
        value=lambda m, a: m.cholesky(a),
        shape=forms.square,
        differential=maps.cholesky_differential,
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
