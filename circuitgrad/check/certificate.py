"""Certificates: what was checked of which circuits, and how, as a file to repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

import circuitgrad
from circuitgrad import exact
from circuitgrad.check.report import Report
from circuitgrad.circuit import Circuit
from circuitgrad.errors import FormatError
from circuitgrad.gates import gate_types

__all__ = ["certificate", "read_certificate", "structural_hash"]

FORMAT: Final = "circuitgrad certificate"
VERSION: Final = 1
#: Longest certificate that is read, in characters.
MAX_LENGTH: Final = 100_000_000

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
    names = ["input", "constant", *(gate.name for gate in gate_types())]
    codes = np.unique(columns.op).tolist()
    code = np.zeros(256, dtype=np.uint8)
    code[codes] = np.arange(len(codes))
    add(f"{FORMAT} {VERSION}", *(names[each] for each in codes), "numbers")
    add(*(str(exact.number(place)) for place in places), "columns")
    for array in (
        code[columns.op],
        columns.fan_in.astype("<i4"),
        columns.operands.astype("<i4"),
        rank[columns.weights].astype("<i4"),
        rank[columns.params].astype("<i4"),
        columns.shapes.astype("<i4"),
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
        **report.evidence,
        "verdicts": report.as_dict()["outputs"],
    }


def read_certificate(text: str, file: str) -> Mapping[str, Any]:
    """Read a certificate.

    Raises
    ------
    FormatError
        If it is none.
    """

    def fail(message: str) -> FormatError:
        return FormatError(message, path=file)

    if len(text) > MAX_LENGTH:
        raise fail(f"a certificate of more than {MAX_LENGTH:,} characters (the limit)")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fail(f"no JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise fail(f'no certificate: it should have "format": "{FORMAT}"')
    if data.get("version") != VERSION:
        raise fail(f"a certificate of version {data.get('version')!r}, not {VERSION}")
    for key, kind in _KEYS.items():
        if not isinstance(data.get(key), kind):
            raise fail(f'a certificate with "{key}" that is no {kind.__name__}')
    return data
