"""Reading circuit text: lines, names, outputs, and where an error is."""

from __future__ import annotations

import itertools
import re
from bisect import bisect
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, overload

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Ints, RawColumns
from circuitgrad.errors import FormatError, LimitError, ShapeError
from circuitgrad.formats.text.expression import (
    OPERATORS,
    TOKEN,
    UNKNOWN_NAME,
    ExpressionReader,
    ProblemError,
    bad_character,
    is_function,
)
from circuitgrad.formats.text.plain import PlainLines
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.gates.options import OptionError, read_whole
from circuitgrad.limits import check_counts
from circuitgrad.names import Names, check_length
from circuitgrad.progress import stage
from circuitgrad.shapes import Shape, checked, place_of

__all__ = ["parse", "parse_expression"]

KEYWORDS: Final = ("circuit", "input", "output")


#: Texts of more bytes than this are read in bulk, as far as they are plain.
BULK_FROM: Final = 200_000
#: Most lines that the general reader takes before bulk is tried again.
_PATIENCE: Final = 1_000


class _Lines(Sequence[str]):
    """The lines of a text, decoded when they are asked for."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        breaks = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
        self.at = np.concatenate([[0], breaks + 1, [len(text) + 1]])

    def __len__(self) -> int:
        return len(self.at) - 1

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        line = self.text[self.at[number] : self.at[number + 1] - 1]
        return line.decode("utf-8", "surrogatepass").rstrip("\r")


class _Scope:
    """The vertex of each name, whether a plain line defined it or another."""

    def __init__(self, plain: PlainLines | None) -> None:
        self.plain = plain
        self.own: dict[str, int] = {}

    def get(self, name: str) -> int | None:
        """Give a name's vertex, None where it has none."""
        found = self.own.get(name)
        if found is None and self.plain is not None:
            word = self.plain.word(name)
            if word >= 0 and self.plain.vertex_of[word] >= 0:
                found = int(self.plain.vertex_of[word])
        return found

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __getitem__(self, name: str) -> int:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, vertex: int) -> None:
        self.own[name] = vertex
        word = -1 if self.plain is None else self.plain.word(name)
        if self.plain is not None and word >= 0:
            self.plain.vertex_of[word] = vertex

    def names(self) -> list[str]:
        """Give every name."""
        if self.plain is None:
            return list(self.own)
        defined = np.flatnonzero(self.plain.vertex_of[:-1] >= 0)
        return list(dict.fromkeys([*self.own, *self.plain.texts(defined)]))


class _TextBuilder(Builder):
    """A builder that takes gates in blocks too."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[RawColumns] = []
        self.starts: list[int] = []
        self.named: list[tuple[Ints, Ints]] = []  # vertices and words

    def code(self, vertex: int) -> int:
        """Give the gate type code of a vertex."""
        if vertex >= self.before:
            return super().code(vertex - self.before)
        at = bisect(self.starts, vertex) - 1
        return int(self.blocks[at].op[vertex - self.starts[at]])

    def append(self, block: RawColumns, words: Ints, vertices: Ints) -> None:
        """Append gates, and the words that are names of vertices."""
        self.flush()
        self._append(block)
        self.named.append((vertices, words))

    def flush(self) -> None:
        """Make a block of what was added one by one."""
        if self.tape:
            self._append(super().raw())
            self.tape.clear()
            self.wide.clear()

    def _append(self, block: RawColumns) -> None:
        self.blocks.append(block)
        self.starts.append(self.before)
        self.before += len(block.op)

    def raw(self) -> RawColumns:
        """Give what was collected as arrays."""
        self.flush()
        joined = RawColumns.joined(self.blocks)
        joined.shapes[list(self.shapes)] = list(self.shapes.values())
        return joined


class _File:
    """Reads the lines of a file into a builder."""

    def __init__(self, text: str, path: str | None) -> None:
        data = text.encode("utf-8", "surrogatepass")
        bulk = len(data) > BULK_FROM
        self.plain = PlainLines(data) if bulk else None
        self.lines: Sequence[str] = _Lines(data)
        self.path = path
        self.builder = _TextBuilder()
        self.scope = _Scope(self.plain)
        self.defined_at: dict[str, int] = {}
        self.outputs: dict[str, tuple[str, int, int]] = {}  # target, line, token
        self.line = ExpressionReader(self.builder, self.scope)

    def read(self) -> Circuit:
        number, wait, waited = 0, 0, 0
        with stage("lines", total=len(self.lines)) as lines:
            while number < len(self.lines):
                # bulk reading knows no shapes: it ends where the first array is
                bulk = self.plain is not None and not self.builder.shapes
                if bulk and waited >= wait:
                    after = self.read_plain(number)
                    wait, waited = (0 if after > number else 2 * wait + 1), 0
                    wait = min(wait, _PATIENCE)
                    lines.advance(after - number)
                    number = after
                    self.check_counts(number)
                    if number == len(self.lines):
                        break
                self.read_line(number + 1)
                number += 1
                self.check_counts(number)
                waited += 1
                if number % 1_000 == 0:
                    lines.advance(1_000)
        self.resolve_outputs()
        return self.finished()

    def check_counts(self, number: int) -> None:
        """See that the circuit is not too large, after so many lines."""
        try:
            check_counts(len(self.builder), len(self.outputs))
        except LimitError as error:
            raise error.at(self.path, number) from None

    def read_line(self, number: int) -> None:
        code = self.lines[number - 1].partition("#")[0]
        tokens = TOKEN.findall(code)
        if not tokens:
            return
        try:
            self.statement(tokens, number)
        except ProblemError as problem:
            raise self.located(problem, number) from None

    def read_plain(self, number: int) -> int:
        """Read plain lines in bulk; give the number of the first one that is not."""
        assert self.plain is not None
        one = self.builder.constant_vertex(exact.ONE)
        after, block, words = self.plain.read(number, len(self.builder), one)
        if len(words):
            self.builder.append(block, words, self.plain.vertex_of[words])
        return after

    def finished(self) -> Circuit:
        """Make the circuit, verified."""
        builder = self.builder
        raw = builder.raw()
        names = Names.of(len(raw.op), builder.names)
        if self.plain is not None and builder.named:
            vertices = np.concatenate([v for v, _ in builder.named])
            words = np.concatenate([w for _, w in builder.named])
            texts = np.empty(len(words), dtype=object)
            texts[:] = self.plain.texts(words)
            every = np.concatenate([names.vertices, vertices])
            order = np.argsort(every, kind="stable")
            texts = np.concatenate([names.texts, texts])[order]
            names = Names(len(raw.op), every[order], texts)
        made = Circuit.assemble(raw, names, builder.outputs, name=builder.name)
        return made.verify()

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
        if is_function(name):
            return f"the function {name!r} needs its arguments in brackets"
        close = get_close_matches(name, self.scope.names(), 1)
        return f"unknown name {name!r}" + (
            f"; did you mean {close[0]!r}?" if close else ""
        )

    def statement(self, tokens: list[str], number: int) -> None:
        first = tokens[0]
        if len(tokens) > 1 and tokens[1] == "=":
            self.definition(tokens, number)
        elif first == "input":
            for index, shape in self.declared(tokens):
                where = self.where(tokens[index])
                if where is not None:
                    message = f"{tokens[index]!r} is defined already, in line {where}"
                    raise ProblemError(message, index)
                self.define(tokens[index], index, number)
                vertex = self.builder.add(INPUT, ())
                if shape:
                    self.builder.shapes[vertex] = place_of(shape)
                self.builder.names[vertex] = self.check(tokens[index], index)
                self.scope[tokens[index]] = vertex
        elif first == "output":
            self.output(tokens, number)
        elif first == "circuit":
            found = self.declared(tokens)
            if len(found) > 1:
                raise ProblemError("a circuit has one name", found[1][0])
            if found[0][1]:
                raise ProblemError("a circuit has no shape: its inputs have", 2)
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
        where = self.where(name)
        if where is None:
            self.defined_at[name] = number
            return
        vertex = self.scope[name]
        is_input = self.builder.code(vertex) == INPUT
        if is_input and self.builder.names[vertex] == name:
            raise ProblemError(
                f"{name!r} is an input (line {where}): it cannot be assigned", index
            )
        raise ProblemError(
            f"{name!r} is defined a second time; first in line {where}", index
        )

    def where(self, name: str) -> int | None:
        """Give the line that defined a name, if any."""
        found = self.defined_at.get(name)
        if found is None and name in self.scope:  # in a plain line
            definition = re.compile(rf"\s*{re.escape(name)}\s*=")
            lines = enumerate(self.lines, start=1)
            found = next(n for n, text in lines if definition.match(text))
        return found

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
        try:
            return check_length(name)
        except LimitError as error:
            raise ProblemError(error.message, index, LimitError) from None

    def declared(self, tokens: list[str]) -> list[tuple[int, Shape]]:
        """Read the comma-separated names after a keyword: ``x, W[32, 784]``.

        Gives the index of each name, and its shape.
        """
        found: list[tuple[int, Shape]] = []
        index = 1
        while True:
            if index >= len(tokens):
                raise ProblemError(f"a name should follow {tokens[-1]!r}", len(tokens))
            self.check(tokens[index], index)
            name = index
            shape: Shape = ()
            index += 1
            if index < len(tokens) and tokens[index] == "[":
                shape, index = self.shape(tokens, index)
            found.append((name, shape))
            if index >= len(tokens):
                return found
            if tokens[index] != ",":
                message = f"a comma should stand before {tokens[index]!r}"
                raise ProblemError(message, index)
            index += 1

    def shape(self, tokens: list[str], bracket: int) -> tuple[Shape, int]:
        """Read the lengths of axes in brackets; give the token behind them."""
        lengths: list[int] = []
        index = bracket
        try:
            while index == bracket or tokens[index] == ",":
                start = index + 1
                length, index = read_whole(tokens, start)
                if length < 1:
                    message = f"an axis of length {length}: it has at least one entry"
                    raise ProblemError(message, start)
                lengths.append(length)
                if index >= len(tokens):
                    raise ProblemError("this bracket is never closed", bracket)
            if tokens[index] != "]":
                message = f"a comma should stand before {tokens[index]!r}"
                raise ProblemError(message, index)
            return checked(lengths), index + 1
        except OptionError as error:
            raise ProblemError(error.message, error.token) from None
        except ShapeError as error:
            raise ProblemError(str(error), bracket - 1) from None
        except LimitError as error:
            raise ProblemError(error.message, bracket, LimitError) from None

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
        If it passes a limit (`circuitgrad.limits`).

    Examples
    --------
    >>> parse("input x, y" + chr(10) + "f = x*x - 3*y" + chr(10) + "output f").size
    2
    """
    return _File(text.removeprefix("\ufeff"), path).read()


def parse_expression(text: str, path: str = "<expression>") -> Circuit:
    """Read one formula; its names are the inputs, in the order in which they appear.

    The output is called ``f`` (``g`` or ``h`` where an input has the name).
    """
    lines = text.split("\n")
    if len(lines) > 1 and any(line.strip() for line in lines[1:]):
        raise FormatError("an inline formula is one line", path=path)
    reader = _File(lines[0], path)
    reader.line.free = True
    tokens = TOKEN.findall(lines[0].partition("#")[0])
    try:
        if len(tokens) > 1 and tokens[1] == "=":
            raise ProblemError("an inline formula is an expression without a name", 1)
        vertex = reader.line.vertex(reader.line.expression(tokens, 0))
    except ProblemError as problem:
        raise reader.located(problem, 1) from None
    taken = set(reader.scope.names())
    names = itertools.chain("fgh", (f"f{i}" for i in itertools.count(1)))
    name = next(name for name in names if name not in taken)
    reader.builder.outputs.append((name, vertex))
    return reader.finished()
