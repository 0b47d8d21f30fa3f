"""The registry of passes, the named pipelines, and the pipeline language.

A pipeline is a comma-separated list of passes; options follow in braces, separated by
spaces, lists in them by commas: ``bp{wrt=x,y seed=w},fold,cse,dce``.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from circuitgrad.circuit import Circuit
from circuitgrad.errors import PipelineError
from circuitgrad.passes.binarize import balance, binarize
from circuitgrad.passes.cse import cse
from circuitgrad.passes.dce import dce
from circuitgrad.passes.desugar import desugar, sugar
from circuitgrad.passes.fold import fold
from circuitgrad.passes.forward_mode import forward_mode
from circuitgrad.passes.fuse import fuse
from circuitgrad.passes.reverse_mode import reverse_mode

__all__ = [
    "PASSES",
    "PIPELINES",
    "Pass",
    "Step",
    "parse_pipeline",
    "register_pass",
    "run",
]


@dataclass(frozen=True)
class Pass:
    """A registered pass: a function of a circuit, with keyword options."""

    name: str
    function: Callable[..., Circuit]
    short: str | None = None

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


PASSES: dict[str, Pass] = {}


def register_pass(function: Callable[..., Circuit], short: str | None = None) -> Pass:
    """Register a pass under its function's name, and a short name where it has one.

    Options are the function's keyword-only arguments, annotated ``bool``,
    ``str | None`` or ``Sequence[str] | None``.
    """
    found = Pass(function.__name__, function, short)
    for name in (found.name, short):
        if name in PASSES:
            raise PipelineError(f"there is a pass {name!r} already")
        if name:
            PASSES[name] = found
    return found


register_pass(reverse_mode, "bp")
register_pass(forward_mode, "fp")
register_pass(fold)
register_pass(fuse)
register_pass(cse)
register_pass(dce)
register_pass(binarize)
register_pass(balance)
register_pass(desugar)
register_pass(sugar)

#: What follows differentiation at each level of ``-O``.
PIPELINES: Final[dict[str, str]] = {
    "none": "dce",
    "tidy": "fold,fuse,cse,dce",
}


@dataclass
class Step:
    """A pass with its options, and what running it took and left."""

    made_of: Pass
    options: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    before: Circuit | None = None
    after: Circuit | None = None

    def __str__(self) -> str:
        name = self.made_of.short or self.made_of.name
        if not self.options:
            return name

        def text(value: Any) -> str:
            if isinstance(value, bool):
                return "true" if value else "false"
            return value if isinstance(value, str) else ",".join(value)

        return (
            name
            + "{"
            + " ".join(f"{k}={text(v)}" for k, v in self.options.items())
            + "}"
        )


_STEP = re.compile(r"\s*([A-Za-z_][\w-]*)\s*(\{[^{}]*\})?\s*")


def parse_pipeline(text: str) -> list[Step]:
    """Read a pipeline.

    Parameters
    ----------
    text : str
        Passes and their options, or the name of a pipeline of `PIPELINES`.

    Returns
    -------
    list of Step

    Raises
    ------
    PipelineError
        With the column, at the first thing that is wrong.
    """
    text = PIPELINES.get(text, text)
    steps = []
    at = 0
    while True:
        match = _STEP.match(text, at)
        if match is None:
            raise _error("the name of a pass should stand here", text, at)
        name = match[1]
        if name not in PASSES:
            raise _error(
                f"no pass {name!r}; there are: {_known()}", text, match.start(1)
            )
        step = Step(PASSES[name])
        if match[2]:
            step.options = _options(
                step.made_of, match[2][1:-1], text, match.start(2) + 1
            )
        steps.append(step)
        at = match.end()
        if at == len(text):
            return steps
        if text[at] != ",":
            raise _error("a comma should stand between passes", text, at)
        at += 1


def _options(made_of: Pass, text: str, whole: str, at: int) -> dict[str, Any]:
    types = made_of.options()
    options: dict[str, Any] = {}
    for match in re.finditer(r"\S+", text):
        name, equals, value = match[0].partition("=")
        where = at + match.start()
        if name in options:
            raise _error(f"the option {name!r} is given twice", whole, where)
        if name not in types:
            known = ", ".join(types) or "none"
            raise _error(
                f"{made_of.name} has no option {name!r}; it has: {known}", whole, where
            )
        if types[name] == "bool":
            if value not in ("", "true", "false") or (equals and not value):
                raise _error(f"{name} is true or false", whole, where)
            options[name] = value != "false"
        elif not value:
            raise _error(f"the option {name!r} needs a value: {name}=...", whole, where)
        else:
            options[name] = value.split(",") if "Sequence" in types[name] else value
    return options


def _known() -> str:
    return ", ".join(dict.fromkeys(p.short or p.name for p in PASSES.values()))


def _error(message: str, text: str, at: int) -> PipelineError:
    return PipelineError(f"pipeline:{at + 1}: {message}\n    {text}\n    {' ' * at}^")


def run(
    circuit: Circuit,
    pipeline: str | Sequence[Step],
    *,
    report: Callable[[Step], None] | None = None,
) -> Circuit:
    """Run a pipeline on a circuit; what each pass emits is verified.

    Parameters
    ----------
    circuit : Circuit
    pipeline : str or sequence of Step
        As `parse_pipeline` reads it.
    report : callable, optional
        Called after each pass with its step, which has its time and circuits.

    Returns
    -------
    Circuit

    Raises
    ------
    PipelineError
        If the pipeline cannot be read.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> print(run(parse_expression("x^2 + 3*x"), "bp,fold,fuse,cse,dce"))
    input x
    df_dx = 2*x + 3
    output df_dx
    <BLANKLINE>
    """
    for step in parse_pipeline(pipeline) if isinstance(pipeline, str) else pipeline:
        start = time.perf_counter()
        emitted = step.made_of.function(circuit, **step.options).verify()
        step.seconds = time.perf_counter() - start
        if report is not None:
            step.before, step.after = circuit, emitted
            report(step)
        circuit = emitted
    return circuit
