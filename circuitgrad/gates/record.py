"""The record of a gate type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from circuitgrad.errors import ShapeError
from circuitgrad.exact import Options
from circuitgrad.shapes import Shape, broadcast, whole

__all__ = ["NEEDED", "POSITIVE", "REAL", "UNIT", "GateType", "Kink"]

Interval = tuple[float, float]
REAL: Final[Interval] = (-2.0, 2.0)
POSITIVE: Final[Interval] = (0.25, 3.0)
UNIT: Final[Interval] = (-0.9, 0.9)

#: In place of the default of an option: it has none.
NEEDED: Final = object()


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where the derivative jumps, and what is declared there."""

    operands: tuple[int, ...]
    value: Fraction | int
    partials: tuple[Fraction | int, ...]


def _no_partials(*arguments: Any) -> Sequence[Any]:
    raise AssertionError("a matrix gate has no partial for each slot")


@dataclass(frozen=True, slots=True)
class GateType:
    """What circuitgrad knows of one gate type.

    Parameters
    ----------
    name : str
        The name in circuit text, JSON and the API.
    arity : int or None
        Number of operands; None for any number from 1.
    value, partials, formula : callable
        See the docstring of `circuitgrad.gates`.
    symbol : str
        The label in a drawing; ``{p}`` stands for the parameter as a superscript.
    traits : frozenset of str
        ``commutative``: the operands' order does not matter.  ``linear``: the partials
        are numbers.  ``chained``: k operands cost k - 1 operations.  ``nonscalar``:
        counts in Ostrowski's measure.  ``rational``: maps rationals to rationals
        (a power: where its exponent is an integer).  ``root``: may have a kink where
        its operand is a square, so checks look at both sides; ``branch``: an inverse
        that does so where its operand is a value of the function.  ``odd``, ``even``,
        ``reciprocal``: what becomes of a minus sign, f(-u) = -f(u), f(u) or 1/f(u).
        ``idempotent``: an operand that is there already changes nothing.
        ``activation``: of layers of neurons; ``--jacobians`` forms its Jacobian.
        ``structural``: moves entries about and computes nothing.
    takes_parameter : bool
        Whether the type has a number as parameter.
    domain : tuple of (float, float)
        A safe interval for each operand, the last repeated: where tests draw points.
    kinks : tuple of Kink
    shape, options, settle, differential, transpose, written : optional
        Of matrix gates; see the docstring of `circuitgrad.gates.matrix`.
    undifferentiable : str
        Where a matrix gate has no derivative, and what is declared there.
    """

    name: str
    arity: int | None
    value: Callable[..., Any]
    partials: Callable[..., Sequence[Any]] = _no_partials
    formula: Callable[..., Any] | None = None
    symbol: str = ""
    traits: frozenset[str] = frozenset()
    takes_parameter: bool = False
    domain: tuple[Interval, ...] = (REAL,)
    kinks: tuple[Kink, ...] = ()
    shape: Callable[..., Shape] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    settle: Callable[..., Options] | None = None
    differential: Callable[..., Any] | None = None
    transpose: Callable[..., Any] | None = None
    written: str = ""
    undifferentiable: str = ""

    def accepts(self, operands: int) -> bool:
        """Tell whether a gate of this type may have so many operands."""
        return operands >= 1 if self.arity is None else operands == self.arity

    def interval(self, slot: int) -> Interval:
        """Give the interval that an operand's sample values are drawn from."""
        return self.domain[min(slot, len(self.domain) - 1)]

    @property
    def matrix(self) -> bool:
        """Whether this is a matrix gate; others act on entries."""
        return self.shape is not None

    @property
    def has_param(self) -> bool:
        """Whether a gate of this type has a parameter in columns: number or options."""
        return self.takes_parameter or bool(self.options)

    def settled(
        self, operands: Sequence[Shape], given: Mapping[str, Any] | None = None
    ) -> Options:
        """Complete and check the options of a gate.

        Raises
        ------
        ShapeError
            If there is no such option, one is missing, or it does not suit a shape.
        """
        given = given or {}
        for name in given:
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise ShapeError(f"no option {name!r}; there are: {known}")
        chosen = {**self.options, **given}
        for name, value in chosen.items():
            if value is NEEDED:
                raise ShapeError(f"the option {name!r} is needed")
            chosen[name] = _option(name, value)
        if self.settle is None:
            return ()
        return self.settle(*operands, **chosen)

    def named(self, options: Options) -> dict[str, Any]:
        """Give options by their names."""
        return dict(zip(self.options, options, strict=True))

    def shape_of(self, operands: Sequence[Shape], options: Options = ()) -> Shape:
        """Give the shape of a gate of this type.

        Raises
        ------
        ShapeError
            If the operands' shapes do not go together.
        """
        if self.shape is None:
            return broadcast(*operands)
        return self.shape(*operands, **self.named(options))


def _option(name: str, value: Any) -> Any:
    """Give an option's value in Python's own integers; None says all, or to the end."""
    if value is None or (name == "axis" and isinstance(value, str) and value == "all"):
        return None
    if name == "keep" and isinstance(value, bool):
        return int(value)
    try:
        if hasattr(value, "__iter__") and not isinstance(value, str):
            return tuple(map(whole, value))
        return whole(value)
    except ShapeError as error:
        raise ShapeError(f"the option {name!r}: {error}") from None


def traits(words: str) -> frozenset[str]:
    """Read traits, separated by spaces."""
    return frozenset(words.split())
