"""Labels of a figure: names, numbers and gates, in Unicode and in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad import exact
from circuitgrad.figures.scene import Label
from circuitgrad.formats.mathnames import MathNames, differentiated
from circuitgrad.gates import GateType

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = [
    "Names",
    "cut",
    "drawn_names",
    "gate_label",
    "gate_line",
    "name_label",
    "number_label",
    "number_line",
    "quoted",
    "superscript",
    "terminal_label",
    "terminal_width",
    "value_label",
    "value_line",
    "weight_label",
]

#: Longest label that is drawn, in characters.
MAX_LABEL: Final = 60

#: Longest rational number that is drawn as it is.
MAX_VALUE: Final = 9

#: Most rows and columns of an array whose entries are drawn.
MAX_LENGTH: Final = 4

#: A number, or an array of them.
Value = Fraction | float | npt.NDArray[Any]

#: Unicode's first strong isolate, and its end: a text of its own direction.
_ISOLATE, _END = "\u2068", "\u2069"

_SUBSCRIPTS: Final = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_SUPERSCRIPTS: Final = str.maketrans("0123456789+-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᐟ")


#: Sizes of lines, relative to a gate's symbol.
NAME, VALUE, WEIGHT, SLOT = 0.85, 0.8, 0.8, 0.62

#: Symbols of gates that are no words, in LaTeX.
_TEX: Final = {
    "×": r"\times",
    "÷": r"\div",
    "√": r"\surd",
    "σ": r"\sigma",
    "1/·": r"1/\cdot",
    "|·|": r"|\cdot|",
    "(·){p}": r"(\cdot)^{{p}}",
}
#: Symbols that are words, and others that mean themselves in LaTeX.
_WORD: Final = re.compile("[A-Za-z_][A-Za-z0-9_]+|_")
_READABLE: Final = re.compile(r"(?:[A-Za-z0-9+*/|<>=()\[\].,:;!?'-]|\{p\})+")


def quoted(text: str) -> str:
    """Quote a label so that Graphviz shows it as is: no markup, escapes, attributes."""
    text = text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\r", "").replace("\n", "\\n") + '"'


def name_label(
    name: str, known: Collection[str] = (), values: Collection[str] | None = None
) -> str:
    """Write a name for a drawing.

    Trailing digits become subscripts: ``x1`` is x₁, ``w1_2`` is w₁,₂.  The name of a
    derivative by something known, ``df_dx1``, is written ∂f/∂x₁, and ``ddf_dx_dy``
    ∂²f/∂x∂y; where ``values`` are given, only the derivative of one of them.
    """
    of, by = _derivative(name, known, values)
    if not by:
        return cut(_subscripted(name))
    order = "" if len(by) == 1 else str(len(by)).translate(_SUPERSCRIPTS)
    below = "".join(f"∂{_subscripted(x)}" for x in by)
    return cut(f"∂{order}{_subscripted(of)}/{below}")


def _derivative(
    name: str, known: Collection[str], values: Collection[str] | None
) -> tuple[str, list[str]]:
    """Take a derivative's name apart: ``ddf_dx_dy`` is f by x, then y."""
    by: list[str] = []
    while name.startswith("d"):
        at = name.find("_d", 2)
        while at >= 0 and (
            name[at + 2 :] not in known
            or (values is not None and name[1:at] not in values)
        ):
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


def superscript(value: Fraction) -> str:
    """Write an exponent: ``⁻¹ᐟ²``."""
    return exact.format_number(value).translate(_SUPERSCRIPTS)


def weight_label(weight: Fraction) -> str:
    """Write a weight as a factor: ``3·``, a sign alone for -1, nothing for 1."""
    if abs(weight) == 1:
        return "−" if weight < 0 else ""
    return f"{number_label(weight)}·"


def value_label(value: Value) -> str:
    """Write a value: a rational number as it is, another to four digits.

    A small array in rows, ``(1, 2; 3, 4)``; of a larger one, between which numbers its
    entries are.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return _array_label(value)
    if isinstance(value, Fraction):
        text = number_label(value)
        if len(text) <= MAX_VALUE:
            return text
        value = exact.to_float(value)
    return f"{value:.4g}".replace("-", "−")


def _array_label(value: npt.NDArray[Any]) -> str:
    if _is_small(value):
        rows = np.atleast_2d(value + 0.0).tolist()  # no -0
        return f"({'; '.join(', '.join(map(value_label, row)) for row in rows)})"
    if np.isnan(value).any() and not np.isnan(value).all():
        return "some nan"
    low, high = value_label(value.min().item()), value_label(value.max().item())
    return f"all {low}" if low == high else f"{low} … {high}"


def _is_small(value: npt.NDArray[Any]) -> bool:
    """Tell whether the entries of an array stand in a figure."""
    return value.ndim <= 2 and max(value.shape) <= MAX_LENGTH


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


# ------------------------------------------------------------------ in a terminal


def terminal_label(label: str) -> str:
    """Write a label so that a terminal shows it as is, and turns nothing round.

    What a terminal would obey, which only Python can put into a name, is shown as �; a
    name in right-to-left letters is isolated from what is beside it.
    """
    shown = "".join(char if char.isprintable() else "�" for char in label)
    return re.sub(r"[^∂/⁰¹²³⁴-⁹]+", _isolated, shown)  # each name of ∂²f/∂x∂y


def _isolated(name: re.Match[str]) -> str:
    directions = map(unicodedata.bidirectional, name[0])
    if {"R", "AL", "AN"}.isdisjoint(directions):
        return name[0]
    return f"{_ISOLATE}{name[0]}{_END}"


def terminal_width(text: str) -> int:
    """Count the columns that a terminal gives a text: two for a Chinese character."""
    from rich.cells import cell_len

    return cell_len(text.replace(_ISOLATE, "").replace(_END, ""))


# ---------------------------------------------------------------------- lines


class Names:
    """The names of a circuit as lines of mathematics, each unlike the others.

    Derivatives are fractions, as `MathNames` reads them, also those by gates of the
    circuit that a gradient was made from.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._text = drawn_names(circuit)
        self._known = _known_names(circuit)
        self._values = differentiated(circuit, self._known)
        labels = dict.fromkeys((*circuit.vertices, *sorted(self._known)))
        self._tex = MathNames(circuit, list(labels))
        self._labels = set(labels)

    def __getitem__(self, name: str) -> Label:
        text = self._text.get(name) or name_label(name, self._known, self._values)
        if len(name) > MAX_LABEL:
            tex = rf"\mathit{{{_ascii(name[: MAX_LABEL - 1])}}}\ldots"
            return Label(text, tex, NAME, not name.isascii())
        tex = self._tex[name] if name in self._labels else self._tex.output(name)
        return Label(text, tex, NAME, name in self._tex.spelled)

    def derivative(self, of: str, by: str) -> Label:
        """Give the line of the derivative of an output by a vertex."""
        found = self[f"d{of}_d{by}"]
        lines = self[of], self[by]
        if any(line.tex.startswith(r"\frac") for line in lines):
            return found
        return found._replace(text=cut(f"∂{lines[0].text}/∂{lines[1].text}"))


def drawn_names(circuit: Circuit, names: Iterable[str] | None = None) -> dict[str, str]:
    """Give what each name is drawn as: itself where ``x1`` and ``x_1`` look alike.

    ``names`` are those that stand beside each other, by default all of the circuit.
    """
    known = _known_names(circuit)
    values = differentiated(circuit, known)
    shown = circuit.vertices if names is None else names
    drawn = {name: name_label(name, known, values) for name in shown}
    counts = Counter(drawn.values())
    return {
        name: label if counts[label] == 1 else cut(name)
        for name, label in drawn.items()
    }


def _known_names(circuit: Circuit) -> set[str]:
    """Give the names that a derivative may be by."""
    known = {*filter(None, circuit.labels), *circuit.output_names}
    if circuit.provenance is not None:
        source = circuit.provenance.source
        known.update(source.labels, source.output_names)
    return known


def _ascii(name: str) -> str:
    """Write a name in letters that TeX has, ? standing for any other."""
    letters = (c if c.isascii() and c.isalnum() else "?" for c in name)
    return "".join(r"\_" if c == "_" else x for c, x in zip(name, letters, strict=True))


def gate_line(gate: GateType, param: exact.Number | None) -> Label:
    """Give the line of a gate's symbol, with its parameter, if any."""
    text = gate_label(gate, param)
    symbol = _TEX.get(gate.symbol)
    if symbol is None:
        if _WORD.fullmatch(gate.symbol):
            symbol = rf"\mathrm{{{_ascii(gate.symbol)}}}"
        elif _READABLE.fullmatch(gate.symbol):
            symbol = gate.symbol
        else:
            return Label(text, rf"\mathrm{{{_ascii(gate.name)}}}", plain=True)
    if param is None:
        return Label(text, symbol)
    number = exact.format_number(param)
    if "{p}" in symbol:
        return Label(text, symbol.replace("{p}", cut(number)))
    return Label(text, rf"{symbol}\,{_number_tex(param)}")


def number_line(value: exact.Number, size: float = 1.0) -> Label:
    """Give the line of a number: a fraction is one."""
    return Label(number_label(value), _number_tex(value), size)


def value_line(value: Value) -> Label:
    """Give the line of a value, as `value_label` rounds it; of a matrix, its rows."""
    text = value_label(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return Label(text, _array_tex(value), VALUE)
    if isinstance(value, Fraction) and "e" not in text and "." not in text:
        return Label(text, _number_tex(value), VALUE)
    number, _, power = text.replace("−", "-").partition("e")
    if number.lstrip("-") in ("inf", "nan"):
        tex = number.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
        return Label(text, tex, VALUE)
    tex = rf"{number} \cdot 10^{{{int(power)}}}" if power else number
    return Label(text, tex, VALUE)


def _array_tex(value: npt.NDArray[Any]) -> str:
    if not _is_small(value):
        if (text := _array_label(value)) == "some nan":
            return rf"\text{{{text}}}"
        low, high = (value_line(x.item()).tex for x in (value.min(), value.max()))
        whole = low == high
        return rf"\text{{all }}{low}" if whole else rf"{low} \,\ldots\, {{{high}}}"
    listed = np.atleast_2d(value + 0.0).tolist()
    rows = [[f"{{{value_line(x).tex}}}" for x in row] for row in listed]
    if value.ndim == 1:
        return f"({', '.join(rows[0])})"
    lines = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"


def _number_tex(value: exact.Number) -> str:
    if isinstance(value, exact.Pi):
        return r"\pi"
    text = exact.format_number(value)
    if len(text) > MAX_LABEL:
        return rf"{text[: MAX_LABEL - 1]}\ldots"
    above, _, below = text.removeprefix("-").partition("/")
    sign = "-" if text.startswith("-") else ""
    return rf"{sign}\frac{{{above}}}{{{below}}}" if below else text
