"""What is drawn of a circuit: all of it, one output's gates, or those near outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from circuitgrad.circuit import Circuit
from circuitgrad.columns import Columns, starts_of
from circuitgrad.errors import CircuitError, LimitError
from circuitgrad.figures.caption import with_caption
from circuitgrad.gates import CONSTANT, INPUT
from circuitgrad.names import Names
from circuitgrad.passes import run

if TYPE_CHECKING:
    from circuitgrad.figures.scene import Scene

__all__ = [
    "MAX_GATES",
    "MAX_WIRES",
    "Part",
    "alone",
    "check_size",
    "fits",
    "nearest",
    "one_output",
    "part",
]

#: More gates than this are not laid out: nobody reads them.
MAX_GATES: Final = 500
#: Nor more wires and sources than this.
MAX_WIRES: Final = 2_000


def one_output(circuit: Circuit, of: str | None) -> Circuit:
    """Give the circuit with one of its outputs alone, or as it is.

    Raises
    ------
    CircuitError
        If there is no such output.
    """
    if of is None:
        return circuit
    chosen = [pair for pair in circuit.outputs if pair[0] == of]
    if not chosen:
        known = ", ".join(circuit.output_names[:12])
        more = " ..." if len(circuit.outputs) > 12 else ""
        raise CircuitError(f"no output {of!r}; there are: {known}{more}")
    return circuit.with_outputs(chosen)


def alone(circuit: Circuit, of: str | None) -> Circuit:
    """Give the circuit of one output and nothing else, as a source of its own."""
    if of is None:
        if len(circuit.outputs) != 1:
            names = ", ".join(circuit.output_names)
            raise CircuitError(f"several outputs, {names}: say which with of= (--of)")
        (of,) = circuit.output_names
    cone = run(one_output(circuit, of), "dce")
    return Circuit(cone.columns, cone.names, cone.outputs, cone.name)


def fits(circuit: Circuit, inputs: int) -> bool:
    """Tell whether a circuit, and as many inputs, can be laid out: linear in wires."""
    columns, live = circuit.columns, circuit.live
    wires = int(np.count_nonzero(live[columns.consumer]))
    return circuit.size <= MAX_GATES and wires + inputs <= MAX_WIRES


@dataclass(frozen=True)
class Part:
    """Some vertices of a circuit as a circuit of their own.

    Attributes
    ----------
    circuit : Circuit
        Gates that are cut off are inputs of it, after its own.
    vertices : list of int
        What each of its vertices is in the whole circuit.
    cut : int
        The number of gates that are cut off.
    whole : Circuit
    """

    circuit: Circuit
    vertices: list[int]
    cut: int
    whole: Circuit

    def marked(self, scene: Scene) -> Scene:
        """Give the nodes of the part's scene their names in the whole.

        Gates that are cut off are dashed; this comes before places, as such stand near
        their users.
        """
        labels, own, nodes = self.whole.labels, self.circuit.labels, dict(scene.nodes)
        first = self.circuit.columns.inputs - self.cut
        for place, vertex in enumerate(self.vertices):
            node = nodes[f"n{place}"]
            title = labels[vertex] + node.title.removeprefix(own[place])
            dashed = first <= place < first + self.cut
            nodes[node.key] = replace(node, title=title, dashed=dashed)
        return replace(scene, nodes=nodes)

    def captioned(self, scene: Scene, near: int | None) -> Scene:
        """Say below the placed scene what it leaves out."""
        columns = self.whole.columns
        gates, total = self.circuit.size, len(columns) - columns.sources
        if gates == total:
            return scene
        which = (
            "those that the output depends on"
            if near is None
            else f"those at most {near} wire{'s' * (near > 1)} from an output"
        )
        more = "; dashed: gates that are not drawn" if self.cut else ""
        return with_caption(scene, [f"{gates:,} of {total:,} gates: {which}{more}"])


def check_size(circuit: Circuit) -> None:
    """Refuse what is too large to be laid out, where nothing else is drawn instead.

    Raises
    ------
    LimitError
        If it has more than 500 gates, or than 2,000 wires and inputs.
    """
    if not fits(circuit, circuit.columns.inputs):
        raise LimitError(
            f"{circuit.size:,} gates: a figure has at most {MAX_GATES} gates, "
            f"{MAX_WIRES:,} wires and inputs (the limit); draw the gradient circuit "
            "itself: what is too large is drawn as a profile"
        )


def part(circuit: Circuit, near: int | None = None) -> Part | None:
    """Take what the outputs depend on, or the gates near them, out of a circuit.

    Parameters
    ----------
    circuit : Circuit
    near : int, optional
        Gates that are at most so many wires from an output, whose arrow is one, are
        taken with all their wires; those that these wires come from are cut off.

    Returns
    -------
    Part or None
        None where it is too large to be laid out.
    """
    if near is None:
        if not fits(circuit, 0):
            return None
        live = np.flatnonzero(circuit.live)
        first = int(np.searchsorted(live, circuit.columns.sources))
        found = _extracted(circuit, live[first:].tolist())
    else:
        if near < 1:
            raise CircuitError(f"near is the number of wires, 1 or more, not {near}")
        gates: list[int] = []
        for distance, ring in enumerate(_rings(circuit), 1):
            if distance > near:
                break
            gates += ring
            if not _room_for(circuit.columns, gates):
                return None
        found = _extracted(circuit, sorted(gates))
    sources = found.circuit.columns.sources
    return found if found.circuit.columns.wires + sources <= MAX_WIRES else None


def nearest(circuit: Circuit) -> int:
    """Give the largest ``near`` that can be laid out; 0 where none can."""
    gates: list[int] = []
    distance = 0
    for ring in _rings(circuit):
        gates += ring
        if not ring or not _room_for(circuit.columns, gates):
            break
        distance += 1
    while distance and part(circuit, distance) is None:  # sources were not counted
        distance -= 1
    return distance


def _rings(circuit: Circuit) -> Iterator[list[int]]:
    """Give the gates one wire from an output, two wires, and so on."""
    columns, seen = circuit.columns, set[int]()
    ring = [int(v) for v in np.unique(circuit.output_vertices)]
    while ring:
        ring = [v for v in ring if v >= columns.sources]
        seen.update(ring)
        yield ring
        below = dict.fromkeys(u for v in ring for u in columns.operands_of(v))
        ring = [u for u in below if u not in seen]


def _room_for(columns: Columns, gates: list[int]) -> bool:
    wires = int(columns.fan_in[gates].sum()) if gates else 0
    return len(gates) <= MAX_GATES and wires <= MAX_WIRES


def _extracted(circuit: Circuit, gates: list[int]) -> Part:
    """Make a circuit of gates, ascending, and of what their wires come from."""
    columns = circuit.columns
    roots = circuit.output_vertices.tolist()
    used = {*roots, *(u for v in gates for u in columns.operands_of(v))}
    below = sorted(used.difference(gates))
    inputs = [v for v in below if columns.op[v] == INPUT]
    cut = [v for v in below if columns.op[v] > CONSTANT]
    constants = [v for v in below if columns.op[v] == CONSTANT]
    kept = [*inputs, *cut, *constants, *gates]
    place = {v: at for at, v in enumerate(kept)}
    op, params = columns.op[kept].copy(), columns.params[kept].copy()
    op[len(inputs) : len(inputs) + len(cut)] = INPUT
    params[len(inputs) : len(inputs) + len(cut)] = -1
    wires = [wire for v in gates for wire in columns.wires_of(v)]
    fan_in = columns.fan_in[kept].copy()
    fan_in[: len(kept) - len(gates)] = 0
    operands = np.array([place[int(u)] for u in columns.operands[wires]], np.int32)
    taken = Columns(
        op, starts_of(fan_in), operands, columns.weights[wires], params,
        columns.shapes[kept],
    )  # fmt: skip
    names = {at: name for v, at in place.items() if (name := circuit.names[v])}
    if cut:
        names.update((place[v], circuit.labels[v]) for v in cut)
    whole, provenance = circuit, circuit.provenance
    small = Circuit(
        taken,
        Names.of(len(kept), names),
        [(name, place[v]) for name, v in circuit.outputs],
        circuit.name,
        provenance and provenance.take(np.array(kept, dtype=np.int64)),
    )
    return Part(small, kept, len(cut), whole)
