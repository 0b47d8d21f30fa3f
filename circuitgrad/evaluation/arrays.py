"""The functions of arrays that value rules of matrix gates use, for NumPy and JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad.shapes import Shape

__all__ = ["ArrayFunctions"]


class ArrayFunctions:
    """Functions of arrays, by a module that has NumPy's: ``xp``.

    Axes are counted from the first one; ``keep`` says whether summed axes stay.
    """

    xp: Any

    def swap(self, a: Any) -> Any:
        """Transpose the last two axes."""
        return self.xp.swapaxes(a, -1, -2)

    def reshape(self, a: Any, shape: Shape) -> Any:
        """Give the same entries another shape."""
        return self.xp.reshape(a, shape)

    def broadcast(self, a: Any, shape: Shape, axis: Shape) -> Any:
        """Repeat entries, along new axes and along those of length 1."""
        return self.xp.broadcast_to(self.xp.expand_dims(a, axis), shape)

    def take(self, a: Any, axis: int, start: int, stop: int) -> Any:
        """Give the entries from ``start`` to before ``stop`` of an axis."""
        return a[(slice(None),) * axis + (slice(start, stop),)]

    def pad(self, a: Any, axis: int, before: int, after: int) -> Any:
        """Put zeros before and after, along an axis."""
        widths = [(0, 0)] * a.ndim
        widths[axis] = (before, after)
        return self.xp.pad(a, widths)

    def concatenate(self, a: Sequence[Any], axis: int) -> Any:
        """Put arrays one after another, along an axis."""
        return self.xp.concatenate(a, axis=axis)

    def diag(self, a: Any) -> Any:
        """Put vectors on the diagonals of matrices."""
        return a[..., None] * self.xp.eye(a.shape[-1], dtype=a.dtype)

    def diagonal(self, a: Any) -> Any:
        """Give the diagonals of matrices."""
        return self.xp.diagonal(a, axis1=-2, axis2=-1)

    def tril(self, a: Any, k: int) -> Any:
        """Give lower triangles, zeros above the k-th diagonal."""
        return self.xp.tril(a, k)

    def total(self, a: Any, axis: Shape, keep: int) -> Any:
        """Sum over axes."""
        return self.xp.sum(a, axis=axis, keepdims=bool(keep))

    def largest(self, a: Any, axis: Shape, keep: int) -> Any:
        """Give the largest entry along axes."""
        return self.xp.max(a, axis=axis, keepdims=bool(keep))

    def first_max(self, a: Any, axis: Shape) -> Any:
        """Give 1 at the first largest entry along axes, and 0 elsewhere."""
        xp = self.xp
        rank = len(axis)
        moved = xp.moveaxis(a, axis, range(a.ndim - rank, a.ndim))
        flat = xp.reshape(moved, (*moved.shape[: a.ndim - rank], -1))
        first = xp.argmax(flat, axis=-1)[..., None]
        one = (xp.arange(flat.shape[-1]) == first).astype(a.dtype)
        whole = xp.reshape(one, moved.shape)
        return xp.moveaxis(whole, range(a.ndim - rank, a.ndim), axis)

    def matmul(self, a: Any, b: Any) -> Any:
        """Multiply matrices, or batches of them, and vectors."""
        return self.xp.matmul(a, b)

    def dot(self, a: Any, b: Any) -> Any:
        """Give the dot products of vectors."""
        if a.ndim == b.ndim == 1:
            return self.xp.dot(a, b)
        return self.xp.sum(a * b, axis=-1)

    def outer(self, a: Any, b: Any) -> Any:
        """Give the outer products of vectors."""
        return a[..., :, None] * b[..., None, :]

    def squared(self, a: Any) -> Any:
        """Square the entries."""
        return a * a

    def scaled(self, a: Any, factor: Fraction) -> Any:
        """Multiply by a number."""
        return a * float(factor)

    def quotient(self, a: Any, b: Any) -> Any:
        """Divide; where the divisor is 0, the result is 0."""
        zero = b == 0
        return self.xp.where(zero, 0.0 * a, a / self.xp.where(zero, 1.0 + 0 * b, b))

    def det(self, a: Any) -> Any:
        """Give determinants."""
        return self.xp.linalg.det(a)

    def inverse(self, a: Any) -> Any:
        """Give inverses; nan where there is none."""
        return self.solve(a, self.xp.eye(a.shape[-1], dtype=a.dtype))

    def solve(self, a: Any, b: Any) -> Any:
        """Solve linear equations; a vector is one right side; nan where singular."""
        solve = self.xp.linalg.solve
        if b.ndim == 1:
            return _or_nan(solve, a, b[:, None])[..., 0]
        return _or_nan(solve, a, b)

    def cholesky(self, a: Any) -> Any:
        """Give the lower triangular factors of positive definite matrices, else nan."""
        lower = self.xp.tril(a)
        whole = lower + self.swap(self.xp.tril(a, -1))
        return _or_nan(self.xp.linalg.cholesky, whole)

    def adjugate(self, a: Any) -> Any:
        """Give adjugates, of singular matrices too, by the singular values.

        A = U S V^T gives adj(A) = det(U V^T) V adj(S) U^T.
        """
        return _or_nan(self._adjugate, a)

    def _adjugate(self, a: Any) -> Any:
        xp = self.xp
        n = a.shape[-1]
        u, s, v = xp.linalg.svd(a)
        # all singular values but one, without a division
        rest = xp.where(xp.eye(n, dtype=bool), 1.0 + 0 * s[..., None], s[..., None, :])
        others = xp.prod(rest, axis=-1)
        sign = xp.round(xp.linalg.det(u) * xp.linalg.det(v))[..., None, None]
        return sign * xp.matmul(self.swap(v), others[..., None] * self.swap(u))


def _or_nan(function: Callable[..., Any], *operands: Any) -> Any:
    """Apply a function of matrices; of those that have no result it is nan.

    NumPy refuses a whole batch for one of them; JAX does this by itself.
    """
    try:
        return function(*operands)
    except np.linalg.LinAlgError:
        batch = np.broadcast_shapes(*(u.shape[:-2] for u in operands))
    shape = operands[0].shape[-2], operands[-1].shape[-1]
    found = np.full((*batch, *shape), np.nan, np.result_type(*operands))
    if batch:
        each = [np.broadcast_to(u, (*batch, *u.shape[-2:])) for u in operands]
        for at in np.ndindex(*batch):
            found[at] = _or_nan(function, *(u[at] for u in each))
    return found
