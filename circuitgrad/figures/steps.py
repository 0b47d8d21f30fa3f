"""Backpropagation and forward propagation, visit by visit, on one fixed layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import networkx as nx
import numpy as np

from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.elements import elements
from circuitgrad.figures.extract import check_size
from circuitgrad.figures.formulas import Formulas
from circuitgrad.figures.labels import Names
from circuitgrad.figures.layout import place
from circuitgrad.figures.mirror import Mirror, alone
from circuitgrad.figures.scene import Label, Scene
from circuitgrad.gradients import MODES, jacobian
from circuitgrad.provenance import COPY, TANGENT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Rule", "Step", "Steps", "forward_steps", "reverse_steps", "steps_of"]

_ZERO: Final = Label("0", "0")
_ONE: Final = Label("1", "1")


@dataclass(frozen=True)
class Rule:
    """An instance of the chain rule: a derivative, and the terms that it is the sum of.

    With ``most``, `label` leaves out what is in the middle of longer sums.
    """

    derivative: Label
    terms: tuple[Label, ...]

    @classmethod
    def of(cls, derivative: Label, terms: Sequence[Label]) -> Rule:
        """Make one; a term among others that has a sign is put in brackets."""
        if len(terms) > 1:
            terms = [
                each._replace(text=f"({each.text})", tex=rf"\left({each.tex}\right)")
                if each.text.startswith("−")
                else each
                for each in terms
            ]
        return cls(derivative, tuple(terms))

    def label(self, most: int | None = None) -> Label:
        """Give the equation."""
        terms = list(self.terms)
        if most is not None and len(terms) > most:
            terms = [*terms[: most - 1], Label("⋯", r"\cdots"), terms[-1]]
        return Label(
            f"{self.derivative.text} = {' + '.join(each.text for each in terms)}",
            f"{self.derivative.tex} = {' + '.join(each.tex for each in terms)}",
            plain=any(each.plain for each in (self.derivative, *terms)),
        )


@dataclass(frozen=True)
class Step:
    """A visit of the algorithm.

    Parameters
    ----------
    vertex : int
        The vertex of the circuit that is visited.
    name : Label
    rules : tuple of Rule
        What the chain rule says there: one for each input in forward mode.
    keys : tuple of str
        The nodes and wires of the scene that are new.
    """

    vertex: int
    name: Label
    rules: tuple[Rule, ...]
    keys: tuple[str, ...]

    @property
    def title(self) -> Label:
        """What is visited, as words."""
        return Label(
            f"visit {self.name.text}",
            rf"\text{{visit }}{self.name.tex}",
            plain=self.name.plain,
        )

    @property
    def rule(self) -> Label:
        """The equations, one after the other."""
        labels = [rule.label() for rule in self.rules]
        return Label(
            ", ".join(each.text for each in labels),
            r",\quad ".join(each.tex for each in labels),
            plain=any(each.plain for each in labels),
        )


@dataclass(frozen=True)
class Steps:
    """A run of the algorithm.

    Parameters
    ----------
    scene : Scene
        The circuit and its gradient, whole, placed.
    start : tuple of str
        The nodes and wires that are there before the first visit: the circuit itself.
    steps : tuple of Step
        In the order of the algorithm.
    """

    scene: Scene
    start: tuple[str, ...]
    steps: tuple[Step, ...]


def steps_of(
    circuit: Circuit,
    *,
    mode: str = "reverse",
    of: str | None = None,
    wrt: Sequence[str] | str | None = None,
    at: Mapping[str, Any] | None = None,
    pipeline: str = "none",
) -> Steps:
    """Take backpropagation or forward propagation apart into its visits.

    Parameters
    ----------
    circuit : Circuit
    mode : {"reverse", "bp", "forward", "fp"}
        Backpropagation visits the vertices from the output down, and stands opposite of
        the circuit; forward propagation visits gates from the inputs up.
    of : str, optional
        The output, where there are several.
    wrt : str or sequence of str, optional
        In forward mode, the inputs to differentiate by; all where left out.
    at : mapping, optional
        Values of the inputs by name: every gate shows its value there.
    pipeline : str
        The level or the passes that follow; by default none, as the notes draw it.

    Returns
    -------
    Steps

    Raises
    ------
    CircuitError
        If the circuit has several outputs and ``of`` is left out; if a name or the mode
        is unknown; if ``wrt`` is given in reverse mode, which finds all derivatives.
    EvaluationError
        If a gate has no value at the point.
    LimitError
        If there are more than 500 gates.
    RenderError
        If Graphviz fails.
    """
    if mode not in MODES:
        raise CircuitError(f"no mode {mode!r}; there are: {', '.join(MODES)}")
    if mode not in ("forward", "fp"):
        if wrt is not None:
            raise CircuitError("backpropagation finds all derivatives: leave out wrt")
        return reverse_steps(Mirror(circuit, of=of, pipeline=pipeline, at=at))
    source = alone(circuit, of)
    check_size(source)
    emitted = jacobian(source, wrt=wrt, mode=mode, value=True, pipeline=pipeline)
    check_size(emitted)
    inputs = [wrt] if isinstance(wrt, str) else wrt
    return forward_steps(
        source,
        emitted,
        source.inputs if inputs is None else inputs,
        None if at is None else values_at(emitted, at),
    )


# ---------------------------------------------------------------------- reverse mode


def reverse_steps(mirror: Mirror, names: Names | None = None) -> Steps:
    """Take backpropagation apart, as placed; ``names`` are those of formulas."""
    source, scene, names = mirror.source, mirror.scene, names or mirror.names
    visits = sorted((z for z in mirror.adjoint if f"m{z}" in scene.nodes), reverse=True)
    step = {key: 0 for key in scene.nodes if key[0] in "no"}
    step |= {f"m{z}": number for number, z in enumerate(visits, 1)}
    start, *made = _revealed(scene, step, len(visits))
    rules = _chain_rule_6(mirror, Formulas(source, names))
    steps = [
        Step(z, names[source.labels[z]], (rules[z],), keys)
        for z, keys in zip(visits, made, strict=True)
    ]
    return Steps(scene, start, tuple(steps))


def _chain_rule_6(mirror: Mirror, formulas: Formulas) -> dict[int, Rule]:
    """Give ∂y/∂z for each z, as the sum over the wires out of it."""
    source, columns = mirror.source, mirror.source.columns
    of = source.output_names[0]
    derivative = {
        z: formulas.names.derivative(of, source.labels[z]) for z in mirror.adjoint
    }
    terms: dict[int, list[Label]] = {z: [] for z in mirror.adjoint}
    if mirror.output in terms:
        terms[mirror.output].append(_ONE)
    for gate in sorted(mirror.adjoint):
        for slot, u in enumerate(columns.operands_of(gate)):
            if u in terms:
                terms[u].append(formulas.term(derivative[gate], gate, slot))
    return {z: Rule.of(derivative[z], each or [_ZERO]) for z, each in terms.items()}


# ---------------------------------------------------------------------- forward mode


def forward_steps(
    circuit: Circuit,
    emitted: Circuit,
    wrt: Iterable[str],
    values: Sequence[Any] | None = None,
    names: Names | None = None,
) -> Steps:
    """Take apart what forward propagation emitted; ``names`` are those of formulas."""
    columns, names, labels = circuit.columns, names or Names(circuit), circuit.labels
    inputs = [circuit.vertex(name) for name in wrt]
    gates = np.arange(columns.sources, len(columns))
    varies = columns.depends_on(np.array(inputs, dtype=np.int64))
    varies[inputs] = False
    visits = gates[(circuit.live & varies)[gates]].tolist()
    visit = {g: number for number, g in enumerate(visits, 1)}
    assert emitted.provenance is not None
    roles = emitted.provenance.roles
    step: dict[str, int] = {}
    for v, (role, g) in enumerate(
        zip(roles.role.tolist(), roles.vertex.tolist(), strict=True)
    ):
        if v < emitted.columns.sources or role == COPY:
            step[f"n{v}"] = 0
        elif role == TANGENT and g in visit:  # the identity, by an array itself, is not
            step[f"n{v}"] = visit[g]
    scene = place(elements(emitted, values))
    formulas = Formulas(circuit, names)
    step = {key: number for key, number in step.items() if key in scene.nodes}
    start, *made = _revealed(scene, step, len(visits))
    steps = [
        Step(g, names[labels[g]], _chain_rule_5(formulas, g, inputs), keys)
        for g, keys in zip(visits, made, strict=True)
    ]
    return Steps(scene, start, tuple(steps))


def _chain_rule_5(
    formulas: Formulas, g: int, inputs: Iterable[int]
) -> tuple[Rule, ...]:
    """Give ∂g/∂x as the sum over the wires into g, for each input x."""
    circuit, names = formulas.circuit, formulas.names
    columns, labels = circuit.columns, circuit.labels
    rules = []
    for x in inputs:
        varies = columns.depends_on(np.array([x]))
        terms = tuple(
            formulas.tangent_term(names.derivative(labels[u], labels[x]), g, slot)
            for slot, u in enumerate(columns.operands_of(g))
            if varies[u]
        )
        if terms:
            rules.append(Rule.of(names.derivative(labels[g], labels[x]), terms))
    return tuple(rules)


# ---------------------------------------------------------------------- revealing


def _revealed(scene: Scene, step: dict[str, int], count: int) -> list[tuple[str, ...]]:
    """Give the keys that are new at each step, from those of the nodes that are known.

    Another node comes when the first one does that it leads to, the name of an output
    with its vertex; a wire with the later of its ends.  Where a pass has given a
    derivative what another one computes, it waits for that.
    """
    graph = nx.DiGraph((wire.tail, wire.head) for wire in scene.wires.values())
    graph.add_nodes_from(scene.nodes)
    order = list(nx.topological_sort(graph))
    for key in reversed(order):
        if key not in step:
            heads = (step[head] for head in graph.successors(key))
            step[key] = min(heads, default=0)
    for key in order:
        step[key] = max(step[key], *(step[tail] for tail in graph.predecessors(key)), 0)
    found: list[list[str]] = [[] for _ in range(count + 1)]
    for key in scene.nodes:
        found[step[key]].append(key)
    for wire in scene.wires.values():
        found[max(step[wire.tail], step[wire.head])].append(wire.key)
    return [tuple(keys) for keys in found]
