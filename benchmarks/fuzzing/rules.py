"""What must hold for every input: time, memory, errors, files, and no foreign code."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

from circuitgrad.errors import CircuitgradError, FormatError

__all__ = ["BrokenRuleError", "Room", "allowed", "refused", "require", "tried"]

#: Seconds that an input may take.
MAX_SECONDS: Final = 5.0
#: Bytes by which the process may grow on one input.
MAX_GROWTH: Final = 2**30
#: Characters that an error may have.
MAX_MESSAGE: Final = 3_000

T = TypeVar("T")


class BrokenRuleError(AssertionError):
    """What an input did that no input may do."""


def require(holds: bool, message: str) -> None:
    """Raise an error where a rule does not hold."""
    if not holds:
        raise BrokenRuleError(message)


def refused(call: Callable[[], T], text: str | None = None) -> T | None:
    """Call a reader; None where it refuses what it reads, and says so soundly.

    Parameters
    ----------
    call : callable
    text : str, optional
        What is read, to hold the place of an error against.
    """
    try:
        return call()
    except CircuitgradError as error:
        require(error.exit_status in (1, 2, 3, 4), f"status {error.exit_status}")
        require(len(str(error)) <= MAX_MESSAGE, f"a message of {len(str(error)):,}")
        if isinstance(error, FormatError) and error.line is not None:
            lines = [""] if text is None else text.split("\n")
            if text is not None:
                require(1 <= error.line <= len(lines), f"line {error.line}")
            if text is not None and error.column is not None:
                last = len(lines[error.line - 1]) + 1
                require(1 <= error.column <= last, f"column {error.column} of {last}")
        return None


class Room:
    """A folder in which inputs are tried: the files that stand there, and no others."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self.folder = folder
        self.files = dict(files)
        self.changed()

    def changed(self) -> set[str]:
        """Name the files that are new, gone or others, and make all as it was."""
        found = set()
        for path in sorted(self.folder.rglob("*"), reverse=True):
            name = str(path.relative_to(self.folder))
            if name not in self.files:
                found.add(name)
                path.rmdir() if path.is_dir() else path.unlink()
        for name, data in self.files.items():
            path = self.folder / name
            if not path.exists() or path.read_bytes() != data:
                found.add(name)
                path.write_bytes(data)
        return found


# ------------------------------------------------------------------ foreign code, files

#: Events that no input may cause.
_FORBIDDEN: Final = (
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system",
    "pickle.find_class", "shutil.rmtree", "socket.", "subprocess.", "urllib.",
    "webbrowser.",
)  # fmt: skip
#: Asked for once: looking for it writes files.
_TEMPORARY: Final = os.path.realpath(tempfile.gettempdir())
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class _Watch:
    """Listens to what the interpreter says that it does, while an input is tried."""

    def __init__(self) -> None:
        self.folder: str | None = None  # None: nobody asks
        self.seen: list[str] = []
        self.installed = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        folder = self.folder
        if folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, bytes)) and (flags or 0) & _WRITING:
                self.reach(os.fsdecode(path), folder)
        elif event in ("os.rename", "os.link", "os.symlink"):
            self.reach(os.fsdecode(arguments[0]), folder)
            self.reach(os.fsdecode(arguments[1]), folder)
        elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"):
            if not isinstance(arguments[0], int):
                self.reach(os.fsdecode(arguments[0]), folder)
        elif event == "compile":
            source, name = arguments
            made = str(name).startswith("<") and name != "<unknown>"  # ast.literal_eval
            if source is not None and made and not _is_own_code():
                self.seen.append(f"compiled {source[:80]!r} as {name}")
        elif event.startswith(_FORBIDDEN) and not _is_own_code():
            self.seen.append(f"{event} {arguments!r}"[:200])

    def reach(self, path: str, folder: str) -> None:
        place = os.path.realpath(path)
        here = place == folder or place.startswith(folder + os.sep)
        ours = place in (os.devnull, _TEMPORARY) or "__pycache__" in place
        if not here and not ours:
            self.seen.append(f"wrote to {place}")


_watch = _Watch()


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """Let a check of ours do what an input may not."""
    folder, _watch.folder = _watch.folder, None
    try:
        yield
    finally:
        _watch.folder = folder


def tried(run: Callable[[bytes, Room], bool], data: bytes, room: Room) -> bool:
    """Try an input in a room; give whether it was accepted.

    Raises
    ------
    BrokenRuleError
        If a rule does not hold; what else comes out broke one, too.
    """
    if not _watch.installed:
        sys.addaudithook(_watch.hear)
        _watch.installed = True
    _watch.seen.clear()
    before, peak = _resident(), _peak()
    start = time.perf_counter()
    _watch.folder = os.path.realpath(room.folder)
    try:
        accepted = run(data, room)
    finally:
        _watch.folder = None
    seconds = time.perf_counter() - start
    require(seconds < MAX_SECONDS, f"it took {seconds:.1f} s")
    after = _peak()
    growth = after - before if after > peak else 0
    require(growth < MAX_GROWTH, f"memory grew by {growth >> 20:,} MB")
    require(not _watch.seen, "; ".join(_watch.seen[:3]))
    left = room.changed()
    require(not left, f"files: {', '.join(sorted(left))}")
    return accepted


#: Who makes code of its own: importing, numba, and networkx's decorators.
_MAKERS: Final = ("importlib._bootstrap", "/numba/", "/networkx/utils/")


def _is_own_code() -> bool:
    """Tell whether a library compiles or loads what no input says."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if any(maker in frame.f_code.co_filename for maker in _MAKERS):
            return True
        frame = frame.f_back
    return False


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
