"""How the time of each stage grows with the circuit, in microseconds a gate."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import networkx as nx
from programs import chain, determinant

import circuitgrad as cg
from circuitgrad.tables import show

RUNS = 5


def measured(work: Callable[[], Any]) -> float:
    """Give the median time of some runs after one that is not counted."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def stages(circuit: cg.Circuit) -> dict[str, float]:
    """Time each stage on the way from text to text."""
    text = str(circuit)
    literal = cg.reverse_mode(circuit)
    tidy = cg.run(literal, "tidy")
    graph = circuit.graph
    return {
        "read": measured(lambda: cg.parse(text)),
        "bp": measured(lambda: cg.reverse_mode(circuit)),
        "tidy": measured(lambda: cg.run(literal, "tidy")),
        "count": measured(lambda: cg.stats(cg.dce(tidy))),
        "write": measured(lambda: str(tidy)),
        "networkx": measured(lambda: list(nx.topological_sort(graph))),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    programs = {f"determinant {n}": determinant(n) for n in (8, 16, 32)}
    programs |= {f"chain {n}": chain(n) for n in (1_000, 10_000, 100_000)}
    found = {}
    for name, circuit in programs.items():
        gates = circuit.size
        per_gate = {k: 1e6 * v / gates for k, v in stages(circuit).items()}
        found[name] = {"gates": gates, **per_gate}
    if arguments.json:
        print(json.dumps(found))
        return
    header = ["program", *next(iter(found.values()))]
    rows = [
        [name, str(row.pop("gates")), *(f"{v:.2f}" for v in row.values())]
        for name, row in found.items()
    ]
    show(header, rows, sys.stdout)


if __name__ == "__main__":
    main()
