"""Graphviz DOT, written: the same graph that figures are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["write_dot"]


def write_dot(circuit: Circuit) -> str:
    """Write a circuit as Graphviz DOT."""
    from circuitgrad.figures.elements import elements
    from circuitgrad.figures.layout import dot_graph

    return dot_graph(elements(circuit), sized=False).to_string()
