"""Editing a circuit in bulk: aliases, replaced gates, dropped gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitgrad import exact, loops
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints, RawColumns
from circuitgrad.names import Names
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
        self.alias: Ints = np.arange(len(self.columns), dtype=np.int32)
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

    def finish(
        self, pass_name: str, keep: Bools | None = None, live_only: bool = False
    ) -> Circuit:
        """Make the edited circuit, less gates aliased or where ``keep`` is False.

        ``live_only`` says to leave out gates that no output depends on any more.
        """
        circuit, columns = self.circuit, self.columns
        count = len(columns)
        own = np.arange(count)
        staying = self.alias == own
        if keep is not None:
            staying &= keep
        added = np.arange(count, count + len(self.added), dtype=np.int32)
        target = np.concatenate([self.alias, added])

        extra = len(self.added)
        raw = RawColumns.of(columns).with_gates(self.gates)
        if live_only:
            staying &= self._live(raw)
        raw = raw.with_constants(self.added)
        return Circuit.assemble(
            raw,
            self._names(staying, count + extra),
            [(label, int(target[vertex])) for label, vertex in circuit.outputs],
            name=circuit.name,
            provenance=Provenance.of(circuit).extended_by(extra),
            keep=np.concatenate([staying, np.ones(extra, dtype=np.bool_)]),
            alias=target,
            pass_name=pass_name,
        )

    def _names(self, staying: Bools, count: int) -> Names:
        """Give the names: a gate inherits that of a vertex that became it."""
        names, columns = self.circuit.names, self.columns
        gone = names.vertices[~staying[names.vertices]]
        now = self.alias[gone]
        # a constant is better shown as its value, so only gates inherit a name
        heir = (now < len(columns)) & (now != gone)
        heir[heir] = staying[now[heir]] & columns.is_gate[now[heir]]
        heir[heir] = ~names.mask[now[heir]]
        changes: dict[int, str | None] = dict.fromkeys(gone.tolist())
        for vertex, old in zip(now[heir].tolist(), gone[heir].tolist(), strict=True):
            changes.setdefault(vertex, names[old])
        return names.with_changes(changes, count, moved=True)

    def _live(self, raw: RawColumns) -> Bools:
        """Tell which vertices are inputs, or some output depends on them now."""
        count = len(self.columns)
        live = np.zeros(count + len(self.added), dtype=np.bool_)
        live[: self.columns.inputs] = True
        target = np.append(self.alias, np.arange(count, len(live), dtype=np.int32))
        live[target[self.circuit.output_vertices]] = True
        on = np.ones(len(raw.operands), dtype=np.bool_)
        loops.reach_sources(raw.offsets, target[raw.operands], on, live)
        return live[:count]
