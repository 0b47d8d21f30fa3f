"""Sums and products of lists: no gate where there is only one operand."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.builder import Expr

__all__ = ["product", "settled", "total"]


def total(terms: Sequence[Expr]) -> Expr:
    """Give the sum of terms, one gate; of a single term, the term."""
    return terms[0] if len(terms) == 1 else terms[0].builder.sum(terms)


def product(factors: Sequence[Expr]) -> Expr:
    """Give the product of factors, one gate; of a single factor, the factor."""
    return factors[0] if len(factors) == 1 else factors[0].builder.prod(factors)


def settled(handle: Expr) -> Expr:
    """Give a handle without a number factor: where it has one, that is a gate.

    A factor of a value that is used twice would else be a weight of two wires, and so
    two scalar operations.
    """
    return Expr(handle.builder, handle.settled())
