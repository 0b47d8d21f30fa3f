"""The dot instruction, at a single point and over the lanes of a block."""

from __future__ import annotations

import numba

from circuitgrad.evaluation.access import get, put
from circuitgrad.evaluation.instructions import DOT_HEADER

__all__ = ["dot_of_block", "dot_of_point"]

#: A product and a sum may be rounded once; nothing else is taken liberties with.
FUSED = numba.njit(error_model="numpy", fastmath={"contract"})


@FUSED
def dot_of_point(code, at, numbers, number, r):
    """Give the value of a DOT at a single point, in four partial sums."""
    p = at + DOT_HEADER
    s0 = get(numbers, number)
    s1 = r.dtype.type(0)
    s2 = s1
    s3 = s1
    number += 1
    for _ in range(get(code, at + 2)):
        s1 += get(numbers, number) * get(r, get(code, p))
        number += 1
        p += 1
    stop = p + 2 * get(code, at + 3)
    while p + 8 <= stop:
        s0 += get(r, get(code, p)) * get(r, get(code, p + 1))
        s1 += get(r, get(code, p + 2)) * get(r, get(code, p + 3))
        s2 += get(r, get(code, p + 4)) * get(r, get(code, p + 5))
        s3 += get(r, get(code, p + 6)) * get(r, get(code, p + 7))
        p += 8
    while p < stop:
        s0 += get(r, get(code, p)) * get(r, get(code, p + 1))
        p += 2
    stop = p + 2 * get(code, at + 4)
    while p + 8 <= stop:
        s0 -= get(r, get(code, p)) * get(r, get(code, p + 1))
        s1 -= get(r, get(code, p + 2)) * get(r, get(code, p + 3))
        s2 -= get(r, get(code, p + 4)) * get(r, get(code, p + 5))
        s3 -= get(r, get(code, p + 6)) * get(r, get(code, p + 7))
        p += 8
    while p < stop:
        s0 -= get(r, get(code, p)) * get(r, get(code, p + 1))
        p += 2
    for _ in range(get(code, at + 5)):
        s2 += get(numbers, number) * (get(r, get(code, p)) * get(r, get(code, p + 1)))
        number += 1
        p += 2
    return (s0 + s1) + (s2 + s3)


@FUSED
def dot_of_block(code, at, numbers, number, r, o, lanes, stride):
    """Fill the row at ``o`` with a DOT, up to three terms in one loop over lanes.

    Gives the place of the next number.
    """
    p = at + DOT_HEADER
    bias = get(numbers, number)
    number += 1
    stop = p + get(code, at + 2)
    started = stop > p  # is there something in the row?
    if stop - p == 1:
        a = get(code, p) * stride
        w = get(numbers, number)
        number += 1
        p += 1
        for i in range(lanes):
            put(r, o + i, bias + w * get(r, a + i))
    elif started:
        a = get(code, p) * stride
        b = get(code, p + 1) * stride
        w = get(numbers, number)
        x = get(numbers, number + 1)
        number += 2
        p += 2
        for i in range(lanes):
            put(r, o + i, bias + w * get(r, a + i) + x * get(r, b + i))
    while p + 3 <= stop:
        a = get(code, p) * stride
        b = get(code, p + 1) * stride
        c = get(code, p + 2) * stride
        w = get(numbers, number)
        x = get(numbers, number + 1)
        y = get(numbers, number + 2)
        number += 3
        p += 3
        for i in range(lanes):
            s = get(r, o + i) + w * get(r, a + i) + x * get(r, b + i)
            put(r, o + i, s + y * get(r, c + i))
    while p < stop:
        a = get(code, p) * stride
        w = get(numbers, number)
        number += 1
        p += 1
        for i in range(lanes):
            put(r, o + i, get(r, o + i) + w * get(r, a + i))
    for group in range(2):
        stop = p + 2 * get(code, at + 3 + group)
        if not started and p < stop:
            started = True
            a = get(code, p) * stride
            b = get(code, p + 1) * stride
            p += 2
            if group == 0:
                for i in range(lanes):
                    put(r, o + i, bias + get(r, a + i) * get(r, b + i))
            else:
                for i in range(lanes):
                    put(r, o + i, bias - get(r, a + i) * get(r, b + i))
        while p + 6 <= stop:
            a = get(code, p) * stride
            b = get(code, p + 1) * stride
            c = get(code, p + 2) * stride
            d = get(code, p + 3) * stride
            e = get(code, p + 4) * stride
            f = get(code, p + 5) * stride
            p += 6
            if group == 0:
                for i in range(lanes):
                    s = get(r, o + i) + get(r, a + i) * get(r, b + i)
                    s = s + get(r, c + i) * get(r, d + i)
                    put(r, o + i, s + get(r, e + i) * get(r, f + i))
            else:
                for i in range(lanes):
                    s = get(r, o + i) - get(r, a + i) * get(r, b + i)
                    s = s - get(r, c + i) * get(r, d + i)
                    put(r, o + i, s - get(r, e + i) * get(r, f + i))
        while p < stop:
            a = get(code, p) * stride
            b = get(code, p + 1) * stride
            p += 2
            if group == 0:
                for i in range(lanes):
                    put(r, o + i, get(r, o + i) + get(r, a + i) * get(r, b + i))
            else:
                for i in range(lanes):
                    put(r, o + i, get(r, o + i) - get(r, a + i) * get(r, b + i))
    for _ in range(get(code, at + 5)):
        a = get(code, p) * stride
        b = get(code, p + 1) * stride
        w = get(numbers, number)
        number += 1
        p += 2
        if started:
            for i in range(lanes):
                s = get(r, a + i) * get(r, b + i)
                put(r, o + i, get(r, o + i) + w * s)
        else:
            started = True
            for i in range(lanes):
                put(r, o + i, bias + w * (get(r, a + i) * get(r, b + i)))
    if not started:
        for i in range(lanes):
            put(r, o + i, bias)
    return number
