"""Figures of circuits, placed by Graphviz and written from one scene; trees of text."""

from __future__ import annotations

from circuitgrad.figures.drawing import FIGURE_FORMATS, Figure, draw, mimebundle
from circuitgrad.figures.frames import Frames, steps
from circuitgrad.figures.trees import tree

__all__ = [
    "FIGURE_FORMATS",
    "Figure",
    "Frames",
    "draw",
    "mimebundle",
    "steps",
    "tree",
]
