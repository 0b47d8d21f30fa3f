"""The commands on circuits of the literature: family, growth."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from circuitgrad.cli.options import answer, output_options, say_notes, write_circuit
from circuitgrad.errors import CircuitError

if TYPE_CHECKING:
    from circuitgrad.families.registry import Family

__all__ = ["family", "growth"]


#: Most sizes of a growth.
MAX_SIZES: Final = 200


class _Command(click.Command):
    """A command with an option for each parameter of a family, read on use."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from circuitgrad.families.registry import PARAMETERS

        own = super().get_params(ctx)
        more = [
            click.Option(
                [_flag(name)],
                help=each.help,
                metavar="|".join(each.choices) or ("N,..." if each.many else "N"),
            )
            if not each.flag
            else click.Option([_flag(name)], is_flag=True, default=None, help=each.help)
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
    chosen = _chosen(name)
    options = _arguments(chosen, given)
    say_notes(write_circuit(chosen(**options), output, to_format))


@click.command(cls=_Command)
@click.argument("name")
@click.option(
    "--sizes",
    required=True,
    metavar="A:B[:STEP]",
    help="The sizes n: from A to B, both included; or a list, 2,4,8.",
)
@click.option(
    "--plot", metavar="FILE", help="Draw the growth: .svg, .png, .pdf or .tex."
)
@click.option(
    "--theme",
    default="light",
    type=click.Choice(["light", "dark", "bw"]),
    help="Colours for paper, for a dark slide, or black and white.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def growth(
    name: str,
    sizes: str,
    plot: str | None,
    theme: str,
    as_json: bool,
    **given: str | None,
) -> None:
    """Count how the family NAME grows, and backpropagation on it.

    Beside forward propagation and finite differences, each literal, with exponents:
    slopes of a count against n, as logarithms, over the upper half of the sizes.
    """
    chosen, wanted = _chosen(name), _sizes(sizes)
    if "n" not in chosen.parameters:
        raise click.UsageError(f"{name} has no size -n")
    if given.get("n") is not None:
        raise click.UsageError("--sizes says what -n is")
    options = _arguments(chosen, {**given, "n": "1"})
    from circuitgrad.families.growth import grow

    found = grow(name, lambda n: chosen(**{**options, "n": n}), wanted)
    if not found.rows:
        raise CircuitError("; ".join(found.notes))
    if plot is not None:
        from circuitgrad.figures.growth import draw_growth

        draw_growth(found, plot, theme)
    if as_json:
        answer(json.dumps(found.as_dict()))
        return
    from circuitgrad.families.growth import MEASURES
    from circuitgrad.tables import show

    for number, measure in enumerate(MEASURES):
        if number:
            click.echo()
        show(*found.table(measure), sys.stdout)
    click.echo()
    answer("\n".join(found.sentences()))
    say_notes(found.notes)


def _chosen(name: str) -> Family:
    from circuitgrad.families.registry import FAMILIES

    if name not in FAMILIES:
        raise click.UsageError(
            f"no family {name!r}; family --list says which there are"
        )
    return FAMILIES[name]


def _arguments(chosen: Family, given: dict[str, str | None]) -> dict[str, Any]:
    """Read what a family is given, and say what it misses or does not take."""
    options = {key: _read(key, text) for key, text in given.items() if text is not None}
    surplus = [key for key in options if key not in chosen.parameters]
    if surplus:
        takes = ", ".join(_flag(key) for key in chosen.parameters)
        raise click.UsageError(f"{chosen.name} takes {takes}, not {_flag(surplus[0])}")
    missing = [
        key
        for key, default in chosen.parameters.items()
        if default is inspect.Parameter.empty and key not in options
    ]
    if missing:
        raise click.UsageError(f"{chosen.name} needs {_flag(missing[0])}")
    return options


def _sizes(text: str) -> Sequence[int]:
    """Read ``2:40``, ``2:40:4`` or ``2,4,8,16``."""
    try:
        numbers = [int(part) for part in text.replace(",", ":").split(":")]
        if "," in text and ":" in text:
            raise ValueError
    except ValueError:
        raise click.UsageError(
            f"--sizes {text}: such as 2:40, 2:40:4 or 2,4,8"
        ) from None
    if ":" not in text:
        found: Sequence[int] = numbers
    elif len(numbers) > 3 or numbers[2:] == [0]:
        raise click.UsageError(f"--sizes {text}: such as 2:40 or 2:40:4")
    else:
        found = range(numbers[0], numbers[1] + 1, *numbers[2:])
    if not found or min(found) < 1 or len(found) > MAX_SIZES:
        raise click.UsageError(f"--sizes {text}: 1 to {MAX_SIZES} sizes, from 1 on")
    return found


def _flag(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _read(name: str, text: str) -> Any:
    """Read a parameter: a word, a whole number, or several."""
    from circuitgrad.families.registry import PARAMETERS

    parameter = PARAMETERS[name]
    if parameter.choices or parameter.flag:
        return text
    try:
        numbers = [int(each) for each in text.split(",")]
    except ValueError:
        raise click.UsageError(f"{_flag(name)} {text}: not a whole number") from None
    return numbers if parameter.many or len(numbers) > 1 else numbers[0]
