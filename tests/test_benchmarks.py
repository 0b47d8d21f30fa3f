"""Benchmarks: programs are counted by the rule that counts ours, and checked."""

from __future__ import annotations

import importlib.util
import json
import sys
from fractions import Fraction

import numpy as np
import pytest
import size
import speed
from conftest import example
from peers import PEERS, UnreadableError, gradient_function
from peers.program import Program
from programs import chain, chain_text, determinant, random_text, rosenbrock
from speeds import batches, commands, report, rows
from speeds.figure import HEADER, DisagreementError, Figure, seconds
from speeds.plot import draw, spread
from speeds.timing import Settings, agree, race

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


def sped(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["speed.py", "--quick", "--runs", "1", *arguments])
    return speed.main(), capsys.readouterr().out


def figures_of(monkeypatch, capsys, tmp_path, only: str) -> list[dict]:
    path = tmp_path / "speed.json"
    status, _ = sped(monkeypatch, capsys, "--only", only, "--json", str(path))
    assert status == 0
    return json.loads(path.read_text())["rows"]


def test_rows_without_a_peer_are_measured(capsys, monkeypatch, tmp_path):
    """Row 13 compiles all loops anew, which is not for a test."""
    found = figures_of(monkeypatch, capsys, tmp_path, "9,11,12,16")
    assert {row["row"] for row in found} == {9, 11, 12, 16}
    assert all(row["found"] > 0 for row in found)


def test_rows_beside_casadi_are_measured(capsys, monkeypatch, tmp_path):
    needs("casadi")
    found = figures_of(monkeypatch, capsys, tmp_path, "1,2,3,4,5,6,8,10")
    assert {row["row"] for row in found} == {1, 2, 3, 4, 5, 6, 8, 10}
    assert all(row["peer"] > 0 for row in found)


def test_rows_of_the_data_beside_the_project(capsys, monkeypatch, tmp_path):
    if not batches.NETWORK.exists():
        pytest.skip("no data beside the project")
    needs("casadi")
    assert len(figures_of(monkeypatch, capsys, tmp_path, "7,15")) > 2


def test_without_the_data_there_is_a_dash(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(batches, "NETWORK", tmp_path / "network.cg")
    monkeypatch.setattr(batches, "DATA", tmp_path)
    status, shown = sped(monkeypatch, capsys, "--only", "7,15")
    assert status == 0
    assert "[7] network 6-8-4, 200 points: no network.cg beside the project" in shown


def test_a_compiler_in_a_process_of_its_own(capsys, monkeypatch, tmp_path):
    needs("jax")
    found = figures_of(monkeypatch, capsys, tmp_path, "14")
    assert [row["what"] for row in found[:2]] == [
        "determinant 4: compile; JAX",
        "    evaluate",
    ]


def test_without_casadi_its_rows_have_a_note(capsys, monkeypatch):
    for name in ("peers.casadi", "peers.casadi_speed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr("peers.casadi_speed", raising=False)
    monkeypatch.setitem(sys.modules, "casadi", None)
    status, shown = sped(monkeypatch, capsys, "--only", "2,8")
    assert status == 0
    assert shown.count("casadi is not installed") == 2  # rows that were not asked for


def test_wrong_answers_are_an_error_and_leave_the_docs(capsys, monkeypatch, tmp_path):
    def wrong(settings: Settings) -> list[Figure]:
        """Measure something wrong: row 1."""
        agree(np.array([1.0, 2.0]), np.array([1.0, 2.00001]), "a gradient")
        return []

    page = tmp_path / "performance.md"
    page.write_text("as it was")
    monkeypatch.setattr(rows, "MEASURES", {(1,): wrong})
    monkeypatch.setattr(speed, "DOCS", tmp_path)
    monkeypatch.setattr(speed, "curves", lambda settings: {})
    status, shown = sped(monkeypatch, capsys, "--only", "1", "--docs")
    assert status == 1
    assert "wrong: a gradient: 1e-05 apart, the largest 2" in shown
    assert page.read_text() == "as it was"


@pytest.mark.parametrize("theirs", [[1.0, 2.1], [1.0, np.nan], [1.0, 2.0, 3.0]])
def test_numbers_that_disagree_are_found(theirs):
    with pytest.raises(DisagreementError):
        agree(np.array([1.0, 2.0]), np.array(theirs), "it")


def test_a_wrong_file_is_found():
    source = cg.trace(lambda x, y: x * y - 3 * x * x + x * y * x / 2)
    commands.check(source, cg.gradient(source), "random gates")
    wrong = cg.gradient(cg.trace(lambda x, y: x * y - 3 * x * x + x * y * x / 3))
    with pytest.raises(DisagreementError):
        commands.check(source, wrong, "random gates")
    commands.check(chain(100), cg.gradient(chain(100)), "chain")
    with pytest.raises(DisagreementError):
        commands.check(chain(100), cg.gradient(chain(102)), "chain")


def test_the_texts_are_circuits_of_so_many_gates():
    assert cg.parse(chain_text(50)).depth == 50
    assert random_text(50).count(" = ") == 50


def test_the_programs_are_the_formulas():
    matrix = {f"x{i}_{j}": float(3 * i * i + j) for i in (1, 2) for j in (1, 2)}
    assert cg.evaluate(determinant(2), matrix)["f"] == pytest.approx(4 * 14 - 5 * 13)
    assert chain(100).depth == 100
    assert cg.evaluate(rosenbrock(3), x1=1, x2=2, x3=5)["f"] == 100 * (1 + 1) + 1


@pytest.mark.parametrize(
    ("found", "at_most", "reached"),
    [
        (1.0, False, "no"),
        (2.0, False, "yes"),
        (4.0, False, "goal"),
        (5.0, True, "no"),
        (2.0, True, "goal"),
        (None, False, "-"),
    ],
)
def test_what_reaches_a_bar(found, at_most, reached):
    bar, goal = (3, 2) if at_most else (2, 4)
    figure = Figure(1, "it", found=found, bar=bar, goal=goal, at_most=at_most)
    assert figure.reached == reached
    assert len(figure.cells()) == len(HEADER)


def test_times_are_written_with_their_unit():
    assert [seconds(t) for t in (None, 12.345, 0.0123, 4.56e-6)] == [
        *("-", "12.3 s", "12.3 ms", "4.56 µs"),
    ]


def test_contenders_run_in_turns_after_a_round_that_is_not_counted():
    order = []
    times = race(
        Settings(quick=True, runs=2), lambda: order.append(1), lambda: order.append(2)
    )
    assert order == [1, 2] * 3
    assert [len(each) for each in times] == [2, 2]


def test_the_section_of_the_docs_is_written_in_its_place(tmp_path):
    machine = {"date": "2026-01-01", "cores": 2, "processor": "P", "system": "L"}
    machine |= {"python": "3.11", "packages": {}, "runs": 5, "load": [0, 1]}
    section = report.markdown([Figure(1, "it", 10, 1.0, 2.0, note="a note")], machine)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.rewrite_section(page, section)
    assert page.read_text() == f"before\n{section}\nafter\n"
    assert "| 1 | it | 10 | 1 s | 2 s | 2x | - | - | - |" in section
    assert "a note" in section
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="no section"):
        report.rewrite_section(page, section)


def test_the_docs_have_the_section_and_the_figure():
    page = (speed.DOCS / "performance.md").read_text()
    assert " | ".join(HEADER) in page
    assert page.count(report.BEGIN) == page.count(report.END) == 1
    assert (speed.DOCS / "figures" / "speed.svg").exists()


def test_the_plot_names_its_lines(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    line = [(1000, 1e-3), (10_000, 1e-2)]
    found = {name: {"build": line, "CasADi build": line} for name in ("a", "b")}
    draw(found, tmp_path / "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text()
    for label in (">CasADi build<", ">b: building<", ">gates<"):
        assert label in drawn


def test_labels_stand_apart_in_their_order():
    placed = spread({"a": 1.0, "b": 1.1, "c": 50.0})
    assert placed["b"] / placed["a"] >= 2
    assert placed["c"] / placed["b"] >= 2
