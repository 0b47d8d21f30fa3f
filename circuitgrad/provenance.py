"""Provenance: the source vertex or wire that each emitted vertex belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = [
    "ADJOINT",
    "COPY",
    "NEW",
    "PARTIAL",
    "PRODUCT",
    "QUOTIENT",
    "SHIFTED",
    "TANGENT",
    "Provenance",
    "Roles",
]

Ints = npt.NDArray[Any]

NEW: Final = 0  # made by a pass for its own ends
COPY: Final = 1  # a vertex of the source itself
PARTIAL: Final = 2  # a gate of the partial derivative of a gate by an operand slot
PRODUCT: Final = 3  # derivative times partial, for one wire
ADJOINT: Final = 4  # derivative of an output by a vertex
TANGENT: Final = 5  # derivative of a vertex by an input
SHIFTED: Final = 6  # a vertex of the source once more, where an input is shifted
QUOTIENT: Final = 7  # difference quotient of an output, or the difference in it


class Roles(NamedTuple):
    """What the vertices of an emitted circuit are, an array each.

    ``role`` is `COPY`, `PARTIAL`, `PRODUCT`, `ADJOINT`, `TANGENT`, `SHIFTED`,
    `QUOTIENT` or `NEW`;
    ``vertex`` and ``slot`` are the vertex of the source and for a partial or a product
    the operand slot (-1: shared by the slots), -1 where there is none; ``other`` is
    for an adjoint the output vertex, for a tangent, a shifted vertex or a quotient the
    input vertex, else -1; ``order``
    says of how many differentiations each vertex is: 0 in the source, 2 in a
    gradient's gradient.
    """

    role: Ints
    vertex: Ints
    slot: Ints
    other: Ints
    order: Ints


def _own(count: int) -> Roles:
    none = np.full(count, -1, dtype=np.int32)
    role = np.full(count, COPY, dtype=np.uint8)
    vertex = np.arange(count, dtype=np.int32)
    return Roles(role, vertex, none, none, np.zeros(count, dtype=np.uint8))


class Provenance:
    """Where the vertices of an emitted circuit come from.

    Parameters
    ----------
    source : Circuit
        The first circuit; those between it and the emitted one are not kept.
    passes : tuple of str
        The passes on the way, in order.
    made : (Provenance, callable), optional
        The provenance of the circuit before, and how its roles become these.  That is
        worked out when somebody asks: most circuits of a pipeline are never asked.
        Where left out, this is the source itself.
    """

    def __init__(
        self,
        source: Circuit,
        passes: tuple[str, ...],
        made: tuple[Provenance, Callable[[Roles], Roles]] | None = None,
    ) -> None:
        self.source = source
        self.passes = passes
        self._roles: Roles | None = None
        self._made = made

    @property
    def roles(self) -> Roles:
        """What the vertices are; arrays in the order of the vertices."""
        steps = []
        at = self
        while at._roles is None and at._made is not None:  # pipelines may be long
            before, step = at._made
            steps.append(step)
            at = before
        roles = at._roles or _own(len(self.source.columns))
        for step in reversed(steps):
            roles = step(roles)
        self._roles, self._made = roles, None
        return roles

    @property
    def role(self) -> Ints:
        """What each vertex is: `COPY`, `PARTIAL`, `ADJOINT` ..."""
        return self.roles.role

    @property
    def vertex(self) -> Ints:
        """The vertex of the source that each one belongs to, or -1."""
        return self.roles.vertex

    @property
    def slot(self) -> Ints:
        """The operand slot of a partial or a product, or -1."""
        return self.roles.slot

    @property
    def other(self) -> Ints:
        """The output of an adjoint, the input of a tangent, or -1."""
        return self.roles.other

    @property
    def order(self) -> Ints:
        """Of how many differentiations each vertex is."""
        return self.roles.order

    @classmethod
    def of(cls, circuit: Circuit) -> Provenance:
        """Give a circuit's provenance; a circuit that was read comes from itself."""
        if circuit.provenance is not None:
            return circuit.provenance
        return cls(circuit, ())

    def take(self, origin: Ints | None, *passes: str) -> Provenance:
        """Follow a pass that made each vertex from that at ``origin`` (-1: none).

        None says that all vertices are where they were.
        """

        def follow(before: Roles) -> Roles:
            return before if origin is None else _taken(before, origin)

        return Provenance(self.source, (*self.passes, *passes), (self, follow))

    def moved(self, place: Ints, count: int, *passes: str) -> Provenance:
        """Follow a pass that brought each vertex to its place among ``count``.

        -1 is gone; of several that come to one place, the first vertex counts.
        """

        def follow(before: Roles) -> Roles:
            origin = np.full(count, -1, dtype=np.int32)
            staying = np.flatnonzero(place >= 0)[::-1]  # so the first is written last
            origin[place[staying]] = staying
            return _taken(before, origin)

        return Provenance(self.source, (*self.passes, *passes), (self, follow))

    def extended(
        self, appended: Callable[[], tuple[Ints, Ints, Ints, Ints]]
    ) -> Provenance:
        """Append vertices that belong to vertices of this circuit, not its source.

        ``appended`` gives their roles, vertices, slots and others when it is asked to.
        """

        def extend(before: Roles) -> Roles:
            role, vertex, slot, other = appended()

            def through(own: Ints) -> Ints:
                return np.where(own < 0, -1, before.vertex[own]).astype(np.int32)

            fresh = np.where(
                np.asarray(role) == NEW, 0, 1 + before.order.max(initial=0)
            )
            return Roles(
                np.concatenate([before.role, role]).astype(np.uint8),
                np.concatenate([before.vertex, through(vertex)]),
                np.concatenate([before.slot, slot]).astype(np.int32),
                np.concatenate([before.other, through(other)]),
                np.concatenate([before.order, fresh]).astype(np.uint8),
            )

        return Provenance(self.source, self.passes, (self, extend))

    def extended_by(self, count: int) -> Provenance:
        """Append vertices that belong to none."""
        if not count:
            return self
        none = np.full(count, -1, dtype=np.int32)
        return self.extended(lambda: (np.zeros(count, np.uint8), none, none, none))

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
        elif role == SHIFTED:
            text = f"{name} with {labels[other]} shifted"
        elif role == QUOTIENT:
            text = f"difference quotient of {name} by {labels[other]}"
        else:
            slot = int(self.slot[vertex])
            what = "partial" if role == PARTIAL else "product"
            text = f"{what} of {name}" + (f" at slot {slot}" if slot >= 0 else "")
        return text if order < 2 else f"{text}, in derivative {order}"


def _taken(roles: Roles, origin: Ints) -> Roles:
    """Give each vertex the roles of that at ``origin``; -1 is new."""
    none = origin < 0
    defaults = (NEW, -1, -1, -1, 0)
    return Roles(
        *(
            np.where(none, default, part[origin]).astype(part.dtype)
            for part, default in zip(roles, defaults, strict=True)
        )
    )
