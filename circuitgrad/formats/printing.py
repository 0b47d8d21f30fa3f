"""Printing arithmetics: a gate's value rule, read in expressions that are text.

A value rule ``value(m, *operands)`` computes with whatever numbers it is given
(`circuitgrad.evaluation.arithmetic`).  Given `Expression` operands and a `Printer` for
``m``, the same rule writes the gate in a programming language, so that no target has a
table of gates: a gate that a user registers is written like any other.

An expression that grows long or deep becomes a statement of its own, ``t1 = ...``.
Hence no sum of 20,000 terms meets the recursion of a parser, and a rule that uses a
value twice, and that twice, does not write it 2^n times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, EvaluationError
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.formats.naming import Names

__all__ = ["Expression", "Printer", "Program", "Step", "filled", "print_gates"]

#: How tightly an expression's outermost operator binds.
CHOICE, EITHER, BOTH, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)

#: Longer or deeper expressions become statements of their own.
MAX_TEXT: Final = 800
MAX_DEPTH: Final = 6

#: Where a long term may be broken: after a comma, before an operator.
_LOOSER: Final = re.compile(r"(?<=,) | (?=[*/?:&|<>=!]+ )")

Method = Callable[["Expression", Any], "Expression"]


def _operator(name: str) -> tuple[Method, Method]:
    """Make an operator and its reflection, which the printer's method writes."""

    def forward(left: Expression, right: Any) -> Expression:
        made: Expression = getattr(left.printer, name)(left, left.printer.lift(right))
        return made

    def reflected(right: Expression, left: Any) -> Expression:
        made: Expression = getattr(right.printer, name)(right.printer.lift(left), right)
        return made

    return forward, reflected


def _comparison(sign: str) -> Any:
    def compare(left: Expression, right: Any) -> Expression:
        return left.printer.compare(left, sign, left.printer.lift(right))

    return compare


class Expression:
    """A value as text in some language.

    Parameters
    ----------
    printer : Printer
        What writes the operators.
    text : str
    precedence : int
        How tightly the outermost operator binds: less is looser.
    plain : bool
        Whether it is made of literal numbers alone.
    depth : int
        How deep brackets nest in it.
    """

    __slots__ = ("depth", "plain", "precedence", "printer", "text")
    __array_ufunc__ = None  # NumPy's numbers leave operators to this class

    def __init__(
        self,
        printer: Printer,
        text: str,
        precedence: int = ATOM,
        *,
        plain: bool = False,
        depth: int = 0,
    ) -> None:
        self.printer = printer
        self.text = text
        self.precedence = precedence
        self.plain = plain
        self.depth = depth

    @property
    def is_negative(self) -> bool:
        """Whether a minus sign stands before the whole of it."""
        return self.precedence in (PRODUCT, SIGN) and self.text.startswith("-")

    def __neg__(self) -> Expression:
        return self.printer.negative(self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        made: Expression = self.printer.absolute(self)
        return made

    def __bool__(self) -> bool:
        raise EvaluationError("its value rule chooses by `if`; m.select can be written")

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract")
    __mul__, __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide")
    __pow__, __rpow__ = _operator("power")
    __and__, __rand__ = _operator("both")
    __or__, __ror__ = _operator("either")
    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")
    __eq__, __ne__ = _comparison("=="), _comparison("!=")
    __hash__ = None  # type: ignore[assignment]


class Printer:
    """An arithmetic ``m`` of expressions, as C and Python write them.

    Parameters
    ----------
    names : Names
        Where names of statements that no gate has come from.

    Attributes
    ----------
    pending : list of (str, Expression)
        Statements that the next gate stands on.
    helpers : dict of str to None
        The helper functions that were used, in order.
    """

    language = ""
    pi_text = ""
    infinity = ""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.pending: list[tuple[str, Expression]] = []
        self.helpers: dict[str, None] = {}

    # ------------------------------------------------------------------ operands

    def name(self, text: str) -> Expression:
        """Make the expression of a name."""
        return Expression(self, text)

    def number(self, value: exact.Number | int) -> Expression:
        """Write an exact number as the shortest decimal of the nearest double."""
        if isinstance(value, exact.Pi):
            return Expression(self, self.pi_text, plain=True)
        rounded = exact.to_float(exact.as_fraction(value))
        text = repr(abs(rounded)) if abs(rounded) != float("inf") else self.infinity
        if rounded < 0:
            return Expression(self, f"-{text}", SIGN, plain=True)
        return Expression(self, text, plain=True)

    @property
    def pi(self) -> Expression:
        """The constant pi."""
        return self.number(exact.PI)

    def lift(self, value: Any) -> Expression:
        """Make an expression of a number; expressions stay what they are."""
        if isinstance(value, Expression):
            return value
        if isinstance(value, exact.Pi):
            return self.number(value)
        return self.number(exact.as_fraction(value))

    # ------------------------------------------------------------------ operators

    def add(self, left: Expression, right: Expression) -> Expression:
        """Write a sum, ``a - b`` where the right side is ``-b``."""
        if right.is_negative:
            return self.infix(left, "-", self.negative(right), SUM)
        return self.infix(left, "+", right, SUM)

    def subtract(self, left: Expression, right: Expression) -> Expression:
        """Write a difference."""
        if right.is_negative:
            return self.infix(left, "+", self.negative(right), SUM)
        return self.infix(left, "-", right, SUM)

    def multiply(self, left: Expression, right: Expression) -> Expression:
        """Write a product; -1 times u is -u, and a number times 1 is the number."""
        if left.plain and left.text == self.number(-1).text:
            return self.negative(right)
        if left.plain and right.plain and right.text == self.number(1).text:
            return left
        return self.product(left, right)

    def product(self, left: Expression, right: Expression) -> Expression:
        """Write a product."""
        return self.infix(left, "*", right, PRODUCT)

    def divide(self, left: Any, right: Any) -> Expression:
        """Write a quotient."""
        return self.infix(self.lift(left), "/", self.lift(right), PRODUCT)

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write a power."""
        raise NotImplementedError

    def negative(self, value: Expression) -> Expression:
        """Write ``-value``; ``-(-value)`` is the value."""
        if value.is_negative:
            inner = POWER if value.precedence == SIGN else PRODUCT
            precedence = ATOM if value.plain else inner
            return Expression(
                self, value.text[1:], precedence, plain=value.plain, depth=value.depth
            )
        precedence = PRODUCT if value.precedence == PRODUCT else SIGN
        text = f"-{self.bracketed(value, precedence)}"
        return Expression(
            self, text, precedence, plain=value.plain, depth=value.depth + 1
        )

    def compare(self, left: Expression, sign: str, right: Expression) -> Expression:
        """Write a comparison."""
        return self.infix(left, sign, right, COMPARISON)

    def both(self, left: Expression, right: Expression) -> Expression:
        """Write a conjunction of two conditions."""
        raise NotImplementedError

    def either(self, left: Expression, right: Expression) -> Expression:
        """Write a disjunction of two conditions."""
        raise NotImplementedError

    def sigmoid(self, u: Any) -> Expression:
        """Write 1/(1 + exp(-u)), as it is evaluated."""
        return 1 / (1 + self.exp(-self.lift(u)))

    # ------------------------------------------------------------------ text

    def bracketed(self, value: Expression, least: int) -> str:
        """Give the text, in brackets where its operator binds less than ``least``."""
        return value.text if value.precedence >= least else f"({value.text})"

    def infix(
        self, left: Expression, sign: str, right: Expression, precedence: int
    ) -> Expression:
        """Write ``left sign right``, from the left: brackets keep any other order."""
        chained = precedence if precedence > COMPARISON else precedence + 1
        first = self.bracketed(left, chained)
        second = self.bracketed(right, precedence + 1)
        bracketed = max(
            left.depth + (left.precedence < chained),
            right.depth + (right.precedence <= precedence),
        )
        return self.settled(
            Expression(
                self,
                f"{first} {sign} {second}",
                precedence,
                plain=left.plain and right.plain,
                depth=bracketed,
            )
        )

    def call(self, function: str, *arguments: Any) -> Expression:
        """Write a function call."""
        lifted = [self.lift(argument) for argument in arguments]
        text = f"{function}({', '.join(value.text for value in lifted)})"
        depth = 1 + max((value.depth for value in lifted), default=0)
        return self.settled(Expression(self, text, depth=depth))

    def helper(self, name: str, *arguments: Any) -> Expression:
        """Write the call of a helper function, which the file will then define."""
        self.helpers[name] = None
        return self.call(name, *arguments)

    def settled(self, value: Expression) -> Expression:
        """Give the value, or the name of a new statement where it is long or deep."""
        if len(value.text) <= MAX_TEXT and value.depth <= MAX_DEPTH:
            return value
        return self.apart(value)

    def apart(self, value: Expression) -> Expression:
        """Make a statement of the value, and give its name."""
        name = self.names.fresh("t")
        self.pending.append((name, value))
        return self.name(name)

    def __getattr__(self, name: str) -> Callable[..., Expression]:
        if name.startswith("_"):
            raise AttributeError(name)
        function = self.function(name)
        return lambda *arguments: self.call(function, *arguments)

    def function(self, name: str) -> str:
        """Give the language's name of an elementary function.

        Raises
        ------
        EvaluationError
            If the language has no such function.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Step:
    """A gate, and the statements that compute it: the last one is the gate's own."""

    vertex: int
    statements: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A circuit as statements, and each output's vertex and expression."""

    steps: list[Step]
    outputs: list[tuple[str, int, Expression]]


def print_gates(
    circuit: Circuit, printer: Printer, labels: Sequence[str | None]
) -> Program:
    """Write every gate that an output depends on as a statement.

    Parameters
    ----------
    circuit : Circuit
    printer : Printer
    labels : sequence of str or None
        The name of each input and each such gate, in the target.

    Raises
    ------
    CircuitError
        If the language has no function that a gate needs; the message names both.

    Notes
    -----
    Complexity: linear in wires.
    """
    steps: list[Step] = []
    sources = circuit.columns.sources

    def named(vertex: int, value: Any) -> Expression:
        label = labels[vertex]
        assert label is not None
        if vertex >= sources:
            own = (label, printer.lift(value))
            steps.append(Step(vertex, (*printer.pending, own)))
            printer.pending.clear()
        return printer.name(label)

    nothing = [None] * circuit.columns.inputs
    try:
        values = vertex_values(circuit, printer, nothing, named)
    except EvaluationError as error:
        raise CircuitError(
            f"cannot be written as {printer.language}: {error}"
        ) from None
    outputs = [(name, vertex, values[vertex]) for name, vertex in circuit.outputs]
    return Program(steps, outputs)


def filled(text: str, first: str, rest: str, width: int = 79) -> list[str]:
    """Break an expression into lines, before ``+`` and ``-`` where that is possible.

    Parameters
    ----------
    text : str
    first, rest : str
        What the first line and the others begin with.
    width : int
    """
    lines, line, empty = [], first, True
    for term in re.split(r" (?=[-+] )", text):
        room = width - max(len(first), len(rest))
        pieces = [term] if len(term) <= room else re.split(_LOOSER, term)
        for piece in pieces:
            if not empty and len(line) + 1 + len(piece) > width:
                lines.append(line)
                line, empty = rest, True
            line = line + piece if empty else f"{line} {piece}"
            empty = False
    return [*lines, line]
