"""Names that some tool reads as its own: kept, drawn and written, or refused."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
import sympy
from test_programs import FLAGS, assert_well_formed, needs_gcc, python_function

import circuitgrad as cg
from circuitgrad.figures.elements import elements
from circuitgrad.figures.labels import name_label
from circuitgrad.formats.c import write_c
from circuitgrad.formats.cgz import parse_cgz
from circuitgrad.formats.formats import render
from circuitgrad.formats.json import parse_json, write_json
from circuitgrad.formats.latex import write_latex
from circuitgrad.names import is_identifier

# Circuit text can say these: letters and digits of any script, and ``_``.
NAMES = (
    *("node", "edge", "graph", "digraph", "subgraph", "strict", "n0", "label"),
    *(
        "lambda",
        "None",
        "class",
        "import",
        "__import__",
        "__builtins__",
        "__debug__",
        "eval",
        "np",
    ),
    *("def", "self", "print", "dict", "match", "_", "__", "_1", "O0O", "l1I"),
    *("E", "I", "S", "N", "Q", "O", "Symbol", "oo", "zoo", "nan", "inf", "beta", "Pi"),
    *("double", "main", "restrict", "M_PI", "y0", "NULL", "errno", "static", "sinh"),
    *("alpha", "Gamma", "frac", "begin", "end", "left", "input", "output", "circuit"),
    *("sum", "prod", "exp", "max", "sqrt", "pow", "df_dx", "g1", "c1", "f", "e1", "E5"),
    *("true", "NaN", "null", "con", "PRN", "script", "href", "rm", "ls", "sh", "if"),
    *("θ", "é", "Ω2", "ﬁ", "x²", "ſ", "µ", "ñandú", "变量", "переменная", "ℏ", "ªb"),
    *("שלום", "متغير", "ا1", "𝔘𝔫𝔦", "x" * 4_000, "é" * 3_000),
)

# It cannot say these: reading them is an error with a place, and so is making them.
REFUSED = (
    *("", " ", "-", "--", "--help", "$(x)", "`x`", "a;b", "a|b", "a&&b", ">f", "<b>"),
    *(
        "&amp;",
        '"',
        "'",
        "\\",
        "\\N",
        "a b",
        "a\nb",
        "a\tb",
        "a\0b",
        "%",
        "%s",
        "#",
        "~",
    ),
    *("{0}", "{x}", "a.b", "a:b", "a-b", "a/b", "../f", "/etc/passwd", "x'", "^", "*"),
    *(
        "1x",
        "٣x",
        "pi",
        "e\u0301",
        "\u202ex",
        "x\u200b",
        "\ufeffx",
        "\ud800",
        "😀",
        "ⅷ!",
    ),
    *("<script>alert(1)</script>", "]]>", "x];y[", "__import__('os')", "x\u2028y"),
)


def short(name):
    return ascii(name)[:20]


def named(name):
    """Make a circuit in which an input, a gate, an output and it have such names."""
    builder = cg.Builder(name)
    x, y = builder.input(name), builder.input(f"{name}_y")
    square = builder.sum([3 * (x * y), builder.constant(2)])
    builder.names[square.vertex] = f"{name}1"
    builder.output(name, square * x)
    builder.output(f"{name}1", square)
    return builder.finish()


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_are_kept_in_every_file_that_is_read(name, tmp_path):
    circuit = named(name)
    assert is_identifier(name)
    again = {
        "cg": cg.parse(str(circuit)),
        "json": parse_json(write_json(circuit)),
        "cgz": parse_cgz(render(circuit, "cgz")),
    }
    for form, other in again.items():
        assert (other, other.name) == (circuit, name), form
        assert str(other) == str(circuit), form
        assert other.inputs == (name, f"{name}_y"), form
    gradient = cg.gradient(circuit, of=name)
    assert gradient.output_names == (f"d{name}_d{name}", f"d{name}_d{name}_y")
    assert cg.parse(str(gradient)) == gradient
    assert cg.check_gradient(circuit, gradient).passed


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_are_only_labels_of_a_drawing(name):
    drawn = named(name).draw().data
    root = ElementTree.fromstring(drawn)  # well-formed whatever the name is
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    shapes = {"path", "polygon", "ellipse", "rect"}
    assert tags <= {"svg", "g", "defs", "use", "title", "text", *shapes}
    scene = elements(named(name))
    shown = {line.text for node in scene.nodes.values() for line in node.lines}
    # where two names would look alike, they are written out
    assert {name_label(name), name} & shown or len(name) > 60
    titles = {e.text for e in root.iter() if e.tag.endswith("}title")}
    assert name in titles or len(name) > 200


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_are_names_in_python_and_sympy(name):
    circuit = named(name)
    at = {name: 2.0, f"{name}_y": -0.5}
    wanted = cg.evaluate(circuit, at)
    assert python_function(circuit)(2.0, -0.5) == wanted
    (function,) = (
        node
        for node in ast.parse(render(circuit, "py")).body
        if isinstance(node, ast.FunctionDef)
    )
    assert len({each.arg for each in function.args.args}) == 2
    formulas = circuit.to_sympy()
    x, y = (sympy.Symbol(each, real=True) for each in circuit.inputs)
    assert set(formulas) == set(wanted)
    assert formulas[name].free_symbols == {x, y}
    assert cg.isomorphic(
        cg.from_sympy(x * y, inputs=[name, f"{name}_y"]), _product(name)
    )


def _product(name):
    return cg.trace(lambda x, y: x * y, inputs=[name, f"{name}_y"])


@needs_gcc
def test_names_are_names_in_c(tmp_path):
    """One function a name, all of them in one file."""
    folder = tmp_path
    for number, name in enumerate(NAMES):
        (folder / f"n{number}.c").write_text(write_c(named(name)))
    sources = sorted(folder.glob("*.c"))
    both = "".join(f'#include "{path.name}"\n' for path in sources)
    (folder / "all.c").write_text(both)
    gcc = shutil.which("gcc")
    ended = subprocess.run(
        [gcc, *FLAGS, "-O0", "-c", "all.c", "-o", "all.o"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[:2000]


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_are_letters_in_latex(name):
    assert_well_formed(write_latex(named(name)))


@pytest.mark.parametrize("name", REFUSED, ids=short)
def test_what_is_no_name_is_refused_everywhere(name):
    assert not is_identifier(name)
    for make in (
        lambda: cg.trace(lambda x: x * x, inputs=[name]),
        lambda: cg.trace(lambda x: {name: x * x}),
        lambda: _finished(cg.Builder(name)),
        lambda: parse_json(_json(name)),
    ):
        with pytest.raises(cg.CircuitgradError) as caught:
            make()
        assert len(str(caught.value)) < 300
    text = f"input {name}\noutput f = {name}\n"
    with pytest.raises(cg.FormatError) as refused:
        cg.parse(text)
    assert refused.value.line is not None


def _finished(builder):
    x = builder.input("x")
    builder.output("f", x * x)
    return builder.finish()


def _json(name):
    data = json.loads(write_json(cg.parse_expression("x*y")))
    data["nodes"][0]["name"] = name
    return json.dumps(data)


FILES = (
    "-x.cg",
    "--help.cg",
    "$(x).cg",
    "a;b.cg",
    "a b.cg",
    "<b>.cg",
    "&amp;.cg",
    "%s.cg",
)


@pytest.mark.parametrize("file", [*FILES, '".cg', "\\.cg", "{0}.cg", "θ.cg", "a\nb.cg"])
def test_files_of_any_name_are_only_files(file, run, tmp_path):
    """A program does not go through a shell, and a message shows the name as it is."""
    status, _, words = run("grad", "-e", "x^2", "-o", f"./{file}", "--no-check")
    assert (status, [path.name for path in tmp_path.iterdir()]) == (0, [file]), words
    status, out, _ = run("stats", "--json", "--", f"./{file}")
    assert (status, '"size": 1' in out) == (0, True)
    assert run("draw", f"./{file}", "-o", f"./{file}.svg")[0] == 0
    status, _, words = run("convert", f"./{file}", f"./{file}.c")
    includable = not set(file) & set('"\\\n')  # what #include "..." can say
    assert status == (0 if includable else 2), words
    assert len(list(tmp_path.iterdir())) == (4 if includable else 2)
    (tmp_path / file).write_text("input x\noutput y\n")
    status, out, words = run("stats", f"./{file}")
    assert (status, out) == (3, "")
    assert ":2:8: error: unknown name 'y'" in words


#: Some of each kind: figures of all of them together, in every format.
SOME = (
    "node",
    "__import__",
    "frac",
    "script",
    "θ",
    "ﬁ",
    "شـيء",
    "变量",
    "שלום",
    "x" * 200,
)


@pytest.fixture
def hostile():
    """Give a circuit in which all these are names or labels."""
    builder = cg.Builder("hostile")
    inputs = [builder.input(name) for name in SOME]
    value = builder.sum([u * u for u in inputs])
    for name in ("y", *(f"{each}_o" for each in SOME)):
        builder.output(name, value)
    return builder.finish()


@pytest.mark.parametrize("name", REFUSED, ids=short)
def test_outputs_have_names_that_programs_can_have(name):
    """A line in a comment, a quote in a label: nothing of the kind is taken."""
    circuit = cg.parse_expression("x*y")
    with pytest.raises(cg.CircuitError, match="not an identifier"):
        circuit.with_outputs([(name, circuit.outputs[0][1])])


def test_figures_of_hostile_names_in_every_format(hostile, tmp_path):
    starts = {"svg": b"<svg ", "pdf": b"%PDF", "png": b"\x89PNG", "tex": b"%"}
    for theme in ("light", "bw"):
        for ending, start in starts.items():
            path = tmp_path / f"fig.{ending}"
            hostile.draw(str(path), theme=theme)
            assert path.read_bytes().startswith(start)
    root = ElementTree.parse(tmp_path / "fig.svg").getroot()
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.lower().startswith("on")}
    assert "שלום_o" in {e.text for e in root.iter() if e.tag.endswith("title")}
    tex = (tmp_path / "fig.tex").read_text(encoding="utf-8")
    assert "\\input{" not in tex


def test_steps_and_pages_of_hostile_names(hostile, tmp_path):
    for ending in ("svg", "pdf", "gif", "txt", "tex"):
        path = tmp_path / f"steps.{ending}"
        cg.steps(hostile, str(path), of="y")
        assert path.stat().st_size > 0
    ElementTree.parse(tmp_path / "steps.svg")
    assert cg.page(hostile, of="y").count("<script") == 2  # the data, the program
    assert "שלום" in cg.tree(hostile, of="y")
