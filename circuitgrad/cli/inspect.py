"""Commands that answer a question about circuits: stats, check, diff."""

from __future__ import annotations

import json
import sys

import click

from circuitgrad.cli.options import (
    answer,
    check_options,
    distinct,
    input_options,
    intervals_of,
    read_circuit,
    say,
)

__all__ = ["check", "diff", "stats"]


@click.command()
@input_options
@click.option(
    "--source", metavar="FILE", help="The circuit that FILE is the gradient of."
)
@click.option("--levels", "by_level", is_flag=True, help="Count the gates by level.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    source: str | None,
    by_level: bool,
    as_json: bool,
) -> None:
    """Count size, wires, depth and operations.

    With --source, beside the bounds of the literature: Theorem 3 of the notes, Baur and
    Strassen's, and what backpropagation takes exactly.
    """
    if by_level and source is not None:
        raise click.UsageError("--levels and --source exclude each other")
    circuit = read_circuit(file, expression, from_format)
    counts = circuit.stats()
    from circuitgrad.metrics import levels
    from circuitgrad.tables import compare, rows, show

    found = levels(circuit) if by_level else []
    if source is None:
        if as_json:
            data = counts.as_dict() | ({"levels": found} if by_level else {})
            click.echo(json.dumps(data))
        elif by_level:
            numbered = [[str(at), str(many)] for at, many in enumerate(found, 1)]
            show(["level", "gates"], numbered, sys.stdout)
        else:
            show(["", "C"], rows(counts), sys.stdout)
        return
    from circuitgrad.accounting import Account

    origin = read_circuit(source, None, None)
    of_scalars = not (origin.columns.shaped or circuit.columns.shaped)
    accounts = of_scalars and len(origin.outputs) == 1
    account = Account.of(origin, circuit) if accounts else None
    if as_json:
        data = {"source": origin.stats().as_dict(), "gradient": counts.as_dict()}
        click.echo(json.dumps(data | (account.as_dict() if account else {})))
        return
    show(["", "C", "∇C", "ratio"], compare(origin.stats(), counts), sys.stdout)
    if account is not None:
        answer("\n".join(account.lines()))


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
