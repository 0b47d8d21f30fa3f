"""The level "sampled": values at random points, to 50 digits.

The derivative that the gradient circuit's values are compared with is a central
difference of the source circuit's value at 180 digits: it uses no derivative rule at
all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from circuitgrad.check.claims import Claim
from circuitgrad.check.report import Verdict
from circuitgrad.circuit import Circuit
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arithmetic import Decimals
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import CONSTANT, gate_type

__all__ = ["DIGITS", "POINTS", "Sampler", "sample"]

#: Digits to which values must agree, relative to the size of the terms compared.
DIGITS: Final = 50
#: Points at which every output is compared.
POINTS: Final = 3
#: Points where a circuit has kinks: each side of each should be met.
KINK_POINTS: Final = 32

#: Most wires that may be evaluated, over all points and outputs: about ten seconds.
MAX_STEPS: Final = 2_000_000

_WORKING_DIGITS: Final = 180
_STEP: Final = Fraction(1, 10**58)  # h^2 = 1e-116; rounding 1e-180 / h = 1e-122
_ATTEMPTS: Final = 80  # for each point
#: Intervals to draw inputs from, in turn, where the caller names none.
_INTERVALS: Final = (
    (0.5, 2.0),
    (-2.0, 2.0),
    (0.05, 0.95),
    (1.0, 5.0),
    (-0.9, 0.9),
    (2.0, 20.0),
)


class Sampler:
    """Points in a circuit's domain, with the values of both circuits there.

    Parameters
    ----------
    circuit, gradient : Circuit
    ranges : mapping
        The interval of an input, by name, for those that the caller knows.
    seed : int
        Seed of the random points.
    """

    def __init__(
        self,
        circuit: Circuit,
        gradient: Circuit,
        ranges: Mapping[str, tuple[float, float]],
        seed: int,
    ) -> None:
        self.circuit = circuit
        self.gradient = gradient
        self.arithmetic = Decimals(_WORKING_DIGITS)
        self.random = random.Random(seed)
        self.ranges = ranges
        self.points: list[dict[str, Any]] = []
        self.values: list[list[Any]] = []
        self.gradients: list[list[Any]] = []
        self.reason = ""
        kinked = any(_has_kinks(c) for c in (circuit, gradient))
        self.wanted = KINK_POINTS if kinked else POINTS

    def draw(self) -> bool:
        """Find points where both circuits have values; tell whether enough."""
        for attempt in range(_ATTEMPTS * self.wanted):
            if len(self.points) == self.wanted:
                return True
            interval = _INTERVALS[attempt % len(_INTERVALS)]
            point = {
                name: self.arithmetic.number(
                    Fraction(
                        round(self.random.uniform(*self.ranges.get(name, interval)), 6)
                    )
                )
                for name in self.circuit.inputs
            }
            try:
                values = self.evaluate(self.circuit, point)
                gradients = self.evaluate(self.gradient, point)
            except EvaluationError as error:
                self.reason = str(error)
                continue
            self.points.append(point)
            self.values.append(values)
            self.gradients.append(gradients)
        return len(self.points) == self.wanted

    def evaluate(
        self, circuit: Circuit, point: Mapping[str, Any], shift: Any = None
    ) -> list[Any]:
        """Evaluate a circuit's vertices at a point, inputs by name."""
        return vertex_values(
            circuit, self.arithmetic, [point[n] for n in circuit.inputs], shift
        )

    def success(self, claim: Claim) -> Verdict:
        """Report agreement at all points."""
        detail = f"{self.wanted} points, {DIGITS} digits"
        return Verdict(claim.name, claim.text, "sampled", detail)

    def failure(self, claim: Claim, number: int, expected: Any, found: Any) -> Verdict:
        """Report a point where the values differ."""
        text = self.arithmetic.context.nstr
        return Verdict(
            claim.name,
            claim.text,
            "failed",
            point={name: text(v, 10) for name, v in self.points[number].items()},
            expected=text(expected, 30),
            found=text(found, 30),
        )

    def agree(self, expected: Any, found: Any, scale: Any) -> bool:
        """Tell whether two values agree to 50 digits of the scale."""
        return bool(
            abs(expected - found) <= scale * self.arithmetic.context.mpf(10) ** -DIGITS
        )

    def partials_agree(
        self, number: int, output: int, partials: Sequence[tuple[int, int]]
    ) -> tuple[bool, Any, Any]:
        """Compare partial derivatives of an output at a point, all at once.

        ``partials`` are pairs of a vertex of the circuit and the output vertex of the
        gradient circuit that should be the derivative by it.  Every such vertex is
        moved in its own random direction; the change of the output is compared with the
        sum of direction times partial.  Gives the answer and both values.
        """
        values, gradients = self.values[number], self.gradients[number]
        one = self.arithmetic.number(1)
        direction = {}
        for vertex, _ in partials:
            size = abs(values[vertex]) if values[vertex] is not None else one
            direction[vertex] = (
                (size or one)
                * self.random.choice((1, -1))
                * (one + self.random.randrange(10**6) / one / 10**6)
            )
        if len(partials) == 1:
            direction = {partials[0][0]: one}
        h = self.arithmetic.number(_STEP)

        def moved(sign: int) -> Any:
            def shift(vertex: int, value: Any) -> Any:
                step = direction.get(vertex)
                return value if step is None else value + sign * h * step

            return self.evaluate(self.circuit, self.points[number], shift)[output]

        expected = (moved(1) - moved(-1)) / (2 * h)
        terms = [direction[z] * gradients[dz] for z, dz in partials]
        found = sum(terms, start=0 * one)
        scale = abs(expected) + sum(abs(term) for term in terms)
        floor = abs(values[output]) * self.arithmetic.context.mpf(10) ** -20
        return self.agree(expected, found, scale + floor), expected, found


def _has_kinks(circuit: Circuit) -> bool:
    codes = np.unique(circuit.columns.op[circuit.live])
    return any(gate_type(int(code)).kinks for code in codes if code > CONSTANT)


def sample(
    circuit: Circuit,
    gradient: Circuit,
    claims: Sequence[Claim],
    ranges: Mapping[str, tuple[float, float]],
    seed: int,
) -> Iterator[Verdict]:
    """Compare values at random points: a verdict for each claim.

    The partials of one output are compared all at once; where they disagree, halves of
    them are, until the wrong ones are found.
    """
    sampler = Sampler(circuit, gradient, ranges, seed)
    outputs = {claim.output for claim in claims}
    wires = gradient.columns.wires + (1 + 2 * len(outputs)) * circuit.columns.wires
    if wires * sampler.wanted > MAX_STEPS:
        cap = f"{wires * sampler.wanted} steps, more than the cap of {MAX_STEPS}"
        reason = f"sampling would take {cap}"
        yield from (Verdict(c.name, c.text, "unchecked", reason) for c in claims)
        return
    if not sampler.draw():
        wanted = f"no {sampler.wanted} points of the domain found"
        reason = f"{wanted}: {sampler.reason}; give ranges"
        yield from (Verdict(c.name, c.text, "undecided", reason) for c in claims)
        return
    groups: dict[int, list[Claim]] = {}
    for claim in claims:
        if claim.by < 0:
            yield _compare_values(sampler, claim)
        else:
            groups.setdefault(claim.output, []).append(claim)
    for group in groups.values():
        yield from _compare_partials(sampler, group)


def _compare_values(sampler: Sampler, claim: Claim) -> Verdict:
    for number in range(sampler.wanted):
        expected = sampler.values[number][claim.output]
        found = sampler.gradients[number][claim.found]
        if not sampler.agree(expected, found, abs(expected) + abs(found)):
            return sampler.failure(claim, number, expected, found)
    return sampler.success(claim)


def _compare_partials(sampler: Sampler, claims: Sequence[Claim]) -> Iterator[Verdict]:
    """Compare partials of one output, halving the groups that disagree."""
    pending = [list(claims)]
    while pending:
        group = pending.pop()
        pairs = [(claim.by, claim.found) for claim in group]
        edge, apart = "", None
        for number in range(sampler.wanted):
            try:
                agree, *values = sampler.partials_agree(number, group[0].output, pairs)
            except EvaluationError as error:  # the step left the domain
                edge = f"edge of the domain: {error}"
                continue
            if not agree:
                apart = (number, *values)
                break
        if not edge and apart is None:
            yield from (sampler.success(claim) for claim in group)
        elif len(group) > 1:
            middle = len(group) // 2
            pending += [group[middle:], group[:middle]]
        elif apart is not None:
            yield sampler.failure(group[0], *apart)
        else:
            yield Verdict(group[0].name, group[0].text, "undecided", edge)
