"""The chain rule as bulk array operations: what forward and reverse mode share.

Both modes differ only in the direction in which derivatives travel along the wires.
Each wire (u into g at a slot) contributes one term,

    forward (5):  dg/dx  gets  du/dx * partial
    reverse (6):  dy/du  gets  dy/dg * partial

and a vertex's derivative is the sum of its terms.  What a term looks like depends only
on the partial: a number becomes a weight of the sum's wire, anything else a product
gate.  So no walk over the circuit is needed: partials are traced once a gate type and
stamped for all its gates (`Partials`), and room for the terms is found by prefix sums
(`_Terms`).
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
    seed: tuple[int, int],
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
    seed : (int, int)
        The vertex whose derivative is given, and the raw vertex that it is; one that
        is a constant is a number.
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
    derivative = np.full(len(partials.columns), -1, dtype=np.int64)
    derivative[seed[0]] = seed[1]
    if not len(wires):
        return derivative
    number_at = seed[0] if seed[1] in emission.constants.values() else -1
    terms = _Terms(partials, wires, into, out_of, number_at)
    derivative = terms.settle(derivative, emission.count)
    raw = terms.raw(derivative, emission.count)
    emission.append(raw, *terms.belonging(role), other)
    return derivative


class _Terms:
    """The terms of one propagation, grouped by the vertex that they run into.

    A group is emitted as its product gates and then its sum, where it has one.
    Positions (``product_at``, ``at``) count from the first vertex that is emitted.
    """

    def __init__(
        self, partials: Partials, wires: Ints, into: Ints, out_of: Ints, number_at: int
    ) -> None:
        self.partials, self.wires, self.out_of = partials, wires, out_of
        self.number = partials.number[wires]
        self.is_product = self.number < 0

        starts = np.flatnonzero(np.append(True, into[1:] != into[:-1]))
        self.starts, self.targets = starts, into[starts]
        self.terms = np.diff(np.append(starts, len(wires)))
        self.group = np.repeat(np.arange(len(starts)), self.terms)

        # A term alone is the derivative, unless it is a number or scaled by one.
        alone = self.terms == 1
        self.lone_product = alone & self.is_product[starts]
        unscaled = self.number[starts] == exact.ONE
        self.alias = alone & unscaled & (out_of[starts] != number_at)
        self.has_sum = ~(self.lone_product | self.alias)

        self.room = np.add.reduceat(self.is_product.astype(np.int64), starts)
        self.room += self.has_sum
        base = np.cumsum(self.room) - self.room
        rank: Ints = np.cumsum(self.is_product) - self.is_product
        products = base[self.group] + rank - rank[starts][self.group]
        self.product_at = products[self.is_product]
        self.at = base + self.room - 1  # the sum, or the one product

    def settle(self, derivative: Ints, first: int) -> Ints:
        """Give the raw vertex of each derivative, aliases followed to what they are."""
        parent = np.arange(len(derivative))
        parent[self.targets[self.alias]] = self.out_of[self.starts[self.alias]]
        while True:
            further = parent[parent]
            if np.array_equal(further, parent):
                break
            parent = further
        derivative[self.targets[~self.alias]] = first + self.at[~self.alias]
        return derivative[parent]

    def raw(self, derivative: Ints, first: int) -> RawColumns:
        """Make the gates: a product is derivative times partial, a sum adds terms."""
        is_product, total = self.is_product, int(self.room.sum())
        op = np.full(total, SUM, dtype=np.uint8)
        op[self.product_at] = PROD
        fan_in = np.full(total, 2, dtype=np.int64)
        fan_in[self.at[self.has_sum]] = self.terms[self.has_sum]
        offsets = np.cumsum(fan_in) - fan_in
        operands = np.empty(int(fan_in.sum()), dtype=np.int64)
        weights = np.full(len(operands), exact.ONE, dtype=np.int32)

        used = derivative[self.out_of]
        operands[offsets[self.product_at]] = used[is_product]
        partial = self.partials.vertex[self.wires[is_product]]
        operands[offsets[self.product_at] + 1] = partial

        term = used  # what each term adds to its sum
        term[is_product] = first + self.product_at
        weight = np.where(is_product, exact.ONE, self.number)
        in_sum = self.has_sum[self.group]
        slot = np.arange(len(self.wires)) - self.starts[self.group]
        wire = offsets[self.at[self.group]] + slot
        operands[wire[in_sum]] = term[in_sum]
        weights[wire[in_sum]] = weight[in_sum]
        params = np.full(total, -1, dtype=np.int32)
        shapes = np.zeros(total, dtype=np.int32)
        return RawColumns(op, fan_in, operands, weights, params, shapes)

    def belonging(self, role: int) -> tuple[Ints, Ints, Ints]:
        """Give role, vertex and slot of each gate, for the provenance."""
        columns, total = self.partials.columns, int(self.room.sum())
        roles = np.full(total, role, dtype=np.uint8)
        vertex = np.repeat(self.targets, self.room)
        slot = np.full(total, -1, dtype=np.int32)
        wires = self.wires[self.is_product]
        roles[self.product_at] = PRODUCT
        vertex[self.product_at] = columns.consumer[wires]
        slot[self.product_at] = columns.slot[wires]
        lone = self.at[self.lone_product]  # the only term is the derivative itself
        roles[lone], slot[lone] = role, -1
        vertex[lone] = self.targets[self.lone_product]
        return roles, vertex, slot
