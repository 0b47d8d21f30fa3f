"""Row 14: JAX and SymPy on scalar code, at the sizes that they survive."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
from programs import determinant

from speeds.determinants import matrix, ready
from speeds.figure import Figure
from speeds.timing import Settings, agree, median_of, race

__all__ = ["compilers"]

#: Seconds after which an attempt is given up.
LIMIT: Final = 60
SIZES: Final = {"jax": (4, 8, 12, 16, 20, 24), "sympy": (3, 4, 5, 6, 7, 8)}
TITLES: Final = {"jax": "JAX", "sympy": "SymPy"}


def compilers(settings: Settings) -> list[Figure]:
    """Compile value and gradient of determinants: row 14.

    A peer compiles once, in a process of its own, as long as `LIMIT` allows.
    """
    figures = []
    for peer, sizes in SIZES.items():
        title = TITLES[peer]
        if importlib.util.find_spec(peer) is None:
            figures.append(Figure(14, title, note=f"{peer} is not installed"))
            continue
        for n in sizes[:1] if settings.quick else sizes:
            found = attempt(peer, n)
            what = f"determinant {n}: compile; {title}"
            circuit = determinant(n)
            if found is None:
                note = f"given up after {LIMIT} s"
                figures.append(Figure(14, what, circuit.size, note=note))
                break
            point, compiled = matrix(n), ready(circuit)
            compile_time, run_time = median_of(
                race(settings, lambda c=circuit: ready(c))
                + race(settings, lambda c=compiled, p=point: c.points(p))
            )
            agree(compiled.points(point), np.array(found["values"]), what)
            theirs = found["compile"], found["run"]
            figures += [
                Figure(14, what, circuit.size, compile_time, theirs[0], bar=1),
                Figure(14, "    evaluate", circuit.size, run_time, theirs[1]),
            ]
    return figures


def attempt(peer: str, n: int) -> dict[str, float] | None:
    """Give what a process prints; None where it takes too long or dies."""
    script = str(Path(__file__).with_name("attempt.py"))
    try:
        found = subprocess.run(
            [sys.executable, script, peer, str(n)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return None
    if found.returncode:
        return None
    result: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return result
