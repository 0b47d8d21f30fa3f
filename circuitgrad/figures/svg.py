"""A scene as SVG: outlines of glyphs, no fonts, no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from xml.sax.saxutils import escape

from circuitgrad.figures.palette import MARK, Theme
from circuitgrad.figures.scene import Curve, Label, Node, Point, Scene, Wire
from circuitgrad.figures.typeset import LEADING, Formula, typeset

__all__ = ["MARGIN", "visible", "write_svg"]

#: Around a figure, in points.
MARGIN: Final = 8.0
#: Where letters have no outlines.
FONTS: Final = "'STIX Two Text', 'DejaVu Serif', serif"


def write_svg(
    scene: Scene,
    theme: Theme,
    *,
    box: tuple[float, float, float, float] | None = None,
    prefix: str = "",
    attributes: Callable[[str], str] = lambda key: "",
    classes: Callable[[str], str] = lambda key: "",
    styles: str = "",
) -> str:
    """Write a scene as SVG.

    Every node and wire is a group of its own, with its key as identifier, ``node`` or
    ``wire`` and its role as classes, and its colours as attributes, which a style sheet
    of a page overrides.  The labels of a wire are another group above all wires, of the
    class ``label`` and the key with ``_label``.

    Parameters
    ----------
    scene : Scene
        Placed.
    theme : Theme
    box : tuple of float, optional
        What is shown: left, bottom, right, top; by default all.
    prefix : str
        Before every identifier, where several figures stand in one page.
    attributes : callable, optional
        More attributes, as text, of the group of each key.
    classes : callable, optional
        More classes of the group of each key.
    styles : str
        A style sheet for the figure.

    Returns
    -------
    str
    """
    writer = _Writer(scene, theme, prefix, attributes, classes)
    return writer.write(box or scene.box, styles)


class _Writer:
    def __init__(
        self,
        scene: Scene,
        theme: Theme,
        prefix: str,
        attributes: Callable[[str], str],
        classes: Callable[[str], str],
    ) -> None:
        self.scene, self.theme, self.prefix = scene, theme, prefix
        self.attributes, self.classes = attributes, classes
        self.outlines: dict[str, str] = {}

    def write(self, box: tuple[float, float, float, float], styles: str) -> str:
        left, bottom, right, top = box
        self.left, self.top = left - MARGIN, top + MARGIN
        width, height = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
        body = [
            *(line for wire in self.scene.wires.values() for line in self._wire(wire)),
            *(line for wire in self.scene.wires.values() for line in self._label(wire)),
            *(line for node in self.scene.nodes.values() for line in self._node(node)),
        ]
        defined = [
            f'<path id="{self.prefix}{name}" d="{outline}"/>'
            for name, outline in sorted(self.outlines.items())
        ]
        size = f'width="{_n(width)}pt" height="{_n(height)}pt"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {_n(width)} {_n(height)}" role="img">',
            f"<title>{escape(visible(self.scene.title or 'circuit'))}</title>",
            *([f"<style>{styles}</style>"] if styles else []),
            *(["<defs>", *defined, "</defs>"] if defined else []),
            f'<rect class="background" width="100%" height="100%" '
            f'fill="{self.theme.background}"/>',
            *body,
            "</svg>",
            "",
        ]
        return "\n".join(lines)

    def _at(self, point: Point) -> tuple[float, float]:
        return point[0] - self.left, self.top - point[1]

    def _group(self, key: str, classes: str, suffix: str = "") -> str:
        more, extra = self.classes(key), self.attributes(key)
        classes = f"{classes} {more}" if more else classes
        extra = f" {extra}" if extra else ""
        return f'<g id="{self.prefix}{key}{suffix}" class="{classes}"{extra}>'

    # ------------------------------------------------------------------ parts

    def _node(self, node: Node) -> Iterator[str]:
        look, at = self.theme.look(node.role), node.place
        x, y = self._at((at.x, at.y))
        yield self._group(node.key, f"node {node.role}")
        if node.title:
            yield f"<title>{escape(visible(node.title))}</title>"
        paint = f'fill="{look.fill}" stroke="{look.border}"'
        paint += f' stroke-width="{_n(look.stroke + MARK * node.marked)}"'
        if look.dots:
            paint += ' stroke-linecap="round" stroke-dasharray="0 3"'
        elif node.dashed:
            paint += ' stroke-dasharray="4 3"'
        if node.shape == "ellipse":
            rx, ry = _n(at.width / 2), _n(at.height / 2)
            yield f'<ellipse cx="{_n(x)}" cy="{_n(y)}" rx="{rx}" ry="{ry}" {paint}/>'
        elif node.shape in ("box", "bar"):
            corner = _n(x - at.width / 2), _n(y - at.height / 2)
            size = f'width="{_n(at.width)}" height="{_n(at.height)}"'
            if node.shape == "box":
                size += ' rx="5"'
            yield f'<rect x="{corner[0]}" y="{corner[1]}" {size} {paint}/>'
        yield from self._lines(node.lines, x, y)
        yield "</g>"

    def _lines(self, lines: tuple[Label, ...], x: float, y: float) -> Iterator[str]:
        formulas = [typeset(line) for line in lines]
        y -= (sum(f.height for f in formulas) + LEADING * (len(lines) - 1)) / 2
        for formula in formulas:
            yield from self._formula(formula, x, y + formula.height / 2)
            y += formula.height + LEADING

    def _formula(
        self, formula: Formula, x: float, y: float, ink: str = ""
    ) -> Iterator[str]:
        """Write a formula, its middle at x, y."""
        ink = ink or self.theme.ink
        if formula.text:
            yield (
                f'<text x="{_n(x)}" y="{_n(y + 0.35 * formula.size)}" fill="{ink}" '
                f'font-family="{FONTS}" font-size="{_n(formula.size)}" '
                f'text-anchor="middle">{escape(visible(formula.text))}</text>'
            )
            return
        if not formula.glyphs and not formula.rules:
            return
        x -= formula.width / 2
        yield f'<g class="ink" fill="{ink}">'
        for glyph in formula.glyphs:
            self.outlines[glyph.name] = glyph.outline.replace(" Z", "Z")
            at = f"translate({_n(x + glyph.x)} {_n(y + glyph.y)})"
            if abs(glyph.scale - 1) > 1e-6:
                at += f" scale({glyph.scale:.4g})"
            yield f'<use href="#{self.prefix}{glyph.name}" transform="{at}"/>'
        for rule in formula.rules:
            corner = f'x="{_n(x + rule.x)}" y="{_n(y + rule.y)}"'
            size = f'width="{_n(rule.width)}" height="{_n(rule.height)}"'
            yield f"<rect {corner} {size}/>"
        yield "</g>"

    def _wire(self, wire: Wire) -> Iterator[str]:
        color, stroke = self.theme.wire_stroke(wire.style, wire.marked, wire.role)
        yield self._group(wire.key, f"wire {wire.style}")
        yield (
            f'<path d="{self._path(wire.shaft)}" fill="none" stroke="{color}" '
            f'stroke-width="{_n(stroke)}"/>'
        )
        if not wire.role:
            corners = (self._at(point) for point in wire.arrow)
            points = " ".join("{},{}".format(*map(_n, corner)) for corner in corners)
            yield f'<polygon points="{points}" fill="{color}"/>'
        yield "</g>"

    def _label(self, wire: Wire) -> Iterator[str]:
        """Write a wire's labels, on a patch that keeps other wires off them."""
        if not wire.labels:
            return
        yield self._group(wire.key, "label", "_label")
        for label, at in wire.labels:
            formula, (x, y) = typeset(label), self._at(at)
            width = formula.width + 2 * wire.clear
            corner = f'x="{_n(x - width / 2)}" y="{_n(y - formula.height / 2)}"'
            size = f'width="{_n(width)}" height="{_n(formula.height)}"'
            fill = f'fill="{self.theme.background}" fill-opacity="0.9"'
            if label is not wire.slot:
                yield f'<rect class="background" {corner} {size} {fill}/>'
            muted = self.theme.muted if label is wire.shape else ""
            yield from self._formula(formula, x, y, muted)
        yield "</g>"

    def _path(self, curve: Curve) -> str:
        points = [" ".join(map(_n, self._at(point))) for point in curve]
        return f"M{points[0]}C{' '.join(points[1:])}"


def _n(x: float) -> str:
    """Write a number: two digits behind the point tell all that an eye can."""
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def visible(text: str) -> str:
    """Replace what XML cannot carry, and marks that turn the text around them."""
    return "".join(
        "\ufffd"
        if (ord(c) < 32 and c not in "\t\n") or 0x202A <= ord(c) <= 0x202E
        or 0xD800 <= ord(c) <= 0xDFFF or ord(c) in (0xFFFE, 0xFFFF)
        else c
        for c in text
    )  # fmt: skip
