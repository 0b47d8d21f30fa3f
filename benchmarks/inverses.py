"""What the inverse of a matrix costs, made of each circuit of its determinant.

Each gradient is certified, and each inverse times its matrix is the identity, exactly,
at a random rational point, before a row is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from fractions import Fraction

import circuitgrad as cg
from circuitgrad.families import FAMILIES
from circuitgrad.families.inverses import SHARED
from circuitgrad.families.registry import PARAMETERS
from circuitgrad.operations import operations

ALGORITHMS = PARAMETERS["det"].choices
HEADER = (
    *("n", "determinant", "L", "M + D", "depth"),
    *("L of the inverse", "ratio", "ratio of det and gradient", "of M + D", "depth"),
    "gradient",
)

Matrix = list[list[Fraction]]


class WrongError(Exception):
    """A circuit that is no inverse."""


def row(n: int, algorithm: str) -> list[str]:
    """Make an inverse, check it, and count it."""
    det = FAMILIES[f"det-{algorithm}"](n)
    inverse = cg.inverse_from_determinant(det)
    level = certify(det)
    invert(inverse, n)
    before, after = operations(det), operations(inverse)
    gradient_total = after.total - n * n
    gradient_nonscalar = after.nonscalar - n * n
    return [
        *(str(n), algorithm),
        *(str(before.total), str(before.nonscalar), str(depth(det))),
        *(str(after.total), ratio(after.total, before.total)),
        ratio(gradient_total, before.total),
        ratio(gradient_nonscalar, before.nonscalar),
        *(str(depth(inverse)), level),
    ]


def ratio(after: int, before: int) -> str:
    """Divide, rounding up: 3.000 says three times at most."""
    thousandths = -(-1000 * after // before)
    return f"{thousandths / 1000:.3f}"


def depth(circuit: cg.Circuit) -> int:
    """Give the least depth at fan-in 2 that reassociating reaches."""
    return cg.run(circuit, "balance").depth


def certify(det: cg.Circuit) -> str:
    """Check the gradient that the inverse is made of; give the weakest level."""
    report = cg.check_gradient(det, cg.gradient(det, value=True, pipeline=SHARED))
    if not report.passed:
        raise WrongError(f"{det.name}: {report.summary()}")
    levels = {verdict.level for verdict in report.verdicts}
    if not levels <= {"proved", "certified"}:
        raise WrongError(f"{det.name}: {report.summary()}")
    return "certified" if "certified" in levels else "proved"


def invert(inverse: cg.Circuit, n: int) -> None:
    """Multiply a random rational matrix by its inverse, exactly."""
    source = random.Random(n)
    x = [
        [Fraction(source.randint(-99, 99), source.randint(1, 9)) for _ in range(n)]
        for _ in range(n)
    ]
    point = {f"x{i + 1}_{j + 1}": x[i][j] for i in range(n) for j in range(n)}
    found = cg.evaluate(inverse, point, exact=True)
    y = [[found[f"y{i + 1}_{j + 1}"] for j in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(n):
            entry = sum(x[i][k] * y[k][j] for k in range(n))
            if entry != (i == j):
                raise WrongError(f"{inverse.name}, n = {n}: no inverse at ({i}, {j})")


def markdown(sizes: range) -> list[str]:
    """Give the lines of the table."""
    lines = [HEADER, [*(["--:"] * len(HEADER))]]
    lines += [row(n, algorithm) for n in sizes for algorithm in ALGORITHMS]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def main() -> int:
    """Print the table, and how long a large one takes; 1 where a circuit is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", type=int, default=2, metavar="N")
    parser.add_argument("--most", type=int, default=12, metavar="N")
    parser.add_argument("--large", type=int, default=100, metavar="N")
    given = parser.parse_args()
    if not 2 <= given.least <= given.most:
        parser.error("sizes go from 2 up")
    try:
        print("\n".join(markdown(range(given.least, given.most + 1))))
    except WrongError as error:
        print(f"wrong: {error}", file=sys.stderr)
        return 1
    start = time.perf_counter()
    large = FAMILIES["inv-det"](given.large)
    taken = time.perf_counter() - start
    print(
        f"\nBy elimination at n = {given.large}: {large.size:,} gates, {taken:.0f} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
