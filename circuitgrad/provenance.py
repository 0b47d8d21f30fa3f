"""Provenance: the source vertex or wire that each emitted vertex belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.columns import Ints

__all__ = ["ADJOINT", "COPY", "NEW", "PARTIAL", "PRODUCT", "TANGENT", "Provenance"]

NEW: Final = 0  # made by a pass for its own ends
COPY: Final = 1  # a vertex of the source itself
PARTIAL: Final = 2  # a gate of the partial derivative of a gate by an operand slot
PRODUCT: Final = 3  # derivative times partial, for one wire
ADJOINT: Final = 4  # derivative of an output by a vertex
TANGENT: Final = 5  # derivative of a vertex by an input


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where the vertices of an emitted circuit come from.

    Parameters
    ----------
    source : Circuit
        The first circuit; those between it and the emitted one are not kept.
    passes : tuple of str
        The passes on the way, in order.
    role : array of uint8
        What each vertex is: `COPY`, `PARTIAL`, `PRODUCT`, `ADJOINT`, `TANGENT`, `NEW`.
    vertex, slot : array of int32
        The vertex of the source, and for a partial or a product the operand slot
        (-1: shared by the slots); -1 where there is none.
    other : array of int32
        For an adjoint the output vertex, for a tangent the input vertex; else -1.
    order : array of uint8
        Of how many differentiations each vertex is: 0 in the source, 2 in a gradient's
        gradient.
    """

    source: Circuit
    passes: tuple[str, ...]
    role: Ints
    vertex: Ints
    slot: Ints
    other: Ints
    order: Ints

    @classmethod
    def of(cls, circuit: Circuit) -> Provenance:
        """Give a circuit's provenance; a circuit that was read comes from itself."""
        if circuit.provenance is not None:
            return circuit.provenance
        count = len(circuit.columns)
        none = np.full(count, -1, dtype=np.int32)
        role = np.full(count, COPY, dtype=np.uint8)
        own = np.arange(count, dtype=np.int32)
        return cls(circuit, (), role, own, none, none, np.zeros(count, dtype=np.uint8))

    def take(self, origin: Ints, name: str) -> Provenance:
        """Follow a pass that made each vertex from that at ``origin`` (-1: none)."""
        none = origin < 0
        return Provenance(
            self.source,
            (*self.passes, name),
            np.where(none, NEW, self.role[origin]).astype(np.uint8),
            np.where(none, -1, self.vertex[origin]).astype(np.int32),
            np.where(none, -1, self.slot[origin]).astype(np.int32),
            np.where(none, -1, self.other[origin]).astype(np.int32),
            np.where(none, 0, self.order[origin]).astype(np.uint8),
        )

    def extended(self, role: Ints, vertex: Ints, slot: Ints, other: Ints) -> Provenance:
        """Append vertices that belong to vertices of this circuit, not its source."""

        def through(own: Ints) -> Ints:
            return np.where(own < 0, -1, self.vertex[own]).astype(np.int32)

        fresh = np.where(np.asarray(role) == NEW, 0, 1 + self.order.max(initial=0))
        return Provenance(
            self.source,
            self.passes,
            np.concatenate([self.role, role]).astype(np.uint8),
            np.concatenate([self.vertex, through(vertex)]),
            np.concatenate([self.slot, slot]).astype(np.int32),
            np.concatenate([self.other, through(other)]),
            np.concatenate([self.order, fresh]).astype(np.uint8),
        )

    def describe(self, vertex: int) -> str:
        """Say what a vertex is: ``adjoint of g1``, ``partial of f at slot 0``."""
        labels = self.source.labels
        role = int(self.role[vertex])
        belongs, other = int(self.vertex[vertex]), int(self.other[vertex])
        if role == NEW or belongs < 0:
            return "new"
        name = labels[belongs]
        if role == COPY:
            return name
        order = int(self.order[vertex])
        if role == ADJOINT:
            text = f"adjoint of {name}" + (
                f" for {labels[other]}" if other >= 0 else ""
            )
        elif role == TANGENT:
            text = f"tangent of {name}" + (f" by {labels[other]}" if other >= 0 else "")
        else:
            slot = int(self.slot[vertex])
            what = "partial" if role == PARTIAL else "product"
            text = f"{what} of {name}" + (f" at slot {slot}" if slot >= 0 else "")
        return text if order < 2 else f"{text}, in derivative {order}"
