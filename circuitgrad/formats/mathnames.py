"""Names as a mathematician sets them, in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from circuitgrad.formats.naming import greek_name, words

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["GREEK", "MathNames", "differentiated"]

GREEK: Final = words(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho
    sigma tau upsilon phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    """
)

#: Combining accents, and what TeX calls them in formulas.
_ACCENTS: Final = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0306": "breve",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030a": "mathring",
    "\u030c": "check",
}

#: A name that can be set with subscripts: x, x1, x1_2, x_max.
_SCRIPTED: Final = re.compile(r"([^\W\d_]+)(\d*)((?:_[^\W_]+)*)")


class MathNames:
    """Distinct formulas for the names of a circuit.

    ``x1_2`` has subscripts, ``theta`` and ``θ`` are the Greek letter, longer names are
    in italics.  ``df_dx`` is a partial derivative where x is a name of the circuit, and
    f one too, or what an output is the derivative of.  Where two names would look the
    same, the later one is set as it is spelled.  Letters that TeX cannot be relied on
    to have are set as their code points, U4E2D.

    Parameters
    ----------
    circuit : Circuit
    labels : list of str
        The names that equations use.

    Attributes
    ----------
    spelled : dict of str to str
        The names with code points for letters, and how they are set.
    """

    def __init__(self, circuit: Circuit, labels: list[str]) -> None:
        self.spelled: dict[str, str] = {}
        self._labels = set(labels)
        self._values = differentiated(circuit, labels)
        self._taken = {"e", r"\pi"}  # the numbers
        self._outputs: dict[str, str] = {}
        self._given: dict[str, str] = {}
        for label in labels:
            self._given[label] = self._distinct(label)

    def __getitem__(self, label: str) -> str:
        return self._given[label]

    def output(self, label: str) -> str:
        """Give the formula for an output that is no vertex of its own name."""
        if label not in self._outputs:
            self._outputs[label] = self._distinct(label)
        return self._outputs[label]

    def _distinct(self, label: str) -> str:
        found = self._derivative(label) or _simple(label)
        if found in self._taken:
            found = stem = rf"\mathit{{{''.join(map(_plain_letter, label))}}}"
            count = 1
            while found in self._taken:
                count += 1
                found = f"{stem}_{{({count})}}"
        self._taken.add(found)
        spelled = (c for c in label if not (c.isascii() and c.isalnum()))
        if any(_code_point(char) in found for char in spelled):
            self.spelled[label] = found
        return found

    def _derivative(self, label: str) -> str | None:
        """Set ``ddf_dx_dy`` as a derivative of f by x, then by y."""
        of, by = label, []
        while (reading := self._reading(of)) is not None:
            of, variable = reading
            by.append(_simple(variable))
        if not by:
            return None
        order = f"^{{{len(by)}}}" if len(by) > 1 else ""
        below = r" \, ".join(
            rf"\partial {variable}" + (f"^{{{count}}}" if count > 1 else "")
            for variable, count in ((key, len(list(run))) for key, run in groupby(by))
        )
        return rf"\frac{{\partial{order} {_simple(of)}}}{{{below}}}"

    def _reading(self, name: str) -> tuple[str, str] | None:
        if re.match(r"[A-Za-z]*", name).group() in GREEK:  # type: ignore[union-attr]
            return None  # delta_dx
        for of, by in _readings(name):
            if by in self._labels and of in self._values:
                return of, by
        return None


def differentiated(circuit: Circuit, labels: Iterable[str]) -> set[str]:
    """Give what a name may be the derivative of: names, and what outputs are of."""
    found = set(labels)
    waiting, inputs = list(circuit.output_names), set(circuit.inputs)
    while waiting:
        for of, by in _readings(waiting.pop()):
            if by in inputs and of not in found:
                found.add(of)
                waiting.append(of)
    return found


def _readings(name: str) -> Iterator[tuple[str, str]]:
    """Split ``df_dx`` at each ``_d``."""
    at = name.find("_d", 2) if name.startswith("d") else -1
    while at >= 0:
        yield name[1:at], name[at + 2 :]
        at = name.find("_d", at + 1)


def _simple(label: str) -> str:
    return _scripted(label) or rf"\mathit{{{''.join(map(_letter, label))}}}"


def _scripted(label: str) -> str | None:
    found = _SCRIPTED.fullmatch(label)
    if found is None:
        return None
    stem, number, rest = found.groups()
    scripts = [number] if number else []
    scripts += [script for script in rest.split("_") if script]
    if not scripts:
        return _word(stem)
    return f"{_word(stem)}_{{{', '.join(map(_word, scripts))}}}"


def _word(text: str) -> str:
    if text in GREEK:
        return f"\\{text}"
    if greek_name(text[0]) in GREEK and len(text) == 1:
        return f"\\{greek_name(text)}"
    letters = "".join(map(_letter, text))
    return letters if len(text) == 1 or letters.isdigit() else rf"\mathit{{{letters}}}"


def _letter(char: str) -> str:
    if char == "_":
        return r"\_"
    if char.isascii() and char.isalnum():
        return char
    greek = greek_name(char)
    if greek in GREEK:
        return rf"{{\{greek}}}"
    parts = unicodedata.normalize("NFD", char)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return _plain_letter(char)


def _plain_letter(char: str) -> str:
    """Set a letter so that it looks like no other, and is none of TeX's own."""
    if char == "_" or (char.isascii() and char.isalnum()):
        return _letter(char)
    return rf"\mathrm{{{_code_point(char)}}}"


def _code_point(char: str) -> str:
    return f"U{ord(char):04X}"
