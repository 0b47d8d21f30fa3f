"""The sequential loops over columns: interpreted when small, compiled when large.

Each loop is plain Python over integers and integer buffers, and stands in the file that
it serves; here are those that several need.  Below `COMPILE_FROM` items it runs as it
stands, on memory views (whose items are Python integers, faster than NumPy's); above,
numba compiles the same source, once a machine where its cache can be written.  A test
holds the two against each other, byte for byte.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from circuitgrad.progress import stage

__all__ = [
    "COMPILE_FROM",
    "distribute",
    "kernel",
    "levels",
    "number_values",
    "reach_sinks",
    "reach_sources",
]

#: Loops over more items than this are compiled: importing numba and loading all loops
#: from its cache takes 0.7 s, as long as they take as they stand.
COMPILE_FROM: Final = 60_000
#: The same where a loop is loaded already, and where each process compiles anew.
COMPILED_FROM: Final = 1_000
UNCACHED_FROM: Final = 1_000_000


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

        compiled: Callable[..., None] = numba.njit(cache=cached())(self.function)
        return compiled

    def __call__(self, *arguments: Any) -> None:
        """Run the loop the faster way for the size of its largest buffer."""
        work = max(a.size for a in arguments if type(a) is not int)
        loaded = "compiled" in self.__dict__
        if work < (COMPILED_FROM if loaded else COMPILE_FROM):
            self.interpreted(*arguments)
        elif loaded:
            self.compiled(*arguments)
        elif work >= UNCACHED_FROM or cached():
            with stage("compiled loops (made once a machine)"):
                self.compiled(*arguments)
        else:
            self.interpreted(*arguments)


@functools.cache
def cached() -> bool:
    """Tell whether numba's cache can be written."""
    import numba

    try:
        numba.njit(cache=True)(_nothing)
    except RuntimeError:
        return False
    return True


def _nothing() -> None:
    pass


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
    two slots, filled with -1, for pairs of a hash and a vertex: most vertices that are
    met by chance are told apart by the hash, without a look at their wires.  ``key``
    is scratch for one (operand, weight) pair a wire.  Operands of commutative gates
    are put in order first, by Shell's sort.
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
            if stop - start == 2:  # most of them
                gap = 0
                if key[start] > key[start + 1]:
                    key[start], key[start + 1] = key[start + 1], key[start]
            while gap:
                for i in range(start + gap, stop):
                    item = key[i]
                    j = i
                    while j - gap >= start and key[j - gap] > item:
                        key[j] = key[j - gap]
                        j -= gap
                    key[j] = item
                gap = 1 if gap == 2 else gap * 5 // 11
        code = (op[v] * 0x2545F491 + params[v]) & 0x3FFFFFFF
        for w in range(start, stop):
            # a multiplication spreads bits upwards only, so its upper half is folded in
            code = (code ^ (key[w] >> 32) ^ (key[w] << 19)) & 0x3FFFFFFF
            code *= 0x5851F42D
            code = (code ^ (code >> 29)) & 0x3FFFFFFF
        place = code & slots
        while True:
            entry = table[place]
            if entry < 0:
                table[place] = (code << 32) | v
                break
            other = entry & 0xFFFFFFFF
            shift = offsets[other] - start if entry >> 32 == code else 0
            if (
                entry >> 32 == code
                and op[other] == op[v]
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
