"""Sympy expressions, both ways, node by node: no text is ever parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, LimitError
from circuitgrad.gates import has_gate
from circuitgrad.passes.dce import dce

__all__ = ["from_sympy", "to_sympy"]

#: Largest formula, written out as a tree, that is made of a circuit.
MAX_FORMULA: Final = 1_000_000

#: Sympy's names of functions that have another name here.
_NAMES: Final = {"Abs": "abs", "Max": "max", "Min": "min"}


def to_sympy(circuit: Circuit) -> dict[str, Any]:
    """Give the sympy formula of each output, in real symbols named as the inputs.

    Raises
    ------
    LimitError
        If a formula, written out as a tree, would pass a million vertices.
    """
    from circuitgrad.check.proved import formula_sizes, formulas, symbols

    circuit.require_scalars("a sympy formula")

    sizes = formula_sizes(circuit)
    for name, vertex in circuit.outputs:
        if sizes[vertex] > MAX_FORMULA:
            raise LimitError(
                f"the formula of {name} is too large for sympy (limit {MAX_FORMULA})"
            )
    built = formulas(circuit, symbols(circuit))
    return {name: built[vertex] for name, vertex in circuit.outputs}


def from_sympy(
    expressions: Any, *, inputs: Sequence[Any] | None = None, name: str | None = None
) -> Circuit:
    """Make a circuit of sympy expressions; equal subexpressions are one gate.

    Parameters
    ----------
    expressions : sympy.Expr, or sequence or mapping of them
        One output ``f``; outputs ``f1``, ``f2`` ...; or outputs by name.
    inputs : sequence of sympy.Symbol or str, optional
        The inputs, in order; by default the free symbols by name.
    name : str, optional
        The circuit's name.

    Returns
    -------
    Circuit

    Raises
    ------
    CircuitError
        If there is something that no gate computes; the message names it.

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> print(from_sympy(x * sympy.exp(y) / 3))
    input x, y
    g1 = exp(y)
    g2 = x*g1
    f = 1/3*g2
    output f
    <BLANKLINE>
    """
    if isinstance(expressions, Mapping):
        outputs = {str(key): value for key, value in expressions.items()}
    elif isinstance(expressions, (list, tuple)):
        outputs = {f"f{i}": value for i, value in enumerate(expressions, start=1)}
    else:
        outputs = {"f": expressions}
    outputs = {label: _expression(value) for label, value in outputs.items()}
    if inputs is None:
        free = set().union(*(value.free_symbols for value in outputs.values()))
        inputs = sorted(str(symbol) for symbol in free)
    reader = _Reader(Builder(name), [str(symbol) for symbol in inputs])
    for label, value in outputs.items():
        reader.builder.output(label, reader.read(value))
    return dce(reader.builder.finish())  # 1/y is no gate where x/y divides


def _expression(value: Any) -> Any:
    """Take an expression as it is, and a Python number as sympy's; never text."""
    import sympy

    if isinstance(value, (int, float, Fraction)):
        number = exact.as_fraction(value)
        return sympy.Rational(number.numerator, number.denominator)
    if not isinstance(value, sympy.Expr):
        raise CircuitError(f"{type(value).__name__} is no sympy expression")
    return value


class _Reader:
    def __init__(self, builder: Builder, inputs: Sequence[str]) -> None:
        self.builder = builder
        self.symbols = {label: builder.input(label) for label in inputs}
        self.done: dict[Any, Expr | Fraction | exact.Pi] = {}

    def read(self, root: Any) -> Expr | Fraction | exact.Pi:
        """Read an expression, operands before users, on a stack."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.done:
                stack.pop()
                continue
            waiting = [arg for arg in node.args if arg not in self.done]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            self.done[node] = self.node(node, [self.done[arg] for arg in node.args])
        return self.done[root]

    def node(self, node: Any, args: list[Any]) -> Expr | Fraction | exact.Pi:
        kind = type(node).__name__
        if node.is_Symbol:
            if node.name not in self.symbols:
                raise CircuitError(f"the symbol {node.name!r} is not among the inputs")
            return self.symbols[node.name]
        if node.is_Rational:
            return Fraction(int(node.p), int(node.q))
        if node.is_Float:
            return exact.parse_decimal(str(node))
        if kind == "Pi":
            return exact.PI
        if kind == "Exp1":
            return self.builder.gate("exp", 1)
        if node.is_Add:
            return self.builder.sum(args)
        if node.is_Mul:
            return self.product(node, args)
        if node.is_Pow:
            return self.power(args[0], args[1])
        if kind == "Heaviside" and (len(node.args) == 1 or node.args[1] == 0):
            return self.builder.gate("step", args[0])
        name = _NAMES.get(kind, kind)
        if node.args and has_gate(name):
            return self.builder.gate(name, *args)
        raise CircuitError(f"no gate computes {kind} ({str(node)[:60]})")

    def product(self, node: Any, args: list[Any]) -> Expr:
        """Read a product; a factor to the power -1 divides."""
        above, below = [], []
        number = Fraction(1)
        for factor, value in zip(node.args, args, strict=True):
            if isinstance(value, Fraction):
                number *= value
            elif factor.is_Pow and factor.exp == -1:
                below.append(self.done[factor.base])
            else:
                above.append(value)
        if not below:
            return self.joined(above) * number
        under = self.joined(below)
        return (self.joined(above) / under if above else 1 / under) * number

    def joined(self, factors: list[Any]) -> Expr:
        handles = [self.builder.lift(factor) for factor in factors]
        return handles[0] if len(handles) == 1 else self.builder.prod(handles)

    def power(self, base: Any, exponent: Any) -> Expr:
        handle = self.builder.lift(base)
        if exponent == Fraction(1, 2):
            return self.builder.gate("sqrt", handle)
        return 1 / handle if exponent == -1 else handle**exponent
