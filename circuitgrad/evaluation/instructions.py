"""The instructions of the evaluator, and which gate type each implements.

A program is one row of integers, instruction after instruction.  Each starts with its
code and the register it fills; registers that it reads follow::

    DOT out l p m w     a ... a b ... a b ... a b ...
    any other out k     a_1 ... a_k

A DOT is a bias, plus ``l`` registers with a weight each, plus ``p`` products, minus
``m`` products, plus ``w`` products with a weight each.  Numbers stand in a row of their
own, in the order in which instructions read them: for a DOT the bias and the weights,
for the instructions in `NUMBERED` one number.  An ORDERED_SUM has ``k`` weights.

`GATE_INSTRUCTIONS` is the one place that says which instruction computes which gate
type; what a gate type computes is said in `circuitgrad.gates`, and a test compares
the two.  A gate type that is not here, because a user registered it, has no
instruction: its circuits are evaluated by that value rule, a block at a time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

__all__ = ["DOT_HEADER", "GATE_INSTRUCTIONS", "HEADER", "NO_INSTRUCTION", "of_power"]

DOT: Final = 0
ORDERED_SUM: Final = 1
PRODUCT: Final = 2
DIVIDE: Final = 3
INVERT: Final = 4
INTEGER_POWER: Final = 5  # a small whole exponent, by multiplication
SQUARE: Final = 6
CONSTANT_POWER: Final = 7
POWER: Final = 8
SQRT: Final = 9
EXP: Final = 10
LOG: Final = 11
SIN: Final = 12
COS: Final = 13
TAN: Final = 14
SINH: Final = 15
COSH: Final = 16
TANH: Final = 17
ASIN: Final = 18
ACOS: Final = 19
ATAN: Final = 20
ERF: Final = 21
SIGMOID: Final = 22
SOFTPLUS: Final = 23
ABS: Final = 24
SIGN: Final = 25
STEP: Final = 26
RELU: Final = 27
LEAKY_RELU: Final = 28
MAX: Final = 29
MIN: Final = 30

#: Integers before the operands, of a DOT and of any other instruction.
DOT_HEADER: Final = 6
HEADER: Final = 3
NO_INSTRUCTION: Final = 255

#: Instructions that read one number each.
NUMBERED: Final = (INTEGER_POWER, CONSTANT_POWER, LEAKY_RELU)

GATE_INSTRUCTIONS: Final = {
    "sum": DOT,
    "prod": PRODUCT,
    "div": DIVIDE,
    "inv": INVERT,
    "power": CONSTANT_POWER,  # or as `of_power` says
    "pow": POWER,
    "sqrt": SQRT,
    "exp": EXP,
    "log": LOG,
    "sin": SIN,
    "cos": COS,
    "tan": TAN,
    "sinh": SINH,
    "cosh": COSH,
    "tanh": TANH,
    "asin": ASIN,
    "acos": ACOS,
    "atan": ATAN,
    "erf": ERF,
    "sigmoid": SIGMOID,
    "softplus": SOFTPLUS,
    "abs": ABS,
    "sign": SIGN,
    "step": STEP,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "max": MAX,
    "min": MIN,
}

#: Whole exponents up to this size are multiplied out; each factor rounds once more.
MAX_MULTIPLIED: Final = 8


def of_power(exponent: Fraction, strict: bool) -> int:
    """Give the instruction of a power with a constant exponent.

    Squares, inverses and roots have their own; other small whole exponents are
    multiplied out, which rounds more often than the power itself, so not if strict.
    """
    if exponent == 2:
        return SQUARE
    if exponent == -1:
        return INVERT
    if exponent == Fraction(1, 2):
        return SQRT  # as NumPy has it, also at -inf
    if exponent in (0, 1):
        return INTEGER_POWER
    whole = exponent.denominator == 1 and abs(exponent) <= MAX_MULTIPLIED
    return INTEGER_POWER if whole and not strict else CONSTANT_POWER
