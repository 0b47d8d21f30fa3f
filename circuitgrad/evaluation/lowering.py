"""Lowering: from the columns of a circuit to a program of instructions.

Sums stay as wide as they are and become dot instructions.  A product of a single use,
by a sum, leaves its last factor to that sum, and so does a square: the gradient of a
determinant of two million operations becomes 45,000 instructions.  Registers are given
by liveness, last freed first used, so that what is computed next lies in cache.  A
register that an instruction reads is never the one it fills, which lets a compiler work
on many lanes of it at once.

Strict lowering keeps the circuit's own order of operations, each rounded by itself.

Both loops over vertices are of the kind of `circuitgrad.loops`, interpreted when small
and compiled when large; time and memory are linear in wires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints
from circuitgrad.evaluation import instructions as ins
from circuitgrad.evaluation.instructions import (
    DOT,
    DOT_HEADER,
    GATE_INSTRUCTIONS,
    HEADER,
    NO_INSTRUCTION,
    NUMBERED,
    ORDERED_SUM,
    PRODUCT,
    SQUARE,
)
from circuitgrad.gates import CONSTANT, GATES, INPUT, POWER
from circuitgrad.loops import kernel

__all__ = ["Program", "Reading", "lower"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions on registers, and what goes into which register.

    Attributes
    ----------
    code : array of int32
    numbers : array of float64
        Weights and parameters, in the order in which the code reads them.
    registers, instructions : int
    inputs, input_rows : array of int
        The inputs that are read, and their registers.
    pinned, pinned_rows : array of int
        Vertices whose values do not vary, constants among them, and their registers,
        which nothing else ever fills.
    root_rows : array of int32
        The register of each root, in order.
    work : int
        Operands of all instructions: the time a point takes is in proportion.
    """

    code: Ints
    numbers: Floats
    registers: int
    instructions: int
    inputs: Ints
    input_rows: Ints
    pinned: Ints
    pinned_rows: Ints
    root_rows: Ints

    @property
    def work(self) -> int:
        """Operands of all instructions, and what is read and written."""
        return len(self.code) + len(self.inputs) + len(self.root_rows)


class Reading:
    """What lowering reads of a circuit: an instruction for each vertex, and numbers.

    Parameters
    ----------
    circuit : Circuit
    strict : bool
        Whether operations keep the circuit's order.
    """

    def __init__(self, circuit: Circuit, strict: bool) -> None:
        self.columns = columns = circuit.columns
        self.live = circuit.live
        self.strict = strict
        sources = [NO_INSTRUCTION, NO_INSTRUCTION]
        codes = [GATE_INSTRUCTIONS.get(gate.name, NO_INSTRUCTION) for gate in GATES]
        table = np.array(sources + codes, dtype=np.uint8)
        if strict:
            table[table == DOT] = ORDERED_SUM
        self.kinds = table[columns.op]
        powers = np.flatnonzero(columns.op == POWER)
        for place in np.unique(columns.params[powers]).tolist():
            code = ins.of_power(exact.rational(place), strict)
            self.kinds[powers[columns.params[powers] == place]] = code
        lacking = np.unique(columns.op[(self.kinds == NO_INSTRUCTION) & self.live])
        #: Every number, by its place, rounded to float64.
        self.values = exact.floats()
        #: Names of the gate types that have no instruction.
        self.lacking = [GATES[code - 2].name for code in lacking.tolist() if code > 1]


def lower(
    reading: Reading,
    emitted: Bools,
    roots: Sequence[int] | Ints,
    fixed: Bools | None = None,
) -> Program:
    """Make a program of some gates.

    Parameters
    ----------
    reading : Reading
    emitted : array of bool
        The gates to compute.  What they use and is no gate to compute is given: an
        input, or a vertex whose value is pinned.
    roots : sequence of int
        The vertices whose values are wanted.
    fixed : array of bool, optional
        Which vertices do not vary; inputs among them are pinned.

    Returns
    -------
    Program
    """
    columns = reading.columns
    count, wires = len(columns), columns.wires
    roots = np.asarray(roots, dtype=np.int64)
    uses = np.zeros(count, dtype=np.int32)
    user = np.zeros(count, dtype=np.int32)
    uses[roots] = 2  # a root is never inlined
    last = np.full(count, -1, dtype=np.int32)
    code = np.empty(DOT_HEADER * count + 2 * wires, dtype=np.int32)
    numbers = np.empty(2 * count + wires)
    sizes = np.zeros(3, dtype=np.int64)
    emit(
        reading.kinds,
        columns.op,
        columns.offsets,
        columns.operands,
        columns.weights,
        columns.params,
        reading.values,
        emitted,
        uses,
        user,
        last,
        code,
        numbers,
        sizes,
    )
    length, amount, instructions = sizes.tolist()
    code, numbers = code[:length].copy(), numbers[:amount].copy()
    never = np.iinfo(np.int32).max
    last[roots] = never
    given = (last >= 0) & ~emitted
    read = columns.op == INPUT if fixed is None else (columns.op == INPUT) & ~fixed
    inputs = np.flatnonzero(given & read)
    pinned = np.flatnonzero(given & ~read)
    return _with_registers(
        code, numbers, instructions, roots, last, inputs, pinned, never
    )


def _with_registers(
    code: Ints,
    numbers: Floats,
    instructions: int,
    roots: Ints,
    last: Ints,
    inputs: Ints,
    pinned: Ints,
    never: int,
) -> Program:
    """Replace vertices by registers in the code."""
    register = np.full(len(last), -1, dtype=np.int32)
    pinned_rows = np.arange(len(pinned), dtype=np.int32)
    input_rows = np.arange(len(inputs), dtype=np.int32) + np.int32(len(pinned))
    register[pinned], register[inputs] = pinned_rows, input_rows
    last[pinned] = never
    free = np.empty(len(inputs) + instructions + 1, dtype=np.int32)
    sizes = np.array([len(pinned) + len(inputs), 0], dtype=np.int64)
    allocate(code, last, register, free, sizes)
    return Program(
        code,
        numbers,
        int(sizes[0]),
        instructions,
        inputs,
        input_rows,
        pinned,
        pinned_rows,
        register[roots],
    )


@kernel
def emit(  # type: ignore[no-untyped-def]
    kinds,
    op,
    offsets,
    operands,
    weights,
    params,
    values,
    emitted,
    uses,
    user,
    last,
    code,
    numbers,
    sizes,
):
    """Write the code, with vertices for registers; ``last`` is each one's last reader.

    ``user`` becomes -1 for a product that is inlined, -2 for a weight on its factor.
    ``sizes`` receives the lengths of ``code`` and ``numbers``, and the number of
    instructions.
    """
    for v in range(len(op)):
        if emitted[v]:
            for w in range(offsets[v], offsets[v + 1]):
                uses[operands[w]] += 1
                user[operands[w]] = v
    at = 0
    number = 0
    instruction = 0
    for v in range(len(op)):
        if not emitted[v]:
            continue
        kind = kinds[v]
        start = offsets[v]
        stop = offsets[v + 1]
        if uses[v] == 1:
            to = user[v]
            if kind == PRODUCT or kind == SQUARE:  # noqa: SIM109
                if kinds[to] == DOT and (kind == SQUARE or stop - start > 1):
                    user[v] = -1
                    if kind == SQUARE or stop - start == 2:
                        continue
                    stop -= 1  # the last factor is the sum's
            elif (
                kind == DOT
                and stop - start == 1
                and op[operands[start]] != CONSTANT
                and kinds[to] == PRODUCT
                and offsets[to + 1] - offsets[to] == 2
                and uses[to] == 1
                and kinds[user[to]] == DOT
            ):
                user[v] = -2  # a weight on a factor of a product that will be inlined
                continue
        code[at] = kind
        code[at + 1] = v
        if kind == DOT:
            p = at + DOT_HEADER
            for w in range(start, stop):  # linear terms first
                u = operands[w]
                if op[u] != CONSTANT and user[u] != -1:
                    code[p] = u
                    last[u] = instruction
                    p += 1
            linear = p - at - DOT_HEADER
            numbers[number] = 0.0
            scale = number + 1
            bias = 0.0
            for w in range(start, stop):
                u = operands[w]
                if op[u] == CONSTANT:
                    bias += values[weights[w]] * values[params[u]]
                elif user[u] != -1:
                    numbers[scale] = values[weights[w]]
                    scale += 1
            numbers[number] = bias
            number = scale
            # Products by weight: 1, -1, and the others, which bring theirs.
            for group in range(3):
                first = p
                for w in range(start, stop):
                    u = operands[w]
                    if user[u] != -1 or op[u] == CONSTANT:
                        continue
                    weight = values[weights[w]]
                    a = u
                    b = operands[offsets[u + 1] - 1]
                    if offsets[u + 1] - offsets[u] <= 2:
                        a = operands[offsets[u]]
                        if user[a] == -2:
                            weight *= values[weights[offsets[a]]]
                            a = operands[offsets[a]]
                        if user[b] == -2:
                            weight *= values[weights[offsets[b]]]
                            b = operands[offsets[b]]
                    if group == 0 and weight != 1.0:
                        continue
                    if group == 1 and weight != -1.0:
                        continue
                    if group == 2:
                        if weight == 1.0 or weight == -1.0:
                            continue
                        numbers[number] = weight
                        number += 1
                    code[p] = a
                    code[p + 1] = b
                    last[a] = instruction
                    last[b] = instruction
                    p += 2
                code[at + 3 + group] = (p - first) // 2
            code[at + 2] = linear
            at = p
        else:
            code[at + 2] = stop - start
            at += HEADER
            for w in range(start, stop):
                code[at] = operands[w]
                at += 1
                last[operands[w]] = instruction
                if kind == ORDERED_SUM:
                    numbers[number] = values[weights[w]]
                    number += 1
            if kind in NUMBERED:
                numbers[number] = values[params[v]]
                number += 1
        instruction += 1
    sizes[0] = at
    sizes[1] = number
    sizes[2] = instruction


@kernel
def allocate(code, last, register, free, sizes):  # type: ignore[no-untyped-def]
    """Give registers in place; ``sizes`` holds their number and that of free ones."""
    registers = sizes[0]
    available = 0
    at = 0
    instruction = 0
    while at < len(code):
        out = code[at + 1]
        if code[at] == DOT:
            stop = at + DOT_HEADER + code[at + 2]
            stop += 2 * (code[at + 3] + code[at + 4] + code[at + 5])
            first = at + DOT_HEADER
        else:
            stop = at + HEADER + code[at + 2]
            first = at + HEADER
        if available:
            available -= 1
            register[out] = free[available]
        else:
            register[out] = registers
            registers += 1
        code[at + 1] = register[out]
        for i in range(first, stop):
            v = code[i]
            code[i] = register[v]
            if last[v] == instruction:
                last[v] = -1
                free[available] = register[v]
                available += 1
        at = stop
        instruction += 1
    sizes[0] = registers
