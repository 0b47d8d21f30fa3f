"""How small the program of a function and its gradient is, ours beside other tools'.

One table: the scalar operations of the program that outputs f and all its partial
derivatives, every program counted by `circuitgrad.stats`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from peers import PEERS, UnreadableError, gradient_function, options

import circuitgrad as cg
from circuitgrad.errors import CircuitgradError, LimitError
from circuitgrad.tables import show

OURS = "circuitgrad"
DATA = Path(__file__).parents[2] / "shared" / "data"
SIZE = ("symmetric2", "product", "rosenbrock", "helmholtz", "determinant", "network")
#: Where points are drawn: most formulas are defined in one of these.
RANGES = ((1.0, 3.0), (0.1, 0.9), (-0.9, 0.9), (1.0, 9.0))
ATTEMPTS = 200
TOLERANCE = 1e-9

Figures = dict[str, int]


@dataclass
class Row:
    """A line of the table: the figures of one file, or of several together."""

    name: str
    written: int = 0
    figures: dict[str, Figures] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    wrong: bool = False


def figures(circuit: cg.Circuit) -> Figures:
    """Count a program; every program is counted here."""
    stats = circuit.stats()
    return {
        "ops": stats.ops,
        "size": stats.size,
        "depth": stats.depth,
        "depth2": cg.run(circuit, "binarize").depth,
        "nonscalar": stats.nonscalar,
    }


def total(parts: list[Figures]) -> Figures:
    """Add up the figures of several files; a depth is the largest."""
    return {
        key: (max if key.startswith("depth") else sum)(part[key] for part in parts)
        for key in parts[0]
    }


def difference(ours: cg.Circuit, theirs: cg.Circuit) -> str | None:
    """Say where two programs differ at a random point, None where they agree.

    The point is the first at which all our values are finite; the same in every run.
    """
    source = random.Random(0)
    for attempt in range(ATTEMPTS):
        low, high = RANGES[attempt % len(RANGES)]
        point = {name: source.uniform(low, high) for name in ours.inputs}
        expected = cg.evaluate(ours, point)
        if all(map(math.isfinite, expected.values())):
            break
    else:
        return "not compared: no point with finite values found"
    found = cg.evaluate(theirs, point)
    rounding = 1e-13 * max(map(abs, expected.values()))  # what is 0 but for rounding
    for name, value in expected.items():
        # a nan is close to nothing, so a program that is undefined here differs
        if not math.isclose(value, found[name], rel_tol=TOLERANCE, abs_tol=rounding):
            return f"differs: {name} is {found[name]!r}, ours {value!r}"
    return None


def compare(path: Path, peers: list[str], level: str) -> Row:
    """Count our program and each peer's for one file."""
    circuit = cg.read(path)
    ours = cg.jacobian(circuit, value=True, pipeline=level)
    row = Row(path.stem, circuit.stats().ops, {OURS: figures(ours)})
    for peer in peers:
        try:
            theirs = gradient_function(peer)(circuit)
        except ImportError:
            row.notes[peer] = "not installed (the extra `bench`)"
        except LimitError as error:
            row.notes[peer] = f"not tried: {error}"
        except UnreadableError as error:
            row.notes[peer] = f"no gate counts as its {error}"
        except ValueError as error:
            row.notes[peer] = f"not read: {error}"
        except RecursionError:
            row.notes[peer] = "nested too deep for it"
        else:
            row.figures[peer] = figures(theirs)
            problem = difference(ours, theirs)
            if problem:
                row.notes[peer] = problem
                row.wrong |= problem.startswith("differs")
    return row


def together(name: str, rows: list[Row]) -> Row:
    """Make one line of several; a tool that lacks a file has no total."""
    whole = Row(f"{name} ({len(rows)})", sum(row.written for row in rows))
    whole.wrong = any(row.wrong for row in rows)
    for tool in (OURS, *PEERS):
        parts = [row.figures[tool] for row in rows if tool in row.figures]
        if len(parts) == len(rows):
            whole.figures[tool] = total(parts)
        noted = [row for row in rows if tool in row.notes]
        if noted:
            first = noted[0]
            whole.notes[tool] = (
                f"{first.notes[tool]} [{first.name}; {len(noted)} files]"
            )
    return whole


def score(rows: list[Row], peer: str) -> str:
    """Count the files on which we need fewer, as many and more operations."""
    signs = Counter(
        (row.figures[OURS]["ops"] > row.figures[peer]["ops"])
        - (row.figures[OURS]["ops"] < row.figures[peer]["ops"])
        for row in rows
        if peer in row.figures
    )
    files = sum(signs.values())
    return f"{signs[-1]} wins, {signs[0]} ties, {signs[1]} losses in {files} files"


def report(lines: list[Row], peers: list[str]) -> None:
    """Print the table and what there is to say below it."""
    tools = [OURS, *peers]
    beside = [OURS, *(peer for peer in peers if peer == "casadi")]
    others = ("size", "depth", "depth2", "nonscalar")
    table, footnotes = [], []
    for line in lines:
        cells = [line.name, str(line.written)]
        for tool in tools:
            count = str(line.figures[tool]["ops"]) if tool in line.figures else "-"
            if tool in line.notes:
                footnotes.append(f"{line.name}, {tool}: {line.notes[tool]}")
                count += f" [{len(footnotes)}]"
            cells.append(count)
        for key in others:
            known = [line.figures[t][key] if t in line.figures else "-" for t in beside]
            cells.append(" : ".join(map(str, known)))
        table.append(cells)
    print("ops of f and all its partial derivatives; `as written` is f alone")
    print(f"size, depth, nonscalar: {' : '.join(beside)}; depth2 is at fan-in 2")
    show(["program", "as written", *tools, *others], table, sys.stdout)
    for number, footnote in enumerate(footnotes, start=1):
        print(f"[{number}] {footnote}")


def describe(peer: str) -> str:
    """Name a peer's version and options."""
    try:
        return f"{peer} {version(peer)}: {options(peer)}"
    except (PackageNotFoundError, ImportError):
        return f"{peer}: not installed (the extra `bench`)"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="circuits, not the data")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("-O", dest="level", default="size", help="our pipeline")
    parser.add_argument("--peers", default=",".join(PEERS), help="by default all")
    found = parser.parse_args()
    found.peers = [peer for peer in found.peers.split(",") if peer]
    unknown = [peer for peer in found.peers if peer not in PEERS]
    if unknown:
        parser.error(f"no peer {unknown[0]!r}; there are: {', '.join(PEERS)}")
    if not found.files and not (found.data / "feynman").is_dir():
        parser.error(f"no data in {found.data}; give --data DIR, or files")
    return found


def main() -> int:
    """Print the table; 1 where some program computes something else than ours."""
    given = arguments()
    one_by_one: list[Path] = given.files
    feynman: list[Path] = []
    if not given.files:
        feynman = sorted((given.data / "feynman").glob("*.cg"))
        one_by_one = [given.data / "lecture" / "fig1.cg"]
        one_by_one += [given.data / "size" / f"{name}.cg" for name in SIZE]
    summed = [compare(path, given.peers, given.level) for path in feynman]
    single = [compare(path, given.peers, given.level) for path in one_by_one]
    lines = ([together("feynman", summed)] if summed else []) + single
    report(lines, given.peers)
    print(f"{OURS} {cg.__version__}: -O {given.level}")
    for peer in given.peers:
        print(describe(peer))
    for peer in given.peers:
        print(f"{OURS} against {peer}: {score(summed + single, peer)}")
    if given.json:
        content: dict[str, Any] = {
            "level": given.level,
            "peers": {peer: describe(peer) for peer in given.peers},
            "rows": [vars(row) for row in lines],
            "files": [vars(row) for row in summed + single],
        }
        given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(any(line.wrong for line in lines))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CircuitgradError as error:  # a bad file, or no such pipeline
        sys.exit(f"size.py: {error}")
