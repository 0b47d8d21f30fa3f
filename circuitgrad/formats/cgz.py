"""``.cgz``: a circuit's columns as NumPy arrays in a zip, for circuits nobody reads.

A zip archive without compression.  ``circuit.json`` says the format, its version and
the circuit's name; every other entry is one array in NumPy's own format (``.npy``,
without pickles):

    op, fan_in, params, shapes    one item a vertex, as in `circuitgrad.columns`
    operands, weights             one item a wire
    numbers                       the numbers, as text, a line each; ``weights`` and
                                  ``params`` are places in this list (-1 is none);
                                  behind them the options of matrix gates,
                                  ``[(0, 1), 0]``, values in the record's order
    lengths                       the shapes, as text, a line each, ``32 784``; the
                                  first is empty, a scalar's; ``shapes`` are places
                                  in this list
    gates                         names of the gate types, a line each; ``op`` is a
                                  place here plus 2, 0 an input, 1 a constant
    named, names                  vertices that have a name; the names, a line each
    output_vertices, output_names

Text is UTF-8 in an array of bytes.  The zip holds a checksum of each entry, which is
compared on reading.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Columns, Ints, infer_shape, starts_of
from circuitgrad.errors import CircuitgradError, FormatError, LimitError, ShapeError
from circuitgrad.gates import CONSTANT, INPUT, POWER, code_of, gate_type
from circuitgrad.gates.options import (
    OptionError,
    format_values,
    parse_values,
    verify_options,
)
from circuitgrad.limits import check_counts, exceeded, limit
from circuitgrad.names import Names, check_length
from circuitgrad.shapes import SCALAR, Shape, format_shape, place_of, shape_at

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_cgz", "write_cgz"]

FORMAT: Final = "circuitgrad/cgz"
VERSION: Final = 2

_ARRAYS: Final = {
    "op": np.uint8,
    "fan_in": np.int32,
    "params": np.int32,
    "shapes": np.int32,
    "operands": np.int32,
    "weights": np.int32,
    "named": np.int32,
    "output_vertices": np.int32,
}
#: The header of an array: what NumPy writes, and no other form of it.
_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([^']+)', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,18}),\), \} *\n",
    re.DOTALL,
)
_TEXTS: Final = ("numbers", "lengths", "gates", "names", "output_names")
#: A shape: lengths of 18 digits at most, so that each is a machine word.
_LENGTHS: Final = re.compile(r"(?:[1-9][0-9]{0,17}(?: [1-9][0-9]{0,17}){0,31})?")


def write_cgz(circuit: Circuit) -> bytes:
    """Write a circuit as columns; the same circuit gives the same bytes.

    Complexity: linear in wires.
    """
    columns = circuit.columns
    used = np.zeros(int(max(columns.weights.max(initial=0), columns.params.max())) + 1)
    used[columns.weights] = True
    used[columns.params[columns.params >= 0]] = True
    text_of = {place: _text(place) for place in np.flatnonzero(used).tolist()}
    places = sorted(text_of, key=lambda place: _order(place, text_of[place]))
    in_file = np.zeros(len(used) + 1, dtype=np.int32)
    in_file[places] = np.arange(len(places))
    in_file[-1] = -1  # what a parameter of -1 finds
    shapes = sorted({(), *map(shape_at, np.unique(columns.shapes).tolist())})
    shape_in_file = np.zeros(int(columns.shapes.max()) + 1, dtype=np.int32)
    shape_in_file[[*map(place_of, shapes)]] = np.arange(len(shapes))
    codes = [code for code in np.unique(columns.op).tolist() if code > CONSTANT]
    code_in_file = np.zeros(256, dtype=np.uint8)
    code_in_file[CONSTANT] = CONSTANT
    code_in_file[codes] = np.arange(len(codes)) + CONSTANT + 1
    arrays = {
        "op": code_in_file[columns.op],
        "fan_in": columns.fan_in,
        "params": in_file[columns.params],
        "shapes": shape_in_file[columns.shapes],
        "operands": columns.operands,
        "weights": in_file[columns.weights],
        "named": circuit.names.vertices,
        "output_vertices": circuit.output_vertices,
    }
    texts = {
        "numbers": [text_of[place] for place in places],
        "lengths": [" ".join(map(str, shape)) for shape in shapes],
        "gates": [gate_type(code).name for code in codes],
        "names": circuit.names.texts.tolist(),
        "output_names": circuit.output_names,
    }
    head = {"format": FORMAT, "version": VERSION, "name": circuit.name}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry("circuit.json"), json.dumps(head, ensure_ascii=False))
        for name, array in arrays.items():
            _write_array(archive, name, array.astype(_ARRAYS[name], copy=False))
        for name, lines in texts.items():
            data = "\n".join(lines).encode()
            _write_array(archive, name, np.frombuffer(data, dtype=np.uint8))
    return buffer.getvalue()


def _text(place: int) -> str:
    value: Any = exact.number(place)
    if isinstance(value, tuple):
        return format_values(value)
    return exact.format_number(value)


def _order(place: int, text: str) -> tuple[Any, ...]:
    """Order numbers by value, and behind them options by their text."""
    if text.startswith("["):
        return True, text
    return False, exact.sort_key(place)


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name)  # of 1980, whenever it is written


def _write_array(archive: zipfile.ZipFile, name: str, array: Ints) -> None:
    with archive.open(_entry(f"{name}.npy"), "w", force_zip64=True) as file:
        order = array.astype(array.dtype.newbyteorder("<"), copy=False)
        np.lib.format.write_array(file, order, version=(1, 0), allow_pickle=False)


def parse_cgz(data: bytes, path: str | None = None) -> Circuit:
    """Read a circuit from columns, and verify it.

    Parameters
    ----------
    data : bytes
        The contents of the file.
    path : str, optional
        What errors call the file.

    Raises
    ------
    FormatError
        If it is no such file, is damaged, or holds no circuit.
    LimitError
        If it passes a limit: gates, outputs, digits, the length of a name.
    """

    def fail(message: str) -> FormatError:
        return FormatError(message, path=path)

    if not data:
        raise fail("the file is empty")
    most = len(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(set(archive.namelist())) < len(archive.namelist()):
                raise fail("a part stands in it twice")
            name = _head(archive, most, fail)
            arrays = {
                key: _read_array(archive, key, dtype, most, fail)
                for key, dtype in _ARRAYS.items()
            }
            texts = {
                key: bytes(_read_array(archive, key, np.uint8, most, fail)).decode()
                for key in _TEXTS
            }
    except CircuitgradError:
        raise
    except (
        *(zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError),
        *(OverflowError, RecursionError),
    ) as error:
        # a truncated file, an entry whose checksum differs, text that is not UTF-8
        raise fail(f"a damaged .cgz file ({error or 'it ends too early'})") from None
    except (KeyError, RuntimeError) as error:
        raise fail(f"a .cgz file without a part of it: {error.args[0]}") from None
    try:
        return _circuit(name, arrays, texts, fail).verify()
    except LimitError as error:
        raise error.at(path) from None
    except FormatError:
        raise
    except CircuitgradError as error:
        raise fail(f"the columns are no circuit: {error}") from None


def _part(
    archive: zipfile.ZipFile, name: str, most: int, fail: Callable[[str], FormatError]
) -> bytes:
    """Read a part, which is as long as it says: nothing is unpacked."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise fail(f"{name}: the parts of a .cgz file are not compressed")
    if info.file_size > most:
        raise fail(f"{name}: a part longer than the file")
    return archive.read(info)


def _head(
    archive: zipfile.ZipFile, most: int, fail: Callable[[str], FormatError]
) -> str | None:
    head = json.loads(_part(archive, "circuit.json", most, fail))
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise fail(f"a zip file, but not of the format {FORMAT!r}")
    version = head.get("version")
    if type(version) is not int or version != VERSION:
        raise fail(f"version {version!r} of {FORMAT}; this program reads {VERSION}")
    name = head.get("name")
    if name is not None and not isinstance(name, str):
        raise fail(f"the circuit's name {name!r} is no text")
    return name


def _read_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: Any,
    most: int,
    fail: Callable[[str], FormatError],
) -> Ints:
    """Read a list of numbers, whose header is just as `write_cgz` writes it."""
    data = _part(archive, f"{name}.npy", most, fail)
    header = _HEADER.match(data)
    wanted = np.dtype(dtype).newbyteorder("<")
    if header is None or header[1].decode() != wanted.str:
        raise fail(f"{name}: not a list of {np.dtype(dtype)}, as a .cgz file has it")
    count, start = int(header[2]), header.end()
    if len(data) - start != count * wanted.itemsize:
        raise fail(f"{name}: not as long as it says")
    return np.frombuffer(data, dtype=wanted, offset=start).astype(dtype)


def _circuit(
    name: str | None,
    arrays: dict[str, Ints],
    texts: dict[str, str],
    fail: Callable[[str], FormatError],
) -> Circuit:
    def require(holds: bool, message: str) -> None:
        if not holds:
            raise fail(message)

    def lines(key: str) -> list[str]:
        return texts[key].split("\n") if texts[key] else []

    op, fan_in, operands = arrays["op"], arrays["fan_in"], arrays["operands"]
    weights, params, shapes = arrays["weights"], arrays["params"], arrays["shapes"]
    count = len(op)
    check_counts(count, len(arrays["output_vertices"]))
    require(
        len(fan_in) == len(params) == len(shapes) == count,
        "columns of vertices should be of one length",
    )
    require(bool((fan_in >= 0).all()), "a negative fan-in")
    wires = int(fan_in.sum(dtype=np.int64))
    require(
        len(operands) == len(weights) == wires,
        "there should be as many wires as fan-ins say",
    )
    offsets = starts_of(fan_in)
    numbers = [
        _options(line, fail) if line.startswith("[") else _number(line, fail)
        for line in lines("numbers")
    ]
    for key, places, least in (("weights", weights, 0), ("params", params, -1)):
        inside = (places >= least) & (places < len(numbers))
        require(bool(inside.all()), f"{key}: a place outside the list of numbers")
    gates = lines("gates")
    require(bool((op <= CONSTANT + len(gates)).all()), "op: no such gate type")
    listed = [_shape(line, fail) for line in texts["lengths"].split("\n")]
    require(listed[0] == (), "lengths: the first shape is a scalar's, without any")
    inside = (shapes >= 0) & (shapes < len(listed))
    require(bool(inside.all()), "shapes: a place outside the list of lengths")
    codes = np.array([INPUT, CONSTANT, *map(code_of, gates)], dtype=np.uint8)
    constants = params[op == CONSTANT]
    require(bool((constants >= 0).all()), "a constant without a value")
    number_at = np.array([*map(exact.intern, numbers), -1], dtype=np.int32)
    place_of_shape = np.array([*map(place_of, listed)], dtype=np.int32)

    options = np.array([*(isinstance(n, tuple) for n in numbers), False])
    takes = np.array([False, False, *(bool(gate_type(c).options) for c in codes[2:])])
    require(not options[weights].any(), "weights: options of a gate are no number")
    right = options[params] == takes[op]
    require(bool(right.all()), "params: options are the parameters of matrix gates")

    rational = np.concatenate([weights, params[(op > CONSTANT) & ~takes[op]]])
    loose = number_at[rational[rational >= 0]] == exact.PI_PLACE
    require(not loose.any(), "pi is a constant, never a weight or a parameter")

    for place in np.unique(params[(codes[op] == POWER) & (params >= 0)]).tolist():
        exact.check_power(exact.rational(int(number_at[place])))

    named, names = arrays["named"].astype(np.int64), lines("names")
    check_length(max(names, key=len, default=""))
    require(len(named) == len(names), "as many names as named vertices should be there")
    if len(named):
        ascending = (np.diff(named) > 0).all() and named[0] >= 0 and named[-1] < count
        require(bool(ascending), "named: vertices should ascend")
    texts_of = np.empty(len(names), dtype=object)
    texts_of[:] = names
    vertices, outputs = arrays["output_vertices"].tolist(), lines("output_names")
    require(len(vertices) == len(outputs), "as many outputs as their names should be")
    require(all(0 <= v < count for v in vertices), "an output that is no vertex")
    inside = (operands >= 0) & (operands < count)
    require(bool(inside.all()), "operands: no such vertex")
    columns = Columns(
        codes[op],
        offsets,
        operands,
        number_at[weights],
        number_at[params],
        place_of_shape[shapes],
    )
    if columns.shaped:
        _check_arrays(columns, fail)
    return Circuit(
        columns,
        Names(count, named, texts_of),
        list(zip(outputs, vertices, strict=True)),
        name,
    )


def _check_arrays(columns: Columns, fail: Callable[[str], FormatError]) -> None:
    """See that options are complete and shapes are those that follow.

    `Circuit.verify`, which is the last word on all else, takes options on trust.
    """
    codes, shapes = columns.op.tolist(), columns.shapes.tolist()
    for vertex, code in enumerate(codes):
        if code == INPUT:
            continue
        follows = SCALAR
        if code > CONSTANT:
            gate, operands = gate_type(code), columns.operands_of(vertex)
            if not gate.accepts(len(operands)) or max(operands) >= vertex:
                raise fail(f"vertex {vertex}: operands that {gate.name} does not take")
            place = int(columns.params[vertex])
            below = [shapes[u] for u in operands]
            try:
                if gate.matrix:
                    options = exact.options(place) if gate.options else ()
                    verify_options(gate, [*map(shape_at, below)], options)
                follows = infer_shape(code, place, below)
            except ShapeError as error:
                raise fail(f"vertex {vertex}, {gate.name}: {error}") from None
        if shapes[vertex] != follows:
            found, said = shape_at(follows), shape_at(shapes[vertex])
            raise fail(
                f"vertex {vertex} has the shape {format_shape(found)}, "
                f"not {format_shape(said)}"
            )


def _shape(text: str, fail: Callable[[str], FormatError]) -> Shape:
    """Read ``32 784``; nothing is the shape of a scalar."""
    if not _LENGTHS.fullmatch(text):
        raise fail(f"lengths: {text[:40]!r} is no shape")
    return tuple(map(int, text.split()))


def _options(text: str, fail: Callable[[str], FormatError]) -> exact.Options:
    """Read ``[(0, 1), 0]``."""
    try:
        return parse_values(text)
    except OptionError as error:
        raise fail(f"numbers: {text[:40]!r} is no options: {error}") from None


def _number(text: str, fail: Callable[[str], FormatError]) -> exact.Number:
    """Read ``-3``, ``1/3`` or ``pi``."""
    if text == "pi":
        return exact.PI
    above, _, below = text.partition("/")
    parts = (above.removeprefix("-"), below or "1")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise fail(f"numbers: {text[:40]!r} is no number")
    if max(map(len, parts)) > limit("digits"):
        raise exceeded("digits", f"a number of more than {limit('digits')} digits")
    size, divisor = map(exact.parse_integer, parts)
    if divisor == 0:
        raise fail(f"numbers: {text[:40]!r} divides by zero")
    return Fraction(-size if above.startswith("-") else size, divisor)
