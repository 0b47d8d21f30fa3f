"""The circuit (C - z): z an input, drawn where it stands in C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.elements import elements
from circuitgrad.figures.labels import Names, value_line
from circuitgrad.figures.layout import place
from circuitgrad.figures.scene import Scene

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["cut_scene"]


def cut_scene(
    circuit: Circuit, gate: str, at: Mapping[str, Any] | None = None
) -> Scene:
    """Place (C - z) as C is placed: without the wires into z, which is an input.

    Parameters
    ----------
    circuit : Circuit
    gate : str
        The gate z.
    at : mapping, optional
        Values of the inputs by name, and that of z.

    Raises
    ------
    CircuitError
        If there is no such gate; if an input or z has no value in ``at``.
    """
    z = circuit.vertex(gate)
    if z < circuit.columns.sources:
        raise CircuitError(f"{gate!r} is an input: cutting changes nothing")
    values = None
    if at is not None:
        if gate not in at:
            raise CircuitError(f"no value for {gate!r}, which is an input of (C - z)")
        inputs = {name: value for name, value in at.items() if name != gate}
        values = values_at(circuit, inputs, {z: at[gate]})
    scene = place(elements(circuit, values))
    key, names = f"n{z}", Names(circuit)
    lines = [names[gate]._replace(size=1.0)]
    if values is not None and values[z] is not None:
        lines.append(value_line(values[z]))
    if key not in scene.nodes:
        raise CircuitError(f"no output depends on {gate!r}")
    made = replace(scene.nodes[key], lines=tuple(lines), role="source", shape="box")
    wires = {k: wire for k, wire in scene.wires.items() if wire.head != key}
    title = f"{circuit.name or 'C'} - {gate}"
    return Scene({**scene.nodes, key: made}, wires, title)
