"""The plot of time against gates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from speeds.curves import PANELS, Curves

__all__ = ["draw"]

INK, GREY = "#000000", "#777777"
WIDTH, HEIGHT = 9.6, 6.4


def draw(found: Curves, path: Path) -> None:
    """Draw a row of panels for each program; ours solid, CasADi's dashed."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "speed"})
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(
        len(found), len(PANELS), sharex=True, sharey=True, figsize=(WIDTH, HEIGHT)
    )
    for row, (program, lines) in zip(grid, found.items(), strict=True):
        for axes, (title, stages) in zip(row, PANELS.items(), strict=True):
            panel(axes, {s: lines[s] for s in stages if s in lines})
            axes.set_title(f"{program}: {title}", fontsize=9, loc="left")
        row[0].set_ylabel("seconds", fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel("gates", fontsize=9)
    figure.tight_layout()
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, metadata=metadata, dpi=100)
    pyplot.close(figure)


def panel(axes: Any, lines: dict[str, list[tuple[int, float]]]) -> None:
    """Draw lines with their names at their ends."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(7e2, 1.4e8)
    axes.set_ylim(3e-6, 3e1)
    axes.set_xticks([1e3, 1e4, 1e5, 1e6])
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.grid(True, color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    heights = spread({name: points[-1][1] for name, points in lines.items()})
    for name, points in lines.items():
        theirs = name.startswith("CasADi")
        style = {"color": GREY, "dashes": (4, 2)} if theirs else {"color": INK}
        gates, times = zip(*points, strict=True)
        axes.plot(gates, times, linewidth=1.3, **style)
        axes.annotate(
            name,
            (gates[-1], times[-1]),
            (1.7 * gates[-1], heights[name]),
            fontsize=8,
            color="#555555" if theirs else INK,
            va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY},
        )


def spread(heights: dict[str, float], apart: float = 2.0) -> dict[str, float]:
    """Move labels apart, on a logarithmic axis, as little as a sweep does it."""
    placed: dict[str, float] = {}
    last = None
    for name in sorted(heights, key=heights.__getitem__):
        place = heights[name] if last is None else max(heights[name], last * apart)
        placed[name] = last = place
    shift = 1.0
    if placed:
        top = max(placed, key=placed.__getitem__)
        shift = (placed[top] / heights[top]) ** 0.5
    return {name: place / shift for name, place in placed.items()}
