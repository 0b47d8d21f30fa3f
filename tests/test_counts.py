"""Counts, case by case as the specification words them."""

from __future__ import annotations

import pytest
from conftest import example, shared_files
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.metrics import operation_set

# formula -> size, wires, depth, ops, nonscalar
COUNTS = {
    "x*x": (1, 2, 1, 1, 1),
    "x + y + z": (1, 3, 1, 2, 0),
    "x - 3*y - 3*z + 5": (1, 4, 1, 5, 0),  # 3 additions, 2 weights; 5 costs no weight
    "-x - y": (1, 2, 1, 2, 0),  # one addition, one sign for the whole
    "-x - y + 2": (1, 3, 1, 2, 0),  # a constant feeds the sum: no sign
    "-x": (1, 1, 1, 1, 0),
    "3*x": (1, 1, 1, 1, 0),
    "sum(1)*x": (2, 3, 2, 1, 0),  # a gate of numbers alone costs nothing
    "x*y*z": (1, 3, 1, 2, 2),
    "prod(5, x, y)": (1, 3, 1, 2, 1),
    "prod(5, x)": (1, 2, 1, 1, 0),
    "pi*x": (1, 2, 1, 1, 0),
    "sqrt(pi)*x": (2, 3, 2, 1, 0),
    "x + sqrt(pi)": (2, 3, 2, 1, 0),
    "3*sqrt(pi) + x": (
        2,
        3,
        2,
        1,
        0,
    ),  # a weight on a wire that a constant feeds is free
    "max(x, y, z)": (1, 3, 1, 2, 0),
    "x/y": (1, 2, 1, 1, 1),
    "1/x": (1, 1, 1, 1, 1),
    "x^2": (1, 1, 1, 1, 1),
    "x^y": (1, 2, 1, 1, 1),
    "exp(x)": (1, 1, 1, 1, 0),
    "x*y + sin(x*y)": (4, 7, 3, 4, 2),
}


@pytest.mark.parametrize("formula", COUNTS)
def test_counts(formula):
    stats = cg.parse_expression(formula).stats()
    found = (stats.size, stats.wires, stats.depth, stats.ops, stats.nonscalar)
    assert found == COUNTS[formula]


def test_figure_1_and_figure_3_of_the_notes():
    for name, size, depth, ops in (("fig1", 7, 3, 18), ("fig3", 6, 2, 28)):
        stats = example(name).stats()
        assert (stats.size, stats.depth, stats.ops) == (size, depth, ops)


def test_only_what_an_output_depends_on_counts():
    circuit = cg.parse("input x, y\na = sin(y)\nb = a*x\nf = x*x\noutput f\n")
    assert circuit.stats().as_dict() | {"formal_degree": None} == {
        "inputs": 2,
        "outputs": 1,
        "constants": 0,
        "size": 1,
        "wires": 2,
        "depth": 1,
        "ops": 1,
        "nonscalar": 1,
        "fan_out": 2,
        "multiplicative_depth": 1,
        "formal_degree": None,
    }


@pytest.mark.parametrize(
    ("formula", "degree", "multiplicative_depth", "fan_out"),
    [
        ("(x + y)^3*x", 4, 1, 2),
        ("x*y + x*y*x", 3, 1, 3),
        ("5", 0, 0, 0),
        ("pi*x", 1, 0, 1),
        ("(x*y)*(x*y)*x", 5, 2, 3),
        ("sin(x)", None, 0, 1),
        ("x/y", None, 0, 1),
        ("x^-1", None, 0, 1),
    ],
)
def test_degree_and_depths(formula, degree, multiplicative_depth, fan_out):
    stats = cg.parse_expression(formula).stats()
    assert stats.formal_degree == degree
    assert stats.multiplicative_depth == multiplicative_depth
    assert stats.fan_out == fan_out


def test_repeated_squaring_has_no_countable_degree():
    lines = "".join(f"x{i + 1} = x{i}*x{i}\n" for i in range(200))
    circuit = cg.parse(f"input x0\n{lines}output x200\n")
    assert circuit.stats().formal_degree is None
    assert circuit.stats().multiplicative_depth == 200


@settings(max_examples=150, deadline=None)
@given(circuits())
def test_counts_agree_with_networkx(circuit):
    """Size, wires and depth by an independent walk over the graph."""
    import networkx as nx

    graph = circuit.graph
    roots = [vertex for _, vertex in circuit.outputs]
    live = set(roots).union(*(nx.ancestors(graph, root) for root in roots))
    gates = [v for v in live if graph.nodes[v]["op"] not in ("input", "constant")]
    stats = circuit.stats()
    assert stats.size == len(gates)
    assert stats.wires == sum(graph.in_degree(v) for v in gates)
    below = graph.subgraph(live)
    assert stats.depth == nx.dag_longest_path_length(
        nx.DiGraph(below), default_weight=1, weight=None
    )
    assert {graph.nodes[v]["op"] for v in gates} == operation_set(circuit)


def by_hand_ops(circuit):
    """Count operations gate by gate, as the specification words it."""
    graph = circuit.graph
    varies = {v for v in graph if graph.nodes[v]["op"] == "input"}
    total = 0
    live = set(circuit.live.nonzero()[0].tolist())
    for vertex in graph:
        operands = [
            (u, d.get("weight", "1")) for u, _, d in graph.in_edges(vertex, data=True)
        ]
        if not any(u in varies for u, _ in operands):
            continue
        varies.add(vertex)
        if vertex not in live:
            continue
        op = graph.nodes[vertex]["op"]
        if op in ("prod", "max", "min", "sum"):
            total += len(operands) - 1
        else:
            total += 1
        if op == "sum":
            total += sum(u in varies and w not in ("1", "-1") for u, w in operands)
            total += all(u in varies and w == "-1" for u, w in operands)
    return total


@settings(max_examples=150, deadline=None)
@given(circuits())
def test_ops_agree_with_a_count_by_hand(circuit):
    assert circuit.stats().ops == by_hand_ops(circuit)
    gradient = cg.jacobian(circuit, pipeline="none")
    assert gradient.stats().ops == by_hand_ops(gradient)


@pytest.mark.parametrize("path", shared_files("size"))
def test_the_size_programs_have_the_published_ops(path):
    ops = {
        "determinant": 130,
        "helmholtz": 375,
        "network": 177,
        "product": 29,
        "rosenbrock": 391,
        "symmetric2": 379,
    }
    assert cg.read(path).stats().ops == ops[path.stem]
