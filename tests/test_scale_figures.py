"""Circuits too large to be drawn whole: cones, what is near an output, profiles."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from conftest import EXAMPLES, example
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.cli import main
from circuitgrad.figures import extract, graphviz, layout, profile
from circuitgrad.figures.drawing import scene_of
from circuitgrad.figures.elements import elements, role_of
from circuitgrad.figures.legend import with_legend
from circuitgrad.figures.typeset import _open_rows
from circuitgrad.simplify.rewrites import recording


@pytest.fixture
def small_limit(monkeypatch):
    """Figures of at most 5 gates."""
    monkeypatch.setattr(extract, "MAX_GATES", 5)


def powers(count):
    """Give the circuit of x^2, x^4, x^8 ..., whose gates are a chain."""
    lines = [f"p{i + 1} = p{i}*p{i}" for i in range(count)]
    text = ["input p0, q", *lines, "s = q + q"]
    return cg.parse("\n".join([*text, f"output p{count}, p2, s"]) + "\n")


def gates_of(scene):
    return [n for n in scene.nodes.values() if n.shape == "ellipse"]


def texts(scene):
    return [line.text for node in scene.nodes.values() for line in node.lines]


# ------------------------------------------------------------------ profiles


def levels_by_networkx(circuit):
    """Count gates by level and role, by another library and without arrays."""
    graph, level, found = circuit.graph, {}, Counter()
    live = set()
    for _, vertex in circuit.outputs:
        live |= {vertex, *nx.ancestors(graph, vertex)}
    for v in nx.topological_sort(graph):
        below = [level[u] for u in graph.predecessors(v)]
        gate = v in live and v >= circuit.columns.sources
        level[v] = max(below, default=0) + gate
        if gate:
            found[level[v], role_of(circuit, v)] += 1
    return found


def check_counts(circuit):
    depth, found = profile.counts(circuit)
    expected = levels_by_networkx(circuit)
    assert depth == max((level for level, _ in expected), default=0)
    counted = {
        (at + 1, role): n
        for role, of_level in found.items()
        for at, n in enumerate(of_level.tolist())
        if n
    }
    assert counted == expected


@given(circuits())
@settings(max_examples=30, deadline=None)
def test_a_profile_counts_the_gates_of_each_level_and_role(circuit):
    check_counts(circuit)
    check_counts(cg.gradient(circuit, of=circuit.output_names[0]))


def test_profiles_of_the_examples():
    for path in sorted(EXAMPLES.glob("*.cg")):
        check_counts(cg.jacobian(cg.read(path)))


@pytest.mark.parametrize("count", [6, 39, 40, 41, 200])
def test_bars_add_up_whatever_their_number(small_limit, count):
    circuit = powers(count)
    scene = scene_of(circuit)
    bars = [node for node in scene.nodes.values() if node.shape == "bar"]
    assert 0 < len(bars) <= profile.MAX_BARS
    assert len({bar.place.y for bar in bars}) == len(bars)
    written = [n for key, n in scene.nodes.items() if key.startswith("count")]
    assert sum(int(n.lines[0].text) for n in written) == circuit.size == count + 1
    lengths = np.array([bar.place.width for bar in bars])
    numbers = np.array([int(n.lines[0].text) for n in written])
    assert np.allclose(lengths / numbers, lengths[0] / numbers[0])
    title = f"a profile: {count + 1} gates in {count} levels"
    assert any(text.startswith(title) for text in texts(scene))


def test_bars_of_a_gradient_are_stacked_by_role_with_a_legend(small_limit):
    gradient = cg.gradient(example("perceptron"), of="loss")
    scene = scene_of(gradient)
    roles = {n.role for n in scene.nodes.values() if n.shape == "bar"}
    assert {"copy", "adjoint", "partial"} <= roles
    for each in ("svg", "pdf", "png", "tikz"):
        assert gradient.draw(format=each, legend=True).data


def test_a_profile_says_so_and_what_to_do(small_limit):
    with recording() as journal:
        scene = scene_of(powers(30), at={"p0": 1, "q": 2})
    assert "a figure has at most" in scene.title
    notes = " ".join(journal.notes)
    assert "a profile shows no values" in notes
    assert "--of NAME" in notes
    assert "--near 2" in notes  # p30, p29, p2, p1 and s: five gates


def test_no_gates_have_a_profile_too(monkeypatch):
    monkeypatch.setattr(extract, "MAX_WIRES", 1)
    assert scene_of(cg.parse("input x, y\noutput x\n")).nodes


def test_a_large_circuit_is_text_alone_in_a_notebook():
    assert set(powers(300)._repr_mimebundle_()) == {"text/plain"}


# ------------------------------------------------------------------ cones


def test_one_output_is_drawn_with_what_it_depends_on(small_limit):
    scene = scene_of(powers(30), of="p2", at={"p0": 3, "q": 0})
    assert len(gates_of(scene)) == 2
    shown = texts(scene)
    assert {"3", "9", "81"} <= set(shown)
    assert "q" not in shown  # it does not depend on it
    assert "2 of 31 gates: those that the output depends on" in shown


def test_a_cone_that_is_too_large_is_a_profile(small_limit):
    scene = scene_of(powers(30), of="p30")
    assert "30 gates in 30 levels" in scene.title


def test_no_such_output():
    with pytest.raises(cg.CircuitError, match="no output 'q'; there are: p3, p2, s"):
        powers(3).draw(of="q")


# ------------------------------------------------------------------ near outputs


@pytest.mark.parametrize("near", [1, 2, 3, 9])
@given(circuits())
@settings(max_examples=15, deadline=None)
def test_near_draws_the_gates_at_most_so_many_wires_away(near, circuit):
    graph = nx.DiGraph(circuit.graph)
    roots = [v for _, v in circuit.outputs]
    far = nx.multi_source_dijkstra_path_length(
        graph.reverse(), set(roots), weight=lambda *wire: 1
    )
    first = circuit.columns.sources
    inside = {v for v, d in far.items() if v >= first and d < near}
    part = extract.part(circuit, near)
    small = part.circuit.verify()
    kept = part.vertices[small.columns.sources :]
    assert set(kept) == inside
    operands = {u for v in inside for u in graph.predecessors(v)} - inside
    assert part.cut == sum(u >= first for u in operands)
    for here, there in enumerate(part.vertices):
        ours = [part.vertices[u] for u in small.columns.operands_of(here)]
        assert ours == (circuit.columns.operands_of(there) if there in inside else [])
        assert small.columns.weights_of(here) == (
            circuit.columns.weights_of(there) if there in inside else []
        )
    assert [n for n, _ in small.outputs] == [n for n, _ in circuit.outputs]
    assert [part.vertices[v] for _, v in small.outputs] == roots


def test_what_is_cut_off_is_dashed_and_the_figure_says_so(small_limit):
    scene = scene_of(powers(30), of="p30", near=3, at={"p0": 1, "q": 0})
    (cut,) = [node for node in scene.nodes.values() if node.dashed]
    assert cut.shape == "box"
    assert cut.lines[0].text == "p₂₇"
    assert cut.title == "p27 = 1"
    assert any("dashed: gates that are not drawn" in text for text in texts(scene))
    assert "3 of 31 gates" in " ".join(texts(scene))
    words = texts(with_legend(scene))
    assert "equal to what its wire comes from" not in words  # dashed in mirrors


def test_near_that_is_too_large_is_a_profile(small_limit):
    with recording() as journal:
        scene = scene_of(powers(30), of="p30", near=6)
    assert "a profile" in scene.title
    assert "--near 5" in " ".join(journal.notes)


def test_unnamed_gates_keep_the_names_that_text_gives_them():
    circuit = cg.trace(
        lambda x: cg.functions.sin(cg.functions.exp(x * x)), inputs=["x"]
    )
    part = extract.part(circuit, 1)
    (vertex,) = part.vertices[:1]
    assert part.circuit.inputs == (circuit.labels[vertex],)


def test_mirrors_above_the_limit_are_refused_before_they_are_made(small_limit):
    with pytest.raises(cg.LimitError, match="30 gates: a figure has at most"):
        powers(30).draw(mirror=True, of="p30")
    with pytest.raises(cg.CircuitError, match="near goes without it"):
        powers(30).draw(mirror=True, of="s", near=2)
    assert powers(30).draw(mirror=True, of="s").data  # its own gates are few


def test_overlays_and_cuts_above_the_limit_are_refused(small_limit):
    with pytest.raises(cg.LimitError, match="31 gates: a figure has at most"):
        powers(30).draw(format="tikz", overlay=True)
    with pytest.raises(cg.LimitError, match="31 gates: a figure has at most"):
        powers(30).draw(cut="p3")
    with pytest.raises(cg.CircuitError, match="leave out near"):
        powers(30).draw(format="tikz", overlay=True, near=2)


# ------------------------------------------------------------------ the shell


def test_draw_at_a_shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cg.write(powers(600), "big.cg")

    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["draw", "big.cg", "-o", "f.svg", *words])
        return left.value.code, capsys.readouterr().err

    status, words = run()
    assert status == 0
    assert words.startswith("note: drawn as a profile, a chart of gates by level: more")
    assert run("--of", "p2") == (0, "")
    assert run("--near", "3", "--of", "p600") == (0, "")
    status, words = run("--mirror", "--of", "p600")
    assert status == 4
    assert "600 gates: a figure has at most 500 gates" in words
    assert run("--near", "0")[0] == 2
    assert run("--near", "3", "--mirror")[0] == 2


# ------------------------------------------------------------------ Graphviz


def test_a_layout_in_a_process_of_its_own_is_the_same(monkeypatch):
    scene = elements(example("fig1"))
    here = layout.place(scene)
    monkeypatch.setattr(layout, "MAX_REACH_IN_PROCESS", -1)
    assert layout.place(scene) == here


def test_a_layout_that_takes_too_long_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(graphviz, "MAX_SECONDS", 0.2)
    monkeypatch.setattr(graphviz, "_CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr(layout, "MAX_REACH_IN_PROCESS", -1)
    with pytest.raises(cg.LimitError, match=r"within 0\.2 s .* --near N or --of NAME"):
        example("fig1").draw(str(tmp_path / "f.svg"))
    assert not list(tmp_path.iterdir())


def test_a_process_of_its_own_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(graphviz, "_CHILD", "raise SystemExit('no pygraphviz')")
    monkeypatch.setattr(layout, "MAX_REACH_IN_PROCESS", -1)
    with pytest.raises(cg.RenderError, match="dot failed: no pygraphviz"):
        example("fig1").draw()


def test_a_script_without_a_main_guard_draws_a_large_circuit(tmp_path):
    """And no module of the directory takes the place of one of the library's."""
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit('not this one')\n")
    (tmp_path / "script").mkdir()
    script = tmp_path / "script" / "script.py"
    script.write_text(
        "import circuitgrad as cg\n"
        "lines = [f'p{i + 1} = p{i}*p{i} + x' for i in range(60)]\n"
        "circuit = cg.parse('\\n'.join(['input x, p0', *lines, 'output p60', '']))\n"
        "print(len(circuit.draw().data))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True
    )
    assert int(done.stdout) > 10_000, done.stderr


def test_wires_that_cross_many_levels_are_straight(monkeypatch):
    scene = elements(powers(8))
    assert layout._reach(scene) == 8 * 2 + 2 + 3  # wires, and arrows to outputs
    monkeypatch.setattr(layout, "MAX_REACH", 0)
    placed = layout.place(scene)
    assert all(len(wire.curve) >= 4 for wire in placed.wires.values())
    assert set(placed.nodes) == set(scene.nodes)


def test_rows_of_one_are_set_as_what_is_in_them():
    """Except above a line, where ziamath sets them otherwise."""
    from xml.etree import ElementTree

    text = "<m><mrow><a><mrow><b/></mrow></a></mrow><msup><mrow><c/></mrow></msup></m>"
    tree = ElementTree.fromstring(text)
    _open_rows(tree)
    found = ElementTree.tostring(tree, "unicode").replace(" /", "/")
    assert found == "<m><a><b/></a><msup><mrow><c/></mrow></msup></m>"
