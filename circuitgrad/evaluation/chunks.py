"""Summing a circuit over a data set, chunk by chunk, on Dask's scheduler.

What is here says what there is to do; when and where it is done is Dask's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.evaluation.arguments import needed, read_array
from circuitgrad.evaluation.array_program import CompiledArrays
from circuitgrad.evaluation.compiled import Compiled
from circuitgrad.evaluation.rows import batch_of, chunks_of
from circuitgrad.shapes import format_shape

__all__ = ["map_reduce"]

Array = npt.NDArray[Any]
#: The number of rows that were summed, and the sum of each output.
Partial = tuple[int, dict[str, Any]]

#: Chunks of an iterable that are in memory at a time.
_HELD: Final = 32.0
#: Sums that are added in one task.
_FAN_IN: Final = 8


def map_reduce(
    circuit: Circuit,
    data: Mapping[str, Any] | Iterable[Any],
    parameters: Mapping[str, Any] | None = None,
    /,
    *,
    dtype: npt.DTypeLike = np.float64,
    rows: int | None = None,
    scheduler: Any = None,
    **named: Any,
) -> dict[str, Any]:
    """Sum the outputs of a circuit over a data set, which need not fit into memory.

    Some inputs are *parameters*, the same throughout; the others take *rows* of the
    data.  An input of shape ``(32, 784)`` takes 32 rows of an array of shape
    ``(N, 784)`` at a time, where all such inputs have the same first axis; an input of
    shape ``(784,)``, or a scalar, takes one row.

    Parameters
    ----------
    circuit : Circuit
        A gradient, or any circuit whose outputs are to be summed.
    data : mapping, or iterable of mappings
        An array for each input that is no parameter, by name: of NumPy, a memory map,
        of Dask, or anything with a shape that gives its rows when it is indexed.  Or
        chunks: mappings from the names to arrays, or `dask.delayed` objects that
        become such mappings.
    parameters : mapping, optional
        Values of the other inputs; so may be keyword arguments.
    dtype : float64 or float32
        What the circuit is evaluated in.  Sums are taken in float64.
    rows : int, optional
        Rows of a chunk, where ``data`` is arrays; those of a Dask array's own chunks,
        or some 16 MB, where left out.
    scheduler : optional
        As `dask.compute` takes it: ``"threads"``, ``"processes"``, ``"synchronous"``, a
        client.  The active client, or what Dask is configured to, where left out.

    Returns
    -------
    dict
        The sum of each output by name: `float`, or array of float64.

    Raises
    ------
    CircuitError
        If Dask is not installed, an input is neither among the data nor the parameters
        or in both, there are no rows, or rows that do not fill a batch.
    ShapeError
        If an array does not suit its input.

    Notes
    -----
    Sums are added eight at a time, in the order of the chunks, so that the result does
    not depend on the scheduler.  Of an iterable some chunks are in memory at once; of
    `dask.delayed` objects as many as Dask chooses.  A memory map is opened anew in each
    task: on a cluster its file should be where all workers see it.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> square = parse_expression("(w*x - y)^2")
    >>> x = np.arange(1000.0)
    >>> map_reduce(square, {"x": x, "y": 3 * x + 1}, w=3)
    {'f': 1000.0}
    """
    dask = needed("dask", "dask")
    fixed = {**(parameters or {}), **named}
    work = ChunkSum(circuit, fixed, dtype)
    if rows is not None and (not isinstance(rows, int) or rows < 1):
        raise CircuitError(f"rows should be 1 or more, not {rows!r}")
    chunks, most = data, _HELD
    if isinstance(data, Mapping):
        work.check_names(data)
        chunks, most = chunks_of(data, work.shapes, rows), inf
    count = 0
    total: dict[str, Any] = {}
    shared = dask.delayed(work, traverse=False)
    for tasks in _tasks(dask, shared, chunks, most):
        ((found, part),) = dask.compute(_tree(dask, tasks), scheduler=scheduler)
        count, total = count + found, _plus(total, part)
        del tasks  # and with them the chunks, before the next are read
    if not count:
        raise CircuitError("the data set is empty: there is no row to sum over")
    return {
        name: float(value) if np.ndim(value) == 0 else value
        for name, value in total.items()
    }


def _tasks(
    dask: Any, shared: Any, chunks: Iterable[Any], most: float
) -> Iterator[list[Any]]:
    """Make tasks of chunks, and give them before ``most`` are in memory."""
    run = dask.delayed(_run)
    tasks, held = [], 0
    for number, chunk in enumerate(chunks):
        tasks.append(run(shared, number, chunk))
        held += isinstance(chunk, Mapping)
        if held >= most:
            yield tasks
            tasks, held = [], 0
    if tasks:
        yield tasks


def _tree(dask: Any, tasks: list[Any]) -> Any:
    """Add sums, some at a time."""
    add = dask.delayed(_added)
    while len(tasks) > 1:
        tasks = [add(tasks[i : i + _FAN_IN]) for i in range(0, len(tasks), _FAN_IN)]
    return tasks[0]


def _run(work: ChunkSum, number: int, chunk: Any) -> Partial:
    try:
        return work(chunk)
    except CircuitError as error:
        raise type(error)(f"chunk {number}: {error}") from None


def _added(parts: Sequence[Partial]) -> Partial:
    total: dict[str, Any] = {}
    for _, part in parts:
        total = _plus(total, part)
    return sum(count for count, _ in parts), total


def _plus(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {name: left[name] + right[name] for name in right} if left else right


class ChunkSum:
    """Sums the outputs of a circuit over the rows of a chunk; it travels to workers.

    Attributes
    ----------
    shapes : dict
        The shapes of the inputs that take rows, by name.
    """

    def __init__(
        self, circuit: Circuit, fixed: Mapping[str, Any], dtype: npt.DTypeLike
    ) -> None:
        shapes = {
            name: circuit.columns.shape(v) for v, name in enumerate(circuit.inputs)
        }
        for name in fixed:
            if name not in shapes:
                known = ", ".join(shapes) or "none"
                raise CircuitError(f"no input {name!r}; the inputs are {known}")
        self.function: CompiledArrays | Compiled
        if circuit.columns.shaped:
            self.function = CompiledArrays(circuit, dtype=dtype)
        else:  # Dask has the threads
            self.function = Compiled(circuit, dtype=dtype, threads=1)
        self.fixed = {
            name: read_array(name, value, self.function.dtype)
            for name, value in fixed.items()
        }
        for name, array in self.fixed.items():
            if array.shape != shapes[name]:
                raise ShapeError(
                    f"{name!r} has shape {format_shape(array.shape)}; "
                    f"the circuit's input has {format_shape(shapes[name])}"
                )
        self.shapes = {n: shape for n, shape in shapes.items() if n not in fixed}
        if not self.shapes:
            raise CircuitError("every input is a parameter: none is left for the data")

    def check_names(self, data: Mapping[str, Any]) -> None:
        """See that data have an array for each input that is no parameter."""
        for name in self.shapes:
            if name not in data:
                raise CircuitError(
                    f"{name!r} is neither among the data nor the parameters"
                )
        for name in data:
            if name in self.fixed:
                raise CircuitError(f"{name!r} is among the data and the parameters")
            if name not in self.shapes:
                known = ", ".join(self.function.inputs)
                raise CircuitError(f"no input {name!r}; the inputs are {known}")

    def __call__(self, chunk: Any) -> Partial:
        """Give the number of rows and the sum of each output over them."""
        if not isinstance(chunk, Mapping):
            raise CircuitError(
                f"a chunk is a mapping of arrays by name, not {type(chunk).__name__}"
            )
        self.check_names(chunk)
        arrays = {name: np.asarray(chunk[name]) for name in self.shapes}
        count, batch = batch_of(
            self.shapes, {name: array.shape for name, array in arrays.items()}
        )
        if isinstance(self.function, Compiled):
            found = self.function(**{**arrays, **self.fixed})
            return count, {name: np.sum(a, dtype=float) for name, a in found.items()}
        return count, self._sums(self.function, arrays, count, batch)

    def _sums(
        self, function: CompiledArrays, arrays: dict[str, Array], count: int, batch: int
    ) -> dict[str, Any]:
        """Evaluate batch after batch, into arrays that are used again."""
        out: dict[str, Array] = {}
        total = {name: np.zeros(shape) for name, shape in function.shapes.items()}
        for start in range(0, count, batch or 1):
            at = slice(start, start + batch) if batch else start
            given = {**self.fixed, **{name: a[at] for name, a in arrays.items()}}
            out = function.at([given[name] for name in function.inputs], out)
            for name, value in out.items():
                total[name] += value
        return total
