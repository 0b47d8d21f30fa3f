"""Lowering circuits of arrays to scalar gates."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.entries import Cells, Entries
from circuitgrad.gates import CONSTANT, INPUT, SUM, gate_type
from circuitgrad.limits import exceeded, limit
from circuitgrad.names import Names
from circuitgrad.passes.dce import dce
from circuitgrad.provenance import Provenance
from circuitgrad.shapes import Shape, entries

__all__ = ["entry_names", "scalarize", "scalarize_apart"]


def scalarize(circuit: Circuit) -> Circuit:
    """Make scalar gates of the gates of arrays, entry by entry.

    The entries of an array ``W`` are ``W_1_1``, ``W_1_2`` and so on, from 1; those of
    inputs are inputs and those of outputs outputs.  A matrix gate becomes what its
    value rule says: an entry of a product is one sum of products, a softmax subtracts
    the largest entry, a determinant is that of Faddeev and Le Verrier, right for every
    matrix.  Nothing is simplified.

    Raises
    ------
    LimitError
        If there would be too many vertices.

    Notes
    -----
    Linear in what is emitted.  The operations are as many as `Circuit.stats` counts on
    the circuit of arrays.
    """
    if not circuit.columns.shaped:
        return circuit
    return _Lowering(circuit).run()


def entry_names(name: str, shape: Shape) -> list[str]:
    """Give the names of the entries of an array; a scalar has its own."""
    ranges = (range(1, length + 1) for length in shape)
    return ["_".join([name, *map(str, at)]) for at in itertools.product(*ranges)]


class _Handles:
    """The arithmetic of handles: value rules make gates."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.functions = builder.functions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        found: Callable[..., Any] = getattr(self.functions, name)
        return found

    def number(self, value: exact.Number | int) -> Expr:
        return self.builder.constant(value)

    def sum_of(self, terms: list[Any]) -> Expr:
        return self.builder.sum(terms)

    def largest_of(self, entries: list[Any]) -> Expr:
        return self.builder.gate("max", *entries)

    def settled(self, value: Any) -> Expr:
        lifted = self.builder.lift(value)
        return self.builder.handle(lifted.settled())

    def maximum(self, u: Any, v: Any) -> Expr:
        return self.builder.gate("max", u, v)

    def divide(self, u: Any, v: Any) -> Any:
        return u / v

    def power(self, u: Any, exponent: Fraction) -> Any:
        return u**exponent


def scalarize_apart(circuit: Circuit) -> Circuit:
    """Scalarize for a check: each entry of each gate is a vertex, with a name.

    What moves entries about makes copies of them, so that one may differentiate by
    them in the sense of (C - z).
    """
    labels = dict(enumerate(circuit.labels))
    gates = {v: labels[v] for v in np.flatnonzero(circuit.columns.is_gate).tolist()}
    named = Circuit(
        circuit.columns,
        circuit.names.with_changes(gates),
        circuit.outputs,
        circuit.name,
        circuit.provenance,
    )
    return _Lowering(named, apart=True).run()


class _Lowering:
    def __init__(self, circuit: Circuit, apart: bool = False) -> None:
        self.apart = apart
        # what no output needs is not made; inputs stay
        self.circuit = dce(circuit)
        self.columns = columns = self.circuit.columns
        count = sum(entries(columns.shape(v)) for v in range(len(columns)))
        if count > limit("gates"):
            raise exceeded("gates", f"{count} entries: more than {limit('gates')}")
        self.builder = Builder(circuit.name)
        self.m = Entries(_Handles(self.builder))
        self.now: list[Cells] = []
        self.origin: list[int] = []
        self.names: dict[int, str] = {}
        self.outputs: dict[str, int] = {}
        self.taken: set[str] = set()

    def run(self) -> Circuit:
        circuit, columns = self.circuit, self.columns
        outputs = [
            (label, vertex, i)
            for name, vertex in circuit.outputs
            for i, label in enumerate(entry_names(name, columns.shape(vertex)))
        ]
        self.outputs = {label: vertex for label, vertex, _ in outputs}
        named = circuit.names.tolist()
        for vertex in range(len(columns)):
            self.now.append(self.lowered(vertex))
            if len(self.builder) > limit("gates"):
                raise exceeded("gates", f"more than {limit('gates')} gates")
            self.origin += [vertex] * (len(self.builder) - len(self.origin))
            name = named[vertex]
            if name is not None:
                self.name(name, vertex)
        raw = self.builder.raw()
        flat = [cells.flat() for cells in self.now]
        pairs = [(label, flat[vertex][i].vertex) for label, vertex, i in outputs]
        origin = np.array(self.origin, dtype=np.int64)
        return Circuit.assemble(
            raw,
            Names.of(len(raw.op), self.names),
            pairs,
            name=circuit.name,
            provenance=Provenance.of(circuit).take(origin, "scalarize"),
        )

    def lowered(self, vertex: int) -> Cells:
        """Give the entries of a vertex, as handles."""
        columns, builder = self.columns, self.builder
        code, param = int(columns.op[vertex]), int(columns.params[vertex])
        shape = columns.shape(vertex)
        if code == INPUT:
            made = (
                Expr(builder, builder.add(INPUT, ())) for _ in range(entries(shape))
            )
            return Cells.of(made, shape)
        if code == CONSTANT:
            return Cells.of([Expr(builder, builder.constant_vertex(param))], ())
        operands = [self.now[u] for u in columns.operands_of(vertex)]
        gate = gate_type(code)
        if gate.matrix:
            options = gate.named(exact.options(param)) if gate.options else {}
            value = gate.value(self.m, *operands, **options)
            found = value if isinstance(value, Cells) else Cells.of([value], ())
            settled = [Expr(builder, builder.lift(e).settled()) for e in found.flat()]
            if self.apart and "structural" in gate.traits:
                settled = [builder.sum([each]) for each in settled]
            return Cells.of(settled, shape)
        weights = columns.weights_of(vertex) if code == SUM else None
        flat = [
            np.broadcast_to(each.entries, shape).ravel().tolist() for each in operands
        ]
        return Cells.of(
            (
                Expr(
                    builder, builder.add(code, [u.vertex for u in used], weights, param)
                )
                for used in zip(*flat, strict=True)
            ),
            shape,
        )

    def name(self, name: str, vertex: int) -> None:
        """Name the entries of a vertex that are new, where the names are free."""
        labels = entry_names(name, self.columns.shape(vertex))
        for label, handle in zip(labels, self.now[vertex].flat(), strict=True):
            is_input = vertex < self.columns.inputs
            if is_input and label in self.taken:
                raise CircuitError(f"two entries of inputs would be named {label!r}")
            own = is_input or self.outputs.get(label, vertex) == vertex
            if own and label not in self.taken and handle.vertex not in self.names:
                self.names[handle.vertex] = label
                self.taken.add(label)
