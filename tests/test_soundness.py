"""Wrong gradients that were once taken for right: none passes at any level."""

from __future__ import annotations

import pytest

import circuitgrad as cg
from circuitgrad.check import check_gradient

CHAIN = """\
h1 = relu(2*x + 3*y)
h2 = relu(2*h1 + 2*y)
h3 = relu(2*h2 + 3*y)
h4 = relu(2*h3 + 4*y)
h5 = relu(2*h4 + 5*y)
f = relu(2*h5 + 6*y)"""

# the source, a wrong output (or more, of which the first is wrong)
WRONG = [
    # the order of the reals is not that of the field: 3 is no square there
    ("f = relu(3*x)", "df_dx = 3*step(-x)"),
    ("f = abs(3*x)", "f = -3*abs(x)"),
    ("f = abs(3*x)", "df_dx = -3*sign(x)"),
    ("f = max(3*x, 3*y)", "df_dx = 3*step(y - x)"),
    ("f = x*step(3)*exp(x)", "df_dx = 0*exp(x)"),
    ("f = x*abs(3)*exp(x)", "df_dx = -3*exp(x)*(1 + x)"),
    # roots that the field has not, or has with another sign
    ("f = x^(1/3)", "df_dx = 1/3*x^(-2/5)"),
    ("f = x^(1/6)", "f = x^(1/3)"),
    ("f = x^(1/6)", "df_dx = 1/6*x^(-5/3)"),
    ("f = sqrt(9*x)", "df_dx = -3/2/sqrt(x)"),
    ("f = (9*x)^(1/2)", "df_dx = -3/2*x^(-1/2)"),
    ("f = x*sqrt(9)*exp(x)", "df_dx = -3*exp(x)*(1 + x)"),
    ("f = sqrt(-x)", "df_dx = -1/2/sqrt(x)"),
    ("f = sqrt(-x)", "f = sqrt(x)"),
    # inverse functions have branches, too
    ("f = sqrt(x^2)", "df_dx = sum(1)"),
    ("f = acos(cos(x))", "df_dx = sum(1)"),
    # laws that no function has
    ("f = atan(x)*atan(y)", "f = atan(x*y)*atan(1)"),
    ("f = erf(x)*erf(y)", "f = erf(x*y)*erf(1)"),
    (
        "f = sin(x)/(1 + cos(x))*sin(y)/(1 + cos(y))",
        "f = sin(x*y)/(1 + cos(x*y))*sin(1)/(1 + cos(1))",
    ),
    ("a = x^2\nf = atan(a)*x", "a = x^2\ndf_dx = atan(x)^2/atan(1) + 2*a/(1 + a^2)"),
    # an exponent that is computed
    ("h = inv(2)\nf = x^h", "df_dx = 1/2/x"),
    # a divisor that is zero by what a root is
    (
        "f = exp(x)*x",
        "r = sqrt(x)\na = r + 1\nb = r - 1\nm = a*b\nd = m - x + 1\np = x + 1\n"
        "q = x - 1\nn = p*q\nk = n - x^2 + 1\nw = k/d\ndf_dx = 42*x + w",
    ),
    # no real value anywhere, or on half of the domain
    ("f = x", "df_dx = sqrt(-1 - x^2)^2/(-1 - x^2)"),
    ("f = x", "df_dx = exp(log(-1 - x^2))/(-1 - x^2)"),
    ("f = x", "df_dx = sin(asin(x^2 + 2))/(x^2 + 2)"),
    ("f = x", "df_dx = sqrt(x)^2/x"),
    (
        "f = x^2",
        "a = x - y\nb = y - x\nc = sum(a, b)\ndf_dx = 2*x + inv(inv(c))",
    ),
    ("f = x*y", "l = log(-1 - x^2)\ndf_dx = y + l - l"),
    ("f = abs(x)", "df_dx = sqrt(x)/sqrt(x)"),
    # other outputs pin the points
    ("f = abs(x)\ng = log(x)", "df_dx = sum(1)\ndg_dx = 1/x"),
    ("f = relu(x)\ng = sqrt(-x)", "df_dx = sum(0)\ndg_dx = -1/2/sqrt(-x)"),
    # a partial that is 0 beside one that is not
    (
        "f = -1/2*cos(2*x) + 1e-100*y^2",
        "df_dy = sum(0)\ndf_dx = 2*sin(x)*cos(x)",
    ),
    # a branch that few points of the field meet
    (CHAIN, f"{CHAIN.replace('f =', 'g =')}\ns = 64*step(g)\ndf_dx = 3*s"),
]


def circuits(source, emitted):
    found = []
    for lines, given in ((source, ("f", "g")), (emitted, ())):
        names = [line.split(" = ")[0] for line in lines.split("\n")]
        outputs = [n for n in names if n in given or n[:3] in ("df_", "dg_")]
        outputs = outputs or [names[-1]]
        text = f"input x, y\n{lines}\noutput {', '.join(outputs)}\n"
        found.append(cg.parse(text))
    return found


@pytest.mark.parametrize("options", [{}, {"one_by_one": True}, {"prime": 521}], ids=str)
@pytest.mark.parametrize(("source", "emitted"), WRONG, ids=lambda text: text[-40:])
def test_what_is_wrong_does_not_pass(source, emitted, options):
    circuit, wrong = circuits(source, emitted)
    for seed in range(3):
        report = check_gradient(circuit, wrong, seed=seed, **options)
        first = report.verdicts[0]
        assert first.level in ("failed", "undecided"), first


RIGHT = [
    ("f = x*y + y^99", "a = 2305843009213693951*y\ndf_dx = y*a/a"),
    # one that has no value leaves the others alone
    ("f = -1/2*cos(2*x)\ng = 3*cos(2*x)", "df_dx = sin(2*x)\ndg_dx = 7*log(-1 - x^2)"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "emitted"), RIGHT, ids=lambda text: text[-40:])
def test_what_is_right_passes(source, emitted):
    circuit, right = circuits(source, emitted)
    report = check_gradient(circuit, right)
    assert report.verdicts[0].level in ("proved", "certified", "sampled")


def test_right_gradients_of_the_same_sources_pass():
    for source, _ in WRONG:
        if "-3" not in source:
            circuit, _ = circuits(source, "df_dx = x")
            gradient = cg.jacobian(circuit, of="f", all=True, value=True)
            report = check_gradient(circuit, gradient)
            assert not report.failed, (source, report)


# ------------------------------------------------------------------ time and memory


def test_small_files_take_little_time_to_check():
    """Long coefficients, many functions, and roots of long numbers took minutes."""
    numbers = [str(7 * 10**89 + 13 * k) for k in range(1, 5)]
    sources = [
        "p = {}*x + {}*y + {}*z + {}\nq = p^26\nf = q*q".format(*numbers),
        "f = " + " + ".join(f"exp({k}*x)" for k in range(1, 400)),
        "f = max(x, sqrt(" + "7" * 3000 + "))",
    ]
    for source in sources:
        circuit = cg.parse(f"input x, y, z\n{source}\noutput f\n")
        assert not check_gradient(circuit, cg.gradient(circuit)).failed
