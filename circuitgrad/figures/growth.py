"""Growth as a figure: sizes, operations and depth of circuits, in three panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circuitgrad.figures.chart import Panel, Series, chart
from circuitgrad.figures.drawing import Figure, figure_format, written
from circuitgrad.figures.scene import Label, Scene
from circuitgrad.formats.files import write_whole

if TYPE_CHECKING:
    from circuitgrad.families.growth import Growth

__all__ = ["draw_growth", "growth_scene"]

#: The role of each algorithm's line, whose colour it has, and its name.
_LOOKS: Final = {
    "C": ("gate", "C"),
    "BP": ("adjoint", "BP"),
    "FP": ("copy", "FP"),
    "differences": ("product", "differences"),
}
_TITLES: Final = {"size": "size (gates)", "ops": "operations", "depth": "depth"}


def growth_scene(growth: Growth) -> Scene:
    """Chart the growth of a family, a panel a measure, the exponents at the lines."""
    panels = []
    for measure, title in _TITLES.items():
        series = []
        for name, (role, shown) in _LOOKS.items():
            points = growth.points(measure, name)
            if points:
                label = _label(shown, growth.exponent(measure, name))
                series.append(Series(label, role, points))
        panels.append(Panel(title, "n", series))
    title = f"{growth.family}: a circuit, and three algorithms for its gradient"
    return chart(panels, title)


def _label(name: str, exponent: float | None) -> Label:
    """Write a line's name and the power of n that it grows like."""
    if exponent is None:
        return Label(name, rf"\text{{{name}}}", 0.75)
    power = f"{exponent:.1f}"
    return Label(f"{name}: n^{power}", rf"\text{{{name}: }}n^{{{power}}}", 0.75)


def draw_growth(
    growth: Growth, path: str | None = None, theme: str = "light"
) -> Figure:
    """Draw the growth of a family; the ending of a path says the format, SVG without.

    Raises
    ------
    CircuitError
        If there is no such format or theme.
    """
    chosen = figure_format(path, None)
    figure = Figure(written(growth_scene(growth), chosen, theme), chosen)
    if path is not None:
        write_whole(path, figure.data)
    return figure
