"""SymPy: `diff` of the formula by each input, and `sympy.cse` on all together.

Neither setting of ``optimizations`` is the smaller on every file, so each file gets the
better one.
"""

from __future__ import annotations

from typing import Any, Final

import sympy

from circuitgrad import Circuit
from circuitgrad.evaluation.arithmetic import Formulas
from peers.formulas import Reader, bounded
from peers.program import Program
from peers.translate import output_names, translate

__all__ = ["OPTIONS", "gradient"]

OPTIONS: Final = (
    "real symbols; diff; cse(order='none'), the smaller of optimizations=None and "
    "optimizations='basic'"
)


def gradient(circuit: Circuit, partials: bool = True) -> Circuit:
    """Give SymPy's program for a circuit and its partial derivatives."""
    bounded(circuit)
    symbols = [sympy.Symbol(f"x{i}", real=True) for i in range(len(circuit.inputs))]
    wanted: list[Any] = translate(circuit, Formulas(), symbols)
    if partials:
        wanted += [f.diff(x) for f in list(wanted) for x in symbols]
    names = output_names(circuit, partials)
    programs = []
    for optimizations in (None, "basic"):
        shared, reduced = sympy.cse(
            wanted,
            symbols=sympy.numbered_symbols("t"),
            optimizations=optimizations,
            order="none",
            list=True,
        )
        reader = Reader(Program(circuit), symbols)
        programs.append(reader.finish(names, shared, reduced))
    return min(programs, key=lambda program: program.stats().ops)
