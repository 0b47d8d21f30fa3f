"""The command eval: at a point, or at all points of a file."""

from __future__ import annotations

import json
import math
from fractions import Fraction
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
    help="With --batch: a .csv or .npy file; CSV on standard output by default. "
    "Else a .npz file, for arrays.",
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
    """Evaluate a circuit: circuitgrad eval f.cg x=1 y=1/3, or --batch points.csv.

    An array is a value in brackets, v=[1,2], or in a file, v=v.npy.
    """
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
    output = of_batch.pop("output")
    for option, value in of_batch.items():
        if value is not None:
            raise click.UsageError(f"--{option} goes with --batch")
    if output is not None and not output.endswith(".npz"):
        raise click.UsageError("-o goes with --batch, or takes a .npz file")
    point = point_of(words)
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.evaluation.evaluate import evaluate as evaluate_circuit

    found = evaluate_circuit(circuit, point, exact=exact)
    if output is not None:
        _write_arrays(output, found, exact)
    elif as_json:
        data = {name: _as_json(value) for name, value in found.items()}
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        for name, value in found.items():
            click.echo(_shown(name, value))


def _shown(name: str, value: Any) -> str:
    """Write an output: a number, or an array as NumPy shows it."""
    import numpy as np

    if not isinstance(value, np.ndarray):
        return f"{name} = {_number(value)}"
    head = f"{name} = "
    text = np.array2string(
        value,
        separator=", ",
        prefix=head,
        formatter={"all": _number},
        max_line_width=88,
    )
    return head + text


def _number(value: Any) -> str:
    from circuitgrad.exact import format_number

    return format_number(value) if isinstance(value, Fraction) else repr(float(value))


def _as_json(value: Any) -> Any:
    """Give JSON, which has no infinities, no nan and no fractions: those are text."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, Fraction) or not math.isfinite(value):
        return _number(value)
    return value


def _write_arrays(path: str, found: dict[str, Any], exact: bool) -> None:
    """Write outputs as a .npz file, whole or not at all."""
    if exact:
        raise click.UsageError("a .npz file has no rational numbers: leave --exact out")
    import numpy as np

    from circuitgrad.formats.files import writing

    arrays: dict[str, Any] = {name: np.asarray(v) for name, v in found.items()}
    with writing(path) as file:
        np.savez(file, **arrays)


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
    circuit.require_scalars("--batch")
    from circuitgrad.evaluation.compiled import Compiled
    from circuitgrad.formats.points import evaluate_file

    function = Compiled(circuit, dtype=dtype or "float64", threads=threads)
    evaluate_file(function, batch, output or "-")
