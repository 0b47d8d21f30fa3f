"""The level "sampled": values at random points, to 50 digits.

The derivative that the gradient circuit's values are compared with is a central
difference of the source circuit's value, at 180 digits or more: it uses no derivative
rule at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.check.report import Verdict
from circuitgrad.circuit import Circuit
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arithmetic import Decimals
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import CONSTANT, POWER, gate_type

__all__ = ["DIGITS", "POINTS", "Sampler", "sample"]

#: Digits to which values must agree, relative to the largest term compared.
DIGITS: Final = 50
#: Points at which every output is compared.
POINTS: Final = 8
#: Points where a circuit has kinks or roots: each side of each should be met.
KINK_POINTS: Final = 32
#: Most wires that are evaluated for one check: some ten seconds.
MAX_STEPS: Final = 1_000_000

# With L the decimal length of the largest value met, values have 180 + 3 L digits and
# the step is h = 10^-(58 + L): truncation (h^2 times a third derivative) and rounding
# stay below 10^-110.
_WORKING_DIGITS: Final = 180
_STEP_DIGITS: Final = 58
_MAX_LENGTH: Final = 1_000
_FLOOR: Final = Fraction(1, 10**105)
#: Terms further apart than this are not compared in one sum.
_SPREAD: Final = 10**40
_ATTEMPTS: Final = 60  # for each point
#: Intervals to draw inputs from, in turn, where the caller names none.
_INTERVALS: Final = (
    (-2.0, 2.0),
    (0.5, 2.0),
    (-20.0, 20.0),
    (0.05, 0.95),
    (-0.9, 0.9),
    (1.0, 5.0),
)


class OutOfStepsError(Exception):
    """The check would take too long."""


@dataclass(frozen=True)
class Point:
    """A point and the values there, with as many digits as their size asks for."""

    inputs: Mapping[str, Any]
    arithmetic: Decimals
    step: Any
    values: Sequence[Any]  # of the source's vertices
    gradient: Sequence[Any]  # of the gradient circuit's

    def agree(self, expected: Any, found: Any, scale: Any) -> bool:
        """Tell whether two values agree to 50 digits of the scale, rounding apart."""
        number = self.arithmetic.number
        bound = scale * number(Fraction(1, 10**DIGITS)) + number(_FLOOR)
        return bool(abs(expected - found) <= bound)


@dataclass(frozen=True)
class Comparison:
    """How two values compare: ``equal``, ``spread``, ``different`` or ``kink``."""

    kind: str
    expected: Any
    found: Any


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
        self.random = random.Random(seed)
        self.ranges = ranges
        self.points: list[Point] = []
        self.steps = MAX_STEPS
        self.reason = ""
        kinked = any(_has_kinks(c) for c in (circuit, gradient))
        self.wanted = KINK_POINTS if kinked else POINTS

    def reserve(self) -> None:
        """See beforehand that the steps suffice where all goes well."""
        needed = self.gradient.columns.wires + 3 * self.circuit.columns.wires
        if needed * self.wanted > self.steps:
            raise OutOfStepsError

    def draw(self) -> bool:
        """Find points where both circuits have values; tell whether enough."""
        for attempt in range(_ATTEMPTS * self.wanted):
            if len(self.points) == self.wanted:
                return True
            interval = _INTERVALS[attempt % len(_INTERVALS)]
            place = {
                name: Fraction(
                    round(self.random.uniform(*self.ranges.get(name, interval)), 6)
                )
                for name in self.circuit.inputs
            }
            try:
                self.points.append(self.point(place))
            except EvaluationError as error:
                self.reason = str(error)
        return len(self.points) == self.wanted

    def point(self, place: Mapping[str, Fraction], length: int = 0) -> Point:
        """Evaluate both circuits at a place, with digits for values of some length."""
        arithmetic = Decimals(_WORKING_DIGITS + 3 * length)
        inputs = {name: arithmetic.number(value) for name, value in place.items()}
        values = self.evaluate(self.circuit, arithmetic, inputs)
        gradient = self.evaluate(self.gradient, arithmetic, inputs)
        sizes = [abs(v) for v in (*values, *gradient) if v]
        longest = arithmetic.context.mag(max(sizes)) if sizes else 0
        needed = max(0, longest * 302 // 1000)  # decimal digits of a power of two
        if needed > _MAX_LENGTH:
            raise EvaluationError(f"values of more than {_MAX_LENGTH} digits")
        if needed > length:
            return self.point(place, needed)
        step = arithmetic.number(Fraction(1, 10 ** (_STEP_DIGITS + length)))
        return Point(inputs, arithmetic, step, values, gradient)

    def evaluate(
        self,
        circuit: Circuit,
        arithmetic: Decimals,
        inputs: Mapping[str, Any],
        shift: Any = None,
    ) -> list[Any]:
        """Evaluate a circuit's vertices, inputs by name; this is what is counted."""
        self.steps -= circuit.columns.wires + len(circuit.inputs)
        if self.steps < 0:
            raise OutOfStepsError
        given = [inputs[name] for name in circuit.inputs]
        return vertex_values(circuit, arithmetic, given, shift)

    def success(self, claim: Claim) -> Verdict:
        """Report agreement at all points."""
        detail = f"{self.wanted} points, {DIGITS} digits"
        return Verdict(claim.name, claim.text, "sampled", detail)

    def failure(self, claim: Claim, point: Point, expected: Any, found: Any) -> Verdict:
        """Report a point where the values differ."""
        text = point.arithmetic.context.nstr
        return Verdict(
            claim.name,
            claim.text,
            "failed",
            point={name: text(v, 10) for name, v in point.inputs.items()},
            expected=text(expected, 30),
            found=text(found, 30),
        )

    def compare(self, point: Point, claims: Sequence[Claim]) -> Comparison:
        """Compare partial derivatives of one output at a point, all at once.

        Every vertex that a claim differentiates by is moved in its own random
        direction; the change of the output is compared with the sum of direction times
        partial.
        """
        direction = self.directions(point, claims)
        output = claims[0].output
        ends = [self.moved(point, direction, output, sign) for sign in (1, -1)]
        expected = (ends[0] - ends[1]) / (2 * point.step)
        terms = [direction[c.by] * point.gradient[c.found] for c in claims]
        found = sum(terms[1:], start=terms[0])
        sizes = [abs(expected), *(abs(term) for term in terms)]
        if point.agree(expected, found, max(sizes)):
            apart = [size for size in sizes[1:] if size]
            spread = bool(apart) and max(apart) > _SPREAD * min(apart)
            return Comparison("spread" if spread else "equal", expected, found)
        # On a kink, or where the difference is no derivative, its two halves disagree.
        middle = point.values[output]
        halves = [(ends[0] - middle) / point.step, (middle - ends[1]) / point.step]
        loose = max(abs(half) for half in halves) / 10**25
        smooth = abs(halves[0] - halves[1]) <= loose + point.step
        return Comparison("different" if smooth else "kink", expected, found)

    def directions(self, point: Point, claims: Sequence[Claim]) -> dict[int, Any]:
        """Draw how far each vertex moves, relative to its size; a single one by 1."""
        one = point.arithmetic.number(1)
        if len(claims) == 1:
            return {claims[0].by: one}
        found = {}
        for claim in claims:
            size = point.values[claim.by]
            part = self.random.choice((1, -1)) * self.random.randrange(10**6, 10**7)
            found[claim.by] = (abs(size) if size else one) * part / 10**6
        return found

    def moved(
        self, point: Point, direction: Mapping[int, Any], output: int, sign: int
    ) -> Any:
        """Evaluate an output with vertices moved by a step in their directions."""

        def shift(vertex: int, value: Any) -> Any:
            part = direction.get(vertex)
            return value if part is None else value + sign * point.step * part

        values = self.evaluate(self.circuit, point.arithmetic, point.inputs, shift)
        return values[output]


def _has_kinks(circuit: Circuit) -> bool:
    """Tell whether some gate has a kink, or a root, which may be one: sqrt(x^2)."""
    columns, live = circuit.columns, circuit.live
    powers = np.unique(columns.params[live & (columns.op == POWER)])
    if any(exact.rational(int(place)).denominator != 1 for place in powers):
        return True
    types = [gate_type(int(c)) for c in np.unique(columns.op[live]) if c > CONSTANT]
    return any(t.kinks or "root" in t.traits for t in types)


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
    waiting = {claim.name: claim for claim in claims}
    try:
        sampler.reserve()
        for verdict in _verdicts(sampler, claims):
            del waiting[verdict.output]
            yield verdict
    except OutOfStepsError:
        reason = f"sampling takes more than {MAX_STEPS} steps, the cap"
        for claim in waiting.values():
            yield Verdict(claim.name, claim.text, "unchecked", reason)


def _verdicts(sampler: Sampler, claims: Sequence[Claim]) -> Iterator[Verdict]:
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
    for point in sampler.points:
        expected, found = point.values[claim.output], point.gradient[claim.found]
        if not point.agree(expected, found, max(abs(expected), abs(found))):
            return sampler.failure(claim, point, expected, found)
    return sampler.success(claim)


def _compare_partials(sampler: Sampler, claims: Sequence[Claim]) -> Iterator[Verdict]:
    """Compare partials of one output, halving the groups that disagree."""
    pending = [list(claims)]
    while pending:
        group = pending.pop()
        compared, reason, verdict = 0, "", None
        for point in sampler.points:
            try:
                comparison = sampler.compare(point, group)
            except EvaluationError as error:  # the step left the domain
                reason = f"edge of the domain: {error}"
                continue
            if comparison.kind == "equal":
                compared += 1
            elif comparison.kind == "kink":
                reason = "a kink at every point"
            else:
                values = comparison.expected, comparison.found
                verdict = sampler.failure(group[0], point, *values)
                break
        settled = compared == sampler.wanted or (len(group) == 1 and compared > 0)
        if verdict is None and settled:
            yield from (sampler.success(claim) for claim in group)
        elif len(group) > 1:
            middle = len(group) // 2
            pending += [group[middle:], group[:middle]]
        elif verdict is not None:
            yield verdict
        else:
            yield Verdict(group[0].name, group[0].text, "undecided", reason)
