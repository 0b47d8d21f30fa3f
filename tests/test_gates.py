"""Every gate type, generated from the table: values, partials, text, figures."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import circuitgrad as cg
from circuitgrad import gates
from circuitgrad.check import check_gradient
from circuitgrad.figures.elements import elements
from circuitgrad.figures.labels import gate_label
from circuitgrad.formats.text import write_text
from circuitgrad.gates import SCALAR_GATES as GATES
from circuitgrad.gates import GateType

SLOPE = Fraction(1, 2)


def arities(gate: GateType) -> list[int]:
    return [gate.arity] if gate.arity else [1, 2, 3, 5]


def params(gate: GateType) -> list[Fraction | None]:
    if gate.name == "power":
        return [
            Fraction(n, d) for n, d in ((0, 1), (1, 1), (2, 1), (3, 1), (-2, 1), (1, 2))
        ]
    return [SLOPE] if gate.takes_parameter else [None]


CASES = [
    pytest.param(gate, arity, param, id=f"{gate.name}-{arity}-{param}")
    for gate in GATES
    for arity in arities(gate)
    for param in params(gate)
]


def single(gate: GateType, arity: int, param: Fraction | None) -> cg.Circuit:
    """Make the circuit of one gate, with weights where it is linear."""
    builder = cg.Builder()
    inputs = [builder.input(f"x{i}") for i in range(arity)]
    if "linear" in gate.traits:
        builder.output(
            "f", builder.sum([(i - 2) * x + x for i, x in enumerate(inputs)])
        )
    else:
        builder.output("f", builder.gate(gate.name, *inputs, param=param))
    return builder.finish()


def sample(gate: GateType, arity: int, seed: int) -> dict[str, float]:
    draw = random.Random(seed)
    return {f"x{i}": draw.uniform(*gate.interval(i)) for i in range(arity)}


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_partials_are_proved_by_sympy_or_sampled(gate, arity, param):
    """The declared partials are the derivatives of the formula, in both modes."""
    circuit = single(gate, arity, param)
    ranges = {f"x{i}": gate.interval(i) for i in range(arity)}
    for mode in ("reverse", "forward"):
        for pipeline in ("none", "tidy"):
            gradient = cg.gradient(circuit, mode=mode, pipeline=pipeline)
            report = check_gradient(circuit, gradient, ranges=ranges)
            assert report.passed, str(report)


SMOOTH = [case for case in CASES if case.values[0].name not in ("max", "min")]


@pytest.mark.parametrize(("gate", "arity", "param"), SMOOTH)
def test_partials_equal_the_derivative_of_the_formula(gate, arity, param):
    """Proved by sympy, kinks apart; max and min are sampled above."""
    circuit = single(gate, arity, param)
    assert check_gradient(circuit, cg.gradient(circuit)).counts == {"proved": arity}


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_forward_equals_reverse_equals_finite_differences(gate, arity, param):
    circuit = single(gate, arity, param)
    forward, reverse = (cg.gradient(circuit, mode=mode) for mode in ("fp", "bp"))
    for seed in range(3):
        point = sample(gate, arity, seed)
        a, b = cg.evaluate(forward, point), cg.evaluate(reverse, point)
        for name, value in point.items():
            step = 1e-6
            up = cg.evaluate(circuit, {**point, name: value + step})["f"]
            down = cg.evaluate(circuit, {**point, name: value - step})["f"]
            expected = (up - down) / (2 * step)
            assert a[f"df_d{name}"] == pytest.approx(
                b[f"df_d{name}"], rel=1e-12, abs=1e-12
            )
            assert a[f"df_d{name}"] == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_second_derivatives(gate, arity, param):
    """A gradient circuit can be differentiated again, and the check covers it."""
    if arity > 3:
        pytest.skip("the arities up to 3 have every kind of second derivative")
    first = cg.gradient(single(gate, arity, param), value=True)
    second = cg.jacobian(first, of=[f"df_dx{i}" for i in range(arity)])
    ranges = {f"x{i}": gate.interval(i) for i in range(arity)}
    report = check_gradient(first, second, ranges=ranges)
    assert report.passed, str(report)
    assert "ddf_dx0_dx0" in second.output_names


@pytest.mark.parametrize(
    "gate", [g for g in GATES if g.arity != 1], ids=lambda g: g.name
)
def test_a_repeated_operand_counts_once_a_slot(gate):
    """d(x*x)/dx is 2x: operands are slots, not vertices."""
    circuit = cg.trace(lambda x: getattr(cg.functions, gate.name)(x, x))
    low, high = gate.interval(0)
    gradient = cg.gradient(circuit)
    for point in np.linspace(max(low, 0.3), high, 4):
        expected = mpmath.diff(
            lambda x: cg.evaluate(circuit, x=float(x))["f"], point, h=1e-5
        )
        found = cg.evaluate(gradient, x=float(point))["df_dx"]
        assert found == pytest.approx(float(expected), rel=1e-4, abs=1e-8)


KINKS = [
    pytest.param(gate, kink, id=f"{gate.name}-{kink.operands}")
    for gate in GATES
    for kink in gate.kinks
]


@pytest.mark.parametrize(("gate", "kink"), KINKS)
def test_kinks_have_their_declared_value_and_partials(gate, kink):
    circuit = single(gate, len(kink.operands), SLOPE if gate.takes_parameter else None)
    point = {f"x{i}": Fraction(u) for i, u in enumerate(kink.operands)}
    assert cg.evaluate(circuit, point) == {"f": kink.value}
    for mode in ("fp", "bp"):
        for pipeline in ("none", "tidy"):
            gradient = cg.gradient(circuit, mode=mode, pipeline=pipeline)
            found = tuple(cg.evaluate(gradient, point).values())
            assert found == kink.partials


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_the_formula_has_the_value(gate, arity, param):
    """The record's formula and its value rule agree, in floats and to 15 digits."""
    circuit = single(gate, arity, param)
    formula = circuit.to_sympy()["f"]
    for seed in range(3):
        point = sample(gate, arity, seed)
        numbers = {
            sympy.Symbol(n, real=True): sympy.Float(v, 40) for n, v in point.items()
        }
        expected = float(formula.subs(numbers).evalf(30))
        assert cg.evaluate(circuit, point)["f"] == pytest.approx(
            expected, rel=1e-12, abs=1e-13
        )


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_a_round_trip_through_text_json_and_sympy(gate, arity, param, tmp_path):
    circuit = single(gate, arity, param)
    text = write_text(circuit)
    assert cg.parse(text) == circuit
    cg.write(circuit, tmp_path / "c.json")
    assert cg.read(tmp_path / "c.json") == circuit
    formula = circuit.to_sympy()
    inputs = list(circuit.inputs)
    again = cg.from_sympy(formula, inputs=inputs).to_sympy()
    assert sympy.simplify(again["f"] - formula["f"]) == 0


@pytest.mark.parametrize("gate", GATES, ids=lambda g: g.name)
def test_a_figure_shows_the_symbol(gate):
    circuit = single(gate, arities(gate)[-1], params(gate)[-1])
    lines = elements(circuit).nodes[f"n{circuit.outputs[0][1]}"].lines
    assert gate_label(gate, params(gate)[-1]) == lines[0].text
    assert not lines[0].plain  # it is set in outlines, whatever the symbol is
    assert b"<use " in circuit.draw().data


@pytest.mark.parametrize("gate", GATES, ids=lambda g: g.name)
def test_partials_use_only_gates_of_the_table(gate):
    """So a gradient circuit can be differentiated again."""
    circuit = single(gate, arities(gate)[-1], params(gate)[-1])
    gradient = cg.gradient(circuit, pipeline="none")
    names = {g.name for g in GATES}
    assert {d.get("op") for _, d in gradient.graph.nodes(data=True)} <= names | {
        "input",
        "constant",
    }


def test_float_values_are_stable():
    """No overflow turns into nan, and large arguments have their limits."""
    for name, low, high in (
        ("sigmoid", 0.0, 1.0),
        ("softplus", 0.0, 1e4),
        ("tanh", -1.0, 1.0),
    ):
        circuit = cg.parse_expression(f"{name}(x)")
        found = cg.evaluate(circuit, x=np.array([-1e4, 1e4]))["f"]
        assert found.tolist() == [low, high]
        gradient = cg.evaluate(cg.gradient(circuit), x=np.array([-1e4, 0.3, 1e4]))
        assert np.isfinite(gradient["df_dx"]).all()
    assert math.isnan(cg.evaluate(cg.parse_expression("step(x)"), x=math.nan)["f"])


def test_registering_a_gate_is_one_record():
    """The example of docs/adding_a_gate.md runs in test_docs; here its errors."""
    with pytest.raises(cg.CircuitError, match="there is a gate type 'exp' already"):
        gates.register(next(g for g in GATES if g.name == "exp"))
    with pytest.raises(cg.CircuitError, match="no gate type 'bessel'"):
        gates.code_of("bessel")
