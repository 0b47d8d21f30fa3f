"""Matrices of fractions for tests: drawn, as points of circuits, and as FLINT's."""

from __future__ import annotations

import random
from fractions import Fraction

from flint import fmpq, fmpq_mat

from circuitgrad.operations import Operations


def counts(multiplications, divisions, additions, scalar=0, other=0):
    return Operations(multiplications, divisions, additions, scalar, other)


def rationals(rows, columns, seed=0):
    """Draw a matrix of small fractions."""
    source = random.Random(seed)
    return [
        [
            Fraction(source.randint(-9, 9) or 1, source.randint(1, 5))
            for _ in range(columns)
        ]
        for _ in range(rows)
    ]


def point(matrix, name="x"):
    return {
        f"{name}{i}_{j}": entry
        for i, row in enumerate(matrix, start=1)
        for j, entry in enumerate(row, start=1)
    }


def to_flint(matrix):
    rows = [[fmpq(e.numerator, e.denominator) for e in row] for row in matrix]
    return fmpq_mat(len(rows), len(rows[0]), [entry for row in rows for entry in row])


def fraction(value):
    return Fraction(int(value.p), int(value.q))


def of_flint(matrix):
    return [[fraction(e) for e in row] for row in matrix.tolist()]
