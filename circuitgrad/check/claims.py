"""What the outputs of a gradient circuit claim to be, read from their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from circuitgrad.circuit import Circuit

__all__ = ["Claim", "absent", "claims"]

#: What gates without a name are called.
_NUMBERED: Final = re.compile(r"g[0-9]+")


@dataclass(frozen=True)
class Claim:
    """What one output of the gradient circuit should compute."""

    name: str
    found: int  # vertex of the gradient circuit
    output: int  # vertex of the source
    by: int  # vertex of the source, -1 for the value itself
    text: str


def claims(circuit: Circuit, gradient: Circuit) -> dict[str, list[Claim]]:
    """Read the outputs' names: every reading of each, the likeliest first.

    ``df_dx`` is the derivative of f by x wherever both are names of the source, and
    after that the value of an output of that very name.
    """
    sources = range(circuit.columns.inputs, circuit.columns.sources)
    outputs = dict(circuit.outputs)
    named = {name: vertex for vertex, name in circuit.names.items()}

    @cache
    def vertex_of(name: str) -> int | None:
        """Give the input or gate of a name, as `Circuit.vertices` has it."""
        vertex = named.get(name)
        if vertex is None:
            vertex = outputs.get(name)
        if vertex is None and _NUMBERED.fullmatch(name):
            vertex = circuit.vertices.get(name)  # makes a label for every gate
        return vertex if vertex not in sources else None

    found: dict[str, list[Claim]] = {}
    for name, vertex in gradient.outputs:
        found[name] = [
            Claim(name, vertex, outputs[of], at, f"∂{of}/∂{by}")
            for of, by in _readings(name)
            if of in outputs and (at := vertex_of(by)) is not None
        ]
        if name in outputs:
            found[name].append(Claim(name, vertex, outputs[name], -1, name))
    return found


def absent(circuit: Circuit, gradient: Circuit) -> list[str]:
    """Name the partials by inputs that no output claims to be: ``∂f/∂x``.

    Of the source's outputs alone of which some derivative is there, or of all where
    there is none.
    """
    there = {
        (claim.output, claim.by)
        for readings in claims(circuit, gradient).values()
        for claim in readings
        if claim.by >= 0
    }
    asked = {output for output, _ in there} or {v for _, v in circuit.outputs}
    return [
        f"∂{of}/∂{name}"
        for of, vertex in circuit.outputs
        if vertex in asked
        for by, name in enumerate(circuit.inputs)
        if (vertex, by) not in there
    ]


def _readings(name: str) -> Iterator[tuple[str, str]]:
    """Split ``df_dx`` at each ``_d``."""
    at = name.find("_d", 1) if name.startswith("d") else -1
    while at >= 0:
        yield name[1:at], name[at + 2 :]
        at = name.find("_d", at + 1)
