"""The command that makes circuits of the literature."""

from __future__ import annotations

import inspect
from typing import Any

import click

from circuitgrad.cli.options import answer, output_options, say_notes, write_circuit

__all__ = ["family"]


class _Command(click.Command):
    """A command with an option for each parameter of a family, read on use."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from circuitgrad.families.registry import PARAMETERS

        own = super().get_params(ctx)
        more = [
            click.Option(
                [f"-{name}" if len(name) == 1 else f"--{name}"],
                help=each.help,
                metavar="|".join(each.choices) or ("N,..." if each.many else "N"),
            )
            for name, each in PARAMETERS.items()
        ]
        return [*own[:1], *more, *own[1:]]


@click.command(cls=_Command)
@click.argument("name", required=False)
@output_options
@click.option("--list", "listed", is_flag=True, help="Say which families there are.")
def family(
    name: str | None,
    output: str,
    to_format: str | None,
    listed: bool,
    **given: str | None,
) -> None:
    """Make a circuit of the literature: family NAME -n SIZE."""
    from circuitgrad.families.registry import FAMILIES

    if listed or name is None:
        wide = max(map(len, FAMILIES))
        answer("\n".join(f"{f.name:<{wide}}  {f.summary}" for f in FAMILIES.values()))
        return
    if name not in FAMILIES:
        raise click.UsageError(f"no family {name!r}; --list says which there are")
    chosen = FAMILIES[name]
    options = {key: _read(key, text) for key, text in given.items() if text is not None}
    surplus = [key for key in options if key not in chosen.parameters]
    if surplus:
        takes = ", ".join(_flag(key) for key in chosen.parameters)
        raise click.UsageError(f"{name} takes {takes}, not {_flag(surplus[0])}")
    missing = [
        key
        for key, default in chosen.parameters.items()
        if default is inspect.Parameter.empty and key not in options
    ]
    if missing:
        raise click.UsageError(f"{name} needs {_flag(missing[0])}")
    say_notes(write_circuit(chosen(**options), output, to_format))


def _flag(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _read(name: str, text: str) -> Any:
    """Read a parameter: a word, a whole number, or several."""
    from circuitgrad.families.registry import PARAMETERS

    parameter = PARAMETERS[name]
    if parameter.choices:
        return text
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        raise click.UsageError(f"{_flag(name)} {text}: not a whole number") from None
    return numbers if parameter.many or len(numbers) > 1 else numbers[0]
