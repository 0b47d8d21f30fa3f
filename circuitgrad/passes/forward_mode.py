"""Forward propagation (FP, forward mode) as a circuit transform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.passes.array_modes import forward_arrays
from circuitgrad.passes.chain_rule import propagate
from circuitgrad.passes.emission import Emission, Request
from circuitgrad.passes.partials import Kinds, Partials
from circuitgrad.provenance import TANGENT

__all__ = ["forward_mode"]


def forward_mode(
    circuit: Circuit,
    *,
    of: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    value: bool = False,
    all: bool = False,
) -> Circuit:
    """Emit the gradient circuit by forward propagation, literally as in the notes.

    For each input x, every gate g gets a tangent dg/dx by the chain rule (5): the sum
    over the operands u of du/dx times the partial of g by u.  Wires and gates whose
    derivative is structurally zero are left out, and a sum of one term that is not a
    number is that term.

    Parameters
    ----------
    circuit : Circuit
    of : sequence of str, optional
        Outputs to differentiate; all where left out.
    wrt : sequence of str, optional
        Inputs, or gates z in the sense of (C - z), to differentiate by; all inputs
        where left out.
    value : bool
        Whether the outputs of ``circuit`` are outputs too.
    all : bool
        Whether to differentiate by every input and gate.

    Returns
    -------
    Circuit
        The vertices of ``circuit``, then the partials, then the tangents of one input
        after the other; outputs ``dy_dx``.

    Raises
    ------
    CircuitError
        If a name is unknown.
    ShapeError
        If an output is an array.

    Notes
    -----
    For n inputs, O(n * wires) time and gates: the notes' Theta(n (s + w)).  A tangent
    by an array of n entries is one gate with n times the entries of its vertex.
    """
    if circuit.columns.shaped:
        return forward_arrays(circuit, of, wrt, value, all)
    kinds = Kinds(circuit.columns)
    emission = Emission(circuit, {exact.ONE, *kinds.constants})
    circuit, columns = emission.circuit, emission.circuit.columns
    request = Request.make(circuit, of, wrt, all)
    partials = Partials(columns, kinds)
    varies = columns.depends_on(request.wrt_vertices, partials.nonzero)
    useful = columns.live(
        request.of_vertices, partials.nonzero & varies[columns.operands]
    )
    partials.stamp(emission, varies & useful)
    partials.mask(partials.nonzero & useful[columns.consumer])
    one = emission.constant(exact.ONE)

    terms = columns.offsets, np.arange(columns.wires, dtype=np.int32)
    names = []
    tangents = []
    for name, x in request.wrt:
        tangent = propagate(
            emission,
            partials,
            terms=terms,
            used=columns.operands,
            down=False,
            seed=(x, one),
            role=TANGENT,
            other=x,
        )
        tangents.append(tangent)
        emitted = circuit.names.where(tangent >= len(columns))
        names += [
            (f"d{gate}_d{name}", at)
            for gate, at in zip(
                emitted.texts.tolist(), tangent[emitted.vertices].tolist(), strict=True
            )
        ]

    outputs = list(circuit.outputs) if value else []
    for label, vertex in request.of:
        for (name, _), tangent in zip(request.wrt, tangents, strict=True):
            found = int(tangent[vertex])
            found = found if found >= 0 else emission.constant(exact.ZERO)
            outputs.append((f"d{label}_d{name}", found))
    return emission.finish(outputs, names, "forward_mode")
