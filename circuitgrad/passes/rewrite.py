"""Rewriting to the normal form, by rules."""

from __future__ import annotations

from typing import Literal

from circuitgrad.circuit import Circuit
from circuitgrad.simplify.matching import default_matcher
from circuitgrad.simplify.rewrites import too_large
from circuitgrad.simplify.terms import Terms
from circuitgrad.simplify.writing import Plan

__all__ = ["rewrite"]


def rewrite(
    circuit: Circuit,
    *,
    flatten: Literal["single", "all", "none"] = "single",
    products: Literal["single", "all", "none"] = "all",
    primitive: bool = False,
    ieee: bool = False,
    limit: int = 1_000_000,
) -> Circuit:
    """Apply the rewrite rules, up to the order and nesting of sums and products.

    Parameters
    ----------
    circuit : Circuit
    flatten : {"single", "all", "none"}
        Which sums in sums are taken apart: those with one use, all, or none.
    products : {"all", "single", "none"}
        Which products in products are taken apart.
    primitive : bool
        Whether sums are written with coprime whole weights.
    ieee : bool
        Whether only rules fire under which floating point changes by rounding alone.
    limit : int
        Circuits with more vertices are left as they are.

    Returns
    -------
    Circuit

    Notes
    -----
    The rules are `circuitgrad.simplify.rules`.  Linear in wires but for products taken
    apart, which have at most 40 factors.
    """
    if too_large(circuit, "rewrite", limit):
        return circuit
    terms = Terms(ieee=ieee, primitive=primitive, match=default_matcher(ieee))
    return Plan.read(circuit, terms, sums=flatten, products=products).write("rewrite")
