"""The circuit: a frozen value with two encodings, columns and a networkx graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitgrad import exact
from circuitgrad.columns import (
    Columns,
    RawColumns,
    assemble,
    first_defect,
    infer_shapes,
)
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT, INPUT, GateType, gate_type
from circuitgrad.names import Names, is_identifier
from circuitgrad.provenance import Provenance
from circuitgrad.shapes import place_of, shape_at

if TYPE_CHECKING:
    import networkx as nx

    from circuitgrad.columns import Bools, Ints
    from circuitgrad.metrics import Stats

__all__ = ["Circuit"]


class Circuit:
    """An arithmetic circuit: a value, which no pass ever changes.

    Circuits come from `circuitgrad.read`, `parse`, `trace`, `Builder.finish`,
    `from_sympy`, `from_graph` and from passes; nobody calls this constructor by hand.

    Parameters
    ----------
    columns : Columns
        Vertices and wires, in the canonical order.
    names : Names
        The names of vertices that have one.
    outputs : sequence of (str, int)
        The outputs: a name and a vertex each.
    name : str, optional
        The circuit's own name.
    provenance : Provenance, optional
        What an emitted circuit knows of its source.

    Notes
    -----
    Two circuits are equal when they have the same inputs and outputs by name and the
    same gates in the same order; names of gates and provenance do not count.  For
    equality up to order, see `circuitgrad.isomorphic`.
    """

    def __init__(
        self,
        columns: Columns,
        names: Names,
        outputs: Sequence[tuple[str, int]],
        name: str | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        pairs = tuple(outputs)
        if any(type(pair) is not tuple or type(pair[1]) is not int for pair in pairs):
            pairs = tuple((label, int(vertex)) for label, vertex in pairs)
        self.__dict__.update(
            columns=columns,
            names=names,
            outputs=pairs,
            name=name,
            provenance=provenance,
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a circuit is a value: {name!r} cannot be set")

    columns: Columns
    names: Names
    outputs: tuple[tuple[str, int], ...]
    name: str | None
    provenance: Provenance | None

    # ------------------------------------------------------------------ contents

    @classmethod
    def assemble(
        cls,
        raw: RawColumns,
        names: Names,
        outputs: Sequence[tuple[str, int]],
        *,
        name: str | None = None,
        provenance: Provenance | None = None,
        pass_name: str = "",
        **changes: Any,
    ) -> Circuit:
        """Make a circuit from raw columns, in the canonical order.

        ``provenance`` is that of the raw vertices; ``pass_name`` is added to it where
        there is one.  ``changes`` are options of `circuitgrad.columns.assemble`.
        """
        named = names.vertices[raw.op[names.vertices] == CONSTANT]
        roots = np.array([vertex for _, vertex in outputs], dtype=np.int64)
        columns, place = assemble(raw, np.concatenate([roots, named]), **changes)
        return cls(
            columns,
            names.moved(place, len(columns)),  # a constant keeps its first name
            _paired((label for label, _ in outputs), place[roots]),
            name,
            provenance and provenance.moved(place, len(columns), *pass_name.split()),
        )

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in order; input ``i`` is vertex ``i``."""
        count = self.columns.inputs
        named = self.names.vertices[:count]
        if np.array_equal(named, np.arange(count)):
            return tuple(self.names.texts[:count].tolist())
        return tuple(self.names[v] or "" for v in range(count))

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return tuple(label for label, _ in self.outputs)

    @cached_property
    def output_vertices(self) -> Ints:
        """Vertices of the outputs, in order."""
        return np.array([vertex for _, vertex in self.outputs], dtype=np.int64)

    def outputs_at(self, place: Ints) -> list[tuple[str, int]]:
        """Give the outputs where each vertex is at another place."""
        return _paired(self.output_names, place[self.output_vertices])

    @cached_property
    def live(self) -> Bools:
        """Which vertices some output depends on."""
        return self.columns.live(self.output_vertices)

    @property
    def size(self) -> int:
        """Number of gates that some output depends on."""
        return int(np.count_nonzero(self.live & self.columns.is_gate))

    @property
    def depth(self) -> int:
        """Gates on the longest path from a source to an output."""
        return self.stats().depth

    def stats(self) -> Stats:
        """Count size, wires, depth, operations and more (`circuitgrad.metrics`)."""
        from circuitgrad.metrics import stats

        return stats(self)

    @cached_property
    def labels(self) -> list[str]:
        """A distinct name for every vertex, as circuit text writes it.

        A vertex without a name that is an output bears the output's name, where no
        vertex has it; other gates are called ``g1``, ``g2`` ... past the names that are
        taken; a constant without a name is its value.
        """
        columns = self.columns
        names: list[str | None] = self.names.tolist()
        taken = {label for label in names if label is not None}
        for label, vertex in self.outputs:
            if names[vertex] is None and label not in taken:
                names[vertex] = label
                taken.add(label)
        taken.update(self.output_names)
        count = 0
        for vertex in range(columns.inputs, len(columns)):
            if names[vertex] is None:
                if vertex < columns.sources:
                    value = exact.number(int(columns.params[vertex]))
                    names[vertex] = exact.format_number(value)
                    continue
                count += 1
                while f"g{count}" in taken:
                    count += 1
                names[vertex] = f"g{count}"
        return names  # type: ignore[return-value]

    def vertex(self, name: str) -> int:
        """Give the vertex of a name: an input, a gate (as written) or an output.

        Raises
        ------
        CircuitError
            If nothing has that name; the message lists some that do.
        """
        try:
            return self.vertices[name]
        except KeyError:
            names = (known for known in self.vertices if is_identifier(known))
            known = ", ".join(itertools.islice(names, 12))
            raise CircuitError(f"no vertex {name!r}; there are {known} ...") from None

    @cached_property
    def vertices(self) -> dict[str, int]:
        """The vertex of each name: labels, and after them names of outputs."""
        labels = {name: v for v, name in enumerate(self.labels)}
        return {**dict(self.outputs), **labels}

    def gate_type(self, vertex: int) -> GateType:
        """Give the record of a gate's type."""
        return gate_type(int(self.columns.op[vertex]))

    # ------------------------------------------------------------------ encodings

    @cached_property
    def graph(self) -> nx.MultiDiGraph[int]:
        """The frozen networkx DAG: vertices are nodes, wires are edges keyed by slot.

        Built on first use: about 1.3 kB and 10 microseconds a gate.
        """
        from circuitgrad.graph import encode

        return encode(self)

    @classmethod
    def from_graph(cls, graph: nx.MultiDiGraph[Any]) -> Circuit:
        """Make a circuit of a networkx DAG with the attributes that `graph` has.

        Raises
        ------
        FormatError
            If the graph is no circuit; the message names the node or edge.
        """
        from circuitgrad.graph import decode

        return decode(graph)

    # ------------------------------------------------------------------ derivation

    def cut(self, vertex: str | int) -> Circuit:
        """Give (C - z), Definition 2 of the notes: the vertex becomes an input.

        Parameters
        ----------
        vertex : str or int
            An input or a gate, by name or by number.

        Returns
        -------
        Circuit
            The circuit without the wires into the vertex, which is now its last input
            under its label; an input stays what it is.
        """
        at = self.vertex(vertex) if isinstance(vertex, str) else vertex
        if at < self.columns.inputs:
            return self
        if not self.columns.is_gate[at]:
            raise CircuitError("a constant cannot become an input")
        raw = RawColumns.of(self.columns)
        wires = self.columns.wires_of(at)
        raw.op, raw.params = raw.op.copy(), raw.params.copy()
        raw.op[at], raw.params[at] = INPUT, -1
        raw.offsets = raw.offsets.copy()
        raw.offsets[at + 1 :] -= len(wires)
        raw.operands = np.delete(raw.operands, wires)
        raw.weights = np.delete(raw.weights, wires)
        names = self.names.with_changes({at: self.labels[at]})
        return Circuit.assemble(
            raw,
            names,
            self.outputs,
            name=self.name,
            provenance=Provenance.of(self),
            pass_name="cut",
        )

    def with_constants(self, places: Iterable[int]) -> Circuit:
        """Give the same circuit with more constants, which no wire uses yet.

        Parameters
        ----------
        places : iterable of int
            Places of the numbers in the table of `circuitgrad.exact`.
        """
        columns = self.columns
        inputs, sources = columns.inputs, columns.sources
        here = columns.params[inputs:sources].tolist()
        added = sorted(set(places) - set(here))
        if not added:
            return self
        constants = sorted([*here, *added], key=exact.sort_key)
        vertex_of = {place: inputs + i for i, place in enumerate(constants)}
        count = len(columns) + len(added)
        place = np.arange(len(columns), dtype=np.int32)
        place[inputs:sources] = [vertex_of[each] for each in here]
        place[sources:] += len(added)
        places = np.array(constants, dtype=np.int32)
        params = [columns.params[:inputs], places, columns.params[sources:]]
        return Circuit(
            Columns(
                np.insert(columns.op, sources, [CONSTANT] * len(added)),
                np.insert(columns.offsets, sources, [0] * len(added)),
                place[columns.operands],
                columns.weights,
                np.concatenate(params),
                np.insert(columns.shapes, sources, [0] * len(added)),
            ),
            self.names.moved(place, count),
            self.outputs_at(place),
            self.name,
            Provenance.of(self).moved(place, count),
        )

    def uses_its_constants(self) -> bool:
        """Tell whether each constant is used by a wire, is an output or has a name."""
        columns = self.columns
        used = np.zeros(columns.sources, dtype=np.bool_)
        used[columns.operands[columns.operands < columns.sources]] = True
        outputs = self.output_vertices
        used[outputs[outputs < columns.sources]] = True
        named = self.names.vertices
        used[named[named < columns.sources]] = True
        return bool(used[columns.inputs :].all())

    def with_outputs(self, outputs: Iterable[tuple[str, int]]) -> Circuit:
        """Give the same vertices with other outputs.

        Raises
        ------
        CircuitError
            If a name is no identifier: programs and figures are written with them.
        """
        chosen = list(outputs)
        for name, _ in chosen:
            if not is_identifier(name):
                raise CircuitError(f"{name!r} is not an identifier")
        return Circuit(self.columns, self.names, chosen, self.name, self.provenance)

    # ------------------------------------------------------------------ checks

    def require_scalars(self, what: str) -> None:
        """See that there are no arrays, where only scalar gates are known.

        Raises
        ------
        CircuitError
            If there are; it says that the pass ``scalarize`` makes scalar gates.
        """
        if self.columns.shaped:
            raise CircuitError(
                f"{what} knows scalar gates alone; the pass scalarize makes them "
                "of arrays"
            )

    def verify(self) -> Circuit:
        """Check every invariant of a circuit, in time linear in wires; return it.

        Raises
        ------
        CircuitError
            If one does not hold; the message names the vertex.
        """
        columns = self.columns
        _require(len(self.names) == len(columns), "as many names as vertices")
        _require(bool((columns.fan_in >= 0).all()), "fan-ins of 0 or more")
        kinds = np.minimum(columns.op, CONSTANT + 1).astype(np.int8)
        _require(
            bool((np.diff(kinds) >= 0).all()), "inputs, then constants, then gates"
        )
        _require(int(columns.offsets[columns.sources]) == 0, "no wires into sources")
        _require(
            bool((columns.params[: columns.inputs] == -1).all()), "no values of inputs"
        )
        places = columns.params[columns.inputs : columns.sources].tolist()
        _require(all(place >= 0 for place in places), "a value for each constant")
        in_order = sorted(set(places), key=exact.sort_key)
        _require(places == in_order, "each constant once, in order")
        defect = first_defect(columns)
        if defect is not None:
            vertex, what = defect
            raise CircuitError(f"gate {self.labels[vertex]} has {what}")
        if columns.shaped:
            shapes = infer_shapes(
                *(columns.op, columns.offsets, columns.operands),
                *(columns.params, columns.shapes),
            )
            _require(np.array_equal(shapes, columns.shapes), "shapes that follow")
        self._verify_names()
        return self

    def _verify_names(self) -> None:
        assert self.names.verified
        _require(all(self.inputs), "a name for every input")
        named = [] if self.name is None else [self.name]
        for label in [*self.output_names, *named]:
            if not is_identifier(label):
                raise CircuitError(f"{label!r} is not an identifier")
        if not self.outputs:
            raise CircuitError("a circuit needs an output")
        if len(set(self.output_names)) != len(self.outputs):
            seen: set[str] = set()
            for label in self.output_names:
                if label in seen:
                    raise CircuitError(f"two outputs are named {label!r}")
                seen.add(label)
        inside = all(0 <= vertex < len(self.columns) for _, vertex in self.outputs)
        _require(inside, "outputs that are vertices")

    # ------------------------------------------------------------------ being a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Circuit):
            return NotImplemented
        a, b = self.columns, other.columns
        return (
            self.inputs == other.inputs
            and self.outputs == other.outputs
            and np.array_equal(a.op, b.op)
            and np.array_equal(a.offsets, b.offsets)
            and np.array_equal(a.operands, b.operands)
            and np.array_equal(a.weights, b.weights)
            and np.array_equal(a.params, b.params)
            and np.array_equal(a.shapes, b.shapes)
        )

    def __hash__(self) -> int:
        columns = self.columns
        return hash(
            (
                self.inputs,
                self.outputs,
                columns.op.tobytes(),
                columns.operands.tobytes(),
            )
        )

    def __reduce__(self) -> tuple[Callable[..., Circuit], tuple[Any, ...]]:
        # Places mean nothing in another process: carry the numbers and the shapes.
        columns = self.columns
        places = np.unique(np.concatenate([columns.weights, columns.params]))
        places = places[places >= 0]
        numbers: list[Any] = [exact.number(int(place)) for place in places]
        parts = (
            columns.op,
            columns.offsets,
            columns.operands,
            np.searchsorted(places, columns.weights),
            np.where(columns.params < 0, -1, np.searchsorted(places, columns.params)),
            [shape_at(place) for place in columns.shapes.tolist()]
            if columns.shaped
            else columns.shapes,
        )
        return _unpickle, (numbers, parts, self.names, self.outputs, self.name)

    # ------------------------------------------------------------------ being shown

    def __str__(self) -> str:
        from circuitgrad.formats.text import write_text

        return write_text(self)

    def __repr__(self) -> str:
        if len(self.columns) <= 200:
            return str(self).rstrip("\n")
        return f"<{self.summary()}>"

    def summary(self) -> str:
        """Describe the circuit in one line."""
        name = f"circuit {self.name}" if self.name else "circuit"
        return (
            f"{name}: {self.columns.inputs} inputs, {self.size} gates, "
            f"{len(self.outputs)} outputs"
        )

    def draw(self, path: str | None = None, **options: Any) -> Any:
        """Draw the circuit (`circuitgrad.figures.draw`)."""
        from circuitgrad.figures import draw

        return draw(self, path, **options)

    def show(self, **options: Any) -> None:
        """Print the circuit as a tree (`circuitgrad.figures.tree`)."""
        from circuitgrad.figures import tree

        print(tree(self, **options))

    def to_sympy(self) -> Any:
        """Give each output's sympy formula, by name (`circuitgrad.formats.sympy`)."""
        from circuitgrad.formats.sympy import to_sympy

        return to_sympy(self)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> dict[str, str]:
        from circuitgrad.figures import mimebundle

        return mimebundle(self)


def _paired(labels: Iterable[str], vertices: Ints) -> list[tuple[str, int]]:
    return list(zip(labels, vertices.tolist(), strict=True))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise CircuitError(f"not a circuit: it should have {what}")


def _unpickle(
    numbers: list[Any],
    parts: tuple[Any, ...],
    names: Names,
    outputs: Sequence[tuple[str, int]],
    name: str | None,
) -> Circuit:
    places = np.array([exact.intern(value) for value in numbers], dtype=np.int32)
    op, offsets, operands, weights, params, shapes = parts
    params = np.where(params < 0, -1, places[params]).astype(np.int32)
    if isinstance(shapes, list):
        shapes = np.array([*map(place_of, shapes)], dtype=np.int32)
    columns = Columns(op, offsets, operands, places[weights], params, shapes)
    return Circuit(columns, names, outputs, name)
