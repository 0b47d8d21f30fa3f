"""Perceptrons, layered networks and their losses, in scalar gates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.families.data import DATA, rows_of
from circuitgrad.families.inputs import names_of
from circuitgrad.families.layered import ACTIVATIONS, OF_VECTORS, Layered
from circuitgrad.families.registry import family

__all__ = ["ACTIVATIONS", "LOSSES", "network", "perceptron"]


def _square(g: Any, y: Sequence[Expr], t: Sequence[Any]) -> Expr:
    """Give the squared distance of outputs and targets."""
    total: Expr = g.sum(*((a - b) ** 2 for a, b in zip(y, t, strict=True)))
    return total


def _cross_entropy(g: Any, z: Sequence[Expr], t: Sequence[Any]) -> Expr:
    """Give -Σ t_i log softmax(z)_i, in a form that does not overflow.

    log Σ exp(z_i) = m + log Σ exp(z_i - m), m being the largest; of one logit the
    classes are yes and no, and it is softplus(z) - t z.
    """
    if len(z) == 1:
        found: Expr = g.softplus(z[0]) - t[0] * z[0]
        return found
    largest = g.max(*z)
    spread = g.log(g.sum(*(g.exp(each - largest) for each in z)))
    all_of = sum(t[1:], start=t[0])
    score = g.sum(*(a * b for a, b in zip(t, z, strict=True)))
    loss: Expr = all_of * (largest + spread) - score
    return loss


LOSSES: Final = {"square": _square, "cross-entropy": _cross_entropy}


@family("perceptron", gates=lambda n, activation: n + 2)
def perceptron(n: int, activation: str = "sigmoid") -> Circuit:
    """Perceptron of n signals: s(w0 + w1 x1 + ... + wn xn).

    s being the activation: n products, a sum and s, which are n + 2 gates of depth 3.
    With w0 = 0 and all other weights 1 it says how bright a room is, by sensors of
    light (1) and dark (-1).

    Parameters
    ----------
    n : int
        Signals: the inputs ``x1`` to ``xn``, before the weights ``w0`` to ``wn``.
    activation : str
        One of `ACTIVATIONS`.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
    organization in the brain", Psychological Review 65, 1958.
    """
    _require_pointwise(activation)
    builder = Builder("perceptron")
    x = [builder.input(name) for name in names_of("x", n)]
    w = [builder.input(f"w{i}") for i in range(n + 1)]
    total = builder.sum([w[0], *(a * b for a, b in zip(w[1:], x, strict=True))])
    builder.output("y", ACTIVATIONS[activation](builder.functions, total))
    return builder.finish()


def _gates(
    layers: Sequence[int],
    activation: str,
    output: str,
    loss: str,
    data: Any,
    form: str | None,
    batch: int | None,
    variant: int | None,
    jacobians: bool,
) -> int:
    """Give about how many gates a network has: products, sums, activations."""
    if _of_arrays(form, batch, variant):
        return 20 * len(layers)
    wires = sum(a * b for a, b in pairwise(layers))
    samples = 1 if data is None else len(DATA[data] if isinstance(data, str) else data)
    return samples * (wires + 3 * sum(layers))


@family("network", gates=_gates)
def network(
    layers: Sequence[int],
    activation: str = "tanh",
    output: str = "identity",
    loss: str = "square",
    data: Any = None,
    form: str | None = None,
    batch: int | None = None,
    variant: int | None = None,
    jacobians: bool = False,
) -> Circuit:
    """Loss of a network of layers of perceptrons, or its gradient by an Algorithm.

    z_l = W_l a_(l-1) + b_l and a_l = s(z_l), a_0 being the sample.  In scalar gates,
    for each sample one product a weight, a sum and an activation a neuron, and the
    loss; in gates of arrays a product, a sum and an activation a layer.

    Parameters
    ----------
    layers : sequence of int
        Inputs, neurons of each layer, outputs: 2,3,1 has one hidden layer.
    activation, output : str
        Of the hidden layers and of the last one, of `ACTIVATIONS`.
    loss : {"square", "cross-entropy"}
        The squared distance to the target, or the cross-entropy of the softmax, for
        which the last layer gives logits; of one output it is the logistic loss.
    data : str or rows of numbers, optional
        ``students``, ``xor``, ``spirals``, or an array with a row for each sample: the
        inputs, then the targets.  The loss is the sum over them, and the inputs of the
        circuit are the weights and biases alone.  Without it the sample and its target
        are inputs, ``x1`` and ``t1`` and so on.
    form : {"scalar", "matrix"}, optional
        Which gates; those of arrays where there is a batch or a variant.
    batch : int, optional
        Samples of a circuit of arrays, the rows of its input; the loss is their sum.
    variant : {1, 2, 3, 4, 5}, optional
        The Algorithm of the notes that computes the gradient: from pre-activation
        vectors (1), of batches (2), from post-activation vectors (3), from both (4), of
        batches (5).  Without it the circuit is that of the loss.
    jacobians : bool
        Whether the Algorithm forms the Jacobian of each activation, as it is written;
        else what it multiplies is pulled back, as Remark 3.2 of the notes has it.

    Returns
    -------
    Circuit
        One output, ``loss``.  Weights are the inputs ``w1_2_3``, of layer 1 to neuron 2
        from neuron 3 of the layer before, biases ``b1_2``.  Of arrays they are ``W1``
        and ``b1``, beside a sample ``x`` and its target ``y``, or ``X`` and ``Y``; with
        a variant the outputs are ``dloss_dW1``, ``dloss_db1`` and so on.

    References
    ----------
    D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating
    errors", Nature 323, 1986; I. Ganev, "Notes on backpropagation".
    """
    if _of_arrays(form, batch, variant):
        if data is not None:
            raise CircuitError("a network of arrays takes its data as inputs")
        layered = Layered(layers, activation, output, loss, batch)
        return (
            layered.loss() if variant is None else layered.variant(variant, jacobians)
        )
    if jacobians:
        raise CircuitError("Jacobians are formed by a variant")
    _require_pointwise(activation, output)
    if len(layers) < 2:
        raise CircuitError("layers are inputs, neurons and outputs: at least two sizes")
    builder = Builder("network")
    g = builder.functions
    sizes = list(pairwise(layers))
    samples: list[tuple[list[Any], list[Any]]] = []
    if data is None:
        x = [builder.input(name) for name in names_of("x", layers[0])]
        t = [builder.input(name) for name in names_of("t", layers[-1])]
        samples.append((x, t))
    else:
        rows = rows_of(data, layers[0] + layers[-1])
        samples += [(row[: layers[0]], row[layers[0] :]) for row in rows]
    weights = [
        [[builder.input(f"w{layer}_{i}_{j}") for j in _to(below)] for i in _to(above)]
        for layer, (below, above) in enumerate(sizes, 1)
    ]
    biases = [
        [builder.input(f"b{layer}_{i}") for i in _to(above)]
        for layer, (_, above) in enumerate(sizes, 1)
    ]
    losses = []
    for sample, target in samples:
        values: list[Any] = sample
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
            chosen = ACTIVATIONS[activation if layer < len(sizes) else output]
            sums = [
                builder.sum([each, *(u * a for u, a in zip(row, values, strict=True))])
                for each, row in zip(b, w, strict=True)
            ]
            values = [chosen(g, z) for z in sums]
        losses.append(LOSSES[loss](g, values, target))
    builder.output("loss", builder.sum(losses) if len(losses) > 1 else losses[0])
    return builder.finish()


def _require_pointwise(*activations: str) -> None:
    """See that activations are functions of numbers."""
    for name in activations:
        if name in OF_VECTORS:
            raise CircuitError(f"{name} acts on vectors: --form matrix has them")


def _of_arrays(form: str | None, batch: int | None, variant: int | None) -> bool:
    """Tell whether a network of arrays is asked for."""
    asked = batch is not None or variant is not None
    if form == "scalar" and asked:
        raise CircuitError("a batch or a variant is one of a network of arrays")
    return asked or form == "matrix"


def _to(count: int) -> range:
    return range(1, count + 1)
