"""Determinants: one polynomial, by algorithms of very different circuits."""

from __future__ import annotations

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.families.inputs import matrix
from circuitgrad.families.registry import family

__all__ = ["det_gauss"]


@family("det-gauss", gates=lambda n: n**3)
def det_gauss(n: int) -> Circuit:
    """Determinant by Gaussian elimination, without pivots.

    (n-1)(2n² - n + 6)/6 products, n(n-1)/2 divisions, n(n-1)(2n-1)/6 differences; depth
    3n - 2.  Formal degree grows like 2^n, as eliminating has it, though the value is of
    degree n.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``; no value where a leading minor is 0.
    """
    builder = Builder("det_gauss")
    a = matrix(builder, "x", n, n)
    product = a[0, 0]
    for _ in range(n - 1):
        a = a[1:, 1:] - (a[1:, :1] / a[0, 0]) * a[:1, 1:]
        product = product * a[0, 0]
    builder.output("det", product)
    return builder.finish()
