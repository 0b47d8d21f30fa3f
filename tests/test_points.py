"""Files of points through the command line: CSV and .npy, in and out."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.formats import points as files

pytestmark = pytest.mark.filterwarnings("default")  # numba's own, on new Pythons

TEXT = "input x, y\nf = x*y\ng = exp(x)\noutput f, g\n"
POINTS = np.random.default_rng(0).standard_normal((50, 2))


@pytest.fixture
def batch(run, tmp_path):
    """Evaluate the circuit at the points of a file, made of text or of an array."""
    (tmp_path / "c.cg").write_text(TEXT)

    def call(points, *options, stdin=""):
        name = "points.npy"
        if isinstance(points, np.ndarray):
            np.save(name, points)
        elif points is not None:
            name = "points.csv"
            (tmp_path / name).write_bytes(points.encode())
        else:
            name = "-"
        return run("eval", "c.cg", "--batch", name, *options, stdin=stdin)

    return call


def csv(points, names="x,y"):
    rows = [",".join(map(repr, row)) for row in points.tolist()]
    return "\n".join([names, *rows]) + "\n"


def table(text):
    header, *rows = text.splitlines()
    return header, np.array([list(map(float, row.split(","))) for row in rows])


EXPECTED = np.stack([POINTS[:, 0] * POINTS[:, 1], np.exp(POINTS[:, 0])], axis=1)


def test_csv_in_and_out(batch):
    status, out, err = batch(csv(POINTS))
    header, found = table(out)
    assert (status, err, header) == (0, "", "f,g")
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-15)
    assert batch(None, stdin=csv(POINTS)) == (0, out, "")
    swapped = csv(POINTS[:, ::-1], "y, x").replace("\n", "\r\n")
    assert batch("\ufeff" + swapped + "\r\n\r\n") == (0, out, "")
    assert batch(csv(POINTS, '"x","y"'), "-o", "out.csv") == (0, "", "")
    with open("out.csv") as file:
        assert file.read() == out
    exact = cg.compile(cg.parse(TEXT)).points(POINTS)
    np.testing.assert_array_equal(found, exact)  # text gives the numbers back


def test_npy_in_and_out(batch, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 35)  # seven points at a time
    for points in (
        POINTS,
        np.asfortranarray(POINTS),
        POINTS.astype(">f8"),
        np.rec.fromarrays([POINTS[:, 1], POINTS[:, 0]], names=["y", "x"]),
    ):
        assert batch(points, "-o", "out.npy", "--threads", "2") == (0, "", "")
        found = np.load("out.npy")
        assert (found.shape, found.dtype) == ((50, 2), np.float64)
        np.testing.assert_allclose(found, EXPECTED, rtol=1e-15)
    status, out, _ = batch(POINTS)
    assert status == 0
    np.testing.assert_allclose(table(out)[1], EXPECTED, rtol=1e-15)
    assert batch(csv(POINTS), "-o", "out.npy", "--dtype", "float32") == (0, "", "")
    assert np.load("out.npy").dtype == np.float32
    _, out, _ = batch(POINTS, "--dtype", "float32")
    np.testing.assert_array_equal(table(out)[1].astype(np.float32), np.load("out.npy"))


def test_empty_batches_and_special_values(batch):
    assert batch("x,y\n") == (0, "f,g\n", "")
    assert batch("x,y") == (0, "f,g\n", "")
    assert batch(np.empty((0, 2)), "-o", "out.npy") == (0, "", "")
    assert np.load("out.npy").shape == (0, 2)
    status, out, _ = batch("x,y\ninf,1\nnan,-INF\n 1e3 ,+.5\n")
    assert (status, out) == (0, "f,g\ninf,inf\nnan,nan\n500.0,inf\n")
    assert batch(np.array([[1, 2]]))[1].splitlines()[1].startswith("2.0,2.718")


def test_a_circuit_without_inputs_has_a_point_a_line(run, tmp_path):
    (tmp_path / "c.cg").write_text("c = 3\noutput c\n")
    (tmp_path / "p.csv").write_text("\n\n\n")
    assert run("eval", "c.cg", "--batch", "p.csv") == (0, "c\n3.0\n3.0\n", "")


BAD_CSV = {
    "": "points.csv: error: it should start with a row of names: x,y",
    "x\n1\n": "points.csv:1:2: error: no column for the input 'y'\n    x\n     ^",
    "x,y,w\n1,2,3\n": "points.csv:1:5: error: a column 'w' that is no input; "
    "the inputs are x, y\n    x,y,w\n        ^",
    "x,y,x\n1,2,3\n": "points.csv:1:5: error: two columns 'x'\n",
    "w,x,y\n1,2,3\n": "points.csv:1:1: error: a column 'w' that is no input",
    "x,y\n1,2\n3, 4z\n": "points.csv:3:4: error: '4z' is not a number; "
    "it should be one such as -0.5, 1e-3, inf or nan\n    3, 4z\n       ^",
    "x,y\n1,\n": "points.csv:2:3: error: an empty cell; it should be one such as",
    "x,y\n1,1_0\n": "points.csv:2:3: error: '1_0' is not a number",
    "x,y\n1\n": "points.csv:2:2: error: 1 cells; it should be 2, as in the first line",
    "x,y\n1,2,3\n": "points.csv:2:5: error: 3 cells; it should be 2, as in the first",
    "x,y\n1,2\n\n3,4\n": "points.csv:3:1: error: an empty cell",
}


@pytest.mark.parametrize("text", BAD_CSV)
def test_bad_csv_is_shown_where_it_is_bad(text, batch, tmp_path):
    (tmp_path / "out.csv").write_text("before")
    status, out, err = batch(text, "-o", "out.csv")
    assert (status, out) == (3, "")
    assert err.startswith(BAD_CSV[text])
    assert (tmp_path / "out.csv").read_text() == "before"


def test_bad_npy(batch, run, tmp_path):
    record = np.zeros(3, dtype=[("x", float), ("w", float)])
    for points, message in (
        (np.zeros((3, 3)), "shape (3, 3); it should be (points, 2), a number for each"),
        (np.zeros(4), "shape (4,); it should be (points, 2)"),
        (np.zeros((3, 2), complex), "complex128; it should be real numbers"),
        (np.array([["1", "2"]]), "<U1; it should be real numbers"),
        (record, "a column 'w' that is no input; the inputs are x, y"),
        (record[["x"]], "no column for the input 'y'"),
    ):
        status, out, err = batch(points)
        assert (status, out) == (3, "")
        assert err.startswith("points.npy: error: ")
        assert message in err
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("x,y\n1,2\n")
    (tmp_path / "empty.npy").write_bytes(b"")
    whole = (tmp_path / "points.npy").read_bytes()
    (tmp_path / "token.npy").write_bytes(whole.replace(b"{'descr':", b"{'descr'\xaf"))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "points.npy").read_bytes()[:-9])
    np.savez(tmp_path / "archive.npz", POINTS)
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    for name, message in (
        ("object.npy", "not a .npy file of numbers"),
        ("text.npy", "not a .npy file of numbers"),
        ("empty.npy", "not a .npy file of numbers"),
        ("token.npy", "not a .npy file of numbers"),
        ("cut.npy", "not a .npy file of numbers"),
        ("archive.npy", "an archive; it should be a .npy file"),
        ("none.npy", "cannot be read: No such file or directory"),
        ("none.csv", "no such file"),
    ):
        status, out, err = run("eval", "c.cg", "--batch", name)
        assert (status, out) == (3, "")
        assert err.startswith(f"{name}: error: {message}")


def test_usage(batch, run):
    for words in (["x=1"], ["--exact"], ["--json"]):
        assert batch("x,y\n", *words)[0] == 2
    assert batch("x,y\n", "--threads", "0")[0] == 2
    assert batch("x,y\n", "--dtype", "float16")[0] == 2
    for words in (["-o", "f"], ["--threads", "1"], ["--dtype", "float32"]):
        status, _, err = run("eval", "c.cg", "x=1", "y=2", *words)
        assert status == 2
        assert "goes with --batch" in err
    status, _, err = run("eval", "-", "--batch", "-")
    assert status == 2
    assert "one of the two files may be standard input" in err


def test_nothing_is_half_written(batch, tmp_path, monkeypatch):
    (tmp_path / "out.npy").write_bytes(b"before")
    os.chmod(tmp_path / "out.npy", 0o640)
    real, calls = cg.Compiled.points, []

    def interrupted(self, block):
        calls.append(block)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, block)

    monkeypatch.setattr(files, "BLOCK", 35)
    with monkeypatch.context() as patch:
        patch.setattr(cg.Compiled, "points", interrupted)
        assert batch(POINTS, "-o", "out.npy")[0] == 130
    assert len(calls) == 3
    assert (tmp_path / "out.npy").read_bytes() == b"before"
    assert not list(tmp_path.glob(".circuitgrad-*"))
    status, _, err = batch(POINTS, "-o", "no/out.csv")
    assert (status, err) == (
        4,
        "no/out.csv: error: cannot write: No such file or directory\n",
    )
    status, _, err = batch(POINTS, "-o", ".")
    assert (status, err) == (4, ".: error: cannot write: Is a directory\n")
    assert batch(POINTS, "-o", "out.npy")[0] == 0
    assert stat.S_IMODE(os.stat(tmp_path / "out.npy").st_mode) == 0o640
