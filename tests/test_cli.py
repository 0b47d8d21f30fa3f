"""The command line: golden files, exit statuses, streams, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import EXAMPLES, example

import circuitgrad as cg
from circuitgrad.check import certified
from circuitgrad.cli import main
from circuitgrad.formats.text import write_text

GOLDEN = Path(__file__).parent / "golden"


# golden file -> command; `pytest --rewrite-golden` writes them anew
COMMANDS = {
    "fig1_fp_none.cg": [
        "grad",
        EXAMPLES / "fig1.cg",
        "--mode",
        "forward",
        "-O",
        "none",
    ],
    "fig1_bp_none.cg": ["grad", EXAMPLES / "fig1.cg", "-O", "none"],
    "fig1_square.cg": ["grad", EXAMPLES / "fig1_square.cg"],
    "fig1_square.json": ["grad", EXAMPLES / "fig1_square.cg", "-t", "json"],
    "fig1_square.dot": ["grad", EXAMPLES / "fig1_square.cg", "-t", "dot"],
    "worked_example_all.cg": [
        "grad",
        EXAMPLES / "worked_example.cg",
        "--all",
        "--value",
    ],
    "worked_example_none.cg": [
        "grad",
        EXAMPLES / "worked_example.cg",
        "--all",
        "-O",
        "none",
    ],
    "perceptron.cg": ["grad", EXAMPLES / "perceptron.cg", "--wrt", "w0,w2"],
    "inline.cg": ["grad", "-e", "x*sin(x*y)"],
    "pipeline.cg": ["opt", EXAMPLES / "fig1.cg", "-p", "bp{wrt=x seed=w},fold,cse,dce"],
    "stats.txt": ["stats", EXAMPLES / "fig1.cg"],
    "stats.json": ["stats", EXAMPLES / "fig1.cg", "--json"],
    "eval.txt": ["eval", EXAMPLES / "fig1.cg", "x=1", "y=1/3", "z=0.1", "--exact"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_golden(name, run, request):
    status, out, _ = run(*COMMANDS[name])
    assert status == 0
    path = GOLDEN / name
    if request.config.getoption("--rewrite-golden"):
        path.write_text(out)
    assert out == path.read_text()


def test_grad_reports_counts_the_bound_and_the_check(run):
    status, out, words = run("grad", EXAMPLES / "fig1_square.cg", "-o", "grad.cg")
    assert (status, out) == (0, "")
    assert cg.isomorphic(cg.read("grad.cg"), example("fig3"))
    rows = {line.split("  ")[0].strip(): line.split() for line in words.splitlines()}
    assert rows["ops"][-3:] == ["18", "28", "1.56"]
    assert rows["size"][-3:] == ["7", "6", "0.86"]
    assert "Theorem 3: literal output" in words
    assert "check: 3 outputs: 3 proved" in words


def test_grad_as_json(run):
    status, _, words = run("grad", EXAMPLES / "fig1.cg", "--json")
    data = json.loads(words)
    assert status == 0
    assert data["source"]["size"] == 7
    assert data["theorem3"]["literal"] <= data["theorem3"]["bound"]
    assert data["check"]["counts"] == {"proved": 3}


def test_standard_input_and_output(run):
    text = (EXAMPLES / "fig1.cg").read_text()
    status, out, _ = run("grad", "-", "--mode", "fp", "-O", "none", stdin=text)
    assert status == 0
    assert cg.parse(out).size == 42
    as_json = run("convert", EXAMPLES / "fig1.cg", "-", "-t", "json")[1]
    assert (
        run("stats", "-", "--json", stdin=as_json)[1]
        == (GOLDEN / "stats.json").read_text()
    )


def test_a_gradient_of_a_gradient(run):
    run("grad", "-e", "x^3*y", "-o", "first.cg")
    status, out, words = run("grad", "first.cg", "--of", "df_dx")
    assert status == 0
    assert "output ddf_dx_dx, ddf_dx_dy" in out
    assert "2 proved" in words


def test_several_outputs_give_the_jacobian(run):
    Path("f.cg").write_text("input x\nf = x^2\nh = sin(x)\noutput f, h\n")
    assert "output df_dx, dh_dx" in run("grad", "f.cg")[1]
    assert "output dh_dx" in run("grad", "f.cg", "--of", "h")[1]


def test_opt_prints_between_passes_and_times(run):
    status, out, words = run(
        "opt", EXAMPLES / "fig1.cg", "-p", "bp{wrt=x},fold,cse,dce",
        "--print-between-passes", "--time-passes",
    )  # fmt: skip
    assert status == 0
    for name in ("bp{wrt=x}", "fold", "cse", "dce"):
        assert f"# after {name}\ncircuit fig1" in words
    assert "pass" in words
    assert cg.parse(out).output_names == ("df_dx",)


def test_stats_beside_the_source(run):
    run("grad", EXAMPLES / "fig1_square.cg", "-o", "grad.cg")
    _, out, _ = run("stats", "grad.cg", "--source", EXAMPLES / "fig1_square.cg")
    assert out.splitlines()[0].split() == ["C", "∇C", "ratio"]
    _, out, _ = run(
        "stats", "grad.cg", "--source", EXAMPLES / "fig1_square.cg", "--json"
    )
    assert json.loads(out)["gradient"]["ops"] == 28


def test_eval(run):
    assert run("eval", "-e", "x^2/y", "x=1", "y=1/4")[1] == "f = 4.0\n"
    assert run("eval", "-e", "x^2/y", "x=1", "y=1/3", "--exact")[1] == "f = 3\n"
    assert run("eval", "-e", "1/x", "x=0")[1] == "f = inf\n"
    assert json.loads(run("eval", "-e", "x/y", "x=1", "y=0", "--json")[1]) == {
        "f": "inf"
    }
    assert json.loads(run("eval", "-e", "x/y", "x=1", "y=-0.5", "--json")[1]) == {
        "f": -2.0
    }
    assert (
        run("eval", "-e", "x^5000", "x=7", "--exact")[1]
        == f"f = {big_power(7, 5000)}\n"
    )


def big_power(base, exponent):
    from circuitgrad.exact import format_integer

    return format_integer(base**exponent)


def test_check_and_diff(run):
    Path("good.cg").write_text("input x\ndf_dx = 2*x\noutput df_dx\n")
    Path("bad.cg").write_text("input x\ndf_dx = 2.002*x\noutput df_dx\n")
    Path("f.cg").write_text("input x\nf = x^2\noutput f\n")
    assert run("check", "f.cg", "good.cg")[:2] == (0, "1 output: 1 proved\n")
    status, out, _ = run("check", "f.cg", "bad.cg")
    assert status == 1
    assert "df_dx: failed: ∂f/∂x" in out
    assert "at x = " in out
    assert "expected " in out
    assert "found " in out
    status, out, _ = run("check", "f.cg", "bad.cg", "--json")
    assert json.loads(out)["outputs"][0]["level"] == "failed"
    Path("odd.cg").write_text("input x\nq = 2*x\noutput q\n")
    status, out, _ = run("check", "f.cg", "odd.cg")
    assert (status, "undecided" in out) == (5, True)
    status, out, _ = run("diff", "good.cg", "bad.cg")
    assert (status, out) == (
        1,
        "different: the outputs 'df_dx' compute by different gates\n",
    )
    assert run("diff", "good.cg", "good.cg")[0] == 0
    assert json.loads(run("diff", "f.cg", "good.cg", "--json")[1])["same"] is False


def test_check_says_what_is_missing(run):
    Path("f.cg").write_text("input x, y\nf = x*y\ng = x + y\noutput f, g\n")
    Path("g.cg").write_text("input x, y\ndf_dx = y\noutput df_dx\n")
    assert run("check", "f.cg", "g.cg")[2] == "note: no output is ∂f/∂y\n"
    note = "note: no output is ∂f/∂x, ∂f/∂y, ∂g/∂x, ∂g/∂y\n"
    assert run("check", "f.cg", "f.cg")[2] == note
    run("grad", "f.cg", "-o", "all.cg")
    assert "note" not in run("check", "f.cg", "all.cg")[2]


def test_a_wrong_gradient_is_not_written(run, monkeypatch):
    """The check stops it: status 1, and the file that stood there stays."""
    from circuitgrad import gradients

    def planted(circuit, mode, options, pipeline, literal, **more):
        literal(cg.reverse_mode(circuit))
        return cg.parse("input x\ndf_dx = 2.002*x\noutput df_dx\n")

    monkeypatch.setattr(gradients, "emit", planted)
    Path("out.cg").write_text("before")
    status, _, words = run("grad", "-e", "x^2", "-o", "out.cg")
    assert status == 1
    assert "df_dx: failed" in words
    assert Path("out.cg").read_text() == "before"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grad"], "give a FILE"),
        (["grad", "f.cg", "-e", "x"], "not both"),
        (["grad", "-e", "x", "-O", "none", "-p", "fold"], "exclude each other"),
        (["grad", "-e", "x", "-O", "fastest"], "-O takes none, tidy, size, depth"),
        (["grad", "-e", "x", "-p", "fold,cze"], "no pass 'cze'"),
        (["grad", "-e", "x", "--wrt", "q"], "no vertex 'q'"),
        (["grad", "-e", "x", "--of", "q"], "no output 'q'"),
        (["grad", "-e", "x", "--all", "--wrt", "x"], "exclude each other"),
        (["grad", "-e", "x", "--ranges", "x=5"], "should be NAME=LOW:HIGH"),
        (["grad", "-e", "x", "--ranges", "x=0:1e400"], "should be NAME=LOW:HIGH"),
        (["grad", "-e", "x", "--ranges", "x=0:1e999999999"], "should be NAME=LOW:HIGH"),
        (["grad", "-e", "x", "--ranges", "x=-inf:0"], "should be NAME=LOW:HIGH"),
        (["grad", "-e", "x", "--mode", "up"], "'up' is not one of"),
        (["grad", "-e", "x", "-o", "f.svg"], "a figure is drawn, not written"),
        (["grad", "-e", "x", "-t", "xml"], "no format 'xml'; there are: cg, cgz, json"),
        (["eval", "-e", "x"], "no value for the input 'x'"),
        (["eval", "-e", "x", "x=1", "y=2"], "no input 'y'"),
        (["eval", "-e", "x", "x=1", "x=2"], "two values for 'x'"),
        (["eval", "-e", "x", "x"], "should be NAME=VALUE"),
        (["eval", "-e", "x", "x=__import__('os')"], "the value of x"),
        (["convert", "f.cg", "f.xyz"], "says no format"),
        (["draw", "-e", "x*x", "-o", "f.bmp"], "no figure format 'bmp'"),
        (["diff", "-", "-"], "one of the two files"),
        (["grad", "-e", "x", "--limit", "gate=3"], "no limit 'gate'"),
        (["grad", "-e", "x", "--limit", "gates"], "should be NAME=N"),
        (["frobnicate"], "No such command"),
    ],
)  # fmt: skip
def test_usage_errors(run, words, message):
    Path("f.cg").write_text("input x\nf = x*x\noutput f\n")
    before = sorted(os.listdir())
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("text", "status", "place"),
    [
        ("input x\nf = x*q\noutput f\n", 3, "bad.cg:2:7: error: unknown name 'q'"),
        ("f = 1e999999999\noutput f\n", 4, "bad.cg:1:5: error: a decimal exponent"),
        ("", 3, "bad.cg: error: the file is empty"),
        ("\0", 3, "bad.cg: error: a binary file"),
    ],
)
def test_bad_files_write_nothing_and_keep_what_stood_there(run, text, status, place):
    Path("bad.cg").write_text(text)
    Path("out.cg").write_text("before")
    for words in (
        ["grad", "bad.cg", "-o", "out.cg"],
        ["opt", "bad.cg", "-o", "out.cg"],
        ["convert", "bad.cg", "out.cg"],
        ["grad", "bad.cg", "-o", "new.cg"],
    ):
        found, out, err = run(*words)
        assert (found, out) == (status, "")
        assert err.startswith(place)
        assert Path("out.cg").read_text() == "before"
        assert not Path("new.cg").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["grad", "f.cg", "-o", "o.cg", "--certificate", "f.cg"],
        ["grad", "f.cg", "-o", "o.cg", "--log-rewrites", "./f.cg"],
        ["opt", "f.cg", "--log-rewrites", "f.cg"],
        ["check", "f.cg", "g.cg", "--certificate", "g.cg"],
    ],
)
def test_a_report_does_not_replace_what_is_read(run, words):
    Path("f.cg").write_text("input x\nf = x*x\noutput f\n")
    Path("g.cg").write_text("input x\ndf_dx = 2*x\noutput df_dx\n")
    before = {name: Path(name).read_text() for name in os.listdir()}
    status, _, err = run(*words)
    assert (status, "would replace what is read" in err) == (2, True)
    assert before == {name: Path(name).read_text() for name in os.listdir()}


@pytest.mark.parametrize("option", ["-o", "--certificate", "--log-rewrites"])
def test_a_file_without_a_name(run, option):
    before = sorted(os.listdir(".."))
    status, _, err = run("grad", "-e", "x*x", option, "")
    assert (status, "needs a name" in err) == (4, True)
    assert sorted(os.listdir("..")) == before


def test_a_limit_is_raised_for_one_command(run):
    words = ["opt", "-e", f"x^{101 * '9'}"]
    status, _, err = run(*words)
    assert (status, "--limit power=N raises it" in err) == (4, True)
    assert run(*words, "--limit", "power=101", "--limit", "digits=9999")[0] == 0
    assert run(*words)[0] == 4


def test_an_output_that_is_the_input(run):
    Path("f.cg").write_text("input x\nf = prod(1, x, x)\noutput f\n")
    assert run("opt", "f.cg", "-o", "f.cg")[0] == 0
    assert Path("f.cg").read_text() == "input x\nf = x*x\noutput f\n"


def test_missing_files_and_folders(run):
    assert run("stats", "no.cg") == (3, "", "no.cg: error: no such file\n")
    assert run("stats", ".") == (3, "", ".: error: a directory, not a file\n")
    status, _, err = run("grad", "-e", "x*x", "-o", "no/where.cg")
    assert (status, "cannot write" in err) == (4, True)
    assert run("grad", "-e", "x*x", "-o", ".")[0] == 4


def test_a_defect_is_one_line_and_status_70(run, monkeypatch):
    from circuitgrad import isomorphism

    def broken(*_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(isomorphism, "difference", broken)
    Path("f.cg").write_text("input x\noutput x\n")
    status, _, err = run("diff", "f.cg", "f.cg")
    assert status == 70
    assert err.count("\n") == 1
    assert "please report it" in err
    with pytest.raises(ZeroDivisionError):
        main(["diff", "f.cg", "f.cg", "--debug"])


def test_large_circuits_are_said_to_be_unchecked(run, monkeypatch):
    """Where the field lacks a function, there may be too many wires to sample."""
    monkeypatch.setattr(certified, "lacking", lambda types: ["sin"])
    monkeypatch.setattr("circuitgrad.check.sampled.MAX_STEPS", 5_000)
    lines = "".join(f"s{i} = sin(x{i})\nx{i + 1} = s{i}*x{i}\n" for i in range(800))
    Path("f.cg").write_text(f"input x0\n{lines}output x800\n")
    status, _, words = run("grad", "f.cg", "-o", "g.cg")
    assert status == 0
    assert "1 unchecked" in words
    assert run("grad", "f.cg", "-o", "g.cg", "--check")[0] == 5
    assert run("check", "f.cg", "g.cg")[0] == 5


def test_values_on_a_figure(run):
    Path("f.cg").write_text("input x, y\nf = x/y\noutput f\n")
    assert run("draw", "f.cg", "--at", "x=1/2, y=3", "-o", "f.svg")[0] == 0
    assert "1/6" in Path("f.svg").read_text()
    assert run("draw", "f.cg", "--at", "x=1", "-o", "g.svg")[0] == 2
    assert run("draw", "f.cg", "--at", "x=1,y=0", "-o", "g.svg")[0] == 1
    assert run("draw", "f.cg", "--at", "x", "-o", "g.svg")[0] == 2
    assert not Path("g.svg").exists()


def test_figures_are_drawn(run):
    run("grad", EXAMPLES / "fig1.cg", "-o", "grad.cg")
    for name, magic in (("g.svg", b"<svg "), ("g.png", b"\x89PNG"), ("g.pdf", b"%PDF")):
        assert run("draw", "grad.cg", "-o", name)[0] == 0
        assert Path(name).read_bytes().startswith(magic)
    assert "<title>df_dx</title>" in Path("g.svg").read_text()


def command(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "circuitgrad", *map(str, words)],
        capture_output=True,
        **options,
    )


def test_a_closed_pipe_is_no_error(tmp_path):
    circuit = cg.gradient(
        cg.trace(
            lambda *x: cg.functions.prod(*x), inputs=[f"x{i}" for i in range(3000)]
        )
    )
    path = tmp_path / "g.cg"
    path.write_text(write_text(circuit))
    found = subprocess.run(
        f"{sys.executable} -m circuitgrad convert {path} - -t cg | head -n 1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout.startswith("input x0")
    assert found.stderr == ""


def test_the_module_runs_as_a_program():
    found = command("--help", text=True)
    assert found.returncode == 0
    assert "Exit status: 0 done, 1 the answer is no" in found.stdout
    assert "0.1.0" in command("--version", text=True).stdout


def test_help_imports_nothing_heavy():
    """What makes `--help` answer in under 0.2 s."""
    script = (
        "import sys\nfrom circuitgrad.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'networkx', 'sympy', 'numba', 'pydot', 'rich'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_grad_without_check_imports_neither_sympy_nor_numba():
    script = (
        "import sys\nfrom circuitgrad.cli import main\n"
        f"try:\n    main(['grad', {str(EXAMPLES / 'fig1.cg')!r}, '--no-check'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'networkx', 'sympy', 'numba', 'pydot'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_standard_output_that_is_full_or_closed():
    full = subprocess.run(
        f"{sys.executable} -m circuitgrad grad -e x*x > /dev/full",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (full.returncode, "No space left" in full.stderr) == (4, True)
    closed = subprocess.run(
        f"{sys.executable} -m circuitgrad stats - <&-",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (closed.returncode, "standard input is closed" in closed.stderr) == (3, True)


def test_an_undecided_check_is_status_5(run):
    status, out, words = run("grad", "-e", "relu(x - x)", "--all")
    assert (status, "1 undecided" in words) == (5, True)
    assert "output" in out


def test_a_circuit_that_is_not_written_leaves_nothing_beside_it(run, tmp_path):
    """The log and the certificate are written before it; they go again, or stay."""
    (tmp_path / "log").write_text("before")
    (tmp_path / "folder").mkdir()
    every = ("--certificate", "new", "--log-rewrites", "log")
    for wrong in (("-o", "folder"), ("-o", "none/f.cg"), ("-t", "none"), ("-o", "")):
        status, out, words = run("grad", "-e", "x*sin(-x)", *every, *wrong)
        assert (status in (2, 4), out) == (True, ""), words
        assert (tmp_path / "log").read_text() == "before"
        log = ("--log-rewrites", "other")
        assert run("opt", "-e", "x*sin(-x)", *log, *wrong)[0] in (2, 4)
        assert {path.name for path in tmp_path.iterdir()} == {"log", "folder"}
    assert run("grad", "-e", "x*sin(-x)", *every, "-o", "f.cg")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "log",
        "folder",
        "new",
        "f.cg",
    }
    assert (tmp_path / "log").read_text() != "before"
