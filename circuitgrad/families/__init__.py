"""Circuits of the literature, each a function of its size."""

from __future__ import annotations

from circuitgrad.families.determinants import det_gauss
from circuitgrad.families.fourier import dft, fft
from circuitgrad.families.networks import network, perceptron
from circuitgrad.families.permanents import perm_dp, perm_glynn, perm_naive, perm_ryser
from circuitgrad.families.polynomials import (
    horner,
    paterson_stockmeyer,
    polymul,
    polymul_karatsuba,
)
from circuitgrad.families.products import product_chain, product_tree
from circuitgrad.families.registry import FAMILIES, Family
from circuitgrad.families.symmetric import (
    esym_benor,
    esym_dp,
    esym_naive,
    esym_newton,
    esym_square,
    power_sum,
)

__all__ = [
    "FAMILIES",
    "Family",
    "det_gauss",
    "dft",
    "esym_benor",
    "esym_dp",
    "esym_naive",
    "esym_newton",
    "esym_square",
    "fft",
    "horner",
    "network",
    "paterson_stockmeyer",
    "perceptron",
    "perm_dp",
    "perm_glynn",
    "perm_naive",
    "perm_ryser",
    "polymul",
    "polymul_karatsuba",
    "power_sum",
    "product_chain",
    "product_tree",
]
