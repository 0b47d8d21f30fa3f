"""Drawing a circuit: from the circuit to the file of a figure, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.errors import CircuitError
from circuitgrad.figures.palette import theme as theme_of
from circuitgrad.gradients import jacobian

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.figures.scene import Scene
    from circuitgrad.figures.steps import Steps

__all__ = ["FIGURE_FORMATS", "Figure", "draw", "mimebundle", "scene_of"]

#: The formats of figures, by the ending of a file.
FIGURE_FORMATS: Final = {"svg": "svg", "pdf": "pdf", "png": "png", "tex": "tikz"}

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
    near: int | None = None,
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
        Above 500 gates, or 2,000 wires and inputs, the figure is a profile: how many
        gates each level has.
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
        One output: the gates that it depends on alone; with ``mirror`` or
        ``gradient``, the output to differentiate.
    near : int, optional
        Draw gates at most so many wires from an output, and cut off what is below.
    pipeline : str
        With those: the level or the passes that follow differentiation; by default
        none, as the notes draw it.
    gradient : {"reverse", "bp", "forward", "fp"}, optional
        Draw the gradient circuit that this mode emits, in place of the circuit.
    wrt : str or sequence of str, optional
        With ``gradient`` or ``mirror``: the inputs to differentiate by; all where left
        out.
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
        several outputs to mirror; if an output, the format or the theme is unknown;
        if what is drawn has no overlay.
    EvaluationError
        If a gate has no value there.
    LimitError
        If a mirror would have more than 500 gates, or Graphviz takes too long.
    RenderError
        If Graphviz fails.
    """
    from circuitgrad.formats.files import write_whole

    chosen = figure_format(path, format)
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
        if near is not None:
            raise CircuitError("an overlay reveals a whole circuit: leave out near")
        from circuitgrad.figures.beamer import revealing

        steps = revealing(circuit, **options)
        scene = steps.scene
    else:
        scene = scene_of(circuit, near=near, cut=cut, **options)
    if legend:
        from circuitgrad.figures.legend import with_legend

        scene = with_legend(scene)
    figure = Figure(written(scene, chosen, theme, steps), chosen)
    if path is not None:
        write_whole(path, figure.data)
    return figure


def figure_format(path: str | None, format: str | None) -> str:
    """Give the format of a figure: the one that is given, or that of the ending."""
    ending = os.path.splitext(path)[1].lower().lstrip(".") if path else ""
    chosen = format or FIGURE_FORMATS.get(ending) or ending or "svg"
    if chosen not in FIGURE_FORMATS.values():
        known = ", ".join(FIGURE_FORMATS.values())
        raise CircuitError(f"no figure format {chosen!r}; there are: {known}")
    return chosen


def scene_of(
    circuit: Circuit,
    *,
    at: Mapping[str, Any] | None = None,
    mirror: bool = False,
    of: str | None = None,
    near: int | None = None,
    pipeline: str = "none",
    gradient: str | None = None,
    wrt: Sequence[str] | str | None = None,
    cut: str | None = None,
) -> Scene:
    """Place a circuit; options and errors as for `draw`."""
    from circuitgrad.evaluation.evaluate import values_at
    from circuitgrad.figures import extract
    from circuitgrad.figures.elements import elements
    from circuitgrad.figures.layout import place
    from circuitgrad.simplify.rewrites import note

    if mirror:
        if near is not None:
            raise CircuitError("a mirror shows a whole circuit: near goes without it")
        from circuitgrad.figures.mirror import Mirror

        return Mirror(circuit, of=of, pipeline=pipeline, at=at, wrt=wrt).scene
    if gradient is not None:
        circuit = jacobian(circuit, of=of, wrt=wrt, mode=gradient, pipeline=pipeline)
        of = None
    if cut is not None:
        if near is not None:
            raise CircuitError("(C - z) is drawn whole: near goes without the cut")
        from circuitgrad.figures.extract import check_size
        from circuitgrad.figures.surgery import cut_scene

        check_size(circuit)
        return cut_scene(circuit, cut, at)
    chosen = extract.one_output(circuit, of)
    if of is None and near is None and extract.fits(circuit, circuit.columns.inputs):
        return place(elements(circuit, None if at is None else values_at(circuit, at)))
    part = None
    if of is not None or near is not None:
        part = extract.part(chosen, near)
    if part is None:
        if at is not None:
            note("a profile shows no values")
        return _profile(chosen, of, near)
    values = None
    if at is not None:
        every = values_at(chosen, at)
        values = [every[vertex] for vertex in part.vertices]
    placed = place(part.marked(elements(part.circuit, values)))
    return part.captioned(placed, near)


def _profile(circuit: Circuit, of: str | None, near: int | None) -> Scene:
    """Chart a circuit that is too large to be laid out, and note why."""
    from circuitgrad.figures.extract import MAX_GATES, MAX_WIRES, nearest
    from circuitgrad.figures.profile import profile
    from circuitgrad.simplify.rewrites import note

    hints = []
    if of is None and len(circuit.outputs) > 1:
        hints.append("--of NAME draws what one output depends on")
    if close := nearest(circuit):
        hints.append(f"--near {close} the gates next to the outputs")
    asked = "" if near is None else f" at most {near} wires from an output"
    also = f"; {', '.join(hints)}" if hints else ""
    note(
        f"drawn as a profile, a chart of gates by level: more than {MAX_GATES} gates, "
        f"or {MAX_WIRES:,} wires and inputs{asked}{also}"
    )
    return profile(circuit)


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
