"""Backpropagation (BP, reverse mode) as a circuit transform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit, named
from circuitgrad.errors import CircuitError
from circuitgrad.gates import INPUT
from circuitgrad.passes.chain_rule import propagate
from circuitgrad.passes.emission import Emission, Request
from circuitgrad.passes.partials import Partials
from circuitgrad.provenance import ADJOINT

__all__ = ["reverse_mode"]


def reverse_mode(
    circuit: Circuit,
    *,
    of: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    value: bool = False,
    all: bool = False,
    seed: str | None = None,
) -> Circuit:
    """Emit the gradient circuit by backpropagation, literally as the notes write it.

    Vertices are visited in reverse topological order from each output y; at each vertex
    g the chain rule (6), dy/dg = sum over wires (g into u) of dy/du times the partial
    of u, becomes gates.  Wires and gates whose derivative is structurally zero are left
    out, and a sum of one term that is not a number is that term.

    Parameters
    ----------
    circuit : Circuit
    of : sequence of str, optional
        Outputs to differentiate; all where left out, which gives the Jacobian.
    wrt : sequence of str, optional
        Inputs, or gates z in the sense of (C - z), to differentiate by; all inputs
        where left out.
    value : bool
        Whether the outputs of ``circuit`` are outputs too.
    all : bool
        Whether to differentiate by every input and gate.
    seed : str, optional
        Name of a new input that takes the place of dy/dy = 1 (one output only): the
        circuit then computes the seed times the gradient, a vector-Jacobian product.

    Returns
    -------
    Circuit
        The vertices of ``circuit`` and after them the derivatives; outputs ``dy_dx``.

    Raises
    ------
    CircuitError
        If a name is unknown or the seed's name is taken.

    Notes
    -----
    For m outputs, O(m * wires) time and gates, in array operations; for one output at
    most 3 * wires + vertices gates, each partial counted as one (Theorem 3).

    References
    ----------
    W. Baur and V. Strassen, "The complexity of partial derivatives", 1983.
    """
    request = Request.make(circuit, of, wrt, all)
    columns = circuit.columns
    emission = Emission(circuit)
    partials = Partials(columns)
    varies = columns.depends_on(request.wrt_vertices, partials.nonzero)
    wire_on = partials.nonzero & varies[columns.operands]
    partials.stamp(emission, varies & columns.live(request.of_vertices, wire_on))
    start = _seed(emission, request, seed)

    # Wires by operand, last first; then by consumer and slot, as (6) lists its terms.
    order = np.argsort(-columns.operands.astype(np.int64), kind="stable")
    outputs = list(circuit.outputs) if value else []
    names = []
    for label, vertex in request.of:
        on = wire_on & columns.live(np.array([vertex]), wire_on)[columns.consumer]
        wires = order[on[order]]
        adjoint = propagate(
            emission,
            partials,
            wires=wires,
            into=columns.operands[wires],
            out_of=columns.consumer[wires],
            seed=(vertex, start),
            role=ADJOINT,
            other=vertex,
        )
        for name, x in request.wrt:
            found = int(adjoint[x])
            found = found if found >= 0 else emission.constant(exact.ZERO)
            outputs.append((f"d{label}_d{name}", found))
        emitted = np.flatnonzero((adjoint >= len(columns)) & named(circuit.names))
        names += [
            (f"d{label}_d{circuit.names[v]}", int(adjoint[v])) for v in emitted[::-1]
        ]
    return emission.finish(outputs, names, "reverse_mode")


def _seed(emission: Emission, request: Request, name: str | None) -> int:
    """Give the derivative of an output by itself: the constant 1, or a new input."""
    if name is None:
        return emission.constant(exact.ONE)
    if len(request.of) != 1:
        raise CircuitError("a seed needs one output: say which with of=")
    if name in emission.circuit.names:
        raise CircuitError(f"the seed's name {name!r} is taken by a vertex")
    vertex = emission.source(INPUT, -1)
    emission.names[-1][0] = name
    return vertex
