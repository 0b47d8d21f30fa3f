"""Arrays entry by entry: value rules of matrix gates in any arithmetic of scalars.

`Cells` is an array of entries of any kind, with operators that act on them; `Entries`
has the functions that value rules use.  Determinants, inverses and solutions are
written with sums and products alone, and one division at the end, by the algorithm of
Faddeev and Le Verrier: they are right wherever the matrix is not singular, and exact.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import reduce
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad.gates.scalar import first_extreme
from circuitgrad.shapes import Shape

__all__ = ["Cells", "Entries"]

Objects = npt.NDArray[np.object_]


class Cells:
    """An array of entries of any kind; `entries` is it, as an array of objects."""

    __slots__ = ("entries",)
    __array_ufunc__ = None

    def __init__(self, entries: Objects) -> None:
        self.entries = entries

    @classmethod
    def of(cls, flat: Iterable[Any], shape: Shape) -> Cells:
        """Make an array of its entries, the last axis running fastest."""
        entries = np.empty(int(np.prod(shape, dtype=np.int64)), dtype=object)
        for i, entry in enumerate(flat):
            entries[i] = entry
        return cls(entries.reshape(shape))

    @property
    def shape(self) -> Shape:
        """The shape."""
        return self.entries.shape

    def flat(self) -> list[Any]:
        """Give the entries, the last axis running fastest."""
        found: list[Any] = self.entries.ravel().tolist()
        return found

    def _with(self, other: Any, function: Callable[[Any, Any], Any]) -> Cells:
        return elementwise(function, self, other)

    def __add__(self, other: Any) -> Cells:
        return self._with(other, operator.add)

    def __sub__(self, other: Any) -> Cells:
        return self._with(other, operator.sub)

    def __mul__(self, other: Any) -> Cells:
        return self._with(other, operator.mul)

    def __truediv__(self, other: Any) -> Cells:
        return self._with(other, operator.truediv)

    def __radd__(self, other: Any) -> Cells:
        return self._with(other, lambda u, v: v + u)

    def __rsub__(self, other: Any) -> Cells:
        return self._with(other, lambda u, v: v - u)

    def __rmul__(self, other: Any) -> Cells:
        return self._with(other, lambda u, v: v * u)

    def __neg__(self) -> Cells:
        return elementwise(operator.neg, self)


def elementwise(function: Callable[..., Any], *operands: Any) -> Cells:
    """Apply a function of entries, with NumPy's broadcasting; numbers are entries."""
    cells = [u if isinstance(u, Cells) else Cells.of([u], ()) for u in operands]
    shape = np.broadcast_shapes(*(u.shape for u in cells))
    columns = [np.broadcast_to(u.entries, shape).ravel().tolist() for u in cells]
    return Cells.of(map(function, *columns), shape)


class Entries:
    """An arithmetic of arrays, entry by entry, over one of scalars.

    Parameters
    ----------
    base : Rationals, Handles or another
        The arithmetic of the entries; where it has them, ``base.sum_of`` adds many,
        ``base.largest_of`` compares many, and ``base.settled`` makes the gate of a
        number times a handle, so that it is one where several use it.
    """

    def __init__(self, base: Any) -> None:
        self.base = base
        self.sum_of: Callable[[list[Any]], Any] = self._own("sum_of") or _sum_of
        self.settled: Callable[[Any], Any] = self._own("settled") or (lambda u: u)

    def _own(self, name: str) -> Callable[[Any], Any] | None:
        """Give a function that the base may have; it answers to any name."""
        found: Callable[[Any], Any] | None = (
            getattr(self.base, name) if hasattr(type(self.base), name) else None
        )
        return found

    def __getattr__(self, name: str) -> Callable[..., Cells]:
        """Give a function of the scalars, elementwise."""
        if name.startswith("_"):
            raise AttributeError(name)
        function = getattr(self.base, name)
        return lambda *operands: elementwise(function, *operands)

    def number(self, value: Any) -> Any:
        """Give a number, an entry."""
        return self.base.number(value)

    def power(self, u: Cells, exponent: Any) -> Cells:
        """Raise to a power, which may be a number."""
        if isinstance(exponent, Cells):
            return elementwise(self.base.power, u, exponent)
        return elementwise(lambda each: self.base.power(each, exponent), u)

    def checked(self, value: Cells) -> Cells:
        """Return a gate's value, refusing entries that are absurdly long."""
        return elementwise(self.base.checked, value)

    # ------------------------------------------------------------ moving entries

    def swap(self, a: Cells) -> Cells:
        """Transpose the last two axes."""
        return Cells(np.swapaxes(a.entries, -1, -2))

    def reshape(self, a: Cells, shape: Shape) -> Cells:
        """Give the same entries another shape."""
        return Cells(a.entries.reshape(shape))

    def broadcast(self, a: Cells, shape: Shape, axis: Shape) -> Cells:
        """Repeat entries, along new axes and along those of length 1."""
        return Cells(np.broadcast_to(np.expand_dims(a.entries, axis), shape))

    def take(self, a: Cells, axis: int, start: int, stop: int) -> Cells:
        """Give the entries from ``start`` to before ``stop`` of an axis."""
        return Cells(a.entries[(slice(None),) * axis + (slice(start, stop),)])

    def pad(self, a: Cells, axis: int, before: int, after: int) -> Cells:
        """Put zeros before and after, along an axis."""
        zero = self.number(0)

        def zeros(length: int) -> Objects:
            shape = (*a.shape[:axis], length, *a.shape[axis + 1 :])
            return np.full(shape, zero, dtype=object)

        parts = [zeros(before), a.entries, zeros(after)]
        return Cells(np.concatenate(parts, axis=axis))

    def concatenate(self, a: Sequence[Cells], axis: int) -> Cells:
        """Put arrays one after another, along an axis."""
        return Cells(np.concatenate([each.entries for each in a], axis=axis))

    def diag(self, a: Cells) -> Cells:
        """Put vectors on the diagonals of matrices."""
        n = a.shape[-1]
        found = np.full((*a.shape, n), self.number(0), dtype=object)
        found[..., range(n), range(n)] = a.entries
        return Cells(found)

    def diagonal(self, a: Cells) -> Cells:
        """Give the diagonals of matrices."""
        return Cells(np.diagonal(a.entries, axis1=-2, axis2=-1))

    def tril(self, a: Cells, k: int) -> Cells:
        """Give lower triangles, zeros above the k-th diagonal."""
        keep = np.tril(np.ones(a.shape[-2:], dtype=np.bool_), k)
        zero = Cells.of([self.number(0)], ()).entries
        return Cells(np.where(keep, a.entries, zero))

    # ------------------------------------------------------------ along axes

    def _along(
        self, function: Callable[[list[Any]], list[Any]], a: Cells, axis: Shape
    ) -> Objects:
        """Apply a function to the entries along axes, which come last in the result."""
        rank = len(a.shape)
        rest = tuple(i for i in range(rank) if i not in axis)
        moved = a.entries.transpose((*rest, *axis))
        rows = moved.reshape(int(np.prod([a.shape[i] for i in rest], dtype=int)), -1)
        found = [function(row.tolist()) for row in rows]
        flat = Cells.of((each for row in found for each in row), _shape_of(found))
        return flat.entries.reshape((*(a.shape[i] for i in rest), -1))

    def _reduced(
        self, function: Callable[[list[Any]], Any], a: Cells, axis: Shape, keep: int
    ) -> Cells:
        found = self._along(lambda row: [function(row)], a, axis)[..., 0]
        cells = Cells(found) if isinstance(found, np.ndarray) else Cells.of([found], ())
        if not keep:
            return cells
        shape = tuple(1 if i in axis else n for i, n in enumerate(a.shape))
        return self.reshape(cells, shape)

    def total(self, a: Cells, axis: Shape, keep: int) -> Cells:
        """Sum over axes: one sum of all for each entry of the result."""
        return self._reduced(_alone_or(self.sum_of), a, axis, keep)

    def largest(self, a: Cells, axis: Shape, keep: int) -> Cells:
        """Give the largest entry along axes."""
        many = self._own("largest_of")
        return self._reduced(
            _alone_or(many or (lambda row: reduce(self.base.maximum, row))),
            a, axis, keep,
        )  # fmt: skip

    def first_max(self, a: Cells, axis: Shape) -> Cells:
        """Give 1 at the first largest entry along axes, and 0 elsewhere."""
        g = SimpleNamespace(max=self.base.maximum, step=self.base.step)
        partials = first_extreme(1)
        one = self.number(1)

        def chosen(row: list[Any]) -> list[Any]:
            return [one] if len(row) == 1 else list(partials(g, None, *row))

        found = self._along(chosen, a, axis)
        rest = tuple(i for i in range(len(a.shape)) if i not in axis)
        order = [*rest, *axis]
        moved = found.reshape([a.shape[i] for i in order])
        return Cells(moved.transpose(np.argsort(order)))

    # ------------------------------------------------------------ products

    def matmul(self, a: Cells, b: Cells) -> Cells:
        """Multiply matrices, or batches of them, and vectors: a sum for each entry."""
        left = a.entries[None, :] if len(a.shape) == 1 else a.entries
        right = b.entries[:, None] if len(b.shape) == 1 else b.entries
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        left = np.broadcast_to(left, (*batch, *left.shape[-2:]))
        right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
        rows, columns = left.shape[-2], right.shape[-1]
        found = np.empty((*batch, rows, columns), dtype=object)
        add = _alone_or(self.sum_of)
        for at in product(*map(range, batch)):
            for i in range(rows):
                row = left[(*at, i)].tolist()
                for j in range(columns):
                    column = right[at][:, j].tolist()
                    found[(*at, i, j)] = add(
                        [u * v for u, v in zip(row, column, strict=True)]
                    )
        if len(a.shape) == 1:
            found = found[..., 0, :]
        if len(b.shape) == 1:
            found = found[..., 0]
        return Cells(found) if isinstance(found, np.ndarray) else Cells.of([found], ())

    def dot(self, a: Cells, b: Cells) -> Cells:
        """Give the dot products of vectors."""
        products = a * b
        return self.total(products, (len(products.shape) - 1,), 0)

    def outer(self, a: Cells, b: Cells) -> Cells:
        """Give the outer products of vectors."""
        return Cells(a.entries[..., :, None]) * Cells(b.entries[..., None, :])

    def squared(self, a: Cells) -> Cells:
        """Square the entries."""
        return self.power(a, Fraction(2))

    def scaled(self, a: Cells, factor: Fraction) -> Cells:
        """Multiply by a number."""
        return elementwise(lambda u: self.settled(factor * u), a)

    def quotient(self, a: Cells, b: Cells) -> Cells:
        """Divide."""
        return elementwise(self.base.divide, a, b)

    # ------------------------------------------------------------ matrices

    def _of_each(self, function: Callable[[Cells], Any], a: Cells, rank: int) -> Cells:
        """Apply a function to each matrix of a batch; results have ``rank`` axes."""
        batch = a.shape[:-2]
        found = [function(Cells(a.entries[at])) for at in product(*map(range, batch))]
        inner = found[0].shape if rank else ()
        flat = (e for each in found for e in (each.flat() if rank else [each]))
        return Cells.of(flat, (*batch, *inner))

    def det(self, a: Cells) -> Cells:
        """Give determinants."""
        return self._of_each(lambda each: self._faddeev(each)[1], a, 0)

    def adjugate(self, a: Cells) -> Cells:
        """Give adjugates."""
        return self._of_each(lambda each: self._faddeev(each)[0], a, 2)

    def inverse(self, a: Cells) -> Cells:
        """Give inverses: adjugates by determinants."""

        def inverse(each: Cells) -> Cells:
            adjugate, det = self._faddeev(each)
            return self.quotient(adjugate, Cells.of([det], ()))

        return self._of_each(inverse, a, 2)

    def solve(self, a: Cells, b: Cells) -> Cells:
        """Solve linear equations by adjugates and determinants."""
        dets: list[Any] = []

        def adjugate(each: Cells) -> Cells:
            found, det = self._faddeev(each)
            dets.append(det)
            return found

        product = self.matmul(self._of_each(adjugate, a, 2), b)
        batch = a.shape[:-2]
        more = (1,) * (len(product.shape) - len(batch))
        return self.quotient(product, Cells.of(dets, (*batch, *more)))

    def _faddeev(self, a: Cells) -> tuple[Cells, Any]:
        """Give adjugate and determinant by the algorithm of Faddeev and Le Verrier.

        M_1 = I, c_k = -tr(A M_k)/k, M_(k+1) = A M_k + c_k I; then
        det A = (-1)^n c_n and adj A = (-1)^(n-1) M_n.

        References: D. K. Faddeev and V. N. Faddeeva, "Computational methods of linear
        algebra", 1963.
        """
        n = a.shape[-1]
        if n == 1:
            return Cells.of([self.number(1)], (1, 1)), a.entries[0, 0]
        product, trace = a, self.sum_of(self.diagonal(a).flat())
        c = self.settled(Fraction(-1) * trace)
        for k in range(2, n + 1):
            entries = product.entries.copy()
            for i in range(n):
                entries[i, i] = entries[i, i] + c
            m = Cells(entries)
            both = zip(a.flat(), self.swap(m).flat(), strict=True)
            c = self.settled(Fraction(-1, k) * self.sum_of([u * v for u, v in both]))
            if k < n:
                product = self.matmul(a, m)
        minus = Fraction(-1)
        if n % 2:
            return m, self.settled(minus * c)
        return self.scaled(m, minus), c

    def cholesky(self, a: Cells) -> Cells:
        """Give the lower triangular factors of positive definite matrices."""

        def factor(each: Cells) -> Cells:
            n = each.shape[-1]
            found = np.full((n, n), self.number(0), dtype=object)
            for j in range(n):
                for i in range(j, n):
                    left = each.entries[i, j]
                    if j:
                        taken = [found[i, k] * found[j, k] for k in range(j)]
                        left = left - _alone_or(self.sum_of)(taken)
                    found[i, j] = (
                        self.base.sqrt(left)
                        if i == j
                        else self.base.divide(left, found[j, j])
                    )
            return Cells(found)

        return self._of_each(factor, a, 2)


def _sum_of(terms: list[Any]) -> Any:
    return reduce(operator.add, terms)


def _alone_or(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """Make a function of many that leaves one entry alone as it is."""
    return lambda row: row[0] if len(row) == 1 else function(row)


def _shape_of(rows: list[list[Any]]) -> Shape:
    return (len(rows), len(rows[0]))
