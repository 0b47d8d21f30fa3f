"""Matrices of handles: sums in chains, products, and products by blocks."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from functools import reduce
from typing import TypeVar

import numpy as np

from circuitgrad.builder import Expr
from circuitgrad.vectors import Vector

__all__ = [
    "Multiply",
    "chain",
    "product",
    "quarters",
    "seven_products",
    "strassen",
    "whole",
    "winograd",
]

Multiply = Callable[[Vector, Vector], Vector]
_T = TypeVar("_T", Expr, Vector)
Quarters = tuple[Vector, Vector, Vector, Vector]


def chain(terms: Iterable[_T]) -> _T:
    """Add handles or arrays one after another, in gates of two operands."""
    return reduce(operator.add, terms)


def product(a: Vector, b: Vector) -> Vector:
    """Multiply as the definition says: a sum of columns times rows."""
    found: Vector = chain(a[:, k, None] * b[None, k] for k in range(len(b)))
    return found


def quarters(a: Vector, rows: int, columns: int) -> Quarters:
    """Cut after so many rows and columns."""
    return (
        *(a[:rows, :columns], a[:rows, columns:]),
        *(a[rows:, :columns], a[rows:, columns:]),
    )


def whole(a: Vector, b: Vector, c: Vector, d: Vector) -> Vector:
    """Put four quarters together."""
    parts = [[a.vertices, b.vertices], [c.vertices, d.vertices]]
    return Vector(a.builder, np.block(parts))


def strassen(a: Vector, b: Vector) -> Vector:
    """Multiply with 7 products of quarters and 18 additions (Strassen 1969)."""

    def step(u: Quarters, v: Quarters) -> Quarters:
        (a11, a12, a21, a22), (b11, b12, b21, b22) = u, v
        p1 = strassen(a11 + a22, b11 + b22)
        p2 = strassen(a21 + a22, b11)
        p3 = strassen(a11, b12 - b22)
        p4 = strassen(a22, b21 - b11)
        p5 = strassen(a11 + a12, b22)
        p6 = strassen(a21 - a11, b11 + b12)
        p7 = strassen(a12 - a22, b21 + b22)
        return p1 + p4 - p5 + p7, p3 + p5, p2 + p4, p1 - p2 + p3 + p6

    return _by_quarters(step, a, b)


def winograd(a: Vector, b: Vector) -> Vector:
    """Multiply with 7 products of quarters and 15 additions (Winograd's form)."""

    def step(u: Quarters, v: Quarters) -> Quarters:
        (a11, a12, a21, a22), (b11, b12, b21, b22) = u, v
        s1 = a21 + a22
        s2 = s1 - a11
        s3 = a11 - a21
        s4 = a12 - s2
        t1 = b12 - b11
        t2 = b22 - t1
        t3 = b22 - b12
        t4 = t2 - b21
        p1 = winograd(a11, b11)
        p2 = winograd(a12, b21)
        p3 = winograd(s4, b22)
        p4 = winograd(a22, t4)
        p5 = winograd(s1, t1)
        p6 = winograd(s2, t2)
        p7 = winograd(s3, t3)
        u2 = p1 + p6
        u3 = u2 + p7
        u4 = u2 + p5
        return p1 + p2, u4 + p3, u3 - p4, u3 + p5

    return _by_quarters(step, a, b)


def seven_products(n: int) -> int:
    """Give about how many products of entries there are: 7^k for n = 2^k."""
    return int(min(n, 10**9) ** math.log2(7))  # of more, a float has no value


def _by_quarters(
    step: Callable[[Quarters, Quarters], Quarters], a: Vector, b: Vector
) -> Vector:
    """Multiply by a step on quarters; odd sides get a row or a column of zeros."""
    rows, inner, columns = len(a), len(b), b.shape[1]
    if min(rows, inner, columns) == 1:
        return product(a, b)
    a, b = _even(a), _even(b)
    c = step(_halved(a), _halved(b))
    found: Vector = whole(*c)[:rows, :columns]
    return found


def _even(a: Vector) -> Vector:
    """Add a row or a column of zeros where there is an odd number of them."""
    rows, columns = a.shape
    if rows % 2 == columns % 2 == 0:
        return a
    zero = a.builder.constant(0).vertex
    margins = ((0, rows % 2), (0, columns % 2))
    return Vector(a.builder, np.pad(a.vertices, margins, constant_values=zero))


def _halved(a: Vector) -> Quarters:
    return quarters(a, len(a) // 2, a.shape[1] // 2)
