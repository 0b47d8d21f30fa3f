"""The same circuit up to names and order: and what is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import circuits

import circuitgrad as cg
from circuitgrad.isomorphism import difference


def circuit(body, inputs="x, y", outputs="f"):
    return cg.parse(
        f"input {inputs}\n" + body.replace("; ", "\n") + f"\noutput {outputs}\n"
    )


SAME = [
    ("a = x*y; f = a + x", "b = y*x; f = x + b"),
    ("a = x*y; b = x + y; f = a/b", "b = y + x; a = x*y; f = a/b"),
    ("a = x - 2*y; f = a^2", "a = -2*y + x; f = a^2"),
    ("a = x*y; b = x*y; f = a/b", "b = y*x; a = x*y; f = b/a"),
    ("a = x*y; dead = sin(x); f = a", "f = x*y"),
]
DIFFERENT = [
    ("f = x/y", "f = y/x", "compute by different gates"),
    ("f = x - 2*y", "f = x + 2*y", "compute by different gates"),
    ("f = x^2 + y", "f = x^3 + y", "compute by different gates"),
    (
        "a = x*y; b = x*y; f = a/b",
        "a = x*y; f = a/a",
        "2 gates against|3 gates against",
    ),
    ("f = x*x*y", "f = x*y*y", "compute by different gates"),
    ("f = max(x, y)", "f = max(y, x)", "compute by different gates"),  # ties differ
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same(a, b):
    assert difference(circuit(a), circuit(b)) is None


@pytest.mark.parametrize(("a", "b", "what"), DIFFERENT)
def test_different(a, b, what):
    found = difference(circuit(a), circuit(b))
    assert found is not None
    assert any(part in found for part in what.split("|"))


def test_sharing_counts():
    """Two equal gates, used alike in number but wired differently, are told apart."""

    def wired(p, q, r, s):
        gates = f"p = sin({p}); q = cos({q}); r = exp({r}); s = log({s})"
        return circuit(f"a = x*y; b = x*y; {gates}; f = p + q + r + s")

    one, two, swapped = wired(*"aabb"), wired(*"abab"), wired(*"bbaa")
    assert difference(one, two) == "gates are shared differently"
    assert cg.isomorphic(one, swapped)


def test_symmetric_copies_need_more_than_counting():
    """Two triangles of equal gates against one hexagon: colours alone cannot tell."""

    def ring(pairs):
        builder = cg.Builder()
        x = builder.input("x")
        copies = [builder.gate("sin", x) for _ in range(6)]
        products = [builder.prod([copies[i], copies[j]]) for i, j in pairs]
        builder.output("f", builder.sum(products))
        return builder.finish()

    triangles = ring([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])
    hexagon = ring([(i, (i + 1) % 6) for i in range(6)])
    assert not cg.isomorphic(triangles, hexagon)
    assert cg.isomorphic(
        hexagon, ring([((5 * i) % 6, (5 * i + 5) % 6) for i in range(6)])
    )


def test_inputs_and_outputs_correspond_by_name_or_by_position():
    a = circuit("f = x/y; g = x + y", outputs="f, g")
    assert cg.isomorphic(
        a, circuit("g = x + y; f = x/y", inputs="y, x", outputs="g, f")
    )
    assert cg.isomorphic(
        a, circuit("p = u/v; q = u + v", inputs="u, v", outputs="p, q")
    )
    assert not cg.isomorphic(
        a, circuit("p = u/v; q = u + v", inputs="v, u", outputs="p, q")
    )
    assert difference(a, circuit("f = x/y", outputs="f")) == "2 outputs against 1"
    assert difference(
        a, circuit("f = x/y; g = x", inputs="x, y, z", outputs="f, g")
    ) == ("2 inputs against 3")


@settings(max_examples=100, deadline=None)
@given(circuits(), st.randoms(use_true_random=False))
def test_a_shuffled_circuit_is_the_same(original, chance):
    """Lines in another topological order, operands of commutative gates in another."""
    import networkx as nx

    graph = original.graph
    order = {v: chance.random() for v in graph}
    builder = cg.Builder()
    vertex_of = {
        v: builder.input(original.inputs[v]).vertex for v in range(len(original.inputs))
    }
    columns = original.columns
    for v in nx.lexicographical_topological_sort(graph, key=order.get):
        if v in vertex_of:
            continue
        if v < columns.sources:
            vertex_of[v] = builder.constant_vertex(int(columns.params[v]))
            continue
        wires = list(zip(columns.operands_of(v), columns.weights_of(v), strict=True))
        if "commutative" in original.gate_type(v).traits:
            chance.shuffle(wires)
        vertex_of[v] = builder.add(
            int(columns.op[v]),
            [vertex_of[u] for u, _ in wires],
            [w for _, w in wires],
            int(columns.params[v]),
        )
    builder.outputs = [(name, vertex_of[v]) for name, v in original.outputs]
    assert difference(original, builder.finish()) is None
    assert isinstance(chance, random.Random)
