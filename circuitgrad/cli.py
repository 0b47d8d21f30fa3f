"""The command line.

Data goes to standard output, words to standard error.  Each command imports what it
needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from circuitgrad.errors import CircuitgradError

if TYPE_CHECKING:
    from circuitgrad.check import Report
    from circuitgrad.circuit import Circuit
    from circuitgrad.passes import Step

__all__ = ["main"]

USAGE, DEFECT, INTERRUPTED = 2, 70, 130

_EPILOG = """\b
Exit status: 0 done, 1 the answer is no, 2 usage, 3 a bad or missing input file,
4 a limit, 5 a check could not decide, 70 a defect of circuitgrad."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the status that the README lists."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        status = cli.main(arguments, prog_name="circuitgrad", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = USAGE
    except CircuitgradError as error:
        _say(str(error) if _is_located(error) else f"circuitgrad: error: {error}")
        status = error.exit_status
    except (click.Abort, KeyboardInterrupt):
        _say("circuitgrad: interrupted")
        status = INTERRUPTED
    except BrokenPipeError:  # the reader went away: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 0
    except Exception as error:
        if debug:
            raise
        _say(
            f"circuitgrad: a defect of circuitgrad ({type(error).__name__}: {error}); "
            "please report it, with the output of the same command under --debug"
        )
        status = DEFECT
    sys.exit(status or 0)


def _is_located(error: CircuitgradError) -> bool:
    return ": error: " in str(error)


def _say(text: str) -> None:
    click.echo(text, err=True)


# ---------------------------------------------------------------------- options

_Command = Callable[..., Any]


def _input_options(command: _Command) -> _Command:
    """Add FILE, ``-e`` and ``-f``: where the circuit comes from."""
    command = click.option(
        "-f",
        "--from",
        "from_format",
        metavar="FORMAT",
        help="Format of FILE: cg or json.",
    )(command)
    command = click.option(
        "-e", "--expression", metavar="FORMULA", help="An inline formula."
    )(command)
    return click.argument("file", required=False)(command)


def _output_options(command: _Command) -> _Command:
    """Add ``-o`` and ``-t``: where the circuit goes."""
    command = click.option(
        "-t",
        "--to",
        "to_format",
        metavar="FORMAT",
        help="Format to write: cg, json or dot.",
    )(command)
    return click.option(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="File to write; - is standard output.",
    )(command)


def _pass_options(command: _Command) -> _Command:
    """Add what shows passes at work."""
    command = click.option(
        "--time-passes", is_flag=True, help="Say what each pass took and saved."
    )(command)
    return click.option(
        "--print-between-passes",
        is_flag=True,
        help="Print the circuit after each pass.",
    )(command)


def _read(file: str | None, expression: str | None, from_format: str | None) -> Circuit:
    if (file is None) == (expression is None):
        raise click.UsageError(
            "give a FILE (- is standard input) or -e FORMULA, not both"
        )
    if expression is not None:
        from circuitgrad.formats.text import parse_expression

        return parse_expression(expression)
    from circuitgrad.formats.formats import read

    assert file is not None
    return read(file, from_format)


def _write(circuit: Circuit, output: str, to_format: str | None) -> None:
    from circuitgrad.formats.formats import write

    write(circuit, output, to_format)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _level(optimize: str | None, pipeline: str | None) -> str:
    from circuitgrad.passes import PIPELINES

    if optimize is not None and pipeline is not None:
        raise click.UsageError(
            "-O and -p exclude each other: -p replaces the list of -O"
        )
    if optimize is not None and optimize not in PIPELINES:
        raise click.UsageError(
            f"no level {optimize!r}; -O takes {' or '.join(PIPELINES)}"
        )
    return pipeline if pipeline is not None else PIPELINES[optimize or "tidy"]


class _PassReport:
    """Prints what `--print-between-passes` and `--time-passes` ask for."""

    def __init__(self, between: bool, time: bool) -> None:
        self.between, self.time = between, time
        self.rows: list[list[str]] = []

    def __call__(self, step: Step) -> None:
        assert step.before is not None and step.after is not None
        if self.between:
            _say(f"# after {step}\n{step.after}")
        if self.time:
            before, after = step.before.stats(), step.after.stats()
            self.rows.append(
                [
                    str(step),
                    f"{step.seconds * 1000:.1f}",
                    *(
                        f"{getattr(before, key)} -> {getattr(after, key)}"
                        for key in ("size", "ops")
                    ),
                ]
            )

    def finish(self) -> None:
        if self.rows:
            from circuitgrad.tables import show

            show(["pass", "ms", "size", "ops"], self.rows, sys.stderr)


# ---------------------------------------------------------------------- commands


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a defect.")
@click.version_option(package_name="circuitgrad", prog_name="circuitgrad")
def cli(debug: bool) -> None:
    """Emit the gradient circuit of a circuit, and count, check, draw and compare circuits."""


@cli.command()
@_input_options
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
@click.option("-O", "--optimize", metavar="LEVEL", help="none, or tidy (the default).")
@click.option(
    "-p", "--passes", metavar="PIPELINE", help="Passes to run instead of those of -O."
)
@click.option(
    "--check/--no-check", default=None, help="Check the result; on by default."
)
@click.option(
    "--ranges", metavar="X=LO:HI,...", help="Where to sample inputs in the check."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Report on standard error as JSON."
)
@_pass_options
@_output_options
def grad(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    mode: str,
    of: str | None,
    wrt: str | None,
    value: bool,
    every: bool,
    optimize: str | None,
    passes: str | None,
    check: bool | None,
    ranges: str | None,
    as_json: bool,
    print_between_passes: bool,
    time_passes: bool,
    output: str,
    to_format: str | None,
) -> int:
    """Write the gradient circuit of a circuit (of several outputs, the Jacobian)."""
    pipeline = _level(optimize, passes)
    intervals = _intervals(ranges)
    if every and wrt is not None:
        raise click.UsageError("--all and --wrt exclude each other")
    circuit = _read(file, expression, from_format)
    from circuitgrad.gradients import differentiate
    from circuitgrad.passes import parse_pipeline, run

    steps = parse_pipeline(pipeline)
    literal = differentiate(
        circuit, mode, of=_names(of), wrt=_names(wrt), value=value, all=every
    )
    shown = _PassReport(print_between_passes, time_passes)
    emitted = run(literal, steps, report=shown)
    report = None
    if check is not False:
        from circuitgrad.check import check_gradient

        report = check_gradient(circuit, emitted, ranges=intervals)
    if report is None or not report.failed:
        _write(emitted, output, to_format)
    shown.finish()
    _report_gradient(circuit, literal, emitted, report, as_json)
    if report is None or report.passed:
        return 0
    return report.exit_status if check or report.failed else 0


def _report_gradient(
    circuit: Circuit,
    literal: Circuit,
    emitted: Circuit,
    report: Report | None,
    as_json: bool,
) -> None:
    from circuitgrad.metrics import literal_size, theorem3_bound
    from circuitgrad.tables import compare, show

    bound = {"literal": literal_size(literal), "bound": theorem3_bound(circuit)}
    if as_json:
        data: dict[str, Any] = {
            "source": circuit.stats().as_dict(),
            "gradient": emitted.stats().as_dict(),
            "theorem3": bound,
            "check": report.as_dict() if report is not None else None,
        }
        _say(json.dumps(data, ensure_ascii=False))
        return
    show(
        ["", "C", "∇C", "ratio"], compare(circuit.stats(), emitted.stats()), sys.stderr
    )
    passes = literal.provenance.passes if literal.provenance is not None else ()
    if "reverse_mode" in passes and len(circuit.outputs) == 1:
        _say(
            f"Theorem 3: literal output {bound['literal']} gates, "
            f"at most 3 wires + vertices = {bound['bound']}"
        )
    _say(f"check: {report}" if report is not None else "check: left out (--no-check)")


@cli.command()
@_input_options
@click.option("-O", "--optimize", metavar="LEVEL", help="none, or tidy (the default).")
@click.option(
    "-p", "--passes", metavar="PIPELINE", help="Such as 'bp{wrt=x},fold,cse,dce'."
)
@_pass_options
@_output_options
def opt(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    optimize: str | None,
    passes: str | None,
    print_between_passes: bool,
    time_passes: bool,
    output: str,
    to_format: str | None,
) -> None:
    """Run passes on a circuit."""
    pipeline = _level(optimize, passes)
    from circuitgrad.passes import parse_pipeline, run
    from circuitgrad.tables import compare, show

    steps = parse_pipeline(pipeline)
    circuit = _read(file, expression, from_format)
    shown = _PassReport(print_between_passes, time_passes)
    emitted = run(circuit, steps, report=shown)
    _write(emitted, output, to_format)
    shown.finish()
    show(
        ["", "before", "after", "ratio"],
        compare(circuit.stats(), emitted.stats()),
        sys.stderr,
    )


@cli.command()
@_input_options
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
    circuit = _read(file, expression, from_format)
    counts = circuit.stats()
    from circuitgrad.tables import compare, rows, show

    if source is None:
        if as_json:
            click.echo(json.dumps(counts.as_dict()))
        else:
            show(["", "C"], rows(counts), sys.stdout)
        return
    origin = _read(source, None, None).stats()
    if as_json:
        click.echo(
            json.dumps({"source": origin.as_dict(), "gradient": counts.as_dict()})
        )
    else:
        show(["", "C", "∇C", "ratio"], compare(origin, counts), sys.stdout)


@cli.command(name="eval")
@click.argument("file_and_values", nargs=-1, metavar="[FILE] [NAME=VALUE]...")
@click.option("-e", "--expression", metavar="FORMULA", help="An inline formula.")
@click.option("-f", "--from", "from_format", metavar="FORMAT", help="Format of FILE.")
@click.option("--exact", is_flag=True, help="Compute with rational numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    file_and_values: tuple[str, ...],
    expression: str | None,
    from_format: str | None,
    exact: bool,
    as_json: bool,
) -> None:
    """Evaluate a circuit: circuitgrad eval f.cg x=1 y=1/3."""
    words = list(file_and_values)
    file = words.pop(0) if words and expression is None else None
    point = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.UsageError(f"{word!r} should be NAME=VALUE, such as x=1/3")
        if name in point:
            raise click.UsageError(f"two values for {name!r}")
        point[name] = _value(name, text)
    circuit = _read(file, expression, from_format)
    from circuitgrad.evaluation.evaluate import evaluate as evaluate_circuit
    from circuitgrad.exact import format_number

    found = evaluate_circuit(circuit, point, exact=exact)
    if exact:
        shown = {name: format_number(value) for name, value in found.items()}
    else:
        shown = {name: repr(value) for name, value in found.items()}
    if as_json:
        finite = {k: v if exact or v - v != 0 else float(v) for k, v in found.items()}
        data = {k: v if isinstance(v, float) else shown[k] for k, v in finite.items()}
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    for name, text in shown.items():
        click.echo(f"{name} = {text}")


def _value(name: str, text: str) -> Any:
    from circuitgrad.formats.text import parse_expression

    try:
        circuit = parse_expression(text, f"<{name}>")
    except CircuitgradError as error:
        raise click.UsageError(f"the value of {name}: {error}") from None
    from circuitgrad import exact
    from circuitgrad.gates import CONSTANT

    columns, (_, vertex) = circuit.columns, circuit.outputs[0]
    if columns.op[vertex] != CONSTANT or columns.params[vertex] == exact.PI_PLACE:
        raise click.UsageError(
            f"the value of {name} should be a number, such as 0.5 or 1/3"
        )
    return exact.number(int(columns.params[vertex]))


def _intervals(text: str | None) -> dict[str, tuple[float, float]]:
    found = {}
    for part in text.split(",") if text else ():
        name, _, interval = part.strip().partition("=")
        low, colon, high = interval.partition(":")
        try:
            found[name] = (float(low), float(high))
        except ValueError:
            colon = ""
        if not colon or not (found[name][0] <= found[name][1] < float("inf")):
            raise click.UsageError(f"{part!r} should be NAME=LOW:HIGH, such as x=1:5")
    return found


@cli.command()
@click.argument("source")
@click.argument("gradient")
@click.option("--ranges", metavar="X=LO:HI,...", help="Where to sample inputs.")
@click.option("--seed", default=0, help="Seed of the random points.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-v", "--verbose", is_flag=True, help="A line for every output.")
def check(
    source: str,
    gradient: str,
    ranges: str | None,
    seed: int,
    as_json: bool,
    verbose: bool,
) -> int:
    """Check that GRADIENT computes the derivatives of SOURCE that its outputs name."""
    intervals = _intervals(ranges)
    if source == gradient == "-":
        raise click.UsageError("one of the two files may be standard input")
    circuits = _read(source, None, None), _read(gradient, None, None)
    from circuitgrad.check import check_gradient

    report = check_gradient(*circuits, ranges=intervals, seed=seed)
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        lines = (
            [report.summary(), *map(str, report.verdicts)] if verbose else [str(report)]
        )
        click.echo("\n".join(lines))
    return report.exit_status


@cli.command()
@_input_options
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="An .svg, .png or .pdf file."
)
@click.option("-t", "--to", "to_format", metavar="FORMAT", help="svg, png or pdf.")
def draw(
    file: str | None,
    expression: str | None,
    from_format: str | None,
    output: str,
    to_format: str | None,
) -> None:
    """Draw a circuit as a figure."""
    circuit = _read(file, expression, from_format)
    from circuitgrad.figures import draw as draw_circuit

    draw_circuit(circuit, output, format=to_format)


@cli.command()
@click.argument("source")
@click.argument("target")
@click.option("-f", "--from", "from_format", metavar="FORMAT", help="Format of SOURCE.")
@click.option("-t", "--to", "to_format", metavar="FORMAT", help="Format of TARGET.")
def convert(
    source: str, target: str, from_format: str | None, to_format: str | None
) -> None:
    """Write the circuit of SOURCE as TARGET, in the format that its ending says."""
    from circuitgrad.formats.formats import FORMATS, format_of

    if to_format is None and target != "-" and format_of(target, None) is None:
        endings = ", ".join(
            ending for form in FORMATS.values() for ending in form.endings
        )
        raise click.UsageError(
            f"the ending of {target!r} says no format ({endings}); give -t, or use draw for figures"
        )
    _write(_read(source, None, from_format), target, to_format)


@cli.command()
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(first: str, second: str, as_json: bool) -> int:
    """Tell whether two circuits are the same up to names and order: exit status 0 or 1."""
    from circuitgrad.isomorphism import difference

    if first == second == "-":
        raise click.UsageError("one of the two files may be standard input")
    found = difference(_read(first, None, None), _read(second, None, None))
    if as_json:
        click.echo(json.dumps({"same": found is None, "difference": found}))
    else:
        click.echo(
            f"different: {found}" if found else "the same circuit up to names and order"
        )
    return 1 if found else 0
