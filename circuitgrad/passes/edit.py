"""Editing a circuit in bulk: aliases, replaced gates, dropped gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints, Patch, RawColumns
from circuitgrad.loops import kernel
from circuitgrad.names import Names
from circuitgrad.provenance import Provenance
from circuitgrad.shapes import Shape, broadcast

__all__ = ["Edit"]


class Edit:
    """Changes to a circuit's gates, made into a new circuit at the end.

    What is not touched is copied with array operations, so a pass costs Python time
    only for the gates it changes.  An alias says that a gate is another vertex; its
    users follow.  Vertices at and after ``len(columns)`` are constants that the edit
    added.
    """

    def __init__(self, circuit: Circuit, alias: Ints | None = None) -> None:
        self.circuit = circuit
        self.columns = circuit.columns
        if alias is None:
            alias = np.arange(len(self.columns), dtype=np.int32)
        self.alias = alias
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

    def shape(self, vertex: int) -> Shape:
        """Give the shape of a vertex; an edit never changes one."""
        return self.columns.shape(vertex) if vertex < len(self.columns) else ()

    def keeps_shape(self, vertex: int, operands: Sequence[int]) -> bool:
        """Tell whether a scalar gate of these operands has the shape of a vertex."""
        if not self.columns.shaped:
            return True
        return broadcast(*map(self.shape, operands)) == self.shape(vertex)

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
        if self.gates:
            return True
        return not np.array_equal(self.alias, np.arange(len(self.alias)))

    def finish(
        self, pass_name: str, keep: Bools | None = None, live_only: bool = False
    ) -> Circuit:
        """Make the edited circuit, less gates aliased or where ``keep`` is False.

        ``live_only`` says to leave out gates that no output depends on any more.
        """
        circuit, columns = self.circuit, self.columns
        count, extra = len(columns), len(self.added)
        keep = np.ones(count, dtype=np.bool_) if keep is None else keep
        patch = Patch.of(self.gates)
        if live_only:
            keep = keep & self._live(patch)
        return Circuit.assemble(
            RawColumns.of(columns),
            self._names(keep, count + extra),
            circuit.outputs_at(self.alias),
            name=circuit.name,
            provenance=Provenance.of(circuit).extended_by(extra),
            pass_name=pass_name,
            keep=keep,
            alias=self.alias,
            patch=patch,
            added=self.added,
        )

    def _names(self, keep: Bools, count: int) -> Names:
        """Give the names: a gate inherits that of a vertex that became it."""
        names, columns = self.circuit.names, self.columns

        def stays(vertices: Ints) -> Bools:
            found: Bools = keep[vertices] & (self.alias[vertices] == vertices)
            return found

        gone = names.vertices[~stays(names.vertices)]
        now = self.alias[gone]
        # a constant is better shown as its value, so only gates inherit a name
        heir = (now < len(columns)) & (now != gone)
        heir[heir] = stays(now[heir]) & columns.is_gate[now[heir]]
        heir[heir] = ~names.mask[now[heir]]
        changes: dict[int, str | None] = dict.fromkeys(gone.tolist())
        for vertex, old in zip(now[heir].tolist(), gone[heir].tolist(), strict=True):
            changes.setdefault(vertex, names[old])
        return names.with_changes(changes, count, moved=True)

    def _live(self, patch: Patch) -> Bools:
        """Tell which vertices are inputs, or some output depends on them now."""
        count = len(self.columns)
        live = np.zeros(count + len(self.added), dtype=np.bool_)
        live[: self.columns.inputs] = True
        live[self.alias[self.circuit.output_vertices]] = True
        _reach(
            self.columns.offsets, self.columns.operands, self.alias,
            patch.vertices, patch.offsets, patch.operands, live,
        )  # fmt: skip
        return live[:count]


@kernel
def _reach(  # type: ignore[no-untyped-def]
    offsets, operands, alias, patched, patch_offsets, patch_operands, live
):
    """Extend ``live`` to every vertex that it depends on, once the gates are edited."""
    p = len(patched) - 1
    for v in range(len(alias) - 1, -1, -1):
        start, stop = offsets[v], offsets[v + 1]
        new = p >= 0 and patched[p] == v
        if new:
            start, stop = patch_offsets[p], patch_offsets[p + 1]
            p -= 1
        if not live[v]:
            continue
        for w in range(start, stop):
            u = patch_operands[w] if new else operands[w]
            live[alias[u] if u < len(alias) else u] = True
