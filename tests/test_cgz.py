"""Binary columns: the round trip, and every kind of damage."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.formats.cgz import parse_cgz, write_cgz


@settings(max_examples=150, deadline=None)
@given(circuits())
def test_round_trip(circuit):
    """The same circuit, names too, and the same bytes when written again."""
    data = write_cgz(circuit)
    again = parse_cgz(data)
    assert again == circuit
    assert again.names.tolist() == circuit.names.tolist()
    assert str(again) == str(circuit)
    assert write_cgz(again) == data


def test_numbers_gates_and_names_of_another_process(tmp_path):
    """Places of numbers and codes of gates mean nothing outside a process."""
    text = (
        "circuit é\ninput α, x\nf = leaky_relu(α, 1/7) - 22/7*x^(-3/2) + pi\noutput f"
    )
    circuit = cg.parse(text)
    script = (
        "import circuitgrad as cg\n"
        "for i in range(50): cg.parse_expression(f'x + {i}/11')\n"
        f"cg.write(cg.parse({text!r}), {str(tmp_path / 'other.cgz')!r})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    other = cg.read(tmp_path / "other.cgz")
    assert other == circuit
    assert other.name == "é"
    cg.write(circuit, tmp_path / "own.cgz")
    own = (tmp_path / "own.cgz").read_bytes()
    assert own == (tmp_path / "other.cgz").read_bytes()


def test_a_file_without_an_ending_is_known_by_its_beginning(tmp_path):
    circuit = example("fig1")
    (tmp_path / "circuit").write_bytes(write_cgz(circuit))
    assert cg.read(tmp_path / "circuit") == circuit


def rewritten(**changes):
    """Give a file with parts changed, None left out; checksums are right."""
    source = zipfile.ZipFile(
        io.BytesIO(write_cgz(cg.parse("input x, y\nf = 2*x - sin(y)\noutput f")))
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            key = info.filename.partition(".")[0]
            value = changes.get(key, source.read(info))
            if value is None:
                continue
            if isinstance(value, np.ndarray):
                array = io.BytesIO()
                np.save(array, value, allow_pickle=True)
                value = array.getvalue()
            target.writestr(info.filename, value)
    return buffer.getvalue()


def head(**changes):
    return json.dumps(
        {"format": "circuitgrad/cgz", "version": 2, "name": None} | changes
    )


def ints(*values):
    return np.array(values, dtype=np.int32)


def text(value):
    return np.frombuffer(value.encode(), dtype=np.uint8)


DAMAGE = {
    "another zip": ({"circuit": "{}"}, "not of the format"),
    "a list": ({"circuit": "[]"}, "not of the format"),
    "no JSON": ({"circuit": "{"}, "damaged"),
    "version": ({"circuit": head(version=1)}, "version 1 .* reads 2"),
    "name": ({"circuit": head(name=3)}, "is no text"),
    "name with a space": ({"circuit": head(name="a b")}, "not an identifier"),
    "no name": ({"circuit": head(name="")}, "not an identifier"),
    "missing": ({"operands": None}, "without a part of it.*operands"),
    "no array": ({"op": b"hello"}, "op: not a list of uint8"),
    "pickle": ({"op": np.array([None, {}], dtype=object)}, "op: not a list"),
    "floats": ({"operands": np.zeros(3)}, "not a list of int32"),
    "shape": ({"operands": np.zeros((3, 1), dtype=np.int32)}, "not a list of int32"),
    "lengths": ({"params": ints(-1, -1)}, "of one length"),
    "negative fan-in": ({"fan_in": ints(0, 0, 1, -2)}, "negative"),
    "fan-in": ({"fan_in": ints(0, 0, 1, 1)}, "as many wires"),
    "operand": ({"operands": ints(1, 0, 9)}, "no such vertex"),
    "operand later": ({"operands": ints(3, 0, 2)}, "comes later"),
    "weight": ({"weights": ints(1, 7, 0)}, "outside the list"),
    "number": ({"numbers": text("-1\nx\n2")}, "'x' is no number"),
    "zero": ({"numbers": text("-1\n1/0\n2")}, "divides by zero"),
    "pi": ({"numbers": text("-1\n1\npi")}, "pi is a constant"),
    "gate": ({"gates": text("sum\nsinus")}, "no gate type 'sinus'"),
    "op": ({"op": np.array([0, 0, 9, 2], dtype=np.uint8)}, "no such gate type"),
    "shapes": ({"shapes": ints(0, 0, 1, 0)}, "shapes: a place outside"),
    "names": ({"names": text("x")}, "as many names"),
    "named": ({"named": ints(1, 0, 3)}, "should ascend"),
    "two names": ({"names": text("x\nx\nf")}, "two vertices are named 'x'"),
    "output": ({"output_vertices": ints(4)}, "no vertex"),
    "outputs": ({"output_vertices": ints(3, 3)}, "as many outputs"),
    "not UTF-8": ({"names": np.array([255], dtype=np.uint8)}, "damaged"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_wrong_is_said(case):
    changes, message = DAMAGE[case]
    with pytest.raises(cg.FormatError, match=message) as caught:
        parse_cgz(rewritten(**changes), "f.cgz")
    assert str(caught.value).startswith("f.cgz: error: ")
    assert caught.value.exit_status == 3


def header(text, data=b""):
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line + data


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|u1'",
        "(((",
        "  1\n 2",
        "{[]:1}",
        "-" * 90,
        "{'descr': '|u1', 'fortran_order': True, 'shape': (4,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (True,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    ],
)
def test_headers_are_not_believed(text):
    """No memory is asked for, and nothing is evaluated."""
    with pytest.raises(cg.FormatError, match="op: not"):
        parse_cgz(rewritten(op=header(text, b"\0\0\2\1")))


def test_a_part_that_stands_twice():
    data = io.BytesIO(write_cgz(example("fig1")))
    with (
        zipfile.ZipFile(data, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("op.npy", b"")
    with pytest.raises(cg.FormatError, match="twice"):
        parse_cgz(data.getvalue())


def test_a_long_number_is_a_limit():
    with pytest.raises(cg.LimitError, match="digits"):
        parse_cgz(rewritten(numbers=text(f"-1\n1\n{'9' * 5000}")), "f.cgz")


def test_any_flipped_or_lost_byte_is_noticed():
    """Of the arrays, that is; what the zip says about time and system is not read."""
    circuit = example("worked_example")
    data = write_cgz(circuit)
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 0x20
        with contextlib.suppress(cg.FormatError):
            assert parse_cgz(bytes(damaged)) == circuit
    for length in range(0, len(data), 101):
        with pytest.raises(cg.FormatError):
            parse_cgz(data[:length])


def test_compressed_parts_are_refused():
    """So a small file is never a large circuit."""
    source = zipfile.ZipFile(io.BytesIO(write_cgz(example("fig1"))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    with pytest.raises(cg.FormatError, match="not compressed"):
        parse_cgz(buffer.getvalue())
