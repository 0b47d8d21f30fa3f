"""Trees of text: what `circuitgrad show` and `Circuit.show` print."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from fractions import Fraction

import pytest
from conftest import EXAMPLES, example
from test_names_hostile import NAMES, named, short

import circuitgrad as cg
from circuitgrad.figures.labels import terminal_label, terminal_width, weight_label

WORKED = """\
y: ×
├─ u₁: +
│  ├─ x₁
│  └─ x₂
└─ u₃: +
   ├─ u₁ ↑
   └─ u₂: ×
      ├─ x₁
      └─ x₂
"""

FIG1 = """\
f: +
├─ ×
│  ├─ g₁: +
│  │  ├─ x
│  │  ├─ −3·y
│  │  ├─ −3·z
│  │  └─ 5
│  └─ g₁ ↑
├─ ×
│  ├─ g₂: +
│  │  ├─ x
│  │  ├─ −2·y
│  │  └─ −2·z
│  └─ g₂ ↑
└─ ×
   ├─ g₃: +
   │  ├─ x
   │  ├─ y
   │  ├─ −5·z
   │  └─ −3
   └─ g₃ ↑
"""

WORKED_GRADIENT = """\
∂y/∂x₁: +
├─ ∂y/∂u₁: +
│  ├─ 2·u₁: +
│  │  ├─ x₁
│  │  └─ x₂
│  └─ u₂: ×
│     ├─ x₁
│     └─ x₂
└─ ×
   ├─ u₁ ↑
   └─ x₂

∂y/∂x₂: +
├─ ∂y/∂u₁ ↑
└─ ×
   ├─ u₁ ↑
   └─ x₁
"""


@pytest.mark.parametrize(
    ("name", "shown"), [("worked_example", WORKED), ("fig1", FIG1)]
)
def test_examples(name, shown, run, capsys):
    assert run("show", EXAMPLES / f"{name}.cg") == (0, shown, "")
    assert run("show", "-", stdin=(EXAMPLES / f"{name}.cg").read_text())[1] == shown
    assert cg.tree(example(name)) + "\n" == shown
    example(name).show()
    assert capsys.readouterr().out == shown


def test_a_gradient_shows_derivatives():
    """A gate that two outputs use is expanded in the tree of the first."""
    gradient = cg.gradient(example("worked_example"))
    assert cg.tree(gradient) + "\n" == WORKED_GRADIENT


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("x*x", "f: ×|├─ x|└─ x"),
        ("(x + y)^2", "f: (·)²|└─ +|   ├─ x|   └─ y"),
        ("x/y", "f: ÷|├─ x|└─ y"),
        ("y/x", "f: ÷|├─ y|└─ x"),
        ("-x", "f: +|└─ −x"),
        ("2*x - y + 1/3*z - 4", "f: +|├─ 2·x|├─ −y|├─ 1/3·z|└─ −4"),
        ("x - 2*pi", "f: +|├─ x|└─ −2·π"),
        ("3*pi*x", "f: +|└─ 3·g₁: ×|   ├─ π|   └─ x"),
        ("-2*sin(x)", "f: +|└─ −2·g₁: sin|   └─ x"),
        ("x^(1/2)", "f: (·)¹ᐟ²|└─ x"),
        ("x", "f = x"),
        ("7", "f = 7"),
        ("pi", "f = π"),
    ],
)
def test_formulas(formula, shown):
    """Operands stand in the order of slots, weights before them."""
    assert cg.tree(cg.parse_expression(formula)).split("\n") == shown.split("|")


SHARED = """\
input x, y
a = x*y
b = sin(x + y)*sin(x + y)
h = a*exp(a)
output f = a
output x
output g = x
output h
output b
"""


def test_several_outputs_and_inputs_and_gates_among_them():
    """Trees of one line stand together; an output of another name is an equation."""
    circuit = cg.cse(cg.parse(SHARED))
    assert cg.tree(circuit) == (
        "f = a: ×\n├─ x\n└─ y\n"
        "\nx\ng = x\n"
        "\nh: ×\n├─ a ↑\n└─ exp\n   └─ a ↑\n"
        "\nb: ×\n├─ g₂: sin\n│  └─ +\n│     ├─ x\n│     └─ y\n└─ g₂ ↑"
    )


def test_one_output_or_gate_has_the_names_that_it_has_among_all():
    circuit = cg.cse(cg.parse(SHARED))
    assert cg.tree(circuit, of="g") == "g = x"
    assert cg.tree(circuit, of="h").startswith("h: ×\n├─ a: ×\n│  ├─ x")
    assert cg.tree(circuit, of="b").startswith("b: ×\n├─ g₂: sin")
    assert cg.tree(circuit, of="g2").startswith("g₂: sin\n└─ +")
    builder = cg.Builder()
    x = builder.input("x")
    builder.output("p", x * x)
    builder.output("g", cg.functions.sin(x * x))
    circuit = cg.cse(builder.finish())  # p is no more than the name of an output
    assert cg.tree(circuit, of="g") == "g: sin\n└─ p: ×\n   ├─ x\n   └─ x"
    with pytest.raises(cg.CircuitError, match="no vertex 'q'; there are"):
        cg.tree(circuit, of="q")


def test_constants_and_their_names():
    circuit = cg.parse("input x\nc = 3\nf = c*x\noutput f\noutput c\noutput k = c\n")
    assert cg.tree(circuit) == "f: ×\n├─ 3\n└─ x\n\nc = 3\nk = 3"


def test_a_name_that_another_vertex_has():
    """Circuit text may call an output as an input that it is not."""
    builder = cg.Builder()
    x = builder.input("x")
    builder.output("x", x * x)
    assert cg.tree(builder.finish()) == "x: ×\n├─ x\n└─ x"


def test_values(run):
    """A value stands behind the weight, so that each line is an equation."""
    fig1 = EXAMPLES / "fig1.cg"
    status, out, _ = run("show", fig1, "--at", "x=1,y=2,z=-1/3")
    assert status == 0
    lines = out.splitlines()
    assert lines[:8] == [
        "f: +          = 83/9",
        "├─ ×          = 1",
        "│  ├─ g₁: +   = 1",
        "│  │  ├─ x    = 1",
        "│  │  ├─ −3·y = −3·2",
        "│  │  ├─ −3·z = −3·(−1/3)",
        "│  │  └─ 5",
        "│  └─ g₁ ↑    = 1",
    ]
    circuit = cg.parse_expression("sin(x) - y")
    shown = cg.tree(circuit, {"x": 1.0, "y": Fraction(-1)}).splitlines()
    assert shown == [
        "f: +    = 1.841",
        "├─ sin  = 0.8415",
        "│  └─ x = 1",
        "└─ −y   = −(−1)",
    ]


def test_values_of_one_output_alone():
    """What it does not need may have no value; every input has one."""
    circuit = cg.parse("input x, y\nf = x/y\ng = x + 1\noutput f, g\n")
    assert cg.tree(circuit, {"x": 2, "y": 0}, of="g").startswith("g: + = 3")
    with pytest.raises(cg.EvaluationError, match="division by zero"):
        cg.tree(circuit, {"x": 2, "y": 0})
    with pytest.raises(cg.CircuitError, match="no value for the input 'y'"):
        cg.tree(circuit, {"x": 2}, of="g")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-e", "x", "--at", "x"], 2, "should be NAME=VALUE"),
        (["-e", "x", "--at", "y=1"], 2, "no value for the input 'x'"),
        (["-e", "1/x", "--at", "x=0"], 1, "division by zero"),
        (["-e", "x", "--of", "g"], 2, "no vertex 'g'"),
        ([], 2, "give a FILE"),
        (["f.cg"], 3, "f.cg"),
    ],
)
def test_errors(words, status, said, run):
    found, out, heard = run("show", *words)
    assert (found, out) == (status, "")
    assert said in heard


def chain(gates):
    """Make a chain of products, each of the one before with itself."""
    builder = cg.Builder()
    handle = builder.input("x0")
    for number in range(1, gates + 1):
        handle = handle * handle
        builder.names[handle.vertex] = f"x{number}"
        if number % 20 == 0:
            builder.output(f"f{number}", handle)
    return builder.finish()


def test_forty_gates_are_shown_and_no_more():
    assert cg.tree(chain(40), of="f40").count("↑") == 39
    with pytest.raises(cg.LimitError) as caught:
        cg.tree(chain(60))
    assert str(caught.value) == (
        "60 gates: a tree shows at most 40 (the limit); `stats` counts them, "
        "`draw` draws up to 500 gates, `show --of f20` shows that output"
    )
    assert caught.value.exit_status == 4
    with pytest.raises(cg.LimitError, match=r"`show --of NAME` shows one output or"):
        cg.tree(chain(60), of="f60")
    with pytest.raises(cg.LimitError) as caught:
        cg.tree(chain(600))
    assert "`draw`" not in str(caught.value)


def test_a_gate_of_many_wires_is_too_long():
    names = [f"x{number}" for number in range(400)]
    circuit = cg.parse_expression(" + ".join(names))
    with pytest.raises(cg.LimitError, match=r"401 wires and outputs: .* at most 400"):
        cg.tree(circuit)


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_stay_in_their_lines(name):
    """No name breaks a line, or is longer than a label; right to left is isolated."""
    circuit = named(name)
    shown = cg.tree(circuit, {name: 1, f"{name}_y": 2})
    assert all(char.isprintable() or char in "\n\u2068\u2069" for char in shown)
    for line in shown.splitlines():
        assert len(line) < 100
        outside = "".join(
            part.partition("\u2069")[2] for part in f"\u2069{line}".split("\u2068")
        )
        assert {"R", "AL", "AN"}.isdisjoint(map(unicodedata.bidirectional, outside))
        assert line.count("\u2068") == line.count("\u2069")
    values = [line for line in shown.splitlines() if " = " in line]
    assert len({terminal_width(line.rpartition(" = ")[0]) for line in values}) == 1


def test_each_name_of_a_derivative_is_isolated_alone():
    assert terminal_label("∂²f/∂שלום∂y") == "∂²f/∂\u2068שלום\u2069∂y"
    assert terminal_label("x₁") == "x₁"
    assert terminal_width("\u2068שלום\u2069") == 4
    assert terminal_width("变量") == 4


def test_what_a_terminal_would_obey_is_not_printed():
    """A circuit made of parts has any name: only `verify` looks at it."""
    circuit = example("worked_example")
    outputs = [("a\x1b[2J\n\u202eb\ud800", circuit.outputs[0][1])]
    broken = cg.Circuit(circuit.columns, circuit.names, outputs)
    assert cg.tree(broken).startswith("a�[2J��b� = y: ×\n")


def test_weights():
    assert [weight_label(Fraction(n, 2)) for n in (2, -2, 1, -6)] == [
        "",
        "−",
        "1/2·",
        "−3·",
    ]


def test_colours_are_for_terminals(tmp_path):
    """Piped text is plain, and so is a terminal's where NO_COLOR is set."""
    pty = pytest.importorskip("pty")
    plain = "f: +\n├─ 1\n└─ −2·x\n"
    command = [sys.executable, "-m", "circuitgrad", "show", "-e", "1 - 2*x"]
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    assert subprocess.check_output(command, env=environment, text=True) == plain

    def on_a_terminal(**more):
        here, there = pty.openpty()
        with os.fdopen(here, "rb", buffering=0) as read:
            subprocess.run(
                command, env={**environment, **more}, stdout=there, check=True
            )
            os.close(there)
            return read.read(10_000).decode().replace("\r\n", "\n")

    assert on_a_terminal(NO_COLOR="1") == plain
    assert on_a_terminal() == cg.tree(cg.parse_expression("1 - 2*x"), color=True) + "\n"
    assert "\x1b[1mf\x1b[0m: +" in on_a_terminal()


def test_a_locale_without_these_characters_gets_utf_8():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "circuitgrad", "show", "-e", "x*x"]
    found = subprocess.check_output(command, env=environment)
    assert found.decode() == "f: ×\n├─ x\n└─ x\n"


def nested(gates):
    """Make a circuit as deep as it has gates."""
    builder = cg.Builder()
    handle = builder.input("x")
    for _ in range(gates):
        handle = cg.functions.sin(handle)
    builder.output("f", handle)
    return builder.finish()


def test_a_deep_circuit_is_indented_to_its_end():
    assert cg.tree(nested(40)).endswith("\n" + " " * 3 * 39 + "└─ x")
    with pytest.raises(cg.LimitError, match="41 gates"):
        cg.tree(nested(41))
