"""The figures as a table, as JSON and as a section of the docs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from circuitgrad.formats.files import write_whole
from circuitgrad.tables import show
from speeds.figure import HEADER, Figure

__all__ = ["as_json", "markdown", "print_table", "rewrite_section", "sentence"]

BEGIN: Final = "<!-- python benchmarks/speed.py --docs writes from here -->"
END: Final = "<!-- to here -->"


def sentence(machine: dict[str, Any]) -> str:
    """Say in one line what the figures were taken on."""
    versions = ", ".join(f"{k} {v}" for k, v in machine["packages"].items())
    start, end = machine["load"]
    return (
        f"{machine['date']}, {machine['cores']} cores of {machine['processor']}, "
        f"{machine['system']}, Python {machine['python']}, {versions}; medians of at "
        f"least {machine['runs']}; load average {start} at the start, {end} at the end."
    )


def print_table(figures: Sequence[Figure], file: TextIO) -> None:
    """Print the table, and the notes below it."""
    show(HEADER, [figure.cells() for figure in figures], file)
    for figure in figures:
        if figure.note:
            print(f"[{figure.row}] {figure.what}: {figure.note}", file=file)


def as_json(figures: Sequence[Figure], machine: dict[str, Any], curves: Any) -> str:
    """Give everything that was found."""
    rows = [figure.as_dict() for figure in figures]
    return json.dumps({"machine": machine, "rows": rows, "curves": curves}, indent=1)


def markdown(figures: Sequence[Figure], machine: dict[str, Any]) -> str:
    """Give the section of the docs between its two marks, marks included."""
    lines = ["| " + " | ".join(HEADER) + " |"]
    lines.append("|---|---|" + "---:|" * (len(HEADER) - 3) + "---|")
    lines += ["| " + " | ".join(figure.cells()) + " |" for figure in figures]
    notes = [f"- row {f.row}, {f.what}: {f.note}" for f in figures if f.note]
    parts = [BEGIN, sentence(machine), "\n".join(lines)]
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join([*parts, END])


def rewrite_section(page: Path, section: str) -> None:
    """Put a section in the place of the one that a page has."""
    before, mark, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise SystemExit(f"{page}: no section between {BEGIN} and {END}")
    write_whole(str(page), (before + section + after).encode())
