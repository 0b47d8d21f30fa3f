"""The level "certified": equality at random points of a prime field.

The source is evaluated on dual numbers: each vertex that a claim differentiates by is
moved in a random direction of its own, so one evaluation gives the combination of all
partials of an output that the gradient circuit's values must sum to.  Nothing of
forward or reverse mode is used, and of the gate table the formulas alone.

References
----------
J. T. Schwartz, "Fast probabilistic algorithms for verification of polynomial
identities", 1980: a polynomial of degree d that is not 0 vanishes at a random point of
a field of p elements with a probability of d/p at most.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.check.degrees import Degrees, difference
from circuitgrad.check.evaluator import (
    Evaluator,
    PoleError,
    Values,
    lacking,
    used_types,
)
from circuitgrad.check.field import Field
from circuitgrad.check.report import Verdict
from circuitgrad.check.sampled import has_branches
from circuitgrad.circuit import Circuit
from circuitgrad.gates import CONSTANT, DIV, INPUT, INV, POWER, PROD, SUM

__all__ = ["Certifier", "Settings"]

#: An agreement by chance should be no likelier than this.
ERROR: Final = 2.0**-40
#: Points for circuits without kinks, at most; and for those with kinks.
MAX_TRIALS: Final = 8
KINK_TRIALS: Final = 16
#: Places that are tried for a point without a pole, and for a real one.
TRIES: Final = 64
REAL_TRIES: Final = 32
#: With more functions than this, a point at which all are real is not sought.
MANY_FUNCTIONS: Final = 10
#: Wires that are swept to tell wrong partials from right ones.
MAX_SWEPT: Final = 50_000_000
#: Circuits of more wires are evaluated in the larger field only where asked for, and
#: the first point without a pole is taken.
LARGE_WIRES: Final = 100_000


@dataclass(frozen=True)
class Settings:
    """What a certificate depends on, besides the circuits.

    Parameters
    ----------
    prime : {61, 521}, optional
        The field has 2^prime - 1 elements; where left out, the larger one is taken
        for rational circuits of up to `LARGE_WIRES` wires where the smaller gives none.
    trials : int, optional
        Number of points; as many as the bound asks for where left out.
    seed : int
    one_by_one : bool
        Whether each partial is compared alone, by a gate z in the circuit (C - z).
    """

    prime: int | None = None
    trials: int | None = None
    seed: int = 0
    one_by_one: bool = False


DEFAULTS: Final = Settings()


@dataclass(frozen=True)
class Trial:
    """A point, and what the circuits are there."""

    inputs: dict[str, int]
    source: Values
    gradient: Values

    def shows(self, claim: Claim) -> bool:
        """Tell whether all values of a claim are there."""
        return not self.lacks(claim) and self.asks(claim)

    def lacks(self, claim: Claim) -> bool:
        """Tell whether the gradient circuit's output has no value."""
        missing = self.gradient.missing
        return missing is not None and bool(missing[claim.found])

    def asks(self, claim: Claim) -> bool:
        """Tell whether the source has the values of a claim."""
        missing = self.source.missing
        if missing is None:
            return True
        return not (missing[claim.output] or (claim.by >= 0 and missing[claim.by]))


@dataclass(frozen=True)
class Slopes:
    """The slopes of a circuit's gates at a point.

    Attributes
    ----------
    edges : list of int
        Gates that have none: at a kink, or where the slope is infinite.
    """

    evaluator: Evaluator
    circuit: Circuit
    values: Values
    slope: Any
    edges: list[int]

    @classmethod
    def at(cls, evaluator: Evaluator, circuit: Circuit, values: Values) -> Slopes:
        """Evaluate them."""
        slope, steep = evaluator.slopes(circuit, values)
        return cls(evaluator, circuit, values, slope, [*steep, *values.kinks])

    def carry(self, tangent: Any) -> list[int]:
        """Carry tangents, which are added to; give the edges that are moved."""
        self.evaluator.tangents(self.circuit, self.values, self.slope, tangent)
        columns = self.circuit.columns
        return [
            v
            for v in self.edges
            if any(tangent[u] for u in columns.operands[columns.wires_of(v)].tolist())
        ]

    def reach(self, moving: list[int], output: int) -> bool:
        """Tell whether an output depends on some of those gates."""
        if not moving:
            return False
        return bool(self.circuit.columns.live(np.array([output]))[moving].any())


class Certifier:
    """Compares a gradient circuit with its source, at points of a field.

    Parameters
    ----------
    circuit, gradient : Circuit
    claims : sequence of Claim
    settings : Settings
    """

    def __init__(
        self,
        circuit: Circuit,
        gradient: Circuit,
        claims: Sequence[Claim],
        settings: Settings = DEFAULTS,
    ) -> None:
        self.circuit, self.gradient = circuit, gradient
        self.claims = list(claims)
        # In a group, no two claims are of one output by one vertex: they would share
        # a direction, and errors of theirs could cancel.
        self.groups: dict[tuple[int, int], list[Claim]] = {}
        times: Counter[tuple[int, int]] = Counter()
        for claim in self.claims:
            output = claim.output if claim.by >= 0 else -1
            at = output, times[output, claim.by] if claim.by >= 0 else 0
            times[output, claim.by] += 1
            self.groups.setdefault(at, []).append(claim)
        types = [used_types(circuit), used_types(gradient)]
        self.lacking = lacking(types[0] + types[1])
        names = _functions(circuit, types[0]) | _functions(gradient, types[1])
        self.kinked = bool(names & _KINKED)
        self.branching = any(has_branches(each) for each in (circuit, gradient))
        self.functions = sorted(names - _KINKED)
        large = circuit.columns.wires + gradient.columns.wires > LARGE_WIRES
        # of many functions, some argument is always no square
        many = large or self._applied() > MANY_FUNCTIONS
        self.real_tries = 1 if many else REAL_TRIES
        self.one_by_one = settings.one_by_one
        exponent = settings.prime or 61
        if settings.prime is None and not large and self.exactly:
            exponent = 521 if self.degree >= 2.0**61 * ERROR else 61
        self.field = Field(exponent, settings.seed)
        self.evaluator = Evaluator(self.field)
        self.tries = 0
        self.branches: set[tuple[int, ...]] = set()
        self.real = True
        self.sweeps = MAX_SWEPT // max(1, circuit.columns.wires)
        self.open: dict[str, Verdict] = {}
        #: At how many points each claim was compared.
        self.compared: Counter[str] = Counter()
        self.trials = settings.trials or self._needed()

    @cached_property
    def degree(self) -> float:
        """What over p bounds the chance that something wrong agrees at a point.

        The degree of the polynomials that are 0 where all claims hold, and that
        of the differences of arguments of functions, which may be equal by chance.
        """
        source, emitted = Degrees(self.circuit), Degrees(self.gradient)
        worst = 0.0
        for (output, _), group in self.groups.items():
            if output >= 0:
                got = emitted.combination([claim.found for claim in group])
                worst = max(worst, difference(source.tangent(output), got))
                continue
            for claim in group:
                values = source.value(claim.output), emitted.value(claim.found)
                worst = max(worst, difference(*values))
        return worst + source.collisions(emitted)

    def _needed(self) -> int:
        if self.branching:
            return KINK_TRIALS
        chance = self.degree / self.field.prime
        if not chance < 1.0:
            return 1
        return min(MAX_TRIALS, max(1, math.ceil(math.log(ERROR) / math.log(chance))))

    @property
    def fewest(self) -> int:
        """The least number of points at which some claim was compared."""
        return min(self.compared.values(), default=self.trials)

    def bound(self, points: int) -> float | None:
        """Bound the chance that a wrong output agrees at points; None: no bound.

        There is none where branches are: an output may be wrong on one of them alone.
        """
        if self.branching:
            return None
        chance = self.degree * max(self.tries, 1) / self.trials / self.field.prime
        return chance**points if chance < 1.0 else None

    def _applied(self) -> int:
        """Count the gates that are no rational functions."""
        smooth = np.zeros(256, dtype=np.bool_)
        smooth[[INPUT, CONSTANT, SUM, PROD, DIV, INV, POWER]] = True
        return sum(
            int(np.count_nonzero(each.live & ~smooth[each.columns.op]))
            for each in (self.circuit, self.gradient)
        )

    # ------------------------------------------------------------------ points

    def draw(self, number: int) -> Trial:
        """Find a point where both circuits have values, a real one where there is one.

        Where branches are taken, or no try does, values of some claims are enough.

        Raises
        ------
        PoleError
            If there is none.
        """
        best: Trial | None = None
        reason = PoleError("no point was tried")
        for attempt in range(TRIES):
            if best is not None and attempt >= self.real_tries:
                break
            self.tries += 1
            try:
                partly = self.kinked or attempt == TRIES - 1
                trial = self._at(number, attempt, partly)
            except PoleError as error:
                reason = error
                continue
            if not any(map(trial.asks, self.claims)):
                continue
            if best is None or _unreal(trial) < _unreal(best):
                best = trial
            if not _unreal(best):
                break
        if best is None:
            raise reason
        self.real &= not _unreal(best)
        signs = best.source.signs, best.gradient.signs
        self.branches.add((*signs[0], *signs[1]))
        return best

    def _at(self, number: int, attempt: int, partly: bool) -> Trial:
        field, evaluator = self.field, self.evaluator
        drawn = field.draw(len(self.circuit.inputs), "point", number, attempt)
        inputs = dict(zip(self.circuit.inputs, map(int, drawn), strict=True))
        source = evaluator.values(self.circuit, drawn, partly)
        there = field.array([inputs[name] for name in self.gradient.inputs])
        gradient = evaluator.values(self.gradient, there, partly)
        return Trial(inputs, source, gradient)

    # ------------------------------------------------------------------ comparing

    def verdicts(self) -> Iterator[Verdict]:
        """Give a verdict for each claim: certified, failed, or undecided."""
        names = ", ".join(self.lacking)
        reason = f"the field has no {names}" if names else ""
        failed: dict[str, Verdict] = {}
        try:
            for number in range(0 if reason else self.trials):
                failed |= self._compare(self.draw(number), number, failed)
        except PoleError as error:
            reason = f"no point of the field found: {error}"
        details = {n: self.detail(n) for n in {*self.compared.values()} if not reason}
        for claim in self.claims:
            points = self.compared[claim.name]
            if claim.name in failed:
                yield failed[claim.name]
            elif claim.name in self.open:
                yield self.open[claim.name]
            elif points and not reason:
                yield Verdict(claim.name, claim.text, "certified", details[points])
            else:
                detail = reason or "a kink or a pole at every point"
                yield Verdict(claim.name, claim.text, "undecided", detail)

    def _compare(
        self, trial: Trial, number: int, failed: dict[str, Verdict]
    ) -> dict[str, Verdict]:
        """Compare all claims at a point; give the verdicts on those that fail."""
        found: dict[str, Verdict] = {}
        known = failed.keys() | self.open.keys()
        here = {
            at: [c for c in group if c.name not in known and trial.shows(c)]
            for at, group in self.groups.items()
        }
        if self.exactly:  # at no place that was tried
            for claim in self.claims:
                if trial.lacks(claim) and trial.asks(claim):
                    found[claim.name] = replace(
                        self._failure(claim, trial, 0, 0),
                        expected="a value",
                        found="a division by zero, at every point",
                    )
        if self.one_by_one:
            self._compare_alone(trial, found)
            here = {at: group for at, group in here.items() if at[0] < 0}
        slopes = along = None
        for (output, _), group in here.items():
            if output < 0:
                for claim in group:
                    self._note(found, claim, trial, trial.source.of[claim.output])
            elif group:
                if slopes is None:
                    slopes = Slopes.at(self.evaluator, self.circuit, trial.source)
                    along = self.field.draw(
                        len(self.circuit.columns), "direction", number
                    )
                self._compare_group(trial, slopes, along, group, found)
        return found

    def _compare_group(
        self,
        trial: Trial,
        slopes: Slopes,
        along: Any,
        group: list[Claim],
        found: dict[str, Verdict],
    ) -> None:
        """Compare partials of one output at a point, halving what disagrees."""
        pending = [group]
        if slopes.edges:  # gates move more of them than inputs do
            inputs = self.circuit.columns.inputs
            pending = [
                [claim for claim in group if (claim.by < inputs) == inside]
                for inside in (False, True)
            ]
        while pending:
            part = pending.pop()
            if not part:
                continue
            both = self._both(trial, slopes, along, part)
            if both is not None and both[0] == both[1]:
                self.compared.update(claim.name for claim in part)
            elif len(part) == 1 and both is not None:
                self.compared[part[0].name] += 1
                inverse = pow(int(along[part[0].by]), -1, self.field.prime)
                values = both[0] * inverse, both[1] * inverse
                found[part[0].name] = self._failure(part[0], trial, *values)
            elif both is None and (len(part) == 1 or self.sweeps < 0):
                continue  # at a kink there is nothing to compare with
            elif self.sweeps < 0 and found:  # a wrong one is known
                reason = "among others of which some are wrong"
                for claim in part:
                    verdict = Verdict(claim.name, claim.text, "undecided", reason)
                    self.open[claim.name] = verdict
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]

    def _both(
        self, trial: Trial, slopes: Slopes, along: Any, claims: Sequence[Claim]
    ) -> tuple[int, int] | None:
        """Give what partials should sum to in a direction, and what they sum to.

        None where the direction leads off a kink.
        """
        tangent = self.field.zeros(len(self.circuit.columns))
        total = 0
        for claim in claims:
            step = int(along[claim.by])
            tangent[claim.by] = step
            total += step * int(trial.gradient.of[claim.found])
        self.sweeps -= 1
        output = claims[0].output
        if slopes.reach(slopes.carry(tangent), output):
            return None
        return int(tangent[output]), total % self.field.prime

    def _compare_alone(self, trial: Trial, found: dict[str, Verdict]) -> None:
        """Compare each partial by z with the slope of (C - z), evaluated for it."""
        by_vertex: dict[int, list[Claim]] = {}
        for claim in self.claims:
            if claim.by >= 0 and trial.shows(claim):
                by_vertex.setdefault(claim.by, []).append(claim)
        given = list(trial.inputs.values())
        place = {v: number for number, (_, v) in enumerate(self.circuit.outputs)}
        for by, claims in by_vertex.items():
            cut = self.circuit.cut(by)
            inside = by < self.circuit.columns.inputs
            at = given if inside else [*given, int(trial.source.of[by])]
            values = self.evaluator.values(cut, self.field.array(at), partly=True)
            slopes = Slopes.at(self.evaluator, cut, values)
            tangent = self.field.zeros(len(cut.columns))
            tangent[by if inside else cut.columns.inputs - 1] = 1
            moving = slopes.carry(tangent)
            for claim in claims:
                output = cut.outputs[place[claim.output]][1]
                if not slopes.reach(moving, output):
                    self._note(found, claim, trial, tangent[output])

    def _note(
        self, found: dict[str, Verdict], claim: Claim, trial: Trial, expected: Any
    ) -> None:
        """Note that a claim was compared, and where it fails."""
        self.compared[claim.name] += 1
        got = trial.gradient.of[claim.found]
        if expected != got:
            found[claim.name] = self._failure(claim, trial, int(expected), int(got))

    def _failure(self, claim: Claim, trial: Trial, expected: int, got: int) -> Verdict:
        prime = self.field.prime
        modulo = f" modulo 2^{self.field.exponent} - 1"
        return Verdict(
            claim.name,
            claim.text,
            "failed",
            point={name: str(value) for name, value in trial.inputs.items()},
            expected=f"{expected % prime}{modulo}",
            found=f"{got % prime}{modulo}",
        )

    def evidence(self) -> dict[str, Any]:
        """Say how it was done, as JSON data."""
        size = math.log2(self.degree) if math.isfinite(self.degree) else None
        return {
            "prime": f"2^{self.field.exponent} - 1",
            "trials": self.trials,
            "one_by_one": self.one_by_one,
            "tries": self.tries,
            "log2_degree": size,
            "compared": self.fewest,
            "bound": self.bound(self.fewest),
            "functions": self.functions,
            "real": self.real,
            "branches": len(self.branches) if self.kinked else None,
        }

    @property
    def exactly(self) -> bool:
        """Whether a disagreement shows that a claim is wrong: no function, no kink."""
        return not self.functions and not self.kinked

    def detail(self, compared: int) -> str:
        """Say how sure the certificate is of what was compared at so many points."""
        points = f"{self.trials} point{'s' * (self.trials > 1)}"
        if compared < self.trials:
            points = f"{compared} of {points}"
        parts = [f"{points} modulo 2^{self.field.exponent} - 1"]
        bound = self.bound(compared)
        if self.one_by_one:
            parts.append("one by one")
        if bound is not None:
            parts.append(f"error below {max(bound, 1e-300):.1e}")
        elif self.branching:
            parts.append("no bound where there are branches")
        else:
            size = math.log2(min(self.degree, sys.float_info.max))
            parts.append(f"no bound: the formal degree is near 2^{size:.0f} or more")
        if self.functions:
            parts.append(f"if {', '.join(self.functions)} are independent elements")
        if self.kinked:
            met = len(self.branches)
            parts.append(f"on the {met} branch{'es' * (met > 1)} met")
        return ", ".join(parts)


def _unreal(trial: Trial) -> int:
    return trial.source.unreal + trial.gradient.unreal


_KINKED: Final = frozenset(("abs", "sign", "step", "relu", "leaky_relu", "max", "min"))


def _functions(circuit: Circuit, types: Sequence[str]) -> set[str]:
    """Give the names of what is used and is no rational function."""
    found = set(types) - {"sum", "prod", "div", "inv", "power"}
    if "power" in types:
        columns = circuit.columns
        powers = circuit.live & (columns.op == POWER)
        places = np.unique(columns.params[powers]).tolist()
        if any(exact.rational(place).denominator != 1 for place in places):
            found.add("power")
    return found
