"""From a circuit to the nodes and wires of a figure, before Graphviz places them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.columns import trait_table
from circuitgrad.figures.labels import (
    SLOT,
    WEIGHT,
    Names,
    number_line,
    value_label,
    value_line,
)
from circuitgrad.figures.palette import ROLE_NAMES
from circuitgrad.figures.scene import Label, Node, Place, Scene, Wire
from circuitgrad.figures.symbols import SHAPE, shape_line, symbol_line
from circuitgrad.figures.typeset import extent
from circuitgrad.formats.matrixnames import shape_text
from circuitgrad.gates import CONSTANT, INPUT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["elements", "fitted", "role_of", "vertex_lines", "wire_labels"]

#: Room around the lines of a node, and the least height of one, in points.
MARGIN, LEAST = 5.0, 28.0
#: An ellipse around a box is wider and higher than it by this; √2 would touch all of
#: its corners, which letters leave empty.
AROUND: Final = 1.3
#: Longest name that is said of a node, in characters.
MAX_TITLE: Final = 200
#: The passes after which gates have roles.
_EMITTING: Final = {"reverse_mode", "forward_mode", "finite_differences"}


def elements(circuit: Circuit, values: Sequence[Any] | None = None) -> Scene:
    """Give a circuit's live vertices, its inputs and its outputs, and their wires.

    A gate shows its symbol, and its name below where it has one; a wire its weight, or
    its slot where operands have an order, and the shape of an array; an output is an
    arrow to its name.

    Parameters
    ----------
    circuit : Circuit
    values : sequence, optional
        One for each vertex, or None: gates and inputs show theirs.

    Returns
    -------
    Scene
        Not placed: nodes are of the size that they need, and stand at 0, 0.  Keys are
        ``n`` and the vertex, ``w`` and the wire's place in the columns, ``o`` and the
        output's number.
    """
    columns, live, names = circuit.columns, circuit.live, Names(circuit)
    nodes: list[Node] = []
    wires: list[Wire] = []
    shown = [v for v in range(len(columns)) if live[v] or v < columns.inputs]
    labels = circuit.labels
    for vertex in shown:
        value = None if values is None else values[vertex]
        source = vertex < columns.sources
        title = labels[vertex][:MAX_TITLE]
        if shape := columns.shape(vertex):
            title = f"{title}: {shape_text(shape)}"
        if value is not None:
            title = f"{title} = {value_label(value)}"
        node = Node(
            f"n{vertex}",
            vertex_lines(circuit, vertex, names, value),
            role_of(circuit, vertex),
            "box" if source else "ellipse",
            title=title,
        )
        nodes.append(fitted(node))
        for wire in columns.wires_of(vertex):
            tail = int(columns.operands[wire])
            weight, slot = wire_labels(circuit, wire)
            made = Wire(f"w{wire}", f"n{tail}", f"n{vertex}", weight, slot)
            wires.append(replace(made, shape=shape_line(columns.shape(tail))))
    for number, (name, vertex) in enumerate(circuit.outputs):
        title = name[:MAX_TITLE]
        node = Node(f"o{number}", (names[name],), "output", "plain", title=title)
        nodes.append(fitted(node))
        arrow = Wire(f"o{number}", f"n{vertex}", f"o{number}", style="output")
        wires.append(replace(arrow, shape=shape_line(columns.shape(vertex))))
    return Scene.of(nodes, wires, circuit.name or "")


def vertex_lines(
    circuit: Circuit, vertex: int, names: Names, value: Any = None
) -> tuple[Label, ...]:
    """Give the lines of a vertex: symbol, name unless an arrow says it, value."""
    columns = circuit.columns
    code = int(columns.op[vertex])
    if code == CONSTANT:
        return (number_line(exact.number(int(columns.params[vertex]))),)
    name = circuit.names[vertex]
    if code == INPUT:
        lines = [names[str(name)]._replace(size=1.0)]
    else:
        lines = [symbol_line(circuit, vertex)]
        outputs = {label for label, at in circuit.outputs if at == vertex}
        if name is not None and name not in outputs:
            lines.append(names[str(name)])
    if value is not None:
        lines.append(value_line(value))
    return tuple(lines)


def wire_labels(circuit: Circuit, wire: int) -> tuple[Label | None, Label | None]:
    """Give a wire's weight, unless it is 1, and its slot, where slots have an order."""
    columns = circuit.columns
    weight, gate = int(columns.weights[wire]), int(columns.consumer[wire])
    if weight != exact.ONE:
        return number_line(exact.number(weight), WEIGHT), None
    slots = columns.wires_of(gate)
    if len(slots) < 2 or trait_table("commutative")[columns.op[gate]]:
        return None, None
    number = str(wire - slots.start + 1)
    return None, Label(number, number, SHAPE if columns.shaped else SLOT)


def role_of(circuit: Circuit, vertex: int) -> str:
    """Tell what a vertex is: that of its provenance, in an emitted gradient."""
    if circuit.columns.op[vertex] <= CONSTANT:
        return "source"
    provenance = circuit.provenance
    if provenance is None or provenance.source is circuit:
        return "gate"
    if _EMITTING.isdisjoint(provenance.passes):
        return "gate"
    return ROLE_NAMES[int(provenance.role[vertex])]


def fitted(node: Node, lines: Sequence[Label] | None = None) -> Node:
    """Make a node as large as its lines (or others) need: a circle if it can be."""
    width, height = extent(node.lines if lines is None else lines)
    if node.shape == "plain":
        size = width + 2 * MARGIN, height + 2 * MARGIN
    elif node.shape == "box":
        size = max(width + 3 * MARGIN, LEAST), max(height + 2 * MARGIN, LEAST)
    else:
        size = AROUND * (width + MARGIN), AROUND * (height + MARGIN)
        if width < 1.7 * height + MARGIN:
            size = (max(math.hypot(width, height) + MARGIN, LEAST),) * 2
        size = max(size[0], LEAST), max(size[1], LEAST)
    return replace(node, place=Place(node.place.x, node.place.y, *size))
