"""Draw the figures of the README and the docs: ``python docs/make_figures.py``."""

from __future__ import annotations

from pathlib import Path

import circuitgrad as cg
from circuitgrad.families import det_gauss
from circuitgrad.families.growth import grow
from circuitgrad.figures.growth import draw_growth

#: The squared length of relu(X W1) W2 - Y, of a batch of 32.
TWO_LAYERS = """\
circuit two_layers
input X[32, 784], W1[784, 128], W2[128, 10], Y[32, 10]
Z = X @ W1
A = relu(Z)
R = A @ W2 - Y
f = squared_norm(R)
output f
"""

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures"


def figures() -> dict[str, str]:
    """Draw each figure, by its name: SVG."""
    fig1 = cg.read(ROOT / "examples" / "fig1.cg")
    square = cg.read(ROOT / "examples" / "fig1_square.cg")
    worked = cg.read(ROOT / "examples" / "worked_example.cg")
    layers, weights = cg.parse(TWO_LAYERS), ["W1", "W2"]
    drawn = {
        "fig1": fig1.draw(),
        "fig1_values": fig1.draw(at={"x": 1, "y": 2, "z": 0}),
        "fig1_gradient": cg.gradient(fig1).draw(),
        "fig2": fig1.draw(gradient="forward", wrt="x"),
        "fig3": square.draw(gradient="reverse", pipeline="tidy"),
        "worked_example": worked.draw(),
        "worked_example_gradient": cg.gradient(worked, all=True, value=True).draw(),
        "worked_example_cut_u3": worked.draw(cut="u3"),
        "worked_example_cut_u1": worked.draw(cut="u1"),
        "worked_example_mirror": worked.draw(
            mirror=True, at={"x1": 1, "x2": 2}, pipeline="fold,cse,dce"
        ),
        "worked_example_legend": worked.draw(mirror=True, legend=True),
        "worked_example_dark": worked.draw(mirror=True, theme="dark"),
        "worked_example_bw": worked.draw(mirror=True, theme="bw"),
        "two_layer_gradient": cg.gradient(layers, wrt=weights).draw(),
        "two_layer_mirror": layers.draw(mirror=True, pipeline="tidy", wrt=weights),
    }
    found = {name: figure.data.decode() for name, figure in drawn.items()}
    steps = cg.steps(worked)
    found["worked_example_steps"] = steps.moving()
    for number, svg in enumerate(steps.drawings()):
        found[f"worked_example_step_{number}"] = svg
    growth = grow("det-gauss", det_gauss, range(2, 17, 2))
    found["growth"] = draw_growth(growth).data.decode()
    return found


if __name__ == "__main__":
    for name, svg in figures().items():
        (FIGURES / f"{name}.svg").write_text(svg)
