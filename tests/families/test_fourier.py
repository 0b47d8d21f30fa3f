"""Fourier transforms: counts, and values beside direct sums."""

from __future__ import annotations

import random
from fractions import Fraction
from math import gcd

import flint
import numpy as np
import pytest
import sympy
from counting import rational_point, require_counts, require_gradient_and_text

import circuitgrad as cg
from circuitgrad.families import FAMILIES, dft, fft

POWERS = [1, 2, 4, 8, 32]
EVERY = [(dft, n) for n in (1, 2, 3, 5, 6, 8, 12)] + [(fft, n) for n in POWERS]
OF = [pytest.param(make, n, id=f"{make.__name__}-{n}") for make, n in EVERY]


def residues(circuit, prime, x):
    found = cg.evaluate(circuit, {f"x{i}": v for i, v in enumerate(x, start=1)})
    return [int(v) % prime for v in found.values()]


def least_prime(n):
    return next(p for p in range(n + 1, 10**6, n) if sympy.isprime(p))


@pytest.mark.parametrize(("make", "n"), OF)
@pytest.mark.parametrize("given", [False, True])
def test_transforms_modulo_a_prime(make, n, given):
    prime = {3: 7681, 5: 7681, 6: 7681, 12: 7681}.get(n, 998244353) if given else None
    c = make(n, prime=prime)
    prime = prime or least_prime(n)
    x = [random.Random(n).randrange(prime) for _ in range(n)]
    roots = residues(c, prime, [0, 1, *[0] * (n - 2)]) if n > 1 else [1]
    w = roots[1 % n]
    assert len({pow(w, j, prime) for j in range(n)}) == n  # of order n
    assert pow(w, n, prime) == 1
    polynomial = flint.nmod_poly(x, prime)
    expected = [int(polynomial(pow(w, k, prime))) for k in range(n)]
    assert residues(c, prime, x) == expected
    # what interpolates: back through the transform, in reverse order, times 1/n
    back = residues(c, prime, expected)
    again = [v * pow(n, -1, prime) % prime for v in [back[0], *back[:0:-1]]]
    assert again == x


@pytest.mark.parametrize(("make", "n"), OF)
def test_transforms_with_symbols(make, n):
    """With powers of 3 modulo 7681, and as sums of products of inputs."""
    c = make(n, "symbolic")
    highest = n - 1 if make is dft else n // 2 - 1
    symbols = [name for name in c.inputs if name[0] == "w"]
    assert symbols == [f"w{i}" for i in range(1, highest + 1)]
    if make is dft:
        point = rational_point(c)
        w = [1] + [point[name] for name in symbols]
        expected = [
            sum(point[f"x{j + 1}"] * w[j * k % n] for j in range(n)) for k in range(n)
        ]
        assert list(cg.evaluate(c, point).values()) == expected
        return
    prime = 7681  # 1 + 15*512, in which 17 generates
    w = pow(17, (prime - 1) // n, prime)
    x = [random.Random(n).randrange(prime) for _ in range(n)]
    point = {f"x{i}": v for i, v in enumerate(x, start=1)}
    point |= {f"w{i}": pow(w, i, prime) for i in range(1, highest + 1)}
    found = [int(v) % prime for v in cg.evaluate(c, point).values()]
    assert found == [
        sum(v * pow(w, j * k, prime) for j, v in enumerate(x)) % prime for k in range(n)
    ]


@pytest.mark.parametrize(("make", "n"), [*OF, pytest.param(fft, 256, id="fft-256")])
def test_transforms_of_complex_numbers(make, n):
    c = make(n, "exact")
    draw = np.random.default_rng(n)
    x = draw.normal(size=n) + 1j * draw.normal(size=n)
    point = {}
    for i, value in enumerate(x, start=1):
        point |= {f"x{i}_re": value.real, f"x{i}_im": value.imag}
    assert list(point) == list(c.inputs)
    found = np.array(list(cg.evaluate(c, point).values())).reshape(n, 2)
    assert np.allclose(found @ [1, 1j], np.fft.fft(x), rtol=0, atol=1e-13 * n)


@pytest.mark.parametrize(
    ("make", "n"), [(dft, 1), (dft, 3), (dft, 8), (fft, 2), (fft, 4), (fft, 8)]
)
def test_transforms_are_exact(make, n):
    """Not rounded: each output is sympy's sum of roots of unity."""
    c = make(n, "exact")
    names = [f"x{i}" for i in range(1, n + 1)]
    parts = [
        [sympy.Symbol(f"{x}_{part}", real=True) for part in ("re", "im")] for x in names
    ]
    formulas = c.to_sympy()
    for k in range(n):
        roots = [
            sympy.exp(-2 * sympy.pi * sympy.I * j * k / n).expand(complex=True)
            for j in range(n)
        ]
        whole = sum(
            (re + sympy.I * im) * w for (re, im), w in zip(parts, roots, strict=True)
        )
        found = formulas[f"y{k + 1}_re"] + sympy.I * formulas[f"y{k + 1}_im"]
        assert sympy.simplify(sympy.expand(whole - found)) == 0


def test_four_values_take_no_products():
    c = fft(4, "exact")
    point = rational_point(c)
    x = [[point[f"x{i}_re"], point[f"x{i}_im"]] for i in range(1, 5)]
    turns = [(1, 0), (0, -1), (-1, 0), (0, 1)]  # powers of -i
    found = cg.evaluate(c, point)
    for k in range(4):
        w = [turns[j * k % 4] for j in range(4)]
        assert found[f"y{k + 1}_re"] == sum(
            re * a - im * b for (re, im), (a, b) in zip(x, w, strict=True)
        )
        assert found[f"y{k + 1}_im"] == sum(
            re * b + im * a for (re, im), (a, b) in zip(x, w, strict=True)
        )
    assert isinstance(found["y1_re"], Fraction)


@pytest.mark.parametrize("m", range(8))
def test_fft_counts(m):
    n = 2**m
    products = n * m // 2 - n + 1
    c = fft(n)
    require_counts(c, scalar=products, additions=n * m)
    assert c.depth == max(2 * m - 1, 0)
    assert c.columns.fan_in.max() <= 2
    c = fft(n, "symbolic")
    require_counts(c, multiplications=products, additions=n * m)
    assert c.depth == max(2 * m - 1, 0)
    c = fft(n, "exact")
    general = max(n * (m - 1) // 2 - n + 2, 0) if m else 0
    eighths = n // 2 - 2 if m > 2 else 0
    require_counts(
        c,
        scalar=4 * (general - eighths) + 2 * eighths,
        additions=2 * n * m + 2 * general,
    )
    assert c.depth == (3 * m - 4 if m > 1 else m)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 12, 31])
def test_dft_counts(n):
    ones = sum(gcd(j, n) for j in range(1, n + 1))
    minus = sum(2 * (j * k % n) == n for j in range(n) for k in range(n))
    c = dft(n)
    require_counts(c, scalar=n * n - ones - minus, additions=n * (n - 1))
    assert (c.size, c.depth) == ((n, 1) if n > 1 else (0, 0))
    c = dft(n, "symbolic")
    require_counts(c, multiplications=n * n - ones, additions=n * (n - 1))
    assert c.depth == (2 if n > 1 else 0)
    if n > 2 and sympy.isprime(n):
        assert n * n - ones == (n - 1) ** 2
        require_counts(
            dft(n, "exact"),
            scalar=4 * (n - 1) ** 2,
            additions=2 * (n - 1) * (2 * n - 1),
        )


@pytest.mark.parametrize("twiddles", ["mod", "symbolic", "exact"])
@pytest.mark.parametrize("name", ["dft", "fft"])
def test_gradients_and_text(name, twiddles):
    for n in (1, 2, 8):
        require_gradient_and_text(FAMILIES[name](n, twiddles))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fft", "-n", "6"], "fft needs a power of 2, such as 4 or 8"),
        (["dft", "-n", "6", "--prime", "11"], "the least prime that will do is 7"),
        (["dft", "-n", "2", "--prime", "15"], "prime is 15: not a prime"),
        (["dft", "-n", "2", "--prime", "1"], "at least 2"),
        (["fft", "-n", "4", "--twiddles", "exact", "--prime", "5"], "goes with"),
        (["fft", "-n", "4", "--twiddles", "real"], "there are: mod, symbolic, exact"),
    ],
)
def test_nonsense_is_refused(run, words, message):
    status, out, err = run("family", *words)
    assert (status, out) == (2, "")
    assert message in err
