"""Rows of a data set: which arrays suit a circuit's inputs, and their chunks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.evaluation.arguments import needed
from circuitgrad.shapes import Shape, format_shape

__all__ = ["batch_of", "chunks_of"]

#: Bytes of a chunk where nobody says how many rows it has.
_CHUNK_BYTES: Final = 2**24


def batch_of(
    wanted: Mapping[str, Shape], found: Mapping[str, Shape]
) -> tuple[int, int]:
    """Give the number of rows, and how many the circuit takes at a time.

    Parameters
    ----------
    wanted, found : mapping
        By name, the shapes of inputs, and of the arrays with their rows.

    Returns
    -------
    rows : int
    batch : int
        0 where an evaluation takes one row, without an axis for it.

    Raises
    ------
    ShapeError
        If an array does not suit its input.
    CircuitError
        If arrays differ in length, or in whether they have rows of a batch, or their
        rows do not fill batches.
    """
    batches: dict[str, int] = {}
    for name, shape in wanted.items():
        rows = found[name]
        if rows and rows[1:] == shape:
            batches[name] = 0
        elif rows and shape and rows[1:] == shape[1:]:
            batches[name] = shape[0]
        else:
            raise ShapeError(_misfit(name, shape, rows))
    _only(batches, "take", "rows at a time (0: one row alone)")
    count = _only({name: found[name][0] for name in wanted}, "have", "rows")
    batch = next(iter(batches.values()))
    if batch and count % batch:
        raise CircuitError(
            f"{count} rows, where the circuit takes {batch} at a time: "
            f"there should be a multiple of {batch}"
        )
    return count, batch


def _misfit(name: str, shape: Shape, found: Shape) -> str:
    row = ", ".join(map(str, shape))
    one = f"(N, {row})" if shape else "(N,)"
    wanted = f"{one} for one at a time"
    if shape:
        rest = ", ".join(("N", *map(str, shape[1:]))) + ("," if len(shape) == 1 else "")
        wanted = f"({rest}) for {shape[0]} at a time, or {one}"
    return f"rows for {name!r} have shape {format_shape(found)}; it should be {wanted}"


def _only(numbers: Mapping[str, int], verb: str, what: str) -> int:
    """Give the number that all have in common."""
    (first, number), *others = numbers.items()
    for name, other in others:
        if other != number:
            raise CircuitError(
                f"{first!r} and {name!r} {verb} {number} and {other} {what}"
            )
    return number


def chunks_of(
    data: Mapping[str, Any], wanted: Mapping[str, Shape], rows: int | None
) -> list[dict[str, Any]]:
    """Cut arrays into chunks of rows, without reading any.

    A chunk has its rows by name: arrays, what becomes one, or `dask.delayed` objects.

    Raises
    ------
    ShapeError, CircuitError
        As `batch_of` does.
    """
    arrays = {name: _as_rows(name, data[name]) for name in wanted}
    count, batch = batch_of(wanted, {name: a.shape for name, a in arrays.items()})
    ends = _ends(list(arrays.values()), count, batch or 1, rows)
    pieces = [_pieces(array, ends) for array in arrays.values()]
    return [
        dict(zip(arrays, chunk, strict=True)) for chunk in zip(*pieces, strict=True)
    ]


def _as_rows(name: str, value: Any) -> Any:
    """Give something with a shape that can be cut."""
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        try:
            return np.asarray(value)
        except ValueError:
            raise ShapeError(f"{name!r} is ragged: its rows differ in length") from None
    if any(math.isnan(length) for length in value.shape):
        raise CircuitError(
            f"{name!r} does not know its rows: call its compute_chunk_sizes() first"
        )
    return value


def _ends(arrays: Sequence[Any], count: int, batch: int, rows: int | None) -> list[int]:
    """Give where chunks end: after whole batches, and where Dask's own do."""
    own = next(
        (a.chunks[0] for a in arrays if hasattr(a, "chunks") and _is_dask(a)), None
    )
    if rows is None and own is not None:
        ends = {round(end / batch) * batch for end in np.cumsum(own).tolist()}
        return sorted({0, *ends, count})
    if rows is None:
        each = sum(math.prod(a.shape[1:]) * np.dtype(a.dtype).itemsize for a in arrays)
        rows = _CHUNK_BYTES // max(each, 1)
    step = max(rows // batch, 1) * batch
    return [*range(0, count, step), count]


def _is_dask(array: Any) -> bool:
    return isinstance(array, needed("dask.array", "dask").Array)


def _pieces(array: Any, ends: Sequence[int]) -> list[Any]:
    """Cut an array at these rows."""
    if isinstance(array, np.memmap) and array.filename and array.flags.c_contiguous:
        return [FileRows.of(array, start, stop) for start, stop in pairwise(ends)]
    if isinstance(array, np.ndarray):
        return [array[start:stop] for start, stop in pairwise(ends)]
    sizes = (
        tuple(stop - start for start, stop in pairwise(ends)),
        *((length,) for length in array.shape[1:]),
    )
    if not _is_dask(array):
        array = needed("dask.array", "dask").from_array(array, chunks=sizes)
    found: list[Any] = array.rechunk(sizes).to_delayed().ravel().tolist()
    return found


@dataclass(frozen=True)
class FileRows:
    """Rows of a memory map, as what to open: so they travel as a file's name."""

    path: str
    dtype: np.dtype[Any]
    offset: int
    shape: Shape

    @classmethod
    def of(cls, array: np.memmap[Any, Any], start: int, stop: int) -> FileRows:
        """Cut a memory map, or a part of one."""
        whole: Any = array
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        begin = array[start:stop].__array_interface__["data"][0]
        offset = whole.offset + begin - whole.__array_interface__["data"][0]
        shape = (stop - start, *array.shape[1:])
        return cls(str(array.filename), array.dtype, offset, shape)

    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        """Open the file."""
        if not math.prod(self.shape):
            return np.empty(self.shape, self.dtype)
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
