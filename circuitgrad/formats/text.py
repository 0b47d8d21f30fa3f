"""Circuit text (``.cg``): the reader and the writer.

The reader never simplifies; how notation becomes gates is FORMAT.md's table, and the
comments of `_Line` quote it.  It is a hand-written tokenizer and an operator-precedence
parser with explicit stacks, so nesting costs no recursion and every error has its column.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from fractions import Fraction
from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.errors import FormatError, LimitError
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INPUT,
    INV,
    POW,
    POWER,
    PROD,
    SUM,
    code_of,
    gate_type,
    has_gate,
)

__all__ = ["parse", "parse_expression", "write_text"]

#: Deepest nesting of brackets that a file may have.
MAX_NESTING: Final = 10_000

_TOKEN = re.compile(
    r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[^\W\d]\w*|\*\*|\S", re.UNICODE
)
_OPERATORS: Final = frozenset("+-*/^(),=") | {"**"}
_PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "^": 4}
_KEYWORDS: Final = ("circuit", "input", "output")


class _Term:
    """A number times factors; two factors or more are a product that is still open."""

    __slots__ = ("coefficient", "factors")

    def __init__(self, coefficient: Fraction, factors: list[int]) -> None:
        self.coefficient = coefficient
        self.factors = factors


class _Sum:
    """A sum that is still open: (vertex, weight) pairs, vertex None for the number 1."""

    __slots__ = ("terms",)

    def __init__(self, terms: list[tuple[int | None, Fraction]]) -> None:
        self.terms = terms


_Value = Fraction | _Term | _Sum


class _ProblemError(Exception):
    """Something wrong at a token of the line at hand."""

    def __init__(
        self, message: str, token: int, error: type[FormatError] = FormatError
    ):
        super().__init__(message)
        self.message, self.token, self.error = message, token, error


class _Line:
    """Reads one expression of a line into a builder."""

    def __init__(
        self, builder: Builder, scope: dict[str, int], free: bool = False
    ) -> None:
        self.builder = builder
        self.scope = scope
        self.free = free  # an unknown name is a new input

    # ------------------------------------------------------------------ vertices

    def vertex(self, value: _Value) -> int:
        """Make a value one vertex: the gates that its notation stands for."""
        builder = self.builder
        if isinstance(value, Fraction):
            return builder.constant_vertex(exact.intern(value))
        if isinstance(value, _Term):
            factors = value.factors
            product = factors[0] if len(factors) == 1 else builder.add(PROD, factors)
            return builder.scaled(product, value.coefficient)
        vertices = [
            builder.constant_vertex(exact.ONE) if vertex is None else vertex
            for vertex, _ in value.terms
        ]
        return builder.add(SUM, vertices, [exact.intern(w) for _, w in value.terms])

    def closed(self, value: _Value) -> Fraction | _Term:
        """Close a bracket: only a number and one other factor stay apart."""
        if isinstance(value, Fraction):
            return value
        if isinstance(value, _Term) and len(value.factors) == 1:
            return value
        return _Term(Fraction(1), [self.vertex(value)])

    def sum_term(self, value: _Value) -> tuple[int | None, Fraction]:
        """Read a value as a term of a sum: its number factor is the wire's weight."""
        if isinstance(value, Fraction):
            return None, value
        if isinstance(value, _Term):
            product = _Term(Fraction(1), value.factors)
            return self.vertex(product), value.coefficient
        return self.vertex(value), Fraction(1)

    # ------------------------------------------------------------------ operators

    def add(self, left: _Value, right: _Value, sign: int) -> _Value:
        """``t1 + t2 - t3 ...`` is one sum gate; numbers alone are a number."""
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return exact.check_digits(left + sign * right)
        terms = left.terms if isinstance(left, _Sum) else [self.sum_term(left)]
        vertex, weight = self.sum_term(right)
        terms.append((vertex, sign * weight))
        return _Sum(terms)

    def multiply(self, left: _Value, right: _Value) -> _Value:
        """``2*x*y*z`` is one product gate, its number factor a weight."""
        left, right = self.factor(left), self.factor(right)
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return exact.check_digits(left * right)
        if isinstance(left, Fraction):
            assert isinstance(right, _Term)
            return _Term(exact.check_digits(left * right.coefficient), right.factors)
        if isinstance(right, Fraction):
            return _Term(exact.check_digits(left.coefficient * right), left.factors)
        coefficient = exact.check_digits(left.coefficient * right.coefficient)
        return _Term(coefficient, left.factors + right.factors)

    def factor(self, value: _Value) -> Fraction | _Term:
        """Take a value as a factor: a sum is one vertex, a product stays open."""
        if isinstance(value, _Sum):
            return _Term(Fraction(1), [self.vertex(value)])
        return value

    def divide(self, left: _Value, right: _Value, token: int) -> _Value:
        """``a/b`` is a division gate, ``2/b`` an inv gate with weight 2, ``a/4`` a weight."""
        left = self.factor(left)
        if isinstance(right, Fraction):
            if right == 0:
                raise _ProblemError("division by the number zero", token)
            return self.multiply(left, 1 / right)
        below = self.vertex(right)
        if isinstance(left, Fraction):
            return _Term(left, [self.builder.add(INV, (below,))])
        above = self.vertex(_Term(Fraction(1), left.factors))
        return _Term(left.coefficient, [self.builder.add(DIV, (above, below))])

    def power(self, base: _Value, exponent: _Value, token: int) -> _Value:
        """``u^2`` has a constant exponent, ``u^v`` two wires; numbers are a number."""
        if isinstance(exponent, Fraction):
            if isinstance(base, Fraction) and exponent.denominator == 1:
                if base == 0 and exponent < 0:
                    raise _ProblemError("division by the number zero", token)
                return exact.integer_power(base, int(exponent))
            place = exact.intern(exponent)
            gate = self.builder.add(POWER, (self.vertex(base),), None, place)
        else:
            gate = self.builder.add(POW, (self.vertex(base), self.vertex(exponent)))
        return _Term(Fraction(1), [gate])

    def negate(self, value: _Value) -> _Value:
        """``-x`` alone is a sum gate with a wire of weight -1; ``-(-x)`` is no gate."""
        return self.multiply(Fraction(-1), value)

    def call(self, name: str, arguments: list[_Value], token: int) -> _Value:
        """``exp(u)``, ``max(u, v)``: the gate of that name; ``sum`` and ``prod`` too."""
        count = len(arguments)
        if name == "square":
            if count != 1:
                raise _ProblemError(f"square takes 1 argument, not {count}", token)
            return self.power(
                _Term(Fraction(1), [self.vertex(arguments[0])]), Fraction(2), token
            )
        if name == "sum" and count:
            terms = [self.sum_term(self.closed(value)) for value in arguments]
            return _Term(Fraction(1), [self.vertex(_Sum(terms))])
        code = code_of(name)
        gate = gate_type(code)
        param = -1
        if gate.takes_parameter:
            slope = arguments.pop() if count > 1 else None
            if not isinstance(slope, Fraction):
                raise _ProblemError(
                    f"{name} takes a number as its last argument", token
                )
            param = exact.intern(slope)
        if not gate.accepts(len(arguments)):
            wanted = gate.arity if gate.arity is not None else "at least 1"
            wanted = gate.arity + 1 if gate.takes_parameter and gate.arity else wanted
            plural = "argument" if str(wanted).endswith("1") else "arguments"
            raise _ProblemError(f"{name} takes {wanted} {plural}, not {count}", token)
        operands = [self.vertex(value) for value in arguments]
        return _Term(Fraction(1), [self.builder.add(code, operands, None, param)])

    def atom(self, token: str, index: int) -> _Value:
        """Read a number or a name."""
        first = token[0]
        if first.isdecimal() or first == ".":
            return exact.parse_decimal(token)
        vertex = self.scope.get(token)
        if vertex is None:
            if token == "pi":
                vertex = self.builder.constant_vertex(exact.PI_PLACE)
            elif self.free:
                vertex = self.builder.input(token).vertex
                self.scope[token] = vertex
            else:
                raise _ProblemError(_UNKNOWN, index)
        return _Term(Fraction(1), [vertex])

    # ------------------------------------------------------------------ parsing

    def expression(self, tokens: list[str], start: int) -> _Value:
        """Parse ``tokens[start:]`` whole, by operator precedence with explicit stacks."""
        values: list[_Value] = []
        # An operator, or "(" with the function's name and the arguments so far.
        pending: list[tuple[str, int, str, list[_Value]]] = []
        depth = 0
        want_operand = True
        index = start
        end = len(tokens)
        while index < end:
            token = tokens[index]
            if want_operand:
                if token == "(":
                    depth = _deeper(depth, index)
                    pending.append(("(", index, "", []))
                elif token == "-":
                    pending.append(("neg", index, "", []))
                elif token == "+":
                    pass
                elif token in _OPERATORS:
                    self._no_operand(token, index, pending)
                    # a call without arguments: the gate says how many it takes
                    _, at, name, _ = pending.pop()
                    self.call(name, [], at - 1)
                elif index + 1 < end and tokens[index + 1] == "(":
                    if not has_gate(token) and token != "square":
                        raise _ProblemError(_unknown_function(token), index)
                    depth = _deeper(depth, index)
                    pending.append(("(", index + 1, token, []))
                    index += 1
                elif not (token[0].isalnum() or token[0] in "_."):
                    raise _ProblemError(_bad_character(token), index)
                else:
                    try:
                        values.append(self.atom(token, index))
                    except LimitError as error:
                        raise _ProblemError(error.message, index, LimitError) from None
                    want_operand = False
            elif token == ")" or token == ",":
                self._reduce(values, pending, 0)
                if not pending:
                    what = "bracket" if token == ")" else "comma"
                    raise _ProblemError(
                        f"a {what} too many: nothing is open here", index
                    )
                _, at, name, arguments = pending[-1]
                if token == ",":
                    if not name:
                        raise _ProblemError(
                            "a comma stands between arguments of a function", index
                        )
                    arguments.append(self.closed(values.pop()))
                    want_operand = True
                else:
                    pending.pop()
                    depth -= 1
                    value = self.closed(values.pop())
                    values.append(
                        self.call(name, [*arguments, value], at - 1) if name else value
                    )
            else:
                operator = "^" if token == "**" else token
                if operator not in _PRECEDENCE:
                    raise _ProblemError(self._no_operator(token), index)
                level = _PRECEDENCE[operator]
                self._reduce(values, pending, level + 1 if operator == "^" else level)
                pending.append((operator, index, "", []))
                want_operand = True
            index += 1
        if want_operand:
            raise _ProblemError(
                "the expression ends where an operand should stand", end
            )
        self._reduce(values, pending, 0)
        if pending:
            raise _ProblemError("this bracket is never closed", pending[-1][1])
        return values.pop()

    def _reduce(
        self,
        values: list[_Value],
        pending: list[tuple[str, int, str, list[_Value]]],
        level: int,
    ) -> None:
        """Apply the pending operators that bind at least as tightly as ``level``."""
        while pending and pending[-1][0] != "(":
            operator, index = pending[-1][:2]
            if _PRECEDENCE[operator] < level:
                return
            pending.pop()
            right = values.pop()
            try:
                if operator == "neg":
                    values.append(self.negate(right))
                    continue
                left = values.pop()
                if operator == "+" or operator == "-":
                    values.append(self.add(left, right, 1 if operator == "+" else -1))
                elif operator == "*":
                    values.append(self.multiply(left, right))
                elif operator == "/":
                    values.append(self.divide(left, right, index))
                else:
                    values.append(self.power(left, right, index))
            except LimitError as error:
                raise _ProblemError(error.message, index, LimitError) from None

    @staticmethod
    def _no_operand(
        token: str, index: int, pending: list[tuple[str, int, str, list[_Value]]]
    ) -> None:
        empty_call = (
            token == ")" and pending and pending[-1][0] == "(" and pending[-1][2]
        )
        if not (empty_call and not pending[-1][3]):
            raise _ProblemError(f"{token!r} stands where an operand should", index)

    @staticmethod
    def _no_operator(token: str) -> str:
        if token[0].isalnum() or token[0] in "_.(":
            return f"an operator should stand before {token!r}: write * for a product"
        if token == "=":
            return "a second '=': one definition a line"
        return _bad_character(token)


_UNKNOWN: Final = "unknown name"


def _deeper(depth: int, index: int) -> int:
    if depth >= MAX_NESTING:
        raise _ProblemError(
            f"brackets nested deeper than {MAX_NESTING} (the limit)", index, LimitError
        )
    return depth + 1


def _bad_character(token: str) -> str:
    return f"{token!r} (U+{ord(token[0]):04X}) is no character of circuit text"


def _unknown_function(name: str) -> str:
    from circuitgrad.gates import GATES

    close = get_close_matches(name, [*(gate.name for gate in GATES), "square"], 1)
    return f"unknown function {name!r}" + (
        f"; did you mean {close[0]!r}?" if close else ""
    )


class _File:
    """Reads the lines of a file into a builder."""

    def __init__(self, lines: list[str], path: str | None) -> None:
        self.lines = lines
        self.path = path
        self.builder = Builder()
        self.scope: dict[str, int] = {}
        self.defined_at: dict[str, int] = {}
        self.outputs: dict[str, tuple[str, int, int]] = {}  # target, line, token
        self.line = _Line(self.builder, self.scope)

    def read(self) -> Circuit:
        for number, text in enumerate(self.lines, start=1):
            code = text.partition("#")[0]
            tokens = _TOKEN.findall(code)
            if not tokens:
                continue
            try:
                self.statement(tokens, number)
            except _ProblemError as problem:
                raise self.located(problem, number) from None
        self.resolve_outputs()
        return self.builder.finish()

    def located(self, problem: _ProblemError, number: int) -> FormatError:
        """Give the error of a problem: its column is found only now."""
        source = self.lines[number - 1]
        code = source.partition("#")[0]
        starts = [match.start() for match in _TOKEN.finditer(code)]
        starts.append(len(code.rstrip()))
        column = starts[min(problem.token, len(starts) - 1)] + 1
        message = problem.message
        if message is _UNKNOWN:
            message = self.unknown(_TOKEN.findall(code)[problem.token], number)
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
                self.define(tokens[index], index, number)
                vertex = self.builder.add(INPUT, ())
                self.builder.names[vertex] = self.check(tokens[index], index)
                self.scope[tokens[index]] = vertex
        elif first == "output":
            self.output(tokens, number)
        elif first == "circuit":
            indices = self.names(tokens)
            if len(indices) > 1:
                raise _ProblemError("a circuit has one name", indices[1])
            if self.builder.name is not None:
                raise _ProblemError(
                    "a second circuit line: a file holds one circuit", 0
                )
            self.builder.name = self.check(tokens[1], 1)
        else:
            close = get_close_matches(first, _KEYWORDS, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            at = 0 if len(tokens) == 1 or first[0].isalnum() is False else 1
            wrong = tokens[at]
            if at == 0 and not (first[0].isalnum() or first[0] == "_"):
                raise _ProblemError(
                    _bad_character(first) if first not in _OPERATORS else _LINE, 0
                )
            if at == 1 and wrong not in _OPERATORS and not wrong[0].isalnum():
                raise _ProblemError(_bad_character(wrong), 1)
            raise _ProblemError(_LINE + hint, at)

    def definition(self, tokens: list[str], number: int) -> None:
        name = self.check(tokens[0], 0)
        before = len(self.builder.op)
        value = self.line.expression(tokens, 2)
        self.define(name, 0, number)  # after the expression: a name is not yet its own
        vertex = self.line.vertex(value)
        fresh = vertex >= before or self.builder.op[vertex] == CONSTANT
        if fresh and vertex not in self.builder.names:
            self.builder.names[vertex] = name
        self.scope[name] = vertex

    def define(self, name: str, index: int, number: int) -> None:
        if name not in self.defined_at:
            self.defined_at[name] = number
            return
        where = self.defined_at[name]
        vertex = self.scope[name]
        is_input = self.builder.op[vertex] == INPUT
        if is_input and self.builder.names[vertex] == name:
            raise _ProblemError(
                f"{name!r} is an input (line {where}): it cannot be assigned", index
            )
        raise _ProblemError(
            f"{name!r} is defined a second time; first in line {where}", index
        )

    def check(self, name: str, index: int) -> str:
        if name == "pi":
            raise _ProblemError(
                "pi is the constant: nothing else can bear its name", index
            )
        if (
            not (name[0].isalpha() or name[0] == "_" or name[0].isalnum())
            or name[0].isdecimal()
        ):
            what = (
                f"{name!r} stands" if name in _OPERATORS or name[0].isdecimal() else ""
            )
            raise _ProblemError(
                f"{what} where a name should" if what else _bad_character(name), index
            )
        return name

    def names(self, tokens: list[str]) -> list[int]:
        """Give the indices of the names in a comma-separated list after a keyword."""
        indices = list(range(1, len(tokens), 2))
        for index in range(1, len(tokens)):
            if index % 2:
                self.check(tokens[index], index)
            elif tokens[index] != ",":
                raise _ProblemError(
                    f"a comma should stand before {tokens[index]!r}", index
                )
        if len(tokens) % 2:
            raise _ProblemError(f"a name should follow {tokens[-1]!r}", len(tokens))
        return indices

    def output(self, tokens: list[str], number: int) -> None:
        index = 1
        while True:
            if index >= len(tokens):
                raise _ProblemError(f"a name should follow {tokens[-1]!r}", index)
            label = self.check(tokens[index], index)
            target, at = label, index
            if index + 1 < len(tokens) and tokens[index + 1] == "=":
                at = index + 2
                if at >= len(tokens):
                    raise _ProblemError("the name of a gate should follow '='", at)
                target = self.check(tokens[at], at)
            if label in self.outputs:
                raise _ProblemError(f"two outputs are named {label!r}", index)
            self.outputs[label] = (target, number, at)
            if at + 1 == len(tokens):
                return
            if tokens[at + 1] != ",":
                raise _ProblemError(
                    f"a comma should stand before {tokens[at + 1]!r}", at + 1
                )
            index = at + 2

    def resolve_outputs(self) -> None:
        for label, (target, number, token) in self.outputs.items():
            vertex = self.scope.get(target)
            if vertex is None:
                raise self.located(_ProblemError(_UNKNOWN, token), number)
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
    tokens = _TOKEN.findall(lines[0].partition("#")[0])
    try:
        if len(tokens) > 1 and tokens[1] == "=":
            raise _ProblemError("an inline formula is an expression without a name", 1)
        vertex = reader.line.vertex(reader.line.expression(tokens, 0))
    except _ProblemError as problem:
        raise reader.located(problem, 1) from None
    taken = set(reader.scope)
    name = next(n for n in ("f", "g", "h", "value", "result_") if n not in taken)
    reader.builder.outputs.append((name, vertex))
    return reader.builder.finish()


# ---------------------------------------------------------------------- writing


def write_text(circuit: Circuit, comment: str | None = None) -> str:
    """Write a circuit as canonical text, which reads back to the same circuit.

    Complexity: linear in wires.
    """
    names = _written_names(circuit)
    columns = circuit.columns
    lines = [f"# {line}" for line in comment.splitlines()] if comment else []
    if circuit.name:
        lines.append(f"circuit {circuit.name}")
    lines += _wrapped("input", names[: columns.inputs])
    params = columns.params.tolist()
    for vertex in range(columns.inputs, columns.sources):
        if is_name(names[vertex]):
            lines.append(
                f"{names[vertex]} = {exact.format_number(exact.number(params[vertex]))}"
            )
    op, offsets = columns.op.tolist(), columns.offsets.tolist()
    operands, weights = columns.operands.tolist(), columns.weights.tolist()
    for vertex in range(columns.sources, len(columns)):
        span = slice(offsets[vertex], offsets[vertex + 1])
        inputs = operands[span]
        used = [names[u] for u in inputs]
        code = op[vertex]
        if code == SUM:
            from_one = [op[u] == CONSTANT and params[u] == exact.ONE for u in inputs]
            right = _sum_text(used, weights[span], from_one)
        else:
            param = exact.number(params[vertex]) if params[vertex] >= 0 else None
            right = _gate_text(code, used, param)
        lines.append(f"{names[vertex]} = {right}")
    outputs = [
        label if names[vertex] == label else f"{label} = {names[vertex]}"
        for label, vertex in circuit.outputs
    ]
    lines += _wrapped("output", outputs)
    return "\n".join(lines) + "\n"


def is_name(label: str) -> bool:
    """Tell a name from a number and from pi, among labels."""
    return label != "pi" and not (label[0].isdecimal() or label[0] == "-")


def _written_names(circuit: Circuit) -> list[str]:
    """Give the labels, and names to the constants that only a name can say.

    Those are a number that a division uses, a number to an integer power (arithmetic
    would take it), a number as an exponent that is a wire, and a number as an output.
    """
    columns = circuit.columns
    names = list(circuit.labels)
    users = columns.op[columns.consumer]
    said = np.ones(len(columns), dtype=np.bool_)
    said[circuit.output_vertices] = False
    said[columns.operands[(users == DIV) | ((users == POW) & (columns.slot == 1))]] = (
        False
    )
    powers = np.flatnonzero(users == POWER)
    powers = powers[columns.operands[powers] < columns.sources]
    for wire in powers.tolist():
        exponent = exact.rational(int(columns.params[columns.consumer[wire]]))
        said[columns.operands[wire]] &= exponent.denominator != 1
    taken = {*names, *circuit.output_names}
    count = 0
    for vertex in range(columns.inputs, columns.sources):
        if said[vertex] or is_name(names[vertex]) or names[vertex] == "pi":
            continue
        count += 1
        while f"c{count}" in taken:
            count += 1
        names[vertex] = f"c{count}"
    return names


def _wrapped(keyword: str, items: list[str], width: int = 88) -> list[str]:
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            lines.append(line)
            line = ""
        line = f"{line}, {item}" if line else f"{keyword} {item}"
    return [*lines, line] if line else lines


def _sum_text(used: list[str], weights: list[int], from_one: list[bool]) -> str:
    terms = []
    for name, place, number in zip(used, weights, from_one, strict=True):
        if number:  # the constant 1, whose weight is the number itself
            terms.append(exact.format_number(exact.number(place)))
        elif place == exact.ONE:
            terms.append(name)
        elif place == exact.MINUS_ONE:
            terms.append(f"-{name}")
        else:
            terms.append(f"{exact.format_number(exact.number(place))}*{name}")
    if all(from_one) or (len(terms) == 1 and weights[0] == exact.ONE):
        return f"sum({', '.join(terms)})"
    text = terms[0]
    for term in terms[1:]:
        text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
    return text


def _gate_text(code: int, used: list[str], param: exact.Number | None) -> str:
    numbers = [not is_name(name) and name != "pi" for name in used]
    if code == PROD:
        if len(used) == 1 or any(numbers):
            return f"prod({', '.join(used)})"
        return "*".join(used)
    if code == DIV:
        return f"{used[0]}/{used[1]}"
    if code == INV and not numbers[0]:
        return f"1/{used[0]}"
    if code in (POWER, POW):
        base = used[0]
        if not (is_name(base) or base == "pi") and not base.isdecimal():
            base = f"({base})"
        if param is None:
            return f"{base}^{used[1]}"
        exponent = exact.format_number(param)
        return f"{base}^({exponent})" if "/" in exponent else f"{base}^{exponent}"
    name = gate_type(code).name
    arguments = used if param is None else [*used, exact.format_number(param)]
    return f"{name}({', '.join(arguments)})"
