"""Node-link JSON: networkx's own form of ``circuit.graph``."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from circuitgrad.errors import FormatError, LimitError
from circuitgrad.graph import FORMAT, decode

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["parse_json", "write_json"]


def write_json(circuit: Circuit) -> str:
    """Write a circuit as node-link JSON, a node or an edge a line.

    `networkx.node_link_graph` reads it (with ``edges="edges"`` before networkx 3.6).
    """
    graph = circuit.graph

    def line(data: Any) -> str:
        return json.dumps(data, ensure_ascii=False)

    nodes = ",\n".join(
        line({**data, "id": node}) for node, data in graph.nodes(data=True)
    )
    edges = ",\n".join(
        line({**data, "source": u, "target": v, "key": key})
        for u, v, key, data in graph.edges(keys=True, data=True)
    )
    return (
        f'{{"directed": true, "multigraph": true,\n"graph": {line(graph.graph)},\n'
        f'"nodes": [\n{nodes}\n],\n"edges": [\n{edges}\n]}}\n'
    )


def parse_json(text: str, path: str | None = None) -> Circuit:
    """Read node-link JSON; ``links`` is accepted for ``edges``.

    Raises
    ------
    FormatError
        If it is no JSON (with line and column), or no circuit (naming the node or
        edge).
    """
    try:
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        source = text.split("\n")[error.lineno - 1]
        raise FormatError(
            f"not JSON: {error.msg}",
            path=path,
            line=error.lineno,
            column=error.colno,
            source=source,
        ) from None
    except RecursionError:
        raise LimitError("JSON nested too deep (the limit)", path=path) from None
    except ValueError as error:
        raise FormatError(f"not JSON for a circuit: {error}", path=path) from None
    return decode(_graph(data, path), path)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        times = Counter(key for key, _ in pairs)
        twice = times.most_common(1)[0][0]
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _graph(data: Any, path: str | None) -> Any:
    import networkx as nx

    def require(holds: bool, message: str) -> None:
        if not holds:
            raise FormatError(message, path=path)

    require(
        isinstance(data, dict),
        "a circuit in JSON is an object in networkx's node-link form",
    )
    attributes = data.get("graph")
    require(
        isinstance(attributes, dict),
        "'graph' should be the object of the graph attributes",
    )
    form = attributes.get("format")
    require(
        form == FORMAT,
        f"the graph attribute 'format' should be {FORMAT!r}, not {form!r}",
    )
    for key in ("directed", "multigraph"):
        require(data.get(key) is True, f"{key!r} should be true")
    links = data.get("edges", data.get("links"))
    require(isinstance(data.get("nodes"), list), "'nodes' should be a list")
    require(isinstance(links, list), "'edges' should be a list")

    graph = nx.MultiDiGraph()
    graph.graph.update(attributes)
    for node in data["nodes"]:
        require(isinstance(node, dict) and "id" in node, f"node {node!r} has no 'id'")
        number = node["id"]
        require(
            isinstance(number, (int, str)),
            f"the node id {number!r} is no integer or text",
        )
        require(number not in graph, f"two nodes have the id {number!r}")
        graph.add_node(number)
        graph.nodes[number].update((k, v) for k, v in node.items() if k != "id")
    for edge in links:
        require(
            isinstance(edge, dict) and {"source", "target", "key"} <= edge.keys(),
            f"edge {edge!r} should have 'source', 'target' and 'key'",
        )
        ends = (edge["source"], edge["target"])
        shown = f"edge {ends[0]!r} -> {ends[1]!r}"
        for end in ends:
            require(
                isinstance(end, (int, str)) and end in graph,
                f"{shown}: {end!r} is no node: the edge dangles",
            )
        key = edge["key"]
        require(
            isinstance(key, int), f"{shown}: the key {key!r} should be the operand slot"
        )
        require(
            not graph.has_edge(*ends, key=key), f"{shown}: slot {key} is filled twice"
        )
        rest = {k: v for k, v in edge.items() if k not in ("source", "target", "key")}
        graph.add_edge(*ends, key=key)
        graph.edges[*ends, key].update(rest)
    return graph
