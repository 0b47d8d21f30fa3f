"""Where weights stand: each on its own wire, off all else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from circuitgrad.figures.scene import Curve, Point, Scene, Wire
from circuitgrad.figures.typeset import extent

__all__ = ["points_of", "with_weights"]

#: Shares of a wire's length where its weight may stand, the best first.
SHARES: Final = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.22, 0.78)
#: What it costs to stand on a weight or a node, near another wire, off the middle.
ON_LABEL, NEAR_WIRE, OFF = 100.0, 3.0, 4.0
#: Points that a wire is looked at, and how near another wire is too near, in points.
SAMPLES, NEAR = 24, 7.0

Box = tuple[float, float, float, float]


def with_weights(scene: Scene) -> Scene:
    """Put each weight onto its wire, where it is off other weights, nodes and wires.

    A number beside a wire could be that of the next one.

    Notes
    -----
    Greedy: wires with few choices come first.  O(labels * wires).
    """
    labelled = [w for w in scene.wires.values() if w.label is not None and w.curve]
    if not labelled:
        return scene
    lines = {w.key: points_of(w.curve) for w in scene.wires.values() if w.curve}
    taken = [
        _box((n.place.x, n.place.y), n.place.width, n.place.height)
        for n in scene.nodes.values()
    ]
    points = np.concatenate(list(lines.values()))
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines.values()])
    number = {key: count for count, key in enumerate(lines)}
    wires = dict(scene.wires)
    for wire in sorted(labelled, key=lambda w: (_length(lines[w.key]), w.key)):
        others = points[owner != number[wire.key]]
        at, box = _best(wire, lines[wire.key], taken, others)
        taken.append(box)
        wires[wire.key] = replace(wire, label_at=at)
    return replace(scene, wires=wires)


def _best(
    wire: Wire,
    line: npt.NDArray[np.float64],
    taken: Sequence[Box],
    others: npt.NDArray[np.float64],
) -> tuple[Point, Box]:
    """Give the place for a wire's weight that costs least, and the box it takes."""
    assert wire.label is not None
    width, height = extent([wire.label])
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)]) / (steps.sum() or 1.0)
    found: list[tuple[float, Point, Box]] = []
    for share in SHARES:
        x, y = (float(np.interp(share, along, line[:, axis])) for axis in (0, 1))
        box = _box((x, y), width + 2, height + 2)
        cost = OFF * abs(share - 0.5)
        cost += ON_LABEL * sum(_meet(box, other) for other in taken)
        if len(others):
            dx = np.maximum(np.abs(others[:, 0] - x) - width / 2, 0)
            dy = np.maximum(np.abs(others[:, 1] - y) - height / 2, 0)
            near = np.hypot(dx, dy) < NEAR
            cost += NEAR_WIRE * float(np.count_nonzero(near))
        found.append((cost, (x, y), box))
    _, at, box = min(found, key=lambda each: each[0])
    return at, box


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


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
