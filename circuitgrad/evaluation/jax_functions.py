"""Circuits as functions of JAX, to be compiled, mapped and spread over devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.evaluation.arguments import bind, needed
from circuitgrad.evaluation.arrays import ArrayFunctions
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.shapes import Shape, format_shape

__all__ = ["to_jax"]

#: Functions that NumPy, and JAX with it, calls by other names.
_NAMES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "absolute": "abs",
    "select": "where",
}


def to_jax(circuit: Circuit) -> Callable[..., dict[str, Any]]:
    """Make a function of JAX arrays of a circuit, of arrays or of scalars.

    It is the gates' value rules, read in `jax.numpy`: `jax.jit`, `jax.vmap`,
    `jax.grad` and `jax.shard_map` take it, and it runs where JAX runs.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    callable
        Takes a value for each input, by position or by name, and gives a dict with an
        array for each output.  Arrays of an input's shape; inputs of a circuit of
        scalars broadcast, as in `circuitgrad.evaluate`.  The numbers of the circuit
        take on the dtype of the arrays: float32 stays float32, bfloat16 as well.

    Raises
    ------
    CircuitError
        If JAX is not installed.

    Notes
    -----
    Called without `jax.jit` it runs gate by gate, and a call of it raises `ShapeError`
    where an array has another shape than the input.  `jax.grad` differentiates the
    value rules by rules of JAX's own; at kinks these may differ from what
    `circuitgrad.gradient` declares.

    Examples
    --------
    ::

        step = jax.jit(cg.to_jax(cg.gradient(loss, value=True)))
        found = step(W=weights, X=batch)
    """
    inputs, arithmetic = circuit.inputs, JaxArrays(needed("jax", "jax"))

    def function(*values: Any, **named: Any) -> dict[str, Any]:
        arrays = [
            arithmetic.array(name, value)
            for name, value in zip(inputs, bind(inputs, values, named), strict=True)
        ]
        shapes = _output_shapes(circuit, arrays)
        found = vertex_values(circuit, arithmetic, arrays)
        return {
            name: arithmetic.whole(found[v], shape, arrays)
            for (name, v), shape in zip(circuit.outputs, shapes, strict=True)
        }

    function.__name__ = circuit.name or "circuit"
    function.__doc__ = f"The circuit as a function of {', '.join(inputs) or 'nothing'}."
    return function


def _output_shapes(circuit: Circuit, arrays: Sequence[Any]) -> list[Shape]:
    """Check the shapes of the inputs, and give those of the outputs."""
    columns = circuit.columns
    if not columns.shaped:
        try:
            shape = np.broadcast_shapes(*(a.shape for a in arrays))
        except ValueError:
            found = ", ".join(format_shape(a.shape) for a in arrays)
            raise CircuitError(f"shapes that do not go together: {found}") from None
        return [shape] * len(circuit.outputs)
    for v, (name, array) in enumerate(zip(circuit.inputs, arrays, strict=True)):
        if array.shape != columns.shape(v):
            raise ShapeError(
                f"{name!r} has shape {format_shape(array.shape)}; "
                f"the circuit's input has {format_shape(columns.shape(v))}"
            )
    return [columns.shape(v) for _, v in circuit.outputs]


class JaxArrays(ArrayFunctions):
    """The arithmetic of JAX's arrays.

    Numbers are *weakly typed*: beside an array they are of its dtype.
    """

    def __init__(self, jax: Any) -> None:
        self.jax, self.xp = jax, jax.numpy
        self.erf = jax.scipy.special.erf
        self.sigmoid = jax.nn.sigmoid

    def array(self, name: str, value: Any) -> Any:
        """Read a value; whole numbers become floats."""
        if not isinstance(value, self.jax.Array):
            try:
                value = np.asarray(value)
            except ValueError:
                raise ShapeError(f"{name!r} is ragged") from None
        # of kind V is bfloat16, which NumPy has not heard of
        if value.dtype.kind not in "biufV":
            raise CircuitError(
                f"{name!r} is {value.dtype}, not an array of real numbers"
            )
        array = self.xp.asarray(value)
        floating = self.xp.issubdtype(array.dtype, self.xp.floating)
        return array if floating else array.astype(float)

    def whole(self, value: Any, shape: Shape, arrays: Sequence[Any]) -> Any:
        """Give an output its shape and, where it is a number, the arrays' dtype."""
        if arrays and value.weak_type:
            value = value.astype(self.xp.result_type(*arrays))
        return self.xp.broadcast_to(value, shape)

    def number(self, value: exact.Number | int) -> Any:
        """Give a number, with the shape of a scalar."""
        if isinstance(value, int):
            value = Fraction(value)
        return self.xp.asarray(exact.to_float(value))

    def step(self, u: Any) -> Any:
        """Give 1 where positive, else 0; nan stays nan."""
        where = self.xp.where
        return where(self.xp.isnan(u), u, where(u > 0, 1.0, 0.0))

    def power(self, u: Any, exponent: Any) -> Any:
        """Give the real power, nan where there is none; whole ones by products."""
        if not isinstance(exponent, Fraction):
            return self.xp.power(u, exponent)
        if exponent.denominator == 1 and abs(exponent) < 2**15:
            return self.jax.lax.integer_pow(u, int(exponent))
        return self.xp.power(u, exact.to_float(exponent))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give a function of `jax.numpy`."""
        if name.startswith("_") or name in ("jax", "xp", "erf", "sigmoid"):
            raise AttributeError(name)
        found: Callable[..., Any] = getattr(self.xp, _NAMES.get(name, name))
        return found
