"""Gradient circuits in one call: differentiate, then simplify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.passes import (
    LEVELS,
    PASSES,
    Pipeline,
    Ran,
    Step,
    parse_pipeline,
    run,
    with_ieee,
)
from circuitgrad.passes.forward_mode import forward_mode
from circuitgrad.passes.reverse_mode import reverse_mode

__all__ = ["MODES", "emit", "gradient", "jacobian"]

#: The modes by every name that they are asked for.
MODES = {
    "reverse": reverse_mode,
    "bp": reverse_mode,
    "forward": forward_mode,
    "fp": forward_mode,
}


def emit(
    circuit: Circuit,
    mode: str,
    options: dict[str, Any],
    pipeline: str,
    *,
    ieee: bool = False,
    report: Callable[[Ran], None] | None = None,
    literal: Callable[[Circuit], None] | None = None,
) -> Circuit:
    """Differentiate and simplify, before and after where the level says so.

    Parameters
    ----------
    circuit : Circuit
    mode : str
    options : dict
        Those of the mode's pass.
    pipeline : str
        A level of ``-O``, or the passes that follow differentiation.
    ieee : bool
        Whether passes leave out what changes floating point by more than rounding.
    report : callable, optional
        As for `circuitgrad.run`.
    literal : callable, optional
        Called with the literal gradient circuit of ``circuit``.

    Returns
    -------
    Circuit

    Notes
    -----
    Nothing runs before differentiation where gates are asked for by name, with ``all``
    or in ``wrt``: they might not be there any more.
    """
    if mode not in MODES:
        raise CircuitError(f"no mode {mode!r}; there are: {', '.join(MODES)}")
    if options.get("jacobians") and MODES[mode] is not reverse_mode:
        raise CircuitError("Jacobians of activations are formed by reverse mode alone")
    given = {key: value for key, value in options.items() if value not in (None, False)}
    level = LEVELS.get(pipeline)
    gates_asked = options.get("all") or set(options.get("wrt") or ()) - set(
        circuit.inputs
    )
    before = (
        parse_pipeline(level.before)
        if level and level.before and not gates_asked
        else []
    )
    modes: Pipeline = [Step(PASSES[MODES[mode].__name__], given)]
    after = parse_pipeline(pipeline)
    goal = level.goal if level else None
    if literal is not None and before:
        literal(run(circuit, modes))
    if before:
        steps = [*before, *modes, *after]
        steps = with_ieee(steps) if ieee else steps
        return _own_names(circuit, run(circuit, steps, goal=goal, report=report))
    emitted = run(circuit, modes, report=report)
    if literal is not None:
        literal(emitted)
    after = with_ieee(after) if ieee else after
    return run(emitted, after, goal=goal, report=report)


def _own_names(circuit: Circuit, emitted: Circuit) -> Circuit:
    """Drop names of adjoints of gates: those gates may not be the source's any more."""
    kept = {*circuit.names.distinct, *emitted.output_names}
    names = emitted.names
    dropped: dict[int, str | None] = dict.fromkeys(
        vertex for vertex, name in names.items() if name not in kept
    )
    return Circuit(
        emitted.columns,
        names.with_changes(dropped),
        emitted.outputs,
        emitted.name,
        emitted.provenance,
    )


def jacobian(
    circuit: Circuit,
    *,
    of: Sequence[str] | str | None = None,
    wrt: Sequence[str] | str | None = None,
    mode: str = "reverse",
    value: bool = False,
    all: bool = False,
    pipeline: str = "tidy",
    ieee: bool = False,
    jacobians: bool = False,
) -> Circuit:
    """Emit the circuit of all partial derivatives of the outputs.

    Parameters
    ----------
    circuit : Circuit
    of, wrt : str or sequence of str, optional
        The outputs and the inputs (or gates) to differentiate; all where left out.
    mode : {"reverse", "bp", "forward", "fp"}
        Backpropagation or forward propagation.
    value : bool
        Whether the outputs of ``circuit`` are outputs too.
    all : bool
        Whether to differentiate by every input and gate.
    pipeline : str
        A level, ``none``, ``tidy``, ``size`` or ``depth``, or the passes that follow
        differentiation (`circuitgrad.run`).
    ieee : bool
        Whether passes leave out what changes floating point by more than rounding.
    jacobians : bool
        Whether backpropagation forms the Jacobian matrix of each activation of a
        vector; nothing does otherwise.

    Returns
    -------
    Circuit
        Outputs ``d<output>_d<input>``.

    Raises
    ------
    CircuitError
        If a name or the mode is unknown.
    PipelineError
        If the pipeline cannot be read.
    """
    chosen = [of] if isinstance(of, str) else of
    inputs = [wrt] if isinstance(wrt, str) else wrt
    options = {"of": chosen, "wrt": inputs, "value": value, "all": all}
    if jacobians:
        options["jacobians"] = True
    return emit(circuit, mode, options, pipeline, ieee=ieee)


def gradient(
    circuit: Circuit,
    *,
    of: str | None = None,
    wrt: Sequence[str] | str | None = None,
    mode: str = "reverse",
    value: bool = False,
    all: bool = False,
    pipeline: str = "tidy",
    ieee: bool = False,
    jacobians: bool = False,
) -> Circuit:
    """Emit the gradient circuit of one output; options as for `jacobian`.

    Raises
    ------
    CircuitError
        Also if the circuit has several outputs and ``of`` is left out.

    Examples
    --------
    >>> from circuitgrad.builder import trace
    >>> print(gradient(trace(lambda x, y: x**2 + 3 * x * y)))
    input x, y
    df_dy = 3*x
    df_dx = 2*x + 3*y
    output df_dx, df_dy
    <BLANKLINE>
    """
    if of is None and len(circuit.outputs) != 1:
        names = ", ".join(circuit.output_names)
        raise CircuitError(
            f"several outputs ({names}): say which with of=, or use jacobian"
        )
    return jacobian(
        circuit,
        of=of,
        wrt=wrt,
        mode=mode,
        value=value,
        all=all,
        pipeline=pipeline,
        ieee=ieee,
        jacobians=jacobians,
    )
