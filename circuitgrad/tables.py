"""Tables of counts: rich on a terminal, plain columns elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from circuitgrad.metrics import Stats

__all__ = ["compare", "rows", "show"]

_SHOWN = (
    "size",
    "wires",
    "depth",
    "ops",
    "nonscalar",
    "fan_out",
    "multiplicative_depth",
)


def rows(stats: Stats) -> list[list[str]]:
    """Give all counts, a row each."""
    return [
        [key.replace("_", " "), "-" if value is None else str(value)]
        for key, value in stats.as_dict().items()
    ]


def compare(source: Stats, emitted: Stats) -> list[list[str]]:
    """Give the counts of two circuits and their ratio, a row a count."""
    found = []
    for key in _SHOWN:
        before, after = getattr(source, key), getattr(emitted, key)
        ratio = f"{after / before:.2f}" if before else "-"
        found.append([key.replace("_", " "), str(before), str(after), ratio])
    return found


def show(
    header: Sequence[str],
    table: Sequence[Sequence[str]],
    file: TextIO,
    words: bool = False,
) -> None:
    """Print a table; its first column is text, the others numbers, unless ``words``."""
    if file.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table

        grid = Table(box=box.SIMPLE_HEAD)
        for number, title in enumerate(header):
            grid.add_column(title, justify="right" if number and not words else "left")
        for row in table:
            grid.add_row(*row)
        Console(file=file).print(grid)
        return
    lines = [header, *table]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [
            cell.rjust(width) if slot and not words else cell.ljust(width)
            for slot, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), file=file)
