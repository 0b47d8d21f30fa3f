"""Checking circuits of arrays: scalarized, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from circuitgrad.check.claims import claims
from circuitgrad.check.report import LEVELS, Report, Verdict
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT
from circuitgrad.passes.scalarize import entry_names, scalarize, scalarize_apart
from circuitgrad.shapes import format_shape

__all__ = ["check_arrays"]

#: Scalar operations of both circuits together from which on nothing is checked.
MAX_OPS: Final = 400_000


def check_arrays(
    check: Callable[..., Report],
    circuit: Circuit,
    gradient: Circuit,
    ranges: Mapping[str, tuple[float, float]] | None,
    **how: Any,
) -> Report:
    """Check the scalarized circuits, and say what was found of each array.

    The verdict of an array is the weakest of its entries'; a range of an array is one
    of each entry.
    """
    _same_inputs(circuit, gradient)
    ops = sum(each.stats().ops for each in (circuit, gradient))
    if ops > MAX_OPS:
        detail = f"{ops:,} scalar operations: more than {MAX_OPS:,} are not checked"
        return Report(
            tuple(
                Verdict(name, "", "unchecked", detail) for name in gradient.output_names
            ),
            {"settings": {**how, "ranges": dict(ranges or {})}},
        )
    twice = _named_twice(circuit) or _named_twice(gradient)
    if twice is not None:
        detail = f"two entries would be named {twice!r}: rename one of the vertices"
        return Report(
            tuple(
                Verdict(name, "", "undecided", detail) for name in gradient.output_names
            ),
            {"settings": {**how, "ranges": dict(ranges or {})}},
        )
    shapes = {name: circuit.columns.shape(v) for v, name in enumerate(circuit.inputs)}
    of_entries = {
        entry: interval
        for name, interval in (ranges or {}).items()
        for entry in entry_names(name, shapes.get(name, ()))
    }
    source, lowered = scalarize_apart(circuit), scalarize(gradient)
    report = check(source, lowered, ranges=of_entries, **how)
    found = {verdict.output: verdict for verdict in report.verdicts}
    misshapen = _misshapen(circuit, gradient)
    verdicts = tuple(
        misshapen.get(name)
        or _weakest(
            name, [found[e] for e in entry_names(name, gradient.columns.shape(v))]
        )
        for name, v in gradient.outputs
    )
    evidence = dict(report.evidence)
    intervals = {name: list(interval) for name, interval in (ranges or {}).items()}
    evidence["settings"] = {**evidence["settings"], "ranges": intervals}
    return Report(verdicts, evidence)


def _named_twice(circuit: Circuit) -> str | None:
    """Find a name that entries of two vertices would bear: a check may mistake them."""
    columns = circuit.columns
    named = [(label, v) for v, label in enumerate(circuit.labels)]
    owner: dict[str, tuple[int, int]] = {}
    for name, v in [*named, *circuit.outputs]:
        if columns.op[v] == CONSTANT:
            continue
        for i, entry in enumerate(entry_names(name, columns.shape(v))):
            if owner.setdefault(entry, (v, i)) != (v, i):
                return entry
    return None


def _misshapen(circuit: Circuit, gradient: Circuit) -> dict[str, Verdict]:
    """Find outputs of another shape than what they claim to be."""
    found = {}
    for name, readings in claims(circuit, gradient).items():
        own = gradient.columns.shape(dict(gradient.outputs)[name])
        shapes = [
            circuit.columns.shape(each.by if each.by >= 0 else each.output)
            for each in readings
        ]
        if shapes and own not in shapes:
            detail = f"its shape is {format_shape(own)}, not {format_shape(shapes[0])}"
            found[name] = Verdict(name, "", "undecided", detail)
    return found


def _same_inputs(circuit: Circuit, gradient: Circuit) -> None:
    shapes = {name: circuit.columns.shape(v) for v, name in enumerate(circuit.inputs)}
    for v, name in enumerate(gradient.inputs):
        shape = gradient.columns.shape(v)
        if shapes.get(name, shape) != shape:
            raise CircuitError(
                f"the gradient circuit's input {name!r} has shape "
                f"{format_shape(shape)}, the source's {format_shape(shapes[name])}"
            )


def _weakest(name: str, entries: list[Verdict]) -> Verdict:
    """Give the verdict of an array: the weakest of its entries', with their number."""
    weakest = max(entries, key=lambda verdict: LEVELS.index(verdict.level))
    if len(entries) == 1:
        return replace(weakest, output=name)
    many = sum(verdict.level == weakest.level for verdict in entries)
    detail = f"{many} of {len(entries)} entries"
    if weakest.detail:
        detail += f"; {weakest.output}: {weakest.detail}"
    claim = weakest.claim if weakest.level == "failed" else ""
    return replace(weakest, output=name, claim=claim, detail=detail)
