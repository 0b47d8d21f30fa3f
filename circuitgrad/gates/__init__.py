"""The gate table: one record a gate type, and nothing about a gate anywhere else.

A record (`GateType`) says

``value(m, *operands)``
    what the gate computes, in the arithmetic ``m``: floats, exact rationals, balls
    or sympy formulas (`circuitgrad.evaluation.arithmetic`).  The operands
    have ``+ - * /``; everything else is a function of ``m``.
``partials(g, y, *operands)``
    the partial derivative by each operand slot, in the circuit's own operators over
    the operands and the output ``y``; ``g`` has every gate as a function.  A partial
    that is a number stays a number.  Slots are positions: ``x*x`` has two partials.
    Forward and reverse mode both read this; there is no second derivative table.
``formula(m, *operands)``
    the sympy formula, where the value rule read in sympy's arithmetic is not the
    textbook's; it must not be derived from ``partials``, because the check compares
    the two.

A type with a parameter (an exponent, a slope) gets it as a last argument, a `Fraction`.
A wire's weight scales the operand before the gate sees it; only sums carry weights.

Gates whose derivative jumps declare in ``kinks`` what it is there: the value and the
partials at the point.  The tests of every gate are generated from these records.

Those of `circuitgrad.gates.scalar` act on the entries of arrays; those of
`circuitgrad.gates.matrix` on arrays as a whole, and say more of themselves.

Sources are no gates: codes 0 and 1 are an input and a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from circuitgrad.errors import CircuitError
from circuitgrad.gates.matrix import MATRIX_GATES
from circuitgrad.gates.record import REAL, GateType, Kink
from circuitgrad.gates.scalar import SCALAR_GATES

__all__ = [
    "CONSTANT",
    "GATES",
    "INPUT",
    "MATRIX_GATES",
    "REAL",
    "SCALAR_GATES",
    "GateType",
    "Kink",
    "code_of",
    "gate_type",
    "gate_types",
    "has_gate",
    "register",
]

INPUT: Final = 0
CONSTANT: Final = 1

#: Every gate type; a type's code in columns is its place here plus 2.
GATES: list[GateType] = [*SCALAR_GATES, *MATRIX_GATES]

_FIRST_CODE: Final = 2
_codes: dict[str, int] = {
    gate.name: code for code, gate in enumerate(GATES, start=_FIRST_CODE)
}


def register(gate: GateType) -> int:
    """Add a gate type to the table and give its code.

    Raises
    ------
    CircuitError
        If a gate type of this name is there already, or the table is full.
    """
    if gate.name in _codes or gate.name in ("input", "constant", "square"):
        raise CircuitError(f"there is a gate type {gate.name!r} already")
    if not gate.name.isidentifier():
        raise CircuitError(f"{gate.name!r} is not an identifier")
    if len(GATES) + _FIRST_CODE > 255:
        raise CircuitError("the gate table is full: a gate type is one byte")
    code = _codes[gate.name] = len(GATES) + _FIRST_CODE
    GATES.append(gate)
    return code


def code_of(name: str) -> int:
    """Give the code of a gate type in columns.

    Raises
    ------
    CircuitError
        If there is no such gate type.
    """
    try:
        return _codes[name]
    except KeyError:
        known = ", ".join(_codes)
        raise CircuitError(f"no gate type {name!r}; there are: {known}") from None


def has_gate(name: str) -> bool:
    """Tell whether the table has a gate type of this name."""
    return name in _codes


def gate_types() -> Sequence[GateType]:
    """Give every gate type there is now; a type's code is its place here plus 2."""
    return GATES


def gate_type(code: int) -> GateType:
    """Give the record of a gate type by its code."""
    return GATES[code - _FIRST_CODE]


SUM: Final = code_of("sum")
PROD: Final = code_of("prod")
DIV: Final = code_of("div")
INV: Final = code_of("inv")
POWER: Final = code_of("power")
POW: Final = code_of("pow")
BROADCAST: Final = code_of("broadcast")
