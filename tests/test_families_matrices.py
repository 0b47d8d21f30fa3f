"""Circuits of linear algebra: published counts, values against other computations."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import inverses
import numpy as np
import pytest
from conftest import ROOT
from flint import fmpq, fmpq_mat

import circuitgrad as cg
from circuitgrad.families import (
    FAMILIES,
    cholesky,
    det_bareiss,
    det_berkowitz,
    det_clow,
    det_faddeev,
    det_gauss,
    imm,
    inv_det,
    inv_gauss,
    inv_strassen,
    inverse_from_determinant,
    lu,
    matmul,
    matmul_strassen,
    matmul_winograd,
)
from circuitgrad.families.registry import PARAMETERS
from circuitgrad.operations import Operations, operations

DETERMINANTS = {name: FAMILIES[f"det-{name}"] for name in PARAMETERS["det"].choices}
FAST = {"strassen": matmul_strassen, "winograd": matmul_winograd}
MINE = ("cholesky", "det-", "imm", "inv-", "lu", "matmul")


def squares(n):
    """Give 1 + 4 + ... + (n - 1)²."""
    return n * (n - 1) * (2 * n - 1) // 6


def counts(multiplications, divisions, additions, scalar=0, other=0):
    return Operations(multiplications, divisions, additions, scalar, other)


# ------------------------------------------------------------------ points and values


def rationals(rows, columns, seed=0):
    """Draw a matrix of small fractions."""
    source = random.Random(seed)
    return [
        [
            Fraction(source.randint(-9, 9) or 1, source.randint(1, 5))
            for _ in range(columns)
        ]
        for _ in range(rows)
    ]


def point(matrix, name="x"):
    return {
        f"{name}{i}_{j}": entry
        for i, row in enumerate(matrix, start=1)
        for j, entry in enumerate(row, start=1)
    }


def to_flint(matrix):
    rows = [[fmpq(e.numerator, e.denominator) for e in row] for row in matrix]
    return fmpq_mat(len(rows), len(rows[0]), [entry for row in rows for entry in row])


def fraction(value):
    return Fraction(int(value.p), int(value.q))


def of_flint(matrix):
    return [[fraction(e) for e in row] for row in matrix.tolist()]


def certified(circuit):
    """Tell whether all derivatives of all outputs pass their check."""
    return cg.check_gradient(circuit, cg.jacobian(circuit)).passed


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


@pytest.mark.parametrize("n", range(2, 9))
def test_gauss_and_its_gradient_count_as_published(n):
    """The n² divisions of the inverse come after them."""
    found = operations(inverse_from_determinant(det_gauss(n)))
    assert found.multiplications == n**3 - n**2 + 3 * n - 5
    assert found.divisions - n * n == n * (n - 1)
    assert found.additions == n * (n - 1) ** 2


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


# ------------------------------------------------------------------ inverses


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


# ------------------------------------------------------------------ every family


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith(MINE)])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_gradients_are_right_and_text_comes_back(name, n):
    c = FAMILIES[name](n)
    assert cg.parse(str(c)) == c
    assert c.name == name.replace("-", "_")
    assert certified(c)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name.startswith(MINE)])
def test_huge_sizes_are_refused_at_once(name):
    for n in (10**5, 10**40):
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
