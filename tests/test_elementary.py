"""Our vectorised functions are right to a few units in the last place, by mpmath."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import circuitgrad as cg

pytestmark = pytest.mark.filterwarnings("default")  # numba's own, on new Pythons

DRAW = np.random.default_rng(0)
COUNT = 600


def between(low, high):
    return DRAW.uniform(low, high, COUNT)


def by_size(low, high):
    """Both signs, sizes e^low to e^high."""
    return np.exp(between(low, high)) * DRAW.choice([-1.0, 1.0], COUNT)


QUARTERS = np.round(between(-6e5, 6e5)) * (math.pi / 2)  # near zeros of sin and cos
ANGLES = [between(-10, 10), between(-9e5, 9e5), by_size(-40, 13), QUARTERS]
ANGLES += [by_size(14, 300)]

# name -> the function, units in the last place allowed, and where
FUNCTIONS = {
    "exp": (mpmath.exp, 1.5, [between(-745, 709.7), between(-1, 1), by_size(-40, 0)]),
    "log": (mpmath.log, 1.5, [np.abs(by_size(-744, 709)), between(0.5, 2)]),
    "sin": (mpmath.sin, 1.5, ANGLES),
    "cos": (mpmath.cos, 1.5, ANGLES),
    "tan": (mpmath.tan, 2.5, ANGLES),
    "sinh": (mpmath.sinh, 2.5, [between(-3, 3), by_size(-40, 6.56)]),
    "cosh": (mpmath.cosh, 2, [between(-3, 3), by_size(-40, 6.56)]),
    "tanh": (mpmath.tanh, 2.5, [between(-3, 3), by_size(-40, 6)]),
    "asin": (mpmath.asin, 1.5, [between(-1, 1), by_size(-40, 0)]),
    "acos": (mpmath.acos, 1.5, [between(-1, 1), by_size(-40, 0)]),
    "atan": (mpmath.atan, 1.5, [between(-3, 3), by_size(-40, 40)]),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), 2.5, [between(-700, 40)]),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), 2.5, [between(-700, 40)]),
}


def errors(function, reference, xs):
    """Give the error at each point in units in the last place."""
    found = function.points(xs[:, None])[:, 0]
    with mpmath.workdps(400):  # the largest angles have 130 digits before the point
        exact = [reference(mpmath.mpf(float(x))) for x in xs]
        unit = [float(np.spacing(abs(found.dtype.type(float(y))))) for y in exact]
        return [
            float(abs(mpmath.mpf(float(y)) - z) / u)
            for y, z, u in zip(found, exact, unit, strict=True)
        ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_units_in_the_last_place(name):
    reference, allowed, ranges = FUNCTIONS[name]
    function = cg.compile(cg.parse_expression(f"{name}(x)"))
    for xs in ranges:
        assert max(errors(function, reference, np.clip(xs, *limits(name)))) < allowed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_rounded_once(name):
    """It is computed in float64, so the error is half a unit and a trifle."""
    reference, _, ranges = FUNCTIONS[name]
    function = cg.compile(cg.parse_expression(f"{name}(x)"), dtype=np.float32)
    xs = np.clip(ranges[0], -80, 80).astype(np.float32)
    assert max(errors(function, reference, np.clip(xs, *limits(name)))) < 0.501


def limits(name):
    return (-1, 1) if name in ("asin", "acos") else (-np.inf, np.inf)


@pytest.mark.parametrize("name", [*FUNCTIONS, "erf", "sqrt"])
def test_special_values_and_their_signs_are_those_of_c(name):
    """In a batch and alone: zeros, subnormal numbers, overflow, infinities, nan."""
    tiny = [5e-324, 1e-320, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-17, 1e-9]
    large = [700.0, 709.78, 709.79, 710.47, 710.48, 745.1, 745.2, 1e6, 1.1e6, 1e22]
    large += [1e300, 1.7976931348623157e308, math.inf]
    sizes = np.array([0.0, *tiny, 0.5, 1.0, 1.0000000000000002, *large])
    xs = np.concatenate([sizes, -sizes, [math.nan]])
    circuit = cg.parse_expression(f"{name}(x)")
    with mpmath.workdps(400):
        expected = np.array([by_c(name, float(x)) for x in xs])
    function = cg.compile(circuit)
    alone = np.array([function.points([x])[0] for x in xs])
    for found in (function(xs)["f"], alone):
        np.testing.assert_allclose(found, expected, rtol=1e-15, atol=0)
        there = ~np.isnan(expected)
        np.testing.assert_array_equal(
            np.signbit(found[there]), np.signbit(expected[there])
        )


def by_c(name, x):
    """Give what the C library does, and the rule of the table for two of our own."""
    if name == "sigmoid":
        return 0.0 if x < -709.78 else 1 / (1 + math.exp(-x))
    if name == "softplus":
        return max(x, 0.0) + math.log1p(math.exp(-abs(x))) if x == x else x
    try:
        return getattr(math, name)(x)
    except OverflowError:
        return math.inf if x > 0 or name == "cosh" else -math.inf
    except ValueError:
        return -math.inf if name == "log" and x == 0 else math.nan
