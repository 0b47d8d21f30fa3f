"""A prime field, and what stands in it for what is not rational.

Rational numbers are their residues.  What has no residue is an element that only keeps
the laws by which circuits are rewritten; s and e stand for random elements and odd
exponents with an inverse, fixed by the seed:

=============  =====================================================================
pi             a random element
exp, log       exp u = ((s + u)/(s - u))^2e, so exp(-u) = 1/exp u; log is its inverse,
               and sinh, cosh, tanh, sigmoid, softplus are formulas in them
sin, cos, tan  2t/(1 + t^2), (1 - t^2)/(1 + t^2) and their quotient, t an odd function
               of u: s (m - 1)/(m + 1), where m = ((s + u)/(s - u))^e, which has an
               inverse and no other law; asin and acos are inverses
atan, erf      s (m - 1)/(m + 1)
sqrt           u^((p + 1)/4): multiplicative, and a root of u where u is a square
u^v            u to the integer nearest to 0 of residue v, so u^(v - 1) is u^v/u
abs, sign ...  by the quadratic character, which is multiplicative; it is odd, since the
               primes are 3 modulo 4, so that of u and -u one is positive
=============  =====================================================================

A point is *real* where every argument of a root or a logarithm, and every exponential,
is a square: laws such as sqrt(u)^2 = u hold there.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from circuitgrad.columns import Ints
from circuitgrad.loops import Kernel

__all__ = ["PRIMES", "Field"]

#: Mersenne primes, by their exponents; both are 3 modulo 4.
PRIMES: Final = {61: 2**61 - 1, 521: 2**521 - 1}


@dataclass(frozen=True)
class Field:
    """A prime field, and what stands in it for what is not rational.

    Parameters
    ----------
    exponent : {61, 521}
        The prime is 2^exponent - 1.
    seed : int
        Of pi, and of what functions give.
    """

    exponent: int = 61
    seed: int = 0

    @property
    def prime(self) -> int:
        """The number of elements."""
        return PRIMES[self.exponent]

    @cached_property
    def laws(self) -> list[int]:
        """The random elements and exponents of the functions."""
        p = self.prime
        draw = random.Random(f"laws {self.exponent} {self.seed}")

        def exponents() -> tuple[int, int]:
            while True:
                e = draw.randrange(3, p - 1, 2)
                if math.gcd(e, p - 1) == 1:
                    return e, pow(e, -1, p - 1)

        elements = [draw.randrange(2, p) for _ in range(6)]
        found = []
        for element in elements[:5]:
            found += [element, *exponents()]
        return [*found, elements[5] ** 2 % p]  # positive

    def array(self, elements: list[int]) -> Any:
        """Give elements in the form that loops take: words, or Python integers."""
        return np.array(elements, dtype=np.int64) if self.exponent == 61 else elements

    def zeros(self, count: int) -> Any:
        """Give so many zeros."""
        return np.zeros(count, dtype=np.int64) if self.exponent == 61 else [0] * count

    def take(self, elements: Any, places: Ints) -> Any:
        """Give the elements at places."""
        if self.exponent == 61:
            return elements[places]
        return [elements[place] for place in places.tolist()]

    def put(self, elements: Any, places: Ints, new: Any) -> None:
        """Set the elements at places."""
        if self.exponent == 61:
            elements[places] = new
            return
        for place, element in zip(places.tolist(), new, strict=True):
            elements[place] = element

    def draw(self, count: int, *purpose: object) -> Any:
        """Draw elements that depend on the seed and a purpose alone."""
        words = " ".join(map(str, (self.exponent, self.seed, *purpose)))
        source = random.Random(words)
        if self.exponent == 61:
            generator = np.random.default_rng(source.getrandbits(128))
            return generator.integers(1, self.prime, count, dtype=np.int64)
        return [source.randrange(1, self.prime) for _ in range(count)]

    def run(self, loop: Kernel, *arguments: Any) -> None:
        """Run a loop: as Python on lists, where elements are no words."""
        if self.exponent == 61:
            loop(*arguments)
        else:
            loop.function(
                *(a.tolist() if isinstance(a, np.ndarray) else a for a in arguments)
            )
