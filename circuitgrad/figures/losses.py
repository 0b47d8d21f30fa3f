"""The values of a gradient descent as a figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from circuitgrad.errors import CircuitError
from circuitgrad.figures.chart import Panel, Series, chart
from circuitgrad.figures.drawing import Figure, figure_format, written
from circuitgrad.figures.scene import Label, Scene
from circuitgrad.formats.files import write_whole

if TYPE_CHECKING:
    from circuitgrad.descent import Descent

__all__ = ["draw_losses", "losses_scene"]

#: Most points of the line: on a logarithmic axis more cannot be told apart.
MOST: Final = 300


def losses_scene(descent: Descent) -> Scene:
    """Chart the value after each step, both on logarithmic axes.

    Raises
    ------
    CircuitError
        If no value is above 0: others have no place on such an axis, and are left out.
    """
    values = descent.values
    last = len(values)
    chosen = sorted({round(last ** (i / MOST)) for i in range(MOST + 1)} | {1, last})
    points = [
        (float(step), values[step - 1])
        for step in chosen
        if math.isfinite(values[step - 1]) and values[step - 1] > 0
    ]
    if not points:
        raise CircuitError(
            f"no value of {descent.output} is above 0: a chart has a logarithmic axis"
        )
    label = Label(descent.output, rf"\text{{{_plain(descent.output)}}}", 0.75)
    panel = Panel("value", "step, from 1", [Series(label, "adjoint", points)])
    return chart([panel], f"gradient descent: {descent}")


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else " " for c in name)


def draw_losses(
    descent: Descent, path: str | None = None, theme: str = "light"
) -> Figure:
    """Draw the values of a descent; the ending of a path says the format, SVG without.

    Raises
    ------
    CircuitError
        If there is no such format or theme; if no value is above 0.
    """
    chosen = figure_format(path, None)
    figure = Figure(written(losses_scene(descent), chosen, theme), chosen)
    if path is not None:
        write_whole(path, figure.data)
    return figure
