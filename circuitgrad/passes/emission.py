"""What a differentiating pass is asked for, and the circuit on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuitgrad.circuit import Circuit
from circuitgrad.columns import Ints, RawColumns
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT
from circuitgrad.provenance import Provenance

__all__ = ["Emission", "Request"]


@dataclass(frozen=True)
class Request:
    """Which derivatives are asked for, as vertices; what both modes do the same.

    Attributes
    ----------
    of : tuple of (str, int)
        Outputs to differentiate.
    wrt : tuple of (str, int)
        Vertices to differentiate by, inputs or gates.
    """

    of: tuple[tuple[str, int], ...]
    wrt: tuple[tuple[str, int], ...]

    @classmethod
    def make(
        cls,
        circuit: Circuit,
        of: Sequence[str] | None,
        wrt: Sequence[str] | None,
        every_vertex: bool,
    ) -> Request:
        """Resolve names; by default every output by every input.

        Raises
        ------
        CircuitError
            If a name is unknown, or a constant.
        """
        outputs = dict(circuit.outputs)
        for name in of or ():
            if name not in outputs:
                known = ", ".join(outputs)
                raise CircuitError(f"no output {name!r}; the outputs are {known}")
        if every_vertex and wrt is not None:
            raise CircuitError("every vertex and a list of vertices exclude each other")
        if every_vertex:
            columns = circuit.columns
            vertices = [*range(columns.inputs), *range(columns.sources, len(columns))]
            chosen = [(circuit.labels[v], v) for v in vertices]
        else:
            chosen = [
                (name, circuit.vertex(name))
                for name in dict.fromkeys(circuit.inputs if wrt is None else wrt)
            ]
            for name, vertex in chosen:
                if circuit.columns.op[vertex] == CONSTANT:
                    raise CircuitError(
                        f"{name!r} is a constant: nothing varies with it"
                    )
        if not chosen:
            raise CircuitError("nothing to differentiate by: there is no input")
        return cls(
            tuple(
                (n, outputs[n]) for n in dict.fromkeys(outputs if of is None else of)
            ),
            tuple(chosen),
        )

    @property
    def of_vertices(self) -> Ints:
        """The output vertices."""
        return np.array([vertex for _, vertex in self.of], dtype=np.int64)

    @property
    def wrt_vertices(self) -> Ints:
        """The vertices to differentiate by."""
        return np.array([vertex for _, vertex in self.wrt], dtype=np.int64)


class Emission:
    """An emitted circuit on its way: blocks of raw vertices after the source's."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.count = len(circuit.columns)
        self.blocks = [RawColumns.of(circuit.columns)]
        self.names = [circuit.names]
        self.belonging: list[tuple[Ints, Ints, Ints, Ints]] = []
        self.constants: dict[int, int] = {}

    def append(
        self,
        block: RawColumns,
        role: Ints | int,
        vertex: Ints,
        slot: Ints,
        other: Ints | int,
    ) -> int:
        """Add a block, its operands raw vertices; give the first vertex's number."""
        first, size = self.count, len(block.op)
        self.blocks.append(block)
        self.names.append(np.full(size, None, dtype=object))
        self.belonging.append(
            (
                np.broadcast_to(np.asarray(role), size),
                vertex,
                slot,
                np.broadcast_to(np.asarray(other), size),
            )
        )
        self.count += size
        return first

    def source(self, op: int, param: int) -> int:
        """Add an input (to be named by the caller) or a constant."""
        none = np.array([-1])
        return self.append(RawColumns.sources(op, np.array([param])), 0, none, none, -1)

    def constant(self, place: int) -> int:
        """Give the raw vertex of a constant."""
        if place not in self.constants:
            found = self.circuit.columns.place_of_constant(place)
            self.constants[place] = (
                self.source(CONSTANT, place) if found is None else found
            )
        return self.constants[place]

    def finish(
        self,
        outputs: Sequence[tuple[str, int]],
        names: Sequence[tuple[str, int]],
        pass_name: str,
    ) -> Circuit:
        """Make the circuit, with names for vertices that were appended.

        A constant, or a vertex that has a name, gets none, and an output only its own
        output's; a name that is taken by a gate or an output gets ``_2``.
        """
        twice = [name for name, n in Counter(n for n, _ in outputs).items() if n > 1]
        if twice:
            raise CircuitError(
                f"two outputs would be named {twice[0]!r}: an output of the circuit, "
                "or another derivative; choose others, or leave the values out"
            )
        provenance = Provenance.of(self.circuit)
        if self.belonging:
            columns = (
                np.concatenate(part) for part in zip(*self.belonging, strict=True)
            )
            provenance = provenance.extended(*columns)
        all_names = np.concatenate(self.names)
        of_source = {name for name in all_names if name is not None}
        taken = {label for label, _ in outputs} | of_source
        constants = set(self.constants.values())
        own: dict[int, set[str]] = {}
        for label, vertex in outputs:
            own.setdefault(vertex, set()).add(label)
        for wanted, vertex in names:
            if vertex in constants or all_names[vertex] is not None:
                continue
            if vertex in own:
                if wanted in own[vertex] and wanted not in of_source:
                    all_names[vertex] = wanted
                continue
            name, count = wanted, 1
            while name in taken:
                count += 1
                name = f"{wanted}_{count}"
            taken.add(name)
            all_names[vertex] = name
        return Circuit.assemble(
            RawColumns.joined(self.blocks),
            all_names,
            outputs,
            name=self.circuit.name,
            provenance=provenance,
            pass_name=pass_name,
        )
