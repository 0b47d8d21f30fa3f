"""Circuits as trees of text, for a terminal: an output a tree, operands below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.errors import LimitError
from circuitgrad.figures.extract import MAX_GATES as MAX_DRAWN
from circuitgrad.figures.labels import (
    drawn_names,
    number_label,
    terminal_label,
    terminal_width,
    value_label,
    weight_label,
)
from circuitgrad.figures.symbols import symbol_line
from circuitgrad.formats.matrixnames import shape_text
from circuitgrad.gates import CONSTANT, INPUT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["tree"]

#: More gates than this are not shown: nobody follows so many up and down a screen.
MAX_GATES: Final = 40
#: Nor more lines, one for each wire and each output: a sum may have any number.
MAX_LINES: Final = 400
#: Outputs that are looked at, in order, for one to propose where all are too many.
MAX_PROPOSED: Final = 8

#: Marks a gate whose operands stand above, where it came first.
ABOVE: Final = "↑"
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"

#: A text, and the escape code that it is shown in.
Piece = tuple[str, str]


def tree(
    circuit: Circuit,
    at: Mapping[str, Any] | None = None,
    of: str | None = None,
    *,
    color: bool = False,
) -> str:
    """Write a circuit as trees of text, one an output.

    An output's name is followed by its gate, and below are the gate's operands in the
    order of their slots, each behind the weight of its wire.  A gate that is met again
    is named, marked ``↑`` and not expanded: it stands above.  Gates without a name get
    one, as circuit text gives it, where they are met again or have a weight.  Arrays
    show their shapes.

    Parameters
    ----------
    circuit : Circuit
        At most 40 gates, 400 wires and outputs.
    at : mapping, optional
        Values of the inputs by name: every gate shows its value there, behind the
        weight of the wire.
    of : str, optional
        One output, or gate, to show alone.
    color : bool
        Whether names are bold and weights dim, in the codes of terminals.

    Returns
    -------
    str
        Lines without a last line break.

    Raises
    ------
    CircuitError
        If nothing is called ``of``, an input has no value, or a value no input.
    EvaluationError
        If a gate has no value there.
    LimitError
        If there is more to show.

    Examples
    --------
    >>> import circuitgrad as cg
    >>> print(cg.tree(cg.parse_expression("x1*sin(x1 - 2*y)"), at={"x1": 2, "y": 1}))
    f: ×          = 0
    ├─ x₁         = 2
    └─ sin        = 0
       └─ +       = 0
          ├─ x₁   = 2
          └─ −2·y = −2·1
    """  # noqa: RUF002
    from circuitgrad.evaluation.evaluate import values_at

    shown = circuit
    if of is not None:
        vertex = dict(circuit.outputs).get(of)
        vertex = circuit.vertex(of) if vertex is None else vertex
        shown = circuit.with_outputs([(of, vertex)])
    _check_size(shown)
    lines = _lines(shown)
    values = None if at is None else values_at(shown, at)
    # of the whole circuit, so that --of changes no name
    return _written(_Writer(circuit, lines, values), lines, color)


def _check_size(circuit: Circuit) -> None:
    """Raise `LimitError` where trees would be too long, and say what would do."""
    excess = _excess(circuit)
    if not excess:
        return
    advice = "`stats` counts them"
    if circuit.size <= MAX_DRAWN:
        advice += f", `draw` draws up to {MAX_DRAWN} gates"
    choices = circuit.outputs[:MAX_PROPOSED] if len(circuit.outputs) > 1 else ()
    for name, vertex in choices:
        if not _excess(circuit.with_outputs([(name, vertex)])):
            advice += f", `show --of {name}` shows that output"
            break
    else:
        advice += ", `show --of NAME` shows one output or gate"
    raise LimitError(f"{excess} (the limit); {advice}")


def _excess(circuit: Circuit) -> str:
    """Say what is too much for a tree: each gate is expanded once, a line a wire."""
    gates = circuit.size
    lines = int(circuit.columns.fan_in[circuit.live].sum()) + len(circuit.outputs)
    if gates > MAX_GATES:
        return f"{gates:,} gates: a tree shows at most {MAX_GATES}"
    if lines > MAX_LINES:
        return f"{lines:,} wires and outputs: a tree shows at most {MAX_LINES}"
    return ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A vertex in a tree.

    ``branch`` is what is drawn before it and ``below`` what goes before the lines of
    its operands; ``weight`` is that of the wire above; the first line of a tree has
    its output; ``again`` marks a gate that stands above.
    """

    vertex: int
    branch: str = ""
    below: str = ""
    weight: Fraction = Fraction(1)
    output: str | None = None
    again: bool = False


def _lines(circuit: Circuit) -> list[_Line]:
    """Walk from the outputs to what they depend on, depth first."""
    columns = circuit.columns
    lines: list[_Line] = []
    expanded: set[int] = set()
    waiting = [_Line(vertex, output=name) for name, vertex in circuit.outputs[::-1]]
    while waiting:
        line = waiting.pop()
        if line.vertex in expanded:
            lines.append(replace(line, again=True))
            continue
        lines.append(line)
        wires = columns.wires_of(line.vertex)
        if wires:
            expanded.add(line.vertex)
        for wire in reversed(wires):  # the last to wait is the first to be shown
            last = wire == wires[-1]
            waiting.append(
                _Line(
                    int(columns.operands[wire]),
                    line.below + ("└─ " if last else "├─ "),
                    line.below + ("   " if last else "│  "),
                    exact.rational(int(columns.weights[wire])),
                )
            )
    return lines


class _Writer:
    """Writes lines as pieces of text, each with the escape code of its style."""

    def __init__(
        self, circuit: Circuit, lines: Sequence[_Line], values: Sequence[Any] | None
    ) -> None:
        self.circuit = circuit
        self.values = values
        names, outputs = circuit.labels, dict(circuit.outputs)
        met = Counter(line.vertex for line in lines)
        weighted = {line.vertex for line in lines if line.weight != 1}
        #: The names of vertices that have one, or need one.
        self.names = {
            v: names[v]
            for v, times in met.items()
            if circuit.names[v] is not None
            or outputs.get(names[v]) == v
            or (circuit.columns.is_gate[v] and (times > 1 or v in weighted))
        }
        roots = [line.output for line in lines if line.output is not None]
        self.drawn = drawn_names(circuit, [*roots, *self.names.values()])

    def vertex(self, line: _Line) -> list[Piece]:
        """Write what a line shows of its vertex, but for its value."""
        found: list[Piece] = [(line.branch, _DIM)]
        name, code = self.names.get(line.vertex), self.circuit.columns.op[line.vertex]
        if line.output is not None and (code == CONSTANT or line.output != name):
            equal = code == CONSTANT or name is not None
            found += [self._name(line.output), (" = " if equal else ": ", "")]
        if code == CONSTANT:
            return found + self._number(line)
        found.append((weight_label(line.weight), _DIM))
        if name is not None:
            found.append(self._name(name))
        if line.again:
            return [*found, (f" {ABOVE}", _DIM)]
        if code == INPUT:
            return found
        return [*found, (": " if name is not None else "", ""), self._symbol(line)]

    def shape(self, line: _Line) -> Piece:
        """Write the shape of an array."""
        return shape_text(self.circuit.columns.shape(line.vertex)), _DIM

    def value(self, line: _Line) -> list[Piece]:
        """Write the value behind the weight, so that the line is an equation.

        Where y is 2, ``-3 y`` is ``-3 2``.  A constant says its value itself.
        """
        if self.values is None or self.circuit.columns.op[line.vertex] == CONSTANT:
            return []
        value, weight = value_label(self.values[line.vertex]), weight_label(line.weight)
        if weight and value.startswith("−"):
            value = f"({value})"
        return [(" = ", ""), (weight, _DIM), (value, "")]

    def _name(self, name: str) -> Piece:
        return terminal_label(self.drawn[name]), _BOLD

    def _symbol(self, line: _Line) -> Piece:
        return terminal_label(symbol_line(self.circuit, line.vertex).text), ""

    def _number(self, line: _Line) -> list[Piece]:
        """Write a constant; in a sum, 5 is the weight 5 on the constant 1."""
        number = exact.number(int(self.circuit.columns.params[line.vertex]))
        if isinstance(number, exact.Pi):
            return [(weight_label(line.weight), _DIM), (number_label(number), "")]
        return [(number_label(number * line.weight), "")]


def _written(writer: _Writer, lines: Sequence[_Line], color: bool) -> str:
    """Write lines: shapes in a column, values in another.

    A blank line is beside trees of several lines.
    """
    rows = [writer.vertex(line) for line in lines]
    shapes = [writer.shape(line) for line in lines]
    if any(shape for shape, _ in shapes):
        rows = _beside(rows, [[shape] if shape[0] else [] for shape in shapes], "  ")
    rows = _beside(rows, [writer.value(line) for line in lines])
    texts: list[str] = []
    for number, line in enumerate(lines):
        around = lines[max(number - 1, 0) : number + 2]
        if number and not line.branch and any(each.branch for each in around):
            texts.append("")
        shown = [
            f"{code}{text}{_PLAIN}" if color and code and text else text
            for text, code in rows[number]
        ]
        texts.append("".join(shown))
    return "\n".join(texts)


def _beside(
    rows: Sequence[list[Piece]], column: Sequence[list[Piece]], gap: str = ""
) -> list[list[Piece]]:
    """Put a column to the right of rows, some of whose cells may be empty."""
    widths = [terminal_width("".join(text for text, _ in row)) for row in rows]
    return [
        [*row, (" " * (max(widths) - width) + gap, ""), *cell] if cell else row
        for row, cell, width in zip(rows, column, widths, strict=True)
    ]
