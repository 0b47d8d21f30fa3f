"""Places for the parts of a figure, by Graphviz, and its graph as pydot has it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.figures.graphviz import laid_out
from circuitgrad.figures.labelling import with_weights
from circuitgrad.figures.labels import quoted
from circuitgrad.figures.palette import THEMES
from circuitgrad.figures.scene import Curve, Label, Place, Scene
from circuitgrad.figures.turning import fit, on_its_side, spread, turned

if TYPE_CHECKING:
    import pydot

__all__ = ["dot_graph", "has_shapes", "place", "ranked"]

FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"

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


def place(scene: Scene) -> Scene:
    """Place nodes, wires and labels: sources at the bottom.

    Nodes keep their sizes, so that the same Graphviz gives the same places whatever
    fonts there are; labels are put onto the wires afterwards.  A circuit of arrays has
    its sources at the left where that makes it larger on a slide.

    Raises
    ------
    RenderError
        If there is no Graphviz, or it fails.
    """
    placed = ranked(scene)
    if has_shapes(scene) and _reach(scene) <= MAX_REACH_IN_PROCESS:
        # where both are as large, from left to right
        placed = max(turned(ranked(scene, aside=True)), placed, key=fit)
    return with_weights(placed)


def ranked(scene: Scene, *, aside: bool = False) -> Scene:
    """Place nodes and wires in ranks, and leave the labels of wires for later.

    Parameters
    ----------
    scene : Scene
    aside : bool
        Whether nodes lie on their side, for a scene that is turned later.
    """
    if aside:
        lying = {key: on_its_side(node) for key, node in scene.nodes.items()}
        scene = replace(scene, nodes=lying)
    graph, reach = dot_graph(scene, aside=aside), _reach(scene)
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
        wires[wire.key] = replace(wire, curve=_points(each["pos"]))
    placed = replace(scene, nodes=nodes, wires=wires)
    return spread(placed) if aside else placed


def has_shapes(scene: Scene) -> bool:
    """Tell whether some wire carries an array."""
    return any(wire.shape for wire in scene.wires.values())


def _reach(scene: Scene) -> int:
    """Count the levels that all wires cross, which is what a layout takes time for."""
    level = _levels(scene)
    return sum(level[w.head] - level[w.tail] for w in scene.wires.values())


def _levels(scene: Scene) -> dict[str, int]:
    """Give the longest way to each node, in wires."""
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
    return level


def _points(text: str) -> Curve:
    pairs = [pair.split(",") for pair in re.split("[ ;]", text)]
    return tuple((float(x), float(y)) for x, y in pairs)


def dot_graph(scene: Scene, *, sized: bool = True, aside: bool = False) -> pydot.Dot:
    """Make the pydot graph of a scene.

    Node names are made here, and every label is quoted: no name can reach Graphviz as
    markup, an attribute or a node.

    Parameters
    ----------
    scene : Scene
    sized : bool
        Whether it is to be laid out: nodes are empty and of their sizes.
        Otherwise it is to be read, with labels, shapes and colours, and Graphviz is
        left to find the sizes.
    aside : bool
        Whether the layout is to be turned.
    """
    import pydot

    nodesep, ranksep = _gaps(scene, aside) if sized else ("0.3", "0.42")
    graph = pydot.Dot(
        graph_type="digraph",
        rankdir="BT",
        ordering="in",
        nodesep=nodesep,
        ranksep=ranksep,
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
        if not sized and (lines := [*filter(None, (wire.label, wire.shape))]):
            options["label"] = _joined(lines)
            if wire.label is None:
                options["fontcolor"] = quoted(THEMES["light"].muted)
        if wire.slot is not None and not sized:
            options |= {"headlabel": _joined([wire.slot]), "labelfontsize": "9"}
        graph.add_edge(pydot.Edge(wire.tail, wire.head, **options))
    return graph


def _gaps(scene: Scene, aside: bool) -> tuple[str, str]:
    """Give the gaps between nodes of a rank and between ranks, in inches.

    A wire has room for its labels.
    """
    wires = scene.wires.values()
    if not has_shapes(scene):
        weighted = any(wire.label for wire in wires)
        return ("0.35", "0.75") if weighted else ("0.3", "0.42")
    return ("0.3", "0.42") if aside else ("0.5", "0.75")  # ranks are moved apart later


def _size(at: Place) -> dict[str, str]:
    return {
        "fixedsize": "true",
        "label": '""',
        "width": f"{at.width / 72:.4f}",
        "height": f"{at.height / 72:.4f}",
    }


def _joined(lines: Iterable[Label]) -> str:
    return quoted("\n".join(line.text for line in lines))
