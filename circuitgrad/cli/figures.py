"""Commands that draw: steps."""

from __future__ import annotations

import click

from circuitgrad.cli.options import (
    answer,
    input_options,
    passes_of,
    point_of,
    read_circuit,
)

__all__ = ["steps"]


@click.command()
@input_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="A folder for an .svg file of each step; or one .pdf, or a moving .svg or "
    ".gif; or the rules alone as .tex or .txt. Without it, they are printed.",
)
@click.option(
    "--mode",
    default="reverse",
    type=click.Choice(["reverse", "bp", "forward", "fp"]),
    help="Backpropagation (the default) or forward propagation.",
)
@click.option("--of", metavar="NAME", help="The output, where there are several.")
@click.option("--wrt", metavar="X,...", help="In forward mode: the inputs.")
@click.option("--at", metavar="X=VALUE,...", help="Show each gate's value at a point.")
@click.option(
    "-O",
    "optimize",
    metavar="LEVEL",
    help="none (as the notes draw it, the default), tidy, size, depth.",
)
@click.option("-p", "--passes", metavar="PIPELINE", help="Instead of -O.")
@click.option(
    "--theme",
    default="light",
    type=click.Choice(["light", "dark", "bw"]),
    help="Colours for paper, for a dark slide, or black and white.",
)
def steps(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    output: str | None,
    mode: str,
    of: str | None,
    wrt: str | None,
    at: str | None,
    optimize: str | None,
    passes: str | None,
    theme: str,
) -> None:
    """Show BP or FP visit by visit, with the chain rule of each."""
    point = None if at is None else point_of(at.split(","))
    pipeline = passes_of(optimize or (None if passes else "none"), passes)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import steps as show_steps

    frames = show_steps(
        circuit,
        output,
        mode=mode,
        of=of,
        wrt=None if wrt is None else wrt.split(","),
        at=point,
        pipeline=pipeline,
        theme=theme,
    )
    if output is None:
        answer(frames.text().rstrip("\n"))
