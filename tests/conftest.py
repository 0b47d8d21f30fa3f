"""Fixtures: example circuits, and the shared data where it is beside the project."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path

import pytest

import circuitgrad as cg
from circuitgrad.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared" / "data"


def shared_files(folder: str) -> list[pytest.param]:
    """List the circuits of a folder of the shared data, or one skipped parameter."""
    files = sorted((SHARED / folder).glob("*.cg"))
    if files:
        return [pytest.param(path, id=path.stem) for path in files]
    reason = f"no shared data beside the project (../shared/data/{folder})"
    return [pytest.param(None, id=folder, marks=pytest.mark.skip(reason=reason))]


def example(name: str) -> cg.Circuit:
    """Read a circuit of ``examples/``."""
    return cg.read(EXAMPLES / f"{name}.cg")


def _of_scalars(path: Path) -> bool:
    return "[" not in path.read_text()


@pytest.fixture(params=sorted(p.stem for p in EXAMPLES.glob("*.cg") if _of_scalars(p)))
def any_example(request: pytest.FixtureRequest) -> cg.Circuit:
    """Each circuit of ``examples/`` in turn."""
    return example(request.param)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command line in an empty folder; give status, output, words."""
    monkeypatch.chdir(tmp_path)

    def call(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return call


def pytest_configure() -> None:
    """Take ^C, which shells have programs in the background ignore, and their children.

    Tests of what an interrupted command leaves start such children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that writes the golden files anew."""
    parser.addoption("--rewrite-golden", action="store_true", help="write golden files")
