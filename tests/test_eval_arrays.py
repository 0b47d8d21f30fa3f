"""Values of arrays at a shell: in brackets, in files, and what is none."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from conftest import EXAMPLES

import circuitgrad as cg
from circuitgrad.formats.literals import parse_array

SQUARES = EXAMPLES / "least_squares.cg"
A, X, B = "A=[[1, 2], [3, 4], [5, 6]]", "x=[1, -1/2]", "b=[0, 1, 0]"


def test_an_array_is_exact():
    found = parse_array(" [[1, .5,-2] , [1/3, 1e2, +0.1]]")
    assert found.shape == (2, 3)
    assert found[1].tolist() == [Fraction(1, 3), 100, Fraction(1, 10)]
    assert parse_array("[1]").shape == (1,)
    assert parse_array("[[1, 2, 3]]").shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2", "close"),
        ("[1, 2]]", "stands where"),
        ("[[1, 2], [3]]", "ragged"),
        ("[[1], 2]", "ragged"),
        ("[1, [2]]", "ragged"),
        ("[1 2]", "stands where"),
        ("[1,, 2]", "stands where"),
        ("[1, ]", "stands where"),
        ("[x]", "no number"),
        ("[1/0]", "divides by zero"),
        ("[__import__('os')]", "no number"),
        ("[1][2]", "stands where"),
    ],
)
def test_what_is_no_array(text, words):
    with pytest.raises(cg.CircuitError, match=words):
        parse_array(text)


def test_values_in_brackets(run):
    status, out, _ = run("eval", str(SQUARES), A, X, B)
    assert (status, out) == (0, "f = 4.0\n")
    status, out, _ = run("eval", str(SQUARES), A, X, B, "--exact")
    assert (status, out) == (0, "f = 4\n")


def test_outputs_that_are_arrays(run, tmp_path):
    gradient = tmp_path / "gradient.cg"
    run("grad", str(SQUARES), "--wrt", "x", "--no-check", "-o", str(gradient))
    status, out, _ = run("eval", str(gradient), A, X, B, "--exact")
    assert (status, out) == (0, "df_dx = [20, 24]\n")
    status, out, _ = run("eval", str(gradient), A, X, B)
    assert (status, out) == (0, "df_dx = [20.0, 24.0]\n")
    status, out, _ = run("eval", str(gradient), A, X, B, "--json")
    assert json.loads(out) == {"df_dx": [20, 24]}
    target = tmp_path / "values.npz"
    status, out, _ = run("eval", str(gradient), A, X, B, "-o", str(target))
    assert (status, out) == (0, "")
    assert np.load(target)["df_dx"].tolist() == [20, 24]


def test_figures_and_trees_take_arrays(run, tmp_path):
    point = ",".join(word.replace(" ", "") for word in (A, X, B))
    status, out, _ = run("show", str(SQUARES), "--at", point)
    assert status == 0
    assert "4" in out
    target = tmp_path / "f.svg"
    assert run("draw", str(SQUARES), "--at", point, "-o", str(target))[0] == 0
    mirror = ("--mirror", "--wrt", "x", "-o", str(target))
    assert run("draw", str(SQUARES), *mirror)[0] == 0


def test_values_in_files(run, tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32))
    status, out, _ = run("eval", str(SQUARES), f"A={tmp_path / 'a.npy'}", X, B)
    assert (status, out) == (0, "f = 4.0\n")


def test_bad_values_have_their_status(run, tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY nothing")
    np.save(tmp_path / "text.npy", np.array(["1", "2"]))
    for value, status, words in (
        ("A=[[1, 2], [3]]", 2, "ragged"),
        ("A=[[1, 2], [3, 4]]", 2, "shape (2, 2)"),
        (f"A={tmp_path / 'none.npy'}", 3, "cannot be read"),
        (f"A={tmp_path / 'bad.npy'}", 3, "not a .npy file"),
        (f"A={tmp_path / 'text.npy'}", 3, "real numbers"),
        ("A=1", 2, "shape ()"),
    ):
        found, out, said = run("eval", str(SQUARES), value, X, B)
        assert (found, out) == (status, "")
        assert words in said


def test_a_batch_of_points_is_of_scalars(run, tmp_path):
    (tmp_path / "points.csv").write_text("A,x,b\n1,2,3\n")
    status, _, said = run("eval", str(SQUARES), "--batch", str(tmp_path / "points.csv"))
    assert status == 2
    assert "scalarize" in said


@pytest.mark.parametrize("target", ["x.c", "x.py"])
def test_programs_of_arrays_are_refused(target, run, tmp_path):
    status, _, said = run("convert", str(SQUARES), str(tmp_path / target))
    assert status == 2
    assert "scalarize" in said
    assert not list(tmp_path.iterdir())


def test_finite_differences_are_of_scalars(run):
    status, _, said = run("opt", str(SQUARES), "-p", "fd")
    assert status == 2
    assert "scalarize" in said
    status, out, _ = run("opt", str(SQUARES), "-p", "scalarize,fd{wrt=x_1},dce")
    assert status == 0
    assert "df_dx_1" in out
