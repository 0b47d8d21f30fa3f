"""Memory for large arrays, used again.

Memory that a process touches for the first time costs the system as much time as a pass
over it costs us, and a pipeline makes and drops the same arrays again and again.  So
what large arrays leave behind is kept, up to a limit, and given to the next ones.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections import deque
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["empty", "full"]

#: Smaller arrays than this, in bytes, are NumPy's own business.
SMALL: Final = 2**20
#: Bytes that are kept for later, at most.
KEPT: Final = 2**28

Block = npt.NDArray[np.uint8]

_free: list[Block] = []
_lock = threading.Lock()
#: What came back; a collection of garbage may bring it at any time, so no lock is held.
_returned: deque[Block] = deque()


def empty(count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give an array with any contents, as `numpy.empty` does.

    Its memory comes back once no view of it is left.
    """
    kind = np.dtype(dtype)
    size = count * kind.itemsize
    if size < SMALL:
        return np.empty(count, kind)
    block = _take(size)
    lease = (ctypes.c_char * len(block)).from_buffer(block.data)
    weakref.finalize(lease, _give, block).atexit = False
    return np.frombuffer(memoryview(lease), kind, count)  # which keeps the lease


def full(count: int, value: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give an array of one value, as `numpy.full` does."""
    array = empty(count, dtype)
    array[:] = value
    return array


def _take(size: int) -> Block:
    """Take the smallest block of this size or up to twice that, or make one."""
    with _lock:
        while _returned:
            _free.append(_returned.popleft())
        while sum(map(len, _free)) > KEPT:  # the oldest go
            _free.pop(0)
        fits = [k for k, block in enumerate(_free) if size <= len(block) <= 2 * size]
        if fits:
            return _free.pop(min(fits, key=lambda k: len(_free[k])))
    return np.empty(size + size // 8, dtype=np.uint8)  # the next may be a bit larger


def _give(block: Block) -> None:
    """Keep a block, where there is room."""
    if len(block) + sum(map(len, tuple(_returned))) <= KEPT:
        _returned.append(block)
