"""Elementary symmetric polynomials and power sums: counts, and values beside flint."""

from __future__ import annotations

from math import comb

import flint
import pytest
import sympy
from counting import rational_point, require_counts, require_gradient_and_text
from sympy.polys.specialpolys import symmetric_poly

import circuitgrad as cg
from circuitgrad.families import (
    FAMILIES,
    esym_benor,
    esym_dp,
    esym_naive,
    esym_newton,
    esym_square,
    power_sum,
)
from circuitgrad.operations import operations

SIZES = [(n, k) for n in (1, 2, 3, 4, 7) for k in range(1, n + 1)] + [(12, 5)]
GENERAL = [esym_naive, esym_dp, esym_benor, esym_newton]


def coefficient(values, k):
    """Give e_k as a coefficient of the product of all t + x."""
    whole = flint.fmpq_poly([1])
    for value in values:
        whole *= flint.fmpq_poly([flint.fmpq(*value.as_integer_ratio()), 1])
    found = whole[len(values) - k]
    return int(found.p), int(found.q)


@pytest.mark.parametrize("make", GENERAL, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("n", "k"), SIZES)
def test_values_are_coefficients(make, n, k):
    c = make(n, k)
    for seed in range(3):
        point = rational_point(c, seed)
        found = cg.evaluate(c, point)["e"]
        assert found.as_integer_ratio() == coefficient(list(point.values()), k)


@pytest.mark.parametrize("make", [*GENERAL, esym_square], ids=lambda m: m.__name__)
def test_of_degree_2_by_default_and_as_sympy_has_it(make):
    c = make(5)
    expected = symmetric_poly(2, *sympy.symbols("x1:6", real=True))
    assert c.to_sympy()["e"].expand() == expected


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_esym_naive_counts(n, k):
    c = esym_naive(n, k)
    products = comb(n, k)
    require_counts(c, multiplications=products * (k - 1), additions=products - 1)
    if 1 < k < n:
        assert (c.size, c.depth) == (products + 1, 2)


@pytest.mark.parametrize("n", [3, 10, 40])
def test_the_notes_two_circuits_for_degree_2(n):
    """Sizes of section 5: C(n, 2) + 1, and n + O(1)."""
    assert esym_naive(n).size == n * (n - 1) // 2 + 1
    assert esym_square(n).size == n + 4


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_esym_square_counts(n):
    c = esym_square(n)
    require_counts(c, multiplications=n + 1, additions=2 * n - 1, scalar=2)
    assert c.depth == 3
    point = rational_point(c)
    found = cg.evaluate(c, point)["e"]
    assert found.as_integer_ratio() == coefficient(list(point.values()), 2)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_esym_dp_counts(n, k):
    c = esym_dp(n, k)
    require_counts(c, multiplications=(k - 1) * (n - k + 1), additions=k * (n - k))
    assert c.depth == (n + k - 2 if k < n else n - 1)
    assert c.size == (k - 1) * (n - k + 1) + k * (n - k)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_esym_benor_counts(n, k):
    c = esym_benor(n, k)
    if k == n:  # the constant coefficient: the value at 0 alone
        require_counts(c, multiplications=n - 1)
        return
    found = operations(c)
    assert found.multiplications == (n + 1) * (n - 1)
    assert (found.additions, found.divisions, found.other) == (n * (n + 1), 0, 0)
    assert found.scalar <= n + 1
    assert c.depth == 3


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_esym_newton_counts(n, k):
    c = esym_newton(n, k)
    require_counts(
        c,
        multiplications=n * (k - 1) + k * (k - 1) // 2,
        additions=k * (n - 1) + k * (k - 1) // 2,
        scalar=k - 1,
    )
    assert c.depth == (3 * k - 2 if n > 1 else 0)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_power_sum(n, k):
    c = power_sum(n, k)
    steps = k.bit_length() + k.bit_count() - 2
    require_counts(c, multiplications=n * steps, additions=n - 1)
    point = rational_point(c)
    assert cg.evaluate(c, point)["p"] == sum(x**k for x in point.values())


@pytest.mark.parametrize(
    "name", [name for name in FAMILIES if name.startswith("esym")] + ["power-sum"]
)
def test_gradients_and_text(name):
    require_gradient_and_text(FAMILIES[name](4))
    require_gradient_and_text(FAMILIES[name](2))
    if name != "esym-square":
        require_gradient_and_text(FAMILIES[name](5, 3))
        require_gradient_and_text(FAMILIES[name](1, 1))


@pytest.mark.parametrize("name", [n for n in FAMILIES if n.startswith("esym")])
def test_products_of_more_than_there_are_are_refused(name):
    for n, k in ((1, 2), (4, 5), (10**9, 2 * 10**9)):
        with pytest.raises((cg.CircuitError, cg.LimitError)):
            FAMILIES[name](n, k)


def test_esym_square_is_of_degree_2(run):
    status, out, err = run("family", "esym-square", "-n", "4", "-k", "3")
    assert (status, out) == (2, "")
    assert "k is 3: esym-square is of degree 2; esym-dp takes any" in err


def test_numbers_of_products_that_are_huge_are_refused_at_once():
    with pytest.raises(cg.LimitError):
        esym_naive(10**9, 5 * 10**8)
    with pytest.raises(cg.LimitError):
        esym_naive(10**6, 10**6 - 1)  # a million products, each of a million
