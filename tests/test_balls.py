"""Balls enclose values and slopes, and say so where they cannot."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

import circuitgrad as cg
from circuitgrad.check import certified, proved, sampled
from circuitgrad.check.gradient import check_gradient
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.balls import Ball, Balls, UnsettledError, precision
from circuitgrad.gates import SCALAR_GATES as GATES

SMOOTH = [gate for gate in GATES if not gate.kinks and gate.arity == 1]


@pytest.mark.parametrize("gate", SMOOTH, ids=lambda gate: gate.name)
def test_balls_enclose_what_sympy_says(gate):
    """The slope is FLINT's own; the gate's partials are not used."""
    low, high = gate.interval(0)
    x = sympy.Symbol("x")
    at = Fraction(round(low * 64) * 2 + round(high * 64) * 3, 5 * 64)
    params = [Fraction(5, 3)] if gate.takes_parameter else []
    rule = gate.formula or gate.value
    from circuitgrad.evaluation.arithmetic import Formulas

    formula = rule(Formulas(), x, *params)
    place = sympy.Rational(at.numerator, at.denominator)
    wanted = [f.subs(x, place).evalf(60) for f in (formula, formula.diff(x))]
    with precision(256):
        ball = gate.value(Balls(), Ball.of(at, 1), *params)
        for part, value in zip((ball.value, ball.slope), wanted, strict=True):
            assert part.rad() < 1e-60
            assert abs(part - Ball.of(Fraction(str(value))).value) < 1e-50


def refused(function, *operands):
    with precision(256), pytest.raises(EvaluationError) as caught:
        function(*operands)
    return type(caught.value), str(caught.value)


def test_kinks_poles_and_edges_are_said():
    m = Balls()
    with precision(256):
        third, root = m.number(Fraction(1, 3)), m.sqrt(m.number(2))
        zero, about_zero = third - third, root * root - 2
        moving = Ball.of(0, 1)
        assert m.absolute(Ball.of(0)).vanishes
    for ball in (zero, about_zero):
        assert refused(m.absolute, ball) == (UnsettledError, "a kink within the ball")
        assert refused(lambda u: 1 / u, ball)[0] is UnsettledError
        assert refused(m.log, ball) == (UnsettledError, "log of a ball around 0")
        assert refused(m.power, ball, Fraction(-2))[0] is UnsettledError
    assert refused(m.absolute, moving) == (EvaluationError, "a kink at the point")
    assert refused(m.maximum, moving, Ball.of(0))[0] is EvaluationError
    assert refused(m.divide, third, Ball.of(0)) == (EvaluationError, "division by zero")
    for function, value in ((m.log, -1), (m.sqrt, -1), (m.asin, 2), (m.acos, -2)):
        kind, text = refused(function, Ball.of(value))
        assert kind is EvaluationError
        assert "no real value or slope here" in text
    assert refused(m.power, Ball.of(-2), Ball.of(Fraction(1, 2)))[0] is EvaluationError
    assert refused(m.exp, Ball.of(10**300))[0] is UnsettledError
    with precision(256):
        assert m.power(Ball.of(-2, 1), Ball.of(3)).slope == 12


@pytest.fixture
def only_sampling(monkeypatch):
    """Leave the sampled level alone to speak."""
    monkeypatch.setattr(proved.Prover, "proves", lambda self, claim: False)
    monkeypatch.setattr(certified, "lacking", lambda types: ["this"])


def checked(formula, *outputs, **options):
    circuit = cg.parse_expression(formula)
    if not outputs:
        return check_gradient(circuit, cg.gradient(circuit), **options)
    names = ", ".join(line.split()[0] for line in outputs)
    inputs = ", ".join(circuit.inputs)
    lines = "\n".join(outputs)
    text = f"input {inputs}\n{lines}\noutput {names}\n"
    return check_gradient(circuit, cg.parse(text), **options)


@pytest.mark.usefixtures("only_sampling")
def test_balls_rise_in_precision_until_they_tell():
    """300 digits cancel; 1e-200 of the size is still a difference."""
    cancelling = "(x + 1e300)^2 - 1e600 - 2e300*x"  # = x^2
    assert checked(cancelling, "df_dx = 2*x").counts == {"sampled": 1}
    report = checked(cancelling, "df_dx = (2 + 1e-30)*x")
    assert report.failed
    assert report.verdicts[0].expected != report.verdicts[0].found
    spread = "1e-200*x^2 + 1e200*y^2"
    assert checked(spread).counts == {"sampled": 2}
    wrong = checked(spread, "df_dx = 3e-200*x", "df_dy = 2e200*y")
    assert [v.level for v in wrong.verdicts] == ["failed", "sampled"]


@pytest.mark.usefixtures("only_sampling")
@pytest.mark.parametrize(
    "formula",
    [
        "abs(sin(x)^2 + cos(x)^2 - 1)",
        "1/(exp(log(x)) - x)",
        "sqrt(sin(x)^2 + cos(x)^2 - 1)",
    ],
)
def test_a_kink_or_a_pole_within_every_ball_is_reported(formula):
    report = checked(formula)
    assert report.counts == {"undecided": 1}
    assert "points of the domain found: gate" in report.verdicts[0].detail


@pytest.mark.usefixtures("only_sampling")
@pytest.mark.parametrize("formula", ["asin(x)*log(y)", "max(x, y)*abs(x)", "x^y + y^x"])
def test_points_are_of_the_domain_and_off_the_kinks(formula):
    assert checked(formula).counts == {"sampled": 2}


def test_inputs_are_drawn_from_the_domains_of_their_gates():
    circuit = cg.parse_expression("asin(x) + log(y) + sqrt(y) + z")
    assert sampled._domains(circuit) == {"x": (-0.9, 0.9), "y": (0.25, 3.0)}


@pytest.mark.usefixtures("only_sampling")
def test_one_output_that_claims_the_same_twice():
    """Two wrong claims of one derivative do not make each other right."""
    source = cg.parse("input x\nf = x^2\noutput f, h = f\n")
    wrong = cg.parse("input x\ndf_dx = 2*x + 1\ndh_dx = 2*x - 1\noutput df_dx, dh_dx\n")
    assert check_gradient(source, wrong).counts == {"failed": 2}
