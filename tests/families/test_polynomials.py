"""Polynomials of one variable, and products of variables."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isqrt, log2, prod

import flint
import pytest
from counting import rational_point, require_counts, require_gradient_and_text

import circuitgrad as cg
from circuitgrad.families import (
    FAMILIES,
    horner,
    paterson_stockmeyer,
    polymul,
    polymul_karatsuba,
    product_chain,
    product_tree,
)
from circuitgrad.operations import operations


def flint_polynomial(coefficients):
    return flint.fmpq_poly([flint.fmpq(*a.as_integer_ratio()) for a in coefficients])


def ratios(coefficients):
    return [Fraction(int(a.p), int(a.q)) for a in coefficients]


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_horner(n):
    c = horner(n)
    require_counts(c, multiplications=n, additions=n)
    assert c.depth == c.size == 2 * n
    point = rational_point(c)
    x, *a = point.values()
    value = flint_polynomial(a)(flint.fmpq(*x.as_integer_ratio()))
    assert [cg.evaluate(c, point)["f"]] == ratios([value])


@pytest.mark.parametrize(
    ("n", "k"),
    [(n, k) for n in (1, 2, 3, 4, 6, 7, 12, 30) for k in range(1, min(n, 9) + 1)]
    + [(30, 30), (100, 10), (101, 13)],
)
def test_paterson_stockmeyer(n, k):
    c = paterson_stockmeyer(n, k)
    require_counts(
        c,
        multiplications=k - 1 + n // k - (n % k == 0),
        additions=n,
        scalar=n + 1 - ceil(n / k),
    )
    bound = ceil(log2(k)) + 2 * ceil(n / k) - 1
    assert c.depth == bound if n % k == 0 else c.depth <= bound
    point = rational_point(c)
    coefficients = [Fraction(1, i + 1) for i in range(n + 1)]
    value = flint_polynomial(coefficients)(flint.fmpq(*point["x"].as_integer_ratio()))
    assert [cg.evaluate(c, point)["f"]] == ratios([value])


@pytest.mark.parametrize("n", [*range(1, 30), 1000])
def test_paterson_stockmeyer_chooses_the_best_block(n):
    found = operations(paterson_stockmeyer(n)).nonscalar
    assert found == min(k - 1 + n // k - (n % k == 0) for k in range(1, n + 1))
    assert found == isqrt(4 * n - 1) - 1  # the ceiling of 2√n, less 2
    assert paterson_stockmeyer(n) == paterson_stockmeyer(n, isqrt(n - 1) + 1)


@pytest.mark.parametrize("make", [polymul, polymul_karatsuba], ids=lambda m: m.__name__)
@pytest.mark.parametrize("n", [*range(1, 10), 13, 16])
def test_products_of_polynomials(make, n):
    c = make(n)
    point = rational_point(c)
    values = list(point.values())
    product = flint_polynomial(values[:n]) * flint_polynomial(values[n:])
    found = cg.evaluate(c, point)
    assert list(found) == [f"c{i}" for i in range(2 * n - 1)]
    assert list(found.values()) == ratios([product[i] for i in range(2 * n - 1)])


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_polymul_counts(n):
    c = polymul(n)
    require_counts(c, multiplications=n * n, additions=(n - 1) ** 2)
    assert c.size == (n * n + 2 * n - 3 if n > 1 else 1)
    assert c.depth == (2 if n > 1 else 1)


@pytest.mark.parametrize("m", range(7))
def test_polymul_karatsuba_counts(m):
    c = polymul_karatsuba(2**m)
    require_counts(c, multiplications=3**m, additions=6 * 3**m - 8 * 2**m + 2)
    assert c.depth == 2 * m + 1


@pytest.mark.parametrize("n", range(1, 40))
def test_polymul_karatsuba_counts_of_any_size(n):
    def law(n):
        if n == 1:
            return 1, 0
        (m, a), (m_upper, a_upper) = law((n + 1) // 2), law(n // 2)
        return 2 * m + m_upper, 2 * a + a_upper + 4 * n - 4

    multiplications, additions = law(n)
    require_counts(
        polymul_karatsuba(n), multiplications=multiplications, additions=additions
    )


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 100])
def test_products_of_variables(n):
    for make, depth in ((product_chain, n - 1), (product_tree, ceil(log2(n)))):
        c = make(n)
        require_counts(c, multiplications=n - 1)
        assert (c.size, c.depth) == (n - 1, depth)
        point = rational_point(c)
        assert cg.evaluate(c, point)["f"] == prod(point.values())


NAMES = [
    "horner",
    "paterson-stockmeyer",
    "polymul",
    "polymul-karatsuba",
    "product-chain",
    "product-tree",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_gradients_and_text(name, n):
    require_gradient_and_text(FAMILIES[name](n))


def test_blocks_longer_than_the_polynomial_are_refused(run):
    with pytest.raises(cg.CircuitError, match="at most n = 4 coefficients"):
        paterson_stockmeyer(4, 5)
    assert run("family", "paterson-stockmeyer", "-n", "6", "-k", "2")[0] == 0
