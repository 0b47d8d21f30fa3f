"""What a figure shows: nodes and wires, in roles, and where they stand.

Every figure is a `Scene` before it is a file: Graphviz places its parts
(`circuitgrad.figures.layout`), and each writer (SVG, PDF, TikZ, the page) reads it.
Lengths are in points, and y grows upwards, as in Graphviz.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, NamedTuple

__all__ = ["ARROW", "Curve", "Label", "Node", "Place", "Point", "Scene", "Wire"]

Point = tuple[float, float]
#: A start, then three points for each cubic Bézier curve.
Curve = tuple[Point, ...]

#: Length of an arrow's head.
ARROW: Final = 6.0


class Label(NamedTuple):
    """A line of mathematics, in the two ways that figures write it.

    ``text`` is Unicode, for terminals, and where there is no glyph; ``tex`` is what
    stands between dollars in LaTeX, in ASCII.  ``size`` is relative to that of a gate's
    symbol.  ``plain`` says that ``text`` has letters that fonts of mathematics lack,
    which ``tex`` can but spell as code points.
    """

    text: str
    tex: str
    size: float = 1.0
    plain: bool = False


@dataclass(frozen=True)
class Place:
    """Where a node stands, and how large it is."""

    x: float
    y: float
    width: float
    height: float

    def towards(self, to: Point) -> Point:
        """Give the point of the outline, an ellipse, in a direction."""
        dx, dy = to[0] - self.x, to[1] - self.y
        scale = math.hypot(2 * dx / self.width, 2 * dy / self.height) or 1.0
        return self.x + dx / scale, self.y + dy / scale


@dataclass(frozen=True)
class Node:
    """A vertex of a figure.

    Parameters
    ----------
    key : str
        Its name within the figure, made here: a letter and a number.
    lines : tuple of Label
        What stands in it, one below the other.
    role : str
        What it is, by the names of `circuitgrad.figures.palette.ROLES`.
    shape : {"ellipse", "box", "plain", "bar"}
        Gates, sources, names of outputs, which have no outline, and bars of a chart,
        whose corners are square.
    place : Place
    title : str
        What is said of it where a reader points at it.
    dashed : bool
        Whether it is no gate of its own, but equal to what its wire comes from.
    marked : bool
        Whether it stands out: it is new in a step.
    """

    key: str
    lines: tuple[Label, ...]
    role: str
    shape: str = "ellipse"
    place: Place = Place(0, 0, 0, 0)
    title: str = ""
    dashed: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Wire:
    """A wire of a figure, or the arrow to an output's name.

    Parameters
    ----------
    key : str
    tail, head : str
        Keys of nodes.
    label : Label, optional
        The weight.
    slot : Label, optional
        The operand's number, where operands have an order.
    shape : Label, optional
        The shape of the array that it carries.
    style : {"wire", "crossing", "output", "series", "axis", "grid"}
        A crossing leads from one half of a mirror to the other; the last three are
        lines of a chart.
    curve : Curve
        To the tip of the arrow.
    label_at, slot_at, shape_at : Point
        The middles of the labels.
    marked : bool
        Whether it stands out: it is new in a step.
    role : str
        Of a line of a chart: that of the nodes whose borders have its colour.  Such a
        line has no arrow's head, and no nodes at its ends.
    """

    key: str
    tail: str
    head: str
    label: Label | None = None
    slot: Label | None = None
    style: str = "wire"
    curve: Curve = ()
    label_at: Point = (0, 0)
    slot_at: Point = (0, 0)
    marked: bool = False
    role: str = ""
    shape: Label | None = None
    shape_at: Point = (0, 0)

    @property
    def labels(self) -> list[tuple[Label, Point]]:
        """The labels that there are, and where their middles stand."""
        every = (
            (self.label, self.label_at),
            (self.slot, self.slot_at),
            (self.shape, self.shape_at),
        )
        return [(label, at) for label, at in every if label is not None]

    @property
    def clear(self) -> float:
        """How far the wire keeps from its labels, at their sides.

        Those of arrays run across the page, where the end of one would be a minus sign.
        """
        return 2.0 if self.shape is not None else 0.0

    @cached_property
    def arrow(self) -> tuple[Point, Point, Point]:
        """The corners of the arrow's head, the tip first."""
        tip = self.curve[-1]
        base = self.shaft[-1]
        long = math.dist(tip, base) or 1.0
        across = (base[1] - tip[1]) / long * 0.36, (tip[0] - base[0]) / long * 0.36
        dx, dy = across[0] * ARROW, across[1] * ARROW
        return tip, (base[0] + dx, base[1] + dy), (base[0] - dx, base[1] - dy)

    @cached_property
    def shaft(self) -> Curve:
        """The curve without the arrow's head."""
        if self.role:
            return self.curve
        tip = self.curve[-1]
        before = next((p for p in reversed(self.curve[:-1]) if p != tip), tip)
        long = math.dist(tip, before) or 1.0
        share = min(1.0, ARROW / long)
        end = tuple(t - share * (t - b) for t, b in zip(tip, before, strict=True))
        return (*self.curve[:-1], (end[0], end[1]))


@dataclass(frozen=True)
class Scene:
    """A figure: nodes by key, wires by key, in the order in which they are drawn."""

    nodes: Mapping[str, Node]
    wires: Mapping[str, Wire] = field(default_factory=dict)
    title: str = ""

    @classmethod
    def of(
        cls, nodes: Iterable[Node], wires: Iterable[Wire] = (), title: str = ""
    ) -> Scene:
        """Make a scene of parts."""
        return cls({node.key: node for node in nodes}, {w.key: w for w in wires}, title)

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """The smallest box around everything: left, bottom, right, top."""
        xs, ys = [0.0], [0.0]
        places = [node.place for node in self.nodes.values()]
        if places:
            xs, ys = [], []
        for place in places:
            xs += [place.x - place.width / 2, place.x + place.width / 2]
            ys += [place.y - place.height / 2, place.y + place.height / 2]
        for wire in self.wires.values():
            xs += [x for x, _ in wire.curve]
            ys += [y for _, y in wire.curve]
            for label, (x, y) in wire.labels:
                half = 12 if label is not wire.shape else 3 * len(label.text)
                xs += [x - half, x + half]
                ys += [y - 7, y + 7]
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def labels(self) -> Iterator[Label]:
        """All labels, of nodes and of wires."""
        for node in self.nodes.values():
            yield from node.lines
        for wire in self.wires.values():
            yield from (label for label, _ in wire.labels)

    def only(self, keys: Iterable[str]) -> Scene:
        """Keep the nodes and wires of these keys, where they stand."""
        kept = set(keys)
        return replace(
            self,
            nodes={k: node for k, node in self.nodes.items() if k in kept},
            wires={k: wire for k, wire in self.wires.items() if k in kept},
        )
