"""The pipeline language.

A pipeline is a comma-separated list of passes; options follow in braces, separated by
spaces, lists in them by commas: ``bp{wrt=x,y seed=w},fold,cse,dce``.  Alternatives
stand in parentheses, separated by bars, and each is a pipeline, which may be empty:
``(|factor),bp,fold`` runs ``bp,fold`` and ``factor,bp,fold``, and the better circuit is
kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from circuitgrad.errors import PipelineError, excerpt
from circuitgrad.exact import parse_decimal
from circuitgrad.passes.levels import LEVELS
from circuitgrad.passes.registry import PASSES, Pass

__all__ = ["Choice", "Pipeline", "Step", "parse_pipeline", "with_ieee"]

MAX_NESTED = 20
COMMA = "a comma should stand between passes"


@dataclass
class Step:
    """A pass with its options."""

    made_of: Pass
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        name = self.made_of.short or self.made_of.name
        if not self.options:
            return name

        def text(option: str, value: Any) -> str:
            if value is True:
                return option
            if value is False:
                value = "false"
            listed = isinstance(value, (list, tuple))
            return f"{option}={','.join(value) if listed else value}"

        return name + "{" + " ".join(text(k, v) for k, v in self.options.items()) + "}"


@dataclass
class Choice:
    """Alternatives, each a pipeline."""

    alternatives: list[Pipeline]

    def __str__(self) -> str:
        texts = (",".join(map(str, steps)) for steps in self.alternatives)
        return f"({'|'.join(texts)})"


Pipeline = list[Step | Choice]


def with_ieee(pipeline: Pipeline) -> Pipeline:
    """Give a pipeline whose passes change floating point by rounding alone.

    Every pass that can leave out more (its option ``ieee``) does.
    """
    made: Pipeline = []
    for element in pipeline:
        if isinstance(element, Choice):
            made.append(Choice([with_ieee(steps) for steps in element.alternatives]))
        elif "ieee" in element.made_of.options():
            made.append(Step(element.made_of, {**element.options, "ieee": True}))
        else:
            made.append(element)
    return made


def parse_pipeline(text: str) -> Pipeline:
    """Read a pipeline.

    Parameters
    ----------
    text : str
        Passes and their options, or the name of a level, whose passes after
        differentiation are meant.

    Returns
    -------
    list of Step and Choice

    Raises
    ------
    PipelineError
        With the column, at the first thing that is wrong.
    """
    level = LEVELS.get(text)
    return _Parser(level.after if level else text).whole()


class _Parser:
    _PASS = re.compile(r"([A-Za-z_][\w-]*)\s*(\{[^{}]*\})?\s*")

    _NUMBER = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def whole(self) -> Pipeline:
        found = self.pipeline()
        if self.at < len(self.text):
            closing = self.text[self.at] == ")"
            what = "there is nothing to close" if closing else COMMA
            raise self.error(what, self.at)
        return found

    def skip(self) -> str:
        """Skip blanks; give the character that follows."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def pipeline(self) -> Pipeline:
        elements: Pipeline = []
        while True:
            elements.append(self.choice() if self.skip() == "(" else self.step())
            if self.skip() != ",":
                return elements
            self.at += 1

    def choice(self) -> Choice:
        start = self.at
        self.depth += 1
        if self.depth > MAX_NESTED:
            raise self.error(f"more than {MAX_NESTED} nested alternatives", start)
        alternatives: list[Pipeline] = []
        while True:
            self.at += 1
            empty = self.skip() in ("|", ")")
            alternatives.append([] if empty else self.pipeline())
            following = self.skip()
            if following == ")":
                self.at += 1
                self.depth -= 1
                return Choice(alternatives)
            if following == "":
                raise self.error("this parenthesis is never closed", start)
            if following != "|":
                raise self.error(COMMA, self.at)

    def step(self) -> Step:
        match = self._PASS.match(self.text, self.at)
        if match is None:
            raise self.error("the name of a pass should stand here", self.at)
        name = match[1]
        if name not in PASSES:
            known = ", ".join(dict.fromkeys(p.short or p.name for p in PASSES.values()))
            if self.text == name:
                known = f"{known}, and the levels {', '.join(LEVELS)}"
            raise self.error(f"no pass {name!r}; there are: {known}", match.start(1))
        step = Step(PASSES[name])
        if match[2]:
            self.options(step, match[2][1:-1], match.start(2) + 1)
        self.at = match.end()
        return step

    def options(self, step: Step, text: str, at: int) -> None:
        types = step.made_of.options()
        for match in re.finditer(r"\S+", text):
            name, equals, value = match[0].partition("=")
            where = at + match.start()
            if name in step.options:
                raise self.error(f"the option {name!r} is given twice", where)
            if name not in types:
                known = ", ".join(types) or "none"
                message = f"{step.made_of.name} has no option {name!r}; it has: {known}"
                raise self.error(message, where)
            if types[name] != "bool" and not value:
                message = f"the option {name!r} needs a value: {name}=..."
                raise self.error(message, where)
            if types[name] == "bool" and equals and not value:
                raise self.error(f"{name} is true or false", where)
            step.options[name] = self.read(step.made_of, name, value, where)

    def read(self, made_of: Pass, name: str, value: str, where: int) -> Any:
        kind = made_of.options()[name]
        if kind == "bool":
            if value not in ("", "true", "false"):
                raise self.error(f"{name} is true or false", where)
            return value != "false"
        if kind == "int":
            if not value.isdecimal() or len(value) > 12:
                raise self.error(f"{name} is a whole number", where)
            return int(value)
        if "Fraction" in kind:
            return self.fraction(name, value, where)
        choices = made_of.choices(name)
        if choices and value not in choices:
            raise self.error(f"{name} is {' or '.join(choices)}", where)
        return value.split(",") if "Sequence" in kind else value

    def fraction(self, name: str, value: str, where: int) -> Fraction:
        """Read a number exactly: ``1e-6``, ``0.001`` or ``1/1000``."""
        above, slash, below = value.partition("/")
        number = self._NUMBER.fullmatch
        if not number(above) or (slash and not number(below)):
            raise self.error(f"{name} is a number, such as 1e-6 or 1/1000", where)
        divisor = parse_decimal(below) if slash else Fraction(1)
        if not divisor:
            raise self.error(f"{name} divides by 0", where)
        return parse_decimal(above) / divisor

    def error(self, message: str, at: int) -> PipelineError:
        window, caret = excerpt(self.text, at + 1)
        shown = f"{message}\n    {window}\n    {' ' * caret}^"
        return PipelineError(f"pipeline:{at + 1}: {shown}")
