"""Writing circuit text: canonical, a gate a line, infix where infix says it.

A line is first a list of *pieces*, each a number: punctuation, a function's name, a
number, or a vertex, whose label it stands for.  One loop over columns lists them, a
second one puts their bytes one after another, so that no gate costs a Python object.
Matrix gates, of which there are few, are written one by one between such chunks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import shaping_table
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INV,
    POW,
    POWER,
    PROD,
    SUM,
    gate_type,
    gate_types,
)
from circuitgrad.gates.options import format_options, shown_options
from circuitgrad.loops import kernel

__all__ = ["write_bytes", "write_text"]

#: Gates whose pieces are listed at a time.
CHUNK: Final = 200_000

# The pieces that every text has; then come function names, numbers and vertices.
_PIECES: Final = (
    " = ", "\n", " + ", " - ", "-", "*", "/", "^", "(", ")", ", ", "1/",
)  # fmt: skip
(
    _EQUALS, _END, _PLUS, _MINUS, _SIGN, _TIMES, _OVER, _POWER, _OPEN, _CLOSE, _COMMA,
    _INVERSE,
) = range(len(_PIECES))  # fmt: skip
_FIRST_NAME: Final = len(_PIECES) - 2  # of gate type 2


def write_text(circuit: Circuit, comment: str | None = None) -> str:
    """Write a circuit as canonical text, which reads back to the same circuit.

    Complexity: linear in wires.
    """
    return write_bytes(circuit, comment).decode()


def write_bytes(circuit: Circuit, comment: str | None = None) -> bytes:
    """Write a circuit as `write_text` does, in UTF-8."""
    columns = circuit.columns
    labels = _Labels(circuit)
    head = [f"# {line}" for line in comment.splitlines()] if comment else []
    if circuit.name:
        head.append(f"circuit {circuit.name}")
    inputs = list(circuit.inputs)
    if columns.shaped:
        shapes = map(columns.shape, range(columns.inputs))
        pairs = zip(inputs, shapes, strict=True)
        inputs = [f"{name}{list(shape) or ''}" for name, shape in pairs]
    head += _wrapped("input", inputs)
    head += [
        f"{labels.constants[v]} = {exact.format_number(exact.number(place))}"
        for v, place in enumerate(
            columns.params[columns.inputs : columns.sources].tolist(), columns.inputs
        )
        if is_name(labels.constants[v])
    ]
    outputs = [
        label if labels[vertex] == label else f"{label} = {labels[vertex]}"
        for label, vertex in circuit.outputs
    ]
    parts = ["".join(f"{line}\n" for line in head).encode()]
    parts += _Lines(circuit, labels).chunks()
    parts.append("".join(f"{line}\n" for line in _wrapped("output", outputs)).encode())
    return b"".join(parts)


def is_name(label: str) -> bool:
    """Tell a name from a number and from pi, among labels."""
    return label != "pi" and not (label[0].isdecimal() or label[0] == "-")


def _wrapped(keyword: str, items: list[str], width: int = 88) -> list[str]:
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            lines.append(line)
            line = ""
        line = f"{line}, {item}" if line else f"{keyword} {item}"
    return [*lines, line] if line else lines


class _Labels:
    """The label of each vertex, as `Circuit.labels` says, in bulk.

    Constants that only a name can say get one: a number that a division uses, a number
    to an integer power (arithmetic would take it), a number as an exponent that is a
    wire, and a number as an output.

    Attributes
    ----------
    text : array of uint8
        The labels that are not made of a number, one after another.
    start, stop : array of int64
        Where those of each vertex start and stop in ``text``; where ``stop`` is -1,
        the label is ``g`` and the number ``start``.
    constants : dict of int to str
        The label of each constant.
    """

    def __init__(self, circuit: Circuit) -> None:
        names, columns = circuit.names, circuit.columns
        taken = set(names.distinct)
        own: dict[int, str] = {}
        for label, vertex in circuit.outputs:
            free = vertex not in own and names[vertex] is None
            if free and label not in taken:
                own[vertex] = label
                taken.add(label)
        taken.update(circuit.output_names)
        self.constants = self._constants(circuit, own, taken)
        own |= {v: s for v, s in self.constants.items() if names[v] is None}

        vertices = np.concatenate([names.vertices, np.array([*own], dtype=np.int64)])
        texts = [*names.texts.tolist(), *own.values()]
        data = "\n".join([*texts, ""]).encode()
        self.text = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(self.text == ord("\n"))
        self.start = np.zeros(len(columns), dtype=np.int64)
        self.stop = np.full(len(columns), -1, dtype=np.int64)
        self.stop[vertices] = ends
        self.start[vertices] = np.append(0, ends[:-1] + 1)[: len(ends)]
        unnamed = np.flatnonzero(self.stop < 0)
        used = [int(s[1:]) for s in taken if s[0] == "g" and _is_count(s[1:])]
        counts = np.ones(len(unnamed) + len(used) + 1, dtype=np.bool_)
        counts[[0, *(count for count in used if count < len(counts))]] = False
        self.start[unnamed] = np.flatnonzero(counts)[: len(unnamed)]

    def __getitem__(self, vertex: int) -> str:
        start, stop = int(self.start[vertex]), int(self.stop[vertex])
        return f"g{start}" if stop < 0 else bytes(self.text[start:stop]).decode()

    def _constants(
        self, circuit: Circuit, own: dict[int, str], taken: set[str]
    ) -> dict[int, str]:
        columns = circuit.columns
        sources = range(columns.inputs, columns.sources)
        fed = np.flatnonzero(columns.operands < columns.sources)
        fed = fed[columns.operands[fed] >= columns.inputs]
        operands, users = columns.operands[fed], columns.consumer[fed]
        op, exponent = columns.op[users], fed - columns.offsets[users] == 1
        shown = {v for _, v in circuit.outputs if v < columns.sources}
        needs = set(shown)
        needs.update(operands[(op == DIV) | ((op == POW) & exponent)].tolist())
        powers = op == POWER
        for vertex, user in zip(
            operands[powers].tolist(), users[powers].tolist(), strict=True
        ):
            if exact.rational(int(columns.params[user])).denominator == 1:
                needs.add(vertex)
        labels = {}
        every = {*taken, *map(str, own.values())}
        count = 0
        for vertex in sources:
            label = circuit.names[vertex] or own.get(vertex)
            if label is None:
                label = exact.format_number(exact.number(int(columns.params[vertex])))
            # pi is said as it is in an expression, and not as what an output is
            is_pi = label == "pi" and vertex not in shown
            if vertex in needs and not is_name(label) and not is_pi:
                count += 1
                while f"c{count}" in every:
                    count += 1
                label = f"c{count}"
            labels[vertex] = label
        return labels


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and text[0] != "0" and len(text) < 10


class _Lines:
    """The lines of the gates, chunk by chunk."""

    def __init__(self, circuit: Circuit, labels: _Labels) -> None:
        self.columns = columns = circuit.columns
        self.labels = labels
        said = columns.params >= 0
        if columns.shaped:  # options are no numbers
            said &= ~shaping_table()[columns.op]
        places = np.zeros(max(columns.weights.max(initial=1), columns.params.max()) + 1)
        places[columns.weights] = True
        places[columns.params[said]] = True
        used = np.flatnonzero(places).tolist()
        numbers = [exact.format_number(exact.number(place)) for place in used]
        fixed = [*_PIECES, *(gate.name for gate in gate_types())]
        self.first_number = len(fixed)
        self.first_vertex = self.first_number + len(used)
        self.piece_of = np.zeros(len(places), dtype=np.int32)
        self.piece_of[used] = np.arange(self.first_number, self.first_vertex)
        negative = [text.startswith("-") for text in numbers]
        self.negative, self.fraction = np.zeros((2, len(places)), dtype=np.bool_)
        self.negative[used] = negative
        self.fraction[used] = ["/" in text for text in numbers]
        # Signs are pieces of their own.
        texts = [*fixed, *(text.removeprefix("-") for text in numbers)]
        data = [text.encode() for text in texts]
        lengths = np.cumsum([0, *map(len, data)])
        own = np.frombuffer(b"".join(data), dtype=np.uint8)
        self.text = np.concatenate([own, labels.text])
        there = labels.stop >= 0
        self.start = np.concatenate([lengths[:-1], labels.start + there * len(own)])
        self.stop = np.concatenate([lengths[1:], labels.stop + there * len(own)])
        self.number, self.loose = np.zeros((2, len(columns)), dtype=np.bool_)
        for vertex, label in labels.constants.items():
            self.number[vertex] = not is_name(label) and label != "pi"
            self.loose[vertex] = self.number[vertex] and not label.isdecimal()

    def chunks(self) -> list[bytes]:
        """Give the text of the gates, in parts."""
        columns = self.columns
        found = []
        low = columns.sources
        matrix: list[int] = []
        if columns.shaped:
            matrix = np.flatnonzero(shaping_table()[columns.op]).tolist()
        for vertex in matrix:
            found += self._scalar_lines(low, vertex)
            found.append(self._matrix_line(vertex).encode())
            low = vertex + 1
        return found + self._scalar_lines(low, len(columns))

    def _scalar_lines(self, first: int, end: int) -> list[bytes]:
        """Give the text of scalar gates, chunk by chunk."""
        columns = self.columns
        found = []
        for low in range(first, end, CHUNK):
            high = min(low + CHUNK, end)
            wires = int(columns.offsets[high] - columns.offsets[low])
            pieces = np.empty(6 * (high - low) + 4 * wires, dtype=np.int32)
            ends = np.zeros(1, dtype=np.int64)
            _list_pieces(
                columns.op, columns.offsets, columns.operands, columns.weights,
                columns.params, low, high, self.first_vertex, self.piece_of,
                self.negative, self.fraction, self.number, self.loose, pieces, ends,
            )  # fmt: skip
            pieces = pieces[: int(ends[0])]
            length = self.stop[pieces] - self.start[pieces]
            room = int(np.where(self.stop[pieces] < 0, 12, length).sum())
            text = np.empty(room, dtype=np.uint8)
            _put_together(pieces, self.start, self.stop, self.text, text, ends)
            found.append(text[: int(ends[0])].tobytes())
        return found

    def _matrix_line(self, vertex: int) -> str:
        columns = self.columns
        gate = gate_type(int(columns.op[vertex]))
        below = columns.operands_of(vertex)
        operands = [self.labels[u] for u in below]
        if gate.name == "matmul":
            return f"{self.labels[vertex]} = {' @ '.join(operands)}\n"
        if gate.name == "transpose":
            return f"{self.labels[vertex]} = {operands[0]}.T\n"
        if gate.options:
            options = exact.options(int(columns.params[vertex]))
            shown = shown_options(gate, [*map(columns.shape, below)], options)
            operands += [format_options(shown)] if shown else []
        name = gate.written or gate.name
        return f"{self.labels[vertex]} = {name}({', '.join(operands)})\n"


@kernel
def _list_pieces(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, low, high, first_vertex, piece_of,
    negative, fraction, number, loose, pieces, end,
):  # fmt: skip
    """List the pieces of the lines of the gates from ``low`` to ``high``."""
    n = 0
    for v in range(low, high):
        start, stop = offsets[v], offsets[v + 1]
        code = op[v]
        pieces[n] = first_vertex + v
        pieces[n + 1] = _EQUALS
        n += 2
        call = False  # whether the gate is written as a function
        if code == SUM:
            call = stop - start == 1 and weights[start] == exact.ONE
            if not call:
                call = True
                for w in range(start, stop):
                    u = operands[w]
                    if op[u] != CONSTANT or params[u] != exact.ONE:
                        call = False
                        break
        elif code == PROD:
            call = stop - start == 1
            for w in range(start, stop):
                call = call or number[operands[w]]
        elif code == INV:
            call = number[operands[start]]
        else:
            call = code != DIV and code != POWER and code != POW
        if call:
            pieces[n] = _FIRST_NAME + code
            pieces[n + 1] = _OPEN
            n += 2

        if code == SUM:
            for w in range(start, stop):
                u = operands[w]
                place = weights[w]
                if w > start:
                    pieces[n] = _COMMA
                    if not call:
                        pieces[n] = _MINUS if negative[place] else _PLUS
                    n += 1
                if negative[place] and (call or w == start):
                    pieces[n] = _SIGN
                    n += 1
                if op[u] == CONSTANT and params[u] == exact.ONE:
                    pieces[n] = piece_of[place]  # the number itself
                    n += 1
                    continue
                if place != exact.ONE and place != exact.MINUS_ONE:
                    pieces[n] = piece_of[place]
                    pieces[n + 1] = _TIMES
                    n += 2
                pieces[n] = first_vertex + u
                n += 1
        elif code == POWER:
            u = operands[start]
            if loose[u]:
                pieces[n] = _OPEN
                n += 1
            pieces[n] = first_vertex + u
            n += 1
            if loose[u]:
                pieces[n] = _CLOSE
                n += 1
            pieces[n] = _POWER
            n += 1
        elif code == INV and not call:
            pieces[n] = _INVERSE
            pieces[n + 1] = first_vertex + operands[start]
            n += 2
        else:
            between = _COMMA
            if code == DIV:
                between = _OVER
            elif code == POW:
                between = _POWER
            elif code == PROD and not call:
                between = _TIMES
            for w in range(start, stop):
                if w > start:
                    pieces[n] = between
                    n += 1
                bracket = code == POW and w == start and loose[operands[w]]
                if bracket:
                    pieces[n] = _OPEN
                    n += 1
                pieces[n] = first_vertex + operands[w]
                n += 1
                if bracket:
                    pieces[n] = _CLOSE
                    n += 1
        if params[v] >= 0:
            bracket = code == POWER and fraction[params[v]]
            if code != POWER:
                pieces[n] = _COMMA
                n += 1
            if bracket:
                pieces[n] = _OPEN
                n += 1
            if negative[params[v]]:
                pieces[n] = _SIGN
                n += 1
            pieces[n] = piece_of[params[v]]
            n += 1
            if bracket:
                pieces[n] = _CLOSE
                n += 1
        if call:
            pieces[n] = _CLOSE
            n += 1
        pieces[n] = _END
        n += 1
    end[0] = n


@kernel
def _put_together(pieces, start, stop, text, out, end):  # type: ignore[no-untyped-def]
    """Write the bytes of pieces one after another."""
    n = 0
    for i in range(len(pieces)):
        p = pieces[i]
        if stop[p] >= 0:
            for k in range(start[p], stop[p]):
                out[n] = text[k]
                n += 1
            continue
        out[n] = 103  # g
        n += 1
        digits, rest = 0, start[p]
        while rest:
            rest //= 10
            digits += 1
        rest = start[p]
        for k in range(n + digits - 1, n - 1, -1):
            out[k] = 48 + rest % 10
            rest //= 10
        n += digits
    end[0] = n
