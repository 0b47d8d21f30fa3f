"""Arguments of compiled circuits: which value is which input's, and of what kind."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad import exact
from circuitgrad.errors import CircuitError, ShapeError

__all__ = ["bind", "flattened", "mismatch", "needed", "read_array", "read_dtype"]

Array = npt.NDArray[Any]

DTYPES: Final = (np.dtype(np.float64), np.dtype(np.float32))


def read_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Read a dtype: float64 or float32.

    Raises
    ------
    CircuitError
        If it is none of these.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise CircuitError(f"{dtype!r} is not float64 or float32") from None
    if found not in DTYPES:
        raise CircuitError(f"{found} is not float64 or float32")
    return found


def bind(
    inputs: Sequence[str],
    values: Sequence[Any],
    named: Mapping[str, Any],
    names: Collection[str] = (),
) -> list[Any]:
    """Give values, by position and by name, in the order of the inputs.

    ``names`` may be the inputs as a set, where they are many.

    Raises
    ------
    CircuitError
        If an input has no value or two, or a value no input.
    """
    if not values and len(named) == len(inputs):
        try:
            return [named[name] for name in inputs]
        except KeyError:
            pass  # a name is missing and another surplus
    known = ", ".join(inputs) or "none"
    if len(values) > len(inputs):
        raise CircuitError(f"{len(values)} values for {len(inputs)} inputs: {known}")
    given = dict(zip(inputs, values, strict=False))
    for name, value in named.items():
        if name not in (names or inputs):
            raise CircuitError(f"no input {name!r}; the inputs are {known}")
        if name in given:
            raise CircuitError(f"two values for the input {name!r}")
        given[name] = value
    for name in inputs:
        if name not in given:
            raise CircuitError(f"no value for the input {name!r}")
    return [given[name] for name in inputs]


def read_array(name: str, value: Any, dtype: np.dtype[Any]) -> Array:
    """Read a value as an array of real numbers of this dtype; no copy if it is one.

    Raises
    ------
    CircuitError
        If it is none: ragged, or of complex numbers, texts or other objects.
    """
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        value = exact.to_float(Fraction(value))
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(f"{name!r} is ragged: its rows differ in length") from None
    if array.dtype.kind not in "biuf":
        raise CircuitError(f"{name!r} is {array.dtype}, not an array of real numbers")
    with np.errstate(over="ignore"):  # beyond float32 lies infinity
        return array.astype(dtype, copy=False)


def flattened(array: Array, shape: tuple[int, ...]) -> Array:
    """Give an array of the batch's shape in one dimension, copied only where it must.

    What does not vary over the batch has the step 0.
    """
    if array.size == 1:
        return np.broadcast_to(array.reshape(1), (math.prod(shape),))
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return array.reshape(-1)


def mismatch(names: Sequence[str], arrays: Sequence[Array]) -> str:
    """Say which two shapes do not go together."""
    for i, first in enumerate(arrays):
        for j in range(i):
            try:
                np.broadcast_shapes(first.shape, arrays[j].shape)
            except ValueError:
                return (
                    f"shapes that do not go together: {names[j]} {arrays[j].shape}, "
                    f"{names[i]} {first.shape}"
                )
    return "shapes that do not go together"


def needed(module: str, extra: str) -> Any:
    """Import what an extra of the package brings.

    Raises
    ------
    CircuitError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise CircuitError(
            f"{module} is not installed: pip install 'circuitgrad[{extra}]'"
        ) from None
