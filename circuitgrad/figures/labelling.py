"""Where weights and shapes stand: each on its own wire, off all else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from circuitgrad.figures.scene import Curve, Label, Point, Scene, Wire
from circuitgrad.figures.typeset import extent

__all__ = ["points_of", "with_weights"]

#: Shares of a wire's length where its weight may stand, the best first.
SHARES: Final = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.22, 0.78)
#: More of them, for shapes, which are wider, and stand beside a weight.
MANY_SHARES: Final = (
    *(*SHARES, 0.46, 0.54, 0.38, 0.62, 0.31, 0.69, 0.25, 0.75, 0.17, 0.83),
)
#: What it costs to stand on a weight or a node, beside the wire's other label, near
#: another wire, off the middle.
ON_LABEL, NEAR_LABEL, NEAR_WIRE, OFF = 100.0, 6.0, 3.0, 4.0
#: Points that a wire is looked at, and how near another wire is too near, in points.
SAMPLES, NEAR = 24, 7.0
#: How far behind a wire's end, and beside it, an operand's number stands, in points.
BACK, ASIDE = 9.0, 6.0

Box = tuple[float, float, float, float]
#: What a place for a label costs, where that is, and the box that it takes.
_Choice = tuple[float, Point, Box]


def with_weights(scene: Scene) -> Scene:
    """Put each weight onto its wire, where it is off other weights, nodes and wires.

    A number beside a wire could be that of the next one.  Shapes stand on wires, too;
    where there are some, labels are also off slots and the heads of arrows.

    Notes
    -----
    Greedy: wires with few choices come first.  O(labels * wires).
    """
    drawn = _with_slots([w for w in scene.wires.values() if w.curve])
    scene = replace(scene, wires={**scene.wires, **{w.key: w for w in drawn}})
    labelled = [w for w in drawn if w.label is not None or w.shape is not None]
    if not labelled:
        return scene
    lines = {w.key: points_of(w.curve) for w in drawn}
    taken = [
        _box((n.place.x, n.place.y), n.place.width, n.place.height)
        for n in scene.nodes.values()
    ]
    shares: Sequence[float] = SHARES
    if any(w.shape for w in drawn):
        shares = MANY_SHARES
        taken += [_box(w.slot_at, *extent([w.slot])) for w in drawn if w.slot]
        taken += [_around(w.arrow) for w in drawn]
    points = np.concatenate(list(lines.values()))
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines.values()])
    number = {key: count for count, key in enumerate(lines)}
    wires = dict(scene.wires)
    for wire in sorted(labelled, key=lambda w: (_length(lines[w.key]), w.key)):
        others = points[owner != number[wire.key]]
        along = _Along(lines[wire.key], shares, taken, others)
        wires[wire.key], boxes = _labelled(wire, along)
        taken += boxes
    return replace(scene, wires=wires)


def _labelled(wire: Wire, along: _Along) -> tuple[Wire, list[Box]]:
    """Put the labels of a wire where they cost least, together; give their boxes."""
    if wire.shape is None or wire.label is None:
        label = wire.label or wire.shape
        assert label is not None
        _, at, box = min(along.choices(label), key=lambda each: each[0])
        if wire.shape is None:
            return replace(wire, label_at=at), [box]
        return replace(wire, shape_at=at), [box]
    pairs = product(along.choices(wire.label), along.choices(wire.shape))

    def cost(pair: tuple[_Choice, _Choice]) -> float:
        (one, _, box), (two, _, other) = pair
        near = _meet(_wider(box), _wider(other))  # a wire between them is no minus sign
        return one + two + ON_LABEL * _meet(box, other) + NEAR_LABEL * near

    (_, at, box), (_, shape_at, other) = min(pairs, key=cost)
    return replace(wire, label_at=at, shape_at=shape_at), [box, other]


class _Along:
    """Places for labels along a wire.

    Parameters
    ----------
    line : array
        Points of the wire.
    shares : sequence of float
        Of its length, where labels may stand.
    taken : sequence of Box
        What they are to be off.
    others : array
        Points of other wires.
    """

    def __init__(
        self,
        line: npt.NDArray[np.float64],
        shares: Sequence[float],
        taken: Sequence[Box],
        others: npt.NDArray[np.float64],
    ) -> None:
        self.line, self.shares, self.taken, self.others = line, shares, taken, others
        steps = np.hypot(*np.diff(line, axis=0).T)
        self.along = np.concatenate([[0.0], np.cumsum(steps)]) / (steps.sum() or 1.0)

    def choices(self, label: Label) -> list[_Choice]:
        """Give the places for a label, and what each costs."""
        width, height = extent([label])
        line, along, others = self.line, self.along, self.others
        found: list[_Choice] = []
        for share in self.shares:
            x, y = (float(np.interp(share, along, line[:, axis])) for axis in (0, 1))
            box = _box((x, y), width + 2, height + 2)
            cost = OFF * abs(share - 0.5)
            cost += ON_LABEL * sum(_meet(box, other) for other in self.taken)
            if len(others):
                dx = np.maximum(np.abs(others[:, 0] - x) - width / 2, 0)
                dy = np.maximum(np.abs(others[:, 1] - y) - height / 2, 0)
                near = np.hypot(dx, dy) < NEAR
                cost += NEAR_WIRE * float(np.count_nonzero(near))
            found.append((cost, (x, y), box))
        return found


def _with_slots(wires: Sequence[Wire]) -> list[Wire]:
    """Put the numbers of operands beside the ends of a gate's wires.

    Those of arrays on the outer sides, wherever the wires come from; of others, the
    first operand's to the left, and the others to the right.
    """
    arrays = any(wire.shape for wire in wires)
    into: dict[str, list[Wire]] = {}
    for wire in wires:
        if wire.slot is not None:
            into.setdefault(wire.head, []).append(wire)
    found = []
    for wire in wires:
        if wire.slot is not None:
            others = [w for w in into[wire.head] if w.key != wire.key]
            left = _is_left(wire, others) if arrays else wire.slot.text == "1"
            found.append(replace(wire, slot_at=_beside(wire.curve, left)))
        else:
            found.append(wire)
    return found


def _is_left(wire: Wire, others: Sequence[Wire]) -> bool:
    """Tell whether a wire comes to its gate to the left of most others."""
    tip, before = wire.curve[-1], _before(wire.curve)
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    lefts = 0
    for other in others:
        x, y = _before(other.curve)
        lefts += 1 if dx * (y - before[1]) > dy * (x - before[0]) else -1
    return lefts < 0


def _beside(curve: Curve, left: bool) -> Point:
    """Give a place beside a wire's end; Graphviz would put it onto the arrow's head."""
    tip, before = curve[-1], _before(curve)
    long = math.dist(tip, before) or 1.0
    dx, dy = (tip[0] - before[0]) / long, (tip[1] - before[1]) / long
    side = ASIDE if left else -ASIDE
    return tip[0] - BACK * dx - side * dy, tip[1] - BACK * dy + side * dx


def _before(curve: Curve) -> Point:
    """Give a point from which a wire comes to its end."""
    tip = curve[-1]
    return next((p for p in reversed(curve) if math.dist(p, tip) > BACK), curve[0])


def points_of(curve: Curve) -> npt.NDArray[np.float64]:
    """Give points along a curve of cubic Béziers."""
    parts = max((len(curve) - 1) // 3, 1)
    share = np.linspace(0, 1, max(SAMPLES // parts, 4))[:, None]
    pieces = []
    for start in range(0, len(curve) - 3, 3):
        a, b, c, d = (np.array(point) for point in curve[start : start + 4])
        rest = 1 - share
        pieces.append(
            rest**3 * a
            + 3 * rest**2 * share * b
            + 3 * rest * share**2 * c
            + share**3 * d
        )
    return np.concatenate(pieces) if pieces else np.array(curve, dtype=np.float64)


def _length(line: npt.NDArray[np.float64]) -> float:
    return math.fsum(np.hypot(*np.diff(line, axis=0).T))


def _box(at: Point, width: float, height: float) -> Box:
    return at[0] - width / 2, at[1] - height / 2, at[0] + width / 2, at[1] + height / 2


def _around(points: Sequence[Point]) -> Box:
    """Give the smallest box around points."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _wider(box: Box) -> Box:
    return box[0] - ASIDE, box[1], box[2] + ASIDE, box[3]


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
