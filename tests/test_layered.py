"""Networks in gates of arrays: the Algorithms of the notes, shown equal to BP."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from conftest import ROOT

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812
from circuitgrad.families.networks import network
from circuitgrad.metrics import theorem3_bound
from circuitgrad.passes.scalarize import scalarize

ACTIVATIONS = ("relu", "tanh", "sigmoid", "arctan", "softmax", "radial-sigmoid")
LOSSES = ("square", "cross-entropy")
VARIANTS = range(1, 6)


def parameters(layers: int) -> list[str]:
    return [f"{kind}{i}" for i in range(1, layers + 1) for kind in "Wb"]


def networks(variant, layers=(3, 2, 2), **options):
    """Give the loss circuit and the gradient circuit of an Algorithm."""
    batch = 3 if variant in (2, 5) else None
    jacobians = options.pop("jacobians", False)
    loss = network(layers, form="matrix", batch=batch, **options)
    return loss, network(
        layers, batch=batch, variant=variant, jacobians=jacobians, **options
    )


def point(circuit, seed=0):
    draw = np.random.default_rng(seed)
    return {
        name: draw.normal(size=circuit.columns.shape(v))
        for v, name in enumerate(circuit.inputs)
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_algorithm_is_what_bp_emits_gate_for_gate(activation, loss, variant):
    """Both tidied; with Jacobians formed and without, for any last activation."""
    for output, jacobians in itertools.product(("identity", "sigmoid"), (False, True)):
        options = {"activation": activation, "loss": loss, "output": output}
        circuit, written = networks(variant, jacobians=jacobians, **options)
        emitted = cg.gradient(circuit, wrt=parameters(2), jacobians=jacobians)
        assert cg.isomorphic(cg.run(written, "tidy"), emitted)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("jacobians", [False, True], ids=["pulled", "jacobians"])
@pytest.mark.parametrize("activation", ["relu", "softmax", "radial-sigmoid"])
def test_an_algorithm_is_certified_on_scalar_gates(
    activation, jacobians, loss, variant
):
    """Exercise 6 of the notes: each Algorithm computes the gradients."""
    circuit, written = networks(
        variant, layers=(2, 2, 2), activation=activation, loss=loss, jacobians=jacobians
    )
    report = cg.check_gradient(circuit, written)
    assert report.passed, str(report)


def test_a_wrong_algorithm_is_refused():
    """The appendix's W_(l-1) for W_l, which square layers would let through."""
    circuit, _ = networks(3, layers=(2, 2, 2, 2), activation="tanh")
    text = str(networks(3, layers=(2, 2, 2, 2), activation="tanh")[1])
    wrong = text.replace("W3.T", "W2.T")
    assert wrong != text
    assert cg.check_gradient(circuit, cg.parse(wrong)).failed


def test_exercise_6_gradients_by_feature_vectors():
    """grad_a and grad_z are the gradients by the gates a and z."""
    for variant, upper in ((4, False), (5, True)):
        circuit, written = networks(variant, activation="tanh")
        names = ["A1", "Z1"] if upper else ["a1", "z1"]
        by_gates = cg.gradient(circuit, wrt=names)
        inner = written.with_outputs(
            [(f"dloss_d{name}", written.vertex(f"grad_{name}")) for name in names]
        )
        assert cg.isomorphic(cg.run(inner, "tidy"), by_gates)


def test_exercise_5_algorithm_1_follows_from_algorithm_2_at_one_sample():
    """With N = 1 and rows for columns: the same numbers, and the same operations."""
    options = {"activation": "tanh", "loss": "cross-entropy"}
    one = network([4, 3, 2], variant=1, **options)
    batch = network([4, 3, 2], variant=2, batch=1, **options)
    values = point(one)
    rows = {**values, "X": values["x"][None, :], "Y": values["y"][None, :]}
    del rows["x"], rows["y"]
    a, b = cg.evaluate(one, values), cg.evaluate(batch, rows)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert value.shape == b[name].shape
        np.testing.assert_allclose(value, b[name], rtol=1e-12)
    assert one.stats().ops == batch.stats().ops
    scalars = (cg.run(scalarize(each), "tidy").stats() for each in (one, batch))
    assert len(set(scalars)) == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("layers", [(3, 2), (784, 128, 10), (5, 4, 4, 4, 3)])
@pytest.mark.parametrize("batch", [None, 32])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "arctan", "softmax"])
def test_the_gradient_has_three_gates_a_wire_at_most(activation, batch, layers, loss):
    """And one a vertex: Theorem 3 in matrix gates, whatever the shapes."""
    circuit = network(
        layers, form="matrix", batch=batch, activation=activation, loss=loss
    )
    for options in ({}, {"wrt": parameters(len(layers) - 1)}):
        literal = cg.gradient(circuit, pipeline="none", **options)
        assert literal.size <= theorem3_bound(circuit)
        assert cg.gradient(circuit, **options).size <= literal.size


def test_exercise_4_operations_grow_as_the_notes_say():
    """O(L n^2) for one sample and O(N L n^2) for a batch, L layers of n neurons."""

    def ops(n, depth, batch=None):
        variant = 1 if batch is None else 2
        layers = [n] * (depth + 1)
        return network(layers, variant=variant, batch=batch).stats().ops

    for batch in (None, 16):
        # twice the neurons: four times the work; twice the layers or samples: twice
        assert ops(512, 4, batch) / ops(256, 4, batch) == pytest.approx(4, rel=0.02)
        assert ops(256, 16, batch) / ops(256, 8, batch) == pytest.approx(2, rel=0.1)
    assert ops(256, 4, 64) / ops(256, 4, 32) == pytest.approx(2, rel=0.02)
    for n, depth, batch in itertools.product((16, 64, 256), (1, 4, 16), (1, 8, 64)):
        assert ops(n, depth, batch) <= 7 * batch * depth * n**2
        assert ops(n, depth) <= 7 * depth * n**2


def test_no_jacobian_is_formed_unless_asked():
    """Of 300 neurons it would have 90,000 entries; pulled back, 300 operations."""
    circuit = network([300, 300, 300], form="matrix", activation="softmax")
    plain = cg.gradient(circuit, wrt=parameters(2))
    shapes = {plain.columns.shape(v) for v in range(len(plain.columns))}
    formed = cg.gradient(circuit, wrt=parameters(2), jacobians=True)
    assert shapes <= {(), (1,), (300,), (300, 300)}
    assert formed.stats().ops > plain.stats().ops + 90_000


def test_remark_3_2_pointwise_jacobians_are_hadamard_products():
    """Where they were formed, the rule for diagonal matrices takes them away."""
    circuit = network([3, 2, 2], form="matrix", activation="sigmoid")
    formed = cg.gradient(circuit, wrt=parameters(2), jacobians=True)
    plain = cg.gradient(circuit, wrt=parameters(2))
    assert formed.size > plain.size
    assert cg.isomorphic(cg.run(formed, "matrices{diagonals},fuse,cse,dce"), plain)


# ---------------------------------------------------------------------- other notes


def identity(name, wanted, **options):
    """Check an example's gradient, and its gates against what the notes write."""
    circuit = cg.read(str(ROOT / f"examples/{name}.cg"))
    emitted = cg.gradient(circuit, **options)
    assert cg.check_gradient(circuit, emitted).passed
    shapes = {each: circuit.columns.shape(v) for v, each in enumerate(circuit.inputs)}
    assert cg.isomorphic(emitted, cg.trace(wanted, shapes=shapes))


def test_least_squares():
    """||Ax - b||^2 has the gradient 2 A^T (A x - b)."""
    identity(
        "least_squares",
        lambda A, x, b: {"df_dx": 2 * (A.T @ (A @ x - b))},
        wrt=["x"],
    )


def test_claim_16_2():
    """What flows back through C = A B: L B^T and A^T L."""
    identity(
        "matrix_product",
        lambda L, A, B: {"df_dA": L @ B.T, "df_dB": A.T @ L},
        wrt=["A", "B"],
    )


def test_two_layers_of_a_batch():
    """||s(X W1) W2 - Y||^2, worked out as the notes on adjoints do."""

    def wanted(X, W1, W2, Y):
        a = F.sigmoid(X @ W1)
        lambda_2 = 2 * (a @ W2) - 2 * Y
        lambda_1 = (lambda_2 @ W2.T) * (a * (1 - a))
        return {"df_dW1": X.T @ lambda_1, "df_dW2": a.T @ lambda_2}

    identity("two_layers", wanted, wrt=["W1", "W2"])


def test_the_two_layer_loss():
    """The discussion's partial derivatives by x, W1, W2 and b."""

    def wanted(x, W1, b, W2, y):
        a = F.tanh(W1 @ x + b)
        r = W2 @ a - y
        u = (W2.T @ r) * (1 - a**2)
        return {
            "dl_dx": W1.T @ u,
            "dl_dW1": F.outer(u, x),
            "dl_db": u,
            "dl_dW2": F.outer(r, a),
        }

    identity("two_layer_loss", wanted, wrt=["x", "W1", "b", "W2"])


# ---------------------------------------------------------------------- full size

SIZES = (784, 128, 10)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_algorithm_agrees_with_bp_at_full_size(variant, loss):
    batch = 32 if variant in (2, 5) else None
    options = {"activation": "relu", "loss": loss, "batch": batch}
    circuit = network(SIZES, form="matrix", **options)
    values = point(circuit)
    emitted = cg.evaluate(cg.gradient(circuit, wrt=parameters(2)), values)
    written = cg.evaluate(network(SIZES, variant=variant, **options), values)
    for name, value in emitted.items():
        np.testing.assert_allclose(written[name], value, rtol=1e-9, atol=1e-9)


def peers(loss):
    """Write the loss of the network for a module of arrays, by its functions."""

    def cost(xp, log_softmax, relu, x, w1, b1, w2, b2, y):
        z = relu(x @ w1.T + b1) @ w2.T + b2
        if loss == "square":
            return ((z - y) ** 2).sum()
        return -(y * log_softmax(z)).sum()

    return cost


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [None, 32])
def test_bp_agrees_with_jax_at_full_size(loss, batch):
    jax = pytest.importorskip("jax", reason="JAX is not installed: the extra jax")
    jax.config.update("jax_enable_x64", True)
    circuit = network(SIZES, form="matrix", activation="relu", loss=loss, batch=batch)
    values = point(circuit)
    order = ["W1", "b1", "W2", "b2"]
    x, y = (values[name] for name in ("xy" if batch is None else "XY"))

    def cost(*weights):
        log_softmax, relu = jax.nn.log_softmax, jax.nn.relu
        return peers(loss)(jax.numpy, log_softmax, relu, x, *weights, y)

    wanted = jax.grad(cost, argnums=(0, 1, 2, 3))(*(values[name] for name in order))
    found = cg.evaluate(cg.gradient(circuit, wrt=order), values)
    for name, value in zip(order, wanted, strict=True):
        np.testing.assert_allclose(found[f"dloss_d{name}"], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [None, 32])
def test_bp_agrees_with_pytorch_at_full_size(loss, batch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    circuit = network(SIZES, form="matrix", activation="relu", loss=loss, batch=batch)
    values = point(circuit)
    order = ["W1", "b1", "W2", "b2"]
    x, y = (torch.tensor(values[n]) for n in ("xy" if batch is None else "XY"))
    weights = [torch.tensor(values[name], requires_grad=True) for name in order]

    def log_softmax(z):
        return torch.log_softmax(z, dim=-1)

    peers(loss)(torch, log_softmax, torch.relu, x, *weights, y).backward()
    found = cg.evaluate(cg.gradient(circuit, wrt=order), values)
    for name, weight in zip(order, weights, strict=True):
        np.testing.assert_allclose(
            found[f"dloss_d{name}"], weight.grad.numpy(), rtol=1e-9, atol=1e-9
        )


def sigmoid(x):
    return 1 / (1 + np.e ** (-x))


#: The other notes' functions, at full size: shapes, and the function in any library.
OF_NOTES = {
    "least_squares": (
        {"A": (784, 128), "x": (128,), "b": (784,)},
        lambda A, x, b: ((A @ x - b) ** 2).sum(),
    ),
    "matrix_product": (
        {"L": (128, 64), "A": (128, 784), "B": (784, 64)},
        lambda L, A, B: (L * (A @ B)).sum(),
    ),
    "two_layers": (
        {"X": (128, 784), "W1": (784, 128), "W2": (128, 10), "Y": (128, 10)},
        lambda X, W1, W2, Y: ((sigmoid(X @ W1) @ W2 - Y) ** 2).sum(),
    ),
    "two_layer_loss": (
        {"x": (128,), "W1": (128, 128), "b": (128,), "W2": (128, 128), "y": (128,)},
        lambda x, W1, b, W2, y: (
            0.5 * ((W2 @ (2 * sigmoid(2 * (W1 @ x + b)) - 1) - y) ** 2).sum()
        ),
    ),
}


def at_full_size(name):
    """Give an example with the shapes above, its point and its gradient there."""
    shapes, _ = OF_NOTES[name]
    text = (ROOT / f"examples/{name}.cg").read_text()
    declared = ", ".join(f"{k}[{', '.join(map(str, v))}]" for k, v in shapes.items())
    circuit = cg.parse(re.sub(r"^input .*$", f"input {declared}", text, flags=re.M))
    draw = np.random.default_rng(7)
    values = {key: draw.normal(size=shape) / 8 for key, shape in shapes.items()}
    output = circuit.output_names[0]
    found = cg.evaluate(cg.gradient(circuit), values)
    return values, {key: found[f"d{output}_d{key}"] for key in shapes}


@pytest.mark.parametrize("name", OF_NOTES)
def test_the_other_notes_agree_with_jax_at_full_size(name):
    jax = pytest.importorskip("jax", reason="JAX is not installed: the extra jax")
    jax.config.update("jax_enable_x64", True)
    values, found = at_full_size(name)
    function = OF_NOTES[name][1]
    wanted = jax.grad(function, argnums=tuple(range(len(values))))(*values.values())
    for value, gradient in zip(found.values(), wanted, strict=True):
        np.testing.assert_allclose(value, gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OF_NOTES)
def test_the_other_notes_agree_with_pytorch_at_full_size(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    values, found = at_full_size(name)
    tensors = [torch.tensor(each, requires_grad=True) for each in values.values()]
    OF_NOTES[name][1](*tensors).backward()
    for value, tensor in zip(found.values(), tensors, strict=True):
        np.testing.assert_allclose(value, tensor.grad.numpy(), rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"variant": 2}, "takes a batch"),
        ({"variant": 1, "batch": 4}, "takes one sample"),
        ({"variant": 6}, "at most 5"),
        ({"variant": 1, "data": "xor"}, "data as inputs"),
        ({"batch": 0}, "at least 1"),
        ({"form": "scalar", "batch": 2}, "network of arrays"),
        ({"activation": "softmax"}, "acts on vectors"),
        ({"jacobians": True}, "by a variant"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(cg.CircuitError, match=words):
        network([3, 2], **options)


def test_the_command_line_makes_them(run):
    shape = (
        "--layers",
        "784,128,10",
        "--activation",
        "relu",
        "--loss",
        "cross-entropy",
    )
    status, out, _ = run("family", "network", *shape, "--batch", "32")
    assert status == 0
    assert cg.parse(out) == network(
        SIZES, activation="relu", loss="cross-entropy", batch=32
    )
    status, out, _ = run(
        "family", "network", *shape, "--batch", "32", "--variant", "2", "--jacobians"
    )
    assert status == 0
    assert "Jac1" in out
    assert "dloss_dW1" in out


def test_outputs_that_are_arrays_need_a_seed():
    circuit = cg.trace(lambda z: F.softmax(z), shapes={"z": (3,)})
    with pytest.raises(cg.ShapeError, match="a gradient is that of a scalar"):
        cg.gradient(circuit)
    with pytest.raises(cg.ShapeError, match="a gradient is that of a scalar"):
        cg.forward_mode(circuit)
    pulled = cg.reverse_mode(circuit, seed="w")
    assert pulled.columns.shape(pulled.vertex("w")) == (3,)


def test_the_gradient_of_a_gradient():
    """A product with the Hessian, against differences of the gradient."""
    circuit = network([3, 2], form="matrix", activation="identity", output="softmax")
    first = cg.gradient(circuit, wrt=["W1"])
    second = cg.run(cg.reverse_mode(first, wrt=["W1", "b1"], seed="v"), "tidy")
    values = point(circuit)
    v = np.random.default_rng(5).normal(size=(2, 3))
    found = cg.evaluate(second, values, v=v)
    step = 1e-6
    above = cg.evaluate(first, {**values, "W1": values["W1"] + step * v})["dloss_dW1"]
    below = cg.evaluate(first, {**values, "W1": values["W1"] - step * v})["dloss_dW1"]
    np.testing.assert_allclose(
        found["ddloss_dW1_dW1"], (above - below) / (2 * step), atol=1e-7
    )
