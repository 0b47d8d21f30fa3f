"""The targets: what reads an input, and what must be true of what comes of it."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import circuitgrad as cg
from circuitgrad.check import read_certificate, replay
from circuitgrad.circuit import Circuit
from circuitgrad.cli import main
from circuitgrad.formats.cgz import parse_cgz
from circuitgrad.formats.formats import render
from circuitgrad.formats.json import parse_json
from circuitgrad.formats.points import evaluate_file
from circuitgrad.passes import parse_pipeline
from fuzzing import seeds
from fuzzing.mutations import (
    Mutation,
    Random,
    changed_bytes,
    changed_json,
    changed_text,
    changed_zip,
    drawn_expression,
    drawn_text,
)
from fuzzing.rules import Room, allowed, refused, require

__all__ = ["TARGETS", "Target"]

#: Larger circuits, and more partials, are not differentiated: a Jacobian is a product.
MAX_VERTICES: Final = 400
MAX_PARTIALS: Final = 100
#: Nor are derivatives of derivatives taken further than this.
MAX_DERIVATIVES: Final = 3
#: Statuses that the command line documents, less the one for a defect.
STATUSES: Final = frozenset({0, 1, 2, 3, 4, 5})


@dataclass(frozen=True)
class Target:
    """What is tried, in which room; seeds, and how inputs are changed and drawn."""

    name: str
    run: Callable[[bytes, Room], bool]
    seeds: Callable[[], list[bytes]]
    mutations: tuple[Mutation, ...]
    files: Callable[[], Mapping[str, bytes]] = field(default=dict)
    drawn: Callable[[Random], str] | None = None

    @functools.cached_property
    def known(self) -> list[bytes]:
        """The seeds, made once."""
        return self.seeds()

    def mutated(self, data: bytes, draw: Random) -> bytes:
        """Change an input, or a seed, by its grammar; now and then byte by byte."""
        chance = draw.random()
        if self.drawn and chance < 0.2:
            data = self.drawn(draw).encode()
            if chance < 0.1:
                return data
        elif chance < 0.5:
            data = draw.choice(self.known)
        if draw.random() < 0.05:
            return changed_bytes(data, draw)
        return draw.choice(self.mutations)(data, draw)


# ------------------------------------------------------------------ circuits


def holds(circuit: Circuit) -> None:
    """Hold a circuit that was read against every format, and differentiate it."""
    round_trips(circuit)
    for form in ("dot", "tex", "c", "py"):
        source = refused(lambda form=form: render(circuit, form))
        if form == "py" and source is not None:
            with allowed(), warnings.catch_warnings(action="ignore"):
                # only parsed: what is written is Python, whatever the names are
                tree = ast.parse(source)
            kinds = {type(statement).__name__ for statement in tree.body}
            known = {"Expr", "Import", "ImportFrom", "Assign", "FunctionDef"}
            require(kinds <= known, f"Python has {sorted(kinds - known)}")
    partials = len(circuit.inputs) * len(circuit.outputs)
    if len(circuit.columns) > MAX_VERTICES or partials > MAX_PARTIALS:
        return
    found = [
        refused(lambda mode=mode: cg.jacobian(circuit, mode=mode))
        for mode in ("reverse", "forward")
    ]
    for gradient in found:
        if gradient is not None:
            round_trips(gradient)
    names = [gradient and gradient.output_names for gradient in found]
    require(names[0] == names[1], f"the modes name {names}")


def round_trips(circuit: Circuit) -> None:
    """Write a circuit, and read it back equal, in each format that is read."""
    circuit.verify()
    text = render(circuit)
    again = cg.parse(text.decode())
    if unsaid(circuit):
        return
    require(again == circuit, "circuit text is another circuit")
    require(again.name == circuit.name, "circuit text has another name")
    require(render(again) == text, "circuit text has other bytes")
    for other in (
        parse_json(render(circuit, "json").decode()),
        parse_cgz(render(circuit, "cgz")),
    ):
        require(other == circuit and other.name == circuit.name, "another circuit")
        require(other.names.tolist() == circuit.names.tolist(), "other names")


def unsaid(circuit: Circuit) -> bool:
    """Tell whether a constant has no name and no use: text leaves it out."""
    columns = circuit.columns
    used = {*columns.operands.tolist(), *circuit.names.vertices.tolist()}
    used.update(vertex for _, vertex in circuit.outputs)
    return any(v not in used for v in range(columns.inputs, columns.sources))


def accepted(circuit: Circuit | None) -> bool:
    """Hold a circuit, if there is one."""
    if circuit is not None:
        holds(circuit)
    return circuit is not None


def text_file(data: bytes, room: Room) -> bool:
    """Read circuit text."""
    text = data.decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")
    return accepted(refused(lambda: cg.parse(text, "f.cg"), text))


def expression(data: bytes, room: Room) -> bool:
    """Read an inline formula."""
    text = data.decode("utf-8", "surrogateescape")
    return accepted(refused(lambda: cg.parse_expression(text), text))


def _file(name: str) -> Callable[[bytes, Room], bool]:
    """Read a file whose ending says its format."""

    def run(data: bytes, room: Room) -> bool:
        path = room.folder / name
        path.write_bytes(data)
        text = data.decode(errors="replace") if name.endswith(".json") else None
        circuit = refused(lambda: cg.read(path), text)
        require(path.read_bytes() == data, "the file was changed")
        path.unlink()
        return accepted(circuit)

    return run


def certificate(data: bytes, room: Room) -> bool:
    """Replay a certificate."""
    path = room.folder / "certificate.json"
    path.write_bytes(data)
    read = refused(lambda: read_certificate(str(path)))
    path.unlink()
    if read is None:
        return False
    circuit, gradient = seeds.certified()
    found = refused(lambda: replay(circuit, gradient, read))
    if found is None:  # it has a range for no input
        return False
    require(found[0] is not None or bool(found[1]), "neither a report nor a reason")
    return True


def pipeline(data: bytes, room: Room) -> bool:
    """Read a pipeline, and run it."""
    text = data.decode("utf-8", "surrogateescape")
    steps = refused(lambda: parse_pipeline(text))
    # derivatives of derivatives grow with each, as their author asks
    if steps is None or len(re.findall(r"bp|fp|_mode", text)) > MAX_DERIVATIVES:
        return False
    again = parse_pipeline(",".join(map(str, steps)))
    require(list(map(str, again)) == list(map(str, steps)), "another pipeline")
    made = refused(lambda: cg.run(seeds.small(), steps))
    if made is not None and len(made.columns) < MAX_VERTICES:
        round_trips(made)
    return made is not None


# ------------------------------------------------------------------ files of points

_KEPT: Final = b"what stood there before\n"


def points(data: bytes, room: Room) -> bool:
    """Evaluate at the points of a file, .npy where it begins like one."""
    ending = ".npy" if data.startswith(b"\x93NUMPY") else ".csv"
    source, target = room.folder / f"points{ending}", room.folder / "out.csv"
    source.write_bytes(data)
    target.write_bytes(_KEPT)
    text = data.decode(errors="replace").removeprefix("\ufeff")
    done = refused(
        lambda: (evaluate_file(seeds.compiled(), str(source), str(target)), True),
        text if ending == ".csv" else None,
    )
    written = target.read_bytes()
    if done is None:
        require(written == _KEPT, "an error left another file")
    else:
        require(written.startswith(b"f,h\n"), "no header")
        require(written.endswith(b"\n"), "the last line is cut off")
    source.unlink()
    target.unlink()
    return done is not None


# ------------------------------------------------------------------ the command

#: Options whose value is a file that is written.
_WRITTEN: Final = ("-o", "--output", "--certificate", "--log-rewrites")


def command(data: bytes, room: Room) -> bool:
    """Run the command line in process: words end with NUL, 0xFF begins its input."""
    head, _, stdin = data.partition(b"\xff")
    words = [os.fsdecode(word) for word in head.split(b"\0")]
    if any(re.search(r"(^|[=,:;]|^-\w+)\s*/|\.\.|^-\w*/", word) for word in words):
        return False  # files elsewhere are nobody's business
    if len(re.findall(r"bp|fp|_mode", " ".join(words))) > MAX_DERIVATIVES:
        return False
    status, said = _run(words, stdin, room)
    require(status in STATUSES, f"status {status}: {said[-500:]}")
    require("Traceback" not in said, said[-2_000:])
    # each word may be long, so that what is said of it may
    most = 20_000 + 20 * len(data)
    require(len(said) < most, f"{len(said):,} characters on standard error")
    changed = room.changed()
    if status in (2, 3, 4):
        require(not changed, f"status {status}, but {sorted(changed)} changed")
    named = " ".join(words)
    for name in changed:
        header = name.endswith(".h") and name[:-2] in named  # C is two files
        require(name in named or header, f"{name!r} was written, and nobody named it")
    return status in (0, 1, 5)


def _run(words: list[str], stdin: bytes, room: Room) -> tuple[object, str]:
    streams = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    before = os.getcwd()
    os.chdir(room.folder)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    sys.stdout = io.TextIOWrapper(out, "utf-8")
    sys.stderr = io.TextIOWrapper(err, "utf-8", "backslashreplace")
    status: object = None
    try:
        main(words)
    except SystemExit as stopped:
        status = stopped.code
    finally:
        os.chdir(before)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(UnicodeError, ValueError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
    return status, err.getvalue().decode()


def changed_words(data: bytes, draw: Random) -> bytes:
    """Change the words of a command: one by its grammar, or their order."""
    head, mark, stdin = data.partition(b"\xff")
    words = head.split(b"\0")
    kind, at = draw.randrange(6), draw.randrange(len(words))
    if kind == 0 and mark:
        return head + mark + changed_text(stdin, draw)
    if kind == 1:
        words.insert(at + 1, draw.choice(seeds.WORDS))
    elif kind == 2:
        words[at] = draw.choice(seeds.WORDS)
    elif kind == 3 and len(words) > 1:
        del words[at]
    elif kind == 4:
        other = draw.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    else:
        made = changed_text(words[at], draw)
        words[at] = made.replace(b"\0", b"").replace(b"\xff", b"")
    return b"\0".join(words) + mark + stdin


TARGETS: Final = {
    target.name: target
    for target in (
        Target("text", text_file, seeds.texts, (changed_text,), drawn=drawn_text),
        Target(
            "expression",
            expression,
            seeds.formulas,
            (changed_text,),
            drawn=lambda draw: drawn_expression(draw, ["x", "y", "exp"]),
        ),
        Target(
            "json",
            _file("f.json"),
            seeds.jsons,
            (changed_json, changed_json, changed_text),
        ),
        Target("cgz", _file("f.cgz"), seeds.archives, (changed_zip,)),
        Target("points", points, seeds.tables, (changed_text, changed_bytes)),
        Target("certificate", certificate, seeds.certificates, (changed_json,)),
        Target("pipeline", pipeline, seeds.pipelines, (changed_text,)),
        Target("command", command, seeds.commands, (changed_words,), seeds.files),
    )
}
