"""Factors of a matrix by elimination: LU and Cholesky."""

from __future__ import annotations

import numpy as np

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.families.inputs import matrix
from circuitgrad.families.registry import family
from circuitgrad.vectors import Vector

__all__ = ["cholesky", "lu"]


@family("lu", gates=lambda n: n**3)
def lu(n: int) -> Circuit:
    """Factors L and U of a matrix by Gaussian elimination, without pivots.

    n(n-1)(2n-1)/6 products, n(n-1)/2 divisions, n(n-1)(2n-1)/6 differences; depth
    3n - 3.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        Outputs ``l2_1`` ... below the diagonal, on which L is 1, and ``u1_1`` ... on it
        and above, in row order; no value where a leading minor but the last is 0.

    References
    ----------
    G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section
    3.2.
    """
    builder = Builder("lu")
    a = matrix(builder, "x", n, n)
    lower, upper = [], []
    for _ in range(n - 1):
        lower.append(a[1:, 0] / a[0, 0])
        upper.append(a[0])
        a = a[1:, 1:] - lower[-1][:, None] * upper[-1][None, 1:]
    upper.append(a[0])
    for i in range(n):
        for j in range(i):
            builder.output(f"l{i + 1}_{j + 1}", lower[j][i - j - 1])
    for i in range(n):
        for j in range(i, n):
            builder.output(f"u{i + 1}_{j + 1}", upper[i][j - i])
    return builder.finish()


@family("cholesky", gates=lambda n: n**3)
def cholesky(n: int) -> Circuit:
    """Cholesky factor of a symmetric matrix: the lower triangle L of X = L Lᵀ.

    n(n-1)(n+1)/6 products and as many differences, n(n-1)/2 divisions, n square roots;
    depth 4n - 3.

    Parameters
    ----------
    n : int
        Rows and columns; the entries of the lower triangle alone are inputs, ``x1_1``,
        ``x2_1``, ``x2_2`` ..., in row order.

    Returns
    -------
    Circuit
        Outputs ``l1_1``, ``l2_1``, ``l2_2`` ...; real where the matrix is positive
        definite.

    References
    ----------
    G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section
    4.2.
    """
    builder = Builder("cholesky")
    places = [(i, j) for i in range(n) for j in range(i + 1)]
    given = [builder.input(f"x{i + 1}_{j + 1}").vertex for i, j in places]
    square = np.zeros((n, n), dtype=np.int64)
    square[np.tril_indices(n)] = given
    columns = [Vector(builder, square[j:, j]) for j in range(n)]
    entries = {}
    for j, column in enumerate(columns):
        root = builder.functions.sqrt(column[0])
        below = column[1:] / root
        for k in range(j + 1, n):
            rest = below[k - j - 1 :]
            columns[k] = columns[k] - rest * rest[0]
        entries[j, j] = root
        entries |= {(j + i, j): entry for i, entry in enumerate(below, start=1)}
    for i, j in places:
        builder.output(f"l{i + 1}_{j + 1}", entries[i, j])
    return builder.finish()
