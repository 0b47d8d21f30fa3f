"""Reading bytes and writing files whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile

from circuitgrad.errors import FormatError, LimitError, WriteError
from circuitgrad.limits import exceeded, limit

__all__ = ["as_text", "read_bytes", "write_whole"]


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input for ``-``.

    Raises
    ------
    FormatError
        If it is missing or a directory.
    LimitError
        If it is larger than the limit "file".
    """
    most = limit("file")
    if path == "-":
        if sys.stdin is None:
            raise FormatError("standard input is closed", path="<stdin>")
        data, path = sys.stdin.buffer.read(most + 1), "<stdin>"
    else:
        try:
            with open(path, "rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise FormatError(
                _reason(error, "a file that can be read"), path=path
            ) from None
    if len(data) > most:
        raise _too_large("file", path)
    return data


def as_text(data: bytes, path: str) -> str:
    """Decode the contents of a text file.

    Raises
    ------
    FormatError
        If it is binary or not UTF-8.
    LimitError
        If it is larger than the limit "text".
    """
    if len(data) > limit("text"):
        raise _too_large("text", path)
    if b"\0" in data:
        raise FormatError("a binary file; a circuit is UTF-8 text", path=path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(
            f"not UTF-8: byte 0x{data[error.start]:02x} in line {line}", path=path
        ) from None


def _too_large(name: str, path: str) -> LimitError:
    return exceeded(name, f"larger than {limit(name):,} bytes").at(path)


def _reason(error: OSError, wanted: str) -> str:
    return {
        "FileNotFoundError": "no such file",
        "IsADirectoryError": "a directory, not a file",
        "PermissionError": "no permission",
    }.get(type(error).__name__, f"not {wanted}: {error.strerror}")


def write_whole(path: str, data: bytes) -> None:
    """Write a file whole or not at all: beside it, then renamed.

    ``-`` is standard output.  A device or a pipe is written to directly; a link is
    followed.

    Raises
    ------
    WriteError
        If that cannot be done; a file that stood there before is as it was.
    """
    if path == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except OSError:
        mode = None
    try:
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with open(target, "wb") as file:
                file.write(data)
            return
        if mode is not None and stat.S_ISDIR(mode):
            raise WriteError(f"{path}: error: a directory, not a file to write")
        _replace(target, data, mode)
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"{path}: error: cannot write: {error.strerror}") from None


def _replace(target: str, data: bytes, mode: int | None) -> None:
    folder = os.path.dirname(target)
    handle, beside = tempfile.mkstemp(prefix=".circuitgrad-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, stat.S_IMODE(mode) if mode is not None else 0o666 & ~umask)
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
