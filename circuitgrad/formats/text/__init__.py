"""Circuit text (``.cg``): the reader and the writer."""

from __future__ import annotations

from circuitgrad.formats.text.reader import parse, parse_expression
from circuitgrad.formats.text.writer import write_bytes, write_text

__all__ = ["parse", "parse_expression", "write_bytes", "write_text"]
