"""JAX: the jaxpr of `jax.value_and_grad` over scalar arguments, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import jax
import jax.numpy as jnp

from circuitgrad import Circuit, exact
from peers.program import Program, UnreadableError, Value
from peers.translate import output_names, translate

__all__ = ["OPTIONS", "gradient"]

OPTIONS: Final = "x64; make_jaxpr(value_and_grad) (several outputs: vjp); no XLA"

#: Primitives that copy or convert and compute nothing.
_NO_OPERATION: Final = (
    *("broadcast_in_dim", "convert_element_type", "copy", "reshape", "squeeze"),
    "stop_gradient",
)
#: Primitives that hold a jaxpr, which is counted inside.
_CALLS: Final = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call")
_FUNCTIONS: Final = (
    *("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "erf", "abs", "sign", "max", "min"),
)
_GATES: Final = {**{name: name for name in _FUNCTIONS}, "logistic": "sigmoid"}
_ONE: Final = Fraction(1)


class _Arithmetic:
    def number(self, value: exact.Number | int) -> float:
        return exact.to_float(Fraction(value) if isinstance(value, int) else value)

    def divide(self, u: Any, v: Any) -> Any:
        return u / v

    def power(self, u: Any, exponent: Any) -> Any:
        if not isinstance(exponent, Fraction):
            return u**exponent
        whole = exponent.denominator == 1
        return u ** (int(exponent) if whole else float(exponent))

    def step(self, u: Any) -> Any:
        return jnp.where(u > 0, 1.0, 0.0)

    def maximum(self, u: Any, v: Any) -> Any:
        if isinstance(v, float) and v == 0:
            return jnp.where(u > 0, u, 0.0)  # relu, with the derivative 0 at 0
        return jnp.maximum(u, v)

    def select(self, condition: Any, u: Any, v: Any) -> Any:
        return jnp.where(condition, u, v)

    def __getattr__(self, name: str) -> Any:
        if name in ("erf", "sigmoid"):
            return {"erf": jax.lax.erf, "sigmoid": jax.nn.sigmoid}[name]
        return getattr(jnp, name)


def gradient(circuit: Circuit, partials: bool = True) -> Circuit:
    """Give JAX's program for a circuit and its partial derivatives."""
    jax.config.update("jax_enable_x64", True)
    count = len(circuit.outputs)

    def function(*inputs: Any) -> Any:
        outputs = translate(circuit, _Arithmetic(), inputs)
        return outputs[0] if count == 1 else tuple(outputs)

    wanted = function
    if partials:
        several = _jacobian(function, count)
        order = tuple(range(len(circuit.inputs)))
        wanted = jax.value_and_grad(function, order) if count == 1 else several
    closed = jax.make_jaxpr(wanted)(*[1.0] * len(circuit.inputs))
    reader = _Reader(Program(circuit))
    outputs = reader.read(closed.jaxpr, closed.consts, reader.program.inputs)
    return reader.program.finish(output_names(circuit, partials), outputs)


def _jacobian(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Pull back each output; the zeros of the seeds cost nothing when read."""

    def both(*inputs: Any) -> Any:
        outputs, pullback = jax.vjp(function, *inputs)
        seeds = [[float(i == j) for j in range(count)] for i in range(count)]
        return outputs, [pullback(tuple(map(jnp.asarray, seed))) for seed in seeds]

    return both


@dataclass(frozen=True)
class _IsZero:
    """The truth value of ``u == 0``, by which JAX guards a derivative."""

    operand: Value


class _Reader:
    def __init__(self, program: Program) -> None:
        self.program = program

    def read(
        self, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Value]
    ) -> list[Value]:
        """Make the gates of a jaxpr's equations and give its outputs."""
        known = dict(zip(jaxpr.invars, inputs, strict=True))
        constants = [exact.as_fraction(float(value)) for value in consts]
        known |= dict(zip(jaxpr.constvars, constants, strict=True))

        def value(atom: Any) -> Value:
            literal = hasattr(atom, "val")
            return exact.as_fraction(float(atom.val)) if literal else known[atom]

        for equation in jaxpr.eqns:
            used = [value(atom) for atom in equation.invars]
            name, params = equation.primitive.name, equation.params
            if name in _CALLS:
                inner = params.get("jaxpr") or params["call_jaxpr"]
                made = self.read(inner.jaxpr, inner.consts, used)
            else:
                made = [self.apply(name, params, used)]
            known |= dict(zip(equation.outvars, made, strict=True))
        return [value(atom) for atom in jaxpr.outvars]

    def apply(self, name: str, params: Any, used: list[Any]) -> Any:
        """Make the gate of one equation."""
        program, u, v = self.program, used[0], used[-1]
        if name in _NO_OPERATION:
            return u
        if name in _GATES:
            return program.apply(_GATES[name], *used)
        match name:
            case "add" | "add_any" | "sub":
                return program.sum([(_ONE, u), (-_ONE if name == "sub" else _ONE, v)])
            case "neg":
                return program.sum([(-_ONE, u)])
            case "mul":
                return program.mul([u, v])
            case "div":
                return program.div(u, v)
            case "integer_pow":
                return program.power(u, Fraction(params["y"]))
            case "square":
                return program.power(u, Fraction(2))
            case "rsqrt":
                return program.power(u, Fraction(-1, 2))
            case "pow":
                return program.power(u, v)
            case "gt" | "ge" if v == 0:  # they differ at a kink alone
                return program.apply("step", u)
            case "eq" if v == 0:
                return _IsZero(u)
            case "select_n" if isinstance(u, _IsZero):
                return used[1]  # a guard at one point is free: ours has none
            case "select_n" if isinstance(v, Fraction) and used[1] in (v - 1, v + 1):
                return program.sum([(_ONE, used[1]), (v - used[1], u)])
            case "select_n" if used[1] == 0:
                return program.mul([u, v])
        raise UnreadableError(f"JAX primitive {name}")
