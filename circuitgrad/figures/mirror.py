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
from circuitgrad.figures.elements import elements, fitted, role_of, vertex_lines
from circuitgrad.figures.extract import check_size, one_output
from circuitgrad.figures.labelling import with_weights
from circuitgrad.figures.labels import WEIGHT, Names, gate_line, number_line, value_line
from circuitgrad.figures.layout import place
from circuitgrad.figures.routing import Channels, Descent
from circuitgrad.figures.scene import Curve, Label, Node, Place, Scene, Wire
from circuitgrad.gates import CONSTANT, SUM
from circuitgrad.gradients import gradient
from circuitgrad.passes import run
from circuitgrad.provenance import ADJOINT, COPY, PRODUCT

__all__ = ["Mirror", "alone"]

#: Between the halves, in points.
GAP: Final = 48.0

#: Of a wire: its tail, its head, and its weight, unless that is 1.
Ends = tuple[str, str, Label | None]


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
        self._star = elements(self.source, self.own)
        #: Wires of the right half, by key: where from, where to, and the weight.
        self.ends = self._right_ends()
        #: Constants of the chain rule's.
        self.numbers = sorted(
            {int(tail[1:]) for tail, _, _ in self.ends.values() if tail[0] == "c"}
        )
        self.layout = place(self._laid())
        self.middle = max(self.layout.box[2], 0.0) + GAP / 2
        self.nodes: dict[str, Node] = {}
        self.wires: dict[str, Wire] = {}
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

    def _laid(self) -> Scene:
        """Give what is laid out: the source, with room for the chain rule's gates.

        Their wires are turned round, as the mirror turns them.
        """
        nodes, wires = dict(self._star.nodes), dict(self._star.wires)
        for z in self.adjoint:
            node = nodes.get(f"n{z}")
            if node is not None:  # both stand in nodes of one size
                own = replace(node, lines=self._own_lines(z), shape="ellipse")
                one, other = fitted(own), fitted(own, self._derivative(z))
                width = max(one.place.width, other.place.width)
                height = max(one.place.height, other.place.height)
                nodes[node.key] = replace(own, place=Place(0, 0, width, height))
        for v in self.between:
            lines = (self._symbol(v), *self._value(v))
            nodes[f"b{v}"] = fitted(Node(f"b{v}", lines, role_of(self.emitted, v)))
        for v in self.numbers:  # whose role would put them among the inputs
            nodes[f"c{v}"] = fitted(Node(f"c{v}", (self._symbol(v),), "gate", "box"))
        down = Descent((wire.tail, wire.head) for wire in wires.values())
        for key, ends in self._mirroring.items():
            tail, head, label = ends
            if down.allows(tail, head):
                wires[key] = Wire(key, tail, head, label)
            else:  # passes may make a derivative depend on one further down
                wires[key] = Wire(key, head, tail, label)
        fed = {head for tail, head, _ in self.ends.values() if tail[0] in "mb"}
        for v in self.between:
            gate, _ = self.wire_of(v)
            if gate >= 0 and f"b{v}" not in fed and down.allows(f"b{v}", f"n{gate}"):
                wires[f"r{v}"] = Wire(f"r{v}", f"b{v}", f"n{gate}")
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

    # ------------------------------------------------------------------ wires

    def _right_ends(self) -> dict[str, Ends]:
        """Give the wires of the right half, between the nodes that stand for them."""
        found: dict[str, Ends] = {}
        for z, v in self.adjoint.items():
            if f"n{z}" not in self._star.nodes or self.constant[v]:
                continue
            users = self._users(z)
            if self.is_alone(z):
                found |= self._wires_into(v, f"m{z}", users)
            else:
                found[f"a{z}"] = self._standing(v, users), f"m{z}", None
        for v in self.between:
            role, of = int(self.provenance.role[v]), int(self.provenance.vertex[v])
            near = self._users(of) if role == ADJOINT else [of] if of >= 0 else []
            found |= self._wires_into(v, f"b{v}", near)
        return found

    def _users(self, z: int) -> list[int]:
        """Give the gates of the source that use a vertex, one for each wire."""
        columns = self.source.columns
        return sorted(columns.consumer[columns.operands == z].tolist())

    def _wires_into(
        self, vertex: int, node: str, near: Sequence[int]
    ) -> dict[str, Ends]:
        columns, near = self.emitted.columns, list(near)
        found: dict[str, Ends] = {}
        for wire in columns.wires_of(vertex):
            operand, weight = int(columns.operands[wire]), int(columns.weights[wire])
            adjoints = self._adjoints_of(vertex, operand, near)
            label = None
            if weight != exact.ONE:
                label = number_line(exact.number(weight), WEIGHT)
            found[f"v{wire}"] = self._standing(operand, adjoints), node, label
            for gate in adjoints[:1]:  # x + x has as many terms
                near.remove(gate)
        return found

    def _adjoints_of(self, vertex: int, operand: int, near: Sequence[int]) -> list[int]:
        """Give those gates whose derivative an operand may be.

        A number may be that of ∂y/∂y, and as well one of a partial derivative.
        """
        found = [gate for gate in near if self.adjoint.get(gate) == operand]
        if not self.constant[operand]:
            return found
        if self.provenance.role[vertex] not in (PRODUCT, ADJOINT):
            return []
        if self.emitted.columns.op[vertex] == SUM:  # of terms by sums: no other is 1
            return [gate for gate in found if self.source.columns.op[gate] == SUM]
        return found

    def _standing(self, vertex: int, near: Sequence[int]) -> str:
        """Give the node that stands for an operand: if it can be, one near."""
        for gate in near:
            if self.adjoint.get(gate) == vertex:
                return f"m{gate}"
        if vertex in self.copies:
            return f"n{self.copies[vertex]}"
        if self.constant[vertex]:  # one of the chain rule's
            return f"c{vertex}"
        if vertex in self.opposite:
            return f"m{self.opposite[vertex]}"
        return f"b{vertex}"

    @cached_property
    def _curve_of(self) -> dict[str, str]:
        """The wire of the source that each wire of the right half mirrors, if any.

        Of parallel wires each is given once.
        """
        pairs: dict[tuple[str, str], list[str]] = {}
        for key, wire in self._star.wires.items():
            if key[0] == "w":
                pairs.setdefault((wire.head, wire.tail), []).append(key)
        found: dict[str, str] = {}
        for key, (tail, head, _) in self.ends.items():
            if tail[0] == head[0] == "m":
                keys = pairs.get((f"n{tail[1:]}", f"n{head[1:]}"), [])
                if keys:
                    found[key] = keys.pop(0)
        return found

    @cached_property
    def _mirroring(self) -> dict[str, Ends]:
        """The wires that are laid out for the right half, turned round."""
        return {
            key: (head.replace("m", "n"), tail.replace("m", "n"), label)
            for key, (tail, head, label) in self.ends.items()
            if tail[0] != "n" and key not in self._curve_of
        }

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
                self.nodes[f"m{z}"] = Node(
                    f"m{z}",
                    self._derivative(z),
                    "adjoint",
                    place=self._mirrored(node.place),
                    title=self.derivative_name(z).text,
                    dashed=not self.is_alone(z),
                )
        for v in self.between:
            node = self.layout.nodes[f"b{v}"]
            title = self.provenance.describe(v)
            at = self._mirrored(node.place)
            self.nodes[node.key] = replace(node, place=at, title=title)
        for v in self.numbers:
            node = self.layout.nodes[f"c{v}"]
            at = self._mirrored(node.place)
            self.nodes[node.key] = replace(node, place=at, role="source")
        channels = Channels(self.nodes, self.middle)
        for key, (tail, head, label) in self.ends.items():
            if tail[0] == "n":
                curve, style = channels.crossing(tail, head), "crossing"
            else:
                curve, style = self._mirrored_curve(key, tail), "wire"
            self.wires[key] = Wire(key, tail, head, label, style=style, curve=curve)

    def _mirrored(self, place: Place) -> Place:
        return replace(place, x=2 * self.middle - place.x)

    def _mirrored_curve(self, key: str, tail: str) -> Curve:
        """Give the curve of a wire that was laid out, from its tail on."""
        wire = self.layout.wires[self._curve_of.get(key, key)]
        curve = tuple((2 * self.middle - x, y) for x, y in wire.curve)
        return curve if wire.tail == tail.replace("m", "n") else curve[::-1]


def alone(circuit: Circuit, of: str | None) -> Circuit:
    """Give the circuit of one output and nothing else, as a source of its own."""
    if of is None:
        if len(circuit.outputs) != 1:
            names = ", ".join(circuit.output_names)
            raise CircuitError(f"several outputs, {names}: say which with of= (--of)")
        (of,) = circuit.output_names
    cone = run(one_output(circuit, of), "dce")
    return Circuit(cone.columns, cone.names, cone.outputs, cone.name)
