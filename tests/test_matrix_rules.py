"""Rules of matrix algebra: each fires, keeps the values, and stays out elsewhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from conftest import EXAMPLES

import circuitgrad as cg
from circuitgrad.passes.associate import best_order
from circuitgrad.passes.matrices import matrices
from circuitgrad.simplify.rewrites import recording
from circuitgrad.simplify.rules import MATRIX_RULES, all_rules

IDS = {"ids": [rule.name for rule in MATRIX_RULES]}
ON_DIAGONALS = ("diagonal-by-vector", "matrix-by-diagonal")


def side(rule, text):
    return cg.parse(f"input {rule.shapes}\nf = {text}\noutput f\n")


def simplified(circuit, **options):
    """Give a simplified circuit and the names of the rules that fired."""
    with recording() as journal:
        made = matrices(circuit, **options)
    return made, {rewrite.rule.name for rewrite in journal.rewrites()}


def same_values(circuit, made):
    draw = np.random.default_rng(0)
    point = {
        name: draw.normal(size=circuit.columns.shape(v))
        for v, name in enumerate(circuit.inputs)
    }
    a, b = cg.evaluate(circuit, point)["f"], cg.evaluate(made, point)["f"]
    assert np.shape(a) == np.shape(b)
    return np.allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("rule", MATRIX_RULES, **IDS)
def test_a_rule_fires_and_keeps_the_values(rule):
    """On the left side of its identity, which becomes the right side."""
    left, right = (side(rule, text) for text in rule.sides)
    made, fired = simplified(left, diagonals=rule.name in ON_DIAGONALS)
    assert rule.name in fired
    made = cg.run(made, "fuse,dce")
    assert cg.isomorphic(made, cg.run(right, "fuse,dce"))
    assert same_values(left, made)
    assert made.stats().ops <= left.stats().ops


@pytest.mark.parametrize("rule", MATRIX_RULES, **IDS)
def test_under_ieee_only_rounding_changes(rule):
    left, _ = (side(rule, text) for text in rule.sides)
    _, fired = simplified(left, diagonals=True, ieee=True)
    kept = {each.name for each in all_rules() if each.ieee}
    assert fired <= kept
    assert same_values(left, cg.run(left, "matrices{ieee}"))


#: For each rule, what looks like its left side and is not.
ELSEWHERE = {
    "transpose-of-transpose": ("A[2, 3]", "A.T"),
    "transpose-of-product": ("A[2, 3], v[3]", "reshape(A @ v, shape=(1, 2)).T"),
    "transpose-of-outer": ("u[2], v[3]", "outer(u, v)"),
    "transpose-of-diag": ("u[2, 3]", "diag(u).T"),
    "transpose-of-scaled": ("A[2, 3]", "relu(sum(2*A).T)"),
    "sum-of-one": ("A[2, 3]", "sum(A, axis=0)"),
    "sum-of-sum": ("A[2, 3]", "sum(sum(A, axis=0, keep=1), axis=1)"),
    "sum-of-scaled": ("A[2, 3]", "sum(relu(A), axis=0)"),
    "sum-of-broadcast": ("u[3]", "sum(broadcast(u, shape=(4, 3)), axis=1)"),
    "scaled-in-product": ("A[2, 3], u[3]", "exp(u*sum(2*A))"),
    "broadcast-to-itself": ("A[1, 3]", "broadcast(A, shape=(2, 3))"),
    "broadcast-of-broadcast": (
        "u[3]",
        "broadcast(broadcast(u, shape=(2, 3)), shape=(2, 4, 3), axis=1)",
    ),
    "broadcast-in-sum": ("u[3], v[3]", "v + broadcast(u, shape=(2, 3))"),
    "broadcast-in-product": ("u[2], v[2, 3]", "v*broadcast(u, shape=(2, 3), axis=1)"),
    "reshape-to-itself": ("A[2, 3]", "reshape(A, shape=(3, 2))"),
    "reshape-of-reshape": ("A[2, 3]", "reshape(A.T, shape=(6,))"),
    "reshape-of-scaled": ("A[2, 3]", "exp(reshape(2*A, shape=(6,)))"),
    "slice-of-all": ("A[2, 3]", "slice(A, axis=0, stop=1)"),
    "slice-of-concatenate": ("u[2], v[3]", "slice(concatenate(u, v), start=1, stop=4)"),
    "slice-of-pad": ("u[3]", "slice(pad(u, before=1), start=0, stop=3)"),
    "product-of-scaled": ("u[2, 1], v[1, 3]", "sum(2*u) @ v"),
    "associate": ("A[2, 3], B[3, 2], v[2]", "A @ (B @ v)"),
    "diagonal-by-vector": ("u[3], A[3, 2]", "diag(u) @ A"),
    "matrix-by-diagonal": ("A[2, 3], u[3, 3]", "A @ u"),
}


def test_every_rule_has_a_case_where_it_must_not_fire():
    assert set(ELSEWHERE) == {rule.name for rule in MATRIX_RULES}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_rule_does_not_fire_elsewhere(name):
    inputs, text = ELSEWHERE[name]
    circuit = cg.parse(f"input {inputs}\nf = {text}\noutput f\n")
    made, fired = simplified(circuit, diagonals=True)
    assert name not in fired
    assert same_values(circuit, made)


def test_a_product_that_something_else_uses_is_not_taken_apart():
    circuit = cg.parse(
        "input A[2, 3], B[3, 2], v[2]\nC = A @ B\nf = C @ v\ng = C.T\noutput f, g\n"
    )
    assert simplified(circuit) == (circuit, set())


def test_a_chain_of_products_takes_the_order_of_least_cost():
    """The textbook's chain of six: 15,125 products, and the order that has them."""
    sizes = [30, 35, 15, 5, 10, 20, 25]
    shapes = list(pairwise(sizes))
    assert best_order(shapes, split=1) == ((0, (1, 2)), ((3, 4), 5))
    inputs = ", ".join(f"M{i}[{a}, {b}]" for i, (a, b) in enumerate(shapes))
    product = " @ ".join(f"M{i}" for i in range(6))
    circuit = cg.parse(f"input {inputs}\nf = {product}\noutput f\n")
    made = cg.run(circuit, "matrices,dce")
    assert made.stats().nonscalar == 15_125
    assert same_values(circuit, made)
    assert cg.run(made, "matrices") is made


def test_simplifying_is_idempotent():
    circuit = cg.read(str(EXAMPLES / "two_layers.cg"))
    emitted = cg.gradient(circuit)
    assert cg.run(emitted, "tidy") == emitted


def test_passes_on_scalar_gates_say_that_they_leave_arrays_alone():
    circuit = cg.read(str(EXAMPLES / "two_layers.cg"))
    with recording() as journal:
        made = cg.run(circuit, "factor,share_sums")
    assert made is circuit
    assert journal.notes == ["left out: passes that work on scalar gates alone"]


def test_sums_of_arrays_are_merged_into_those_of_their_shape():
    """A vector is not repeated to save a gate; cancelling keeps the shape."""
    circuit = cg.parse(
        "input A[2, 3], u[3], v[3]\ns = u + v\nt = A + s\nz = A - A + u\noutput t, z\n"
    )
    made = cg.run(circuit, "fuse,dce")
    assert made.size == 3
    assert made.columns.shape(dict(made.outputs)["z"]) == (2, 3)


def test_zeros_keep_their_shape():
    circuit = cg.parse("input A[2, 3]\nz = 0*A\np = prod(A, 0)\noutput z, p\n")
    made = cg.run(circuit, "tidy")
    found = cg.evaluate(made, A=np.ones((2, 3)))
    assert found["z"].shape == found["p"].shape == (2, 3)
    assert not found["z"].any()
