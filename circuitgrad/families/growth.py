"""How circuits grow: C, and what computes or approximates its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from circuitgrad import loops
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, LimitError
from circuitgrad.passes import run

__all__ = ["ALGORITHMS", "MEASURES", "Counts", "Growth", "Sized", "grow"]

#: What is counted, and of which circuits; a gradient is the literal output of its mode.
MEASURES: Final = ("size", "ops", "depth")
ALGORITHMS: Final = ("C", "BP", "FP", "differences")

#: Wires of the largest C, and of the largest output of forward propagation, that are
#: emitted; inputs times wires bounds the latter.
MAX_WIRES: Final = 500_000
MAX_FORWARD: Final = 5_000_000


@dataclass(frozen=True)
class Counts:
    """The counts of one circuit; wires are those that an output depends on."""

    size: int
    ops: int
    depth: int
    wires: int = 0


@dataclass(frozen=True)
class Sized:
    """What was counted at one size: ``counts`` by algorithm, as far as they go.

    ``inputs`` are those of C; the bounds of the literature are in them, and in wires
    and gates, whatever the size of the family means.
    """

    n: int
    inputs: int
    counts: dict[str, Counts]


@dataclass(frozen=True)
class Growth:
    """How the circuits of a family grow.

    Attributes
    ----------
    family : str
    rows : list of Sized
        By size.
    notes : list of str
        What was left out, and why.
    """

    family: str
    rows: list[Sized]
    notes: list[str] = field(default_factory=list)

    def points(self, measure: str, algorithm: str) -> list[tuple[int, int]]:
        """Give sizes and counts, those of nothing left out: they have no logarithm."""
        pairs = (
            (row.n, getattr(row.counts[algorithm], measure))
            for row in self.rows
            if algorithm in row.counts
        )
        return [(n, count) for n, count in pairs if count]

    def exponent(self, measure: str, algorithm: str) -> float | None:
        """Give the slope of a count against the size, both as logarithms.

        By least squares over the upper half of the sizes, where terms of lower order
        count less; None where fewer than two are left.
        """
        return slope(self.points(measure, algorithm))

    def table(self, measure: str) -> tuple[list[str], list[list[str]]]:
        """Give the header and the rows of a table; the last row has the exponents."""
        header = [measure, "inputs", *ALGORITHMS]
        rows = [
            [f"n = {row.n}", str(row.inputs)]
            + [_shown(row.counts.get(name), measure) for name in ALGORITHMS]
            for row in self.rows
        ]
        slopes = [slope([(row.n, row.inputs) for row in self.rows])]
        slopes += [self.exponent(measure, name) for name in ALGORITHMS]
        return header, [*rows, ["exponent", *map(_power, slopes)]]

    def sentences(self) -> list[str]:
        """Say what the sizes are of the notes' bounds, at the largest size of each."""
        forms = {
            "BP": "{:.2f} (n + s + w), for one output the notes' O(n + s + w)",
            "FP": "{:.2f} n (s + w), the notes' O(n (s + w))",
            "differences": "{:.2f} n (s + w), the notes' O(n s)",
        }
        lines = ["With n the number of inputs, and s gates and w wires of C:"]
        for name, factor in self.bounds().items():
            if math.isnan(factor):  # no gates at all
                continue
            last = [row.n for row in self.rows if name in row.counts][-1]
            text = forms[name].format(factor)
            lines.append(f"  {name} has {text}, at {self.family} -n {last}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Give all counts and exponents as data."""
        return {
            "family": self.family,
            "sizes": [
                {
                    "n": row.n,
                    "inputs": row.inputs,
                    **{name: asdict(counts) for name, counts in row.counts.items()},
                }
                for row in self.rows
            ],
            "exponents": {
                measure: {name: self.exponent(measure, name) for name in ALGORITHMS}
                for measure in MEASURES
            },
            "bounds": self.bounds(),
            "notes": self.notes,
        }

    def bounds(self) -> dict[str, float]:
        """Divide sizes by what the notes' bounds have, at the largest size of each.

        Theta(n (s + w)) for forward propagation, O(n + s + w) for backpropagation,
        where n is the number of inputs, s and w are gates and wires of C.
        """
        found: dict[str, float] = {}
        for name in ALGORITHMS[1:]:
            for row in self.rows:
                if name in row.counts:
                    c, size = row.counts["C"], row.counts[name].size
                    n, gates = row.inputs, c.size + c.wires
                    below = n + gates if name == "BP" else n * gates
                    found[name] = size / below if below else math.nan
        return found


def _shown(counts: Counts | None, measure: str) -> str:
    return "-" if counts is None else str(getattr(counts, measure))


def _power(exponent: float | None) -> str:
    return "-" if exponent is None else f"{exponent:.2f}"


def slope(points: Sequence[tuple[int, int]]) -> float | None:
    """Fit a power to the upper half of some points, by least squares of logarithms."""
    half = points[len(points) // 2 :] if len(points) > 2 else points
    if len(half) < 2:
        return None
    xs = [math.log(x) for x, _ in half]
    ys = [math.log(y) for _, y in half]
    x, y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    above = math.fsum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    # Nine digits are more than a fit has; and no -0.0 of rounding is left.
    return round(above / math.fsum((a - x) ** 2 for a in xs), 9) + 0.0


def grow(name: str, make: Callable[[int], Circuit], sizes: Iterable[int]) -> Growth:
    """Count the circuits of a family, and the literal output of each algorithm.

    Parameters
    ----------
    name : str
    make : callable
        Gives the circuit of a size.
    sizes : iterable of int

    Returns
    -------
    Growth
        Sizes that the family does not have are left out, and those from the first whose
        circuit is too large; forward propagation where its output would be.

    Notes
    -----
    Finite differences are counted and not emitted: they are whole copies.
    """
    rows: list[Sized] = []
    notes: list[str] = []
    too_large: list[int] = []
    for n in sorted(set(sizes)):
        try:
            circuit = run(make(n), "dce")
        except LimitError as error:
            notes.append(f"left out from n = {n}: {error}")
            break
        except CircuitError as error:
            notes.append(f"left out: n = {n}: {error}")
            continue
        c, inputs = _counts(circuit), len(circuit.inputs)
        if c.wires > MAX_WIRES:
            notes.append(
                f"left out from n = {n}: C has {c.wires:,} wires; "
                f"at most {MAX_WIRES:,} are counted (the limit)"
            )
            break
        found = {"C": c, "BP": _counts(run(circuit, "bp,dce"))}
        if inputs * c.wires <= MAX_FORWARD:
            found["FP"] = _counts(run(circuit, "fp,dce"))
        else:
            too_large.append(n)
        found["differences"] = differences(circuit)
        rows.append(Sized(n, inputs, found))
    if too_large:
        notes.append(
            f"FP left out from n = {too_large[0]}: inputs times wires are more than "
            f"{MAX_FORWARD:,} (the limit)"
        )
    return Growth(name, rows, notes)


def _counts(circuit: Circuit) -> Counts:
    stats = circuit.stats()
    return Counts(stats.size, stats.ops, stats.depth, stats.wires)


def differences(circuit: Circuit) -> Counts:
    """Count what ``fd`` emits for a circuit, without emitting it; linear in wires.

    n + 1 copies of C, a sum to shift each input that is used, and a difference and a
    division for each quotient, which cost nothing where the output is a constant.
    """
    columns, live, c = circuit.columns, circuit.live, _counts(circuit)
    n, outputs = columns.inputs, circuit.output_vertices
    used = int(np.count_nonzero(live[:n]))
    varying = int(np.count_nonzero(columns.varies[outputs]))
    # Every input is shifted in a copy, so paths from inputs are longer by one gate.
    step = (columns.is_gate & live).astype(np.int64)
    step[:n] = 1
    level = np.zeros(len(columns), dtype=np.int64)
    loops.levels(columns.offsets, columns.operands, step, level)
    return Counts(
        size=(n + 1) * c.size + used + 2 * n * len(outputs),
        ops=(n + 1) * c.ops + used + 2 * n * varying,
        depth=int(level[outputs].max()) + 2,
        wires=(n + 1) * c.wires + 2 * used + 3 * n * len(outputs),
    )
