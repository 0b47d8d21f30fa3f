"""Gradient descent: its steps, why it stops, and what it trains."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, example

import circuitgrad as cg
from circuitgrad.families import network
from circuitgrad.families.data import DATA


def test_steps_are_those_of_the_formula():
    """X := x + v, v := momentum v - rate f'(x); f = x^2/2, so f' = x."""
    half = cg.parse_expression("x^2/2")
    x, v, values = 8.0, 0.0, [32.0]
    for _ in range(5):
        v = 0.5 * v - 0.25 * x
        x += v
        values.append(x * x / 2)
    found = cg.descend(half, {"x": 8}, rate=0.25, momentum=0.5, steps=5)
    assert found.values == pytest.approx(values, rel=1e-14)
    assert (found.steps, found.stopped, found.output) == (5, "steps", "f")
    assert found.value == min(values)


def test_why_it_stops():
    bowl = cg.parse_expression("(x - 3)^2 + y^2")
    flat = cg.descend(bowl, {"x": 0, "y": 1}, rate=0.25)
    assert flat.stopped == "flat"
    assert flat.point == pytest.approx({"x": 3, "y": 0}, abs=1e-7)
    target = cg.descend(bowl, {"x": 0, "y": 1}, rate=0.25, target=0.01)
    assert target.stopped == "target"
    assert target.value <= 0.01 < target.values[-2]
    assert cg.descend(bowl, {"x": 3, "y": 0}).steps == 0
    for text, start in (("x^4", 50), ("log(x)", 0.01), ("1/x", 0)):
        lost = cg.descend(cg.parse_expression(text), {"x": start}, rate=1)
        assert lost.stopped == "diverged", text
        assert "smaller rate" in str(lost)
    lower = cg.descend(cg.parse_expression("x^2 - 4000*x"), {"x": 0}, rate=0.25)
    assert lower.stopped == "flat"  # a value far below the first is no divergence
    assert lower.value == pytest.approx(-4e6)
    kept = cg.descend(cg.parse_expression("sqrt(x)"), {"x": 0.25}, rate=0.25)
    assert kept.value == math.sqrt(kept.point["x"])
    back = cg.descend(cg.parse_expression("x^4"), {"x": 50}, rate=1)
    assert back.point == {"x": 50}  # the least that it met, not where it was thrown


def test_only_what_is_asked_changes():
    bowl = cg.parse_expression("(x - a)^2 + y^2")
    found = cg.descend(bowl, {"a": 5, "y": 2}, wrt="x", rate=0.5, seed=1)
    assert found.point["y"] == 2
    assert found.point["a"] == 5
    assert found.point["x"] == pytest.approx(5)
    again = cg.descend(bowl, {"a": 5, "y": 2}, wrt="x", rate=0.5, seed=1)
    assert again == found
    other = cg.descend(bowl, {"a": 5, "y": 2}, wrt="x", rate=0.5, seed=2)
    assert other.values[0] != found.values[0]
    assert found.steps == 1
    with pytest.raises(cg.CircuitError, match="'a', which stays"):
        cg.descend(bowl, {"y": 2}, wrt="x")
    with pytest.raises(cg.CircuitError, match="no input 'z'"):
        cg.descend(bowl, {"z": 2})


@pytest.mark.parametrize(
    "options",
    [{"rate": 0}, {"rate": -1}, {"steps": -1}, {"momentum": 1}, {"tolerance": -1},
     {"rate": math.nan}, {"rate": math.inf}, {"seed": -1}],
    ids=str,
)  # fmt: skip
def test_numbers_out_of_range(options):
    with pytest.raises(cg.CircuitError, match="it should be"):
        cg.descend(cg.parse_expression("x^2"), {"x": 1}, **options)


def test_a_line_search_needs_no_rate():
    """Rosenbrock's valley: at any fixed rate it crawls."""
    pytest.importorskip("scipy")
    valley = cg.parse_expression("100*(y - x^2)^2 + (1 - x)^2")
    found = cg.descend(
        valley, {"x": -1.2, "y": 1}, line_search=True, steps=20_000, tolerance=1e-6
    )
    assert found.stopped in ("flat", "stuck")
    assert found.point == pytest.approx({"x": 1, "y": 1}, abs=1e-3)
    assert all(after <= before for before, after in pairwise(found.values))


def outputs(weights, rows, layers):
    """Compute the logit of each row, by NumPy."""
    found = []
    for row in rows:
        a = np.array(row[: layers[0]], dtype=float)
        for layer, (below, above) in enumerate(pairwise(layers), 1):
            w = np.array([
                [weights[f"w{layer}_{i}_{j}"] for j in range(1, below + 1)]
                for i in range(1, above + 1)
            ])  # fmt: skip
            a = w @ a + [weights[f"b{layer}_{i}"] for i in range(1, above + 1)]
            if layer < len(layers) - 1:
                a = np.tanh(a)
        found.append(a[0])
    return np.array(found)


def test_the_perceptron_of_the_notes_is_trained():
    """After it, all four students are told apart."""
    start = dict.fromkeys(["w0", "w1", "w2", "w3"], 0)
    found = cg.descend(example("perceptron"), start, rate=0.001, steps=3000)
    assert found.value < 0.01
    w = found.point
    for *x, passed in DATA["students"]:
        score = w["w0"] + sum(w[f"w{i}"] * v for i, v in enumerate(x, 1))
        assert (score > 0) == bool(passed)


@pytest.mark.parametrize(
    ("data", "hidden", "rate", "steps"),
    [("xor", 3, 0.3, 2000), ("spirals", 16, 0.02, 3000)],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_of_two_layers_learns(data, hidden, rate, steps, seed):
    layers = (2, hidden, 1)
    c = network(layers, data=data, loss="cross-entropy")
    found = cg.descend(c, rate=rate, steps=steps, momentum=0.9, seed=seed)
    logits = outputs(found.point, DATA[data], layers)
    targets = np.array([row[-1] for row in DATA[data]])
    assert ((logits > 0) == targets).all()


def test_descent_at_a_shell(run):
    status, out, err = run("descend", "-e", "(x - 3)^2", "x=0", "--rate", "0.25")
    assert status == 0
    assert out.startswith("x = 2.99999")
    assert "f: 9 to" in err
    start = ("w0=0", "w1=0", "w2=0", "w3=0", "--rate", "0.001")
    words = ("descend", EXAMPLES / "perceptron.cg", *start, "--steps", "3", "--json")
    status, out, _ = run(*words)
    assert status == 0
    assert len(json.loads(out)["values"]) == 4
    words = ("descend", "-e", "(x - 3)^2", "x=0", "--rate", "0.25", "--plot", "f.svg")
    assert run(*words)[0] == 0
    assert Path("f.svg").read_text().startswith("<svg ")
    below = ("descend", "-e", "x^2 - 9", "x=1", "--plot", "g.svg")
    status, _, err = run(*below)
    assert status == 2
    assert "no value of f is above 0" in err
    assert not Path("g.svg").exists()
    assert run("descend", "-e", "x^4", "x=50", "--rate", "1")[0] == 1
    assert run("descend", "-e", "x^4", "x=50", "--rate", "0")[0] == 2
    assert run("descend", "-e", "x^4", "y=50")[0] == 2
    assert run("descend", "-e", "x^4", "x=1", "--momentum", "1")[0] == 2
    assert run("descend", "-e", "x^4", "x=1", "--plot", "f.bogus")[0] == 2
    assert run("descend", "-e", "x^4", "x=1e400")[0] == 2
    status, out, _ = run("descend", "-e", "exp(x)", "x=1000", "--json")
    assert (status, json.loads(out)["values"]) == (1, [None])
