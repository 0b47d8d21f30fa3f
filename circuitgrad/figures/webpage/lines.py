"""Lines of mathematics in a page's data: each glyph and each line is there once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.figures.labels import Names
from circuitgrad.figures.scene import Label
from circuitgrad.figures.svg import visible
from circuitgrad.figures.typeset import typeset

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Lines", "Marked"]

#: Around the number of a line in a text: characters that no name has.
START, END = "\ue000", "\ue001"
_MARKED: Final = re.compile(f"{START}([0-9]+){END}")

#: Longer lines than this are text in a page, which breaks lines, and not set.
MAX_SET: Final = 400
#: Nor is more text than this written.
MAX_TEXT: Final = 2_000
#: Outlines are drawn on a grid of this many units a point: that of the font.
UNITS: Final = 1000 / 6


class Lines:
    """The lines that the figures and words of a page show, by number.

    Attributes
    ----------
    glyphs : list of str
        Outlines, in units of the font.
    table : list of list
        For each line its text and, where it is set, its width and height, its glyphs
        (outline, x, y, scale) and its rules (x, y, width, height), flat; lengths are
        in hundredths of a point, scales in ten thousandths.
    """

    def __init__(self) -> None:
        self.glyphs: list[str] = []
        self.table: list[list[Any]] = []
        self._glyph: dict[str, int] = {}
        self._line: dict[Label, int] = {}

    def __getitem__(self, label: Label) -> int:
        """Give the number of a line."""
        if label not in self._line:
            self._line[label] = len(self.table)
            self.table.append(self._written(label))
        return self._line[label]

    def _written(self, label: Label) -> list[Any]:
        text = visible(label.text)
        if len(text) > MAX_TEXT:
            text = text[: MAX_TEXT - 1] + "…"
        if label.plain or len(label.tex) > MAX_SET:
            return [text, _hundredths(typeset(label).width if label.plain else 0.0)]
        formula = typeset(label)
        glyphs: list[int] = []
        for glyph in formula.glyphs:
            number = self._glyph.setdefault(glyph.outline, len(self.glyphs))
            if number == len(self.glyphs):
                self.glyphs.append(_on_grid(glyph.outline))
            place = _hundredths(glyph.x), _hundredths(glyph.y)
            glyphs += [number, *place, round(10_000 * glyph.scale)]
        rules = [
            _hundredths(length)
            for rule in formula.rules
            for length in (rule.x, rule.y, rule.width, rule.height)
        ]
        size = [_hundredths(formula.width), _hundredths(formula.height)]
        return [text, *size, glyphs, *([rules] if rules else [])]

    def mixed(self, text: str) -> list[Any]:
        """Take a text with the names of `Marked` apart: text and lines in turn."""
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT].rpartition(START)[0] + "…"
        return [
            int(part) if number % 2 else part
            for number, part in enumerate(_MARKED.split(text))
        ]


class Marked(Names):
    """Names that stand in formulas as the numbers of lines.

    So that formulas are texts between names that are set, and break like texts: to set
    each formula as a whole takes ten times as long, and as much room.
    """

    def __init__(self, circuit: Circuit, lines: Lines) -> None:
        super().__init__(circuit)
        self._lines = lines

    def __getitem__(self, name: str) -> Label:
        """Give the mark of a name; in LaTeX, whether it is a fraction."""
        label = super().__getitem__(name)
        tex = r"\frac{}{}" if label.tex.startswith(r"\frac") else "x"
        return Label(f"{START}{self._lines[label]}{END}", tex)


def _hundredths(length: float) -> int:
    return round(100 * length)


def _on_grid(outline: str) -> str:
    """Write an outline in whole units, without the spaces that SVG can do without."""
    text = re.sub(
        r"-?\d*\.?\d+", lambda number: str(round(UNITS * float(number[0]))), outline
    )
    text = re.sub(r" ?([MLQCZ]) ?", r"\1", text)
    return text.replace(" -", "-")
