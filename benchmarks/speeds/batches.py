"""Rows 7 to 9 and 15: many points; beside CasADi's serial map, on more threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from programs import DATA, rosenbrock

import circuitgrad as cg
from speeds.figure import Figure
from speeds.timing import Settings, agree, median_of, race

__all__ = ["levels", "network_map", "rosenbrock_map", "threads"]

BOXES: Final = ((-1, 1), (0.01, 0.09))
NETWORK: Final = DATA / "size" / "network.cg"


def count(settings: Settings) -> int:
    """Give the number of points."""
    return settings.pick(10_000, 200)


def sample(circuit: cg.Circuit, points: int) -> np.ndarray:
    """Give points, rows of an array, in the first box where all values are finite."""
    compiled = cg.compile(circuit, threads=1)
    for box in BOXES:
        size = (points, len(circuit.inputs))
        found = np.random.default_rng(1).uniform(*box, size)
        if np.isfinite(compiled.points(found)).all():
            break
    return found


def against_map(
    settings: Settings, row: int, name: str, circuit: cg.Circuit, graph: Any
) -> list[Figure]:
    """Take value and gradient at all points, in both layouts."""
    from peers import casadi_speed as peer

    at = sample(circuit, count(settings))
    ours = cg.compile(cg.gradient(circuit, value=True), threads=1)
    out = np.empty((len(at), len(ours.outputs)))
    rows = list(np.ascontiguousarray(at.T))
    partials = peer.shared([graph[1], peer.gradient(graph)])
    call, value, gradient = peer.evaluator(
        peer.ready((graph[0], partials[0]), partials[1], len(at)), at
    )
    by_points, by_rows, theirs = median_of(
        race(settings, lambda: ours.points(at, out), lambda: ours(*rows), call)
    )
    expected = np.column_stack([value, gradient])
    agree(out, expected, f"{name} at {len(at)} points")
    found = ours(*rows)
    agree(np.stack(list(found.values()), axis=-1), expected, f"{name} in rows")
    gates = circuit.size
    return [
        Figure(
            row, f"{name}; rows; CasADi: map", gates, by_rows, theirs, bar=4, goal=7
        ),
        Figure(row, f"{name}; points", gates, by_points, theirs, bar=4, goal=7),
    ]


def network_map(settings: Settings) -> list[Figure]:
    """Take a small network's value and gradient at many points: row 7."""
    what = f"network 6-8-4, {count(settings):,} points"
    if not NETWORK.exists():
        return [Figure(7, what, note=f"no {NETWORK.name} beside the project")]
    from peers import casadi_speed as peer

    circuit = cg.read(NETWORK)
    return against_map(settings, 7, what, circuit, peer.of_circuit(circuit))


def rosenbrock_map(settings: Settings) -> list[Figure]:
    """Take Rosenbrock's value and gradient at many points: row 8."""
    from peers import casadi_speed as peer

    n = settings.pick(1000, 50)
    what = f"Rosenbrock {n}, {count(settings):,} points"
    return against_map(settings, 8, what, rosenbrock(n), peer.rosenbrock(n))


def batch(circuit: cg.Circuit, points: int, threads: int) -> Callable[[], np.ndarray]:
    """Give a call that evaluates a circuit at points in place."""
    at = sample(circuit, points)
    compiled = cg.compile(circuit, threads=threads)
    out = np.empty((points, len(circuit.outputs)))
    return lambda: compiled.points(at, out)


def threads(settings: Settings) -> list[Figure]:
    """Evaluate with a second thread: row 9."""
    programs = {"Rosenbrock": rosenbrock(settings.pick(1000, 50))}
    if NETWORK.exists():
        programs = {"network 6-8-4": cg.read(NETWORK), **programs}
    figures = []
    for name, circuit in programs.items():
        gradient = cg.gradient(circuit, value=True)
        one, two = (batch(gradient, count(settings), k) for k in (1, 2))
        times = median_of(race(settings, two, one))
        if not np.array_equal(one(), two()):
            agree(two(), one(), f"{name} on two threads", 0.0)
        what = f"{name}: 2 threads; beside 1"
        figures.append(Figure(9, what, circuit.size, *times, bar=1.6, goal=1.9))
    return figures


def levels(settings: Settings) -> list[Figure]:
    """Evaluate what ``-O size`` makes, beside ``-O tidy``: row 15.

    Elimination without pivots loses digits at some points, so the results may be as far
    apart as those of the same operations in another order, a thousand times over.
    """
    figures = []
    for path in sorted((DATA / "size").glob("*.cg")):
        circuit = cg.read(path)
        if settings.quick and circuit.size > 200:
            continue
        small, tidy = (
            cg.jacobian(circuit, value=True, pipeline=level)
            for level in ("size", "tidy")
        )
        calls = [batch(each, count(settings), 1) for each in (small, tidy)]
        times = median_of(race(settings, *calls))
        ordered = cg.compile(tidy, threads=1, strict=True)
        reordered = ordered.points(sample(tidy, count(settings))) - calls[1]()
        largest = np.abs(calls[1]()).max()
        lost = 1000 * np.abs(reordered).max() / largest
        agree(calls[0](), calls[1](), f"{path.stem} at -O size", max(1e-9, lost))
        what = f"{path.stem}: -O size; beside -O tidy"
        figures.append(Figure(15, what, circuit.size, *times, bar=1))
    return figures or [Figure(15, "-O size", note="no data beside the project")]
