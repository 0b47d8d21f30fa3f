"""Discrete Fourier transforms: as a sum over all inputs, and as the butterfly.

y_(k+1) is the sum of the x_(j+1) w^(jk), where w is a root of unity of order n:

* ``twiddles="mod"``: a whole number that is one modulo a prime, for values that are
  taken modulo that prime;
* ``"symbolic"``: its powers are the inputs ``w1``, ``w2`` ..., whatever they are;
* ``"exact"``: exp(-2πi/n).  Inputs and outputs are complex, real part and imaginary
  part: ``x1_re``, ``x1_im`` ...; cosines that are not rational are gates of constants.
"""

from __future__ import annotations

from itertools import chain

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.families.joining import settled, total
from circuitgrad.families.registry import family
from circuitgrad.families.roots import Roots, roots_of_unity

__all__ = ["dft", "fft"]


def _exact(twiddles: str, times: int) -> int:
    """Say how many times as many gates there are, with numbers that are complex."""
    return times if twiddles == "exact" else 1


@family("dft", gates=lambda n, twiddles, prime: _exact(twiddles, 6) * n * n)
def dft(n: int, twiddles: str = "mod", prime: int | None = None) -> Circuit:
    """Discrete Fourier transform, each output as a sum over all inputs.

    mod: n sums, n(n-1) additions, a scalar product for each entry other than 1 and -1
    of the matrix, (n-1)² for an odd prime n; depth 1.  symbolic: n(n-1) additions, n²
    products less one for each entry w^0; depth 2.  exact, n an odd prime: 4(n-1)²
    scalar products, 2(n-1)(2n-1) additions.

    Parameters
    ----------
    n : int
        Inputs ``x1`` to ``xn``, or their parts; and outputs.
    twiddles : {"mod", "symbolic", "exact"}
        What the roots of unity are; symbolic ones are ``w1`` to ``w{n-1}``.
    prime : int, optional
        With ``"mod"``, a prime that is 1 modulo n; the least where left out.

    Returns
    -------
    Circuit
        Outputs ``y1`` to ``yn``, or their parts ``y1_re``, ``y1_im`` ...

    References
    ----------
    The definition; J. von zur Gathen, J. Gerhard, "Modern computer algebra", 2013,
    section 8.2, over rings with roots of unity.
    """
    builder = Builder("dft")
    roots = roots_of_unity(builder, n, twiddles, prime, n - 1)
    x = _inputs(builder, roots, n)
    for k in range(n):
        rows = [roots.times(j * k % n, value) for j, value in enumerate(x)]
        for part, terms in zip(roots.parts, zip(*rows, strict=True), strict=True):
            builder.output(f"y{k + 1}{part}", total([*chain.from_iterable(terms)]))
    return builder.finish()


@family(
    "fft", gates=lambda n, twiddles, prime: _exact(twiddles, 3) * 2 * n * n.bit_length()
)
def fft(n: int, twiddles: str = "mod", prime: int | None = None) -> Circuit:
    """Discrete Fourier transform of 2^m values, by the butterfly of radix 2.

    mod and symbolic: nm/2 - n + 1 products with a root of unity (scalar products if
    mod), nm additions, none of more than two operands; depth 2m - 1.  exact, for m > 1:
    t = n(m-1)/2 - n + 2 products with a root that is neither 1 nor -i, each of four
    scalar products and two additions; depth 3m - 4.  Eighth roots, n/2 - 2 of these
    for m > 2, take two scalar products.  2nm additions besides.

    Parameters
    ----------
    n : int
        A power of 2: inputs ``x1`` to ``xn``, or their parts; and outputs.
    twiddles : {"mod", "symbolic", "exact"}
        What the roots of unity are; symbolic ones are ``w1`` to ``w{n/2-1}``, and
        w^(n/2) is -1.
    prime : int, optional
        With ``"mod"``, a prime that is 1 modulo n; the least where left out.

    Returns
    -------
    Circuit
        Outputs ``y1`` to ``yn``, or their parts ``y1_re``, ``y1_im`` ...

    References
    ----------
    J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex
    Fourier series", Mathematics of Computation 19, 1965.
    """
    if n & (n - 1):
        below = 1 << (n.bit_length() - 1)
        raise CircuitError(
            f"n is {n}: fft needs a power of 2, such as {below} or {2 * below}"
        )
    builder = Builder("fft")
    roots = roots_of_unity(builder, n, twiddles, prime, n // 2 - 1)
    for k, value in enumerate(_butterfly(roots, _inputs(builder, roots, n))):
        for part, each in zip(roots.parts, value, strict=True):
            builder.output(f"y{k + 1}{part}", each)
    return builder.finish()


def _butterfly(roots: Roots, x: list[list[Expr]], step: int = 1) -> list[list[Expr]]:
    """Transform values by the root w^step."""
    if len(x) == 1:
        return x
    even = _butterfly(roots, x[::2], 2 * step)
    odd = _butterfly(roots, x[1::2], 2 * step)
    turned = [
        [_shared(total(terms)) for terms in roots.times(j * step, value)]
        for j, value in enumerate(odd)
    ]
    pairs = list(zip(even, turned, strict=True))
    sums = [[u + v for u, v in zip(*pair, strict=True)] for pair in pairs]
    return sums + [[u - v for u, v in zip(*pair, strict=True)] for pair in pairs]


def _shared(value: Expr) -> Expr:
    """Give a value that two sums use; a sign is free on both of their wires."""
    return value if abs(value.weight) == 1 else settled(value)


def _inputs(builder: Builder, roots: Roots, n: int) -> list[list[Expr]]:
    return [
        [builder.input(f"x{i}{part}") for part in roots.parts] for i in range(1, n + 1)
    ]
