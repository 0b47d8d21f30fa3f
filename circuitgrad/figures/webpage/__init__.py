"""A circuit and its gradient as one page of HTML, to step through and to compute on."""

from __future__ import annotations

from circuitgrad.figures.webpage.html import page

__all__ = ["page"]
