"""Rendering figures: ``dot`` on the PATH through pydot, or pygraphviz in process."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.errors import CircuitError, LimitError, RenderError

if TYPE_CHECKING:
    import pydot

    from circuitgrad.circuit import Circuit

__all__ = ["FIGURE_FORMATS", "Figure", "draw", "mimebundle"]

FIGURE_FORMATS: Final = ("svg", "png", "pdf")

#: More gates than this are not laid out: Graphviz takes minutes and nobody reads it.
MAX_GATES: Final = 500
#: Nor more wires and inputs than this.
MAX_WIRES: Final = 2_000
#: Circuits of more vertices than this are text, not a picture, in a notebook.
MAX_NOTEBOOK_VERTICES: Final = 200


class Figure:
    """A drawn figure; a notebook shows it.

    Attributes
    ----------
    data : bytes
        The file's content.
    format : {"svg", "png", "pdf"}
    """

    def __init__(self, data: bytes, format: str) -> None:
        self.data = data
        self.format = format

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> dict[str, Any]:
        if self.format == "svg":
            return {"image/svg+xml": self.data.decode("utf-8")}
        return {"image/png": self.data} if self.format == "png" else {}

    def __repr__(self) -> str:
        return f"<Figure: {self.format}, {len(self.data)} bytes>"


def draw(
    circuit: Circuit,
    path: str | None = None,
    *,
    format: str | None = None,
    at: Mapping[str, Any] | None = None,
    mirror: bool = False,
    of: str | None = None,
    pipeline: str = "none",
) -> Figure:
    """Draw a circuit.

    Parameters
    ----------
    circuit : Circuit
        At most 500 gates.
    path : str, optional
        The file to write, whole or not at all.
    format : {"svg", "png", "pdf"}, optional
        By default what the path's ending says, and SVG without one.
    at : mapping, optional
        Values of the inputs by name: every gate shows its value there.
    mirror : bool
        Whether the circuit's gradient stands beside it, each derivative opposite of its
        gate.
    of : str, optional
        With ``mirror``: the output to differentiate, where there are several.
    pipeline : str
        With ``mirror``: the level or the passes that follow backpropagation; by default
        none, as the notes draw it.

    Returns
    -------
    Figure

    Raises
    ------
    CircuitError
        If an input has no value in ``at``, or a value no input; if the circuit has
        several outputs to mirror.
    EvaluationError
        If a gate has no value there.
    LimitError
        If the circuit has more than 500 gates.
    RenderError
        If the format is unknown or Graphviz fails.
    """
    from circuitgrad.evaluation.evaluate import values_at
    from circuitgrad.figures.layout import dot_graph
    from circuitgrad.formats.files import write_whole

    ending = os.path.splitext(path)[1].lower().lstrip(".") if path else ""
    chosen = format or ending or "svg"
    if chosen not in FIGURE_FORMATS:
        known = ", ".join(FIGURE_FORMATS)
        raise CircuitError(f"no figure format {chosen!r}; there are: {known}")
    if mirror:
        from circuitgrad.gradients import gradient

        if of is None and len(circuit.outputs) != 1:
            names = ", ".join(circuit.output_names)
            raise CircuitError(f"several outputs, {names}: a mirror has one, with --of")
        circuit = gradient(circuit, of=of, all=True, value=True, pipeline=pipeline)
    stats = circuit.stats()
    if stats.size > MAX_GATES or stats.wires + stats.inputs > MAX_WIRES:
        raise LimitError(
            f"{stats.size} gates, {stats.wires} wires, {stats.inputs} inputs: a figure "
            f"has at most {MAX_GATES} gates, {MAX_WIRES} wires and inputs (the limit)"
        )
    values = None if at is None else values_at(circuit, at)
    if mirror:
        from circuitgrad.figures.mirror import mirror_graph

        data = render(mirror_graph(circuit, values), chosen, engine="nop2")
    else:
        data = render(dot_graph(circuit, values=values), chosen)
    figure = Figure(data, chosen)
    if path is not None:
        write_whole(path, figure.data)
    return figure


def render(graph: pydot.Dot, format: str, engine: str = "dot") -> bytes:
    """Lay out a graph and render it: by a ``dot`` on the PATH, else in process."""
    if not shutil.which("dot"):
        return _render_in_process(graph.to_string(), format, engine)
    try:
        command = ["dot", f"-K{engine}"]
        found: Any = graph.create(prog=command, format=format, encoding="utf-8")
    except (OSError, AssertionError) as error:
        raise RenderError(f"dot failed: {error}") from None
    return bytes(found)


def _render_in_process(dot: str, format: str, engine: str) -> bytes:
    """Render with the Graphviz that pygraphviz's wheel carries."""
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
                return bytes(graph.draw(format=format, prog=engine))
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


def mimebundle(circuit: Circuit) -> dict[str, str]:
    """Give what a notebook shows: a picture of a small circuit, and its text."""
    bundle = {"text/plain": repr(circuit)}
    if circuit.size > 0 and len(circuit.columns) <= MAX_NOTEBOOK_VERTICES:
        try:
            bundle["image/svg+xml"] = draw(circuit).data.decode("utf-8")
        except Exception:  # a picture that fails must not hide the text
            return bundle
    return bundle
