"""Building in Python: handles, operators, tracing, sympy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812 (the usual short name)


def gates(circuit):
    lines = str(circuit).splitlines()
    return [line for line in lines if not line.startswith(("input", "output"))]


# Python expression -> the gates it makes; number factors wait until a gate is needed
TRACED = {
    lambda x, y: x - 3 * y: ["f = x - 3*y"],
    lambda x, y: 3 * x * y: ["g1 = x*y", "f = 3*g1"],
    lambda x, y: (3 * x) * (2 * y): ["g1 = x*y", "f = 6*g1"],
    lambda x, y: x / (3 * y): ["g1 = 3*y", "f = x/g1"],
    lambda x, y: 2 / x + 1 / y: ["g1 = 1/x", "g2 = 1/y", "f = 2*g1 + g2"],
    lambda x, y: x / 4: ["f = 1/4*x"],
    lambda x, y: (-1 * -x) * 1 + y: ["f = x + y"],
    lambda x, y: 5 - x: ["f = 5 - x"],
    lambda x, y: x**2 + x**-1 + x**0.5: ["g1 = x^2", "g2 = x^-1", "g3 = g1 + g2",
                                         "g4 = x^(1/2)", "f = g3 + g4"],
    lambda x, y: 2**x: ["f = 2^x"],
    lambda x, y: x**y: ["f = x^y"],
    lambda x, y: abs(x): ["f = abs(x)"],
    lambda x, y: F.max(x, y, 2): ["f = max(x, y, 2)"],
    lambda x, y: F.leaky_relu(x, 0.01): ["f = leaky_relu(x, 1/100)"],
    lambda x, y: F.pi * x + y * F.pi: ["g1 = pi*x", "g2 = y*pi", "f = g1 + g2"],
    lambda x, y: F.sin(2 * x): ["g1 = 2*x", "f = sin(g1)"],
    lambda x, y: np.float64(0.5) * x: ["f = 1/2*x"],
    lambda x, y: np.int64(2) - x: ["f = 2 - x"],
    lambda x, y: Fraction(1, 3) * x: ["f = 1/3*x"],
    lambda x, y: F.square(x): ["f = x^2"],
    lambda x, y: x / F.pi: ["f = x/pi"],
    lambda x, y: +x: [],
}  # fmt: skip


@pytest.mark.parametrize("function", TRACED)
def test_operators(function):
    circuit = cg.trace(function)
    assert gates(circuit) == TRACED[function]
    assert cg.parse(str(circuit)) == circuit


def test_outputs_of_a_traced_function():
    assert cg.trace(lambda x: {"p": x, "q": 2 * x}).output_names == ("p", "q")
    assert cg.trace(lambda x: (x, 3)).output_names == ("f1", "f2")
    assert cg.trace(lambda *v: sum(v), inputs=["a", "b"]).inputs == ("a", "b")
    with pytest.raises(cg.CircuitError, match="name the inputs"):
        cg.trace(lambda *v: sum(v))


def test_mistakes_while_building():
    builder, other = cg.Builder(), cg.Builder()
    x = builder.input("x")
    for action, error, message in (
        (lambda: builder.input("x"), cg.CircuitError, "a vertex 'x' already"),
        (lambda: builder.input("2x"), cg.CircuitError, "'2x' is not an identifier"),
        (lambda: builder.input("pi"), cg.CircuitError, "'pi' is not an identifier"),
        (lambda: x + other.input("y"), cg.CircuitError, "a handle of another builder"),
        (
            lambda: builder.gate("sin", x, x),
            cg.CircuitError,
            r"sin takes 1 operand\(s\), not 2",
        ),
        (lambda: builder.gate("power", x), cg.CircuitError, "takes a parameter"),
        (
            lambda: builder.gate("sin", x, param=2),
            cg.CircuitError,
            "takes no parameter",
        ),
        (lambda: builder.gate("bessel", x), cg.CircuitError, "no gate type 'bessel'"),
        (lambda: builder.sum([]), cg.CircuitError, "at least one"),
        (lambda: builder.prod([]), cg.CircuitError, "at least one"),
        (lambda: x / 0, cg.CircuitError, "division by the number zero"),
        (lambda: x * "2", TypeError, "str is not an exact number"),
        (lambda: x * True, TypeError, "a truth value"),
        (lambda: x + float("inf"), ValueError, "inf is not a number"),
        (lambda: F.sin(1.0), TypeError, "needs a handle"),
        (lambda: F.nothing, AttributeError, "no gate type 'nothing'"),
        (cg.Builder().finish, cg.CircuitError, "needs an output"),
    ):
        with pytest.raises(error, match=message):
            action()


x, y = sympy.symbols("x y", real=True)


@pytest.mark.parametrize(
    "expression",
    [
        x * sympy.sin(x * y) + 1,
        (x + y) ** 2 / (1 + x**2),
        sympy.sqrt(x) * sympy.exp(-y) / 3,
        sympy.Max(x, y, 1) + sympy.Min(x, 0) + sympy.Abs(x) + sympy.sign(y),
        sympy.pi * x + sympy.E,
        x**y + 2**x + x ** sympy.Rational(-3, 2),
        sympy.Float("0.1") * x + sympy.erf(x) + sympy.atan(x),
        sympy.Heaviside(x, 0) * y,
        sympy.tan(x) / sympy.cosh(y) + sympy.asin(x / 3) - sympy.acos(y / 4),
        sympy.Integer(7),
    ],
    ids=str,
)
def test_sympy_both_ways(expression):
    circuit = cg.from_sympy(expression, inputs=[x, y])
    assert circuit.inputs == ("x", "y")
    again = circuit.to_sympy()["f"]
    assert sympy.simplify(sympy.nsimplify(expression) - again) == 0
    assert cg.check_gradient(
        circuit, cg.gradient(circuit), ranges={"x": (0.5, 0.9)}
    ).passed


def test_sympy_shares_subexpressions_and_keeps_no_dead_gates():
    circuit = cg.from_sympy({"f": sympy.sin(x + y) / y, "g": sympy.cos(x + y)})
    assert circuit.size == 4
    assert bool(circuit.live.all())


def test_sympy_that_no_gate_computes():
    with pytest.raises(cg.CircuitError, match="no gate computes"):
        cg.from_sympy(sympy.gamma(x))
    with pytest.raises(cg.CircuitError, match="the symbol 'y' is not among the inputs"):
        cg.from_sympy(x + y, inputs=[x])
    deep = cg.parse(
        "input a0\n"
        + "".join(f"a{i + 1} = a{i}*a{i}\n" for i in range(40))
        + "output a40\n"
    )
    with pytest.raises(cg.LimitError, match="too large for sympy"):
        deep.to_sympy()
