"""Commands that emit circuits: grad, opt, convert."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from circuitgrad.cli.options import (
    WRITTEN,
    PassReport,
    check_options,
    distinct,
    input_options,
    intervals_of,
    names,
    output_options,
    pass_options,
    passes_of,
    read_circuit,
    say,
    say_notes,
    say_table,
    write_circuit,
)

if TYPE_CHECKING:
    from circuitgrad.check import Report
    from circuitgrad.circuit import Circuit

__all__ = ["convert", "grad", "opt"]

LEVELS_HELP = "none, tidy (the default), size or depth."


@click.command()
@input_options
@click.option(
    "--mode",
    default="reverse",
    type=click.Choice(["reverse", "forward", "bp", "fp"]),
    help="Backpropagation (reverse, bp) or forward propagation (forward, fp).",
)
@click.option("--of", metavar="OUTPUT", help="Output to differentiate; all by default.")
@click.option(
    "--wrt", metavar="X,Y", help="Inputs to differentiate by; all by default."
)
@click.option("--value", is_flag=True, help="Also output what the circuit outputs.")
@click.option(
    "--all", "every", is_flag=True, help="A partial for every vertex, not only inputs."
)
@click.option(
    "--jacobians",
    is_flag=True,
    help="Form the Jacobian of each activation of a vector.",
)
@click.option("-O", "--optimize", metavar="LEVEL", help=LEVELS_HELP)
@click.option(
    "-p", "--passes", metavar="PIPELINE", help="Passes to run instead of those of -O."
)
@click.option(
    "--check/--no-check", default=None, help="Check the result; on by default."
)
@check_options
@click.option(
    "--json", "as_json", is_flag=True, help="Report on standard error as JSON."
)
@pass_options
@output_options
def grad(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    mode: str,
    of: str | None,
    wrt: str | None,
    value: bool,
    every: bool,
    jacobians: bool,
    optimize: str | None,
    passes: str | None,
    check: bool | None,
    ranges: str | None,
    prime: str | None,
    trials: int | None,
    one_by_one: bool,
    certificate: str | None,
    as_json: bool,
    print_between_passes: bool,
    time_passes: bool,
    ieee: bool,
    log_rewrites: str | None,
    output: str,
    to_format: str | None,
) -> int:
    """Write the gradient circuit of a circuit (of several outputs, the Jacobian)."""
    pipeline = passes_of(optimize, passes)
    intervals = intervals_of(ranges)
    if check is False and certificate is not None:
        raise click.UsageError("--certificate and --no-check exclude each other")
    if every and wrt is not None:
        raise click.UsageError("--all and --wrt exclude each other")
    distinct(
        [file],
        output=output,
        certificate=certificate,
        **{"log-rewrites": log_rewrites},
    )
    circuit = read_circuit(file, expression, from_format)
    from circuitgrad.gradients import emit
    from circuitgrad.metrics import literal_size
    from circuitgrad.simplify.rewrites import recording

    options = {"of": names(of), "wrt": names(wrt), "value": value, "all": every}
    if jacobians:
        options["jacobians"] = True
    shown = PassReport(print_between_passes, time_passes, log_rewrites)
    sizes: list[int] = []
    with recording() as journal:
        emitted = emit(
            circuit,
            mode,
            options,
            pipeline,
            ieee=ieee,
            report=shown.wanted,
            literal=lambda made: sizes.append(literal_size(made)),
        )
    [literal] = sizes
    report = None
    if check is not False:
        from circuitgrad.check import check_gradient

        report = check_gradient(
            circuit,
            emitted,
            ranges=intervals,
            prime=int(prime) if prime else None,
            trials=trials,
            one_by_one=one_by_one,
        )
        if certificate is not None:
            from circuitgrad.check import write_certificate

            write_certificate(certificate, circuit, emitted, report)
    notes = journal.notes
    if report is None or not report.failed:
        shown.write_log()
        notes += write_circuit(emitted, output, to_format)
    if as_json:
        more = shown.as_json(notes)
        data = _data(circuit, literal, emitted, report) | more
        say(json.dumps(data, ensure_ascii=False))
    else:
        shown.finish(notes)
        by_theorem = literal if mode in ("reverse", "bp") else None
        _report_gradient(circuit, by_theorem, emitted, report)
    if report is None or report.passed:
        return 0
    open_too = check or "undecided" in report.counts
    return report.exit_status if open_too or report.failed else 0


def _data(
    circuit: Circuit, literal: int, emitted: Circuit, report: Report | None
) -> dict[str, Any]:
    from circuitgrad.metrics import theorem3_bound
    from circuitgrad.operations import operations

    return {
        "source": circuit.stats().as_dict(),
        "gradient": emitted.stats().as_dict(),
        "theorem3": {"literal": literal, "bound": theorem3_bound(circuit)},
        "operations": None
        if circuit.columns.shaped
        else {
            "source": asdict(operations(circuit)),
            "gradient": asdict(operations(emitted)),
        },
        "check": report.as_dict() if report is not None else None,
    }


def _report_gradient(
    circuit: Circuit, literal: int | None, emitted: Circuit, report: Report | None
) -> None:
    from circuitgrad.accounting import baur_strassen, theorem3
    from circuitgrad.metrics import theorem3_bound
    from circuitgrad.operations import operations
    from circuitgrad.tables import compare

    say_table(["", "C", "∇C", "ratio"], compare(circuit.stats(), emitted.stats()))
    if literal is not None and len(circuit.outputs) == 1:
        say(theorem3(literal, theorem3_bound(circuit)))
        if not circuit.columns.shaped:
            bounds = baur_strassen(operations(circuit), operations(emitted))
            if bounds is not None:
                say(bounds)
    say(f"check: {report}" if report is not None else "check: left out (--no-check)")


@click.command()
@input_options
@click.option("-O", "--optimize", metavar="LEVEL", help=LEVELS_HELP)
@click.option(
    "-p", "--passes", metavar="PIPELINE", help="Such as 'bp{wrt=x},fold,cse,dce'."
)
@pass_options
@click.option(
    "--verify", is_flag=True, help="Check each pass: its output against its input."
)
@output_options
def opt(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    optimize: str | None,
    passes: str | None,
    print_between_passes: bool,
    time_passes: bool,
    ieee: bool,
    log_rewrites: str | None,
    verify: bool,
    output: str,
    to_format: str | None,
) -> int:
    """Run passes on a circuit."""
    pipeline = passes_of(optimize, passes)
    distinct([file], output=output, **{"log-rewrites": log_rewrites})
    from circuitgrad.passes import LEVELS, parse_pipeline, run, with_ieee
    from circuitgrad.simplify.rewrites import recording
    from circuitgrad.tables import compare

    steps = parse_pipeline(pipeline)
    goal = LEVELS[pipeline].goal if pipeline in LEVELS else None
    circuit = read_circuit(file, expression, from_format)
    shown = PassReport(print_between_passes, time_passes, log_rewrites, verify)
    with recording() as journal:
        emitted = run(
            circuit,
            with_ieee(steps) if ieee else steps,
            goal=goal,
            report=shown.wanted,
        )
    if shown.failed:
        return 1
    shown.write_log()
    notes = journal.notes + write_circuit(emitted, output, to_format)
    shown.finish(notes)
    say_table(
        ["", "before", "after", "ratio"], compare(circuit.stats(), emitted.stats())
    )
    return 0


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("-f", "--from", "from_format", metavar="FORMAT", help="Format of SOURCE.")
@click.option(
    "-t",
    "--to",
    "to_format",
    metavar="FORMAT",
    help=f"Format of TARGET: {WRITTEN}.",
)
def convert(
    source: str, target: str, from_format: str | None, to_format: str | None
) -> None:
    """Write the circuit of SOURCE as TARGET, in the format that its ending says.

    As py it is a function of NumPy arrays, as c a C99 function with a header beside
    it, as tex LaTeX equations. Names that the target reserves are renamed.
    """
    from circuitgrad.formats.formats import FORMATS, format_of

    if to_format is None and target != "-" and format_of(target, None) is None:
        endings = ", ".join(
            ending for form in FORMATS.values() for ending in form.endings
        )
        raise click.UsageError(
            f"the ending of {target!r} says no format ({endings}); "
            "give -t, or use draw for figures"
        )
    circuit = read_circuit(source, None, from_format)
    say_notes(write_circuit(circuit, target, to_format))
