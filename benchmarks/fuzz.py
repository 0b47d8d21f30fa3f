"""Try inputs that nobody would write, guided by the lines of code that they reach.

    python benchmarks/fuzz.py [--seconds N] [--only TARGET,...] [--corpus DIR]
    python benchmarks/fuzz.py --only TARGET --replay FILE

Each target runs in a process of its own.  No input may hang, take memory without end,
end in an error without a name, leave or change a file that nobody named, or run code
(`fuzzing/rules.py`).  One that does is made smaller, saved and shown; the exit status
is then 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import mmap
import os
import pkgutil
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fuzzing import Room, Target

__all__ = ["broken", "main", "minimised", "room_of"]

NAMES: Final = (
    "text", "expression", "json", "cgz", "points", "certificate", "pipeline", "command",
)  # fmt: skip
#: Bytes that a mutated input may have.
MAX_LENGTH: Final = 16_384
#: Seconds until libFuzzer ends a process that does not come back; `rules` wants less.
MAX_SECONDS: Final = 6
#: Seconds that making an input smaller may take.
MINIMISE: Final = 20.0
#: What numba compiles whatever its size; instrumented, it could not.
COMPILED: Final = (
    "access",
    "arithmetic",
    "dots",
    "elementary",
    "interpreter",
    "native",
)


# ------------------------------------------------------------------ one input


def room_of(target: Target, folder: Path) -> Room:
    """Furnish a folder for a target."""
    from fuzzing import Room

    return Room(folder, target.files())


def broken(target: Target, data: bytes, room: Room) -> str | None:
    """Say what rule an input breaks, None where it breaks none."""
    from fuzzing import tried

    try:
        tried(target.run, data, room)
    except Exception as error:
        room.changed()
        at = traceback.extract_tb(error.__traceback__)[-1]
        text = re.sub(r"[0-9.,]+", "0", str(error))[:40]
        return f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}: {text}"
    return None


def minimised(target: Target, data: bytes, room: Room) -> bytes:
    """Leave out parts of an input as long as it breaks the same rule."""
    wanted = broken(target, data, room)
    end = time.monotonic() + MINIMISE
    size = len(data) // 2
    while size and wanted:
        at = 0
        while at < len(data) and time.monotonic() < end:
            less = data[:at] + data[at + size :]
            if broken(target, less, room) == wanted:
                data = less
            else:
                at += size
        size //= 2
    return data


def replay(name: str, path: Path) -> int:
    """Try one input by itself, without instruments; show what it breaks."""
    from fuzzing import TARGETS, tried

    target, data = TARGETS[name], path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        room = room_of(target, Path(folder))
        signal.alarm(2 * MAX_SECONDS)  # the default is to end the process
        try:
            print("accepted" if tried(target.run, data, room) else "refused")
        except Exception:
            traceback.print_exc()
            room.changed()
            signal.alarm(int(2 * MINIMISE))
            smaller = minimised(target, data, room)
            path.with_suffix(".min").write_bytes(smaller)
            print(f"{target.name}: {len(data)} bytes, made smaller: {smaller!r:.2000}")
            return 1
        signal.alarm(0)
    return 0


# ------------------------------------------------------------------ a target


class Counts:
    """Inputs tried and accepted, and the last one: they outlive the process."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(24 + MAX_LENGTH))
        with path.open("r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 0)

    def __getitem__(self, place: int) -> int:
        return int(struct.unpack_from("<q", self.shared, 8 * place)[0])

    def __setitem__(self, place: int, count: int) -> None:
        struct.pack_into("<q", self.shared, 8 * place, count)

    @property
    def last(self) -> bytes:
        """The input that was tried last."""
        return self.shared[24 : 24 + self[2]]

    def begin(self, data: bytes) -> None:
        """Count an input, and keep it until the next one."""
        self[0] += 1
        self[2] = len(data)
        self.shared[24 : 24 + len(data)] = data


def fuzz(name: str, seconds: int, folder: Path, corpus: Path) -> None:
    """Run one target under libFuzzer, which ends this process."""
    import atheris

    skipped = [f"circuitgrad.evaluation.{each}" for each in COMPILED]
    with atheris.instrument_imports(include=["circuitgrad"], exclude=skipped):
        import circuitgrad

        for each in pkgutil.walk_packages(circuitgrad.__path__, "circuitgrad."):
            if not each.name.endswith("__main__"):
                importlib.import_module(each.name)
    from fuzzing import TARGETS, tried

    from circuitgrad import loops

    loops.COMPILE_FROM = loops.COMPILED_FROM = sys.maxsize  # they, too, are looked into
    target = TARGETS[name]
    for number, seed in enumerate(target.known):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    (folder / "room").mkdir()
    room = room_of(target, folder / "room")
    counts = Counts(folder / "counts")
    for seed in target.known:  # what is imported and compiled once is no input's doing
        target.run(seed, room)
        room.changed()

    def one(data: bytes) -> None:
        counts.begin(data)
        counts[1] += tried(target.run, data, room)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < 0.1:
            return bytes(atheris.Mutate(data, most))
        return target.mutated(data, draw)[:most]

    resident = int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    flags = {
        "max_total_time": seconds,
        "timeout": MAX_SECONDS,
        "rss_limit_mb": (resident >> 20) + 2_048,
        "max_len": MAX_LENGTH,
        "artifact_prefix": f"{folder}/",
        "verbosity": 0,
    }
    words = [f"-{key}={value}" for key, value in flags.items()]
    atheris.Setup([sys.argv[0], *words, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


def run_target(
    name: str, seconds: int, corpus: Path | None, saved: Path
) -> tuple[int, int, float, int]:
    """Run a target in a process: inputs tried, accepted, seconds, and failures."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as text:
        folder = Path(text)
        found = corpus / name if corpus else folder / "corpus"
        found.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, __file__, "--only", name, "--seconds", str(seconds)]
        start = time.monotonic()
        with (folder / "said").open("wb") as said:
            ended = subprocess.run(
                [*words, "--child", str(folder), "--corpus", str(found)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": str(folder)},
                check=False,  # it ends by itself: libFuzzer has a watch
            )
        passed = time.monotonic() - start
        counts = Counts(folder / "counts")
        kinds = ("crash", "timeout", "oom", "leak")
        failing = sorted(p for kind in kinds for p in folder.glob(f"{kind}-*"))
        for path in failing:
            saved.mkdir(parents=True, exist_ok=True)
            kept = saved / f"{name}-{hashlib.sha256(counts.last).hexdigest()[:12]}"
            kept.write_bytes(path.read_bytes() or counts.last)
            print(f"{name}: {kept}", file=sys.stderr)
            again = [sys.executable, __file__, "--only", name, "--replay", str(kept)]
            if not subprocess.run(again, check=False, stdout=sys.stderr).returncode:
                print(f"{name}: not again by itself", file=sys.stderr)
                _show(folder / "said")
        lost = int(ended.returncode != 0 and not failing)
        if lost:
            _show(folder / "said")
        return counts[0], counts[1], passed, len(failing) + lost


def _show(said: Path) -> None:
    lines = said.read_text(errors="replace").splitlines()
    shown = [line for line in lines if not line.startswith(("INFO", "WARNING"))]
    print(*(line[:200] for line in shown[-40:]), sep="\n", file=sys.stderr)


# ------------------------------------------------------------------ all of them


def main() -> int:
    """Run the targets, print the table, and give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=240, help="for all targets")
    parser.add_argument("--only", default=",".join(NAMES), metavar="TARGET,...")
    parser.add_argument("--corpus", type=Path, help="a folder to keep inputs in")
    parser.add_argument("--saved", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--replay", type=Path, help="try one input of --only")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if not set(names) <= set(NAMES):
        parser.error(f"the targets are {', '.join(NAMES)}")
    if arguments.replay:
        return replay(names[0], arguments.replay)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: pip install -e '.[bench]' brings it")
        return 2
    if arguments.child:
        fuzz(names[0], arguments.seconds, arguments.child, arguments.corpus)
        return 0  # libFuzzer ends the process before
    heads = ["target", "inputs", "accepted", "a second", "failures"]
    rows: list[list[str]] = []
    total = [0, 0, 0.0, 0]
    for name in names:
        each = max(1, arguments.seconds // len(names))
        found = run_target(name, each, arguments.corpus, arguments.saved)
        total = [a + b for a, b in zip(total, found, strict=True)]
        rows.append(_row(name, *found))
    rows.append(_row("all", *total))
    if arguments.markdown:
        print("|", " | ".join(heads), "|\n|---|---:|---:|---:|---:|")
        print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    else:
        for row in [heads, *rows]:
            print(row[0].ljust(12), *(cell.rjust(12) for cell in row[1:]))
    return 1 if total[3] else 0


def _row(
    name: str, tried: Any, accepted: Any, seconds: float, failures: Any
) -> list[str]:
    rate = tried / seconds if seconds else 0
    return [name, f"{tried:,}", f"{accepted:,}", f"{rate:,.0f}", str(failures)]


if __name__ == "__main__":
    sys.exit(main())
