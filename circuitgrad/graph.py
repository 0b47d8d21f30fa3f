"""The networkx encoding of a circuit, and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from circuitgrad import exact
from circuitgrad.errors import CircuitError, FormatError, LimitError, ShapeError
from circuitgrad.gates import CONSTANT, INPUT, POWER, SUM, code_of, gate_type, has_gate
from circuitgrad.gates.options import OptionError, format_options, parse_options
from circuitgrad.limits import check_counts
from circuitgrad.shapes import Shape, format_shape, place_of, shape_at

if TYPE_CHECKING:
    import networkx as nx

    from circuitgrad.circuit import Circuit

__all__ = ["FORMAT", "decode", "encode"]

FORMAT = "circuitgrad/1"

T = TypeVar("T")
S = TypeVar("S")


def op_name(code: int) -> str:
    """Give the ``op`` attribute of a vertex."""
    return {INPUT: "input", CONSTANT: "constant"}.get(code) or gate_type(code).name


def encode(circuit: Circuit) -> nx.MultiDiGraph[int]:
    """Make the frozen networkx graph of a circuit.

    Nodes are vertex numbers; attributes are as FORMAT.md gives them for JSON.
    """
    import networkx as nx

    columns = circuit.columns
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(
        format=FORMAT,
        name=circuit.name,
        inputs=list(range(columns.inputs)),
        outputs=[[label, vertex] for label, vertex in circuit.outputs],
    )
    if circuit.name is None:
        del graph.graph["name"]
    names = circuit.names.tolist()
    params = columns.params.tolist()
    shapes = columns.shapes.tolist()
    for vertex, code in enumerate(columns.op.tolist()):
        attributes: dict[str, Any] = {"op": op_name(code)}
        name = names[vertex]
        if name is not None:
            attributes["name"] = name
        if params[vertex] >= 0:
            key = "value" if code == CONSTANT else "param"
            attributes[key] = _param_text(code, params[vertex])
        if shapes[vertex]:
            attributes["shape"] = list(shape_at(shapes[vertex]))
        graph.add_node(vertex, **attributes)
    wires = zip(
        columns.operands.tolist(),
        columns.consumer.tolist(),
        columns.slot.tolist(),
        columns.weights.tolist(),
        strict=True,
    )
    for operand, consumer, slot, weight in wires:
        if weight == exact.ONE:
            graph.add_edge(operand, consumer, key=slot)
        else:
            text = exact.format_number(exact.number(weight))
            graph.add_edge(operand, consumer, key=slot, weight=text)
    return nx.freeze(graph)


def _param_text(code: int, place: int) -> str:
    if code > CONSTANT and gate_type(code).options:
        gate = gate_type(code)
        return format_options(gate.named(exact.options(place)))
    return exact.format_number(exact.number(place))


def decode(graph: nx.MultiDiGraph[Any], path: str | None = None) -> Circuit:
    """Make a circuit of a networkx graph with the attributes of FORMAT.md.

    The nodes may be any hashable values; a vertex's number follows from the order of
    the nodes where that is topological, and from a topological sort otherwise.

    Raises
    ------
    FormatError
        If the graph is no circuit; the message names the node or the edge.
    LimitError
        If it has too many nodes or outputs, or a name or number is too long.
    """
    from circuitgrad.builder import Builder
    from circuitgrad.names import check_length, is_identifier

    def fail(message: str, error: type[FormatError] = FormatError) -> FormatError:
        return error(message, path=path)

    if not hasattr(graph, "is_multigraph"):
        raise fail(f"{type(graph).__name__} is no networkx graph")

    if not graph.is_directed() or not graph.is_multigraph():
        raise fail(
            "a circuit is a directed multigraph: a wire is an edge keyed by its slot"
        )
    name = graph.graph.get("name")
    if name is not None and not (isinstance(name, str) and is_identifier(name)):
        raise fail(f"the circuit's name {name!r} is not an identifier")
    _limited(lambda nodes: check_counts(nodes, 0), len(graph), "the graph", fail)
    builder = Builder(name)
    vertex_of: dict[Any, int] = {}
    taken: dict[str, Any] = {}
    declared = _declared_inputs(graph, fail)
    for node in [
        *declared,
        *(n for n in _topological(graph, fail) if n not in declared),
    ]:
        data = graph.nodes[node]
        op = data.get("op")
        operands, weights = _wires_in(graph, node, vertex_of, fail)
        if op in ("input", "constant"):
            if operands:
                raise fail(f"node {node!r}: no wires go into an input or a constant")
            vertex_of[node] = _source(builder, node, op, data, declared, fail)
        else:
            vertex_of[node] = _gate(builder, node, data, operands, weights, fail)
        _check_shape(builder, node, data, vertex_of[node], fail)
        label = data.get("name")
        if label is None:
            continue
        if not isinstance(label, str) or not is_identifier(label):
            raise fail(f"node {node!r}: the name {label!r} is not an identifier")
        if label in taken:
            raise fail(f"nodes {taken[label]!r} and {node!r} are both named {label!r}")
        _limited(check_length, label, f"node {node!r}", fail)
        taken[label] = node
        builder.names.setdefault(vertex_of[node], label)
    builder.outputs = _outputs(graph, vertex_of, fail)
    try:
        return builder.finish()
    except CircuitError as error:
        raise fail(str(error)) from None


def _topological(graph: nx.MultiDiGraph[Any], fail: Any) -> list[Any]:
    import networkx as nx

    place = {node: i for i, node in enumerate(graph)}
    if all(place[u] < place[v] for u, v in graph.edges()):
        return list(graph)
    try:
        return list(nx.topological_sort(graph))
    except nx.NetworkXUnfeasible:
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        shown = " -> ".join(repr(node) for node in [*cycle[:8], cycle[0]])
        raise fail(f"the wires go round in a cycle: {shown}") from None


def _declared_inputs(graph: nx.MultiDiGraph[Any], fail: Any) -> dict[Any, None]:
    """Give the input nodes in order: ``inputs`` lists nodes, or (name, node) pairs."""
    inputs = graph.graph.get("inputs")
    if not isinstance(inputs, (list, tuple)):
        raise fail("the graph attribute 'inputs' should be the list of the input nodes")
    nodes = [
        entry[1] if isinstance(entry, (list, tuple)) and len(entry) == 2 else entry
        for entry in inputs
    ]
    for node in nodes:
        if isinstance(node, (list, dict)) or node not in graph:
            raise fail(f"input {node!r} is no node of the graph")
        if graph.nodes[node].get("op") != "input":
            raise fail(
                f"node {node!r} is listed among the inputs, but its op is no input"
            )
    if len(set(nodes)) != len(nodes):
        raise fail("an input is listed twice")
    return dict.fromkeys(nodes)


_DECIMAL = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"(-?)({_DECIMAL})(?:/({_DECIMAL}))?")


def _number(text: object, what: str, fail: Any) -> exact.Number:
    if text == "pi":
        return exact.PI
    if isinstance(text, int) and not isinstance(text, bool):
        text = exact.format_integer(text)
    match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise fail(
            f'{what} {text!r} is no number: write it as text, "3", "-1/3" or "pi"'
        )
    above = _limited(exact.parse_decimal, match[2], what, fail)
    below = _limited(exact.parse_decimal, match[3] or "1", what, fail)
    if below == 0:
        raise fail(f"{what} {text!r} divides by zero")
    value = (-above if match[1] else above) / below
    return _limited(exact.check_digits, value, what, fail)


def _limited(check: Callable[[T], S], value: T, what: str, fail: Any) -> S:
    """Call what raises `LimitError`, and say of what."""
    try:
        return check(value)
    except LimitError as error:
        raise fail(f"{what}: {error.message}", LimitError) from None


def _wires_in(
    graph: nx.MultiDiGraph[Any], node: Any, vertex_of: dict[Any, int], fail: Any
) -> tuple[list[int], list[exact.Number]]:
    wires = {}
    for operand, _, key, data in graph.in_edges(node, keys=True, data=True):
        if isinstance(key, bool) or not isinstance(key, int) or key in wires:
            raise fail(
                f"edge {operand!r} -> {node!r}: the key {key!r} should be "
                "the operand slot, each slot once"
            )
        if operand not in vertex_of:  # only an input's wires can come from later
            raise fail(f"edge {operand!r} -> {node!r}: an input has no wires into it")
        what = f"edge {operand!r} -> {node!r} (slot {key}): the weight"
        wires[key] = (vertex_of[operand], _number(data.get("weight", "1"), what, fail))
    if sorted(wires) != list(range(len(wires))):
        raise fail(
            f"node {node!r}: its slots are {sorted(wires)}, not 0 to {len(wires) - 1}"
        )
    ordered = [wires[slot] for slot in range(len(wires))]
    return [vertex for vertex, _ in ordered], [weight for _, weight in ordered]


def _source(
    builder: Any,
    node: Any,
    op: str,
    data: dict[str, Any],
    declared: dict[Any, None],
    fail: Any,
) -> int:
    if op == "constant":
        value = _number(data.get("value"), f"node {node!r}: the value", fail)
        return int(builder.constant_vertex(exact.intern(value)))
    if node not in declared:
        raise fail(
            f"node {node!r} is an input that the graph attribute 'inputs' leaves out"
        )
    if not data.get("name"):
        raise fail(f"node {node!r}: an input needs a name")
    vertex = int(builder.add(INPUT, ()))
    shape = _shape(node, data, fail)
    if shape:
        builder.shapes[vertex] = _limited(place_of, shape, f"node {node!r}", fail)
    return vertex


def _shape(node: Any, data: dict[str, Any], fail: Any) -> Shape:
    """Read the shape of a node, which a scalar need not have."""
    shape = data.get("shape", ())
    whole = isinstance(shape, (list, tuple)) and all(type(n) is int for n in shape)
    if not whole or not all(length > 0 for length in shape):
        raise fail(
            f"node {node!r}: the shape {shape!r} should be the list of the lengths "
            "of its axes, from 1 each"
        )
    return tuple(shape)


def _check_shape(
    builder: Any, node: Any, data: dict[str, Any], vertex: int, fail: Any
) -> None:
    if "shape" not in data:
        return
    said, found = _shape(node, data, fail), builder.shape(vertex)
    if said != found:
        raise fail(
            f"node {node!r} has the shape {format_shape(found)}, "
            f"not {format_shape(said)}"
        )


def _gate(
    builder: Any,
    node: Any,
    data: dict[str, Any],
    operands: list[int],
    weights: list[exact.Number],
    fail: Any,
) -> int:
    op = data.get("op")
    if not isinstance(op, str) or not has_gate(op):
        raise fail(f"node {node!r}: there is no gate type {op!r}")
    code = code_of(op)
    gate = gate_type(code)
    if not gate.accepts(len(operands)):
        wanted = "at least one" if gate.arity is None else gate.arity
        raise fail(
            f"node {node!r}: {op} takes {wanted} operand(s), not {len(operands)}"
        )
    if code != SUM and any(weight != 1 for weight in weights):
        raise fail(f"node {node!r}: only the wires of a sum have weights")
    if any(isinstance(weight, exact.Pi) for weight in weights):
        raise fail(f"node {node!r}: pi is never a weight; wire it as a constant")
    param = -1
    if gate.takes_parameter:
        value = _number(data.get("param"), f"node {node!r}: the param", fail)
        if isinstance(value, exact.Pi):
            raise fail(f"node {node!r}: pi is never a param; {op} takes a number")
        if code == POWER:
            _limited(exact.check_power, value, f"node {node!r}", fail)
        param = exact.intern(value)
    elif "param" in data and not gate.options:
        raise fail(f"node {node!r}: {op} takes no param")
    places = [exact.intern(weight) for weight in weights]
    try:
        if gate.options:
            text = data.get("param", "")
            if not isinstance(text, str):
                raise fail(f"node {node!r}: the param {text!r} is no text of options")
            given = parse_options(gate, text)
            param = builder.options_place(code, operands, given)
        return int(builder.add(code, operands, places, param))
    except (OptionError, ShapeError) as error:
        raise fail(f"node {node!r}: {error}") from None
    except LimitError as error:
        raise fail(f"node {node!r}: {error.message}", LimitError) from None


def _outputs(
    graph: nx.MultiDiGraph[Any], vertex_of: dict[Any, int], fail: Any
) -> list[tuple[str, int]]:
    from circuitgrad.names import check_length, is_identifier

    outputs = graph.graph.get("outputs")
    if not isinstance(outputs, (list, tuple)) or not outputs:
        raise fail(
            "the graph attribute 'outputs' should be a list of (name, node) pairs"
        )
    _limited(lambda many: check_counts(0, many), len(outputs), "the graph", fail)
    found: dict[str, int] = {}
    for entry in outputs:
        if not isinstance(entry, (list, tuple)) or len(entry) != 2:
            raise fail(f"output {entry!r} should be a pair of a name and a node")
        label, node = entry
        if not isinstance(label, str) or not is_identifier(label):
            raise fail(f"the output name {label!r} is not an identifier")
        if isinstance(node, (list, dict)) or node not in vertex_of:
            raise fail(f"output {label!r}: {node!r} is no node of the graph")
        if label in found:
            raise fail(f"two outputs are named {label!r}")
        _limited(check_length, label, "an output", fail)
        found[label] = vertex_of[node]
    return list(found.items())
