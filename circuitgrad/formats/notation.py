"""Gates on arrays as a mathematician writes them: ``X W``, ``U ⊙ step(Z)``, ``Aᵀ``.

The value rule of a matrix gate says how its entries are computed; what stands here is
how the gate is written.  A product of entries is ⊙, and one of matrices has no sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from circuitgrad import exact
from circuitgrad.errors import CircuitError, EvaluationError
from circuitgrad.formats.matrixnames import (
    MATRIX_NAMES,
    matrix_symbol,
    shape_tex,
    shape_text,
)
from circuitgrad.formats.printing import (
    ATOM,
    POWER,
    PRODUCT,
    SIGN,
    Expression,
    Printer,
    Program,
    Step,
)
from circuitgrad.gates import CONSTANT, INPUT, SUM, GateType
from circuitgrad.shapes import Shape

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["LATEX", "UNICODE", "Signs", "array_values", "print_arrays"]


class Signs(NamedTuple):
    """How a language writes what formulas of arrays have; ``{}`` is for operands."""

    latex: bool
    product: str
    quotient: str
    outer: str
    beside: str
    transpose: str
    inverse: str
    power: str
    norm: str
    dot: str


UNICODE: Final = Signs(
    latex=False,
    product="⊙",
    quotient="⊘",
    outer="⊗",
    beside=" ",
    transpose="ᵀ",
    inverse="⁻¹",
    power="{}^⊙{}",
    norm="‖{}‖²",
    dot="⟨{}, {}⟩",
)
LATEX: Final = Signs(
    latex=True,
    product=r"\odot",
    quotient=r"\oslash",
    outer=r"\otimes",
    beside=r" \, ",
    transpose=r"^{\mathsf{T}}",
    inverse="^{-1}",
    power=r"{}^{{\odot {}}}",
    norm=r"\left\|{}\right\|^{{2}}",
    dot=r"\left\langle {}, {} \right\rangle",
)

#: Scalar gates whose names are not those of functions of arrays, in both languages.
_FUNCTIONS: Final = {
    "relu": ("ReLU", r"\mathrm{ReLU}"),
    "leaky_relu": ("LReLU", r"\mathrm{LReLU}"),
    "sigmoid": ("σ", r"\sigma"),
    "exp": ("exp", r"\exp"),
    "step": ("step", r"\mathrm{step}"),
    "sign": ("sign", r"\mathrm{sign}"),
    "max": ("max", r"\max"),
    "min": ("min", r"\min"),
}


class _Writer:
    """Writes gates on arrays in the expressions of a printer."""

    def __init__(self, printer: Printer, signs: Signs) -> None:
        self.printer, self.signs = printer, signs

    def expression(self, text: str, precedence: int, *of: Expression) -> Expression:
        """Make an expression of others."""
        depth = 1 + max((each.depth for each in of), default=0)
        made = Expression(self.printer, text, precedence, depth=depth)
        return self.printer.settled(made)

    def tight(self, value: Expression, least: int) -> str:
        """Give a factor, in brackets where it is looser, or has a sign."""
        text = self.printer.bracketed(value, least)
        if text.startswith("-"):
            return self.printer.bracketed(value, ATOM + 1)
        return text

    def infix(self, left: Expression, sign: str, right: Expression) -> Expression:
        """Write two factors with a sign between, which binds less than none."""
        first = self.printer.bracketed(left, PRODUCT)
        least = PRODUCT if sign == self.signs.product else SIGN  # which is associative
        text = f"{first} {sign} {self.tight(right, least)}"
        return self.expression(text, PRODUCT, left, right)

    def after(self, value: Expression, suffix: str) -> Expression:
        """Write a suffix behind what it is of."""
        text = f"{self.printer.bracketed(value, ATOM)}{suffix}"
        return self.expression(text, POWER, value)

    def beside(self, left: Expression, right: Expression) -> Expression:
        """Write a product of matrices, or of matrices and vectors."""
        factors = self.tight(left, SIGN), self.tight(right, SIGN)
        return self.expression(self.signs.beside.join(factors), SIGN, left, right)

    # ------------------------------------------------------------------ matrix gates

    def matrix(
        self,
        gate: GateType,
        operands: Sequence[Expression],
        options: dict[str, Any],
        shapes: Sequence[Shape],
    ) -> Expression:
        """Write a matrix gate; ``shapes`` are those of the operands, then its own."""
        first, signs = operands[0], self.signs
        match gate.name:
            case "matmul":
                return self.beside(first, operands[1])
            case "transpose":
                return self.after(first, signs.transpose)
            case "inverse":
                return self.after(first, signs.inverse)
            case "solve":
                inverse = self.after(first, signs.inverse)
                return self.beside(inverse, operands[1])
            case "outer":
                return self.infix(first, signs.outer, operands[1])
            case "squared_norm":
                text = signs.norm.format(first.text)
                return self.expression(text, POWER, first)
            case "dot":
                text = signs.dot.format(first.text, operands[1].text)
                return self.expression(text, ATOM, *operands)
        return self._called(gate, operands, options, shapes)

    def _called(
        self,
        gate: GateType,
        operands: Sequence[Expression],
        options: dict[str, Any],
        shapes: Sequence[Shape],
    ) -> Expression:
        """Write a matrix gate as a function by its name."""
        listed = ", ".join(each.text for each in operands)
        if gate.name not in MATRIX_NAMES:
            return self.printer.call(self.printer.function(gate.name), *operands)
        name = matrix_symbol(gate, options, shapes[0])[self.signs.latex]
        if gate.name == "slice":
            _, _, part = name.partition(r"\,[" if self.signs.latex else " [")
            return self.after(operands[0], f"[{part}")
        if gate.name in ("reshape", "broadcast"):
            write = shape_tex if self.signs.latex else shape_text
            listed += f", {write(shapes[-1])}"
        listed = rf"\left({listed}\right)" if self.signs.latex else f"({listed})"
        return self.expression(name + listed, POWER, *operands)

    # ------------------------------------------------------------------ scalar gates

    def entries(
        self,
        gate: GateType,
        operands: Sequence[Expression],
        param: exact.Number | None,
        shapes: Sequence[Shape],
    ) -> Expression:
        """Write a scalar gate that acts on the entries of arrays."""
        printer, first = self.printer, operands[0]
        match gate.name:
            case "sum":
                return reduce(lambda a, b: a + b, operands)
            case "prod":
                return self._product(operands, shapes)
            case "div" if not shapes[1]:
                return printer.divide(first, operands[1])
            case "div":
                return self.infix(first, self.signs.quotient, operands[1])
            case "inv":
                return self.infix(printer.number(1), self.signs.quotient, first)
            case "power" | "pow":
                text = operands[1].text if param is None else exact.format_number(param)
                base = printer.bracketed(first, ATOM)
                power = self.signs.power.format(base, text)
                return self.expression(power, POWER, *operands)
            case "abs":
                return printer.absolute(first)
            case "sqrt":
                return printer.sqrt(first)
        names = _FUNCTIONS.get(gate.name)
        name = names[self.signs.latex] if names else printer.function(gate.name)
        more = [] if param is None else [printer.number(param)]
        return printer.call(name, *operands, *more)

    def _product(
        self, operands: Sequence[Expression], shapes: Sequence[Shape]
    ) -> Expression:
        """Write a product: of arrays with ⊙, and of a number and an array without."""
        found, is_array = operands[0], bool(shapes[0])
        for operand, shape in zip(operands[1:], shapes[1:], strict=False):
            if is_array and shape:
                found = self.infix(found, self.signs.product, operand)
            else:
                found = found * operand
            is_array = is_array or bool(shape)
        return found


def array_values(
    circuit: Circuit,
    printer: Printer,
    signs: Signs,
    inputs: Sequence[Any],
    named: Callable[[int, Expression], Expression] = lambda vertex, value: value,
) -> list[Any]:
    """Write every vertex that an output depends on, of a circuit of arrays.

    Parameters
    ----------
    circuit : Circuit
    printer : Printer
    signs : Signs
        Those of the printer's language.
    inputs : sequence of Expression
    named : callable, optional
        Takes each input and gate, and its expression; gives what is used for it.

    Returns
    -------
    list of Expression or None
    """
    writer, columns = _Writer(printer, signs), circuit.columns
    live = circuit.live.tolist()
    values: list[Any] = []
    for vertex, code in enumerate(columns.op.tolist()):
        param = int(columns.params[vertex])
        if code == INPUT:
            values.append(named(vertex, inputs[vertex]))
        elif code == CONSTANT:
            values.append(printer.number(exact.number(param)))
        elif not live[vertex]:
            values.append(None)
        else:
            values.append(named(vertex, _gate(circuit, vertex, writer, values)))
    return values


def _gate(
    circuit: Circuit, vertex: int, writer: _Writer, values: Sequence[Any]
) -> Expression:
    """Write a gate."""
    columns, gate, printer = circuit.columns, circuit.gate_type(vertex), writer.printer
    used = columns.operands_of(vertex)
    operands = [values[u] for u in used]
    shapes = [columns.shape(u) for u in (*used, vertex)]
    param = int(columns.params[vertex])
    if gate.matrix:
        options = gate.named(exact.options(param)) if gate.options else {}
        return writer.matrix(gate, operands, options, shapes)
    number = exact.number(param) if gate.takes_parameter else None
    if columns.op[vertex] == SUM:
        places = columns.weights_of(vertex)
        operands = [
            each if place == exact.ONE else printer.number(exact.number(place)) * each
            for each, place in zip(operands, places, strict=True)
        ]
    if any(shapes):
        return writer.entries(gate, operands, number, shapes)
    more = [] if number is None else [number]
    rule = gate.formula or gate.value
    return printer.lift(rule(printer, *operands, *more))


def print_arrays(
    circuit: Circuit, printer: Printer, signs: Signs, labels: Sequence[str | None]
) -> Program:
    """Write each gate as a statement, as `print_gates` does, of a circuit of arrays."""
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
        values = array_values(circuit, printer, signs, nothing, named)
    except EvaluationError as error:
        raise CircuitError(
            f"cannot be written as {printer.language}: {error}"
        ) from None
    outputs = [(name, vertex, values[vertex]) for name, vertex in circuit.outputs]
    return Program(steps, outputs)
