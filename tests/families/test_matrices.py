"""Circuits of linear algebra: published counts, values against other computations."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from matrices import counts, fraction, of_flint, point, rationals, to_flint

import circuitgrad as cg
from circuitgrad.families import (
    FAMILIES,
    cholesky,
    det_bareiss,
    det_berkowitz,
    det_clow,
    det_faddeev,
    imm,
    inv_det,
    lu,
    matmul,
    matmul_strassen,
    matmul_winograd,
)
from circuitgrad.families.registry import PARAMETERS
from circuitgrad.operations import operations

DETERMINANTS = {name: FAMILIES[f"det-{name}"] for name in PARAMETERS["det"].choices}
FAST = {"strassen": matmul_strassen, "winograd": matmul_winograd}
MINE = ("cholesky", "det-", "imm", "inv-", "lu", "matmul")


def squares(n):
    """Give 1 + 4 + ... + (n - 1)²."""
    return n * (n - 1) * (2 * n - 1) // 6


# ------------------------------------------------------------------ products


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_matmul_counts(n):
    c = matmul(n)
    assert operations(c) == counts(n**3, 0, n**3 - n**2)
    assert c.depth == n


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    ("name", "sums", "levels"), [("strassen", 6, 4), ("winograd", 5, 5)]
)
def test_fast_products_count(name, sums, levels, k):
    c = FAST[name](2**k)
    assert operations(c) == counts(7**k, 0, sums * (7**k - 4**k))
    assert c.depth == levels * k + 1


@pytest.mark.parametrize("multiply", [matmul, matmul_strassen, matmul_winograd])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_products_of_matrices(multiply, n):
    c = multiply(n)
    a, b = rationals(n, n, 1), rationals(n, n, 2)
    expected = of_flint(to_flint(a) * to_flint(b))
    assert cg.evaluate(c, point(a, "a") | point(b, "b")) == point(expected, "c")
    assert c.size == len(c.columns) - c.columns.sources  # no gate is dead
    assert c.columns.sources == 2 * n * n  # and no zero is left of the padding


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("d", [2, 3, 4, 6])
def test_imm(n, d):
    c = imm(n, d)
    assert operations(c) == counts(
        n * n * (d - 2) + n, 0, (n * n - n) * (d - 2) + n - 1
    )
    assert c.depth == n * (d - 1)
    shapes = [(1, n), *[(n, n)] * (d - 2), (n, 1)]
    factors = [rationals(*shape, k) for k, shape in enumerate(shapes)]
    values, whole = {}, to_flint(factors[0])
    for k, factor in enumerate(factors, start=1):
        values |= point(factor, f"x{k}_")
        whole = whole if k == 1 else whole * to_flint(factor)
    assert cg.evaluate(c, values) == {"f": fraction(whole[0, 0])}


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_imm_and_its_gradient_count_as_published(n):
    both = cg.jacobian(imm(n, 4), value=True)
    assert operations(both) == counts(n * (6 * n + 1), 0, (n - 1) * (4 * n + 1))
    assert cg.run(both, "balance").depth <= imm(n, 4).depth == 3 * n
    assert imm(n) == imm(n, max(n, 2))


# ------------------------------------------------------------------ determinants


@pytest.mark.parametrize("n", range(1, 8))
def test_bareiss_counts(n):
    c = det_bareiss(n)
    divisions = (n - 2) * (n - 1) * (2 * n - 3) // 6
    assert operations(c) == counts(2 * squares(n), divisions, squares(n))
    assert c.depth == (3 * n - 4 if n > 1 else 0)


@pytest.mark.parametrize("n", range(1, 8))
def test_berkowitz_counts(n):
    """The depth is one less than with products by -1 in the place of weights."""
    c = det_berkowitz(n)
    assert operations(c) == counts(
        (n - 1) * (3 * n**3 - n**2 - 4 * n + 12) // 12,
        0,
        n * (n - 1) * (3 * n**2 - 5 * n + 4) // 12,
    )
    assert c.depth == n * n - n
    assert c.stats().multiplicative_depth == n - 1


@pytest.mark.parametrize("n", range(1, 8))
def test_faddeev_counts(n):
    c = det_faddeev(n)
    assert operations(c) == counts(
        n**2 * (n - 1) ** 2, 0, n * (n - 1) * (n**2 - 2 * n + 3), n - 1
    )
    assert c.depth == (n - 1) * (3 * n + 1)
    assert c.stats().multiplicative_depth == n - 1


CLOW_PRODUCTS = [2, 17, 72, 214, 507, 1029, 1874, 3152, 4989]
CLOW_SUMS = [1, 11, 60, 210, 562, 1248, 2432, 4310, 7110]


@pytest.mark.parametrize(
    ("n", "products", "sums"),
    list(zip(range(2, 11), CLOW_PRODUCTS, CLOW_SUMS, strict=True)),
)
def test_clow_counts(n, products, sums):
    c = det_clow(n)
    assert operations(c) == counts(products, 0, sums)
    assert c.depth == (n**3 - 3 * n**2 + 11 * n - 12) // 3
    assert c.stats().multiplicative_depth == n - 1
    if n >= 4:
        assert 6 * products == 4 * n**4 - 10 * n**3 - n**2 - 5 * n + 84
        assert 3 * sums == 4 * n**4 - 22 * n**3 + 29 * n**2 + 55 * n - 120


@pytest.mark.parametrize("name", DETERMINANTS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
def test_determinants(name, n):
    c = DETERMINANTS[name](n)
    x = rationals(n, n, n)
    assert cg.evaluate(c, point(x), exact=True) == {"det": fraction(to_flint(x).det())}
    assert c.size == len(c.columns) - c.columns.sources


@pytest.mark.parametrize("name", ["berkowitz", "faddeev", "clow"])
def test_without_divisions_a_leading_minor_may_vanish(name):
    x = [[0, 0, 2], [0, 3, 1], [5, 7, 11]]
    assert cg.evaluate(DETERMINANTS[name](3), point(x)) == {"det": -30}


def test_bareiss_stays_whole():
    source = random.Random(0)
    x = [[source.randint(-9, 9) for _ in range(6)] for _ in range(6)]
    c = det_bareiss(6)
    gates = range(c.columns.sources, len(c.columns))
    found = cg.evaluate(c.with_outputs([(f"v{v}", v) for v in gates]), point(x))
    assert all(value.denominator == 1 for value in found.values())


# ------------------------------------------------------------------ elimination


@pytest.mark.parametrize("n", range(1, 7))
def test_lu(n):
    c = lu(n)
    assert operations(c) == counts(squares(n), n * (n - 1) // 2, squares(n))
    assert c.depth == 3 * n - 3
    x = rationals(n, n, n)
    found = cg.evaluate(c, point(x), exact=True)
    lower = [
        [found.get(f"l{i}_{j}", Fraction(i == j)) for j in range(1, n + 1)]
        for i in range(1, n + 1)
    ]
    upper = [
        [found.get(f"u{i}_{j}", Fraction(0)) for j in range(1, n + 1)]
        for i in range(1, n + 1)
    ]
    assert len(found) == n * n
    assert of_flint(to_flint(lower) * to_flint(upper)) == x


@pytest.mark.parametrize("n", range(1, 7))
def test_cholesky(n):
    c = cholesky(n)
    products = n * (n - 1) * (n + 1) // 6
    assert operations(c) == counts(products, n * (n - 1) // 2, products, other=n)
    assert c.depth == 4 * n - 3
    names = [f"{i}_{j}" for i in range(1, n + 1) for j in range(1, i + 1)]
    assert list(c.inputs) == [f"x{name}" for name in names]
    assert list(c.output_names) == [f"l{name}" for name in names]
    square = np.array(rationals(n, n, n), dtype=float)
    positive = square @ square.T + np.eye(n)
    expected = np.linalg.cholesky(positive)
    given = {name: v for name, v in point(positive).items() if name in c.inputs}
    found = cg.evaluate(c, given)
    for name, value in point(expected.tolist(), "l").items():
        assert found.get(name, 0.0) == pytest.approx(value, abs=1e-9)


def test_cholesky_is_exact_where_its_roots_are():
    """The roots are replaced by inputs, at their rational values."""
    n = 4
    c = cholesky(n)
    lower = [
        [
            entry if j < i else Fraction(i + 1, 3) * (i == j)
            for j, entry in enumerate(row)
        ]
        for i, row in enumerate(rationals(n, n, 7))
    ]
    x = of_flint(to_flint(lower) * to_flint(lower).transpose())
    values = {name: v for name, v in point(x).items() if name in c.inputs}
    for i in range(n):
        root = f"l{i + 1}_{i + 1}"
        c = c.cut(root)
        values[root] = lower[i][i]
    found = cg.evaluate(c, values, exact=True)
    assert found == {
        name: v for name, v in point(lower, "l").items() if name in c.output_names
    }


# ------------------------------------------------------------------ every family


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith(MINE)])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_gradients_are_right_and_text_comes_back(name, n):
    c = FAMILIES[name](n)
    assert cg.parse(str(c)) == c
    assert c.name == name.replace("-", "_")
    assert cg.check_gradient(c, cg.jacobian(c)).passed


@pytest.mark.parametrize("n", [4, 5])
def test_cholesky_of_positive_matrices_is_certified(n):
    """Its points are drawn where there are roots: a large diagonal."""
    c = FAMILIES["cholesky"](n)
    ranges = {
        name: (20, 24) if name[1:].split("_")[0] == name.split("_")[1] else (-1, 1)
        for name in c.inputs
    }
    report = cg.check_gradient(c, cg.jacobian(c), ranges=ranges)
    assert set(report.counts) <= {"proved", "certified"}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith(MINE)])
def test_huge_sizes_are_refused_at_once(name):
    for n in (10**5, 10**40, 10**1000):
        with pytest.raises(cg.LimitError, match="gates"):
            FAMILIES[name](n)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith(MINE)])
@pytest.mark.parametrize("n", [5, 8])
def test_estimates_are_about_right(name, n):
    family = FAMILIES[name]
    given = {k: v for k, v in family.parameters.items() if k != "n"}
    assert family(n).size / 2 <= family.gates(n=n, **given) <= 12 * family(n).size


def test_parameters_at_a_shell(run):
    status, out, _ = run("family", "inv-det", "-n", "2", "--det", "clow")
    assert status == 0
    assert cg.parse(out) == inv_det(2, "clow")
    status, out, _ = run("family", "imm", "-n", "2", "-d", "3")
    assert cg.parse(out) == imm(2, 3)
    assert "at least 2" in run("family", "imm", "-n", "2", "-d", "1")[2]
    assert "there are: gauss" in run("family", "inv-det", "-n", "2", "--det", "x")[2]
