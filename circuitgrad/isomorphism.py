"""Comparing circuits up to names and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from circuitgrad.columns import trait_table
from circuitgrad.gates import INPUT

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["difference", "isomorphic"]

_Colors = list[int]


def isomorphic(a: Circuit, b: Circuit) -> bool:
    """Tell whether two circuits are the same up to names and order.

    The order of lines, of inputs and outputs, and of the operands of commutative gates
    does not count; neither do names of gates.  Inputs and outputs correspond by name
    where both circuits have the same names, and by position otherwise.  Gates that no
    output depends on are left out.  Two equal gates are not one gate: sharing counts.

    Notes
    -----
    Colour refinement over wires in both directions; where equal gates leave colours
    that are not discrete, one vertex after the other is told apart and refined again.
    Expected O(wires log wires) for circuits without many equal gates.

    References
    ----------
    B. McKay and A. Piperno, "Practical graph isomorphism II", 2014.
    """
    return difference(a, b) is None


def difference(a: Circuit, b: Circuit) -> str | None:
    """Give the first difference that makes two circuits not isomorphic, in words."""
    for what, count in (
        ("inputs", lambda c: len(c.inputs)),
        ("outputs", lambda c: len(c.outputs)),
        ("gates", lambda c: c.size),
    ):
        if count(a) != count(b):
            return f"{count(a)} {what} against {count(b)}"
    sides = [_Side(a, b), _Side(b, a)]
    palette: dict[Any, int] = {}
    colors = [side.from_below(palette) for side in sides]
    for label in sides[0].output_keys:
        vertices = [side.output_keys.get(label, -1) for side in sides]
        if vertices[1] < 0:
            return f"an output {label!r} against none"
        if colors[0][vertices[0]] != colors[1][vertices[1]]:
            return f"the outputs {label!r} compute by different gates"
    return None if _match(sides, colors) else "gates are shared differently"


class _Side:
    """One of two circuits that are compared, as lists."""

    def __init__(self, circuit: Circuit, other: Circuit) -> None:
        columns = circuit.columns
        self.live = circuit.live.tolist()
        self.op, self.params = columns.op.tolist(), columns.params.tolist()
        self.shapes = columns.shapes.tolist()
        commutative = trait_table("commutative").tolist()
        self.wires: list[list[tuple[int, int, int]]] = []  # operand, slot or 0, weight
        for vertex, code in enumerate(self.op):
            pairs = zip(
                columns.operands_of(vertex), columns.weights_of(vertex), strict=True
            )
            self.wires.append(
                [
                    (u, 0 if commutative[code] else slot, w)
                    for slot, (u, w) in enumerate(pairs)
                ]
            )
        self.users: list[list[tuple[int, int, int]]] = [[] for _ in self.op]
        for vertex, wires in enumerate(self.wires):
            if self.live[vertex]:
                for operand, slot, weight in wires:
                    self.users[operand].append((vertex, slot, weight))
        by_name = set(circuit.inputs) == set(other.inputs)
        self.input_keys = circuit.inputs if by_name else tuple(range(columns.inputs))
        by_name = set(circuit.output_names) == set(other.output_names)
        outputs = circuit.outputs
        self.output_keys: dict[Any, int] = {
            (label if by_name else i): vertex
            for i, (label, vertex) in enumerate(outputs)
        }
        self.outputs_of: dict[int, list[str]] = {}
        for key, vertex in self.output_keys.items():
            self.outputs_of.setdefault(vertex, []).append(repr(key))

    def from_below(self, palette: dict[Any, int]) -> _Colors:
        """Colour each vertex by the formula it computes; -1 where it is dead."""
        colors: _Colors = []
        for vertex, code in enumerate(self.op):
            if not self.live[vertex] and code != INPUT:
                colors.append(-1)
                continue
            key: Any
            if code == INPUT:
                key = ("input", self.input_keys[vertex], self.shapes[vertex])
            else:
                key = (
                    code,
                    self.params[vertex],
                    tuple(
                        sorted(
                            (colors[u], slot, w) for u, slot, w in self.wires[vertex]
                        )
                    ),
                )
            colors.append(palette.setdefault(key, len(palette)))
        return colors

    def refine(self, colors: _Colors, palette: dict[Any, int]) -> _Colors:
        """Colour each vertex by its colour and those of its operands and users."""
        found = []
        for vertex, color in enumerate(colors):
            if color < 0:
                found.append(-1)
                continue
            key = (
                color,
                tuple(sorted((colors[u], s, w) for u, s, w in self.users[vertex])),
                tuple(sorted((colors[u], s, w) for u, s, w in self.wires[vertex])),
                tuple(sorted(self.outputs_of.get(vertex, ()))),
            )
            found.append(palette.setdefault(key, len(palette)))
        return found


def _stable(sides: list[_Side], colors: list[_Colors]) -> list[_Colors] | None:
    """Refine until no class splits; None where the two sides come apart."""
    while True:
        palette: dict[Any, int] = {}
        finer = [side.refine(c, palette) for side, c in zip(sides, colors, strict=True)]
        counts = [Counter(c) for c in finer]
        counts[0].pop(-1, None)
        counts[1].pop(-1, None)
        if counts[0] != counts[1]:
            return None
        if len(counts[0]) == len(set(colors[0]) - {-1}):
            return finer
        colors = finer


def _match(sides: list[_Side], colors: list[_Colors]) -> bool:
    """Search for an isomorphism: refine, tell one vertex apart, refine, backtrack."""
    stack = [iter([colors])]
    while stack:
        tried = next(stack[-1], None)
        if tried is None:
            stack.pop()
            continue
        stable = _stable(sides, tried)
        if stable is None:
            continue
        classes: dict[int, list[int]] = {}
        for vertex, color in enumerate(stable[0]):
            if color >= 0 and sides[0].live[vertex]:
                classes.setdefault(color, []).append(vertex)
        shared = next((vs for vs in classes.values() if len(vs) > 1), None)
        if shared is None:
            return True
        stack.append(_told_apart(stable, shared[0]))
    return False


def _told_apart(stable: list[_Colors], chosen: int) -> Iterator[list[_Colors]]:
    """Pair a vertex of the first side with each of its colour on the second."""
    color, fresh = stable[0][chosen], len(stable[0]) + len(stable[1]) + 1
    left = list(stable[0])
    left[chosen] = fresh
    for candidate in [v for v, c in enumerate(stable[1]) if c == color]:
        right = list(stable[1])
        right[candidate] = fresh
        yield [left, right]
