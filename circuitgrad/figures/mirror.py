"""A circuit and its gradient in one figure, each derivative mirroring its gate.

The circuit is laid out by Graphviz, with room for the gates that the chain rule has on
a wire; the gradient's half is that layout in a mirror, with the wires turned round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.check.claims import claims
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.drawing import check_size
from circuitgrad.figures.elements import elements, fitted, role_of, vertex_lines
from circuitgrad.figures.extract import one_output
from circuitgrad.figures.labelling import with_weights
from circuitgrad.figures.labels import WEIGHT, Names, gate_line, number_line, value_line
from circuitgrad.figures.layout import place
from circuitgrad.figures.scene import Curve, Label, Node, Place, Point, Scene, Wire
from circuitgrad.gates import CONSTANT
from circuitgrad.gradients import gradient
from circuitgrad.passes import run
from circuitgrad.provenance import ADJOINT, COPY

__all__ = ["Mirror", "alone"]

#: Between the halves, in points.
GAP: Final = 48.0


class Mirror:
    """A circuit beside its gradient by every vertex, and which node stands for what.

    Parameters
    ----------
    circuit : Circuit
        What its output does not depend on is left out.
    of : str, optional
        The output, where there are several.
    pipeline : str
        The level or the passes that follow backpropagation.
    at : mapping, optional
        Values of the inputs by name: gates show theirs.
    room : float, optional
        Instead, a value that stands in every gate, so that others have room there.

    Attributes
    ----------
    scene : Scene
        Keys are ``n`` and a vertex of the source, ``m`` and the vertex of the source
        that a derivative is by, ``b`` and ``c`` and a vertex of the gradient between
        the two, ``o`` the output; wires of the source are ``w``, of the gradient ``v``
        and the wire's place, and ``a`` what a dashed derivative is equal to.
    source, emitted : Circuit
        What is drawn on the left, and its gradient.
    adjoint : dict of int to int
        The vertex of ``emitted`` that computes the derivative by each of ``source``.
    output : int
        The vertex of ``source`` that is differentiated.

    Raises
    ------
    CircuitError
        If there are several outputs and ``of`` is left out, or a name is unknown.
    EvaluationError
        If a gate has no value at the point.
    LimitError
        If there are too many gates to be laid out.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        of: str | None = None,
        pipeline: str = "none",
        at: Mapping[str, Any] | None = None,
        room: float | None = None,
    ) -> None:
        self.source = alone(circuit, of)
        check_size(self.source)  # a larger one has a larger gradient
        emitted = gradient(self.source, all=True, value=True, pipeline=pipeline)
        check_size(emitted)
        self.emitted = emitted
        #: Values of the vertices of both, or None.
        self.own = None if at is None else values_at(self.source, at)
        self.values = None if at is None else values_at(emitted, at)
        if room is not None:
            self.own = [room] * len(self.source.columns)
            self.values = [room] * len(emitted.columns)
        assert emitted.provenance is not None
        self.provenance = emitted.provenance
        self.output = self.source.outputs[0][1]
        self.adjoint = {
            reading.by: reading.found
            for readings in claims(self.source, emitted).values()
            for reading in readings[:1]
            if reading.by >= 0
        }
        role, vertex = self.provenance.role.tolist(), self.provenance.vertex.tolist()
        self.copies = {v: vertex[v] for v, r in enumerate(role) if r == COPY}
        #: The vertex of the source that an emitted one stands opposite of.
        self.opposite = {
            v: vertex[v]
            for v, r in enumerate(role)
            if r == ADJOINT and self.adjoint.get(vertex[v]) == v
        }
        for z in sorted(self.adjoint, reverse=True):  # as the algorithm visits them
            if self.adjoint[z] not in self.copies:
                self.opposite.setdefault(self.adjoint[z], z)
        self.constant = emitted.columns.op == CONSTANT
        columns, live = emitted.columns, emitted.live
        self.between = [
            v
            for v in range(columns.sources, len(columns))
            if live[v] and v not in self.copies and v not in self.opposite
        ]
        self.names = Names(self.source)
        self.layout = place(self._star())
        right = max(self.layout.box[2], 0.0)
        self.middle = right + GAP / 2
        self.lowest = min(node.place.y for node in self.layout.nodes.values())
        self.nodes: dict[str, Node] = {}
        self.wires: dict[str, Wire] = {}
        self.crossings = 0
        self._left_half()
        self._right_half()
        title = f"{self.source.name or 'circuit'} and its gradient"
        self.scene = with_weights(Scene(self.nodes, self.wires, title))

    # ------------------------------------------------------------------ labels

    def _symbol(self, vertex: int) -> Label:
        columns = self.emitted.columns
        param = int(columns.params[vertex])
        number = exact.number(param) if param >= 0 else None
        if columns.op[vertex] == CONSTANT:
            assert number is not None
            return number_line(number)
        return gate_line(self.emitted.gate_type(vertex), number)

    def _derivative(self, z: int) -> tuple[Label, ...]:
        """Give the lines of the node opposite of z."""
        v = self.adjoint[z]
        symbol = self._symbol(v) if self.is_alone(z) else Label("=", "=")
        return (symbol, self.derivative_name(z), *self._value(v))

    def derivative_name(self, z: int) -> Label:
        """Give the line of the derivative by a vertex of the source."""
        of = next(name for name, at in self.source.outputs if at == self.output)
        return self.names.derivative(of, self.source.labels[z])

    def is_alone(self, z: int) -> bool:
        """Tell whether the derivative by z has a gate of its own, or is a number."""
        v = self.adjoint[z]
        return bool(self.constant[v]) or self.opposite.get(v) == z

    def _value(self, vertex: int) -> tuple[Label, ...]:
        value = None if self.values is None else self.values[vertex]
        if value is None or self.emitted.columns.op[vertex] == CONSTANT:
            return ()
        return (value_line(value),)

    # ------------------------------------------------------------------ layout

    def _star(self) -> Scene:
        """Give what is laid out: the source, with room on its wires."""
        scene = elements(self.source, self.own)
        nodes, wires = dict(scene.nodes), dict(scene.wires)
        for z in self.adjoint:
            node = nodes.get(f"n{z}")
            if node is not None:  # both stand in nodes of one size
                own = replace(node, lines=self._own_lines(z), shape="ellipse")
                one, other = fitted(own), fitted(own, self._derivative(z))
                width = max(one.place.width, other.place.width)
                height = max(one.place.height, other.place.height)
                nodes[node.key] = replace(own, place=Place(0, 0, width, height))
        for v in self.between:
            gate, slot = self.wire_of(v)
            if gate < 0:
                continue
            at = self.source.columns.wires_of(gate)[slot]
            tail = int(self.source.columns.operands[at])
            lines = (self._symbol(v), *self._value(v))
            nodes[f"b{v}"] = fitted(Node(f"b{v}", lines, role_of(self.emitted, v)))
            wires[f"b{v}_0"] = Wire(f"b{v}_0", f"n{tail}", f"b{v}")
            wires[f"b{v}_1"] = Wire(f"b{v}_1", f"b{v}", f"n{gate}")
        return Scene(nodes, wires)

    def _own_lines(self, z: int) -> tuple[Label, ...]:
        """Give the lines of z itself; the derivatives say the names of all gates."""
        value = None if self.own is None else self.own[z]
        lines = vertex_lines(self.source, z, self.names)
        if self._is_gate(z):
            own = () if z == self.output else (self.names[self.source.labels[z]],)
            lines = (lines[0], *own)
        return lines if value is None else (*lines, value_line(value))

    def wire_of(self, vertex: int) -> tuple[int, int]:
        """Give the gate and the slot that a gate of the chain rule belongs to.

        The gate is -1 where there is none.
        """
        gate = int(self.provenance.vertex[vertex])
        slot = int(self.provenance.slot[vertex])
        return (gate, max(slot, 0)) if self._is_gate(gate) else (-1, 0)

    def _is_gate(self, z: int) -> bool:
        return z >= self.source.columns.sources

    # ------------------------------------------------------------------ the halves

    def _left_half(self) -> None:
        """Draw the source as it was laid out."""
        for key, node in self.layout.nodes.items():
            if key[0] in "no":
                source = node.role == "source"
                role = node.role if key[0] == "o" or source else "copy"
                self.nodes[key] = replace(node, role=role)
        for key, wire in self.layout.wires.items():
            if key[0] in "wo":
                self.wires[key] = wire

    def _right_half(self) -> None:
        for z in self.adjoint:
            node = self.layout.nodes.get(f"n{z}")
            if node is not None:
                name = self.derivative_name(z).text
                dashed = not self.is_alone(z)
                self.nodes[f"m{z}"] = Node(
                    f"m{z}",
                    self._derivative(z),
                    "adjoint",
                    place=self._mirrored(node.place),
                    title=name,
                    dashed=dashed,
                )
        strays = 0
        for v in self.between:
            role, placed = role_of(self.emitted, v), self.layout.nodes.get(f"b{v}")
            node = placed or fitted(
                Node(f"b{v}", (self._symbol(v), *self._value(v)), role)
            )
            if placed is None:  # a pass made it, for no wire of the source
                strays += 1
                at = replace(node.place, x=strays * 60.0, y=self.lowest - 70)
                node = replace(node, place=at)
            title = self.provenance.describe(v)
            at = self._mirrored(node.place)
            self.nodes[node.key] = replace(node, place=at, role=role, title=title)
        for z, v in self.adjoint.items():
            if f"m{z}" not in self.nodes or self.constant[v]:
                continue
            if self.is_alone(z):
                self._wires_into(v, f"m{z}", self._users(z))
            else:
                tail = self._standing(v, self._users(z))
                self._connect(f"a{z}", tail, f"m{z}", None)
        for v in self.between:
            gate, _ = self.wire_of(v)
            self._wires_into(v, f"b{v}", [gate] if gate >= 0 else [])

    def _users(self, z: int) -> list[int]:
        """Give the gates of the source that use a vertex."""
        columns = self.source.columns
        return sorted({int(g) for g in columns.consumer[columns.operands == z]})

    def _standing(self, vertex: int, near: Sequence[int]) -> str:
        """Give the node that stands for an operand: if it can be, one near."""
        for gate in near:
            if self.adjoint.get(gate) == vertex:
                return f"m{gate}"
        if vertex in self.opposite:
            return f"m{self.opposite[vertex]}"
        if vertex in self.copies:
            return f"n{self.copies[vertex]}"
        if vertex not in self.between:  # a constant of the chain rule's
            name = f"c{vertex}"
            if name not in self.nodes:
                node = fitted(Node(name, (self._symbol(vertex),), "source", "box"))
                at = replace(node.place, x=self.middle, y=self.lowest)
                self.nodes[name] = replace(node, place=at)
            return name
        return f"b{vertex}"

    def _wires_into(self, vertex: int, node: str, near: Sequence[int]) -> None:
        columns = self.emitted.columns
        for wire in columns.wires_of(vertex):
            tail = self._standing(int(columns.operands[wire]), near)
            weight = int(columns.weights[wire])
            label = None
            if weight != exact.ONE:
                label = number_line(exact.number(weight), WEIGHT)
            self._connect(f"v{wire}", tail, node, label)

    def _connect(self, key: str, tail: str, head: str, label: Label | None) -> None:
        """Draw a wire: the mirrored one where there is one."""
        curve, at = self._mirrored_curve(tail, head)
        style = "wire"
        if not curve:
            a, b = self.nodes[tail].place, self.nodes[head].place
            if tail[0] in "nc":
                self.crossings += 1
                style, curve = "crossing", _swung(a, b, self.crossings)
            else:
                curve = _straight(a.towards((b.x, b.y)), b.towards((a.x, a.y)))
            # of crossings that end side by side, labels stand apart
            at = (
                _halfway(curve) if len(curve) == 4 else (curve[-4][0], curve[-4][1] + 7)
            )
        elif at is None:
            at = _halfway(curve[:4])
        self.wires[key] = Wire(
            key, tail, head, label, style=style, curve=curve, label_at=at
        )

    def _mirrored(self, place: Place) -> Place:
        return replace(place, x=2 * self.middle - place.x)

    def _mirrored_curve(self, tail: str, head: str) -> tuple[Curve, Point | None]:
        """Give the curve of the wire that one of the right half mirrors, turned round.

        Of parallel wires each is given once.
        """
        if (tail, head) not in self._turned:
            return (), None
        keys = self._turned[tail, head]
        wire = self.layout.wires[keys.pop(0) if len(keys) > 1 else keys[0]]
        turned = tuple((2 * self.middle - x, y) for x, y in reversed(wire.curve))
        if wire.label is None:
            return turned, None
        return turned, (2 * self.middle - wire.label_at[0], wire.label_at[1])

    @cached_property
    def _turned(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for key, wire in self.layout.wires.items():
            ends = [end.replace("n", "m") for end in (wire.head, wire.tail)]
            if key[0] in "wb":
                found.setdefault((ends[0], ends[1]), []).append(key)
        return found


def alone(circuit: Circuit, of: str | None) -> Circuit:
    """Give the circuit of one output and nothing else, as a source of its own."""
    if of is None:
        if len(circuit.outputs) != 1:
            names = ", ".join(circuit.output_names)
            raise CircuitError(f"several outputs, {names}: say which with of= (--of)")
        (of,) = circuit.output_names
    cone = run(one_output(circuit, of), "dce")
    return Circuit(cone.columns, cone.names, cone.outputs, cone.name)


def _straight(start: Point, end: Point) -> Curve:
    def between(share: float) -> Point:
        x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        return x, y

    return start, between(1 / 3), between(2 / 3), end


def _swung(a: Place, b: Place, number: int) -> Curve:
    """Lead from a node to one of the other half, above the other nodes of their ranks.

    Crossings run side by side, by number.
    """
    beside = 4 * (number % 4)
    start = a.towards((a.x + a.width, a.y + a.height))
    end = b.towards((b.x - b.width, b.y + b.height))
    first = a.x + 0.6 * a.width + 14, a.y + a.height / 2 + 5 + beside
    last = b.x - 0.6 * b.width - 14, b.y + b.height / 2 + 5 + beside
    reach = (last[0] - first[0]) / 2
    return (
        start,
        (start[0] + 8, start[1] + 8),
        (first[0] - 10, first[1]),
        first,
        (first[0] + reach, first[1]),
        (last[0] - reach, last[1]),
        last,
        (last[0] + 10, last[1]),
        (end[0] - 8, end[1] + 8),
        end,
    )


def _halfway(curve: Curve) -> Point:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve
    return (x0 + 3 * x1 + 3 * x2 + x3) / 8, (y0 + 3 * y1 + 3 * y2 + y3) / 8 + 8
