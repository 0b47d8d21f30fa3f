"""Drawing a circuit: from the circuit to the file of a figure, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.errors import CircuitError, LimitError
from circuitgrad.figures.palette import theme as theme_of
from circuitgrad.gradients import jacobian

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.figures.scene import Scene
    from circuitgrad.figures.steps import Steps

__all__ = ["FIGURE_FORMATS", "Figure", "draw", "mimebundle", "scene_of"]

#: The formats of figures, by the ending of a file.
FIGURE_FORMATS: Final = {"svg": "svg", "pdf": "pdf", "png": "png", "tex": "tikz"}

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
    format : {"svg", "pdf", "png", "tikz"}
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
    gradient: str | None = None,
    wrt: Sequence[str] | str | None = None,
    cut: str | None = None,
    legend: bool = False,
    theme: str = "light",
    overlay: bool = False,
) -> Figure:
    """Draw a circuit.

    Parameters
    ----------
    circuit : Circuit
        At most 500 gates.
    path : str, optional
        The file to write, whole or not at all.
    format : {"svg", "pdf", "png", "tikz"}, optional
        By default what the path's ending says, and SVG without one; TikZ for ``.tex``.
    at : mapping, optional
        Values of the inputs by name: every gate shows its value there.
    mirror : bool
        Whether the circuit's gradient stands beside it, each derivative opposite of its
        gate.
    of : str, optional
        With ``mirror`` or ``gradient``: the output to differentiate, where there are
        several.
    pipeline : str
        With those: the level or the passes that follow differentiation; by default
        none, as the notes draw it.
    gradient : {"reverse", "bp", "forward", "fp"}, optional
        Draw the gradient circuit that this mode emits, in place of the circuit.
    wrt : str or sequence of str, optional
        With ``gradient``: the inputs to differentiate by; all where left out.
    cut : str, optional
        Draw the circuit (C - z) for this gate z: an input, where it stands in C.
    legend : bool
        Whether the figure says what its colours are.
    theme : {"light", "dark", "bw"}
        The colours: for paper, for a dark slide, black and white.
    overlay : bool
        With the format ``tikz``: whether it is a Beamer frame that reveals the gates, a
        slide each, as they are evaluated, or with ``mirror`` as backpropagation visits
        them.

    Returns
    -------
    Figure

    Raises
    ------
    CircuitError
        If an input has no value in ``at``, or a value no input; if the circuit has
        several outputs to mirror; if the format or the theme is unknown; if what is
        drawn has no overlay.
    EvaluationError
        If a gate has no value there.
    LimitError
        If the circuit has more than 500 gates.
    RenderError
        If Graphviz fails.
    """
    from circuitgrad.formats.files import write_whole

    ending = os.path.splitext(path)[1].lower().lstrip(".") if path else ""
    chosen = format or FIGURE_FORMATS.get(ending) or ending or "svg"
    if chosen not in FIGURE_FORMATS.values():
        known = ", ".join(FIGURE_FORMATS.values())
        raise CircuitError(f"no figure format {chosen!r}; there are: {known}")
    theme_of(theme)
    options: dict[str, Any] = {
        "at": at, "mirror": mirror, "of": of, "pipeline": pipeline,
        "gradient": gradient, "wrt": wrt,
    }  # fmt: skip
    steps = None
    if overlay:
        if chosen != "tikz":
            raise CircuitError(f"an overlay is a tikz figure (.tex), not {chosen}")
        if cut is not None:
            raise CircuitError("an overlay reveals a circuit: leave out the cut")
        from circuitgrad.figures.beamer import revealing

        steps = revealing(circuit, **options)
        scene = steps.scene
    else:
        scene = scene_of(circuit, cut=cut, **options)
    if legend:
        from circuitgrad.figures.legend import with_legend

        scene = with_legend(scene)
    figure = Figure(written(scene, chosen, theme, steps), chosen)
    if path is not None:
        write_whole(path, figure.data)
    return figure


def scene_of(
    circuit: Circuit,
    *,
    at: Mapping[str, Any] | None = None,
    mirror: bool = False,
    of: str | None = None,
    pipeline: str = "none",
    gradient: str | None = None,
    wrt: Sequence[str] | str | None = None,
    cut: str | None = None,
) -> Scene:
    """Place a circuit; options and errors as for `draw`."""
    from circuitgrad.evaluation.evaluate import values_at
    from circuitgrad.figures.elements import elements
    from circuitgrad.figures.layout import place

    if mirror:
        from circuitgrad.figures.mirror import Mirror

        return Mirror(circuit, of=of, pipeline=pipeline, at=at).scene
    if gradient is not None:
        circuit = jacobian(circuit, of=of, wrt=wrt, mode=gradient, pipeline=pipeline)
    check_size(circuit)
    if cut is not None:
        from circuitgrad.figures.surgery import cut_scene

        return cut_scene(circuit, cut, at)
    return place(elements(circuit, None if at is None else values_at(circuit, at)))


def check_size(circuit: Circuit) -> None:
    """Refuse what is too large to be laid out.

    Raises
    ------
    LimitError
        If it has more than `MAX_GATES` gates, or than `MAX_WIRES` wires and inputs.
    """
    stats = circuit.stats()
    if stats.size > MAX_GATES or stats.wires + stats.inputs > MAX_WIRES:
        raise LimitError(
            f"{stats.size} gates, {stats.wires} wires, {stats.inputs} inputs: a figure "
            f"has at most {MAX_GATES} gates, {MAX_WIRES} wires and inputs (the limit)"
        )


def written(scene: Scene, format: str, theme: str, steps: Steps | None = None) -> bytes:
    """Write a placed scene in a format; with steps, TikZ reveals it."""
    colors = theme_of(theme)
    if format == "tikz" and steps is not None:
        from circuitgrad.figures.beamer import write_beamer

        return write_beamer(replace(steps, scene=scene), colors).encode("utf-8")
    if format == "tikz":
        from circuitgrad.figures.tikz import write_tikz

        return write_tikz(scene, colors).encode("utf-8")
    if format == "pdf":
        from circuitgrad.figures.pdf import write_pdf

        return write_pdf([scene], colors)
    from circuitgrad.figures.svg import write_svg

    svg = write_svg(scene, colors)
    if format == "png":
        from circuitgrad.figures.png import write_png

        return write_png(svg)
    return svg.encode("utf-8")


def mimebundle(circuit: Circuit) -> dict[str, str]:
    """Give what a notebook shows: a picture of a small circuit, and its text."""
    bundle = {"text/plain": repr(circuit)}
    if circuit.size > 0 and len(circuit.columns) <= MAX_NOTEBOOK_VERTICES:
        try:
            bundle["image/svg+xml"] = draw(circuit).data.decode("utf-8")
        except Exception:  # a picture that fails must not hide the text
            return bundle
    return bundle
