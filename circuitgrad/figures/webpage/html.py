"""Writing the page: one file of HTML that loads nothing and runs no text of a circuit.

What a circuit says reaches the page as JSON in a block that no browser runs, and as
text; the page's own script and style are named by their hashes in its policy, so that
a browser refuses all others, and every connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from circuitgrad import exact
from circuitgrad.errors import CircuitError, LimitError
from circuitgrad.evaluation.evaluate import evaluate
from circuitgrad.figures.extract import fits
from circuitgrad.figures.labels import Names
from circuitgrad.figures.mirror import Mirror
from circuitgrad.figures.palette import ROLES, THEMES
from circuitgrad.figures.svg import visible
from circuitgrad.figures.webpage.lines import Lines
from circuitgrad.figures.webpage.view import ROOM, ForwardView, ReverseView, View
from circuitgrad.formats.files import write_whole
from circuitgrad.gradients import jacobian

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["page"]

#: The page's script, in order.
SCRIPTS: Final = ("gates.js", "figure.js", "page.js")
#: More gates than this are not shown in forward mode, but by one input.
MAX_FORWARD: Final = 250
#: What a page of arrays says in place of values.
SILENT: Final = (
    "a page computes with numbers that are typed in, and not with arrays: the pass "
    "scalarize makes inputs of their entries"
)
#: Longest name in a heading, and longest number in a field.
MAX_NAME, MAX_FIELD = 200, 20

#: Colours of what stands around a figure: lesser words, lines, panels, what is chosen,
#: what is wrong.
WORDS: Final = {
    "light": {
        "soft": "#5c5c5c",
        "line": "#d9d9d9",
        "panel": "#fafafa",
        "accent": "#0060a0",
        "wrong": "#b00020",
    },
    "dark": {
        "soft": "#a9adb5",
        "line": "#3a3d45",
        "panel": "#202329",
        "accent": "#7cc4ff",
        "wrong": "#ff8a80",
    },
}


def page(
    circuit: Circuit,
    path: str | None = None,
    *,
    of: str | None = None,
    at: Mapping[str, Any] | None = None,
    pipeline: str = "none",
) -> str:
    """Write a page of HTML on which to step through and to compute with a circuit.

    The circuit and its gradient stand side by side; the page needs no network.

    Parameters
    ----------
    circuit : Circuit
        At most 500 gates with its gradient.
    path : str, optional
        The file to write, whole or not at all.
    of : str, optional
        The output to differentiate, where there are several.
    at : mapping, optional
        Values of inputs by name, which the page starts with; not of arrays.
    pipeline : str
        The level or the passes that follow differentiation; by default none, as the
        notes draw it.

    Returns
    -------
    str
        The page, the same each time.

    Raises
    ------
    CircuitError
        If the circuit has several outputs and ``of`` is left out; if a name is unknown;
        if there are values for a circuit of arrays, whose page has none.
    LimitError
        If the circuit and its gradient have more than 500 gates.
    RenderError
        If Graphviz fails.
    WriteError
        If the file cannot be written.
    """
    for name in at or ():
        if name not in circuit.inputs:
            known = ", ".join(circuit.inputs) or "none"
            raise CircuitError(f"no input {name!r}; the inputs are {known}")
    shaped = circuit.columns.shaped
    if at and shaped:
        raise CircuitError(f"{SILENT}; draw(at=...) shows values")
    lines = Lines()
    mirror = Mirror(circuit, of=of, pipeline=pipeline, room=None if shaped else ROOM)
    views: list[View] = [ReverseView(mirror, lines)]
    forward, note = _forward(mirror.source, pipeline, lines)
    views += [] if forward is None else [forward]
    title = visible((circuit.name or "circuit")[:MAX_NAME])
    names = Names(circuit)
    data = {
        "inputs": [
            [visible(name[:MAX_NAME]), lines[names[name]], value]
            for name, value in _start(views[0].emitted, at or {}).items()
        ],
        "silent": f"{SILENT[0].upper()}{SILENT[1:]}." if shaped else "",
        "views": [view.data() for view in views],
        "note": note,
        "roles": ROLES,
        "lines": lines.table,
        "glyphs": lines.glyphs,
    }
    text = _filled(title, data)
    if path is not None:
        write_whole(path, text.encode())
    return text


def _forward(
    circuit: Circuit, pipeline: str, lines: Lines
) -> tuple[ForwardView | None, str]:
    """Give forward mode by all inputs, or by one where that is too much, and say so."""

    def emitted(wrt: list[str]) -> Circuit:
        return jacobian(circuit, wrt=wrt, mode="forward", value=True, pipeline=pipeline)

    if not circuit.inputs:
        return None, "Forward propagation differentiates by inputs; there are none."
    inputs = list(circuit.inputs)
    try:
        by_all = emitted(inputs)
    except LimitError as error:  # of large arrays, whose derivatives are larger
        return None, f"No forward propagation: {error}"
    size = by_all.size
    if size <= MAX_FORWARD and fits(by_all, len(inputs)):
        return ForwardView(circuit, by_all, inputs, lines), ""
    by_one = emitted(inputs[:1])
    if not fits(by_one, len(inputs)):
        return None, f"Forward propagation has {size} gates, too many for a figure."
    note = f"By {visible(inputs[0][:MAX_NAME])} alone; by all inputs, {size} gates."
    return ForwardView(circuit, by_one, inputs[:1], lines), note


def _start(emitted: Circuit, given: Mapping[str, Any]) -> dict[str, str]:
    """Give what stands in the fields: a point at which, if it can be, all is finite.

    A circuit of arrays has no fields.
    """
    if emitted.columns.shaped:
        return {}
    inputs = emitted.inputs
    fixed = {name: _exact(name, value) for name, value in given.items()}
    choices: list[Callable[[int], Fraction]] = [
        lambda k: Fraction(k + 1),
        lambda k: Fraction(1, k + 2),
        lambda k: Fraction(1),
    ]
    points = [
        {name: fixed.get(name, choice(k)) for k, name in enumerate(inputs)}
        for choice in choices
    ]

    def is_finite(point: Mapping[str, Fraction]) -> bool:
        values = evaluate(emitted, point, exact=False).values()
        return all(map(math.isfinite, values))

    chosen = next(filter(is_finite, points), points[0])
    return {name: _written(value) for name, value in chosen.items()}


def _exact(name: str, value: Any) -> Fraction:
    try:
        return exact.as_fraction(value)
    except (TypeError, ValueError) as error:
        raise CircuitError(f"the value of {name}: {error}") from None


def _written(value: Fraction) -> str:
    """Write a value as a field takes it: a small fraction as it is, others decimal."""
    text = exact.format_number(value)
    decimal = repr(exact.to_float(value))
    if value.denominator == 1 and len(text) <= MAX_FIELD:
        return text
    small = value.denominator <= 100 and len(text) <= MAX_FIELD
    return text if small else decimal


# ---------------------------------------------------------------------- the file


def _filled(title: str, data: Any) -> str:
    room = files(__package__)
    style = room.joinpath("page.css").read_text("utf-8") + _colors()
    parts = [room.joinpath(name).read_text("utf-8") for name in SCRIPTS]
    script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
    inserted = {
        "TITLE": escape(title),
        "POLICY": "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "STYLE": style,
        "DATA": _json(data),
        "SCRIPT": script,
    }
    template = room.joinpath("page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: inserted[match[1]], template)


def _json(data: Any) -> str:
    """Write JSON that ends no block of HTML, whatever names say."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # all in ASCII
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _colors() -> str:
    """Give the colours of figures, for light and dark, as rules of a style sheet."""

    def variables(name: str) -> str:
        theme = THEMES[name]
        found = {
            "background": theme.background,
            "ink": theme.ink,
            "wire": theme.wire,
            "crossing": theme.crossing,
            **WORDS[name],
        }
        for role in ROLES:
            look = theme.look(role)
            found[f"{role}-fill"], found[f"{role}-border"] = look.fill, look.border
        return "".join(f"--{key}:{color};" for key, color in found.items())

    dark = variables("dark")
    roles = "".join(
        f".{role}{{--fill:var(--{role}-fill);--border:var(--{role}-border)}}\n"
        for role in ROLES
    )
    return (
        f":root{{color-scheme:light;{variables('light')}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n{roles}"
    )
