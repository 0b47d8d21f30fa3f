"""The field keeps the laws it promises; each gate means there what its formula says."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad import exact
from circuitgrad.check import residues
from circuitgrad.check.evaluator import Evaluator, PoleError, lacking
from circuitgrad.check.field import Field
from circuitgrad.formats.sympy import from_sympy
from circuitgrad.gates import SCALAR_GATES as GATES
from circuitgrad.gates import code_of

BOTH = [Field(61, 7), Field(521, 7)]
LAWS = [
    ("exp(-x)*exp(x)", "1"),
    ("exp(log(x))", "x"),
    ("log(exp(x))", "x"),
    ("log(1/x)", "-log(x)"),
    ("sin(x)^2 + cos(x)^2", "1"),
    ("cosh(x)^2 - sinh(x)^2", "1"),
    ("sin(x)/cos(x)", "tan(x)"),
    ("sinh(x)/cosh(x)", "tanh(x)"),
    ("sin(-x)", "-sin(x)"),
    ("cos(-x)", "cos(x)"),
    ("tan(-x)", "-tan(x)"),
    ("asin(-x)", "-asin(x)"),
    ("atan(-x)", "-atan(x)"),
    ("erf(-x)", "-erf(x)"),
    ("sin(asin(x))", "x"),
    ("cos(acos(x))", "x"),
    ("1/(1 + exp(x))", "sigmoid(-x)"),
    ("log(1 + exp(x))", "softplus(x)"),
    ("log(1 + 1/exp(x))", "softplus(-x)"),
    ("abs(exp(x))", "exp(x)"),
    ("sqrt(x)^2", "x"),
    ("sqrt(x^2)", "abs(x)"),
    ("sqrt(x*y)", "sqrt(x)*sqrt(y)"),
    ("sqrt(x)^3", "x*sqrt(x)"),
    ("x*sign(x)", "abs(x)"),
    ("sign(-x)", "-sign(x)"),
    ("relu(x) - relu(-x)", "x"),
    ("step(x)", "1/2 + sign(x)/2"),
    ("max(x, y) + min(x, y)", "x + y"),
    ("x^(y - 1)", "x^y/x"),
    ("(x*y)^y", "x^y*y^y"),
]


def real_values(field, circuit, tries=200):
    """Give the outputs at a real point, if there is one."""
    evaluator = Evaluator(field)
    for attempt in range(tries):
        try:
            values = evaluator.values(circuit, field.draw(len(circuit.inputs), attempt))
        except PoleError:
            continue
        if not values.unreal:
            return [int(values.of[v]) for _, v in circuit.outputs]
    raise AssertionError("no real point")


@pytest.mark.parametrize("field", BOTH, ids=["61", "521"])
@pytest.mark.parametrize(("left", "right"), LAWS)
def test_laws_hold_at_real_points(field, left, right):
    circuit = cg.parse(f"input x, y\nf = {left}\ng = {right}\noutput f, g")
    for seed in range(3):
        f, g = real_values(Field(field.exponent, seed), circuit)
        assert f == g


def test_every_gate_type_is_in_the_field():
    assert not lacking(gate.name for gate in GATES)


@pytest.mark.parametrize("field", BOTH, ids=["61", "521"])
def test_a_wrong_law_does_not_hold(field):
    for left, right in (
        ("exp(x)*exp(x)", "exp(x)"),
        ("sin(x)", "cos(x)"),
        ("x", "2*x"),
    ):
        circuit = cg.parse(f"input x, y\nf = {left}\ng = {right}\noutput f, g")
        f, g = real_values(field, circuit)
        assert f != g


@pytest.mark.parametrize("field", BOTH, ids=["61", "521"])
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_is_what_its_formula_says(field, gate):
    """The action of each gate, against its formula in more elementary gates."""
    import sympy

    from circuitgrad.evaluation.arithmetic import Formulas

    for arity in {1, 2, 3} if gate.arity is None else {gate.arity}:
        symbols = [sympy.Symbol(f"u{k}", real=True) for k in range(arity)]
        parameter = [Fraction(3)] if gate.takes_parameter else []
        formula = (gate.formula or gate.value)(Formulas(), *symbols, *parameter)
        expected = from_sympy(formula, inputs=symbols)
        evaluator = Evaluator(field)
        compared = 0
        for attempt in range(60):
            inputs = field.draw(arity, gate.name, attempt)
            try:
                values = [
                    evaluator.values(circuit, inputs)
                    for circuit in (_one(gate, arity), expected)
                ]
            except PoleError:
                continue
            if any(each.unreal for each in values):
                continue
            found = [
                int(each.of[c.outputs[0][1]])
                for each, c in zip(values, (_one(gate, arity), expected), strict=True)
            ]
            assert found[0] == found[1], gate.name
            compared += 1
        assert compared > 2


def _one(gate, arity):
    builder = cg.Builder()
    arity = arity if gate.arity is None else gate.arity
    inputs = [builder.input(f"u{k}").vertex for k in range(arity)]
    param = exact.intern(Fraction(3)) if gate.takes_parameter else -1
    vertex = builder.add(code_of(gate.name), inputs, None, param)
    builder.outputs.append(("f", vertex))
    return builder.finish()


@given(st.integers(0, 2**61 - 2), st.integers(0, 2**61 - 2))
def test_words_multiply_as_numbers(a, b):
    p = 2**61 - 1
    assert residues._times(a, b, p) == a * b % p


def test_compiled_words_multiply_as_numbers():
    p, rng = 2**61 - 1, random.Random(1)
    edge = [0, 1, 2, 2**30, 2**31 - 1, 2**31, 2**60, p - 1, p - 2, 2**61 - 2**31]
    pairs = [(a, b) for a in edge for b in edge]
    pairs += [(rng.randrange(p), rng.randrange(p)) for _ in range(1000)]
    circuit = cg.parse("input x, y\nf = x*y\noutput f")
    evaluator = Evaluator(Field(61))
    columns = [np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True)]
    [found] = evaluator.at_many(circuit, columns)
    assert found.tolist() == [a * b % p for a, b in pairs]
