"""Printers of formulas in one line: Unicode, for terminals and pages, and LaTeX."""

from __future__ import annotations

from typing import Any

from circuitgrad import exact
from circuitgrad.evaluation.arithmetic import Symbolic
from circuitgrad.figures.labels import number_label, superscript
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

__all__ = ["Latex", "Unicode"]


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
