"""Time against gates, from a thousand to a million."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from programs import chain, determinant

import circuitgrad as cg
from speeds.chains import START, agreement
from speeds.determinants import matrix
from speeds.timing import Settings, agree, median_of, race

__all__ = ["PANELS", "Curves", "curves"]

#: Orders of matrices, and lengths of chains, of about 10^3, 10^3.5 ... 10^6 gates.
ORDERS: Final = (11, 17, 25, 36, 53, 78, 115)
LENGTHS: Final = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
#: What is drawn together.
PANELS: Final = {
    "building": ("build", "CasADi build"),
    "gradient circuit, ready": (
        *("reverse", "tidy", "lower", "CasADi gradient", "CasADi Function"),
    ),
    "one evaluation": ("evaluate", "CasADi evaluate"),
}

Curves = dict[str, dict[str, list[tuple[int, float]]]]


def curves(settings: Settings) -> Curves:
    """Time each stage of both programs, ours and CasADi's."""
    try:
        from peers import casadi_speed as peer
    except ImportError:
        peer = None
    programs: dict[str, list[tuple[Any, ...]]] = {
        "determinant": [
            (determinant, n, matrix(n), peer and peer.determinant_of_rows)
            for n in ORDERS
        ],
        "chain": [(chain, n, START, peer and peer.chain) for n in LENGTHS],
    }
    found: Curves = {}
    for name, cases in programs.items():
        lines = found[name] = {}
        for case in cases[: 3 if settings.quick else None]:
            gates, times = stages(settings, *case)
            for stage, taken in times.items():
                lines.setdefault(stage, []).append((gates, taken))
    return found


def stages(
    settings: Settings,
    make: Callable[[int], cg.Circuit],
    n: int,
    at: np.ndarray,
    theirs: Callable[[int], Any] | None,
) -> tuple[int, dict[str, float]]:
    """Time all stages at one size."""
    circuit = make(n)
    literal = cg.reverse_mode(circuit, value=True)
    tidy = cg.run(literal, "tidy")
    compiled = cg.compile(tidy, threads=1)
    out = np.empty((1, len(compiled.outputs)))
    works: dict[str, Callable[[], Any]] = {
        "build": lambda: make(n),
        "reverse": lambda: cg.reverse_mode(circuit, value=True),
        "tidy": lambda: cg.run(literal, "tidy"),
        "lower": lambda: cg.compile(tidy, threads=1),
        "evaluate": lambda: compiled.points(at, out),
    }
    if theirs is not None:
        from peers import casadi_speed as peer

        graph = theirs(n)
        partials = peer.gradient(graph)
        call, value, gradient = peer.evaluator(peer.ready(graph, partials), at)
        works |= {
            "CasADi build": lambda: theirs(n),
            "CasADi gradient": lambda: peer.gradient(graph),
            "CasADi Function": lambda: peer.ready(graph, partials),
            "CasADi evaluate": call,
        }
    times = {stage: median_of(race(settings, work))[0] for stage, work in works.items()}
    if theirs is not None:
        expected = np.append(value, gradient)
        if make is chain:
            agreement(compiled.points(at), expected, n)
        else:
            agree(compiled.points(at), expected, f"the gradient of {make.__name__} {n}")
    return circuit.size, times
