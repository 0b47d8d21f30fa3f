"""Values of polynomials of one variable, and products of two polynomials."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.families.estimates import power
from circuitgrad.families.joining import total
from circuitgrad.families.registry import family

__all__ = ["horner", "paterson_stockmeyer", "polymul", "polymul_karatsuba"]


@family("horner", gates=lambda n: 2 * n)
def horner(n: int) -> Circuit:
    """Value of a polynomial of degree n, by Horner's rule.

    n products and n additions; depth 2n.  None of either can be saved.

    Parameters
    ----------
    n : int
        Degree; inputs are ``x`` and the coefficients ``a0`` to ``an``.

    Returns
    -------
    Circuit
        One output, ``f``.

    References
    ----------
    W. G. Horner, 1819; V. Y. Pan, "Methods of computing values of polynomials", Russian
    Mathematical Surveys 21, 1966, shows that it is optimal.
    """
    builder = Builder("horner")
    x = builder.input("x")
    a = _coefficients(builder, "a", n + 1)
    found = a[n]
    for coefficient in reversed(a[:n]):
        found = found * x + coefficient
    builder.output("f", found)
    return builder.finish()


@family("paterson-stockmeyer", gates=lambda n, k: 2 * n)
def paterson_stockmeyer(n: int, k: int | None = None) -> Circuit:
    """Value of a given polynomial of degree n, with about 2√n nonscalar products.

    The polynomial is 1 + x/2 + x²/3 + ... + x^n/(n+1), the beginning of -log(1-x)/x:
    the method is for coefficients that are numbers.  They are in blocks of k, and
    Horner's rule is in x^k.  k + ⌈n/k⌉ - 2 products, n additions, n + 1 - ⌈n/k⌉ scalar
    products; depth at most ⌈log₂k⌉ + 2⌈n/k⌉ - 1, and just that if k divides n.

    Parameters
    ----------
    n : int
        Degree; the input is ``x``.
    k : int, optional
        Size of a block, at most n; ⌈√n⌉ where left out, when products are ⌈2√n⌉ - 2,
        the fewest.

    Returns
    -------
    Circuit
        One output, ``f``.

    References
    ----------
    M. S. Paterson, L. J. Stockmeyer, "On the number of nonscalar multiplications
    necessary to evaluate polynomials", SIAM Journal on Computing 2, 1973.
    """
    if k is None:
        k = isqrt(n - 1) + 1
    if k > n:
        raise CircuitError(f"k is {k}: a block has at most n = {n} coefficients")
    builder = Builder("paterson_stockmeyer")
    powers = [builder.constant(1), builder.input("x")]
    for i in range(2, k + 1):
        powers.append(powers[i // 2] * powers[i - i // 2])
    a = [Fraction(1, i + 1) for i in range(n + 1)]
    # The highest block has k + 1 coefficients if k divides n: a_n x^k is scalar.
    highest = (n - 1) // k * k
    found = builder.sum(_terms(a[highest:], powers))
    for start in range(highest - k, -1, -k):
        block = _terms(a[start : start + k], powers)
        found = builder.sum([found * powers[k], *block])
    builder.output("f", found)
    return builder.finish()


def _terms(coefficients: list[Fraction], powers: list[Expr]) -> list[Expr]:
    return [a * x for a, x in zip(coefficients, powers, strict=False)]


@family("polymul", gates=lambda n: 2 * n * n)
def polymul(n: int) -> Circuit:
    """Product of two polynomials of n coefficients each, as one learns it.

    n² products and (n-1)² additions; of size n² + 2n - 3 and depth 2, if n > 1.

    Parameters
    ----------
    n : int
        Coefficients ``a0`` ... and ``b0`` ... of each factor, whose degree is n - 1.

    Returns
    -------
    Circuit
        Outputs ``c0`` to ``c{2n-2}``, the coefficients of the product.

    References
    ----------
    J. von zur Gathen, J. Gerhard, "Modern computer algebra", 2013, section 2.3.
    """
    builder = Builder("polymul")
    a, b = _coefficients(builder, "a", n), _coefficients(builder, "b", n)
    for degree in range(2 * n - 1):
        first = range(max(0, degree - n + 1), min(n, degree + 1))
        terms = [a[i] * b[degree - i] for i in first]
        builder.output(f"c{degree}", total(terms))
    return builder.finish()


@family("polymul-karatsuba", gates=lambda n: 7 * power(3, (n - 1).bit_length()))
def polymul_karatsuba(n: int) -> Circuit:
    """Product of two polynomials of n coefficients each, by Karatsuba's method.

    Three products of half the size: of the lower halves, of the upper halves and of
    their sums.  For n = 2^m, 3^m products, 6·3^m - 8n + 2 additions and depth 2m + 1;
    for any n, M(n) = 2M(⌈n/2⌉) + M(⌊n/2⌋) products, where M(1) = 1, and A(n) =
    2A(⌈n/2⌉) + A(⌊n/2⌋) + 4n - 4 additions, where A(1) = 0.

    Parameters
    ----------
    n : int
        Coefficients ``a0`` ... and ``b0`` ... of each factor, whose degree is n - 1.

    Returns
    -------
    Circuit
        Outputs ``c0`` to ``c{2n-2}``, the coefficients of the product.

    References
    ----------
    A. Karatsuba, Y. Ofman, "Multiplication of many-digital numbers by automatic
    computers", Doklady 145, 1962; J. von zur Gathen, J. Gerhard, "Modern computer
    algebra", 2013, section 8.1.
    """
    builder = Builder("polymul_karatsuba")
    a, b = _coefficients(builder, "a", n), _coefficients(builder, "b", n)
    for degree, coefficient in enumerate(_karatsuba(a, b)):
        builder.output(f"c{degree}", coefficient)
    return builder.finish()


def _karatsuba(a: list[Expr], b: list[Expr]) -> list[Expr]:
    """Multiply two polynomials of equally many coefficients."""
    n = len(a)
    if n == 1:
        return [a[0] * b[0]]
    half = (n + 1) // 2
    low, high = _karatsuba(a[:half], b[:half]), _karatsuba(a[half:], b[half:])
    both = _karatsuba(*(_folded(each, half) for each in (a, b)))
    terms: list[list[Expr]] = [[] for _ in range(2 * n - 1)]
    for i, coefficient in enumerate(low):
        terms[i].append(coefficient)
        terms[i + half].append(-coefficient)
    for i, coefficient in enumerate(high):
        terms[i + 2 * half].append(coefficient)
        terms[i + half].append(-coefficient)
    for i, coefficient in enumerate(both):
        terms[i + half].append(coefficient)
    return [total(each) for each in terms]


def _folded(a: list[Expr], half: int) -> list[Expr]:
    """Add the upper part of a polynomial to its lower half."""
    low, high = a[:half], a[half:]
    sums = [u + v for u, v in zip(low, high, strict=False)]
    return sums + low[len(high) :]


def _coefficients(builder: Builder, name: str, count: int) -> list[Expr]:
    return [builder.input(f"{name}{i}") for i in range(count)]
