"""Several files written together: all of them whole, or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from circuitgrad.errors import WriteError
from circuitgrad.formats.files import write_whole

__all__ = ["write_together"]


def write_together(files: Mapping[str, bytes]) -> None:
    """Write files by path; where one cannot be written, the others are as they were.

    Raises
    ------
    WriteError
        If some file cannot be written, or a directory stands in its place.
    """
    before: dict[str, bytes | None] = {}
    try:
        for path, data in files.items():
            kept = _contents(path)
            write_whole(path, data)
            before[path] = kept
    except WriteError:
        for path, contents in before.items():
            with contextlib.suppress(OSError):  # the first error is the one to say
                if contents is None:
                    os.unlink(os.path.realpath(path))
                else:
                    write_whole(path, contents)
        raise


def _contents(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
