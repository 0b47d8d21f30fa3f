"""One step of training a network of two layers, beside JAX and NumPy in the same run.

Each contender does a step ``W -= rate dloss/dW`` of all parameters in float32, on the
same batch, and gives the loss.  The exit status is 1 where they disagree.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from speeds.figure import DisagreementError, seconds
from speeds.machine import describe, load
from speeds.timing import agree

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812
from circuitgrad.tables import show

PARAMETERS: Final = ("W1", "b1", "W2", "b2")
RATE: Final = 0.1
#: Steps after which the contenders' parameters are compared.
STEPS: Final = 5

Arrays = dict[str, np.ndarray]


def shapes_of(inputs: int, hidden: int, outputs: int, batch: int) -> dict[str, Any]:
    """Give the shapes of parameters and data."""
    return {
        "W1": (hidden, inputs),
        "b1": (hidden,),
        "W2": (outputs, hidden),
        "b2": (outputs,),
        "X": (batch, inputs),
        "Y": (batch, outputs),
    }


def start(shapes: Mapping[str, Any]) -> Arrays:
    """Draw parameters and a batch, its labels as rows of an identity."""
    draw = np.random.default_rng(0)
    found = {
        name: draw.normal(0, 0.05, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    batch, outputs = shapes["Y"]
    labels = draw.integers(0, outputs, batch)
    return found | {"Y": np.eye(outputs, dtype=np.float32)[labels]}


# ---------------------------------------------------------------------- circuitgrad


def loss_circuit(shapes: Mapping[str, Any]) -> cg.Circuit:
    """Make the circuit of the loss: the mean cross-entropy over the batch."""

    def loss(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:  # noqa: N803
        hidden = F.relu(X @ W1.T + b1)
        logs = F.log_softmax(hidden @ W2.T + b2, axis=1)
        return -F.sum(Y * logs, axis=(0, 1)) / Y.shape[0]

    return cg.trace(loss, shapes=shapes, name="loss")


def step_circuit(loss: cg.Circuit) -> cg.Circuit:
    """Make the circuit of a step: the gradient, and the parameters after it."""
    gradient = cg.gradient(loss, wrt=PARAMETERS, value=True)
    lines = [line for line in str(gradient).splitlines() if "output " not in line]
    lines += [f"new_{name} = {name} - {RATE}*df_d{name}" for name in PARAMETERS]
    lines.append(f"output f, {', '.join(f'new_{name}' for name in PARAMETERS)}")
    return cg.parse("\n".join(lines))


class Ours:
    """The compiled step, which writes the parameters where they are."""

    def __init__(self, circuit: cg.Circuit, arrays: Arrays) -> None:
        self.arrays = {name: array.copy() for name, array in arrays.items()}
        self.function = cg.compile(circuit, dtype=np.float32)
        self.out = {f"new_{name}": self.arrays[name] for name in PARAMETERS}
        self.out["f"] = np.empty((), np.float32)

    def __call__(self) -> float:
        """Do a step; give the loss before it."""
        return float(self.function(**self.arrays, out=self.out)["f"])


class OursAnew(Ours):
    """The compiled step, which makes new parameters."""

    def __call__(self) -> float:
        """Do a step; give the loss before it."""
        found = self.function(**self.arrays)
        self.arrays |= {name: found[f"new_{name}"] for name in PARAMETERS}
        return float(found["f"])


# ---------------------------------------------------------------------- by hand


class ByHand:
    """The step as a careful person writes it for NumPy: nothing is allocated."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = {name: array.copy() for name, array in arrays.items()}
        (batch, _), (hidden, _) = arrays["X"].shape, arrays["W1"].shape
        like = partial(np.empty, dtype=np.float32)
        self.z1, self.h, self.g1 = (like((batch, hidden)) for _ in range(3))
        self.z2, self.e = (like(arrays["Y"].shape) for _ in range(2))
        self.row = like((batch, 1))
        self.mask = np.empty((batch, hidden), np.bool_)
        self.dw1, self.dw2 = (np.empty_like(arrays[name]) for name in ("W1", "W2"))
        self.scale = np.float32(RATE / batch)

    def __call__(self) -> float:
        """Do a step; give the loss before it."""
        w1, b1, w2, b2, x, y = self.arrays.values()
        z1, h, z2, e, row, g1 = self.z1, self.h, self.z2, self.e, self.row, self.g1
        np.matmul(x, w1.T, out=z1)
        np.add(z1, b1, out=z1)
        np.maximum(z1, 0, out=h)
        np.matmul(h, w2.T, out=z2)
        np.add(z2, b2, out=z2)
        np.max(z2, axis=1, keepdims=True, out=row)
        np.subtract(z2, row, out=z2)
        np.exp(z2, out=e)
        np.sum(e, axis=1, keepdims=True, out=row)
        np.divide(e, row, out=e)
        np.log(row, out=row)
        np.subtract(z2, row, out=z2)
        loss = -np.vdot(y, z2) / len(x)
        np.subtract(e, y, out=e)
        np.multiply(e, self.scale, out=e)  # the rate is in it from here on
        np.matmul(e, w2, out=g1)
        np.matmul(e.T, h, out=self.dw2)
        np.greater(z1, 0, out=self.mask)
        np.multiply(g1, self.mask, out=g1)
        np.matmul(g1.T, x, out=self.dw1)
        np.subtract(w1, self.dw1, out=w1)
        np.subtract(b1, np.sum(g1, axis=0), out=b1)
        np.subtract(w2, self.dw2, out=w2)
        np.subtract(b2, np.sum(e, axis=0), out=b2)
        return float(loss)


# ---------------------------------------------------------------------- JAX


class Jax:
    """A step that `jax.jit` has compiled, in which parameters are donated."""

    def __init__(self, arrays: Arrays, step: Callable[..., Any]) -> None:
        import jax

        self.ready = jax.block_until_ready
        self.arrays = {name: jax.numpy.asarray(a) for name, a in arrays.items()}
        self.step = jax.jit(step, donate_argnums=0)

    def __call__(self) -> float:
        """Do a step; give the loss before it."""
        held = {name: self.arrays[name] for name in PARAMETERS}
        loss, new = self.ready(self.step(held, self.arrays["X"], self.arrays["Y"]))
        self.arrays |= new
        return float(loss)


def jax_step(p: Any, x: Any, y: Any) -> Any:
    """Do a step as a JAX user writes it."""
    import jax

    def loss(p: Any) -> Any:
        hidden = jax.nn.relu(x @ p["W1"].T + p["b1"])
        logs = jax.nn.log_softmax(hidden @ p["W2"].T + p["b2"], axis=1)
        return -(y * logs).sum() / len(y)

    value, gradient = jax.value_and_grad(loss)(p)
    return value, {name: p[name] - RATE * gradient[name] for name in PARAMETERS}


def circuit_step(circuit: cg.Circuit) -> Callable[..., Any]:
    """Make JAX's step of the circuit of one."""
    function = cg.to_jax(circuit)

    def step(p: Any, x: Any, y: Any) -> Any:
        found = function(**p, X=x, Y=y)
        return found["f"], {name: found[f"new_{name}"] for name in PARAMETERS}

    return step


# ---------------------------------------------------------------------- the race


def contenders(circuit: cg.Circuit, arrays: Arrays) -> dict[str, Any]:
    """Make those whose modules are installed; ours first."""
    found: dict[str, Any] = {
        "circuitgrad, out=": Ours(circuit, arrays),
        "circuitgrad, new arrays": OursAnew(circuit, arrays),
        "NumPy by hand": ByHand(arrays),
    }
    try:
        found["JAX, jitted"] = Jax(arrays, jax_step)
        found["JAX, jitted: to_jax"] = Jax(arrays, circuit_step(circuit))
    except ImportError:
        print("jax is not installed", file=sys.stderr)
    return found


def race(rounds: int, contenders: Sequence[Callable[[], Any]]) -> list[float]:
    """Time contenders in turns; give the median of each.

    A step is timed after one of the contender's own, as in training: caches are warm,
    and other contenders' threads are at rest.  The order is another one every round.
    """
    times: list[list[float]] = [[] for _ in contenders]
    draw = random.Random(0)
    for _ in range(rounds):
        for each in draw.sample(range(len(contenders)), len(contenders)):
            contenders[each]()
            begin = time.perf_counter()
            contenders[each]()
            times[each].append(time.perf_counter() - begin)
    return [statistics.median(each) for each in times]


def check(found: Mapping[str, Any]) -> None:
    """Do some steps with each, and compare losses and parameters with the first's."""
    losses = {name: [each() for _ in range(STEPS)] for name, each in found.items()}
    first, *others = found
    for name in others:
        agree(np.array(losses[name]), np.array(losses[first]), f"{name}: losses", 1e-5)
        for parameter in PARAMETERS:
            ours = np.asarray(found[first].arrays[parameter])
            theirs = np.asarray(found[name].arrays[parameter])
            agree(ours, theirs, f"{name}: {parameter}", 1e-4)


def main() -> int:
    """Measure, print and write; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small network, to try")
    parser.add_argument("--rounds", type=int, default=300, help="steps counted")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too")
    arguments = parser.parse_args()
    shapes = shapes_of(*((6, 8, 4, 16) if arguments.quick else (784, 128, 10, 128)))
    loss, arrays, before = loss_circuit(shapes), start(shapes), load()
    found = contenders(step_circuit(loss), arrays)
    try:
        check(found)
    except DisagreementError as error:
        print(error, file=sys.stderr)
        return 1
    times = race(arguments.rounds, [*found.values()])
    emit = partial(cg.gradient, loss, wrt=PARAMETERS, value=True)
    (emitted,) = race(5, [emit])
    rows = [
        [name, seconds(taken), f"{times[0] / taken:.2f}"]
        for name, taken in zip(found, times, strict=True)
    ]
    show(["a step", "time", "ours by it"], rows, sys.stdout)
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "one a core")
    print(f"emitting the gradient: {seconds(emitted)}")
    print(f"threads of NumPy's BLAS: {threads}; load average: {before} to {load()}")
    if arguments.json:
        figures = dict(zip(found, times, strict=True)) | {"emit": emitted}
        document = {"machine": describe(), "blas threads": threads, "seconds": figures}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
