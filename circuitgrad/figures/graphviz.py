"""Running Graphviz: ``dot`` on the PATH through pydot, or pygraphviz in process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from circuitgrad.errors import RenderError

if TYPE_CHECKING:
    import pydot

__all__ = ["laid_out", "run"]


def laid_out(graph: pydot.Dot) -> dict[str, Any]:
    """Lay a graph out by ``dot``: what Graphviz's ``json0`` says of it."""
    try:
        found: dict[str, Any] = json.loads(run(graph, "json0"))
        if "bb" in found:
            return found
    except ValueError:
        pass
    raise RenderError("dot gave no layout")


def run(graph: pydot.Dot, format: str) -> bytes:
    """Lay out a graph by a ``dot`` on the PATH, else in process."""
    if not shutil.which("dot"):
        return _run_in_process(graph.to_string(), format)
    try:
        found: Any = graph.create(prog="dot", format=format, encoding="utf-8")
    except (OSError, AssertionError) as error:
        raise RenderError(f"dot failed: {error}") from None
    return bytes(found)


def _run_in_process(dot: str, format: str) -> bytes:
    """Run the Graphviz that pygraphviz's wheel carries."""
    try:
        import pygraphviz
    except ImportError:
        raise RenderError(
            "no Graphviz: install pygraphviz 2.0 or later, "
            "or put Graphviz's dot on the PATH"
        ) from None
    try:
        with _without_font_warnings():
            graph = pygraphviz.AGraph(string=dot)  # by a temporary file
            try:
                return bytes(graph.draw(format=format, prog="dot"))
            finally:
                graph.close()
    except (OSError, ValueError) as error:
        raise RenderError(f"Graphviz failed: {error}") from None


@contextlib.contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Keep Fontconfig's complaints about the system's settings off standard error.

    The library writes to the file descriptor itself, so that is what is redirected;
    every other line is passed on.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            lines = [
                line for line in caught if not line.startswith(b"Fontconfig warning")
            ]
            with contextlib.suppress(OSError):  # words are lost where none are taken
                os.write(2, b"".join(lines))
