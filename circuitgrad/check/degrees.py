"""Formal degrees of rational functions: what bounds the chance of a false agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from circuitgrad import exact
from circuitgrad.check.evaluator import relation
from circuitgrad.circuit import Circuit
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INPUT,
    INV,
    POWER,
    PROD,
    SUM,
    code_of,
    gate_types,
)
from circuitgrad.loops import kernel

__all__ = ["Degree", "Degrees", "difference"]

# What the degree of a gate's value is.
_FUNCTION = 0  # 2 and 2, in an element of its own
_NUMBER = 1  # none: 1, 0 or -1
_ONE_OF = 2  # that of one of the operands


@dataclass(frozen=True)
class Degree:
    """Bounds of the degrees of a numerator and a denominator."""

    above: float
    below: float


def difference(first: Degree, second: Degree) -> float:
    """Bound the degree of the polynomial that is 0 where two quotients are equal."""
    return max(first.above + second.below, second.above + first.below)


@kernel
def _degrees(  # type: ignore[no-untyped-def]
    op, offsets, operands, params, live, exponents, sort, slope, above, below,
    top_tangent, bottom_tangent,
):  # fmt: skip
    """Bound the degrees of every value and tangent, each vertex moved by a variable.

    The tangents' count the variables of the directions.  ``slope`` bounds the degree of
    a function's slope in its argument and in elements of its own, by vertex.
    """
    for v in range(len(op)):
        if not live[v]:
            continue
        top_tangent[v] = 1.0  # a direction of its own
        if op[v] <= CONSTANT:
            above[v] = 1.0 if op[v] == INPUT else 0.0
            continue
        start, stop = offsets[v], offsets[v + 1]
        u = operands[start]
        top, bottom = above[u], below[u]
        t, b = top_tangent[u], bottom_tangent[u]
        if op[v] == SUM:
            for w in range(start + 1, stop):
                u = operands[w]
                top = max(top + below[u], above[u] + bottom)
                bottom += below[u]
                t = max(t + bottom_tangent[u], top_tangent[u] + b)
                b += bottom_tangent[u]
        elif op[v] in (PROD, DIV):
            for w in range(start + 1, stop):
                u = operands[w]
                a, c = above[u], below[u]
                if op[v] == DIV:
                    a, c = c, a
                    # (t - y s)/v, and y is (top + a, bottom + c)
                    s = top + a + top_tangent[u]
                    d = bottom + c + bottom_tangent[u]
                    t, b = max(t + d, s + b) + a, b + d + c
                else:
                    s, d = top + top_tangent[u], bottom + bottom_tangent[u]
                    t, b = t + a, b + c
                    t, b = max(t + d, s + b), b + d
                top += a
                bottom += c
        elif op[v] == INV:
            t, b = 2.0 * bottom + t, 2.0 * top + b
            top, bottom = bottom, top
        elif op[v] == POWER and exponents[params[v]] != 0.0:
            e = exponents[params[v]]
            if e > 0.0:
                t, b = (e - 1.0) * top + t, (e - 1.0) * bottom + b
                top, bottom = e * top, e * bottom
            else:
                t, b = (1.0 - e) * bottom + t, (1.0 - e) * top + b
                top, bottom = -e * bottom, -e * top
        else:
            argument = max(top, bottom)
            t, b = 0.0, 0.0
            for w in range(start, stop):
                u = operands[w]
                argument = max(argument, above[u], below[u])
                top, bottom = max(top, above[u]), max(bottom, below[u])
            for w in range(start, stop):
                u = operands[w]
                s = slope[v] * (argument + 1.0) + top_tangent[u]
                d = slope[v] * (argument + 1.0) + bottom_tangent[u]
                t, b = max(t + d, s + b), b + d
            if sort[op[v]] == _NUMBER:
                top, bottom = 0.0, 0.0
            elif sort[op[v]] == _FUNCTION:
                top, bottom = 2.0, 2.0
        above[v] = max(top, bottom + 1.0)
        below[v] = bottom
        top_tangent[v] = max(t, b + 1.0)
        bottom_tangent[v] = b


class Degrees:
    """Degrees of the vertices of a circuit, as quotients of polynomials.

    The polynomials are in the inputs, in what functions give, each of degree 2 at most
    in an element that is new with each argument, and in a shift of each vertex; those
    of tangents in the directions, too.  All are bounds; past 10^308 they are infinite.

    Parameters
    ----------
    circuit : Circuit
    tangents : bool
        Whether those of tangents are wanted.

    Notes
    -----
    Linear in wires.  A sum's denominator is the product of its operands', so
    elimination has degrees that double with each step.
    """

    def __init__(self, circuit: Circuit, tangents: bool = True) -> None:
        columns, live = circuit.columns, circuit.live
        exponents = np.zeros(exact.count())
        powers = np.unique(columns.params[live & (columns.op == POWER)])
        for place in powers.tolist():
            exponent = exact.rational(place)
            if exponent.denominator == 1:
                exponents[place] = exact.to_float(exponent)
        sort = np.full(len(gate_types()) + 2, _FUNCTION, dtype=np.uint8)
        for name in ("abs", "relu", "leaky_relu", "max", "min"):
            sort[code_of(name)] = _ONE_OF
        for name in ("sign", "step"):
            sort[code_of(name)] = _NUMBER
        rational = np.zeros(256, dtype=np.bool_)
        rational[[INPUT, CONSTANT, SUM, PROD, DIV, INV]] = True
        gates = np.flatnonzero(live & ~rational[columns.op])
        slope = np.zeros(len(columns))
        if tangents and len(gates):
            kinds = np.stack(
                [columns.op[gates], columns.fan_in[gates], columns.params[gates]]
            )
            _, first, kind = np.unique(
                kinds, axis=1, return_index=True, return_inverse=True
            )
            each = [_slope(*key) for key in kinds[:, first].T.tolist()]
            slope[gates] = np.array(each)[kind.ravel()]
        self.above, self.below, self.top, self.bottom = np.zeros((4, len(columns)))
        _degrees(
            columns.op, columns.offsets, columns.operands, columns.params, live,
            exponents, sort, slope, self.above, self.below, self.top, self.bottom,
        )  # fmt: skip
        functions = gates[sort[columns.op[gates]] == _FUNCTION]
        functions = functions[
            (columns.op[functions] != POWER)
            | (exponents[np.maximum(columns.params[functions], 0)] == 0.0)
        ]
        #: Applications of functions, and the degrees of their arguments, at most.
        self.applied = len(functions)
        wires = [columns.offsets[:-1][functions], columns.offsets[1:][functions] - 1]
        ends = columns.operands[np.concatenate(wires)] if len(functions) else []
        self.argument = float(
            max(self.above[ends].max(initial=0.0), self.below[ends].max(initial=0.0))
            if len(functions)
            else 0.0
        )

    def value(self, vertex: int) -> Degree:
        """Bound the degrees of a vertex's value."""
        return Degree(float(self.above[vertex]), float(self.below[vertex]))

    def tangent(self, vertex: int) -> Degree:
        """Bound the degrees of a vertex's tangent in a random direction."""
        return Degree(float(self.top[vertex]), float(self.bottom[vertex]))

    def combination(self, vertices: list[int]) -> Degree:
        """Bound the degrees of a sum of values with random coefficients."""
        above, below = self.above[vertices], self.below[vertices]
        bottom = float(below.sum())
        if not math.isfinite(bottom):
            return Degree(math.inf, math.inf)
        top = float(np.max(above - below, initial=0.0)) + bottom
        return Degree(1.0 + top, bottom)

    def collisions(self, other: Degrees) -> float:
        """Bound the degree of the product of all differences of arguments."""
        applied = self.applied + other.applied
        if not applied:
            return 0.0
        return applied * applied * max(self.argument, other.argument, 1.0)


@lru_cache(maxsize=1024)
def _slope(code: int, arity: int, param: int) -> float:
    """Bound the degree of a gate's slopes in its operands and in new elements."""
    slopes = relation(code, arity, param)
    found = Degrees(slopes, tangents=False)
    values = [found.value(vertex) for _, vertex in slopes.outputs]
    return max(max(value.above, value.below) for value in values)
