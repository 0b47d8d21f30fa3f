"""Loops over the gates of a circuit in a prime field: values and tangents.

One source serves both primes: compiled, on machine words, and as it stands, on Python's
integers.  `circuitgrad.check.field` says what functions are.
"""

from __future__ import annotations

from typing import Final

from circuitgrad import exact
from circuitgrad.gates import CONSTANT
from circuitgrad.loops import kernel, part

__all__ = [
    "ACTIONS",
    "AT_KINK",
    "EXTREMES",
    "FIRST_KINKED",
    "KINKS",
    "POLE",
    "SIGNS",
    "UNREAL",
    "tangent_loop",
    "value_loop",
]

_WORD: Final = 2**61 - 1
_HALF: Final = 2**31 - 1
_LOW: Final = 2**30 - 1

# What a gate does in the field: the name of its type, by number.
ACTIONS: Final = (
    "", "sum", "prod", "div", "inv", "power", "pow", "exp", "log", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "asin", "acos", "atan", "erf", "sigmoid", "softplus",
    "sqrt", "abs", "sign", "step", "relu", "leaky_relu", "max", "min",
)  # fmt: skip
(
    _NONE, _SUM, _PROD, _DIV, _INV, _POWER, _POW, _EXP, _LOG, _SIN, _COS, _TAN, _SINH,
    _COSH, _TANH, _ASIN, _ACOS, _ATAN, _ERF, _SIGMOID, _SOFTPLUS, _SQRT, _ABS,
    _SIGN, _STEP, _RELU, _LEAKY, _MAX, _MIN,
) = range(len(ACTIONS))  # fmt: skip
#: Actions from here on have kinks; these are of many operands.
FIRST_KINKED: Final = _ABS
EXTREMES: Final = (_MAX, _MIN)

# What ``found`` counts or says.
POLE: Final = 0  # the vertex without a value, plus 1
UNREAL: Final = 1
SIGNS: Final = 2  # a digest of the signs met
KINKS: Final = 3
AT_KINK: Final = 4


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
        found[UNREAL] += 1
    return root


@part
def _sign(a, p, found):  # type: ignore[no-untyped-def]
    """Give 1 for a square, -1 for another element, 0 for 0."""
    if a == 0:
        return 0
    power = _raise(a, (p - 1) >> 1, p)
    found[KINKS] += 1
    found[SIGNS] = (found[SIGNS] * 3 + (power == 1)) % 1000000007
    return 1 if power == 1 else -1


@part
def _exp(u, laws, p, found):  # type: ignore[no-untyped-def]
    below = _minus(laws[0], u, p)
    if below == 0:
        found[POLE] = 1
    base = _over(_plus(laws[0], u, p), below, p)
    if _raise(base, (p - 1) >> 1, p) != 1:
        found[UNREAL] += 1
    base = _raise(base, laws[1], p)
    return _times(base, base, p)


@part
def _log(u, laws, p, found):  # type: ignore[no-untyped-def]
    if u == 0:
        found[POLE] = 1
    root = _root(_raise(u, laws[2], p), p, found)
    below = _plus(root, 1, p)
    if below == 0:
        found[POLE] = 1
    return _times(laws[0], _over(_minus(root, 1, p), below, p), p)


@part
def _odd(u, element, exponent, p, found):  # type: ignore[no-untyped-def]
    """Give an odd function of u that has an inverse, and no other law."""
    below = _minus(element, u, p)
    if below == 0:
        found[POLE] = 1
    grown = _raise(_over(_plus(element, u, p), below, p), exponent, p)
    above = _plus(grown, 1, p)
    if above == 0:
        found[POLE] = 1
    return _times(element, _over(_minus(grown, 1, p), above, p), p)


@part
def _angle(sine, cosine, laws, p, found):  # type: ignore[no-untyped-def]
    """Give what has this sine and cosine."""
    below = _plus(cosine, 1, p)
    if below == 0:
        found[POLE] = 1
    return _odd(_over(sine, below, p), laws[3], laws[5], p, found)


@part
def _circle(action, u, laws, p, found):  # type: ignore[no-untyped-def]
    """Give a sine, cosine or tangent."""
    half = _odd(u, laws[3], laws[4], p, found)
    square = _times(half, half, p)
    above = _plus(half, half, p)
    if action == _COS:
        above = _minus(1, square, p)
    below = _minus(1, square, p) if action == _TAN else _plus(1, square, p)
    if below == 0:
        found[POLE] = 1
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
            found[POLE] = 1
        return _over(above, below, p)
    if action in (_SIGMOID, _SOFTPLUS):
        grown = _exp(u, laws, p, found)
        below = _plus(grown, 1, p)
        if below == 0:
            found[POLE] = 1
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
    return _odd(u, laws[first], laws[first + 1], p, found)


@part
def _kinked(action, u, slope, p, found):  # type: ignore[no-untyped-def]
    """Give what a function of one argument with a kink is."""
    sign = _sign(u, p, found)
    if sign == 0:
        found[AT_KINK] += 1
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
        found[POLE] = 1  # a negative exponent counts modulo p - 1
    for _ in range(steps):
        u = _root(u, p, found)
    if steps < 0:
        u = _times(laws[12], _raise(u, laws[13], p), p)
    return _raise(u, exponent, p)


@part
def _varying_power(u, exponent, p, found):  # type: ignore[no-untyped-def]
    """Raise to the integer nearest to 0 that the exponent is the residue of."""
    if u == 0:
        found[POLE] = 1
    if exponent > p >> 1:
        exponent -= 1  # e - p is e - 1 modulo p - 1
    return _raise(u, exponent, p)


@kernel
def value_loop(  # type: ignore[no-untyped-def]
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
                found[POLE] = 1
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
                    found[POLE] = 1
            if ties > 1:
                found[AT_KINK] += 1
            value[v] = u
        elif act >= _ABS:
            slope = numbers[params[v]] if act == _LEAKY else u
            value[v] = _kinked(act, u, slope, p, found)
        else:
            value[v] = _function(act, u, laws, p, found)
        if found[POLE]:
            found[POLE] = v + 1
            break


@kernel
def tangent_loop(  # type: ignore[no-untyped-def]
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
