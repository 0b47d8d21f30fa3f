"""The Lagrangian view: backpropagation's adjoints are the multipliers of the gates."""

from __future__ import annotations

import pytest
from conftest import example
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.families import det_gauss, network
from circuitgrad.gates import SCALAR_GATES as GATES

SMOOTH = tuple(gate.name for gate in GATES if not gate.kinks)


def test_the_equations_of_the_worked_example():
    found = cg.lagrangian(example("worked_example"))
    assert found.text() == (
        "constraints:\n"
        "  u₁ = x₁ + x₂\n"
        "  u₂ = x₁·x₂\n"
        "  u₃ = u₁ + u₂\n"
        "  y = u₁·u₃\n"
        "adjoint equations:\n"
        "  λ[y] = 1\n"
        "  λ[u₃] = λ[y]·u₁\n"
        "  λ[u₂] = λ[u₃]·1\n"
        "  λ[u₁] = λ[u₃]·1 + λ[y]·u₃\n"
        "  λ[x₂] = λ[u₁]·1 + λ[u₂]·x₁\n"
        "  λ[x₁] = λ[u₁]·1 + λ[u₂]·x₂\n"
    )
    assert found.multipliers["u3"] == "lambda_u3"
    assert r"\lambda_{u_{1}} &= \lambda_{u_{3}} \cdot 1 + " in found.latex()
    assert found.check().counts == {"proved": 6}


@pytest.mark.parametrize(
    "circuit",
    [example("perceptron"), det_gauss(6), network((2, 3, 2), loss="cross-entropy")],
    ids=str,
)
def test_backpropagation_solves_them(circuit):
    report = cg.lagrangian(circuit).check()
    assert report.passed
    assert set(report.counts) <= {"proved", "certified"}
    own = circuit.live & (circuit.columns.op != 1)
    assert len(report.verdicts) == int(own.sum())


@settings(max_examples=20, deadline=None)
@given(circuit=circuits(names=("sum", "prod", "power", "div", "inv")))
def test_on_random_circuits(circuit):
    report = cg.lagrangian(circuit, of=circuit.output_names[0]).check()
    assert "failed" not in report.counts


@settings(max_examples=15, deadline=None)
@given(circuit=circuits(names=SMOOTH, most=8))
def test_any_gates(circuit):
    report = cg.lagrangian(circuit, of=circuit.output_names[0]).check()
    assert "failed" not in report.counts


def test_wrong_adjoints_are_found_by_their_equation():
    """∂y/∂u1 twice as large breaks its own equation and those of what it is made of."""
    circuit = example("worked_example")
    text = str(cg.gradient(circuit, all=True, value=True, pipeline="none"))
    line = next(each for each in text.splitlines() if each.startswith("dy_du1 = "))
    wrong = cg.parse(text.replace(line, line.replace("= ", "= u3 + ", 1)))
    problem = cg.lagrangian(circuit)
    failed = {v.output for v in problem.check(wrong).verdicts if v.level == "failed"}
    assert failed == {"lambda_u1"}  # what follows is consistent with it
    read = cg.parse(text)
    assert problem.check(read).counts == {"proved": 6}
    with pytest.raises(cg.CircuitError, match="no output dy_du1"):
        problem.check(read.with_outputs([o for o in read.outputs if o[0] != "dy_du1"]))


def test_of_several_outputs_one_is_meant():
    several = cg.parse("input x\nf = x*x\noutput f, x\n")
    with pytest.raises(cg.CircuitError, match="several outputs"):
        cg.lagrangian(several)
    assert cg.lagrangian(several, of="f").check().counts == {"proved": 2}
    assert cg.lagrangian(several, of="x").text().endswith("λ[x] = 1\n")
