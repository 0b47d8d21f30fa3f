"""Options of matrix gates as text: ``axis=(0, 1), keep=1``.

Circuit text, JSON and ``.cgz`` share what is here.  A value is a whole number, with a
sign or without, brackets of such numbers, or ``all`` for every axis.  Text is read
token by token and never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.exact import Options
from circuitgrad.gates import GateType, code_of, gate_types
from circuitgrad.gates.record import NEEDED
from circuitgrad.shapes import MAX_AXES, Shape, format_shape

__all__ = [
    "OptionError",
    "code_with_options",
    "format_options",
    "format_values",
    "parse_options",
    "parse_values",
    "read_options",
    "read_whole",
    "require_needed",
    "shown_options",
    "verify_options",
]

#: Most digits of a number: then it is one machine word.
_MOST_DIGITS: Final = 18

_TOKEN: Final = re.compile(r"[0-9]+\.?[0-9]*|[^\W\d]\w*|\S")

Value = int | tuple[int, ...]


class OptionError(CircuitError):
    """Text that says no options: what is wrong, and at which token."""

    def __init__(self, message: str, token: int) -> None:
        super().__init__(message)
        self.message, self.token = message, token


# ---------------------------------------------------------------------- reading


def code_with_options(name: str) -> int:
    """Give the code of the gate type that a name means where options follow.

    ``sum`` is then the sum over axes, and so with other names that a scalar gate has.
    """
    for gate in gate_types():
        if gate.written == name:
            return code_of(gate.name)
    return code_of(name)


def read_options(
    gate: GateType, name: str, tokens: Sequence[str], at: int = 0
) -> tuple[dict[str, Value | None], int]:
    """Read ``axis=(0, 1), keep=1`` from a token on.

    Parameters
    ----------
    gate : GateType
        What the options are of.
    name : str
        What messages call the gate type.
    tokens : sequence of str
    at : int
        Where the options start.

    Returns
    -------
    given : dict
        The options by name; None is ``all``.
    at : int
        The first token behind them.

    Raises
    ------
    OptionError
        At the first token that is wrong.
    """
    given: dict[str, Value | None] = {}
    while True:
        option = _token(tokens, at)
        if not option[:1].isidentifier() or _token(tokens, at + 1) != "=":
            raise OptionError("an option should stand here, NAME=value", at)
        if not gate.options:
            raise OptionError(f"{name} takes no options", at)
        if option not in gate.options:
            close = get_close_matches(option, gate.options, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            known = ", ".join(gate.options)
            message = f"{name} has no option {option!r}; its options are: {known}{hint}"
            raise OptionError(message, at)
        if option in given:
            raise OptionError(f"the option {option!r} is given twice", at)
        start = at + 2
        value, at = _read_value(tokens, start)
        wrong = _unsuited(gate, option, value)
        if wrong:
            raise OptionError(wrong, start)
        given[option] = value
        if _token(tokens, at) != ",":
            return given, at
        at += 1


def require_needed(
    gate: GateType, name: str, given: Mapping[str, Value | None], at: int = 0
) -> None:
    """See that the options without a default are given.

    Raises
    ------
    OptionError
        At the token ``at``, if one is not.
    """
    for option, default in gate.options.items():
        if default is NEEDED and option not in given:
            known = ", ".join(gate.options)
            message = f"{name} needs the option {option!r}; its options are: {known}"
            raise OptionError(message, at)


def read_whole(tokens: Sequence[str], at: int) -> tuple[int, int]:
    """Read a whole number, with a sign or without; give the token behind it.

    Raises
    ------
    OptionError
        If none stands there.
    """
    sign = _token(tokens, at)
    digits = _token(tokens, at + (sign in ("+", "-")))
    if not (digits.isascii() and digits.isdecimal()):
        found = f", not {digits!r}" if digits else ""
        raise OptionError(f"a whole number should stand here{found}", at)
    if len(digits) > _MOST_DIGITS:
        raise OptionError(f"a whole number of more than {_MOST_DIGITS} digits", at)
    size = int(digits)
    return (-size, at + 2) if sign == "-" else (size, at + 1 + (sign == "+"))


def _read_value(tokens: Sequence[str], at: int) -> tuple[Value | None, int]:
    """Read a number, brackets of numbers, or ``all``, which is None."""
    if _token(tokens, at) == "all":
        return None, at + 1
    if _token(tokens, at) != "(":
        return read_whole(tokens, at)
    bracket, at = at, at + 1
    found: list[int] = []
    while _token(tokens, at) != ")":
        if at >= len(tokens):
            raise OptionError("this bracket is never closed", bracket)
        number, at = read_whole(tokens, at)
        found.append(number)
        if len(found) > MAX_AXES:
            raise OptionError(f"more than {MAX_AXES} numbers in brackets", bracket)
        behind = _token(tokens, at)
        if behind == ",":
            at += 1
        elif behind and behind != ")":
            raise OptionError(f"a comma should stand before {behind!r}", at)
    return tuple(found), at + 1


def _token(tokens: Sequence[str], at: int) -> str:
    return tokens[at] if at < len(tokens) else ""


def _unsuited(gate: GateType, option: str, value: Value | None) -> str:
    """Say what an option should be where a value is of another kind."""
    default = gate.options[option]
    # the default of a slice's stop, its end, depends on the operand
    one = isinstance(default, int) or option == "stop"
    if one and not isinstance(value, int):
        return f"{option} is one whole number"
    if value is None and default is not None:
        return f"{option} is a whole number, or several in brackets"
    return ""


def parse_options(gate: GateType, text: str) -> dict[str, Value | None]:
    """Read all of a text such as ``axis=(0, 1), keep=1``.

    Raises
    ------
    OptionError
        If it is no such text.
    """
    tokens = _TOKEN.findall(text)
    given, at = read_options(gate, gate.name, tokens) if tokens else ({}, 0)
    if at < len(tokens):
        raise OptionError(f"a comma should stand before {tokens[at]!r}", at)
    require_needed(gate, gate.name, given)
    return given


def parse_values(text: str) -> Options:
    """Read the values of options as `format_values` writes them.

    Raises
    ------
    OptionError
        If the text is none of its.
    """
    tokens = _TOKEN.findall(text)
    if len(tokens) < 2 or tokens[0] != "[" or tokens[-1] != "]":
        raise OptionError("values should stand in square brackets", 0)
    found: list[Value] = []
    at, end = 1, len(tokens) - 1
    while at < end:
        value, at = _read_value(tokens, at)
        if value is None:
            raise OptionError("axes should be numbers", at - 1)
        found.append(value)
        if at < end and tokens[at] != ",":
            raise OptionError(f"a comma should stand before {tokens[at]!r}", at)
        at += 1
    return tuple(found)


def verify_options(gate: GateType, operands: Sequence[Shape], options: Options) -> None:
    """See that options are complete, and say axes as columns do.

    Raises
    ------
    ShapeError
        If they are not what the gate type makes of them.
    """
    if len(options) != len(gate.options):
        raise ShapeError(f"{len(gate.options)} options, not {len(options)}")
    given = gate.named(options)
    wrong = [_unsuited(gate, option, value) for option, value in given.items()]
    if any(wrong):
        raise ShapeError(next(filter(None, wrong)))
    if gate.settled(operands, given) != options:
        raise ShapeError("axes and lengths should be counted from 0, in order")


# ---------------------------------------------------------------------- writing


def format_options(given: dict[str, Value]) -> str:
    """Write options by name; a single axis is a number."""
    return ", ".join(f"{name}={_format(name, v)}" for name, v in given.items())


def _format(name: str, value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    return str(value[0]) if name == "axis" and len(value) == 1 else format_shape(value)


def format_values(options: Options) -> str:
    """Write the values of options alone: ``[(0, 1), 0]``; no number looks so."""
    return f"[{', '.join(_format('', value) for value in options)}]"


def shown_options(
    gate: GateType, operands: Sequence[Shape], options: Options
) -> dict[str, Value]:
    """Give the options that circuit text says: those that no default comes to.

    Where a scalar gate has the same name, the first option is said always: it is what
    tells the two apart.
    """
    given = gate.named(options)
    for number, (name, default) in enumerate(gate.options.items()):
        if default is NEEDED or (gate.written and number == 0):
            continue
        fewer = {option: value for option, value in given.items() if option != name}
        if _settles(gate, operands, fewer, options):
            given = fewer
    return given


def _settles(
    gate: GateType, operands: Sequence[Shape], given: dict[str, Any], options: Options
) -> bool:
    try:
        return gate.settled(operands, given) == options
    except ShapeError:
        return False
