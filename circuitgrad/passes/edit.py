"""Editing a circuit in bulk: aliases, replaced gates, dropped gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit, named
from circuitgrad.columns import Bools, Ints, RawColumns
from circuitgrad.gates import CONSTANT
from circuitgrad.provenance import Provenance

__all__ = ["Edit"]


class Edit:
    """Changes to a circuit's gates, made into a new circuit at the end.

    What is not touched is copied with array operations, so a pass costs Python time
    only for the gates it changes.  An alias says that a gate is another vertex; its
    users follow.  Vertices at and after ``len(columns)`` are constants that the edit
    added.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.columns = circuit.columns
        self.alias: Ints = np.arange(len(self.columns), dtype=np.int64)
        self.gates: dict[int, tuple[int, list[int], list[int], int]] = {}
        self.added: list[int] = []  # places of new constants
        self._vertex_of: dict[int, int] = {}
        inputs, sources = self.columns.inputs, self.columns.sources
        for vertex, place in enumerate(
            self.columns.params[inputs:sources].tolist(), inputs
        ):
            self._vertex_of[place] = vertex

    def constant(self, place: int) -> int:
        """Give the vertex of a constant, new or old."""
        vertex = self._vertex_of.get(place)
        if vertex is None:
            vertex = self._vertex_of[place] = len(self.columns) + len(self.added)
            self.added.append(place)
        return vertex

    def resolve(self, vertex: int) -> int:
        """Follow a vertex to what it is now."""
        if vertex >= len(self.alias):
            return vertex
        return int(self.alias[vertex])

    def place(self, vertex: int) -> int:
        """Give the place of a constant's value; -1 for any other vertex."""
        columns = self.columns
        if vertex >= len(columns):
            return self.added[vertex - len(columns)]
        if columns.inputs <= vertex < columns.sources:
            return int(columns.params[vertex])
        return -1

    def gate(self, vertex: int) -> tuple[int, list[int], list[int], int]:
        """Give a gate as it is now: code, operands, places of weights, parameter."""
        found = self.gates.get(vertex)
        if found is None:
            columns = self.columns
            found = (
                int(columns.op[vertex]),
                columns.operands_of(vertex),
                columns.weights_of(vertex),
                int(columns.params[vertex]),
            )
        code, operands, weights, param = found
        return code, [self.resolve(u) for u in operands], weights, param

    def replace(
        self,
        vertex: int,
        code: int,
        operands: Sequence[int],
        weights: Sequence[int] | None = None,
        param: int = -1,
    ) -> None:
        """Make a gate another one; its operands must come before it."""
        places = [exact.ONE] * len(operands) if weights is None else list(weights)
        self.gates[vertex] = (code, list(operands), places, param)

    @property
    def changed(self) -> bool:
        """Whether anything was edited."""
        still = np.array_equal(self.alias, np.arange(len(self.alias)))
        return bool(self.gates) or not still

    def finish(self, pass_name: str, keep: Bools | None = None) -> Circuit:
        """Make the edited circuit, less gates aliased or where ``keep`` is False."""
        circuit, columns = self.circuit, self.columns
        count = len(columns)
        own = np.arange(count)
        staying = self.alias == own
        if keep is not None:
            staying &= keep
        target = np.concatenate([self.alias, np.arange(count, count + len(self.added))])

        names = circuit.names.copy()
        for vertex in np.flatnonzero(~staying & named(names)).tolist():
            now = int(self.alias[vertex])
            # a constant is better shown as its value, so only gates inherit a name
            heir = now < count and staying[now] and columns.op[now] > CONSTANT
            if heir and names[now] is None:
                names[now] = names[vertex]
            names[vertex] = None

        raw = self._replaced(RawColumns.of(columns))
        raw.operands = target[raw.operands]
        extra = RawColumns.sources(CONSTANT, np.array(self.added, dtype=np.int32))
        raw = RawColumns.joined([raw, extra])
        none = np.full(len(self.added), -1)
        provenance = Provenance.of(circuit).extended(
            np.zeros(len(none)), none, none, none
        )
        return Circuit.assemble(
            raw,
            np.concatenate([names, np.full(len(self.added), None, dtype=object)]),
            [(label, int(target[vertex])) for label, vertex in circuit.outputs],
            name=circuit.name,
            provenance=provenance,
            keep=np.concatenate([staying, np.ones(len(self.added), dtype=np.bool_)]),
            pass_name=pass_name,
        )

    def _replaced(self, raw: RawColumns) -> RawColumns:
        """Put the replaced gates into the columns; move the others' wires in bulk."""
        if not self.gates:
            return raw
        columns = self.columns
        vertices = np.array(sorted(self.gates), dtype=np.int64)
        gates = [self.gates[v] for v in vertices.tolist()]
        raw.op, raw.fan_in, raw.params = (
            raw.op.copy(),
            raw.fan_in.copy(),
            raw.params.copy(),
        )
        raw.op[vertices] = [gate[0] for gate in gates]
        raw.fan_in[vertices] = [len(gate[1]) for gate in gates]
        raw.params[vertices] = [gate[3] for gate in gates]
        offsets = np.concatenate([[0], np.cumsum(raw.fan_in)])
        operands = np.empty(offsets[-1], dtype=np.int64)
        weights = np.empty(offsets[-1], dtype=np.int32)
        untouched = np.ones(len(columns), dtype=np.bool_)
        untouched[vertices] = False
        wires = np.flatnonzero(untouched[columns.consumer])
        moved = offsets[columns.consumer[wires]] + columns.slot[wires]
        operands[moved] = columns.operands[wires]
        weights[moved] = columns.weights[wires]
        for vertex, (_, new_operands, new_weights, _) in zip(
            vertices.tolist(), gates, strict=True
        ):
            span = slice(offsets[vertex], offsets[vertex + 1])
            operands[span] = new_operands
            weights[span] = new_weights
        raw.operands, raw.weights = operands, weights
        return raw
