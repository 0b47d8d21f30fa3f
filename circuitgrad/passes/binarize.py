"""Fan-in 2, and least depth at fan-in 2."""

from __future__ import annotations

import heapq

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, trait_table
from circuitgrad.gates import gate_type
from circuitgrad.passes.rebuild import Rebuild, rebuild

__all__ = ["balance", "binarize"]


def binarize(circuit: Circuit) -> Circuit:
    """Make every sum, product, max and min a chain of gates with two operands.

    A gate of k > 2 wires becomes k - 1 gates, in the order of its operands; weights
    stay on the wires that they are on.  Only reassociates; linear in wires; idempotent.
    """

    def emit(work: Rebuild, vertex: int) -> int | None:
        code = int(circuit.columns.op[vertex])
        operands, weights = work.operands(vertex)
        if len(operands) <= 2 or "chained" not in gate_type(code).traits:
            return None
        made, weight = operands[0], weights[0]
        for operand, other in zip(operands[1:], weights[1:], strict=True):
            made = work.builder.add(code, (made, operand), (weight, other))
            weight = exact.ONE
        return made

    if not (circuit.columns.fan_in > 2).any():
        return circuit
    return rebuild(circuit, "binarize", emit)


def balance(circuit: Circuit) -> Circuit:
    """Give a circuit of fan-in 2 least depth at equal size, by reassociating.

    The circuit is binarized first.  A sum (product, max, min) of two whose only use is
    a gate of the same type is one tree with it; the tree's operands are joined again,
    the two shallowest first.  A weight on an inner wire keeps its sum apart.

    Notes
    -----
    Joining the two shallowest first gives each tree the least depth that its operands
    allow (Golumbic's combinational merging), at the same number of gates.  max and min
    keep their values, but a tie may go to another operand.  O(wires log wires).

    References
    ----------
    M. C. Golumbic, "Combinatorial merging", IEEE Transactions on Computers, 1976.
    """
    circuit = binarize(circuit)
    columns = circuit.columns
    op, operands = columns.op, columns.operands
    live_wire = (circuit.live & columns.is_gate)[columns.consumer]
    uses = np.bincount(operands[live_wire], minlength=len(columns))
    np.add.at(uses, circuit.output_vertices, 1)
    joined = live_wire & (op[operands] == op[columns.consumer])
    joined &= (columns.weights == exact.ONE) & (uses[operands] == 1)
    joined &= (columns.fan_in[operands] == 2) & columns.is_gate[operands]
    joined &= columns.fan_in[columns.consumer] == 2
    joined &= trait_table("chained")[op[operands]]
    inner = np.zeros(len(columns), dtype=np.bool_)
    inner[operands[joined]] = True
    if not inner.any():
        return circuit
    chained = trait_table("chained")
    depth: dict[int, int] = {}  # of the emitted vertices that are gates

    def emit(work: Rebuild, vertex: int) -> int | None:
        if inner[vertex]:
            return -1  # made with its tree
        code = int(op[vertex])
        leaves = _leaves(circuit, inner, vertex)
        if len(leaves) <= 2 or not chained[code]:
            made = work.copy(vertex)
            below = [depth.get(work.now[u], 0) for u, _ in leaves]
            depth[made] = 1 + max(below, default=0)
            return made
        heap = [
            (depth.get(work.now[u], 0), place, work.now[u], weight)
            for place, (u, weight) in enumerate(leaves)
        ]
        heapq.heapify(heap)
        place = len(heap)
        while len(heap) > 1:
            first, second = heapq.heappop(heap), heapq.heappop(heap)
            first, second = sorted((first, second), key=lambda item: item[1])
            made = work.builder.add(code, (first[2], second[2]), (first[3], second[3]))
            depth[made] = 1 + max(first[0], second[0])
            heapq.heappush(heap, (depth[made], place, made, exact.ONE))
            place += 1
        return made

    return rebuild(circuit, "balance", emit)


def _leaves(circuit: Circuit, inner: Bools, root: int) -> list[tuple[int, int]]:
    """Give the operands of a tree of gates, in order, with their weights."""
    columns = circuit.columns

    def wires(vertex: int) -> list[tuple[int, int]]:
        pairs = zip(
            columns.operands_of(vertex), columns.weights_of(vertex), strict=True
        )
        return list(reversed(list(pairs)))

    stack, found = wires(root), []
    while stack:
        operand, weight = stack.pop()
        if inner[operand]:
            stack += wires(operand)
        else:
            found.append((operand, weight))
    return found
