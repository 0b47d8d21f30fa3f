"""Estimates of sizes: near what is made, and at once where nothing is made."""

from __future__ import annotations

from math import comb, factorial

import pytest

import circuitgrad as cg
from circuitgrad.families import FAMILIES
from circuitgrad.families.estimates import choose, power
from circuitgrad.families.estimates import factorial as permutations
from circuitgrad.families.registry import MAX_GATES

#: Sizes at which the families here are large enough to tell.
SIZES = {
    "dft": [(16,), (15, "symbolic"), (15, "exact")],
    "fft": [(64,), (64, "symbolic"), (64, "exact")],
    "perm-naive": [(6,)],
    "perm-dp": [(9,)],
    "perm-ryser": [(9,)],
    "perm-glynn": [(9,)],
    "horner": [(50,)],
    "paterson-stockmeyer": [(50,), (50, 20)],
    "polymul": [(20,)],
    "polymul-karatsuba": [(32,), (33,)],
    "product-chain": [(50,)],
    "product-tree": [(50,)],
    "esym-naive": [(12, 3), (12, 9)],
    "esym-square": [(50,)],
    "esym-dp": [(30, 10)],
    "esym-benor": [(20, 7)],
    "esym-newton": [(20, 7)],
    "power-sum": [(50,)],
}


def test_small_numbers_are_right():
    for n in range(9):
        assert permutations(n) == factorial(n)
        assert power(3, n) == 3**n
        for k in range(n + 3):
            assert choose(n, k) == comb(n, k)


def test_large_numbers_are_past_the_limit_at_once():
    for n in (10**9, 10**100):
        assert permutations(n) > MAX_GATES
        assert power(2, n) > MAX_GATES
        assert choose(n, n // 2) > MAX_GATES
        assert choose(n, n - 1) == n


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name in SIZES for size in SIZES[name]]
)
def test_estimates_are_near(name, size):
    """They are of work, so of wires, by which a gate of many operands counts more."""
    family = FAMILIES[name]
    given = dict(zip(family.parameters, size, strict=False))
    wires = family(**given).stats().wires
    defaults = {k: v for k, v in family.parameters.items() if k not in given}
    estimate = family.gates(**given, **defaults)
    assert estimate / 6 < wires < 4 * estimate


@pytest.mark.parametrize("name", SIZES)
def test_huge_sizes_are_refused_at_once(name):
    for n in (10**9, 10**100, 10**1000):
        with pytest.raises(cg.LimitError, match="about"):
            FAMILIES[name](n)
