"""One line of the table: what was found, and what was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

__all__ = ["HEADER", "DisagreementError", "Figure", "seconds"]

HEADER: Final = (
    *("row", "what", "gates", "ours", "peer's", "found", "bar", "goal"),
    "reached",
)


class DisagreementError(Exception):
    """Two programs for one thing gave different numbers."""


@dataclass(frozen=True)
class Figure:
    """One figure of the table.

    Parameters
    ----------
    row : int
    what : str
    gates : int, optional
    ours, peer : float, optional
        Seconds.
    found : float, optional
        What the bar is about; ``peer / ours`` where left out.
    unit : {"x", "s", "GB", "G/s"}
    bar, goal : float, optional
        What is asked for at least, and hoped for.
    at_most : bool
        Whether less is better.
    note : str
        Why there is no figure, or what is to be known of it.
    """

    row: int
    what: str
    gates: int | None = None
    ours: float | None = None
    peer: float | None = None
    found: float | None = None
    unit: str = "x"
    bar: float | None = None
    goal: float | None = None
    at_most: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        """Work out the ratio."""
        if self.found is None and self.ours and self.peer is not None:
            object.__setattr__(self, "found", self.peer / self.ours)

    @property
    def reached(self) -> str:
        """``goal``, ``yes``, ``no``, or a dash where nothing is asked or found."""
        if self.found is None or self.bar is None:
            return "-"
        sign = -1 if self.at_most else 1
        if self.goal is not None and sign * self.found >= sign * self.goal:
            return "goal"
        return "yes" if sign * self.found >= sign * self.bar else "no"

    def cells(self) -> list[str]:
        """Give the line of the table."""
        sign = "≤ " if self.at_most else "≥ "
        limits = [
            "-" if limit is None else f"{sign}{self._shown(limit)}"
            for limit in (self.bar, self.goal)
        ]
        gates = "-" if self.gates is None else f"{self.gates:,}"
        found = "-" if self.found is None else self._shown(self.found, ".3g")
        times = [seconds(self.ours), seconds(self.peer)]
        return [str(self.row), self.what, gates, *times, found, *limits, self.reached]

    def _shown(self, value: float, form: str = "g") -> str:
        text = f"{value:.0f}" if value >= 1000 else f"{value:{form}}"
        return f"{text}x" if self.unit == "x" else f"{text} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON has."""
        return {**asdict(self), "reached": self.reached}


def seconds(value: float | None) -> str:
    """Write a time with three digits."""
    if value is None:
        return "-"
    for scale, unit in ((1, "s"), (1e3, "ms")):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"
