"""Elementary symmetric polynomials, by algorithms of very different size; power sums.

The elementary symmetric polynomial e_k of n variables is the sum of the products of k
of them; the notes call it sigma_k.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb, factorial

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.families.estimates import choose
from circuitgrad.families.inputs import vector
from circuitgrad.families.joining import product, settled, total
from circuitgrad.families.registry import family

__all__ = [
    "esym_benor",
    "esym_dp",
    "esym_naive",
    "esym_newton",
    "esym_square",
    "power_sum",
]


def _require_degree(n: int, k: int) -> None:
    if k > n:
        raise CircuitError(f"k is {k}: products of k out of n = {n} need k <= n")


@family("esym-naive", gates=lambda n, k: k * choose(n, k))
def esym_naive(n: int, k: int = 2) -> Circuit:
    """Elementary symmetric polynomial, as the sum of all its products.

    C(n, k) products of k, (k-1) C(n, k) of two, and a sum of C(n, k) - 1 additions.  Of
    size C(n, k) + 1 and depth 2; without products if k = 1, without sum if k = n.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.
    k : int
        Degree, at most n.

    Returns
    -------
    Circuit
        One output, ``e``.

    References
    ----------
    The definition; section 5 of the notes has k = 2.
    """
    _require_degree(n, k)
    builder = Builder("esym_naive")
    x = vector(builder, "x", n)
    builder.output("e", total([product(each) for each in combinations(x, k)]))
    return builder.finish()


@family("esym-square", gates=lambda n, k: 4 * n)
def esym_square(n: int, k: int = 2) -> Circuit:
    """Elementary symmetric polynomial of degree 2, from the square of the sum.

    ½(x1 + ... + xn)² - ½(x1² + ... + xn²): n + 1 squares, 2n - 1 additions, 2 scalar
    products.  Of size n + 4 and depth 3.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``, at least 2.
    k : int
        Degree: there is no such formula but for 2.

    Returns
    -------
    Circuit
        One output, ``e``.

    References
    ----------
    The notes, section 5.
    """
    if k != 2:
        raise CircuitError(f"k is {k}: esym-square is of degree 2; esym-dp takes any")
    _require_degree(n, k)
    builder = Builder("esym_square")
    x = vector(builder, "x", n)
    whole, squares, half = x.sum(), (x * x).sum(), Fraction(1, 2)
    builder.output("e", half * (whole * whole) - half * squares)
    return builder.finish()


@family("esym-dp", gates=lambda n, k: 2 * n * k)
def esym_dp(n: int, k: int = 2) -> Circuit:
    """Elementary symmetric polynomial, variable by variable.

    e_j of i variables is that of i - 1, plus the last variable times e_{j-1} of i - 1;
    what e_k of n does not need is left out.  (k-1)(n-k+1) products and k(n-k)
    additions, all of two operands; depth n + k - 2, and n - 1 if k = n.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.
    k : int
        Degree, at most n.

    Returns
    -------
    Circuit
        One output, ``e``.

    References
    ----------
    F. B. Baker, M. R. Harwell, "Computing elementary symmetric functions and their
    derivatives: a didactic", Applied Psychological Measurement 20, 1996: the summation
    algorithm.
    """
    _require_degree(n, k)
    builder = Builder("esym_dp")
    x = vector(builder, "x", n)
    e = [x[0]]  # e_1, e_2 ... of the variables so far
    for i in range(2, n + 1):
        new = x[i - 1]
        if i <= k:
            e.append(e[-1] * new)
        # n - i variables are to come, and add at most as much to a degree
        for j in range(min(i - 1, k), max(1, k - n + i) - 1, -1):
            e[j - 1] = e[j - 1] + (e[j - 2] * new if j > 1 else new)
    builder.output("e", e[k - 1])
    return builder.finish()


@family("esym-benor", gates=lambda n, k: 2 * n * n)
def esym_benor(n: int, k: int = 2) -> Circuit:
    """Elementary symmetric polynomial in depth 3, by interpolation.

    It is a coefficient of (t + x1) ... (t + xn), a polynomial of t; its values at 0, 1
    ... n are weighted and summed up.  (n+1)(n-1) products of two, n(n+1) additions, at
    most n + 1 scalar products; of depth 3.  If k = n, one point is left: a product.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.
    k : int
        Degree, at most n.

    Returns
    -------
    Circuit
        One output, ``e``.

    References
    ----------
    M. Ben-Or, in N. Nisan, A. Wigderson, "Lower bounds on arithmetic circuits via
    partial derivatives", Computational Complexity 6, 1996.
    """
    _require_degree(n, k)
    builder = Builder("esym_benor")
    x = vector(builder, "x", n)
    terms = [
        weight * product(list(x + builder.constant(t)) if t else list(x))
        for t, weight in enumerate(_interpolation(n, k))
        if weight
    ]
    builder.output("e", total(terms))
    return builder.finish()


def _interpolation(n: int, k: int) -> list[Fraction]:
    """Give the weights of values at 0 ... n that make the coefficient of t^(n-k)."""
    top = [1]  # coefficients of t (t - 1) ... (t - n), from the highest down
    for root in range(n + 1):
        longer = [*top, 0]
        for i in range(1, len(longer)):
            longer[i] -= root * top[i - 1]
        top = longer[: k + 1]
    weights, all_orders = [], factorial(n)
    for point in range(n + 1):
        quotient = 0  # Horner's rule divides by t - point
        for coefficient in top:
            quotient = coefficient + point * quotient
        sign = -1 if (n - point) % 2 else 1
        weights.append(Fraction(sign * quotient * comb(n, point), all_orders))
    return weights


@family("esym-newton", gates=lambda n, k: 2 * n * k + k * k)
def esym_newton(n: int, k: int = 2) -> Circuit:
    """Elementary symmetric polynomial, from power sums by Newton's identities.

    j e_j = e_{j-1} p_1 - e_{j-2} p_2 + ... for j up to k.  n(k-1) + k(k-1)/2 products,
    k(n-1) + k(k-1)/2 additions, k - 1 scalar products; depth 3k - 2, and 0 if n = 1.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.
    k : int
        Degree, at most n.

    Returns
    -------
    Circuit
        One output, ``e``.

    References
    ----------
    I. Newton, "Arithmetica universalis", 1707; I. G. Macdonald, "Symmetric functions
    and Hall polynomials", 1995, section I.2.
    """
    _require_degree(n, k)
    builder = Builder("esym_newton")
    x = powers = vector(builder, "x", n)
    p = [total(list(x))]
    for _ in range(k - 1):
        powers = powers * x
        p.append(powers.sum())
    e = [p[0]]
    for j in range(2, k + 1):
        terms = [e[j - i - 1] * p[i - 1] * (-1) ** (i - 1) for i in range(1, j)]
        whole = builder.sum([*terms, p[j - 1] * (-1) ** (j - 1)])
        e.append(settled(whole * Fraction(1, j)))
    builder.output("e", e[-1])
    return builder.finish()


@family("power-sum", gates=lambda n, k: n)
def power_sum(n: int, k: int = 2) -> Circuit:
    """Power sum, x1^k + ... + xn^k.

    n powers, each of ⌊log₂k⌋ + b - 1 multiplications where k has b ones in binary, and
    n - 1 additions.  Of size n + 1 and depth 2; without powers if k = 1.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.
    k : int
        Power.

    Returns
    -------
    Circuit
        One output, ``p``.

    References
    ----------
    W. Baur, V. Strassen, "The complexity of partial derivatives", Theoretical Computer
    Science 22, 1983, who show that n log k multiplications are of the least order.
    """
    builder = Builder("power_sum")
    x = vector(builder, "x", n)
    builder.output("p", total(list(x**k if k > 1 else x)))
    return builder.finish()
