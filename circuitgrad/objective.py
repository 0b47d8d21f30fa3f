"""A function and its gradient in one call, as optimisers want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.compiled import Compiled
from circuitgrad.gradients import gradient

__all__ = ["ValueAndGrad", "value_and_grad"]

Array = npt.NDArray[Any]


def value_and_grad(
    circuit: Circuit,
    *,
    of: str | None = None,
    wrt: Sequence[str] | str | None = None,
    pipeline: str = "tidy",
    dtype: npt.DTypeLike = np.float64,
    threads: int | None = None,
) -> ValueAndGrad:
    """Make a fast function of a vector that gives an output's value and its gradient.

    Parameters
    ----------
    circuit : Circuit
    of : str, optional
        The output; may be left out where there is one.
    wrt : str or sequence of str, optional
        The inputs to differentiate by; all, in order, where left out.
    pipeline : str
        How the gradient circuit is simplified (`circuitgrad.gradient`).
    dtype : float64 or float32
    threads : int, optional
        As for `circuitgrad.compile`.

    Returns
    -------
    ValueAndGrad

    Raises
    ------
    CircuitError
        If the circuit has several outputs and ``of`` is left out, or there is no such
        output or input.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> v = value_and_grad(parse_expression("x^2 + 3*x*y"))
    >>> v([1.0, 2.0])
    (7.0, array([8., 3.]))
    """
    circuit.require_scalars("a function of a vector of inputs")
    return ValueAndGrad(circuit, of, wrt, pipeline, dtype, threads)


class ValueAndGrad:
    """A function of a vector of inputs; `circuitgrad.value_and_grad` makes it.

    Attributes
    ----------
    inputs : tuple of str
        What the numbers of a point are, in order.
    wrt : tuple of str
        What the numbers of a gradient are the derivatives by.
    function : Compiled
        The circuit of the value, the first output, and the partials.
    """

    function: Compiled

    def __init__(
        self,
        circuit: Circuit,
        of: str | None,
        wrt: Sequence[str] | str | None,
        pipeline: str,
        dtype: npt.DTypeLike,
        threads: int | None,
    ) -> None:
        if of is not None and not isinstance(of, str):
            raise CircuitError(f"of should be the name of one output, not {of!r}")
        chosen = (wrt,) if isinstance(wrt, str) else wrt
        self.inputs = circuit.inputs
        self.wrt = circuit.inputs if chosen is None else tuple(chosen)
        for name in self.wrt:
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                raise CircuitError(f"no input {name!r}; the inputs are {known}")
        both = gradient(circuit, of=of, wrt=self.wrt, value=True, pipeline=pipeline)
        output = of or circuit.output_names[0]
        vertices = dict(both.outputs)
        both = both.with_outputs(
            [(name, vertices[name]) for name in (output, *_partials(output, self.wrt))]
        )
        self.function = Compiled(both, dtype=dtype, threads=threads)

    def __call__(self, x: Any) -> tuple[Any, Array]:
        """Evaluate at a point, or at many.

        Parameters
        ----------
        x : array of shape (*batch, inputs)

        Returns
        -------
        value : float, or array of shape (*batch)
        gradient : array of shape (*batch, len(wrt))

        Raises
        ------
        CircuitError
            If the shape of ``x`` is another, or it holds no real numbers.
        """
        found = self.function.points(x)
        value, partials = found[..., 0], found[..., 1:]
        return (float(value) if found.ndim == 1 else value), partials

    def __repr__(self) -> str:
        return f"<value and gradient by {len(self.wrt)} inputs: {self.function!r}>"


def _partials(output: str, wrt: Sequence[str]) -> list[str]:
    return [f"d{output}_d{name}" for name in wrt]
