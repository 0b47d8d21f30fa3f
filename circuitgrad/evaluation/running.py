"""Running a program over a batch: blocks of samples, pieces of blocks, threads.

The interpreter holds no lock of Python while it runs, so threads share the pieces of
one batch.  Where blocks begin does not depend on the number of threads, and so results
do not either.  A piece is short, so that an interrupt (Ctrl-C) is heard soon.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.evaluation.lowering import Program

if TYPE_CHECKING:
    from circuitgrad.evaluation.native import Native

__all__ = ["Strided", "available_threads", "run_program"]

#: Operands in a piece of work between two looks at whether somebody interrupts; about
#: a hundredth of a second.
PIECE: Final = 2**25
#: Less work than this, about a millisecond, is not worth a second thread.
THREADS_FROM: Final = 2**22
#: Pieces for each thread, since one core may be slower, of no less work than this.
SHARES: Final = 4
SHARE: Final = 2**22
MOST_THREADS: Final = 256
#: Registers of a block should fit into this many bytes of cache, the last level's.
CACHE: Final = 2**22
#: Lanes of a block: at most, and at least; a multiple of every vector's length.
MOST_LANES: Final = 256
LEAST_LANES: Final = 32
#: Fewer points than this are taken one by one.
BLOCKS_FROM: Final = 8
#: Lanes between two rows beyond the block's: with rows a power of two apart, all first
#: lanes would fall into the same few lines of the cache.
GAP: Final = 8

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Strided:
    """Rows of numbers in memory: an address and a step, in numbers, for each.

    ``owner`` has the memory: an array of shape (points, rows), or an array a row.
    """

    addresses: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    owner: Array | list[Array]

    def take(self, rows: Any) -> Strided:
        """Choose some rows."""
        return Strided(self.addresses[rows], self.steps[rows], self.owner)

    def arrays(self) -> list[Array]:
        """Give the rows as arrays."""
        return self.owner if isinstance(self.owner, list) else list(self.owner.T)

    @classmethod
    def columns_of(cls, points: Array) -> Strided:
        """Read an array of shape (points, rows) in place."""
        along, across = points.strides
        rows = np.arange(points.shape[1], dtype=np.int64)
        step = along // points.itemsize if len(points) > 1 else 0
        return cls(
            points.ctypes.data + rows * across,
            np.full(len(rows), step, dtype=np.int64),
            points,
        )

    @classmethod
    def rows_of(cls, rows: list[Array]) -> Strided:
        """Read one-dimensional arrays in place."""
        addresses = [row.__array_interface__["data"][0] for row in rows]
        steps = [row.strides[0] // row.itemsize for row in rows]
        return cls(
            np.array(addresses, dtype=np.int64), np.array(steps, dtype=np.int64), rows
        )


@functools.cache
def loop() -> Callable[..., None]:
    """Give the interpreter; importing numba takes a third of a second: not before."""
    from circuitgrad.evaluation.interpreter import interpreter

    run: Callable[..., None] = interpreter()
    return run


def available_threads() -> int:
    """Give the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1


def lanes_for(program: Program, count: int, itemsize: int) -> int:
    """Choose the samples of a block, for its registers to stay in cache."""
    if count < BLOCKS_FROM:
        return 1
    fitting = CACHE // (itemsize * max(program.registers, 1))
    lanes = LEAST_LANES
    while 2 * lanes <= min(fitting, MOST_LANES) and lanes < count:
        lanes *= 2
    return lanes


def run_program(
    program: Program,
    pinned: Array,
    sources: Strided,
    targets: Strided,
    count: int,
    threads: int | None,
    native: Native | None = None,
) -> None:
    """Evaluate a program at many points.

    Parameters
    ----------
    program : Program
        Its numbers are of the dtype of all values, in memory and in registers.
    pinned : array
        The values of ``program.pinned``.
    sources, targets : Strided
        Where the values of ``program.inputs`` are, and those of the roots go.
    count : int
        Number of points.
    threads : int, optional
        How many threads to use, where there is work for them; one a core if left out.
    native : Native, optional
        The program as machine code, to run instead for a few points.
    """
    if not count:
        return
    run = loop()
    dtype = program.numbers.dtype
    lanes = lanes_for(program, count, dtype.itemsize)
    stride = 1 if lanes == 1 else lanes + GAP
    address = 0
    if native is not None and lanes == 1:
        address = native.address()
    piece = PIECE
    if program.work * count < THREADS_FROM:
        threads = 1
    elif threads is None:
        threads = available_threads()
    if threads > 1:
        share = program.work * count // threads
        piece = min(piece, share // min(max(share // SHARE, 1), SHARES))
    blocks = max(1, math.ceil(piece / (lanes * max(program.work, 1))))
    pieces = iter(range(0, count, blocks * lanes))

    def work(pieces: Iterator[int]) -> None:
        registers = np.empty(program.registers * stride, dtype)
        rows = registers.reshape(-1, stride)
        rows[program.pinned_rows] = pinned[:, None]
        for start in pieces:
            run(
                program.code,
                program.numbers,
                address,
                registers,
                stride,
                lanes,
                sources.addresses,
                sources.steps,
                program.input_rows,
                targets.addresses,
                targets.steps,
                program.root_rows,
                start,
                min(start + blocks * lanes, count),
            )

    if threads == 1:
        work(pieces)
    else:
        _share(work, Shared(pieces), threads)


class Shared:
    """An iterator that several threads may draw from, until it is stopped."""

    def __init__(self, items: Iterator[int]) -> None:
        self.items = items
        self.lock = threading.Lock()
        self.stopped = False

    def __iter__(self) -> Shared:
        return self

    def __next__(self) -> int:
        with self.lock:
            if self.stopped:
                raise StopIteration
            return next(self.items)


def _share(work: Callable[[Iterator[int]], None], pieces: Shared, threads: int) -> None:
    """Work in this thread and others; an exception in one ends all of them."""

    def help_along() -> None:
        try:
            work(pieces)
        except BaseException:
            pieces.stopped = True
            raise

    others = [_pool().submit(help_along) for _ in range(threads - 1)]
    try:
        work(pieces)
    finally:
        pieces.stopped = True
        begun = [other for other in others if not other.cancel()]
        wait(begun)  # they write where this call's results are
    for other in begun:
        other.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Give the helping threads: starting one anew takes a tenth of a millisecond."""
    return ThreadPoolExecutor(MOST_THREADS, "circuitgrad")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
