"""Circuits as programs: what is written is run, and agrees with `cg.evaluate`."""

from __future__ import annotations

import ast
import ctypes
import random
import re
import shutil
import subprocess
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, shared_files
from hypothesis import HealthCheck, Phase, given, settings
from strategies import circuits
from test_gates import CASES, single

import circuitgrad as cg
from circuitgrad import gates
from circuitgrad.circuit import Circuit
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.formats import naming
from circuitgrad.formats.c import write_c
from circuitgrad.formats.formats import FORMATS
from circuitgrad.formats.latex import write_latex
from circuitgrad.formats.mathnames import GREEK
from circuitgrad.formats.python import write_python

GOLDEN = Path(__file__).parent / "golden"
GCC = shutil.which("gcc")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -3.5, 2.0, 1e200, np.inf, -np.inf, np.nan)

needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc to compile C with")


def points(circuit, seed=0, count=60):
    """Draw points: special values, and others small enough for every gate."""
    draw = random.Random(seed)
    special = [[draw.choice(SPECIAL) for _ in circuit.inputs] for _ in range(count)]
    usual = [[draw.uniform(-2.5, 2.5) for _ in circuit.inputs] for _ in range(count)]
    inside = [[draw.uniform(0.1, 0.9) for _ in circuit.inputs] for _ in range(count)]
    return np.array([*special, *usual, *inside], dtype=float).reshape(3 * count, -1)


def expected(circuit, at):
    """Evaluate at the rows of an array: a row an output."""
    if not circuit.inputs:
        return np.array([[value] * len(at) for value in cg.evaluate(circuit).values()])
    found = cg.evaluate(circuit, dict(zip(circuit.inputs, at.T, strict=True)))
    return np.array(list(found.values()))


def stable(circuit, at):
    """Tell which outputs hardly change when every value is off by rounding."""
    draw = np.random.default_rng(0)

    def disturbed(vertex, value):
        return value * (1 + 1e-13 * draw.choice([-1, 1], np.shape(value)))

    found = []
    with np.errstate(all="ignore"):
        for _ in range(3):
            values = vertex_values(circuit, Floats(), list(at.T), disturbed)
            outputs = [values[vertex] for _, vertex in circuit.outputs]
            found.append(np.array([np.broadcast_to(v, len(at)) for v in outputs]))
        first = found[0]
        close = [np.isclose(f, first, rtol=1e-9, atol=0, equal_nan=True) for f in found]
    return np.logical_and.reduce(close)


def python_function(circuit):
    """Execute what is written in a fresh namespace, and give its function."""
    space: dict = {}
    text = write_python(circuit)
    exec(compile(text, "<written>", "exec"), space)
    (name,) = [node.name for node in ast.parse(text).body if hasattr(node, "name")]
    return space[name]


def assert_python_agrees(circuit, at):
    with np.errstate(all="ignore"):
        found = python_function(circuit)(*at.T)
    assert list(found) == list(circuit.output_names)
    if circuit.inputs:
        assert {value.shape for value in found.values()} == {(len(at),)}
    wanted = expected(circuit, at)
    for value, row in zip(found.values(), wanted, strict=True):
        np.testing.assert_allclose(value, row, rtol=1e-14, atol=0)


def assert_c_agrees(function, circuit, at, sure=True):
    inputs, outputs = len(circuit.inputs), len(circuit.outputs)
    found = np.empty((len(at), outputs))
    for point, row in zip(np.ascontiguousarray(at), found, strict=True):
        function(
            np.append(point, 0.0).ctypes.data_as(ctypes.c_void_p),
            row.ctypes.data_as(ctypes.c_void_p),
        )
    assert at.shape[1] == inputs
    wanted = np.where(sure, expected(circuit, at), 0)
    np.testing.assert_allclose(
        np.where(sure, found.T, 0), wanted, rtol=1e-8, atol=0, err_msg=str(circuit)
    )


def renamed(circuit, name):
    return Circuit(circuit.columns, circuit.names, circuit.outputs, name)


def compiled(circuits, folder):
    """Compile many circuits at once; give their functions."""
    texts = [write_c(renamed(c, f"f{i}")) for i, c in enumerate(circuits)]
    helper = re.compile(r"static inline double \w+\(.*?\n}\n\n", re.S)
    helpers = dict.fromkeys(h for text in texts for h in helper.findall(text))
    source = folder / "all.c"
    bodies = [helper.sub("", text) for text in texts]
    include = "#include <math.h>\n"
    source.write_text(include + "".join(helpers) + "".join(bodies))
    library = folder / "all.so"
    subprocess.run(
        [GCC, *FLAGS, "-shared", "-fPIC", source, "-o", library, "-lm"], check=True
    )
    loaded = ctypes.CDLL(str(library))
    return [getattr(loaded, f"f{i}") for i in range(len(circuits))]


@cache
def random_circuits() -> tuple[cg.Circuit, ...]:
    """Draw the circuits that are compiled together."""
    found: list[cg.Circuit] = []

    @settings(
        max_examples=80,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(circuits())
    def collect(circuit):
        found.append(circuit)

    collect()
    return tuple(found)


# ------------------------------------------------------------------ every gate


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_every_gate_is_written_in_python(gate, arity, param):
    circuit = single(gate, arity, param)
    for written in (circuit, cg.jacobian(circuit, value=True)):
        assert_python_agrees(written, points(written))


@needs_gcc
def test_every_gate_is_written_in_c(tmp_path):
    values = [single(*case.values) for case in CASES]
    both = values + [cg.jacobian(circuit, value=True) for circuit in values]
    for circuit, function in zip(both, compiled(both, tmp_path), strict=True):
        at = points(circuit)
        sure = True if circuit in values else stable(circuit, at)
        assert_c_agrees(function, circuit, at, sure)


@pytest.mark.parametrize(("gate", "arity", "param"), CASES)
def test_every_gate_is_written_in_latex(gate, arity, param):
    assert_well_formed(write_latex(cg.gradient(single(gate, arity, param), value=True)))


def test_a_gate_that_a_user_registers_is_written_by_its_rule(tmp_path, monkeypatch):
    """No target has a table of gates."""
    monkeypatch.setattr(gates, "GATES", gates.GATES.copy())
    monkeypatch.setattr(gates, "_codes", gates._codes.copy())
    rule = cg.GateType(
        "ramp",
        arity=2,
        value=lambda m, u, v: m.select(
            (u > 1) | ((u > 0) & (v < 0.5)), u**2 / (v + 1), 2 - abs(m.cbrt(-u)) * 3
        ),
        partials=lambda g, y, u, v: [0, 0],
    )
    gates.register(rule)
    first = cg.GateType("first", 2, lambda m, u, v: +u, lambda g, y, u, v: [1, 0])
    gates.register(first)  # compilers warn of an operand that has no use
    circuit = cg.parse(
        "input x, y, z\nf = first(ramp(x, 2*y), exp(first(z, y)))\noutput f\n"
    )
    at = points(circuit)
    assert_python_agrees(circuit, at)
    if GCC:
        assert_c_agrees(*compiled([circuit], tmp_path), circuit, at)
    assert r"\begin{cases}" in write_latex(circuit)


def test_a_rule_that_no_target_can_say_is_an_error_with_the_gate(monkeypatch):
    monkeypatch.setattr(gates, "GATES", gates.GATES.copy())
    monkeypatch.setattr(gates, "_codes", gates._codes.copy())
    for name, value in (
        ("zeta2", lambda m, u: m.zeta(u)),
        ("branch", lambda m, u: u if u > 0 else -u),
    ):
        gates.register(cg.GateType(name, 1, value, lambda g, y, u: [0]))
    bessel = cg.parse("input x\nf = zeta2(x)\noutput f\n")
    with pytest.raises(cg.CircuitError, match=r"Python: gate f: NumPy has no .*'zeta'"):
        write_python(bessel)
    with pytest.raises(cg.CircuitError, match=r"C: gate f: <math.h> has no .*'zeta'"):
        write_c(bessel)
    assert r"\operatorname{zeta}(x)" in write_latex(bessel)
    branch = cg.parse("input x\nf = branch(x)\noutput f\n")
    with pytest.raises(cg.CircuitError, match=r"gate f: .* m\.select can be written"):
        write_c(branch)


# ------------------------------------------------------------------ whole circuits


@settings(max_examples=100, deadline=None)
@given(circuits())
def test_random_circuits_agree_in_python(circuit):
    at = points(circuit)
    assert_python_agrees(circuit, at)


@needs_gcc
def test_random_circuits_agree_in_c(tmp_path):
    chosen = [*random_circuits(), *map(cg.jacobian, random_circuits())]
    compared = 0
    for circuit, function in zip(chosen, compiled(chosen, tmp_path), strict=True):
        at = points(circuit, count=15)
        sure = stable(circuit, at)
        compared += np.count_nonzero(sure)
        assert_c_agrees(function, circuit, at, sure)
    assert compared > 5000  # rounding matters at few points


@pytest.mark.parametrize("folder", ["feynman", "lecture", "size"])
def test_gradients_of_the_shared_data_agree(folder, tmp_path):
    files = [case.values[0] for case in shared_files(folder)]
    if files == [None]:
        pytest.skip(f"no shared data beside the project (../shared/data/{folder})")
    gradients = [cg.jacobian(cg.read(path), value=True) for path in files]
    for circuit in gradients:
        assert_python_agrees(circuit, points(circuit, count=5))
        assert_well_formed(write_latex(circuit))
    if GCC is None:
        return
    for circuit, function in zip(gradients, compiled(gradients, tmp_path), strict=True):
        at = points(circuit, count=5)[5:]
        assert_c_agrees(function, circuit, at, stable(circuit, at))


CORNERS = {
    "an input as output, unused inputs, a vertex twice": (
        "input x, y, z\ng = x*y\noutput g, h = g, x, k = x\n"
    ),
    "numbers as outputs": "input x\na = 1/3\nb = pi\noutput a, b, c = x\n",
    "no inputs": "a = 2\nb = sum(1)\ng = exp(a)\nh = 1/a\noutput a, b, g, h\n",
    "no inputs, nothing finite": (
        "a = 0\ng = 1/a\nb = -2\nh = b^(1/2)\nk = sum(1, -1)\nl = 1/k\n"
        "m = log(a)\noutput g, h, l, m\n"
    ),
    "numbers beyond doubles": "input x\nf = 1e400*x - 1e-400*x + 1e22*x^2\noutput f\n",
    "powers": "input x\nf = x^1e30 + x^-3 + x^0 + x^(-7/3)\noutput f\n",
    "powers of numbers": (
        "input x\na = -3\nf = prod(a, x)\ng = a^x\nh = x^a\noutput f, g, h\n"
    ),
    "signs": "input x\ng = -x\nf = g^2 - 3*g - 1/2\nh = prod(-1, x)\noutput f, h\n",
}


@pytest.mark.parametrize("text", CORNERS.values(), ids=CORNERS)
def test_corners_agree(text, tmp_path):
    circuit = cg.parse(text)
    at = points(circuit)
    assert_python_agrees(circuit, at)
    assert "inf" not in re.sub(r"np\.inf", "", write_python(circuit))
    assert_well_formed(write_latex(circuit))
    if GCC:
        assert_c_agrees(*compiled([circuit], tmp_path), circuit, at)


def test_python_takes_numbers_and_broadcasts_and_gives_arrays_of_their_own():
    function = python_function(cg.parse("input x, y\nf = x*y\na = 2\noutput f, x, a\n"))
    assert function(3, 0.5) == {"f": 1.5, "x": 3.0, "a": 2.0}
    column, row = np.ones((3, 1)), np.arange(4.0)
    found = function(column, row)
    assert {value.shape for value in found.values()} == {(3, 4)}
    found["x"][:] = 7
    assert (column == 1).all()


# ------------------------------------------------------------------ size


def test_wide_and_deep_circuits_can_be_imported():
    """Neither a sum of 20,000 terms nor a maximum of 3,000 meets a limit."""
    builder = cg.Builder("wide")
    x = [builder.input(f"x{i}") for i in range(200)]
    builder.output("f", builder.sum([(i % 7 - 3) * x[i % 200] for i in range(20_000)]))
    builder.output("g", builder.gate("max", *(x[i % 200] for i in range(3_000))))
    builder.output("h", builder.prod([x[i % 200] for i in range(3_000)]))
    y = x[0]
    for _ in range(10_000):
        y = cg.functions.sin(y) + x[1]
    builder.output("deep", y)
    circuit = builder.finish()
    assert_python_agrees(circuit, points(circuit, count=2))
    for text in (write_python(circuit), write_c(circuit)):
        assert max(map(len, text.splitlines())) <= 79
    assert_well_formed(write_latex(circuit))


@needs_gcc
@pytest.mark.parametrize("inputs", [3, 4_200])
def test_a_long_circuit_is_several_functions(inputs, tmp_path):
    """Values that parts share are in a workspace, on the stack or allocated."""
    builder = cg.Builder("long")
    x = [builder.input(f"x{i}") for i in range(inputs)]
    values = [cg.functions.sin(u) for u in x]
    for i in range(2_500):
        values.append(values[-1 - i % 3] * values[i // 3] + x[i % 3] / 2)
    builder.output("f", builder.sum(values))
    builder.output("g", values[-1])
    builder.output("h", values[5])
    circuit = builder.finish()
    text = write_c(circuit)
    assert text.count("static void long_part") == 0  # long is a keyword
    assert text.count("static void long__part") >= 3
    assert ("malloc" in text) == (inputs > 4_096)
    at = points(circuit, count=2)
    assert_c_agrees(*compiled([circuit], tmp_path), circuit, at)


# ------------------------------------------------------------------ names


NAMES = """
circuit np
input lambda, lambda_, np, double, y1, I, _x, γ, ß, 中, in, out, work, cg_max
{more}
f = lambda*lambda_ + np*double + y1*I + _x*γ + ß*中 + in*out*work + max(cg_max, t1)
class = 2*f
return = class*f
output f, class, return
""".format(more="input sin, exp, t1, e, None, float, math, _erf, gamma, é, x²")


def test_names_that_a_target_reserves_are_others_and_that_is_said(tmp_path):
    circuit = cg.parse(NAMES)
    at = points(circuit)
    assert_python_agrees(circuit, at)
    text = write_python(circuit)
    assert "# Renamed: np -> np_, lambda -> lambda_2" in text.replace("\n# ", " ")
    assert "def np_(\n    lambda_2, lambda_, np_," in text
    assert " γ," in text  # a letter that Python has
    text = write_c(circuit)
    assert text.isascii() is False  # the comment says the old names
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    assert code.isascii()
    for old, new in {
        "double": "double_",
        "y1": "y1_",
        "I": "I_",
        "_x": "x_",
        "γ": "gamma_",
        "中": "u4e2d",
        "in": "in_",
        "class": "class_",
    }.items():
        assert f"{old} -> {new}" in text.replace("\n * ", " ")
        assert re.search(rf"const double {new} =", code), new
    if GCC:
        assert_c_agrees(*compiled([circuit], tmp_path), circuit, at)
    tex = write_latex(circuit)
    assert_well_formed(tex)
    assert r"\mathrm{U4E2D}" in tex
    assert r"\acute{e}" in tex
    assert tex.count(r"\gamma") > 1


def test_names_are_distinct_in_every_target():
    """Also those that a target spells alike: x1 and x_1, θ and theta."""
    text = "input x1, x_1, x__1, θ, theta, θ_, é, e, ﬁ, fi\nf = {}\noutput f\n"
    labels = ["x1", "x_1", "x__1", "θ", "theta", "θ_", "é", "e", "ﬁ", "fi"]
    circuit = cg.parse(text.format(" + ".join(labels)))
    assert len(set(naming.Names(labels, naming.ascii_name).given.values())) == 10
    assert len(set(naming.Names(labels, naming.python_name).given.values())) == 10
    listed = re.search(r"Inputs: (.*?)\.\n", write_latex(circuit), re.S).group(1)
    assert len(set(re.split(r",\s+", listed))) == 10


def test_the_command_says_what_it_renames(run):
    Path("f.cg").write_text("input lambda\nf = lambda^2\noutput f\n")
    status, out, words = run("convert", "f.cg", "f.py")
    assert (status, out, words) == (0, "", "note: Python: renamed lambda -> lambda_\n")
    status, out, words = run("convert", "f.cg", "-", "-t", "py")
    assert out == Path("f.py").read_text()
    status, out, words = run("grad", "f.cg", "-t", "py", "--json")
    assert "renamed lambda" in words and words.count("\n") == 1
    assert run("convert", "f.cg", "f.c") == (0, "", "")


def test_latex_sets_names_as_a_mathematician_would():
    source = cg.parse(
        "input x1, x_max, theta, rate, u_2_1\n"
        "f = x1^3*x_max*sin(theta)*rate + u_2_1\noutput f\n"
    )
    tex = write_latex(cg.gradient(source))
    for shown in (
        "x_{1}",
        r"x_{\mathit{max}}",
        r"\theta",
        r"\mathit{rate}",
        "u_{2, 1}",
        r"\frac{\partial f}{\partial x_{1}} &=",
        r"\frac{\partial f}{\partial \mathit{rate}} &=",
    ):
        assert shown in tex
    second = cg.jacobian(cg.gradient(source, wrt=["x1"]), wrt=["x1", "theta"])
    tex = write_latex(second)
    assert r"\frac{\partial^{2} f}{\partial \theta \, \partial x_{1}}" in tex
    assert r"\frac{\partial^{2} f}{\partial x_{1}^{2}}" in tex


# ------------------------------------------------------------------ files


def test_convert_lists_every_format(run):
    status, out, _ = run("convert", "--help")
    for form in FORMATS:
        assert re.search(rf"\b{form}\b", out)
    status, _, words = run("convert", EXAMPLES / "fig1.cg", "f.foo")
    assert status == 2
    for ending in (ending for form in FORMATS.values() for ending in form.endings):
        assert ending in words


@pytest.mark.parametrize("ending", ["py", "c", "tex"])
def test_programs_are_written_not_read(ending, run):
    run("convert", EXAMPLES / "fig1.cg", f"fig1.{ending}")
    status, _, words = run("stats", f"fig1.{ending}")
    assert status == 2
    assert f"{ending} is written, not read; cg, cgz, json" in words


GOLDEN_FILES = {"py": ["py"], "c": ["c", "h"], "tex": ["tex"]}


@pytest.mark.parametrize("ending", GOLDEN_FILES)
def test_golden(ending, run, request):
    """A golden .py file would be linted, hence .txt."""
    run("grad", EXAMPLES / "perceptron.cg", "-o", f"perceptron.{ending}")
    for written in GOLDEN_FILES[ending]:
        text = Path(f"perceptron.{written}").read_text()
        golden = GOLDEN / f"perceptron.{written}.txt"
        if request.config.getoption("--rewrite-golden"):
            golden.write_text(text)
        assert text == golden.read_text()


def test_a_c_file_and_its_header_are_both_written_or_neither(run):
    Path("f.h").mkdir()
    status, _, words = run("convert", EXAMPLES / "fig1.cg", "f.c")
    assert status == 4 and "f.h: error: cannot write: Is a directory" in words
    assert not Path("f.c").exists()
    Path("g.c").mkdir()
    status, _, words = run("convert", EXAMPLES / "fig1.cg", "g.c", "-t", "c")
    assert status == 4 and not Path("g.h").exists()
    Path("k.h").write_text("mine")
    Path("k.c").mkdir()
    run("convert", EXAMPLES / "fig1.cg", "k.c")
    assert Path("k.h").read_text() == "mine"
    status, _, words = run("convert", EXAMPLES / "fig1.cg", 'q".c')
    assert status == 2 and "C cannot include a header of such a name" in words
    assert not list(Path().glob("q*"))
    status, _, words = run("convert", EXAMPLES / "fig1.cg", "q.h", "-t", "c")
    assert status == 2 and "a header is written beside" in words


@needs_gcc
def test_the_header_serves_c_and_cpp(run, tmp_path):
    run("convert", EXAMPLES / "worked_example.cg", "we.c")
    main = (
        '#include "we.h"\n#include <stdio.h>\nint main(void) {\n'
        "double in[worked_example_inputs], out[worked_example_outputs];\n"
        "in[worked_example_in_x1] = 1; in[worked_example_in_x2] = 2;\n"
        'worked_example(in, out); printf("%g", out[worked_example_out_y]); }\n'
    )
    Path("main.c").write_text(main)
    Path("main.cc").write_text(main)
    subprocess.run([GCC, *FLAGS, "main.c", "we.c", "-lm", "-o", "a"], check=True)
    found = subprocess.run(["./a"], capture_output=True, text=True)
    assert found.stdout == "15"
    gpp = shutil.which("g++")
    if gpp is None:
        pytest.skip("no g++ to include the header in C++ with")
    subprocess.run([GCC, *FLAGS, "-c", "we.c"], check=True)
    subprocess.run([gpp, "-Wall", "-Werror", "main.cc", "we.o", "-o", "b"], check=True)
    found = subprocess.run(["./b"], capture_output=True, text=True)
    assert found.stdout == "15"


# ------------------------------------------------------------------ LaTeX


def assert_well_formed(tex):
    """Balanced brackets and environments, ASCII alone, nothing left unsaid."""
    code = re.sub(r"^%.*\n", "", tex, flags=re.M)
    assert code.isascii() and "\0" not in code
    plain = re.sub(r"\\[\\_{}]", "", code)
    assert plain.count("{") == plain.count("}")
    assert plain.count(r"\left") == plain.count(r"\right")
    for row in re.split(r"\\\\\n|\\begin{align\*}|\\end{align\*}", code):
        depth = 0
        for bracket in re.findall(r"[{}()]", row):
            depth += 1 if bracket in "{(" else -1
            assert depth >= 0, row
        assert depth == 0, row
    stack = []
    for kind, name in re.findall(r"\\(begin|end){(.*?)}", code):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    words = set(re.findall(r"\\([A-Za-z]+)", code))
    assert words <= KNOWN_COMMANDS | GREEK


KNOWN_COMMANDS = naming.words(
    """
    documentclass usepackage begin end allowdisplaybreaks noindent frac partial mathit
    mathrm operatorname left right cdot quad sin cos tan sinh cosh tanh arcsin arccos
    arctan log max min sqrt pi text land lor le ge ne acute tilde
    """
)


def test_latex_compiles(tmp_path):
    """Every gate, an odd name and a long sum in one document an example."""
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        pytest.skip("no LaTeX to compile with")
    builder = cg.Builder()
    x = [builder.input(name) for name in ("x", "θ", "中", "long_name__2")]
    for case in CASES:
        gate, arity, param = case.values
        builder.gate(gate.name, *(x * 2)[:arity], param=param)
    builder.output("f", builder.sum([Fraction(i, 3) * x[i % 4] for i in range(300)]))
    for number, circuit in enumerate([builder.finish(), cg.parse(NAMES)]):
        path = tmp_path / f"f{number}.tex"
        path.write_text(write_latex(circuit))
        words = [engine, path.name]
        if "pdflatex" in engine:
            words.insert(1, "-halt-on-error")
        subprocess.run(words, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


def test_formulas_are_parsed_by_matplotlib():
    mathtext = pytest.importorskip(
        "matplotlib.mathtext", reason="no matplotlib to parse LaTeX formulas with"
    )
    parser = mathtext.MathTextParser("path")
    circuit = cg.gradient(cg.parse("input x, y\nf = sin(x)^2/y*exp(-x*y)\noutput f\n"))
    for row in re.findall(r"^(.*) &= (.*?)(?: \\\\)?$", write_latex(circuit), re.M):
        for side in row:
            parser.parse(f"${side}$")
