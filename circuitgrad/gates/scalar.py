"""The records of scalar gates: sums, products, elementary functions, kinks.

On arrays they act on the entries, with NumPy's broadcasting.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any, Final

from circuitgrad.gates.record import (
    POSITIVE,
    REAL,
    UNIT,
    GateType,
    Interval,
    Kink,
)
from circuitgrad.gates.record import (
    traits as _traits,
)

__all__ = ["SCALAR_GATES", "first_extreme"]


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


def first_extreme(sign: int) -> Callable[..., list[Any]]:
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
    _elementary("tanh", lambda g, y, u: 1 - y**2, traits="odd activation"),
    _elementary(
        "asin", lambda g, y, u: 1 / g.sqrt(1 - u**2), domain=UNIT, traits="odd branch"
    ),
    _elementary(
        "acos",
        lambda g, y, u: -(1 / g.sqrt(1 - u**2)),
        domain=UNIT,
        traits="branch",
    ),
    _elementary("atan", lambda g, y, u: 1 / (1 + u**2), traits="odd activation"),
    _elementary("erf", lambda g, y, u: 2 * g.exp(-(u**2)) / g.sqrt(g.pi), traits="odd"),
    _elementary(
        "sigmoid", lambda g, y, u: y * (1 - y), symbol="σ", traits="activation"
    ),
    GateType(
        "softplus",
        arity=1,
        # log(1 + exp u), written so that no exponential overflows
        value=lambda m, u: m.maximum(u, m.number(0)) + m.log1p(m.exp(-m.absolute(u))),
        partials=lambda g, y, u: [g.sigmoid(u)],
        formula=lambda m, u: m.log(1 + m.exp(u)),
        symbol="softplus",
        traits=_traits("activation"),
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
        traits=_traits("rational activation"),
        kinks=(Kink((0,), 0, (0,)),),
    ),
    GateType(
        "leaky_relu",
        arity=1,
        value=lambda m, u, s: m.select(u > 0, u, m.number(s) * u),
        formula=lambda m, u, s: m.number(s) * u + m.number(1 - s) * m.maximum(u, 0),
        partials=lambda g, y, u, s: [s + (1 - s) * g.step(u)],
        symbol="LReLU",
        traits=_traits("rational activation"),
        takes_parameter=True,
        kinks=(Kink((0,), 0, (Fraction(1, 2),)),),  # the slope, 1/2 in the tests
    ),
    GateType(
        "max",
        arity=None,
        value=lambda m, *u: reduce(m.maximum, u),
        partials=first_extreme(1),
        symbol="max",
        traits=_traits("chained idempotent rational"),  # a tie is its first operand's
        kinks=(Kink((1, 1), 1, (1, 0)), Kink((0, 2, 2), 2, (0, 1, 0))),
    ),
    GateType(
        "min",
        arity=None,
        value=lambda m, *u: reduce(m.minimum, u),
        partials=first_extreme(-1),
        symbol="min",
        traits=_traits("chained idempotent rational"),  # a tie is its first operand's
        kinks=(Kink((1, 1), 1, (1, 0)), Kink((3, 2, 2), 2, (0, 1, 0))),
    ),
]

SCALAR_GATES: Final[list[GateType]] = [*_LINEAR, *_ARITHMETIC, *_SMOOTH, *_KINKED]
