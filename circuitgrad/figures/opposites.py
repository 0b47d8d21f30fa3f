"""What of a gradient stands opposite of what, and the wires of its half of a mirror."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from circuitgrad.check.claims import claims
from circuitgrad.circuit import Circuit
from circuitgrad.figures.elements import wire_labels
from circuitgrad.figures.scene import Label, Wire
from circuitgrad.figures.symbols import shape_line
from circuitgrad.gates import CONSTANT, SUM
from circuitgrad.provenance import ADJOINT, COPY, PRODUCT

__all__ = ["Ends", "Opposites", "asked"]


class Ends(NamedTuple):
    """Of a wire of the right half: where it is from, where to, and its labels."""

    tail: str
    head: str
    label: Label | None = None
    slot: Label | None = None
    shape: Label | None = None

    def wire(self, key: str) -> Wire:
        """Make the wire."""
        return Wire(key, self.tail, self.head, self.label, self.slot, shape=self.shape)

    def turned(self) -> Ends:
        """Give the other direction, which has no slot, in the half that is laid out."""
        tail, head = (key.replace("m", "n") for key in (self.head, self.tail))
        return self._replace(tail=tail, head=head, slot=None)


class Opposites:
    """Which vertices of a gradient stand opposite of which of its circuit.

    Parameters
    ----------
    source : Circuit
        Of one output.
    emitted : Circuit
        Its gradient by every vertex, or by some.

    Attributes
    ----------
    output : int
        The vertex of ``source`` that is differentiated.
    adjoint : dict of int to int
        The vertex of ``emitted`` that computes the derivative by each of ``source``.
    copies : dict of int to int
        The vertex of ``source`` that one of ``emitted`` is.
    opposite : dict of int to int
        The vertex of ``source`` that one of ``emitted`` stands opposite of.
    between : list of int
        The gates of the chain rule.
    ends : dict of str to Ends
        The wires of the gradient's half, by key; nodes have the keys of `Mirror`.
    """

    def __init__(self, source: Circuit, emitted: Circuit) -> None:
        self.source, self.emitted = source, emitted
        assert emitted.provenance is not None
        self.provenance = emitted.provenance
        self.output = self.source.outputs[0][1]
        self.adjoint = {
            reading.by: reading.found
            for readings in claims(self.source, emitted).values()
            for reading in readings[:1]
            if reading.by >= 0
        }
        role, vertex = self.provenance.role.tolist(), self.provenance.vertex.tolist()
        self.copies = {v: vertex[v] for v, r in enumerate(role) if r == COPY}
        self.opposite = {
            v: vertex[v]
            for v, r in enumerate(role)
            if r == ADJOINT and self.adjoint.get(vertex[v]) == v
        }
        for z in sorted(self.adjoint, reverse=True):  # as the algorithm visits them
            if self.adjoint[z] not in self.copies:
                self.opposite.setdefault(self.adjoint[z], z)
        self.constant = emitted.columns.op == CONSTANT
        columns, live = emitted.columns, emitted.live
        self.between = [
            v
            for v in range(columns.sources, len(columns))
            if live[v] and v not in self.copies and v not in self.opposite
        ]
        self.ends = self._right_ends()

    def is_alone(self, z: int) -> bool:
        """Tell whether the derivative by z has a gate of its own, or is a number."""
        v = self.adjoint[z]
        return bool(self.constant[v]) or self.opposite.get(v) == z

    def wire_of(self, vertex: int) -> tuple[int, int]:
        """Give the gate and the slot that a gate of the chain rule belongs to.

        The gate is -1 where there is none.
        """
        gate = int(self.provenance.vertex[vertex])
        slot = int(self.provenance.slot[vertex])
        return (gate, max(slot, 0)) if self._is_gate(gate) else (-1, 0)

    def _is_gate(self, z: int) -> bool:
        return z >= self.source.columns.sources

    # ------------------------------------------------------------------ wires

    def _right_ends(self) -> dict[str, Ends]:
        """Give the wires of the right half, between the nodes that stand for them."""
        found: dict[str, Ends] = {}
        for z, v in self.adjoint.items():
            if not (self.source.live[z] or z < self.source.columns.inputs):
                continue
            if self.constant[v]:
                continue
            users = self._users(z)
            if self.is_alone(z):
                found |= self._wires_into(v, f"m{z}", users)
            else:
                shape = shape_line(self.emitted.columns.shape(v))
                tail = self._standing(v, users)
                found[f"a{z}"] = Ends(tail, f"m{z}", shape=shape)
        for v in self.between:
            role, of = int(self.provenance.role[v]), int(self.provenance.vertex[v])
            near = self._users(of) if role == ADJOINT else [of] if of >= 0 else []
            found |= self._wires_into(v, f"b{v}", near)
        return found

    def _users(self, z: int) -> list[int]:
        """Give the gates of the source that use a vertex, one for each wire."""
        columns = self.source.columns
        return sorted(columns.consumer[columns.operands == z].tolist())

    def _wires_into(
        self, vertex: int, node: str, near: Sequence[int]
    ) -> dict[str, Ends]:
        columns, near = self.emitted.columns, list(near)
        found: dict[str, Ends] = {}
        for wire in columns.wires_of(vertex):
            operand = int(columns.operands[wire])
            adjoints = self._adjoints_of(vertex, operand, near)
            weight, slot = wire_labels(self.emitted, wire)
            found[f"v{wire}"] = Ends(
                self._standing(operand, adjoints),
                node,
                weight,
                slot if columns.shaped else None,  # those of scalars need none here
                shape_line(columns.shape(operand)),
            )
            for gate in adjoints[:1]:  # x + x has as many terms
                near.remove(gate)
        return found

    def _adjoints_of(self, vertex: int, operand: int, near: Sequence[int]) -> list[int]:
        """Give those gates whose derivative an operand may be.

        A number may be that of ∂y/∂y, and as well one of a partial derivative.
        """
        found = [gate for gate in near if self.adjoint.get(gate) == operand]
        if not self.constant[operand]:
            return found
        if self.provenance.role[vertex] not in (PRODUCT, ADJOINT):
            return []
        if self.emitted.columns.op[vertex] == SUM:  # of terms by sums: no other is 1
            return [gate for gate in found if self.source.columns.op[gate] == SUM]
        return found

    def _standing(self, vertex: int, near: Sequence[int]) -> str:
        """Give the node that stands for an operand: if it can be, one near."""
        for gate in near:
            if self.adjoint.get(gate) == vertex:
                return f"m{gate}"
        if vertex in self.copies:
            return f"n{self.copies[vertex]}"
        if self.constant[vertex]:  # one of the chain rule's
            return f"c{vertex}"
        if vertex in self.opposite:
            return f"m{self.opposite[vertex]}"
        return f"b{vertex}"


def asked(source: Circuit, emitted: Circuit, wrt: Sequence[str]) -> Circuit:
    """Leave out derivatives that those by some inputs do not depend on."""
    inputs = np.array([source.vertex(name) for name in wrt], dtype=np.int64)
    between = source.columns.depends_on(inputs)
    read = claims(source, emitted)
    return emitted.with_outputs(
        (name, vertex)
        for name, vertex in emitted.outputs
        if not read[name] or read[name][0].by < 0 or between[read[name][0].by]
    )
