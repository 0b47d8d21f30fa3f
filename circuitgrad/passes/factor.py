"""Common factors: a*b + a*c is a*(b + c)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from circuitgrad.circuit import Circuit
from circuitgrad.exact import Rational, magnitude
from circuitgrad.simplify import rules
from circuitgrad.simplify.matching import default_matcher
from circuitgrad.simplify.rewrites import too_large
from circuitgrad.simplify.terms import ONE, RefusedError, Row, Terms, Value
from circuitgrad.simplify.writing import Plan

__all__ = ["factor"]

#: Factors are taken out of what is left in the parentheses this often.
MAX_NESTED = 40
#: Terms that are looked at in all; sums after that are left as they are.
MAX_SEEN = 400_000


def factor(
    circuit: Circuit,
    *,
    shared: bool = False,
    ieee: bool = False,
    limit: int = 1_000_000,
) -> Circuit:
    """Take common factors out of sums, the most frequent one first.

    Before a circuit is differentiated this often saves more than after: the sum of all
    products of two of n inputs is n - 1 products then, and its gradient n more sums.

    Parameters
    ----------
    circuit : Circuit
    shared : bool
        Whether factors are taken out of products too that others use as well.
    ieee : bool
        Whether to leave the circuit as it is: this is the distributive law.
    limit : int
        Circuits with more vertices are left as they are.

    Notes
    -----
    Greedy; for each sum, time is terms times factors taken out, at most.
    """
    if too_large(circuit, "factor", limit):
        return circuit
    if ieee:
        return circuit
    try:
        return _Factoring(circuit, shared).run()
    except RefusedError:  # a number that would be too long
        return circuit


class _Factoring:
    def __init__(self, circuit: Circuit, shared: bool) -> None:
        self.circuit, self.shared = circuit, shared
        self.terms = Terms(match=default_matcher())
        self.seen = 0

    def run(self) -> Circuit:
        terms = self.terms
        plan = Plan.read(self.circuit, terms, products="all")
        gates = {term: vertex for (n, term), vertex in plan.made_for.items() if n == 1}
        order = plan.order()
        self.uses = Counter(part for term in order for part in plan.parts(term))
        self.uses.update(term for _, (_, term) in plan.outputs)
        self.now: dict[int, Value] = {ONE: (1, ONE)}
        for term in order:
            if term != ONE:
                terms.at = gates.get(term, -1)
                self.now[term] = self.rebuilt(term)
        outputs = [(name, self.moved(value)) for name, value in plan.outputs]
        made_for: dict[Value, int] = {}
        for value, vertex in plan.made_for.items():
            if value[1] in self.now:
                made_for.setdefault(self.moved(value), vertex)
        return Plan(self.circuit, terms, outputs, made_for).write("factor")

    def moved(self, value: Value) -> Value:
        number, term = self.now[value[1]]
        return value[0] * number, term

    def rebuilt(self, term: int) -> Value:
        """Make a term of its factored parts."""
        terms, kind, row = self.terms, self.terms.kind[term], self.terms.row[term]
        if kind == "sum":
            alone = [t for t in row if self.shared or self.uses[t[0]] == 1]
            others = [t for t in row if not self.shared and self.uses[t[0]] != 1]
            number, made = self.factored([self.moved((w, part)) for part, w in alone])
            if not others:
                return number, made
            inner = terms.row[made] if terms.kind[made] == "sum" else [(made, 1)]
            return terms.sum(
                [
                    *((number * w, part) for part, w in inner),
                    *(self.moved((w, part)) for part, w in others),
                ]
            )
        if kind == "product":  # what was read as one factor stays one
            whole = {self.now[u][1] for u, _ in row if terms.kind[u] == "product"}
            powers = [(self.now[part], exponent) for part, exponent in row]
            return terms.multiply(powers, lambda term: term not in whole)
        if kind == "call":
            code, operands, param = row
            return terms.call(code, [self.moved(u) for u in operands], param)
        if kind == "root":
            return terms.power(self.now[row[0]], Fraction(1, row[1]))
        if kind == "boxed":
            return 1, terms.box(self.moved(row))
        return 1, term

    def factored(self, values: list[Value], depth: int = 0) -> Value:
        """Add values, common factors taken out."""
        terms = self.terms
        number, term = terms.sum(values)
        if terms.kind[term] != "sum" or depth > MAX_NESTED or self.seen > MAX_SEEN:
            return number, term
        self.seen += len(terms.row[term])
        rows = _Rows()
        for part, weight in terms.row[term]:
            rows.add(weight, terms.factors(part))
        taken = False
        while (common := rows.most_frequent()) is not None:
            base, having = common
            least = min((row[base] for _, row in having), key=magnitude)
            rest = [terms.product(w, {**r, base: r[base] - least}) for w, r in having]
            inner = self.factored(rest, depth + 1)
            made = terms.multiply([(inner, 1), ((1, base), least)])
            terms.fired.append((rules.FACTOR, terms.at))
            rows.add(made[0], terms.factors(made[1]))
            taken = True
        if not taken:
            return number, term
        total, made_term = terms.sum([terms.product(w, r) for w, r in rows.left()])
        return number * total, made_term


class _Rows:
    """The terms of a sum as products, found by their factors."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[Rational, Row]] = {}
        self.having: dict[tuple[int, bool], dict[int, None]] = {}
        self.count = 0

    def add(self, weight: Rational, row: Row) -> None:
        self.rows[self.count] = weight, row
        for base, exponent in row.items():
            self.having.setdefault((base, exponent > 0), {})[self.count] = None
        self.count += 1

    def most_frequent(self) -> tuple[int, list[tuple[Rational, Row]]] | None:
        """Take out the terms with the factor that most have, if two have one.

        A factor of numerators and one of denominators are not the same.
        """
        best = max(
            self.having, key=lambda key: (len(self.having[key]), -key[0]), default=None
        )
        if best is None or len(self.having[best]) < 2:
            return None
        taken = [(place, *self.rows.pop(place)) for place in self.having[best]]
        for place, _, row in taken:
            for base, exponent in row.items():
                del self.having[base, exponent > 0][place]
        return best[0], [(weight, row) for _, weight, row in taken]

    def left(self) -> list[tuple[Rational, Row]]:
        return list(self.rows.values())
