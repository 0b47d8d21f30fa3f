"""Backpropagation and forward propagation, visit by visit, on one fixed layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.evaluate import values_at
from circuitgrad.figures.drawing import check_size
from circuitgrad.figures.elements import elements
from circuitgrad.figures.formulas import partial_formula, term
from circuitgrad.figures.labels import Names
from circuitgrad.figures.layout import place
from circuitgrad.figures.mirror import Mirror
from circuitgrad.figures.scene import Label, Scene
from circuitgrad.gradients import MODES, gradient, jacobian
from circuitgrad.provenance import COPY, TANGENT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Rule", "Step", "Steps", "steps_of"]

_ZERO: Final = Label("0", "0")
_ONE: Final = Label("1", "1")


@dataclass(frozen=True)
class Rule:
    """An instance of the chain rule: a derivative, and the terms that it is the sum of.

    With ``most``, `label` leaves out what is in the middle of longer sums.
    """

    derivative: Label
    terms: tuple[Label, ...]

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
    if of is None and len(circuit.outputs) != 1:
        names = ", ".join(circuit.output_names)
        raise CircuitError(f"several outputs, {names}: say which with --of")
    if wrt is not None and mode not in ("forward", "fp"):
        raise CircuitError("backpropagation finds all derivatives: leave out wrt")
    if mode in ("forward", "fp"):
        emitted = jacobian(
            circuit, of=of, wrt=wrt, mode=mode, value=True, pipeline=pipeline
        )
    else:
        emitted = gradient(circuit, of=of, all=True, value=True, pipeline=pipeline)
    check_size(emitted)
    values = None if at is None else values_at(emitted, at)
    if mode in ("forward", "fp"):
        return _forward(circuit, emitted, values)
    return _reverse(Mirror(emitted, values))


# ---------------------------------------------------------------------- reverse mode


def _reverse(mirror: Mirror) -> Steps:
    source, scene = mirror.source, mirror.scene
    visits = [z for z in sorted(mirror.adjoint, reverse=True) if f"m{z}" in scene.nodes]
    # those that the output does not depend on come behind the output itself
    visits.sort(key=lambda z: z > mirror.output)
    step = {key: 0 for key in scene.nodes if key[0] in "no"}
    step |= {f"m{z}": number for number, z in enumerate(visits, 1)}
    steps = _revealed(scene, step, len(visits))
    labels, names = source.labels, mirror.names
    return Steps(
        scene,
        steps[0],
        tuple(
            Step(z, names[labels[z]], (_chain_rule_6(mirror, z),), keys)
            for z, keys in zip(visits, steps[1:], strict=True)
        ),
    )


def _chain_rule_6(mirror: Mirror, z: int) -> Rule:
    """Give ∂y/∂z as the sum over the wires out of z."""
    columns = mirror.source.columns
    terms = [_ONE] if z == mirror.output else []
    for wire in (columns.operands == z).nonzero()[0].tolist():
        gate = int(columns.consumer[wire])
        if gate in mirror.adjoint and mirror.source.live[gate]:
            slot = wire - columns.wires_of(gate).start
            partial = partial_formula(mirror.source, gate, slot, mirror.names)
            terms.append(term(mirror.derivative_name(gate), partial))
    return Rule(mirror.derivative_name(z), tuple(terms) or (_ZERO,))


# ---------------------------------------------------------------------- forward mode


def _forward(circuit: Circuit, emitted: Circuit, values: Sequence[Any] | None) -> Steps:
    scene = place(elements(emitted, values))
    provenance = emitted.provenance
    assert provenance is not None
    roles = provenance.roles
    tangents: dict[int, dict[int, int]] = {}
    step = {key: 0 for key in scene.nodes if key[0] == "n"}
    made = {}
    for v, role in enumerate(roles.role.tolist()):
        if role == TANGENT:
            z, by = int(roles.vertex[v]), int(roles.other[v])
            tangents.setdefault(z, {})[by] = v
        if role != COPY and v >= emitted.columns.sources:
            made[f"n{v}"] = v
    visits = sorted(tangents)
    number = {z: count for count, z in enumerate(visits, 1)}
    for key in made:
        step.pop(key, None)
    for z, by_input in tangents.items():
        step |= {f"n{v}": number[z] for v in by_input.values()}
    steps = _revealed(scene, step, len(visits))
    names, labels = Names(circuit), circuit.labels
    inputs = sorted({by for each in tangents.values() for by in each})
    return Steps(
        scene,
        steps[0],
        tuple(
            Step(z, names[labels[z]], _chain_rule_5(circuit, z, inputs, names), keys)
            for z, keys in zip(visits, steps[1:], strict=True)
        ),
    )


def _chain_rule_5(
    circuit: Circuit, g: int, inputs: Iterable[int], names: Names
) -> tuple[Rule, ...]:
    """Give ∂g/∂x as the sum over the wires into g, for each input x."""
    columns, labels = circuit.columns, circuit.labels
    rules = []
    for x in inputs:
        varies = columns.depends_on(np.array([x]))
        terms = []
        for slot, u in enumerate(columns.operands_of(g)):
            if varies[u]:
                partial = partial_formula(circuit, g, slot, names)
                terms.append(term(names.derivative(labels[u], labels[x]), partial))
        if terms:
            rules.append(Rule(names.derivative(labels[g], labels[x]), tuple(terms)))
    return tuple(rules)


# ---------------------------------------------------------------------- revealing


def _revealed(scene: Scene, step: dict[str, int], count: int) -> list[tuple[str, ...]]:
    """Give the keys that are new at each step, from those of the nodes that are known.

    Another node comes when the first one does that it leads to; a wire with the later
    of its ends.
    """
    heads: dict[str, list[str]] = {}
    for wire in scene.wires.values():
        heads.setdefault(wire.tail, []).append(wire.head)
    waiting = [key for key in scene.nodes if key not in step]
    while waiting:
        key = waiting[-1]
        open_heads = [h for h in heads.get(key, ()) if h not in step]
        if open_heads:
            waiting += open_heads  # no circles: the scene is a DAG
            continue
        waiting.pop()
        step[key] = min((step[h] for h in heads.get(key, ())), default=count)
    found: list[list[str]] = [[] for _ in range(count + 1)]
    for key in scene.nodes:
        found[step[key]].append(key)
    for wire in scene.wires.values():
        found[max(step[wire.tail], step[wire.head])].append(wire.key)
    return [tuple(keys) for keys in found]
