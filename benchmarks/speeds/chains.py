"""Row 10: a chain of a million gates, each of which needs the one before."""

from __future__ import annotations

import numpy as np
from programs import chain

import circuitgrad as cg
from speeds.figure import Figure
from speeds.timing import Settings, agree, median_of, race

__all__ = ["START", "agreement", "deep"]

#: The chain tends to the fixed point pi/2 from here, slowly and from above, so neither
#: value nor derivative dies out.
START = np.array([[1.9]])
#: What rounding may do to the derivative, a gate: near the fixed point the steps are
#: themselves small, and errors last.
TOLERANCE = 1e-12


def gradient(circuit: cg.Circuit) -> cg.Circuit:
    """Give the gradient circuit, tidy."""
    return cg.run(cg.reverse_mode(circuit, value=True), "tidy")


def agreement(ours: np.ndarray, theirs: np.ndarray, length: int) -> None:
    """Compare value and derivative, each by itself."""
    tolerance = max(1e-9, TOLERANCE * length)
    for mine, other in zip(np.ravel(ours), np.ravel(theirs), strict=True):
        agree(np.array(mine), np.array(other), f"a chain of {length}", tolerance)


def deep(settings: Settings) -> list[Figure]:
    """Differentiate the chain, and one a tenth as long: row 10."""
    from peers import casadi_speed as peer

    length = settings.pick(1_000_000, 2_000)
    circuit, tenth, graph = chain(length), chain(length // 10), peer.chain(length)
    emitted, lowered, theirs, short = median_of(
        race(
            settings,
            lambda: gradient(circuit),
            lambda: cg.compile(gradient(circuit)),
            lambda: peer.ready(graph, peer.gradient(graph)),
            lambda: gradient(tenth),
        )
    )
    call, value, partial = peer.evaluator(
        peer.ready(graph, peer.gradient(graph)), START
    )
    call()
    mine = cg.compile(gradient(circuit), threads=1).points(START)
    agreement(mine, np.append(value, partial), length)
    what = "chain: gradient circuit"
    growth = emitted / short
    return [
        Figure(
            *(10, f"{what}; CasADi: gradient, Function", length, emitted, theirs),
            bar=1,
            goal=2,
        ),
        Figure(10, f"{what}, ready; the same", length, lowered, theirs),
        Figure(
            *(10, f"{what}; beside a tenth of it", length, emitted, short, growth),
            bar=12,
            at_most=True,
        ),
    ]
