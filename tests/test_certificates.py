"""Certificates: what they catch, what they say, and that they can be repeated."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import mutants
import pytest
from hypothesis import given, settings
from programs import determinant
from strategies import circuits

import circuitgrad as cg
from circuitgrad.check import check_same, structural_hash
from circuitgrad.check.certified import Certifier, Settings
from circuitgrad.check.claims import claims
from circuitgrad.check.degrees import Degree, Degrees
from circuitgrad.passes.registry import PASSES, Pass

RATIONAL = ("sum", "prod", "div", "inv", "power")


def verdicts(circuit, gradient, **options):
    """Give what the certificate alone says of each output."""
    first = [readings[0] for readings in claims(circuit, gradient).values()]
    certifier = Certifier(circuit, gradient, first, Settings(**options))
    return certifier, list(certifier.verdicts())


# ------------------------------------------------------------------ right and wrong


@settings(max_examples=60, deadline=None)
@given(circuit=circuits())
def test_no_false_alarm(circuit):
    """Also with kinks, functions and every vertex: nothing right is called wrong."""
    for mode in ("reverse", "forward"):
        gradient = cg.jacobian(circuit, mode=mode, all=True)
        assert not cg.check_gradient(circuit, gradient).failed


@settings(max_examples=150, deadline=None)
@given(circuit=circuits(names=RATIONAL))
def test_rational_circuits_are_certified(circuit):
    """Whatever the passes did; only a circuit without a value anywhere has no point."""
    gradient = cg.jacobian(circuit, all=True, pipeline="size", value=True)
    _, found = verdicts(circuit, gradient)
    assert {v.level for v in found} <= {"certified", "undecided"}, found
    if any(v.level == "undecided" for v in found):
        reasons = {v.detail for v in found if v.level == "undecided"}
        assert all("no value" in text or "a pole" in text for text in reasons)


@pytest.mark.parametrize("mutation", mutants.MUTATIONS)
def test_mutants_are_caught(mutation):
    found = []
    for number, circuit in enumerate(mutants.formulas(12, seed=5)):
        gradient = cg.gradient(circuit, value=True)
        draw = random.Random(number)
        mutant = mutants.MUTATIONS[mutation](gradient, draw)
        if mutant is not None:
            found.append(mutants.tried(circuit, mutant))
    assert mutants.ESCAPED not in found
    assert mutants.CAUGHT in found


@pytest.mark.parametrize("kind", mutants.WRONG_PARTIALS)
def test_wrong_partials_in_the_gate_table_are_caught(kind):
    """In each gate type, in both modes; those that are 0 or alike may be so bent."""
    alike = {"sum"} if kind == "exchanged partials" else {"sign", "step"}
    for gate, mode, result in mutants.planted(kind):
        allowed = [mutants.CAUGHT]
        if gate in alike:
            allowed.append(mutants.EQUIVALENT)
        assert result in allowed, (gate, mode)


SHARED_ROOT = """\
input a, b, c
d = sqrt((a - b)^2)
grown = exp(d - d*c)
shrunk = exp(-(d*c))
s = grown + shrunk
q = (-grown - shrunk)/s + d
output s, q
"""


@pytest.mark.parametrize("pipeline", ["none", "tidy", "size", "depth"])
@pytest.mark.parametrize("mode", ["bp", "fp"])
def test_a_root_that_many_paths_share(mode, pipeline):
    """A tool that factors the graph of paths refused such (FastDifferentiation, 40)."""
    circuit = cg.parse(SHARED_ROOT)
    gradient = cg.jacobian(circuit, mode=mode, pipeline=pipeline, value=True, all=True)
    _, found = verdicts(circuit, gradient)
    assert {v.level for v in found} == {"certified"}
    assert cg.check_gradient(circuit, gradient).passed
    a, b, c = 0.25, 1.5, 0.75  # d = b - a
    grown, shrunk = math.exp((b - a) * (1 - c)), math.exp(-(b - a) * c)
    slope = (1 - c) * grown - c * shrunk  # ds/dd
    values = cg.evaluate(gradient, a=a, b=b, c=c)
    assert values["ds_da"] == pytest.approx(-slope)
    assert values["ds_db"] == pytest.approx(slope)
    assert values["ds_dc"] == pytest.approx(-(b - a) * (grown + shrunk))
    assert values["dq_da"] == pytest.approx(-1)
    assert values["dq_dc"] == pytest.approx(0)


def test_the_derivative_of_cosh():
    """Another tool had -sinh for nine years (CasADi, issue 2585)."""
    circuit = cg.parse_expression("cosh(x)")
    wrong = cg.parse("input x\ndf_dx = -sinh(x)\noutput df_dx")
    assert [v.level for v in verdicts(circuit, wrong)[1]] == ["failed"]
    right = cg.parse("input x\ndf_dx = sinh(x)\noutput df_dx")
    assert [v.level for v in verdicts(circuit, right)[1]] == ["certified"]


def test_the_wrong_one_of_many_is_found():
    circuit = determinant(4)
    gradient = cg.gradient(circuit)
    swapped = dict(gradient.outputs)
    a, b = "df_dx2_3", "df_dx4_1"
    swapped[a], swapped[b] = swapped[b], swapped[a]
    _, found = verdicts(circuit, gradient.with_outputs(swapped.items()))
    assert {v.output for v in found if v.level == "failed"} == {a, b}
    report = cg.check_gradient(circuit, gradient.with_outputs(swapped.items()))
    assert {v.output for v in report.verdicts if v.level == "failed"} == {a, b}


def test_errors_of_two_names_of_one_vertex_do_not_cancel():
    """Both are derivatives of one vertex by another, wrong by opposite amounts."""
    circuit = cg.parse("input x, y\nf = x*y*x + y\noutput f, h = f")
    wrong = cg.parse(
        "input x, y\na = x*y\nf = 4*a\nh = 0*a\noutput df_dx = f, dh_dx = h"
    )
    assert [v.level for v in verdicts(circuit, wrong)[1]] == ["failed", "failed"]
    assert cg.check_gradient(circuit, wrong).counts == {"failed": 2}


@pytest.mark.parametrize("formula", ["max(x, x)", "min(x*y, y*x)", "max(x, x)*y"])
def test_a_tie_is_a_kink(formula):
    circuit = cg.parse_expression(formula)
    wrong = cg.parse("input x\nd = 0*x\noutput df_dx = d")
    assert [v.level for v in verdicts(circuit, wrong)[1]] == ["undecided"]
    assert not cg.check_gradient(circuit, wrong).passed
    assert cg.check_gradient(circuit, cg.gradient(circuit)).passed


@pytest.mark.parametrize("formula", ["sin(x^K)", "abs(x^K + 3)", "exp(x^K)*y"])
def test_the_bound_knows_arguments_of_functions(formula):
    """The tangent of f(u) has the degree of u, and so has a value at a kink."""
    for exponent in (10, 2**40):
        circuit = cg.parse_expression(formula.replace("K", str(exponent)))
        certifier, _ = verdicts(circuit, cg.gradient(circuit), prime=61, trials=1)
        assert certifier.degree > exponent


def test_many_wrong_partials_end_in_time(monkeypatch):
    from circuitgrad.check import certified

    monkeypatch.setattr(certified, "MAX_SWEPT", 1_000)
    circuit = determinant(6)
    gradient = cg.gradient(circuit)
    vertices = gradient.output_vertices.tolist()
    moved = zip(gradient.output_names, vertices[1:] + vertices[:1], strict=True)
    _, found = verdicts(circuit, gradient.with_outputs(moved))
    assert {v.level for v in found} >= {"failed", "undecided"}
    assert "among others" in next(v.detail for v in found if v.level == "undecided")


def test_at_a_kink_there_is_no_derivative_by_what_moves_off_it():
    """By x nothing moves; values are compared, and what needs no slope."""
    circuit = cg.parse("input x, y\ng = x - x\nh = relu(g)\nf = h*y + x\noutput f\n")
    gradient = cg.jacobian(circuit, all=True, value=True)
    levels = {
        tuple((v.output, v.level) for v in verdicts(circuit, gradient, **options)[1])
        for options in ({}, {"one_by_one": True})
    }
    (found,) = map(dict, levels)
    assert found.pop("df_dg") == "undecided"
    assert set(found.values()) == {"certified"}


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("sqrt(x^2)", "f = relu(x)\ndf_dx = x/f"),  # on one side it has no value
        ("relu(relu(x))", "f = abs(x)\ndf_dx = step(x)"),
        ("step(step(x))", "f = sign(x)\ndf_dx = 0"),
        ("sqrt(relu(x)) + y", "f = sqrt(relu(x)) + y\ndf_dy = 1 + step(-x)"),
    ],
)
def test_both_sides_are_met_where_one_has_no_slope(formula, wrong):
    """Values are compared at kinks, and what has a value beside what has none."""
    circuit = cg.parse_expression(formula)
    names = ", ".join(line.split()[0] for line in wrong.split("\n"))
    text = f"input {', '.join(circuit.inputs)}\n{wrong}\noutput {names}\n"
    for options in ({}, {"one_by_one": True}):
        _, found = verdicts(circuit, cg.parse(text), **options)
        assert "failed" in {v.level for v in found}


def test_a_partial_without_a_value_anywhere_is_wrong():
    circuit = cg.parse_expression("x^2*y")
    wrong = cg.parse(
        "input x, y\ndf_dx = 1/(x - x)\ndf_dy = x^2\noutput df_dx, df_dy\n"
    )
    _, found = verdicts(circuit, wrong)
    assert [v.level for v in found] == ["failed", "certified"]
    assert "division by zero" in found[0].found
    assert cg.check_gradient(circuit, wrong).exit_status == 1


def test_a_claim_is_compared_where_it_has_a_value():
    circuit = cg.parse_expression("sqrt(relu(x)) + y")
    certifier, found = verdicts(circuit, cg.gradient(circuit, value=True))
    by_name = {v.output: v for v in found}
    assert {v.level for v in found} == {"certified"}
    assert " of 16 points" in by_name["df_dx"].detail
    assert by_name["f"].detail.startswith("16 points")
    assert certifier.evidence()["compared"] == certifier.fewest < 16


def test_a_gate_type_that_the_field_has_not(monkeypatch):
    from circuitgrad.check import certified

    monkeypatch.setattr(certified, "lacking", lambda types: ["sin"])
    monkeypatch.setattr("circuitgrad.check.proved.MAX_WIRES", 0)
    circuit = cg.parse_expression("sin(x)*x")
    report = cg.check_gradient(circuit, cg.gradient(circuit))
    assert report.counts == {"sampled": 1}
    assert "the field has no sin" in report.verdicts[0].detail


# ------------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("formula", "above", "below"),
    [
        ("x*y*z", 3, 0),
        ("(x + y)^7", 7, 0),
        ("x/y + z", 2, 1),
        ("1/(x*y)", 3, 2),
        ("(x/y)^-3", 7, 6),
        ("x/y + y/z", 3, 2),
    ],
)
def test_formal_degrees(formula, above, below):
    circuit = cg.parse_expression(formula)
    [(_, vertex)] = circuit.outputs
    assert Degrees(circuit).value(vertex) == Degree(above, below)


def test_elimination_has_no_bound_in_the_smaller_field():
    """Its formal degree doubles; the larger field is taken by itself."""
    circuit = determinant(30)
    gradient = cg.gradient(circuit)
    certifier, found = verdicts(circuit, gradient, prime=61)
    assert certifier.bound(1) is None
    assert "no bound" in found[0].detail
    assert found[0].level == "certified"
    circuit = determinant(8)
    certifier, found = verdicts(circuit, cg.gradient(circuit))
    assert certifier.field.exponent == 521
    assert certifier.bound(2) < 1e-100
    assert {v.level for v in found} == {"certified"}


def test_more_points_where_the_bound_asks_for_them():
    circuit = cg.parse_expression("((x + y)^99999 + 1)^999")
    certifier, _ = verdicts(circuit, cg.gradient(circuit), prime=61)
    assert certifier.trials == 2
    assert certifier.bound(2) < 2.0**-40


def test_kinks_count_the_branches():
    circuit = cg.parse_expression("abs(x) + max(x, y, x*y) + relu(y)")
    certifier, found = verdicts(circuit, cg.gradient(circuit))
    assert {v.level for v in found} == {"certified"}
    assert len(certifier.branches) > 4
    assert "branches met" in found[0].detail


# ------------------------------------------------------------------ files


def test_a_certificate_is_repeated(run):
    cg.write(determinant(5), "f.cg")
    made = run("grad", "f.cg", "-o", "g.cg", "--certificate", "c.json")
    assert made[0] == 0
    data = json.loads(Path("c.json").read_text())
    assert data["certified"]["bound"] < 2.0**-40
    assert len(data["verdicts"]) == 25
    status, _, words = run("check", "f.cg", "g.cg", "--replay", "c.json")
    assert (status, "the same verdicts" in words) == (0, True)


def test_a_certificate_of_something_else(run):
    cg.write(determinant(4), "f.cg")
    run("grad", "f.cg", "-o", "g.cg", "--certificate", "c.json")
    cg.write(determinant(5), "h.cg")
    status, _, words = run("check", "h.cg", "g.cg", "--replay", "c.json")
    assert (status, "the source circuit is another" in words) == (1, True)
    data = json.loads(Path("c.json").read_text())
    data["verdicts"][3]["level"] = "sampled"
    Path("c.json").write_text(json.dumps(data))
    status, _, words = run("check", "f.cg", "g.cg", "--replay", "c.json")
    assert (status, "sampled in the certificate" in words) == (1, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="x"), "no certificate"),
        (lambda d: d.update(version=2), "version 2"),
        (lambda d: d.pop("verdicts"), '"verdicts" should be a list'),
        (lambda d: d["settings"].update(prime=7), '"prime" should be 61 or 521'),
        (lambda d: d["settings"].update(seed="0"), '"seed" is no integer'),
        (lambda d: d["settings"].update(trials=10**9), '"trials" is'),
        (lambda d: d["settings"].update(ranges={"x": 3}), '"ranges" should have'),
        (lambda d: d["settings"].pop("seed"), '"seed" is no integer'),
        (lambda d: d["settings"].pop("ranges"), '"ranges" should have'),
        (
            lambda d: d["settings"].update(ranges={"x": [0, 10**400]}),
            '"ranges" should have',
        ),
        (
            lambda d: d["settings"].update(ranges={"x": [0, float("inf")]}),
            '"ranges" should have',
        ),
    ],
)
def test_a_damaged_certificate(run, change, message):
    cg.write(cg.parse_expression("x*y"), "f.cg")
    run("grad", "f.cg", "-o", "g.cg", "--certificate", "c.json")
    data = json.loads(Path("c.json").read_text())
    change(data)
    Path("c.json").write_text(json.dumps(data))
    status, _, words = run("check", "f.cg", "g.cg", "--replay", "c.json")
    assert (status, message in words) == (3, True), words


def test_a_certificate_with_more_in_it_is_no_harm(run):
    cg.write(cg.parse_expression("x*y"), "f.cg")
    run("grad", "f.cg", "-o", "g.cg", "--certificate", "c.json")
    data = json.loads(Path("c.json").read_text())
    data["settings"]["shell"] = "rm"
    del data["settings"]["prime"]
    data["verdicts"].append({"output": []})
    Path("c.json").write_text(json.dumps(data))
    status, _, words = run("check", "f.cg", "g.cg", "--replay", "c.json")
    assert (status, "the same verdicts" in words) == (0, True)


def test_what_is_no_json_is_no_certificate(run):
    cg.write(cg.parse_expression("x*y"), "f.cg")
    Path("c.json").write_text("[" * 100_000)
    status, _, words = run("check", "f.cg", "f.cg", "--replay", "c.json")
    assert (status, "no JSON" in words) == (3, True)


def test_the_hash_knows_structure_and_no_names():
    text = "input x, y\na = x/y\nb = 2*a + x\noutput b, a"
    circuit = cg.parse(text)
    same = cg.parse("input u, v\nc = u/v\nf = 2*c + u\noutput f, g = c")
    assert structural_hash(circuit) == structural_hash(same)
    for before, after in (("x/y", "y/x"), ("2*a", "3*a"), ("b, a", "a, b"), ("/", "*")):
        assert structural_hash(cg.parse(text.replace(before, after))) != (
            structural_hash(circuit)
        )


# ------------------------------------------------------------------ passes


def test_passes_are_verified(run):
    status, out, words = run(
        "opt", "--verify", "-p", "bp,fold,fuse,cse,dce", "-e", "x*y*sin(x*y)"
    )
    assert (status, words.count("verify ")) == (0, 5)
    assert "df_dx" in out


def test_a_wrong_pass_writes_nothing(run, monkeypatch):
    def broken(circuit):
        return cg.parse("input x, y\nf = x + y\noutput f")

    monkeypatch.setitem(PASSES, "broken", Pass("broken", broken))
    status, out, words = run("opt", "--verify", "-p", "broken", "-e", "x*y")
    assert (status, out) == (1, "")
    assert "failed" in words


def test_equal_circuits_need_equal_outputs():
    circuit = cg.parse_expression("x*y")
    assert check_same(circuit, circuit).passed
    with pytest.raises(cg.CircuitError, match="other outputs"):
        check_same(circuit, cg.parse("input x\ng = x*x\noutput g"))
    with pytest.raises(cg.CircuitError, match="other inputs"):
        check_same(circuit, cg.parse("input z\nf = z*z\noutput f"))


# ------------------------------------------------------------------ one by one


@settings(max_examples=40, deadline=None)
@given(circuit=circuits())
def test_one_by_one_says_the_same(circuit):
    """By each gate z in (C - z), as by all of them at once."""
    gradient = cg.jacobian(circuit, all=True, value=True)
    for emitted in (gradient, mutants.reweighted(gradient, random.Random(1), 2)):
        if emitted is not None:
            found = [
                {v.output: v.level for v in verdicts(circuit, emitted, **options)[1]}
                for options in ({}, {"one_by_one": True})
            ]
            assert found[0] == found[1]


def test_one_by_one_at_a_shell(run):
    circuit, gradient = determinant(4), None
    gradient = cg.jacobian(circuit, all=True)
    cg.write(circuit, "d.cg")
    cg.write(gradient, "g.cg")
    words = ["check", "d.cg", "g.cg", "--one-by-one"]
    status, out, _ = run(*words, "--certificate", "c.json", "-v")
    assert status == 0
    assert "modulo 2^61 - 1, one by one" in out
    assert json.loads(Path("c.json").read_text())["settings"]["one_by_one"] is True
    assert run("check", "d.cg", "g.cg", "--replay", "c.json")[0] == 0
