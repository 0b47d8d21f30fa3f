"""Checking a gradient circuit against its source, output by output."""

from __future__ import annotations

from collections.abc import Mapping

from circuitgrad.check.claims import claims
from circuitgrad.check.proved import Prover
from circuitgrad.check.report import Report, Verdict
from circuitgrad.check.sampled import sample
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.progress import stage

__all__ = ["check_gradient"]


def check_gradient(
    circuit: Circuit,
    gradient: Circuit,
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
) -> Report:
    """Check every output of a gradient circuit against the derivative it is named for.

    An output ``df_dx`` should be the derivative of the source's output f by its input
    x, or by its gate x in the sense of (C - x), Definition 2 of the notes; an output
    with the name of one of the source's outputs should have its value.  The level of
    each answer is stated: proved by sympy from the formulas, or, where the formulas are
    too large or sympy cannot decide, sampled at random points to 50 digits.

    Parameters
    ----------
    circuit, gradient : Circuit
        The source, and the circuit to be checked; inputs correspond by name.
    ranges : mapping, optional
        For inputs by name, the interval to draw points from.
    seed : int
        Seed of the random points.

    Returns
    -------
    Report

    Raises
    ------
    CircuitError
        If the gradient circuit has an input that the source has not, or ``ranges``
        names no input.

    Notes
    -----
    The caps (``MAX_FORMULA`` of `circuitgrad.check.proved`, ``MAX_STEPS`` of
    `circuitgrad.check.sampled` and others) are compared with sizes computed in one
    pass over the circuits before sympy starts.
    """
    inputs = set(circuit.inputs)
    for name in gradient.inputs:
        if name not in inputs:
            raise CircuitError(
                f"the gradient circuit has an input {name!r}, the source has not"
            )
    for name in ranges or ():
        if name not in inputs:
            raise CircuitError(f"a range for {name!r}, which is no input")
    readings = claims(circuit, gradient)
    verdicts = {
        name: Verdict(name, "", "undecided", "its name is no derivative's")
        for name in gradient.output_names
    }
    prover = Prover(circuit, gradient)
    while any(readings.values()):
        chosen = [waiting.pop(0) for waiting in readings.values() if waiting]
        proved = set()
        with stage("proving", total=len(chosen)) as proving:
            for claim in chosen:
                if prover.proves(claim):
                    proved.add(claim.name)
                    verdicts[claim.name] = Verdict(claim.name, claim.text, "proved")
                proving.advance()
        unproved = [claim for claim in chosen if claim.name not in proved]
        if unproved:
            with stage("sampling"):
                sampled = sample(circuit, gradient, unproved, ranges or {}, seed)
            verdicts.update((verdict.output, verdict) for verdict in sampled)
        for name, verdict in verdicts.items():  # another reading only of what failed
            if verdict.level != "failed":
                readings[name] = []
    return Report(tuple(verdicts.values()))
