"""Commands that answer a question about circuits: stats, check, draw, show, diff."""

from __future__ import annotations

import json
import os
import sys

import click

from circuitgrad.cli.options import (
    answer,
    check_options,
    distinct,
    input_options,
    intervals_of,
    passes_of,
    point_of,
    read_circuit,
    say,
)

__all__ = ["check", "diff", "draw", "show", "stats"]


@click.command()
@input_options
@click.option(
    "--source", metavar="FILE", help="The circuit that FILE is the gradient of."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Count size, wires, depth and operations."""
    circuit = read_circuit(file, expression, from_format)
    counts = circuit.stats()
    from circuitgrad.tables import compare, rows, show

    if source is None:
        if as_json:
            click.echo(json.dumps(counts.as_dict()))
        else:
            show(["", "C"], rows(counts), sys.stdout)
        return
    origin = read_circuit(source, None, None).stats()
    if as_json:
        click.echo(
            json.dumps({"source": origin.as_dict(), "gradient": counts.as_dict()})
        )
    else:
        show(["", "C", "∇C", "ratio"], compare(origin, counts), sys.stdout)


@click.command()
@click.argument("source")
@click.argument("gradient")
@check_options
@click.option("--seed", default=0, help="Seed of the random points.")
@click.option(
    "--replay", metavar="FILE", help="Repeat the check of a certificate, and compare."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-v", "--verbose", is_flag=True, help="A line for every output.")
def check(
    source: str,
    gradient: str,
    ranges: str | None,
    prime: str | None,
    trials: int | None,
    one_by_one: bool,
    certificate: str | None,
    seed: int,
    replay: str | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Check that GRADIENT computes the derivatives of SOURCE that its outputs name."""
    intervals = intervals_of(ranges)
    if replay is not None and (ranges or prime or trials or seed or one_by_one):
        raise click.UsageError("with --replay, the certificate says how to check")
    distinct([source, gradient, replay], certificate=certificate)
    if source == gradient == "-":
        raise click.UsageError("one of the two files may be standard input")
    circuits = read_circuit(source, None, None), read_circuit(gradient, None, None)
    from circuitgrad import check as checks

    differences: list[str] = []
    report: checks.Report | None
    if replay is None:
        report = checks.check_gradient(
            *circuits,
            ranges=intervals,
            seed=seed,
            prime=int(prime) if prime else None,
            trials=trials,
            one_by_one=one_by_one,
        )
    else:
        report, differences = checks.replay(*circuits, checks.read_certificate(replay))
        for text in differences:
            say(f"{replay}: error: {text}")
        if report is None:
            return 1
        if not differences:
            say(f"{replay}: the same verdicts")
    missing = checks.absent(*circuits)
    if missing:
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        say(f"note: no output is {', '.join(missing[:5])}{more}")
    if certificate is not None:
        checks.write_certificate(certificate, *circuits, report)
    if as_json:
        answer(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        lines = (
            [report.summary(), *map(str, report.verdicts)] if verbose else [str(report)]
        )
        answer("\n".join(lines))
    return 1 if differences else report.exit_status


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
@click.option("--at", metavar="X=VALUE,...", help="Show each gate's value at a point.")
@click.option(
    "--mirror",
    is_flag=True,
    help="Draw the gradient beside it, each derivative opposite of its gate.",
)
@click.option("--of", metavar="NAME", help="With --mirror: the output.")
@click.option(
    "-O",
    "optimize",
    metavar="LEVEL",
    help="With --mirror: none (as the notes draw it, the default), tidy, size, depth.",
)
@click.option(
    "-p", "--passes", metavar="PIPELINE", help="With --mirror: instead of -O."
)
@click.option("--legend", is_flag=True, help="Say below what the colours are.")
@click.option(
    "--theme",
    default="light",
    type=click.Choice(["light", "dark", "bw"]),
    help="Colours for paper, for a dark slide, or black and white.",
)
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
    at: str | None,
    mirror: bool,
    of: str | None,
    optimize: str | None,
    passes: str | None,
    legend: bool,
    theme: str,
    overlay: bool,
) -> None:
    """Draw a circuit as a figure."""
    point = None if at is None else point_of(at.split(","))
    if not mirror and (of or optimize or passes):
        raise click.UsageError("--of, -O and -p go with --mirror")
    pipeline = passes_of(optimize or (None if passes else "none"), passes)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import draw as draw_circuit

    draw_circuit(
        circuit,
        output,
        format=to_format,
        at=point,
        mirror=mirror,
        of=of,
        pipeline=pipeline,
        legend=legend,
        theme=theme,
        overlay=overlay,
    )


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
    point = None if at is None else point_of(at.split(","))
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.figures import tree

    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = tree(circuit, point, of, color=color)
    try:
        click.echo(text)
    except UnicodeEncodeError:  # a locale without these characters: as files are
        click.echo(text.encode())


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(first: str, second: str, as_json: bool) -> int:
    """Tell whether two circuits are the same up to names and order: status 0 or 1."""
    from circuitgrad.isomorphism import difference

    if first == second == "-":
        raise click.UsageError("one of the two files may be standard input")
    circuits = (read_circuit(file, None, None) for file in (first, second))
    found = difference(*circuits)
    if as_json:
        answer(json.dumps({"same": found is None, "difference": found}))
    else:
        answer(
            f"different: {found}" if found else "the same circuit up to names and order"
        )
    return 1 if found else 0
