"""Reading the formulas of SymPy and SymEngine, whose trees have the same shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

from circuitgrad import Circuit
from circuitgrad.check.proved import formula_sizes
from circuitgrad.errors import LimitError
from circuitgrad.exact import PI, as_fraction
from circuitgrad.gates import has_gate
from peers.program import Program, Term, UnreadableError, Value

__all__ = ["MAX_TREE", "Reader", "bounded"]

#: Largest formula, written out as a tree, times inputs, that is differentiated: these
#: peers have no formula but the tree.
MAX_TREE: Final = 200_000

_NAMES: Final = {"Abs": "abs", "Max": "max", "Min": "min"}
_ONE: Final = Fraction(1)
_MINUS_ONE: Final = Fraction(-1)


def bounded(circuit: Circuit) -> None:
    """Refuse a circuit whose formulas, written out, would take hours."""
    sizes = formula_sizes(circuit)
    cost = len(circuit.inputs) * sum(sizes[v] for _, v in circuit.outputs)
    if cost > MAX_TREE:
        raise LimitError(f"formula vertices times inputs are {cost} > {MAX_TREE}")


class Reader:
    """Makes gates of the formulas that a ``cse`` gives."""

    def __init__(self, program: Program, symbols: Sequence[Any]) -> None:
        self.program = program
        self.symbols = {
            str(x): value for x, value in zip(symbols, program.inputs, strict=True)
        }

    def finish(
        self,
        names: Sequence[str],
        shared: Iterable[tuple[Any, Any]],
        reduced: Iterable[Any],
    ) -> Circuit:
        """Give the program that a ``cse`` has made: shared formulas, then outputs."""
        for symbol, formula in shared:
            self.symbols[str(symbol)] = self.read(formula)
        return self.program.finish(names, [self.read(formula) for formula in reduced])

    def read(self, node: Any) -> Value:
        """Read one formula; what ``cse`` left unshared counts wherever it stands."""
        kind = type(node).__name__
        if node.is_Symbol:
            return self.symbols[str(node)]
        if node.is_Number:
            return self.number(node)
        if kind == "Pi":
            return self.program.builder.constant(PI)
        if kind == "Exp1":
            return self.program.apply("exp", _ONE)
        if node.is_Add:
            return self.program.sum(self.term(u) for u in node.args)
        if node.is_Mul:
            return self.product(node.args)
        if node.is_Pow:
            return self.power(*node.args)
        return self.function(kind, node.args)

    def number(self, node: Any) -> Fraction:
        """Read an exact number."""
        if not node.is_Rational:
            raise UnreadableError(str(node))
        return as_fraction(node) if hasattr(node, "p") else Fraction(str(node))

    def term(self, node: Any) -> Term:
        """Split off the number that a wire of a sum bears; -1 there is a subtraction.

        A number stays where it is no operation of its own: ``3/x`` is one division,
        and ``2*pi*x`` has one constant.
        """
        if not node.is_Mul:
            return _ONE, self.read(node)
        moving = [u for u in node.args if self.varies(u)]
        fixed = [u for u in node.args if not self.varies(u)]
        number = next((self.number(u) for u in fixed if u.is_Number), _ONE)
        rest = [u for u in node.args if not u.is_Number]
        if len(fixed) <= 1 and not all(self.is_inverse(u) for u in moving):
            return number, self.product(rest)
        sign = _ONE if number > 0 else _MINUS_ONE
        return sign, self.product(rest, abs(number))

    def varies(self, node: Any) -> bool:
        """Tell whether a formula depends on an input."""
        return any(self.program.varies(self.symbols[str(x)]) for x in node.free_symbols)

    def is_inverse(self, node: Any) -> bool:
        """Tell whether a factor is ``1/u``, for which a product divides."""
        return bool(node.is_Pow) and node.args[1] == -1

    def product(self, factors: Iterable[Any], number: Fraction = _ONE) -> Value:
        """Multiply, with one division by all the factors ``1/u``."""
        factors = list(factors)
        over = [self.read(u) for u in factors if not self.is_inverse(u)]
        below = []
        for factor in factors:
            if self.is_inverse(factor):
                value = self.read(factor.args[0])
                if self.program.varies(value):
                    below.append(value)
                else:
                    over.append(self.program.power(value, _MINUS_ONE))
        product = self.program.mul([number, *over])
        return self.program.div(product, self.program.mul(below)) if below else product

    def power(self, base: Any, exponent: Any) -> Value:
        """Read a power; SymEngine's ``exp(u)`` is a power of e."""
        if type(base).__name__ == "Exp1":
            return self.program.apply("exp", self.read(exponent))
        return self.program.power(self.read(base), self.read(exponent))

    def function(self, kind: str, args: Sequence[Any]) -> Value:
        """Read a function that the gate table has."""
        if kind == "Heaviside":  # whatever it is at 0: values are compared elsewhere
            return self.program.apply("step", self.read(args[0]))
        name = _NAMES.get(kind, kind)
        if not has_gate(name):
            raise UnreadableError(kind)
        return self.program.apply(name, *[self.read(u) for u in args])
