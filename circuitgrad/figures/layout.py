"""The pydot graph of a circuit: what a figure shows, before Graphviz places it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.columns import trait_table
from circuitgrad.figures.labels import (
    cut,
    gate_label,
    name_label,
    number_label,
    quoted,
    value_label,
)
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.provenance import ADJOINT, COPY, PARTIAL, PRODUCT, TANGENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pydot

    from circuitgrad.circuit import Circuit

__all__ = ["COLORS", "FONT", "dot_graph", "drawn_names", "node_options"]

FONT: Final = "DejaVu Sans, Helvetica, Arial, sans-serif"

#: Fill and border by role: Okabe and Ito's palette, lightened, safe for the
#: colour-blind.
COLORS: Final = {
    "source": ("#f2f2f2", "#6b6b6b"),
    "gate": ("#ffffff", "#333333"),
    COPY: ("#e3f0fa", "#0072b2"),
    ADJOINT: ("#fdeedd", "#d55e00"),
    TANGENT: ("#fdeedd", "#d55e00"),
    PRODUCT: ("#fdf6e3", "#b8860b"),
    PARTIAL: ("#e2f3ee", "#009e73"),
}


def dot_graph(
    circuit: Circuit, *, rankdir: str = "BT", values: Sequence[Any] | None = None
) -> pydot.Dot:
    """Make the pydot graph of a circuit's live vertices and its inputs.

    Sources stand at the bottom.  A gate shows its symbol, and its name beside it where
    it has one; a wire shows its weight, and its slot where operands have an order; an
    output is an arrow to its name.  Node names are made here, and every label is
    quoted: no name can reach Graphviz as markup, an attribute or a node.  With
    ``values``, one for each vertex or None, gates and inputs show theirs.
    """
    import pydot

    graph = pydot.Dot(
        graph_type="digraph",
        rankdir=rankdir,
        ordering="in",
        nodesep="0.3",
        ranksep="0.45",
        bgcolor="white",
        fontname=quoted(FONT),
        charset="UTF-8",
    )
    graph.set_node_defaults(fontname=quoted(FONT), fontsize="14", penwidth="1.2")
    graph.set_edge_defaults(
        fontname=quoted(FONT), fontsize="11", arrowsize="0.6", color=quoted("#555555")
    )
    columns, live, labels = circuit.columns, circuit.live, drawn_names(circuit)
    shown = [v for v in range(len(columns)) if live[v] or v < columns.inputs]
    sources = pydot.Subgraph(rank="source")
    for vertex in shown:
        node = pydot.Node(f"n{vertex}", **node_options(circuit, vertex, labels, values))
        (sources if vertex < columns.sources else graph).add_node(node)
    graph.add_subgraph(sources)
    ordered = ~trait_table("commutative")[columns.op] & (columns.fan_in > 1)
    for vertex in shown:
        for slot, wire in enumerate(columns.wires_of(vertex)):
            options: dict[str, Any] = {}
            weight = int(columns.weights[wire])
            if weight != exact.ONE:
                options["label"] = quoted(f" {number_label(exact.number(weight))} ")
            elif ordered[vertex]:
                options["headlabel"] = quoted(f" {slot + 1} ")
                options["labelfontsize"] = "9"
            graph.add_edge(
                pydot.Edge(f"n{int(columns.operands[wire])}", f"n{vertex}", **options)
            )
    for number, (label, vertex) in enumerate(circuit.outputs):
        graph.add_node(
            pydot.Node(
                f"o{number}",
                shape="plaintext",
                label=quoted(labels[label]),
            )
        )
        graph.add_edge(pydot.Edge(f"n{vertex}", f"o{number}", style="bold"))
    return graph


def node_options(
    circuit: Circuit,
    vertex: int,
    labels: Mapping[str, str],
    values: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Give how a vertex looks; ``labels`` is what names are drawn as."""
    value = None if values is None else values[vertex]
    columns = circuit.columns
    code = int(columns.op[vertex])
    fill, border = COLORS[_role(circuit, vertex)]
    options = {
        "style": "filled",
        "fillcolor": quoted(fill),
        "color": quoted(border),
        "fontcolor": quoted("#111111"),
    }
    if code == INPUT:
        lines = [labels[str(circuit.names[vertex])]]
        if value is not None:
            lines.append(value_label(value))
        return options | {
            "shape": "box",
            "style": quoted("filled,rounded"),
            "label": quoted("\n".join(lines)),
        }
    if code == CONSTANT:
        label = number_label(exact.number(int(columns.params[vertex])))
        return options | {"shape": "box", "label": quoted(label), "height": "0.35"}
    param = int(columns.params[vertex])
    label = gate_label(
        circuit.gate_type(vertex), exact.number(param) if param >= 0 else None
    )
    name = circuit.names[vertex]
    outputs = {label for label, at in circuit.outputs if at == vertex}
    lines = [label]
    if name is not None and name not in outputs:
        lines.append(labels[str(name)])
    if value is not None:
        lines.append(value_label(value))
    if len(lines) > 1:
        options |= {"margin": "0.02", "height": "0.6"}
        shape = "circle" if max(map(len, lines)) <= 4 else "ellipse"
        return options | {"shape": shape, "label": quoted("\n".join(lines))}
    shape = "circle" if len(label) <= 3 else "ellipse"
    return options | {"shape": shape, "margin": "0.03", "label": quoted(label)}


def drawn_names(circuit: Circuit) -> dict[str, str]:
    """Give what each name is drawn as: itself where ``x1`` and ``x_1`` look alike."""
    known = _known_names(circuit)
    drawn = {name: name_label(name, known) for name in circuit.vertices}
    counts = Counter(drawn.values())
    return {
        name: label if counts[label] == 1 else cut(name)
        for name, label in drawn.items()
    }


def _role(circuit: Circuit, vertex: int) -> Any:
    if circuit.columns.op[vertex] <= CONSTANT:
        return "source"
    provenance = circuit.provenance
    if provenance is None or provenance.source is circuit:
        return "gate"
    role = int(provenance.role[vertex])
    made = any(name in ("reverse_mode", "forward_mode") for name in provenance.passes)
    return role if made and role in COLORS else "gate"


def _known_names(circuit: Circuit) -> set[str]:
    """Give the names that a derivative may be by."""
    known = set(circuit.names.distinct)
    if circuit.provenance is not None:
        known.update(circuit.provenance.source.labels)
    return known
