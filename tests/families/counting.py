"""What the tests of families ask of each: counts, values, gradient, text."""

from __future__ import annotations

import random
from fractions import Fraction

import circuitgrad as cg
from circuitgrad.operations import Operations, operations


def require_counts(
    circuit, *, multiplications=0, divisions=0, additions=0, scalar=0, other=0
):
    """Require the operations of the binary model, all kinds of them."""
    assert operations(circuit) == Operations(
        multiplications, divisions, additions, scalar, other
    )


def rational_point(circuit, seed=0):
    """Draw an input point of fractions."""
    draw = random.Random(seed)
    return {
        name: Fraction(draw.randint(-99, 99), draw.randint(1, 9))
        for name in circuit.inputs
    }


def require_gradient_and_text(circuit, levels=("proved", "certified")):
    """Require a gradient shown to be right, text that gives it back, nothing dead."""
    derive = cg.gradient if len(circuit.outputs) == 1 else cg.jacobian
    report = cg.check_gradient(circuit, derive(circuit))
    assert report.verdicts
    assert {verdict.level for verdict in report.verdicts} <= set(levels)
    assert cg.parse(str(circuit)) == circuit
    assert circuit.live.all()
