"""Figures: labels, structure, and hostile names."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from conftest import EXAMPLES, example

import circuitgrad as cg
from circuitgrad.figures import graphviz
from circuitgrad.figures.drawing import scene_of
from circuitgrad.figures.elements import elements
from circuitgrad.figures.labelling import points_of
from circuitgrad.figures.labels import name_label, quoted, value_label
from circuitgrad.figures.layout import dot_graph
from circuitgrad.figures.mirror import Mirror
from circuitgrad.figures.routing import Channels
from circuitgrad.figures.scene import Node, Place, Scene
from circuitgrad.figures.typeset import LEADING, extent
from circuitgrad.provenance import COPY, PARTIAL


def texts(circuit, **options):
    """Give all lines of the nodes and wires of a figure."""
    scene = scene_of(circuit, **options)
    lines = [line for node in scene.nodes.values() for line in node.lines]
    lines += [wire.label for wire in scene.wires.values() if wire.label]
    return [line.text for line in lines]


def svg(circuit):
    return circuit.draw().data.decode()


def test_figure_1_shows_symbols_weights_sources_and_the_output():
    shown = texts(example("fig1"))
    for label, count in (
        ("×", 3),
        ("+", 4),
        ("x", 1),
        ("y", 1),
        ("z", 1),
        ("f", 1),
        ("1", 1),
    ):
        assert shown.count(label) == count, label
    assert {"−3", "−2", "−5", "5", "g₁"} <= set(shown)


def test_derivatives_have_their_sign_and_subscripts():
    gradient = cg.gradient(example("worked_example"), all=True, value=True)
    from_file = cg.parse(str(gradient))  # no provenance: the names alone tell
    for circuit in (gradient, from_file):
        shown = set(texts(circuit))
        assert {"∂y/∂x₁", "∂y/∂x₂", "∂y/∂u₁", "y"} <= shown


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("x1", "x₁"),
        ("w1_2", "w₁,₂"),
        ("x_10", "x₁₀"),
        ("df_dx1", "∂f/∂x₁"),
        ("ddf_dx1_dy", "∂²f/∂x₁∂y"),
        ("df_dq", "df_dq"),
        ("dog", "dog"),
        ("d_dx1", "d_dx₁"),
        ("θ", "θ"),
        ("a" * 100, "a" * 59 + "…"),
    ],
)
def test_names(name, label):
    assert name_label(name, {"x1", "y"}) == label


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_the_formats_are_written_whole(format, tmp_path):
    path = tmp_path / f"fig.{format}"
    figure = example("fig1_square").draw(str(path))
    assert path.read_bytes() == figure.data
    assert {"svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF"}[format] == figure.data[
        :5
    ][: len({"svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF"}[format])]


def test_the_same_bytes_each_time():
    circuit = cg.gradient(example("fig1"))
    assert svg(circuit) == svg(cg.gradient(example("fig1")))


# Names reach the IR from Python and JSON only as identifiers; labels take anything.
HOSTILE = [
    'a"b', "a\\", "<b>", "<x>", '"x" URL="javascript:alert(1)"',
    '"x"];evil[label="pwn"', "\u202eright to left",
    "\\N", "\\G", "&#x3b1;", "a:b", "node", "edge", "graph", "", "a\nb",
    "x" * 20_000, "<script>alert(1)</script>", "]]>", "'", "{a|b}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_label_reaches_graphviz_as_anything_else(text):
    import pydot

    graph = pydot.Dot(graph_type="digraph")
    graph.add_node(pydot.Node("n0", label=quoted(text[:200])))
    graph.add_node(pydot.Node("n1", label=quoted("plain")))
    drawn = graphviz.run(graph, "svg").decode()
    assert drawn.count('class="node"') == 2
    assert "evil" not in re.sub(r"<text.*?</text>|<title>.*?</title>", "", drawn)
    assert "href" not in drawn
    assert "<script" not in drawn
    shown = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", drawn))
    shown = re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), shown)
    kept = text[:200].replace("\n", "")
    for entity, char in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        shown = shown.replace(entity, char)
    assert shown.replace("\xa0", " ") == kept + "plain"


@pytest.mark.parametrize(
    "name", ["node", "edge", "graph", "digraph", "subgraph", "strict"]
)
def test_keywords_of_dot_are_ordinary_names(name):
    circuit = cg.parse(f"input {name}\nf = {name}*{name}\noutput f\n")
    assert name in texts(circuit)


def test_operands_that_have_an_order_are_numbered():
    def slots(text):
        scene = elements(cg.parse_expression(text))
        return [wire.slot.text for wire in scene.wires.values() if wire.slot]

    assert slots("x/y") == ["1", "2"]
    assert slots("x*y") == []
    dot = dot_graph(elements(cg.parse_expression("x/y")), sized=False).to_string()
    assert 'headlabel="1"' in dot
    assert 'headlabel="2"' in dot


def test_with_or_without_dot_on_the_path(monkeypatch, tmp_path):
    """A dot that is there is used; a broken one is an error, not a crash."""
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(cg.RenderError, match="dot failed"):
        example("fig1").draw()
    script.write_text("#!/bin/sh\ncat >/dev/null\nprintf drawn\n")
    with pytest.raises(cg.RenderError, match="dot gave no layout"):
        example("fig1").draw()
    monkeypatch.setenv("PATH", "")
    assert b"<svg" in example("fig1").draw().data


def test_every_example_draws():
    for path in EXAMPLES.glob("*.cg"):
        assert (
            b"<svg"
            in cg.gradient(cg.read(path), of=cg.read(path).output_names[0]).draw().data
        )


def test_names_that_would_look_alike_are_written_out():
    shown = texts(cg.parse("input x1, x_1, y2\nf = x1*x_1*y2\noutput f\n"))
    assert {"x1", "x_1", "y₂"} <= set(shown)


def test_values_are_shown_at_a_point():
    """The evaluation on Figure 1: rationals as they are, others to four digits."""
    fig1 = example("fig1")
    shown = "\n".join(texts(fig1, at={"x": 1, "y": 2, "z": 0}))
    assert shown.split("\n").count("9") == 2  # a square, and their sum
    assert "−3" in shown
    thirds = cg.parse_expression("x/3 + x*y")
    shown = texts(thirds, at={"x": Fraction(2), "y": Fraction(1, 7)})
    assert {"2", "1/7", "2/7", "20/21"} <= set(shown)
    shown = texts(cg.parse_expression("exp(x)"), at={"x": -1})
    assert {"−1", "0.3679"} <= set(shown)
    with pytest.raises(cg.CircuitError, match="no value for the input 'y'"):
        thirds.draw(at={"x": 1})
    with pytest.raises(cg.EvaluationError, match="division by zero"):
        cg.parse_expression("1/x").draw(at={"x": 0})


def test_a_gate_that_is_cut_off_is_not_computed():
    """It is an input of (C - z): its own operands need no value for it."""
    circuit = cg.parse("input x\nu = 1/x\nf = u*u + x\noutput f\n")
    assert "25" in texts(circuit, cut="u", at={"x": 0, "u": 5})
    with pytest.raises(cg.CircuitError, match="no value for 'u'"):
        circuit.draw(cut="u", at={"x": 0})
    with pytest.raises(cg.CircuitError, match="is an input"):
        circuit.draw(cut="x")


def test_long_values_are_rounded():
    assert value_label(Fraction(10**20, 3)) == "3.333e+19"
    assert value_label(Fraction(-(10**7))) == "−10000000"
    assert value_label(float("nan")) == "nan"
    assert value_label(-1e-300) == "−1e−300"


# ------------------------------------------------------------------ mirrors


def mirrored(circuit, pipeline="none"):
    mirror = Mirror(circuit, pipeline=pipeline)
    scene = mirror.scene
    places = {k: (n.place.x, n.place.y) for k, n in scene.nodes.items()}
    return mirror.emitted, scene, places


CIRCUITS = [
    *(example(name) for name in ("fig1", "fig3", "worked_example", "perceptron")),
    cg.parse_expression("exp(x*y)/(1 + z^2) + sin(x)*z"),
    cg.parse_expression("max(x, y)*abs(x - y)"),
    cg.parse_expression("x"),
    cg.parse("input x, y\nf = x*x*3\noutput f\n"),
]


@pytest.mark.parametrize("pipeline", ["none", "tidy", "size"])
@pytest.mark.parametrize("circuit", CIRCUITS, ids=str)
def test_each_derivative_stands_opposite_of_its_gate(circuit, pipeline):
    if len(circuit.outputs) > 1:
        circuit = circuit.with_outputs(circuit.outputs[:1])
    emitted, scene, places = mirrored(circuit, pipeline)
    pairs = [(places[f"n{n[1:]}"], place) for n, place in places.items() if n[0] == "m"]
    asked = {v for v in range(len(circuit.columns)) if circuit.columns.op[v] != 1}
    live = {v for v in asked if circuit.live[v] or v < circuit.columns.inputs}
    assert {int(name[1:]) for name in places if name[0] == "m"} == live
    sums = [a[0] + b[0] for a, b in pairs]
    assert max(sums) - min(sums) < 0.05  # one axis
    assert all(a[1] == b[1] and a[0] < b[0] for a, b in pairs)
    boxes = [
        (n.place.x, n.place.y, n.place.width / 2, n.place.height / 2)
        for n in scene.nodes.values()
    ]
    for (x, y, w, h), (u, v, s, t) in combinations(boxes, 2):  # half of each
        assert abs(x - u) > w + s - 1 or abs(y - v) > h + t - 1, "nodes overlap"
    # every wire of both circuits is drawn, and nothing points at what is not there
    wires = scene.wires.values()
    assert {w.tail for w in wires} | {w.head for w in wires} <= set(scene.nodes)
    drawn = sum(wire.head[0] in "mb" for wire in wires)
    own = emitted.provenance.role != 1
    consumers = emitted.columns.consumer
    assert drawn >= int((own & emitted.live)[consumers].sum())


TANGLED = [
    *CIRCUITS,
    *(
        cg.parse_expression(text)
        for text in (
            "max(x, y, z)*exp(x)/y - 3*x",
            "tanh(x)*y",
            "tanh(x)",
            "tanh(x) + x",
            "1/(1 + exp(-x))",
            "asin(x)*atan(y) + erf(x)*x",
            "max(x, y, z)",
            "a*b*c*d",
            "a*b*c*d*e",
            "erf(x)*y",
            "x*y*z",
            "x/y",
            "x + x",
            "sqrt(x)*x^y + log(y)",
        )
    ),
]


def sampled(curve):
    """Give points along the Bézier curves that a wire is made of."""
    for start in range(0, len(curve) - 1, 3):
        corners = curve[start : start + 4]
        count = 10 + int(sum(math.dist(*ends) for ends in pairwise(corners)) / 3)
        for share in (number / count for number in range(count + 1)):
            back = 1 - share
            parts = back**3, 3 * share * back**2, 3 * share**2 * back, share**3
            yield tuple(
                sum(
                    part * corner[axis]
                    for part, corner in zip(parts, corners, strict=True)
                )
                for axis in (0, 1)
            )


def inside(point, node):
    at = node.place
    across = 2 * abs(point[0] - at.x) / (at.width - 1)
    up = 2 * abs(point[1] - at.y) / (at.height - 1)
    return across**2 + up**2 < 1 if node.shape == "ellipse" else max(across, up) < 1


@pytest.mark.parametrize("pipeline", ["none", "fold,cse,dce", "tidy", "size"])
@pytest.mark.parametrize("circuit", TANGLED, ids=str)
def test_wires_of_a_mirror_run_through_no_node(circuit, pipeline):
    """Crossings, too; and nodes, boxes of constants among them, stand apart."""
    of = circuit.output_names[0]
    scene = Mirror(circuit, of=of, pipeline=pipeline).scene
    for wire in scene.wires.values():
        points = list(sampled(wire.curve))
        for key, node in scene.nodes.items():
            if key not in (wire.tail, wire.head):
                assert not any(inside(p, node) for p in points), (wire.key, key)
    for one, other in combinations(scene.nodes.values(), 2):
        a, b = one.place, other.place
        apart = max(
            abs(a.x - b.x) - (a.width + b.width) / 2,
            abs(a.y - b.y) - (a.height + b.height) / 2,
        )
        assert apart > -1, (one.key, other.key)


@pytest.mark.parametrize("pipeline", ["none", "fold,cse,dce", "tidy", "size"])
@pytest.mark.parametrize("circuit", TANGLED, ids=str)
def test_wires_of_a_mirror_are_those_of_the_gradient(circuit, pipeline):
    """Each comes from a node that computes its operand; ends meet their nodes."""
    of = circuit.output_names[0]
    mirror = Mirror(circuit, of=of, pipeline=pipeline)
    columns, role = mirror.emitted.columns, mirror.emitted.provenance.role
    computes = {f"n{z}": v for v, z in mirror.copies.items()}
    computes |= {f"m{z}": v for z, v in mirror.adjoint.items()}
    computes |= {key: int(key[1:]) for key in mirror.scene.nodes if key[0] in "bc"}
    own = {
        f"v{wire}": (int(columns.operands[wire]), int(columns.consumer[wire]))
        for wire in range(len(columns.operands))
        if mirror.emitted.live[columns.consumer[wire]]
        and role[columns.consumer[wire]] != COPY
    }
    drawn = {
        wire.key: (computes[wire.tail], computes[wire.head])
        for wire in mirror.scene.wires.values()
        if wire.key[0] == "v"
    }
    assert drawn == own
    # and an equality comes from what it is equal to
    for key, wire in mirror.scene.wires.items():
        if key[0] == "a":
            assert computes[wire.tail] == computes[wire.head]
    for wire in mirror.scene.wires.values():
        for key, point in ((wire.tail, wire.curve[0]), (wire.head, wire.curve[-1])):
            at = mirror.scene.nodes[key].place
            reach = max(
                2 * abs(point[0] - at.x) / at.width,
                2 * abs(point[1] - at.y) / at.height,
            )
            assert reach < 1.1, (wire.key, key)
            assert not inside(point, mirror.scene.nodes[key]), (wire.key, key)


@pytest.mark.parametrize("text", ["tanh(x)*y", "asin(x)", "max(x, y)", "x + tanh(x)"])
@pytest.mark.parametrize("pipeline", ["none", "fold,fuse", "tidy"])
def test_a_partial_derivative_does_not_use_an_adjoint(text, pipeline):
    """A 1 in the derivative of tanh is a constant, not ∂y/∂y."""
    mirror = Mirror(cg.parse_expression(text), pipeline=pipeline)
    role = mirror.emitted.provenance.role
    for wire in mirror.scene.wires.values():
        if wire.head[0] == "b" and role[int(wire.head[1:])] == PARTIAL:
            assert wire.tail[0] in "nbc", wire
    if pipeline == "none":
        assert any(key[0] == "c" for key in mirror.scene.nodes)


def test_the_seed_is_drawn_from_the_derivative_by_the_output():
    """The 1 that a product or a sum of the chain rule has is ∂y/∂y."""
    mirror = Mirror(cg.parse_expression("tanh(x)*y"))
    tails = [wire.tail for wire in mirror.scene.wires.values() if wire.key[0] == "v"]
    assert tails.count(f"m{mirror.output}") == 2
    double = Mirror(cg.parse_expression("x + x"))
    tails = [w.tail for w in double.scene.wires.values() if w.key[0] == "v"]
    assert tails == [f"m{double.output}"] * 2


def test_crossings_go_around_what_is_in_the_way():
    """A wire swings from end to end where it can, and stays between ranks if not."""

    def led(*others):
        places = [Place(0, 0, 40, 40), Place(600, 200, 40, 40), *others]
        nodes = [
            Node(f"n{k}", (), "gate", place=place) for k, place in enumerate(places)
        ]
        scene = Scene.of(nodes)
        curve = Channels(scene.nodes, 300).crossing("n0", "n1")
        points = list(sampled(curve))
        assert not any(inside(p, node) for p in points for node in nodes[2:])
        return curve

    free = led()
    assert led(Place(100, 0, 40, 40)) == free  # below it
    assert led(Place(200, 70, 40, 40)) != free
    assert led(Place(400, 180, 60, 60), Place(200, 70, 40, 40)) != free


def test_values_on_a_mirror():
    circuit = example("worked_example")
    figure = circuit.draw(mirror=True, at={"x1": 1, "x2": 2})
    shown = texts(circuit, mirror=True, at={"x1": 1, "x2": 2})
    assert shown.count("∂y/∂x₁") == 1
    assert {"15", "14", "11"} <= set(shown)  # y and its derivatives
    assert figure.data == circuit.draw(mirror=True, at={"x1": 1, "x2": 2}).data


def test_mirrors_that_cannot_be():
    several = cg.parse("input x\nf = x*x\noutput f, x\n")
    with pytest.raises(cg.CircuitError, match="several outputs"):
        several.draw(mirror=True)
    assert several.draw(mirror=True, of="f").format == "svg"
    with pytest.raises(cg.CircuitError, match="no output 'g'"):
        several.draw(mirror=True, of="g")


def test_hostile_names_on_a_mirror():
    text = "input node, __proto__, שלום\nf = node*__proto__ + exp(שלום)\noutput f\n"
    shown = texts(cg.parse(text), mirror=True)
    assert {"node", "__proto__", "∂f/∂node", "∂f/∂__proto__"} <= set(shown)


# ------------------------------------------------------------------ labels


def lecture_scenes():
    """Give the figures of the notes, and those that docs/ shows."""
    fig1, worked = example("fig1"), example("worked_example")
    yield "fig1", scene_of(fig1)
    yield "values", scene_of(fig1, at={"x": 1, "y": 2, "z": 0})
    yield "fig2", scene_of(fig1, gradient="forward", wrt="x")
    yield "fig3", scene_of(example("fig1_square"), gradient="bp", pipeline="tidy")
    yield "by hand", scene_of(example("fig3"))
    for gate in ("u3", "u1"):
        yield f"without {gate}", scene_of(worked, cut=gate)
    yield "mirror", scene_of(worked, mirror=True, at={"x1": 1, "x2": 2})
    yield "fig1 mirrored", scene_of(fig1, mirror=True)
    yield "perceptron", scene_of(example("perceptron"))
    for number, frame in enumerate(cg.steps(worked)):
        yield f"step {number}", frame
    for number, frame in enumerate(cg.steps(fig1, mode="fp", wrt="x")):
        yield f"fp step {number}", frame


LECTURE = dict(lecture_scenes())


def box(x, y, lines):
    width, height = extent(lines)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 < min(a[3], b[3]) - max(a[1], b[1])


@pytest.mark.parametrize("name", LECTURE)
def test_labels_stay_in_their_nodes_and_off_each_other(name):
    scene = LECTURE[name]
    labels = [
        (wire.key, box(*at, [label]))
        for wire in scene.wires.values()
        for label, at in wire.labels
    ]
    for (key, one), (other, two) in combinations(labels, 2):
        assert not overlap(one, two), (key, other)
    for node in scene.nodes.values():
        at = node.place
        left, bottom, right, top = inside = box(at.x, at.y, node.lines)
        for key, label in labels:
            assert not overlap(inside, label), (node.key, key)
        if node.shape == "ellipse":  # its lines' corners; glyphs have none there
            heights = [extent([line]) for line in node.lines]
            y = top
            for width, height in heights:
                for corner in ((width / 2, y - at.y), (width / 2, y - height - at.y)):
                    x, up = corner[0] * 0.85, corner[1] * 0.85
                    reach = (2 * x / at.width) ** 2 + (2 * up / at.height) ** 2
                    assert reach <= 1, node.key
                y -= height + LEADING
        elif node.shape == "box":
            assert right - left <= at.width
            assert top - bottom <= at.height


@pytest.mark.parametrize("name", LECTURE)
def test_weights_stand_on_their_own_wires(name):
    """A number beside a wire could be that of the next one."""
    for wire in LECTURE[name].wires.values():
        if wire.label is not None:
            steps = np.diff(points_of(wire.curve), axis=0)
            near = np.hypot(*(points_of(wire.curve) - wire.label_at).T).min()
            assert near <= np.hypot(*steps.T).max(), wire.key
