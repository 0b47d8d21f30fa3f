"""The named errors, each with the exit status that the command line gives it."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CircuitError",
    "CircuitgradError",
    "EvaluationError",
    "FormatError",
    "LimitError",
    "PipelineError",
    "RenderError",
    "RewriteError",
    "ShapeError",
    "WriteError",
    "excerpt",
]

#: Longest message that is shown, in characters: names may be as long as a file.
MAX_MESSAGE: Final = 1_000


class CircuitgradError(Exception):
    """Base class of every error that circuitgrad raises on purpose."""

    exit_status = 3

    def __str__(self) -> str:
        return _shortened(super().__str__())


class CircuitError(CircuitgradError, ValueError):
    """A circuit, or request of one, that makes no sense: an unknown input, a cycle."""

    exit_status = 2


class ShapeError(CircuitError):
    """Arrays whose shapes do not go together, or an axis that is not there."""


class PipelineError(CircuitgradError, ValueError):
    """A pipeline that names no known pass, or gives a pass a wrong option."""

    exit_status = 2


class RewriteError(CircuitgradError, RuntimeError):
    """A rewrite rule that is none: it costs more, or undoes another."""


class EvaluationError(CircuitgradError, ArithmeticError):
    """A circuit without a value at a point: a division by zero, an inexact function."""

    exit_status = 1


class RenderError(CircuitgradError, RuntimeError):
    """A figure that could not be drawn."""

    exit_status = 4


class WriteError(CircuitgradError, OSError):
    """A file that could not be written; what stood there before still does."""

    exit_status = 4


class FormatError(CircuitgradError, ValueError):
    """A file that cannot be read: where, what was found, what would be right.

    Parameters
    ----------
    message : str
        What is wrong, and what would be right.
    path : str, optional
        The file, as the user named it.
    line, column : int, optional
        Where, counted from 1.
    source : str, optional
        The line itself, shown with a caret under the column.
    """

    kind = "error"

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.source = source

    def __str__(self) -> str:
        place = ":".join(
            str(part) for part in (self.path, self.line, self.column) if part
        )
        message = _shortened(self.message)
        text = f"{place}: {self.kind}: {message}" if place else message
        if self.source is None or self.column is None:
            return text
        window, caret = excerpt(self.source, self.column)
        return f"{text}\n    {window}\n    {' ' * caret}^"


class LimitError(FormatError):
    """Something larger than a limit: digits, exponents, nesting, size."""

    exit_status = 4

    def at(self, path: str | None, line: int | None = None) -> LimitError:
        """Give the same error with the place where it arose."""
        return LimitError(self.message, path=path, line=line)


def _shortened(text: str) -> str:
    """Leave out the middle of a long message."""
    if len(text) <= MAX_MESSAGE:
        return text
    part = (MAX_MESSAGE - 3) // 2
    return f"{text[:part]}...{text[-part:]}"


def excerpt(source: str, column: int, width: int = 76) -> tuple[str, int]:
    """Cut a long line down to what a terminal shows around the column."""
    line = "".join(char if char.isprintable() else " " for char in source.rstrip("\n"))
    start = max(0, min(column - 1 - width // 2, len(line) - width))
    head = "..." if start else ""
    tail = "..." if start + width < len(line) else ""
    return head + line[start : start + width] + tail, column - 1 - start + len(head)
