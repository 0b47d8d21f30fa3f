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

from circuitgrad.check.quotients import Quotient, Quotients, TooLargeError

__all__ = ["is_zero"]

#: Most products of terms in all, for one formula.
MAX_WORK: Final = 2_000_000


def is_zero(expression: Any) -> bool:
    """Tell whether a sympy expression is shown to be 0; False is no disproof.

    Equality is meant away from kinks and jumps, where the gate table declares what
    holds: Heaviside's function is 0 at 0 and Dirac's vanishes.
    """
    if expression == 0:
        return True
    try:
        return _Reader(expression).is_zero(expression)
    except (TooLargeError, ZeroDivisionError):
        return False


class _Reader:
    def __init__(self, expression: Any) -> None:
        import sympy

        self.sympy = sympy
        self.ring = Quotients(self._most_kernels(expression), MAX_WORK)
        self.zero, self.one = self.ring.number(0), self.ring.number(1)
        self.read_already: dict[Any, Quotient] = {}
        self.kernels: dict[Any, list[tuple[list[Quotient], int]]] = {}
        self.roots: dict[int, tuple[int, Quotient]] = {}  # kernel -> degree, radicand
        self.count = 0

    def _most_kernels(self, expression: Any) -> int:
        """Bound the number of kernels; each term of an exponent may be one."""
        sympy, count = self.sympy, 0
        seen, stack = {expression}, [expression]
        while stack:
            node = stack.pop()
            if isinstance(node, sympy.exp):
                count += len(sympy.Add.make_args(node.args[0]))
            elif node.is_Pow:
                count += len(sympy.Add.make_args(node.exp))
            elif not (node.is_Add or node.is_Mul or node.is_Rational):
                count += 1
            fresh = [part for part in node.args if part not in seen]
            seen.update(fresh)
            stack += fresh
        return count + 1  # E, the base of exp

    def is_zero(self, expression: Any) -> bool:
        found = self.read(expression)
        return not self.reduced(found.above) and bool(self.reduced(found.below))

    def equal(self, a: Quotient, b: Quotient) -> bool:
        return not self.reduced((a - b).above)

    def reduced(self, polynomial: Any) -> Any:
        """Give a polynomial without those powers of roots that are none.

        Newest first, they become the powers of their radicands.
        """
        found = polynomial
        for kernel in sorted(self.roots, reverse=True):
            degree, radicand = self.roots[kernel]
            most = found.degrees()[kernel] // degree if found else 0
            if not most:
                continue
            parts: list[dict[tuple[int, ...], Any]] = [{} for _ in range(most + 1)]
            for exponents, coefficient in found.terms():
                times, rest = divmod(exponents[kernel], degree)
                kept = (*exponents[:kernel], rest, *exponents[kernel + 1 :])
                parts[times][kept] = coefficient
            ring, found = self.ring, self.zero.above
            for times, part in enumerate(parts):
                scale = ring.times(
                    ring.raised(radicand.above, times),
                    ring.raised(radicand.below, most - times),
                )
                found = found + ring.times(ring.context.from_dict(part), scale)
        return found

    # ------------------------------------------------------------------ formulas

    def read(self, root: Any) -> Quotient:
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

    def node(self, node: Any) -> Quotient:
        sympy = self.sympy
        parts = [self.read_already[part] for part in node.args]
        if node.is_Rational:
            return self.ring.number(Fraction(int(node.p), int(node.q)))
        if node.is_Add or node.is_Mul:
            found = parts[0]
            for part in parts[1:]:
                found = found + part if node.is_Add else found * part
            return found
        if isinstance(node, sympy.exp):
            return self.exponential(sympy.E, node.args[0])
        if node.is_Pow:
            return self.exponential(node.base, node.exp)
        if isinstance(node, sympy.DiracDelta):
            return self.zero
        if isinstance(node, sympy.Heaviside):
            return self.kernel("Heaviside", parts[:1])
        return self.kernel(node.func if node.args else node, parts)

    def exponential(self, base: Any, exponent: Any) -> Quotient:
        """Read a power as one factor for each term of its exponent."""
        found = self.one
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
            if whole < 0 and not self.reduced(factor.above):
                raise ZeroDivisionError  # formally it is not 0
            found = found * factor**whole
        return found

    def root(self, radicand: Quotient, degree: int) -> Quotient:
        kernel = self.number_of(("root", degree), [radicand])
        self.roots.setdefault(kernel, (degree, radicand))
        return self.ring.variable(kernel)

    def kernel(self, function: Any, parts: list[Quotient]) -> Quotient:
        """Give the kernel of a function of these parts."""
        return self.ring.variable(self.number_of(function, parts))

    def number_of(self, function: Any, parts: list[Quotient]) -> int:
        """Give the number of a kernel; equal parts, one kernel."""
        known = self.kernels.setdefault(function, [])
        for others, kernel in known:
            if len(others) == len(parts) and all(
                self.equal(a, b) for a, b in zip(parts, others, strict=True)
            ):
                return kernel
        known.append((parts, self.count))
        self.count += 1
        return self.count - 1
