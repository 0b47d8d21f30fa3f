"""Writing circuit text: canonical, a gate a line, infix where infix says it."""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import CONSTANT, DIV, INV, POW, POWER, PROD, SUM, gate_type

__all__ = ["write_text"]


def write_text(circuit: Circuit, comment: str | None = None) -> str:
    """Write a circuit as canonical text, which reads back to the same circuit.

    Complexity: linear in wires.
    """
    names = _written_names(circuit)
    columns = circuit.columns
    lines = [f"# {line}" for line in comment.splitlines()] if comment else []
    if circuit.name:
        lines.append(f"circuit {circuit.name}")
    lines += _wrapped("input", names[: columns.inputs])
    params = columns.params.tolist()
    for vertex in range(columns.inputs, columns.sources):
        if is_name(names[vertex]):
            lines.append(
                f"{names[vertex]} = {exact.format_number(exact.number(params[vertex]))}"
            )
    op, offsets = columns.op.tolist(), columns.offsets.tolist()
    operands, weights = columns.operands.tolist(), columns.weights.tolist()
    for vertex in range(columns.sources, len(columns)):
        span = slice(offsets[vertex], offsets[vertex + 1])
        inputs = operands[span]
        used = [names[u] for u in inputs]
        code = op[vertex]
        if code == SUM:
            from_one = [op[u] == CONSTANT and params[u] == exact.ONE for u in inputs]
            right = _sum_text(used, weights[span], from_one)
        else:
            param = exact.number(params[vertex]) if params[vertex] >= 0 else None
            right = _gate_text(code, used, param)
        lines.append(f"{names[vertex]} = {right}")
    outputs = [
        label if names[vertex] == label else f"{label} = {names[vertex]}"
        for label, vertex in circuit.outputs
    ]
    lines += _wrapped("output", outputs)
    return "\n".join(lines) + "\n"


def is_name(label: str) -> bool:
    """Tell a name from a number and from pi, among labels."""
    return label != "pi" and not (label[0].isdecimal() or label[0] == "-")


def _written_names(circuit: Circuit) -> list[str]:
    """Give the labels, and names to the constants that only a name can say.

    Those are a number that a division uses, a number to an integer power (arithmetic
    would take it), a number as an exponent that is a wire, and a number as an output.
    """
    columns = circuit.columns
    names = list(circuit.labels)
    users = columns.op[columns.consumer]
    said = np.ones(len(columns), dtype=np.bool_)
    said[circuit.output_vertices] = False
    said[columns.operands[(users == DIV) | ((users == POW) & (columns.slot == 1))]] = (
        False
    )
    powers = np.flatnonzero(users == POWER)
    powers = powers[columns.operands[powers] < columns.sources]
    for wire in powers.tolist():
        exponent = exact.rational(int(columns.params[columns.consumer[wire]]))
        said[columns.operands[wire]] &= exponent.denominator != 1
    taken = {*names, *circuit.output_names}
    count = 0
    for vertex in range(columns.inputs, columns.sources):
        if said[vertex] or is_name(names[vertex]) or names[vertex] == "pi":
            continue
        count += 1
        while f"c{count}" in taken:
            count += 1
        names[vertex] = f"c{count}"
    return names


def _wrapped(keyword: str, items: list[str], width: int = 88) -> list[str]:
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            lines.append(line)
            line = ""
        line = f"{line}, {item}" if line else f"{keyword} {item}"
    return [*lines, line] if line else lines


def _sum_text(used: list[str], weights: list[int], from_one: list[bool]) -> str:
    terms = []
    for name, place, number in zip(used, weights, from_one, strict=True):
        if number:  # the constant 1, whose weight is the number itself
            terms.append(exact.format_number(exact.number(place)))
        elif place == exact.ONE:
            terms.append(name)
        elif place == exact.MINUS_ONE:
            terms.append(f"-{name}")
        else:
            terms.append(f"{exact.format_number(exact.number(place))}*{name}")
    if all(from_one) or (len(terms) == 1 and weights[0] == exact.ONE):
        return f"sum({', '.join(terms)})"
    text = terms[0]
    for term in terms[1:]:
        text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
    return text


def _gate_text(code: int, used: list[str], param: exact.Number | None) -> str:
    numbers = [not is_name(name) and name != "pi" for name in used]
    if code == PROD:
        if len(used) == 1 or any(numbers):
            return f"prod({', '.join(used)})"
        return "*".join(used)
    if code == DIV:
        return f"{used[0]}/{used[1]}"
    if code == INV and not numbers[0]:
        return f"1/{used[0]}"
    if code in (POWER, POW):
        base = used[0]
        if not (is_name(base) or base == "pi") and not base.isdecimal():
            base = f"({base})"
        if param is None:
            return f"{base}^{used[1]}"
        exponent = exact.format_number(param)
        return f"{base}^({exponent})" if "/" in exponent else f"{base}^{exponent}"
    name = gate_type(code).name
    arguments = used if param is None else [*used, exact.format_number(param)]
    return f"{name}({', '.join(arguments)})"
