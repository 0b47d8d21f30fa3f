"""Common subexpression elimination by value numbering."""

from __future__ import annotations

from typing import Final

import numpy as np

from circuitgrad import buffers
from circuitgrad.circuit import Circuit
from circuitgrad.columns import trait_table
from circuitgrad.loops import kernel, part
from circuitgrad.passes.edit import Edit

__all__ = ["cse"]

#: Gates that are hashed before the first of them is looked up.
_AHEAD: Final = 32
_BITS: Final = 30  # of a hash


def cse(circuit: Circuit) -> Circuit:
    """Merge gates of the same type, parameter, operands and weights.

    The operands of commutative gates are compared without order.  Expected linear in
    wires (hashing); idempotent.

    References
    ----------
    Value numbering: J. Cocke and J. T. Schwartz, "Programming languages and their
    compilers", 1970.
    """
    columns = circuit.columns
    count = len(columns)
    same = buffers.empty(count, np.int32)
    merged = np.zeros(1, dtype=np.int64)
    wires = np.append(columns.offsets[::_AHEAD], columns.wires)
    _number_values(
        columns.op,
        columns.offsets,
        columns.operands,
        columns.weights,
        columns.params,
        trait_table("commutative"),
        count.bit_length(),
        buffers.full(count * 3 // 2 + 16, -1, np.int32),
        np.empty(2 * int(np.diff(wires).max()), dtype=np.int64),
        np.zeros(_AHEAD + 1, dtype=np.int64),
        same,
        merged,
    )
    return Edit(circuit, same).finish("cse") if merged[0] else circuit


@part
def _hash(code, wires, operands, weights, commutative, same, key, at):  # type: ignore[no-untyped-def]
    """Hash a gate whose operands are numbered; its sorted wires go to ``key``."""
    start, stop = wires
    size = stop - start
    for i in range(size):
        w = start + i
        key[at + i] = (same[operands[w]] << 32) | weights[w]
    if commutative:
        gap = size // 2
        if size == 2:  # most of them
            gap = 0
            if key[at] > key[at + 1]:
                key[at], key[at + 1] = key[at + 1], key[at]
        while gap:  # Shell's sort
            for i in range(at + gap, at + size):
                item = key[i]
                j = i
                while j - gap >= at and key[j - gap] > item:
                    key[j] = key[j - gap]
                    j -= gap
                key[j] = item
            gap = 1 if gap == 2 else gap * 5 // 11
    code &= 0x3FFFFFFF
    for i in range(at, at + size):
        # a multiplication spreads bits upwards only, so its upper half is folded in
        code = (code ^ (key[i] >> 32) ^ (key[i] << 19)) & 0x3FFFFFFF
        code *= 0x5851F42D
        code = (code ^ (code >> 29)) & 0x3FFFFFFF
    return code


@kernel
def _number_values(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, commutative,
    bits, table, key, codes, same, merged,
):  # fmt: skip
    """Give each vertex the first vertex of equal value: hash-consing, in one sweep.

    ``same`` is the result; ``merged`` counts the vertices that are not the first.
    ``table`` is an open-addressing hash table, filled with -1.  A vertex takes ``bits``
    of an entry; what is left has bits of its hash, so most vertices that are met by
    chance are told apart without a look at them.

    A table of a million gates is in no cache, and a look into it takes longer than all
    the rest.  So some gates are hashed and their slots read ahead, together, since
    reads that do not wait for one another overlap; a gate with an operand among them
    that has become another is hashed again.  ``codes`` and ``key`` are scratch: the
    hashes, with one more that keeps the reads from being left out, and a pair (operand,
    weight) for each wire of these gates and of one more.
    """
    slots, ahead, half = len(table), len(codes) - 1, len(key) // 2
    tag = (1 << (31 - bits)) - 1
    for begin in range(0, len(op), ahead):
        end = min(begin + ahead, len(op))
        base = offsets[begin]
        for v in range(begin, end):
            same[v] = v
            codes[v - begin] = _hash(
                op[v] * 0x2545F491 + params[v], (offsets[v], offsets[v + 1]),
                operands, weights, commutative[op[v]], same, key, offsets[v] - base,
            )  # fmt: skip
        for i in range(end - begin):
            codes[ahead] ^= table[(codes[i] * slots) >> _BITS]
        for v in range(begin, end):
            size = offsets[v + 1] - offsets[v]
            if size == 0:
                continue  # inputs are distinct, and so are constants
            first, code = offsets[v] - base, codes[v - begin]
            for i in range(first, first + size):
                u = key[i] >> 32
                if u >= begin and same[u] != u:
                    code = _hash(
                        op[v] * 0x2545F491 + params[v], (offsets[v], offsets[v + 1]),
                        operands, weights, commutative[op[v]], same, key, first,
                    )  # fmt: skip
                    break
            slot = (code * slots) >> _BITS
            while table[slot] >= 0:
                entry = table[slot]
                other = entry & ((1 << bits) - 1)
                if (
                    entry >> bits == code & tag
                    and op[other] == op[v]
                    and params[other] == params[v]
                    and offsets[other + 1] - offsets[other] == size
                ):
                    _hash(
                        0, (offsets[other], offsets[other + 1]),
                        operands, weights, commutative[op[v]], same, key, half,
                    )  # fmt: skip
                    i = 0
                    while i < size and key[first + i] == key[half + i]:
                        i += 1
                    if i == size:
                        same[v] = other
                        merged[0] += 1
                        break
                slot += 1
                if slot == slots:
                    slot = 0
            else:
                table[slot] = ((code & tag) << bits) | v
