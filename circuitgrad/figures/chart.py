"""Charts of counts against sizes, both on logarithmic axes, lines labelled directly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from circuitgrad.figures.caption import left_aligned, words
from circuitgrad.figures.scene import Label, Node, Place, Point, Scene, Wire
from circuitgrad.figures.typeset import extent

__all__ = ["Panel", "Series", "chart"]

#: Width and height of a panel, between panels, and from label to label, in points.
WIDTH, HEIGHT, GAP, STEP = 190.0, 190.0, 44.0, 14.0
#: A panel with a line of more points than this has no marks.
MAX_MARKS: Final = 16
#: Most ticks of an axis.
MAX_TICKS: Final = 6
#: Sizes of the words, relative to a gate's symbol.
TICK, WORD, HEAD = 0.68, 0.75, 0.85


@dataclass(frozen=True)
class Series:
    """A line of a chart: what is said at its end, the role of its colour, its points.

    Coordinates are above 0.
    """

    label: Label
    role: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """A chart: its title, what is on its horizontal axis, its lines."""

    title: str
    across: str
    series: Sequence[Series]


def chart(panels: Sequence[Panel], title: str, notes: Sequence[str] = ()) -> Scene:
    """Draw panels side by side, below a title and above notes.

    Returns
    -------
    Scene
        Placed.  Keys are a letter (``p`` a panel, ``s`` a line, ``m`` a mark ...), the
        number of the panel, and a number in it.
    """
    nodes: list[Node] = []
    wires: list[Wire] = []
    left = 0.0
    for number, panel in enumerate(panels):
        drawn = _Drawn(panel, f"{number}_", left)
        nodes += drawn.nodes
        wires += drawn.wires
        left = drawn.right + GAP
    nodes.append(left_aligned("title", words(title, HEAD), 0.0, HEIGHT + 44))
    y = -52.0
    for number, note in enumerate(notes):
        nodes.append(left_aligned(f"note{number}", words(note, WORD), 0.0, y))
        y -= 17
    return Scene.of(nodes, wires, title=title)


class _Drawn:
    """The nodes and wires of a panel whose axes meet at ``left``, 0."""

    def __init__(self, panel: Panel, key: str, left: float) -> None:
        self.key, self.left = key, left
        points = [point for series in panel.series for point in series.points]
        self.xs = _range([x for x, _ in points])
        self.ys = _range([y for _, y in points])
        self.nodes: list[Node] = []
        self.wires: list[Wire] = []
        self._axes(panel)
        marked = max(len(each.points) for each in panel.series) <= MAX_MARKS
        for number, series in enumerate(panel.series):
            self._line(number, series, marked)
        self._labels(panel)
        self.right = max(n.place.x + n.place.width / 2 for n in self.nodes)

    def at(self, point: Point) -> Point:
        return (
            self.left + WIDTH * _share(point[0], self.xs),
            HEIGHT * _share(point[1], self.ys),
        )

    def _axes(self, panel: Panel) -> None:
        left, right = self.left, self.left + WIDTH
        for number, tick in enumerate(_ticks(*self.xs)):
            x, _ = self.at((tick, self.ys[0]))
            self._rule(f"x{self.key}{number}", "grid", (x, 0), (x, HEIGHT))
            self._words(f"a{self.key}{number}", _number(tick), (x, -11), TICK, 0)
        for number, tick in enumerate(_ticks(*self.ys)):
            _, y = self.at((self.xs[0], tick))
            self._rule(f"y{self.key}{number}", "grid", (left, y), (right, y))
            self._words(f"b{self.key}{number}", _number(tick), (left - 5, y), TICK, -1)
        self._rule(f"x{self.key}", "axis", (left, 0), (right, 0))
        self._rule(f"y{self.key}", "axis", (left, 0), (left, HEIGHT))
        middle = left + WIDTH / 2
        self._words(f"c{self.key}", words(panel.across, WORD), (middle, -28), 1, 0)
        self._words(f"p{self.key}", words(panel.title, HEAD), (left, HEIGHT + 16), 1, 1)

    def _line(self, number: int, series: Series, marked: bool) -> None:
        points = [self.at(point) for point in series.points]
        key, role = f"{self.key}{number}", series.role
        if len(points) > 1:
            curve = tuple(_straight(points))
            self.wires.append(
                Wire(f"s{key}", "", "", style="series", curve=curve, role=role)
            )
        if marked:
            for mark, (x, y) in enumerate(points):
                place = Place(x, y, 5, 5)
                self.nodes.append(Node(f"m{key}_{mark}", (), role, "ellipse", place))

    def _labels(self, panel: Panel) -> None:
        """Write each label beside the end of its line, apart from the others."""
        ends = sorted(
            (self.at(series.points[-1])[1], number)
            for number, series in enumerate(panel.series)
            if series.points
        )
        heights = [y for y, _ in ends]
        for _ in range(50):  # until no two are nearer than a step
            for low, high in zip(
                range(len(heights)), range(1, len(heights)), strict=False
            ):
                short = STEP - (heights[high] - heights[low])
                if short > 1e-6:
                    heights[low] -= short / 2
                    heights[high] += short / 2
        for height, (end, number) in zip(heights, ends, strict=True):
            series = panel.series[number]
            x, _ = self.at(series.points[-1])
            start = self.left + WIDTH + 8
            if start - x > 14 or abs(height - end) > 2:  # lead the eye
                key = f"k{self.key}{number}"
                self._rule(key, "grid", (x + 3, end), (start - 2, height), series.role)
            self._words(f"t{self.key}{number}", series.label, (start, height), 1, 1)

    def _rule(
        self, key: str, style: str, start: Point, end: Point, role: str = "source"
    ) -> None:
        curve = tuple(_straight([start, end]))
        self.wires.append(Wire(key, "", "", style=style, curve=curve, role=role))

    def _words(self, key: str, label: Label, at: Point, size: float, side: int) -> None:
        """Write a label left of a point (-1), around it (0) or right of it (1)."""
        label = label._replace(size=label.size * size)
        width, _ = extent([label])
        start = at[0] + (side - 1) * width / 2
        self.nodes.append(left_aligned(key, label, start, at[1]))


def _straight(points: Sequence[Point]) -> Iterator[Point]:
    """Give straight lines from point to point as a curve."""
    yield points[0]
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        yield (2 * ax + bx) / 3, (2 * ay + by) / 3
        yield (ax + 2 * bx) / 3, (ay + 2 * by) / 3
        yield bx, by


def _range(values: Sequence[float]) -> Point:
    low, high = min(values, default=1.0), max(values, default=10.0)
    return (low, high) if high > low else (low / 2, high * 2)


def _share(value: float, within: Point) -> float:
    low, high = within
    return math.log(value / low) / math.log(high / low)


def _ticks(low: float, high: float) -> list[float]:
    """Give round numbers of a range: 1, 2, 5, 10 ..., or powers of 10 of a wide one."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for mantissas in (
        (1, 2, 3, 4, 5, 6, 7, 8, 9),
        (1, 2, 3, 5),
        (1, 2, 5),
        (1, 3),
        (1,),
    ):
        found = [m * 10.0**k for k in decades for m in mantissas]
        found = [t for t in found if -1e-6 <= _share(t, (low, high)) <= 1 + 1e-6]
        if len(found) <= MAX_TICKS:
            return found
    return found[:: -(-len(found) // MAX_TICKS)]


def _number(tick: float) -> Label:
    """Write a tick: 20, or a power of 10."""
    power = round(math.log10(tick))
    if tick < 10_000 or not math.isclose(tick, 10.0**power):
        return words(f"{tick:,.0f}" if tick >= 1 else f"{tick:g}", 1.0)
    return Label(f"10^{power}", f"10^{{{power}}}")
