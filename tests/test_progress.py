"""Progress bars: stages as they are told, shown on a terminal, gone in the end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time

import pytest

import circuitgrad as cg
from circuitgrad.cli.bars import Bars
from circuitgrad.progress import listening, stage


class Heard:
    """Takes down what it hears."""

    def __init__(self):
        self.events = []

    def begin(self, stage):
        """Take down the beginning."""
        self.events.append(("begin", stage.text))

    def update(self, stage):
        """Take down how far it is."""
        self.events.append((stage.done, stage.total))

    def end(self, stage):
        """Take down the end."""
        self.events.append(("end", stage.text))


def test_passes_and_files_are_stages(tmp_path):
    heard = Heard()
    with listening(heard):
        circuit = cg.parse_expression("x*y + sin(x)")
        gradient = cg.gradient(circuit)
        cg.write(gradient, tmp_path / "g.cg")
        cg.check_gradient(circuit, cg.read(tmp_path / "g.cg"))
    begun = [text for event, text in heard.events if event == "begin"]
    assert begun[:6] == ["reverse_mode", "fold", "matrices", "fuse", "cse", "dce"]
    assert begun[6].startswith("writing ")
    assert begun[7].startswith("reading ")
    assert begun[-2:] == ["proving", "sampling"]
    assert (2, 2) in heard.events
    assert len(begun) == sum(event == "end" for event, _ in heard.events)


def test_a_stage_ends_when_its_work_fails():
    heard = Heard()
    with listening(heard), pytest.raises(ValueError, match="no"), stage("work"):
        raise ValueError("no")
    assert heard.events == [("begin", "work"), ("end", "work")]


def test_bars_show_after_a_while_and_go():
    screen = io.StringIO()
    bars = Bars(0, stderr=False, file=screen, force_terminal=True, width=60)
    bars._timer.join()
    with listening(bars), stage("reading [red]", total=4) as reading:
        reading.advance(2)
        with stage("fuse"):
            assert bars._shown is not None
    assert bars._shown is None
    bars.close()
    assert "reading [red]" in screen.getvalue()


def test_quick_work_shows_nothing():
    screen = io.StringIO()
    bars = Bars(60, stderr=False, file=screen, force_terminal=True)
    with listening(bars), stage("work", total=1) as work:
        work.advance()
    bars.close()
    assert screen.getvalue() == ""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a terminal is asked for")
def test_a_command_shows_bars_on_a_terminal_alone(tmp_path):
    """Some seconds of work: the terminal has seen a bar, and in the end the table."""
    lines = "".join(f"y{i + 1} = sin(y{i})*y{i}\n" for i in range(250_000))
    (tmp_path / "long.cg").write_text(f"input y0\n{lines}output y250000\n")
    command = [sys.executable, "-m", "circuitgrad", "grad", "--no-check", "long.cg"]
    own, other = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [*command, "-o", "out.cg"], cwd=tmp_path, stderr=other, env=environment
    )
    os.close(other)
    seen = b""
    while True:
        try:
            data = os.read(own, 4096)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        seen += data
    assert process.wait() == 0
    hidden_cursor = b"\x1b[?25l"  # while a bar moves
    assert hidden_cursor in seen
    assert seen.index(hidden_cursor) < seen.index(b"Theorem 3")


def test_an_interrupted_command_leaves_nothing(tmp_path):
    """Ctrl-C while a large file is read: status 130, soon, and no file."""
    lines = "".join(f"y{i + 1} = sin(y{i})*y{i}\n" for i in range(300_000))
    (tmp_path / "long.cg").write_text(f"input y0\n{lines}output y300000\n")
    (tmp_path / "out.cg").write_text("before")
    process = subprocess.Popen(
        [sys.executable, "-m", "circuitgrad", "grad", "long.cg", "-o", "out.cg"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert words.strip() == "circuitgrad: interrupted"  # click ends the line of ^C
    assert (tmp_path / "out.cg").read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["long.cg", "out.cg"]
