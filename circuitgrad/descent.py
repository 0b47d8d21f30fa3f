"""Gradient descent: the gradient circuit compiled once, and followed downhill."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.objective import ValueAndGrad, value_and_grad
from circuitgrad.progress import stage

__all__ = ["Descent", "descend"]

Array = npt.NDArray[np.float64]

#: A value this many times as large as the first one, or 1, has diverged.
DIVERGED: Final = 1e6


@dataclass(frozen=True)
class Descent:
    """A run of gradient descent.

    Attributes
    ----------
    output : str
        What was made small.
    point : dict of str to float
        The inputs where the value was the least that it met, with a slope.
    value : float
        The value there.
    values : list of float
        The value at the start and after each step.
    steps : int
        How many steps were taken.
    stopped : {"steps", "flat", "target", "diverged", "stuck"}
        Why it stopped: all steps are taken; the gradient is small; the value is; the
        value or the gradient is no number or grew without bound; the line search found
        nothing lower.
    """

    output: str
    point: dict[str, float]
    value: float
    values: list[float]
    steps: int
    stopped: str

    def draw(self, path: str | None = None, theme: str = "light") -> Any:
        """Draw the values (`circuitgrad.figures.losses.draw_losses`)."""
        from circuitgrad.figures.losses import draw_losses

        return draw_losses(self, path, theme)

    def __str__(self) -> str:
        words = {
            "steps": "all steps are taken",
            "flat": "the gradient is small",
            "target": "the value is small enough",
            "diverged": "it diverged, or there is no least value: try a smaller rate",
            "stuck": "the line search found no step",
        }
        return (
            f"{self.values[0]:.6g} to {self.value:.6g} in {self.steps:,} steps: "
            f"{words[self.stopped]}"
        )


def descend(
    circuit: Circuit,
    start: Mapping[str, Any] | None = None,
    *,
    of: str | None = None,
    wrt: Sequence[str] | str | None = None,
    rate: float = 0.1,
    steps: int = 1000,
    momentum: float = 0.0,
    tolerance: float = 1e-8,
    target: float | None = None,
    line_search: bool = False,
    seed: int = 0,
) -> Descent:
    """Follow the gradient of an output downhill.

    A step is v := momentum v - rate ∇f, x := x + v.

    Parameters
    ----------
    circuit : Circuit
    start : mapping, optional
        Where inputs start, by name.  Inputs of ``wrt`` that are left out start at
        random, between -1 and 1; others need a value.
    of : str, optional
        The output to make small, where there are several.
    wrt : str or sequence of str, optional
        The inputs that change; all where left out.
    rate : float
        The learning rate.
    steps : int
        How many steps at most.
    momentum : float
        What of the last step is taken again: at least 0, less than 1.
    tolerance : float
        Stop where the gradient's norm is not larger.
    target : float, optional
        Stop where the value is not larger.
    line_search : bool
        Whether ``rate`` gives way to a length by the strong Wolfe conditions, in the
        direction of the gradient, at each step (`scipy.optimize.line_search`).
    seed : int
        Of the random start.

    Returns
    -------
    Descent

    Raises
    ------
    CircuitError
        If a name is unknown, an input has no value, or a number is out of its range.

    Notes
    -----
    The gradient circuit is emitted and compiled once; a step is one evaluation.

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964
    (momentum).  J. Nocedal, S. Wright, "Numerical Optimization", 2006, chapter 3.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> found = descend(parse_expression("(x - 3)^2"), {"x": 0}, rate=0.25)
    >>> found.stopped, round(found.point["x"], 6)
    ('flat', 3.0)
    """
    _require("rate", rate, rate > 0, "more than 0")
    _require("steps", steps, steps >= 0, "at least 0")
    _require("momentum", momentum, 0 <= momentum < 1, "at least 0, less than 1")
    _require("tolerance", tolerance, tolerance >= 0, "at least 0")
    _require("seed", seed, seed >= 0, "at least 0")
    _require("rate", rate, math.isfinite(rate), "a number")
    if line_search and momentum:
        raise CircuitError("a line search takes no momentum: it looks for each step")
    function = value_and_grad(circuit, of=of, wrt=wrt)
    point = _start(function, start or {}, seed)
    changing = np.array([function.inputs.index(name) for name in function.wrt])
    lengths = _line_search(function, changing) if line_search else None

    value, slope = function(point)
    values, least, best = [value], math.inf, point.copy()
    velocity = np.zeros(len(changing))
    stopped = "steps"
    with stage("descent", steps) as progress:
        for _ in range(steps + 1):
            if not math.isfinite(value) or not np.isfinite(slope).all():
                stopped = "diverged"
                break
            if value < least:
                least, best = value, point.copy()
            if np.linalg.norm(slope) <= tolerance:
                stopped = "flat"
                break
            if target is not None and value <= target:
                stopped = "target"
                break
            if value > DIVERGED * max(1.0, abs(values[0])):
                stopped = "diverged"
                break
            if len(values) > steps:
                break
            if lengths is None:
                velocity = momentum * velocity - rate * slope
            else:
                length = lengths(point, value, slope)
                if length is None:
                    stopped = "stuck"
                    break
                velocity = -length * slope
            point[changing] += velocity
            value, slope = function(point)
            values.append(value)
            progress.advance()
    found = dict(zip(function.inputs, best.tolist(), strict=True))
    output = of or circuit.output_names[0]
    value = least if math.isfinite(least) else values[0]
    return Descent(output, found, value, values, len(values) - 1, stopped)


def _require(name: str, value: float, holds: bool, what: str) -> None:
    if not holds:
        raise CircuitError(f"{name} is {value}: it should be {what}")


def _start(function: ValueAndGrad, start: Mapping[str, Any], seed: int) -> Array:
    """Give the first point: what is given, and for the rest a random one."""
    for name in start:
        if name not in function.inputs:
            known = ", ".join(function.inputs) or "none"
            raise CircuitError(f"no input {name!r}; the inputs are {known}")
    random = np.random.default_rng(seed).uniform(-1, 1, len(function.inputs))
    found = np.empty(len(function.inputs))
    for place, name in enumerate(function.inputs):
        if name in start:
            found[place] = _number(name, start[name])
        elif name in function.wrt:
            found[place] = random[place]
        else:
            raise CircuitError(f"no value for the input {name!r}, which stays as it is")
    return found


def _number(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise CircuitError(f"{name} starts at {value!r}: it should be a finite number")
    return found


def _line_search(function: ValueAndGrad, changing: npt.NDArray[Any]) -> Any:
    """Make what finds the length of a step against the gradient, or None."""
    try:
        from scipy.optimize import line_search
    except ImportError:
        raise CircuitError("a line search needs SciPy: pip install scipy") from None

    def length(point: Array, value: float, slope: Array) -> float | None:
        def at(x: Array) -> Any:
            moved = point.copy()
            moved[changing] = x
            return function(moved)

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # None says it, too
            found = line_search(
                lambda x: at(x)[0], lambda x: at(x)[1], point[changing], -slope,
                gfk=slope, old_fval=value, maxiter=30,
            )  # fmt: skip
        return None if found[0] is None else float(found[0])

    return length
