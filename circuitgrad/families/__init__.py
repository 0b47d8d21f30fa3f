"""Circuits of the literature, each a function of its size."""

from __future__ import annotations

from circuitgrad.families.determinants import det_gauss
from circuitgrad.families.networks import network, perceptron
from circuitgrad.families.registry import FAMILIES, Family

__all__ = ["FAMILIES", "Family", "det_gauss", "network", "perceptron"]
