"""Permanents: no circuit of polynomial size is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.families.estimates import factorial, power
from circuitgrad.families.inputs import matrix
from circuitgrad.families.joining import product, total
from circuitgrad.families.registry import family

__all__ = ["perm_dp", "perm_glynn", "perm_naive", "perm_ryser"]


@family("perm-naive", gates=lambda n: n * factorial(n))
def perm_naive(n: int) -> Circuit:
    """Permanent, as the sum over all permutations.

    n! products of n, n!(n-1) of two, and a sum of n! - 1 additions.  Of size n! + 1 and
    depth 2; for n = 1, the input.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``per``.

    References
    ----------
    The definition.
    """
    builder = Builder("perm_naive")
    x = matrix(builder, "x", n, n)
    terms = [
        product([x[row, column] for row, column in enumerate(columns)])
        for columns in permutations(range(n))
    ]
    builder.output("per", total(terms))
    return builder.finish()


@family("perm-dp", gates=lambda n: n * power(2, n))
def perm_dp(n: int) -> Circuit:
    """Permanent, by dynamic programming over sets of columns.

    For each set of m columns, the permanent of these in the first m rows, from those of
    the sets without one of them.  n 2^(n-1) - n products, n 2^(n-1) - 2^n + 1
    additions; depth 2(n-1).  No sign and no division: it holds over any semiring.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``per``.

    References
    ----------
    M. Jerrum, M. Snir, "Some exact complexity results for straight-line computations
    over semirings", Journal of the ACM 29, 1982: without signs, no fewer products do.
    """
    builder = Builder("perm_dp")
    x = matrix(builder, "x", n, n)
    found: dict[tuple[int, ...], Expr]
    found = {(column,): x[0, column] for column in range(n)}
    for row in range(1, n):
        found = {
            columns: total(
                [
                    found[columns[:i] + columns[i + 1 :]] * x[row, columns[i]]
                    for i in range(row + 1)
                ]
            )
            for columns in combinations(range(n), row + 1)
        }
    builder.output("per", found[tuple(range(n))])
    return builder.finish()


@family("perm-ryser", gates=lambda n: n * power(2, n))
def perm_ryser(n: int) -> Circuit:
    """Permanent, by Ryser's formula, sets of columns in the order of a Gray code.

    The sum over sets of columns of ± the product of the rows' sums over the set; from
    one set to the next, one column comes or goes.  (2^n - 1)(n-1) products of two,
    (n+1)(2^n - 2) additions; depth 2^n for n > 1.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``per``.

    References
    ----------
    H. J. Ryser, "Combinatorial mathematics", 1963; A. Nijenhuis, H. S. Wilf,
    "Combinatorial algorithms", 1978, for the Gray code.
    """
    builder = Builder("perm_ryser")
    x = matrix(builder, "x", n, n)
    sums, terms = x[:, 0], [product(list(x[:, 0])) * (-1) ** (n - 1)]
    for i in range(2, 2**n):
        column, comes = _gray(i)
        sums = sums + x[:, column] if comes else sums - x[:, column]
        terms.append(product(list(sums)) * (-1) ** (n - i))
    builder.output("per", total(terms))
    return builder.finish()


@family("perm-glynn", gates=lambda n: n * power(2, n - 1))
def perm_glynn(n: int) -> Circuit:
    """Permanent, by Glynn's formula, signs in the order of a Gray code.

    The mean, over 2^(n-1) choices of signs of the rows but the first, of ± the product
    of the columns' sums with these signs; from one choice to the next, one sign
    changes.  2^(n-1) (n-1) products of two, 2n(n-1) + (n+1)(2^(n-1) - 1) additions (a
    doubled entry is one) and one scalar product; depth n + 2^(n-1) + 1 for n > 1,
    the first sums being chains.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``per``.

    References
    ----------
    D. G. Glynn, "The permanent of a square matrix", European Journal of Combinatorics
    31, 2010.
    """
    builder = Builder("perm_glynn")
    x = matrix(builder, "x", n, n)
    twice = [x[row] + x[row] for row in range(1, n)]
    sums = x[0]
    for row in range(1, n):
        sums = sums + x[row]
    terms = [product(list(sums))]
    for i in range(1, 2 ** (n - 1)):
        row, turns = _gray(i)
        sums = sums - twice[row] if turns else sums + twice[row]
        terms.append(product(list(sums)) * (-1) ** i)
    builder.output("per", total(terms) * Fraction(1, 2 ** (n - 1)))
    return builder.finish()


def _gray(i: int) -> tuple[int, bool]:
    """Give the bit in which the Gray code changes at i, and whether to 1."""
    bit = (i & -i).bit_length() - 1
    return bit, bool((i ^ i >> 1) >> bit & 1)
