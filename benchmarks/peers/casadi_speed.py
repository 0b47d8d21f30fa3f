"""CasADi where it is timed: SX graphs in the forms people write, and its buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import casadi as ca
import numpy as np
from programs import elimination

from circuitgrad import Circuit
from peers.casadi import graph

__all__ = [
    "DETERMINANTS",
    "Graph",
    "chain",
    "evaluator",
    "gradient",
    "of_circuit",
    "ready",
    "rosenbrock",
    "shared",
    "value",
]

#: The inputs, a column, and a scalar of them.
Graph = tuple[Any, Any]


def determinant_of_scalars(n: int) -> Graph:
    """Eliminate element by element, as our operators do."""
    x = ca.SX.sym("x", n * n)
    return x, elimination([[x[i * n + j] for j in range(n)] for i in range(n)])


def determinant_of_rows(n: int) -> Graph:
    """Eliminate row by row: an operation of CasADi's makes a row of nodes."""
    x = ca.SX.sym("x", n * n)
    a = [x[i * n : (i + 1) * n] for i in range(n)]
    product = a[0][0]
    for _ in range(n - 1):
        pivot, rest = a[0][0], a[0][1:]
        a = [row[1:] - row[0] / pivot * rest for row in a[1:]]
        product = product * a[0][0]
    return x, product


def determinant_of_matrices(n: int) -> Graph:
    """Eliminate by outer products: an operation makes a whole matrix of nodes."""
    x = ca.SX.sym("x", n * n)
    a = ca.reshape(x, n, n).T
    product = a[0, 0]
    for _ in range(n - 1):
        a = a[1:, 1:] - ca.mtimes(a[1:, 0] / a[0, 0], a[0, 1:])
        product = product * a[0, 0]
    return x, product


#: The same graph, made in three ways.
DETERMINANTS: Final[dict[str, Callable[[int], Graph]]] = {
    "scalars": determinant_of_scalars,
    "rows": determinant_of_rows,
    "matrices": determinant_of_matrices,
}


def chain(length: int) -> Graph:
    """Give a chain of dependent gates."""
    x = y = ca.SX.sym("y")
    for _ in range(length // 2):
        y = ca.sin(y) * y
    return x, y


def rosenbrock(inputs: int) -> Graph:
    """Give Rosenbrock's function, in vectors."""
    x = ca.SX.sym("x", inputs)
    u, v = x[:-1], x[1:]
    return x, ca.sum1(100 * (v - u**2) ** 2 + (1 - u) ** 2)


def of_circuit(circuit: Circuit) -> Graph:
    """Give a circuit of one output, gate by gate."""
    x, outputs = graph(circuit)
    return x, outputs[0]


def value(source: Graph, at: np.ndarray) -> float:
    """Evaluate at one point."""
    x, f = source
    return float(ca.Function("f", [x], [f])(at))


def gradient(source: Graph) -> Any:
    """Differentiate."""
    x, f = source
    return ca.gradient(f, x)


def shared(values: list[Any]) -> list[Any]:
    """Share common subexpressions."""
    found: list[Any] = ca.cse(values)
    return found


def ready(source: Graph, partials: Any, points: int = 1) -> Any:
    """Make the function of value and gradient, mapped serially over points."""
    x, f = source
    function = ca.Function("f", [x], [f, ca.densify(partials)])
    return function if points == 1 else function.map(points)


def evaluator(
    function: Any, points: np.ndarray
) -> tuple[Callable[[], None], np.ndarray, np.ndarray]:
    """Evaluate at rows of points without a copy, by CasADi's buffers.

    Returns
    -------
    callable, array of shape (points,), array of shape (points, inputs)
        Calling the first fills the others, values and gradients.
    """
    count, inputs = points.shape
    values, partials = np.empty(count), np.empty((count, inputs))
    buffer, evaluate = function.buffer()
    kept = np.ascontiguousarray(points)
    buffer.set_arg(0, memoryview(kept.reshape(-1)))
    buffer.set_res(0, memoryview(values))
    buffer.set_res(1, memoryview(partials.reshape(-1)))

    def call(keep: tuple[Any, ...] = (buffer, kept)) -> None:
        evaluate()

    return call, values, partials
