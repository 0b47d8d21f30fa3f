"""One mode of a page as data: the figure, its steps, and what is said of each node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from circuitgrad import exact
from circuitgrad.figures.formulas import Formulas
from circuitgrad.figures.labels import VALUE, number_label, value_line
from circuitgrad.figures.mirror import Mirror
from circuitgrad.figures.scene import Label, Node, Scene, Wire
from circuitgrad.figures.steps import Steps, forward_steps, reverse_steps
from circuitgrad.figures.svg import visible
from circuitgrad.figures.webpage.lines import Lines, Marked
from circuitgrad.formats.matrixnames import shape_text
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.metrics import theorem3_bound
from circuitgrad.provenance import COPY, PARTIAL, PRODUCT, TANGENT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["ROOM", "ForwardView", "ReverseView", "View", "program"]

#: Nodes have room for a value as wide as this one.
ROOM: Final = -0.1234
#: Longest name that is said in words, in characters.
MAX_NAME: Final = 200
#: More operands than this have their partial derivatives left out.
MAX_PARTIALS: Final = 12


class View:
    """A gradient circuit drawn, and what a page says of it."""

    mode = ""

    def __init__(
        self, circuit: Circuit, emitted: Circuit, steps: Steps, lines: Lines
    ) -> None:
        self.circuit, self.emitted, self.lines = circuit, emitted, lines
        self.scene, self.steps = steps.scene, steps
        self.names = Marked(circuit, lines)
        self.emitted_names = Marked(emitted, lines)
        self.formulas = Formulas(circuit, self.names)
        self.emitted_formulas = Formulas(emitted, self.emitted_names)
        assert emitted.provenance is not None
        self.provenance = emitted.provenance
        #: The step at which each node and wire comes.
        self.comes = dict.fromkeys(steps.start, 0)
        for number, step in enumerate(steps.steps, 1):
            self.comes |= dict.fromkeys(step.keys, number)

    def data(self) -> dict[str, Any]:
        """Give the view as data."""
        mixed, of = self.mixed, self.circuit.output_names[0]
        listed = {of, *(f"d{of}_d{name}" for name in self.circuit.inputs)}
        return {
            "mode": self.mode,
            "box": [round(x, 2) for x in self.scene.box],
            "halves": self.halves(),
            "nodes": [self._node(node) for node in self.scene.nodes.values()],
            "wires": [self._wire(wire) for wire in self.scene.wires.values()],
            "steps": [
                [
                    mixed(step.name),
                    self.own_key(step.vertex),
                    [
                        [mixed(each) for each in (rule.derivative, *rule.terms)]
                        for rule in step.rules
                    ],
                ]
                for step in self.steps.steps
            ],
            "words": {key: self._words(key) for key in self.scene.nodes},
            "program": [] if self.emitted.columns.shaped else program(self.emitted),
            "outputs": [
                [visible(name[:MAX_NAME]), mixed(self.emitted_names[name]), vertex]
                for name, vertex in self.emitted.outputs
                if name in listed
            ],
            "counts": self.counts(),
            "bound": self.bound(),
        }

    def mixed(self, label: Label) -> list[Any]:
        """Write a label whose names are marked."""
        return self.lines.mixed(label.text)

    # ------------------------------------------------------------------ the figure

    def _node(self, node: Node) -> list[Any]:
        at, lines = node.place, list(node.lines)
        valued = bool(lines) and lines[-1] == value_line(ROOM)
        if valued:
            lines[-1] = Label("", "", VALUE)
        return [
            node.key,
            node.role,
            ("ellipse", "box", "plain").index(node.shape),
            *(round(10 * x) for x in (at.x, at.y, at.width, at.height)),
            self.comes[node.key],
            int(node.dashed) + 2 * valued,
            [self.lines[line] for line in lines],
        ]

    def _wire(self, wire: Wire) -> list[Any]:
        labels = [
            (
                *(self.lines[label], round(10 * x), round(10 * y)),
                *([] if label is wire.slot else [1 + (label is wire.shape)]),
            )
            for label, (x, y) in wire.labels
        ]
        return [
            wire.key,
            wire.style,
            self.comes[wire.key],
            [round(10 * x) for point in wire.curve for x in point],
            labels,
        ]

    def halves(self) -> list[list[Any]]:
        """Give the headings of the figure's parts, and the middle of each."""
        raise NotImplementedError

    def own_key(self, z: int) -> str | None:
        """Give the node of a vertex of the circuit."""
        raise NotImplementedError

    # ------------------------------------------------------------------ words

    def _words(self, key: str) -> dict[str, Any] | None:
        """Say what a node is."""
        raise NotImplementedError

    def own_words(self, z: int) -> dict[str, Any]:
        """Say what a vertex of the circuit is."""
        circuit, columns = self.circuit, self.circuit.columns
        if columns.op[z] == CONSTANT:
            return {**self._constant(circuit, z), "from": "constant of C", "side": "C"}
        name = self.mixed(self.names[circuit.labels[z]])
        if columns.op[z] == INPUT:
            said = f"input of C{_of_shape(circuit, z)}"
            return {"name": name, "from": said, "side": "C"}
        words = f"{circuit.gate_type(z).name} gate of C{_of_shape(circuit, z)}"
        outputs = [label for label, at in circuit.outputs if at == z]
        if outputs:
            words += f", output {', '.join(outputs)}"
        return {
            "name": name,
            "formula": self.mixed(self.formulas.gate(z)),
            "partials": self._partials(self.formulas, z),
            "from": visible(words[: 2 * MAX_NAME]),
            "side": "C",
        }

    def emitted_words(self, v: int) -> dict[str, Any]:
        """Say what a vertex of the gradient circuit is."""
        emitted = self.emitted
        found: dict[str, Any] = {"side": "∇C", "vertex": v}
        if emitted.columns.op[v] == CONSTANT:
            return found | self._constant(emitted, v) | {"from": "constant of ∇C"}
        names = self.emitted_names
        role, z = int(self.provenance.role[v]), int(self.provenance.vertex[v])
        slot = int(self.provenance.slot[v])
        if role in (PARTIAL, PRODUCT) and z >= self.circuit.columns.sources:
            slots = range(slot, slot + 1) if slot >= 0 else None
            partials = self._partials(self.formulas, z, slots)
        else:
            partials = self._partials(self.emitted_formulas, v)
        return {
            **found,
            "name": self.mixed(names[emitted.labels[v]]),
            "formula": self.mixed(self.emitted_formulas.gate(v)),
            "partials": partials,
            "from": visible(
                self.provenance.describe(v)[: 2 * MAX_NAME] + _of_shape(emitted, v)
            ),
        }

    def _constant(self, circuit: Circuit, vertex: int) -> dict[str, Any]:
        number = exact.number(int(circuit.columns.params[vertex]))
        return {"name": [number_label(number)]}

    def _partials(
        self, formulas: Formulas, vertex: int, slots: range | None = None
    ) -> list[list[Any]]:
        """Give a gate's partial derivatives: of what, by which operand, the formula."""
        circuit, names = formulas.circuit, formulas.names
        columns, labels = circuit.columns, circuit.labels
        operands = [int(operand) for operand in columns.operands_of(vertex)]
        if slots is None:
            slots = range(min(len(operands), MAX_PARTIALS))
        return [
            [
                self.mixed(names[labels[vertex]]),
                self.mixed(names[labels[operands[slot]]]),
                self.mixed(formulas.partial(vertex, slot)),
            ]
            for slot in slots
            if columns.op[operands[slot]] != CONSTANT
        ]

    # ------------------------------------------------------------------ counts

    def counts(self) -> list[list[str]]:
        """Give the table of counts."""
        from circuitgrad.tables import compare

        derivatives = self.emitted.outputs[1:]  # the value of C is the first
        gradient = self.emitted.with_outputs(derivatives)
        return compare(self.circuit.stats(), gradient.stats())

    def bound(self) -> str:
        """Say what a theorem bounds."""
        return ""


class ReverseView(View):
    """Backpropagation: the gradient in a mirror."""

    mode = "reverse"

    def __init__(self, mirror: Mirror, lines: Lines) -> None:
        self.mirror, circuit = mirror, mirror.source
        steps = reverse_steps(mirror, Marked(circuit, lines))
        super().__init__(circuit, mirror.emitted, steps, lines)
        self._copy = {z: v for v, z in self.mirror.copies.items()}
        self._rules = {step.vertex: step.rules for step in self.steps.steps}

    def halves(self) -> list[list[Any]]:
        """Head both halves; where one is above the other, both together."""
        first, second = (list(_span(self.scene, keys)) for keys in ("no", "mbc"))
        if first[1] > second[0]:
            return [["C above, ∇C below", *_span(self.scene, "nombc")]]
        return [["C", *first], ["∇C", *second]]

    def derivative_name(self, z: int) -> Label:
        """Name the derivative by a vertex of the circuit."""
        circuit = self.circuit
        return self.names.derivative(circuit.output_names[0], circuit.labels[z])

    def own_key(self, z: int) -> str | None:
        """Give the node of a vertex of the circuit, in its half."""
        return f"n{z}"

    def _words(self, key: str) -> dict[str, Any] | None:
        mirror, kind, number = self.mirror, key[0], int(key[1:])
        if kind == "o":
            return None
        if kind == "n":
            found = self.own_words(number)
            found["vertex"] = self._copy.get(number)
            if f"m{number}" in self.scene.nodes:
                found["partner"] = [f"m{number}"]
                found["derivative"] = self.mixed(self.derivative_name(number))
                found["derivativeVertex"] = mirror.adjoint[number]
            return found
        if kind in "bc":
            found = self.emitted_words(number)
            gate, slot = mirror.wire_of(number) if kind == "b" else (-1, 0)
            if gate >= 0:
                at = self.circuit.columns.wires_of(gate)[slot]
                found["partner"] = [f"n{gate}", f"w{at}"]
            return found
        found = self.emitted_words(mirror.adjoint[number])
        found["partner"] = [f"n{number}"]
        found["name"] = self.mixed(self.derivative_name(number))
        if number in self._rules:
            found["rule"] = [self.mixed(rule.label()) for rule in self._rules[number]]
        if not mirror.is_alone(number):
            found["from"] = "no gate of its own: equal to what its wire comes from"
            found.pop("formula", None)
            found.pop("partials", None)
        return found

    def bound(self) -> str:
        """Say what Theorem 3 bounds, which is about scalar gates."""
        if self.circuit.columns.shaped:
            return ""
        bound = theorem3_bound(self.circuit)
        return (
            f"Theorem 3: BP emits at most 3 wires + vertices = {bound} gates, "
            "a partial derivative of a gate counted as one"
        )


class ForwardView(View):
    """Forward propagation: derivatives by the inputs, among the gates."""

    mode = "forward"

    def __init__(
        self, circuit: Circuit, emitted: Circuit, wrt: Sequence[str], lines: Lines
    ) -> None:
        names = Marked(circuit, lines)
        room = None if emitted.columns.shaped else [ROOM] * len(emitted.columns)
        steps = forward_steps(circuit, emitted, wrt, room, names)
        super().__init__(circuit, emitted, steps, lines)
        roles = self.provenance.roles
        self._rules: dict[tuple[int, str], Any] = {
            (step.vertex, rule.derivative.text): rule
            for step in steps.steps
            for rule in step.rules
        }
        self._copies: dict[int, str] = {}
        self._tangents: dict[int, list[str]] = {}
        for v, (role, z) in enumerate(
            zip(roles.role.tolist(), roles.vertex.tolist(), strict=True)
        ):
            if f"n{v}" in self.scene.nodes:
                if role == COPY:
                    self._copies[z] = f"n{v}"
                elif role == TANGENT:
                    self._tangents.setdefault(z, []).append(f"n{v}")

    def halves(self) -> list[list[Any]]:
        """Head the whole."""
        box = self.scene.box
        return [["C and its derivatives by the inputs", box[0], box[2]]]

    def own_key(self, z: int) -> str | None:
        """Give the node of a vertex of the circuit."""
        return self._copies.get(z)

    def _words(self, key: str) -> dict[str, Any] | None:
        if key[0] == "o":
            return None
        v, roles = int(key[1:]), self.provenance.roles
        role, z, by = int(roles.role[v]), int(roles.vertex[v]), int(roles.other[v])
        if role == COPY and z >= 0:
            found = self.own_words(z)
            found["vertex"] = v
            found["partner"] = self._tangents.get(z, [])
            return found
        found = self.emitted_words(v)
        if z in self._copies:
            found["partner"] = [self._copies[z]]
        if role == TANGENT and by >= 0:
            labels = self.circuit.labels
            name = self.names.derivative(labels[z], labels[by])
            found["name"] = self.mixed(name)
            if (rule := self._rules.get((z, name.text))) is not None:
                found["rule"] = [self.mixed(rule.label())]
        return found


def program(circuit: Circuit) -> list[Any]:
    """Give what computes a circuit's vertices, in order.

    Null for an input, a number for a constant, for a gate its type's name, operands,
    weights (or 0, where all are 1) and parameter, if any.
    """
    columns = circuit.columns
    found: list[Any] = []
    for v in range(len(columns)):
        if columns.op[v] == INPUT:
            found.append(None)
            continue
        param = int(columns.params[v])
        number = _number(exact.to_float(exact.number(param))) if param >= 0 else None
        if columns.op[v] == CONSTANT:
            found.append(number)
            continue
        weights = [int(columns.weights[wire]) for wire in columns.wires_of(v)]
        scaled: Any = 0
        if any(weight != exact.ONE for weight in weights):
            scaled = [_number(exact.to_float(exact.number(w))) for w in weights]
        gate = [
            circuit.gate_type(v).name,
            list(map(int, columns.operands_of(v))),
            scaled,
        ]
        found.append([*gate, number] if param >= 0 else gate)
    return found


def _of_shape(circuit: Circuit, vertex: int) -> str:
    """Say the shape of an array."""
    shape = circuit.columns.shape(vertex)
    return f", {shape_text(shape)}" if shape else ""


def _number(value: float) -> float | int | str:
    """Write a float as JSON can: what is not finite as text."""
    if not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _span(scene: Scene, kinds: str) -> Iterator[float]:
    """Give the left and right ends of the nodes whose keys start so."""
    places = [node.place for node in scene.nodes.values() if node.key[0] in kinds]
    yield round(min((p.x - p.width / 2 for p in places), default=0), 1)
    yield round(max((p.x + p.width / 2 for p in places), default=0), 1)
