"""Symbols of gates, with the options that matter, and shapes as labels of wires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circuitgrad import exact
from circuitgrad.figures.labels import gate_line
from circuitgrad.figures.scene import Label
from circuitgrad.formats.matrixnames import (
    MATRIX_NAMES,
    matrix_symbol,
    shape_tex,
    shape_text,
)
from circuitgrad.gates import DIV, PROD
from circuitgrad.shapes import Shape

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["SHAPE", "shape_line", "symbol_line"]

#: Size of a shape, relative to a gate's symbol.
SHAPE: Final = 0.75


def symbol_line(circuit: Circuit, vertex: int) -> Label:
    """Give the line of a gate's symbol.

    A product of arrays, entry by entry, is ⊙, and so with the quotient; a matrix gate
    has those of its options that shapes on wires do not tell.
    """
    gate, columns = circuit.gate_type(vertex), circuit.columns
    param = int(columns.params[vertex])
    shapes = [columns.shape(u) for u in columns.operands_of(vertex)]
    if gate.name in MATRIX_NAMES:
        options = gate.named(exact.options(param)) if gate.options else {}
        return Label(*matrix_symbol(gate, options, shapes[0]))
    if gate.matrix:
        return gate_line(gate, None)
    if columns.op[vertex] == PROD and sum(map(bool, shapes)) > 1:
        return Label("⊙", r"\odot")
    if columns.op[vertex] == DIV and shapes[1]:
        return Label("⊘", r"\oslash")
    return gate_line(gate, exact.number(param) if param >= 0 else None)


def shape_line(shape: Shape) -> Label | None:
    """Give the label of a wire that carries an array; None for a scalar."""
    return Label(shape_text(shape), shape_tex(shape), SHAPE) if shape else None
