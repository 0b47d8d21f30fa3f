"""The chain rule as bulk array operations: what forward and reverse mode share.

Both modes differ only in the direction in which derivatives travel along the wires.
Each wire (u into g at a slot) contributes one term,

    forward (5):  dg/dx  gets  du/dx * partial
    reverse (6):  dy/du  gets  dy/dg * partial

and a vertex's derivative is the sum of its terms.  What a term looks like depends only
on the partial: a number becomes a weight of the sum's wire, anything else a product
gate.  So no walk over the circuit is needed: partials are traced once a gate type and
stamped for all its gates (`Partials`), and room for the terms is found by prefix sums
(`Emission`).
"""

from __future__ import annotations

import numpy as np

from circuitgrad import exact
from circuitgrad.columns import Ints, RawColumns
from circuitgrad.gates import PROD, SUM
from circuitgrad.passes.emission import Emission
from circuitgrad.passes.partials import Partials
from circuitgrad.provenance import PRODUCT

__all__ = ["propagate"]


def propagate(
    emission: Emission,
    partials: Partials,
    *,
    wires: Ints,
    into: Ints,
    out_of: Ints,
    seeds: dict[int, int],
    role: int,
    other: int,
) -> Ints:
    """Emit the derivative of every vertex that terms run into.

    Parameters
    ----------
    emission : Emission
    partials : Partials
        Stamped for the consumers of all these wires.
    wires : array of int
        The wires that contribute, ordered so that a vertex's terms stand together and
        after the derivatives that they use.
    into, out_of : array of int
        For each of these wires, the vertex whose derivative gets the term and the
        vertex whose derivative the term uses.
    seeds : dict
        The derivatives that are given: vertex to raw vertex.  A seed that is a constant
        is a number.
    role, other : int
        For the provenance.

    Returns
    -------
    array of int
        The raw vertex of each vertex's derivative, -1 where it is structurally zero.

    Notes
    -----
    Linear in the wires, but for the aliases (a derivative that is one term of weight 1
    is that term): they are followed by pointer jumping, in log(depth) array operations.
    """
    size = len(partials.columns)
    derivative = np.full(size, -1, dtype=np.int64)
    for vertex, seed in seeds.items():
        derivative[vertex] = seed
    if not len(wires):
        return derivative
    number = partials.number[wires]
    is_product = number < 0
    is_seed = np.zeros(size, dtype=np.bool_)
    for vertex, seed in seeds.items():
        is_seed[vertex] = seed in emission.constants.values()

    # One group of terms for each vertex that gets any, in order.
    starts = np.flatnonzero(np.append(True, into[1:] != into[:-1]))
    targets = into[starts]
    terms = np.diff(np.append(starts, len(wires)))
    group = np.repeat(np.arange(len(starts)), terms)
    alone = terms == 1
    lone_number = alone & ~is_product[starts]
    alias = lone_number & (number[starts] == exact.ONE) & ~is_seed[out_of[starts]]
    has_sum = ~alone | (lone_number & ~alias)

    # Room: the products of a group, then its sum.
    products = np.add.reduceat(is_product.astype(np.int64), starts)
    room = products + has_sum
    base = emission.count + np.cumsum(room) - room
    rank: Ints = np.cumsum(is_product) - is_product
    product_at = base[group] + rank - rank[starts][group]
    at = base + room - 1  # the sum, or the one product

    # Follow aliases to the derivative that they are.
    parent = np.arange(size)
    parent[targets[alias]] = out_of[starts[alias]]
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            break
        parent = further
    derivative[targets[~alias]] = at[~alias]
    derivative = derivative[parent]

    # The gates: operands in emission order, products before their sum.
    total = int(room.sum())
    op = np.full(total, SUM, dtype=np.uint8)
    op[product_at[is_product] - emission.count] = PROD
    fan_in = np.full(total, 2, dtype=np.int64)
    fan_in[at[has_sum] - emission.count] = terms[has_sum]
    offsets = np.cumsum(fan_in) - fan_in
    operands = np.empty(int(fan_in.sum()), dtype=np.int64)
    weights = np.full(len(operands), exact.ONE, dtype=np.int32)
    room_of = offsets[product_at[is_product] - emission.count]
    operands[room_of] = derivative[out_of[is_product]]
    operands[room_of + 1] = partials.vertex[wires[is_product]]
    in_sum = has_sum[group]
    slot = np.arange(len(wires)) - starts[group]
    sum_at = offsets[(at - emission.count)[group[in_sum]]] + slot[in_sum]
    operands[sum_at] = np.where(
        is_product[in_sum], product_at[in_sum], derivative[out_of[in_sum]]
    )
    weights[sum_at] = np.where(is_product[in_sum], exact.ONE, number[in_sum])

    belongs = np.repeat(targets, room)
    roles = np.full(total, role, dtype=np.uint8)
    slots = np.full(total, -1, dtype=np.int32)
    made = product_at[is_product] - emission.count
    roles[made] = PRODUCT
    belongs[made] = partials.columns.consumer[wires[is_product]]
    slots[made] = partials.columns.slot[wires[is_product]]
    lone_product = at[alone & is_product[starts]] - emission.count
    roles[lone_product] = role  # the only term is the derivative itself
    belongs[lone_product] = targets[alone & is_product[starts]]
    slots[lone_product] = -1
    emission.append(
        RawColumns(
            op,
            fan_in,
            operands,
            weights,
            np.full(total, -1, dtype=np.int32),
            np.zeros(total, dtype=np.int32),
        ),
        roles,
        belongs,
        slots,
        other,
    )
    return derivative
