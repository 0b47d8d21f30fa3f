"""Arrays of handles make the same circuits as single ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import circuitgrad as cg


def vectors():
    b = cg.Builder()
    x = cg.Vector.inputs(b, ["x1", "x2", "x3"])
    y = cg.Vector.inputs(b, ["y1", "y2", "y3"])
    return b, x, y


OPERATORS = {
    "add": lambda x, y, z: x + y,
    "subtract": lambda x, y, z: x - y,
    "multiply": lambda x, y, z: x * y,
    "divide": lambda x, y, z: x / y,
    "a handle right": lambda x, y, z: (x + z) * z / z - z,
    "a handle left": lambda x, y, z: z + z * x - (z - x) / (z / x),
    "numbers right": lambda x, y, z: (x + 2) * 3 - y / 4,
    "numbers left": lambda x, y, z: 2 + 3 * x - (1 - y) * (1 / x),
    "a handle times a number": lambda x, y, z: x * (2 * z) + (3 * z) * y - (-z),
    "power": lambda x, y, z: x**2 + (-y) ** Fraction(3),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_elementwise(name):
    """Gate by gate the values of the operator on single handles."""
    operator = OPERATORS[name]
    b, x, y = vectors()
    z = b.input("z")
    for i, value in enumerate(operator(x, y, z), start=1):
        b.output(f"f{i}", value)
    circuit = b.finish()

    def single(x1, x2, x3, y1, y2, y3, z):
        return [operator(u, v, z) for u, v in ((x1, y1), (x2, y2), (x3, y3))]

    other = cg.trace(single)
    point = {"x1": 2, "x2": 3, "x3": 5, "y1": 7, "y2": -1, "y3": 4, "z": Fraction(1, 3)}
    assert cg.evaluate(circuit, point) == cg.evaluate(other, point)
    assert cg.evaluate(circuit, point, exact=True)["f1"] != 0


def test_functions_are_elementwise():
    b, x, y = vectors()
    made = cg.functions.max(cg.functions.abs(x), y, 2) + cg.functions.leaky_relu(x, 0.5)
    for i, value in enumerate(made):
        b.output(f"f{i}", value)
    found = cg.evaluate(b.finish(), x1=-4, x2=3, x3=1, y1=0, y2=5, y3=1)
    assert found == {"f0": 2, "f1": 8, "f2": 3}
    with pytest.raises(cg.CircuitError, match=r"do not go together: \(3,\), \(2,\)"):
        cg.functions.max(x, y[:2])


def test_shapes_broadcast_as_in_numpy():
    b, x, y = vectors()
    table = x.reshape(3, 1) * y
    assert table.shape == (3, 3)
    b.output("f", table[1, 2])
    b.output("g", table.T[1, 2])
    b.output("h", table[:2, 1:].sum())
    found = cg.evaluate(b.finish(), x1=2, x2=3, x3=5, y1=7, y2=11, y3=13)
    assert found == {"f": 39, "g": 55, "h": 5 * 24}
    with pytest.raises(cg.CircuitError, match=r"do not go together: \(3,\), \(2,\)"):
        x + y[:2]


def test_handles_and_arrays_of_them():
    b, x, y = vectors()
    made = cg.Vector.of([x[0], 2 * y[1]])
    assert len(made) == 2
    assert repr(made) == "<Vector of (2,) handles>"
    b.output("f", made.sum())
    assert cg.evaluate(b.finish(), x1=1, x2=0, x3=0, y1=0, y2=5, y3=0) == {"f": 11}
    with pytest.raises(cg.CircuitError, match="another builder"):
        x + vectors()[1]
    with pytest.raises(cg.CircuitError, match="one handle at least"):
        cg.Vector.of([])


def test_gaussian_elimination_by_rows_is_that_by_elements():
    n = 5
    names = [f"a{i}{j}" for i in range(n) for j in range(n)]

    def eliminate(a, rows):
        product = a[0][0]
        for k in range(n - 1):
            for i in range(k + 1, n):
                factor = a[i][k] / a[k][k]
                if rows:
                    a[i] = cg.Vector.of(
                        [*a[i][: k + 1], *(a[i][k + 1 :] - factor * a[k][k + 1 :])]
                    )
                else:
                    for j in range(k + 1, n):
                        a[i][j] = a[i][j] - factor * a[k][j]
            product = product * a[k + 1][k + 1]
        return product

    circuits = []
    for rows in (True, False):
        b = cg.Builder()
        x = cg.Vector.inputs(b, names).reshape(n, n)
        b.output("f", eliminate([row if rows else list(row) for row in x], rows))
        circuits.append(b.finish())
    assert cg.isomorphic(*circuits)
    point = dict(zip(names, np.arange(25) ** 2 % 17 + 1, strict=True))
    values = [cg.evaluate(c, point, exact=False)["f"] for c in circuits]
    assert values[0] == values[1]
