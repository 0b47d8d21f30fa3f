"""Gates and their partial derivatives as formulas, in the names of a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.figures.labels import Names
from circuitgrad.figures.printers import Latex, Unicode
from circuitgrad.figures.scene import Label
from circuitgrad.formats.notation import LATEX, UNICODE, array_values
from circuitgrad.formats.printing import ATOM, PRODUCT, SUM, Expression, Printer
from circuitgrad.gates import CONSTANT
from circuitgrad.passes.linear import Gate, full

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Formulas"]


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
        gate, param = self.circuit.gate_type(vertex), self._param(vertex)

        def made(builder: Builder, operands: list[Any], output: Expr) -> list[Any]:
            scaled = [
                operand if weight == 1 else weight * operand
                for weight, operand in zip(self._weights(vertex), operands, strict=True)
            ]
            return [builder.gate(gate.name, *scaled, **param)]

        try:
            return self._written(vertex, made)[0].label
        except Exception:  # the value rule of a registered gate takes numbers alone
            return self._called(vertex)

    def partial(self, vertex: int, slot: int) -> Label:
        """Give the partial derivative of a gate by the operand in a slot.

        As the gate table declares it, times the wire's weight.  That of a matrix gate
        is a linear map of the operand's differential.
        """
        try:
            if self.circuit.gate_type(vertex).matrix:
                return self._map(vertex, slot)
            return self._all_partials(vertex)[slot].label
        except Exception:  # as above
            return self._unknown(vertex, slot)

    def term(self, derivative: Label, vertex: int, slot: int) -> Label:
        """Give a term of the chain rule: a derivative times such a partial.

        On arrays, the pullback of the derivative of the output by the gate.
        """
        if self._on_arrays(vertex):
            return self._transformed(derivative, vertex, slot, pulled=True)
        try:
            partial = self._all_partials(vertex)[slot]
        except Exception:  # as above
            return self._unknown_term(derivative, vertex, slot)
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

    def tangent_term(self, derivative: Label, vertex: int, slot: int) -> Label:
        """Give a term of the chain rule of forward mode.

        On arrays, the pushforward of the derivative of the operand, by one number.
        """
        if self._on_arrays(vertex):
            return self._transformed(derivative, vertex, slot, pulled=False)
        return self.term(derivative, vertex, slot)

    # ------------------------------------------------------------------ of arrays

    def _on_arrays(self, vertex: int) -> bool:
        columns = self.circuit.columns
        shapes = [columns.shape(v) for v in (*columns.operands_of(vertex), vertex)]
        return any(shapes) or self.circuit.gate_type(vertex).matrix

    def _transformed(
        self, derivative: Label, vertex: int, slot: int, *, pulled: bool
    ) -> Label:
        """Give a derivative pulled back through a gate, or pushed forward."""
        try:
            return self._linear(derivative, vertex, slot, pulled=pulled).label
        except Exception:  # as above
            return self._unknown_term(derivative, vertex, slot)

    def _linear(
        self, derivative: Label, vertex: int, slot: int, *, pulled: bool
    ) -> _Written:
        """Write what is linear in a derivative."""
        columns = self.circuit.columns
        operand = list(columns.operands_of(vertex))[slot]

        def made(builder: Builder, operands: list[Any], output: Expr) -> list[Any]:
            gate = Gate(
                int(columns.op[vertex]),
                output,
                operands,
                self._weights(vertex),
                self._place(vertex),
            )
            shape = columns.shape(vertex if pulled else operand)
            u = builder.input("u", shape)
            if gate.is_zero(slot):
                return [builder.constant(0)]
            if not pulled:
                return [gate.pushforward(slot, u, ())]
            return [full(gate.pullback(slot, u), columns.shape(operand))]

        return self._written(vertex, made, derivative)[0]

    def _map(self, vertex: int, slot: int) -> Label:
        """Give the derivative of a matrix gate, as a map of a differential."""
        by = self._operands(vertex)[slot]
        change = by._replace(text=f"d{by.text}", tex=rf"\mathrm{{d}}{by.tex}")
        found = self._linear(change, vertex, slot, pulled=False).label
        return found._replace(
            text=f"{change.text} ↦ {found.text}",
            tex=rf"{change.tex} \mapsto {found.tex}",
        )

    def _unknown_term(self, derivative: Label, vertex: int, slot: int) -> Label:
        unknown = self._unknown(vertex, slot)
        return Label(
            f"{derivative.text}·{unknown.text}",
            rf"{derivative.tex} \cdot {unknown.tex}",
            plain=derivative.plain or unknown.plain,
        )

    # ------------------------------------------------------------------ making

    def _param(self, vertex: int) -> dict[str, Any]:
        """Give a gate's parameter or options, as keywords of `Builder.gate`."""
        gate, place = self.circuit.gate_type(vertex), self._place(vertex)
        if gate.takes_parameter:
            return {"param": exact.number(place)}
        return gate.named(exact.options(place)) if gate.options else {}

    def _place(self, vertex: int) -> int:
        return int(self.circuit.columns.params[vertex])

    def _weights(self, vertex: int) -> list[Any]:
        columns = self.circuit.columns
        return [
            exact.number(int(columns.weights[wire]))
            for wire in columns.wires_of(vertex)
        ]

    def _all_partials(self, vertex: int) -> list[_Written]:
        if vertex not in self._partials:
            gate = self.circuit.gate_type(vertex)
            parameter = self._param(vertex).values()

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
        self,
        vertex: int,
        made: Callable[[Builder, list[Any], Expr], list[Any]],
        *more: Label,
    ) -> list[_Written]:
        """Write what is made of a gate's operands, its output and further inputs."""
        columns, labels = self.circuit.columns, self.circuit.labels
        builder = Builder()
        operands: list[Any] = []
        lines: list[Label] = []
        for slot, u in enumerate(columns.operands_of(vertex)):
            if columns.op[u] == CONSTANT:
                number = exact.number(int(columns.params[u]))
                operands.append(builder.constant(number))
            else:
                operands.append(builder.input(f"x{slot}", columns.shape(u)))
                lines.append(self.names[labels[u]])
        output = builder.input("y", columns.shape(vertex))
        lines += [self.names[labels[vertex]], *more]
        for count, value in enumerate(made(builder, operands, output)):
            builder.output(f"p{count}", value)
        small = builder.finish()
        unicode, latex = Unicode(), Latex()
        texts = [_name(unicode, line.text, line) for line in lines]
        texs = [_name(latex, line.tex, line) for line in lines]
        if small.columns.shaped:
            texs = [latex.name(line.tex) for line in lines]
            left = array_values(small, unicode, UNICODE, texts)
            right = array_values(small, latex, LATEX, texs)
        else:
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
