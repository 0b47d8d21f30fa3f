"""Draw the figures of the README and the docs: ``python docs/make_figures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import circuitgrad as cg

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures"


def figures() -> dict[str, tuple[cg.Circuit, dict[str, Any]]]:
    """Give the circuit of each figure, and how it is drawn, by the figure's name."""
    fig1 = cg.read(ROOT / "examples" / "fig1.cg")
    worked = cg.read(ROOT / "examples" / "worked_example.cg")
    return {
        "fig1": (fig1, {}),
        "fig1_gradient": (cg.gradient(fig1), {}),
        "worked_example": (worked, {}),
        "worked_example_gradient": (cg.gradient(worked, all=True, value=True), {}),
        "worked_example_mirror": (
            worked,
            {"mirror": True, "at": {"x1": 1, "x2": 2}, "pipeline": "fold,cse,dce"},
        ),
    }


if __name__ == "__main__":
    for name, (circuit, options) in figures().items():
        circuit.draw(str(FIGURES / f"{name}.svg"), **options)
