"""Reading bytes and writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from typing import IO, Final

from circuitgrad.errors import FormatError, LimitError, WriteError
from circuitgrad.limits import exceeded, limit
from circuitgrad.replacing import replacing, together, write_errors

__all__ = ["as_text", "is_stream", "read_bytes", "write_whole", "writing"]

#: Opened once more, the second would lose what the shell's `>>` appends to.
_STANDARD_OUTPUT: Final = ("-", "/dev/stdout")


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
        path = "<stdin>"
        try:
            data = sys.stdin.buffer.read(most + 1)
        except OSError as error:
            raise FormatError(_reason(error, "readable"), path=path) from None
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
    """Write a file whole or not at all, as `writing` does.

    Raises
    ------
    WriteError
        If that cannot be done; a file that stood there before is as it was.
    """
    with writing(path) as file:
        file.write(data)


@contextlib.contextmanager
def writing(path: str) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when all of the block is written, else goes.

    ``-`` is standard output.  A device or a pipe is written to directly; a symbolic
    link is followed.  Another hard link to the file keeps what stood there.  Within
    `together`, the file takes its place with the others.

    Raises
    ------
    WriteError
        If it cannot be written; a file that stood there before is as it was.
    """
    if path in _STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if not path:
        raise WriteError("a file to write needs a name")
    with write_errors(path):
        if is_stream(path):
            with open(path, "wb") as file:
                yield file
            return
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with together(), replacing(path) as file:
            yield file


def is_stream(path: str) -> bool:
    """Tell whether a path is standard output, a device or a pipe: no file to replace.

    Raises
    ------
    OSError
        If the system cannot tell: links in a circle, a folder that may not be searched.
    """
    if path in _STANDARD_OUTPUT:
        return True
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
