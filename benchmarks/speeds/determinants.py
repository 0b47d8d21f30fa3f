"""Rows 1 to 6: a determinant, built, differentiated and evaluated, beside CasADi."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs import determinant, determinant_of_matrices, determinant_of_rows

import circuitgrad as cg
from speeds.figure import Figure
from speeds.timing import Settings, agree, median_of, race

__all__ = ["built", "differentiated", "evaluated", "made_ready", "shared"]


def order(settings: Settings) -> int:
    """Give the order of the matrix."""
    return settings.pick(100, 30)


def matrix(n: int) -> np.ndarray:
    """Give a matrix that needs no pivots, as one row."""
    noise = np.random.default_rng(1).uniform(-1, 1, (n, n))
    return (np.eye(n) + noise / n).reshape(1, -1)


def values(circuit: cg.Circuit, at: np.ndarray) -> np.ndarray:
    """Evaluate a circuit."""
    return cg.compile(circuit, threads=1).points(at)[0]


def casadi_values(graph: Any, partials: Any, at: np.ndarray) -> np.ndarray:
    """Evaluate CasADi's value and gradient."""
    from peers import casadi_speed as peer

    call, value, gradient = peer.evaluator(peer.ready(graph, partials), at)
    call()
    return np.append(value, gradient)


def built(settings: Settings) -> list[Figure]:
    """Build it in Python: rows 1 (scalars) and 2 (rows, matrices)."""
    from peers import casadi_speed as peer

    n = order(settings)
    ours = (determinant, determinant_of_rows, determinant_of_matrices)
    theirs = list(peer.DETERMINANTS.values())
    contenders = [lambda f=form: f(n) for form in (*ours, *theirs)]
    times = median_of(race(settings, *contenders))
    at = matrix(n)
    for name, own, other in zip(peer.DETERMINANTS, ours, theirs, strict=True):
        expected = np.array(peer.value(other(n), at[0]))
        agree(values(own(n), at), expected, f"the determinant of {name}")
    gates = determinant(n).size
    scalars, rows, matrices = zip(times[:3], times[3:], strict=True)
    what = "build determinant"
    return [
        Figure(1, f"{what}; CasADi: scalars", gates, *scalars, bar=15, goal=30),
        Figure(2, f"{what} by rows; CasADi: rows", gates, *rows, bar=1, goal=2),
        Figure(2, f"{what} by outer products; CasADi: so too", gates, *matrices),
    ]


def differentiated(settings: Settings) -> list[Figure]:
    """Differentiate, nothing else: row 3."""
    from peers import casadi_speed as peer

    n = order(settings)
    circuit, graph, at = determinant(n), peer.determinant_of_rows(n), matrix(n)
    ours, theirs = median_of(
        race(
            settings,
            lambda: cg.reverse_mode(circuit),
            lambda: peer.gradient(graph),
        )
    )
    literal = cg.reverse_mode(circuit, value=True)
    agree(
        values(literal, at),
        casadi_values(graph, peer.gradient(graph), at),
        "the gradient of the determinant",
    )
    what = "reverse_mode; CasADi: gradient"
    return [Figure(3, what, circuit.size, ours, theirs, bar=8, goal=20)]


def ready(circuit: cg.Circuit) -> cg.Compiled:
    """Make value and gradient ready to evaluate."""
    tidy = cg.dce(cg.cse(cg.fuse(cg.reverse_mode(circuit, value=True))))
    return cg.compile(tidy, threads=1)


def made_ready(settings: Settings) -> list[Figure]:
    """Differentiate up to the first evaluation: row 4."""
    from peers import casadi_speed as peer

    n = order(settings)
    circuit, graph, at = determinant(n), peer.determinant_of_rows(n), matrix(n)
    ours, theirs = median_of(
        race(
            settings,
            lambda: ready(circuit),
            lambda: peer.ready(graph, peer.gradient(graph)),
        )
    )
    agree(
        ready(circuit).points(at)[0],
        casadi_values(graph, peer.gradient(graph), at),
        "the gradient made ready",
    )
    what = "gradient ready; CasADi: gradient, Function"
    return [Figure(4, what, circuit.size, ours, theirs, bar=3, goal=5)]


def shared(settings: Settings) -> list[Figure]:
    """Share common subexpressions of the gradient: row 5."""
    from peers import casadi_speed as peer

    n = order(settings)
    at, graph = matrix(n), peer.determinant_of_rows(n)
    fused = cg.fuse(cg.reverse_mode(determinant(n), value=True))
    partials = peer.gradient(graph)
    ours, theirs = median_of(
        race(settings, lambda: cg.cse(fused), lambda: peer.shared([partials]))
    )
    agree(
        values(cg.dce(cg.cse(fused)), at),
        casadi_values(graph, peer.shared([partials])[0], at),
        "the gradient with cse",
    )
    what = "cse of the gradient; CasADi: cse"
    return [Figure(5, what, fused.size, ours, theirs, bar=20, goal=60)]


def evaluated(settings: Settings) -> list[Figure]:
    """Evaluate value and gradient at one point, our median to CasADi's best: row 6."""
    from peers import casadi_speed as peer

    n = order(settings)
    circuit, at = determinant(n), matrix(n)
    ours, out = ready(circuit), np.empty((1, 1 + n * n))
    calls, results = [], []
    for form in (peer.determinant_of_rows, peer.determinant_of_matrices):
        graph = form(n)
        call, value, gradient = peer.evaluator(
            peer.ready(graph, peer.gradient(graph)), at
        )
        calls.append(call)
        results.append((value, gradient))
    times = race(settings, lambda: ours.points(at, out), *calls)
    for value, gradient in results:
        agree(out, np.append(value, gradient), "the evaluated gradient")
    best = min(min(each) for each in times[1:])
    what = "evaluate f and gradient; CasADi: best call"
    mine = median_of(times)[0]
    return [Figure(6, what, circuit.size, mine, best, bar=1.3, goal=2.5)]
