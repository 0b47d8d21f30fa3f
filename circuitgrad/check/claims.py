"""What the outputs of a gradient circuit claim to be, read from their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from circuitgrad.circuit import Circuit

__all__ = ["Claim", "claims"]


@dataclass(frozen=True)
class Claim:
    """What one output of the gradient circuit should compute."""

    name: str
    found: int  # vertex of the gradient circuit
    output: int  # vertex of the source
    by: int  # vertex of the source, -1 for the value itself
    text: str


def claims(circuit: Circuit, gradient: Circuit) -> Iterator[Claim]:
    """Read the outputs' names; ``df_dx`` goes before an output of that very name."""
    columns, labels = circuit.columns, circuit.labels
    vertex_of = {
        label: vertex
        for vertex, label in enumerate(labels)
        if vertex < columns.inputs or vertex >= columns.sources
    }
    outputs = dict(circuit.outputs)
    for name, found in gradient.outputs:
        of, by = _parts(name, outputs, vertex_of)
        if of:
            yield Claim(name, found, outputs[of], vertex_of[by], f"∂{of}/∂{by}")
        elif name in outputs:
            yield Claim(name, found, outputs[name], -1, name)


def _parts(
    name: str, outputs: dict[str, int], vertex_of: dict[str, int]
) -> tuple[str, str]:
    """Split ``df_dx`` into f and x, wherever both are names of the source."""
    if name.startswith("d"):
        at = name.find("_d", 1)
        while at >= 0:
            if name[1:at] in outputs and name[at + 2 :] in vertex_of:
                return name[1:at], name[at + 2 :]
            at = name.find("_d", at + 1)
    return "", ""
