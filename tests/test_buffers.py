"""Memory of large arrays is used again, and never while a view of it is left."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from circuitgrad import buffers

LARGE = buffers.SMALL


@pytest.fixture(autouse=True)
def nothing_kept():
    """Start and end without kept memory."""
    gc.collect()
    buffers._free.clear()
    buffers._returned.clear()
    yield
    gc.collect()
    buffers._free.clear()
    buffers._returned.clear()


def test_memory_comes_back():
    first = buffers.empty(LARGE, np.int32)
    at = first.ctypes.data
    del first
    second = buffers.full(LARGE + 100, -1, np.int32)
    assert second.ctypes.data == at
    assert (second == -1).all()
    assert second.dtype == np.int32
    assert len(second) == LARGE + 100


def test_a_view_keeps_memory():
    first = buffers.full(LARGE, 7, np.int64)
    view = first[5:10].reshape(-1)
    view.setflags(write=False)
    del first
    others = [buffers.full(LARGE, 1, np.int64) for _ in range(3)]
    assert (view == 7).all()
    del view
    assert all((other == 1).all() for other in others)


def test_small_arrays_and_much_larger_ones_get_memory_of_their_own():
    assert buffers.empty(3, np.int32).base is None
    first = buffers.empty(LARGE, np.uint8)
    at = first.ctypes.data
    del first
    assert buffers.empty(8 * LARGE, np.uint8).ctypes.data != at


def test_no_more_is_kept_than_the_limit():
    arrays = [buffers.empty(buffers.KEPT // 4, np.uint8) for _ in range(6)]
    arrays.clear()
    buffers.empty(LARGE, np.uint8)
    kept = sum(map(len, buffers._free)) + sum(map(len, buffers._returned))
    assert 0 < kept <= buffers.KEPT + LARGE * 2
