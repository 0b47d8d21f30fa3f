"""The registry of passes: a pass is registered once, under its function's name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

from circuitgrad.circuit import Circuit
from circuitgrad.errors import PipelineError

__all__ = ["PASSES", "Pass", "register_pass"]


@dataclass(frozen=True)
class Pass:
    """A registered pass: a function of a circuit, with keyword options.

    One that ``differentiates`` computes derivatives, one that ``approximates`` what is
    near them; others compute what was computed.  One that is ``scalar`` works on scalar
    gates alone: circuits of arrays are left as they are.
    """

    name: str
    function: Callable[..., Circuit]
    short: str | None = None
    differentiates: bool = False
    approximates: bool = False
    scalar: bool = False

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def options(self) -> dict[str, str]:
        """Give the type of each option, as annotated."""
        parameters = inspect.signature(self.function).parameters.values()
        return {
            p.name: getattr(p.annotation, "__name__", str(p.annotation))
            for p in parameters
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def choices(self, option: str) -> list[str]:
        """Give the words that an option takes; none where it takes any."""
        kind = self.options()[option]
        return re.findall(r"[\"'](\w+)[\"']", kind) if "Literal" in kind else []


PASSES: dict[str, Pass] = {}


def register_pass(
    function: Callable[..., Circuit],
    short: str | None = None,
    differentiates: bool = False,
    approximates: bool = False,
    scalar: bool = False,
) -> Pass:
    """Register a pass under its function's name, and a short name where it has one.

    Options are the function's keyword-only arguments, annotated ``bool``, ``int``,
    ``Fraction | float``, ``str | None``, ``Sequence[str] | None`` or ``Literal[...]``
    of words.
    """
    found = Pass(
        function.__name__, function, short, differentiates, approximates, scalar
    )
    for name in (found.name, short):
        if name in PASSES:
            raise PipelineError(f"there is a pass {name!r} already")
        if name:
            PASSES[name] = found
    return found
