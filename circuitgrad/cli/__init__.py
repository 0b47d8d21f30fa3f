"""The command line.

Data goes to standard output, words to standard error.  Each command imports what it
needs when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import click

from circuitgrad.cli.evaluate import evaluate
from circuitgrad.cli.inspect import check, diff, draw, stats
from circuitgrad.cli.lists import passes, rules
from circuitgrad.cli.options import limit_option, say
from circuitgrad.cli.transform import convert, grad, opt
from circuitgrad.errors import CircuitgradError, WriteError

__all__ = ["cli", "main"]

USAGE, DEFECT, INTERRUPTED = 2, 70, 130

_EPILOG = """\b
Exit status: 0 done, 1 the answer is no, 2 usage, 3 a bad or missing input file,
4 a limit, 5 a check could not decide, 70 a defect of circuitgrad."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the status that the README lists."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    for stream in ("stdout", "stderr"):  # a closed one is an error only when used
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115
    words = [word for word in words if word != "--debug"]  # it may stand anywhere
    try:
        with _bars():
            status = cli.main(words, prog_name="circuitgrad", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = USAGE
    except CircuitgradError as error:
        say(str(error) if _is_located(error) else f"circuitgrad: error: {error}")
        status = error.exit_status
    except (click.Abort, KeyboardInterrupt):
        say("circuitgrad: interrupted")
        status = INTERRUPTED
    except BrokenPipeError:  # the reader went away: `| head`
        _drop_output()
        status = 0
    except OSError as error:  # standard output on a full disk, or closed
        _drop_output()
        say(f"circuitgrad: error: {error.strerror or error}")
        status = WriteError.exit_status
    except Exception as error:
        if debug:
            raise
        say(
            f"circuitgrad: a defect of circuitgrad ({type(error).__name__}: {error}); "
            "please report it, with the output of the same command under --debug"
        )
        status = DEFECT
    sys.exit(status or 0)


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


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that leaving does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


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
    convert,
    diff,
    rules,
    passes,
):
    _command.params.append(limit_option())
    cli.add_command(_command)
