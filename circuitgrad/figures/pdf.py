"""Scenes as PDF, a page each: outlines of glyphs, no fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from circuitgrad.figures.palette import MARK, Theme
from circuitgrad.figures.scene import Label, Node, Scene, Wire
from circuitgrad.figures.svg import MARGIN
from circuitgrad.figures.typeset import LEADING, Formula, Glyph, typeset

__all__ = ["write_pdf"]

#: What outlines stand within, in units of theirs: glyphs of a line are 12 high.
_BOX: Final = (-100, -100, 200, 200)
_TOKEN: Final = re.compile(r"[MLQCZ]|-?[0-9.]+(?:e-?[0-9]+)?")


def write_pdf(
    scenes: Sequence[Scene],
    theme: Theme,
    *,
    box: tuple[float, float, float, float] | None = None,
) -> bytes:
    """Write scenes as a PDF document.

    Parameters
    ----------
    scenes : sequence of Scene
        Placed; a page each.
    theme : Theme
    box : tuple of float, optional
        What every page shows: left, bottom, right, top; by default all of its scene.

    Returns
    -------
    bytes
        The same for the same scenes: no date, no random identifier.

    Notes
    -----
    Letters that the font of mathematics lacks are written as their code points, as in
    LaTeX: a PDF would have to bring a font of its own for them.
    """
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=1, pageCompression=1)
    canvas.setTitle(scenes[0].title if scenes else "")
    canvas.setCreator("circuitgrad")
    labels = (label for scene in scenes for label in scene.labels)
    _define(canvas, (typeset(label, outlines=True) for label in labels))
    for scene in scenes:
        _Page(canvas, theme).draw(scene, box or scene.box)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


class _Page:
    def __init__(self, canvas: Any, theme: Theme) -> None:
        self.canvas, self.theme = canvas, theme

    def draw(self, scene: Scene, box: tuple[float, float, float, float]) -> None:
        left, bottom, right, top = box
        size = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
        self.canvas.setPageSize(size)
        self._fill(self.theme.background)
        self.canvas.rect(0, 0, *size, stroke=0, fill=1)
        self.canvas.translate(MARGIN - left, MARGIN - bottom)
        for wire in scene.wires.values():
            self._wire(wire)
        for wire in scene.wires.values():
            self._labels(wire)
        for node in scene.nodes.values():
            self._node(node)

    def _fill(self, color: str) -> None:
        self.canvas.setFillColorRGB(*_rgb(color))

    def _stroke(self, color: str, width: float) -> None:
        self.canvas.setStrokeColorRGB(*_rgb(color))
        self.canvas.setLineWidth(width)

    def _node(self, node: Node) -> None:
        look, at = self.theme.look(node.role), node.place
        self._fill(look.fill)
        self._stroke(look.border, look.stroke + MARK * node.marked)
        if look.dots:
            self.canvas.setLineCap(1)
            self.canvas.setDash([0, 3])
        elif node.dashed:
            self.canvas.setDash([4, 3])
        left, bottom = at.x - at.width / 2, at.y - at.height / 2
        if node.shape == "ellipse":
            right, top = left + at.width, bottom + at.height
            self.canvas.ellipse(left, bottom, right, top, stroke=1, fill=1)
        elif node.shape == "box":
            size = at.width, at.height
            self.canvas.roundRect(left, bottom, *size, 5, stroke=1, fill=1)
        elif node.shape == "bar":
            self.canvas.rect(left, bottom, at.width, at.height, stroke=1, fill=1)
        self.canvas.setDash([])
        self.canvas.setLineCap(0)
        self._lines(node.lines, at.x, at.y)

    def _lines(self, lines: tuple[Label, ...], x: float, y: float) -> None:
        formulas = [typeset(line, outlines=True) for line in lines]
        y += (sum(f.height for f in formulas) + LEADING * (len(lines) - 1)) / 2
        for formula in formulas:
            self._formula(formula, x, y - formula.height / 2)
            y -= formula.height + LEADING

    def _formula(self, formula: Formula, x: float, y: float, ink: str = "") -> None:
        self._fill(ink or self.theme.ink)
        x -= formula.width / 2
        for glyph in formula.glyphs:
            self._glyph(glyph, x + glyph.x, y - glyph.y)
        for rule in formula.rules:
            corner = x + rule.x, y - rule.y - rule.height
            self.canvas.rect(*corner, rule.width, rule.height, stroke=0, fill=1)

    def _glyph(self, glyph: Glyph, x: float, y: float) -> None:
        """Draw a glyph, whose outline stands once in the document."""
        self.canvas.saveState()
        self.canvas.transform(glyph.scale, 0, 0, glyph.scale, x, y)
        self.canvas.doForm(glyph.name)
        self.canvas.restoreState()

    def _wire(self, wire: Wire) -> None:
        color, width = self.theme.wire_stroke(wire.style, wire.marked, wire.role)
        self._stroke(color, width)
        path = self.canvas.beginPath()
        path.moveTo(*wire.shaft[0])
        for start in range(1, len(wire.shaft) - 2, 3):
            a, b, c = wire.shaft[start : start + 3]
            path.curveTo(*a, *b, *c)
        self.canvas.drawPath(path, stroke=1, fill=0)
        if wire.role:
            return
        self._fill(color)
        head = self.canvas.beginPath()
        head.moveTo(*wire.arrow[0])
        head.lineTo(*wire.arrow[1])
        head.lineTo(*wire.arrow[2])
        head.close()
        self.canvas.drawPath(head, stroke=0, fill=1)

    def _labels(self, wire: Wire) -> None:
        for label, (x, y) in wire.labels:
            formula = typeset(label, outlines=True)
            width, height = formula.width + 2 * wire.clear, formula.height
            if label is not wire.slot:
                self._fill(self.theme.background)
                self.canvas.setFillAlpha(0.9)
                corner = x - width / 2, y - height / 2
                self.canvas.rect(*corner, width, height, stroke=0, fill=1)
                self.canvas.setFillAlpha(1)
            muted = self.theme.muted if label is wire.shape else ""
            self._formula(formula, x, y, muted)


def _define(canvas: Any, formulas: Iterable[Formula]) -> None:
    """Define the outline of each glyph, to be drawn in the colour of the moment."""
    for glyph in (glyph for formula in formulas for glyph in formula.glyphs):
        if not canvas.hasForm(glyph.name):
            canvas.beginForm(glyph.name, *_BOX)
            path = canvas.beginPath()
            _trace(path, glyph.outline)
            canvas.drawPath(path, stroke=0, fill=1)
            canvas.endForm()


def _trace(path: Any, outline: str) -> None:
    """Draw an outline; a quadratic curve becomes the cubic one that it is."""
    tokens = _TOKEN.findall(outline)
    here, place, command = (0.0, 0.0), 0, ""
    while place < len(tokens):
        if tokens[place] in "MLQCZ":
            command, place = tokens[place], place + 1
            if command == "Z":
                path.close()
                continue
        count = {"M": 1, "L": 1, "Q": 2, "C": 3}[command]
        numbers = [float(x) for x in tokens[place : place + 2 * count]]
        points = [(x, -y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        place += 2 * count
        if command == "M":
            path.moveTo(*points[0])
        elif command == "L":
            path.lineTo(*points[0])
        else:
            if command == "Q":
                middle, end = points
                points = [_third(here, middle), _third(end, middle), end]
            path.curveTo(*points[0], *points[1], *points[2])
        here = points[-1]


def _third(
    end: tuple[float, float], middle: tuple[float, float]
) -> tuple[float, float]:
    return end[0] + 2 / 3 * (middle[0] - end[0]), end[1] + 2 / 3 * (middle[1] - end[1])


def _rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
