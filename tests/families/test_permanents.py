"""Permanents: counts, and values beside sympy's and a definition's."""

from __future__ import annotations

from math import factorial

import pytest
import sympy
from counting import rational_point, require_counts, require_gradient_and_text

import circuitgrad as cg
from circuitgrad.families import FAMILIES, perm_dp, perm_glynn, perm_naive, perm_ryser

MAKERS = [perm_dp, perm_glynn, perm_naive, perm_ryser]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("n", range(1, 7))
def test_values_are_sympy_s(make, n):
    c = make(n)
    point = rational_point(c, n)
    entries = [sympy.Rational(*x.as_integer_ratio()) for x in point.values()]
    expected = sympy.Matrix(n, n, entries).per()
    found = cg.evaluate(c, point)["per"]
    assert found.as_integer_ratio() == (expected.p, expected.q)
    assert cg.evaluate(c, dict.fromkeys(c.inputs, 1))["per"] == factorial(n)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_entries_are_in_row_order(make):
    """The permanent does not change when rows are columns; placed rooks show which."""
    c = make(3)
    assert c.inputs == tuple(f"x{i}_{j}" for i in (1, 2, 3) for j in (1, 2, 3))
    rooks = {name: int(name in ("x1_2", "x2_3", "x3_1")) for name in c.inputs}
    assert cg.evaluate(c, rooks)["per"] == 1


@pytest.mark.parametrize("n", range(1, 7))
def test_perm_naive_counts(n):
    c = perm_naive(n)
    require_counts(
        c, multiplications=factorial(n) * (n - 1), additions=factorial(n) - 1
    )
    assert (c.size, c.depth) == ((factorial(n) + 1, 2) if n > 1 else (0, 0))


@pytest.mark.parametrize("n", [*range(1, 8), 11])
def test_perm_dp_counts(n):
    c = perm_dp(n)
    half = n * 2 ** (n - 1)
    require_counts(c, multiplications=half - n, additions=half - 2**n + 1)
    assert c.depth == 2 * (n - 1)


@pytest.mark.parametrize("n", [*range(1, 8), 11])
def test_perm_ryser_counts(n):
    c = perm_ryser(n)
    require_counts(
        c,
        multiplications=(2**n - 1) * (n - 1),
        additions=(n + 1) * (2**n - 2),
    )
    assert c.depth == (2**n if n > 1 else 0)


@pytest.mark.parametrize("n", [*range(1, 8), 11])
def test_perm_glynn_counts(n):
    c = perm_glynn(n)
    half = 2 ** (n - 1)
    require_counts(
        c,
        multiplications=half * (n - 1),
        additions=2 * n * (n - 1) + (n + 1) * (half - 1),
        scalar=int(n > 1),
    )
    assert c.depth == (n + half + 1 if n > 1 else 0)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name[:5] == "perm-"])
def test_gradients_and_text(name):
    for n in (1, 2, 4):
        require_gradient_and_text(FAMILIES[name](n))
