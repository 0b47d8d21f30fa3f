"""A legend below a figure: what its colours and strokes are."""

from __future__ import annotations

from circuitgrad.figures.elements import fitted
from circuitgrad.figures.palette import ROLES
from circuitgrad.figures.scene import Label, Node, Place, Scene
from circuitgrad.figures.typeset import extent

__all__ = ["with_legend"]

#: Between a figure and its legend, and from line to line, in points.
GAP, LINE = 22.0, 18.0


def with_legend(scene: Scene) -> Scene:
    """Add a line for each role in the figure, and one for dashed nodes.

    A scene that has a legend stays as it is.
    """
    if "l0" in scene.nodes:
        return scene
    nodes = scene.nodes.values()
    there = {node.role: node.shape for node in nodes}
    entries = [(role, words, False) for role, words in ROLES.items() if role in there]
    if any(node.dashed and node.role != "source" for node in nodes):
        entries.append(("adjoint", "equal to what its wire comes from", True))
    left, y = scene.box[0], scene.box[1] - GAP
    added: dict[str, Node] = {}
    for number, (role, words, dashed) in enumerate(entries):
        label = Label(words, rf"\text{{{words}}}", 0.8)
        sample = Place(left + 11, y, 20, 13)
        key = f"l{number}"
        added[key] = Node(key, (), role, there[role], sample, dashed=dashed)
        width, height = extent([label])
        text = fitted(Node(f"t{number}", (label,), "output", "plain"))
        at = Place(left + 30 + width / 2, y, width, height)
        added[text.key] = Node(text.key, (label,), "output", "plain", at)
        y -= LINE
    return Scene({**scene.nodes, **added}, scene.wires, scene.title)
