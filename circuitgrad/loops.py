"""The sequential loops over columns: interpreted when small, compiled when large.

Each loop is plain Python over integers and integer buffers, and stands in the file that
it serves; here are those that several need.  Below `COMPILE_FROM` wires it runs as
it stands, on memory views (whose items are Python integers, faster than NumPy's);
above, numba compiles the same source, once a machine where its cache can be written.  A
test holds the two against each other, byte for byte.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

__all__ = [
    "COMPILE_FROM",
    "distribute",
    "kernel",
    "levels",
    "number_values",
    "reach_sinks",
    "reach_sources",
]

#: Loops over more steps than this are compiled.
COMPILE_FROM: Final = 400_000


class Kernel:
    """A loop with two ways to run it."""

    def __init__(self, function: Callable[..., None]) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def interpreted(self, *arguments: Any) -> None:
        """Run the loop as Python."""
        self.function(*(a if type(a) is int else memoryview(a) for a in arguments))

    @functools.cached_property
    def compiled(self) -> Callable[..., None]:
        """The loop as numba compiles it; importing numba takes 0.3 s, so not before."""
        import numba

        try:
            compiled: Callable[..., None] = numba.njit(cache=True)(self.function)
        except RuntimeError:  # no folder for the cache can be written
            compiled = numba.njit(self.function)
        return compiled

    def __call__(self, *arguments: Any) -> None:
        """Run the loop the faster way for the size of its largest buffer."""
        work = max(a.size for a in arguments if type(a) is not int)
        run = self.interpreted if work < COMPILE_FROM else self.compiled
        run(*arguments)


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a loop a `Kernel`: it may use integers, buffers and nothing else.

    Buffers have one dtype each in every call, so that one compiled form serves all.
    """
    return Kernel(function)


@kernel
def reach_sinks(offsets, operands, wire_on, mask):  # type: ignore[no-untyped-def]
    """Extend ``mask`` to every vertex that depends on it, by wires that are on."""
    for v in range(len(mask)):
        for w in range(offsets[v], offsets[v + 1]):
            if wire_on[w] and mask[operands[w]]:
                mask[v] = True
                break


@kernel
def reach_sources(offsets, operands, wire_on, mask):  # type: ignore[no-untyped-def]
    """Extend ``mask`` to every vertex that it depends on, by wires that are on."""
    for v in range(len(offsets) - 2, -1, -1):
        if mask[v]:
            for w in range(offsets[v], offsets[v + 1]):
                if wire_on[w]:
                    mask[operands[w]] = True


@kernel
def levels(offsets, operands, step, level):  # type: ignore[no-untyped-def]
    """Give each vertex the largest sum of ``step`` over a path that ends in it."""
    for v in range(len(level)):
        deepest = 0
        for w in range(offsets[v], offsets[v + 1]):
            deepest = max(deepest, level[operands[w]])
        level[v] = deepest + step[v]


@kernel
def distribute(keys, starts, items):  # type: ignore[no-untyped-def]
    """Sort 0, 1, 2 ... by their keys, stably, by counting.

    ``starts`` is all zeros, two more than there are keys; all but its last then say
    where the items of each key start, and where they end.
    """
    for i in range(len(keys)):
        starts[keys[i] + 2] += 1
    for k in range(2, len(starts)):
        starts[k] += starts[k - 1]
    for i in range(len(keys)):
        items[starts[keys[i] + 1]] = i
        starts[keys[i] + 1] += 1


@kernel
def number_values(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, commutative, table, key, same
):
    """Give each vertex the first vertex of equal value: hash-consing, in one sweep.

    ``same`` is the result.  ``table`` is an open-addressing hash table of a power of
    two slots, filled with -1; ``key`` is scratch for one (operand, weight) pair a wire.
    Operands of commutative gates are put in order first, by Shell's sort.
    """
    slots = len(table) - 1
    for v in range(len(op)):
        start = offsets[v]
        stop = offsets[v + 1]
        same[v] = v
        if start == stop:
            continue  # inputs are distinct, and so are constants
        for w in range(start, stop):
            key[w] = (same[operands[w]] << 32) | weights[w]
        if commutative[op[v]]:
            gap = (stop - start) // 2
            while gap:
                for i in range(start + gap, stop):
                    item = key[i]
                    j = i
                    while j - gap >= start and key[j - gap] > item:
                        key[j] = key[j - gap]
                        j -= gap
                    key[j] = item
                gap = 1 if gap == 2 else gap * 5 // 11
        code = (op[v] * 1000003 + params[v]) & 0x3FFFFFFF
        for w in range(start, stop):
            code = ((code * 1000003) ^ (key[w] >> 32) ^ (key[w] << 7)) & 0x3FFFFFFF
        place = (code ^ (code >> 15)) & slots
        while True:
            other = table[place]
            if other < 0:
                table[place] = v
                break
            shift = offsets[other] - start
            if (
                op[other] == op[v]
                and params[other] == params[v]
                and offsets[other + 1] - offsets[other] == stop - start
            ):
                w = start
                while w < stop and key[w + shift] == key[w]:
                    w += 1
                if w == stop:
                    same[v] = other
                    break
            place = (place + 1) & slots
