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
from circuitgrad.circuit import Circuit
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.elements import elements, fitted, role_of, vertex_lines
from circuitgrad.figures.extract import alone, check_size
from circuitgrad.figures.labelling import with_weights
from circuitgrad.figures.labels import Names, number_line, value_line
from circuitgrad.figures.layout import has_shapes, ranked
from circuitgrad.figures.opposites import Ends, Opposites, asked
from circuitgrad.figures.routing import Channels, Descent
from circuitgrad.figures.scene import Curve, Label, Node, Place, Scene, Wire
from circuitgrad.figures.symbols import symbol_line
from circuitgrad.figures.turning import fit, turned
from circuitgrad.gates import CONSTANT
from circuitgrad.gradients import gradient

__all__ = ["Mirror", "alone"]

#: Between the halves, in points.
GAP: Final = 48.0


class Mirror(Opposites):
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
    wrt : str or sequence of str, optional
        Derivatives by these inputs alone, and by the gates between them and the output.

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
        wrt: Sequence[str] | str | None = None,
    ) -> None:
        source = alone(circuit, of)
        check_size(source)  # a larger one has a larger gradient
        emitted = gradient(source, all=True, value=True, pipeline=pipeline)
        if wrt is not None:
            emitted = asked(source, emitted, [wrt] if isinstance(wrt, str) else wrt)
        check_size(emitted)
        super().__init__(source, emitted)
        #: Values of the vertices of both, or None.
        self.own = None if at is None else values_at(self.source, at)
        self.values = None if at is None else values_at(emitted, at)
        if room is not None:
            self.own = [room] * len(self.source.columns)
            self.values = [room] * len(emitted.columns)
        self.names = Names(self.source)
        self._star = elements(self.source, self.own)
        #: Constants of the chain rule's.
        self.numbers = sorted(
            {int(w.tail[1:]) for w in self.ends.values() if w.tail[0] == "c"}
        )
        halves = self._halves()
        if has_shapes(halves):  # the circuit above, from left to right, or beside
            halves = max(turned(self._halves(aside=True)), halves, key=fit)
        self.scene = with_weights(halves)

    # ------------------------------------------------------------------ labels

    def _symbol(self, vertex: int) -> Label:
        columns = self.emitted.columns
        if columns.op[vertex] == CONSTANT:
            return number_line(exact.number(int(columns.params[vertex])))
        return symbol_line(self.emitted, vertex)

    def _derivative(self, z: int) -> tuple[Label, ...]:
        """Give the lines of the node opposite of z."""
        v = self.adjoint[z]
        symbol = self._symbol(v) if self.is_alone(z) else Label("=", "=")
        return (symbol, self.derivative_name(z), *self._value(v))

    def derivative_name(self, z: int) -> Label:
        """Give the line of the derivative by a vertex of the source."""
        of = next(name for name, at in self.source.outputs if at == self.output)
        return self.names.derivative(of, self.source.labels[z])

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
            if not down.allows(ends.tail, ends.head):
                # passes may make a derivative depend on one further down
                ends = ends.turned()
            wires[key] = ends.wire(key)
        fed = {w.head for w in self.ends.values() if w.tail[0] in "mb"}
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
        for key, ends in self.ends.items():
            if ends.tail[0] == ends.head[0] == "m":
                keys = pairs.get((f"n{ends.tail[1:]}", f"n{ends.head[1:]}"), [])
                if keys:
                    found[key] = keys.pop(0)
        return found

    @cached_property
    def _mirroring(self) -> dict[str, Ends]:
        """The wires that are laid out for the right half, turned round."""
        return {
            key: ends.turned()
            for key, ends in self.ends.items()
            if ends.tail[0] != "n" and key not in self._curve_of
        }

    # ------------------------------------------------------------------ the halves

    def _halves(self, aside: bool = False) -> Scene:
        """Draw both; nodes may lie on their side, for a figure that is turned."""
        self.layout = ranked(self._laid(), aside=aside)
        if not aside:  # a weight at the side needs room between the halves
            self.layout = with_weights(self.layout)
        self.middle = max(self.layout.box[2], 0.0) + GAP / 2
        self.nodes: dict[str, Node] = {}
        self.wires: dict[str, Wire] = {}
        self._left_half()
        self._right_half()
        title = f"{self.source.name or 'circuit'} and its gradient"
        return Scene(self.nodes, self.wires, title)

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
        for key, ends in self.ends.items():
            if ends.tail[0] == "n":
                curve, style = channels.crossing(ends.tail, ends.head), "crossing"
            else:
                curve, style = self._mirrored_curve(key, ends.tail), "wire"
            self.wires[key] = replace(ends.wire(key), style=style, curve=curve)

    def _mirrored(self, place: Place) -> Place:
        return replace(place, x=2 * self.middle - place.x)

    def _mirrored_curve(self, key: str, tail: str) -> Curve:
        """Give the curve of a wire that was laid out, from its tail on."""
        wire = self.layout.wires[self._curve_of.get(key, key)]
        curve = tuple((2 * self.middle - x, y) for x, y in wire.curve)
        return curve if wire.tail == tail.replace("m", "n") else curve[::-1]
