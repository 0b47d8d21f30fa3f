"""The circuit as a value: two encodings, JSON, cutting, verifying, pickling."""

from __future__ import annotations

import json
import pickle

import networkx as nx
import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from strategies import POINTS, at, circuits, rational_circuits

import circuitgrad as cg
from circuitgrad.columns import Columns
from circuitgrad.formats.json import parse_json, write_json
from circuitgrad.names import Names


def test_the_graph_is_the_networkx_dag():
    graph = cg.parse("circuit c\ninput x\nsq = x*x\nf = 3*sq + 5\noutput f\n").graph
    assert isinstance(graph, nx.MultiDiGraph)
    assert nx.is_directed_acyclic_graph(graph)
    assert list(graph.nodes(data=True)) == [
        (0, {"op": "input", "name": "x"}),
        (1, {"op": "constant", "value": "1"}),
        (2, {"op": "prod", "name": "sq"}),
        (3, {"op": "sum", "name": "f"}),
    ]
    assert sorted(graph.edges(keys=True, data="weight")) == [
        (0, 2, 0, None),
        (0, 2, 1, None),
        (1, 3, 1, "5"),
        (2, 3, 0, "3"),
    ]
    assert graph.graph["outputs"] == [["f", 3]]
    with pytest.raises(nx.NetworkXError):
        graph.add_node(9)


@settings(max_examples=150, deadline=None)
@given(circuits())
def test_the_two_encodings_agree(circuit):
    """Decoding the graph gives the same columns, names and outputs."""
    again = cg.Circuit.from_graph(circuit.graph)
    assert again == circuit
    assert again.names.tolist() == circuit.names.tolist()
    assert again.name == circuit.name
    assert nx.utils.graphs_equal(again.graph, circuit.graph)
    for vertex in circuit.graph:
        slots = sorted((k, u) for u, _, k in circuit.graph.in_edges(vertex, keys=True))
        assert [u for _, u in slots] == circuit.columns.operands_of(vertex)


@settings(max_examples=60, deadline=None)
@given(rational_circuits(), POINTS)
def test_a_graph_with_other_node_names_and_order(circuit, point):
    """Any hashable nodes, in any order: the vertices are sorted topologically."""
    nodes = list(reversed(list(circuit.graph)))
    graph = nx.MultiDiGraph(**circuit.graph.graph)
    graph.add_nodes_from((("node", n), circuit.graph.nodes[n]) for n in nodes)
    for u, v, key, data in circuit.graph.edges(keys=True, data=True):
        graph.add_edge(("node", u), ("node", v), key=key, **data)
    graph.graph["inputs"] = [
        ("name", ("node", n)) for n in circuit.graph.graph["inputs"]
    ]
    graph.graph["outputs"] = [
        (s, ("node", n)) for s, n in circuit.graph.graph["outputs"]
    ]
    again = cg.Circuit.from_graph(graph)
    assert cg.isomorphic(again, circuit)
    assert cg.evaluate(again, at(circuit, point)) == cg.evaluate(
        circuit, at(circuit, point)
    )


@settings(max_examples=100, deadline=None)
@given(circuits())
def test_json_round_trip(circuit):
    text = write_json(circuit)
    assert parse_json(text) == circuit
    assert write_json(parse_json(text)) == text
    graph = nx.node_link_graph(json.loads(text), edges="edges")
    assert nx.utils.graphs_equal(graph, circuit.graph)


@settings(max_examples=60, deadline=None)
@given(circuits())
def test_pickling(circuit):
    again = pickle.loads(pickle.dumps(circuit))
    assert again == circuit
    assert str(again) == str(circuit)
    assert hash(again) == hash(circuit)


def test_columns_are_read_only_and_normalised():
    circuit = cg.parse("input x\nc = 5\nf = 2*c + x + c\noutput f\n")
    columns = circuit.columns
    with pytest.raises(ValueError, match="read-only"):
        columns.operands[0] = 0
    assert "f = 10 + x + 5" in str(circuit)
    assert columns.shapes.tolist() == [0] * len(columns)


def test_cut_is_definition_2_of_the_notes():
    circuit = example("worked_example")
    cut = circuit.cut("u1")
    assert cut.inputs == ("x1", "x2", "u1")
    assert cg.isomorphic(
        cut,
        cg.parse("input x1, x2, u1\nu2 = x1*x2\nu3 = u1 + u2\ny = u1*u3\noutput y\n"),
    )
    assert circuit.cut("u3").stats().size == 2
    assert circuit.cut("x1") is circuit
    assert circuit.cut("y").size == 0
    with pytest.raises(cg.CircuitError, match="no vertex 'u9'; there are"):
        circuit.cut("u9")
    with pytest.raises(cg.CircuitError, match="a constant cannot"):
        cg.parse("input x\nc = 5\nf = c*x\noutput f\n").cut("c")


def test_cutting_an_unnamed_gate_uses_its_label():
    circuit = cg.parse_expression("sin(x*y)")
    cut = circuit.cut("g1")
    assert cut.inputs == ("x", "y", "g1")
    assert str(cut).splitlines()[1] == "f = sin(g1)"


@settings(max_examples=80, deadline=None)
@given(circuits())
def test_labels_are_distinct_identifiers(circuit):
    gates = circuit.labels[circuit.columns.sources :]
    assert len(set(gates)) == len(gates)
    assert circuit.verify() is circuit
    for vertex, label in enumerate(circuit.labels):
        if vertex >= circuit.columns.sources or vertex < circuit.columns.inputs:
            assert circuit.vertex(label) == vertex


def damaged(circuit, **changes):
    columns = circuit.columns
    arrays = {
        key: np.array(
            changes.get(key, getattr(columns, key)), dtype=getattr(columns, key).dtype
        )
        for key in ("op", "offsets", "operands", "weights", "params", "shapes")
    }
    given = changes.get("names", circuit.names.tolist())
    names = Names.of(len(given), {v: n for v, n in enumerate(given) if n is not None})
    return cg.Circuit(Columns(**arrays), names, changes.get("outputs", circuit.outputs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operands": [0, 0, 0, 4]}, "an operand that comes later"),
        ({"weights": [2, 1, 1, 1]}, "a weight outside a sum"),
        ({"params": [-1, 1, 5, -1]}, "a parameter, against prod"),
        ({"op": [0, 1, 14, 2]}, "2 operands, which sinh does not take"),
        ({"offsets": [0, 1, 1, 3, 4]}, "no wires into sources"),
        ({"params": [2, 1, -1, -1]}, "no values of inputs"),
        ({"params": [-1, -1, -1, -1]}, "a value for each constant"),
        ({"op": [0, 2, 3, 1]}, "inputs, then constants, then gates"),
        ({"names": ["x", None, "x", None]}, "two vertices are named 'x'"),
        ({"names": [None, None, "x", None]}, "a name for every input"),
        ({"names": ["a b", None, None, None]}, "'a b' is not an identifier"),
        ({"outputs": []}, "needs an output"),
        ({"outputs": [("f", 3), ("f", 2)]}, "two outputs are named 'f'"),
        ({"outputs": [("f", 9)]}, "outputs that are vertices"),
    ],
)
def test_verify_finds_what_is_wrong(changes, message):
    circuit = cg.parse("input x\nsq = x*x\nf = sq + 5\noutput f\n")
    with pytest.raises(cg.CircuitError, match=message):
        damaged(circuit, **changes).verify()


def test_it_shows_itself():
    circuit = example("fig1")
    assert repr(circuit).startswith("circuit fig1\ninput x, y, z\n")
    bundle = circuit._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg ")
    assert bundle["text/plain"] == repr(circuit)
    long = cg.trace(
        lambda *x: cg.functions.prod(*x), inputs=[f"x{i}" for i in range(999)]
    )
    assert repr(cg.gradient(long)) == "<circuit: 999 inputs, 2991 gates, 999 outputs>"
    assert "image/svg+xml" not in cg.gradient(long)._repr_mimebundle_()


def test_equality_is_of_gates_in_order():
    a = cg.parse("input x, y\nu = x*y\nf = u + x\noutput f\n")
    assert a == cg.parse("input x, y\nother = x*y\nf = other + x\noutput f\n")
    assert a != cg.parse("input x, y\nu = y*x\nf = u + x\noutput f\n")
    assert a != cg.parse("input x, y\nu = x*y\nf = u + 2*x\noutput f\n")
    assert a != cg.parse("input x, y\nu = x*y\nh = u + x\noutput h\n")
    assert a != "circuit"


def test_a_circuit_cannot_be_set():
    circuit = example("fig1")
    with pytest.raises(AttributeError, match="a circuit is a value"):
        circuit.name = "other"
    with pytest.raises(AttributeError):
        circuit.other = 1
