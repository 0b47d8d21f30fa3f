"""Circuits in a prime field, at one point after another: values, slopes, tangents.

Tangents follow the product and quotient rules; a function's slope is sympy's derivative
of the gate's formula, never its partials.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.check.field import PRIMES, Field
from circuitgrad.check.residues import (
    ACTIONS,
    AT_KINK,
    EXTREMES,
    FIRST_KINKED,
    KINKS,
    POLE,
    SIGNS,
    UNREAL,
    tangent_loop,
    value_loop,
)
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Columns, starts_of
from circuitgrad.errors import EvaluationError
from circuitgrad.evaluation.arithmetic import Formulas
from circuitgrad.formats.sympy import from_sympy
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INPUT,
    INV,
    PROD,
    SUM,
    gate_type,
    gate_types,
)

__all__ = ["Evaluator", "PoleError", "Values", "lacking", "relation", "used_types"]

#: Places without a value that are left out one by one.
MAX_POLES: Final = 32


class PoleError(EvaluationError):
    """A point where a gate has no value; the vertex, -1 where it is not only one."""

    def __init__(self, message: str, vertex: int = -1) -> None:
        super().__init__(message)
        self.vertex = vertex


@dataclass(frozen=True)
class Values:
    """The values of a circuit's live vertices at a point, and what was met there.

    Attributes
    ----------
    of : array of int64 or list of int
        By vertex; 0 where no output depends on one.
    unreal : int
        How often a root, logarithm or exponential broke the laws of real numbers.
    signs : tuple of int
        How many signs decided something, and a digest of them.
    kinks : list of int
        Gates that took an absolute value, a sign, a step or the like of 0, or a maximum
        or minimum of equal values.
    missing : array of bool, optional
        Which live vertices have no value here; None where all have one.
    """

    of: Any
    unreal: int
    signs: tuple[int, int]
    kinks: list[int]
    missing: Bools | None = None


class Evaluator:
    """Circuits in a field, at one point after another.

    Parameters
    ----------
    field : Field
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        self.laws = field.array(field.laws)
        names = ["", "", *(gate.name for gate in gate_types())]
        numbered = {name: k for k, name in enumerate(ACTIONS)}
        self.numbers, self.exponents, self.steps = (field.zeros(0) for _ in range(3))
        self.action = np.array([numbered.get(name, 0) for name in names], np.int64)

    def learn(self, columns: Columns) -> None:
        """Have the residues of all numbers at hand.

        Raises
        ------
        PoleError
            If one that the columns refer to has none.
        """
        tables, lacking = _residues(self.field.exponent, exact.count())
        for place in lacking:
            if place in columns.weights or place in columns.params:
                raise PoleError(f"{exact.number(place)} has no residue")
        if len(self.numbers) == len(tables[0]):
            return
        numbers, self.exponents, self.steps = map(self.field.array, tables)
        numbers[exact.PI_PLACE] = self.field.laws[-1]
        self.numbers = numbers

    def values(self, circuit: Circuit, inputs: Any, partly: bool = False) -> Values:
        """Evaluate a circuit, or ``partly`` what has a value.

        Raises
        ------
        PoleError
            If a gate has no value at this point; if many have none.
        """
        columns, live = circuit.columns, circuit.live
        value = self.field.zeros(len(columns))
        value[: columns.inputs] = inputs
        for _ in range(MAX_POLES if partly else 0):
            try:
                found = self._run(columns, live, value)
            except PoleError as error:
                if error.vertex < 0:
                    raise
                live = live & ~columns.depends_on(np.array([error.vertex]))
                continue
            if live is circuit.live:
                return found
            return replace(found, missing=circuit.live & ~live)
        return self._run(columns, live, value)

    def _run(self, columns: Columns, live: Bools, value: Any) -> Values:
        self.learn(columns)
        found = self.field.array([0] * 5)
        self.field.run(
            value_loop,
            columns.op, columns.offsets, columns.operands, columns.weights,
            columns.params, live, self.action, self.numbers, self.exponents,
            self.steps, self.laws, self.field.prime, value, found,
        )  # fmt: skip
        if found[POLE]:
            name = gate_type(int(columns.op[found[POLE] - 1])).name
            raise PoleError(f"a {name} gate has no value", int(found[POLE]) - 1)
        signs = int(found[KINKS]), int(found[SIGNS])
        kinks = self._kinks(columns, live, value) if found[AT_KINK] else []
        return Values(value, int(found[UNREAL]), signs, kinks)

    def _kinks(self, columns: Columns, live: Bools, value: Any) -> list[int]:
        """Give the gates that are at a kink."""
        found = []
        action = self.action[columns.op]
        for v in np.flatnonzero(live & (action >= FIRST_KINKED)).tolist():
            wires = columns.wires_of(v)
            used = [value[u] for u in columns.operands[wires].tolist()]
            if action[v] in EXTREMES:
                if sum(u == value[v] for u in used) > 1:
                    found.append(v)
            elif used[0] == 0:
                found.append(v)
        return found

    def at_many(self, circuit: Circuit, inputs: list[Any]) -> list[Any]:
        """Evaluate a small circuit at many points: an array for each output.

        ``inputs`` has an array for each input.
        """
        columns, count = circuit.columns, len(inputs[0])
        size = len(columns)
        first = np.arange(count, dtype=np.int32)
        tiled = Columns(
            np.tile(columns.op, count),
            starts_of(np.tile(columns.fan_in, count)),
            np.tile(columns.operands, count) + np.repeat(size * first, columns.wires),
            np.tile(columns.weights, count),
            np.tile(columns.params, count),
            np.tile(columns.shapes, count),
        )
        value = self.field.zeros(size * count)
        for k, column in enumerate(inputs):
            value[k::size] = column
        values = self._run(tiled, np.ones(len(tiled), dtype=np.bool_), value).of
        return [values[vertex::size] for _, vertex in circuit.outputs]

    def slopes(self, circuit: Circuit, values: Values) -> tuple[Any, list[int]]:
        """Give the partial by each wire of a gate that is no sum, product or quotient.

        They are sympy's derivatives of the formulas of the gates.  Gates that have none
        are listed, too; their partials are 0.
        """
        columns = circuit.columns
        slope = self.field.zeros(columns.wires)
        sloped = np.ones(256, dtype=np.bool_)
        sloped[[INPUT, CONSTANT, SUM, PROD, DIV, INV]] = False
        there = circuit.live
        if values.missing is not None:
            there = there & ~values.missing
        gates = np.flatnonzero(sloped[columns.op] & there)
        steep: list[int] = []
        if not len(gates):
            return slope, steep
        kinds = np.stack(
            [columns.op[gates], columns.fan_in[gates], columns.params[gates]]
        )
        distinct, kind = np.unique(kinds, axis=1, return_inverse=True)
        for k, (code, arity, param) in enumerate(distinct.T.tolist()):
            partials = relation(code, arity, param)
            pending = [gates[kind.ravel() == k]]
            while pending:
                part = pending.pop()
                first = columns.offsets[part]
                wires = [first + slot for slot in range(arity)]
                given = [self.field.take(values.of, columns.operands[w]) for w in wires]
                try:
                    found = self.at_many(partials, given)
                except PoleError:
                    if len(part) == 1:
                        steep.append(int(part[0]))
                    else:
                        pending += np.array_split(part, 2)
                    continue
                for into, partial in zip(wires, found, strict=True):
                    self.field.put(slope, into, partial)
        return slope, steep

    def tangents(
        self, circuit: Circuit, values: Values, slope: Any, tangent: Any
    ) -> Any:
        """Carry tangents, which are added to, from the first vertex to the last."""
        columns = circuit.columns
        self.field.run(
            tangent_loop,
            columns.op, columns.offsets, columns.operands, columns.weights,
            circuit.live, self.action, self.numbers, self.field.prime,
            values.of, slope, tangent,
        )  # fmt: skip
        return tangent


#: Residues, and exponents and roots for `_real_power`: by field, then by place.
_known: dict[int, tuple[list[int], list[int], list[int]]] = {}
_lacking: dict[int, list[int]] = {}


def _residues(exponent: int, count: int) -> tuple[tuple[list[int], ...], list[int]]:
    """Give what the numbers of all places are in a field, and which are nothing.

    Each number is looked at once in a process; pi is 0 here.
    """
    prime = PRIMES[exponent]
    tables = _known.setdefault(exponent, ([], [], []))
    lacking = _lacking.setdefault(exponent, [])
    for place in range(len(tables[0]), count):
        value = exact.number(place)
        if not isinstance(value, Fraction):  # pi, or options of a matrix gate
            value = Fraction(0)
        whole = value.numerator and value.numerator % prime == 0
        if whole or value.denominator % prime == 0:  # it would be 0, or nothing
            lacking.append(place)
            value = Fraction(0)
        below = pow(value.denominator, -1, prime) if value.denominator != 1 else 1
        for table, part_ in zip(
            tables,
            (value.numerator * below % prime, *_power_of(value, prime - 1)),
            strict=True,
        ):
            table.append(part_)
    return tables, lacking


def _power_of(exponent: Fraction, order: int) -> tuple[int, int]:
    """Take an exponent apart, for `_real_power`."""
    below, steps = exponent.denominator, 0
    while below % 2 == 0:
        below, steps = below // 2, steps + 1
    if math.gcd(below, order) == 1:
        inverse = pow(below, -1, order) if below != 1 else 1
        return exponent.numerator * inverse % order, steps
    # a root that the field has not: roots of each degree are another element
    unlike = random.Random(f"root {exponent.denominator}").randrange(3, order, 2)
    return exponent.numerator * unlike % order, -1


@lru_cache(maxsize=1024)
def relation(code: int, arity: int, param: int) -> Circuit:
    """Give the derivatives of a gate type's formula by sympy, as a circuit.

    Its inputs are the operands, its outputs the derivatives by them.
    """
    import sympy

    gate = gate_type(code)
    symbols = [sympy.Symbol(f"u{k}", real=True) for k in range(arity)]
    parameter = [exact.number(param)] if gate.takes_parameter else []
    formula = (gate.formula or gate.value)(Formulas(), *symbols, *parameter)
    derivatives = [
        # kinks are never met at random: impulses there are 0, and steps anything
        sympy.diff(formula, symbol)
        .replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
        .replace(sympy.Heaviside, lambda u, *_: sympy.Heaviside(u, 0))
        for symbol in symbols
    ]
    return from_sympy(derivatives, inputs=symbols)


def used_types(circuit: Circuit) -> list[str]:
    """Give the names of the gate types of live gates."""
    present = np.bincount(circuit.columns.op[circuit.live], minlength=256)
    return [gate_type(c).name for c in np.flatnonzero(present).tolist() if c > CONSTANT]


def lacking(types: Iterable[str]) -> list[str]:
    """Give those gate types, by name, that a field cannot express."""
    return sorted(set(types) - set(ACTIONS))
