"""Cutting a long program into parts that share a workspace.

Compilers take longer than linear time for one function: a thousand gates a function
keep them near it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from circuitgrad.formats.printing import Program, Step

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Part", "cut"]

#: Gates and wires that one function has.
MAX_GATES: Final = 1_000
MAX_WIRES: Final = 10_000


@dataclass
class Part:
    """What one function computes: gates that follow each other.

    Attributes
    ----------
    steps : list of Step
    loads, stores : list of (int, int)
        Vertices that other parts compute or use, and their places in the workspace.
    """

    steps: list[Step]
    loads: list[tuple[int, int]] = field(default_factory=list)
    stores: list[tuple[int, int]] = field(default_factory=list)


def cut(circuit: Circuit, program: Program) -> tuple[list[Part], int]:
    """Cut the gates into parts, and give what crosses a cut a place in the workspace.

    A place is free again when the last part that loads its value has begun: parts load
    before they store.  Returns the parts and the size of the workspace.
    """
    columns = circuit.columns
    parts = [Part([])]
    wires = 0
    of = np.full(len(columns), -1, dtype=np.int64)
    for step in program.steps:
        fan_in = int(columns.fan_in[step.vertex])
        if len(parts[-1].steps) >= MAX_GATES or wires + fan_in > MAX_WIRES:
            if parts[-1].steps:
                parts.append(Part([]))
            wires = 0
        parts[-1].steps.append(step)
        of[step.vertex] = len(parts) - 1
        wires += fan_in

    reader = of[columns.consumer]  # -1 for a gate that no output depends on
    crossing = (reader > of[columns.operands]) & (of[columns.operands] >= 0)
    pairs = np.unique(
        np.stack([reader[crossing], columns.operands[crossing]], axis=1), axis=0
    )
    last = np.full(len(columns), -1, dtype=np.int64)
    np.maximum.at(last, pairs[:, 1], pairs[:, 0])
    place: dict[int, int] = {}
    free: list[int] = []
    room = 0
    waiting = pairs.tolist()[::-1]
    for number, part in enumerate(parts):
        while waiting and waiting[-1][0] == number:
            vertex = waiting.pop()[1]
            part.loads.append((vertex, place[vertex]))
            if last[vertex] == number:
                free.append(place[vertex])
        for step in part.steps:
            if last[step.vertex] >= 0:
                if not free:
                    free.append(room)
                    room += 1
                place[step.vertex] = free.pop()
                part.stores.append((step.vertex, place[step.vertex]))
    return parts, room
