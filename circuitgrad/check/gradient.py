"""Checking a gradient circuit against its source, output by output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circuitgrad.check.arrays import check_arrays
from circuitgrad.check.certified import Settings
from circuitgrad.check.claims import Claim, claims
from circuitgrad.check.confirmed import certify, refuted
from circuitgrad.check.field import PRIMES
from circuitgrad.check.proved import Prover
from circuitgrad.check.report import PASSED, Report, Verdict
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.progress import stage

__all__ = ["check_gradient", "check_same"]


def check_gradient(
    circuit: Circuit,
    gradient: Circuit,
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    prime: int | None = None,
    trials: int | None = None,
    one_by_one: bool = False,
) -> Report:
    """Check every output of a gradient circuit against the derivative it is named for.

    An output ``df_dx`` should be the derivative of the source's output f by its input
    x, or by its gate x in the sense of (C - x), Definition 2 of the notes; an output
    with the name of one of the source's outputs should have its value.  The level of
    each answer is stated: proved, from polynomials or sympy's formulas; where those are
    too large or sympy cannot decide, certified at random points of a prime field, and
    of the reals where there are functions; and where the field cannot express one, or
    its laws do not suffice, sampled at random points to 50 digits.  Circuits of arrays
    are scalarized, and an array is as right as the weakest of its entries.

    Parameters
    ----------
    circuit, gradient : Circuit
        The source, and the circuit to be checked; inputs correspond by name.
    ranges : mapping, optional
        For inputs by name, the interval to draw points from.
    seed : int
        Seed of the random points.
    prime : {61, 521}, optional
        The field of certificates has 2^prime - 1 elements; by default the smaller, and
        the larger where that gives no bound for a rational circuit that is not large.
    trials : int, optional
        Number of points of a certificate; as many as its bound asks for by default.
    one_by_one : bool
        Whether certificates compare each partial alone, by a gate z in the circuit
        (C - z); by default all partials of an output are compared at once, which
        takes one evaluation instead of one for each vertex.

    Returns
    -------
    Report

    Raises
    ------
    CircuitError
        If the gradient circuit has an input that the source has not, ``ranges``
        names no input, or ``prime`` or ``trials`` cannot be.

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
    if prime not in (None, *PRIMES) or (trials is not None and trials < 1):
        raise CircuitError("prime should be 61 or 521, and trials at least 1")
    if circuit.columns.shaped or gradient.columns.shaped:
        return check_arrays(
            check_gradient,
            circuit,
            gradient,
            ranges,
            seed=seed,
            prime=prime,
            trials=trials,
            one_by_one=one_by_one,
        )
    readings = claims(circuit, gradient)
    verdicts = {
        name: Verdict(name, "", "undecided", "its name is no derivative's")
        for name in gradient.output_names
    }
    prover = Prover(circuit, gradient)
    intervals = {name: list(interval) for name, interval in (ranges or {}).items()}
    how = Settings(prime, trials, seed, one_by_one)
    settings = {**vars(how), "ranges": intervals}
    evidence: dict[str, Any] = {"settings": settings}
    while any(readings.values()):
        chosen = [waiting.pop(0) for waiting in readings.values() if waiting]
        now: dict[str, Verdict] = {}
        with stage("proving", total=len(chosen)) as proving:
            for claim in chosen:
                if prover.proves(claim):
                    now[claim.name] = Verdict(claim.name, claim.text, "proved")
                proving.advance()
        formulas = [claim for claim in chosen if claim.name in prover.by_formulas]
        if formulas:
            now |= refuted(circuit, gradient, formulas, ranges or {}, seed)
        unproved = [claim for claim in chosen if claim.name not in now]
        if unproved:
            found, evidence["certified"] = certify(
                circuit, gradient, unproved, how, ranges or {}
            )
            now |= found
        for name, verdict in now.items():
            if verdicts[name].level != "failed" or verdict.level in PASSED:
                verdicts[name] = verdict
            if verdict.level != "failed":  # another reading only of what failed
                readings[name] = []
    return Report(tuple(verdicts.values()), evidence)


def check_same(circuit: Circuit, other: Circuit) -> Report:
    """Check that two circuits with the same outputs, by name, compute the same.

    Each output is certified in a prime field, or sampled, as `check_gradient` does.

    Raises
    ------
    CircuitError
        If one has an input or an output that the other has not.
    """
    if circuit.columns.shaped or other.columns.shaped:
        return check_arrays(
            lambda one, two, ranges: check_same(one, two), circuit, other, None
        )
    outputs = dict(circuit.outputs)
    if outputs.keys() != dict(other.outputs).keys():
        raise CircuitError("the circuits have other outputs")
    if not set(other.inputs) <= set(circuit.inputs):
        raise CircuitError("the circuits have other inputs")
    settings = {"settings": vars(Settings())}
    same = [Claim(name, v, outputs[name], -1, name) for name, v in other.outputs]
    found, evidence = certify(circuit, other, same, Settings(), {})
    return Report(tuple(found.values()), {"certified": evidence, **settings})
