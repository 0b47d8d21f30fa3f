"""Figures of circuits: Graphviz places them, and they are written from one scene."""

from __future__ import annotations

from circuitgrad.figures.drawing import FIGURE_FORMATS, Figure, draw, mimebundle
from circuitgrad.figures.frames import Frames, steps

__all__ = ["FIGURE_FORMATS", "Figure", "Frames", "draw", "mimebundle", "steps"]
