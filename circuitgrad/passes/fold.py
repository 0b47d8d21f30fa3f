"""Constant folding: arithmetic on numbers, and operands that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Ints, trait_table
from circuitgrad.errors import CircuitgradError
from circuitgrad.evaluation.arithmetic import Rationals
from circuitgrad.gates import BROADCAST, DIV, INV, POW, POWER, PROD, SUM, gate_type
from circuitgrad.loops import kernel
from circuitgrad.passes.edit import Edit

__all__ = ["fold"]

_BATCH: Final = 1024
_WAITING: Final = 1  # for the visit of a gate
_CHANGED: Final = 2


def fold(circuit: Circuit, *, ieee: bool = False) -> Circuit:
    """Compute what depends on numbers alone, and drop operands that change nothing.

    A gate whose operands are all numbers becomes a number, where its value is rational
    and has at most 64 digits.  ``1*u`` and ``u^1`` are u; ``0*u`` and ``0/u`` are 0;
    ``2*3*u*v`` is ``6*u*v``; a product of a number and one operand, and ``u/3``, become
    a weight; ``1/u`` written as a division becomes ``inv``; ``u^c`` with a number on
    its wire gets a constant exponent; a sum loses wires of weight 0, and its numbers
    are added.

    Parameters
    ----------
    circuit : Circuit
    ieee : bool
        Whether ``0*u``, ``0/u`` and a weight 0 stay, which floating point makes NaN
        where u is infinite.

    Notes
    -----
    Exact everywhere, but for ``0/u``, ``0*u`` and ``u^0``, which become numbers and so
    extend the domain where u has no value.  A loop finds the gates that may fold;
    Python time is linear in those alone.  Idempotent.
    """
    return _Fold(circuit, ieee).run()


@kernel
def _next_to_fold(  # type: ignore[no-untyped-def]
    op,
    offsets,
    operands,
    weights,
    params,
    chained,
    inputs,
    sources,
    state,
    batch,
    found,
):
    """Find the next gates that may fold, none of which depends on another of them.

    Those are gates with an operand that is a number, a wire of weight 0, one operand
    alone or a power of 0 or 1, and users of gates that changed.  ``found`` holds the
    vertex to go on from and the number of gates that are put in ``batch``.
    """
    v, size = found[0], 0
    while v < len(op) and size < len(batch):
        start, stop = offsets[v], offsets[v + 1]
        power = op[v] == POWER and (params[v] == exact.ZERO or params[v] == exact.ONE)
        folds = power or (
            stop - start == 1 and chained[op[v]] and weights[start] == exact.ONE
        )
        waits = False
        for w in range(start, stop):
            u = operands[w]
            if (
                inputs <= u < sources
                or weights[w] == exact.ZERO
                or state[u] == _CHANGED
            ):
                folds = True
            elif state[u] == _WAITING:
                waits = True
                break
        if waits:
            break
        if folds:
            state[v] = _WAITING
            batch[size] = v
            size += 1
        v += 1
    found[0] = v
    found[1] = size


class _Fold:
    def __init__(self, circuit: Circuit, ieee: bool) -> None:
        self.circuit, self.ieee = circuit, ieee
        self.columns = circuit.columns

    @cached_property
    def edit(self) -> Edit:
        """What is changed; made when the first gate may fold."""
        return Edit(self.circuit)

    def run(self) -> Circuit:
        state = np.zeros(len(self.columns), dtype=np.uint8)
        changed = False
        for vertex in self.candidates(state):
            before = self.edit.gate(vertex)
            self.visit(vertex, *before)
            if self.edit.resolve(vertex) != vertex or self.edit.gate(vertex) != before:
                state[vertex] = _CHANGED
                changed = True
            else:
                state[vertex] = 0
        return self.edit.finish("fold") if changed else self.circuit

    def candidates(self, state: Ints) -> Iterator[int]:
        """Give the gates that may fold, in topological order, as the visits go on."""
        columns = self.columns
        chained = trait_table("chained")
        batch = np.empty(_BATCH, dtype=np.int32)
        found = np.array([columns.sources, 0], dtype=np.int64)
        while found[0] < len(columns):
            _next_to_fold(
                columns.op, columns.offsets, columns.operands, columns.weights,
                columns.params, chained, columns.inputs, columns.sources,
                state, batch, found,
            )  # fmt: skip
            yield from batch[: found[1]].tolist()

    # ------------------------------------------------------------------ one gate

    def visit(
        self,
        vertex: int,
        code: int,
        operands: list[int],
        weights: list[int],
        param: int,
    ) -> None:
        """Fold one gate, whose operands are folded."""
        places = [self.edit.place(u) for u in operands]
        if gate_type(code).matrix:
            return
        if code == SUM:
            self.fold_sum(vertex, operands, weights, places)
        elif code != PROD and all(place >= 0 for place in places):
            self.fold_numbers(vertex, code, places, param)
        elif code == PROD:
            self.fold_product(vertex, operands, places)
        elif code in (DIV, POW, POWER):
            self.fold_pair(vertex, code, operands, places, param)
        elif len(operands) == 1 and "chained" in gate_type(code).traits:
            self.edit.alias[vertex] = operands[0]  # max(u) is u

    def become(self, vertex: int, value: Fraction) -> bool:
        """Make a gate a number, where the number may be kept."""
        if not exact.fits(value):
            return False
        number = self.edit.constant(exact.intern(value))
        shape = self.edit.shape(vertex)
        if shape:  # a constant is a scalar
            options = gate_type(BROADCAST).settled([()], {"shape": shape})
            place = exact.intern(options)
            self.edit.replace(vertex, BROADCAST, [number], None, place)
        else:
            self.edit.alias[vertex] = number
        return True

    def become_scaled(self, vertex: int, operand: int, weight: Fraction) -> None:
        """Make a gate a number times another vertex."""
        if weight == 1:
            self.edit.alias[vertex] = operand
        elif exact.fits(weight):
            self.edit.replace(vertex, SUM, [operand], [exact.intern(weight)])

    def fold_numbers(
        self, vertex: int, code: int, places: list[int], param: int
    ) -> None:
        gate = gate_type(code)
        numbers = [exact.number(place) for place in places]
        if "rational" not in gate.traits or any(
            isinstance(n, exact.Pi) for n in numbers
        ):
            return
        parameter = [exact.number(param)] if gate.takes_parameter else []
        try:
            value = gate.value(Rationals(), *numbers, *parameter)
        except CircuitgradError:
            return  # 1/0, 2^(1/2): left as it is written
        if isinstance(value, Fraction):
            self.become(vertex, value)

    def fold_sum(
        self, vertex: int, operands: list[int], weights: list[int], places: list[int]
    ) -> None:
        constant = Fraction(0)
        rest: list[tuple[int, int]] = []
        numbers = 0
        for operand, weight, place in zip(operands, weights, places, strict=True):
            if place >= 0 and place != exact.PI_PLACE:
                constant += exact.rational(weight) * exact.rational(place)
                numbers += 1
            elif weight != exact.ZERO or self.ieee:
                rest.append((operand, weight))
        if not rest:
            self.become(vertex, constant)
        elif not self.edit.keeps_shape(vertex, [u for u, _ in rest]):
            return  # a wire of weight 0 that the shape came from
        elif constant == 0 and len(rest) == 1 and rest[0][1] == exact.ONE:
            self.edit.alias[vertex] = rest[0][0]
        elif len(rest) + (constant != 0) < len(operands) or numbers > 1:
            if constant:
                if not exact.fits(constant):
                    return
                rest.append((self.edit.constant(exact.ONE), exact.intern(constant)))
            self.edit.replace(vertex, SUM, [u for u, _ in rest], [w for _, w in rest])

    def fold_product(self, vertex: int, operands: list[int], places: list[int]) -> None:
        coefficient = Fraction(1)
        rest = []
        for operand, place in zip(operands, places, strict=True):
            if place >= 0 and place != exact.PI_PLACE:
                coefficient *= exact.rational(place)
            else:
                rest.append(operand)
        if coefficient == 0 and rest and self.ieee:
            return
        if coefficient == 0 or not rest:
            self.become(vertex, coefficient)
        elif len(rest) == 1:
            self.become_scaled(vertex, rest[0], coefficient)
        elif coefficient == 1:
            if len(rest) < len(operands):
                self.edit.replace(vertex, PROD, rest)
        elif len(rest) + 1 < len(operands) and exact.fits(coefficient):
            number = self.edit.constant(exact.intern(coefficient))
            self.edit.replace(vertex, PROD, [number, *rest])

    def fold_pair(
        self, vertex: int, code: int, operands: list[int], places: list[int], param: int
    ) -> None:
        """Fold ``u/c``, ``c/u``, ``u^c`` and ``u^1``, ``u^0``."""
        if code == POWER:
            exponent, fixed = param, exact.rational(param)
        elif places[1] >= 0 and places[1] != exact.PI_PLACE:
            exponent, fixed = places[1], exact.rational(places[1])
        elif code == DIV and places[0] == exact.ONE:
            self.edit.replace(vertex, INV, [operands[1]])
            return
        elif code == DIV and places[0] == exact.ZERO and not self.ieee:
            self.become(vertex, Fraction(0))
            return
        else:
            return
        if code == DIV:
            if fixed != 0:
                self.become_scaled(vertex, operands[0], 1 / fixed)
        elif fixed == 1:
            self.edit.alias[vertex] = operands[0]
        elif fixed == 0:
            self.become(vertex, Fraction(1))
        elif code == POW:
            self.edit.replace(vertex, POWER, [operands[0]], None, exponent)
