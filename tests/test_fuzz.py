"""Files that are nearly circuits, and the targets of ``benchmarks/fuzz.py``."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import fuzz
import pytest
from fuzzing import TARGETS, BrokenRuleError, Room, Target, rules, tried
from fuzzing.mutations import drawn_text
from fuzzing.rules import require
from hypothesis import given, settings
from strategies import near_jsons, near_texts, soups

import circuitgrad as cg
from circuitgrad.formats.cgz import parse_cgz
from circuitgrad.formats.formats import render
from circuitgrad.formats.json import parse_json


def assert_circuit_or_place(read, text):
    """What is read verifies and round-trips; what is not has an error with a place."""
    try:
        circuit = read(text)
    except cg.FormatError as error:
        assert error.exit_status in (3, 4)
        assert len(str(error)) < 1_400
        if error.line is not None:
            lines = text.split("\n")
            assert 1 <= error.line <= len(lines)
            assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        return error
    assert circuit.verify() is circuit
    assert cg.parse(str(circuit)) == circuit
    assert str(cg.parse(str(circuit))) == str(circuit)
    assert parse_json(render(circuit, "json").decode()) == circuit
    assert parse_cgz(render(circuit, "cgz")) == circuit
    return None


@settings(max_examples=150, deadline=None)
@given(soups() | near_texts())
def test_a_text_is_a_circuit_or_an_error_with_its_place(text):
    error = assert_circuit_or_place(cg.parse, text)
    blank = not text.removeprefix("\ufeff").strip()
    assert error is None or error.line is not None or blank


@settings(max_examples=100, deadline=None)
@given(soups())
def test_a_formula_is_a_circuit_or_an_error_with_its_place(text):
    assert_circuit_or_place(cg.parse_expression, text)


@settings(max_examples=150, deadline=None)
@given(near_jsons())
def test_json_is_a_circuit_or_an_error(text):
    assert_circuit_or_place(parse_json, text)


# ------------------------------------------------------------------ the fuzzer


@pytest.fixture
def room_of(tmp_path):
    """Furnish a room for a target."""
    return lambda name: fuzz.room_of(TARGETS[name], tmp_path)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_break_no_rule(name, room_of):
    target, room = TARGETS[name], room_of(name)
    step = 1 + len(target.known) // 12
    found = [tried(target.run, data, room) for data in target.known[::step]]
    assert sum(found) > len(found) // 2  # seeds are about right


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_break_no_rule(name, room_of):
    target, room = TARGETS[name], room_of(name)
    draw = random.Random(name)
    data = draw.choice(target.known)
    made = {data}
    for _ in range(12):
        data = target.mutated(data, draw)
        made.add(data)
        if len(data) < 4_000:
            tried(target.run, data, room)
    assert len(made) > 4
    assert target.mutated(b"", random.Random(1)) == target.mutated(
        b"", random.Random(1)
    )


def test_drawn_texts_are_circuits():
    draw = random.Random(0)
    read = 0
    for _ in range(40):
        try:
            read += cg.parse(drawn_text(draw)).size >= 0
        except cg.FormatError as error:
            assert "zero" in error.message or "number" in error.message
    assert read > 20


RUDE = {
    "an error without a name": (lambda data, room: [][1], "IndexError"),
    "a file": (lambda data, room: (room.folder / "new").write_text("x"), "files: new"),
    "a file elsewhere": (
        lambda data, room: (room.folder.parent / "else").write_text("x"),
        "wrote to .*else",
    ),
    "a changed file": (
        lambda data, room: (room.folder / "kept").write_text("x"),
        "files: kept",
    ),
    "a program": (lambda data, room: subprocess.run(["true"]), "subprocess.Popen"),
    "code": (lambda data, room: eval("1 + 1"), "compiled .* as <string>"),
    "memory": (lambda data, room: len(bytearray(rules._peak() + 2**26)), "memory grew"),
    "time": (lambda data, room: __import__("time").sleep(0.2), "it took 0.2 s"),
}


@pytest.mark.parametrize("what", RUDE)
def test_a_broken_rule_is_found(what, tmp_path, monkeypatch):
    run, message = RUDE[what]
    (tmp_path / "room").mkdir()
    room = Room(tmp_path / "room", {"kept": b"as it was"})
    monkeypatch.setattr("fuzzing.rules.MAX_SECONDS", 0.1 if what == "time" else 60.0)
    monkeypatch.setattr("fuzzing.rules.MAX_GROWTH", 2**25)
    expected = IndexError if "IndexError" in message else BrokenRuleError
    with pytest.raises(expected, match=None if expected is IndexError else message):
        tried(run, b"", room)
    room.changed()
    assert [path.name for path in room.folder.iterdir()] == ["kept"]
    assert not room.changed()


def test_a_failing_input_is_made_smaller(tmp_path):
    def run(data, room):
        require(b"ab" not in data, "ab")
        return True

    target = Target("rude", run, list, ())
    room = Room(tmp_path, {})
    assert fuzz.broken(target, b"x", room) is None
    assert fuzz.minimised(target, b"12345ab678" * 20, room) == b"ab"


def test_the_command_line_of_the_fuzzer(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "atheris", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--seconds", "1"])
    assert fuzz.main() == 2
    assert "pip install -e '.[bench]'" in capsys.readouterr().out
    (tmp_path / "one").write_bytes(b"input x\nf = x*x\noutput f\n")
    words = ["fuzz.py", "--only", "text", "--replay", str(tmp_path / "one")]
    monkeypatch.setattr(sys, "argv", words)
    assert fuzz.main() == 0
    assert capsys.readouterr().out == "accepted\n"
    assert tuple(TARGETS) == fuzz.NAMES
    assert Path(fuzz.__file__).parent.name == "benchmarks"
