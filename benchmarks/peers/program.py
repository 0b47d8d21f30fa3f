"""From a peer's program back to a circuit, in which it is counted.

Values are handles of one `circuitgrad.Builder`, or Python fractions: an operation on
numbers alone is done here, and one that does nothing (a product by 1, a sum with 0)
makes no gate, so a peer is charged for neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import prod

import circuitgrad as cg
from circuitgrad.gates import has_gate

__all__ = ["Program", "Term", "UnreadableError", "Value"]

Value = cg.Expr | Fraction
Term = tuple[Fraction, Value]


class UnreadableError(Exception):
    """A peer's program holds something that no gate counts as one operation."""


class Program:
    """Collects a peer's operations, one gate each.

    Parameters
    ----------
    circuit : Circuit
        The source; its inputs are those of the program.
    """

    def __init__(self, circuit: cg.Circuit) -> None:
        self.builder = cg.Builder(circuit.name)
        self.inputs: list[Value] = [self.builder.input(x) for x in circuit.inputs]
        self._varies = {v.vertex for v in self.inputs if isinstance(v, cg.Expr)}

    def finish(self, names: Sequence[str], values: Sequence[Value]) -> cg.Circuit:
        """Give the circuit with these outputs."""
        for name, value in zip(names, values, strict=True):
            self.builder.output(name, value)
        return self.builder.finish()

    def varies(self, value: Value) -> bool:
        """Tell whether a value depends on some input."""
        return isinstance(value, cg.Expr) and value.vertex in self._varies

    def sum(self, terms: Iterable[Term]) -> Value:
        """Add weighted terms in one gate; its numbers are one term."""
        terms = [(w, u) for w, u in terms if w != 0 and u != 0]
        number = sum((w * u for w, u in terms if isinstance(u, Fraction)), Fraction(0))
        fixed = [t for t in terms if not isinstance(t[1], Fraction | int)]
        moving = [t for t in fixed if self.varies(t[1])]
        fixed = [t for t in fixed if not self.varies(t[1])]
        if number:
            fixed.append((Fraction(1), number))
        if len(fixed) > 1 and moving:  # constants are one constant, which costs nothing
            fixed = [(Fraction(1), self._sum(fixed))]
        return self._sum(moving + fixed)

    def _sum(self, terms: Sequence[Term]) -> Value:
        if not terms:
            return Fraction(0)
        if len(terms) == 1:
            weight, value = terms[0]
            if weight == 1:
                return value
            if isinstance(value, Fraction):
                return weight * value
        made = self.builder.sum([weight * value for weight, value in terms])
        return self._made(made, [u for _, u in terms])

    def mul(self, factors: Iterable[Value]) -> Value:
        """Multiply in one gate; its numbers are one factor."""
        factors = list(factors)
        number = prod(
            (u for u in factors if isinstance(u, Fraction)), start=Fraction(1)
        )
        handles = [u for u in factors if not isinstance(u, Fraction)]
        if number == 0 or not handles:
            return number
        moving: list[Value] = [u for u in handles if self.varies(u)]
        fixed: list[Value] = [u for u in handles if not self.varies(u)]
        if fixed and moving:  # a constant costs nothing: it takes the number
            fixed = [self._scaled(number, self._product(fixed))]
            number = Fraction(1)
        return self._scaled(number, self._product(moving + fixed))

    def _product(self, factors: Sequence[Value]) -> Value:
        if len(factors) == 1:
            return factors[0]
        return self._made(self.builder.prod(factors), factors)

    def _scaled(self, number: Fraction, value: Value) -> Value:
        return self._sum([(number, value)])

    def div(self, over: Value, below: Value) -> Value:
        """Divide; a number over a value is one operation, as peers have it."""
        if isinstance(below, Fraction):
            return self.mul([over, 1 / below])
        if over == 0:
            return Fraction(0)
        if over == 1:
            return self.apply("inv", below)
        return self.apply("div", over, below)

    def power(self, base: Value, exponent: Value) -> Value:
        """Raise to a power, one operation whatever the exponent."""
        if not isinstance(exponent, Fraction):
            return self.apply("pow", base, exponent)
        if exponent in (0, 1):
            return base if exponent else Fraction(1)
        if isinstance(base, Fraction) and exponent.denominator == 1:
            return base ** int(exponent)
        known = {Fraction(-1): "inv", Fraction(1, 2): "sqrt"}
        if exponent in known:
            return self.apply(known[exponent], base)
        return self._made(self.builder.gate("power", base, param=exponent), [base])

    def apply(self, name: str, *operands: Value) -> Value:
        """Apply a gate type by its name."""
        if not has_gate(name):
            raise UnreadableError(name)
        return self._made(self.builder.gate(name, *operands), operands)

    def _made(self, made: cg.Expr, operands: Iterable[Value]) -> cg.Expr:
        if any(self.varies(u) for u in operands):
            self._varies.add(made.vertex)
        return made
