"""Proofs by polynomials: right ones only, and never beyond the bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.check import proved, rational
from circuitgrad.check.claims import claims
from circuitgrad.check.quotients import Quotients
from circuitgrad.check.rational import RationalProver, sizes
from circuitgrad.evaluation.evaluate import vertex_values

FIELD = ("sum", "prod", "div", "inv", "power")


def all_claims(circuit, gradient):
    return [readings[0] for readings in claims(circuit, gradient).values()]


@pytest.mark.parametrize("mode", ["bp", "fp"])
@pytest.mark.parametrize(
    "formula",
    [
        "(x + y)^5*(x - y)^3 + 3/7",
        "(x^2 + 1)/(y - x/(y + 1/x))",
        "((x + y)^-2 - 1/(x*y))^3",
        "(x^10 - y^10)/(x - y)",
    ],
)
def test_every_partial_is_proved_without_sympy(formula, mode, monkeypatch):
    monkeypatch.setattr(proved, "formulas", None)  # would fail if it were called
    circuit = cg.parse_expression(formula)
    gradient = cg.jacobian(circuit, mode=mode, value=True, all=True)
    prover = RationalProver(circuit, gradient)
    assert all(map(prover.proves, all_claims(circuit, gradient)))


def test_what_is_wrong_is_not_proved():
    circuit = cg.parse("input x, y\ng = x/y\nf = g^2 + x\noutput f\n")
    text = "input x, y\n{}\noutput {}\n"
    for line, right in (
        ("df_dx = 2*x/y^2 + 1", True),
        ("df_dx = 2*x/y^2 + 2", False),
        ("df_dx = (2*x*y + y^3)/y^3", True),
        ("df_dg = 2*x/y", True),
        ("df_dg = 2*x/y + 0.001", False),
        ("df_dy = -2*x^2/y^3", True),
        ("f = (x^2 + x*y^2)/y^2", True),
        ("f = (x^2 + x*y^2 + 1)/y^2", False),
        ("df_dx = 1/(x - x)", False),
    ):
        emitted = cg.parse(text.format(line, line.split()[0]))
        (claim,) = all_claims(circuit, emitted)
        assert RationalProver(circuit, emitted).proves(claim) is right, line


@pytest.mark.parametrize(
    "formula",
    [
        "(x + y + z + u + v + w + r + s)^40",
        "x*3^(2^15)*(y + 1)",
        "(x + 1)^1000000000",
        "(x*pi)^2",
        "exp(x) + y",
    ],
)
def test_what_may_be_too_large_is_not_begun(formula, monkeypatch):
    circuit = cg.parse_expression("x") if "2^15" in formula else None
    if circuit is None:
        circuit = cg.parse_expression(formula)
    else:  # squared fifteen times, 3 has 50,000 bits
        lines = "".join(f"c{i + 1} = prod(c{i}, c{i})\n" for i in range(15))
        circuit = cg.parse(f"input x\nc0 = 3\n{lines}f = c15*x\noutput f\n")
    gradient = cg.gradient(circuit, pipeline="none")
    monkeypatch.setattr(Quotients, "times", None)  # would fail if it were called
    prover = RationalProver(circuit, gradient)
    assert not any(map(prover.proves, all_claims(circuit, gradient)))


@settings(max_examples=200, deadline=None)
@given(circuits(names=FIELD, most=8))
def test_sizes_bound_what_is_made(circuit):
    """No numerator or denominator has more terms, degree or bits than was said."""
    found = sizes(circuit)
    small = [(name, v) for name, v in circuit.outputs if found[v].small]
    if not small:
        return
    part = circuit.with_outputs(small)
    ring = Quotients(len(part.inputs) + 1, 10**7)
    inputs = [ring.variable(place) for place in range(len(part.inputs))]
    try:
        values = vertex_values(part, ring, inputs)
    except ZeroDivisionError:
        return
    for value, size in zip(values, found, strict=True):
        if value is None:
            continue
        pairs = (
            (value.above, size.above, size.degree),
            (value.below, size.below, size.degree_below),
        )
        for polynomial, terms, degree in pairs:
            assert len(polynomial) <= terms
            assert polynomial.total_degree() <= degree
            bits = [
                max(abs(int(c.p)).bit_length(), int(c.q).bit_length())
                for c in polynomial.coeffs()
            ]
            assert max(bits, default=0) <= size.bits + 1


def test_the_bound_on_work_is_kept(monkeypatch):
    circuit = cg.parse_expression("(x + y + 1)^9*(x - y)")
    gradient = cg.gradient(circuit)
    monkeypatch.setattr(rational, "MAX_WORK", 100)
    prover = RationalProver(circuit, gradient)
    assert not any(map(prover.proves, all_claims(circuit, gradient)))


def test_many_inputs_take_no_memory(monkeypatch):
    """A polynomial in 20,000 variables has 20,000 exponents a term."""
    many = 20_000
    lines = "input " + ", ".join(f"x{i}" for i in range(many))
    total = " + ".join(f"x{i}*x{i + 1}" for i in range(many - 1))
    circuit = cg.parse(f"{lines}\nf = {total}\noutput f\n")
    monkeypatch.setattr(Quotients, "times", None)  # would fail if it were called
    gradient = cg.gradient(circuit, wrt=["x0", "x1"])
    prover = RationalProver(circuit, gradient)
    assert not any(map(prover.proves, all_claims(circuit, gradient)))
