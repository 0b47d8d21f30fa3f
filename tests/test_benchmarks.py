"""The size benchmark: each tool's program is counted by the rule that counts ours."""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction

import pytest
import size
from conftest import example
from peers import PEERS, UnreadableError, gradient_function
from peers.program import Program

import circuitgrad as cg

ONE, TWO = Fraction(1), Fraction(2)

#: A program over x and y -> ops, nonscalar
PROGRAMS = {
    "a sum": (lambda p, x, y: p.sum([(ONE, x), (ONE, y)]), 1, 0),
    "a difference": (lambda p, x, y: p.sum([(ONE, x), (-ONE, y)]), 1, 0),
    "a sign": (lambda p, x, y: p.sum([(-ONE, x)]), 1, 0),
    "numbers are one": (
        lambda p, x, y: p.sum([(ONE, x), (ONE, ONE), (TWO, TWO)]),
        1,
        0,
    ),
    "a sum with 0": (lambda p, x, y: p.sum([(ONE, x), (ONE, Fraction(0))]), 0, 0),
    "a product": (lambda p, x, y: p.mul([x, y]), 1, 1),
    "a product by 2": (lambda p, x, y: p.mul([x, TWO]), 1, 0),
    "a product by 1": (lambda p, x, y: p.mul([ONE, x]), 0, 0),
    "a product by 0": (lambda p, x, y: p.mul([Fraction(0), x]), 0, 0),
    "a constant": (lambda p, x, y: p.mul([p.apply("sqrt", TWO), TWO, x]), 1, 0),
    "a division": (lambda p, x, y: p.div(x, y), 1, 1),
    "1/x": (lambda p, x, y: p.div(ONE, x), 1, 1),
    "2/x": (lambda p, x, y: p.div(TWO, x), 1, 1),
    "x/2": (lambda p, x, y: p.div(x, TWO), 1, 0),
    "a square": (lambda p, x, y: p.power(x, TWO), 1, 1),
    "a power": (lambda p, x, y: p.power(x, y), 1, 1),
    "a function": (lambda p, x, y: p.apply("sin", x), 1, 0),
    "a function of a number": (lambda p, x, y: p.apply("sin", ONE), 0, 0),
}

#: A formula -> ops of f alone, by CasADi and by SymPy
FORMULAS = {
    "x - 3*y + 5": (3, 3),
    "x*y + x*y": (2, 2),
    "x*y/z": (2, 2),
    "1/(x*y)": (2, 2),
    "2/x": (1, 1),
    "3*x/y - z": (3, 3),
    "x/(y*z) + y*z": (3, 4),  # sympy keeps x*(1/y)*(1/z), so y*z is not shared
    "2*pi*x": (1, 1),
    "x^2": (1, 1),
    "x^(1/2)": (1, 1),
    "z - x*y": (2, 2),
    "exp(x)/sqrt(y)": (3, 3),
}

SMOOTH = "x^3*sin(y)/z + exp(x*y)*log(z) + tanh(x)^2 + sqrt(z) + sigmoid(x*z) + z^y"


def needs(peer: str) -> None:
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed (the extra `bench`)")


def circuit(formula: str) -> cg.Circuit:
    return cg.parse(f"input x, y, z\nf = {formula}\noutput f\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_counted_by_the_rule_of_circuits(name):
    make, ops, nonscalar = PROGRAMS[name]
    program = Program(cg.parse("input x, y\nf = x + y\noutput f\n"))
    x, y = program.inputs
    found = size.figures(program.finish(["f"], [make(program, x, y)]))
    assert (found["ops"], found["nonscalar"]) == (ops, nonscalar)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("peer", ["casadi", "sympy"])
def test_a_formula_costs_a_peer_what_it_costs_by_the_rule(peer, formula):
    needs(peer)
    program = gradient_function(peer)(circuit(formula), partials=False)
    expected = dict(zip(("casadi", "sympy"), FORMULAS[formula], strict=True))
    assert program.stats().ops == expected[peer]


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_outputs_f_and_all_its_partials(peer):
    needs(peer)
    source = circuit(SMOOTH)
    theirs, ours = gradient_function(peer)(source), cg.jacobian(source, value=True)
    assert set(theirs.output_names) == set(ours.output_names)
    assert size.difference(ours, theirs) is None


@pytest.mark.parametrize("peer", PEERS)
def test_several_outputs_have_the_whole_jacobian(peer):
    needs(peer)
    source = cg.parse("input x, y\nf = x*sin(y)\ng = f/y\nh = 3*x\noutput f, g, h\n")
    theirs = gradient_function(peer)(source)
    assert len(theirs.outputs) == 9
    assert size.difference(cg.jacobian(source, value=True), theirs) is None


@pytest.mark.parametrize("peer", PEERS)
def test_kinks_agree_or_are_said_to_be_unreadable(peer):
    needs(peer)
    source = circuit("relu(x - 2*y) + abs(z) + step(z)*x + sign(y)")
    try:
        theirs = gradient_function(peer)(source)
    except UnreadableError:
        return
    assert size.difference(cg.jacobian(source, value=True), theirs) is None


def test_casadi_on_figure_1():
    needs("casadi")
    assert gradient_function("casadi")(example("fig1")).stats().ops == 31


def test_a_wrong_program_is_found():
    source = circuit("x*y + z")
    wrong = circuit("x*y + 1.00001*z")
    ours, theirs = (cg.jacobian(c, value=True) for c in (source, wrong))
    assert "differs: f is" in size.difference(ours, theirs)
    nowhere = cg.jacobian(circuit("log(-x^2)"), value=True)
    assert "no point" in size.difference(nowhere, nowhere)


def test_totals_add_up_and_depths_do_not():
    parts = [size.figures(circuit(f)) for f in ("x*y + z", "x + y")]
    assert size.total(parts) == {
        "ops": 3,
        "size": 3,
        "depth": 2,
        "depth2": 2,
        "nonscalar": 1,
    }


def test_a_peer_that_is_not_installed_has_a_dash_and_a_note(
    capsys, monkeypatch, tmp_path
):
    path = tmp_path / "g.cg"
    path.write_text("input x, y\nf = x*y\noutput f\n")
    monkeypatch.delitem(sys.modules, "peers.casadi", raising=False)
    monkeypatch.setitem(sys.modules, "casadi", None)  # importing it is an ImportError
    monkeypatch.setattr("sys.argv", ["size.py", str(path), "-Otidy", "--peers=casadi"])
    assert size.main() == 0
    shown = capsys.readouterr().out
    assert "- [1]" in shown
    assert "[1] g, casadi: not installed" in shown


def test_wins_ties_and_losses():
    rows = [
        size.Row(str(k), 0, {size.OURS: {"ops": k}, "casadi": {"ops": 2}})
        for k in (1, 2, 2, 3)
    ]
    rows.append(size.Row("not tried", 0, {size.OURS: {"ops": 1}}))
    assert size.score(rows, "casadi") == "1 wins, 2 ties, 1 losses in 4 files"


def test_the_table_from_the_command_line(capsys, monkeypatch, tmp_path):
    path = tmp_path / "g.cg"
    path.write_text("input x, y\nf = x*y\noutput f\n")
    command = ["size.py", str(path), "-O", "tidy", "--peers", "sympy"]
    monkeypatch.setattr("sys.argv", [*command, "--json", str(tmp_path / "g.json")])
    assert size.main() == 0
    assert "0 wins, 1 ties, 0 losses in 1 files" in capsys.readouterr().out
    assert '"ops": 1' in (tmp_path / "g.json").read_text()
