"""Inverses of matrices, and what they cost made of determinants."""

from __future__ import annotations

import time
from fractions import Fraction

import inverses
import numpy as np
import pytest
from conftest import ROOT
from matrices import counts, of_flint, point, rationals, to_flint

import circuitgrad as cg
from circuitgrad.families import (
    FAMILIES,
    det_gauss,
    inv_det,
    inv_gauss,
    inv_strassen,
    inverse_from_determinant,
)
from circuitgrad.families.registry import PARAMETERS
from circuitgrad.operations import operations

DETERMINANTS = {name: FAMILIES[f"det-{name}"] for name in PARAMETERS["det"].choices}


@pytest.mark.parametrize("n", range(2, 9))
def test_gauss_and_its_gradient_count_as_published(n):
    """The n² divisions of the inverse come after them.

    The published circuit divides once by each pivot on the way back: that is what
    shared products make of the literal gradient.
    """
    literal = "fold,fuse,cse,dce,share_products{products=single}"
    found = operations(inverse_from_determinant(det_gauss(n), pipeline=literal))
    assert found.multiplications == n**3 - n**2 + 3 * n - 5
    assert found.divisions - n * n == n * (n - 1)
    assert found.additions == n * (n - 1) ** 2


@pytest.mark.parametrize("n", range(1, 8))
def test_inv_gauss_counts(n):
    c = inv_gauss(n)
    assert operations(c) == counts(n * n * (n - 1), n * n, n * (n - 1) ** 2)
    assert c.depth == (3 * n if n > 1 else 1)


@pytest.mark.parametrize("k", range(5))
def test_inv_strassen_counts(k):
    c = inv_strassen(2**k)
    products = 6 * (7**k - 2**k) // 5
    assert operations(c) == counts(products, 2**k, 6 * products - 17 * (4**k - 2**k))
    assert c.depth == 23 * 2**k - 16 * k - 22


@pytest.mark.parametrize(
    "invert",
    [
        inv_gauss,
        inv_strassen,
        *(lambda n, det=det: inv_det(n, det) for det in DETERMINANTS),
    ],
    ids=["gauss", "strassen", *(f"det-{name}" for name in DETERMINANTS)],
)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_inverses(invert, n):
    c = invert(n)
    x = rationals(n, n, n + 1)
    found = cg.evaluate(c, point(x), exact=True)
    assert found == point(of_flint(to_flint(x).inv()), "y")
    assert list(c.output_names) == list(found)
    assert c.size == len(c.columns) - c.columns.sources


@pytest.mark.parametrize("name", DETERMINANTS)
@pytest.mark.parametrize("n", range(2, 8))
def test_an_inverse_costs_three_determinants_and_divisions(name, n):
    """Baur and Strassen: 3 times the nonscalar operations, 4 times all."""
    c = DETERMINANTS[name](n)
    one, all_ = (
        operations(c),
        operations(cg.run(inverse_from_determinant(c), "binarize")),
    )
    assert all_.nonscalar - n * n <= 3 * one.nonscalar
    assert all_.total - n * n <= 4 * one.total


@pytest.mark.parametrize("name", DETERMINANTS)
def test_the_gradients_of_determinants_are_certified(name):
    c = DETERMINANTS[name](5)
    assert cg.check_gradient(c, cg.gradient(c, value=True)).passed


def test_an_inverse_of_a_hundred_rows():
    """A million gates, in less than a minute."""
    n = 100
    start = time.process_time()
    c = inv_det(n)
    assert time.process_time() - start < 60
    x = np.random.default_rng(0).uniform(-1, 1, (n, n)) + 10 * np.eye(n)
    found = cg.compile(c).points(x.reshape(1, -1))
    assert found.reshape(n, n) @ x == pytest.approx(np.eye(n), abs=1e-9)
    det = det_gauss(n)
    assert operations(c).nonscalar <= 3 * operations(det).nonscalar + n * n
    assert cg.check_gradient(det, cg.gradient(det, value=True)).passed


def test_any_determinant_in_any_order_of_inputs():
    formula = (
        "input x2_2, x1_1, x2_1, x1_2\ndelta = x1_1*x2_2 - x2_1*x1_2\noutput delta\n"
    )
    inverse = cg.inverse_from_determinant(cg.parse(formula), pipeline="tidy")
    assert cg.evaluate(inverse, x1_1=1, x1_2=2, x2_1=3, x2_2=4) == {
        "y1_1": -2,
        "y1_2": 1,
        "y2_1": Fraction(3, 2),
        "y2_2": Fraction(-1, 2),
    }


def test_a_determinant_may_not_use_an_entry():
    diagonal = cg.parse("input x1_1, x1_2, x2_1, x2_2\nd = x1_1*x2_2\noutput d\n")
    inverse = inverse_from_determinant(diagonal)
    assert list(cg.evaluate(inverse, x1_1=2, x1_2=7, x2_1=7, x2_2=4).values()) == [
        *(Fraction(1, 2), 0),
        *(0, Fraction(1, 4)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input x, y\nd = x*y\noutput d\n", "there are 2: x, y"),
        ("input x1_1, x2_1\nd = x1_1*x2_1\noutput d\n", "there are 2: x2_1"),
        (
            "input x1_1, x1_2, x2_1, x3_3\nd = x1_1*x3_3\noutput d\n",
            "there are 4: x3_3",
        ),
        ("input x1_1\nd = x1_1*x1_1\noutput d, e = x1_1\n", "one output, not several"),
        ("d = 3 + 1\noutput d\n", "there are 0: none"),
    ],
)
def test_what_is_no_determinant_of_a_matrix_is_refused(text, message):
    with pytest.raises(cg.CircuitError, match=message):
        inverse_from_determinant(cg.parse(text))


def test_the_table_of_the_docs_is_current():
    page = (ROOT / "docs" / "families.md").read_text()
    for line in inverses.markdown(range(2, 5)):
        assert line in page


def test_the_table_says_what_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["inverses.py", "--most", "2", "--large", "3"])
    assert inverses.main() == 0
    assert "By elimination at n = 3:" in capsys.readouterr().out
    adjugate = cg.parse(str(inv_det(2)).replace("y1_2 = ", "y1_2 = 1 + "))
    monkeypatch.setattr(cg, "inverse_from_determinant", lambda det: adjugate)
    assert inverses.main() == 1
    assert "no inverse at (0, 1)" in capsys.readouterr().err
    monkeypatch.undo()
    wrong = cg.gradient(det_gauss(2), value=True).with_outputs([("ddet_dx1_1", 0)])
    monkeypatch.setattr(cg, "gradient", lambda det, **options: wrong)
    with pytest.raises(inverses.WrongError):
        inverses.certify(det_gauss(2))
