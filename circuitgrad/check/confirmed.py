"""Certificates, confirmed at real points where the field alone does not suffice.

A prime field has no order and no roots: it says little of branches, and functions are
there what their laws make them.  So where a circuit has more than rational gates, what
the field certifies is compared in balls, too, and either may refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from circuitgrad.check.certified import Certifier, Settings
from circuitgrad.check.claims import Claim
from circuitgrad.check.report import Verdict
from circuitgrad.check.sampled import LACKING, sample
from circuitgrad.circuit import Circuit
from circuitgrad.progress import stage

__all__ = ["certify", "refuted"]

#: Points where the field disagrees, and may lack a law.
CLOSELY: Final = 256

Ranges = Mapping[str, tuple[float, float]]


def certify(
    circuit: Circuit,
    gradient: Circuit,
    claims: Sequence[Claim],
    settings: Settings,
    ranges: Ranges,
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Certify claims, confirm what has functions, sample what cannot be certified.

    Returns
    -------
    verdicts : dict of Verdict
        By output.
    evidence : dict
        How it was done, as JSON data.
    """
    certifier = Certifier(circuit, gradient, claims, settings)
    with stage("certifying"):
        found = {verdict.output: verdict for verdict in certifier.verdicts()}
    # what the field disagrees with is looked at most closely
    closely, usually = [], []
    for claim in claims:
        level = found[claim.name].level
        if level == "failed":
            closely.append(claim)
        elif level != "certified" or not certifier.exactly:
            usually.append(claim)
    many = 0 if certifier.exactly else CLOSELY
    for doubtful, most in ((usually, 0), (closely, many)):
        if doubtful:
            with stage("sampling"):
                given = doubtful, ranges, settings.seed, most
                for real in sample(circuit, gradient, *given):
                    field = found[real.output]
                    found[real.output] = _joined(field, real, certifier.exactly)
    return found, certifier.evidence()


def refuted(
    circuit: Circuit,
    gradient: Circuit,
    claims: Sequence[Claim],
    ranges: Ranges,
    seed: int,
) -> dict[str, Verdict]:
    """Give those of proved claims that do not hold at real points, by output.

    Formulas are equal as expressions of complex numbers: one may have no real value.
    """
    with stage("sampling"):
        found = list(sample(circuit, gradient, claims, ranges, seed))
    return {
        verdict.output: _said(verdict)
        for verdict in found
        if verdict.level in ("failed", LACKING)
    }


def _joined(field: Verdict, real: Verdict, exactly: bool) -> Verdict:
    """Join what the field says and what real points say."""
    if real.level == "failed":  # a point with digits says more than one in a field
        return real
    if field.level == "failed" and (exactly or real.level == LACKING):
        return field
    if field.level != "certified":
        reason = field.detail
        if field.level == "failed":
            reason = "the field disagrees: a law that it lacks, or wrong elsewhere"
        return replace(_said(real), detail=f"{real.detail}; {reason}")
    if real.level == "sampled":
        return replace(field, detail=f"{field.detail}; {real.detail} at real points")
    if real.level == "unchecked":  # too large
        return replace(field, detail=f"{field.detail}; too large for real points")
    return _said(real)


def _said(verdict: Verdict) -> Verdict:
    """Give a verdict as a report has it: what lacks a value is undecided."""
    if verdict.level == LACKING:
        return replace(verdict, level="undecided")
    return verdict
