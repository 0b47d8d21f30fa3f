"""SymEngine: `diff` of the formula by each input, and its own `cse` on all together."""

from __future__ import annotations

from typing import Any, Final

import symengine

from circuitgrad import Circuit
from circuitgrad.evaluation.arithmetic import Formulas
from peers.formulas import Reader, bounded
from peers.program import Program, UnreadableError
from peers.translate import output_names, translate

__all__ = ["OPTIONS", "gradient"]

OPTIONS: Final = "diff; symengine.cse, which has no options"


class _Formulas(Formulas):
    def __init__(self) -> None:
        self.sympy = symengine  # the same names for the same functions

    def step(self, u: Any) -> Any:
        raise UnreadableError("step")


def gradient(circuit: Circuit, partials: bool = True) -> Circuit:
    """Give SymEngine's program for a circuit and its partial derivatives."""
    bounded(circuit)
    symbols = [symengine.Symbol(f"x{i}") for i in range(len(circuit.inputs))]
    wanted: list[Any] = translate(circuit, _Formulas(), symbols)
    if partials:
        wanted += [f.diff(x) for f in list(wanted) for x in symbols]
    shared, reduced = symengine.cse(wanted)
    reader = Reader(Program(circuit), symbols)
    return reader.finish(output_names(circuit, partials), shared, reduced)
