"""What the figures were taken on, and how near to its limits they come."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any, Final

import numpy as np
from programs import rosenbrock

import circuitgrad as cg
from speeds.batches import NETWORK, batch, count
from speeds.figure import Figure
from speeds.timing import Settings, median_of, race

__all__ = ["describe", "limits", "load"]

PACKAGES: Final = ("circuitgrad", "numpy", "numba", "casadi", "jax", "sympy")


def load() -> float | None:
    """Give how many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def describe() -> dict[str, Any]:
    """Say when, on what and with which versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "-"
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions,
    }


def processor() -> str:
    """Name the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def limits(settings: Settings) -> list[Figure]:
    """Measure memory and arithmetic, and what the interpreter has of them: row 16.

    Memory is measured as by STREAM's triad, ``a = b + s*c`` on arrays that no cache
    holds, at 24 bytes an element; arithmetic as ``a = a + b*c`` on rows of 128 numbers
    in the first cache, two operations an element: what an interpreter would do whose
    instructions were all products and sums and cost nothing else.
    """
    import numba

    @numba.njit(fastmath={"contract"})
    def products(a: Any, b: Any, c: Any, times: int) -> None:
        for _ in range(times):
            for i in range(len(a)):
                a[i] = a[i] + b[i] * c[i]

    @numba.njit(fastmath={"contract"})
    def triad(a: Any, b: Any, c: Any, s: float) -> None:
        for i in range(len(a)):
            a[i] = b[i] + s * c[i]

    n, lanes, times = settings.pick(20_000_000, 20_000), 128, 10_000
    large = [np.full(n, 0.5) for _ in range(3)]
    small = [np.full(lanes, 0.5) for _ in range(3)]
    memory = race(settings, lambda: triad(*large, 0.5))
    arithmetic = race(settings, lambda: products(*small, times))
    (moving,), (working,) = median_of(memory), median_of(arithmetic)
    large.clear()
    most_bytes, most_ops = 24 * n / moving, 2 * lanes * times / working
    inputs, points = settings.pick(1000, 50), count(settings)
    circuit = cg.gradient(rosenbrock(inputs), value=True)
    (taken,) = median_of(race(settings, batch(circuit, points, 1)))
    moved = 8 * points * (2 * inputs + 1) / taken
    figures = [
        limit("memory: triad, GB/s", moving, most_bytes),
        limit("    Rosenbrock, points: GB/s", taken, moved, most_bytes),
        limit("arithmetic: in cache, Gop/s", working, most_ops),
    ]
    programs = {"Rosenbrock": circuit}
    if NETWORK.exists():
        programs["network 6-8-4"] = cg.gradient(cg.read(NETWORK), value=True)
    for name, program in programs.items():
        (taken,) = median_of(race(settings, batch(program, points, 1)))
        done = program.stats().ops * points / taken
        figures.append(limit(f"    {name}: Gop/s", taken, done, most_ops))
    return figures


def limit(what: str, taken: float, rate: float, most: float | None = None) -> Figure:
    """Give a rate, and its share of the most."""
    share = "" if most is None else f" ({100 * rate / most:.0f} % of it)"
    return Figure(16, what + share, None, taken, None, rate / 1e9, "G/s")
