"""Figures from left to right: laid out upwards on their side, then turned."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from circuitgrad.figures.scene import Curve, Node, Place, Point, Scene, Wire
from circuitgrad.figures.typeset import extent

__all__ = ["WIDE", "fit", "on_its_side", "spread", "turned"]

#: A slide of 16:9, in points.
WIDE: Final = (1280.0, 720.0)
#: Room beside each label of a wire that runs along with it, and at the wire's ends.
APART, AROUND = 4.0, 14.0


def fit(scene: Scene) -> float:
    """Give the scale at which a placed scene fits a slide."""
    left, bottom, right, top = scene.box
    return min(WIDE[0] / max(right - left, 1.0), WIDE[1] / max(top - bottom, 1.0))


def on_its_side(node: Node) -> Node:
    """Give a node the height of its width, for a layout that is turned later."""
    at = node.place
    return replace(node, place=Place(at.x, at.y, at.height, at.width))


def spread(scene: Scene) -> Scene:
    """Move ranks apart where wires between neighbours need room for their labels.

    In a layout that is turned later, so that labels are as high as they will be wide.
    """
    ranks: dict[float, list[Place]] = {}
    for node in scene.nodes.values():
        ranks.setdefault(round(node.place.y, 1), []).append(node.place)
    order = {rank: number for number, rank in enumerate(sorted(ranks))}
    more = [0.0] * len(order)
    for wire in scene.wires.values():
        tail, head = scene.nodes[wire.tail].place, scene.nodes[wire.head].place
        low = order[round(tail.y, 1)]
        if order[round(head.y, 1)] == low + 1:
            there = head.y - tail.y - (head.height + tail.height) / 2
            more[low] = max(more[low], _needed(wire) - there)
    known, moved = [], []
    for rank, number in order.items():
        by = sum(more[:number])
        for edge in (
            min(at.y - at.height / 2 for at in ranks[rank]),
            max(at.y + at.height / 2 for at in ranks[rank]),
        ):
            known.append(edge)
            moved.append(edge + by)

    def put(y: float) -> float:
        return float(np.interp(y, known, moved)) + min(y - known[0], 0.0)

    nodes = {
        key: replace(node, place=replace(node.place, y=put(node.place.y)))
        for key, node in scene.nodes.items()
    }
    wires = {
        key: replace(wire, curve=_smooth([(x, put(y)) for x, y in wire.curve]))
        for key, wire in scene.wires.items()
    }
    return replace(scene, nodes=nodes, wires=wires)


def _smooth(points: list[Point]) -> Curve:
    """Take the corners out of a curve, where one cubic Bézier ends and the next starts.

    The pieces of a curve that was smooth were moved differently.
    """
    for at in range(3, len(points) - 1, 3):
        before, here, after = (np.array(points[i]) for i in (at - 1, at, at + 1))
        back, on = np.hypot(*(here - before)), np.hypot(*(after - here))
        if back and on:
            along = (here - before) / back + (after - here) / on
            along /= np.hypot(*along) or 1.0
            for place, length in ((at - 1, -back), (at + 1, on)):
                x, y = here + length * along
                points[place] = float(x), float(y)
    return tuple(points)


def _needed(wire: Wire) -> float:
    """Give the length of a wire that has room for its labels, one behind the other."""
    labels = [label for label in (wire.label, wire.shape) if label]
    widths = [extent([label])[0] + APART for label in labels]
    gap = 8.0 if len(widths) == 2 else 0.0
    return sum(widths) + gap + AROUND if widths else 0.0


def turned(scene: Scene) -> Scene:
    """Turn a placed scene clockwise: what was at the bottom is at the left.

    Nodes, which lay on their side, stand.
    """
    nodes = {}
    for key, node in scene.nodes.items():
        at = node.place
        nodes[key] = replace(node, place=Place(at.y, -at.x, at.height, at.width))
    wires = {
        key: replace(
            wire,
            curve=tuple(map(_turned, wire.curve)),
            label_at=_turned(wire.label_at),
            slot_at=_turned(wire.slot_at),
            shape_at=_turned(wire.shape_at),
        )
        for key, wire in scene.wires.items()
    }
    return replace(scene, nodes=nodes, wires=wires)


def _turned(point: Point) -> Point:
    return point[1], -point[0]
