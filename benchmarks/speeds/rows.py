"""The rows of the table, and who measures them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from speeds import batches, chains, commands, compilers, determinants, machine
from speeds.figure import DisagreementError, Figure
from speeds.timing import Settings

__all__ = ["MEASURES", "ROWS", "measured"]

#: What may be missing.
PEERS: Final = ("casadi", "jax", "sympy")

Measure = Callable[[Settings], list[Figure]]

#: What is measured together, by the rows that it gives.
MEASURES: Final[dict[tuple[int, ...], Measure]] = {
    (1, 2): determinants.built,
    (3,): determinants.differentiated,
    (4,): determinants.made_ready,
    (5,): determinants.shared,
    (6,): determinants.evaluated,
    (7,): batches.network_map,
    (8,): batches.rosenbrock_map,
    (9,): batches.threads,
    (10,): chains.deep,
    (11,): commands.of_text,
    (12,): commands.of_columns,
    (13,): commands.first_calls,
    (14,): compilers.compilers,
    (15,): batches.levels,
    (16,): machine.limits,
}
ROWS: Final = tuple(row for rows in MEASURES for row in rows)


def measured(settings: Settings, wanted: set[int]) -> Iterator[tuple[Figure, bool]]:
    """Give the figures of some rows, each with whether its answers were right.

    A row whose peer is not installed has a note instead.
    """
    for rows, measure in MEASURES.items():
        if wanted.isdisjoint(rows):
            continue
        try:
            figures = measure(settings)
        except ImportError as error:
            if error.name not in PEERS:
                raise
            note = f"{error.name} is not installed"
            figures = [Figure(row, _title(measure), note=note) for row in rows]
        except DisagreementError as error:
            yield Figure(rows[0], _title(measure), note=f"wrong: {error}"), False
            continue
        for figure in figures:
            if figure.row in wanted:
                yield figure, True


def _title(measure: Measure) -> str:
    return (measure.__doc__ or "").partition(":")[0].rstrip(".")
