"""The table of formats, and reading and writing by it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circuitgrad.errors import CircuitError
from circuitgrad.formats.files import as_text, is_stream, read_bytes, write_whole
from circuitgrad.formats.text import parse, write_bytes
from circuitgrad.progress import stage
from circuitgrad.replacing import together, write_errors

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["FORMATS", "Format", "format_of", "read", "render", "write"]


def _parse_json(text: str, path: str | None = None) -> Circuit:
    from circuitgrad.formats.json import parse_json

    return parse_json(text, path)


def _write_json(circuit: Circuit) -> str:
    from circuitgrad.formats.json import write_json

    return write_json(circuit)


def _write_dot(circuit: Circuit) -> str:
    from circuitgrad.formats.dot import write_dot

    return write_dot(circuit)


def _write_python(circuit: Circuit) -> str:
    from circuitgrad.formats.python import write_python

    return write_python(circuit)


def _write_c(circuit: Circuit) -> str:
    from circuitgrad.formats.c import write_c

    return write_c(circuit)


def _write_c_files(circuit: Circuit, path: str) -> dict[str, str]:
    from circuitgrad.formats.c import write_c_files

    return write_c_files(circuit, path)


def _write_latex(circuit: Circuit) -> str:
    from circuitgrad.formats.latex import write_latex

    return write_latex(circuit)


def _parse_cgz(data: bytes, path: str | None = None) -> Circuit:
    from circuitgrad.formats.cgz import parse_cgz

    return parse_cgz(data, path)


def _write_cgz(circuit: Circuit) -> bytes:
    from circuitgrad.formats.cgz import write_cgz

    return write_cgz(circuit)


@dataclass(frozen=True)
class Format:
    """A file format: its endings, and how it is read and written, where it is.

    ``parse`` takes the text, or the bytes of a ``binary`` format, which begin with
    ``magic``.  ``write_files`` gives the texts of several files by path, for a format
    that a file on its own is not all of.
    """

    name: str
    endings: tuple[str, ...]
    parse: Callable[..., Circuit] | None
    write: Callable[[Circuit], str | bytes]
    write_files: Callable[[Circuit, str], dict[str, str]] | None = None
    magic: bytes = b""

    @property
    def binary(self) -> bool:
        """Whether a file is bytes, and no text."""
        return bool(self.magic)


FORMATS: Final = {
    form.name: form
    for form in (
        Format("cg", (".cg",), parse, write_bytes),
        Format("cgz", (".cgz",), _parse_cgz, _write_cgz, magic=b"PK\x03\x04"),
        Format("json", (".json",), _parse_json, _write_json),
        Format("dot", (".dot", ".gv"), None, _write_dot),
        Format("py", (".py",), None, _write_python),
        Format("c", (".c",), None, _write_c, _write_c_files),
        Format("tex", (".tex",), None, _write_latex),
    )
}


def format_of(path: str, default: str | None = "cg") -> str | None:
    """Give the format that a file's ending says, or the default."""
    ending = os.path.splitext(path)[1].lower()
    for form in FORMATS.values():
        if ending in form.endings:
            return form.name
    return default


def read(path: str | os.PathLike[str], format: str | None = None) -> Circuit:
    """Read a circuit from a file, or from standard input for ``-``.

    Parameters
    ----------
    path : str or path
    format : {"cg", "cgz", "json"}, optional
        By default what the ending says; with no known ending what the file begins
        with: a brace is JSON, ``PK`` (a zip file) is cgz, all else circuit text.

    Raises
    ------
    FormatError
        If the file cannot be read, with file, line, column and a caret.
    LimitError
        If it passes a limit.
    """
    name = os.fspath(path)
    chosen = format or format_of(name, None)
    if chosen is not None and _format(chosen).parse is None:
        known = ", ".join(form.name for form in FORMATS.values() if form.parse)
        raise CircuitError(f"{chosen} is written, not read; {known} are read")
    with stage(f"reading {name}"):
        return _read(name, chosen)


def _read(name: str, chosen: str | None) -> Circuit:
    data = read_bytes(name)
    if chosen is None:
        binary = next((f for f in FORMATS.values() if f.binary), None)
        begins = data[:64].lstrip()
        if binary is not None and data.startswith(binary.magic):
            chosen = binary.name
        else:
            chosen = "json" if begins.startswith(b"{") else "cg"
    form = _format(chosen)
    assert form.parse is not None
    path_said = "<stdin>" if name == "-" else name
    return form.parse(data if form.binary else as_text(data, path_said), path_said)


def render(circuit: Circuit, format: str = "cg") -> bytes:
    """Give the bytes of a file in a format."""
    written = _format(format).write(circuit)
    return written.encode() if isinstance(written, str) else written


def write(
    circuit: Circuit, path: str | os.PathLike[str], format: str | None = None
) -> None:
    """Write a circuit to a file, whole or not at all; ``-`` is standard output.

    Parameters
    ----------
    circuit : Circuit
    path : str or path
    format : {"cg", "cgz", "json", "dot", "py", "c", "tex"}, optional
        By default what the ending says, and circuit text for an ending of no format.
        C is two files: the header stands beside the file, with the ending ``.h``.

    Raises
    ------
    CircuitError
        If the target language has no function that a gate needs.
    WriteError
        If the file cannot be written; a file that stood there before is as it was.
    """
    name = os.fspath(path)
    if format is None and name.lower().endswith((".svg", ".png", ".pdf")):
        raise CircuitError(f"{name}: a figure is drawn, not written: use draw")
    chosen = format or format_of(name) or "cg"
    form = _format(chosen)
    with stage(f"writing {name}"):
        _write(circuit, name, form)


def _write(circuit: Circuit, name: str, form: Format) -> None:
    with write_errors(name):
        on_its_own = is_stream(name)  # no room beside it
    if form.write_files is None or on_its_own:
        write_whole(name, render(circuit, form.name))
        return
    texts = form.write_files(circuit, name)
    with together():
        for path, text in texts.items():
            write_whole(path, text.encode())


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise CircuitError(f"no format {name!r}; there are: {', '.join(FORMATS)}")
    return FORMATS[name]
