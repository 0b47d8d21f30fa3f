"""Progress: long work says what it is at and how far, to whoever listens.

Nobody listens in a library; the command line does, on a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Listener", "Stage", "listening", "stage"]


class Listener(Protocol):
    """What is told of stages as they begin, get on and end."""

    def begin(self, stage: Stage) -> None:
        """Hear of a stage that begins."""

    def update(self, stage: Stage) -> None:
        """Hear that a stage got on."""

    def end(self, stage: Stage) -> None:
        """Hear that a stage is over, done or not."""


@dataclass(eq=False)
class Stage:
    """A piece of work: what it is, and how many of how many steps are done."""

    text: str
    total: int | None
    done: int = 0
    listener: Listener | None = None

    def advance(self, steps: int = 1) -> None:
        """Say that more steps are done."""
        self.done += steps
        if self.listener is not None:
            self.listener.update(self)


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of all stages within the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stage(text: str, total: int | None = None) -> Iterator[Stage]:
    """Say that the block is a piece of work, of so many steps where that is known."""
    listener = _listener.get()
    now = Stage(text, total, listener=listener)
    if listener is None:
        yield now
        return
    listener.begin(now)
    try:
        yield now
    finally:
        listener.end(now)
