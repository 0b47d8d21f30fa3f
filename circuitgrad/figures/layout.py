"""Places for the parts of a figure, by Graphviz, and its graph as pydot has it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.figures.graphviz import laid_out
from circuitgrad.figures.labelling import with_weights
from circuitgrad.figures.labels import quoted
from circuitgrad.figures.palette import THEMES
from circuitgrad.figures.scene import Curve, Label, Place, Point, Scene

if TYPE_CHECKING:
    import pydot

__all__ = ["dot_graph", "place"]

FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"

#: How far behind a wire's end, and beside it, an operand's number stands, in points.
BACK, ASIDE = 9.0, 6.0

#: Wires that cross more levels than this, together, are straight, and laid out with
#: less care: Graphviz takes 2 s for so many, and minutes for a few times as many.
MAX_REACH: Final = 3_000
#: Half a second's work: more is done in a process of its own.
MAX_REACH_IN_PROCESS: Final = 1_000

#: How: network simplex and the minimising of crossings stop early.
_COARSE: Final = {
    "splines": "line",
    "nslimit": "0.5",
    "nslimit1": "1",
    "mclimit": "0.1",
}

_SHAPES: Final = {"ellipse": "ellipse", "box": "box", "plain": "plaintext"}


def place(scene: Scene, rankdir: str = "BT") -> Scene:
    """Place nodes, wires and labels: sources at the bottom.

    Nodes keep their sizes, so that the same Graphviz gives the same places whatever
    fonts there are; weights are put onto the wires afterwards.

    Raises
    ------
    RenderError
        If there is no Graphviz, or it fails.
    """
    graph, reach = dot_graph(scene, rankdir=rankdir), _reach(scene)
    if reach > MAX_REACH:
        for name, value in _COARSE.items():
            graph.set(name, value)
    found = laid_out(graph, apart=reach > MAX_REACH_IN_PROCESS)
    nodes, wires = dict(scene.nodes), dict(scene.wires)
    for each in found.get("objects", ()):
        node = nodes.get(each["name"])
        if node is not None:
            ((x, y),) = _points(each["pos"])
            size = node.place.width, node.place.height
            nodes[node.key] = replace(node, place=Place(x, y, *size))
    for each in found.get("edges", ()):
        wire = wires[each["wire"]]
        at: dict[str, Any] = {"curve": _points(each["pos"])}
        if wire.slot is not None:
            at["slot_at"] = _beside(at["curve"], first=wire.slot.text == "1")
        wires[wire.key] = replace(wire, **at)
    return with_weights(replace(scene, nodes=nodes, wires=wires))


def _beside(curve: Curve, first: bool) -> Point:
    """Give a place beside a wire's end: the first operand's number stands to its left.

    Graphviz would put it where the arrow's head is.
    """
    tip = curve[-1]
    before = next((p for p in reversed(curve) if math.dist(p, tip) > BACK), curve[0])
    long = math.dist(tip, before) or 1.0
    dx, dy = (tip[0] - before[0]) / long, (tip[1] - before[1]) / long
    side = ASIDE if first else -ASIDE
    return tip[0] - BACK * dx - side * dy, tip[1] - BACK * dy + side * dx


def _reach(scene: Scene) -> int:
    """Count the levels that all wires cross, which is what a layout takes time for."""
    users: dict[str, list[str]] = {key: [] for key in scene.nodes}
    waiting = dict.fromkeys(scene.nodes, 0)
    for wire in scene.wires.values():
        users[wire.tail].append(wire.head)
        waiting[wire.head] += 1
    level = dict.fromkeys(scene.nodes, 0)
    ready = [key for key, wires in waiting.items() if not wires]
    for key in ready:  # which grows
        for user in users[key]:
            level[user] = max(level[user], level[key] + 1)
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return sum(level[w.head] - level[w.tail] for w in scene.wires.values())


def _points(text: str) -> Curve:
    pairs = [pair.split(",") for pair in re.split("[ ;]", text)]
    return tuple((float(x), float(y)) for x, y in pairs)


def dot_graph(scene: Scene, *, rankdir: str = "BT", sized: bool = True) -> pydot.Dot:
    """Make the pydot graph of a scene.

    Node names are made here, and every label is quoted: no name can reach Graphviz as
    markup, an attribute or a node.

    Parameters
    ----------
    scene : Scene
    rankdir : str
        Where the outputs are: as Graphviz has it, ``BT`` at the top.
    sized : bool
        Whether it is to be laid out: nodes are empty and of their sizes.
        Otherwise it is to be read, with labels, shapes and colours, and Graphviz is
        left to find the sizes.
    """
    import pydot

    weighted = sized and any(wire.label for wire in scene.wires.values())
    graph = pydot.Dot(
        graph_type="digraph",
        rankdir=rankdir,
        ordering="in",
        nodesep="0.35" if weighted else "0.3",
        ranksep="0.75" if weighted else "0.42",
        bgcolor="white",
        fontname=quoted(FONT),
        charset="UTF-8",
    )
    graph.set_node_defaults(fontname=quoted(FONT), fontsize="14", penwidth="1.2")
    graph.set_edge_defaults(
        fontname=quoted(FONT), fontsize="11", arrowsize="0.6", color=quoted("#555555")
    )
    sources = pydot.Subgraph(rank="source")
    for node in scene.nodes.values():
        options: dict[str, Any] = {"shape": _SHAPES[node.shape]}
        if sized:
            options |= _size(node.place)
        else:
            look = THEMES["light"].look(node.role)
            options["label"] = _joined(node.lines)
            options["margin"] = "0.03"
            if node.shape != "plain":
                options |= {
                    "style": "filled",
                    "fillcolor": quoted(look.fill),
                    "color": quoted(look.border),
                }
        made = pydot.Node(node.key, **options)
        below = node.role == "source" and not node.dashed  # what is cut off stands near
        (sources if below else graph).add_node(made)
    graph.add_subgraph(sources)
    for wire in scene.wires.values():
        options = {"wire": wire.key, "dir": "none"} if sized else {}
        if wire.style == "output" and not sized:
            options["style"] = "bold"
        if wire.label is not None and not sized:
            options["label"] = _joined([wire.label])
        if wire.slot is not None and not sized:
            options |= {"headlabel": _joined([wire.slot]), "labelfontsize": "9"}
        graph.add_edge(pydot.Edge(wire.tail, wire.head, **options))
    return graph


def _size(at: Place) -> dict[str, str]:
    return {
        "fixedsize": "true",
        "label": '""',
        "width": f"{at.width / 72:.4f}",
        "height": f"{at.height / 72:.4f}",
    }


def _joined(lines: Iterable[Label]) -> str:
    return quoted("\n".join(line.text for line in lines))
