"""A circuit and its gradient in one figure, each derivative mirroring its gate.

The circuit is laid out by Graphviz, with room for the gates that the chain rule has on
a wire; the gradient's half is that layout in a mirror, with the wires turned round.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.check.claims import claims
from circuitgrad.errors import CircuitError
from circuitgrad.figures.labels import (
    gate_label,
    name_label,
    number_label,
    quoted,
    value_label,
)
from circuitgrad.figures.layout import (
    COLORS,
    FONT,
    dot_graph,
    drawn_names,
    node_options,
)
from circuitgrad.gates import CONSTANT
from circuitgrad.provenance import ADJOINT, COPY

if TYPE_CHECKING:
    import pydot

    from circuitgrad.circuit import Circuit

__all__ = ["mirror_graph"]

#: Between the halves, in points.
GAP: Final = 48.0
#: Length of an arrow's head.
ARROW: Final = 6.0
_CROSSING: Final = {"color": quoted("#b5b5b5"), "penwidth": "0.8"}

Point = tuple[float, float]
Curve = list[Point]


@dataclass(frozen=True)
class Place:
    """Where a node stands, and how large it is, in points."""

    x: float
    y: float
    width: float
    height: float

    def towards(self, to: Point) -> Point:
        """Give the point of the outline, an ellipse, in a direction."""
        dx, dy = to[0] - self.x, to[1] - self.y
        scale = math.hypot(2 * dx / self.width, 2 * dy / self.height) or 1.0
        return self.x + dx / scale, self.y + dy / scale


@dataclass
class _Layout:
    """What Graphviz found: places by node, curves and labels by the key of a wire."""

    places: dict[str, Place] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    labels: dict[str, Point] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: pydot.Dot) -> _Layout:
        """Lay a graph out."""
        from circuitgrad.figures.render import render

        data, found = json.loads(render(graph, "json0")), cls()
        for each in data["objects"]:
            if "pos" in each:
                (x, y), *_ = _points(each["pos"])
                size = 72 * float(each["width"]), 72 * float(each["height"])
                found.places[each["name"]] = Place(x, y, *size)
        for each in data["edges"]:
            found.curves[each["wire"]] = _points(each["pos"])
            if "lp" in each:
                (found.labels[each["wire"]],) = _points(each["lp"])
        return found

    @cached_property
    def right(self) -> float:
        """Where the layout ends."""
        curves = [x for curve in self.curves.values() for x, _ in curve]
        nodes = [place.x + place.width / 2 for place in self.places.values()]
        return max([*curves, *nodes])


def _points(text: str) -> Curve:
    pairs = [pair.split(",") for pair in text.split()]
    return [(float(x), float(y)) for x, y in pairs]


def mirror_graph(emitted: Circuit, values: Sequence[Any] | None = None) -> pydot.Dot:
    """Make the placed graph of a gradient circuit beside its source.

    Parameters
    ----------
    emitted : Circuit
        A gradient of one output by every vertex, with the value, as a pass made it.
    values : sequence, optional
        A value for each of its vertices: gates show theirs.

    Returns
    -------
    pydot.Dot
        With places for all; ``nop2`` is the engine that keeps them.

    Raises
    ------
    CircuitError
        If the circuit does not know what it is the gradient of, or of several outputs.
    """
    return _Mirror(emitted, values).graph()


class _Mirror:
    def __init__(self, emitted: Circuit, values: Sequence[Any] | None) -> None:
        if emitted.provenance is None or emitted.provenance.source is emitted:
            raise CircuitError("a gradient read from a file: give its source instead")
        self.emitted, self.values = emitted, values
        self.provenance = emitted.provenance
        self.source: Circuit = emitted.provenance.source
        #: The vertex that computes the derivative by each vertex of the source.
        self.adjoint: dict[int, int] = {}
        outputs = set()
        for readings in claims(self.source, emitted).values():
            for claim in readings[:1]:
                if claim.by >= 0:
                    self.adjoint[claim.by] = claim.found
                    outputs.add(claim.output)
        if len(outputs) != 1:
            raise CircuitError("a mirror shows the gradient of one output: say which")
        self.output = outputs.pop()
        role, vertex = self.provenance.role.tolist(), self.provenance.vertex.tolist()
        self.copies = {v: vertex[v] for v, r in enumerate(role) if r == COPY}
        #: The vertex of the source that an emitted one stands opposite of.
        self.opposite = {
            v: vertex[v]
            for v, r in enumerate(role)
            if r == ADJOINT and self.adjoint.get(vertex[v]) == v
        }
        for z, v in self.adjoint.items():
            if v not in self.copies:
                self.opposite.setdefault(v, z)
        self.constant = emitted.columns.op == CONSTANT
        columns, live = emitted.columns, emitted.live
        self.between = [
            v
            for v in range(columns.sources, len(columns))
            if live[v] and v not in self.copies and v not in self.opposite
        ]
        self.names = drawn_names(self.source)
        self.layout = _Layout.of(self._star())
        self.middle = self.layout.right + GAP / 2
        self.lowest = min(place.y for place in self.layout.places.values())

    # ------------------------------------------------------------------ labels

    def _symbol(self, vertex: int) -> str:
        columns = self.emitted.columns
        param = int(columns.params[vertex])
        number = exact.number(param) if param >= 0 else None
        if columns.op[vertex] == CONSTANT:
            assert number is not None
            return number_label(number)
        return gate_label(self.emitted.gate_type(vertex), number)

    def _derivative(self, z: int) -> list[str]:
        """Give the lines of the node opposite of z."""
        v, labels = self.adjoint[z], self.source.labels
        of = next(name for name, at in self.source.outputs if at == self.output)
        symbol = self._symbol(v) if self._is_alone(z) else "="
        lines = [symbol, name_label(f"d{of}_d{labels[z]}", set(labels))]
        return lines + self._value(v)

    def _is_alone(self, z: int) -> bool:
        """Tell whether the derivative by z has a gate of its own, or is a number."""
        v = self.adjoint[z]
        return bool(self.constant[v]) or self.opposite.get(v) == z

    def _value(self, vertex: int) -> list[str]:
        value = None if self.values is None else self.values[vertex]
        if value is None or self.emitted.columns.op[vertex] == CONSTANT:
            return []
        return [value_label(value)]

    # ------------------------------------------------------------------ layout

    def _star(self) -> pydot.Dot:
        """Make the graph that is laid out: the source, with room on its wires."""
        import pydot

        given = self._source_values()
        graph = dot_graph(self.source, values=given)
        columns = self.source.columns
        for node in _nodes(graph):
            if re.fullmatch("n[0-9]+", node.get_name()):
                z = int(node.get_name()[1:])
                if z in self.adjoint:  # both stand in nodes of one size
                    lines = max(
                        self._derivative(z), self._own_lines(z, given), key=_extent
                    )
                    node.set("label", quoted("\n".join(lines)))
                    node.set("shape", "ellipse")
                    node.set("margin", "0.02")
        slots: Counter[str] = Counter()
        for edge in graph.get_edges():
            head = str(edge.get_destination())
            key = head
            if head[0] == "n":
                key = f"w{columns.wires_of(int(head[1:]))[slots[head]]}"
            slots[head] += 1
            edge.set("wire", key)
            edge.set("dir", "none")
        for v in self.between:
            gate, slot = self._wire(v)
            if gate < 0:
                continue
            wire = columns.wires_of(gate)[slot]
            ends = f"n{int(columns.operands[wire])}", f"n{gate}"
            name = f"b{v}"
            lines = [self._symbol(v), *self._value(v)]
            label = quoted("\n".join(lines))
            graph.add_node(pydot.Node(name, label=label, margin="0.02", width="0.4"))
            for number, pair in enumerate(((ends[0], name), (name, ends[1]))):
                graph.add_edge(pydot.Edge(*pair, wire=f"b{v}_{number}", dir="none"))
        return graph

    def _own_lines(self, z: int, values: Sequence[Any] | None) -> list[str]:
        """Give the lines of z itself; the derivatives say the names of all gates."""
        lines = [self.names[self.source.labels[z]]]
        if self._is_gate(z):
            param = int(self.source.columns.params[z])
            number = exact.number(param) if param >= 0 else None
            symbol = gate_label(self.source.gate_type(z), number)
            lines = [symbol, *lines] if z != self.output else [symbol]
        if values is not None and values[z] is not None:
            lines.append(value_label(values[z]))
        return lines

    def _source_values(self) -> Sequence[Any] | None:
        if self.values is None:
            return None
        found: list[Any] = [None] * len(self.source.columns)
        for v, z in self.copies.items():
            found[z] = self.values[v]
        return found

    def _wire(self, vertex: int) -> tuple[int, int]:
        """Give the gate and the slot that a gate of the chain rule belongs to."""
        gate = int(self.provenance.vertex[vertex])
        slot = int(self.provenance.slot[vertex])
        return (gate, max(slot, 0)) if self._is_gate(gate) else (-1, 0)

    def _is_gate(self, z: int) -> bool:
        return z >= self.source.columns.sources

    # ------------------------------------------------------------------ the figure

    def graph(self) -> pydot.Dot:
        """Make the graph."""
        import pydot

        self.made = pydot.Dot(
            graph_type="digraph", bgcolor="white", charset="UTF-8",
            outputorder="edgesfirst", fontname=quoted(FONT),
        )  # fmt: skip
        self.made.set_node_defaults(
            fontname=quoted(FONT), fontsize="14", penwidth="1.2", fixedsize="true"
        )
        self.made.set_edge_defaults(
            fontname=quoted(FONT), fontsize="11", arrowsize="0.6",
            color=quoted("#555555"),
        )  # fmt: skip
        self.places: dict[str, Place] = {}
        self.crossings = 0
        self._left_half()
        self._right_half()
        return self.made

    def _node(self, name: str, place: Place, options: Mapping[str, Any]) -> None:
        import pydot

        self.places[name] = place
        self.made.add_node(
            pydot.Node(
                name,
                **{
                    **options,
                    "pos": quoted(f"{place.x:.2f},{place.y:.2f}"),
                    "width": f"{place.width / 72:.4f}",
                    "height": f"{place.height / 72:.4f}",
                },
            )
        )

    def _edge(
        self,
        ends: tuple[str, str],
        curve: Curve,
        options: Mapping[str, Any],
        label: tuple[str, Point] | None = None,
    ) -> None:
        import pydot

        tip, before = curve[-1], curve[-2]
        long = math.hypot(tip[0] - before[0], tip[1] - before[1]) or 1.0
        share = min(1.0, ARROW / long)
        end = tuple(t - share * (t - b) for t, b in zip(tip, before, strict=True))
        points = [*curve[:-1], end]
        text = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
        extra = dict(options)
        if label is not None:
            at = f"{label[1][0]:.2f},{label[1][1]:.2f}"
            extra |= {"label": quoted(label[0]), "lp": quoted(at)}
        pos = quoted(f"e,{tip[0]:.2f},{tip[1]:.2f} {text}")
        self.made.add_edge(pydot.Edge(*ends, pos=pos, **extra))

    def _left_half(self) -> None:
        """Draw the source as it was laid out."""
        given, columns = self._source_values(), self.source.columns
        for name, place in self.layout.places.items():
            if name[0] == "n":
                z = int(name[1:])
                options = node_options(self.source, z, self.names)
                if self._is_gate(z):
                    options["shape"] = "ellipse"
                if z in self.adjoint:
                    options["label"] = quoted("\n".join(self._own_lines(z, given)))
                self._node(name, place, options)
            elif name[0] == "o":
                shown = quoted(self.names[self.source.outputs[int(name[1:])][0]])
                self._node(name, place, {"shape": "plaintext", "label": shown})
        for key, curve in self.layout.curves.items():
            if key[0] == "w":
                wire = int(key[1:])
                ends = int(columns.operands[wire]), int(columns.consumer[wire])
                label = self._weight(columns, wire, self.layout.labels.get(key))
                self._edge((f"n{ends[0]}", f"n{ends[1]}"), curve, {}, label)
            elif key[0] == "o":
                vertex = self.source.outputs[int(key[1:])][1]
                self._edge((f"n{vertex}", key), curve, {"style": "bold"})

    def _right_half(self) -> None:
        fill, border = COLORS[ADJOINT]
        style = {"fillcolor": quoted(fill), "color": quoted(border), "shape": "ellipse"}
        for z in self.adjoint:
            options = {
                **style,
                "style": quoted("filled" if self._is_alone(z) else "filled,dashed"),
                "label": quoted("\n".join(self._derivative(z))),
            }
            place = self.layout.places.get(f"n{z}")
            if place is not None:
                self._node(f"m{z}", self._mirrored(place), options)
        strays = 0
        for v in self.between:
            fill, border = COLORS.get(int(self.provenance.role[v]), COLORS["gate"])
            place = self.layout.places.get(f"b{v}")
            if place is None:  # a pass made it, for no wire of the source
                strays += 1
                place = Place(strays * 60, self.lowest - 70, 45, 36)
            lines = [self._symbol(v), *self._value(v)]
            options = {
                "style": "filled", "fillcolor": quoted(fill), "color": quoted(border),
                "label": quoted("\n".join(lines)), "shape": "ellipse",
            }  # fmt: skip
            self._node(f"b{v}", self._mirrored(place), options)
        for z, v in self.adjoint.items():
            if f"m{z}" not in self.places:
                continue
            if self.constant[v]:
                continue
            if self._is_alone(z):
                self._wires_into(v, f"m{z}", self._users(z))
            else:
                self._wire_from(self._standing(v, self._users(z)), f"m{z}", None, None)
        for v in self.between:
            gate, _ = self._wire(v)
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
            if name not in self.places:
                box = {"shape": "box", "label": quoted(self._symbol(vertex))}
                self._node(name, Place(self.middle, self.lowest, 36, 25), box)
            return name
        return f"b{vertex}"

    def _wires_into(self, vertex: int, node: str, near: Sequence[int]) -> None:
        columns = self.emitted.columns
        for wire in columns.wires_of(vertex):
            tail = self._standing(int(columns.operands[wire]), near)
            self._wire_from(tail, node, columns, wire)

    def _wire_from(self, tail: str, head: str, columns: Any, wire: Any) -> None:
        curve, at = self._mirrored_curve(tail, head)
        options: Mapping[str, Any] = {}
        if curve is None:
            a, b = self.places[tail], self.places[head]
            if tail[0] in "nc":
                self.crossings += 1
                options, curve = _CROSSING, _swung(a, b, self.crossings)
            else:
                curve = _straight(a.towards((b.x, b.y)), b.towards((a.x, a.y)))
            # of crossings that end side by side, labels stand apart
            at = (
                _halfway(curve) if len(curve) == 4 else (curve[-4][0], curve[-4][1] + 7)
            )
        label = None if columns is None else self._weight(columns, wire, at)
        self._edge((tail, head), curve, options, label)

    @staticmethod
    def _weight(columns: Any, wire: Any, at: Point | None) -> tuple[str, Point] | None:
        weight = int(columns.weights[wire])
        if weight == exact.ONE or at is None:
            return None
        return number_label(exact.number(weight)), at

    def _mirrored(self, place: Place) -> Place:
        return Place(2 * self.middle - place.x, place.y, place.width, place.height)

    def _mirrored_curve(
        self, tail: str, head: str
    ) -> tuple[Curve | None, Point | None]:
        """Give the curve of the wire that one of the right half mirrors, turned round.

        Of parallel wires each is given once.
        """
        if (tail, head) not in self._turned:
            return None, None
        keys = self._turned[tail, head]
        key = keys.pop(0) if len(keys) > 1 else keys[0]
        curve = self.layout.curves[key]
        turned = [(2 * self.middle - x, y) for x, y in reversed(curve)]
        at = self.layout.labels.get(key)
        return turned, None if at is None else (2 * self.middle - at[0], at[1])

    @cached_property
    def _turned(self) -> dict[tuple[str, str], list[str]]:
        columns = self.source.columns
        found: dict[tuple[str, str], list[str]] = {}
        for key in self.layout.curves:
            if key[0] == "w":
                wire = int(key[1:])
                ends = int(columns.consumer[wire]), int(columns.operands[wire])
                found.setdefault((f"m{ends[0]}", f"m{ends[1]}"), []).append(key)
            elif key[0] == "b":
                v, number = map(int, key[1:].split("_"))
                gate, slot = self._wire(v)
                below = int(columns.operands[columns.wires_of(gate)[slot]])
                pair = (f"m{gate}", f"b{v}") if number else (f"b{v}", f"m{below}")
                found.setdefault(pair, []).append(key)
        return found


def _nodes(graph: pydot.Dot) -> Iterator[pydot.Node]:
    for part in (graph, *graph.get_subgraphs()):
        yield from part.get_nodes()


def _extent(lines: Sequence[str]) -> tuple[int, int]:
    return max(map(len, lines)), len(lines)


def _straight(start: Point, end: Point) -> Curve:
    def between(share: float) -> Point:
        x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        return x, y

    return [start, between(1 / 3), between(2 / 3), end]


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
    return [
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
    ]


def _halfway(curve: Curve) -> Point:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve
    return (x0 + 3 * x1 + 3 * x2 + x3) / 8, (y0 + 3 * y1 + 3 * y2 + y3) / 8 + 8
