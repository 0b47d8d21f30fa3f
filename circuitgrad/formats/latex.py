"""A circuit as LaTeX equations, one a gate, written."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.evaluation.arithmetic import Symbolic
from circuitgrad.formats.mathnames import MathNames
from circuitgrad.formats.naming import Names, renaming
from circuitgrad.formats.notation import LATEX, print_arrays
from circuitgrad.formats.printing import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expression,
    Printer,
    print_gates,
)
from circuitgrad.shapes import Shape
from circuitgrad.simplify.rewrites import note

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["write_latex"]

#: Equations that stand in one alignment; TeX reads an alignment as a whole.
EQUATIONS: Final = 40
#: Width of a line, in letters as printed.
WIDTH: Final = 60

#: Functions that TeX or amsmath has a command for, by the names that rules use.
_COMMANDS: Final = {
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"a{name}": f"\\arc{name}" for name in ("sin", "cos", "tan")},
    "log": r"\log",
}
_SIGNS: Final = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}

#: Stands before ``+`` and ``-`` where a line may be broken, inside no brackets.
_BREAK: Final = "\n"
#: Stands around the place of a text that is kept apart because it is long.
_APART: Final = "\0"


_TOKEN: Final = re.compile(r"\\(?:left|right|begin|end)\b|\\[^A-Za-z]|[{}()\n]")
_OPENING: Final = frozenset({r"\left", r"\begin", "{", "("})
_CLOSING: Final = frozenset({r"\right", r"\end", "}", ")"})


class LatexPrinter(Printer, Symbolic):
    """An arithmetic of formulas as LaTeX writes them, with exact numbers."""

    language = "LaTeX"

    def __init__(self) -> None:
        super().__init__(Names([]))
        self.kept: list[str] = []

    def number(self, value: exact.Number | int) -> Expression:
        """Write an exact number: an integer or a fraction of integers."""
        if isinstance(value, exact.Pi):
            return Expression(self, r"\pi", plain=True)
        value = exact.as_fraction(value)
        text = exact.format_integer(abs(value.numerator))
        if value.denominator != 1:
            text = rf"\frac{{{text}}}{{{exact.format_integer(value.denominator)}}}"
        whole = ATOM if value.denominator == 1 else POWER
        if value < 0:
            return Expression(self, f"-{text}", SIGN, plain=True)
        return Expression(self, text, whole, plain=True)

    # ------------------------------------------------------------------ operators

    def name(self, text: str) -> Expression:
        """Make the expression of a name; a derivative is a fraction."""
        return Expression(self, text, POWER if text.startswith(r"\frac") else ATOM)

    def bracketed(self, value: Expression, least: int) -> str:
        """Give the text, in brackets where its operator binds less than ``least``."""
        return value.text if value.precedence >= least else _brackets(value.text)

    def infix(
        self, left: Expression, sign: str, right: Expression, precedence: int
    ) -> Expression:
        """Write a sum, which may be broken, or a comparison."""
        gap = _BREAK if precedence == SUM else " "
        text = (
            f"{self.bracketed(left, precedence)}{gap}{sign} "
            f"{self.bracketed(right, precedence + 1)}"
        )
        return self.settled(
            Expression(self, text, precedence, depth=_deeper(left, right))
        )

    def compare(self, left: Expression, sign: str, right: Expression) -> Expression:
        """Write a comparison."""
        return self.infix(left, _SIGNS.get(sign, sign), right, COMPARISON)

    def product(self, left: Expression, right: Expression) -> Expression:
        """Write a product: factors side by side, and a dot before a number."""
        first = self.bracketed(left, PRODUCT)
        second = self.bracketed(right, PRODUCT)
        if second.startswith("-"):
            second = _brackets(second)
        dotted = second[0].isdigit() or (right.plain and "frac" in second)
        tight = left.plain and not dotted
        text = (
            f"{first} {second}"
            if tight
            else (rf"{first} \cdot {second}" if dotted else rf"{first} \, {second}")
        )
        return self.settled(Expression(self, text, PRODUCT, depth=_deeper(left, right)))

    def divide(self, left: Any, right: Any) -> Expression:
        """Write a fraction."""
        left, right = self.lift(left), self.lift(right)
        text = rf"\frac{{{left.text}}}{{{right.text}}}"
        return self.settled(Expression(self, text, POWER, depth=_deeper(left, right)))

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write a power."""
        base = self.lift(base)
        if isinstance(exponent, Expression):
            text = exponent.text
        else:
            text = exact.format_number(exact.as_fraction(exponent))
        raised = f"{self.bracketed(base, ATOM)}^{{{text}}}"
        return self.settled(Expression(self, raised, POWER, depth=base.depth + 1))

    def both(self, left: Expression, right: Expression) -> Expression:
        """Write a conjunction of two conditions."""
        return self.infix(left, r"\land", right, COMPARISON)

    def either(self, left: Expression, right: Expression) -> Expression:
        """Write a disjunction of two conditions."""
        return self.infix(left, r"\lor", right, COMPARISON)

    # ------------------------------------------------------------------ functions

    def function(self, name: str) -> str:
        """Give the command of a function, or its name as an operator."""
        return _COMMANDS.get(name) or r"\operatorname{" + name.replace("_", r"\_") + "}"

    def call(self, function: str, *arguments: Any) -> Expression:
        """Write a function of its arguments."""
        lifted = [self.lift(argument) for argument in arguments]
        listed = _brackets(", ".join(value.text for value in lifted))
        text = f"{function}{listed}"
        return self.settled(Expression(self, text, POWER, depth=_deeper(*lifted)))

    def exp(self, u: Any) -> Expression:
        """Write a power of e."""
        return self.power(Expression(self, "e"), self.lift(u))

    def sqrt(self, u: Any) -> Expression:
        """Write a root."""
        u = self.lift(u)
        return self.settled(
            Expression(self, rf"\sqrt{{{u.text}}}", POWER, depth=_deeper(u))
        )

    def log1p(self, u: Any) -> Expression:
        """Write log(1 + u)."""
        return self.call(r"\log", 1 + self.lift(u))

    def absolute(self, u: Any) -> Expression:
        """Write the absolute value."""
        u = self.lift(u)
        text = rf"\left|{u.text}\right|"
        return self.settled(Expression(self, text, POWER, depth=_deeper(u)))

    def maximum(self, u: Any, v: Any) -> Expression:
        """Write the largest, of more than two in one list."""
        return self._extreme(r"\max", u, v)

    def minimum(self, u: Any, v: Any) -> Expression:
        """Write the smallest, of more than two in one list."""
        return self._extreme(r"\min", u, v)

    def _extreme(self, command: str, u: Any, v: Any) -> Expression:
        u = self.lift(u)
        start = rf"{command}\left("
        if u.text.startswith(start) and u.precedence == POWER:
            inner = u.text.removeprefix(start).removesuffix(r"\right)")
            text = rf"{start}{inner}, {self.lift(v).text}\right)"
            return self.settled(Expression(self, text, POWER, depth=u.depth))
        text = rf"{start}{u.text}, {self.lift(v).text}\right)"
        return Expression(self, text, POWER, depth=_deeper(u))

    def select(self, condition: Any, u: Any, v: Any) -> Expression:
        """Write the two cases."""
        condition, u, v = self.lift(condition), self.lift(u), self.lift(v)
        text = (
            rf"\begin{{cases}} {u.text} & \text{{if }} {condition.text} \\ "
            rf"{v.text} & \text{{otherwise}} \end{{cases}}"
        )
        return self.settled(Expression(self, text, SUM, depth=_deeper(condition, u, v)))

    # ------------------------------------------------------------------ long texts

    def apart(self, value: Expression) -> Expression:
        """Keep a long text apart, so that extending it does not copy it each time."""
        self.kept.append(value.text)
        place = f"{_APART}{len(self.kept) - 1}{_APART}"
        return Expression(self, place, value.precedence, plain=value.plain)

    def whole(self, text: str) -> str:
        """Put texts that were kept apart into their places."""
        pieces, waiting = [], [text]
        while waiting:
            parts = waiting.pop().split(_APART, 2)
            pieces.append(parts[0])
            if len(parts) == 3:
                waiting += [parts[2], self.kept[int(parts[1])]]
        return "".join(pieces)


def write_latex(circuit: Circuit) -> str:
    r"""Write a circuit as a LaTeX document of equations, one a gate.

    Numbers are exact.  Names are set as a mathematician would (`MathNames`): ``g1``
    with a subscript, ``df_dx`` as a partial derivative.  The document needs amsmath
    alone, and any of TeX's engines, because it has ASCII letters alone.

    Circuits of arrays are equations of matrices, with ``\odot`` for a product entry by
    entry; inputs are listed with their shapes.

    Notes
    -----
    Complexity: linear in wires.  Sums are broken into lines, and equations into
    alignments of forty, between which and within which pages may end.
    """
    live = circuit.live.tolist()
    columns, labels = circuit.columns, circuit.labels
    shown = [
        label if v < columns.inputs or (live[v] and v >= columns.sources) else None
        for v, label in enumerate(labels)
    ]
    names = MathNames(circuit, [label for label in shown if label is not None])
    printer = LatexPrinter()
    given = [None if label is None else names[label] for label in shown]
    if circuit.columns.shaped:
        program = print_arrays(circuit, printer, LATEX, given)
    else:
        program = print_gates(circuit, printer, given)
    lines, said = renaming(names.spelled)
    if said:
        note(f"LaTeX: {said}")

    equations = [
        (name, printer.whole(value.text))
        for step in program.steps
        for name, value in step.statements
    ]
    equations += [
        (names.output(label), value.text)
        for label, vertex, value in program.outputs
        if shown[vertex] != label
    ]
    about = f"The circuit {circuit.name}" if circuit.name else "A circuit"
    inputs = [
        names[label] + _size(columns.shape(v)) for v, label in enumerate(circuit.inputs)
    ]
    body = [_listed("Inputs", inputs)]
    outputs = [
        names[label] if shown[vertex] == label else names.output(label)
        for label, vertex in circuit.outputs
    ]
    body.append(_listed("Outputs", outputs))
    for start in range(0, len(equations), EQUATIONS):
        rows = [_row(*equation) for equation in equations[start : start + EQUATIONS]]
        body += [r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"]
    return "\n".join(
        [
            f"% {about}, written by circuitgrad.",
            *(f"% {line}" for line in lines),
            r"\documentclass{article}",
            r"\usepackage{amsmath}",
            r"\allowdisplaybreaks",
            r"\begin{document}",
            *filter(None, body),
            r"\end{document}",
            "",
        ]
    )


def _listed(what: str, names: list[str]) -> str:
    if not names:
        return ""
    text = ", ".join(f"${name}$" for name in names)
    lines = textwrap.wrap(f"{what}: {text}.", 79, break_long_words=False)
    return "\n".join([r"\noindent", *lines, ""])


def _size(shape: Shape) -> str:
    """Say what shape an input has, after its name, by the lengths of its axes."""
    lengths = r" \times ".join(map(str, shape))
    return rf"\;({lengths})" if shape else ""


def _row(name: str, text: str) -> str:
    """Write an equation, broken before ``+`` and ``-`` where it is wide."""
    lines, line = [], ""
    for term in _terms(text):
        if line and _width(line) + _width(term) > WIDTH:
            lines.append(line)
            line = ""
        line = f"{line} {term}" if line else term
    return f"{name} &= " + " \\\\\n&\\quad {} ".join([*lines, line])


def _terms(text: str) -> list[str]:
    """Split a sum at the places for breaks that are inside no brackets."""
    terms, start, depth = [], 0, 0
    for token in _TOKEN.finditer(text):
        kind = token.group()
        if kind == _BREAK:
            if depth == 0:
                terms.append(text[start : token.start()])
                start = token.end()
        else:
            depth += 1 if kind in _OPENING else -1 if kind in _CLOSING else 0
    return [term.replace(_BREAK, " ") for term in [*terms, text[start:]]]


def _width(text: str) -> int:
    """Estimate how many letters wide a formula is as printed."""
    plain = re.sub(r"\\(left|right|frac|mathit|mathrm|operatorname|,)|[{}^_]", "", text)
    return len(re.sub(r"\\[A-Za-z]+", "x", plain))


def _brackets(text: str) -> str:
    tall = re.search(r"\\(frac|begin|left)|\0", text)
    return rf"\left({text}\right)" if tall else f"({text})"


def _deeper(*values: Expression) -> int:
    return 1 + max(value.depth for value in values)
