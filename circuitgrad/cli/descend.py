"""The command that follows a gradient downhill."""

from __future__ import annotations

import json
import math

import click

from circuitgrad.cli.options import answer, point_of, read_circuit, say

__all__ = ["descend"]


@click.command()
@click.argument("file_and_values", nargs=-1, metavar="[FILE] [NAME=VALUE]...")
@click.option("-e", "--expression", metavar="FORMULA", help="An inline formula.")
@click.option("-f", "--from", "from_format", metavar="FORMAT", help="Format of FILE.")
@click.option("--of", metavar="NAME", help="The output, where there are several.")
@click.option("--wrt", metavar="X,...", help="The inputs that change; all by default.")
@click.option("--rate", default=0.1, show_default=True, help="The learning rate.")
@click.option("--steps", default=1000, show_default=True, help="Steps at most.")
@click.option(
    "--momentum", default=0.0, show_default=True, help="Of the last step, taken again."
)
@click.option(
    "--tolerance",
    default=1e-8,
    show_default=True,
    help="Stop where the gradient's norm is not larger.",
)
@click.option("--target", type=float, help="Stop where the value is not larger.")
@click.option(
    "--line-search",
    is_flag=True,
    help="Find the length of each step, in place of --rate; needs SciPy.",
)
@click.option("--seed", default=0, help="Of the start, where none is given.")
@click.option(
    "--plot", metavar="FILE", help="Draw the values: .svg, .png, .pdf or .tex."
)
@click.option(
    "--theme",
    default="light",
    type=click.Choice(["light", "dark", "bw"]),
    help="Colours of the plot.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all values.")
def descend(
    file_and_values: tuple[str, ...],
    expression: str | None,
    from_format: str | None,
    of: str | None,
    wrt: str | None,
    rate: float,
    steps: int,
    momentum: float,
    tolerance: float,
    target: float | None,
    line_search: bool,
    seed: int,
    plot: str | None,
    theme: str,
    as_json: bool,
) -> int:
    """Make an output small by gradient descent: circuitgrad descend f.cg w=0.

    Prints the inputs where it ended; those without a start begin at random. Status 1
    says that it diverged.
    """
    words = list(file_and_values)
    file = words.pop(0) if words and expression is None else None
    point = point_of(words)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.descent import descend as follow

    if plot is not None:  # before the work, not after it
        from circuitgrad.figures.drawing import figure_format

        figure_format(plot, None)
    found = follow(
        circuit,
        point,
        of=of,
        wrt=wrt.split(",") if wrt else None,
        rate=rate,
        steps=steps,
        momentum=momentum,
        tolerance=tolerance,
        target=target,
        line_search=line_search,
        seed=seed,
    )
    if as_json:
        values = [value if math.isfinite(value) else None for value in found.values]
        shown = found.value if math.isfinite(found.value) else None
        answer(json.dumps({**vars(found), "value": shown, "values": values}))
    else:
        answer("\n".join(f"{name} = {value!r}" for name, value in found.point.items()))
    say(f"{found.output}: {found}")
    if plot is not None:
        from circuitgrad.figures.losses import draw_losses

        draw_losses(found, plot, theme)
    return 1 if found.stopped == "diverged" else 0
