"""Running Graphviz: ``dot`` on the PATH through pydot, or pygraphviz in process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.errors import LimitError, RenderError

if TYPE_CHECKING:
    import pydot

__all__ = ["MAX_SECONDS", "laid_out", "run"]

#: Longest that a process of its own lays a graph out.
MAX_SECONDS: Final = 20

#: What that process does where there is no ``dot``.
_CHILD: Final = """
import sys
sys.path[:] = sys.argv[2:]
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


def laid_out(graph: pydot.Dot, *, apart: bool = False) -> dict[str, Any]:
    """Lay a graph out by ``dot``: what Graphviz's ``json0`` says of it.

    ``apart`` is as for `run`.
    """
    text = run(graph, "json0", apart=apart)
    with contextlib.suppress(ValueError):
        found: dict[str, Any] = json.loads(text)
        if "bb" in found:
            return found
    raise RenderError("dot gave no layout")


def run(graph: pydot.Dot, format: str, *, apart: bool = False) -> bytes:
    """Lay out a graph by a ``dot`` on the PATH, else in process.

    Parameters
    ----------
    graph : pydot.Dot
    format : str
    apart : bool
        Whether it may take long: instead of in process, where nothing can interrupt it,
        it is laid out in a process of its own.

    Raises
    ------
    LimitError
        If a process of its own takes more than `MAX_SECONDS`.
    RenderError
        If there is no Graphviz, or it fails.
    """
    dot = graph.to_string()
    program = shutil.which("dot")
    if program:
        return _run_apart([program, f"-T{format}"], dot)
    if apart and sys.executable:
        # the modules that are found here are found there, and none in the directory
        command = [sys.executable, "-P", "-c", _CHILD, format, *sys.path]
        return _run_apart(command, dot)
    return _run_in_process(dot, format)


def _run_apart(command: list[str], dot: str) -> bytes:
    """Run a process that reads a graph and writes its layout, for so long at most."""
    try:
        done = subprocess.run(
            command, input=dot.encode("utf-8"), capture_output=True, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise LimitError(
            f"Graphviz found no places within {MAX_SECONDS} s (the limit): draw fewer "
            "gates, with --near N or --of NAME"
        ) from None
    except OSError as error:
        raise RenderError(f"dot failed: {error}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().split("\n")
        raise RenderError(f"dot failed: {words[-1] or done.returncode}")
    return done.stdout


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
