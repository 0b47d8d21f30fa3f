"""Sharing among sums: sub-sums up to a factor, and terms of equal weight."""

from __future__ import annotations

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.exact import Rational, magnitude, quotient
from circuitgrad.simplify.pairs import MAX_ROW, extract_pairs
from circuitgrad.simplify.rewrites import too_large
from circuitgrad.simplify.rules import SHARE_MULTIPLE, SHARE_SUM
from circuitgrad.simplify.terms import ONE, Row, Terms, Value
from circuitgrad.simplify.writing import Plan

__all__ = ["share_sums"]


def share_sums(
    circuit: Circuit, *, ieee: bool = False, limit: int = 1_000_000
) -> Circuit:
    """Compute once what sums have in common, up to a factor.

    Of all pairs of weighted terms, the one that saves most operations when it becomes a
    sum of its own does, again and again: ``2*u + 2*v`` is 2*(u + v), and shares it with
    ``u + v + w``.  A weight other than 1 and -1 counts as one operation.

    Parameters
    ----------
    circuit : Circuit
    ieee : bool
        Whether only sums that are equal up to sign are shared.
    limit : int
        Circuits with more vertices are left as they are.

    Notes
    -----
    Quadratic in the number of terms of one sum; those of more than 64 terms are only
    grouped by weight.
    """
    if too_large(circuit, "share_sums", limit):
        return circuit
    terms = Terms(ieee=ieee, numbers=False)
    plan = Plan.read(circuit, terms, products="none")
    rows = {t: row for t, row in plan.sums.items() if not plan.constant(t)}
    if not ieee:
        for term in [t for t, row in rows.items() if len(row) > MAX_ROW]:
            _group(plan, rows, term)

    def note_shared(made: Row, users: list[int]) -> None:
        weighted = any(magnitude(weight) != 1 for weight in made.values())
        for term in users:
            plan.note(SHARE_MULTIPLE if weighted else SHARE_SUM, term)

    extract_pairs(rows, _SumPairs(ieee), plan.terms.new, note_shared)
    _share_multiples(plan, rows)
    plan.sums.update(rows)
    return plan.write("share_sums")


def _group(plan: Plan, rows: dict[int, Row], term: int) -> None:
    """Make the terms of a long sum that have the same weight a sum of their own."""
    groups: dict[Rational, list[int]] = {}
    for part, weight in rows[term].items():
        if part != ONE and magnitude(weight) != 1:
            groups.setdefault(magnitude(weight), []).append(part)
    for weight, parts in groups.items():
        if 2 <= len(parts) < len(rows[term]):
            signs = {part: quotient(rows[term].pop(part), weight) for part in parts}
            turned = -1 if 2 * sum(signs.values()) < 0 else 1
            new = plan.terms.new()
            rows[new] = {part: sign * turned for part, sign in signs.items()}
            rows[term][new] = weight * turned
            plan.note(SHARE_MULTIPLE, term)


def _share_multiples(plan: Plan, rows: dict[int, Row]) -> None:
    """Compute once what several sums have the same multiple of, as 2*u."""
    users: dict[Value, list[int]] = {}
    for term, row in rows.items():
        for part, weight in row.items():
            if magnitude(weight) != 1 and part != ONE:
                users.setdefault((magnitude(weight), part), []).append(term)
    for (weight, part), terms in users.items():
        if len(terms) > 1:
            new = plan.terms.new()
            for term in terms:
                row = rows[term]
                row[new] = quotient(row.pop(part), weight)
            rows[new] = {part: weight}
            plan.note(SHARE_MULTIPLE, terms[0])


def _weighs(weight: Rational) -> int:
    return 0 if magnitude(weight) == 1 else 1


Pair = tuple[int, int, Rational]


class _SumPairs:
    """Pairs of terms up to scale: key (u, v, r) stands for u + r*v."""

    def __init__(self, ieee: bool) -> None:
        self.ieee = ieee

    def pair(self, u: int, p: Rational, v: int, q: Rational) -> Pair | None:
        ratio = quotient(q, p)
        if ONE in (u, v) or (self.ieee and magnitude(ratio) != 1):
            return None
        return u, v, ratio

    def saving(self, key: Pair, rows: list[Row]) -> int:
        return self.best(key, rows)[0]

    def make(self, key: Pair, rows: list[Row]) -> Row:
        return self.best(key, rows)[1]

    def best(self, key: Pair, rows: list[Row]) -> tuple[int, Row]:
        """Find the scale of the new sum that saves most, and what it saves."""
        u, v, ratio = key
        if len(rows) == 1 and (magnitude(ratio) != 1 or magnitude(rows[0][u]) == 1):
            return 0, {}
        before = sum(1 + _weighs(row[u]) + _weighs(row[v]) for row in rows)
        scales = dict.fromkeys([1, quotient(1, ratio), rows[0][u]])
        if self.ieee:
            scales = dict.fromkeys([1])
        best: tuple[int, Row] = 0, {}
        for scale in scales:
            made = {u: scale, v: scale * ratio}
            if not exact.fits(scale) or not exact.fits(scale * ratio):
                continue
            after = 1 + _weighs(scale) + _weighs(scale * ratio)
            after += all(weight == -1 for weight in made.values())
            after += sum(_weighs(quotient(row[u], scale)) for row in rows)
            if before - after > best[0]:
                best = before - after, made
        return best

    def replace(self, key: Pair, new: int, made: Row, row: Row) -> None:
        u, v, _ = key
        row[new] = quotient(row.pop(u), made[u])
        del row[v]

    def order(self, key: Pair) -> tuple[int, ...]:
        return key[0], key[1]
