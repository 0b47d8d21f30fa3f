"""Writing terms as a circuit's gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.exact import Rational, magnitude, quotient
from circuitgrad.gates import DIV, INPUT, INV, POWER, PROD, SUM, code_of
from circuitgrad.provenance import Provenance
from circuitgrad.simplify.reading import read_terms
from circuitgrad.simplify.rewrites import note_rewrites
from circuitgrad.simplify.rules import Rule
from circuitgrad.simplify.terms import ONE, Row, Terms, Value

__all__ = ["Plan"]

_SQRT = code_of("sqrt")


@dataclass
class Plan:
    """What is to be written: outputs, and rows that a pass may change.

    Attributes
    ----------
    source : Circuit
        Where the terms were read from: inputs, names and provenance come from it.
    terms : Terms
    outputs : list of (str, Value)
    sums, products, calls : dict
        The row of each sum and product, and the operands of each call, that some output
        depends on.  They may get new terms (`Terms.new`), which have no other place.
    turned : set of int
        The terms whose negative is written, so that names stay with their values.
    """

    source: Circuit
    terms: Terms
    outputs: list[tuple[str, Value]]
    made_for: Mapping[Value, int] = field(default_factory=dict)
    sums: dict[int, Row] = field(default_factory=dict)
    products: dict[int, Row] = field(default_factory=dict)
    calls: dict[int, list[Value]] = field(default_factory=dict)
    turned: set[int] = field(default_factory=set)
    _gates: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for term in self.order():
            kind = self.terms.kind[term]
            if kind == "sum":
                self.sums[term] = dict(self.terms.row[term])
            elif kind == "product":
                self.products[term] = dict(self.terms.row[term])
            elif kind == "call":
                self.calls[term] = list(self.terms.row[term][1])

    @classmethod
    def read(
        cls, circuit: Circuit, terms: Terms, *, sums: str = "none", products: str
    ) -> Plan:
        """Read a circuit into terms (`read_terms`), to be written as it is."""
        made_for: dict[Value, int] = {}
        outputs = read_terms(
            circuit, terms, sums=sums, products=products, made_for=made_for
        )
        return cls(circuit, terms, outputs, made_for)

    def parts(self, term: int) -> list[int]:
        """Give the terms that a term is made of, as the plan has it now."""
        row = self.sums.get(term, self.products.get(term))
        if row is not None:
            return list(row)
        operands = self.calls.get(term)
        if operands is not None:
            return [part for _, part in operands]
        return self.terms.parts(term)

    def kind(self, term: int) -> str:
        """Give what a term is; new terms are sums or products."""
        if term in self.sums:
            return "sum"
        return "product" if term in self.products else self.terms.kind[term]

    def constant(self, term: int) -> bool:
        """Whether a term depends on no input."""
        return self.terms.constant[term]

    def order(self) -> list[int]:
        """Give the terms that outputs depend on, parts before wholes."""
        order: list[int] = []
        state: dict[int, bool] = {}  # False: on the stack; True: done
        stack = [term for _, (_, term) in reversed(self.outputs)]
        while stack:
            term = stack[-1]
            if term not in state:
                state[term] = False
                stack.extend(u for u in reversed(self.parts(term)) if u not in state)
                continue
            stack.pop()
            if not state[term]:
                state[term] = True
                order.append(term)
        return order

    def note(self, rule: Rule, term: int) -> None:
        """Take note that a rule fired at a term."""
        if not self._gates:
            for (_, read), vertex in self.made_for.items():
                self._gates.setdefault(read, vertex)
        self.terms.fired.append((rule, self._gates.get(term, -1)))

    def write(self, pass_name: str) -> Circuit:
        """Emit the circuit, and take note of the rules that fired."""
        note_rewrites(self.source, self.terms.fired)
        return _Writer(self).circuit(pass_name)


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.terms = plan, plan.terms
        self.builder = Builder(plan.source.name)
        self.vertex: dict[int, int] = {}
        self.scaled: dict[Value, int] = {}
        self.powers: dict[tuple[int, Rational], int] = {}

    def circuit(self, pass_name: str) -> Circuit:
        plan, builder, source = self.plan, self.builder, self.plan.source
        for _ in source.inputs:
            builder.add(INPUT, ())
        order = plan.order()
        self.wanted = self._wanted_powers(order)
        for term in order:
            self.emit(term)
        outputs = [(name, self.value(value)) for name, value in plan.outputs]

        raw = builder.raw()
        origin = np.full(len(raw.op), -1, dtype=np.int64)
        inputs = len(source.inputs)
        origin[:inputs] = np.arange(inputs)
        turned = plan.turned
        places: dict[Value, int] = {
            (-1 if term in turned else 1, term): v for term, v in self.vertex.items()
        }
        places |= {
            (-number if term in turned else number, term): v
            for (number, term), v in self.scaled.items()
        }
        for value, old in plan.made_for.items():
            if (new := places.get(value)) is not None and origin[new] < 0:
                origin[new] = old
        return Circuit.assemble(
            raw,
            source.names.taken(origin),
            outputs,
            name=source.name,
            provenance=Provenance.of(source).take(origin, pass_name),
        )

    def _wanted_powers(self, order: Sequence[int]) -> Counter[tuple[int, Rational]]:
        """Count the powers that products use, above and below."""
        return Counter(
            (base, magnitude(exponent))
            for term in order
            for base, exponent in self.plan.products.get(term, {}).items()
        )

    # ------------------------------------------------------------------ terms

    def value(self, value: Value) -> int:
        """Give the vertex of a number times a term."""
        number, term = value
        if term == ONE:
            return self.builder.constant_vertex(_place(number))
        if number == 1:
            return self.vertex[term]
        vertex = self.scaled.get(value)
        if vertex is None:
            row = self.plan.products.get(term, {})
            if row and all(exponent < 0 for exponent in row.values()):
                constant = self.builder.constant_vertex(_place(number))
                vertex = self.builder.add(DIV, (constant, self.denominator(row)))
            else:
                vertex = self.builder.scaled(self.vertex[term], Fraction(number))
            self.scaled[value] = vertex
        return vertex

    def emit(self, term: int) -> None:
        plan, builder = self.plan, self.builder
        if term in plan.sums:
            row = plan.sums[term]
            wires = sorted(row.items(), key=lambda wire: wire[0] == ONE)  # 1 comes last
            operands = [self.value((1, part)) for part, _ in wires]
            weights = [_place(number) for _, number in wires]
            self.vertex[term] = builder.add(SUM, operands, weights)
            return
        if term in plan.products:
            self.vertex[term] = self.product(plan.products[term])
            return
        kind, row = self.terms.kind[term], self.terms.row[term]
        if kind == "leaf":
            pi = row < 0
            self.vertex[term] = builder.constant_vertex(exact.PI_PLACE) if pi else row
        elif kind == "boxed":
            self.vertex[term] = self.value(row)
        elif kind == "root":
            self.vertex[term] = self.root(*row)
        elif kind == "call":
            code, operands, param = row
            self.vertex[term] = self.call(code, plan.calls.get(term, operands), param)

    def call(self, code: int, operands: Sequence[Value], param: int) -> int:
        if code != SUM:
            return self.builder.add(
                code, [self.value(u) for u in operands], None, param
            )
        vertices = [self.value((1, term)) for _, term in operands]
        weights = [_place(number) for number, _ in operands]
        return self.builder.add(SUM, vertices, weights)

    def root(self, under: int, degree: int) -> int:
        operand = self.value((1, under))
        if degree == 2:
            return self.builder.add(_SQRT, (operand,))
        place = exact.intern(Fraction(1, degree))
        return self.builder.add(POWER, (operand,), None, place)

    def product(self, row: Row) -> int:
        """Emit a product as one division of products, whichever of them it has."""
        factors = sorted(row.items(), key=lambda item: not self.plan.constant(item[0]))
        above = [self.power(b, e) for b, e in factors if e > 0]  # numbers first
        if len(above) == len(row):
            return above[0] if len(above) == 1 else self.builder.add(PROD, above)
        if not above and len(row) == 1:
            ((base, exponent),) = row.items()
            return self.inverse(base, -exponent)
        if not above:
            return self.builder.add(INV, (self.denominator(row),))
        numerator = above[0] if len(above) == 1 else self.builder.add(PROD, above)
        return self.builder.add(DIV, (numerator, self.denominator(row)))

    def denominator(self, row: Row) -> int:
        below = [self.power(b, -e) for b, e in row.items() if e < 0]
        return below[0] if len(below) == 1 else self.builder.add(PROD, below)

    def power(self, base: int, exponent: Rational) -> int:
        if exponent == 1:
            return self.vertex[base]
        key = (base, exponent)
        vertex = self.powers.get(key)
        if vertex is None:
            vertex = self.powers[key] = self._new_power(base, exponent)
        return vertex

    def inverse(self, base: int, exponent: Rational) -> int:
        """Emit 1/u^k: a power of its own unless u^k is there for others too."""
        if exponent == 1 or self.wanted[base, exponent] > 1:
            return self.builder.add(INV, (self.power(base, exponent),))
        return self._new_power(base, -exponent)

    def _new_power(self, base: int, exponent: Rational) -> int:
        if self.plan.kind(base) == "root":  # u^(p/q) is one gate
            under, degree = self.terms.row[base]
            base, exponent = under, quotient(exponent, degree)
        operand = self.vertex[base]
        return self.builder.add(POWER, (operand,), None, _place(exponent))


def _place(number: Rational) -> int:
    return exact.ONE if number == 1 else exact.intern(number)
