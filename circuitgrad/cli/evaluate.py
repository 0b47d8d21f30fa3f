"""The command eval: at a point, or at all points of a file."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from circuitgrad.cli.options import point_of, read_circuit

__all__ = ["evaluate"]


@click.command(name="eval")
@click.argument("file_and_values", nargs=-1, metavar="[FILE] [NAME=VALUE]...")
@click.option("-e", "--expression", metavar="FORMULA", help="An inline formula.")
@click.option("-f", "--from", "from_format", metavar="FORMAT", help="Format of FILE.")
@click.option("--exact", is_flag=True, help="Compute with rational numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--batch", metavar="POINTS", help="Evaluate at all points of a .csv or .npy file."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="With --batch: a .csv or .npy file; CSV on standard output by default.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    help="With --batch: what is computed in.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="With --batch: how many; one a core by default.",
)
def evaluate(
    file_and_values: tuple[str, ...],
    expression: str | None,
    from_format: str | None,
    exact: bool,
    as_json: bool,
    batch: str | None,
    **of_batch: Any,
) -> None:
    """Evaluate a circuit: circuitgrad eval f.cg x=1 y=1/3, or --batch points.csv."""
    words = list(file_and_values)
    file = words.pop(0) if words and expression is None else None
    if batch is not None:
        if words:
            raise click.UsageError(f"{words[0]!r}: with --batch, points are in a file")
        if exact or as_json:
            raise click.UsageError("--batch goes with neither --exact nor --json")
        if file == batch == "-":
            raise click.UsageError("one of the two files may be standard input")
        _evaluate_file(file, expression, from_format, batch, **of_batch)
        return
    for option, value in of_batch.items():
        if value is not None:
            raise click.UsageError(f"--{option} goes with --batch")
    point = point_of(words)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.evaluation.evaluate import evaluate as evaluate_circuit
    from circuitgrad.exact import format_number

    found = evaluate_circuit(circuit, point, exact=exact)
    if exact:
        shown = {name: format_number(value) for name, value in found.items()}
    else:
        shown = {name: repr(value) for name, value in found.items()}
    if as_json:  # JSON has no infinities, no nan and no fractions: those are text
        data = {
            name: shown[name] if exact or not math.isfinite(value) else value
            for name, value in found.items()
        }
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    for name, text in shown.items():
        click.echo(f"{name} = {text}")


def _evaluate_file(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    batch: str,
    output: str | None,
    dtype: str | None,
    threads: int | None,
) -> None:
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.evaluation.compiled import Compiled
    from circuitgrad.formats.points import evaluate_file

    function = Compiled(circuit, dtype=dtype or "float64", threads=threads)
    evaluate_file(function, batch, output or "-")
