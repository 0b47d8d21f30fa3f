"""The circuits that are timed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import circuitgrad as cg

__all__ = [
    "DATA",
    "chain",
    "chain_text",
    "determinant",
    "determinant_of_matrices",
    "determinant_of_rows",
    "elimination",
    "random_text",
    "rosenbrock",
]

#: The held-out circuits, beside the project.
DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"


def elimination(a: list[list[Any]]) -> Any:
    """Give a determinant by Gaussian elimination, in any scalars; ``a`` is lost."""
    n = len(a)
    product = a[0][0]
    for k in range(n - 1):
        for i in range(k + 1, n):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] = a[i][j] - factor * a[k][j]
        product = product * a[k + 1][k + 1]
    return product


def determinant(n: int) -> cg.Circuit:
    """Give the determinant of an n x n matrix by Gaussian elimination."""
    builder = cg.Builder("determinant")
    a: list[list[Any]] = [
        [builder.input(f"x{i}_{j}") for j in range(1, n + 1)] for i in range(1, n + 1)
    ]
    builder.output("f", elimination(a))
    return builder.finish()


def determinant_of_rows(n: int) -> cg.Circuit:
    """Give the same, made row by row."""
    builder, x = _matrix(n)
    a = list(x)
    product = a[0][0]
    for _ in range(n - 1):
        pivot, rest = a[0][0], a[0][1:]
        a = [row[1:] - row[0] / pivot * rest for row in a[1:]]
        product = product * a[0][0]
    builder.output("f", product)
    return builder.finish()


def determinant_of_matrices(n: int) -> cg.Circuit:
    """Give the same, made by outer products."""
    builder, a = _matrix(n)
    product = a[0, 0]
    for _ in range(n - 1):
        a = a[1:, 1:] - (a[1:, :1] / a[0, 0]) * a[:1, 1:]
        product = product * a[0, 0]
    builder.output("f", product)
    return builder.finish()


def _matrix(n: int) -> tuple[cg.Builder, cg.Vector]:
    builder = cg.Builder("determinant")
    names = [f"x{i}_{j}" for i in range(1, n + 1) for j in range(1, n + 1)]
    return builder, cg.Vector.inputs(builder, names).reshape(n, n)


def chain(length: int) -> cg.Circuit:
    """Give a chain of dependent gates."""

    def function(y: Any) -> Any:
        for _ in range(length // 2):
            y = cg.functions.sin(y) * y
        return y

    return cg.trace(function)


def rosenbrock(inputs: int) -> cg.Circuit:
    """Give the sum of 100(x_{i+1} - x_i^2)^2 + (1 - x_i)^2."""
    builder = cg.Builder("rosenbrock")
    x: list[Any] = [builder.input(f"x{i}") for i in range(1, inputs + 1)]
    terms = []
    for u, v in itertools.pairwise(x):
        terms += [100 * (v - u**2) ** 2, (1 - u) ** 2]
    builder.output("f", builder.sum(terms))
    return builder.finish()


def chain_text(lines: int) -> str:
    """Give circuit text of the chain, a gate a line."""
    pair = "g{1} = sin(g{0})\ng{2} = g{1}*g{0}\n"
    body = [pair.format(i, i + 1, i + 2) for i in range(0, lines, 2)]
    return f"input g0\n{''.join(body)}output g{lines}\n"


def random_text(lines: int, window: int = 1000) -> str:
    """Give circuit text of gates on two of the last lines, each time the same."""
    import random

    choose = random.Random(1)
    body = []
    for i in range(window, window + lines):
        u, v = (i - 1 - choose.randrange(window) for _ in range(2))
        body.append(f"g{i} = g{u} {choose.choice('+-*')} g{v}\n")
    inputs = ", ".join(f"g{i}" for i in range(window))
    return f"input {inputs}\n{''.join(body)}output g{window + lines - 1}\n"
