"""Circuits of the literature: counts as published, values as others compute them."""

from __future__ import annotations

import json

import pytest

import circuitgrad as cg
from circuitgrad.families import FAMILIES, det_gauss
from circuitgrad.operations import Operations, operations


def test_operations_are_of_the_binary_model():
    text = "2*x - y + x/5 + x^5/(y*x*7) + sin(x) + sqrt(2)*x + 1/x + 3"
    assert operations(cg.parse_expression(text)) == Operations(
        multiplications=4, divisions=2, additions=7, scalar=4, other=1
    )


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_det_gauss(n):
    c = det_gauss(n)
    assert operations(c) == Operations(
        multiplications=(n - 1) * (2 * n * n - n + 6) // 6,
        divisions=n * (n - 1) // 2,
        additions=n * (n - 1) * (2 * n - 1) // 6,
        scalar=0,
        other=0,
    )
    assert c.depth == (3 * n - 2 if n > 1 else 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_refuses_nonsense(name):
    family = FAMILIES[name]
    if "n" not in family.parameters:
        return
    for wrong, words in ((0, "at least"), (-1, "at least"), (2.5, "not a whole")):
        with pytest.raises(cg.CircuitError, match=words):
            family(n=wrong)
    with pytest.raises((cg.LimitError, cg.CircuitError)):
        family(n=10**9)
    with pytest.raises((cg.LimitError, cg.CircuitError)):
        family(n=10**400)  # more gates than a float holds


def test_families_at_a_shell(run):
    status, out, _ = run("family", "--list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(FAMILIES)
    status, out, _ = run("family", "det-gauss", "-n", "2", "-t", "json")
    assert json.loads(out)["graph"]["name"] == "det_gauss"
    for words, message in (
        (["det-gauss"], "det-gauss needs -n"),
        (["det-gauss", "-n", "x"], "not a whole number"),
        (["det-gauss", "-n", "2", "-k", "2"], "takes -n, not -k"),
        (["det"], "no family 'det'"),
        (["det-gauss", "-n", "0"], "at least 1"),
    ):
        status, out, err = run("family", *words)
        assert (status, out) == (2, "")
        assert message in err
    assert run("family", "det-gauss", "-n", "99999")[0] == 4
