"""The level "sampled": balls around values at random points.

The source is evaluated in series of balls (`circuitgrad.evaluation.balls`): each vertex
that a claim differentiates by is moved in a random direction, and the slope of the
output is compared with the combination of the gradient circuit's values.  It uses no
derivative rule of circuitgrad at all.  Two sides whose balls do not meet differ: that
is proved.  They agree where the difference is a ball around 0 with a radius of 50
digits less than the smallest term; as many bits are taken as that asks for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.check.report import Verdict
from circuitgrad.circuit import Circuit
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.balls import Ball, Balls, UnsettledError, precision
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import CONSTANT, POWER, REAL, gate_type

__all__ = ["DIGITS", "LACKING", "POINTS", "Sampler", "has_branches", "sample"]

#: Digits to which sides must agree, relative to the smallest term compared.
DIGITS: Final = 50
#: The level of an output without a value where the source has one.
LACKING: Final = "lacking"
#: Points at which every output is compared.
POINTS: Final = 8
#: Points where a circuit has kinks or roots: each side of each should be met.
KINK_POINTS: Final = 32
#: Most wires that are evaluated for one check, at 256 bits: some seconds.
MAX_STEPS: Final = 2_000_000
#: Bits at first; they are doubled until the balls are small enough.
LEAST_BITS: Final = 256
MAX_BITS: Final = 4_096

_ATTEMPTS: Final = 60  # for each point
_UNSETTLED: Final = 8  # places where all bits did not do: there may be no others
#: Intervals to draw inputs from, in turn, where those of the gates do not do.
_INTERVALS: Final = (
    (-2.0, 2.0),
    (0.5, 2.0),
    (-20.0, 20.0),
    (0.05, 0.95),
    (-0.9, 0.9),
    (1.0, 5.0),
)
_LEAST: Final = Fraction(1, 10**DIGITS)


class OutOfStepsError(Exception):
    """The check would take too long."""


@dataclass
class Budget:
    """The steps that are left, of all that a check may take."""

    steps: int = field(default_factory=lambda: MAX_STEPS)

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises
        ------
        OutOfStepsError
            If there are none left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OutOfStepsError


@dataclass
class Point:
    """A point of the source's domain, and the balls there.

    Attributes
    ----------
    gradient : sequence of Ball, optional
        Of the gradient circuit's vertices; None where it has no values: ``reason``.
    """

    inputs: Mapping[str, Fraction]
    bits: int
    values: Sequence[Ball]  # of the source's vertices
    gradient: Sequence[Ball] | None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """What came of it: ``equal``, ``different``, ``open`` where bits ran out."""

    kind: str
    expected: Any
    found: Any


class Sampler:
    """Points in a circuit's domain, with the balls of both circuits there.

    Parameters
    ----------
    circuit, gradient : Circuit
    ranges : mapping
        The interval of an input, by name, for those that the caller knows.
    seed : int
        Seed of the random points.
    budget : Budget
    most : int
        Points to compare at, if more than usual.
    """

    def __init__(
        self,
        circuit: Circuit,
        gradient: Circuit,
        ranges: Mapping[str, tuple[float, float]],
        seed: int,
        budget: Budget,
        most: int = 0,
    ) -> None:
        self.circuit = circuit
        self.gradient = gradient
        self.random = random.Random(seed)
        self.ranges = ranges
        self.points: list[Point] = []
        self.budget = budget
        self.reason = ""
        kinked = any(has_branches(c) for c in (circuit, gradient))
        self.least = KINK_POINTS if kinked else POINTS
        wanted = max(most, self.least)
        # where not all can be had, a few points say more than none
        self.wanted = min(wanted, budget.steps // cost(circuit, gradient))
        self.least = min(self.least, self.wanted)
        if not self.wanted:
            raise OutOfStepsError

    def draw(self) -> bool:
        """Find points where the source has values; tell whether enough."""
        domains = _domains(self.circuit)
        unsettled = 0
        for attempt in range(_ATTEMPTS * self.wanted):
            if len(self.points) == self.wanted or unsettled == _UNSETTLED:
                break
            intervals = {**self._intervals(attempt, domains), **self.ranges}
            # a float is a ball of no width
            inputs = {
                name: Fraction(self.random.uniform(*intervals[name]))
                for name in self.circuit.inputs
            }
            try:
                self.points.append(self.at(inputs, LEAST_BITS))
            except EvaluationError as error:
                self.reason = str(error)
                unsettled += isinstance(error, UnsettledError)
        return len(self.points) >= self.least

    def _intervals(
        self, attempt: int, domains: Mapping[str, tuple[float, float]]
    ) -> dict[str, tuple[float, float]]:
        """Give an interval for each input: in turn those of gates, one, and any."""
        names, turn = self.circuit.inputs, attempt % (len(_INTERVALS) + 2)
        if turn == 0:
            return {name: domains.get(name, _INTERVALS[0]) for name in names}
        if turn <= len(_INTERVALS):
            return dict.fromkeys(names, _INTERVALS[turn - 1])
        return {name: self.random.choice(_INTERVALS) for name in names}

    def at(self, inputs: Mapping[str, Fraction], bits: int) -> Point:
        """Evaluate both circuits, with as many bits as it takes.

        Raises
        ------
        EvaluationError
            If the source has no value there; `UnsettledError` if bits ran out.
        """
        values, bits = self.settled(self.circuit, inputs, bits)
        try:
            gradient, enough = self.settled(self.gradient, inputs, bits)
        except EvaluationError as error:
            return Point(inputs, bits, values, None, str(error))
        if enough > bits:
            values, _ = self.settled(self.circuit, inputs, enough)
        return Point(inputs, enough, values, gradient)

    def settled(
        self, circuit: Circuit, inputs: Mapping[str, Fraction], bits: int
    ) -> tuple[list[Ball], int]:
        """Evaluate a circuit, and give the bits that it took."""
        while True:
            try:
                with precision(bits):
                    return self.evaluate(circuit, inputs, bits), bits
            except UnsettledError:
                bits *= 2
                if bits > MAX_BITS:
                    raise

    def refine(self, point: Point) -> bool:
        """Make the balls at a point smaller; tell whether there were bits left."""
        if 2 * point.bits > MAX_BITS:
            return False
        finer = self.at(point.inputs, 2 * point.bits)
        if finer.gradient is None:
            return False
        point.bits, point.values, point.gradient = (
            finer.bits, finer.values, finer.gradient
        )  # fmt: skip
        return True

    def evaluate(
        self,
        circuit: Circuit,
        inputs: Mapping[str, Fraction],
        bits: int,
        shift: Callable[[int, Ball], Ball] | None = None,
    ) -> list[Ball]:
        """Evaluate a circuit's vertices, inputs by name; this is what is counted."""
        wires = circuit.columns.wires + len(circuit.inputs)
        self.budget.spend(wires * (bits // LEAST_BITS))
        given = [Ball.of(inputs[name]) for name in circuit.inputs]
        return vertex_values(circuit, Balls(), given, shift)

    def success(self, claim: Claim, points: int) -> Verdict:
        """Report agreement at points."""
        detail = f"{points} point{'s' * (points > 1)}, {DIGITS} digits"
        return Verdict(claim.name, claim.text, "sampled", detail)

    def failure(self, claim: Claim, point: Point, compared: Comparison) -> Verdict:
        """Report a point where the values differ."""
        sides = compared.expected, compared.found
        with precision(point.bits):
            expected, found = (side.str(30, radius=False) for side in sides)
        return Verdict(
            claim.name,
            claim.text,
            "failed",
            point={name: str(float(value)) for name, value in point.inputs.items()},
            expected=expected,
            found=found,
        )

    def compare(self, point: Point, claims: Sequence[Claim]) -> Comparison:
        """Compare a value at a point, or partials of one output, all at once.

        Every vertex that a claim differentiates by is moved in its own random
        direction; the slope of the output is compared with the sum of direction times
        partial.

        Raises
        ------
        EvaluationError
            If the output has no slope there, at a kink.
        """
        direction = {
            claim.by: Fraction(self.random.choice((1, -1)) * self.random.randint(1, 99))
            for claim in claims
        }
        if len(claims) == 1:
            direction = {claims[0].by: Fraction(1)}
        while True:
            assert point.gradient is not None
            with precision(point.bits):
                if claims[0].by < 0:
                    expected = point.values[claims[0].output].value
                else:
                    expected = self.slope(point, direction, claims[0].output)
                terms = [
                    Ball.of(direction[claim.by]).value
                    * point.gradient[claim.found].value
                    for claim in claims
                ]
                compared = _compared(expected, terms)
            if compared.kind != "open" or not self.refine(point):
                return compared

    def slope(
        self, point: Point, direction: Mapping[int, Fraction], output: int
    ) -> Any:
        """Give an output's slope where vertices move in their directions."""

        def shift(vertex: int, value: Ball) -> Ball:
            part = direction.get(vertex)
            return value if part is None else value + Ball.of(0, part)

        values = self.evaluate(self.circuit, point.inputs, point.bits, shift)
        return values[output].slope


def _compared(expected: Any, terms: Sequence[Any]) -> Comparison:
    """Compare a ball with a sum of balls."""
    found = sum(terms[1:], start=terms[0])
    difference = expected - found
    if not difference.contains(0):
        return Comparison("different", expected, found)
    sizes = [term.abs_lower() for term in terms if not term.contains(0)]
    least = min(sizes) if sizes else Ball.of(1).value
    near = difference.rad() < least * Ball.of(_LEAST).value
    return Comparison("equal" if near else "open", expected, found)


def has_branches(circuit: Circuit) -> bool:
    """Tell whether some gate has a kink, or may make one: sqrt(x^2), acos(cos(x))."""
    columns, live = circuit.columns, circuit.live
    powers = np.unique(columns.params[live & (columns.op == POWER)])
    if any(exact.rational(int(place)).denominator != 1 for place in powers):
        return True
    present = np.flatnonzero(np.bincount(columns.op[live], minlength=256)).tolist()
    types = [gate_type(code) for code in present if code > CONSTANT]
    return any(t.kinks or t.traits & {"root", "branch"} for t in types)


def cost(circuit: Circuit, gradient: Circuit) -> int:
    """Give the steps that one point takes at least."""
    return 1 + gradient.columns.wires + 2 * circuit.columns.wires


def _domains(circuit: Circuit) -> dict[str, tuple[float, float]]:
    """Give the intervals of inputs that gates' domains ask for, by name."""
    columns = circuit.columns
    wires = np.flatnonzero(columns.operands < columns.inputs)
    found: dict[str, tuple[float, float]] = {}
    for wire in wires[circuit.live[columns.consumer[wires]]].tolist():
        consumer = int(columns.consumer[wire])
        slot = wire - int(columns.offsets[consumer])
        low, high = gate_type(int(columns.op[consumer])).interval(slot)
        if (low, high) != REAL:
            name = circuit.inputs[int(columns.operands[wire])]
            least, most = found.get(name, (low, high))
            found[name] = max(low, least), min(high, most)
    return {name: (low, high) for name, (low, high) in found.items() if low < high}


def sample(
    circuit: Circuit,
    gradient: Circuit,
    claims: Sequence[Claim],
    ranges: Mapping[str, tuple[float, float]],
    seed: int,
    most: int = 0,
) -> Iterator[Verdict]:
    """Compare balls at random points, ``most`` or as usual: a verdict for each claim.

    The partials of one output are compared all at once; where they disagree, halves of
    them are, until the wrong ones are found.  Each output has points of its own, for
    its domain is wider than that of all, where that is not too much work.
    """
    waiting = {claim.name: claim for claim in claims}
    budget = Budget()
    parts = _groups(claims)
    each = cost(circuit, gradient) * max(most, KINK_POINTS)
    apart = len(parts) * each <= budget.steps // 2
    try:
        for group in parts if apart else [list(claims)]:
            given = ranges, seed, budget, most
            for verdict in _verdicts(circuit, gradient, group, *given):
                del waiting[verdict.output]
                yield verdict
    except OutOfStepsError:
        reason = f"sampling takes more than {MAX_STEPS} steps, the cap"
        for claim in waiting.values():
            yield Verdict(claim.name, claim.text, "unchecked", reason)


def _groups(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Put partials of one output together; no two of a group share a direction."""
    groups: dict[tuple[int, int], list[Claim]] = {}
    times: Counter[tuple[int, int]] = Counter()
    for claim in claims:
        kind = claim.output, claim.by
        at = (claim.output, times[kind]) if claim.by >= 0 else (-1, len(groups))
        times[kind] += 1
        groups.setdefault(at, []).append(claim)
    return list(groups.values())


def _verdicts(
    circuit: Circuit,
    gradient: Circuit,
    claims: Sequence[Claim],
    ranges: Mapping[str, tuple[float, float]],
    seed: int,
    budget: Budget,
    most: int,
) -> Iterator[Verdict]:
    """Draw points for some claims, and compare them there."""
    wanted = {claim.output for claim in claims}
    source = circuit.with_outputs(o for o in circuit.outputs if o[1] in wanted)
    emitted = gradient.with_outputs((claim.name, claim.found) for claim in claims)
    sampler = Sampler(source, emitted, ranges, seed, budget, most)
    if not sampler.draw():
        points = f"no {sampler.least} points of the domain found"
        reason = f"{points}: {sampler.reason}; give ranges"
        yield from (Verdict(c.name, c.text, "undecided", reason) for c in claims)
        return
    lacking = [point for point in sampler.points if point.gradient is None]
    if lacking and len(claims) > 1:  # by one of them, perhaps
        middle = len(claims) // 2
        for part in (claims[:middle], claims[middle:]):
            yield from _verdicts(circuit, gradient, part, ranges, seed, budget, most)
        return
    if lacking:
        where = f"{len(lacking)} of {len(sampler.points)} points"
        reason = f"no value at {where} where the source has one: {lacking[0].reason}"
        yield Verdict(claims[0].name, claims[0].text, LACKING, reason)
        return
    for group in _groups(claims):
        yield from _settle(sampler, group)


def _settle(sampler: Sampler, claims: Sequence[Claim]) -> Iterator[Verdict]:
    """Compare a group at all points, halving what disagrees."""
    # a partial that is 0 would hide behind the radius of others
    first = sampler.points[0].gradient or ()
    pending: list[list[Claim]] = [[], []]
    for claim in claims:
        pending[first[claim.found].value.contains(0)].append(claim)
    while pending:
        group = pending.pop()
        if not group:
            continue
        agreed, reason, verdict = 0, "", None
        for point in sampler.points:
            try:
                compared = sampler.compare(point, group)
            except EvaluationError as error:
                reason = str(error)
                continue
            if compared.kind == "different":
                verdict = sampler.failure(group[0], point, compared)
                break
            agreed += compared.kind == "equal"
            if compared.kind == "open":
                reason = f"not settled with {MAX_BITS} bits"
        if verdict is None and (agreed == len(sampler.points) or len(group) == 1):
            if agreed:
                yield from (sampler.success(claim, agreed) for claim in group)
            else:
                yield Verdict(group[0].name, group[0].text, "undecided", reason)
        elif len(group) > 1:
            middle = len(group) // 2
            pending += [group[middle:], group[:middle]]
        elif verdict is not None:
            yield verdict
