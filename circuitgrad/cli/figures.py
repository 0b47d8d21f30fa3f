"""Commands that draw: draw, steps, page, show."""

from __future__ import annotations

import os
import sys

import click

from circuitgrad.cli.options import (
    Command,
    answer,
    assignments,
    input_options,
    passes_of,
    point_of,
    read_circuit,
    say_notes,
)

__all__ = ["draw", "page", "show", "steps"]

MODES = ["reverse", "bp", "forward", "fp"]

#: What the commands below share, the last one first: click adds each before the others.
_FIGURE_OPTIONS = [
    click.option(
        "--theme",
        default="light",
        type=click.Choice(["light", "dark", "bw"]),
        help="Colours for paper, for a dark slide, or black and white.",
    ),
    click.option("-p", "--passes", metavar="PIPELINE", help="Instead of -O."),
    click.option(
        "-O",
        "optimize",
        metavar="LEVEL",
        help="none (gradients as the notes draw them, the default), tidy, size, depth.",
    ),
    click.option(
        "--at", metavar="X=VALUE,...", help="Show each gate's value at a point."
    ),
    click.option("--of", metavar="NAME", help="One output, and what it depends on."),
]


def figure_options(command: Command) -> Command:
    """Add which gradient a figure has, at which point, and ``--theme``."""
    for option in _FIGURE_OPTIONS:
        command = option(command)
    return command


@click.command()
@input_options
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    help="An .svg, .png, .pdf or .tex file.",
)
@click.option(
    "-t", "--to", "to_format", metavar="FORMAT", help="svg, png, pdf or tikz."
)
@click.option(
    "--mirror",
    is_flag=True,
    help="Draw the gradient beside it, each derivative opposite of its gate.",
)
@click.option(
    "--gradient",
    type=click.Choice(MODES),
    help="Draw the gradient circuit instead, as this mode emits it.",
)
@click.option("--wrt", metavar="X,...", help="With --gradient or --mirror: the inputs.")
@click.option(
    "--cut", metavar="NAME", help="Draw (C - z): this gate an input, where it stands."
)
@click.option(
    "--near",
    type=click.IntRange(min=1),
    metavar="N",
    help="Gates at most N wires from an output; what is below is cut off.",
)
@figure_options
@click.option("--legend", is_flag=True, help="Say below what the colours are.")
@click.option(
    "--overlay",
    is_flag=True,
    help="With tikz: a Beamer frame that reveals the gates in the order of evaluation, "
    "or with --mirror of backpropagation.",
)
def draw(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    output: str,
    to_format: str | None,
    mirror: bool,
    gradient: str | None,
    wrt: str | None,
    cut: str | None,
    near: int | None,
    of: str | None,
    at: str | None,
    optimize: str | None,
    passes: str | None,
    theme: str,
    legend: bool,
    overlay: bool,
) -> None:
    """Draw a circuit as a figure."""
    chosen = [
        name
        for name, given in (
            ("--mirror", mirror),
            ("--gradient", gradient),
            ("--cut", cut),
        )
        if given
    ]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} exclude each other")
    if not (mirror or gradient) and (optimize or passes):
        raise click.UsageError("-O and -p go with --mirror or --gradient")
    if cut and of:
        raise click.UsageError("--of goes without --cut")
    if near and (mirror or cut or overlay):
        raise click.UsageError("--near goes without --mirror, --cut and --overlay")
    if wrt and not (gradient or mirror):
        raise click.UsageError("--wrt goes with --gradient or --mirror")
    pipeline = passes_of(optimize or (None if passes else "none"), passes)
    point = None if at is None else point_of(assignments(at))
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import draw as draw_circuit
    from circuitgrad.simplify.rewrites import recording

    with recording() as journal:
        draw_circuit(
            circuit,
            output,
            format=to_format,
            at=point,
            mirror=mirror,
            of=of,
            near=near,
            pipeline=pipeline,
            gradient=gradient,
            wrt=wrt.split(",") if wrt else None,
            cut=cut,
            legend=legend,
            theme=theme,
            overlay=overlay,
        )
    say_notes(journal.notes)


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
    type=click.Choice(MODES),
    help="Backpropagation (the default) or forward propagation.",
)
@click.option("--wrt", metavar="X,...", help="In forward mode: the inputs.")
@figure_options
def steps(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    output: str | None,
    mode: str,
    wrt: str | None,
    of: str | None,
    at: str | None,
    optimize: str | None,
    passes: str | None,
    theme: str,
) -> None:
    """Show BP or FP visit by visit, with the chain rule of each."""
    point = None if at is None else point_of(assignments(at))
    pipeline = passes_of(optimize or (None if passes else "none"), passes)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import steps as show_steps

    frames = show_steps(
        circuit,
        None if output == "-" else output,
        mode=mode,
        of=of,
        wrt=wrt.split(",") if wrt else None,
        at=point,
        pipeline=pipeline,
        theme=theme,
    )
    if output in (None, "-"):
        answer(frames.text().rstrip("\n"))


@click.command()
@input_options
@click.option("--of", metavar="NAME", help="Show one output, or one gate, alone.")
@click.option("--at", metavar="X=VALUE,...", help="Show each gate's value at a point.")
def show(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    of: str | None,
    at: str | None,
) -> None:
    """Print a circuit of up to 40 gates as trees of text, one an output."""
    point = None if at is None else point_of(assignments(at))
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import tree

    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = tree(circuit, point, of, color=color)
    try:
        click.echo(text)
    except UnicodeEncodeError:  # a locale without these characters: as files are
        click.echo(text.encode())


@click.command()
@input_options
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="An .html file; - is output."
)
@click.option("--of", metavar="NAME", help="The output, where there are several.")
@click.option("--at", metavar="X=VALUE,...", help="Values that the page starts with.")
@click.option(
    "-O",
    "optimize",
    metavar="LEVEL",
    help="none (as the notes draw it, the default), tidy, size, depth.",
)
@click.option("-p", "--passes", metavar="PIPELINE", help="Instead of -O.")
def page(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    output: str,
    of: str | None,
    at: str | None,
    optimize: str | None,
    passes: str | None,
) -> None:
    """Write a page: a circuit and its gradient, to step through and compute with.

    One file of HTML, which needs no network: point at a gate, step with the arrow
    keys, type values for the inputs.
    """
    point = None if at is None else point_of(assignments(at))
    pipeline = passes_of(optimize or (None if passes else "none"), passes)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures.webpage import page as write_page

    write_page(circuit, output, of=of, at=point, pipeline=pipeline)
