"""Setting mathematics: from LaTeX to outlines of glyphs, by ziamath.

Figures carry outlines, not letters of a font that a reader may not have, so they look
alike everywhere, and nodes are as large as what stands in them on every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from xml.etree import ElementTree

from circuitgrad.figures.scene import Label

__all__ = ["SIZE", "Formula", "Glyph", "Rule", "extent", "typeset"]

#: Size of a gate's symbol, in points.
SIZE: Final = 14.0
#: Between lines of a label, in points.
LEADING: Final = 2.5


@dataclass(frozen=True)
class Glyph:
    """An outline, where its origin stands, and its scale.

    ``outline`` is SVG path data, y downwards, with absolute M, L, Q, C and Z alone.
    """

    name: str
    outline: str
    x: float
    y: float
    scale: float


@dataclass(frozen=True)
class Rule:
    """A filled box: the bar of a fraction; y downwards, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Formula:
    """A formula that is set: from its left end, y downwards from the middle.

    Where ``text`` is not empty, it is letters that have no outlines, to be written by
    whatever font a reader has, ``width`` being a guess.
    """

    width: float
    height: float
    glyphs: tuple[Glyph, ...] = ()
    rules: tuple[Rule, ...] = ()
    text: str = ""
    size: float = SIZE


@lru_cache(maxsize=4096)
def typeset(label: Label, outlines: bool = False) -> Formula:
    """Set a line.

    Parameters
    ----------
    label : Label
    outlines : bool
        Whether letters that the font lacks are set as their code points; they are left
        to the reader's fonts otherwise.
    """
    size = SIZE * label.size
    if label.plain and not outlines:
        return Formula(_guess(label.text) * size, size, text=label.text, size=size)
    if not label.tex:
        return Formula(0.0, 0.0)
    return _set(label.tex, size)


def extent(lines: Sequence[Label]) -> tuple[float, float]:
    """Give the width and height of lines, one below the other."""
    formulas = [typeset(line) for line in lines]
    height = sum(f.height for f in formulas) + LEADING * (len(formulas) - 1)
    return max((f.width for f in formulas), default=0.0), max(height, 0.0)


def _guess(text: str) -> float:
    """Guess how wide letters of an unknown font are, in ems."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(unicodedata.combining(char) > 0 for char in text)
    return 0.62 * (len(text) - wide - marks) + 1.05 * wide


def _set(tex: str, size: float) -> Formula:
    """Set LaTeX by ziamath, and take its drawing apart."""
    svg = _drawing(tex, size)
    left, top, width, height = map(float, svg.get("viewBox").split())
    middle = top + height / 2
    outlines = {}
    for symbol in svg.iter("symbol"):
        path = symbol.find("path")
        if path is not None:
            box = [float(x) for x in symbol.get("viewBox").split()]
            outlines[symbol.get("id")] = path.get("d").strip(), box
    glyphs, rules = [], []
    for each in svg:
        place = {k: float(each.get(k, 0)) for k in ("x", "y", "width", "height")}
        if each.tag == "use" and (found := outlines.get(each.get("href")[1:])):
            outline, box = found
            scale = place["height"] / box[3]
            x, y = place["x"] - box[0] * scale, place["y"] - box[1] * scale
            name = "g" + each.get("href").rpartition("_")[2]
            glyphs.append(Glyph(name, outline, x - left, y - middle, scale))
        elif each.tag == "rect":
            x, y = place["x"] - left, place["y"] - middle
            rules.append(Rule(x, y, place["width"], place["height"]))
    return Formula(width, height, tuple(glyphs), tuple(rules), size=size)


def _drawing(tex: str, size: float) -> Any:
    """Draw LaTeX with each glyph as a symbol of its own, whatever ziamath is set to."""
    from ziamath.config import config
    from ziamath.escapes import unescape
    from ziamath.tex import tex2mml
    from ziamath.zmath import Math

    tree = ElementTree.fromstring(unescape(tex2mml(tex)))
    _open_rows(tree)
    kept = config.svg2, config.precision
    config.svg2, config.precision = True, 3
    try:
        return Math(tree, size=size).svgxml()
    finally:
        config.svg2, config.precision = kept


def _open_rows(element: ElementTree.Element) -> None:
    """Put what stands alone in a row in the row's place.

    ziamath sets what is in a row twice, so that rows in rows take twice as long each.
    Above a line it sets a row otherwise than what is in it; such stay.
    """
    for place, child in enumerate(element):
        _open_rows(child)
        row = child.tag.rpartition("}")[2] == "mrow" and not child.attrib
        raised = element.tag.rpartition("}")[2] in ("msup", "msubsup")
        if row and len(child) == 1 and not raised:
            element[place] = child[0]
