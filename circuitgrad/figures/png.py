"""A figure as PNG: its SVG, rastered by resvg."""

from __future__ import annotations

from typing import Final

from circuitgrad.errors import RenderError

__all__ = ["write_png"]

#: Pixels for a point: 192 to the inch, as slides on a large screen want.
ZOOM: Final = 2


def write_png(svg: str) -> bytes:
    """Raster an SVG figure.

    Raises
    ------
    RenderError
        If resvg cannot.
    """
    import resvg_py

    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=ZOOM, dpi=72))
    except ValueError as error:
        raise RenderError(f"resvg failed: {error}") from None
