"""The notes' third algorithm: its size, its values, and its error."""

from __future__ import annotations

from fractions import Fraction

import pytest
from conftest import example
from hypothesis import given, settings
from strategies import POINTS, at, rational_circuits

import circuitgrad as cg
from circuitgrad.passes import PASSES, parse_pipeline
from circuitgrad.provenance import QUOTIENT, SHIFTED


def quotients(circuit, point, eps):
    """Give (f(x + eps e_i) - f(x)) / eps by evaluating C, n + 1 times."""
    here = cg.evaluate(circuit, point)
    found = {}
    for name in circuit.inputs:
        there = cg.evaluate(circuit, {**point, name: point[name] + eps})
        for output in circuit.output_names:
            found[f"d{output}_d{name}"] = (there[output] - here[output]) / eps
    return found


@settings(max_examples=80, deadline=None)
@given(rational_circuits(), POINTS)
def test_values_are_the_difference_quotients_exactly(circuit, point):
    eps, point = Fraction(1, 7), at(circuit, point)
    emitted = cg.finite_differences(circuit, eps=eps).verify()
    assert cg.evaluate(emitted, point) == quotients(circuit, point, eps)


@settings(max_examples=60, deadline=None)
@given(rational_circuits())
def test_size_is_that_of_n_plus_1_copies(circuit):
    """(n + 1) s + n (1 + 2 m): a gate shifts, two are the difference quotient."""
    emitted = cg.finite_differences(circuit)
    live = circuit.columns.live(circuit.output_vertices) & circuit.columns.is_gate
    n, m, s = len(circuit.inputs), len(circuit.outputs), int(live.sum())
    dead = len(circuit.columns) - circuit.columns.sources - s
    columns = emitted.columns
    assert len(columns) - columns.sources == dead + (n + 1) * s + n * (1 + 2 * m)


def test_size_counts_ops_and_depth_of_figure_1():
    """Every input is used: 4 copies of 7 gates, and three gates more an input."""
    emitted = cg.run(example("fig1"), "fd{eps=1e-6}")
    assert emitted.size == 4 * 7 + 3 * 3
    assert emitted.stats().ops == 4 * 18 + 3 * (1 + 1 + 1)
    assert emitted.depth == 3 + 3


def test_copies_share_what_does_not_depend_on_the_input_by_cse():
    circuit = cg.parse_expression("sin(x)*sin(y)")
    literal = cg.finite_differences(circuit)
    assert literal.size == 3 * 3 + 2 * 3
    assert cg.cse(literal).size == literal.size - 2  # sin(y) for x, sin(x) for y


def test_options_are_those_of_the_modes():
    circuit = cg.parse("input x, y\nu = x*y\nf = u*x\nh = u + 3\noutput f, h\n")
    chosen = cg.run(circuit, "fd{eps=1/4 of=f wrt=y,u value}")
    assert chosen.output_names == ("f", "h", "df_dy", "df_du")
    found = cg.evaluate(chosen, x=2, y=5)
    assert found == {"f": 20, "h": 13, "df_dy": 4, "df_du": 2}  # (C - u): du/dx is none
    assert PASSES["fd"] is PASSES["finite_differences"]
    with pytest.raises(cg.CircuitError, match="no vertex 'q'"):
        cg.finite_differences(circuit, wrt=["q"])
    with pytest.raises(cg.CircuitError, match="no output 'q'"):
        cg.finite_differences(circuit, of=["q"])


def test_outputs_that_are_inputs_or_constants():
    circuit = cg.parse("input x, y\nc = 5\noutput a = x, b = c\n")
    emitted = cg.finite_differences(circuit, eps=Fraction(1, 3)).verify()
    assert cg.evaluate(emitted, x=1, y=1) == {
        "da_dx": 1, "da_dy": 0, "db_dx": 0, "db_dy": 0,
    }  # fmt: skip


def test_the_step_is_exact_and_above_0():
    step = parse_pipeline("fd{eps=1e-6}")[0]
    assert step.options["eps"] == Fraction(1, 10**6)
    assert str(step) == "fd{eps=1/1000000}"
    circuit = cg.parse_expression("x^3")
    tiny = cg.run(circuit, "fd{eps=1e-300}")
    assert cg.evaluate(tiny, x=Fraction(2))["df_dx"] - 12 == Fraction(6, 10**300) + (
        Fraction(1, 10**600)
    )
    assert cg.evaluate(tiny, x=2.0)["df_dx"] == 0.0  # x + eps is x, in floats
    for text, message in (
        ("0", "eps is 0: a step above 0"),
        ("-1/2", "eps is -1/2: a step above 0"),
    ):
        with pytest.raises(cg.CircuitError, match=message):
            cg.run(circuit, f"fd{{eps={text}}}")
    for text in ("x", "1/0", "nan", "1/", "1//2", "--1"):
        with pytest.raises(cg.PipelineError, match="eps"):
            cg.run(circuit, f"fd{{eps={text}}}")
    for wrong in (float("nan"), float("inf"), "x", True):
        with pytest.raises(cg.CircuitError, match="eps: "):
            cg.finite_differences(circuit, eps=wrong)
    with pytest.raises(cg.LimitError):
        cg.run(circuit, "fd{eps=1e-99999}")
    with pytest.raises(cg.LimitError):
        cg.finite_differences(circuit, eps=Fraction(1, 10**4001))


def test_a_check_does_not_prove_it():
    circuit = cg.parse_expression("x^3")
    assert cg.check_gradient(circuit, cg.finite_differences(circuit)).failed
    linear = cg.parse_expression("3*x + y")  # where it is the derivative
    assert cg.check_gradient(linear, cg.finite_differences(linear)).passed


def test_provenance_says_what_each_gate_is():
    circuit = cg.parse_expression("x*y")
    emitted = cg.finite_differences(circuit)
    provenance = emitted.provenance
    assert {SHIFTED, QUOTIENT} <= set(provenance.role.tolist())
    said = [provenance.describe(v) for v in range(len(emitted.columns))]
    assert said[3:] == [
        "f", "x with x shifted", "f with x shifted",
        *["difference quotient of f by x"] * 2,
        "y with y shifted", "f with y shifted",
        *["difference quotient of f by y"] * 2,
    ]  # fmt: skip


def test_the_error_falls_like_eps_and_in_floats_rises_again():
    """The notes: calculating a ratio of numbers close to zero is sensitive."""
    circuit = cg.parse_expression("sin(x)*exp(x)")
    true = cg.evaluate(cg.gradient(circuit), x=1.0)["df_dx"]

    def error(exponent):
        emitted = cg.run(circuit, f"fd{{eps=1e-{exponent}}}")
        return abs(cg.evaluate(emitted, x=1.0)["df_dx"] - true)

    assert error(2) > error(4) > error(7) < error(11) < error(14) < error(17)
    assert error(17) == pytest.approx(abs(true))  # x + eps rounds to x


def test_at_a_shell(run, tmp_path):
    (tmp_path / "f.cg").write_text("input x\nf = x^2\noutput f\n")
    status, out, err = run("opt", "f.cg", "-p", "fd{eps=0.5}", "--verify")
    assert (status, "unchecked (it approximates" in err) == (0, True)
    assert "df_dx = 2*g3" in out
    assert "fd" in run("passes")[1]
    assert run("opt", "f.cg", "-p", "fd{eps=0}")[0] == 2
    assert run("draw", "f.cg", "-o", "f.svg")[0] == 0


def test_a_figure_tells_copies_from_quotients():
    drawn = cg.finite_differences(cg.parse_expression("x*y")).draw(legend=True)
    for role in ("shifted", "quotient"):
        assert f'class="node {role}"'.encode() in drawn.data
