"""The loop that runs programs, compiled by numba once a machine.

Samples are taken in blocks.  Each register is a row of lanes, one a sample of the
block, and each instruction a loop over lanes, which LLVM vectorises; the registers of a
block stay in cache.  A block of one lane, a single point, has loops of its own for
sums and products, where reading the program costs more than arithmetic.

Nothing is licensed to ignore nan or infinities.  A product and its sum may be rounded
once (fused multiply-add), but in an ordered sum, and a dot at a single point has four
partial sums: so it is that rounding may differ between a point by itself and the same
point in a batch.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numba
from numba import types

from circuitgrad.evaluation import access, dots
from circuitgrad.evaluation import elementary as el
from circuitgrad.evaluation import instructions as ins
from circuitgrad.evaluation.access import deliver, fetch, get, invoke, put
from circuitgrad.evaluation.dots import dot_of_block, dot_of_point
from circuitgrad.loops import saved_if_possible

__all__ = ["interpreter", "stepper"]

INLINE = numba.njit(forceinline=True, error_model="numpy")


@INLINE
def larger(a, b):
    """Give the larger, nan if either is."""
    return a if a > b or a != a else b


@INLINE
def smaller(a, b):
    """Give the smaller, nan if either is."""
    return a if a < b or a != a else b


@INLINE
def has_large_angle(r, a, lanes):
    """Tell whether some lane holds an angle that the C library should take."""
    found = 0
    for i in range(lanes):
        found |= 1 if abs(get(r, a + i)) > el.LARGEST_ANGLE else 0
    return found != 0


@INLINE
def execute(code, at, numbers, number, r, stride, lanes):
    """Execute the instruction at ``at``; give the places of the next and its numbers.

    ``r`` has the registers, rows of ``lanes`` numbers that are ``stride`` apart.
    """
    zero = r.dtype.type(0)
    one = r.dtype.type(1)
    op = get(code, at)
    o = get(code, at + 1) * stride
    if op == ins.DOT:
        if lanes == 1:
            put(r, o, dot_of_point(code, at, numbers, number, r))
            number += 1 + get(code, at + 2) + get(code, at + 5)
        else:
            number = dot_of_block(code, at, numbers, number, r, o, lanes, stride)
        pairs = get(code, at + 3) + get(code, at + 4) + get(code, at + 5)
        at += ins.DOT_HEADER + 2 * pairs + get(code, at + 2)
        return at, number
    count = get(code, at + 2)
    at += ins.HEADER
    a = get(code, at) * stride
    if op == ins.PRODUCT:
        b = get(code, at + count - 1) * stride
        if count == 2:
            for i in range(lanes):
                put(r, o + i, get(r, a + i) * get(r, b + i))
        elif count == 3:
            c = get(code, at + 1) * stride
            for i in range(lanes):
                put(r, o + i, get(r, a + i) * get(r, c + i) * get(r, b + i))
        else:
            for i in range(lanes):
                put(r, o + i, get(r, a + i))
            for k in range(1, count):
                b = get(code, at + k) * stride
                for i in range(lanes):
                    put(r, o + i, get(r, o + i) * get(r, b + i))
    elif op == ins.ORDERED_SUM:
        w = get(numbers, number)
        for i in range(lanes):
            put(r, o + i, w * get(r, a + i))
        for k in range(1, count):
            b = get(code, at + k) * stride
            w = get(numbers, number + k)
            for i in range(lanes):
                put(r, o + i, get(r, o + i) + w * get(r, b + i))
        number += count
    elif op == ins.SQUARE:
        for i in range(lanes):
            put(r, o + i, get(r, a + i) * get(r, a + i))
    elif op == ins.DIVIDE:
        b = get(code, at + 1) * stride
        for i in range(lanes):
            put(r, o + i, get(r, a + i) / get(r, b + i))
    elif op == ins.INVERT:
        for i in range(lanes):
            put(r, o + i, one / get(r, a + i))
    elif op == ins.INTEGER_POWER:
        exponent = int(get(numbers, number))
        number += 1
        for i in range(lanes):
            put(r, o + i, one if exponent == 0 else get(r, a + i))
        for _ in range(1, abs(exponent)):
            for i in range(lanes):
                put(r, o + i, get(r, o + i) * get(r, a + i))
        if exponent < 0:
            for i in range(lanes):
                put(r, o + i, one / get(r, o + i))
    elif op == ins.CONSTANT_POWER:
        y = float(get(numbers, number))
        number += 1
        for i in range(lanes):
            put(r, o + i, float(get(r, a + i)) ** y)
    elif op == ins.POWER:
        b = get(code, at + 1) * stride
        for i in range(lanes):
            put(r, o + i, float(get(r, a + i)) ** float(get(r, b + i)))
    elif op == ins.SQRT:
        for i in range(lanes):
            put(r, o + i, math.sqrt(get(r, a + i)))
    elif op == ins.EXP:
        for i in range(lanes):
            put(r, o + i, el.exp(float(get(r, a + i))))
    elif op == ins.LOG:
        for i in range(lanes):
            put(r, o + i, el.log(float(get(r, a + i))))
    elif op == ins.SIN:
        for i in range(lanes):
            put(r, o + i, el.sin(float(get(r, a + i))))
        if has_large_angle(r, a, lanes):
            for i in range(lanes):
                x = float(get(r, a + i))
                if abs(x) > el.LARGEST_ANGLE:
                    put(r, o + i, math.sin(x))
    elif op == ins.COS:
        for i in range(lanes):
            put(r, o + i, el.cos(float(get(r, a + i))))
        if has_large_angle(r, a, lanes):
            for i in range(lanes):
                x = float(get(r, a + i))
                if abs(x) > el.LARGEST_ANGLE:
                    put(r, o + i, math.cos(x))
    elif op == ins.TAN:
        for i in range(lanes):
            put(r, o + i, el.tan(float(get(r, a + i))))
        if has_large_angle(r, a, lanes):
            for i in range(lanes):
                x = float(get(r, a + i))
                if abs(x) > el.LARGEST_ANGLE:
                    put(r, o + i, math.tan(x))
    elif op == ins.SINH:
        for i in range(lanes):
            put(r, o + i, el.sinh(float(get(r, a + i))))
    elif op == ins.COSH:
        for i in range(lanes):
            put(r, o + i, el.cosh(float(get(r, a + i))))
    elif op == ins.TANH:
        for i in range(lanes):
            put(r, o + i, el.tanh(float(get(r, a + i))))
    elif op == ins.ASIN:
        for i in range(lanes):
            put(r, o + i, el.asin(float(get(r, a + i))))
    elif op == ins.ACOS:
        for i in range(lanes):
            put(r, o + i, el.acos(float(get(r, a + i))))
    elif op == ins.ATAN:
        for i in range(lanes):
            put(r, o + i, el.atan(float(get(r, a + i))))
    elif op == ins.ERF:
        for i in range(lanes):
            put(r, o + i, math.erf(float(get(r, a + i))))
    elif op == ins.SIGMOID:
        for i in range(lanes):
            put(r, o + i, el.sigmoid(float(get(r, a + i))))
    elif op == ins.SOFTPLUS:
        for i in range(lanes):
            put(r, o + i, el.softplus(float(get(r, a + i))))
    elif op == ins.ABS:
        for i in range(lanes):
            put(r, o + i, abs(get(r, a + i)))
    elif op == ins.SIGN:
        for i in range(lanes):
            x = get(r, a + i)
            s = one if x > zero else x + zero  # -0 becomes 0
            put(r, o + i, -one if x < zero else s)
    elif op == ins.STEP:
        for i in range(lanes):
            x = get(r, a + i)
            s = zero if x <= zero else x
            put(r, o + i, one if x > zero else s)
    elif op == ins.RELU:
        for i in range(lanes):
            put(r, o + i, larger(get(r, a + i), zero))
    elif op == ins.LEAKY_RELU:
        w = get(numbers, number)
        number += 1
        for i in range(lanes):
            x = get(r, a + i)
            put(r, o + i, x if x > zero else w * x)
    else:  # MAX or MIN
        for i in range(lanes):
            put(r, o + i, get(r, a + i))
        for k in range(1, count):
            b = get(code, at + k) * stride
            if op == ins.MAX:
                for i in range(lanes):
                    put(r, o + i, larger(get(r, o + i), get(r, b + i)))
            else:
                for i in range(lanes):
                    put(r, o + i, smaller(get(r, o + i), get(r, b + i)))
    at += count
    return at, number


def digest() -> str:
    """Give a digest of the files that the loop is made of.

    It belongs to the closures that numba compiles, and so to the keys of its cache,
    which would look at this file alone.
    """
    sources = [Path(module.__file__ or "") for module in (access, dots, el, ins)]
    made_of = b"".join(path.read_bytes() for path in sources if path.is_file())
    return hashlib.sha256(made_of).hexdigest()


def interpreter() -> Any:
    """Give the loop over blocks, compiled on its first call.

    ``run(code, numbers, native, r, stride, lanes, sources, source_steps, source_rows,
    targets, target_steps, target_rows, start, stop)`` evaluates the points from
    ``start`` to ``stop``.  ``native`` is the address of machine code to call in place
    of interpreting the program, or 0.
    """
    made_of = digest()

    def run(
        code,
        numbers,
        native,
        r,
        stride,
        lanes,
        sources,
        source_steps,
        source_rows,
        targets,
        target_steps,
        target_rows,
        start,
        stop,
    ):
        made_of  # noqa: B018
        for block in range(start, stop, lanes):
            width = min(lanes, stop - block)
            for k in range(len(source_rows)):
                address = sources[k]
                step = source_steps[k]
                o = source_rows[k] * stride
                at = block * step
                if step == 1:
                    for i in range(width):
                        put(r, o + i, fetch(r, address, at + i))
                else:
                    for i in range(width):
                        put(r, o + i, fetch(r, address, at + i * step))
                for i in range(width, lanes):
                    put(r, o + i, get(r, o))
            if native != 0:
                invoke(native, r)
            else:
                at = 0
                number = 0
                while at < len(code):
                    if lanes == 1 and get(code, at) == ins.DOT:
                        # Here and not in `execute`, beside whose many cases LLVM makes
                        # this loop, which is all of a point's time, half as fast.
                        o = get(code, at + 1)
                        put(r, o, dot_of_point(code, at, numbers, number, r))
                        number += 1 + get(code, at + 2) + get(code, at + 5)
                        o = get(code, at + 3) + get(code, at + 4) + get(code, at + 5)
                        at += ins.DOT_HEADER + 2 * o + get(code, at + 2)
                    else:
                        at, number = execute(
                            code, at, numbers, number, r, stride, lanes
                        )
            for k in range(len(target_rows)):
                address = targets[k]
                step = target_steps[k]
                o = target_rows[k] * stride
                at = block * step
                if step == 1:
                    for i in range(width):
                        deliver(r, address, at + i, get(r, o + i))
                else:
                    for i in range(width):
                        deliver(r, address, at + i * step, get(r, o + i))

    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(run)
        return saved_if_possible(compiled)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(nogil=True, error_model="numpy")(run)


def stepper(kind: Any) -> Any:
    """Give an instruction at a single point as a C function, for machine code to call.

    ``step(code, numbers, r, at, number)``: pointers to all of the code, the numbers and
    the registers, and the places of this instruction and its numbers.
    """
    made_of = digest()
    pointer = types.CPointer(kind)

    def step(code, numbers, r, at, number):
        made_of  # noqa: B018
        execute(
            numba.carray(code, 1),
            at,
            numba.carray(numbers, 1),
            number,
            numba.carray(r, 1),
            1,
            1,
        )

    signature = types.void(
        types.CPointer(types.int32), pointer, pointer, types.int64, types.int64
    )
    try:
        return numba.cfunc(signature, cache=True, error_model="numpy")(step)
    except (RuntimeError, OSError):  # no folder for the cache can be written
        return numba.cfunc(signature, error_model="numpy")(step)
