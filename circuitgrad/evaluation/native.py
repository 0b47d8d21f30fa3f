"""Machine code for one circuit, by LLVM, for single points taken very often.

Each chunk of about a thousand operands is a function of its own: LLVM is superlinear
in the length of one.  A register is a number in memory; sums, products and quotients
are code, everything else calls the interpreter's instruction.  The code is not
optimized beyond what instruction selection does: the program is the result of a
lowering already.

Function and gradient of Rosenbrock with 1000 inputs, 3000 instructions: 13
microseconds a point instead of 60, and a second to compile, where a call from Python
takes 16 besides.  Batches stay with the interpreter.  Code on vectors of 16 lanes took
0.4 to 2 times its speed on them, and on more lanes minutes to compile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from circuitgrad.errors import LimitError
from circuitgrad.evaluation import instructions as ins
from circuitgrad.evaluation.lowering import Program

__all__ = ["MAX_NATIVE", "Native"]

#: Larger programs, in integers of code, would take minutes to compile.
MAX_NATIVE: Final = 500_000
#: Operands in a chunk.
CHUNK: Final = 1_000

_lock = threading.Lock()  # LLVM's code generator is one for the process


class Native:
    """Machine code of a program, made when it is first wanted.

    Parameters
    ----------
    program : Program

    Raises
    ------
    LimitError
        If the program has more than `MAX_NATIVE` integers of code.
    """

    def __init__(self, program: Program) -> None:
        if len(program.code) > MAX_NATIVE:
            raise LimitError(
                f"a program of {len(program.code)} integers is too large for native "
                f"code (the limit is {MAX_NATIVE}); leave native out"
            )
        # Not the program itself, whose life decides how long this is kept.
        self.code, self.numbers = program.code, program.numbers
        self._made: tuple[int, Any] | None = None

    def address(self) -> int:
        """Give the address of ``void run(registers)``, a number each."""
        with _lock:
            if self._made is None:
                self._made = self._make()
            return self._made[0]

    def _make(self) -> tuple[int, Any]:
        import llvmlite.binding as llvm
        from numba import types

        from circuitgrad.evaluation.interpreter import stepper

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        kind = types.float64 if self.numbers.dtype == np.float64 else types.float32
        step = stepper(kind)
        writer = _Writer(self.code, self.numbers, step.address)
        module = llvm.parse_assembly("\n".join(writer.module()))
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=1,
            jit=True,
        )
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        return engine.get_function_address("run"), (engine, step)


class _Writer:
    """Writes a program as LLVM's text, line by line."""

    def __init__(self, code: Any, numbers: Any, step: int) -> None:
        self.code = code.tolist()
        self.numbers = numbers.tolist()
        double = numbers.dtype == np.float64
        self.type = "double" if double else "float"
        self.fused = "@llvm.fmuladd." + ("f64" if double else "f32")
        self.step = step
        self.pointers = code.ctypes.data, numbers.ctypes.data
        self.values = 0

    def module(self) -> Iterator[str]:
        """Write the chunks, and the function that calls each in turn."""
        t = self.type
        yield f"declare {t} {self.fused}({t}, {t}, {t})"
        at = number = chunks = 0
        while at < len(self.code):
            yield f"define internal void @chunk{chunks}(ptr %r) {{"
            stop = at + CHUNK
            while at < min(stop, len(self.code)):
                lines, at, number = self.instruction(at, number)
                yield from lines
            yield "  ret void\n}"
            chunks += 1
        yield "define void @run(ptr %r) {"
        for chunk in range(chunks):
            yield f"  call void @chunk{chunk}(ptr %r)"
        yield "  ret void\n}"

    def instruction(self, at: int, number: int) -> tuple[list[str], int, int]:
        """Write one instruction; give its lines and the places of the next one's."""
        code, numbers = self.code, self.numbers
        op, out, count = code[at : at + 3]
        lines: list[str] = []
        if op == ins.DOT:
            linear, plus, minus, weighted = code[at + 2 : at + 6]
            p = at + ins.DOT_HEADER
            value = literal(numbers[number])
            for k in range(linear):
                weight = literal(numbers[number + 1 + k])
                value = self.fma(lines, weight, self.load(lines, code[p + k]), value)
            p += linear
            number += 1 + linear
            for k in range(plus + minus + weighted):
                a = self.load(lines, code[p])
                b = self.load(lines, code[p + 1])
                p += 2
                if plus <= k < plus + minus:
                    a = self.line(lines, f"fneg {self.type} {a}")
                elif k >= plus + minus:
                    a = self.binary(lines, "fmul", literal(numbers[number]), a)
                    number += 1
                value = self.fma(lines, a, b, value)
            self.store(lines, out, value)
            return lines, p, number
        first = at + ins.HEADER
        operands = code[first : first + count]
        if op in _BINARY:
            value = self.load(lines, operands[0])
            if op == ins.INVERT:
                value = self.binary(lines, "fdiv", literal(1.0), value)
            elif op == ins.SQUARE:
                value = self.binary(lines, "fmul", value, value)
            for operand in operands[1:]:
                other = self.load(lines, operand)
                value = self.binary(lines, _BINARY[op], value, other)
            self.store(lines, out, value)
        elif op == ins.ORDERED_SUM:
            value = ""
            for operand in operands:
                weight, term = numbers[number], self.load(lines, operand)
                if weight != 1:
                    term = self.binary(lines, "fmul", literal(weight), term)
                value = self.binary(lines, "fadd", value, term) if value else term
                number += 1
            self.store(lines, out, value)
        else:
            code_at, numbers_at = (
                f"ptr inttoptr (i64 {p} to ptr)" for p in self.pointers
            )
            lines.append(
                f"  call void inttoptr (i64 {self.step} to ptr)({code_at}, "
                f"{numbers_at}, ptr %r, i64 {at}, i64 {number})"
            )
            number += op in ins.NUMBERED
        return lines, first + count, number

    def line(self, lines: list[str], text: str) -> str:
        """Append a line that makes a value; give the value's name."""
        self.values += 1
        lines.append(f"  %v{self.values} = {text}")
        return f"%v{self.values}"

    def row(self, lines: list[str], register: int) -> str:
        """Point at a register."""
        return self.line(
            lines, f"getelementptr inbounds {self.type}, ptr %r, i64 {register}"
        )

    def load(self, lines: list[str], register: int) -> str:
        """Read a register."""
        row = self.row(lines, register)
        return self.line(lines, f"load {self.type}, ptr {row}")

    def store(self, lines: list[str], register: int, value: str) -> None:
        """Fill a register."""
        row = self.row(lines, register)
        lines.append(f"  store {self.type} {value}, ptr {row}")

    def binary(self, lines: list[str], operation: str, a: str, b: str) -> str:
        """Compute with two values."""
        return self.line(lines, f"{operation} {self.type} {a}, {b}")

    def fma(self, lines: list[str], a: str, b: str, c: str) -> str:
        """Multiply and add, rounded once where the machine does."""
        t = self.type
        return self.line(lines, f"call {t} {self.fused}({t} {a}, {t} {b}, {t} {c})")


def literal(number: float) -> str:
    """Write a number as the bits of a double, as LLVM wants it for a float too."""
    return f"0x{np.float64(number).view(np.uint64):016X}"


#: Instructions that are one operation of LLVM between neighbouring operands, if any.
_BINARY: Final = {
    ins.PRODUCT: "fmul",
    ins.DIVIDE: "fdiv",
    ins.INVERT: "fdiv",
    ins.SQUARE: "fmul",
}
