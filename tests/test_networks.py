"""Perceptrons and networks against NumPy, their gradients certified."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.families import network, perceptron
from circuitgrad.families.data import DATA
from circuitgrad.families.layered import ACTIVATIONS, OF_VECTORS
from circuitgrad.families.networks import LOSSES
from circuitgrad.metrics import theorem3_bound

NUMPY = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z: np.where(z > 0, z, z / 10),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "arctan": np.arctan,
    "identity": lambda z: z,
}


def test_every_activation_of_numbers_is_compared():
    assert set(NUMPY) == set(ACTIVATIONS) - set(OF_VECTORS)


@pytest.mark.parametrize("activation", OF_VECTORS)
def test_activations_of_vectors_are_of_networks_of_arrays(activation):
    for make in (
        lambda: perceptron(2, activation),
        lambda: network((2, 1), activation),
    ):
        with pytest.raises(cg.CircuitError, match="acts on vectors"):
            make()


@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("activation", NUMPY)
def test_perceptrons(n, activation):
    c = perceptron(n, activation)
    assert c.size == n + 1 + (activation != "identity")
    rng = np.random.default_rng(n)
    x, w = rng.normal(size=n), rng.normal(size=n + 1)
    point = dict(zip(c.inputs, [*x, *w], strict=True))
    wanted = NUMPY[activation](w[0] + w[1:] @ x)
    assert math.isclose(cg.evaluate(c, point)["y"], wanted, rel_tol=1e-12)


def test_five_sensors_say_how_bright_it_is():
    """The notes' perceptron: all weights 1, k sensors of five see light."""
    c = perceptron(5)
    weights = {"w0": 0} | {f"w{i}": 1 for i in range(1, 6)}
    for k in range(6):
        sensors = {f"x{i}": 1 if i <= k else -1 for i in range(1, 6)}
        found = cg.evaluate(c, weights | sensors)["y"]
        assert math.isclose(found, 1 / (1 + math.exp(5 - 2 * k)))


def forward(layers, activation, output, loss, weights, x, t):
    """Compute the loss of a network in NumPy; ``weights`` is (W, b) of each layer."""
    a = x
    for number, (w, b) in enumerate(weights, 1):
        a = NUMPY[activation if number < len(weights) else output](w @ a + b)
    if loss == "square":
        return ((a - t) ** 2).sum()
    if len(a) == 1:
        return float((np.log1p(np.exp(a)) - t * a)[0])
    shifted = a - a.max()
    return float(-(t * (shifted - np.log(np.exp(shifted).sum()))).sum())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", NUMPY)
@pytest.mark.parametrize("layers", [(2, 1), (3, 4, 2), (2, 3, 3, 1), (1, 1)])
def test_networks(layers, activation, loss):
    c = network(layers, activation, "identity", loss)
    rng = np.random.default_rng(0)
    weights = [
        (rng.normal(size=(above, below)), rng.normal(size=above))
        for below, above in itertools.pairwise(layers)
    ]
    x = rng.normal(size=layers[0])
    t = rng.dirichlet(np.ones(layers[-1])) if layers[-1] > 1 else np.array([1.0])
    flat = [*x, *t, *(v for w, _ in weights for v in w.ravel())]
    flat += [v for _, b in weights for v in b]
    found = cg.evaluate(c, dict(zip(c.inputs, flat, strict=True)))["loss"]
    wanted = forward(layers, activation, "identity", loss, weights, x, t)
    assert math.isclose(found, wanted, rel_tol=1e-10)
    assert cg.check_gradient(c, cg.gradient(c)).passed


def test_counts_of_a_network():
    """A product a weight, a sum and an activation a neuron; 3 gates a squared error."""
    layers = (4, 5, 3)
    c = network(layers, "tanh", "tanh", "square")
    wires, neurons, outputs = 4 * 5 + 5 * 3, 5 + 3, 3
    assert c.size == wires + 2 * neurons + 2 * outputs + 1
    assert c.stats().nonscalar == wires + outputs


@pytest.mark.parametrize("data", DATA)
def test_data_is_summed_over(data):
    rows = DATA[data]
    layers = (len(rows[0]) - 1, 2, 1)
    whole = network(layers, data=data)
    single = network(layers)
    assert set(whole.inputs) == {n for n in single.inputs if n[0] in "wb"}
    rng = np.random.default_rng(1)
    at = {name: rng.normal() / 10 for name in whole.inputs}
    wanted = sum(
        cg.evaluate(
            single,
            at | {f"x{i}": v for i, v in enumerate(row[:-1], 1)} | {"t1": row[-1]},
        )["loss"]
        for row in rows
    )
    assert math.isclose(cg.evaluate(whole, at)["loss"], wanted, rel_tol=1e-12)


def test_the_perceptron_of_the_notes_is_a_network_of_one_neuron():
    c = network((3, 1), output="sigmoid", data="students")
    at = {"w1_1_1": 0.1, "w1_1_2": -0.2, "w1_1_3": 0.05, "b1_1": 0.3}
    wanted = sum(
        (t - NUMPY["sigmoid"](0.3 + 0.1 * a - 0.2 * b + 0.05 * d)) ** 2
        for a, b, d, t in DATA["students"]
    )
    assert math.isclose(cg.evaluate(c, at)["loss"], wanted)


def test_rows_of_ones_own():
    rows = np.array([[0.5, 1.0, 1.0], [0.25, -1.0, 0.0]])
    c = network((2, 1), data=rows)
    assert cg.evaluate(c, w1_1_1=1, w1_1_2=1, b1_1=0)["loss"] == 0.25 + 0.5625


def test_cross_entropy_does_not_overflow():
    c = network((1, 3), loss="cross-entropy")
    at = dict.fromkeys(c.inputs, 0) | {
        "x1": 1,
        "t2": 1,
        "w1_1_1": 1000,
        "w1_2_1": -1000,
    }
    both = cg.gradient(c, value=True)
    found = cg.evaluate(both, at)
    assert found["loss"] == 2000
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [3]}, "at least two sizes"),
        ({"layers": [3, 0]}, "at least 1"),
        ({"layers": "3,1"}, "not a list of whole numbers"),
        ({"layers": [2, 1], "activation": "step"}, "no activation 'step'"),
        ({"layers": [2, 1], "loss": "hinge"}, "no loss 'hinge'"),
        ({"layers": [2, 1], "data": "mnist"}, "no data 'mnist'"),
        ({"layers": [2, 1], "data": [[1, 2]]}, "row 1 of the data has 2 numbers: 3"),
        ({"layers": [2, 1], "data": []}, "no rows"),
        ({"layers": [2, 1], "data": [[1, 2, "x"]]}, "row 1 of the data: 'x' is no"),
    ],
)
def test_networks_that_cannot_be(options, message):
    with pytest.raises(cg.CircuitError, match=message):
        network(**options)


def test_networks_too_large_are_refused_at_once():
    with pytest.raises(cg.LimitError):
        network([10**6, 10**6])
    with pytest.raises(cg.LimitError):
        perceptron(10**9)


def test_networks_at_a_shell(run):
    status, out, _ = run("family", "network", "--layers", "2,2,1", "--data", "xor")
    assert status == 0
    assert "input w1_1_1, w1_1_2, w1_2_1" in out
    status, _, err = run("family", "network", "--layers", "2,x")
    assert status == 2
    assert "not a whole number" in err
    status, _, err = run("family", "network", "--layers", "2,1", "--loss", "hinge")
    assert status == 2
    assert "there are: square, cross-entropy" in err


def forward_gates(circuit, names):
    """Count what forward propagation emits for a network of tanh and squared errors.

    For each input, over the gates that depend on it: in a sum of k operands that do, a
    sum if k > 1; elsewhere k products, and such a sum.  Partials are shared by all.
    """
    columns = circuit.columns
    users = {}
    for wire in range(columns.wires):
        gate = int(columns.consumer[wire])
        users.setdefault(int(columns.operands[wire]), []).append(gate)
    count, reached = circuit.size, set()
    for name in names:
        varying = [circuit.vertex(name)]
        seen = set(varying)
        for v in varying:  # which grows
            for gate in users.get(v, ()):
                if gate not in seen:
                    seen.add(gate)
                    varying.append(gate)
        for gate in varying[1:]:
            terms = sum(int(u) in seen for u in columns.operands_of(gate))
            kind = circuit.gate_type(gate).name
            count += (terms > 1) if kind == "sum" else terms + (terms > 1)
        reached.update(varying[1:])
    kinds = [circuit.gate_type(gate).name for gate in reached]
    return count + 2 * kinds.count("tanh") + kinds.count("power")


def test_forward_and_backpropagation_on_a_thousand_weights():
    """The notes: Theta(n (s + w)) gates beside O(n + s + w), here 100 times as many."""
    c = network([10] * 11)
    weights = [name for name in c.inputs if name[0] == "w"]
    assert len(weights) == 1000
    options = {"wrt": weights, "value": True, "pipeline": "none"}
    forward = cg.gradient(c, mode="forward", **options)
    assert forward.size == forward_gates(c, weights)
    backward = cg.gradient(c, **options)
    assert backward.size <= c.size + theorem3_bound(c)
    assert forward.size > 100 * backward.size
    for found in (forward, backward):
        report = cg.check_gradient(c, found)
        assert report.passed
        assert set(report.counts) <= {"proved", "certified"}
