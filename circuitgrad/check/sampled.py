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
from dataclasses import dataclass
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

__all__ = ["DIGITS", "POINTS", "Sampler", "sample"]

#: Digits to which sides must agree, relative to the smallest term compared.
DIGITS: Final = 50
#: Points at which every output is compared.
POINTS: Final = 8
#: Points where a circuit has kinks or roots: each side of each should be met.
KINK_POINTS: Final = 32
#: Most wires that are evaluated for one check, at 256 bits: some ten seconds.
MAX_STEPS: Final = 5_000_000
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
class Point:
    """A point, and the balls there."""

    inputs: Mapping[str, Fraction]
    bits: int
    values: Sequence[Ball]  # of the source's vertices
    gradient: Sequence[Ball]  # of the gradient circuit's


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
        needed = self.gradient.columns.wires + 2 * self.circuit.columns.wires
        if needed * self.wanted > self.steps:
            raise OutOfStepsError

    def draw(self) -> bool:
        """Find points where both circuits have values; tell whether enough."""
        domains = _domains(self.circuit)
        unsettled = 0
        for attempt in range(_ATTEMPTS * self.wanted):
            if len(self.points) == self.wanted or unsettled == _UNSETTLED:
                break
            turn = attempt % (len(_INTERVALS) + 1)
            own, usual = ({}, _INTERVALS[turn - 1]) if turn else (domains, (-2.0, 2.0))
            intervals = {**own, **self.ranges}
            # a float is a ball of no width
            inputs = {
                name: Fraction(self.random.uniform(*intervals.get(name, usual)))
                for name in self.circuit.inputs
            }
            try:
                self.points.append(self.at(inputs, LEAST_BITS))
            except EvaluationError as error:
                self.reason = str(error)
                unsettled += isinstance(error, UnsettledError)
        return len(self.points) == self.wanted

    def at(self, inputs: Mapping[str, Fraction], bits: int) -> Point:
        """Evaluate both circuits, with as many bits as it takes.

        Raises
        ------
        EvaluationError
            If one has no value there; `UnsettledError` if bits ran out.
        """
        while True:
            try:
                with precision(bits):
                    values = self.evaluate(self.circuit, inputs, bits)
                    gradient = self.evaluate(self.gradient, inputs, bits)
                return Point(inputs, bits, values, gradient)
            except UnsettledError:
                bits *= 2
                if bits > MAX_BITS:
                    raise

    def refine(self, point: Point) -> bool:
        """Make the balls at a point smaller; tell whether there were bits left."""
        if 2 * point.bits > MAX_BITS:
            return False
        finer = self.at(point.inputs, 2 * point.bits)
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
        self.steps -= wires * (bits // LEAST_BITS)
        if self.steps < 0:
            raise OutOfStepsError
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


def _has_kinks(circuit: Circuit) -> bool:
    """Tell whether some gate has a kink, or a root, which may be one: sqrt(x^2)."""
    columns, live = circuit.columns, circuit.live
    powers = np.unique(columns.params[live & (columns.op == POWER)])
    if any(exact.rational(int(place)).denominator != 1 for place in powers):
        return True
    types = [gate_type(int(c)) for c in np.unique(columns.op[live]) if c > CONSTANT]
    return any(t.kinks or "root" in t.traits for t in types)


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
) -> Iterator[Verdict]:
    """Compare balls at random points: a verdict for each claim.

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
    groups: dict[tuple[int, int], list[Claim]] = {}
    times: Counter[tuple[int, int]] = Counter()
    for claim in claims:  # in a group, no two claims share a direction, or are values
        kind = claim.output, claim.by
        at = (claim.output, times[kind]) if claim.by >= 0 else (-1, len(groups))
        times[kind] += 1
        groups.setdefault(at, []).append(claim)
    for group in groups.values():
        yield from _settle(sampler, group)


def _settle(sampler: Sampler, claims: Sequence[Claim]) -> Iterator[Verdict]:
    """Compare a group at all points, halving what disagrees."""
    pending = [list(claims)]
    while pending:
        group = pending.pop()
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
