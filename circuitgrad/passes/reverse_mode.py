"""Backpropagation (BP, reverse mode) as a circuit transform."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.gates import INPUT
from circuitgrad.passes.array_modes import reverse_arrays
from circuitgrad.passes.chain_rule import propagate
from circuitgrad.passes.emission import Emission, Request
from circuitgrad.passes.partials import Kinds, Partials
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
    jacobians: bool = False,
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
        An output that is an array needs one, of its shape.
    jacobians : bool
        Whether to form the Jacobian matrix of each activation of a vector, as
        Algorithm 1 of the notes on networks writes it.

    Returns
    -------
    Circuit
        The vertices of ``circuit`` and after them the derivatives; outputs ``dy_dx``.

    Raises
    ------
    CircuitError
        If a name is unknown or the seed's name is taken.
    ShapeError
        If an output is an array, and there is no seed.

    Notes
    -----
    For m outputs, O(m * wires) time and gates; for one output at
    most 3 * wires + vertices gates, each partial counted as one (Theorem 3).

    References
    ----------
    W. Baur and V. Strassen, "The complexity of partial derivatives", 1983; for arrays,
    I. Ganev, "Notes on backpropagation", and M. Hardt and M. Simchowitz,
    "Backpropagation and adjoints", course notes of EE227C, 2018.
    """
    if circuit.columns.shaped:
        return reverse_arrays(circuit, of, wrt, value, all, seed, jacobians)
    kinds = Kinds(circuit.columns)
    emission = Emission(circuit, {exact.ONE, *kinds.constants})
    circuit, columns = emission.circuit, emission.circuit.columns
    request = Request.make(circuit, of, wrt, all)
    partials = Partials(columns, kinds)
    emission.reserve(3 * columns.wires, 6 * columns.wires)  # enough for most
    varies = columns.depends_on(request.wrt_vertices, partials.nonzero)
    wire_on = partials.nonzero & varies[columns.operands]
    partials.stamp(emission, varies & columns.live(request.of_vertices, wire_on))
    partials.mask(wire_on)
    start = _seed(emission, request, seed)

    # Wires by operand, then by consumer and slot, as (6) lists its terms.
    terms = columns.uses
    outputs = list(circuit.outputs) if value else []
    names: list[tuple[str, int]] = []
    for label, vertex in request.of:
        adjoint = propagate(
            emission,
            partials,
            terms=terms,
            used=columns.consumer,
            down=True,
            seed=(vertex, start),
            role=ADJOINT,
            other=vertex,
        )
        found = adjoint[request.wrt_vertices]
        if (found < 0).any():
            found[found < 0] = emission.constant(exact.ZERO)
        labels = [f"d{label}_d{name}" for name, _ in request.wrt]
        outputs += zip(labels, found.tolist(), strict=True)
        emitted = circuit.names.where(adjoint >= len(columns))
        labels = [f"d{label}_d{name}" for name in reversed(emitted.texts.tolist())]
        names += zip(labels, adjoint[emitted.vertices][::-1].tolist(), strict=True)
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
    emission.names[vertex] = name
    return vertex
