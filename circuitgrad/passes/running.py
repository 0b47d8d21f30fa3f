"""Running pipelines: passes one after another, and the best of alternatives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from circuitgrad.circuit import Circuit
from circuitgrad.errors import PipelineError
from circuitgrad.passes.levels import LEVELS
from circuitgrad.passes.pipeline import Choice, Pipeline, Step, parse_pipeline
from circuitgrad.progress import stage
from circuitgrad.simplify.rewrites import Journal, note, recording

__all__ = ["GOALS", "Ran", "run"]

#: Vertices that alternatives may visit, over all circuits and passes in one run.  The
#: first alternative with passes is always run, so large circuits get that one alone.
MAX_VISITS = 60_000


def _ops(circuit: Circuit) -> tuple[int, ...]:
    counts = circuit.stats()
    return counts.ops, counts.size, counts.depth


def _depth(circuit: Circuit) -> tuple[int, ...]:
    counts = circuit.stats()
    return counts.depth, counts.ops, counts.size


#: What may be least in the circuit that a run keeps.
GOALS: Final[dict[str, Callable[[Circuit], tuple[int, ...]]]] = {
    "ops": _ops,
    "depth": _depth,
}


@dataclass(frozen=True)
class Ran:
    """A step that was run: what it took, left and said."""

    step: Step
    before: Circuit
    after: Circuit
    seconds: float
    journal: Journal


@dataclass(frozen=True)
class _State:
    circuit: Circuit
    notes: tuple[str, ...] = ()
    trail: tuple[Ran, ...] = ()


@dataclass
class _Run:
    keep: bool
    visits: int = field(default_factory=lambda: MAX_VISITS)
    skipped: int = 0

    def pipeline(self, states: list[_State], pipeline: Pipeline) -> list[_State]:
        for element in pipeline:
            if isinstance(element, Choice):
                states = self.choice(states, element)
            else:
                states = _distinct([self.step(state, element) for state in states])
        return states

    def choice(self, states: list[_State], choice: Choice) -> list[_State]:
        found: list[_State] = []
        started = False
        for alternative in choice.alternatives:
            for state in states:
                if alternative:
                    visits = _visits(state.circuit, alternative)
                    if started and visits > self.visits:
                        self.skipped += 1
                        continue
                    started = True
                    self.visits -= visits
                found += self.pipeline([state], alternative)
        return _distinct(found)

    def step(self, state: _State, step: Step) -> _State:
        if step.made_of.scalar and state.circuit.columns.shaped:
            text = "left out: passes that work on scalar gates alone"
            return replace(state, notes=tuple(dict.fromkeys((*state.notes, text))))
        start = time.perf_counter()
        with stage(step.made_of.name), recording() as journal:
            emitted = step.made_of.function(state.circuit, **step.options)
            if emitted is not state.circuit:
                emitted.verify()
        notes = (*state.notes, *journal.notes)
        if not self.keep:
            return _State(emitted, notes)
        seconds = time.perf_counter() - start
        ran = Ran(step, state.circuit, emitted, seconds, journal)
        return _State(emitted, notes, (*state.trail, ran))


def _visits(circuit: Circuit, pipeline: Pipeline) -> int:
    """Bound the vertices that a pipeline visits, its first alternatives alone."""
    return len(pipeline) * int(np.count_nonzero(circuit.live))


def _distinct(states: list[_State]) -> list[_State]:
    """Drop states whose circuit is there already."""
    found: dict[Circuit, _State] = {}
    for state in states:
        found.setdefault(state.circuit, state)
    return list(found.values())


def run(
    circuit: Circuit,
    pipeline: str | Pipeline,
    *,
    goal: str | None = None,
    report: Callable[[Ran], None] | None = None,
) -> Circuit:
    """Run a pipeline on a circuit; what each pass emits is verified.

    Parameters
    ----------
    circuit : Circuit
    pipeline : str or list of Step and Choice
        As `parse_pipeline` reads it, or the name of a level of `LEVELS`.
    goal : {"ops", "depth"}, optional
        What is least in the circuit that is kept, where there are alternatives;
        ``ops`` where left out, or what the level says.
    report : callable, optional
        Called in the end for each pass on the way to the circuit that is kept.

    Returns
    -------
    Circuit

    Raises
    ------
    PipelineError
        If the pipeline cannot be read, or there is no such goal.

    Notes
    -----
    Alternatives multiply.  Each is run on each circuit so far, equal circuits once, in
    their order, until `MAX_VISITS` vertices were visited.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> print(run(parse_expression("x^2 + 3*x"), "bp,fold,fuse,cse,dce"))
    input x
    df_dx = 2*x + 3
    output df_dx
    <BLANKLINE>
    """
    if isinstance(pipeline, str):
        if goal is None and pipeline in LEVELS:
            goal = LEVELS[pipeline].goal
        pipeline = parse_pipeline(pipeline)
    if (goal or "ops") not in GOALS:
        raise PipelineError(f"no goal {goal!r}; there are: {', '.join(GOALS)}")
    work = _Run(keep=report is not None)
    states = work.pipeline([_State(circuit)], pipeline)
    if work.skipped:
        note(
            f"{work.skipped} alternatives of the pipeline left out: they would visit "
            f"more than {MAX_VISITS:,} vertices"
        )
    best = states[0]
    if len(states) > 1:
        measure = GOALS[goal or "ops"]
        best = min(states, key=lambda state: measure(state.circuit))
    for text in best.notes:
        note(text)
    if report is not None:
        for ran in best.trail:
            report(ran)
    return best.circuit
