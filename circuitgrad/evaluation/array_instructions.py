"""Instructions of arrays: how each gate type writes its result into a given array.

An instruction is a function of *registers*, a list that has the array of every vertex
at its place, and scratch behind.  Results are written by NumPy's functions with
``out=``, so that nothing is allocated.  A gate type without a maker, here or in
`circuitgrad.evaluation.array_products`, goes by its value rule, whose result is copied.

Numbers beside arrays are scalars of the program's dtype: those of float64 would make
float32 arrays float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.array_layout import Array, Node
from circuitgrad.shapes import Shape

__all__ = ["ELEMENTWISE", "Instruction", "RoundedFloats", "Run", "Site", "by_rule"]

Registers = list[Any]
Run = Callable[[Registers], None]


class RoundedFloats(Floats):
    """IEEE arithmetic of float64 or float32: nothing is ever of another precision."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def number(self, value: exact.Number) -> Any:
        """Round an exact number."""
        return self.dtype.type(super().number(value))

    def step(self, u: Any) -> Any:
        """Give 1 where positive, else 0; nan stays nan."""
        return np.where(np.isnan(u), u, np.greater(u, 0).astype(self.dtype))

    def erf(self, u: Any) -> Any:
        """Give the error function."""
        return np.asarray(Floats.erf(u), self.dtype)


@dataclass(frozen=True)
class Instruction:
    """A step of a program.

    Attributes
    ----------
    run : callable
        Does it.
    reuse : tuple of int
        Slots in whose arrays the result may be written, where they are not needed.
    once : bool
        Whether no operand is read after the first write into the result, so that the
        result may be an array that is read.
    """

    run: Run
    reuse: tuple[int, ...] = ()
    once: bool = True


@dataclass
class Site:
    """What an instruction is made of.

    Attributes
    ----------
    node : Node
    form : Array
        The shape and strides of the result.
    forms : list of Array
        Those of the operands.
    known : list of Array or None
        The values of operands that are constants.
    spare : list of bool
        Whether an operand's array may be overwritten: this gate is the last to read it.
    dtype : numpy.dtype
    first : int
        The first register that is not in use.
    scratch : list of (Shape, dtype) or Array
        What registers from there on hold: arrays for this step alone, or constants.
    """

    node: Node
    form: Array
    forms: list[Array]
    known: list[Array | None]
    spare: list[bool]
    dtype: np.dtype[Any]
    first: int
    scratch: list[tuple[Shape, np.dtype[Any]] | Array] = field(default_factory=list)

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.node.shape

    def replaceable(self, slot: int) -> bool:
        """Tell whether the result may be written over an operand."""
        return self.spare[slot] and self.forms[slot].shape == self.shape

    def temporary(self, shape: Shape, dtype: Any = None) -> int:
        """Give a register of an array to be used in this step alone."""
        self.scratch.append((shape, np.dtype(dtype or self.dtype)))
        return self.first + len(self.scratch) - 1

    def constant(self, value: Array) -> int:
        """Give a register of a constant."""
        self.scratch.append(np.asarray(value, self.dtype))
        return self.first + len(self.scratch) - 1

    def number(self, value: exact.Rational) -> Any:
        """Round an exact number."""
        with np.errstate(over="ignore"):  # beyond float32 lies infinity
            return RoundedFloats(self.dtype).number(exact.as_fraction(value))


def by_rule(site: Site) -> Instruction:
    """Evaluate a gate by its value rule, in the program's precision."""
    node, m = site.node, RoundedFloats(site.dtype)
    y, used = node.vertex, node.operands

    def run(r: Registers) -> None:
        r[y][...] = node.value(m, [r[u] for u in used])

    return Instruction(run)


def _sequence(runs: Sequence[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]

    def run(r: Registers) -> None:
        for each in runs:
            each(r)

    return run


# ---------------------------------------------------------------------- elementwise


def _apply(ufunc: Callable[..., Any], y: int, *used: int) -> Run:
    """Make ``r[y] = ufunc(r[used])``."""
    if len(used) == 1:
        (a,) = used

        def run(r: Registers) -> None:
            ufunc(r[a], out=r[y])
    else:
        a, b = used

        def run(r: Registers) -> None:
            ufunc(r[a], r[b], out=r[y])

    return run


def _with_number(ufunc: Callable[..., Any], y: int, a: int, number: Any) -> Run:
    def run(r: Registers) -> None:
        ufunc(r[a], number, out=r[y])

    return run


def _copy(y: int, a: int) -> Run:
    def run(r: Registers) -> None:
        np.copyto(r[y], r[a])

    return run


def _elementwise(ufunc: Callable[..., Any]) -> Callable[[Site], Instruction]:
    """Make the maker of a ufunc of one or two operands."""

    def make(site: Site) -> Instruction:
        used = site.node.operands
        return Instruction(_apply(ufunc, site.node.vertex, *used), (0, 1)[: len(used)])

    return make


def _chain(ufunc: Callable[..., Any]) -> Callable[[Site], Instruction]:
    """Make the maker of a ufunc of any number of operands, two after two."""

    def make(site: Site) -> Instruction:
        y, used = site.node.vertex, site.node.operands
        slots = sorted(range(len(used)), key=lambda slot: not site.replaceable(slot))
        if len(used) == 1:
            return Instruction(_copy(y, used[0]))
        first, second, *rest = slots
        runs = [_apply(ufunc, y, used[first], used[second])]
        runs += [_apply(ufunc, y, y, used[slot]) for slot in rest]
        return Instruction(_sequence(runs), (first, second), once=not rest)

    return make


def _sum(site: Site) -> Instruction:
    """Add with weights: -1 is a subtraction, others scale an array on their way.

    A term is scaled in its own array where that is not needed any more, in the result
    where it is the first, and else in scratch of its own shape.
    """
    node, y = site.node, site.node.vertex
    runs: list[Run] = []
    ready: list[tuple[int, int, int]] = []  # register, sign, slot to reuse or -1
    large: list[tuple[int, Any]] = []  # to be scaled, of the result's shape
    for slot, (u, weight) in enumerate(zip(node.operands, node.weights, strict=True)):
        value, factor = site.known[slot], site.number(weight)
        kept = slot if site.replaceable(slot) else -1
        if value is not None:
            ready.append((site.constant(value * factor), 1, -1))
        elif weight in (1, -1):
            ready.append((u, int(weight), kept))
        elif site.spare[slot]:
            runs.append(_with_number(np.multiply, u, u, factor))
            ready.append((u, 1, kept))
        elif site.forms[slot].shape == site.shape:
            large.append((u, factor))
        else:
            scaled = site.temporary(site.forms[slot].shape)
            runs.append(_with_number(np.multiply, scaled, u, factor))
            ready.append((scaled, 1, -1))
    ready.sort(key=lambda term: term[2] < 0)
    reuse: tuple[int, ...] = ()
    if large:
        u, factor = large.pop(0)
        runs.append(_with_number(np.multiply, y, u, factor))
    elif len(ready) == 1:
        (u, sign, slot) = ready.pop()
        runs.append(_copy(y, u) if sign > 0 else _apply(np.negative, y, u))
        reuse = (slot,)
    else:
        (u, sign, slot), (v, other, second), *ready = ready
        runs += _two(y, u, sign, v, other)
        reuse = (slot, second)
    once = not ready and not large
    runs += [_apply(np.add if s > 0 else np.subtract, y, y, u) for u, s, _ in ready]
    if large:
        scaled = site.temporary(site.shape)
        for u, factor in large:
            runs.append(_with_number(np.multiply, scaled, u, factor))
            runs.append(_apply(np.add, y, y, scaled))
    kept_slots = tuple(each for each in reuse if each >= 0)
    return Instruction(_sequence(runs), kept_slots, once)


def _two(y: int, u: int, sign: int, v: int, other: int) -> list[Run]:
    """Add two terms with signs."""
    if sign > 0:
        return [_apply(np.add if other > 0 else np.subtract, y, u, v)]
    if other > 0:
        return [_apply(np.subtract, y, v, u)]
    return [_apply(np.add, y, u, v), _apply(np.negative, y, y)]


def _power(site: Site) -> Instruction:
    y, (a,), (exponent,) = site.node.vertex, site.node.operands, site.node.param
    known = {1: np.positive, 2: np.square, -1: np.reciprocal}
    if exponent in known:
        return Instruction(_apply(known[int(exponent)], y, a), (0,))
    return Instruction(_with_number(np.power, y, a, site.number(exponent)), (0,))


def _relu(site: Site) -> Instruction:
    y, (a,) = site.node.vertex, site.node.operands
    return Instruction(_with_number(np.maximum, y, a, site.number(0)), (0,))


def _leaky_relu(site: Site) -> Instruction | None:
    """Give the larger of u and s u; the smaller where the slope is above 1."""
    y, (a,), (slope,) = site.node.vertex, site.node.operands, site.node.param
    if slope == 0:
        return None  # 0 times an infinity would be no number
    other = np.maximum if slope <= 1 else np.minimum
    runs = [
        _with_number(np.multiply, y, a, site.number(slope)),
        _apply(other, y, y, a),
    ]
    return Instruction(_sequence(runs), once=False)


def _step(site: Site) -> Instruction:
    """Compare; where there is no number there is none in the result."""
    y, (a,), zero = site.node.vertex, site.node.operands, site.number(0)
    lacking = site.temporary(site.shape, np.bool_)
    nan = site.dtype.type(np.nan)

    def run(r: Registers) -> None:
        np.isnan(r[a], out=r[lacking])
        np.greater(r[a], zero, out=r[y])
        if r[lacking].any():
            np.copyto(r[y], nan, where=r[lacking])

    return Instruction(run, (0,))


def _sigmoid(site: Site) -> Instruction:
    y, (a,), one = site.node.vertex, site.node.operands, site.number(1)
    runs = [
        _apply(np.negative, y, a),
        _apply(np.exp, y, y),
        _with_number(np.add, y, y, one),
        _apply(np.reciprocal, y, y),
    ]
    return Instruction(_sequence(runs), (0,))


def _softplus(site: Site) -> Instruction:
    y, (a,) = site.node.vertex, site.node.operands
    t = site.temporary(site.shape)
    runs = [
        _apply(np.abs, t, a),
        _apply(np.negative, t, t),
        _apply(np.exp, t, t),
        _apply(np.log1p, t, t),
        _with_number(np.maximum, y, a, site.number(0)),
        _apply(np.add, y, y, t),
    ]
    return Instruction(_sequence(runs), (0,))


#: The makers of instructions by gate type; one may give None, for want of a way.
ELEMENTWISE: Final[dict[str, Callable[[Site], Instruction | None]]] = {
    "sum": _sum,
    "prod": _chain(np.multiply),
    "div": _elementwise(np.divide),
    "inv": _elementwise(np.reciprocal),
    "power": _power,
    "pow": _elementwise(np.power),
    "sqrt": _elementwise(np.sqrt),
    "exp": _elementwise(np.exp),
    "log": _elementwise(np.log),
    "sin": _elementwise(np.sin),
    "cos": _elementwise(np.cos),
    "tan": _elementwise(np.tan),
    "sinh": _elementwise(np.sinh),
    "cosh": _elementwise(np.cosh),
    "tanh": _elementwise(np.tanh),
    "asin": _elementwise(np.arcsin),
    "acos": _elementwise(np.arccos),
    "atan": _elementwise(np.arctan),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "abs": _elementwise(np.abs),
    "sign": _elementwise(np.sign),
    "step": _step,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "max": _chain(np.maximum),
    "min": _chain(np.minimum),
}
