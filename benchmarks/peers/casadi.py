"""CasADi: SX scalars, its reverse mode, and `casadi.cse` on all outputs together."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import casadi as ca

from circuitgrad import Circuit, exact
from peers.program import Program, UnreadableError, Value
from peers.translate import output_names, translate

__all__ = ["OPTIONS", "gradient", "graph"]

OPTIONS: Final = "SX; gradient (several outputs: jacobian); cse; Function defaults"

_RENAMED: Final = {"absolute": "fabs", "minimum": "fmin"}
_FUNCTIONS: Final = (
    *("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "erf", "sign", "inv"),
)
_GATES: Final = {getattr(ca, f"OP_{name.upper()}"): name for name in _FUNCTIONS}
_GATES.update({ca.OP_FABS: "abs", ca.OP_FMAX: "max", ca.OP_FMIN: "min"})
_ONE: Final = Fraction(1)


class _Arithmetic:
    def number(self, value: exact.Number | int) -> float:
        return exact.to_float(Fraction(value) if isinstance(value, int) else value)

    def divide(self, u: Any, v: Any) -> Any:
        return u / v

    def power(self, u: Any, exponent: Any) -> Any:
        return u ** (float(exponent) if isinstance(exponent, Fraction) else exponent)

    def step(self, u: Any) -> Any:
        return u > 0

    def sigmoid(self, u: Any) -> Any:
        return 1 / (1 + ca.exp(-u))

    def select(self, condition: Any, u: Any, v: Any) -> Any:
        return ca.if_else(condition, u, v)

    def maximum(self, u: Any, v: Any) -> Any:
        if isinstance(v, float) and v == 0:
            return ca.if_else(u > 0, u, 0)  # relu, with the derivative 0 at 0
        return ca.fmax(u, v)

    def __getattr__(self, name: str) -> Any:
        return getattr(ca, _RENAMED.get(name, name))


def gradient(circuit: Circuit, partials: bool = True) -> Circuit:
    """Give CasADi's program for a circuit and its partial derivatives."""
    x, outputs = graph(circuit)
    wanted = list(outputs)
    if partials and len(outputs) == 1:
        wanted += ca.vertsplit(ca.gradient(outputs[0], x))
    elif partials:
        jacobian = ca.densify(ca.jacobian(ca.vertcat(*outputs), x))
        wanted += [u for row in ca.vertsplit(jacobian) for u in ca.horzsplit(row)]
    function = ca.Function("f", [x], ca.cse([ca.densify(u) for u in wanted]))
    return _read(circuit, function, output_names(circuit, partials))


def graph(circuit: Circuit) -> tuple[Any, list[Any]]:
    """Write a circuit in CasADi's scalars; its inputs are a column."""
    x = ca.SX.sym("x", len(circuit.inputs))
    scalars = [x[i] for i in range(len(circuit.inputs))]
    return x, [ca.SX(u) for u in translate(circuit, _Arithmetic(), scalars)]


def _read(circuit: Circuit, function: Any, names: list[str]) -> Circuit:
    program = Program(circuit)
    register: dict[int, Value] = {}
    outputs: dict[int, Value] = dict.fromkeys(range(len(names)), Fraction(0))
    for k in range(function.n_instructions()):
        op = function.instruction_id(k)
        taken, given = function.instruction_input(k), function.instruction_output(k)
        if op == ca.OP_INPUT:
            register[given[0]] = program.inputs[taken[1]]
        elif op == ca.OP_CONST:
            value = function.instruction_constant(k)
            register[given[0]] = exact.as_fraction(value)
        elif op == ca.OP_OUTPUT:
            outputs[given[0]] = register[taken[0]]
        else:
            register[given[0]] = _apply(program, op, [register[i] for i in taken])
    return program.finish(names, list(outputs.values()))


def _apply(program: Program, op: int, used: list[Value]) -> Value:
    """Make the gate of one instruction."""
    u, v = used[0], used[-1]
    if op in _GATES:
        return program.apply(_GATES[op], *used)
    if op == ca.OP_LT and u == 0:
        return program.apply("step", v)
    match op:
        case ca.OP_ADD | ca.OP_SUB:
            return program.sum([(_ONE, u), (_ONE if op == ca.OP_ADD else -_ONE, v)])
        case ca.OP_NEG | ca.OP_TWICE:
            return program.sum([(-_ONE if op == ca.OP_NEG else 2 * _ONE, u)])
        case ca.OP_MUL | ca.OP_IF_ELSE_ZERO:
            return program.mul([u, v])
        case ca.OP_DIV:
            return program.div(u, v)
        case ca.OP_SQ:
            return program.power(u, Fraction(2))
        case ca.OP_POW | ca.OP_CONSTPOW:
            return program.power(u, v)
    raise UnreadableError(f"CasADi instruction {op}")
