"""Sharing among products: sub-products, quotients, powers, and whole products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import gcd
from typing import Literal

from circuitgrad.circuit import Circuit
from circuitgrad.exact import Rational, magnitude, quotient
from circuitgrad.simplify import rules
from circuitgrad.simplify.pairs import MAX_ROW, extract_pairs
from circuitgrad.simplify.rewrites import too_large
from circuitgrad.simplify.terms import ONE, RefusedError, Row, Terms, Value
from circuitgrad.simplify.writing import Plan

__all__ = ["share_products"]


#: Products that are tried as a divisor of another, for each factor of that.
MAX_DIVISORS = 48
#: Divisions that are tried in all; products after that are left as they are.
MAX_TRIALS = 400_000


def share_products(
    circuit: Circuit,
    *,
    numbers: Literal["out", "in", "all"] = "out",
    divide: bool = True,
    products: Literal["single", "all"] = "all",
    ieee: bool = False,
    limit: int = 1_000_000,
) -> Circuit:
    """Compute once what products have in common.

    Products are taken apart into powers of factors, 1/u being u^-1, and put together
    again: first a product is written as another one times a short rest where that is
    cheaper, then the pair of powers that most products have in common becomes a product
    of its own, again and again.

    Parameters
    ----------
    circuit : Circuit
    numbers : {"out", "in", "all"}
        Where the number of a product stands: outside, so that it is a weight on its
        wire, or inside as a factor to be shared: of products that are outputs or
        operands of functions, or of those in sums as well.
    divide : bool
        Whether products are written as others times a rest.
    products : {"all", "single"}
        Whether every product is taken apart into the products that use it, or only
        those with one use, so that what is shared already stays shared.
    ieee : bool
        Whether to leave out what changes more than rounding.
    limit : int
        Circuits with more vertices are left as they are.

    Notes
    -----
    A product u*v is used for u*v/w, but f/u for a partial of f = u*v never is: it has
    no value at u = 0.  A rest divides only by what the product itself divides by.
    Quadratic in the number of factors of one product, at most 40, and linear in the
    number of products.
    """
    if too_large(circuit, "share_products", limit):
        return circuit
    terms = Terms(ieee=ieee)
    plan = Plan.read(circuit, terms, products=products)
    _Products(plan, numbers).run(divide)
    return plan.write("share_products")


class _Products:
    def __init__(self, plan: Plan, numbers: str) -> None:
        self.plan, self.terms, self.rows = plan, plan.terms, plan.products
        self.numbers = numbers
        self.trials = 0

    def run(self, divide: bool) -> None:
        if self.numbers != "out":
            self.move_numbers_in()
        self.gather_constants()
        if divide:
            self.divide()
        rows = {t: row for t, row in self.rows.items() if not self.plan.constant(t)}
        pairs = _ProductPairs(_powers(rows.values()))
        extract_pairs(rows, pairs, self.terms.new, self.note_shared)
        self.rows.update(rows)

    def note_shared(self, made: Row, users: list[int]) -> None:
        for term in users:
            self.plan.note(rules.SHARE_PRODUCT, term)

    # ------------------------------------------------------------------ numbers

    def move_numbers_in(self) -> None:
        """Make the number of each product that is used with one a factor of it."""
        plan = self.plan
        signs: Counter[Rational] = Counter()
        for number, _ in self.directly_used():
            signs[magnitude(number)] += 1 if number > 0 else -1
        inside: dict[Value, int] = {}

        def moved(value: Value, any_term: bool = True) -> Value:
            number, term = value
            if number == 0 or magnitude(number) == 1 or plan.constant(term):
                return value
            if term not in self.rows and not any_term:
                return value
            factor = (
                -magnitude(number)
                if signs[magnitude(number)] < 0
                else magnitude(number)
            )
            new = inside.get((factor, term))
            if new is None:
                new = inside[factor, term] = self.terms.new()
                row = self.rows.get(term, {term: 1})
                self.rows[new] = _added(row, {self.terms.box((factor, ONE)): 1})
            return quotient(number, factor), new

        plan.outputs = [(name, moved(value)) for name, value in plan.outputs]
        for operands in plan.calls.values():
            operands[:] = [moved(value) for value in operands]
        if self.numbers == "all":
            for term, row in plan.sums.items():
                values = [moved((n, part), any_term=False) for part, n in row.items()]
                plan.sums[term] = {part: number for number, part in values}
        live = set(plan.order())
        for term in [t for t in self.rows if t not in live]:
            del self.rows[term]

    def directly_used(self) -> Iterable[Value]:
        """Give the values where a minus sign would be an operation."""
        yield from (value for _, value in self.plan.outputs)
        for operands in self.plan.calls.values():
            yield from operands

    def gather_constants(self) -> None:
        """Make the constants of a product one, as in 4*pi*u."""
        for row in list(self.rows.values()):
            if not all(self.plan.constant(base) for base in row):
                self.gather(row)

    def gather(self, row: Row) -> bool:
        """Make the constants of a row one; tell whether that may be done."""
        constants = {b: e for b, e in row.items() if self.plan.constant(b)}
        if len(constants) < 2 and all(e == 1 for e in constants.values()):
            return True
        try:
            made = self.constant(constants)
        except RefusedError:
            return False
        for base in constants:
            del row[base]
        if made != ONE:
            row[made] = 1
        return True

    def constant(self, factors: Row) -> int:
        """Give the term of a product of powers of constants."""
        terms = self.terms
        powers: list[tuple[Value, Rational]] = []
        for base, exponent in factors.items():
            boxed = terms.kind[base] == "boxed"
            powers.append((terms.row[base] if boxed else (1, base), exponent))
        term = terms.box(terms.multiply(powers))
        for part in [term, *terms.parts(term)]:
            if terms.kind[part] == "product":
                self.rows.setdefault(part, dict(terms.row[part]))
        return term

    # ------------------------------------------------------------------ dividing

    def divide(self) -> None:
        """Write products as others times a rest, the cheapest products first."""
        whole = {
            term: dict(row)
            for term, row in self.rows.items()
            if not self.plan.constant(term) and len(row) <= MAX_ROW
        }
        self.powers = _powers(whole.values())
        order = sorted(whole, key=lambda t: (self.cost(whole[t]), _degree(whole[t]), t))
        by_factor: dict[int, list[int]] = {}
        for term in order:
            row = whole[term]
            found = self.divided(row, whole, by_factor)
            if found is not None:
                self.plan.note(rules.DIVIDE_PRODUCT, term)
                self.rows[term] = found
            for base in row:
                by_factor.setdefault(base, []).append(term)

    def divided(
        self, row: Row, whole: dict[int, Row], by_factor: dict[int, list[int]]
    ) -> Row | None:
        """Find the cheapest way to write a product as others times a rest."""
        best: Row | None = None
        rest, used = row, Row()
        cost = self.cost(row)
        if cost <= 1 or self.trials > MAX_TRIALS:  # one operation stays one
            return None
        tried = {t for base in row for t in by_factor.get(base, ())[-MAX_DIVISORS:]}
        while tried:
            found = None
            self.trials += len(tried)
            for term in sorted(tried):
                left = self.rest(row, rest, whole[term])
                if left is None or left.get(term, 0) < 0:  # would cancel
                    continue
                price = self.cost(_added(left, _added(used, {term: 1})))
                if price < cost:
                    cost, found = price, (left, term)
            if found is None:
                return best
            rest, term = found
            used = _added(used, {term: 1})
            best = _added(rest, used)
        return best

    def rest(self, row: Row, have: Row, divisor: Row) -> Row | None:
        """Give what is left of a product over another; None where that is unsound."""
        left = dict(have)
        for base, exponent in divisor.items():
            constant = self.plan.constant(base)
            if exponent < 0 and not constant and not row.get(base, 0) < 0:
                return None
            remaining = left.get(base, 0) - exponent
            if remaining < 0 and not constant and not row.get(base, 0) < 0:
                return None
            if remaining:
                left[base] = remaining
            else:
                left.pop(base, None)
        return left if self.gather(left) else None

    def cost(self, row: Row) -> float:
        """Count the operations of a product; a power is shared by those that use it."""
        above = sum(e > 0 for e in row.values())
        cost = float(len(row) - 1 + (not above))
        for base, exponent in row.items():
            if magnitude(exponent) != 1:
                cost += 1 / (self.powers[base, magnitude(exponent)] or 1)
        return cost


def _added(left: Row, right: Row) -> Row:
    """Multiply two products."""
    return left | {b: left.get(b, 0) + e for b, e in right.items()}


def _powers(rows: Iterable[Row]) -> Counter[tuple[int, Rational]]:
    """Count how many products use each power."""
    return Counter(
        (b, magnitude(e)) for row in rows for b, e in row.items() if magnitude(e) != 1
    )


def _degree(row: Row) -> Rational:
    return sum((magnitude(e) for e in row.values()), 0)


Pair = tuple[int, Rational, int, Rational]


class _ProductPairs:
    """Pairs of powers: key (u, p, v, q) stands for u^p*v^q in lowest terms.

    A quotient keeps its direction, because v/u has no value where u is 0.
    """

    def __init__(self, powers: Counter[tuple[int, Rational]]) -> None:
        self.powers = powers

    def pair(self, u: int, p: Rational, v: int, q: Rational) -> Pair:
        common = gcd(p.numerator, q.numerator)
        if p < 0 and q < 0:
            common = -common
        return u, quotient(p, common), v, quotient(q, common)

    def saving(self, key: Pair, rows: list[Row]) -> int:
        u, p, v, _ = key
        saved = -1
        for row in rows:
            saved += 1
            if row[u] != p:  # u^k*v^k becomes one power, and may save two
                alone = (
                    self.powers[u, magnitude(row[u])]
                    + self.powers[v, magnitude(row[v])]
                )
                saved += 3 - min(alone, 4)
        return saved

    def make(self, key: Pair, rows: list[Row]) -> Row:
        u, p, v, q = key
        return {u: p, v: q}

    def replace(self, key: Pair, new: int, made: Row, row: Row) -> None:
        u, p, v, _ = key
        row[new] = quotient(row.pop(u), p)
        del row[v]

    def order(self, key: Pair) -> tuple[int, ...]:
        return key[0], key[2]
