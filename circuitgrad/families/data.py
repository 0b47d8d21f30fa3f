"""Data to train on: rows of inputs, then targets, exact numbers all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.errors import CircuitError

__all__ = ["DATA", "rows_of"]

Rows = Sequence[Sequence[Any]]

#: Points of each arm of the spirals.
ARM: Final = 24


def _spirals() -> Rows:
    """Give two arms that turn once around each other, to three decimals."""
    rows = []
    for i in range(ARM):
        share = Fraction(i + 1, ARM)
        angle, radius = 2 * math.pi * share, float(share)
        x, y = radius * math.cos(angle), radius * math.sin(angle)
        rows.append((round(x, 3), round(y, 3), 1))
        rows.append((round(-x, 3), round(-y, 3), 0))
    return rows


#: The students are those of the lecture notes: three numbers, and whether they passed.
DATA: Final[dict[str, Rows]] = {
    "students": [(39, 31, 12, 1), (45, 11, 3, 0), (43, 25, 6, 1), (50, 40, 0, 1)],
    "xor": [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)],
    "spirals": _spirals(),
}


def rows_of(data: str | Rows, width: int) -> list[list[Fraction]]:
    """Give the rows of data that has a name, or of an array of numbers.

    Raises
    ------
    CircuitError
        If a row is not of ``width`` exact numbers.
    """
    rows = DATA[data] if isinstance(data, str) else data
    found = []
    for number, row in enumerate(rows, 1):
        values = []
        for value in row:
            try:
                values.append(exact.as_fraction(_plain(value)))
            except (TypeError, ValueError):
                raise CircuitError(
                    f"row {number} of the data: {value!r} is no number"
                ) from None
        if len(values) != width:
            raise CircuitError(
                f"row {number} of the data has {len(values)} numbers: {width} are "
                "needed, the inputs and then the targets"
            )
        found.append(values)
    if not found:
        raise CircuitError("the data has no rows")
    return found


def _plain(value: Any) -> Any:
    """Take a number out of a NumPy array."""
    return value.item() if hasattr(value, "item") else value
