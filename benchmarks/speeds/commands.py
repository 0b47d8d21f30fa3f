"""Rows 11 to 13: processes of their own, from the command line and from nothing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from programs import chain_text, random_text

import circuitgrad as cg
from speeds.chains import START, agreement
from speeds.figure import Figure
from speeds.timing import Settings, agree

__all__ = ["first_calls", "of_columns", "of_text"]

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
            check(cg.read(written), cg.read(out), name, lines)
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


def check(source: cg.Circuit, gradient: cg.Circuit, name: str, lines: int) -> None:
    """Compare the file that was written with derivatives found in another way.

    The derivative in a random direction is that of a sweep over dual numbers, which
    shares nothing with the passes.
    """
    inputs = len(source.inputs)
    if name == "chain":
        at, along = START[0], np.ones(1)
    else:
        random = np.random.default_rng(1)
        at, along = random.uniform(-1, 1, (2, inputs))
    found = cg.compile(gradient).points(at)
    expected = forward(source, at, along)
    compared = np.array([found @ along])
    if name == "chain":
        agreement(compared, np.array([expected]), lines)
    else:
        scale = np.abs(found * along).sum()
        agree(compared / scale, np.array([expected]) / scale, name, 1e-9)


def forward(circuit: cg.Circuit, at: np.ndarray, along: np.ndarray) -> float:
    """Give the derivative of a circuit of sums, products and sines in a direction."""
    import math

    from circuitgrad import exact
    from circuitgrad.gates import SUM, gate_type

    columns = circuit.columns
    size = len(columns)
    values, tangents = [0.0] * size, [0.0] * size
    values[: len(at)], tangents[: len(at)] = at.tolist(), along.tolist()
    op, operands = columns.op.tolist(), columns.operands.tolist()
    offsets = columns.offsets.tolist()
    weights = exact.to_floats(columns.weights).tolist()
    names = {code: gate_type(code).name for code in set(op[columns.inputs :])}
    for v in range(columns.inputs, size):
        used = operands[offsets[v] : offsets[v + 1]]
        if op[v] == SUM:
            scale = weights[offsets[v] : offsets[v + 1]]
            pairs = list(zip(scale, used, strict=True))
            values[v] = sum(w * values[u] for w, u in pairs)
            tangents[v] = sum(w * tangents[u] for w, u in pairs)
        elif names[op[v]] == "sin":
            values[v] = math.sin(values[used[0]])
            tangents[v] = math.cos(values[used[0]]) * tangents[used[0]]
        elif names[op[v]] == "const":
            values[v] = exact.to_float(exact.number(int(columns.params[v])))
        else:
            left, right = used
            values[v] = values[left] * values[right]
            tangents[v] = tangents[left] * values[right]
            tangents[v] += values[left] * tangents[right]
    return tangents[circuit.outputs[0][1]]


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
