"""Figures of circuits of arrays: shapes on wires, formulas, and the size of slides."""

from __future__ import annotations

import json
import re
from itertools import combinations

import numpy as np
import pytest
from conftest import ROOT, example
from matrix_cases import CASES, case_id, gate_circuit, point, weighted

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812
from circuitgrad.figures import symbols, turning
from circuitgrad.figures.beamer import revealing
from circuitgrad.figures.drawing import scene_of
from circuitgrad.figures.labelling import points_of
from circuitgrad.figures.labels import value_label, value_line
from circuitgrad.figures.mirror import Mirror
from circuitgrad.figures.palette import THEMES
from circuitgrad.figures.tikz import write_tikz
from circuitgrad.figures.turning import fit
from circuitgrad.figures.typeset import SIZE, extent, typeset
from circuitgrad.formats import notation
from circuitgrad.formats.dot import write_dot
from circuitgrad.formats.latex import write_latex

WEIGHTS = ["W1", "W2"]


def squared_loss():
    """Give the loss of two layers that docs/ shows."""
    return cg.trace(
        lambda X, W1, W2, Y: F.squared_norm(F.relu(X @ W1) @ W2 - Y),
        shapes={"X": (32, 784), "W1": (784, 128), "W2": (128, 10), "Y": (32, 10)},
    )


def cross_entropy():
    """Give the loss of two layers with biases that classify."""
    text = """\
input X[32, 784], W1[128, 784], b1[128], W2[10, 128], b2[10], Y[32, 10]
Z1 = X @ W1.T + b1
A1 = relu(Z1)
Z2 = A1 @ W2.T + b2
f = -sum(Y*log_softmax(Z2), axis=all)
output f
"""
    return cg.parse(text)


def small():
    """Give a layer of a vector."""
    shapes = {"W": (2, 3), "x": (3,), "b": (2,)}
    return cg.trace(lambda W, x, b: F.squared_norm(F.relu(W @ x + b)), shapes=shapes)


AT = {"W": [[1, 2, 3], [4, 5, 6]], "x": [1, 0, -1], "b": [0.5, 9]}


def figures():
    """Give the figures of both networks."""
    for name, circuit in (("squares", squared_loss()), ("classes", cross_entropy())):
        yield name, scene_of(circuit)
        yield f"{name} gradient", scene_of(cg.gradient(circuit, wrt=WEIGHTS))
        for wrt in (None, WEIGHTS):
            options = {"mirror": True, "wrt": wrt}
            yield f"{name} mirror {wrt}", scene_of(circuit, **options)
            yield f"{name} tidy {wrt}", scene_of(circuit, pipeline="tidy", **options)


SCENES = dict(figures())
#: Those that stand on a slide of 1280 by 720, and how high their letters are there.
SLIDES = {
    "squares": 14,
    "squares gradient": 14,
    f"squares tidy {WEIGHTS}": 10,
    "classes": 12,
    "classes gradient": 10,
    f"classes tidy {WEIGHTS}": 8,
}


def shapes_of(scene):
    """Give what stands on the wires, by their ends."""
    return {
        (wire.tail, wire.head): wire.shape.text
        for wire in scene.wires.values()
        if wire.shape
    }


def texts(scene):
    return [line.text for node in scene.nodes.values() for line in node.lines]


# ---------------------------------------------------------------------- every gate


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_every_matrix_gate_is_drawn(case):
    circuit = gate_circuit(case)
    at = point(case, circuit)
    assert circuit.draw(at=at).data.startswith(b"<svg")
    scene = scene_of(circuit)
    columns = circuit.columns
    for wire in scene.wires.values():
        shape = columns.shape(int(wire.tail[1:]))
        said = re.findall(r"\d+", wire.shape.text) if wire.shape else []
        assert tuple(map(int, said)) == shape
    tree = cg.tree(circuit, at=at)
    assert tree.startswith("f: ")
    assert tree.count("\n") == len(case[1])
    assert "digraph" in write_dot(circuit)
    assert write_latex(circuit).isascii()
    gate = scene.nodes[f"n{circuit.outputs[0][1]}"]
    for line in gate.lines:
        assert line.tex.isascii()
        assert typeset(line).glyphs
    assert write_tikz(scene, THEMES["light"])


@pytest.mark.parametrize(
    "case", {case[0]: case for case in CASES}.values(), ids=case_id
)
def test_every_matrix_gate_is_mirrored_and_stepped_through(case):
    """No formula falls back on what is not worked out, `∂[f]/∂x`."""
    circuit = weighted(case)
    steps = cg.steps(circuit)
    assert "[f]" not in steps.text()
    assert "∂[" not in steps.text()
    assert steps.latex().isascii()
    assert labels_apart(steps.steps.scene)
    forward = cg.steps(circuit, mode="forward", wrt="x0").text()
    assert "∂[" not in forward
    assert "∂[" not in json.dumps(data_of(cg.page(circuit)), ensure_ascii=False)
    assert revealing(circuit).steps


def test_symbols_say_the_options_that_shapes_do_not():
    made = {
        "Σ": lambda A: F.sum(A, axis=(0, 1)),
        "Σ₀": lambda A: F.sum(A, axis=0),
        "mean₁": lambda A: F.mean(A, axis=1),
        "max₁": lambda A: F.max(A, axis=1, keep=1),
        "softmax": lambda A: F.softmax(A),
        "softmax₀": lambda A: F.softmax(A, axis=0),
        "log Σ₀ exp": lambda A: F.log_sum_exp(A, axis=0),
        "log softmax": lambda A: F.log_softmax(A, axis=1),
        "slice [:, 1:3]": lambda A: A[:, 1:3],
        "pad₁ 1, 2": lambda A: F.pad(A, axis=1, before=1, after=2),
        "concat₁": lambda A: F.concatenate(A, A, axis=1),
        "tril₋₁": lambda A: F.tril(A, k=-1),
        "tril": lambda A: F.tril(A),
        "max pool 2×2": lambda A: F.max_pool(A, window=(2, 2)),
        "broadcast": lambda A: F.broadcast(A, shape=(2, 4, 4)),
        "broadcast₂": lambda A: F.broadcast(A, shape=(4, 4, 2), axis=2),
        "·ᵀ": lambda A: A.T,
        "·⁻¹": lambda A: F.inverse(A),
        "‖·‖²": lambda A: F.squared_norm(A),
        "⟨·,·⟩": lambda A: F.dot(A, A),
        "@": lambda A: A @ A,
        "⊙": lambda A: A * A,
        "⊘": lambda A: A / A,
        "÷": lambda A: A / F.trace(A),
        "tr": lambda A: F.trace(A),
        "det": lambda A: F.det(A),
        "(·)²": lambda A: A**2,
    }
    for symbol, function in made.items():
        circuit = cg.trace(function, inputs=["A"], shapes={"A": (4, 4)})
        assert symbol in texts(scene_of(circuit)), symbol
    times = cg.trace(lambda A, x: A * x, shapes={"A": (4, 4)})
    assert "×" in texts(scene_of(times))
    assert circuit.draw(format="pdf").data.startswith(b"%PDF")


def test_gates_that_somebody_registers_go_by_their_names(monkeypatch):
    for module in (symbols, notation):
        monkeypatch.setattr(module, "MATRIX_NAMES", frozenset())
    circuit = cg.trace(lambda z: F.radial_sigmoid(z), shapes={"z": (3,)})
    scene = scene_of(circuit)
    assert "radial σ" in texts(scene)
    assert r"\operatorname{radial\_sigmoid}(z)" in write_latex(circuit)


# ---------------------------------------------------------------------- shapes


def test_shapes_stand_on_the_wires_of_arrays():
    circuit = cg.trace(
        lambda X, w, s: s * F.sum(F.relu(X @ w), axis=0),
        shapes={"X": (32, 784), "w": (784,)},
    )
    found = shapes_of(scene_of(circuit))
    assert found[("n0", "n3")] == "32×784"
    assert found[("n1", "n3")] == "[784]"  # a number alone would be a weight
    assert set(found.values()) == {"32×784", "[784]", "[32]"}
    assert ("n2", "n6") not in found  # a number has none
    array = cg.trace(lambda A: A.T, shapes={"A": (2, 3)})
    assert shapes_of(scene_of(array))[("n1", "o0")] == "3×2"
    assert 'label="3×2"' in write_dot(array)
    assert "<title>A: 2×3</title>" in array.draw().data.decode()


def test_every_wire_of_a_mirror_has_its_shape_and_slot():
    mirror = Mirror(squared_loss(), pipeline="tidy")
    columns = mirror.emitted.columns
    for key, wire in mirror.scene.wires.items():
        if key[0] == "v":
            shape = columns.shape(int(columns.operands[int(key[1:])]))
            assert wire.shape.text == symbols.shape_line(shape).text
    heads = [w.head for w in mirror.scene.wires.values() if w.slot]
    products = [k for k, n in mirror.scene.nodes.items() if n.lines[0].text == "@"]
    assert sorted(heads) == sorted(products * 2)


def test_scalar_circuits_have_no_shapes():
    for options in ({}, {"mirror": True}):
        scene = scene_of(example("worked_example"), **options)
        assert not shapes_of(scene)
        for theme in THEMES.values():
            assert "muted" not in write_tikz(scene, theme)
    assert "32" not in cg.tree(example("worked_example"))


@pytest.mark.parametrize("theme", THEMES)
def test_shapes_are_muted(theme):
    colors, circuit = THEMES[theme], squared_loss()
    svg = circuit.draw(theme=theme).data.decode()
    muted = re.findall(rf'<g class="ink" fill="{colors.muted}">', svg)
    assert len(muted) == len(shapes_of(scene_of(circuit)))
    tex = circuit.draw(format="tikz", theme=theme).data.decode()
    assert tex.count(r"\node[lengths]") == len(muted)
    assert rf"\definecolor{{cgmuted}}{{HTML}}{{{colors.muted[1:].upper()}}}" in tex
    assert re.sub(r"(?<!\\)%.*", "", tex).isascii()


# ---------------------------------------------------------------------- layout


def box(at, lines):
    width, height = extent(lines)
    return at[0] - width / 2, at[1] - height / 2, at[0] + width / 2, at[1] + height / 2


def overlap(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 < min(a[3], b[3]) - max(a[1], b[1])


def labels_apart(scene):
    """See that no label is on another one, nor on what stands in a node."""
    labels = [
        (wire.key, box(at, [label]))
        for wire in scene.wires.values()
        for label, at in wire.labels
    ]
    for (key, one), (other, two) in combinations(labels, 2):
        assert not overlap(one, two), (key, other)
    for node in scene.nodes.values():
        inside = box((node.place.x, node.place.y), node.lines)
        assert inside[2] - inside[0] <= node.place.width
        assert inside[3] - inside[1] <= node.place.height
        for key, label in labels:
            assert not overlap(inside, label), (node.key, key)
    return True


@pytest.mark.parametrize("name", SCENES)
def test_labels_are_off_each_other_and_nodes_apart(name):
    scene = SCENES[name]
    assert labels_apart(scene)
    for one, other in combinations(scene.nodes.values(), 2):
        a, b = one.place, other.place
        apart = max(
            abs(a.x - b.x) - (a.width + b.width) / 2,
            abs(a.y - b.y) - (a.height + b.height) / 2,
        )
        assert apart > -1, (one.key, other.key)


@pytest.mark.parametrize("name", SCENES)
def test_shapes_stand_on_their_own_wires(name):
    for wire in SCENES[name].wires.values():
        points = points_of(wire.curve)
        step = np.hypot(*np.diff(points, axis=0).T).max()
        for label, at in wire.labels:
            if label is not wire.slot:
                assert np.hypot(*(points - at).T).min() <= step, wire.key


@pytest.mark.parametrize("name", SCENES)
def test_wires_run_through_no_node(name):
    scene = SCENES[name]
    for wire in scene.wires.values():
        points = points_of(wire.curve)
        for key, node in scene.nodes.items():
            if key in (wire.tail, wire.head):
                continue
            at = node.place
            reach = abs(points - (at.x, at.y)) / (at.width / 2 - 1, at.height / 2 - 1)
            inside = (
                (reach**2).sum(axis=1) < 1
                if node.shape == "ellipse"
                else reach.max(axis=1) < 1
            )
            assert not inside.any(), (wire.key, key)


@pytest.mark.parametrize("name", SCENES)
def test_ends_of_wires_meet_their_nodes(name):
    scene = SCENES[name]
    for wire in scene.wires.values():
        for key, end in ((wire.tail, wire.curve[0]), (wire.head, wire.curve[-1])):
            at = scene.nodes[key].place
            reach = max(
                2 * abs(end[0] - at.x) / at.width, 2 * abs(end[1] - at.y) / at.height
            )
            assert reach < 1.1, (wire.key, key)


@pytest.mark.parametrize("name", SLIDES)
def test_a_figure_fits_a_slide(name):
    """Scaled to 1280 by 720 its smallest letters, those of shapes, can be read."""
    scene = SCENES[name]
    smallest = min(label.size for label in scene.labels)
    assert SIZE * smallest * fit(scene) >= SLIDES[name]


def test_a_network_runs_from_left_to_right():
    scene = SCENES["squares gradient"]
    for wire in scene.wires.values():
        assert scene.nodes[wire.tail].place.x < scene.nodes[wire.head].place.x
    mirror = SCENES[f"squares tidy {WEIGHTS}"]
    pairs = [
        (mirror.nodes[f"n{key[1:]}"].place, node.place)
        for key, node in mirror.nodes.items()
        if key[0] == "m"
    ]
    assert pairs
    assert all(abs(a.x - b.x) < 0.1 and a.y > b.y for a, b in pairs)
    axis = [a.y + b.y for a, b in pairs]
    assert max(axis) - min(axis) < 0.1


def test_what_is_wide_runs_upwards():
    """Whichever is larger on a slide."""
    names = [f"x{i}" for i in range(20)]
    circuit = cg.trace(
        lambda *xs: {"f": F.concatenate(*xs)},
        inputs=names,
        shapes=dict.fromkeys(names, (3,)),
    )
    scene = scene_of(circuit)
    for wire in scene.wires.values():
        assert scene.nodes[wire.tail].place.y < scene.nodes[wire.head].place.y
    sizes = [fit(scene), fit(turning.turned(scene))]
    assert sizes[0] > sizes[1]


def test_the_same_bytes_each_time():
    options = {"mirror": True, "wrt": WEIGHTS}
    assert squared_loss().draw(**options).data == squared_loss().draw(**options).data


def test_a_mirror_by_some_inputs():
    whole, part = (Mirror(squared_loss(), wrt=wrt) for wrt in (None, "W2"))
    names = ({n.title for n in m.scene.nodes.values()} for m in (whole, part))
    whole_names, part_names = names
    assert {"∂f/∂X", "∂f/∂W₁", "∂f/∂W₂", "∂f/∂g₁"} <= whole_names
    assert {"∂f/∂W₂", "∂f/∂g₃", "∂f/∂f"} <= part_names
    assert part_names.isdisjoint({"∂f/∂X", "∂f/∂Y", "∂f/∂W₁", "∂f/∂g₁"})
    with pytest.raises(cg.CircuitError, match="W9"):
        squared_loss().draw(mirror=True, wrt="W9")


# ---------------------------------------------------------------------- formulas


def equations(circuit, **options):
    """Give what the chain rule says, by the visit."""
    found = {}
    for line in cg.steps(circuit, **options).text().splitlines():
        left, _, right = line.partition(" = ")
        found[left.split()[-1]] = right
    return found


def test_the_chain_rule_is_what_backpropagation_does():
    found = equations(cross_entropy())
    assert found["∂f/∂W₂"] == "(∂f/∂g₃)ᵀ"
    assert found["∂f/∂g₃"] == "A₁ᵀ (∂f/∂g₄)"
    assert found["∂f/∂Z₁"] == "∂f/∂A₁ ⊙ step(Z₁)"
    assert found["∂f/∂b₁"] == "Σ₀(∂f/∂Z₁)"
    assert found["∂f/∂Z₂"] == "∂f/∂g₅ − Σ₁(∂f/∂g₅) ⊙ softmax(Z₂)"
    assert found["∂f/∂g₆"] == "broadcast(∂f/∂g₇, 32×10)"
    assert equations(squared_loss())["∂f/∂g₄"] == "2·∂f/∂f·g₄"


def test_terms_with_a_sign_are_in_brackets_among_others():
    circuit = cg.trace(
        lambda a: F.squared_norm(a) - F.sum(a, axis=0), shapes={"a": (3,)}
    )
    found = equations(circuit)
    assert found["∂f/∂a"] == "2·∂f/∂g₁·a + broadcast(∂f/∂g₂, [3])"
    circuit = cg.trace(lambda a: F.sum((1 - a) * a, axis=0), shapes={"a": (3,)})
    assert equations(circuit)["∂f/∂a"] == "(−∂f/∂g₁) + ∂f/∂g₂ ⊙ g₁"


def test_forward_mode_pushes_derivatives_forward():
    found = equations(small(), mode="forward", wrt="W")
    assert found["∂g₁/∂W"] == "(∂W/∂W) x"
    assert found["∂g₃/∂W"] == "∂g₂/∂W ⊙ step(g₂)"
    assert found["∂f/∂W"] == "2·Σ(g₃ ⊙ ∂g₃/∂W)"


FORMULAS = {
    "(A + B) C": lambda A, B, C: (A + B) @ C,
    "A (B + C)": lambda A, B, C: A @ (B + C),
    "(A + B)ᵀ": lambda A, B, C: (A + B).T,
    "(A B)ᵀ": lambda A, B, C: (A @ B).T,
    "(Aᵀ)⁻¹ B": lambda A, B, C: F.solve(A.T, B),
    "(A ⊙ B) C": lambda A, B, C: (A * B) @ C,
    "A ⊙ B C": lambda A, B, C: A * (B @ C),
    "A ⊙ B ⊙ C": lambda A, B, C: A * B * C,
    "A ⊘ (B ⊙ C)": lambda A, B, C: A / (B * C),
    "(A − B) ⊙ C": lambda A, B, C: (A - B) * C,
    "1 ⊘ A": lambda A, B, C: 1 / A,
    "(A B)^⊙2": lambda A, B, C: (A @ B) ** 2,
    "tr(A B)·C": lambda A, B, C: F.trace(A @ B) * C,
    "A/det(B)": lambda A, B, C: A / F.det(B),
    "‖A − B‖²": lambda A, B, C: F.squared_norm(A - B),
    "σ(A B + C)": lambda A, B, C: F.sigmoid(A @ B + C),
    "(A B)[:, 1:2]": lambda A, B, C: (A @ B)[:, 1:2],
    "reshape(A, [4])": lambda A, B, C: F.reshape(A, shape=(4,)),
    "(2·A) B": lambda A, B, C: (2 * A + 0 * B) @ B,
    "LReLU(A, 1/2)": lambda A, B, C: F.leaky_relu(A, 0.5),
    "√A": lambda A, B, C: F.sqrt(A),
    "|A|": lambda A, B, C: abs(A),
    "max(A, B)": lambda A, B, C: F.max(A, B),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_brackets_stand_where_they_are_needed(text):
    """All of a circuit as one formula."""
    from circuitgrad.figures.printers import Latex, Unicode

    circuit = cg.run(
        cg.trace(FORMULAS[text], shapes=dict.fromkeys("ABC", (2, 2))), "fold"
    )
    for printer, signs in ((Unicode(), notation.UNICODE), (Latex(), notation.LATEX)):
        names = [printer.name(name) for name in circuit.inputs]
        values = notation.array_values(circuit, printer, signs, names)
        found = printer.lift(values[circuit.outputs[0][1]]).text
        if signs is notation.UNICODE:
            assert found.replace("-", "−") == text
        else:
            assert found.isascii()


def test_a_circuit_as_equations_of_matrices():
    text = write_latex(cg.gradient(cross_entropy(), wrt="W1"))
    for equation in (
        r"$X\;(32 \times 784)$",
        r"$b_{1}\;(128)$",
        r"g_{1} &= W_{1}^{\mathsf{T}} \\",
        r"g_{2} &= X \, g_{1} \\",
        r"A_{1} &= \mathrm{ReLU}(Z_{1}) \\",
        r"\odot",
    ):
        assert equation in text
    assert text.isascii()
    depth = 0
    for bracket in re.findall(r"\\[{}]|[{}]", text):
        depth += {"{": 1, "}": -1}.get(bracket, 0)
        assert depth >= 0
    assert depth == 0


# ---------------------------------------------------------------------- values


def test_values_of_small_arrays_are_their_entries():
    shown = texts(scene_of(small(), at=AT))
    assert {"(1, 2, 3; 4, 5, 6)", "(1, 0, −1)", "(−1.5, 7)", "49"} <= set(shown)
    mirrored = texts(scene_of(small(), mirror=True, at=AT))
    assert "(0, 0, 0; 14, 0, −14)" in mirrored  # by W
    assert cg.tree(small(), at=AT).splitlines()[0] == "f: ‖·‖²            = 49"


def test_values_of_large_arrays_are_their_range():
    assert value_label(np.linspace(-1, 2, 100)) == "−1 … 2"
    assert value_label(np.ones((5, 5))) == "all 1"
    assert value_label(np.array([1.0, np.nan, 2, 3, 4])) == "some nan"
    assert value_label(np.full(9, np.nan)) == "all nan"
    large = np.linspace(-1, 2, 100), np.ones((5, 5)), np.array([0, 1, 2, 3, np.nan])
    for value in (*large, np.eye(3), np.ones(3)):
        line = value_line(value)
        assert line.tex.isascii()
        assert typeset(line).glyphs
    assert r"\begin{pmatrix}" in value_line(np.eye(2)).tex


@pytest.mark.parametrize(
    "options",
    [
        {"at": {"x": AT["x"], "b": AT["b"]}},
        {"at": {**AT, "q": 1}},
        {"at": {**AT, "W": 1}},
        {"at": {**AT, "W": [[1, 2], [3]]}},
        {"mirror": True, "at": {**AT, "x": "abc"}},
        {"cut": "g1", "at": {**AT, "g1": 3}},
    ],
    ids=str,
)
def test_values_that_are_none_are_refused_before_anything_is_written(options, tmp_path):
    with pytest.raises(cg.CircuitError):
        small().draw(str(tmp_path / "f.svg"), **options)
    assert not list(tmp_path.iterdir())


def test_a_gate_of_arrays_that_is_cut_off():
    shown = texts(scene_of(small(), cut="g2", at={**AT, "g2": [3, -4]}))
    assert "(3, −4)" in shown
    assert "9" in shown


# ---------------------------------------------------------------------- the rest


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "tex"])
def test_the_formats(ending, tmp_path):
    path = tmp_path / f"f.{ending}"
    for options in ({"at": AT}, {"mirror": True, "legend": True, "theme": "dark"}):
        small().draw(str(path), **options)
        start = {"svg": b"<svg", "pdf": b"%PDF", "png": b"\x89PNG", "tex": b"% "}
        assert path.read_bytes().startswith(start[ending])


def test_parts_of_a_circuit(tmp_path):
    near = scene_of(cross_entropy(), near=2)
    assert any(node.dashed for node in near.nodes.values())
    assert shapes_of(near)
    for name in ("steps", "s.pdf", "s.svg", "s.gif", "s.tex"):
        cg.steps(small(), str(tmp_path / name), at=AT)
    slides = small().draw(format="tikz", overlay=True, mirror=True).data.decode()
    assert re.search(r"\\node<\d+->\[lengths]", slides)


def test_trees_have_shapes_in_a_column():
    lines = cg.tree(squared_loss()).splitlines()
    assert lines[0] == "f: ‖·‖²"
    assert lines[1] == "└─ +               32×10"
    assert lines[-1] == "   └─ −Y           32×10"
    columns = {
        line.index("×") - len(line.split()[-1].partition("×")[0]) for line in lines[1:]
    }
    assert columns == {19}


def data_of(text):
    (block,) = re.findall(r'id="data">(.*?)</script>', text)
    return json.loads(block)


def test_a_page_steps_through_arrays_and_takes_no_values(tmp_path):
    data = data_of(cg.page(squared_loss()))
    assert data["inputs"] == []
    assert "the pass scalarize" in data["silent"]
    (view,) = data["views"]  # forward mode would have 10^10 entries
    assert "over 100000000 entries" in data["note"]
    assert view["program"] == []
    assert len(view["steps"]) == 9
    assert view["halves"][0][0] == "C above, ∇C below"
    kinds = [
        len(each) == 4 and each[3] for *_, labels in view["wires"] for each in labels
    ]
    assert kinds.count(2) == len(shapes_of(scene_of(squared_loss(), mirror=True)))
    assert len(data_of(cg.page(small()))["views"]) == 2
    path = tmp_path / "f.html"
    with pytest.raises(cg.CircuitError, match="the pass scalarize makes inputs"):
        cg.page(small(), str(path), at=AT)
    assert not path.exists()
    assert data_of(cg.page(example("worked_example")))["silent"] == ""


def test_outputs_that_are_arrays_have_no_gradient(tmp_path):
    circuit = cg.trace(lambda z: F.softmax(z), shapes={"z": (3,)})
    assert circuit.draw().format == "svg"
    for refused in (
        lambda: circuit.draw(str(tmp_path / "f.svg"), mirror=True),
        lambda: cg.steps(circuit, str(tmp_path / "f.pdf")),
        lambda: cg.page(circuit, str(tmp_path / "f.html")),
    ):
        with pytest.raises(cg.ShapeError, match="a gradient is that of a scalar"):
            refused()
    assert not list(tmp_path.iterdir())
    entries = cg.run(circuit, "scalarize")
    assert entries.draw(mirror=True, of=entries.output_names[0]).format == "svg"


def test_the_figures_of_the_docs_are_those_of_a_slide():
    for name in ("two_layer_gradient", "two_layer_mirror"):
        svg = (ROOT / "docs" / "figures" / f"{name}.svg").read_text()
        width, height = map(float, re.findall(r'="([\d.]+)pt"', svg)[:2])
        assert SIZE * symbols.SHAPE * min(1280 / width, 720 / height) >= 10
