"""Roots of unity as numbers modulo a prime, as inputs, or as they are.

A value is a list of components: one handle, or the real and the imaginary part.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import flint

from circuitgrad.builder import Builder, Expr
from circuitgrad.errors import CircuitError
from circuitgrad.exact import PI

__all__ = ["ExactRoots", "Residues", "Roots", "Symbols", "roots_of_unity"]


def roots_of_unity(
    builder: Builder, n: int, twiddles: str, prime: int | None, symbols: int
) -> Roots:
    """Give the powers of a root of unity of order n.

    Parameters
    ----------
    twiddles : {"mod", "symbolic", "exact"}
    prime : int, optional
        With ``"mod"``, the modulus; the least that will do where left out.
    symbols : int
        With ``"symbolic"``, the highest power that is used.
    """
    if twiddles == "mod":
        return Residues(builder, n, _least_prime(n) if prime is None else prime)
    if prime is not None:
        raise CircuitError(f"a prime goes with twiddles mod, not {twiddles}")
    return (
        Symbols(builder, symbols) if twiddles == "symbolic" else ExactRoots(builder, n)
    )


class Roots:
    """The powers of a root of unity w; the parts that values have, as name endings."""

    parts: tuple[str, ...] = ("",)

    def times(self, power: int, value: Sequence[Expr]) -> list[list[Expr]]:
        """Give the terms of w^power times a value, part by part."""
        raise NotImplementedError


class Residues(Roots):
    """Whole numbers modulo a prime, those of least size: -1 is -1.

    Raises
    ------
    CircuitError
        If the modulus is no prime, or n does not divide what is 1 less.
    """

    def __init__(self, builder: Builder, n: int, prime: int) -> None:
        if not flint.fmpz(prime).is_probable_prime():
            raise CircuitError(f"prime is {prime}: not a prime")
        if (prime - 1) % n:
            raise CircuitError(
                f"no root of unity of order {n} modulo {prime}: {n} should divide "
                f"{prime - 1}; the least prime that will do is {_least_prime(n)}"
            )
        self.prime = prime
        self.root = _root_of_order(n, prime)

    def times(self, power: int, value: Sequence[Expr]) -> list[list[Expr]]:
        """Give the value times the least residue of w^power."""
        residue = pow(self.root, power, self.prime)
        if 2 * residue > self.prime:
            residue -= self.prime
        return [[residue * part] for part in value]


class Symbols(Roots):
    """Inputs ``w1``, ``w2`` ...: powers of whatever w is."""

    def __init__(self, builder: Builder, highest: int) -> None:
        self.powers = [builder.input(f"w{i}") for i in range(1, highest + 1)]

    def times(self, power: int, value: Sequence[Expr]) -> list[list[Expr]]:
        """Give the product with an input; the value, for w^0."""
        return [[self.powers[power - 1] * part if power else part] for part in value]


#: Where the cosine of q pi is rational, q up to 1/2; where only its square is.
_COSINES: Final = {
    Fraction(0): Fraction(1),
    Fraction(1, 3): Fraction(1, 2),
    Fraction(1, 2): Fraction(0),
}
_SQUARES: Final = {Fraction(1, 4): Fraction(1, 2), Fraction(1, 6): Fraction(3, 4)}


class ExactRoots(Roots):
    """w = cos(2 pi/n) - sin(2 pi/n) i, in gates that depend on no input."""

    parts = ("_re", "_im")

    def __init__(self, builder: Builder, n: int) -> None:
        self.builder = builder
        self.n = n
        self._gates: dict[Fraction, Expr] = {}

    def times(self, power: int, value: Sequence[Expr]) -> list[list[Expr]]:
        """Give the terms of a complex product that are not 0."""
        re, im = value
        angle = Fraction(2 * power, self.n)
        cosine, sine = self.cosine(angle), self.cosine(angle - Fraction(1, 2))
        if (
            isinstance(cosine, Expr)
            and isinstance(sine, Expr)
            and cosine.vertex == sine.vertex
        ):  # an eighth root: one factor for both
            common = Expr(self.builder, cosine.vertex)
            real = cosine.weight * re + sine.weight * im
            imaginary = cosine.weight * im - sine.weight * re
            return [[common * real], [common * imaginary]]
        pairs = [[(cosine, re), (sine, im)], [(cosine, im), (sine, -re)]]
        return [
            [factor * part for factor, part in each if not _is_zero(factor)]
            for each in pairs
        ]

    def cosine(self, angle: Fraction) -> Fraction | Expr:
        """Give the cosine of a multiple of pi: a number, or a gate, one an angle."""
        angle = abs(angle) % 2
        angle = min(angle, 2 - angle)
        if 2 * angle > 1:
            return -self.cosine(1 - angle)
        if angle in _COSINES:
            return _COSINES[angle]
        if angle not in self._gates:
            self._gates[angle] = self._made(angle)
        return self._gates[angle]

    def _made(self, angle: Fraction) -> Expr:
        functions = self.builder.functions
        if angle in _SQUARES:
            return functions.sqrt(self.builder.constant(_SQUARES[angle]))
        return functions.cos(self.builder.constant(PI) * angle)


def _is_zero(factor: Fraction | Expr) -> bool:
    return not isinstance(factor, Expr) and factor == 0


def _least_prime(n: int) -> int:
    """Give the least prime that is 1 modulo n."""
    found = n + 1
    while not flint.fmpz(found).is_probable_prime():
        found += n
    return found


def _root_of_order(n: int, prime: int) -> int:
    """Give the first element of order n among the powers of 1, 2, 3 ... that may be."""
    divisors = [int(divisor) for divisor, _ in flint.fmpz(n).factor()] if n > 1 else []
    for base in range(1, prime):
        root = pow(base, (prime - 1) // n, prime)
        if all(pow(root, n // divisor, prime) != 1 for divisor in divisors):
            return root
    raise AssertionError("the multiplicative group of a prime field is cyclic")
