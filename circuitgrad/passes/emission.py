"""What a differentiating pass is asked for, and the circuit on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuitgrad import buffers
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Columns, Ints, RawColumns
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.limits import check_counts
from circuitgrad.names import Names, check_length
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
        LimitError
            If these are too many, or their names too long.
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
        elif wrt is None:
            chosen = list(zip(circuit.inputs, range(len(circuit.inputs)), strict=True))
        else:
            # inputs are looked up apart, or the labels of all gates would be made
            inputs = {name: v for v, name in enumerate(circuit.inputs)}
            chosen = [
                (name, inputs[name] if name in inputs else circuit.vertex(name))
                for name in dict.fromkeys(wrt)
            ]
            for name, vertex in chosen:
                if circuit.columns.op[vertex] == CONSTANT:
                    raise CircuitError(
                        f"{name!r} is a constant: nothing varies with it"
                    )
        if not chosen:
            raise CircuitError("nothing to differentiate by: there is no input")
        asked = list(dict.fromkeys(outputs if of is None else of))
        check_counts(0, len(asked) * len(chosen))
        longest = (max(names, key=len) for names in (asked, dict(chosen)))
        check_length("d{}_d{}".format(*longest))  # what is written can be read
        return cls(tuple((n, outputs[n]) for n in asked), tuple(chosen))

    @cached_property
    def of_vertices(self) -> Ints:
        """The output vertices."""
        return np.array([vertex for _, vertex in self.of], dtype=np.int64)

    @cached_property
    def wrt_vertices(self) -> Ints:
        """The vertices to differentiate by."""
        return np.array([vertex for _, vertex in self.wrt], dtype=np.int64)


Belonging = Callable[[], tuple[Ints, Ints, Ints, Ints]]


class Emission:
    """An emitted circuit on its way: the source's columns, with room for more.

    The arrays are longer than what is in them: ``count`` vertices and ``wires`` wires.
    Passes write past those and `advance`.

    Parameters
    ----------
    circuit : Circuit
    constants : iterable of int
        Places of the numbers that will be needed: where all of them are used, what was
        written is in the canonical order as it stands.
    """

    def __init__(self, circuit: Circuit, constants: Iterable[int]) -> None:
        self.circuit = circuit.with_constants(constants)
        columns = self.circuit.columns
        self.count, self.wires = len(columns), columns.wires
        self.op, self.offsets, self.params = columns.op, columns.offsets, columns.params
        self.operands, self.weights = columns.operands, columns.weights
        self.belonging: list[Belonging] = []
        self.names: dict[int, str] = {}
        self.shapes: dict[int, int] = {}  # of inputs that were appended
        places = columns.params[columns.inputs : columns.sources].tolist()
        self.constants = {p: v for v, p in enumerate(places, columns.inputs)}
        self.canonical = True

    def reserve(self, vertices: int, wires: int) -> None:
        """Make room for more vertices and wires; memory that is not used costs none."""
        if self.count + vertices > len(self.op) or self.op is self.circuit.columns.op:
            room = self.count + vertices + (self.count + vertices) // 2
            self.op = _grown(self.op, self.count, room)
            self.params = _grown(self.params, self.count, room)
            self.offsets = _grown(self.offsets, self.count + 1, room + 1)
        if (
            self.wires + wires > len(self.operands)
            or self.operands is self.circuit.columns.operands
        ):
            room = self.wires + wires + (self.wires + wires) // 2
            self.operands = _grown(self.operands, self.wires, room)
            self.weights = _grown(self.weights, self.wires, room)

    def advance(self, vertices: int, wires: int, belonging: Belonging) -> None:
        """Take in what was written; ``belonging`` gives the parts of `Roles`."""
        self.count += vertices
        self.wires += wires
        check_counts(self.count, 0)
        self.belonging.append(belonging)

    def append(self, raw: RawColumns, belonging: Belonging) -> None:
        """Append the vertices of ``raw`` that are not here yet."""
        start, wire = self.count, self.wires
        vertices, wires = len(raw.op) - start, len(raw.operands) - wire
        self.reserve(vertices, wires)
        self.op[start : start + vertices] = raw.op[start:]
        self.params[start : start + vertices] = raw.params[start:]
        self.offsets[start + 1 : start + vertices + 1] = raw.offsets[start + 1 :]
        self.operands[wire : wire + wires] = raw.operands[wire:]
        self.weights[wire : wire + wires] = raw.weights[wire:]
        added = np.flatnonzero(raw.op[start:] == INPUT) + start
        self.shapes |= {v: int(raw.shapes[v]) for v in added.tolist()}
        self.advance(vertices, wires, belonging)
        self.canonical = False

    def source(self, op: int, param: int) -> int:
        """Add an input (to be named by the caller) or a constant; give its vertex."""
        self.reserve(1, 0)
        vertex = self.count
        self.op[vertex], self.params[vertex] = op, param
        self.offsets[vertex + 1] = self.wires
        none = np.array([-1], dtype=np.int32)
        self.advance(1, 0, lambda: (np.zeros(1, dtype=np.uint8), none, none, none))
        self.canonical = False
        return vertex

    def constant(self, place: int) -> int:
        """Give the vertex of a constant."""
        if place not in self.constants:
            self.constants[place] = self.source(CONSTANT, place)
        return self.constants[place]

    def raw(self) -> RawColumns:
        """Give what was written so far."""
        shapes = np.zeros(self.count, dtype=np.int32)
        shapes[: len(self.circuit.columns)] = self.circuit.columns.shapes
        shapes[list(self.shapes)] = list(self.shapes.values())
        return RawColumns(
            self.op[: self.count],
            self.offsets[: self.count + 1],
            self.operands[: self.wires],
            self.weights[: self.wires],
            self.params[: self.count],
            shapes,
        )

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
        if len({name for name, _ in outputs}) < len(outputs):
            counts = Counter(name for name, _ in outputs)
            twice = [name for name, count in counts.items() if count > 1]
            raise CircuitError(
                f"two outputs would be named {twice[0]!r}: an output of the circuit, "
                "or another derivative; choose others, or leave the values out"
            )
        raw = self.raw()
        all_names = self._named(outputs, names)
        provenance = Provenance.of(self.circuit)
        if self.belonging:
            provenance = provenance.extended(_joined(self.belonging))
        if self.canonical:
            made = Circuit(
                Columns(**vars(raw)),
                all_names,
                outputs,
                self.circuit.name,
                provenance.take(None, pass_name),
            )
            if made.uses_its_constants():
                return made
        return Circuit.assemble(
            raw,
            all_names,
            outputs,
            name=self.circuit.name,
            provenance=provenance,
            pass_name=pass_name,
        )

    def _named(
        self, outputs: Sequence[tuple[str, int]], names: Sequence[tuple[str, int]]
    ) -> Names:
        """Give the source's names and the new ones; `finish` says which those are."""
        source = self.circuit.names
        found = dict(self.names)
        if names:
            last = len(self.circuit.columns)
            taken = {*source.distinct, *(label for label, _ in outputs)}
            constants = set(self.constants.values())
            pairs, own = set(outputs), {vertex for _, vertex in outputs}
            # Most are the names of outputs that are new vertices, each of another.
            usual = pairs.intersection(names)
            direct = {vertex: wanted for wanted, vertex in usual}
            if (
                len(direct) == len(usual)
                and min(direct, default=last) >= last
                and direct.keys().isdisjoint((*constants, *found))
                and source.distinct.isdisjoint(direct.values())
            ):
                found |= direct
                names = [pair for pair in names if pair not in usual]
            for pair in names:
                wanted, vertex = pair
                if vertex in constants or vertex in found:
                    continue
                if vertex < last and source[vertex] is not None:
                    continue
                if vertex in own:
                    if pair in pairs and wanted not in source:
                        found[vertex] = wanted
                    continue
                name, count = wanted, 1
                while name in taken:
                    count += 1
                    name = f"{wanted}_{count}"
                taken.add(name)
                found[vertex] = name
        return source.with_changes(found, self.count)


def _grown(array: Ints, count: int, room: int) -> Ints:
    grown: Ints = buffers.empty(room, array.dtype)
    grown[:count] = array[:count]
    return grown


def _joined(parts: list[Belonging]) -> Belonging:
    """Put what belongs to several blocks of vertices together."""

    def join() -> tuple[Ints, Ints, Ints, Ints]:
        roles, vertices, slots, others = zip(*(part() for part in parts), strict=True)
        return (
            np.concatenate(roles),
            np.concatenate(vertices),
            np.concatenate(slots),
            np.concatenate(others),
        )

    return join
