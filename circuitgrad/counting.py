"""Counting scalar operations of a matrix gate, from its value rule, without entries.

The rule is read in an arithmetic of arrays that have no entries, only a shape: each
operation adds what it takes to a tally.  So a product of (m, k) and (k, n) costs
m n (2k - 1), and nothing about costs is written beside the value rule.  Entries that
depend on no input, as those of a diagonal matrix beside its diagonal, cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad.gates.forms import reduced
from circuitgrad.shapes import Shape, broadcast, entries

__all__ = ["Counted", "Counts", "Tally", "Varies", "among", "either"]


#: Which entries vary with the inputs: all, none, or those of a mask.
Varies = bool | npt.NDArray[np.bool_]


class Tally:
    """Operations so far: all, and the nonscalar ones of Ostrowski's measure."""

    def __init__(self) -> None:
        self.ops = 0
        self.nonscalar = 0


def among(varies: Varies, shape: Shape) -> int:
    """Count the entries that vary."""
    if isinstance(varies, bool):
        return entries(shape) if varies else 0
    return int(np.count_nonzero(np.broadcast_to(varies, shape)))


def either(first: Varies, second: Varies) -> Varies:
    """Tell where one of two varies."""
    if first is True or second is True:
        return True
    return first | second


def both(first: Varies, second: Varies) -> Varies:
    """Tell where both vary."""
    if first is False or second is False:
        return False
    return first & second


class Counted:
    """An array without entries: its shape, and which of them vary."""

    __slots__ = ("shape", "tally", "varies")

    def __init__(self, tally: Tally, shape: Shape, varies: Varies = True) -> None:
        self.tally, self.shape, self.varies = tally, shape, varies

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which entries vary, as an array of its shape."""
        return np.broadcast_to(self.varies, self.shape)

    def moved(self, shape: Shape, move: Callable[[Any], Any]) -> Counted:
        """Move entries about, which costs nothing."""
        varies = self.varies
        if not isinstance(varies, bool):
            varies = move(self.mask)
        return Counted(self.tally, shape, varies)

    def made(self, shape: Shape, varies: Varies, ops: int, nonscalar: int) -> Counted:
        """Give the result of operations, and add them to the tally."""
        self.tally.ops += ops
        self.tally.nonscalar += nonscalar
        return Counted(self.tally, shape, varies)

    def each(self, nonscalar: int = 0) -> Counted:
        """Give the result of an operation on each entry."""
        count = among(self.varies, self.shape)
        return self.made(self.shape, self.varies, count, nonscalar * count)

    def _with(self, other: Any, product: bool = False) -> Counted:
        if not isinstance(other, Counted):
            return self.each()
        shape = broadcast(self.shape, other.shape)
        varies = either(self.varies, other.varies)
        two = both(self.varies, other.varies) if product else False
        return self.made(shape, varies, among(varies, shape), among(two, shape))

    def __add__(self, other: Any) -> Counted:
        return self._with(other)

    def __mul__(self, other: Any) -> Counted:
        return self._with(other, product=True)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__


class Counts:
    """The arithmetic that counts."""

    def __getattr__(self, name: str) -> Callable[..., Counted]:
        """Give an elementary function, an operation an entry."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda u: u.each()

    def divide(self, u: Counted, v: Counted) -> Counted:
        """Divide."""
        shape = broadcast(u.shape, v.shape)
        varies = either(u.varies, v.varies)
        count = among(varies, shape)
        return u.made(shape, varies, count, count)

    quotient = divide

    # ------------------------------------------------------------ moving entries

    def swap(self, a: Counted) -> Counted:
        """Transpose the last two axes."""
        shape = (*a.shape[:-2], a.shape[-1], a.shape[-2])
        return a.moved(shape, lambda mask: np.swapaxes(mask, -1, -2))

    def reshape(self, a: Counted, shape: Shape) -> Counted:
        """Give the same entries another shape."""
        return a.moved(shape, lambda mask: mask.reshape(shape))

    def broadcast(self, a: Counted, shape: Shape, axis: Shape) -> Counted:
        """Repeat entries."""
        return a.moved(
            shape, lambda mask: np.broadcast_to(np.expand_dims(mask, axis), shape)
        )

    def take(self, a: Counted, axis: int, start: int, stop: int) -> Counted:
        """Give some entries."""
        shape = (*a.shape[:axis], stop - start, *a.shape[axis + 1 :])
        part = (slice(None),) * axis + (slice(start, stop),)
        return a.moved(shape, lambda mask: mask[part])

    def pad(self, a: Counted, axis: int, before: int, after: int) -> Counted:
        """Put zeros around."""
        widths = [(0, 0)] * len(a.shape)
        widths[axis] = (before, after)
        mask = np.pad(a.mask, widths)
        return Counted(a.tally, mask.shape, mask)

    def concatenate(self, a: Sequence[Counted], axis: int) -> Counted:
        """Put arrays one after another."""
        mask = np.concatenate([each.mask for each in a], axis=axis)
        return Counted(a[0].tally, mask.shape, mask)

    def diag(self, a: Counted) -> Counted:
        """Put vectors on diagonals."""
        mask = a.mask[..., None] & np.eye(a.shape[-1], dtype=np.bool_)
        return Counted(a.tally, mask.shape, mask)

    def diagonal(self, a: Counted) -> Counted:
        """Give diagonals."""
        return a.moved(a.shape[:-1], lambda mask: np.diagonal(mask, axis1=-2, axis2=-1))

    def tril(self, a: Counted, k: int) -> Counted:
        """Give lower triangles."""
        return Counted(a.tally, a.shape, np.tril(a.mask, k))

    # ------------------------------------------------------------ along axes

    def total(self, a: Counted, axis: Shape, keep: int) -> Counted:
        """Sum over axes."""
        shape = reduced(a.shape, axis, keep)
        varies = a.varies
        if not isinstance(varies, bool):
            varies = np.asarray(a.mask.any(axis=axis, keepdims=bool(keep)))
        many = prod(a.shape[i] for i in axis)
        return a.made(shape, varies, among(varies, shape) * (many - 1), 0)

    largest = total

    def first_max(self, a: Counted, axis: Shape) -> Counted:
        """Mark the first largest entry: maxima from both sides, and their signs."""
        k = prod(a.shape[i] for i in axis)
        if k == 1:
            return Counted(a.tally, a.shape, False)
        varies = a.varies
        if not isinstance(varies, bool):
            varies = np.asarray(a.mask.any(axis=axis, keepdims=True))
        rows = int(among(varies, a.shape)) // k
        # 2 (k-2) maxima, k-1 differences and steps, k-2 differences, 1 - the first
        each = 2 * (k - 2) + 2 * (k - 1) + (k - 2) + 1
        return a.made(a.shape, varies, rows * each, 0)

    # ------------------------------------------------------------ products

    def matmul(self, a: Counted, b: Counted) -> Counted:
        """Multiply: for each entry a sum of k products, those of constants free."""
        left = a if len(a.shape) > 1 else self.reshape(a, (1, *a.shape))
        right = b if len(b.shape) > 1 else self.reshape(b, (*b.shape, 1))
        batch = broadcast(left.shape[:-2], right.shape[:-2])
        m, k, n = left.shape[-2], left.shape[-1], right.shape[-1]
        whole = (*batch, m, n)
        if isinstance(a.varies, bool) and isinstance(b.varies, bool):
            varies = either(a.varies, b.varies)
            products = among(varies, whole) * k
            two = among(both(a.varies, b.varies), whole) * k
        else:
            u, v = left.mask, right.mask
            left_varies, right_varies = np.any(u, axis=-1), np.any(v, axis=-2)
            varies = np.logical_or(
                np.expand_dims(left_varies, -1), np.expand_dims(right_varies, -2)
            )
            # for each k and matrix of the batch, how many of its factors vary
            rows, columns = u.sum(axis=-2), v.sum(axis=-1)
            free = np.broadcast_to((m - rows) * (n - columns), (*batch, k))
            products = entries(whole) * k - int(free.sum())
            two = int(np.broadcast_to(rows * columns, (*batch, k)).sum())
        sums = among(varies, whole) * (k - 1)
        product = a.made(whole, varies, products + sums, two)
        above = (m,) if len(a.shape) > 1 else ()
        beside = (n,) if len(b.shape) > 1 else ()
        return self.reshape(product, (*batch, *above, *beside))

    def dot(self, a: Counted, b: Counted) -> Counted:
        """Give dot products."""
        products = a * b
        return self.total(products, (len(products.shape) - 1,), 0)

    def outer(self, a: Counted, b: Counted) -> Counted:
        """Give outer products."""
        left = self.reshape(a, (*a.shape, 1))
        return left * self.reshape(b, (*b.shape[:-1], 1, b.shape[-1]))

    def squared(self, a: Counted) -> Counted:
        """Square."""
        return a.each(nonscalar=1)

    def scaled(self, a: Counted, factor: Fraction) -> Counted:
        """Multiply by a number."""
        return a.each() if factor != 1 else a

    # ------------------------------------------------------------ matrices

    def _faddeev(self, a: Counted, det: bool) -> tuple[Counted, Counted]:
        """Count the algorithm of Faddeev and Le Verrier, as `Entries` runs it.

        Without the determinant its last trace is not needed.
        """
        batch, n = a.shape[:-2], a.shape[-1]
        if n == 1:
            adjugate = Counted(a.tally, a.shape, False)
            return adjugate, self.reshape(a, batch)
        varies: Varies = a.varies if isinstance(a.varies, bool) else True
        each = among(varies, batch)
        traces = n - 2 + det  # each n^2 products, their sum, and the factor -1/k
        sums = n - 1 + 1 + (n - 1) * n + traces * 2 * n * n
        sums += (n - 2) * n * n * (2 * n - 1)
        products = traces * n * n + (n - 2) * n**3
        a.made(batch, varies, each * sums, each * products)
        if det and n % 2:
            a.made(batch, varies, each, 0)  # its sign
        return Counted(a.tally, a.shape, varies), Counted(a.tally, batch, varies)

    def det(self, a: Counted) -> Counted:
        """Give determinants."""
        return self._faddeev(a, det=True)[1]

    def adjugate(self, a: Counted, det: bool = False) -> Counted:
        """Give adjugates."""
        adjugate = self._faddeev(a, det)[0]
        return adjugate if a.shape[-1] % 2 else adjugate.each()

    def inverse(self, a: Counted) -> Counted:
        """Give inverses."""
        return self.divide(self.adjugate(a, det=True), self._below(a, 2))

    def solve(self, a: Counted, b: Counted) -> Counted:
        """Solve linear equations."""
        product = self.matmul(self.adjugate(a, det=True), b)
        return self.divide(
            product, self._below(a, len(product.shape) + 2 - len(a.shape))
        )

    def _below(self, a: Counted, more: int) -> Counted:
        """Give the determinants that have been counted, for a division."""
        shape = (*a.shape[:-2], *(1,) * more)
        return Counted(a.tally, shape, bool(np.any(a.varies)))

    def cholesky(self, a: Counted) -> Counted:
        """Factor matrices column by column."""
        varies = bool(np.any(a.varies))
        each, n = among(varies, a.shape[:-2]), a.shape[-1]
        below = [(n - j, j) for j in range(n)]  # entries of a column, products in each
        ops = sum(rows * (2 * j + 1) for rows, j in below)
        nonscalar = sum(rows * j + rows - 1 for rows, j in below)
        factor = a.made(a.shape, varies, each * ops, each * nonscalar)
        return self.tril(factor, 0)
