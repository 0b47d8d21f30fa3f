"""Is a formula zero?  Rational functions over kernels, within a bound on their size.

A *kernel* is a subformula that is not rational in its parts: an input, pi, ``sin(u)``,
a root.  A formula is read into a quotient of polynomials over its kernels, bottom-up
and once a distinct subformula; kernels of the same function are one where their
arguments are equal in this very sense.  Known between kernels are exp(u + v) = exp(u)
exp(v), integer multiples in exponents, and that a root's power is its radicand.  Every
product of polynomials is bounded before it is made, so no formula can take long.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

__all__ = ["MAX_TERMS", "TooLargeError", "is_zero"]

#: Most terms that a product of two polynomials may be made from.
MAX_TERMS: Final = 40_000
#: Most products of terms in all, for one formula.
MAX_WORK: Final = 100_000
#: Largest whole exponent that is multiplied out.
MAX_EXPONENT: Final = 64

_Monomial = tuple[tuple[int, int], ...]  # (kernel, exponent), by kernel
_Polynomial = dict[_Monomial, Fraction]
_Quotient = tuple[_Polynomial, _Polynomial]

_ONE: _Polynomial = {(): Fraction(1)}


class TooLargeError(Exception):
    """A polynomial would pass the bound."""


def is_zero(expression: Any) -> bool:
    """Tell whether a sympy expression is shown to be 0; False is no disproof.

    Equality is meant away from kinks and jumps, where the gate table declares what
    holds: Heaviside's function is 0 at 0 and Dirac's vanishes.
    """
    if expression == 0:
        return True
    try:
        return _Reader().is_zero(expression)
    except (TooLargeError, ZeroDivisionError):
        return False


class _Reader:
    def __init__(self) -> None:
        import sympy

        self.sympy = sympy
        self.read_already: dict[Any, _Quotient] = {}
        self.kernels: dict[Any, list[tuple[list[_Quotient], int]]] = {}
        self.roots: dict[int, tuple[int, _Quotient]] = {}  # kernel -> degree, radicand
        self.count = 0
        self.work = 0

    def is_zero(self, expression: Any) -> bool:
        return not self.reduced(self.read(expression)[0])

    # ------------------------------------------------------------------ polynomials

    def times(self, a: _Polynomial, b: _Polynomial) -> _Polynomial:
        self.work += len(a) * len(b)
        if len(a) * len(b) > MAX_TERMS or self.work > MAX_WORK:
            raise TooLargeError
        found: _Polynomial = {}
        for m, x in a.items():
            for n, y in b.items():
                key = _joined(m, n)
                total = found.get(key, 0) + x * y
                if total:
                    found[key] = total
                else:
                    del found[key]
        return found

    def power(self, a: _Polynomial, exponent: int) -> _Polynomial:
        if len(a) == 1:
            ((m, x),) = a.items()
            return {tuple((k, e * exponent) for k, e in m): x**exponent}
        if exponent > MAX_EXPONENT:
            raise TooLargeError
        found = _ONE
        for _ in range(exponent):
            found = self.times(found, a)
        return found

    def multiply(self, a: _Quotient, b: _Quotient) -> _Quotient:
        return self.times(a[0], b[0]), self.times(a[1], b[1])

    def add(self, a: _Quotient, b: _Quotient) -> _Quotient:
        if a[1] == b[1]:
            return _sum(a[0], b[0]), a[1]
        above = _sum(self.times(a[0], b[1]), self.times(b[0], a[1]))
        return above, self.times(a[1], b[1])

    def raised(self, a: _Quotient, exponent: int) -> _Quotient:
        above, below = a if exponent >= 0 else (a[1], a[0])
        if not below:
            raise ZeroDivisionError
        return self.power(above, abs(exponent)), self.power(below, abs(exponent))

    def equal(self, a: _Quotient, b: _Quotient) -> bool:
        minus = {m: -x for m, x in b[0].items()}
        return not self.reduced(self.add(a, (minus, b[1]))[0])

    def reduced(self, a: _Polynomial) -> _Polynomial:
        """Replace the powers of roots, newest first, by those of their radicands."""
        for kernel in sorted(self.roots, reverse=True):
            degree, (above, below) = self.roots[kernel]
            most = max((dict(m).get(kernel, 0) for m in a), default=0) // degree
            if not most:
                continue
            found: _Polynomial = {}
            for m, x in a.items():
                times, rest = divmod(dict(m).get(kernel, 0), degree)
                kept = tuple((k, e) for k, e in m if k != kernel)
                kept = _joined(kept, ((kernel, rest),) if rest else ())
                scale = self.times(
                    self.power(above, times), self.power(below, most - times)
                )
                found = _sum(found, self.times({kept: x}, scale))
            a = found
        return a

    # ------------------------------------------------------------------ formulas

    def read(self, root: Any) -> _Quotient:
        """Read an expression, parts before the whole, on a stack."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.read_already:
                stack.pop()
                continue
            waiting = [part for part in node.args if part not in self.read_already]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            self.read_already[node] = self.node(node)
        return self.read_already[root]

    def node(self, node: Any) -> _Quotient:
        sympy = self.sympy
        parts = [self.read_already[part] for part in node.args]
        if node.is_Rational:
            value = Fraction(int(node.p), int(node.q))
            return ({(): value} if value else {}), _ONE
        if node.is_Add or node.is_Mul:
            combine = self.add if node.is_Add else self.multiply
            found = parts[0]
            for part in parts[1:]:
                found = combine(found, part)
            return found
        if isinstance(node, sympy.exp):
            return self.exponential(sympy.E, node.args[0])
        if node.is_Pow:
            return self.exponential(node.base, node.exp)
        if isinstance(node, sympy.DiracDelta):
            return {}, _ONE
        if isinstance(node, sympy.Heaviside):
            return self.kernel("Heaviside", parts[:1])
        return self.kernel(node.func if node.args else node, parts)

    def exponential(self, base: Any, exponent: Any) -> _Quotient:
        """Read a power as one factor for each term of its exponent."""
        found: _Quotient = (_ONE, _ONE)
        for term in self.sympy.Add.make_args(exponent):
            number, rest = term.as_coeff_Mul()
            if not number.is_Rational:
                number, rest = self.sympy.Integer(1), term
            whole, degree = int(number.p), int(number.q)
            if rest == 1:
                of = self.read(base)
                factor = self.root(of, degree) if degree > 1 else of
            else:
                parts = [self.read(base), self.read(rest / degree)]
                factor = self.kernel("power", parts)
            found = self.multiply(found, self.raised(factor, whole))
        return found

    def root(self, radicand: _Quotient, degree: int) -> _Quotient:
        found = self.kernel(("root", degree), [radicand])
        ((((kernel, _),), _),) = found[0].items()
        self.roots.setdefault(kernel, (degree, radicand))
        return found

    def kernel(self, function: Any, parts: list[_Quotient]) -> _Quotient:
        """Give the kernel of a function of these parts; equal parts, one kernel."""
        known = self.kernels.setdefault(function, [])
        for others, kernel in known:
            if len(others) == len(parts) and all(
                self.equal(a, b) for a, b in zip(parts, others, strict=True)
            ):
                return {((kernel, 1),): Fraction(1)}, _ONE
        known.append((parts, self.count))
        self.count += 1
        return {((self.count - 1, 1),): Fraction(1)}, _ONE


def _joined(m: _Monomial, n: _Monomial) -> _Monomial:
    if not m or not n:
        return m or n
    exponents = dict(m)
    for kernel, exponent in n:
        exponents[kernel] = exponents.get(kernel, 0) + exponent
    return tuple(sorted(exponents.items()))


def _sum(a: _Polynomial, b: _Polynomial) -> _Polynomial:
    found = dict(a)
    for m, x in b.items():
        total = found.get(m, 0) + x
        if total:
            found[m] = total
        else:
            del found[m]
    return found
