"""Files of points: CSV with a header row of names, and NumPy's .npy.

A .npy file is read by memory map and written a block at a time, so that a batch may be
larger than memory.  CSV is read whole before anything is computed: a bad cell at its
end leaves nothing half-written, on standard output either.
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.errors import FormatError
from circuitgrad.evaluation.compiled import Compiled
from circuitgrad.formats.files import as_text, read_bytes, writing
from circuitgrad.progress import stage

__all__ = ["evaluate_file"]

Array = npt.NDArray[Any]

#: Numbers, of inputs and outputs, in a block between reading and writing.
BLOCK: Final = 2**22


def evaluate_file(function: Compiled, source: str, target: str) -> None:
    """Evaluate a circuit at all points of a file.

    Parameters
    ----------
    function : Compiled
    source : str
        A ``.npy`` file of shape (points, inputs), the inputs in the circuit's order,
        or with the inputs as fields; any other name is CSV, ``-`` is standard input.
    target : str
        A ``.npy`` file; any other name is CSV, ``-`` is standard output.

    Raises
    ------
    FormatError
        If the points cannot be read; the message says where and why.
    WriteError
        If the result cannot be written; what stood there before still does.
    """
    points = _read_npy if source.endswith(".npy") else _read_csv
    with stage(f"reading {source}"):
        found = points(source, function.inputs)
    count, outputs = len(found), len(function.outputs)
    step = max(1, BLOCK // (len(function.inputs) + outputs + 1))
    with writing(target) as file:
        if target.endswith(".npy"):
            header = {
                "descr": np.lib.format.dtype_to_descr(function.dtype),
                "fortran_order": False,
                "shape": (count, outputs),
            }
            np.lib.format.write_array_header_1_0(file, header)
        else:
            file.write((",".join(function.outputs) + "\n").encode())
        with stage("evaluating", total=count) as evaluating:
            for start in range(0, count, step):
                block = found[start : start + step]
                if block.dtype.names:
                    block = np.stack([block[name] for name in function.inputs], axis=-1)
                values = function.points(block)
                if target.endswith(".npy"):
                    file.write(values.tobytes())
                else:
                    file.write(_csv(values))
                evaluating.advance(len(block))


def _csv(values: Array) -> bytes:
    """Write numbers so that reading them gives them back."""
    rows = values.tolist() if values.dtype == np.float64 else values
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def _read_npy(path: str, inputs: Sequence[str]) -> Array:
    try:
        with warnings.catch_warnings(action="ignore"):  # of headers by Python 2
            points = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror}", path=path) from None
    except Exception:  # a header is a literal of Python, which may be wrong in any way
        raise FormatError(
            "not a .npy file of numbers, as numpy.save writes it", path=path
        ) from None
    if not isinstance(points, np.ndarray):
        raise FormatError("an archive; it should be a .npy file", path=path)
    names = points.dtype.names
    if names is not None:
        _check_names(names, inputs, path)
        kinds = {points.dtype[name].kind for name in names}
        wanted = points.ndim == 1 and not any(points.dtype[n].shape for n in names)
    else:
        kinds = {points.dtype.kind}
        wanted = points.ndim == 2 and points.shape[1] == len(inputs)
    if not kinds <= set("fiu"):
        raise FormatError(f"{points.dtype}; it should be real numbers", path=path)
    if not wanted:
        raise FormatError(
            f"an array of shape {points.shape}; it should be (points, {len(inputs)}), "
            "a number for each input",
            path=path,
        )
    return points


def _read_csv(path: str, inputs: Sequence[str]) -> Array:
    lines = (
        as_text(read_bytes(path), "<stdin>" if path == "-" else path)
        .removeprefix("\ufeff")
        .split("\n")
    )
    path = "<stdin>" if path == "-" else path
    while len(lines) > 1 and (not lines[-1].strip() if inputs else not lines[-1]):
        lines.pop()
        if not inputs:
            break  # with no inputs, an empty line is a point
    header = lines[0].rstrip("\r")
    names = [cell.strip().strip('"') for cell in header.split(",")] if header else []
    if inputs and not names:
        raise FormatError(
            "it should start with a row of names: " + ",".join(inputs), path=path
        )
    _check_names(names, inputs, path, header)
    numbers = array("d")
    for line, text in enumerate(lines[1:], start=2):
        cells = text.rstrip("\r").split(",") if inputs else []
        try:
            numbers.extend(map(_number, cells))
            wrong = len(cells) != len(names)
        except ValueError:
            wrong = True
        if wrong:
            raise _bad_row(text.rstrip("\r"), cells, len(names), path, line)
    table = np.frombuffer(numbers, dtype=np.float64) if numbers else np.empty(0)
    table = table.reshape(len(lines) - 1, len(names))
    return table[:, [names.index(name) for name in inputs]]


def _number(cell: str) -> float:
    if "_" in cell:  # Python's grouping of digits is no number elsewhere
        raise ValueError
    return float(cell)


def _bad_row(
    text: str, cells: Sequence[str], wanted: int, path: str, line: int
) -> FormatError:
    """Say which cell of a row is no number, or that there are too few or many."""
    column = 1
    for index, cell in enumerate(cells):
        message = None
        if index == wanted:
            message = f"{len(cells)} cells; it should be {wanted}, as in the first line"
        else:
            try:
                _number(cell)
            except ValueError:
                shown = cell.strip() or "an empty cell"
                message = f"{shown!r} is not a number" if cell.strip() else shown
                message += "; it should be one such as -0.5, 1e-3, inf or nan"
                column += len(cell) - len(cell.lstrip()) if cell.strip() else 0
        if message:
            return FormatError(
                message, path=path, line=line, column=column, source=text
            )
        column += len(cell) + 1
    return FormatError(
        f"{len(cells)} cells; it should be {wanted}, as in the first line",
        path=path,
        line=line,
        column=len(text) + 1,
        source=text,
    )


def _check_names(
    names: Sequence[str], inputs: Sequence[str], path: str, header: str | None = None
) -> None:
    """Refuse columns that are missing, surplus or there twice."""
    known = ", ".join(inputs) or "none"
    message, at = None, 0
    for index, name in enumerate(names):
        if name not in inputs:
            message = f"a column {name!r} that is no input; the inputs are {known}"
        elif name in names[:index]:
            message = f"two columns {name!r}"
        if message:
            at = index
            break
    else:
        missing = [name for name in inputs if name not in names]
        if not missing:
            return
        message, at = f"no column for the input {missing[0]!r}", len(names)
    if header is None:
        raise FormatError(message, path=path)
    column = len(",".join(header.split(",")[:at])) + (2 if 0 < at < len(names) else 1)
    raise FormatError(message, path=path, line=1, column=column, source=header)
