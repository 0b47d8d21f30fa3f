"""Figures of circuits: Graphviz places them, and they are written from one scene."""

from __future__ import annotations

from circuitgrad.figures.draw import FIGURE_FORMATS, draw, mimebundle

__all__ = ["FIGURE_FORMATS", "draw", "mimebundle"]
