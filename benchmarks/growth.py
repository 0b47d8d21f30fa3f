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

import circuitgrad as cg
from circuitgrad.tables import show

RUNS = 5


def determinant(n: int) -> cg.Circuit:
    """Give the determinant of an n x n matrix by Gaussian elimination."""
    builder = cg.Builder("determinant")
    a: list[list[Any]] = [
        [builder.input(f"x{i}_{j}") for j in range(1, n + 1)] for i in range(1, n + 1)
    ]
    product = a[0][0]
    for k in range(n - 1):
        for i in range(k + 1, n):
            factor = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] = a[i][j] - factor * a[k][j]
        product = product * a[k + 1][k + 1]
    builder.output("f", product)
    return builder.finish()


def chain(length: int) -> cg.Circuit:
    """Give a chain of dependent gates."""

    def function(y: Any) -> Any:
        for _ in range(length // 2):
            y = cg.functions.sin(y) * y
        return y

    return cg.trace(function)


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
