"""Labels of a drawing: names and numbers in Unicode, safe for Graphviz."""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction
from typing import Final

from circuitgrad import exact
from circuitgrad.gates import GateType

__all__ = [
    "cut",
    "gate_label",
    "name_label",
    "number_label",
    "quoted",
    "value_label",
]

#: Longest label that is drawn, in characters.
MAX_LABEL: Final = 60

#: Longest rational number that is drawn as it is.
MAX_VALUE: Final = 9

_SUBSCRIPTS: Final = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_SUPERSCRIPTS: Final = str.maketrans("0123456789+-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᐟ")


def quoted(text: str) -> str:
    """Quote a label so that Graphviz shows it as is: no markup, escapes, attributes."""
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\r", "").replace("\n", "\\n") + '"'


def name_label(name: str, known: Collection[str] = ()) -> str:
    """Write a name for a drawing.

    Trailing digits become subscripts: ``x1`` is x₁, ``w1_2`` is w₁,₂.  The name of a
    derivative by something known, ``df_dx1``, is written ∂f/∂x₁, and ``ddf_dx_dy``
    ∂²f/∂x∂y.
    """
    of, by = _derivative(name, known)
    if not by:
        return cut(_subscripted(name))
    order = "" if len(by) == 1 else str(len(by)).translate(_SUPERSCRIPTS)
    below = "".join(f"∂{_subscripted(x)}" for x in by)
    return cut(f"∂{order}{_subscripted(of)}/{below}")


def _derivative(name: str, known: Collection[str]) -> tuple[str, list[str]]:
    """Take a derivative's name apart: ``ddf_dx_dy`` is f by x, then y."""
    by: list[str] = []
    while name.startswith("d"):
        at = name.find("_d", 2)
        while at >= 0 and name[at + 2 :] not in known:
            at = name.find("_d", at + 1)
        if at < 0:
            break
        by.insert(0, name[at + 2 :])
        name = name[1:at]
    return name, by


def _subscripted(name: str) -> str:
    match = re.fullmatch(r"(.*?[^\W\d_])_?(\d+(?:_\d+)*)", name)
    if not match:
        return name
    return match[1] + match[2].replace("_", ",").translate(_SUBSCRIPTS)


def number_label(value: exact.Number) -> str:
    """Write a number: ``-3`` with a minus sign, ``1/3``, π."""
    if isinstance(value, exact.Pi):
        return "π"
    text = exact.format_number(value)
    return cut(text.replace("-", "−"))


def value_label(value: Fraction | float) -> str:
    """Write a value: a rational number as it is, another to four digits."""
    if isinstance(value, Fraction):
        text = number_label(value)
        if len(text) <= MAX_VALUE:
            return text
        value = exact.to_float(value)
    return f"{value:.4g}".replace("-", "−")


def gate_label(gate: GateType, param: exact.Number | None) -> str:
    """Write a gate type's symbol, with its parameter, if any, as a superscript."""
    if param is None:
        return gate.symbol
    text = exact.format_number(param)
    if "{p}" in gate.symbol:
        return cut(gate.symbol.replace("{p}", text.translate(_SUPERSCRIPTS)))
    return cut(f"{gate.symbol} {number_label(param)}")


def cut(text: str) -> str:
    """Shorten a label to what is drawn."""
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
