"""Certificates: what was checked of which circuits, and how, as a file to repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import numpy as np

import circuitgrad
from circuitgrad import exact
from circuitgrad.check.field import PRIMES
from circuitgrad.check.gradient import check_gradient
from circuitgrad.check.report import Report
from circuitgrad.circuit import Circuit
from circuitgrad.errors import FormatError
from circuitgrad.formats.files import as_text, read_bytes, write_whole
from circuitgrad.gates import gate_types
from circuitgrad.shapes import format_shape, shape_at

__all__ = [
    "certificate",
    "read_certificate",
    "replay",
    "structural_hash",
    "write_certificate",
]

FORMAT: Final = "circuitgrad certificate"
VERSION: Final = 1
#: Most points that a certificate may ask to repeat.
MAX_TRIALS: Final = 10_000

_SETTINGS: Final = ("seed", "prime", "trials", "one_by_one", "ranges")
_KEYS: Final = {
    "format": str,
    "version": int,
    "source": str,
    "gradient": str,
    "settings": dict,
    "verdicts": list,
}


def structural_hash(circuit: Circuit) -> str:
    """Hash what a circuit computes: gates, operands and outputs in order, numbers.

    Names are left out.  Two circuits have one hash where they are equal gate by gate.

    Returns
    -------
    str
        BLAKE2b of 256 bits, in hexadecimal.
    """
    columns = circuit.columns
    digest = hashlib.blake2b(digest_size=32)

    def add(*texts: str) -> None:
        for text in texts:
            data = text.encode()
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)

    used = np.zeros(exact.count(), dtype=np.bool_)
    used[columns.weights] = True
    used[columns.params[columns.params >= 0]] = True
    places = sorted(np.flatnonzero(used).tolist(), key=exact.sort_key)
    rank = np.full(exact.count() + 1, -1, dtype=np.int64)  # -1 stays -1
    rank[places] = np.arange(len(places))
    shapes = sorted(set(columns.shapes.tolist()), key=shape_at)
    if columns.shaped:
        add("shapes", *(format_shape(shape_at(place)) for place in shapes))
    names = ["input", "constant", *(gate.name for gate in gate_types())]
    codes = np.unique(columns.op).tolist()
    code = np.zeros(256, dtype=np.uint8)
    code[codes] = np.arange(len(codes))
    add(f"{FORMAT} {VERSION}", *(names[each] for each in codes), "numbers")
    add(*(str(exact.number(place)) for place in places), "columns")
    place_of_shape = np.array(shapes, dtype=np.int32)
    order = np.argsort(place_of_shape)
    shape_rank = order[np.searchsorted(place_of_shape[order], columns.shapes)]
    for array in (
        code[columns.op],
        columns.fan_in.astype("<i4"),
        columns.operands.astype("<i4"),
        rank[columns.weights].astype("<i4"),
        rank[columns.params].astype("<i4"),
        shape_rank.astype("<i4"),
        circuit.output_vertices.astype("<i4"),
    ):
        digest.update(array.size.to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def certificate(circuit: Circuit, gradient: Circuit, report: Report) -> dict[str, Any]:
    """Give the certificate of a check, as JSON data."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "circuitgrad": circuitgrad.__version__,
        "source": structural_hash(circuit),
        "gradient": structural_hash(gradient),
        "settings": report.evidence["settings"],
        "certified": report.evidence.get("certified"),
        "verdicts": report.as_dict()["outputs"],
    }


def write_certificate(
    path: str, circuit: Circuit, gradient: Circuit, report: Report
) -> None:
    """Write the certificate of a check, whole or not at all.

    Raises
    ------
    WriteError
        If that cannot be done.
    """
    data = certificate(circuit, gradient, report)
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, f"{text}\n".encode())


def read_certificate(path: str) -> dict[str, Any]:
    """Read a certificate; ``-`` is standard input.

    Raises
    ------
    FormatError
        If it is none.
    """

    def require(holds: bool, message: str) -> None:
        if not holds:
            raise FormatError(message, path=path)

    text = as_text(read_bytes(path), path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no JSON: {error}", path=path) from None
    found = data.get("format") if isinstance(data, dict) else None
    require(found == FORMAT, f'no certificate: it should have "format": "{FORMAT}"')
    version = data.get("version")
    require(version == VERSION, f"a certificate of version {version!r}, not {VERSION}")
    for key, kind in _KEYS.items():
        given = data.get(key)
        require(isinstance(given, kind), f'"{key}" should be a {kind.__name__}')
    settings = {key: data["settings"].get(key) for key in _SETTINGS}  # and no others
    for key in ("seed", "prime", "trials"):
        given = settings.get(key)
        whole = isinstance(given, int) and not isinstance(given, bool)
        require(whole or (key != "seed" and given is None), f'"{key}" is no integer')
    require(isinstance(settings["one_by_one"], bool), '"one_by_one" is no truth value')
    require(settings["prime"] in (None, *PRIMES), '"prime" should be 61 or 521')
    trials = settings["trials"]
    require(trials is None or 0 < trials <= MAX_TRIALS, f'"trials" is {trials!r}')
    ranges = settings.get("ranges")
    require(
        isinstance(ranges, dict)
        and all(
            isinstance(pair, list) and len(pair) == 2 and all(map(_is_finite, pair))
            for pair in ranges.values()
        ),
        '"ranges" should have a pair of numbers for each input',
    )
    return {**data, "settings": settings}


def _is_finite(value: object) -> bool:
    """Tell whether JSON has a number that is one in floating point."""
    try:
        return isinstance(value, int | float) and isfinite(value)
    except OverflowError:  # an integer may be of any length
        return False


def replay(
    circuit: Circuit, gradient: Circuit, data: Mapping[str, Any]
) -> tuple[Report | None, list[str]]:
    """Repeat the check of a certificate.

    Parameters
    ----------
    circuit, gradient : Circuit
    data : mapping
        What `read_certificate` gave.

    Returns
    -------
    report : Report or None
        What was found now; None where the circuits are others.
    differences : list of str
        Where that is not what the certificate says.
    """
    differences = [
        f"the {key} circuit is another: its hash is {found}"
        for key, found in (
            ("source", structural_hash(circuit)),
            ("gradient", structural_hash(gradient)),
        )
        if found != data[key]
    ]
    if differences:
        return None, differences
    report = check_gradient(circuit, gradient, **data["settings"])
    now = json.loads(json.dumps(certificate(circuit, gradient, report)))
    if now["certified"] != data.get("certified"):
        differences.append("another prime, degree, bound or number of points")
    said = {
        each["output"]: each
        for each in data["verdicts"]
        if isinstance(each, dict) and isinstance(each.get("output"), str)
    }
    for verdict in now["verdicts"]:
        before = said.pop(verdict["output"], None)
        if before != verdict:
            level = before.get("level") if before else "absent"
            differences.append(
                f"{verdict['output']}: {verdict['level']}, {level} in the certificate"
            )
    differences += [f"no output {name!r} any more" for name in said]
    return report, differences
