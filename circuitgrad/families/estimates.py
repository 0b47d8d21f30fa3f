"""Numbers of gates, at once for any size: right up to the limit, and past it beyond.

An estimate comes before its circuit is refused, so it must not itself take long: the
factorial of a billion does.
"""

from __future__ import annotations

from circuitgrad.families.registry import MAX_GATES

__all__ = ["choose", "factorial", "power"]

_EXPONENT = MAX_GATES.bit_length()


def choose(n: int, k: int) -> int:
    """Count the subsets of k out of n."""
    if k > n:
        return 0
    found, k = 1, min(k, n - k)
    for i in range(1, k + 1):  # each step doubles what is found, at least
        found = found * (n - k + i) // i
        if found > MAX_GATES:
            break
    return found


def factorial(n: int) -> int:
    """Count the permutations of n."""
    found = 1
    for i in range(2, n + 1):
        found *= i
        if found > MAX_GATES:
            break
    return found


def power(base: int, exponent: int) -> int:
    """Give a power of a number above 1."""
    return int(base ** min(exponent, _EXPONENT))
