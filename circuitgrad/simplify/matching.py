"""Matching pattern rules on terms.

Both sides of a rule are read into terms by the same constructors as the circuit, so a
pattern is matched up to the normal form.  Letters match any value.  A product or a sum
at the root of a pattern may be a part of the term that it is found in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from circuitgrad.errors import RewriteError
from circuitgrad.exact import Rational, magnitude, quotient
from circuitgrad.simplify.reading import read_terms
from circuitgrad.simplify.rules import RULES, Rule
from circuitgrad.simplify.terms import ONE, Row, Terms, Value

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Matcher", "default_matcher", "rule_circuits"]

Bindings = dict[int, Value]


def rule_circuits(rule: Rule) -> tuple[Circuit, Circuit]:
    """Give the two sides of a rule as circuits."""
    from circuitgrad.formats.text import parse_expression

    left, right = rule.sides
    return parse_expression(left), parse_expression(right)


@dataclass(frozen=True)
class _Pattern:
    rule: Rule
    terms: Terms
    left: Value
    right: Value


def _compile(rule: Rule) -> _Pattern:
    left, right = rule_circuits(rule)
    before, after = left.stats(), right.stats()
    if (after.ops, after.size, after.nonscalar) >= (
        before.ops,
        before.size,
        before.nonscalar,
    ):
        raise RewriteError(
            f"rule {rule.name}: the right side costs {after.ops} operations, "
            f"the left {before.ops}; a rule must make a circuit smaller"
        )
    terms = Terms()
    known = {name: terms.leaf(i) for i, name in enumerate(left.inputs)}
    missing = [name for name in right.inputs if name not in known]
    if missing:
        raise RewriteError(f"rule {rule.name}: {missing[0]} is only on the right")
    sides = []
    for side in (left, right):
        leaves = [known[name] for name in side.inputs]
        sides.append(read_terms(side, terms, leaves=leaves)[0][1])
    return _Pattern(rule, terms, sides[0], sides[1])


@cache
def default_matcher(ieee: bool = False) -> Matcher:
    """Give the matcher of `RULES`, made once."""
    return Matcher(RULES, ieee=ieee)


class Matcher:
    """Pattern rules, indexed by what their left sides begin with.

    Parameters
    ----------
    rules : sequence of Rule
    ieee : bool
        Whether rules that change more than rounding are left out.

    Raises
    ------
    RewriteError
        If a rule's right side is not smaller than its left, or has letters of its own.
    """

    def __init__(self, rules: Sequence[Rule], *, ieee: bool = False) -> None:
        self.index: dict[tuple[str, int], list[_Pattern]] = {}
        for rule in rules:
            if rule.ieee or not ieee:
                pattern = _compile(rule)
                left = pattern.left[1]
                code = min(pattern.terms.codes[left], default=-1)
                key = pattern.terms.kind[left], code
                self.index.setdefault(key, []).append(pattern)

    def __call__(self, terms: Terms, value: Value) -> tuple[Rule, Value] | None:
        """Rewrite a value by the first rule that matches its term, if any does."""
        number, term = value
        kind = terms.kind[term]
        for code in (*sorted(terms.codes[term]), -1):
            for pattern in self.index.get((kind, code), ()):
                found = _Match(pattern, terms).rewrite(term)
                if found is not None:
                    terms.use(pattern.rule)
                    return pattern.rule, (number * found[0], found[1])
        return None


class _Match:
    """One pattern against one term."""

    def __init__(self, pattern: _Pattern, terms: Terms) -> None:
        self.pattern, self.terms = pattern, terms

    def rewrite(self, term: int) -> Value | None:
        terms, (_, left) = self.terms, self.pattern.left
        kind = self.pattern.terms.kind[left]
        if kind == "product":
            row = dict(terms.row[term])
            for bound, rest in self.product(left, row, {}, partial=True):
                made = self.instance(self.pattern.right, bound)
                number, factors = made[0], rest
                for base, exponent in terms.factors(made[1]).items():
                    factors[base] = factors.get(base, 0) + exponent
                return terms.product(number, factors)
            return None
        if kind == "sum":
            row = dict(terms.row[term])
            for bound, rest, scale in self.sum(left, row, {}):
                number, right = self.instance(self.pattern.right, bound)
                others = [(weight, part) for part, weight in rest.items()]
                return terms.sum([*others, (scale * number, right)])
            return None
        for bound, scale in self.term(left, term, {}):
            number, right = self.instance(self.pattern.right, bound)
            return scale * number, right
        return None

    # ------------------------------------------------------------------ matching

    def value(self, wanted: Value, found: Value, bound: Bindings) -> Iterator[Bindings]:
        """Match a value: a letter takes its number with it."""
        number, pattern = wanted
        if self.pattern.terms.kind[pattern] == "leaf":
            offer = (quotient(found[0], number), found[1])
            known = bound.get(pattern)
            if known is None:
                yield {**bound, pattern: offer}
            elif known == offer:
                yield bound
            return
        for after, scale in self.term(pattern, found[1], bound):
            if found[0] * scale == number:
                yield after

    def term(
        self, wanted: int, found: int, bound: Bindings
    ) -> Iterator[tuple[Bindings, Rational]]:
        """Match a whole term; the term is ``scale`` times the pattern."""
        patterns, terms = self.pattern.terms, self.terms
        kind, row = patterns.kind[wanted], patterns.row[wanted]
        if kind == "leaf":
            for after in self.value((1, wanted), (1, found), bound):
                yield after, 1
        elif kind != terms.kind[found]:
            return
        elif kind == "one":
            yield bound, 1
        elif kind == "root":
            if row[1] == terms.row[found][1]:
                for after in self.value((1, row[0]), (1, terms.row[found][0]), bound):
                    yield after, 1
        elif kind == "product":
            for after, rest in self.product(wanted, dict(terms.row[found]), bound):
                if not rest:
                    yield after, 1
        elif kind == "sum":
            for after, rest, scale in self.sum(wanted, dict(terms.row[found]), bound):
                if not rest:
                    yield after, scale
        elif kind == "call":
            for after in self.call(row, terms.row[found], bound):
                yield after, 1

    def call(self, wanted: Any, found: Any, bound: Bindings) -> Iterator[Bindings]:
        code, operands, param = wanted
        if (code, param, len(operands)) != (found[0], found[2], len(found[1])):
            return
        states = [bound]
        for pattern, operand in zip(operands, found[1], strict=True):
            states = [
                after
                for state in states
                for after in self.value(pattern, operand, state)
            ]
        yield from states

    def product(
        self, wanted: int, row: Row, bound: Bindings, partial: bool = False
    ) -> Iterator[tuple[Bindings, Row]]:
        """Match factors; gives what is left of the row."""
        patterns = self.pattern.terms
        factors = sorted(
            patterns.row[wanted], key=lambda item: patterns.kind[item[0]] == "leaf"
        )
        yield from self._factors(factors, row, bound, partial)

    def _factors(
        self,
        factors: list[tuple[int, Rational]],
        row: Row,
        bound: Bindings,
        partial: bool,
    ) -> Iterator[tuple[Bindings, Row]]:
        if not factors:
            yield bound, row
            return
        (pattern, exponent), later = factors[0], factors[1:]
        last_letter = self.pattern.terms.kind[pattern] == "leaf" and not later
        if last_letter and pattern not in bound and exponent == 1 and not partial:
            # the letter is everything that is left
            if row:
                yield {**bound, pattern: self.terms.product(1, row)}, {}
            return
        for base, have in row.items():
            if (have > 0) != (exponent > 0) or magnitude(have) < magnitude(exponent):
                continue
            for after, scale in self.term(pattern, base, bound):
                if scale != 1:
                    continue
                rest = dict(row)
                rest[base] = have - exponent
                if not rest[base]:
                    del rest[base]
                yield from self._factors(later, rest, after, partial)

    def sum(
        self, wanted: int, row: Row, bound: Bindings
    ) -> Iterator[tuple[Bindings, Row, Rational]]:
        """Match terms up to one scale; gives what is left, and the scale."""
        patterns = self.pattern.terms
        parts = sorted(
            patterns.row[wanted],
            key=lambda item: patterns.kind[item[0]] in ("leaf", "one"),
        )
        yield from self._parts(parts, row, bound, None)

    def _parts(
        self,
        parts: list[tuple[int, Rational]],
        row: Row,
        bound: Bindings,
        scale: Rational | None,
    ) -> Iterator[tuple[Bindings, Row, Rational]]:
        if not parts:
            assert scale is not None
            yield bound, row, scale
            return
        (pattern, weight), later = parts[0], parts[1:]
        for part, have in row.items():
            for after, factor in self.term(pattern, part, bound):
                ratio = quotient(have * factor, weight)
                if scale is None or ratio == scale:
                    rest = {t: w for t, w in row.items() if t != part}
                    yield from self._parts(later, rest, after, ratio)

    # ------------------------------------------------------------------ the other side

    def instance(self, value: Value, bound: Bindings) -> Value:
        """Make the right side with the letters' values."""
        patterns, terms = self.pattern.terms, self.terms
        number, term = value
        kind, row = patterns.kind[term], patterns.row[term]
        if kind == "leaf":
            made = bound[term]
        elif kind == "one":
            made = 1, ONE
        elif kind == "sum":
            made = terms.sum(
                [_times(w, self.instance((1, part), bound)) for part, w in row]
            )
        elif kind == "product":
            made = terms.multiply(
                [(self.instance((1, part), bound), e) for part, e in row]
            )
        elif kind == "root":
            under = self.instance((1, row[0]), bound)
            made = terms.power(under, Fraction(1, row[1]))
        else:
            code, operands, param = row
            made = terms.call(code, [self.instance(u, bound) for u in operands], param)
        return _times(number, made)


def _times(number: Rational, value: Value) -> Value:
    return number * value[0], value[1]
