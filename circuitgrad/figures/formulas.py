"""Gates and their partial derivatives as formulas, in the names of a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.evaluation.arithmetic import Symbolic
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.figures.labels import Names, number_label, superscript
from circuitgrad.figures.scene import Label
from circuitgrad.formats.latex import LatexPrinter
from circuitgrad.formats.naming import Names as Statements
from circuitgrad.formats.printing import (
    ATOM,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expression,
    Printer,
)
from circuitgrad.gates import CONSTANT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Formulas"]


class Unicode(Printer, Symbolic):
    """An arithmetic of formulas as a terminal shows them."""

    language = "Unicode"

    def __init__(self) -> None:
        super().__init__(Statements([]))

    def number(self, value: exact.Number | int) -> Expression:
        """Write an exact number."""
        exactly = value if isinstance(value, exact.Pi) else exact.as_fraction(value)
        text = number_label(exactly).replace("−", "-")
        plain = SIGN if text.startswith("-") else ATOM
        return Expression(self, text, PRODUCT if "/" in text else plain, plain=True)

    def negative(self, value: Expression) -> Expression:
        """Write ``-value``; a fraction is a quotient, whatever its sign."""
        found = super().negative(value)
        if found.plain and "/" in found.text:
            found.precedence = PRODUCT
        return found

    def factor(self, value: Expression, least: int) -> str:
        """Write a factor, in brackets where it is a sum or has a sign."""
        text = self.bracketed(value, least)
        return f"({text})" if text.startswith("-") else text

    def product(self, left: Expression, right: Expression) -> Expression:
        """Write a product with a dot."""
        text = f"{self.bracketed(left, PRODUCT)}·{self.factor(right, PRODUCT)}"
        return Expression(self, text, PRODUCT)

    def divide(self, left: Any, right: Any) -> Expression:
        """Write a quotient."""
        above = self.bracketed(self.lift(left), PRODUCT)
        return Expression(
            self, f"{above}/{self.factor(self.lift(right), SIGN)}", PRODUCT
        )

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write a power: whole exponents are superscripts."""
        base = self.bracketed(self.lift(base), ATOM)
        if not isinstance(exponent, Expression):
            raised = superscript(exact.as_fraction(exponent))
            return Expression(self, base + raised, POWER)
        return Expression(self, f"{base}^{self.bracketed(exponent, ATOM)}", POWER)

    def sqrt(self, u: Any) -> Expression:
        """Write a root."""
        return Expression(self, f"√{self.bracketed(self.lift(u), ATOM)}", POWER)

    def absolute(self, u: Any) -> Expression:
        """Write the absolute value."""
        return Expression(self, f"|{self.lift(u).text}|")

    def maximum(self, u: Any, v: Any) -> Expression:
        """Write the largest, of more than two in one list."""
        return self._extreme("max", u, v)

    def minimum(self, u: Any, v: Any) -> Expression:
        """Write the smallest, of more than two in one list."""
        return self._extreme("min", u, v)

    def _extreme(self, function: str, u: Any, v: Any) -> Expression:
        u = self.lift(u)
        if u.text.startswith(f"{function}(") and u.precedence == ATOM:
            return Expression(self, f"{u.text[:-1]}, {self.lift(v).text})")
        return self.call(function, u, v)

    def select(self, condition: Any, u: Any, v: Any) -> Expression:
        """Write the two cases."""
        condition, u, v = self.lift(condition), self.lift(u), self.lift(v)
        return Expression(self, f"({u.text} if {condition.text} else {v.text})")

    def both(self, left: Expression, right: Expression) -> Expression:
        """Write a conjunction."""
        return Expression(self, f"({left.text} ∧ {right.text})")

    def either(self, left: Expression, right: Expression) -> Expression:
        """Write a disjunction."""
        return Expression(self, f"({left.text} ∨ {right.text})")

    def settled(self, value: Expression) -> Expression:
        """Leave a text as it is, however long."""
        return value

    def function(self, name: str) -> str:
        """Give a function's name."""
        return name

    def step(self, u: Any) -> Expression:
        """Write the step by its name."""
        return self.call("step", u)

    def sign(self, u: Any) -> Expression:
        """Write the sign by its name."""
        return self.call("sign", u)


class Latex(LatexPrinter):
    """LaTeX in one line, without cases."""

    def step(self, u: Any) -> Expression:
        """Write the step by its name."""
        return self.call(r"\mathrm{step}", u)

    def sign(self, u: Any) -> Expression:
        """Write the sign by its name."""
        return self.call(r"\mathrm{sign}", u)

    def settled(self, value: Expression) -> Expression:
        """Leave a text as it is, however long."""
        return value


class _Written(NamedTuple):
    """A formula in both notations; ``plain`` as of a `Label`."""

    unicode: Expression
    latex: Expression
    plain: bool

    @property
    def label(self) -> Label:
        return Label(
            _minus(self.unicode.text), _line(self.latex.text), plain=self.plain
        )


class Formulas:
    """The gates of a circuit and their partial derivatives, as formulas.

    Parameters
    ----------
    circuit : Circuit
    names : Names

    Notes
    -----
    What a gate's partials have in common is worked out once a gate, in the time that
    writing them takes.
    """

    def __init__(self, circuit: Circuit, names: Names) -> None:
        self.circuit, self.names = circuit, names
        self._partials: dict[int, list[_Written]] = {}

    def gate(self, vertex: int) -> Label:
        """Give the right side of a gate's definition: ``u₁·u₃``."""
        gate, columns = self.circuit.gate_type(vertex), self.circuit.columns
        param = int(columns.params[vertex])

        def made(builder: Builder, operands: list[Any], output: Expr) -> list[Any]:
            scaled = [
                operand if weight == 1 else weight * operand
                for weight, operand in zip(self._weights(vertex), operands, strict=True)
            ]
            parameter = {"param": exact.number(param)} if param >= 0 else {}
            return [builder.gate(gate.name, *scaled, **parameter)]

        try:
            return self._written(vertex, made)[0].label
        except Exception:  # the value rule of a registered gate takes numbers alone
            return self._called(vertex)

    def partial(self, vertex: int, slot: int) -> Label:
        """Give the partial derivative of a gate by the operand in a slot.

        As the gate table declares it, times the wire's weight.
        """
        try:
            return self._all_partials(vertex)[slot].label
        except Exception:  # as above
            return self._unknown(vertex, slot)

    def term(self, derivative: Label, vertex: int, slot: int) -> Label:
        """Give a term of the chain rule: a derivative times such a partial."""
        try:
            partial = self._all_partials(vertex)[slot]
        except Exception:  # as above
            unknown = self._unknown(vertex, slot)
            return Label(
                f"{derivative.text}·{unknown.text}",
                rf"{derivative.tex} \cdot {unknown.tex}",
                plain=derivative.plain or unknown.plain,
            )
        text, tex = _minus(partial.unicode.text), _line(partial.latex.text)
        quotient = partial.unicode.precedence == PRODUCT and "/" in text
        if partial.unicode.precedence <= SUM or quotient or text.startswith("−"):
            text = f"({text})"
        if partial.latex.precedence <= SUM or tex.startswith("-"):
            tex = rf"\left({tex}\right)"
        return Label(
            f"{derivative.text}·{text}",
            rf"{derivative.tex} \cdot {tex}",
            plain=derivative.plain or partial.plain,
        )

    # ------------------------------------------------------------------ making

    def _weights(self, vertex: int) -> list[Any]:
        columns = self.circuit.columns
        return [
            exact.number(int(columns.weights[wire]))
            for wire in columns.wires_of(vertex)
        ]

    def _all_partials(self, vertex: int) -> list[_Written]:
        if vertex not in self._partials:
            gate = self.circuit.gate_type(vertex)
            param = int(self.circuit.columns.params[vertex])
            parameter = [exact.number(param)] if gate.takes_parameter else []

            def made(builder: Builder, operands: list[Any], output: Expr) -> list[Any]:
                found = gate.partials(builder.functions, output, *operands, *parameter)
                return [
                    partial if weight == 1 else weight * partial
                    for weight, partial in zip(
                        self._weights(vertex), found, strict=True
                    )
                ]

            self._partials[vertex] = self._written(vertex, made)
        return self._partials[vertex]

    def _written(
        self, vertex: int, made: Callable[[Builder, list[Any], Expr], list[Any]]
    ) -> list[_Written]:
        """Write what is made of a gate's operands and its output."""
        columns, labels = self.circuit.columns, self.circuit.labels
        builder = Builder()
        operands: list[Any] = []
        lines: list[Label] = []
        for slot, u in enumerate(columns.operands_of(vertex)):
            if columns.op[u] == CONSTANT:
                number = exact.number(int(columns.params[u]))
                operands.append(builder.constant(number))
            else:
                operands.append(builder.input(f"x{slot}"))
                lines.append(self.names[labels[u]])
        output = builder.input("y")
        lines.append(self.names[labels[vertex]])
        for count, value in enumerate(made(builder, operands, output)):
            builder.output(f"p{count}", value)
        small = builder.finish()
        unicode, latex = Unicode(), Latex()
        texts = [_name(unicode, line.text, line) for line in lines]
        texs = [_name(latex, line.tex, line) for line in lines]
        left = vertex_values(small, unicode, texts)
        right = vertex_values(small, latex, texs)
        plain = any(line.plain for line in lines)
        return [
            _Written(unicode.lift(left[at]), latex.lift(right[at]), plain)
            for _, at in small.outputs
        ]

    def _called(self, vertex: int) -> Label:
        """Give a gate as a function of its operands, by its name alone."""
        lines = self._operands(vertex)
        name = self.circuit.gate_type(vertex).name
        tex = name.replace("_", r"\_")
        return Label(
            f"{name}({', '.join(line.text for line in lines)})",
            rf"\mathrm{{{tex}}}({', '.join(line.tex for line in lines)})",
            plain=any(line.plain for line in lines),
        )

    def _unknown(self, vertex: int, slot: int) -> Label:
        """Give a partial as the lecture notes write one that is not worked out."""
        by = self._operands(vertex)[slot]
        of = self.names[self.circuit.labels[vertex]]
        return Label(
            f"∂[{of.text}]/∂{by.text}",
            rf"\partial_{{{by.tex}}}[{of.tex}]",
            plain=by.plain or of.plain,
        )

    def _operands(self, vertex: int) -> list[Label]:
        labels = self.circuit.labels
        return [self.names[labels[u]] for u in self.circuit.columns.operands_of(vertex)]


def _name(printer: Printer, text: str, line: Label) -> Expression:
    """Make the expression of a name: that of a derivative is a fraction."""
    fraction = line.tex.startswith(r"\frac")
    return Expression(printer, text, PRODUCT if fraction else ATOM)


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _line(tex: str) -> str:
    return tex.replace("\n", " ")
