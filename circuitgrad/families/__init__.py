"""Circuits of the literature, each a function of its size."""

from __future__ import annotations

from circuitgrad.families.determinants import det_gauss
from circuitgrad.families.networks import network, perceptron
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
    "esym_benor",
    "esym_dp",
    "esym_naive",
    "esym_newton",
    "esym_square",
    "network",
    "perceptron",
    "power_sum",
]
