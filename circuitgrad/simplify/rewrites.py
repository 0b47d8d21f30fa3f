"""What rewriting leaves behind: the log of rewrites and of passes left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.simplify.rules import Rule

__all__ = ["Journal", "Rewrite", "note", "note_rewrites", "recording", "too_large"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rule that fired, and the gate it fired at."""

    rule: Rule
    gate: str


@dataclass
class Journal:
    """What passes say while they run.

    Attributes
    ----------
    notes : list of str
        What was left out, and why.
    """

    notes: list[str] = field(default_factory=list)
    _fired: list[tuple[Circuit, list[tuple[Rule, int]]]] = field(default_factory=list)

    def rewrites(self) -> Iterator[Rewrite]:
        """Give the rewrites with the labels of their gates, ``new`` for a new one."""
        for circuit, fired in self._fired:
            labels = circuit.labels
            for rule, vertex in fired:
                yield Rewrite(rule, labels[vertex] if vertex >= 0 else "new")


_journal: ContextVar[Journal | None] = ContextVar("journal", default=None)


@contextmanager
def recording() -> Iterator[Journal]:
    """Collect what passes say while the block runs."""
    journal = Journal()
    token = _journal.set(journal)
    try:
        yield journal
    finally:
        _journal.reset(token)


def note_rewrites(circuit: Circuit, fired: list[tuple[Rule, int]]) -> None:
    """Take note of rules and the vertices of ``circuit`` that they fired at."""
    journal = _journal.get()
    if journal is not None and fired:
        journal._fired.append((circuit, fired))


def note(text: str) -> None:
    """Take note of something that was left out."""
    journal = _journal.get()
    if journal is not None:
        journal.notes.append(text)


def too_large(circuit: Circuit, pass_name: str, limit: int) -> bool:
    """Tell, and take note, whether a circuit has more vertices than a pass takes."""
    vertices = len(circuit.columns)
    if vertices <= limit:
        return False
    note(f"{pass_name} left out: {vertices:,} vertices, over its limit of {limit:,}")
    return True
