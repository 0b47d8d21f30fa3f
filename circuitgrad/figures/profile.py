"""Circuits too large to draw: a chart of how many gates each level has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad import loops
from circuitgrad.figures.caption import left_aligned, words
from circuitgrad.figures.elements import role_of
from circuitgrad.figures.extract import MAX_GATES
from circuitgrad.figures.legend import with_legend
from circuitgrad.figures.palette import ROLE_NAMES, ROLES
from circuitgrad.figures.scene import Node, Place, Scene
from circuitgrad.gates import gate_type

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["counts", "profile"]

#: Most bars: levels of deeper circuits share them.
MAX_BARS: Final = 40
#: Length of the longest bar, height of a bar, and from bar to bar, in points.
LONGEST, HEIGHT, STEP = 420.0, 10.0, 13.0
#: Gate types that are counted by name; the others are counted together.
MAX_TYPES: Final = 6


def counts(circuit: Circuit) -> tuple[int, dict[str, Any]]:
    """Count the gates that outputs depend on, by level and role.

    The level of a gate is the number of gates on the longest path that ends in it.

    Returns
    -------
    depth : int
    counts : dict of array
        For each role of `circuitgrad.figures.palette.ROLES` that is there, the number
        of gates of the levels 1, 2 ... depth.

    Notes
    -----
    Linear in wires, and in arrays: a million gates take a fraction of a second.
    """
    columns = circuit.columns
    gate = circuit.live & columns.is_gate
    level = np.zeros(len(columns), dtype=np.int64)
    loops.levels(columns.offsets, columns.operands, gate.astype(np.int64), level)
    level = level[gate]
    depth = int(level.max(initial=0))
    found = {}
    for role, mask in _roles(circuit, gate).items():
        of_level = np.bincount(level[mask], minlength=depth + 1)[1:]
        if of_level.any():
            found[role] = of_level
    return depth, found


def _roles(circuit: Circuit, gate: Any) -> dict[str, Any]:
    """Tell which of the gates have each role, in the order of a legend."""
    some = np.flatnonzero(gate)[:1].tolist()
    provenance = circuit.provenance
    if not some or provenance is None or role_of(circuit, some[0]) == "gate":
        return {"gate": np.ones(int(np.count_nonzero(gate)), dtype=np.bool_)}
    code = {name: number for number, name in ROLE_NAMES.items()}
    own = provenance.role[gate]
    return {role: own == code[role] for role in ROLES if role in code}


def profile(circuit: Circuit) -> Scene:
    """Chart how many gates each level has: sources at the bottom, roles as colours.

    Returns
    -------
    Scene
        Placed.  Keys are ``b``, the bar and the role's number, ``level`` and ``count``
        and the bar, ``title`` and a number.
    """
    depth, found = counts(circuit)
    width = max(1, -(-depth // MAX_BARS))  # levels of a bar
    starts = range(0, depth, width)
    bars = {
        role: np.add.reduceat(of_level, list(starts)).tolist()
        for role, of_level in found.items()
    }
    totals = [sum(each) for each in zip(*bars.values(), strict=True)]
    scale = LONGEST / max(totals, default=1)
    nodes: list[Node] = []
    for number, start in enumerate(starts):
        end, y, x = min(start + width, depth), number * STEP, 0.0
        which = f"{start + 1:,}" + (f" to {end:,}" if end > start + 1 else "")
        label = left_aligned(f"level{number}", words(which, 0.6), 0.0, y)
        shift = label.place.width + 8  # labels end at the bars
        nodes.append(replace(label, place=replace(label.place, x=-shift / 2 - 4)))
        for at, role in enumerate(bars):
            length = scale * bars[role][number]
            if length:
                place = Place(x + length / 2, y, length, HEIGHT)
                title = f"{bars[role][number]:,} of {totals[number]:,}: {ROLES[role]}"
                nodes.append(
                    Node(f"b{number}_{at}", (), role, "bar", place, title=title)
                )
            x += length
        text = words(f"{totals[number]:,}", 0.6)
        nodes.append(left_aligned(f"count{number}", text, x + 6, y))
    y = len(starts) * STEP + 8
    name = left_aligned("levels", words("level", 0.6), 0.0, y - 4)
    x = -name.place.width / 2 - 8
    nodes.append(replace(name, place=replace(name.place, x=x)))
    nodes.append(left_aligned("gates", words("gates", 0.6), 6.0, y - 4))
    lines = _lines(circuit, depth, sum(totals), width)
    for number, (line, size) in enumerate(reversed(lines)):
        y += 17
        nodes.append(left_aligned(f"title{number}", words(line, size), 0.0, y))
    scene = Scene.of(nodes, title=lines[0][0])
    return with_legend(scene) if len(bars) > 1 else scene


def _lines(
    circuit: Circuit, depth: int, gates: int, width: int
) -> list[tuple[str, float]]:
    columns, live = circuit.columns, circuit.live
    wires = int(np.count_nonzero(live[columns.consumer]))
    inputs = int(np.count_nonzero(live[: columns.inputs]))
    types = np.bincount(columns.op[live & columns.is_gate])
    order = sorted(np.flatnonzero(types).tolist(), key=lambda code: -types[code])
    named = [f"{gate_type(c).name} {types[c]:,}" for c in order[:MAX_TYPES]]
    others = int(types[order[MAX_TYPES:]].sum())
    more = [f"others {others:,}"] if others else []
    binned = f", {width:,} to a bar" if width > 1 else ""
    levels = f"{depth:,} level{'s' * (depth != 1)}{binned}"
    return [
        (
            f"a profile: {gates:,} gates in {levels}; "
            f"a figure has at most {MAX_GATES} gates",
            0.8,
        ),
        (f"{inputs:,} inputs, {wires:,} wires; {', '.join([*named, *more])}", 0.7),
    ]
