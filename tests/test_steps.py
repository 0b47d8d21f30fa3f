"""Steps: the order of the algorithm, the chain rule of each, one fixed layout."""

from __future__ import annotations

import io
import math
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.formulas import Formulas
from circuitgrad.figures.labels import Names
from circuitgrad.figures.mirror import alone
from circuitgrad.figures.steps import steps_of
from circuitgrad.figures.typeset import typeset
from circuitgrad.gates import SCALAR_GATES as GATES

SVG = "{http://www.w3.org/2000/svg}"

NOTES = """\
1  y   ∂y/∂y = 1
2  u₃  ∂y/∂u₃ = ∂y/∂y·u₁
3  u₂  ∂y/∂u₂ = ∂y/∂u₃·1
4  u₁  ∂y/∂u₁ = ∂y/∂u₃·1 + ∂y/∂y·u₃
5  x₂  ∂y/∂x₂ = ∂y/∂u₁·1 + ∂y/∂u₂·x₁
6  x₁  ∂y/∂x₁ = ∂y/∂u₁·1 + ∂y/∂u₂·x₂
"""


def test_the_worked_example_goes_as_the_notes_have_it():
    """Section 3: the reverse topological order y, u3, u2, u1, x2, x1, and its (6)."""
    assert cg.steps(example("worked_example")).text() == NOTES


def test_forward_propagation_goes_up():
    frames = cg.steps(cg.parse_expression("relu(x)*y/2"), mode="fp")
    assert frames.text() == (
        "1  g₁  ∂g₁/∂x = ∂x/∂x·step(x)\n"
        "2  g₂  ∂g₂/∂x = ∂g₁/∂x·y\n"
        "       ∂g₂/∂y = ∂y/∂y·g₁\n"
        "3  f   ∂f/∂x = ∂g₂/∂x·(1/2)\n"
        "       ∂f/∂y = ∂g₂/∂y·(1/2)\n"
    )
    only = cg.steps(cg.parse_expression("relu(x)*y/2"), mode="fp", wrt="y").text()
    assert "∂x" not in only
    assert "∂g₂/∂y" in only


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("pipeline", ["none", "tidy"])
@settings(max_examples=15, deadline=None)
@given(circuit=circuits(most=8))
def test_everything_comes_once_and_nothing_before_what_it_needs(
    circuit, mode, pipeline
):
    of = circuit.output_names[0]
    steps = steps_of(circuit, mode=mode, of=of, pipeline=pipeline)
    scene = steps.scene
    parts = [steps.start, *(step.keys for step in steps.steps)]
    keys = [key for part in parts for key in part]
    assert sorted(keys) == sorted([*scene.nodes, *scene.wires])
    when = {key: number for number, part in enumerate(parts) for key in part}
    for wire in scene.wires.values():
        assert when[wire.key] == max(when[wire.tail], when[wire.head])
        if wire.style == "output":
            assert when[wire.head] == when[wire.tail]
        if mode == "reverse" and wire.head[0] in "mb":
            assert when[wire.tail] <= when[wire.head]


def test_nothing_moves_and_what_is_new_stands_out():
    frames = cg.steps(example("fig1_square"), at={"x": 1, "y": 2, "z": 0})
    scenes = list(frames)
    assert len(scenes) == len(frames) == 1 + 10  # 3 inputs and 7 gates
    for scene in scenes:
        for key, node in scene.nodes.items():
            if key[0] != "t":
                assert node.place == frames.steps.scene.nodes[key].place
        left, bottom, right, top = scene.box
        box = frames.box
        assert box[0] <= left and box[1] <= bottom
        assert right <= box[2] and top <= box[3]
    assert not any(node.marked for node in scenes[0].nodes.values())
    for step, scene in zip(frames.steps.steps, scenes[1:], strict=True):
        marked = {k for k, n in scene.nodes.items() if n.marked}
        marked |= {k for k, w in scene.wires.items() if w.marked}
        assert marked == set(step.keys)


def test_a_folder_and_files(tmp_path):
    c = example("worked_example")
    cg.steps(c, str(tmp_path / "steps"))
    names = sorted(path.name for path in (tmp_path / "steps").iterdir())
    assert names == ["rules.tex", "rules.txt", *(f"step_0{n}.svg" for n in range(7))]
    sizes = set()
    for path in (tmp_path / "steps").glob("*.svg"):
        root = ElementTree.fromstring(path.read_text())
        sizes.add((root.get("width"), root.get("height"), root.get("viewBox")))
    assert len(sizes) == 1
    assert (tmp_path / "steps" / "rules.txt").read_text() == NOTES
    tex = (tmp_path / "steps" / "rules.tex").read_text()
    assert (
        r"\frac{\partial y}{\partial u_{1}} &= \frac{\partial y}{\partial u_{3}} \cdot"
        r" 1 + \frac{\partial y}{\partial y} \cdot u_{3}"
    ) in tex
    for ending, magic in ((".pdf", b"%PDF"), (".svg", b"<svg"), (".gif", b"GIF8")):
        path = tmp_path / f"all{ending}"
        cg.steps(c, str(path))
        once = path.read_bytes()
        assert once.startswith(magic)
        cg.steps(c, str(path))
        assert path.read_bytes() == once
    assert (tmp_path / "all.pdf").read_bytes().count(b"/Type /Page\n") == 7
    with pytest.raises(cg.CircuitError, match=r"no steps as \.png"):
        cg.steps(c, str(tmp_path / "all.png"))


def test_the_moving_figure_shows_each_step_in_its_time(tmp_path):
    path = tmp_path / "all.svg"
    cg.steps(example("worked_example"), str(path))
    text = path.read_text()
    root = ElementTree.fromstring(text)
    classes = [g.get("class").split() for g in root.iter(f"{SVG}g") if g.get("id")]
    (own,) = {each[-2] for each in classes}
    steps = {each[-1] for each in classes}
    assert steps == {f"{own}{kind}{n}" for kind in "sc" for n in range(7)}
    for kind in "sc":
        frames = rf"@keyframes {own}{kind}[1-6] {{.*?}} ([0-9.]+)%"
        starts = [float(each) for each in re.findall(frames, text)]
        assert starts == sorted(starts)
        assert len(starts) == 6
    assert "prefers-reduced-motion" in text
    assert "<script" not in text


def test_a_gif_has_a_picture_for_each_step(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "all.gif"
    frames = cg.steps(example("worked_example"), str(path))
    with image.open(io.BytesIO(path.read_bytes())) as found:
        assert found.n_frames == len(frames)


def value_of(text, env):
    """Compute a formula as a terminal shows it, by Python."""
    text = text.translate(str.maketrans("·−₀₁₂₃₄₅₆₇₈₉", "*-0123456789"))
    raised = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᐟ"
    digits = str.maketrans(raised, "0123456789+-/")
    text = re.sub(f"[{raised}]+", lambda m: f"**({m[0].translate(digits)})", text)
    text = re.sub(r"√(\w+)", r"sqrt(\1)", text).replace("√", "sqrt")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = text.replace("^", "**").replace("∧", " and ").replace("∨", " or ")
    text = text.replace("π", "(pi)")
    return float(eval(text, {**vars(math), **FUNCTIONS}, env))


FUNCTIONS = {
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "softplus": lambda u: math.log1p(math.exp(u)),
    "sign": lambda u: (u > 0) - (u < 0),
    "step": lambda u: float(u > 0),
    "relu": lambda u: max(u, 0),
}


@pytest.mark.parametrize("gate", GATES, ids=lambda g: g.name)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_formulas_of_every_gate_say_what_it_computes(gate, count):
    """In the operands' names, with weights and constants as operands."""
    if gate.arity not in (None, count):
        return
    exponents = [3, Fraction(-1, 2), -2, Fraction(5, 2)]
    for param in exponents if gate.takes_parameter else [None]:
        builder = cg.Builder()
        inputs = [builder.input(f"x{i}") for i in range(1, count + 1)]
        operands = list(inputs)
        if count > 1:
            operands[-1] = builder.constant(Fraction(5, 2))
        if gate.name == "sum":
            weights = (-1, Fraction(2, 3), -3, 1)
            made = builder.sum(w * u for w, u in zip(weights, operands, strict=False))
        else:
            options = {} if param is None else {"param": param}
            made = builder.gate(gate.name, *operands, **options)
        builder.output("y", made)
        circuit = builder.finish()
        at = {f"x{i}": 0.3 + 0.17 * i for i in range(1, count + 1)}
        y = cg.evaluate(circuit, at)["y"]
        vertex, formulas = circuit.outputs[0][1], Formulas(circuit, Names(circuit))
        env = {**at, "y": float(y)}
        assert value_of(formulas.gate(vertex).text, env) == pytest.approx(float(y))
        partials = cg.evaluate(cg.gradient(circuit, pipeline="none"), at)
        for slot, u in enumerate(circuit.columns.operands_of(vertex)):
            label = formulas.partial(vertex, slot)
            assert label.tex.isascii()
            assert typeset(label).glyphs
            if u < circuit.columns.inputs:
                wanted = float(partials[f"dy_d{circuit.inputs[u]}"])
                assert value_of(label.text, env) == pytest.approx(wanted), label


@settings(max_examples=40, deadline=None)
@given(circuit=circuits(most=8))
def test_every_rule_that_is_written_holds(circuit):
    """With the values of the derivatives, and of the gates, at a point."""
    of = circuit.output_names[0]
    cone = alone(circuit, of)
    at = dict(zip(circuit.inputs, (0.7, 1.3, 0.4), strict=False))
    values = cone_values(cone, at)
    if values is None:
        return
    emitted = cg.gradient(cone, all=True, pipeline="none")
    with np.errstate(all="ignore"):
        slopes = cg.evaluate(emitted, {k: at[k] for k in emitted.inputs})
    names = Names(cone)
    env, derivatives = {}, {}
    for name, v in cone.vertices.items():
        env[plain(names[name].text)] = values[v]
        derivatives[names.derivative(of, name).text] = slopes.get(f"d{of}_d{name}", 0)
    if not all(
        map(math.isfinite, [*derivatives.values(), *filter(None, env.values())])
    ):
        return
    ordered = sorted(derivatives, key=len, reverse=True)
    for step in steps_of(circuit, of=of).steps:
        (rule,) = step.rules
        text = rule.label().text.partition(" = ")[2]
        for name in ordered:
            text = text.replace(name, f"({derivatives[name]!r})")
        wanted = derivatives[rule.derivative.text]
        assert value_of(text, env) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def plain(text):
    return text.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))


def cone_values(circuit, at):
    try:
        return values_at(circuit, {name: at[name] for name in circuit.inputs})
    except cg.EvaluationError:
        return None


def test_names_that_look_alike_are_told_apart_in_rules():
    text = cg.steps(cg.parse("input x1, x_1\ny = x1*x_1\noutput y\n")).text()
    assert "∂y/∂x_1 = ∂y/∂y·x1" in text
    text = cg.steps(cg.parse("input x, dist_dx\ny = dist_dx*x\noutput y\n")).text()
    assert "∂y/∂dist_dx = ∂y/∂y·x" in text
    text = cg.steps(cg.parse_expression("exp(x)/sin(x)")).text()
    assert "∂f/∂g₂ = ∂f/∂f·(−f/g₂)" in text


def test_what_cannot_be_stepped_through():
    several = cg.parse("input x\nf = x*x\noutput f, x\n")
    with pytest.raises(cg.CircuitError, match="several outputs"):
        cg.steps(several)
    with pytest.raises(cg.CircuitError, match="no mode 'sideways'"):
        cg.steps(several, of="f", mode="sideways")
    with pytest.raises(cg.CircuitError, match="leave out wrt"):
        cg.steps(several, of="f", wrt="x")
    with pytest.raises(cg.CircuitError, match="no theme 'pink'"):
        cg.steps(several, of="f", theme="pink")


def test_steps_at_a_shell(run, tmp_path):
    Path("f.cg").write_text("input x, y\nf = x*y\noutput f\n")
    status, out, _ = run("steps", "f.cg")
    assert status == 0
    assert out == "1  f  ∂f/∂f = 1\n2  y  ∂f/∂y = ∂f/∂f·x\n3  x  ∂f/∂x = ∂f/∂f·y\n"
    assert run("steps", "f.cg", "-o", "deep/er/steps")[0] == 0
    assert len(list(Path("deep/er/steps").iterdir())) == 6
    Path("file").write_text("kept")
    status, _, err = run("steps", "f.cg", "-o", "file/")
    assert status == 4
    assert "file" in err
    assert Path("file").read_text() == "kept"
    assert run("steps", "f.cg", "-o", "-")[1] == out
    Path("f.cg").write_text("input x, y\nf = x\noutput f\n")
    status, _, err = run("steps", "f.cg", "-o", "deep/er/steps")
    assert status == 4
    assert "step_03.svg there is of another run" in err
    assert run("steps", "f.cg", "--wrt", "x")[0] == 2
    assert run("steps", "f.cg", "--at", "x=1", "-o", "a.pdf")[0] == 2
    assert not Path("a.pdf").exists()
