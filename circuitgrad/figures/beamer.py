"""Steps of an algorithm as a Beamer frame: the picture is one, and overlays reveal it.

Nothing moves from slide to slide: the picture is as large as the whole of it, and words
and formulas stand in boxes of fixed sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from circuitgrad.figures.drawing import scene_of
from circuitgrad.figures.extract import check_size, one_output
from circuitgrad.figures.formulas import Formulas
from circuitgrad.figures.labels import Names
from circuitgrad.figures.palette import MARK, Theme
from circuitgrad.figures.steps import Rule, Step, Steps, steps_of
from circuitgrad.figures.tikz import document, heading, number, picture, preamble
from circuitgrad.gradients import jacobian

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["revealing", "write_beamer"]

#: What a slide of 16:9 has room for, in points, and what stands on it: a title of one
#: line, and the chain rule below the picture or, with the title, beside it.
WIDTH, HEIGHT = 419.0, 236.0
TITLE, RULE, BESIDE, ABOVE = 22.0, 50.0, 140.0, 50
#: The largest scale: letters of a slide are 11 points high, those of a gate 14.
LARGEST: Final = 0.9
#: Terms of the chain rule that are shown, and rules.
TERMS, RULES = 5, 3

#: The next line of an alignment.
_NEXT: Final = r" \\[4bp] "

_ABOUT: Final = """\
One frame of a Beamer talk, a slide for each step: pdflatex makes it, or move what
stands before \\begin{document}, but for the class, into the preamble of a talk, and the
frame into it. Nodes have names, (n3), to draw to.
"""
_FIT: Final = r"""
% A formula that is set smaller where it is wider than a line, or higher than this.
\newcommand\cgfit[2]{\sbox\cgbox{$\displaystyle #2$}%
  \ifdim\wd\cgbox>\linewidth
    \sbox\cgbox{\resizebox{\linewidth}{!}{\usebox\cgbox}}\fi
  \ifdim\dimexpr\ht\cgbox+\dp\cgbox>#1
    \sbox\cgbox{\resizebox{!}{#1}{\usebox\cgbox}}\fi
  \usebox\cgbox}
"""


def revealing(
    circuit: Circuit,
    *,
    at: Mapping[str, Any] | None = None,
    mirror: bool = False,
    of: str | None = None,
    pipeline: str = "none",
    gradient: str | None = None,
    wrt: Sequence[str] | str | None = None,
) -> Steps:
    """Take what `draw` draws apart into steps; options and errors as there.

    With ``mirror``, as backpropagation visits the vertices, and with the gradient of
    forward mode, as forward propagation visits the gates.  Otherwise the sources are
    there from the start, and a step is a gate, in the order of evaluation, with the
    wires into it and the outputs that it is; its rule is what the gate computes.
    """
    if mirror:
        return steps_of(circuit, of=of, at=at, pipeline=pipeline)
    if gradient in ("forward", "fp"):
        return steps_of(
            circuit, mode=gradient, of=of, wrt=wrt, at=at, pipeline=pipeline
        )
    if gradient is not None:
        circuit = jacobian(circuit, of=of, wrt=wrt, mode=gradient, pipeline=pipeline)
    else:
        circuit = one_output(circuit, of)
    check_size(circuit)
    scene = scene_of(circuit, at=at)
    names, labels = Names(circuit), circuit.labels
    formulas = Formulas(circuit, names)
    new: dict[str, list[str]] = {key: [key] for key in scene.nodes if key[0] == "n"}
    for wire in scene.wires.values():
        if wire.style == "output":
            new[wire.tail] += [wire.head, wire.key]
        else:
            new[wire.head].append(wire.key)
    start, steps = [], []
    for key, keys in new.items():
        vertex = int(key[1:])
        if vertex < circuit.columns.sources:
            start += keys
            continue
        name = names[labels[vertex]]
        rule = Rule(name, (formulas.gate(vertex),))
        steps.append(Step(vertex, name, (rule,), tuple(keys)))
    return Steps(scene, tuple(start), tuple(steps))


def write_beamer(steps: Steps, theme: Theme) -> str:
    """Write steps as a LaTeX document of one frame, with a slide for each, and a first.

    What a step adds has a wider border on its slide.  The rule stands below or beside
    the picture, whichever leaves the picture larger.

    Parameters
    ----------
    steps : Steps
    theme : Theme

    Returns
    -------
    str
        What pdflatex needs Beamer, TikZ and amsmath for; as for `write_tikz`.
    """
    scene = steps.scene
    return document(
        [
            *heading(scene, _ABOUT),
            r"\documentclass[aspectratio=169]{beamer}",
            *preamble(scene, theme),
            *_beamer(),
        ],
        _frame(steps),
    )


def _beamer() -> Iterator[str]:
    yield _FIT.rstrip()
    yield ""
    yield "% What is new on a slide stands out there."
    yield r"\tikzset{"
    for style, more in (("fresh", MARK), ("fresh wire", 1.0)):
        color = "" if style == "fresh" else "draw=cgink, "
        yield (
            f"  {style}/.code={{\\only<#1>{{\\pgfkeysalso{{{color}"
            f"line width=\\cgstroke+{number(more)}bp}}}}}},"
        )
    yield "}"
    yield r"\usefonttheme{professionalfonts}"
    yield r"\setbeamertemplate{navigation symbols}{}"
    yield r"\setbeamersize{text margin left=6mm, text margin right=6mm}"
    yield r"\setbeamercolor{background canvas}{bg=cgbackground}"
    yield r"\setbeamercolor{normal text}{fg=cgink}"


def _frame(steps: Steps) -> Iterator[str]:
    left, bottom, right, top = steps.scene.box
    width, height = max(right - left, 1.0), max(top - bottom, 1.0)
    below = min(LARGEST, WIDTH / width, (HEIGHT - TITLE - RULE) / height)
    beside = min(LARGEST, (WIDTH - BESIDE) / width, HEIGHT / height)
    slides = {key: n for n, s in enumerate(steps.steps, 2) for key in s.keys}
    drawn = [
        rf"\scalebox{{{max(below, beside) - 0.0005:.4f}}}{{%",
        *picture(steps.scene, slide=lambda key: slides.get(key, 1)),
        r"\unskip}",  # a space would make it wider
    ]
    bare = {steps.scene.nodes[key].role for key in steps.start if key[0] == "n"}
    titles = [rf"\only<1>{{The {'inputs' if bare <= {'source'} else 'circuit'}}}"]
    titles += _shown((step.title.tex for step in steps.steps), TITLE)
    yield r"\begin{frame}[plain]"
    yield r"\centering"
    if beside > below:
        room = HEIGHT - ABOVE - TITLE - 8
        rules = _shown(map(_aligned, steps.steps), room)
        words = [*_box(TITLE, BESIDE - 10, titles), r"\par\medskip"]
        words += _box(room, BESIDE - 10, rules, "t")
        yield from _box(HEIGHT, BESIDE - 10, [rf"\vspace*{{{ABOVE}bp}}", *words], "t")
        yield r"\hfill"
        yield from _box(HEIGHT, WIDTH - BESIDE, drawn)
    else:
        rules = _shown(map(_in_line, steps.steps), RULE)
        yield from (*_box(TITLE, WIDTH, titles), r"\par")
        yield from (*_box(HEIGHT - TITLE - RULE, WIDTH, drawn), r"\par")
        yield from _box(RULE, WIDTH, rules)
    yield r"\end{frame}"


def _shown(formulas: Iterable[str], height: float) -> list[str]:
    """Show a formula on each slide but the first."""
    return [
        rf"\only<{slide}>{{\cgfit{{{number(height)}bp}}{{{formula}}}}}"
        for slide, formula in enumerate(formulas, 2)
    ]


def _box(
    height: float, width: float, lines: list[str], inner: str = "c"
) -> Iterator[str]:
    """Write lines in the middle, or at the top, of a box of a size."""
    size = f"[{number(height)}bp][{inner}]{{{number(width)}bp}}"
    yield rf"\parbox[c]{size}{{\centering"
    yield from lines
    yield "}%"


def _in_line(step: Step) -> str:
    """Write the first rules of a step, one behind the other."""
    more = [r"\ldots"] if len(step.rules) > RULES else []
    rules = [rule.label(TERMS).tex for rule in step.rules[:RULES]]
    return r",\quad ".join([*rules, *more])


def _aligned(step: Step) -> str:
    """Write the first rules of a step with a line for each term."""
    rows = []
    for rule in step.rules[:RULES]:
        terms = [each.tex for each in rule.terms]
        if len(terms) > TERMS:
            terms = [*terms[: TERMS - 1], r"\cdots", terms[-1]]
        first, *others = terms
        rows.append(f"{rule.derivative.tex} &= {first}")
        rows += [f"&+ {term}" for term in others]
    more = [r"&\ldots"] if len(step.rules) > RULES else []
    return rf"\begin{{aligned}} {_NEXT.join([*rows, *more])} \end{{aligned}}"
