"""Rebuilding a circuit gate by gate, where a pass makes several gates of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.names import Names
from circuitgrad.provenance import Provenance

__all__ = ["Rebuild", "rebuild"]


class Rebuild:
    """A circuit on its way to another, operands before users.

    Attributes
    ----------
    builder : Builder
    now : list of int
        The new vertex of each old one that was visited.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.builder = Builder(circuit.name)
        self.now: list[int] = []

    def operands(self, vertex: int) -> tuple[list[int], list[int]]:
        """Give the new operands of an old gate, and its weights' places."""
        columns = self.circuit.columns
        found = [self.now[u] for u in columns.operands_of(vertex)]
        return found, columns.weights_of(vertex)

    def copy(self, vertex: int) -> int:
        """Emit an old vertex as it is."""
        columns = self.circuit.columns
        code, param = int(columns.op[vertex]), int(columns.params[vertex])
        if code == CONSTANT:
            return self.builder.constant_vertex(param)
        if code == INPUT:
            made = self.builder.add(INPUT, ())
            if columns.shapes[vertex]:
                self.builder.shapes[made] = int(columns.shapes[vertex])
            return made
        return self.builder.add(code, *self.operands(vertex), param)


def rebuild(
    circuit: Circuit, name: str, emit: Callable[[Rebuild, int], int | None]
) -> Circuit:
    """Rebuild a circuit; ``emit`` makes an old gate and gives it, or None to copy it.

    Linear in what is emitted.  Each gate belongs to the vertex that it was made for;
    the last one made has its name.  A gate that no output depends on goes where its
    operands do.
    """
    work = Rebuild(circuit)
    origin: list[int] = []
    names: dict[int, str] = {}
    labels, live = circuit.names.tolist(), circuit.live.tolist()
    for vertex in range(len(circuit.columns)):
        is_gate = vertex >= circuit.columns.sources
        used = () if live[vertex] else circuit.columns.operands_of(vertex)
        if any(work.now[u] < 0 for u in used):
            work.now.append(-1)
            continue
        made = emit(work, vertex) if is_gate else None
        work.now.append(work.copy(vertex) if made is None else made)
        origin += [vertex] * (len(work.builder) - len(origin))
        label = labels[vertex]
        if label is not None and work.now[vertex] >= 0:
            names.setdefault(work.now[vertex], label)
    raw = work.builder.raw()
    return Circuit.assemble(
        raw,
        Names.of(len(raw.op), names),
        [(label, work.now[vertex]) for label, vertex in circuit.outputs],
        name=circuit.name,
        provenance=Provenance.of(circuit).take(np.array(origin, dtype=np.int64), name),
    )
