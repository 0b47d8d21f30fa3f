"""Lines of words below a figure, and the labels that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from circuitgrad.figures.scene import Label, Node, Place, Scene
from circuitgrad.figures.typeset import extent

__all__ = ["left_aligned", "with_caption", "words"]

#: Between a figure and its caption, and from line to line, in points.
GAP, LINE = 20.0, 17.0


def words(text: str, size: float = 0.8) -> Label:
    """Give the label of plain words."""
    tex = "".join("\\" + c if c in "_%&#$" else c for c in text)
    return Label(text, rf"\text{{{tex}}}", size, plain=not text.isascii())


def left_aligned(key: str, label: Label, x: float, y: float) -> Node:
    """Make a line of words that starts at x."""
    width, height = extent([label])
    at = Place(x + width / 2, y, width, height)
    return Node(key, (label,), "output", "plain", at)


def with_caption(scene: Scene, lines: Sequence[str]) -> Scene:
    """Write lines below a placed scene."""
    left, y = scene.box[0], scene.box[1] - GAP
    added = {}
    for number, line in enumerate(lines):
        key = f"caption{number}"
        added[key] = left_aligned(key, words(line), left, y - number * LINE)
    return replace(scene, nodes={**scene.nodes, **added})
