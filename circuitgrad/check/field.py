"""Circuits in a prime field: values and tangents.

Rational numbers are their residues.  What has no residue is an element that only keeps
the laws by which circuits are rewritten; s and e stand for random elements and odd
exponents with an inverse, fixed by the seed:

=============  =====================================================================
pi             a random element
exp, log       exp u = ((s + u)/(s - u))^2e, so exp(-u) = 1/exp u; log is its inverse,
               and sinh, cosh, tanh, sigmoid, softplus are formulas in them
sin, cos, tan  2t/(1 + t^2), (1 - t^2)/(1 + t^2) and their quotient, t = s u^e, an odd
               function; asin and acos are inverses
atan, erf      s u^e
sqrt           u^((p + 1)/4): multiplicative, and a root of u where u is a square
u^v            u to the integer nearest to 0 of residue v, so u^(v - 1) is u^v/u
abs, sign ...  by the quadratic character, which is multiplicative; it is odd, since the
               primes are 3 modulo 4, so that of u and -u one is positive
=============  =====================================================================

A point is *real* where every argument of a root or a logarithm, and every exponential,
is a square: laws such as sqrt(u)^2 = u hold there.  The tangents follow the product and
quotient rules; a function's slope is an argument, so that it can come from elsewhere.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Columns, Ints, starts_of
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arithmetic import Formulas
from circuitgrad.formats.sympy import from_sympy
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INPUT,
    INV,
    PROD,
    SUM,
    gate_type,
    gate_types,
)
from circuitgrad.loops import Kernel, kernel, part

__all__ = [
    "PRIMES",
    "Evaluator",
    "Field",
    "PoleError",
    "Values",
    "lacking",
    "relation",
    "used_types",
]

#: Mersenne primes, by their exponents; both are 3 modulo 4.
PRIMES: Final = {61: 2**61 - 1, 521: 2**521 - 1}

_WORD: Final = 2**61 - 1
_HALF: Final = 2**31 - 1
_LOW: Final = 2**30 - 1

# What a gate does in the field: the name of its type, by number.
_ACTIONS: Final = (
    "", "sum", "prod", "div", "inv", "power", "pow", "exp", "log", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "asin", "acos", "atan", "erf", "sigmoid", "softplus",
    "sqrt", "abs", "sign", "step", "relu", "leaky_relu", "max", "min",
)  # fmt: skip
(
    _NONE, _SUM, _PROD, _DIV, _INV, _POWER, _POW, _EXP, _LOG, _SIN, _COS, _TAN, _SINH,
    _COSH, _TANH, _ASIN, _ACOS, _ATAN, _ERF, _SIGMOID, _SOFTPLUS, _SQRT, _ABS,
    _SIGN, _STEP, _RELU, _LEAKY, _MAX, _MIN,
) = range(len(_ACTIONS))  # fmt: skip

#: Places without a value that are left out one by one.
MAX_POLES: Final = 32

# What ``found`` counts or says.
_POLE: Final = 0  # the vertex without a value, plus 1
_UNREAL: Final = 1
_SIGNS: Final = 2  # a digest of the signs met
_KINKS: Final = 3
_AT_KINK: Final = 4


class PoleError(EvaluationError):
    """A point where a gate has no value; the vertex, -1 where it is not only one."""

    def __init__(self, message: str, vertex: int = -1) -> None:
        super().__init__(message)
        self.vertex = vertex


@dataclass(frozen=True)
class Field:
    """A prime field, and what stands in it for what is not rational.

    Parameters
    ----------
    exponent : {61, 521}
        The prime is 2^exponent - 1.
    seed : int
        Of pi, and of what functions give.
    """

    exponent: int = 61
    seed: int = 0

    @property
    def prime(self) -> int:
        """The number of elements."""
        return PRIMES[self.exponent]

    @cached_property
    def laws(self) -> list[int]:
        """The random elements and exponents of the functions."""
        p = self.prime
        draw = random.Random(f"laws {self.exponent} {self.seed}")

        def exponents() -> tuple[int, int]:
            while True:
                e = draw.randrange(3, p - 1, 2)
                if math.gcd(e, p - 1) == 1:
                    return e, pow(e, -1, p - 1)

        elements = [draw.randrange(2, p) for _ in range(6)]
        found = []
        for element in elements[:5]:
            found += [element, *exponents()]
        return [*found, elements[5] ** 2 % p]  # positive

    def array(self, elements: list[int]) -> Any:
        """Give elements in the form that loops take: words, or Python integers."""
        return np.array(elements, dtype=np.int64) if self.exponent == 61 else elements

    def zeros(self, count: int) -> Any:
        """Give so many zeros."""
        return np.zeros(count, dtype=np.int64) if self.exponent == 61 else [0] * count

    def take(self, elements: Any, places: Ints) -> Any:
        """Give the elements at places."""
        if self.exponent == 61:
            return elements[places]
        return [elements[place] for place in places.tolist()]

    def put(self, elements: Any, places: Ints, new: Any) -> None:
        """Set the elements at places."""
        if self.exponent == 61:
            elements[places] = new
            return
        for place, element in zip(places.tolist(), new, strict=True):
            elements[place] = element

    def draw(self, count: int, *purpose: object) -> Any:
        """Draw elements that depend on the seed and a purpose alone."""
        words = " ".join(map(str, (self.exponent, self.seed, *purpose)))
        source = random.Random(words)
        if self.exponent == 61:
            generator = np.random.default_rng(source.getrandbits(128))
            return generator.integers(1, self.prime, count, dtype=np.int64)
        return [source.randrange(1, self.prime) for _ in range(count)]

    def run(self, loop: Kernel, *arguments: Any) -> None:
        """Run a loop: as Python on lists, where elements are no words."""
        if self.exponent == 61:
            loop(*arguments)
        else:
            loop.function(
                *(a.tolist() if isinstance(a, np.ndarray) else a for a in arguments)
            )


# ------------------------------------------------------------------ arithmetic


@part
def _times(a, b, p):  # type: ignore[no-untyped-def]
    """Multiply; words in halves, since 2^61 is 1 and 2^62 is 2."""
    if p > _WORD:
        return a * b % p
    high, low = a >> 31, a & _HALF
    other_high, other_low = b >> 31, b & _HALF
    middle = high * other_low + low * other_high
    bottom = low * other_low
    total = 2 * high * other_high + (middle >> 30) + ((middle & _LOW) << 31)
    total += (bottom >> 61) + (bottom & _WORD)
    total = (total >> 61) + (total & _WORD)
    return total - p if total >= p else total


@part
def _plus(a, b, p):  # type: ignore[no-untyped-def]
    total = a + b
    return total - p if total >= p else total


@part
def _minus(a, b, p):  # type: ignore[no-untyped-def]
    return a - b if a >= b else a - b + p


@part
def _raise(a, exponent, p):  # type: ignore[no-untyped-def]
    """Raise to a power by squaring; the exponent is not negative."""
    result = a * 0 + 1
    while exponent:
        if exponent & 1:
            result = _times(result, a, p)
        a = _times(a, a, p)
        exponent >>= 1
    return result


@part
def _over(a, b, p):  # type: ignore[no-untyped-def]
    """Divide, by Fermat's theorem; 0 where b is 0."""
    return _times(a, _raise(b, p - 2, p), p)


@part
def _root(a, p, found):  # type: ignore[no-untyped-def]
    """Give the root of a that is a square itself, or of -a."""
    root = _raise(a, (p + 1) >> 2, p)
    if _times(root, root, p) != a:
        found[_UNREAL] += 1
    return root


@part
def _sign(a, p, found):  # type: ignore[no-untyped-def]
    """Give 1 for a square, -1 for another element, 0 for 0."""
    if a == 0:
        return 0
    power = _raise(a, (p - 1) >> 1, p)
    found[_KINKS] += 1
    found[_SIGNS] = (found[_SIGNS] * 3 + (power == 1)) % 1000000007
    return 1 if power == 1 else -1


@part
def _exp(u, laws, p, found):  # type: ignore[no-untyped-def]
    below = _minus(laws[0], u, p)
    if below == 0:
        found[_POLE] = 1
    base = _over(_plus(laws[0], u, p), below, p)
    if _raise(base, (p - 1) >> 1, p) != 1:
        found[_UNREAL] += 1
    base = _raise(base, laws[1], p)
    return _times(base, base, p)


@part
def _log(u, laws, p, found):  # type: ignore[no-untyped-def]
    if u == 0:
        found[_POLE] = 1
    root = _root(_raise(u, laws[2], p), p, found)
    below = _plus(root, 1, p)
    if below == 0:
        found[_POLE] = 1
    return _times(laws[0], _over(_minus(root, 1, p), below, p), p)


@part
def _angle(sine, cosine, laws, p, found):  # type: ignore[no-untyped-def]
    """Give what has this sine and cosine."""
    below = _plus(cosine, 1, p)
    if below == 0:
        found[_POLE] = 1
    half = _over(sine, below, p)
    return _raise(_over(half, laws[3], p), laws[5], p)


@part
def _circle(action, u, laws, p, found):  # type: ignore[no-untyped-def]
    """Give a sine, cosine or tangent."""
    half = _times(laws[3], _raise(u, laws[4], p), p)
    square = _times(half, half, p)
    above = _plus(half, half, p)
    if action == _COS:
        above = _minus(1, square, p)
    below = _minus(1, square, p) if action == _TAN else _plus(1, square, p)
    if below == 0:
        found[_POLE] = 1
    return _over(above, below, p)


@part
def _function(action, u, laws, p, found):  # type: ignore[no-untyped-def]
    """Give what a function of one argument is."""
    if action == _EXP:
        return _exp(u, laws, p, found)
    if action == _LOG:
        return _log(u, laws, p, found)
    if action in (_SIN, _COS, _TAN):
        return _circle(action, u, laws, p, found)
    if action in (_SINH, _COSH, _TANH):
        grown = _exp(u, laws, p, found)
        square = _times(grown, grown, p)
        above = _plus(square, 1, p) if action == _COSH else _minus(square, 1, p)
        below = _plus(square, 1, p) if action == _TANH else _plus(grown, grown, p)
        if below == 0:
            found[_POLE] = 1
        return _over(above, below, p)
    if action in (_SIGMOID, _SOFTPLUS):
        grown = _exp(u, laws, p, found)
        below = _plus(grown, 1, p)
        if below == 0:
            found[_POLE] = 1
        if action == _SOFTPLUS:
            return _log(below, laws, p, found)
        return _over(grown, below, p)
    if action in (_ASIN, _ACOS):
        other = _root(_minus(1, _times(u, u, p), p), p, found)
        if action == _ASIN:
            return _angle(u, other, laws, p, found)
        return _angle(other, u, laws, p, found)
    if action == _SQRT:
        return _root(u, p, found)
    first = 6 if action == _ATAN else 9
    return _times(laws[first], _raise(u, laws[first + 1], p), p)


@part
def _kinked(action, u, slope, p, found):  # type: ignore[no-untyped-def]
    """Give what a function of one argument with a kink is."""
    sign = _sign(u, p, found)
    if sign == 0:
        found[_AT_KINK] += 1
    if action == _SIGN:
        return sign if sign >= 0 else p - 1
    if action == _STEP:
        return 1 if sign > 0 else 0
    if sign > 0:
        return u
    if action == _ABS:
        return p - u if u else 0
    return _times(slope, u, p) if action == _LEAKY else 0


@part
def _real_power(u, exponent, steps, laws, p, found):  # type: ignore[no-untyped-def]
    """Raise u, or what ``steps`` square roots make of it; -1 stands for an odd root."""
    if u == 0 and (steps or exponent > (p - 1) >> 1):
        found[_POLE] = 1  # a negative exponent counts modulo p - 1
    for _ in range(steps):
        u = _root(u, p, found)
    if steps < 0:
        u = _times(laws[12], _raise(u, laws[13], p), p)
    return _raise(u, exponent, p)


@part
def _varying_power(u, exponent, p, found):  # type: ignore[no-untyped-def]
    """Raise to the integer nearest to 0 that the exponent is the residue of."""
    if u == 0:
        found[_POLE] = 1
    if exponent > p >> 1:
        exponent -= 1  # e - p is e - 1 modulo p - 1
    return _raise(u, exponent, p)


@kernel
def _values(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, live, action, numbers,
    exponents, steps, laws, p, value, found,
):  # fmt: skip
    """Evaluate the live vertices; the inputs' values are there."""
    for v in range(len(op)):
        if not live[v]:
            continue
        if op[v] == CONSTANT:
            value[v] = numbers[params[v]]
        if op[v] <= CONSTANT:
            continue
        act, start, stop = action[op[v]], offsets[v], offsets[v + 1]
        if act == _SUM:
            total = value[v] * 0
            for w in range(start, stop):
                u = value[operands[w]]
                if weights[w] == exact.ONE:
                    total = _plus(total, u, p)
                elif weights[w] == exact.MINUS_ONE:
                    total = _minus(total, u, p)
                else:
                    total = _plus(total, _times(numbers[weights[w]], u, p), p)
            value[v] = total
            continue
        u = value[operands[start]]
        if act == _PROD:
            for w in range(start + 1, stop):
                u = _times(u, value[operands[w]], p)
            value[v] = u
        elif act in (_DIV, _INV):
            below = value[operands[stop - 1]]
            if below == 0:
                found[_POLE] = 1
            one = below * 0 + 1
            value[v] = _over(u if act == _DIV else one, below, p)
        elif act == _POWER:
            k = params[v]
            value[v] = _real_power(u, exponents[k], steps[k], laws, p, found)
        elif act == _POW:
            k = params[operands[start + 1]]
            if op[operands[start + 1]] == CONSTANT and k != exact.PI_PLACE:
                value[v] = _real_power(u, exponents[k], steps[k], laws, p, found)
            else:
                value[v] = _varying_power(u, value[operands[start + 1]], p, found)
        elif act in (_MAX, _MIN):
            for w in range(start + 1, stop):
                other = value[operands[w]]
                sign = _sign(_minus(other, u, p), p, found)
                if (sign > 0) == (act == _MAX) and sign:
                    u = other
            ties = 0
            for w in range(start, stop):  # the order is none of a line's
                sign = _sign(_minus(value[operands[w]], u, p), p, found)
                ties += sign == 0
                if (sign > 0) == (act == _MAX) and sign:
                    found[_POLE] = 1
            if ties > 1:
                found[_AT_KINK] += 1
            value[v] = u
        elif act >= _ABS:
            slope = numbers[params[v]] if act == _LEAKY else u
            value[v] = _kinked(act, u, slope, p, found)
        else:
            value[v] = _function(act, u, laws, p, found)
        if found[_POLE]:
            found[_POLE] = v + 1
            break


@kernel
def _tangents(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, live, action, numbers, p, value, slope, tangent,
):  # fmt: skip
    """Add to each vertex's tangent what comes through its operands.

    ``slope`` is the partial by each wire of a gate that is no sum, product or quotient.
    """
    for v in range(len(op)):
        if not live[v] or op[v] <= CONSTANT:
            continue
        act, start, stop = action[op[v]], offsets[v], offsets[v + 1]
        total = tangent[v]
        if act == _SUM:
            for w in range(start, stop):
                t = tangent[operands[w]]
                if weights[w] == exact.ONE:
                    total = _plus(total, t, p)
                elif weights[w] == exact.MINUS_ONE:
                    total = _minus(total, t, p)
                else:
                    total = _plus(total, _times(numbers[weights[w]], t, p), p)
        elif act == _PROD:
            u, t = value[operands[start]], tangent[operands[start]]
            for w in range(start + 1, stop):
                other = value[operands[w]]
                t = _plus(_times(t, other, p), _times(u, tangent[operands[w]], p), p)
                if w + 1 < stop:
                    u = _times(u, other, p)
            total = _plus(total, t, p)
        elif act == _DIV:
            a, b = operands[start], operands[start + 1]
            above = _minus(tangent[a], _times(value[v], tangent[b], p), p)
            total = _plus(total, _over(above, value[b], p), p)
        elif act == _INV:
            square = _times(value[v], value[v], p)
            total = _minus(total, _times(square, tangent[operands[start]], p), p)
        else:
            for w in range(start, stop):
                total = _plus(total, _times(slope[w], tangent[operands[w]], p), p)
        tangent[v] = total


# ------------------------------------------------------------------ circuits


@dataclass(frozen=True)
class Values:
    """The values of a circuit's live vertices at a point, and what was met there.

    Attributes
    ----------
    of : array of int64 or list of int
        By vertex; 0 where no output depends on one.
    unreal : int
        How often a root, logarithm or exponential broke the laws of real numbers.
    signs : tuple of int
        How many signs decided something, and a digest of them.
    kinks : list of int
        Gates that took an absolute value, a sign, a step or the like of 0, or a maximum
        or minimum of equal values.
    missing : array of bool, optional
        Which live vertices have no value here; None where all have one.
    """

    of: Any
    unreal: int
    signs: tuple[int, int]
    kinks: list[int]
    missing: Bools | None = None


class Evaluator:
    """Circuits in a field, at one point after another.

    Parameters
    ----------
    field : Field
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self.laws = field.array(field.laws)
        names = ["", "", *(gate.name for gate in gate_types())]
        numbered = {name: k for k, name in enumerate(_ACTIONS)}
        self.numbers, self.exponents, self.steps = (field.zeros(0) for _ in range(3))
        self.action = np.array([numbered.get(name, 0) for name in names], np.int64)

    def learn(self, columns: Columns) -> None:
        """Have the residues of all numbers at hand.

        Raises
        ------
        PoleError
            If one that the columns refer to has none.
        """
        tables, lacking = _residues(self.field.exponent, exact.count())
        for place in lacking:
            if place in columns.weights or place in columns.params:
                raise PoleError(f"{exact.number(place)} has no residue")
        if len(self.numbers) == len(tables[0]):
            return
        numbers, self.exponents, self.steps = map(self.field.array, tables)
        numbers[exact.PI_PLACE] = self.field.laws[-1]
        self.numbers = numbers

    def values(self, circuit: Circuit, inputs: Any, partly: bool = False) -> Values:
        """Evaluate a circuit, or ``partly`` what has a value.

        Raises
        ------
        PoleError
            If a gate has no value at this point; if many have none.
        """
        columns, live = circuit.columns, circuit.live
        value = self.field.zeros(len(columns))
        value[: columns.inputs] = inputs
        for _ in range(MAX_POLES if partly else 0):
            try:
                found = self._run(columns, live, value)
            except PoleError as error:
                if error.vertex < 0:
                    raise
                live = live & ~columns.depends_on(np.array([error.vertex]))
                continue
            if live is circuit.live:
                return found
            return replace(found, missing=circuit.live & ~live)
        return self._run(columns, live, value)

    def _run(self, columns: Columns, live: Bools, value: Any) -> Values:
        self.learn(columns)
        found = self.field.array([0] * 5)
        self.field.run(
            _values,
            columns.op, columns.offsets, columns.operands, columns.weights,
            columns.params, live, self.action, self.numbers, self.exponents,
            self.steps, self.laws, self.field.prime, value, found,
        )  # fmt: skip
        if found[_POLE]:
            name = gate_type(int(columns.op[found[_POLE] - 1])).name
            raise PoleError(f"a {name} gate has no value", int(found[_POLE]) - 1)
        signs = int(found[_KINKS]), int(found[_SIGNS])
        kinks = self._kinks(columns, live, value) if found[_AT_KINK] else []
        return Values(value, int(found[_UNREAL]), signs, kinks)

    def _kinks(self, columns: Columns, live: Bools, value: Any) -> list[int]:
        """Give the gates that are at a kink."""
        found = []
        action = self.action[columns.op]
        for v in np.flatnonzero(live & (action >= _ABS)).tolist():
            wires = columns.wires_of(v)
            used = [value[u] for u in columns.operands[wires].tolist()]
            if action[v] in (_MAX, _MIN):
                if sum(u == value[v] for u in used) > 1:
                    found.append(v)
            elif used[0] == 0:
                found.append(v)
        return found

    def at_many(self, circuit: Circuit, inputs: list[Any]) -> list[Any]:
        """Evaluate a small circuit at many points: an array for each output.

        ``inputs`` has an array for each input.
        """
        columns, count = circuit.columns, len(inputs[0])
        size = len(columns)
        first = np.arange(count, dtype=np.int32)
        tiled = Columns(
            np.tile(columns.op, count),
            starts_of(np.tile(columns.fan_in, count)),
            np.tile(columns.operands, count) + np.repeat(size * first, columns.wires),
            np.tile(columns.weights, count),
            np.tile(columns.params, count),
            np.tile(columns.shapes, count),
        )
        value = self.field.zeros(size * count)
        for k, column in enumerate(inputs):
            value[k::size] = column
        values = self._run(tiled, np.ones(len(tiled), dtype=np.bool_), value).of
        return [values[vertex::size] for _, vertex in circuit.outputs]

    def slopes(self, circuit: Circuit, values: Values) -> tuple[Any, list[int]]:
        """Give the partial by each wire of a gate that is no sum, product or quotient.

        They are sympy's derivatives of the formulas of the gates.  Gates that have none
        are listed, too; their partials are 0.
        """
        columns = circuit.columns
        slope = self.field.zeros(columns.wires)
        sloped = np.ones(256, dtype=np.bool_)
        sloped[[INPUT, CONSTANT, SUM, PROD, DIV, INV]] = False
        there = circuit.live
        if values.missing is not None:
            there = there & ~values.missing
        gates = np.flatnonzero(sloped[columns.op] & there)
        steep: list[int] = []
        if not len(gates):
            return slope, steep
        kinds = np.stack(
            [columns.op[gates], columns.fan_in[gates], columns.params[gates]]
        )
        distinct, kind = np.unique(kinds, axis=1, return_inverse=True)
        for k, (code, arity, param) in enumerate(distinct.T.tolist()):
            partials = relation(code, arity, param)
            pending = [gates[kind.ravel() == k]]
            while pending:
                part = pending.pop()
                first = columns.offsets[part]
                wires = [first + slot for slot in range(arity)]
                given = [self.field.take(values.of, columns.operands[w]) for w in wires]
                try:
                    found = self.at_many(partials, given)
                except PoleError:
                    if len(part) == 1:
                        steep.append(int(part[0]))
                    else:
                        pending += np.array_split(part, 2)
                    continue
                for into, partial in zip(wires, found, strict=True):
                    self.field.put(slope, into, partial)
        return slope, steep

    def tangents(
        self, circuit: Circuit, values: Values, slope: Any, tangent: Any
    ) -> Any:
        """Carry tangents, which are added to, from the first vertex to the last."""
        columns = circuit.columns
        self.field.run(
            _tangents,
            columns.op, columns.offsets, columns.operands, columns.weights,
            circuit.live, self.action, self.numbers, self.field.prime,
            values.of, slope, tangent,
        )  # fmt: skip
        return tangent


#: Residues, and exponents and roots for `_real_power`: by field, then by place.
_known: dict[int, tuple[list[int], list[int], list[int]]] = {}
_lacking: dict[int, list[int]] = {}


def _residues(exponent: int, count: int) -> tuple[tuple[list[int], ...], list[int]]:
    """Give what the numbers of all places are in a field, and which are nothing.

    Each number is looked at once in a process; pi is 0 here.
    """
    prime = PRIMES[exponent]
    tables = _known.setdefault(exponent, ([], [], []))
    lacking = _lacking.setdefault(exponent, [])
    for place in range(len(tables[0]), count):
        value = exact.number(place)
        if isinstance(value, exact.Pi):
            value = Fraction(0)
        if value.denominator % prime == 0:
            lacking.append(place)
            value = Fraction(0)
        below = pow(value.denominator, -1, prime) if value.denominator != 1 else 1
        for table, part_ in zip(
            tables,
            (value.numerator * below % prime, *_power_of(value, prime - 1)),
            strict=True,
        ):
            table.append(part_)
    return tables, lacking


def _power_of(exponent: Fraction, order: int) -> tuple[int, int]:
    """Take an exponent apart, for `_real_power`."""
    below, steps = exponent.denominator, 0
    while below % 2 == 0:
        below, steps = below // 2, steps + 1
    if math.gcd(below, order) == 1:
        inverse = pow(below, -1, order) if below != 1 else 1
        return exponent.numerator * inverse % order, steps
    return exponent.numerator % order, -1


@lru_cache(maxsize=1024)
def relation(code: int, arity: int, param: int) -> Circuit:
    """Give the derivatives of a gate type's formula by sympy, as a circuit.

    Its inputs are the operands, its outputs the derivatives by them.
    """
    import sympy

    gate = gate_type(code)
    symbols = [sympy.Symbol(f"u{k}", real=True) for k in range(arity)]
    parameter = [exact.number(param)] if gate.takes_parameter else []
    formula = (gate.formula or gate.value)(Formulas(), *symbols, *parameter)
    derivatives = [
        # kinks are never met at random: impulses there are 0, and steps anything
        sympy.diff(formula, symbol)
        .replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
        .replace(sympy.Heaviside, lambda u, *_: sympy.Heaviside(u, 0))
        for symbol in symbols
    ]
    return from_sympy(derivatives, inputs=symbols)


def used_types(circuit: Circuit) -> list[str]:
    """Give the names of the gate types of live gates."""
    present = np.bincount(circuit.columns.op[circuit.live], minlength=256)
    return [gate_type(c).name for c in np.flatnonzero(present).tolist() if c > CONSTANT]


def lacking(types: Iterable[str]) -> list[str]:
    """Give those gate types, by name, that a field cannot express."""
    return sorted(set(types) - set(_ACTIONS))
