"""The gate table: one record a gate type, and nothing about a gate anywhere else.

A record (`GateType`) says

``value(m, *operands)``
    what the gate computes, in the arithmetic ``m``: floats, exact rationals, balls
    or sympy formulas (`circuitgrad.evaluation.arithmetic`).  The operands
    have ``+ - * /``; everything else is a function of ``m``.
``partials(g, y, *operands)``
    the partial derivative by each operand slot, in the circuit's own operators over
    the operands and the output ``y``; ``g`` has every gate as a function.  A partial
    that is a number stays a number.  Slots are positions: ``x*x`` has two partials.
    Forward and reverse mode both read this; there is no second derivative table.
``formula(m, *operands)``
    the sympy formula, where the value rule read in sympy's arithmetic is not the
    textbook's; it must not be derived from ``partials``, because the check compares
    the two.

A type with a parameter (an exponent, a slope) gets it as a last argument, a `Fraction`.
A wire's weight scales the operand before the gate sees it; only sums carry weights.

Gates whose derivative jumps declare in ``kinks`` what it is there: the value and the
partials at the point.  The tests of every gate are generated from these records.

Sources are no gates: codes 0 and 1 are an input and a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any, Final

from circuitgrad.errors import CircuitError

__all__ = ["CONSTANT", "GATES", "INPUT", "GateType", "code_of", "gate_type", "register"]

INPUT: Final = 0
CONSTANT: Final = 1

Interval = tuple[float, float]
REAL: Final[Interval] = (-2.0, 2.0)
POSITIVE: Final[Interval] = (0.25, 3.0)
UNIT: Final[Interval] = (-0.9, 0.9)


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where the derivative jumps, and what is declared there."""

    operands: tuple[int, ...]
    value: Fraction | int
    partials: tuple[Fraction | int, ...]


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
        See the module's docstring.
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
    takes_parameter : bool
        Whether the type has a parameter.
    domain : tuple of (float, float)
        A safe interval for each operand, the last repeated: where tests draw points.
    kinks : tuple of Kink
    """

    name: str
    arity: int | None
    value: Callable[..., Any]
    partials: Callable[..., Sequence[Any]]
    formula: Callable[..., Any] | None = None
    symbol: str = ""
    traits: frozenset[str] = frozenset()
    takes_parameter: bool = False
    domain: tuple[Interval, ...] = (REAL,)
    kinks: tuple[Kink, ...] = ()

    def accepts(self, operands: int) -> bool:
        """Tell whether a gate of this type may have so many operands."""
        return operands >= 1 if self.arity is None else operands == self.arity

    def interval(self, slot: int) -> Interval:
        """Give the interval that an operand's sample values are drawn from."""
        return self.domain[min(slot, len(self.domain) - 1)]


def _traits(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _product_partials(g: Any, y: Any, *u: Any) -> list[Any]:
    # prefix * suffix: never y/u_i, which is 0/0 at a zero.  3k - 6 products of two.
    prefix, suffix = list(u), list(u)
    for i in range(1, len(u)):
        prefix[i] = prefix[i - 1] * u[i] if i < len(u) - 1 else None
    for i in reversed(range(len(u) - 1)):
        suffix[i] = u[i] * suffix[i + 1] if i else None
    if len(u) == 1:
        return [1]
    middle = [prefix[i - 1] * suffix[i + 1] for i in range(1, len(u) - 1)]
    return [suffix[1], *middle, prefix[-2]]


def _power_partials(g: Any, y: Any, u: Any, p: Fraction) -> list[Any]:
    if p in (0, 1):
        return [p]
    return [p * u] if p == 2 else [p * u ** (p - 1)]  # (u^p)' = p u^(p-1)


def _first_extreme(sign: int) -> Callable[..., list[Any]]:
    """Make the partials of max (1) or min (-1): 1 for the first operand equal to y."""

    def partials(g: Any, y: Any, *u: Any) -> list[Any]:
        if len(u) == 1:
            return [1]
        # later[i] = 1 where the choice falls after i: the best of what comes after u_i
        # beats the best up to there.  Never u_i against y, which is 0 where u_i is it.
        best = g.max if sign > 0 else g.min
        before, after = [u[0]], [u[-1]]
        for first, last in zip(u[1:-1], reversed(u[1:-1]), strict=True):
            before.append(best(before[-1], first))
            after.append(best(last, after[-1]))
        later = [
            g.step(b - a if sign > 0 else a - b)
            for a, b in zip(before, reversed(after), strict=True)
        ]
        between = [a - b for a, b in pairwise(later)]
        return [1 - later[0], *between, later[-1]]

    return partials


def _elementary(
    name: str,
    derivative: Callable[..., Any],
    *,
    domain: Interval = REAL,
    symbol: str | None = None,
    traits: str = "",
) -> GateType:
    """Make the record of a smooth function of one operand, which each ``m`` has."""
    return GateType(
        name,
        arity=1,
        value=lambda m, u: getattr(m, name)(u),
        partials=lambda g, y, u: [derivative(g, y, u)],
        symbol=symbol or name,
        traits=_traits(traits),
        domain=(domain,),
    )


_LINEAR = [
    GateType(
        "sum",
        arity=None,
        value=lambda m, *u: reduce(lambda a, b: a + b, u),
        partials=lambda g, y, *u: [1] * len(u),
        symbol="+",
        traits=_traits("commutative linear chained rational"),
    ),
]

_ARITHMETIC = [
    GateType(
        "prod",
        arity=None,
        value=lambda m, *u: reduce(lambda a, b: a * b, u),
        partials=_product_partials,
        symbol="×",
        traits=_traits("commutative chained nonscalar rational"),
    ),
    GateType(
        "div",
        arity=2,
        value=lambda m, u, v: m.divide(u, v),
        partials=lambda g, y, u, v: [1 / v, -(y / v)],  # (u/v)' by v is -u/v^2
        symbol="÷",
        traits=_traits("nonscalar rational"),
        domain=(REAL, POSITIVE),
    ),
    GateType(
        "inv",
        arity=1,
        value=lambda m, u: m.divide(m.number(1), u),
        partials=lambda g, y, u: [-(y**2)],  # (1/u)' = -1/u^2
        symbol="1/·",
        traits=_traits("nonscalar rational"),
        domain=(POSITIVE,),
    ),
    GateType(
        "power",
        arity=1,
        value=lambda m, u, p: m.power(u, p),
        partials=_power_partials,
        symbol="(·){p}",
        traits=_traits("nonscalar rational"),
        takes_parameter=True,
        domain=(POSITIVE,),
    ),
    GateType(
        "pow",
        arity=2,
        value=lambda m, u, v: m.power(u, v),
        partials=lambda g, y, u, v: [v * u ** (v - 1), y * g.log(u)],
        symbol="pow",
        traits=_traits("nonscalar root"),
        domain=(POSITIVE, REAL),
    ),
]

# A line each: the name and the derivative, in the output y where that is shorter.
_SMOOTH = [
    _elementary(
        "sqrt",
        lambda g, y, u: Fraction(1, 2) / y,
        domain=POSITIVE,
        symbol="√",
        traits="root",
    ),
    _elementary("exp", lambda g, y, u: y, traits="reciprocal"),
    _elementary("log", lambda g, y, u: 1 / u, domain=POSITIVE),
    _elementary("sin", lambda g, y, u: g.cos(u), traits="odd"),
    _elementary("cos", lambda g, y, u: -g.sin(u), traits="even"),
    _elementary("tan", lambda g, y, u: 1 + y**2, domain=(-1.2, 1.2), traits="odd"),
    _elementary("sinh", lambda g, y, u: g.cosh(u), traits="odd"),
    _elementary("cosh", lambda g, y, u: g.sinh(u), traits="even"),
    _elementary("tanh", lambda g, y, u: 1 - y**2, traits="odd"),
    _elementary(
        "asin", lambda g, y, u: 1 / g.sqrt(1 - u**2), domain=UNIT, traits="odd branch"
    ),
    _elementary(
        "acos",
        lambda g, y, u: -(1 / g.sqrt(1 - u**2)),
        domain=UNIT,
        traits="branch",
    ),
    _elementary("atan", lambda g, y, u: 1 / (1 + u**2), traits="odd"),
    _elementary("erf", lambda g, y, u: 2 * g.exp(-(u**2)) / g.sqrt(g.pi), traits="odd"),
    _elementary("sigmoid", lambda g, y, u: y * (1 - y), symbol="σ"),
    GateType(
        "softplus",
        arity=1,
        # log(1 + exp u), written so that no exponential overflows
        value=lambda m, u: m.maximum(u, m.number(0)) + m.log1p(m.exp(-m.absolute(u))),
        partials=lambda g, y, u: [g.sigmoid(u)],
        formula=lambda m, u: m.log(1 + m.exp(u)),
        symbol="softplus",
    ),
]

_KINKED = [
    GateType(
        "abs",
        arity=1,
        value=lambda m, u: m.absolute(u),
        partials=lambda g, y, u: [g.sign(u)],
        symbol="|·|",
        traits=_traits("even rational"),
        kinks=(Kink((0,), 0, (0,)),),
    ),
    GateType(
        "sign",
        arity=1,
        value=lambda m, u: m.sign(u),
        partials=lambda g, y, u: [0],
        symbol="sign",
        traits=_traits("odd rational"),
        kinks=(Kink((0,), 0, (0,)),),
    ),
    GateType(
        "step",
        arity=1,
        value=lambda m, u: m.step(u),
        partials=lambda g, y, u: [0],
        symbol="step",
        traits=_traits("rational"),
        kinks=(Kink((0,), 0, (0,)),),
    ),
    GateType(
        "relu",
        arity=1,
        value=lambda m, u: m.maximum(u, m.number(0)),
        partials=lambda g, y, u: [g.step(u)],
        symbol="ReLU",
        traits=_traits("rational"),
        kinks=(Kink((0,), 0, (0,)),),
    ),
    GateType(
        "leaky_relu",
        arity=1,
        value=lambda m, u, s: m.select(u > 0, u, m.number(s) * u),
        formula=lambda m, u, s: m.number(s) * u + m.number(1 - s) * m.maximum(u, 0),
        partials=lambda g, y, u, s: [s + (1 - s) * g.step(u)],
        symbol="LReLU",
        traits=_traits("rational"),
        takes_parameter=True,
        kinks=(Kink((0,), 0, (Fraction(1, 2),)),),  # the slope, 1/2 in the tests
    ),
    GateType(
        "max",
        arity=None,
        value=lambda m, *u: reduce(m.maximum, u),
        partials=_first_extreme(1),
        symbol="max",
        traits=_traits("chained idempotent rational"),  # a tie is its first operand's
        kinks=(Kink((1, 1), 1, (1, 0)), Kink((0, 2, 2), 2, (0, 1, 0))),
    ),
    GateType(
        "min",
        arity=None,
        value=lambda m, *u: reduce(m.minimum, u),
        partials=_first_extreme(-1),
        symbol="min",
        traits=_traits("chained idempotent rational"),  # a tie is its first operand's
        kinks=(Kink((1, 1), 1, (1, 0)), Kink((3, 2, 2), 2, (0, 1, 0))),
    ),
]

#: Every gate type; a type's code in columns is its place here plus 2.
GATES: list[GateType] = [*_LINEAR, *_ARITHMETIC, *_SMOOTH, *_KINKED]

_FIRST_CODE: Final = 2
_codes: dict[str, int] = {
    gate.name: code for code, gate in enumerate(GATES, start=_FIRST_CODE)
}


def register(gate: GateType) -> int:
    """Add a gate type to the table and give its code.

    Raises
    ------
    CircuitError
        If a gate type of this name is there already, or the table is full.
    """
    if gate.name in _codes or gate.name in ("input", "constant", "square"):
        raise CircuitError(f"there is a gate type {gate.name!r} already")
    if not gate.name.isidentifier():
        raise CircuitError(f"{gate.name!r} is not an identifier")
    if len(GATES) + _FIRST_CODE > 255:
        raise CircuitError("the gate table is full: a gate type is one byte")
    code = _codes[gate.name] = len(GATES) + _FIRST_CODE
    GATES.append(gate)
    return code


def code_of(name: str) -> int:
    """Give the code of a gate type in columns.

    Raises
    ------
    CircuitError
        If there is no such gate type.
    """
    try:
        return _codes[name]
    except KeyError:
        known = ", ".join(_codes)
        raise CircuitError(f"no gate type {name!r}; there are: {known}") from None


def has_gate(name: str) -> bool:
    """Tell whether the table has a gate type of this name."""
    return name in _codes


def gate_types() -> Sequence[GateType]:
    """Give every gate type there is now; a type's code is its place here plus 2."""
    return GATES


def gate_type(code: int) -> GateType:
    """Give the record of a gate type by its code."""
    return GATES[code - _FIRST_CODE]


SUM: Final = code_of("sum")
PROD: Final = code_of("prod")
DIV: Final = code_of("div")
INV: Final = code_of("inv")
POWER: Final = code_of("power")
POW: Final = code_of("pow")
