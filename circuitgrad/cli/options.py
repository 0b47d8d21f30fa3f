"""What commands share: options, reading and writing, what passes report."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from circuitgrad.errors import CircuitgradError

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit
    from circuitgrad.passes import Ran

__all__ = [
    "PassReport",
    "answer",
    "assignments",
    "check_options",
    "distinct",
    "drop",
    "input_options",
    "intervals_of",
    "limit_option",
    "names",
    "output_options",
    "pass_options",
    "passes_of",
    "point_of",
    "read_circuit",
    "say",
    "say_notes",
    "say_table",
    "words",
    "write_circuit",
]

Command = Callable[..., Any]

#: The formats that are written, for help texts (the table of them imports NumPy).
WRITTEN = "cg, cgz (columns), json, dot, py (NumPy), c (C99) or tex (LaTeX)"


def input_options(command: Command) -> Command:
    """Add FILE, ``-e`` and ``-f``: where the circuit comes from."""
    command = click.option(
        "-f",
        "--from",
        "from_format",
        metavar="FORMAT",
        help="Format of FILE: cg, cgz or json.",
    )(command)
    command = click.option(
        "-e", "--expression", metavar="FORMULA", help="An inline formula."
    )(command)
    return click.argument("file", required=False)(command)


def output_options(command: Command) -> Command:
    """Add ``-o`` and ``-t``: where the circuit goes."""
    command = click.option(
        "-t",
        "--to",
        "to_format",
        metavar="FORMAT",
        help=f"Format to write: {WRITTEN}.",
    )(command)
    return click.option(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="File to write; - is standard output.",
    )(command)


def pass_options(command: Command) -> Command:
    """Add what shows passes at work, and what restrains them."""
    command = click.option(
        "--time-passes", is_flag=True, help="Say what each pass took and saved."
    )(command)
    command = click.option(
        "--log-rewrites",
        metavar="FILE",
        help="Write each rewrite's rule, gate and class, as JSON lines.",
    )(command)
    command = click.option(
        "--ieee",
        is_flag=True,
        help="Leave out what changes floating point by more than rounding.",
    )(command)
    return click.option(
        "--print-between-passes",
        is_flag=True,
        help="Print the circuit after each pass.",
    )(command)


def check_options(command: Command) -> Command:
    """Add what a check depends on, and where its certificate goes."""
    command = click.option(
        "--certificate",
        metavar="FILE",
        help="Write what was checked, and how, as JSON that check --replay repeats.",
    )(command)
    command = click.option(
        "--one-by-one",
        is_flag=True,
        help="Certify each partial alone, by a gate z in (C - z).",
    )(command)
    command = click.option(
        "--trials",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Points of the field; as many as the error bound asks for by default.",
    )(command)
    command = click.option(
        "--prime",
        type=click.Choice(["61", "521"]),
        help="Certify what is not proved modulo 2^61 - 1 or 2^521 - 1.",
    )(command)
    return click.option(
        "--ranges", metavar="X=LO:HI,...", help="Where to sample inputs in the check."
    )(command)


def point_of(words: Iterable[str]) -> dict[str, Any]:
    """Read ``x=1``, ``y=1/3``, ``v=[1, 2]``: values of inputs, exactly.

    An array may be in a file, ``W=weights.npy``.
    """
    point: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.strip().partition("=")
        if not equals:
            raise click.UsageError(f"{word!r} should be NAME=VALUE, such as x=1/3")
        if name in point:
            raise click.UsageError(f"two values for {name!r}")
        point[name] = _value(name, text)
    return point


def assignments(text: str) -> list[str]:
    """Take ``x=1,v=[1,2]`` apart at the commas outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _value(name: str, text: str) -> Any:
    from circuitgrad.formats.literals import parse_array, read_array
    from circuitgrad.formats.text import parse_expression

    if text.endswith(".npy"):
        return read_array(text)
    try:
        if text.startswith("["):
            return parse_array(text)
        circuit = parse_expression(text, f"<{name}>")
    except CircuitgradError as error:
        raise click.UsageError(f"the value of {name}: {error}") from None
    from circuitgrad import exact
    from circuitgrad.gates import CONSTANT

    columns, (_, vertex) = circuit.columns, circuit.outputs[0]
    if columns.op[vertex] != CONSTANT or columns.params[vertex] == exact.PI_PLACE:
        raise click.UsageError(
            f"the value of {name} should be a number, such as 0.5 or 1/3, an array, "
            "[[1, 2], [3, 4]], or the name of a .npy file"
        )
    return exact.number(int(columns.params[vertex]))


def limit_option() -> click.Option:
    """Make ``--limit``, which every command has: a larger limit, while it runs."""

    def raise_limits(
        context: click.Context, _: click.Parameter, given: tuple[str, ...]
    ) -> None:
        if given:
            from circuitgrad.limits import limits

            context.with_resource(limits(**dict(map(_limit, given))))

    return click.Option(
        ["--limit"],
        multiple=True,
        expose_value=False,
        is_eager=True,
        callback=raise_limits,
        metavar="NAME=N",
        help="Raise a limit on what files hold; errors say its NAME.",
    )


def _limit(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise click.UsageError(f"{text!r} should be NAME=N, such as digits=10000")
    return name, int(value)


def read_circuit(
    file: str | None, expression: str | None, from_format: str | None
) -> Circuit:
    """Read the circuit of FILE or of -e, whichever is given."""
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


def write_circuit(circuit: Circuit, output: str, to_format: str | None) -> list[str]:
    """Write a circuit where -o says, in the format of -t; give what is to be said."""
    from circuitgrad.formats.formats import write
    from circuitgrad.simplify.rewrites import recording

    with recording() as journal:
        try:
            write(circuit, output, to_format)
        except BrokenPipeError:  # the reader has seen enough; the files are written
            drop(sys.stdout)
    return journal.notes


def say_notes(notes: list[str]) -> None:
    """Say notes, each once."""
    for text in dict.fromkeys(notes):
        say(f"note: {text}")


def names(text: str | None) -> list[str] | None:
    """Split a comma-separated list; None stays None."""
    return None if text is None else [name.strip() for name in text.split(",")]


def passes_of(optimize: str | None, pipeline: str | None) -> str:
    """Give the level of -O, or the pipeline of -p."""
    from circuitgrad.passes import LEVELS

    if optimize is not None and pipeline is not None:
        raise click.UsageError(
            "-O and -p exclude each other: -p replaces the list of -O"
        )
    if optimize is not None and optimize not in LEVELS:
        raise click.UsageError(f"no level {optimize!r}; -O takes {', '.join(LEVELS)}")
    return pipeline if pipeline is not None else optimize or "tidy"


TIMES = ["pass", "ms", "size", "ops"]


class PassReport:
    """Shows what passes did, as the options of `pass_options` ask for."""

    def __init__(
        self, between: bool, time: bool, log: str | None, verify: bool = False
    ) -> None:
        self.between, self.time, self.log, self.verify = between, time, log, verify
        self.failed = False
        self.rows: list[list[str]] = []
        self.lines: list[str] = []

    @property
    def wanted(self) -> Callable[[Ran], None] | None:
        """What `circuitgrad.run` should report to; None where nothing is asked for."""
        asked = self.between or self.time or self.log or self.verify
        return self.note if asked else None

    def note(self, ran: Ran) -> None:
        """Take note of a pass that has run."""
        if self.between:
            say(f"# after {ran.step}\n{ran.after}")
        if self.log is not None:
            self.lines += (
                json.dumps(
                    {
                        "pass": ran.step.made_of.name,
                        "rule": rewrite.rule.name,
                        "gate": rewrite.gate,
                        "class": rewrite.rule.soundness,
                    },
                    ensure_ascii=False,
                )
                for rewrite in ran.journal.rewrites()
            )
        if self.verify:
            self._verify(ran)
        if self.time:
            before, after = ran.before.stats(), ran.after.stats()
            self.rows.append(
                [
                    str(ran.step),
                    f"{ran.seconds * 1000:.1f}",
                    *(
                        f"{getattr(before, key)} -> {getattr(after, key)}"
                        for key in ("size", "ops")
                    ),
                ]
            )

    def _verify(self, ran: Ran) -> None:
        """Check a pass: its output against its input."""
        from circuitgrad.check import check_gradient, check_same

        if set(ran.after.inputs) - set(ran.before.inputs):
            say(f"verify {ran.step}: unchecked (it has another input, a seed)")
            return
        if ran.step.made_of.approximates:
            say(f"verify {ran.step}: unchecked (it approximates derivatives)")
            return
        check = check_gradient if ran.step.made_of.differentiates else check_same
        report = check(ran.before, ran.after)
        self.failed |= report.failed
        say(f"verify {ran.step}: {report}")

    def write_log(self) -> None:
        """Write the log."""
        if self.log is not None:
            from circuitgrad.formats.files import write_whole

            write_whole(self.log, "".join(f"{line}\n" for line in self.lines).encode())

    def as_json(self, notes: list[str]) -> dict[str, Any]:
        """Give what `finish` prints as data."""
        rows = [dict(zip(TIMES, row, strict=True)) for row in self.rows]
        return {"notes": notes, **({"passes": rows} if self.time else {})}

    def finish(self, notes: list[str]) -> None:
        """Print the table of times, and say what was left out."""
        if self.rows:
            say_table(TIMES, self.rows)
        say_notes(notes)


def intervals_of(text: str | None) -> dict[str, tuple[float, float]]:
    """Read ``x=1:5,y=0:1``."""
    found = {}
    for part in text.split(",") if text else ():
        name, _, interval = part.strip().partition("=")
        if name in found:
            raise click.UsageError(f"two ranges for {name!r}")
        low, colon, high = interval.partition(":")
        try:
            found[name] = (_end(low), _end(high))
        except (ValueError, ZeroDivisionError):
            colon = ""
        if not colon or not (-math.inf < found[name][0] <= found[name][1] < math.inf):
            raise click.UsageError(f"{part!r} should be NAME=LOW:HIGH, such as x=1:5")
    return found


def _end(text: str) -> float:
    """Read ``1e3`` or ``1/3`` in floating point: an exponent may be of any length."""
    above, slash, below = text.partition("/")
    return float(above) / float(below) if slash else float(above)


def distinct(read: Sequence[str | None] = (), **files: str | None) -> None:
    """Refuse options that would write one file, where the last would be left.

    Only the output may take the place of a file that was ``read``.
    """
    given = {os.path.realpath(each) for each in read if each not in (None, "-")}
    for option, file in files.items():
        if file and option != "output" and os.path.realpath(file) in given:
            raise click.UsageError(f"--{option} would replace what is read, {file}")
    option_of: dict[str, str] = {}
    for option, file in files.items():
        if file is None or (os.path.exists(file) and not os.path.isfile(file)):
            continue  # a device takes more than one
        place = file if file == "-" else os.path.realpath(file)
        first = option_of.setdefault(place, option)
        if first != option:
            raise click.UsageError(f"--{first} and --{option} are one file, {file}")


def answer(text: str) -> None:
    """Print what the exit status says, too; it is no other where nobody reads on."""
    try:
        click.echo(text)
    except BrokenPipeError:
        drop(sys.stdout)


def say(text: str) -> None:
    """Print words: to standard error."""
    with words():
        click.echo(text, err=True)


def say_table(header: Sequence[str], table: Sequence[Sequence[str]]) -> None:
    """Print a table of words: to standard error."""
    from circuitgrad.tables import show

    with words():
        show(header, table, sys.stderr)


@contextmanager
def words() -> Iterator[None]:
    """Do without words in the block where standard error takes none.

    What was to be done is done all the same, and the exit status says so.
    """
    try:
        yield
    except OSError:
        drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Send what a stream still buffers nowhere, so that leaving does not fail on it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
