"""Wires between the halves of a mirror, led around the nodes in between.

Graphviz places the wires within a half.  One from half to half leaves its node upwards,
into the channel between two ranks, where there are no nodes, swings to the channel
above its head, and comes down on that.  Where nothing is in the way it swings from end
to end; otherwise it stays in the channels for longer, at worst until it is between the
halves.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import networkx as nx
import numpy as np

from circuitgrad.figures.scene import Curve, Node, Place, Point

__all__ = ["Channels", "Descent"]

#: Room of a channel that wires use, in points: Graphviz leaves 30 between two ranks.
CHANNEL: Final = 28.0
#: Wires of a channel that run side by side; more of them share these lanes.
LANES: Final = 6
#: Of the ways to the halves' ends, left and right, those for which a wire stays in its
#: channel, in the order in which they are tried.
_STAYS: Final = ((0, 0), (0, 0.5), (0.5, 0), (0, 1), (1, 0), (0.5, 1), (1, 0.5), (1, 1))
#: How near to a node another one's wire comes, in points.
CLEAR: Final = 2.0

#: From point to point of a wire, where nodes are looked for, in points.
STEP: Final = 6.0


class Outlines:
    """The outlines of nodes, and a margin, to find those that a wire meets."""

    def __init__(self, nodes: Mapping[str, Node], clear: float = CLEAR) -> None:
        self._keys = list(nodes)
        self._ellipse = np.array([n.shape == "ellipse" for n in nodes.values()])
        places = [node.place for node in nodes.values()]
        self._at = np.array([(p.x, p.y) for p in places])
        self._reach = np.array([(p.width, p.height) for p in places]) / 2 + clear

    def met(self, curve: Curve) -> set[str]:
        """Find the nodes that a curve runs through."""
        found: set[str] = set()
        for points in _pieces(curve):
            low, high = points.min(axis=0), points.max(axis=0)
            near = (self._at - self._reach < high) & (self._at + self._reach > low)
            for node in np.flatnonzero(near.all(axis=1)).tolist():
                away = abs(points - self._at[node]) / self._reach[node]
                if self._ellipse[node]:
                    inside = (away**2).sum(axis=1) < 1
                else:
                    inside = away.max(axis=1) < 1
                if inside.any():
                    found.add(self._keys[node])
        return found


def _pieces(curve: Curve) -> Iterator[Any]:
    """Give points along each Bézier curve that a wire is made of."""
    for start in range(0, len(curve) - 1, 3):
        corners = np.array(curve[start : start + 4])
        long = np.abs(np.diff(corners, axis=0)).sum()  # the curve is shorter
        share = np.linspace(0, 1, 2 + int(long / STEP))
        back = 1 - share
        bezier = back**3, 3 * share * back**2, 3 * share**2 * back, share**3
        yield np.stack(bezier, axis=1) @ corners


class Channels:
    """The ways between the ranks of a figure.

    Parameters
    ----------
    nodes : mapping of str to Node
        All of them, placed in ranks.
    middle : float
        Between the halves, in x.
    """

    def __init__(self, nodes: Mapping[str, Node], middle: float) -> None:
        self.nodes = nodes
        self._outlines = Outlines(nodes)
        places = [node.place for node in nodes.values()]
        #: Between these there are no nodes.
        self.left = max(
            (p.x + p.width / 2 for p in places if p.x < middle), default=middle
        )
        self.right = min(
            (p.x - p.width / 2 for p in places if p.x > middle), default=middle
        )
        tops: dict[float, float] = {}
        floors: dict[float, float] = {}
        for node in nodes.values():
            at = node.place
            rank = round(at.y, 1)
            tops[rank] = max(tops.get(rank, at.y), at.y + at.height / 2)
            floors[rank] = min(floors.get(rank, at.y), at.y - at.height / 2)
        self._ranks, self._tops, self._floors = sorted(tops), tops, floors
        self._used: dict[float, int] = {}

    def crossing(self, tail: str, head: str) -> Curve:
        """Lead from a node of the left half to one of the right half."""
        a, b = self.nodes[tail].place, self.nodes[head].place
        start = a.towards((a.x + a.width, a.y + a.height))
        if self.nodes[tail].shape == "box":
            start = start[0], a.y + a.height / 2
        heights = self._lane(a), self._lane(b)
        curve: Curve = ()
        for stays in _STAYS:
            curve = self._swung(start, a, b, heights, stays)
            if self._outlines.met(curve) <= {tail, head}:
                break
        return curve

    def _lane(self, at: Place) -> float:
        """Give a height above a rank: that of a lane of its own, while there are."""
        rank = round(at.y, 1)
        number = self._used[rank] = self._used.get(rank, -1) + 1
        above = bisect(self._ranks, rank)
        room = CHANNEL
        if above < len(self._ranks):
            room = min(room, self._floors[self._ranks[above]] - self._tops[rank])
        return self._tops[rank] + room * (1 + number % LANES) / (LANES + 1)

    def _swung(
        self,
        start: Point,
        a: Place,
        b: Place,
        heights: tuple[float, float],
        stays: tuple[float, float],
    ) -> Curve:
        end = b.towards((b.x - b.width, b.y + b.height))
        low, high = heights
        first, last = a.x + a.width / 2 + 14, b.x - b.width / 2 - 14
        leave = first + stays[0] * max(self.left - first, 0)
        reach = last - stays[1] * max(last - self.right, 0)
        middle = (leave + reach) / 2
        curve = [start, *_turn(start, (first, low))]
        if leave > first:
            curve += _level(first, leave, low)
        curve += [(middle, low), (middle, high), (reach, high)]
        if reach < last:
            curve += _level(reach, last, high)
        back = _turn(end, (last, high))
        return (*curve, back[1], back[0], end)


def _turn(outline: Point, to: Point) -> Curve:
    """Lead from a node up, and on along a channel: the points after the first."""
    rise = to[1] - outline[1]
    run = to[0] - outline[0]
    up = outline[0] + 0.3 * run, outline[1] + 0.6 * rise
    return up, (to[0] - 0.6 * run, to[1]), to


def _level(start: float, end: float, height: float) -> Curve:
    third = (end - start) / 3
    return (start + third, height), (end - third, height), (end, height)


class Descent:
    """The wires of a figure, which are not to run in circles."""

    def __init__(self, wires: Iterable[tuple[str, str]]) -> None:
        self._graph = nx.DiGraph(wires)

    def allows(self, tail: str, head: str) -> bool:
        """Add a wire, unless there is a way back."""
        graph = self._graph
        graph.add_nodes_from((tail, head))
        if nx.has_path(graph, head, tail):
            return False
        graph.add_edge(tail, head)
        return True
