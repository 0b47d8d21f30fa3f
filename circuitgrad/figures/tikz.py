"""A scene as TikZ: nodes, wires and labels that a lecturer can edit, in LaTeX's fonts.

Everything stands where the other writers put it.  Formulas are as large as the fonts of
the document make them, so lines that would not fit into their node are set smaller.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from circuitgrad.errors import LimitError
from circuitgrad.figures.labels import NAME, SLOT, VALUE
from circuitgrad.figures.palette import Look, Theme
from circuitgrad.figures.scene import ARROW, Label, Node, Point, Scene, Wire
from circuitgrad.figures.svg import MARGIN
from circuitgrad.figures.typeset import LEADING, SIZE
from circuitgrad.formats.naming import renaming

__all__ = ["document", "heading", "number", "picture", "preamble", "write_tikz"]

#: Between lines of a label, in points: TeX's boxes end where their letters do.
_SKIP: Final = LEADING + 1.5
#: The longest side of a figure, in points: TeX's lengths end at 16,384 of its own.
MAX_LENGTH: Final = 14_000
#: How far out corners of lines may be in an ellipse, of the one with such a margin:
#: they are hardly out of the node, and most are empty.
_BOUND: Final = 1.16
#: The commands for lines of labels, by their sizes.
_COMMANDS: Final = {1.0: "symbol", NAME: "name", VALUE: "number", SLOT: "slot"}
#: Longest title that is said beside a node, in characters.
_TITLE: Final = 40

_ABOUT: Final = """\
pdflatex makes a picture of this file for \\includegraphics. To have it in a document of
your own, move what stands before \\begin{document}, but for the class, into its
preamble, and the tikzpicture to where it belongs. Nodes have names, (n3), to draw to.
"""

#: What the labels of every picture need: sizes, lines in a node, and what does not fit.
_MACROS: Final = r"""
% Formulas in the sizes of the figure, and lines of them, one below the other, in the
% middle of a node; they are set smaller where the node has no room.
\newsavebox\cgbox
\newcommand\cgbound{BOUND} % how far from the middle of an ellipse corners may be
\newcommand\cgsize[2]{{\fontsize{#1bp}{#1bp}\selectfont$\displaystyle #2$}}
SIZES
\newcommand\cglines[1]{%
  \sbox\cgbox{\vbox{\offinterlineskip \lineskip=SKIPbp \let\\=\cr
    \halign{\hfil##\hfil\cr#1\crcr}}}%
  \ifdim\wd\cgbox>\cgwidth \sbox\cgbox{\resizebox{\cgwidth}{!}{\usebox\cgbox}}\fi
  \ifdim\dimexpr\ht\cgbox+\dp\cgbox>\cgheight
    \sbox\cgbox{\resizebox{!}{\cgheight}{\usebox\cgbox}}\fi
  \pgfmathsetmacro\cgcorner{%
    veclen(\wd\cgbox/\cgwidth, (\ht\cgbox+\dp\cgbox)/\cgheight)}%
  \ifdim\cgcorner pt>\cgbound pt
    \pgfmathsetmacro\cgcorner{\cgbound/\cgcorner}%
    \sbox\cgbox{\scalebox{\cgcorner}{\usebox\cgbox}}\fi
  \makebox(0,0){\usebox\cgbox}}
"""


def write_tikz(scene: Scene, theme: Theme) -> str:
    """Write a scene as a LaTeX document of one picture.

    Parameters
    ----------
    scene : Scene
        Placed.
    theme : Theme

    Returns
    -------
    str
        What pdflatex needs TikZ, amsmath and the class ``standalone`` for.  All but the
        comments is ASCII, and no name is more than a label: nodes are named by keys.
    """
    framed = theme.background != "#ffffff"
    border = 0 if framed else number(MARGIN)
    return document(
        [
            *heading(scene, _ABOUT),
            rf"\documentclass[tikz, border={border}bp]{{standalone}}",
            *preamble(scene, theme),
        ],
        picture(scene, "framed picture" if framed else "circuit picture"),
    )


def document(top: Iterable[str], body: Iterable[str]) -> str:
    """Join the lines of a document."""
    lines = [*top, "", r"\begin{document}", *body, r"\end{document}", ""]
    return "\n".join(lines)


def heading(scene: Scene, about: str) -> list[str]:
    """Say in comments what the file is, and how its names are spelled."""
    title = scene.title if scene.title.isascii() else ""
    lines = textwrap.wrap(f"{title[:_TITLE] or 'A circuit'}, drawn by circuitgrad.", 80)
    spelled, _ = renaming({each.text: each.tex for each in scene.labels if each.plain})
    return [f"% {line}" for line in (*lines, *about.splitlines(), *spelled)]


# ---------------------------------------------------------------------- the preamble


def preamble(scene: Scene, theme: Theme) -> Iterator[str]:
    """Give the packages, colours, macros and styles that a picture needs."""
    nodes = scene.nodes.values()
    roles = dict.fromkeys(node.role for node in nodes if node.shape != "plain")
    wires = scene.wires.values()
    lines = dict.fromkeys((wire.role, wire.style) for wire in wires if wire.role)
    roles |= dict.fromkeys(role for role, _ in lines)
    looks = {role: theme.look(role) for role in roles}
    yield r"\usepackage{amsmath}"
    yield r"\usepackage{fix-cm} % letters of every size"
    yield r"\usepackage{tikz}"
    yield r"\usetikzlibrary{arrows.meta, backgrounds, shapes.geometric}"
    yield ""
    arrays = any(wire.shape for wire in wires)
    yield from _colors(theme, looks, arrays)
    sizes = [
        rf"\newcommand\cg{command}{{\cgsize{{{number(SIZE * size)}}}}}"
        for size, command in _COMMANDS.items()
    ]
    macros = _MACROS.replace("SIZES", "\n".join(sizes))
    yield macros.replace("SKIP", number(_SKIP)).replace("BOUND", number(_BOUND))
    yield r"\tikzset{"
    yield from (f"  {line}," for line in _styles(theme, looks, lines, arrays))
    yield "}"


def _colors(theme: Theme, looks: dict[str, Look], arrays: bool) -> Iterator[str]:
    colors = {"background": theme.background, "ink": theme.ink}
    colors |= {"muted": theme.muted} if arrays else {}
    colors |= {"wire": theme.wire, "crossing": theme.crossing}
    for role, look in looks.items():
        colors |= {role: look.border, f"{role}fill": look.fill}
    for name, color in colors.items():
        yield rf"\definecolor{{cg{name}}}{{HTML}}{{{color[1:].upper()}}}"


def _styles(
    theme: Theme,
    looks: dict[str, Look],
    lines: Iterable[tuple[str, str]],
    arrays: bool,
) -> Iterator[str]:
    tip = f"Triangle[length={number(ARROW)}bp, width={number(0.72 * ARROW)}bp]"
    yield (
        "circuit picture/.style={x=1bp, y=1bp, text=cgink, inner sep=0pt,\n"
        f"    outer sep=0pt, >={{{tip}}}}}"
    )
    yield (
        "framed picture/.style={circuit picture, show background rectangle,\n"
        f"    inner frame sep={number(MARGIN)}bp, "
        "background rectangle/.style={fill=cgbackground}}"
    )
    yield (
        "size/.code 2 args={\\pgfkeysalso{minimum width=#1bp, minimum height=#2bp}%\n"
        "    \\def\\cgwidth{\\dimexpr#1bp*22/25\\relax}"
        "\\def\\cgheight{\\dimexpr#2bp*22/25\\relax}}"
    )
    yield "box/.code={\\pgfkeysalso{rectangle, rounded corners=5bp}\\def\\cgbound{2}}"
    yield "bar/.code={\\pgfkeysalso{rectangle}\\def\\cgbound{2}}"
    yield "stroke/.code={\\def\\cgstroke{#1}\\pgfkeysalso{line width=#1}}"
    yield "equal/.style={dash pattern=on 4bp off 3bp}"
    for style in ("wire", "output", "crossing"):
        color = "crossing" if style == "crossing" else "wire"
        _, width = theme.wire_stroke(style, False)
        yield f"{style}/.style={{->, draw=cg{color}, stroke={number(width)}bp}}"
    for role, style in lines:
        _, width = theme.wire_stroke(style, False, role)
        yield f"{role} {style}/.style={{draw=cg{role}, line width={number(width)}bp}}"
    patch = "fill=cgbackground, fill opacity=0.8, text opacity=1"
    patch += ", inner xsep=2bp" if arrays else ""
    yield f"weight/.style={{{patch}}}"
    if arrays:  # a shape is something else to TikZ
        yield f"lengths/.style={{{patch}, text=cgmuted}}"
    yield "slot/.style={}"
    yield "plain/.style={}"
    for role, look in looks.items():
        dots = ", line cap=round, dash pattern=on 0bp off 3bp" if look.dots else ""
        yield (
            f"{role}/.style={{draw=cg{role}, fill=cg{role}fill, "
            f"stroke={number(look.stroke)}bp{dots}}}"
        )


# ---------------------------------------------------------------------- the picture


def picture(
    scene: Scene,
    style: str = "circuit picture",
    slide: Callable[[str], int] = lambda key: 1,
) -> Iterator[str]:
    """Write the picture of a scene.

    Parameters
    ----------
    scene : Scene
        Placed.
    style : str
        Of the picture, one of those of `preamble`.
    slide : callable, optional
        The slide on which what has a key is new, of several.

    Raises
    ------
    LimitError
        If it is larger than TeX's longest lengths.
    """
    left, bottom, right, top = scene.box
    if max(right - left, top - bottom) > MAX_LENGTH:
        size = f"{right - left:,.0f} by {top - bottom:,.0f} points"
        raise LimitError(
            f"the figure is {size}: TeX has at most {MAX_LENGTH:,} (the limit); "
            "svg and pdf have more"
        )
    heads = {wire.head for wire in scene.wires.values()}
    yield rf"\begin{{tikzpicture}}[{style}]"
    # the same whatever a slide shows, and however wide the labels are
    yield rf"  \useasboundingbox {_at((left, bottom))} rectangle {_at((right, top))};"
    for wire in scene.wires.values():
        yield from _wire(wire, slide(wire.key))
    for wire in scene.wires.values():
        for label, at in wire.labels:
            style = "weight" if label is wire.label else "slot"
            style = "lengths" if label is wire.shape else style
            shown = _from(slide(wire.key))
            yield rf"  \node{shown}[{style}] at {_at(at)} {{{_formula(label)}}};"
    for node in scene.nodes.values():
        if node.shape == "plain" and node.key not in heads:
            yield _words(node, slide(node.key))
        else:
            yield _node(node, slide(node.key))
    yield r"\end{tikzpicture}"


def _node(node: Node, slide: int) -> str:
    plain, at = node.shape == "plain", node.place
    options = ["plain"] if plain else [node.role, node.shape]
    options += ["equal"] if node.dashed else []
    options += [] if plain else _fresh("fresh", slide)
    options.append(f"size={{{number(at.width)}}}{{{number(at.height)}}}")
    lines = r"\\ ".join(map(_formula, node.lines))
    text = rf"\cglines{{{lines}}}" if lines else ""
    said = ""
    if node.title.isascii() and node.title.isprintable() and len(node.title) <= _TITLE:
        said = f" % {node.title}" if node.title else ""
    return (
        rf"  \node{_from(slide)}[{', '.join(options)}] ({node.key}) at "
        rf"{_at((at.x, at.y))} {{{text}}};{said}"
    )


def _words(node: Node, slide: int) -> str:
    """Write a node of words, which begin where it does."""
    start = node.place.x - node.place.width / 2, node.place.y
    text = "".join(map(_formula, node.lines))
    return (
        rf"  \node{_from(slide)}[plain, anchor=west] ({node.key}) at "
        rf"{_at(start)} {{{text}}};"
    )


def _wire(wire: Wire, slide: int) -> Iterator[str]:
    if wire.role:
        line = " -- ".join(_at(point) for point in wire.curve[::3])
        yield rf"  \draw[{wire.role} {wire.style}] {line};"
        return
    options = ", ".join([wire.style, *_fresh("fresh wire", slide)])
    points = [_at(point) for point in wire.curve]
    curve = "".join(
        f"\n    .. controls {a} and {b} .. {c}"
        for a, b, c in zip(points[1::3], points[2::3], points[3::3], strict=True)
    )
    yield rf"  % {wire.tail} to {wire.head}"
    yield rf"  \draw{_from(slide)}[{options}] {points[0]}{curve};"


def _from(slide: int) -> str:
    return f"<{slide}->" if slide > 1 else ""


def _fresh(style: str, slide: int) -> list[str]:
    return [f"{style}={slide}"] if slide > 1 else []


def _formula(label: Label) -> str:
    command = _COMMANDS.get(label.size)
    if command is None:
        return rf"\cgsize{{{number(SIZE * label.size)}}}{{{label.tex}}}"
    return rf"\cg{command}{{{label.tex}}}"


def _at(point: Point) -> str:
    return f"({number(point[0])}, {number(point[1])})"


def number(x: float) -> str:
    """Write a length: two digits behind the point tell all that an eye can."""
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
