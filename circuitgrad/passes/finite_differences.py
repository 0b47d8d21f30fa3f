"""Finite differences as a circuit transform: the notes' third algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Columns, Ints
from circuitgrad.errors import CircuitError
from circuitgrad.gates import SUM
from circuitgrad.limits import check_counts
from circuitgrad.passes.emission import Emission, Request
from circuitgrad.provenance import QUOTIENT, SHIFTED

__all__ = ["finite_differences"]


def finite_differences(
    circuit: Circuit,
    *,
    of: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    value: bool = False,
    eps: Fraction | float = 1e-6,
) -> Circuit:
    """Approximate the gradient by (f(x + eps e_i) - f(x)) / eps: n + 1 copies of C.

    The copies are whole, as the notes have them; `circuitgrad.cse` makes one of what
    they share.  This is no derivative, and no check proves it to be one.

    Parameters
    ----------
    circuit : Circuit
    of : sequence of str, optional
        Outputs to differentiate; all where left out.
    wrt : sequence of str, optional
        Inputs, or gates z in the sense of (C - z), to shift; all inputs where left out.
    value : bool
        Whether the outputs of ``circuit`` are outputs too.
    eps : Fraction or float
        The step, above 0.  A number of the circuit, so exact: 1e-6 is 1/1000000.

    Returns
    -------
    Circuit
        The vertices of ``circuit``, then for each input the shifted input, the gates
        that the outputs depend on once more, and the quotients; outputs ``dy_dx``.

    Raises
    ------
    CircuitError
        If a name is unknown, or the step is not above 0.
    LimitError
        If the step has too many digits for a circuit, or there are too many gates.

    Notes
    -----
    For n inputs, m outputs and s gates that they depend on, (n + 1) s + n (1 + 2m)
    gates: a sum for each shift, a sum for each difference and one for the division,
    whose weight is 1/eps.  O(n * wires) time.

    References
    ----------
    Section 5 of the lecture notes on circuits and backpropagation.
    """
    circuit.require_scalars("the pass finite_differences")
    step = _step(eps)
    emission = Emission(circuit, {exact.ONE})
    # The constants of a difference of constants are to be put in order.
    emission.canonical = False
    circuit, columns = emission.circuit, emission.circuit.columns
    request = Request.make(circuit, of, wrt, False)
    copied = columns.live(request.of_vertices) & columns.is_gate
    block = 1 + int(np.count_nonzero(copied)) + 2 * len(request.of)
    check_counts(len(columns) + block * len(request.wrt), 0)
    found: dict[tuple[str, str], int] = {}
    for name, x in request.wrt:
        first = _copy(emission, columns, request, copied, x, step)
        for number, (label, _) in enumerate(request.of):
            found[label, name] = first + 2 * number
    derivatives = [
        (f"d{label}_d{name}", found[label, name])
        for label, _ in request.of
        for name, _ in request.wrt
    ]
    outputs = [*circuit.outputs] if value else []
    return emission.finish(outputs + derivatives, derivatives, "finite_differences")


def _step(eps: Fraction | float) -> Fraction:
    try:
        step = exact.as_fraction(eps)
    except (TypeError, ValueError) as error:
        raise CircuitError(f"eps: {error}") from None
    if step <= 0:
        shown = exact.format_number(step)
        raise CircuitError(f"eps is {shown}: a step above 0 is needed")
    exact.check_digits(1 / step)
    return exact.check_digits(step)


def _copy(
    emission: Emission,
    columns: Columns,
    request: Request,
    copied: Bools,
    x: int,
    step: Fraction,
) -> int:
    """Append a copy of C in which vertex x is shifted; give its first quotient.

    The shift comes first, then the gates, then for each output difference and quotient.
    """
    shifted = copied.copy()
    shifted[x] = False  # a gate z of (C - z) is not computed again
    gates = np.flatnonzero(shifted)
    shift = emission.count
    place = np.arange(len(columns), dtype=np.int64)
    place[x] = shift
    place[gates] = shift + 1 + np.arange(len(gates))
    wires = shifted[columns.consumer]
    outputs = request.of_vertices
    last = shift + 1 + len(gates)
    differences = last + 2 * np.arange(len(outputs))

    # y' - y, and the quotient of it: three wires an output
    ends = np.stack([place[outputs], outputs, differences], axis=1).ravel()
    scale = [exact.ONE, exact.MINUS_ONE, exact.intern(1 / step)]
    one = emission.constant(exact.ONE)
    operands = [[x, one], place[columns.operands[wires]], ends]
    weights = [
        [exact.ONE, exact.intern(step)],
        columns.weights[wires],
        scale * len(outputs),
    ]
    sums = [SUM] * (2 * len(outputs))
    fan_in = np.concatenate([[2], columns.fan_in[gates], [2, 1] * len(outputs)])
    many, slots = 1 + len(gates) + len(sums), int(fan_in.sum())
    emission.reserve(many, slots)
    _write(emission.op, shift, [[SUM], columns.op[gates], sums])
    _write(emission.params, shift, [[-1], columns.params[gates], [-1] * len(sums)])
    _write(emission.operands, emission.wires, operands)
    _write(emission.weights, emission.wires, weights)
    _write(emission.offsets, shift + 1, [emission.wires + np.cumsum(fan_in)])

    def belonging() -> tuple[Ints, Ints, Ints, Ints]:
        role = np.full(many, SHIFTED)
        role[1 + len(gates) :] = QUOTIENT
        vertex = np.concatenate([[x], gates, np.repeat(outputs, 2)])
        return role, vertex, np.full(many, -1), np.full(many, x)

    emission.advance(many, slots, belonging)
    return last + 1


def _write(array: Ints, start: int, parts: Sequence[Any]) -> None:
    """Write parts, one after another, from a place on."""
    joined = np.concatenate(parts)
    array[start : start + len(joined)] = joined
