"""The chain rule as a sweep: what forward and reverse mode share.

Both modes differ only in the direction in which derivatives travel along the wires.
Each wire (u into g at a slot) contributes one term,

    forward (5):  dg/dx  gets  du/dx * partial
    reverse (6):  dy/du  gets  dy/dg * partial

and a vertex's derivative is the sum of its terms.  What a term looks like depends only
on the partial: a number becomes a weight of the sum's wire, anything else a product
gate.  Partials are traced once a gate type and stamped for all its gates (`Partials`),
so that one loop over wires (`_propagate`) writes the derivatives as columns.
"""

from __future__ import annotations

import numpy as np

from circuitgrad import buffers, exact
from circuitgrad.columns import Ints
from circuitgrad.gates import PROD, SUM
from circuitgrad.loops import kernel
from circuitgrad.passes.emission import Emission
from circuitgrad.passes.partials import NONE, Partials
from circuitgrad.provenance import PRODUCT

__all__ = ["propagate"]


@kernel
def _propagate(  # type: ignore[no-untyped-def]
    down, starts, terms, used, begin, partial, number_at, derivative,
    op, offsets, operands, weights, params, vertex, of_slot, found,
):  # fmt: skip
    """Write the derivative of each vertex: the products of its terms, then their sum.

    ``terms[starts[v]:starts[v + 1]]`` are the wires that may contribute to v, by their
    ``partial``; wire w uses the derivative of ``used[w]``, and the wires into a vertex
    ``begin`` where the columns say.  ``found`` holds the next free vertex and wire, and
    the first vertex that was free.
    """
    at, wire, first = found[0], found[1], found[2]
    count = len(derivative)
    for i in range(count):
        v = count - 1 - i if down else i
        many = 0
        only = 0
        product = at
        for t in range(starts[v], starts[v + 1]):
            w = terms[t]
            factor = partial[w]
            if factor == NONE or derivative[used[w]] < 0:
                continue
            many += 1
            only = w
            if factor >= 0:
                operands[wire] = derivative[used[w]]
                operands[wire + 1] = factor
                weights[wire] = exact.ONE
                weights[wire + 1] = exact.ONE
                wire += 2
                op[at] = PROD
                params[at] = -1
                consumer = used[w] if down else v
                vertex[at - first] = consumer
                of_slot[at - first] = w - begin[consumer]
                at += 1
                offsets[at] = wire
        if many == 0:
            continue
        if many == 1 and partial[only] == -1 - exact.ONE and used[only] != number_at:
            derivative[v] = derivative[used[only]]
            continue
        if many > 1 or product == at:
            for t in range(starts[v], starts[v + 1]):
                w = terms[t]
                factor = partial[w]
                if factor == NONE or derivative[used[w]] < 0:
                    continue
                if factor >= 0:
                    operands[wire] = product
                    weights[wire] = exact.ONE
                    product += 1
                    wire += 1
                else:
                    operands[wire] = derivative[used[w]]
                    weights[wire] = -1 - factor
                    wire += 1
            op[at] = SUM
            params[at] = -1
            at += 1
            offsets[at] = wire
        vertex[at - 1 - first] = v  # the sum, or the one product, is the derivative
        of_slot[at - 1 - first] = -1
        derivative[v] = at - 1
    found[0] = at
    found[1] = wire


def propagate(
    emission: Emission,
    partials: Partials,
    *,
    terms: tuple[Ints, Ints],
    used: Ints,
    down: bool,
    seed: tuple[int, int],
    role: int,
    other: int,
) -> Ints:
    """Emit the derivative of every vertex that terms run into.

    Parameters
    ----------
    emission : Emission
    partials : Partials
        Stamped for the consumers of all wires that may contribute, and masked.
    terms : (array of int, array of int)
        The wires that run into each vertex, in the order of its terms: where those of
        vertex v start, and the wires.
    used : array of int32
        For each wire the vertex whose derivative its term uses.
    down : bool
        Whether derivatives travel from the last vertex to the first.
    seed : (int, int)
        The vertex whose derivative is given, and the vertex that it is; one that is a
        constant is a number.
    role, other : int
        For the provenance.

    Returns
    -------
    array of int
        The vertex of each vertex's derivative, -1 where it is structurally zero.

    Notes
    -----
    Linear in the wires.
    """
    derivative = buffers.full(len(partials.columns), -1, np.int32)
    derivative[seed[0]] = seed[1]
    room = partials.columns.wires + len(derivative)
    emission.reserve(room, 3 * partials.columns.wires)
    vertex, of_slot = buffers.empty(room, np.int32), buffers.empty(room, np.int32)
    found = np.array([emission.count, emission.wires, emission.count], dtype=np.int64)
    _propagate(
        int(down), *terms, used, partials.columns.offsets, partials.partial,
        seed[0] if seed[1] in emission.constants.values() else -1, derivative,
        emission.op, emission.offsets, emission.operands, emission.weights,
        emission.params, vertex, of_slot, found,
    )  # fmt: skip
    size = int(found[0]) - emission.count
    vertex, of_slot = vertex[:size], of_slot[:size]
    if size < room // 2:
        vertex, of_slot = vertex.copy(), of_slot.copy()
    emission.advance(
        size,
        int(found[1]) - emission.wires,
        lambda: (
            np.where(of_slot < 0, role, PRODUCT),
            vertex,
            of_slot,
            np.full(size, other, dtype=np.int32),
        ),
    )
    return derivative
