"""Figures of circuits, through pydot and Graphviz."""

from __future__ import annotations

from circuitgrad.figures.render import FIGURE_FORMATS, draw, mimebundle

__all__ = ["FIGURE_FORMATS", "draw", "mimebundle"]
