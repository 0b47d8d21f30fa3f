"""The check: what it proves, what it samples, and that it catches what is wrong."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from conftest import SHARED, example, shared_files
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad import exact
from circuitgrad.check import certified, check_gradient, proved, rational, sampled
from circuitgrad.columns import Columns


def ranges_of(path):
    """Read the ranges that a shared file's comment states."""
    found = re.findall(r"(\w+) in \[([-\d.e]+), ([-\d.e]+)\]", path.read_text())
    return {name: (float(low), float(high)) for name, low, high in found}


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("path", shared_files("feynman"))
def test_every_feynman_gradient_is_proved_or_sampled(path, mode):
    circuit = cg.read(path)
    gradient = cg.jacobian(circuit, mode=mode)
    assert len(gradient.outputs) == len(circuit.inputs)
    report = check_gradient(circuit, gradient, ranges=ranges_of(path))
    assert report.passed, str(report)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("path", shared_files("size"))
def test_every_size_program_is_proved_or_sampled(path, mode):
    circuit = cg.read(path)
    for pipeline in ("none", "tidy"):
        gradient = cg.jacobian(circuit, mode=mode, pipeline=pipeline, value=True)
        report = check_gradient(circuit, gradient)
        assert report.passed, str(report)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("path", shared_files("lecture"))
def test_every_lecture_circuit_is_proved_at_every_vertex(path, mode):
    circuit = cg.read(path)
    gradient = cg.jacobian(circuit, mode=mode, all=True)
    report = check_gradient(circuit, gradient)
    assert set(report.counts) == {"proved"}, str(report)


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data beside the project")
@pytest.mark.parametrize("name", ["perceptron_loss", "discussion_network"])
def test_gradients_agree_with_finite_differences(name):
    circuit = cg.read(SHARED / "lecture" / f"{name}.cg")
    gradient = cg.gradient(circuit)
    random = np.random.default_rng(3)
    for _ in range(5):
        point = {n: float(random.uniform(-0.05, 0.05)) for n in circuit.inputs}
        found = cg.evaluate(gradient, point)
        for n, value in point.items():
            step = 1e-6
            ends = [
                cg.evaluate(circuit, {**point, n: value + s})["f"]
                for s in (step, -step)
            ]
            expected = (ends[0] - ends[1]) / (2 * step)
            assert found[f"df_d{n}"] == pytest.approx(expected, rel=1e-4, abs=1e-7)


# -------------------------------------------------------------- the checker, checked


def mutants(gradient):
    """Plant one error after the other in a gradient circuit's live wires and gates."""
    columns = gradient.columns

    def with_columns(**changes):
        arrays = {
            key: changes.get(key, getattr(columns, key)).copy()
            for key in ("op", "offsets", "operands", "weights", "params", "shapes")
        }
        return cg.Circuit(Columns(**arrays), gradient.names, gradient.outputs)

    live = gradient.live
    for wire in range(columns.wires):
        consumer = int(columns.consumer[wire])
        if not live[consumer]:
            continue
        linear = "linear" in gradient.gate_type(consumer).traits
        if linear:  # a weight that is wrong by 0.1 %, or has the wrong sign
            weight = exact.rational(int(columns.weights[wire]))
            for factor in (Fraction(1001, 1000), Fraction(-1)):
                weights = columns.weights.copy()
                weights[wire] = exact.intern(weight * factor)
                yield "weight", with_columns(weights=weights)
            weights = columns.weights.copy()
            weights[wire] = exact.ZERO
            yield "dropped wire", with_columns(weights=weights)
        operand = int(columns.operands[wire])
        for other in {0, operand - 1} - {operand}:
            of_sum = linear and columns.inputs <= other < columns.sources
            if 0 <= other < consumer and not of_sum:
                operands = columns.operands.copy()
                operands[wire] = other
                yield "swapped operand", with_columns(operands=operands)
    names = gradient.output_names
    for i in range(len(names) - 1):
        vertices = [vertex for _, vertex in gradient.outputs]
        vertices[i], vertices[i + 1] = vertices[i + 1], vertices[i]
        yield (
            "exchanged outputs",
            gradient.with_outputs(zip(names, vertices, strict=True)),
        )


def differs(gradient, mutant):
    """Show that a mutant changes the function: its values differ somewhere."""
    random = np.random.default_rng(1)
    for _ in range(4):
        point = {n: float(random.uniform(0.3, 1.7)) for n in gradient.inputs}
        a, b = cg.evaluate(gradient, point), cg.evaluate(mutant, point)
        if any(abs(a[n] - b[n]) > 1e-9 * (1 + abs(a[n])) for n in a):
            return True
    return False


MUTATED = {
    "fig1": example("fig1"),
    "worked": example("worked_example"),
    "functions": cg.parse_expression("x*sin(x*y) + exp(y)/(1 + x^2)"),
    "kinks": cg.parse_expression("relu(x - y)*max(x, y)"),
    "product": cg.parse_expression("x*y*z*sigmoid(z)"),
}


@pytest.mark.parametrize("name", MUTATED)
@pytest.mark.parametrize("mode", ["bp", "fp"])
def test_planted_errors_are_caught(name, mode):
    """Each one that changes the function fails the check, with both values shown."""
    circuit = MUTATED[name]
    gradient = cg.gradient(circuit, mode=mode)
    caught = set()
    for kind, mutant in mutants(gradient):
        report = check_gradient(circuit, mutant)
        if report.passed:
            assert not differs(gradient, mutant), f"{kind} went unnoticed:\n{mutant}"
            continue
        assert report.failed
        failed = next(v for v in report.verdicts if v.level == "failed")
        assert failed.expected != failed.found
        assert failed.point.keys() == set(circuit.inputs)
        caught.add(kind)
    assert caught >= {"weight", "dropped wire"}


def test_a_wrong_partial_in_the_table_is_caught(monkeypatch):
    """The check shares no derivative rule with forward and reverse mode."""
    from circuitgrad.gates import GATES, GateType
    from circuitgrad.passes.partials import template

    index = next(i for i, gate in enumerate(GATES) if gate.name == "cosh")
    right = GATES[index]
    for name, partial in (
        ("sign", lambda g, y, u: [-g.sinh(u)]),
        ("0.1 %", lambda g, y, u: [Fraction(1001, 1000) * g.sinh(u)]),
        ("function", lambda g, y, u: [g.cosh(u)]),
    ):
        table = [*GATES]
        table[index] = GateType(right.name, right.arity, right.value, partial)
        monkeypatch.setattr("circuitgrad.gates.GATES", table)
        template.cache_clear()
        circuit = cg.parse_expression("cosh(2*x)")
        for mode in ("bp", "fp"):
            report = check_gradient(circuit, cg.gradient(circuit, mode=mode))
            assert report.failed, name
    monkeypatch.undo()
    template.cache_clear()


# ------------------------------------------------------------------ levels and caps


def test_the_cap_is_computed_before_sympy_starts(monkeypatch):
    """A formula of 2^100 vertices as a tree is not built, nor one of long numbers."""
    doubling = "".join(f"x{i + 1} = x{i} + sin(x{i})\n" for i in range(100))
    circuits = [
        cg.parse(f"input x0\n{doubling}output x100\n"),
        cg.parse("input x\nc = 3\nf = x*c^1000000000\noutput f\n"),
        cg.parse("input x\nc = 3\nd = 1e9\nf = x*c^d\noutput f\n"),
        cg.parse_expression("sin(" * 200 + "x" + ")" * 200),
    ]
    monkeypatch.setattr(proved, "formulas", None)  # would fail if it were called
    for circuit in circuits:
        report = check_gradient(circuit, cg.gradient(circuit, pipeline="none"))
        assert report.counts.keys() <= {"certified", "sampled", "undecided"}


def test_a_power_of_many_terms_is_not_multiplied_out():
    """It would have 10^7 terms."""
    power = cg.parse_expression("(" + " + ".join(f"x{i}" for i in range(10)) + ")^20")
    assert check_gradient(power, cg.gradient(power)).counts == {"proved": 10}


def test_too_large_to_sample_is_unchecked(monkeypatch):
    monkeypatch.setattr(sampled, "MAX_STEPS", 3)
    monkeypatch.setattr(proved, "MAX_FORMULAS", 3)
    monkeypatch.setattr(rational, "MAX_WORK", 3)
    monkeypatch.setattr(certified, "lacking", lambda types: ["prod"])
    circuit = cg.parse_expression("x*y*z")
    report = check_gradient(circuit, cg.gradient(circuit))
    assert report.counts == {"unchecked": 3}
    assert report.exit_status == 5
    assert "steps, the cap" in report.verdicts[0].detail


def test_no_point_in_the_domain_is_undecided():
    circuit = cg.parse_expression("log(-1 - x^2)*sin(y^2 + 1)")
    gradient = cg.gradient(circuit)
    wrong = cg.parse("input x, y\ndf_dx = log(-1 - x^2)\noutput df_dx\n")
    report = check_gradient(circuit, wrong)
    assert report.counts == {"undecided": 1}
    assert "no 8 points of the domain found" in report.verdicts[0].detail
    assert check_gradient(circuit, gradient).counts == {"proved": 2}


def test_ranges_are_where_points_are_drawn(monkeypatch):
    monkeypatch.setattr(certified, "lacking", lambda types: ["max"])
    circuit = cg.parse_expression("sqrt(x - 1000)*max(x, y)")
    gradient = cg.gradient(circuit)
    assert check_gradient(circuit, gradient).counts == {"proved": 1, "undecided": 1}
    report = check_gradient(circuit, gradient, ranges={"x": (1001, 1002)})
    assert report.passed
    with pytest.raises(cg.CircuitError, match="'q', which is no input"):
        check_gradient(circuit, gradient, ranges={"q": (0, 1)})


def test_values_and_unknown_outputs():
    circuit = cg.parse_expression("x^2")
    good = cg.parse("input x\nf = x*x\ndf_dx = x + x\noutput f, df_dx\n")
    assert check_gradient(circuit, good).counts == {"proved": 2}
    bad = cg.parse("input x\nf = x*x + 1\noutput f\n")
    report = check_gradient(circuit, bad)
    assert report.failed
    assert "expected" in str(report)
    other = cg.parse("input x\ndf_dq = x\noutput df_dq\n")
    assert check_gradient(circuit, other).counts == {"undecided": 1}
    with pytest.raises(cg.CircuitError, match="has an input 'w'"):
        check_gradient(circuit, cg.parse("input w\noutput w\n"))


def test_second_derivatives_are_checked_against_the_first():
    first = cg.gradient(cg.parse_expression("sin(x*y)"))
    second = cg.jacobian(first)
    assert check_gradient(first, second).counts == {"proved": 4}


def test_a_name_that_looks_like_code_is_only_a_name():
    circuit = cg.parse(
        "input lambda, __import__, E, I, S, Q\n"
        "f = lambda*__import__*E*I*S*Q\n"
        "output f\n"
    )
    assert check_gradient(circuit, cg.gradient(circuit)).counts == {"proved": 6}


@settings(max_examples=40, deadline=None)
@given(
    circuits(names=("sum", "prod", "power", "exp", "sin", "tanh", "sigmoid", "atan"))
)
def test_smooth_random_circuits_pass(circuit):
    for mode in ("bp", "fp"):
        gradient = cg.jacobian(circuit, mode=mode, value=True, all=True)
        report = check_gradient(circuit, gradient)
        assert not report.failed, f"{circuit}\n{gradient}\n{report}"


# source, claimed, ranges: each claim is wrong, and each was taken for right once
WRONG = {
    "a term hidden by a large one": ("f = 1e80*x + y", "df_dy = 2", None),
    "a large function beside": ("f = exp(200*x) + y^2", "df_dy = 3*y", {"x": (1, 2)}),
    "one side of a root": ("f = sqrt(x^2) + 0*y", "df_dx = sum(1)", None),
    "one side of a kink": ("f = relu(x) + 0*y", "df_dx = sum(1)", None),
    "a tower": ("f = exp(exp(exp(exp(x)))) + y", "df_dx = exp(x)", None),
    "a small partial": ("f = 1e-60*x*sin(x) + y", "df_dx = 2e-60*x", None),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_claims_that_hide(case):
    source, claimed, ranges = WRONG[case]
    circuit = cg.parse(f"input x, y\n{source}\noutput f\n")
    name = claimed.split(" ")[0]
    gradient = cg.parse(f"input x, y\n{claimed}\noutput {name}\n")
    assert check_gradient(circuit, gradient, ranges=ranges).failed


#: Formulas with right gradients that were once refused, or took minutes.
RIGHT = [
    "max(x, y) + min(x, y) - x - y",
    "abs(x) - sqrt(x^2)",
    "sqrt(x*y) - sqrt(x)*sqrt(y)",
    "sigmoid(sigmoid(sigmoid(sigmoid(sigmoid(x*y + z)))))",
    "(1 + sigmoid(x + y)*sigmoid(y + z)*sigmoid(x - z))^5/sigmoid(x*y*z)",
    "max(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)",
    "step(" * 200 + "x" + ")" * 200,
    "sin(" * 400 + "x" + ")" * 400,
    "exp(exp(exp(exp(x))))",
    "x^1000000000 + (2*x)^999999",
    "sin(1e50*x)",
    "max(x, x^2)*y + 0*max(y, log(x^2))",
]


@pytest.mark.parametrize("formula", RIGHT, ids=range(len(RIGHT)))
def test_right_gradients_pass_and_soon(formula):
    circuit = cg.parse_expression(formula)
    report = check_gradient(circuit, cg.gradient(circuit, value=True))
    assert not report.failed, str(report)


def test_at_a_kink_there_is_no_answer():
    """relu(x - x) stands at its kink everywhere: neither right nor wrong."""
    circuit = cg.parse_expression("relu(x - x)")
    report = check_gradient(circuit, cg.gradient(circuit, all=True))
    by_output = {v.output: v.level for v in report.verdicts}
    assert by_output["df_dg1"] == "undecided"
    assert not report.failed


def test_a_name_with_two_readings_is_right_if_one_is():
    circuit = cg.parse(
        "input x, y, x_dy\nf = x_dy^2\nf_dx = sin(x*y)\noutput f, f_dx\n"
    )
    gradient = cg.jacobian(circuit, of="f_dx", wrt=["y"])
    assert gradient.output_names == ("df_dx_dy",)
    assert check_gradient(circuit, gradient).passed


def test_derivatives_by_the_name_of_an_output():
    circuit = cg.parse("input x\ng = x^2\nh = sin(g)\noutput k = g, f = h\n")
    gradient = cg.jacobian(circuit, of="f", wrt="k")
    assert check_gradient(circuit, gradient).counts == {"proved": 1}


def test_what_sympy_refuses_is_not_proved():
    """A constant without a real value: sympy raises; there is no real point."""
    circuit = cg.parse_expression("max(x, sqrt(-3))")
    report = check_gradient(circuit, cg.gradient(circuit))
    assert report.counts == {"undecided": 1}
