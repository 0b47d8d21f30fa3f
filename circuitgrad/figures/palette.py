"""Colours and strokes of figures, by what a vertex is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circuitgrad.errors import CircuitError
from circuitgrad.provenance import (
    ADJOINT,
    COPY,
    NEW,
    PARTIAL,
    PRODUCT,
    QUOTIENT,
    SHIFTED,
    TANGENT,
)

__all__ = ["MARK", "ROLES", "THEMES", "Look", "Theme", "theme"]

#: What the vertices of a figure are, and the words of a legend, by their role.
ROLES: Final = {
    "source": "input or constant",
    "gate": "gate",
    "copy": "gate of C",
    "adjoint": "derivative of the output",
    "tangent": "derivative by an input",
    "product": "product of the chain rule",
    "partial": "partial derivative of a gate",
    "shifted": "gate of C where an input is shifted",
    "quotient": "difference quotient",
    "new": "made by a pass",
}

#: The roles of provenance, as figures call them.
ROLE_NAMES: Final = {
    NEW: "new",
    COPY: "copy",
    PARTIAL: "partial",
    PRODUCT: "product",
    ADJOINT: "adjoint",
    TANGENT: "tangent",
    SHIFTED: "shifted",
    QUOTIENT: "quotient",
}


@dataclass(frozen=True)
class Look:
    """Fill and border of nodes; ``dots`` is a stroke that is dotted."""

    fill: str
    border: str
    stroke: float = 1.2
    dots: bool = False


@dataclass(frozen=True)
class Theme:
    """How a figure looks: colours are ``#rrggbb``; shapes of arrays are ``muted``."""

    background: str
    ink: str
    muted: str
    wire: str
    crossing: str
    looks: dict[str, Look]

    def look(self, role: str) -> Look:
        """Give the look of a role."""
        return self.looks.get(role, self.looks["gate"])

    def wire_stroke(
        self, style: str, marked: bool, role: str = ""
    ) -> tuple[str, float]:
        """Give the colour and the width of a wire; those of a chart have a role."""
        if role:
            look = self.look(role)
            thin = {"axis": 0.8, "grid": 0.3}.get(style)
            return look.border, look.stroke + 0.6 if thin is None else thin
        color = self.crossing if style == "crossing" else self.wire
        width = {"crossing": 0.8, "output": 1.8}.get(style, 1.1)
        return (self.ink, width + 1.0) if marked else (color, width)


#: By how much the border of a node that stands out is wider.
MARK: Final = 2.2


#: Okabe and Ito's palette, which the colour-blind tell apart: lightened for paper and
#: darkened for a dark slide.  In black and white, strokes and one grey tell.
THEMES: Final = {
    "light": Theme(
        "#ffffff",
        "#111111",
        "#5b6770",
        "#555555",
        "#9a9a9a",
        {
            "source": Look("#f2f2f2", "#6b6b6b"),
            "gate": Look("#ffffff", "#333333"),
            "copy": Look("#e3f0fa", "#0072b2"),
            "adjoint": Look("#fdeedd", "#d55e00"),
            "tangent": Look("#fdeedd", "#d55e00"),
            "quotient": Look("#fdeedd", "#d55e00"),
            "product": Look("#fdf6e3", "#b8860b"),
            "shifted": Look("#fdf6e3", "#b8860b"),
            "partial": Look("#e2f3ee", "#009e73"),
        },
    ),
    "dark": Theme(
        "#1b1d22",
        "#f2f2f2",
        "#a3b1bd",
        "#b4b4b4",
        "#7d7d7d",
        {
            "source": Look("#2f3238", "#a8a8a8"),
            "gate": Look("#24262c", "#d0d0d0"),
            "copy": Look("#123a55", "#56b4e9"),
            "adjoint": Look("#54280a", "#ff9a4d"),
            "tangent": Look("#54280a", "#ff9a4d"),
            "quotient": Look("#54280a", "#ff9a4d"),
            "product": Look("#463a10", "#f0c541"),
            "shifted": Look("#463a10", "#f0c541"),
            "partial": Look("#0c4034", "#3fd0a4"),
        },
    ),
    "bw": Theme(
        "#ffffff",
        "#000000",
        "#444444",
        "#000000",
        "#000000",
        {
            "source": Look("#ffffff", "#000000", 0.8),
            "gate": Look("#ffffff", "#000000"),
            "copy": Look("#ffffff", "#000000"),
            "adjoint": Look("#ffffff", "#000000", 2.6),
            "tangent": Look("#ffffff", "#000000", 2.6),
            "quotient": Look("#ffffff", "#000000", 2.6),
            "product": Look("#dddddd", "#000000", 0.8),
            "shifted": Look("#dddddd", "#000000", 0.8),
            "partial": Look("#ffffff", "#000000", 1.4, dots=True),
        },
    ),
}


def theme(name: str) -> Theme:
    """Give a theme by its name."""
    if name not in THEMES:
        raise CircuitError(f"no theme {name!r}; there are: {', '.join(THEMES)}")
    return THEMES[name]
