"""Reading circuit text: lines, names, outputs, and where an error is."""

from __future__ import annotations

import itertools
import re
from difflib import get_close_matches
from typing import Final

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.errors import FormatError
from circuitgrad.formats.text.expression import (
    OPERATORS,
    TOKEN,
    UNKNOWN_NAME,
    ExpressionReader,
    ProblemError,
    bad_character,
)
from circuitgrad.gates import CONSTANT, INPUT, has_gate
from circuitgrad.progress import stage

__all__ = ["parse", "parse_expression"]

KEYWORDS: Final = ("circuit", "input", "output")


class _File:
    """Reads the lines of a file into a builder."""

    def __init__(self, lines: list[str], path: str | None) -> None:
        self.lines = lines
        self.path = path
        self.builder = Builder()
        self.scope: dict[str, int] = {}
        self.defined_at: dict[str, int] = {}
        self.outputs: dict[str, tuple[str, int, int]] = {}  # target, line, token
        self.line = ExpressionReader(self.builder, self.scope)

    def read(self) -> Circuit:
        with stage("lines", total=len(self.lines)) as lines:
            for number, text in enumerate(self.lines, start=1):
                if number % 10_000 == 0:
                    lines.advance(10_000)
                code = text.partition("#")[0]
                tokens = TOKEN.findall(code)
                if not tokens:
                    continue
                try:
                    self.statement(tokens, number)
                except ProblemError as problem:
                    raise self.located(problem, number) from None
        self.resolve_outputs()
        return self.builder.finish()

    def located(self, problem: ProblemError, number: int) -> FormatError:
        """Give the error of a problem: its column is found only now."""
        source = self.lines[number - 1]
        code = source.partition("#")[0]
        starts = [match.start() for match in TOKEN.finditer(code)]
        starts.append(len(code.rstrip()))
        column = starts[min(problem.token, len(starts) - 1)] + 1
        message = problem.message
        if message is UNKNOWN_NAME:
            message = self.unknown(TOKEN.findall(code)[problem.token], number)
        return problem.error(
            message, path=self.path, line=number, column=column, source=source
        )

    def unknown(self, name: str, number: int) -> str:
        """Say why a name has no vertex: defined later, or nowhere."""
        definition = re.compile(rf"\s*{re.escape(name)}\s*=")
        for later, text in enumerate(self.lines[number - 1 :], start=number):
            if definition.match(text):
                if later == number:
                    return f"{name!r} is used in its own definition"
                return f"{name!r} is used before it is defined, in line {later}"
        if has_gate(name):
            return f"the function {name!r} needs its arguments in brackets"
        close = get_close_matches(name, self.scope, 1)
        return f"unknown name {name!r}" + (
            f"; did you mean {close[0]!r}?" if close else ""
        )

    def statement(self, tokens: list[str], number: int) -> None:
        first = tokens[0]
        if len(tokens) > 1 and tokens[1] == "=":
            self.definition(tokens, number)
        elif first == "input":
            for index in self.names(tokens):
                if tokens[index] in self.defined_at:
                    where = self.defined_at[tokens[index]]
                    message = f"{tokens[index]!r} is defined already, in line {where}"
                    raise ProblemError(message, index)
                self.define(tokens[index], index, number)
                vertex = self.builder.add(INPUT, ())
                self.builder.names[vertex] = self.check(tokens[index], index)
                self.scope[tokens[index]] = vertex
        elif first == "output":
            self.output(tokens, number)
        elif first == "circuit":
            indices = self.names(tokens)
            if len(indices) > 1:
                raise ProblemError("a circuit has one name", indices[1])
            if self.builder.name is not None:
                raise ProblemError("a second circuit line: a file holds one circuit", 0)
            self.builder.name = self.check(tokens[1], 1)
        else:
            close = get_close_matches(first, KEYWORDS, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            at = 0 if len(tokens) == 1 or first[0].isalnum() is False else 1
            wrong = tokens[at]
            if at == 0 and not (first[0].isalnum() or first[0] == "_"):
                raise ProblemError(
                    bad_character(first) if first not in OPERATORS else _LINE, 0
                )
            if at == 1 and wrong not in OPERATORS and not wrong[0].isalnum():
                raise ProblemError(bad_character(wrong), 1)
            raise ProblemError(_LINE + hint, at)

    def definition(self, tokens: list[str], number: int) -> None:
        name = self.check(tokens[0], 0)
        before = len(self.builder)
        value = self.line.expression(tokens, 2)
        self.define(name, 0, number)  # after the expression: a name is not yet its own
        vertex = self.line.vertex(value)
        fresh = vertex >= before or self.builder.code(vertex) == CONSTANT
        if fresh and vertex not in self.builder.names:
            self.builder.names[vertex] = name
        self.scope[name] = vertex

    def define(self, name: str, index: int, number: int) -> None:
        if name not in self.defined_at:
            self.defined_at[name] = number
            return
        where = self.defined_at[name]
        vertex = self.scope[name]
        is_input = self.builder.code(vertex) == INPUT
        if is_input and self.builder.names[vertex] == name:
            raise ProblemError(
                f"{name!r} is an input (line {where}): it cannot be assigned", index
            )
        raise ProblemError(
            f"{name!r} is defined a second time; first in line {where}", index
        )

    def check(self, name: str, index: int) -> str:
        if name == "pi":
            raise ProblemError(
                "pi is a constant, not a name: nothing else has it", index
            )
        if (
            not (name[0].isalpha() or name[0] == "_" or name[0].isalnum())
            or name[0].isdecimal()
        ):
            what = (
                f"{name!r} stands" if name in OPERATORS or name[0].isdecimal() else ""
            )
            raise ProblemError(
                f"{what} where a name should" if what else bad_character(name), index
            )
        return name

    def names(self, tokens: list[str]) -> list[int]:
        """Give the indices of the names in a comma-separated list after a keyword."""
        indices = list(range(1, len(tokens), 2))
        for index in range(1, len(tokens)):
            if index % 2:
                self.check(tokens[index], index)
            elif tokens[index] != ",":
                raise ProblemError(
                    f"a comma should stand before {tokens[index]!r}", index
                )
        if len(tokens) % 2:
            raise ProblemError(f"a name should follow {tokens[-1]!r}", len(tokens))
        return indices

    def output(self, tokens: list[str], number: int) -> None:
        index = 1
        while True:
            if index >= len(tokens):
                raise ProblemError(f"a name should follow {tokens[-1]!r}", index)
            label = self.check(tokens[index], index)
            target, at = label, index
            if index + 1 < len(tokens) and tokens[index + 1] == "=":
                at = index + 2
                if at >= len(tokens):
                    raise ProblemError("the name of a gate should follow '='", at)
                target = self.check(tokens[at], at)
            if label in self.outputs:
                raise ProblemError(f"two outputs are named {label!r}", index)
            self.outputs[label] = (target, number, at)
            if at + 1 == len(tokens):
                return
            if tokens[at + 1] != ",":
                raise ProblemError(
                    f"a comma should stand before {tokens[at + 1]!r}", at + 1
                )
            index = at + 2

    def resolve_outputs(self) -> None:
        for label, (target, number, token) in self.outputs.items():
            vertex = self.scope.get(target)
            if vertex is None:
                raise self.located(ProblemError(UNKNOWN_NAME, token), number)
            self.builder.outputs.append((label, vertex))
        if not self.outputs:
            used = [n for n, text in enumerate(self.lines, 1) if text.strip()]
            last = used[-1] if used else None
            raise FormatError(
                "no output: add a line such as 'output f'"
                if used
                else "the file is empty",
                path=self.path,
                line=last,
                column=1 if last else None,
                source=self.lines[last - 1] if last else None,
            )


_LINE: Final = (
    "a line should be 'NAME = expression', 'input ...', 'output ...' or 'circuit NAME'"
)


def parse(text: str, path: str | None = None) -> Circuit:
    """Read circuit text.

    Parameters
    ----------
    text : str
        The text, as FORMAT.md describes it.
    path : str, optional
        What errors call the file.

    Returns
    -------
    Circuit

    Raises
    ------
    FormatError
        With line, column and a caret, at the first thing that is wrong.
    LimitError
        If a number, an exponent or the nesting passes its limit.

    Examples
    --------
    >>> parse("input x, y" + chr(10) + "f = x*x - 3*y" + chr(10) + "output f").size
    2
    """
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    return _File(lines, path).read()


def parse_expression(text: str, path: str = "<expression>") -> Circuit:
    """Read one formula; its names are the inputs, in the order in which they appear.

    The output is called ``f`` (``g`` or ``h`` where an input has the name).
    """
    lines = text.split("\n")
    if len(lines) > 1 and any(line.strip() for line in lines[1:]):
        raise FormatError("an inline formula is one line", path=path)
    reader = _File(lines[:1], path)
    reader.line.free = True
    tokens = TOKEN.findall(lines[0].partition("#")[0])
    try:
        if len(tokens) > 1 and tokens[1] == "=":
            raise ProblemError("an inline formula is an expression without a name", 1)
        vertex = reader.line.vertex(reader.line.expression(tokens, 0))
    except ProblemError as problem:
        raise reader.located(problem, 1) from None
    taken = set(reader.scope)
    names = itertools.chain("fgh", (f"f{i}" for i in itertools.count(1)))
    name = next(name for name in names if name not in taken)
    reader.builder.outputs.append((name, vertex))
    return reader.builder.finish()
