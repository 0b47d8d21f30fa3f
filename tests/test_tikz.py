"""Figures in TikZ, and overlays in Beamer: as text, and as LaTeX has it."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction

import pytest
from conftest import example
from test_names_hostile import NAMES, named

import circuitgrad as cg
from circuitgrad.figures.beamer import RULES, TERMS, revealing, write_beamer
from circuitgrad.figures.drawing import scene_of
from circuitgrad.figures.labels import gate_line
from circuitgrad.figures.palette import THEMES
from circuitgrad.figures.scene import Node, Place, Scene
from circuitgrad.figures.tikz import document, picture, preamble, write_tikz
from circuitgrad.gates import SCALAR_GATES as GATES
from circuitgrad.gates import GateType

PDFLATEX = shutil.which("pdflatex")


def has_classes():
    """Tell whether LaTeX is there, with the classes that figures are documents of."""
    words = ["kpsewhich", "standalone.cls", "beamer.cls", "fix-cm.sty", "tikz.sty"]
    if PDFLATEX is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


needs_latex = pytest.mark.skipif(
    not has_classes(), reason="no pdflatex with the classes standalone and beamer"
)
POINT = {"x1": 1, "x2": 2}


def code(tex):
    """Give the text without its comments; it is in ASCII, and brackets pair."""
    found = re.sub(r"(?<!\\)%.*", "", tex)
    assert found.isascii()
    depth = 0
    for bracket in re.findall(r"\\[{}\\]|[{}]", found):
        depth += {"{": 1, "}": -1}.get(bracket, 0)
        assert depth >= 0
    assert depth == 0
    return found


def nodes(tex):
    return re.findall(r"\\node[^;]*?\] \((\w+)\) at", code(tex))


def compiled(tex, folder, name="figure"):
    """Compile a document: give its log, which complains of nothing, and its PDF."""
    (folder / f"{name}.tex").write_text(tex, encoding="utf-8")
    words = [PDFLATEX, "-halt-on-error", "-interaction=nonstopmode", f"{name}.tex"]
    ended = subprocess.run(words, cwd=folder, capture_output=True, check=False)
    log = (folder / f"{name}.log").read_text(encoding="latin-1")
    assert ended.returncode == 0, log[-2000:]
    assert not re.search(r"Overfull|undefined|Missing character|Font Warning", log)
    return log, folder / f"{name}.pdf"


def pages(log):
    return int(re.search(r"Output written on \S+ \((\d+) page", log)[1])


# ---------------------------------------------------------------------- as text


@pytest.mark.parametrize("theme", THEMES)
def test_every_part_of_a_figure_is_there_once(theme):
    for options in ({}, {"mirror": True, "at": POINT}):
        scene = scene_of(example("worked_example"), **options)
        tex = write_tikz(scene, THEMES[theme])
        assert nodes(tex) == list(scene.nodes)
        assert code(tex).count(r"\draw[") == len(scene.wires)
        styles = set(re.findall(r"^  ([\w ]+)/\.", tex, re.M))
        used = {s for o in re.findall(r"\\(?:node|draw)\[(.*?)\]", tex) for s in
                re.sub(r"=.*", "", o).split(", ")}  # fmt: skip
        assert used <= {*styles, "ellipse", "size", "anchor"}
        assert theme in ("dark",) or "[framed picture]" not in tex


def test_places_are_those_of_the_scene():
    scene = Scene.of([Node("n7", (), "gate", place=Place(1.25, -3, 30, 28))])
    tex = write_tikz(scene, THEMES["light"])
    assert r"\node[gate, ellipse, size={30}{28}] (n7) at (1.25, -3) {};" in tex


def test_a_figure_is_written_by_its_ending_or_by_name(run, tmp_path):
    circuit = cg.parse_expression("x*y")
    figure = circuit.draw(str(tmp_path / "f.tex"), legend=True)
    assert figure.format == "tikz"
    assert (tmp_path / "f.tex").read_bytes() == figure.data
    status, out, _ = run("draw", "-t", "tikz", "-e", "x*y", "--legend")
    assert (status, out.encode()) == (0, figure.data)
    assert r"\text{input or constant}" in out
    status, _, words = run("draw", "--overlay", "-e", "x*y", "-o", "f.svg")
    assert status != 0
    assert "an overlay is a tikz figure (.tex), not svg" in words
    with pytest.raises(cg.CircuitError, match="leave out the cut"):
        example("worked_example").draw("f.tex", overlay=True, cut="u1")


def test_a_figure_that_tex_cannot_measure_is_refused():
    wide = Scene.of(
        Node(f"n{x}", (), "gate", place=Place(x, 0, 9, 9)) for x in (0, 2e4)
    )
    with pytest.raises(cg.LimitError, match="20,009 by 9 points"):
        write_tikz(wide, THEMES["light"])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_only_labels(name):
    scene = scene_of(named(name))
    tex = write_tikz(scene, THEMES["light"])
    assert nodes(tex) == list(scene.nodes)
    words = set(re.findall(r"\\([A-Za-z]+)", code(tex)))
    assert not words & {"input", "write", "read", "include", "openout", "catcode"}


def test_symbols_of_gates_are_only_labels():
    """Python can register gates with any symbol."""
    for symbol in (
        "%",
        "a&b",
        r"\input{x}",
        "#",
        "^",
        "_",
        "a_b_c",
        "$",
        "{",
        "θ",
        "~",
    ):
        line = gate_line(GateType("foreign_gate_1", 1, None, None, symbol=symbol), None)
        assert re.fullmatch(r"\\mathrm{(foreign\\_gate\\_1|a\\_b\\_c|\\_)}", line.tex)


# ---------------------------------------------------------------------- overlays


def hostile(*names):
    """Make the product of inputs of such names."""
    builder = cg.Builder()
    builder.output("f", builder.prod([builder.input(name) for name in names]))
    return builder.finish()


CASES = {
    "evaluation": lambda: revealing(example("fig1")),
    "mirror": lambda: revealing(example("worked_example"), mirror=True, at=POINT),
    "gradient": lambda: revealing(example("worked_example"), gradient="forward"),
    "constant": lambda: revealing(cg.parse("input x\nf = 3\noutput f, x\n")),
    "names": lambda: revealing(hostile("שלום", "node", "x" * 4_000), mirror=True),
    "no gate": lambda: revealing(cg.parse_expression("x"), mirror=True),
}


@pytest.mark.parametrize("case", CASES)
def test_overlays_reveal_everything_in_order(case):
    steps = CASES[case]()
    tex = write_beamer(steps, THEMES["light"])
    slides = dict.fromkeys(steps.start, 1)
    slides |= {key: n for n, each in enumerate(steps.steps, 2) for key in each.keys}
    assert set(slides) == {*steps.scene.nodes, *steps.scene.wires}
    assert nodes(tex) == list(steps.scene.nodes)
    for key, since in re.findall(r"\\node(?:<(\d+)->)?\[[^;]*?\] \((\w+)\) at", tex):
        assert int(key or 1) == slides[since]
    for wire in steps.scene.wires.values():  # no wire is there before its ends
        assert slides[wire.key] >= max(slides[wire.tail], slides[wire.head])
    shown = [int(n) for n in re.findall(r"\\only<(\d+)>{\\cgfit", tex)]
    assert shown == [*range(2, len(steps.steps) + 2)] * 2  # titles, rules


def test_an_evaluation_is_in_topological_order():
    steps = revealing(example("worked_example"))
    rules = [step.rule.text for step in steps.steps]
    assert rules == ["u₁ = x₁ + x₂", "u₂ = x₁·x₂", "u₃ = u₁ + u₂", "y = u₁·u₃"]
    assert {steps.scene.nodes[key].role for key in steps.start} == {"source"}


def test_long_rules_are_shortened():
    circuit = cg.parse_expression(" + ".join(f"sin({k}*x)" for k in range(2, 12)))
    tex = write_beamer(revealing(circuit, mirror=True), THEMES["light"])
    last = re.findall(r"\\only<\d+>.*", tex)[-1]
    assert last.count(r"\partial x} &= ") + last.count(r"\partial x} = ") == 1
    assert last.count(r"\cos") < TERMS
    assert r"\cdots" in last
    assert RULES > 0


# ---------------------------------------------------------------------- as LaTeX has it


@needs_latex
@pytest.mark.parametrize("theme", THEMES)
def test_pictures_compile(theme, tmp_path):
    worked = example("worked_example")
    figure = worked.draw(format="tikz", mirror=True, at=POINT, theme=theme, legend=True)
    log, _ = compiled(figure.data.decode(), tmp_path)
    assert pages(log) == 1


@needs_latex
def test_a_picture_moves_to_another_document(tmp_path):
    """As docs/drawing.md says: its preamble, and the picture, with more drawn to it."""
    scene = scene_of(example("worked_example"), mirror=True)
    top = [r"\documentclass{article}", *preamble(scene, THEMES["light"])]
    *body, end = picture(scene)
    drawn = [*body, r"\draw[red] (n3) -- (m3);", end]
    resized = [r"\noindent\resizebox{.8\linewidth}{!}{%", *drawn, "}"]
    log, _ = compiled(document(top, resized), tmp_path)
    assert pages(log) == 1


@needs_latex
def test_hostile_names_compile(tmp_path):
    """All as inputs, and derivatives by them; a picture of some in one document."""
    scenes = []
    for start in range(0, len(NAMES), 20):
        builder = cg.Builder()
        names = [name for name in NAMES[start : start + 20] if name != "f"]
        builder.output("f", builder.sum([3 * builder.input(name) for name in names]))
        scenes.append(scene_of(builder.finish(), mirror=True))
    top = [r"\documentclass[tikz]{standalone}", *preamble(scenes[0], THEMES["light"])]
    body = [line for scene in scenes for line in picture(scene)]
    log, _ = compiled(document(top, body), tmp_path)
    assert pages(log) == len(scenes)


@needs_latex
def test_every_symbol_compiles(tmp_path):
    builder = cg.Builder()
    x = [builder.input("x"), builder.input("y")]
    for number, gate in enumerate(GATES):
        parameter = Fraction(-1, 2) if gate.takes_parameter else None
        made = builder.gate(gate.name, *x[: gate.arity or 2], param=parameter)
        builder.output(f"f{number}", made)
    compiled(builder.finish().draw(format="tikz").data.decode(), tmp_path)


@needs_latex
def test_overlays_compile_to_a_slide_for_each_step(tmp_path):
    for case, theme in (
        *(("mirror", "light"), ("evaluation", "dark")),
        *(("no gate", "bw"), ("names", "bw")),
    ):
        steps = CASES[case]()
        tex = write_beamer(steps, THEMES[theme])
        log, pdf = compiled(tex, tmp_path, case.replace(" ", "_"))
        assert pages(log) == len(steps.steps) + 1
        if case == "mirror":
            assert_nothing_moves(pdf)


def assert_nothing_moves(pdf):
    """What the first slide shows stands where it does on all others."""
    reader = shutil.which("pdftotext")
    if reader is None:
        return
    ended = subprocess.run([reader, "-bbox", pdf, "-"], capture_output=True, check=True)
    text = ended.stdout.decode()
    word = re.compile(r'<word xMin="(.*?)" yMin="(.*?)" xMax=".*?" yMax=".*?">(.*?)<')
    shown = [
        {(x, y, letters) for x, y, letters in word.findall(page) if float(x) > 165}
        for page in text.split("<page ")[1:]
    ]
    assert len(shown[0]) > 5
    assert all(shown[0] <= each for each in shown[1:])
