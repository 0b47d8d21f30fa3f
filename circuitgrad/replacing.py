"""Files that take the place of others: all files of a block whole, or none.

A file is written beside its target, under a hidden name, and renamed when all files of
the block are written.  What a rename replaces is kept under a second name until all
are renamed, so that going back takes no room on the disk.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import IO

from circuitgrad.errors import WriteError

__all__ = ["replacing", "together", "write_errors"]


class _Replacement:
    """A file beside its target."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.target = os.path.realpath(path)
        self.beside = self._hidden()
        self.kept: str | None = None
        self.moving = False

    def _hidden(self) -> str:
        name = f".circuitgrad-{secrets.token_hex(8)}"
        return os.path.join(os.path.dirname(self.target), name)

    def open(self) -> IO[bytes]:
        """Open the file beside, with the permissions of the one it will replace."""
        try:
            replaced = os.open(self.target, os.O_WRONLY)  # read-only ones stay
        except FileNotFoundError:
            mode = None
        else:
            mode = stat.S_IMODE(os.fstat(replaced).st_mode)
            os.close(replaced)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        # private until it has the permissions of what it replaces
        handle = os.open(self.beside, flags, 0o666 if mode is None else 0o600)
        if mode is not None:
            os.chmod(self.beside, mode)
        return os.fdopen(handle, "wb")

    def keep(self) -> None:
        """Give what stands at the target a second name."""
        self.kept = self._hidden()
        try:
            os.link(self.target, self.kept)
        except FileNotFoundError:
            self.kept = None
        except OSError:  # a file system without links
            shutil.copy2(self.target, self.kept)

    def take_place(self) -> None:
        """Rename the file to its target."""
        self.moving = True
        try:
            os.replace(self.beside, self.target)
        except OSError:
            self.moving = False
            raise

    @property
    def placed(self) -> bool:
        """Whether it is at its target; a signal may come as soon as it is there."""
        return self.moving and not os.path.lexists(self.beside)

    def undo(self) -> None:
        """Put back what stood at the target, where it was replaced."""
        if not self.placed:
            self.tidy()
        elif self.kept is not None:
            os.replace(self.kept, self.target)
        else:
            os.unlink(self.target)

    def tidy(self) -> None:
        """Remove the files beside."""
        for name in (self.beside, self.kept):
            if name is not None:
                with contextlib.suppress(OSError):
                    os.unlink(name)


_waiting: ContextVar[list[_Replacement] | None] = ContextVar("waiting", default=None)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Put all files that are written in the block in place at its end, or none.

    Standard output, devices and pipes are no part of it: they take what they are given
    at once.  A block within another is part of that one.

    Raises
    ------
    WriteError
        If a file cannot be put in its place; all are as they were.
    """
    if _waiting.get() is not None:
        yield
        return
    waiting: list[_Replacement] = []
    token = _waiting.set(waiting)
    try:
        yield
        for each in waiting[:-1]:  # nothing follows the last that could fail
            with write_errors(each.path):
                each.keep()
        for each in waiting:
            with write_errors(each.path):
                each.take_place()
        _tidy(waiting)
    except BaseException:
        if all(each.placed for each in waiting):
            _tidy(waiting)
            raise
        for each in reversed(waiting):
            with contextlib.suppress(OSError):  # the first error is the one to say
                each.undo()
        raise
    finally:
        _waiting.reset(token)


def _tidy(replacements: Iterable[_Replacement]) -> None:
    for each in replacements:
        each.tidy()


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of another at the end of the block around.

    Must stand in a block of `together`.
    """
    waiting = _waiting.get()
    assert waiting is not None
    found = _Replacement(path)
    try:
        with found.open() as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        waiting.append(found)
    except BaseException:
        if found not in waiting:
            found.tidy()
        raise


@contextlib.contextmanager
def write_errors(path: str) -> Iterator[None]:
    """Turn an error of the system into a `WriteError` that names the file."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise WriteError(f"{path}: error: cannot write: {reason}") from None
