"""Evaluation on floats, exact rationals and arrays."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from strategies import POINTS, at, rational_circuits

import circuitgrad as cg


def test_the_kind_of_the_inputs_decides():
    circuit = cg.parse_expression("x*y + 1/x")
    assert cg.evaluate(circuit, x=2, y=3) == {"f": Fraction(13, 2)}
    assert cg.evaluate(circuit, x=Fraction(1, 2), y=0.5) == {"f": Fraction(9, 4)}
    value = cg.evaluate(circuit, x=2.0, y=3)["f"]
    assert (value, type(value)) == (6.5, float)
    assert type(cg.evaluate(circuit, x=2, y=3, exact=False)["f"]) is float
    assert cg.evaluate(cg.parse_expression("sin(x)"), x=1) == {"f": math.sin(1)}
    assert cg.evaluate(circuit, {"x": 2, "y": 3}) == cg.evaluate(circuit, x=2, y=3)


def test_arrays_are_taken_elementwise():
    circuit = cg.parse_expression("x*y + exp(x)")
    xs, ys = np.linspace(0, 1, 5), np.arange(3)[:, None]
    found = cg.evaluate(circuit, x=xs, y=ys)["f"]
    assert found.shape == (3, 5)
    np.testing.assert_allclose(found, xs * ys + np.exp(xs), rtol=1e-15)
    constant = cg.evaluate(cg.parse("input x\nc = 5\noutput c\n"), x=xs)["c"]
    assert constant.tolist() == [5.0] * 5
    assert cg.evaluate(circuit, x=np.zeros((0, 2)), y=1.0)["f"].shape == (0, 2)


def test_floats_follow_ieee():
    circuit = cg.parse_expression("1/x + log(y)")
    assert cg.evaluate(circuit, x=0.0, y=1.0) == {"f": math.inf}
    assert math.isnan(cg.evaluate(circuit, x=1.0, y=-1.0)["f"])
    assert math.isnan(cg.evaluate(circuit, x=math.nan, y=1.0)["f"])


def test_exact_arithmetic_says_where_there_is_no_value():
    circuit = cg.parse("input x\nbad = 1/x\nf = bad + sin(x)\noutput f\n")
    with pytest.raises(cg.EvaluationError, match="gate bad: division by zero"):
        cg.evaluate(circuit, x=Fraction(0))
    with pytest.raises(cg.EvaluationError, match="sin has no rational rule"):
        cg.evaluate(circuit, x=Fraction(1))
    with pytest.raises(cg.EvaluationError, match="pi has no rational value"):
        cg.evaluate(cg.parse_expression("pi*x"), x=1, exact=True)
    with pytest.raises(cg.EvaluationError, match="exponent 1/2 has no rational rule"):
        cg.evaluate(cg.parse_expression("x^(1/2)"), x=4, exact=True)
    with pytest.raises(cg.LimitError, match="a power of more than"):
        cg.evaluate(cg.parse_expression("x^1000000000"), x=3)
    with pytest.raises(cg.CircuitError, match="no exact value: ndarray"):
        cg.evaluate(cg.parse_expression("x*x"), x=np.ones(3), exact=True)


def test_missing_and_surplus_values():
    circuit = cg.parse_expression("x*y")
    with pytest.raises(cg.CircuitError, match="no value for the input 'y'"):
        cg.evaluate(circuit, x=1)
    with pytest.raises(cg.CircuitError, match="no input 'z'; the inputs are x, y"):
        cg.evaluate(circuit, x=1, y=2, z=3)


def test_the_evaluation_of_figure_1():
    """At (1, 0, 0): 6^2 + 1 + (-2)^2."""
    assert cg.evaluate(example("fig1"), x=1, y=0, z=0) == {"f": 41}


@settings(max_examples=100, deadline=None)
@given(rational_circuits(), POINTS)
def test_floats_and_rationals_agree(circuit, point):
    exact = cg.evaluate(
        circuit, {n: Fraction(v) for n, v in at(circuit, point).items()}
    )
    floats = cg.evaluate(circuit, {n: float(v) for n, v in at(circuit, point).items()})
    for name, value in exact.items():
        if abs(value) < 1e12:
            assert floats[name] == pytest.approx(float(value), rel=1e-9, abs=1e-6)


def test_exact_values_have_a_limit():
    lines = "".join(f"y{i + 1} = y{i}*y{i}\n" for i in range(60))
    circuit = cg.parse(f"input y0\n{lines}output y60\n")
    with pytest.raises(cg.LimitError, match="a value of more than"):
        cg.evaluate(circuit, y0=3)
    with pytest.raises(cg.CircuitError, match=r"do not go together: \(2,\), \(3,\)"):
        cg.evaluate(cg.parse_expression("x*y"), x=np.ones(2), y=np.ones(3))
