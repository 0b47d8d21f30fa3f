"""Gates and their partial derivatives as formulas, in the names of a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
    Expression,
    Printer,
)
from circuitgrad.gates import CONSTANT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["gate_formula", "partial_formula", "term"]


class Unicode(Printer, Symbolic):
    """An arithmetic of formulas as a terminal shows them."""

    language = "Unicode"

    def __init__(self) -> None:
        super().__init__(Statements([]))

    def number(self, value: exact.Number | int) -> Expression:
        """Write an exact number."""
        text = number_label(value if isinstance(value, exact.Pi) else _fraction(value))
        if text.startswith("−"):
            return Expression(self, f"-{text[1:]}", SIGN, plain=True)
        return Expression(self, text, PRODUCT if "/" in text else ATOM, plain=True)

    def product(self, left: Expression, right: Expression) -> Expression:
        """Write a product with a dot."""
        first, second = (self.bracketed(side, PRODUCT) for side in (left, right))
        return Expression(self, f"{first}·{second}", PRODUCT)

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write a power: whole exponents are superscripts."""
        base = self.bracketed(self.lift(base), ATOM)
        if not isinstance(exponent, Expression):
            return Expression(self, base + superscript(_fraction(exponent)), POWER)
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


def _fraction(value: Any) -> Any:
    return exact.as_fraction(value)


def gate_formula(circuit: Circuit, vertex: int, names: Names) -> Label:
    """Give the right side of a gate's definition: ``u₁·u₃``.

    Complexity: linear in the gate's wires.
    """
    gate, columns = circuit.gate_type(vertex), circuit.columns
    param = int(columns.params[vertex])

    def made(builder: Builder, operands: list[Any], output: Expr) -> Any:
        weights = [int(columns.weights[wire]) for wire in columns.wires_of(vertex)]
        scaled = [
            operand if weight == exact.ONE else exact.number(weight) * operand
            for weight, operand in zip(weights, operands, strict=True)
        ]
        parameter = {"param": exact.number(param)} if param >= 0 else {}
        return builder.gate(gate.name, *scaled, **parameter)

    return _written(circuit, vertex, names, made)


def partial_formula(circuit: Circuit, vertex: int, slot: int, names: Names) -> Label:
    """Give the partial derivative of a gate by the operand in a slot.

    As the gate table declares it, times the wire's weight.  Complexity: linear in the
    gate's wires.
    """
    gate, columns = circuit.gate_type(vertex), circuit.columns
    param = int(columns.params[vertex])
    weight = int(columns.weights[columns.wires_of(vertex)[slot]])

    def made(builder: Builder, operands: list[Any], output: Expr) -> Any:
        parameter = [exact.number(param)] if gate.takes_parameter else []
        partials = gate.partials(builder.functions, output, *operands, *parameter)
        found = partials[slot]
        return found if weight == exact.ONE else exact.number(weight) * found

    return _written(circuit, vertex, names, made)


def _written(
    circuit: Circuit,
    vertex: int,
    names: Names,
    made: Callable[[Builder, list[Any], Expr], Any],
) -> Label:
    """Write what is made of a gate's operands and output, both ways."""
    columns, labels = circuit.columns, circuit.labels
    builder = Builder()
    operands: list[Any] = []
    lines: list[Label] = []
    for slot, u in enumerate(columns.operands_of(vertex)):
        if columns.op[u] == CONSTANT:
            operands.append(builder.constant(exact.number(int(columns.params[u]))))
        else:
            operands.append(builder.input(f"x{slot}"))
            lines.append(names[labels[u]])
    output = builder.input("y")
    lines.append(names[labels[vertex]])
    builder.output("p", made(builder, operands, output))
    small = builder.finish()

    def text(printer: Printer, given: list[str]) -> str:
        inputs = [printer.name(each) for each in given]
        values = vertex_values(small, printer, inputs)
        return printer.lift(values[small.outputs[0][1]]).text.replace("\n", " ")

    unicode = text(Unicode(), [line.text for line in lines]).replace("-", "−")
    tex = text(Latex(), [line.tex for line in lines])
    return Label(unicode, tex, plain=any(line.plain for line in lines))


def term(derivative: Label, partial: Label) -> Label:
    """Give a term of the chain rule: a derivative times the partial of a gate."""
    text, tex = partial.text, partial.tex
    if "+" in text or "−" in text or " " in text:
        text = f"({text})"
    if "+" in tex or "-" in tex.lstrip("("):
        tex = rf"\left({tex}\right)"
    return Label(
        f"{derivative.text}·{text}",
        rf"{derivative.tex} \cdot {tex}",
        plain=derivative.plain or partial.plain,
    )
