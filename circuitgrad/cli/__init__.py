"""The command line.

Data goes to standard output, words to standard error.  Each command imports what it
needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from circuitgrad.cli.descend import descend
from circuitgrad.cli.evaluate import evaluate
from circuitgrad.cli.families import family, growth
from circuitgrad.cli.figures import draw, page, show, steps
from circuitgrad.cli.inspect import check, diff, stats
from circuitgrad.cli.lists import passes, rules
from circuitgrad.cli.options import drop, limit_option, say, words
from circuitgrad.cli.transform import convert, grad, opt
from circuitgrad.errors import CircuitgradError, WriteError
from circuitgrad.replacing import together

__all__ = ["cli", "main"]

USAGE, LIMIT, DEFECT = 2, 4, 70
#: A process that a signal stopped is known by this, and the signal's number.
STOPPED = 128

_EPILOG = """\b
Exit status: 0 done, 1 the answer is no, 2 usage, 3 a bad or missing input file,
4 a limit, or a file that could not be written, 5 a check could not decide,
70 a defect of circuitgrad, 130 interrupted (143 terminated, 129 hung up)."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the status that the README lists."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]  # it may stand anywhere
    _open_closed_streams()
    try:
        # Files are put in place at the end, when nothing is left that could fail.
        with _stoppable(), together(), _bars():
            status = _run(given)
            sys.stdout.flush()
    except click.ClickException as error:
        with words():
            error.show()
        status = USAGE
    except CircuitgradError as error:
        say(str(error) if _is_located(error) else f"circuitgrad: error: {error}")
        status = error.exit_status
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        # the first line is that of a terminal's ^C
        say(f"\ncircuitgrad: {_STOPPING.get(number, 'interrupted')}")
        status = STOPPED + number
    except BrokenPipeError:  # the reader went away: `| head`
        drop(sys.stdout)
        status = 0
    except OSError as error:  # standard output on a full disk, or closed
        drop(sys.stdout)
        say(f"circuitgrad: error: {error.strerror or error}")
        status = WriteError.exit_status
    except Exception as error:
        if debug:
            raise
        if _is_out_of_memory(error):
            say("circuitgrad: error: out of memory")
            status = LIMIT
        else:
            say(
                f"circuitgrad: a defect of circuitgrad ({type(error).__name__}: "
                f"{error}); please report it, with the output of the same command "
                "under --debug"
            )
            status = DEFECT
    sys.exit(status)


def _run(given: list[str]) -> int:
    """Run a command; click's own ``main`` would end a closed pipe with status 1."""
    completing = os.environ.get("_CIRCUITGRAD_COMPLETE")
    if completing:
        from click.shell_completion import shell_complete

        name = "circuitgrad"
        return shell_complete(cli, {}, name, "_CIRCUITGRAD_COMPLETE", completing)
    try:
        with cli.make_context("circuitgrad", given) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as done:  # --help and --version
        return done.exit_code


def _open_closed_streams() -> None:
    """Have standard streams where the caller closed them.

    Output that is closed is an error when data is written, not before; words are lost.
    No other file gets the number of a stream, to which libraries may write.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115


#: Signals that stop a command as ^C does, so that it removes what it has half-written.
_STOPPING = {signal.SIGTERM: "terminated"}
if hasattr(signal, "SIGHUP"):
    _STOPPING[signal.SIGHUP] = "hung up"


@contextmanager
def _stoppable() -> Iterator[None]:
    """Make the signals of `_STOPPING` exceptions within the block."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _STOPPING:
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out; importing says so in words, behind other errors."""
    while error is not None:
        if isinstance(error, MemoryError) or (
            isinstance(error, ImportError) and "failed to map segment" in str(error)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _bars() -> Iterator[None]:
    """Show progress bars on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from circuitgrad.cli.bars import Bars
    from circuitgrad.progress import listening

    bars = Bars()
    try:
        with listening(bars):
            yield
    finally:
        bars.close()


def _is_located(error: CircuitgradError) -> bool:
    return ": error: " in str(error)


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a defect.")
@click.version_option(package_name="circuitgrad", prog_name="circuitgrad")
def cli(debug: bool) -> None:
    """Emit the gradient circuit of a circuit, and count, check, draw and compare."""


for _command in (
    grad,
    opt,
    stats,
    evaluate,
    check,
    draw,
    show,
    steps,
    page,
    family,
    growth,
    descend,
    convert,
    diff,
    rules,
    passes,
):
    _command.params.append(limit_option())
    cli.add_command(_command)
