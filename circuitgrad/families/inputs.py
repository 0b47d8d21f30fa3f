"""Inputs and outputs of families, as arrays of handles."""

from __future__ import annotations

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.passes import run
from circuitgrad.vectors import Vector

__all__ = ["matrix", "names_of", "outputs", "vector", "without_zeros"]


def names_of(name: str, n: int) -> list[str]:
    """Give ``x1`` to ``xn``."""
    return [f"{name}{i}" for i in range(1, n + 1)]


def vector(builder: Builder, name: str, n: int) -> Vector:
    """Make the inputs ``x1`` to ``xn``."""
    return Vector.inputs(builder, names_of(name, n))


def matrix(builder: Builder, name: str, rows: int, columns: int) -> Vector:
    """Make the inputs ``x1_1`` to ``xm_n``, row by row: an array of m rows."""
    names = [
        f"{name}{i}_{j}" for i in range(1, rows + 1) for j in range(1, columns + 1)
    ]
    return Vector.inputs(builder, names).reshape(rows, columns)


def outputs(builder: Builder, name: str, a: Vector) -> None:
    """Make the entries of a matrix outputs, ``y1_1`` to ``ym_n``, row by row."""
    for i, row in enumerate(a, start=1):
        for j, entry in enumerate(row, start=1):
            builder.output(f"{name}{i}_{j}", entry)


def without_zeros(circuit: Circuit) -> Circuit:
    """Fold away the zeros that a matrix was padded with, if any."""
    columns = circuit.columns
    padded = columns.sources > columns.inputs
    return run(circuit, "fold,dce") if padded else circuit
