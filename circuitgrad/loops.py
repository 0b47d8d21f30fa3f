"""The sequential loops over columns: interpreted when small, compiled when large.

Each loop is plain Python over integers and integer buffers, and stands in the file that
it serves; here are those that several need.  Below `COMPILE_FROM` items it runs as it
stands, on memory views (whose items are Python integers, faster than NumPy's); above,
numba compiles the same source, once a machine where its cache can be written.  A test
holds the two against each other, byte for byte.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Final

from circuitgrad.progress import stage

__all__ = [
    "COMPILE_FROM",
    "distribute",
    "kernel",
    "levels",
    "part",
    "reach_sinks",
    "reach_sources",
    "saved_if_possible",
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
        from numba.extending import register_jitable

        while _parts:
            register_jitable(_parts.pop())
        compiled: Callable[..., None] = numba.njit(cache=cached())(self.function)
        return saved_if_possible(compiled)

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


def saved_if_possible(compiled: Callable[..., None]) -> Callable[..., None]:
    """Let what numba compiles be used where it cannot be saved, as on a full disk."""
    cache: Any = compiled._cache  # type: ignore[attr-defined]
    save = cache.save_overload

    def save_if_possible(*overload: Any) -> None:
        with contextlib.suppress(OSError):
            save(*overload)

    cache.save_overload = save_if_possible
    return compiled


def _nothing() -> None:
    pass


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a loop a `Kernel`: it may use integers, buffers and nothing else.

    Buffers have one dtype each in every call, so that one compiled form serves all.
    """
    return Kernel(function)


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let kernels of the same file call a function, which is compiled with them.

    numba's cache looks at the file of a kernel alone, so a part stands in that file.
    """
    _parts.append(function)
    return function


#: Parts that numba was not told about yet.
_parts: list[Callable[..., Any]] = []


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
