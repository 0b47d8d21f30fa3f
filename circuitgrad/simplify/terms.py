"""Terms: the normal form that the simplifier works on.

A *value* is an exact number times a *term*.  Terms are hash-consed, so equal ones are
one, and a term is

    ``one``      the number 1
    ``leaf``     an input of the circuit, or pi
    ``sum``      a row {term: weight}
    ``product``  a row {term: exponent}, integers; 1/u is u^-1, u/v is u*v^-1
    ``root``     u^(1/q); u^(p/q) is its power, so sqrt(u) and 1/sqrt(u) share
    ``boxed``    a value that is kept as one operand
    ``call``     any other gate, with its operands, which are values

Numbers and signs of products move outwards, to whoever uses them.  A sum is one term
with its multiples: the first that is met says how it is written, and -2 times it is a
value.  The constructors apply `NORMAL_RULES`, each where it is allowed, and then match
`RULES`; a rule that is not allowed raises `RefusedError`, and the reader keeps the gate
as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import gcd
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.errors import LimitError, RewriteError
from circuitgrad.exact import Rational, magnitude, quotient
from circuitgrad.gates import gate_type
from circuitgrad.simplify import rules
from circuitgrad.simplify.rules import Rule

__all__ = ["ONE", "RefusedError", "Row", "Terms", "Value"]

Value = tuple[Rational, int]
Row = dict[int, Rational]

ONE: Final = 0

#: Rules that may fire inside one another before it is called a circle.
MAX_NESTED: Final = 60
#: No rule makes a larger exponent: floating point would round it.
MAX_EXPONENT: Final = 1_000_000
#: Sums of more terms are not looked into for terms that cancel.
MAX_CANCELLED: Final = 16


class RefusedError(Exception):
    """A rule that may not fire, or a number too long to be made by one."""


class Terms:
    """A table of terms, and their constructors.

    Parameters
    ----------
    ieee : bool
        Whether only rules fire under which floating point changes by rounding alone.
    numbers : bool
        Whether the numbers in a product move outwards; otherwise only signs do.
    primitive : bool
        Whether a sum is written with coprime whole weights, most of them positive,
        rather than as it is first met.
    match : callable, optional
        Rewrites a value by pattern rules (`circuitgrad.simplify.matching`).

    Attributes
    ----------
    kind, row : list
        What each term is, and of what.
    constant : list of bool
        Whether a term depends on no input.
    codes : list of frozenset
        The gate types of calls that a term is made of, through sums and products.
    fired : list of (Rule, int)
        The rules that fired, each with the vertex being read.
    """

    def __init__(
        self,
        *,
        ieee: bool = False,
        numbers: bool = True,
        primitive: bool = False,
        match: Callable[[Terms, Value], tuple[Rule, Value] | None] | None = None,
    ) -> None:
        self.ieee, self.numbers, self.primitive = ieee, numbers, primitive
        self.match = match
        self.kind: list[str] = []
        self.row: list[Any] = []
        self.constant: list[bool] = []
        self.codes: list[frozenset[int]] = []
        self.fired: list[tuple[Rule, int]] = []
        self.at = -1
        self._index: dict[tuple[str, Any], int] = {}
        self._sums: dict[Any, tuple[int, Rational]] = {}
        self._nested: list[Rule] = []
        self._term("one", None, True)

    def use(self, rule: Rule) -> None:
        """Take note that a rule fires; raise `RefusedError` where it may not."""
        if self.ieee and not rule.ieee:
            raise RefusedError(rule.name)
        self.fired.append((rule, self.at))

    def _term(self, kind: str, row: Any, constant: bool) -> int:
        key = (kind, row)
        term = self._index.get(key)
        if term is None:
            term = self._index[key] = len(self.kind)
            self.kind.append(kind)
            self.row.append(row)
            self.constant.append(constant)
            self.codes.append(self._codes(kind, row))
        return term

    def _codes(self, kind: str, row: Any) -> frozenset[int]:
        if kind == "call":
            return frozenset((row[0],))
        if kind in ("sum", "product"):
            return frozenset().union(*(self.codes[part] for part, _ in row))
        return frozenset()

    def new(self) -> int:
        """Give a term whose row is kept elsewhere; it depends on inputs."""
        self.kind.append("new")
        self.row.append(())
        self.constant.append(False)
        self.codes.append(frozenset())
        return len(self.kind) - 1

    # ------------------------------------------------------------------ what is there

    def is_power(self, term: int) -> bool:
        """Whether a term is a power of one other, as 1/u."""
        return self.kind[term] == "product" and len(self.row[term]) == 1

    def factors(self, term: int) -> Row:
        """Give a term as a product's row."""
        if self.kind[term] == "product":
            return dict(self.row[term])
        return {term: 1} if term != ONE else {}

    def parts(self, term: int) -> list[int]:
        """Give the terms that a term is made of."""
        kind, row = self.kind[term], self.row[term]
        if kind in ("sum", "product"):
            return [part for part, _ in row]
        if kind == "call":
            return [part for _, part in row[1]]
        if kind == "root":
            return [row[0]]
        return [row[1]] if kind == "boxed" else []

    # ------------------------------------------------------------------ constructors

    def leaf(self, vertex: int) -> Value:
        """Give the value of an input; vertex -1 is pi."""
        return 1, self._term("leaf", vertex, vertex < 0)

    def box(self, value: Value) -> int:
        """Give a term for a number times a term."""
        number, term = value
        if number == 1:
            return term
        return self._term("boxed", (number, term), self.constant[term])

    def multiple(self, value: Value) -> Value:
        """Give a number times a term as a sum of one term, up to its sign."""
        number, term = value
        if magnitude(number) == 1 or self.constant[term]:
            return value
        made = self._term("sum", ((term, magnitude(number)),), False)
        return (1 if number > 0 else -1), made

    def negated(self, term: int) -> int:
        """Give a term for the negative of a constant term."""
        number, under = self.row[term] if self.kind[term] == "boxed" else (1, term)
        return self.box((-number, under))

    def sum(self, values: Iterable[Value]) -> Value:
        """Give the sum of values."""
        row: Row = {}
        for number, term in values:
            if number == 0:
                self.use(rules.ABSORB)
            elif term in row:
                total = row[term] + number
                if term == ONE:
                    self.use(rules.ADD_NUMBERS)
                else:
                    self.use(rules.COLLECT_TERMS if total else rules.CANCEL_TERMS)
                row[term] = total
            else:
                row[term] = number
        row = self._cancelled({term: n for term, n in row.items() if n})
        if not row:
            return 0, ONE
        if len(row) == 1:
            ((term, number),) = row.items()
            return _fit(number), term
        return self._rewritten(self._sum_term(row))

    def _cancelled(self, row: Row) -> Row:
        """Take sums apart whose terms cancel against others, as in (u - v) + v.

        Only where that makes the row shorter, or leaves a part of that sum, which the
        sum itself can be computed from.
        """
        for term in [t for t in row if self.kind[t] == "sum"]:
            inner = self.row[term]
            if term not in row:  # cancelled with an earlier one
                continue
            if len(inner) > MAX_CANCELLED or not any(part in row for part, _ in inner):
                continue
            open_row = dict(row)
            number = open_row.pop(term)
            for part, weight in inner:
                open_row[part] = open_row.get(part, 0) + number * weight
            open_row = {part: n for part, n in open_row.items() if n}
            of_it = {part: number * weight for part, weight in inner}
            if len(open_row) < len(row) or open_row.items() <= of_it.items():
                self.use(rules.CANCEL_IN_SUM)
                row = {part: _fit(n) for part, n in open_row.items()}
        return row

    def _sum_term(self, row: Row) -> Value:
        items = sorted(row.items())
        scale = _content(items)
        if self.ieee:  # a sum is one term with its negative alone
            scale = 1 if scale > 0 else -1
        key = tuple((term, quotient(number, scale)) for term, number in items)
        known = self._sums.get(key)
        if known is None:
            written = scale if self.primitive else 1
            if any(not exact.fits(quotient(number, written)) for _, number in items):
                written = 1
            plain = tuple(
                (term, _fit(quotient(number, written))) for term, number in items
            )
            constant = all(self.constant[term] for term, _ in items)
            known = self._sums[key] = (
                self._term("sum", plain, constant),
                quotient(scale, written),
            )
        term, own = known
        number = _fit(quotient(scale, own))
        if number != 1:
            self.use(rules.NEGATE_SUM if number == -1 else rules.SCALE_SUM)
        return number, term

    def product(self, number: Rational, factors: Row) -> Value:
        """Give a number times a product of powers of terms."""
        if number == 0:
            self.use(rules.ABSORB)
            return 0, ONE
        row: Row = {}
        for term, exponent in factors.items():
            if exponent == 0 or term == ONE:
                continue
            if self.kind[term] == "root" and exponent % self.row[term][1] == 0:
                self.use(rules.POWER_OF_ROOT)
                under, degree = self.row[term]
                for base, inner in self.factors(under).items():
                    row[base] = row.get(base, 0) + inner * exponent // degree
            else:
                row[term] = row.get(term, 0) + exponent
        row = {term: exponent for term, exponent in row.items() if exponent}
        if any(magnitude(exponent) > MAX_EXPONENT for exponent in row.values()):
            raise RefusedError("an exponent too large")
        if not row:
            return _fit(number), ONE
        if len(row) == 1:
            ((term, exponent),) = row.items()
            if exponent == 1:
                return _fit(number), term
        constant = all(self.constant[term] for term in row)
        term = self._term("product", tuple(sorted(row.items())), constant)
        factor, term = self._rewritten((1, term))
        return _fit(number * factor), term

    def multiply(
        self,
        powers: Sequence[tuple[Value, Rational]],
        apart: Callable[[int], bool] | None = None,
    ) -> Value:
        """Multiply powers of values; products ``apart`` are taken apart, or all."""
        number: Rational = 1
        row: Row = {}
        for (factor, term), exponent in powers:
            if exponent.denominator != 1:
                factor, term = self._root(
                    self.box((factor, term)), exponent.denominator
                )
                exponent = exponent.numerator
            if exponent == 0:
                self.use(rules.POWER_ZERO)
                continue
            if factor == 0 and exponent < 0:
                raise RefusedError("a division by zero")
            if magnitude(factor) != 1 and len(powers) > 1:
                if self.numbers:
                    self.use(rules.MOVE_NUMBER)
                elif term == ONE:
                    factor, term = 1, self.box((factor, term))
                elif factor:
                    sign = 1 if factor > 0 else -1
                    factor, term = sign, self.box((magnitude(factor), term))
            number *= _power(factor, exponent)
            if self.kind[term] == "product" and (apart is None or apart(term)):
                self._take_apart(row, term, exponent, len(powers) > 1)
            else:
                self._collect(row, term, exponent)
        return self.product(number, row)

    def power(self, value: Value, exponent: Rational) -> Value:
        """Raise a value to a number."""
        return self.multiply([(value, exponent)])

    def _take_apart(self, row: Row, term: int, exponent: Rational, among: bool) -> None:
        factors = self.row[term]
        if any(e < 0 for _, e in factors) and exponent < 0:
            self.use(rules.INVERSE_OF_INVERSE)
        elif exponent != 1:
            self.use(
                rules.POWER_OF_PRODUCT if len(factors) > 1 else rules.POWER_OF_POWER
            )
        elif among:
            self.use(rules.FLATTEN_PRODUCT)
        for base, inner in factors:
            self._collect(row, base, inner * exponent)

    def _collect(self, row: Row, term: int, exponent: Rational) -> None:
        before = row.get(term)
        if before is not None and term != ONE:
            same = (before > 0) == (exponent > 0)
            self.use(rules.COLLECT_FACTORS if same else rules.CANCEL_FACTORS)
            exponent += before
        row[term] = exponent

    def _root(self, term: int, degree: int) -> Value:
        if term == ONE:
            return 1, ONE
        made = self._term("root", (term, degree), self.constant[term])
        return self._rewritten((1, made))

    def call(self, code: int, operands: Sequence[Value], param: int = -1) -> Value:
        """Give a gate of any other type; the traits of its record apply."""
        traits = gate_type(code).traits
        number = exponent = 1
        values = list(operands)
        if "chained" in traits:
            values = self._chain(code, values, "idempotent" in traits)
            if len(values) == 1:
                return values[0]
        elif len(values) == 1 and values[0][0] < 0 and values[0][1] != ONE:
            flipped = [(-values[0][0], values[0][1])]
            if "odd" in traits:
                self.use(rules.ODD)
                number, values = -1, flipped
            elif "even" in traits:
                self.use(rules.EVEN)
                values = flipped
            elif "reciprocal" in traits and self._reciprocal_pays(code, flipped[0]):
                self.use(rules.RECIPROCAL)
                exponent, values = -1, flipped
        constant = all(self.constant[term] for _, term in values)
        made = self._term("call", (code, tuple(values), param), constant)
        factor, term = self._rewritten((1, made))
        if exponent != 1:
            factor, term = self.power((factor, term), exponent)
        return number * factor, term

    def _reciprocal_pays(self, code: int, operand: Value) -> bool:
        """Whether 1/f(u) is better than f(-u): f(u) is there, or -u is a gate."""
        number, term = operand
        known = ("call", (code, (operand,), -1)) in self._index
        return not self.ieee and (known or (number == 1 and self.kind[term] != "sum"))

    def _chain(self, code: int, operands: list[Value], idempotent: bool) -> list[Value]:
        """Take nested gates of one type apart, and drop repeats."""
        flat: list[Value] = []
        for number, term in operands:
            row = self.row[term]
            if number == 1 and self.kind[term] == "call" and row[0] == code:
                self.use(rules.FLATTEN_CHAIN)
                flat += row[1]
            else:
                flat.append((number, term))
        distinct = list(dict.fromkeys(flat))
        if idempotent and len(distinct) < len(flat):
            self.use(rules.IDEMPOTENT)
            return distinct
        return flat

    def opaque(self, code: int, operands: Sequence[Value], param: int = -1) -> Value:
        """Give a gate as it is: no rule fires; numbers on a sum are its weights."""
        constant = all(self.constant[term] for _, term in operands)
        return 1, self._term("call", (code, tuple(operands), param), constant)

    def _rewritten(self, value: Value) -> Value:
        """Match the pattern rules until none does."""
        if self.match is None:
            return value
        nested = len(self._nested)
        while (found := self.match(self, value)) is not None:
            rule, value = found
            self._nested.append(rule)
            if len(self._nested) > MAX_NESTED:
                last = ", ".join(dict.fromkeys(r.name for r in self._nested[-4:]))
                raise RewriteError(f"rules that undo one another: {last}")
        del self._nested[nested:]
        return value


def _fit(number: Rational) -> Rational:
    if not exact.fits(number):
        raise RefusedError("a number too long")
    return exact.whole(number)


def _power(number: Rational, exponent: Rational) -> Rational:
    if exponent == 1 or number == 1:
        return number
    try:
        return _fit(exact.integer_power(Fraction(number), int(exponent)))
    except LimitError:
        raise RefusedError("a number too long") from None


def _content(items: Sequence[tuple[int, Rational]]) -> Rational:
    """Give what makes weights coprime integers, most of them positive."""
    numerator, denominator, negative = 0, 1, 0
    for _, number in items:
        numerator = gcd(numerator, number.numerator)
        denominator *= number.denominator // gcd(denominator, number.denominator)
    weights = [number for term, number in items if term != ONE]
    negative = sum(number < 0 for number in weights)
    flip = 2 * negative > len(weights)
    flip |= 2 * negative == len(weights) and weights[0] < 0
    return quotient(-numerator if flip else numerator, denominator)
