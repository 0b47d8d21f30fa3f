"""Reading a circuit's gates into terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.exact import Rational, rational, whole
from circuitgrad.gates import DIV, INV, POW, POWER, PROD, SUM, code_of
from circuitgrad.simplify import rules
from circuitgrad.simplify.terms import ONE, RefusedError, Terms, Value

__all__ = ["read_terms"]

_SQRT = code_of("sqrt")

#: A product with more factors than this is not taken apart into others: a chain of n
#: products would otherwise be read as n rows of up to n factors.
MAX_FACTORS = 40
#: Factors that may be copied from products with several uses into others.
MAX_COPIED = 20_000


def read_terms(
    circuit: Circuit,
    terms: Terms,
    *,
    sums: str = "none",
    products: str = "all",
    leaves: Sequence[Value] | None = None,
    made_for: dict[Value, int] | None = None,
) -> list[tuple[str, Value]]:
    """Read a circuit into terms, operands before users.

    Parameters
    ----------
    circuit : Circuit
    terms : Terms
        The table; its settings say which rules fire.
    sums, products : {"none", "single", "all"}
        Which sums in sums, and which products in products, are taken apart: none,
        those with a single use, or all.
    leaves : sequence of Value, optional
        The values of the inputs; leaves numbered from 0 where left out.
    made_for : dict, optional
        Is filled with the first vertex of each value.

    Returns
    -------
    list of (str, Value)
        The value of each output.
    """
    return _Reader(circuit, terms, sums, products).run(leaves, made_for)


class _Reader:
    def __init__(
        self, circuit: Circuit, terms: Terms, sums: str, products: str
    ) -> None:
        circuit.require_scalars("rewriting sums and products")
        self.circuit, self.terms = circuit, terms
        columns = circuit.columns
        live_wire = (circuit.live & columns.is_gate)[columns.consumer]
        uses = np.bincount(columns.operands[live_wire], minlength=len(columns))
        np.add.at(uses, circuit.output_vertices, 1)
        self.single = (uses == 1).tolist()
        self.sums, self.products = sums, products
        self.copied = 0
        self.values: list[Value] = []

    def run(
        self, leaves: Sequence[Value] | None, made_for: dict[Value, int] | None
    ) -> list[tuple[str, Value]]:
        terms, columns = self.terms, self.circuit.columns
        live, values = self.circuit.live.tolist(), self.values
        for vertex in range(columns.inputs):
            values.append(terms.leaf(vertex) if leaves is None else leaves[vertex])
        for place in columns.params[columns.inputs : columns.sources].tolist():
            number = exact.number(place)
            values.append(
                terms.leaf(-1) if isinstance(number, exact.Pi) else (whole(number), ONE)
            )
        gates = zip(
            columns.op[columns.sources :].tolist(),
            columns.offsets[columns.sources :].tolist(),
            columns.offsets[columns.sources + 1 :].tolist(),
            columns.params[columns.sources :].tolist(),
            strict=False,
        )
        operands, weights = columns.operands.tolist(), columns.weights.tolist()
        for vertex, (code, start, stop, param) in enumerate(gates, columns.sources):
            if not live[vertex]:
                values.append((1, ONE))  # nothing reads it
                continue
            terms.at, fired = vertex, len(terms.fired)
            wires = operands[start:stop], weights[start:stop]
            try:
                value = self.gate(code, *wires, param)
                if not (terms.numbers or self.single[vertex]):
                    value = terms.multiple(value)
            except RefusedError:
                del terms.fired[fired:]
                value = self.as_it_is(code, *wires, param)
            values.append(value)
            if made_for is not None:
                made_for.setdefault(value, vertex)
        return [(name, values[vertex]) for name, vertex in self.circuit.outputs]

    def gate(
        self, code: int, operands: list[int], weights: list[int], param: int
    ) -> Value:
        """Read a gate, by the rules."""
        terms, values = self.terms, [self.values[u] for u in operands]
        if code == SUM:
            return self.sum(operands, values, weights)
        exponents = self.exponents(code, values, param)
        if exponents is not None:
            powers = list(zip(values, exponents, strict=False))
            return terms.multiply(powers, self.splices(operands, values))
        return terms.call(code, values, param)

    def exponents(
        self, code: int, values: list[Value], param: int
    ) -> list[Rational] | None:
        """Give the power that each operand of a product-like gate stands in."""
        if code == PROD:
            return [1] * len(values)
        if code == DIV:
            return [1, -1]
        if code == INV:
            return [-1]
        if code == POWER:
            exponent = whole(rational(param))
            # pow(-inf, -1/2) is 0 in floating point, and 1/sqrt(-inf) is not
            plain = not self.terms.ieee or isinstance(exponent, int)
            return [exponent] if plain else None
        if code == _SQRT:
            return [Fraction(1, 2)]
        if code == POW and values[1][1] == ONE and not self.terms.ieee:
            return [values[1][0]]
        return None

    def splices(
        self, operands: list[int], values: list[Value]
    ) -> Callable[[int], bool]:
        """Tell which terms among the operands are products to be taken apart."""
        terms = self.terms
        if self.products == "all":
            chosen = {term for _, term in values}
        elif self.products == "single":
            chosen = {
                term
                for u, (_, term) in zip(operands, values, strict=True)
                if self.single[u] or terms.is_power(term)
            }
        else:
            chosen = set()
        short = set()
        for u, (_, term) in zip(operands, values, strict=True):
            if terms.kind[term] != "product" or term not in chosen:
                continue
            length = len(terms.row[term])
            if length < MAX_FACTORS and (self.single[u] or self.copied < MAX_COPIED):
                short.add(term)
                self.copied += 0 if self.single[u] else length
        return short.__contains__

    def sum(
        self, operands: list[int], values: list[Value], weights: list[int]
    ) -> Value:
        terms = self.terms
        spliced: list[Value] = []
        for u, (number, term), place in zip(operands, values, weights, strict=True):
            if place != exact.ONE:
                number = whole(number * rational(place))
                if not exact.fits(number):
                    raise RefusedError("a number too long")
            apart = terms.kind[term] == "sum" and (
                self.sums == "all" or (self.sums == "single" and self.single[u])
            )
            if not apart:
                spliced.append((number, term))
                continue
            terms.use(rules.FLATTEN_SUM if abs(number) == 1 else rules.DISTRIBUTE)
            spliced += [(number * weight, part) for part, weight in terms.row[term]]
        return terms.sum(spliced)

    def as_it_is(
        self, code: int, operands: list[int], weights: list[int], param: int
    ) -> Value:
        """Read a gate as it is, where a rule refused."""
        terms, values = self.terms, [self.values[u] for u in operands]
        if code == SUM:
            boxed = [
                (whole(rational(place)), terms.box(value))
                for value, place in zip(values, weights, strict=True)
            ]
            return terms.opaque(code, boxed)
        return terms.opaque(code, [(1, terms.box(value)) for value in values], param)
