"""File formats: one file each, one table here."""

from __future__ import annotations

from circuitgrad.formats.formats import FORMATS, format_of, read, render, write
from circuitgrad.formats.text import parse, parse_expression

__all__ = [
    "FORMATS",
    "format_of",
    "parse",
    "parse_expression",
    "read",
    "render",
    "write",
]
