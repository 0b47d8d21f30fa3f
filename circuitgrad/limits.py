"""Limits on what a file may hold, so that none exhausts memory or time.

Each limit has a name, which its error says; `limits` raises it in Python, ``--limit
NAME=N`` at a shell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from circuitgrad.errors import CircuitError, LimitError

__all__ = ["LIMITS", "Limit", "check_counts", "exceeded", "limit", "limits"]


@dataclass(frozen=True)
class Limit:
    """What is limited: how much is allowed unless asked for, how much at most."""

    default: int
    most: int
    what: str


_INT32: Final = 2**31 - 1

#: By name, every limit there is.
LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "file": Limit(2**30, 2**40, "bytes of a file"),
        "text": Limit(2**28, _INT32, "bytes of a text file"),
        "gates": Limit(10_000_000, _INT32, "gates, inputs and constants of a circuit"),
        "outputs": Limit(100_000, _INT32, "outputs of a circuit"),
        "name": Limit(10_000, _INT32, "characters of a name"),
        "digits": Limit(4_000, 10_000_000, "decimal digits of a number"),
        "exponent": Limit(4_000, 10_000_000, "the exponent of 1e9"),
        "power": Limit(100, 10_000_000, "decimal digits of the exponent of x^9"),
        "nesting": Limit(10_000, _INT32, "brackets within brackets"),
        "entries": Limit(100_000_000, _INT32, "entries of an array"),
        "bits": Limit(1_000_000, _INT32, "bits of a value in exact evaluation"),
    }
)

_NONE: Final[Mapping[str, int]] = MappingProxyType({})
_raised: ContextVar[Mapping[str, int]] = ContextVar("raised", default=_NONE)


def limit(name: str) -> int:
    """Give what a limit is now."""
    return _raised.get().get(name) or LIMITS[name].default


def exceeded(name: str, message: str) -> LimitError:
    """Make the error of a limit: ``message`` says what was too much."""
    return LimitError(f"{message} (the limit; --limit {name}=N raises it)")


def check_counts(vertices: int, outputs: int) -> None:
    """Raise `LimitError` where a circuit has too many vertices or outputs."""
    if vertices > limit("gates"):
        most = f"{limit('gates'):,}"
        raise exceeded("gates", f"more than {most} gates, inputs and constants")
    if outputs > limit("outputs"):
        raise exceeded("outputs", f"more than {limit('outputs'):,} outputs")


@contextmanager
def limits(**raised: int) -> Iterator[None]:
    """Change limits within a block, for this thread or task.

    Parameters
    ----------
    **raised : int
        New limits by name: `LIMITS` lists them.

    Raises
    ------
    CircuitError
        If there is no such limit, or it cannot be so.

    Examples
    --------
    >>> import circuitgrad as cg
    >>> with cg.limits(digits=5_000):
    ...     circuit = cg.parse_expression("x + " + 4_500 * "9")
    """
    for name, value in raised.items():
        if name not in LIMITS:
            raise CircuitError(f"no limit {name!r}; there are: {', '.join(LIMITS)}")
        if not 1 <= value <= LIMITS[name].most:
            raise CircuitError(
                f"the limit {name!r} should be 1 to {LIMITS[name].most:,}"
            )
    token = _raised.set({**_raised.get(), **raised})
    try:
        yield
    finally:
        _raised.reset(token)
