"""A circuit as a Python function over NumPy arrays, written."""

from __future__ import annotations

import textwrap
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitgrad import exact
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.formats.naming import PYTHON_RESERVED, Names, python_name, renaming
from circuitgrad.formats.printing import (
    ATOM,
    POWER,
    Expression,
    Printer,
    Program,
    filled,
    print_gates,
)
from circuitgrad.simplify.rewrites import note

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["write_python"]

#: Functions that NumPy has not, and how a file defines them.
_HELPERS = {"_erf": "_erf = np.vectorize(math.erf, otypes=[float])"}

#: Exponents up to this are written as integers: a double holds each of them.
_EXACT_EXPONENT = 2**53


class PythonPrinter(Printer):
    """An arithmetic of Python expressions that compute what `Floats` computes.

    Every name stands for a NumPy value.  Where all operands are literal numbers, a
    NumPy function divides and raises to a power, because Python's own operators raise
    an exception where those give an infinity or nan.
    """

    language = "Python"
    pi_text, infinity = "np.pi", "np.inf"

    def function(self, name: str) -> str:
        """Give NumPy's name of an elementary function; `Floats` knows it."""
        function = getattr(Floats, name, None) or getattr(np, name, None)
        if not isinstance(function, np.ufunc):
            raise EvaluationError(f"NumPy has no function {name!r}")
        return f"np.{function.__name__}"

    def erf(self, u: Any) -> Expression:
        """Call the standard library's error function elementwise."""
        return self.helper("_erf", u)

    def step(self, u: Any) -> Expression:
        """Give 1 where positive, else 0; nan stays nan."""
        return self.call("np.heaviside", u, 0)

    def select(self, condition: Any, u: Any, v: Any) -> Expression:
        """Choose by a condition."""
        return self.call("np.where", condition, u, v)

    def both(self, left: Expression, right: Expression) -> Expression:
        """Write a conjunction of two conditions."""
        return self.call("np.logical_and", left, right)

    def either(self, left: Expression, right: Expression) -> Expression:
        """Write a disjunction of two conditions."""
        return self.call("np.logical_or", left, right)

    def divide(self, left: Any, right: Any) -> Expression:
        """Write a quotient."""
        left, right = self.lift(left), self.lift(right)
        if left.plain and right.plain:
            return self.call("np.divide", left, right)
        return super().divide(left, right)

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write ``base**n`` for an integer, else NumPy's power of the same rounding."""
        base = self.lift(base)
        if isinstance(exponent, Expression) or base.plain:
            return self.call("np.power", base, exponent)
        exponent = exact.as_fraction(exponent)
        if exponent == Fraction(1, 2):  # what NumPy's power is, but for single numbers
            return self.call("np.sqrt", base)
        if exponent.denominator != 1 or abs(exponent) > _EXACT_EXPONENT:
            return self.call("np.power", base, exponent)
        text = f"{self.bracketed(base, ATOM)}**{exponent}"
        return self.settled(Expression(self, text, POWER, depth=base.depth + 1))


def write_python(circuit: Circuit) -> str:
    """Write a circuit as a Python module with one function of its inputs.

    The function takes numbers or NumPy arrays that broadcast, and returns the outputs
    by name, as `circuitgrad.evaluate` does.  It is named as the circuit is, or
    ``circuit``, and imports NumPy alone.

    Raises
    ------
    CircuitError
        If NumPy has no function that a gate needs, or the circuit has arrays.

    Notes
    -----
    Complexity: linear in wires.  A statement a gate; long sums are several statements,
    so that no parser meets its limit.
    """
    circuit.require_scalars("a Python program")
    live = circuit.live.tolist()
    sources = circuit.columns.sources
    labels = [
        label if live[vertex] and vertex >= sources else None
        for vertex, label in enumerate(circuit.labels)
    ]
    labels[: circuit.columns.inputs] = circuit.inputs
    wanted = [label for label in labels if label is not None]
    reserved = PYTHON_RESERVED | _HELPERS.keys()
    names = Names(wanted, python_name, reserved)
    own = Names([circuit.name or "circuit"], python_name, reserved)
    printer = PythonPrinter(names)
    given = [None if label is None else names[label] for label in labels]
    program = print_gates(circuit, printer, given)
    renamed, said = renaming(own.renamed, names.renamed)
    if said:
        note(f"Python: {said}")

    head = [f"# {line}" for line in renamed]
    what = f"The circuit {circuit.name}" if circuit.name else "A circuit"
    head.append(f'"""{what} as a function of NumPy arrays, written by circuitgrad."""')
    head.append("")
    if "_erf" in printer.helpers:
        head += ["import math", ""]
    head += ["import numpy as np", ""]
    if printer.helpers:
        head += [*(_HELPERS[name] for name in printer.helpers), ""]
    arguments = [names[label] for label in circuit.inputs]
    function = own[circuit.name or "circuit"]
    body = [*_docstring(circuit, arguments), *_broadcast(arguments)]
    for step in program.steps:
        for name, value in step.statements:
            body += _assignment(name, value)
    body += _returned(circuit, program, arguments)
    head += ["", *_signature(function, arguments)]
    return "\n".join([*head, *(f"    {line}".rstrip() for line in body)]) + "\n"


def _signature(function: str, arguments: list[str]) -> list[str]:
    line = f"def {function}({', '.join(arguments)}):"
    if len(line) <= 79:
        return [line]
    return [f"def {function}(", *_listed(arguments, 79), "):"]


def _listed(items: list[str], width: int) -> list[str]:
    """Give indented lines of items, a comma after each."""
    text = ", ".join(items) + ","
    wrapped = textwrap.wrap(text, width - 4, break_long_words=False)
    return [f"    {line}" for line in wrapped]


def _docstring(circuit: Circuit, arguments: list[str]) -> list[str]:
    what = f"the circuit {circuit.name}" if circuit.name else "the circuit"
    lines = [f'"""Evaluate {what} elementwise.', ""]
    if circuit.provenance is not None and circuit.provenance.passes:
        made = f"Made by the passes {', '.join(circuit.provenance.passes)}."
        lines += [*textwrap.wrap(made, 75), ""]
    if arguments:
        listed = textwrap.wrap(f"{', '.join(arguments)} : number or array", 75)
        lines += ["Parameters", "----------", *listed, ""]
    names = textwrap.wrap(", ".join(circuit.output_names), 71)
    lines += ["Returns", "-------", "dict of str to array"]
    return [*lines, *(f"    {line}" for line in names), '"""']


def _broadcast(arguments: list[str]) -> list[str]:
    if len(arguments) < 2:
        return [f"{name} = np.asarray({name}, dtype=float)" for name in arguments]
    joined = ", ".join(arguments)
    lines = [
        f"{joined} = (np.asarray(v, dtype=float) for v in ({joined}))",
        f"{joined} = np.broadcast_arrays({joined})",
    ]
    if all(len(line) <= 75 for line in lines):
        return lines
    listed = _listed(arguments, 75)
    return [
        *("values = (", *listed, ")"),
        "values = [np.asarray(value, dtype=float) for value in values]",
        *("(", *listed, ") = np.broadcast_arrays(*values)"),
    ]


def _assignment(name: str, value: Expression) -> list[str]:
    text = f"np.float64({value.text})" if value.plain else value.text
    line = f"{name} = {text}"
    if len(line) <= 75:
        return [line]
    if text.endswith(")") and value.precedence == ATOM and "(" in text:
        function, _, rest = text.partition("(")  # a call has its own brackets
        inner = filled(rest[:-1], "    ", "    ", 75)
        return [f"{name} = {function}(", *inner, ")"]
    return [f"{name} = (", *filled(text, "    ", "    ", 75), ")"]


def _returned(circuit: Circuit, program: Program, arguments: list[str]) -> list[str]:
    """Return arrays of the inputs' common shape, each its own."""
    lines, given = ["return {"], set()
    for label, vertex, value in program.outputs:
        text = value.text
        if arguments and not circuit.columns.varies[vertex]:
            text = f"np.full_like({arguments[0]}, {text})[()]"
        elif vertex < circuit.columns.sources and not arguments:
            text = f"np.float64({text})"
        elif vertex < circuit.columns.inputs or vertex in given:
            text = f"+{text}"  # a copy
        given.add(vertex)
        lines.append(f'    "{label}": {text},')
    return [*lines, "}"]
