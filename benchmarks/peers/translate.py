"""From a circuit to a peer's expressions, gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from circuitgrad import Circuit, exact
from circuitgrad.gates import CONSTANT, SUM, gate_type

__all__ = ["output_names", "translate"]


def translate(circuit: Circuit, arithmetic: Any, inputs: Sequence[Any]) -> list[Any]:
    """Give the outputs in a peer's expressions.

    The arithmetic is one in which the gate table's rules can be read, as those of
    `circuitgrad.evaluation.arithmetic`: the peer gets a gate's formula where it lacks
    the gate.
    """
    columns = circuit.columns
    values: list[Any] = [*inputs, *[None] * (len(columns) - len(inputs))]
    for vertex in range(columns.inputs, len(columns)):
        if not circuit.live[vertex]:
            continue
        code, param = int(columns.op[vertex]), int(columns.params[vertex])
        used = [values[u] for u in columns.operands_of(vertex)]
        if code == CONSTANT:
            values[vertex] = arithmetic.number(exact.number(param))
        elif code == SUM:
            weights = [exact.rational(w) for w in columns.weights_of(vertex)]
            ones = [columns.params[u] == exact.ONE for u in columns.operands_of(vertex)]
            values[vertex] = _sum(arithmetic, weights, used, ones)
        else:
            gate = gate_type(code)
            if gate.takes_parameter:
                used.append(exact.number(param))
            values[vertex] = (gate.formula or gate.value)(arithmetic, *used)
    return [values[vertex] for _, vertex in circuit.outputs]


def _sum(
    arithmetic: Any, weights: Sequence[Any], used: Sequence[Any], ones: Sequence[bool]
) -> Any:
    """Add up as a person types it: ``x - 3*y``, with no multiplication by 1 or -1.

    ``ones`` tells which wires come from the constant 1: their weight is the term.
    """
    start = next((k for k, weight in enumerate(weights) if weight > 0), 0)
    order = [start, *(k for k in range(len(weights)) if k != start)]
    total = None
    for k in order:
        scale = abs(weights[k])
        term = used[k] if scale == 1 else arithmetic.number(scale) * used[k]
        if ones[k]:
            term = arithmetic.number(scale)
        if total is None:
            total = term if weights[k] > 0 else -term
        else:
            total = total + term if weights[k] > 0 else total - term
    return total


def output_names(circuit: Circuit, partials: bool) -> list[str]:
    """Name the outputs of a peer's program as ours are: f, then its partials."""
    names = list(circuit.output_names)
    if partials:
        names += [f"d{f}_d{x}" for f in circuit.output_names for x in circuit.inputs]
    return names
