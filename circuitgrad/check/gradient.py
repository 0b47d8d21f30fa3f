"""Checking a gradient circuit against its source, output by output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from circuitgrad.check import proved
from circuitgrad.check.report import Report, Verdict
from circuitgrad.check.sampled import DIGITS, Sampler
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, EvaluationError

__all__ = ["check_gradient"]

#: Together the formulas that sympy is given have at most so many vertices, as trees.
MAX_FORMULAS: Final = 60_000
#: Largest circuit, in wires, that is sampled.
MAX_SAMPLED: Final = 100_000


@dataclass(frozen=True)
class _Claim:
    """What one output of the gradient circuit should compute."""

    name: str
    found: int  # vertex of the gradient circuit
    output: int  # vertex of the source
    by: int  # vertex of the source, -1 for the value itself
    text: str


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
    The caps (`proved.MAX_FORMULA` and others) are compared with sizes computed in one
    pass over the circuits before sympy starts.
    """
    for name in gradient.inputs:
        if name not in circuit.inputs:
            raise CircuitError(
                f"the gradient circuit has an input {name!r}, the source has not"
            )
    for name in ranges or ():
        if name not in circuit.inputs:
            raise CircuitError(f"a range for {name!r}, which is no input")
    claims = list(_claims(circuit, gradient))
    verdicts: dict[str, Verdict] = {}
    open_claims = []
    named = {claim.name for claim in claims}
    for name in gradient.output_names:
        if name not in named:
            verdicts[name] = Verdict(
                name, "", "undecided", "its name is no derivative's"
            )
    prover = _Prover(circuit, gradient)
    for claim in claims:
        if prover.proves(claim):
            verdicts[claim.name] = Verdict(claim.name, claim.text, "proved")
        else:
            open_claims.append(claim)
    if open_claims:
        for verdict in _sample(circuit, gradient, open_claims, ranges or {}, seed):
            verdicts[verdict.output] = verdict
    return Report(tuple(verdicts[name] for name in gradient.output_names))


def _claims(circuit: Circuit, gradient: Circuit) -> Iterator[_Claim]:
    """Read the outputs' names; ``df_dx`` goes before an output of that very name."""
    columns = circuit.columns
    labels = circuit.labels
    vertex_of = {label: vertex for vertex, label in enumerate(labels)}
    for name, found in gradient.outputs:
        for label, vertex in circuit.outputs:
            by = None
            prefix = f"d{label}_d"
            if name.startswith(prefix):
                by = vertex_of.get(name[len(prefix) :])
            if by is not None and (by < columns.inputs or by >= columns.sources):
                yield _Claim(name, found, vertex, by, f"∂{label}/∂{labels[by]}")
                break
        else:
            for label, vertex in circuit.outputs:
                if label == name:
                    yield _Claim(name, found, vertex, -1, label)


class _Prover:
    """Proves claims by sympy, where the formulas are small enough."""

    def __init__(self, circuit: Circuit, gradient: Circuit) -> None:
        self.circuit = circuit
        self.gradient = gradient
        self.budget = MAX_FORMULAS
        self.sizes: tuple[list[tuple[int, int]], list[tuple[int, int]]] | None = None
        self.built: tuple[list[Any], list[Any]] | None = None
        self.cuts: dict[int, tuple[Circuit, list[Any]]] = {}

    def proves(self, claim: _Claim) -> bool:
        """Tell whether sympy shows that a claim holds; False is no disproof."""
        if max(self.circuit.columns.wires, self.gradient.columns.wires) > MAX_SAMPLED:
            return False
        if self.sizes is None:
            sizes = (
                proved.formula_sizes(self.circuit),
                proved.formula_sizes(self.gradient),
            )
            self.sizes = sizes
        source, emitted = self.sizes[0][claim.output], self.sizes[1][claim.found]
        tree = source[0] + emitted[0]
        if tree > proved.MAX_FORMULA or max(source[1], emitted[1]) > proved.MAX_TERMS:
            return False
        self.budget -= tree
        if self.budget < 0:
            return False
        return proved.is_zero(self.expected(claim) - self.formulas(1)[claim.found])

    def formulas(self, which: int) -> list[Any]:
        if self.built is None:
            symbol = proved.symbols(self.circuit)
            claimed = self.circuit, self.gradient
            self.built = tuple(  # type: ignore[assignment]
                proved.formulas(self.small(circuit, i), symbol)
                for i, circuit in enumerate(claimed)
            )
        assert self.built is not None
        return self.built[which]

    def small(self, circuit: Circuit, which: int) -> Circuit:
        """Keep the outputs whose formulas are within the cap: no other is built."""
        assert self.sizes is not None
        sizes = self.sizes[which]
        kept = [
            (label, vertex)
            for label, vertex in circuit.outputs
            if sizes[vertex][0] <= proved.MAX_FORMULA
            and sizes[vertex][1] <= proved.MAX_TERMS
        ]
        return circuit.with_outputs(kept)

    def expected(self, claim: _Claim) -> Any:
        """Differentiate the source formula: in (C - z), then with z's formula in it."""
        import sympy

        if claim.by < 0:
            return self.formulas(0)[claim.output]
        label = self.circuit.labels[claim.by]
        if claim.by < self.circuit.columns.inputs:
            symbol = sympy.Symbol(label, real=True)
            return sympy.diff(self.formulas(0)[claim.output], symbol)
        if claim.by not in self.cuts:
            cut = self.circuit.cut(claim.by)
            symbols = proved.symbols(cut)
            symbols[label] = sympy.Dummy(label, real=True)
            self.cuts[claim.by] = cut, [symbols[label], proved.formulas(cut, symbols)]
        cut, (symbol, formulas) = self.cuts[claim.by]
        output = next(
            after
            for (_, before), (_, after) in zip(
                self.circuit.outputs, cut.outputs, strict=True
            )
            if before == claim.output
        )
        value = self.formulas(0)[claim.by]
        derivative = sympy.diff(formulas[output], symbol)
        return derivative if value is None else derivative.subs(symbol, value)


def _sample(
    circuit: Circuit,
    gradient: Circuit,
    claims: list[_Claim],
    ranges: Mapping[str, tuple[float, float]],
    seed: int,
) -> Iterator[Verdict]:
    wires = max(circuit.columns.wires, gradient.columns.wires)
    if wires > MAX_SAMPLED:
        reason = f"{wires} wires, more than the cap of {MAX_SAMPLED}"
        for claim in claims:
            yield Verdict(claim.name, claim.text, "unchecked", reason)
        return
    sampler = Sampler(circuit, gradient, ranges, seed)
    if not sampler.complete:
        wanted = f"no {sampler.wanted} points of the domain found"
        reason = f"{wanted}: {sampler.reason}; give ranges"
        for claim in claims:
            yield Verdict(claim.name, claim.text, "undecided", reason)
        return
    for output in dict.fromkeys(claim.output for claim in claims):
        values = [c for c in claims if c.output == output and c.by < 0]
        partials = [c for c in claims if c.output == output and c.by >= 0]
        for claim in values:
            yield _compare_values(sampler, claim)
        yield from _compare_partials(sampler, partials)


def _sampled(sampler: Sampler, claim: _Claim) -> Verdict:
    return Verdict(
        claim.name, claim.text, "sampled", f"{sampler.wanted} points, {DIGITS} digits"
    )


def _compare_values(sampler: Sampler, claim: _Claim) -> Verdict:
    for number in range(sampler.wanted):
        expected = sampler.values[number][claim.output]
        found = sampler.gradients[number][claim.found]
        if not sampler.agree(expected, found, abs(expected) + abs(found)):
            return _failure(sampler, claim, number, expected, found)
    return _sampled(sampler, claim)


def _compare_partials(sampler: Sampler, claims: list[_Claim]) -> Iterator[Verdict]:
    """Compare all partials of an output at once, and one by one where they disagree."""
    if not claims:
        return
    pairs = [(claim.by, claim.found) for claim in claims]
    output = claims[0].output
    try:
        together = all(
            sampler.partials_agree(n, output, pairs)[0] for n in range(sampler.wanted)
        )
    except EvaluationError:
        together = False  # some direction left the domain
    for claim in claims:
        yield _sampled(sampler, claim) if together else _compare_partial(sampler, claim)


def _compare_partial(sampler: Sampler, claim: _Claim) -> Verdict:
    for number in range(sampler.wanted):
        try:
            agree, expected, found = sampler.partials_agree(
                number, claim.output, [(claim.by, claim.found)]
            )
        except EvaluationError as error:
            return Verdict(
                claim.name, claim.text, "undecided", f"edge of the domain: {error}"
            )
        if not agree:
            return _failure(sampler, claim, number, expected, found)
    return _sampled(sampler, claim)


def _failure(
    sampler: Sampler, claim: _Claim, number: int, expected: Any, found: Any
) -> Verdict:
    return Verdict(
        claim.name,
        claim.text,
        "failed",
        point=sampler.shown(number),
        expected=sampler.text(expected),
        found=sampler.text(found),
    )
