"""Steps as figures: one each, a document of all, or one that moves."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.errors import CircuitError, WriteError
from circuitgrad.figures.drawing import Figure
from circuitgrad.figures.labels import terminal_label
from circuitgrad.figures.palette import theme as theme_of
from circuitgrad.figures.pdf import write_pdf
from circuitgrad.figures.png import write_png
from circuitgrad.figures.scene import Label, Node, Place, Scene
from circuitgrad.figures.steps import Rule, Step, Steps, steps_of
from circuitgrad.figures.svg import write_svg
from circuitgrad.figures.typeset import extent
from circuitgrad.formats.files import write_whole
from circuitgrad.replacing import together, write_errors

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Frames", "steps"]

#: More terms of a chain rule than this, and more rules, are not all written below.
MOST_TERMS, MOST_RULES = 6, 3
#: Nor are longer ones than this, in LaTeX.
LONGEST: Final = 400
#: Between the figure and the words below it, and between those, in points.
GAP, LEADING = 16.0, 8.0
#: Seconds that a step is shown, and that the whole is in the end.
SHOWN, STAYS = 2.5, 5.0


class Frames:
    """The steps of an algorithm as scenes of one size.

    Nothing stands elsewhere in another frame.  What is new in a frame stands out, and
    the chain rule that made it is written below.
    """

    def __init__(self, steps: Steps, theme: str = "light") -> None:
        self.steps, self.theme = steps, theme_of(theme)
        self.captions = [
            [Label("the circuit", r"\text{the circuit}")],
            *(
                _caption(step, n, len(steps.steps))
                for n, step in enumerate(steps.steps, 1)
            ),
        ]

    def __len__(self) -> int:
        return len(self.captions)

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """What every frame shows."""
        left, bottom, right, top = self.steps.scene.box
        sizes = [[extent([line]) for line in caption] for caption in self.captions]
        width = max(w for lines in sizes for w, _ in lines)
        height = max(sum(h + LEADING for _, h in lines) for lines in sizes)
        spare = max(0.0, width - (right - left)) / 2
        return left - spare, bottom - GAP - height, right + spare, top

    def __iter__(self) -> Iterator[Scene]:
        """Give the frames, the circuit alone first."""
        there = dict.fromkeys(self.steps.start)
        yield self._frame(0, there, ())
        for number, step in enumerate(self.steps.steps, 1):
            there |= dict.fromkeys(step.keys)
            yield self._frame(number, there, step.keys)

    def _frame(
        self, number: int, there: dict[str, None], new: tuple[str, ...]
    ) -> Scene:
        scene, fresh = self.steps.scene.only(there), set(new)
        nodes = {k: replace(n, marked=k in fresh) for k, n in scene.nodes.items()}
        wires = {k: replace(w, marked=k in fresh) for k, w in scene.wires.items()}
        nodes |= {node.key: node for node in self._words(number)}
        title = ": ".join(label.text for label in self.captions[number])
        return Scene(nodes, wires, title)

    def _words(self, number: int) -> Iterator[Node]:
        """Give the lines below a frame, in the middle."""
        left, _, right, _ = self.box
        y = self.steps.scene.box[1] - GAP
        for line, label in enumerate(self.captions[number]):
            width, height = extent([label])
            at = Place((left + right) / 2, y - height / 2, width, height)
            yield Node(f"t{number}_{line}", (label,), "output", "plain", at)
            y -= height + LEADING

    def moving(self) -> str:
        """Write one SVG that shows the steps one after the other, again and again.

        By style sheets alone: where movement is not wanted, the whole is shown.
        """
        count, scene = len(self), self.steps.scene
        frame = dict.fromkeys(self.steps.start, 0)
        for number, step in enumerate(self.steps.steps, 1):
            frame |= dict.fromkeys(step.keys, number)
        nodes = dict(scene.nodes)
        for number in range(count):
            for node in self._words(number):
                nodes[node.key], frame[node.key] = node, number
        # names of styles are those of the page that a figure is put into
        words = "\n".join([scene.title, self.text(), *scene.nodes])
        own = f"m{hashlib.sha256(words.encode()).hexdigest()[:8]}"

        def classes(key: str) -> str:
            return f"{own} {own}{'c' if key[0] == 't' else 's'}{frame[key]}"

        return write_svg(
            Scene(nodes, scene.wires, f"{scene.title}, step by step"),
            self.theme,
            box=self.box,
            prefix=f"{own}_",
            classes=lambda key: (
                f"{own} {own}{'c' if key[0] == 't' else 's'}{frame[key]}"
            ),
            styles="\n".join(_styles(own, count)),
        )

    def drawings(self) -> list[str]:
        """Write each frame as SVG."""
        return [write_svg(frame, self.theme, box=self.box) for frame in self]

    @property
    def figures(self) -> list[Figure]:
        """The frames as figures, which a notebook shows."""
        return [Figure(svg.encode(), "svg") for svg in self.drawings()]

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> dict[str, str]:
        return {"image/svg+xml": self.moving(), "text/plain": self.text()}

    def pdf(self) -> bytes:
        """Write one document with a page for each frame."""
        return write_pdf(list(self), self.theme, box=self.box)

    def images(self) -> list[bytes]:
        """Raster the frames as PNG."""
        return [write_png(svg) for svg in self.drawings()]

    def gif(self) -> bytes:
        """Raster the frames as one GIF that moves, for slides that play no SVG."""
        from PIL import Image

        pictures = [Image.open(io.BytesIO(each)) for each in self.images()]
        colors = [each.convert("RGB").quantize(64) for each in pictures]
        times = [1000 * SHOWN] * (len(colors) - 1) + [1000 * (SHOWN + STAYS)]
        file = io.BytesIO()
        colors[0].save(
            file, "GIF", save_all=True, append_images=colors[1:],
            duration=[int(time) for time in times], loop=0,
        )  # fmt: skip
        return file.getvalue()

    def text(self) -> str:
        """Write what the chain rule says at each visit, as a terminal shows it."""
        rows = [
            (str(number), terminal_label(step.name.text), _in_terminal(rule))
            for number, step in enumerate(self.steps.steps, 1)
            for rule in step.rules
        ]
        wide = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
        lines = []
        for last, (number, name, rule) in zip([None, *rows], rows, strict=False):
            if last and last[0] == number:
                number = name = ""
            lines.append(f"{number:>{wide[0]}}  {name:<{wide[1]}}  {rule}\n")
        return "".join(lines)

    def latex(self) -> str:
        """Write the same in LaTeX, to be taken into a document that has amsmath."""
        equations = [
            f"{rule.derivative.tex} &= " + " + ".join(each.tex for each in rule.terms)
            for step in self.steps.steps
            for rule in step.rules
        ]
        if not equations:
            return ""
        lines = " \\\\\n".join(equations)
        return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}\n"


def _caption(step: Step, number: int, count: int) -> list[Label]:
    """Give what is written below a step: which it is, and what the chain rule says."""
    name = step.title
    words = f"Step {number} of {count}: "
    title = Label(words + name.text, rf"\text{{{words}}}{name.tex}", plain=name.plain)
    rules = [_short(rule) for rule in step.rules[:MOST_RULES]]
    if len(step.rules) > MOST_RULES:
        rules.append(Label("⋯", r"\cdots"))
    return [title, *rules]


def _in_terminal(rule: Rule) -> str:
    """Write an equation so that no name turns what is beside it."""
    terms = [terminal_label(each.text) for each in rule.terms]
    return f"{terminal_label(rule.derivative.text)} = {' + '.join(terms)}"


def _short(rule: Rule) -> Label:
    """Give an equation with as many of its terms as can be read, and set in time."""
    for terms in (MOST_TERMS, 2):
        label = rule.label(terms)
        if len(label.tex) <= LONGEST:
            return label
    return Rule(rule.derivative, (Label("⋯", r"\cdots"),)).label()


def _styles(own: str, count: int) -> Iterator[str]:
    """Say when what is new in a step is there, and when its words are."""
    whole = SHOWN * count + STAYS
    visible, hidden = "{ visibility: visible }", "{ visibility: hidden }"
    for number in range(count):
        start = f"{100 * SHOWN * number / whole:.3f}%"
        before = f"0% {hidden} " if number else ""
        after = ""
        if number < count - 1:
            after = f" {100 * SHOWN * (number + 1) / whole:.3f}% {hidden}"
        for kind, frames in (
            ("s", f"{before}{start}, 100% {visible}"),
            ("c", f"{before}{start} {visible}{after}"),
        ):
            name = f"{own}{kind}{number}"
            yield f"@keyframes {name} {{ {frames} }}"
            yield f".{name} {{ animation: {name} {whole}s step-end infinite }}"
    still = f".{own} {{ animation: none !important }}"
    early = ", ".join(f".{own}c{number}" for number in range(count - 1))
    if early:
        still += f" {early} {{ display: none }}"
    yield f"@media (prefers-reduced-motion: reduce) {{ {still} }}"


def steps(
    circuit: Circuit,
    path: str | None = None,
    *,
    mode: str = "reverse",
    of: str | None = None,
    wrt: Sequence[str] | str | None = None,
    at: Mapping[str, Any] | None = None,
    pipeline: str = "none",
    theme: str = "light",
) -> Frames:
    """Show backpropagation or forward propagation visit by visit.

    Parameters
    ----------
    circuit : Circuit
        At most 500 gates, its gradient too.
    path : str, optional
        A folder to write ``step_00.svg``, the circuit, ``step_01.svg`` and so on into,
        and ``rules.txt`` and ``rules.tex``, what the chain rule says at each; or a
        file: ``.pdf`` has a page for each, ``.svg`` and ``.gif`` move, ``.txt`` and
        ``.tex`` are the chain rule alone.
    mode : {"reverse", "bp", "forward", "fp"}
        Backpropagation visits the vertices from the output down, and stands opposite of
        the circuit; forward propagation visits gates from the inputs up.
    of : str, optional
        The output, where there are several.
    wrt : str or sequence of str, optional
        In forward mode, the inputs to differentiate by; all where left out.
    at : mapping, optional
        Values of the inputs by name: every gate shows its value there.
    pipeline : str
        The level or the passes that follow; by default none, as the notes draw it.
    theme : {"light", "dark", "bw"}

    Returns
    -------
    Frames

    Raises
    ------
    CircuitError
        If the circuit has several outputs and ``of`` is left out; if a name, the mode,
        the theme or the ending is unknown; if ``wrt`` is given in reverse mode.
    EvaluationError
        If a gate has no value at the point.
    LimitError
        If there are more than 500 gates.
    RenderError
        If Graphviz fails.
    """
    theme_of(theme)
    found = steps_of(circuit, mode=mode, of=of, wrt=wrt, at=at, pipeline=pipeline)
    frames = Frames(found, theme)
    if path is None:
        return frames
    ending = os.path.splitext(path)[1].lower()
    if ending in _WRITERS and not os.path.isdir(path):
        data = _WRITERS[ending](frames)
        write_whole(path, data if isinstance(data, bytes) else data.encode())
    elif ending[1:].isalpha() and not os.path.isdir(path):
        known = ", ".join(_WRITERS)
        raise CircuitError(f"no steps as {ending}; there are: {known}, or a folder")
    else:
        _write_folder(frames, path)
    return frames


_WRITERS: Final[dict[str, Callable[[Frames], str | bytes]]] = {
    ".svg": Frames.moving,
    ".pdf": Frames.pdf,
    ".gif": Frames.gif,
    ".txt": Frames.text,
    ".tex": Frames.latex,
}


def _write_folder(frames: Frames, path: str) -> None:
    """Write an SVG figure for each step, and the rules, together or not at all."""
    digits = max(2, len(str(len(frames) - 1)))
    files = {
        f"step_{number:0{digits}}.svg": svg
        for number, svg in enumerate(frames.drawings())
    }
    files |= {"rules.txt": frames.text(), "rules.tex": frames.latex()}
    with write_errors(path):
        os.makedirs(path, exist_ok=True)
        there = sorted(os.listdir(path))
    for name in there:
        if re.fullmatch(r"step_[0-9]+\.svg", name) and name not in files:
            raise WriteError(
                f"{path}: error: {name} there is of another run, and would stand among "
                "these steps: remove it, or name another folder"
            )
    with together():
        for name, text in files.items():
            write_whole(os.path.join(path, name), text.encode())
