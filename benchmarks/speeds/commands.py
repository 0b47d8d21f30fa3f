"""Rows 11 to 13: processes of their own, from the command line and from nothing."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from programs import chain_text, random_text

import circuitgrad as cg
from circuitgrad import exact
from circuitgrad.gates import CONSTANT, SUM, gate_type
from speeds.chains import START, agreement
from speeds.figure import DisagreementError, Figure
from speeds.timing import Settings

__all__ = ["first_calls", "of_columns", "of_text"]

PRIME: Final = 2**61 - 1
#: Runs a command and prints its seconds, its status and its peak memory.  A process
#: inherits the peak of the one that it was forked from, so that one should be small.
LAUNCHER: Final = """
import json, os, sys, time
start = time.perf_counter()
pid = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(pid, 0)
taken = time.perf_counter() - start
print(json.dumps([taken, os.waitstatus_to_exitcode(status), usage.ru_maxrss]))
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command of Python's; give seconds and peak memory in GB."""
    found = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command], capture_output=True, text=True
    )
    taken, status, peak = json.loads(found.stdout.splitlines()[-1])
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {status}\n{found.stderr}")
    return taken, peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def gradient_of_file(
    settings: Settings, row: int, suffix: str, limits: tuple[float, ...]
) -> list[Figure]:
    """Read, differentiate and write from the command line."""
    lines = settings.pick(1_000_000, 2_000)
    seconds, goal, memory, memory_goal = limits
    figures = []
    for name, text in (("chain", chain_text), ("random gates", random_text)):
        with tempfile.TemporaryDirectory() as folder:
            given, out = Path(folder) / f"c{suffix}", Path(folder) / f"g{suffix}"
            written = Path(folder) / "c.cg"
            written.write_text(text(lines))
            if given != written:
                cg.write(cg.read(written), given)
            command = ["-m", "circuitgrad", "grad", "--no-check", str(given)]
            command += ["-o", str(out)]
            timed(command)
            found = [timed(command) for _ in range(settings.runs)]
            check(cg.read(written), cg.read(out), name)
        taken, peak = (statistics.median(each) for each in zip(*found, strict=True))
        what = f"circuitgrad grad, {suffix}, {name}"
        figures += [
            Figure(
                *(row, what, lines, taken, None, taken, "s", seconds, goal),
                at_most=True,
            ),
            Figure(
                *(row, f"{what}: memory", lines, None, None, peak, "GB"),
                *(memory, memory_goal),
                at_most=True,
            ),
        ]
    return figures


def check(source: cg.Circuit, gradient: cg.Circuit, name: str) -> None:
    """Compare the file that was written with derivatives found in another way.

    Random gates have values beyond any float, so they are compared modulo a prime: the
    derivative in a random direction is that of a sweep over dual numbers.

    Raises
    ------
    DisagreementError
        If they differ.
    """
    if name == "chain":
        found = cg.compile(gradient).points(START)
        agreement(found, np.array([chain_derivative(source.size)]), source.size)
        return
    random = np.random.default_rng(1)
    at, along = random.integers(1, PRIME, (2, len(source.inputs))).tolist()
    (expected,) = residues(source, at, along)[1]
    partials = residues(gradient, at, [0] * len(at))[0]
    if sum(map(int.__mul__, partials, along)) % PRIME != expected:
        raise DisagreementError(f"the gradient of {name} in a file")


def chain_derivative(length: int) -> float:
    """Differentiate the chain by hand."""
    y, slope = float(START.item()), 1.0
    for _ in range(length // 2):
        y, slope = math.sin(y) * y, (math.cos(y) * y + math.sin(y)) * slope
    return slope


def residues(
    circuit: cg.Circuit, at: list[int], along: list[int]
) -> tuple[list[int], list[int]]:
    """Give the outputs of sums and products modulo `PRIME`, and their tangents."""
    columns, first = circuit.columns, circuit.columns.inputs
    op, operands = columns.op.tolist(), columns.operands.tolist()
    offsets, places = columns.offsets.tolist(), columns.weights.tolist()
    weight = {w: residue(exact.rational(w)) for w in set(places)}
    values, tangents = list(at), list(along)
    for v in range(first, len(op)):
        wires = range(offsets[v], offsets[v + 1])
        value, tangent = 0, 0
        if op[v] == CONSTANT:
            value = residue(exact.rational(int(columns.params[v])))
        elif op[v] == SUM:
            for w in wires:
                value += weight[places[w]] * values[operands[w]]
                tangent += weight[places[w]] * tangents[operands[w]]
        elif gate_type(op[v]).name == "prod":
            value = 1
            for w in wires:
                u = operands[w]
                scale = weight[places[w]]
                factor, moved = scale * values[u], scale * tangents[u]
                tangent = (tangent * factor + value * moved) % PRIME
                value = value * factor % PRIME
        else:
            raise ValueError(f"{gate_type(op[v]).name} is no sum or product")
        values.append(value % PRIME)
        tangents.append(tangent % PRIME)
    ends = [vertex for _, vertex in circuit.outputs]
    return [values[v] for v in ends], [tangents[v] for v in ends]


def residue(number: Fraction) -> int:
    """Give a rational modulo `PRIME`."""
    return number.numerator * pow(number.denominator, -1, PRIME) % PRIME


def of_text(settings: Settings) -> list[Figure]:
    """Give the gradient of circuit text, from file to file: row 11."""
    return gradient_of_file(settings, 11, ".cg", (60, 10, 3, 1))


def of_columns(settings: Settings) -> list[Figure]:
    """Give the gradient of a file of columns, from file to file: row 12."""
    return gradient_of_file(settings, 12, ".cgz", (15, 4, 2, 1))


def first_calls(settings: Settings) -> list[Figure]:
    """Start where no loop was ever compiled, and where all were: row 13."""
    script = str(Path(__file__).with_name("first_call.py"))
    n = str(settings.pick(70, 12))
    cold, warm = [], []
    for _ in range(settings.runs):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
            for times in (cold, warm):
                found = subprocess.run(
                    [sys.executable, script, n],
                    *(0, None, subprocess.DEVNULL, subprocess.PIPE),
                    env=environment,
                    text=True,
                    check=True,
                )
                times.append(json.loads(found.stdout))
    gates = cold[0]["gates"]
    first = statistics.median(t["building"] + t["calls"] for t in cold)
    later = statistics.median(t["calls"] for t in warm)
    again = statistics.median(t["again"] for t in warm)
    what = "compile, call and large gradient"
    return [
        Figure(
            *(13, f"{what}: first on a machine", gates, first, None, first, "s"),
            *(30, 10),
            at_most=True,
        ),
        Figure(
            *(13, f"{what}: first in a process", gates, later, None, later, "s"),
            *(1, 0.4),
            at_most=True,
        ),
        Figure(13, f"{what}: second in a process", gates, again, None, again, "s"),
    ]
