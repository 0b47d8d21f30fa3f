"""How families grow: counts, exponents, and the chart of them."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.families import det_gauss
from circuitgrad.families.growth import differences, grow, slope
from circuitgrad.figures.chart import Panel, Series, chart
from circuitgrad.figures.growth import draw_growth, growth_scene
from circuitgrad.figures.scene import Label


@settings(max_examples=150, deadline=None)
@given(circuits())
def test_differences_are_counted_as_they_are_emitted(circuit):
    circuit = cg.dce(circuit)
    stats = cg.dce(cg.finite_differences(circuit)).stats()
    found = differences(circuit)
    assert found.depth == stats.depth
    assert found.ops == stats.ops
    assert (found.size, found.wires) == (stats.size, stats.wires)


def test_counts_are_those_of_the_literal_circuits():
    growth = grow("det-gauss", det_gauss, [4, 2, 4])
    assert [row.n for row in growth.rows] == [2, 4]
    row = growth.rows[1]
    assert row.inputs == 16
    for name, pipeline in (
        ("BP", "bp,dce"),
        ("FP", "fp,dce"),
        ("differences", "fd,dce"),
    ):
        stats = cg.run(det_gauss(4), pipeline).stats()
        counts = row.counts[name]
        assert (counts.size, counts.ops) == (stats.size, stats.ops)
        assert counts.depth == stats.depth


def test_exponents_are_slopes_over_the_upper_half():
    assert slope([(n, 7 * n**3) for n in (2, 4, 8, 16)]) == pytest.approx(3)
    assert slope([(1, 99), (2, 1), (4, 1), (8, 2)]) == pytest.approx(1)
    assert slope([(2, 5)]) is None
    assert str(slope([(n, 5) for n in range(2, 11)])) == "0.0"
    growth = grow("det-gauss", det_gauss, range(2, 15))
    found = {name: growth.exponent("size", name) for name in ("C", "BP", "FP")}
    assert found["C"] == pytest.approx(3, abs=0.15)
    assert found["BP"] == pytest.approx(3, abs=0.15)  # O(n + s + w), n inputs
    assert found["FP"] > 4.5  # n^2 inputs, n^3 wires


def test_what_is_too_large_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr("circuitgrad.families.growth.MAX_WIRES", 200)
    monkeypatch.setattr("circuitgrad.families.growth.MAX_FORWARD", 1000)
    growth = grow("det-gauss", det_gauss, range(2, 9))
    assert [row.n for row in growth.rows] == [2, 3, 4, 5]
    assert ["FP" in row.counts for row in growth.rows] == [True, True, False, False]
    assert growth.notes[0].startswith("left out from n = 6: C has 260 wires")
    assert growth.notes[1].startswith("FP left out from n = 4")
    assert growth.table("size")[1][-2][4] == "-"


def test_sizes_that_a_family_lacks_are_left_out():
    def even(n):
        if n % 2:
            raise cg.CircuitError("n is odd")
        return det_gauss(n)

    growth = grow("even", even, range(1, 5))
    assert [row.n for row in growth.rows] == [2, 4]
    assert growth.notes == ["left out: n = 1: n is odd", "left out: n = 3: n is odd"]


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "tex"])
@pytest.mark.parametrize("theme", ["light", "dark", "bw"])
def test_growth_is_drawn_in_every_format(run, tmp_path, ending, theme):
    file = f"out.{ending}"
    words = ("growth", "det-gauss", "--sizes", "2:4", "--plot", file, "--theme", theme)
    status, _out, err = run(*words)
    assert (status, err) == (0, "")
    first = (tmp_path / file).read_bytes()
    assert len(first) > 1000
    run(*words)
    assert (tmp_path / file).read_bytes() == first


def test_a_chart_has_lines_without_heads_and_labels_apart():
    growth = grow("det-gauss", det_gauss, range(2, 6))
    svg = draw_growth(growth).data.decode()
    assert svg.count('class="wire series"') == 3 * 4
    assert "<polygon" not in svg
    scene = growth_scene(growth)
    for panel in range(3):
        ends = [scene.nodes[f"t{panel}_{number}"].place.y for number in range(4)]
        ends.sort()
        assert all(b - a > 13.9 for a, b in itertools.pairwise(ends))


def test_charts_of_one_point_and_of_equal_values():
    label = Label("C", "C")
    one = chart([Panel("t", "n", [Series(label, "gate", [(3, 5)])])], "one")
    assert "m0_0_0" in one.nodes
    flat = chart([Panel("t", "n", [Series(label, "gate", [(1, 5), (9, 5)])])], "flat")
    assert len({y for _, y in flat.wires["s0_0"].curve}) == 1


def test_growth_at_a_shell(run):
    status, out, err = run("growth", "det-gauss", "--sizes", "2,3,5")
    assert (status, err) == (0, "")
    assert re.search(r"^n = 5 +25 +74 ", out, re.M)
    assert "BP has" in out
    data = json.loads(run("growth", "det-gauss", "--sizes", "2:6:2", "--json")[1])
    assert [row["n"] for row in data["sizes"]] == [2, 4, 6]
    assert data["exponents"]["size"]["FP"] > data["exponents"]["size"]["BP"]
    for words, message in (
        (["det", "--sizes", "2:3"], "no family 'det'"),
        (["det-gauss"], "--sizes"),
        (["det-gauss", "--sizes", "2"], None),
        (["det-gauss", "--sizes", "x"], "such as 2:40"),
        (["det-gauss", "--sizes", "2,3:4"], "such as 2:40"),
        (["det-gauss", "--sizes", "2:9:0"], "such as 2:40"),
        (["det-gauss", "--sizes", "0:3"], "from 1 on"),
        (["det-gauss", "--sizes", "1:9999"], "200 sizes"),
        (["det-gauss", "--sizes", "3:2"], "sizes, from 1 on"),
        (["det-gauss", "--sizes", "2:3", "-n", "4"], "--sizes says"),
        (["det-gauss", "--sizes", "2:3", "-k", "4"], "takes -n, not -k"),
        (["det-gauss", "--sizes", "2:3", "--plot", "x.gif"], "no figure format"),
    ):
        status, _, err = run("growth", *words)
        assert (status, message or "") == (2 if message else 0, message or "")
        assert message is None or message in err
