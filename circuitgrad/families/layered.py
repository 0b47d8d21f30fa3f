"""Networks of layers in gates of arrays, and the Algorithms of the notes on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.passes.dce import dce
from circuitgrad.passes.linear import Gate, by_jacobian

__all__ = ["ACTIVATIONS", "OF_VECTORS", "Layered"]

#: Slope of the leaky ReLU left of 0.
LEAK: Final = Fraction(1, 10)

Activation = Callable[[Any, Expr], Expr]

#: Activation functions, of gates and an argument.
ACTIVATIONS: Final[dict[str, Activation]] = {
    "sigmoid": lambda g, z: g.sigmoid(z),
    "tanh": lambda g, z: g.tanh(z),
    "relu": lambda g, z: g.relu(z),
    "leaky-relu": lambda g, z: g.leaky_relu(z, LEAK),
    "softplus": lambda g, z: g.softplus(z),
    "arctan": lambda g, z: g.atan(z),
    "softmax": lambda g, z: g.softmax(z),
    "radial-sigmoid": lambda g, z: g.radial_sigmoid(z),
    "identity": lambda g, z: z,
}

#: Those that act on vectors, so on the layers of circuits of arrays alone.
OF_VECTORS: Final = ("softmax", "radial-sigmoid")

#: The Algorithms that take a batch; others take one sample.
OF_BATCHES: Final = (2, 5)


class Layered:
    """A network of layers on its way: its inputs, and the forward propagation.

    Parameters
    ----------
    layers : sequence of int
    activation, output, loss : str
    batch : int or None
        Rows of the input ``X``; None for one sample ``x``.
    """

    def __init__(
        self,
        layers: Sequence[int],
        activation: str,
        output: str,
        loss: str,
        batch: int | None,
    ) -> None:
        if len(layers) < 2:
            raise CircuitError(
                "layers are inputs, neurons and outputs: at least two sizes"
            )
        self.batch, self.loss_name = batch, loss
        self.builder = builder = Builder("network")
        self.g: Any = builder.functions
        self.depth = len(layers) - 1
        rows = () if batch is None else (batch,)
        self.upper = batch is not None
        self.x = builder.input(self._case("x"), (*rows, layers[0]))
        self.weights: list[Expr] = []
        self.biases: list[Expr] = []
        for layer, (below, above) in enumerate(pairwise(layers), 1):
            self.weights.append(builder.input(f"W{layer}", (above, below)))
            self.biases.append(builder.input(f"b{layer}", (above,)))
        self.y = builder.input(self._case("y"), (*rows, layers[-1]))
        self.activations = [activation] * (self.depth - 1) + [output]

    def _case(self, name: str) -> str:
        """Name a vector, or in capitals the matrix of a batch."""
        return name.upper() if self.upper else name

    def named(self, handle: Expr, name: str) -> Expr:
        """Name a gate that has no name yet; a name is given once."""
        if name not in self.builder.names.values():
            self.builder.names.setdefault(handle.vertex, name)
        return handle

    def propagated(self) -> tuple[list[Expr], list[Expr]]:
        """Propagate forward: the vectors before and after the activations."""
        before, after = [], [self.x]
        layers = zip(self.weights, self.biases, self.activations, strict=True)
        for layer, (w, b, activation) in enumerate(layers, 1):
            product = after[-1] @ w.T if self.upper else w @ after[-1]
            z = self.named(product + b, self._case("z") + str(layer))
            a = ACTIVATIONS[activation](self.g, z)
            if a is not z:
                self.named(a, self._case("a") + str(layer))
            before.append(z)
            after.append(a)
        return before, after

    # ------------------------------------------------------------ the loss

    def loss(self) -> Circuit:
        """Give the circuit of the loss, summed over the rows of a batch."""
        _, after = self.propagated()
        if self.loss_name == "square":
            found = self.g.squared_norm(after[-1] - self.y)
        else:
            scores = self.g.log_softmax(after[-1])
            if self.upper:
                found = -self.g.sum(self.y * scores, axis=(0, 1))
            else:
                found = -self.g.dot(self.y, scores)
        self.builder.output("loss", found)
        return self.builder.finish()

    def cost_gradient(self, a: Expr) -> Expr:
        """Give the gradient of the cost by the prediction."""
        if self.loss_name == "square":
            return self.builder.sum([2 * a, -2 * self.y])
        total = self.g.sum(self.y, axis=-1, keep=1)
        gradient: Expr = total * self.g.softmax(a) - self.y
        return gradient

    # ------------------------------------------------------------ the Algorithms

    def variant(self, number: int, jacobians: bool) -> Circuit:
        """Give the gradient circuit of an Algorithm of the notes.

        Raises
        ------
        CircuitError
            If it takes a batch and there is none, or the other way round.
        """
        if (number in OF_BATCHES) != self.upper:
            takes = "a batch: say how many samples" if not self.upper else "one sample"
            raise CircuitError(f"Algorithm {number} takes {takes}")
        self.jacobians = jacobians
        before, after = self.propagated()
        if number == 3:
            self._post_activation(before, after)
        else:
            self._from_gradients(before, after, number in (4, 5))
        return dce(self.builder.finish())  # a pullback may not need all it is given

    def pulled(self, layer: int, z: Expr, a: Expr, u: Expr) -> Expr:
        """Give Jac^T u of a layer, or u Jac for each row of a batch."""
        if a is z:
            return u  # the identity
        builder = self.builder
        gate = Gate(
            builder.code(a.vertex), a, [z], [Fraction(1)], builder.param(a.vertex)
        )
        if not self.jacobians:
            return gate.pullback(0, u)
        jacobian = self.named(gate.jacobian(), f"Jac{layer}")
        return by_jacobian(jacobian, u)

    def below(self, layer: int, u: Expr) -> Expr:
        """Give W^T u of a layer, or U W of a batch."""
        w = self.weights[layer - 1]
        return u @ w if self.upper else w.T @ u

    def outputs(self, layer: int, u: Expr, v: Expr, a: Expr) -> None:
        """Make the gradients by a layer outputs: by weights u a^T, by the bias v."""
        product = u.T @ a if self.upper else self.g.outer(u, a)
        self.builder.output(f"dloss_dW{layer}", product)
        bias = self.g.sum(v, axis=0) if self.upper else v
        self.builder.output(f"dloss_db{layer}", bias)

    def _from_gradients(
        self, before: list[Expr], after: list[Expr], combined: bool
    ) -> None:
        """Write Algorithms 1 and 2, by pre-activation gradients; 4 and 5, by both."""
        grad = self._case("z")
        u = self.cost_gradient(after[-1])
        if combined:
            self.named(u, f"grad_{self._case('a')}{self.depth}")
        z = self.pulled(self.depth, before[-1], after[-1], u)
        for layer in range(self.depth, 0, -1):
            z = self.named(z, f"grad_{grad}{layer}")
            self.outputs(layer, z, z, after[layer - 1])
            if layer == 1:
                return
            u = self.below(layer, z)
            if combined:
                self.named(u, f"grad_{self._case('a')}{layer - 1}")
            z = self.pulled(layer - 1, before[layer - 2], after[layer - 1], u)

    def _post_activation(self, before: list[Expr], after: list[Expr]) -> None:
        """Write Algorithm 3, which has no name for Jac^T grad_a, and writes it out."""
        u = self.named(self.cost_gradient(after[-1]), f"grad_a{self.depth}")
        for layer in range(self.depth, 0, -1):

            def by_activation(u: Expr = u, layer: int = layer) -> Expr:
                return self.pulled(layer, before[layer - 1], after[layer], u)

            self.outputs(layer, by_activation(), by_activation(), after[layer - 1])
            if layer > 1:
                u = self.named(self.below(layer, by_activation()), f"grad_a{layer - 1}")
