"""The value of each vertex of a figure: a number, or an array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.evaluate import (
    as_array,
    as_floats,
    values_at,
    vertex_values,
)

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["values_of"]


def values_of(
    circuit: Circuit, point: Mapping[str, Any], held: Mapping[int, Any] | None = None
) -> list[Any]:
    """Evaluate every vertex that some output depends on, as `values_at` does.

    Vertices of a circuit of arrays have floats, and arrays of them, of their shapes.

    Raises
    ------
    CircuitError
        If an input has no value, or a value no input.
    EvaluationError
        If a gate has no rational value: it divides by zero.
    ShapeError
        If a value is of another shape than its vertex.
    """
    if not circuit.columns.shaped:
        return values_at(circuit, point, held)
    columns, labels = circuit.columns, circuit.labels

    def array(vertex: int, value: Any) -> Any:
        return as_floats(as_array(labels[vertex], value, columns.shape(vertex)))

    for name in point:
        if name not in circuit.inputs:
            known = ", ".join(circuit.inputs) or "none"
            raise CircuitError(f"no input {name!r}; the inputs are {known}")
    for name in circuit.inputs:
        if name not in point:
            raise CircuitError(f"no value for the input {name!r}")
    inputs = [array(v, point[name]) for v, name in enumerate(circuit.inputs)]
    kept = {vertex: array(vertex, value) for vertex, value in (held or {}).items()}
    with np.errstate(all="ignore"):
        found = vertex_values(circuit, Floats(), inputs, held=kept)
    return [
        None if value is None else np.broadcast_to(value, columns.shape(v))[()]
        for v, value in enumerate(found)
    ]
