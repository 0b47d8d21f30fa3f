"""The level "proved": polynomials by FLINT, or sympy's formulas.

The caps are on sizes that are computed before either starts.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.check.rational import RationalProver
from circuitgrad.check.zero import is_zero
from circuitgrad.circuit import Circuit
from circuitgrad.evaluation.arithmetic import Formulas
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import DIV, INV, POW, POWER, PROD, SUM, code_of

__all__ = [
    "MAX_FORMULA",
    "Prover",
    "formula_sizes",
    "formulas",
    "symbols",
]

#: Largest formula, written out as a tree, that sympy is given, in vertices.
MAX_FORMULA: Final = 3_000
#: Deepest nesting of a formula that sympy, which recurses, is given.
MAX_DEPTH: Final = 100
#: Longest number that sympy may meet in a formula.
MAX_BITS: Final = 20_000
#: Longest number in an argument of a function: sympy takes roots apart into primes.
MAX_ARGUMENT: Final = 128
#: Together the formulas that sympy is given have at most so many vertices, as trees.
MAX_FORMULAS: Final = 60_000
#: Largest circuit, in wires, of which some formula may be proved.
MAX_WIRES: Final = 100_000
#: Counts stop growing here.
_HUGE: Final = 10**12


def symbols(circuit: Circuit) -> dict[str, Any]:
    """Give a real sympy symbol for each input; names are never parsed."""
    import sympy

    return {name: sympy.Symbol(name, real=True) for name in circuit.inputs}


def formulas(circuit: Circuit, symbol: dict[str, Any]) -> list[Any]:
    """Build the sympy formula of every live vertex, gate by gate.

    The formula of a gate type is its record's ``formula``, or the value rule read in
    sympy's arithmetic; its partials are not used.
    """
    return vertex_values(circuit, Formulas(), [symbol[n] for n in circuit.inputs])


def formula_sizes(circuit: Circuit) -> list[int]:
    """Bound, for each vertex, what its formula costs sympy to build and differentiate.

    Returns
    -------
    list of int
        Vertices of the formula as a tree, where max and min count their operands cubed,
        as sympy's take; 10^12, where counting stops, also for formulas nested deeper
        than `MAX_DEPTH` and for those that may hold numbers of more than `MAX_BITS`.

    Notes
    -----
    One pass, linear in wires; no sympy.
    """
    columns = circuit.columns
    op, params = columns.op.tolist(), columns.params.tolist()
    offsets, operands = columns.offsets.tolist(), columns.operands.tolist()
    weights = columns.weights.tolist()
    extremes = {code_of("max"), code_of("min")}
    tree, depth, bits = [1] * len(op), [0] * len(op), [0] * len(op)
    for v in range(columns.inputs, columns.sources):
        bits[v] = _bits(params[v])
    for v in range(columns.sources, len(op)):
        span = slice(offsets[v], offsets[v + 1])
        used = operands[span]
        depth[v] = 1 + max(depth[u] for u in used)
        bits[v] = max(bits[u] for u in used)
        if op[v] == SUM:
            bits[v] += len(used) + max(_bits(w) for w in weights[span])
        elif op[v] == PROD:
            bits[v] = sum(bits[u] for u in used)
        elif op[v] == POWER:
            root = exact.rational(params[v]).denominator > 1
            if root and bits[v] > MAX_ARGUMENT:
                bits[v] = MAX_BITS + 1
            bits[v] *= 1 + abs(int(exact.rational(params[v])))
        elif op[v] == POW:  # sympy computes a number to a number
            bits[v] <<= min(64, bits[used[1]] + 1)
        elif op[v] not in (DIV, INV) and bits[v] > MAX_ARGUMENT:
            bits[v] = MAX_BITS + 1
        cost = sum(tree[u] for u in used)
        cost += len(used) ** 3 if op[v] in extremes else 1
        small = depth[v] <= MAX_DEPTH and bits[v] <= MAX_BITS
        tree[v] = min(_HUGE, cost) if small else _HUGE
        bits[v] = min(bits[v], _HUGE)
    return tree


def _bits(place: int) -> int:
    value = exact.number(place)
    if isinstance(value, exact.Pi):
        return 0
    return max(abs(value.numerator), value.denominator).bit_length() - 1


class Prover:
    """Proves claims, where polynomials or formulas are small enough."""

    def __init__(self, circuit: Circuit, gradient: Circuit) -> None:
        self.circuit = circuit
        self.gradient = gradient
        self.rational = RationalProver(circuit, gradient)
        self.budget = MAX_FORMULAS
        #: What sympy's formulas show, and not polynomials.
        self.by_formulas: set[str] = set()
        self.cuts: dict[tuple[int, int], tuple[Any, Any]] = {}

    @cached_property
    def sizes(self) -> tuple[list[int], list[int]]:
        """What the formulas of both circuits cost."""
        return formula_sizes(self.circuit), formula_sizes(self.gradient)

    @cached_property
    def formulas(self) -> tuple[list[Any], list[Any]]:
        """The formulas of both circuits, for outputs within the cap alone."""
        symbol = symbols(self.circuit)
        both = zip((self.circuit, self.gradient), self.sizes, strict=True)
        source, emitted = (
            formulas(
                circuit.with_outputs(
                    (name, v) for name, v in circuit.outputs if sizes[v] <= MAX_FORMULA
                ),
                symbol,
            )
            for circuit, sizes in both
        )
        return source, emitted

    def proves(self, claim: Claim) -> bool:
        """Tell whether a claim is shown to hold; False is no disproof."""
        if max(self.circuit.columns.wires, self.gradient.columns.wires) > MAX_WIRES:
            return False
        if self.rational.proves(claim):
            return True
        cost = self.sizes[0][claim.output] + self.sizes[1][claim.found]
        if cost > MAX_FORMULA or cost > self.budget:
            return False
        self.budget -= cost
        try:
            zero = is_zero(self.expected(claim) - self.formulas[1][claim.found])
        except (RecursionError, ValueError, TypeError, ArithmeticError):
            return False  # sympy recurses, and cannot compare complex constants
        if zero:
            self.by_formulas.add(claim.name)
        return zero

    def expected(self, claim: Claim) -> Any:
        """Differentiate the source formula: in (C - z), then with z's formula in it."""
        import sympy

        if claim.by < 0:
            return self.formulas[0][claim.output]
        label = self.circuit.labels[claim.by]
        if claim.by < self.circuit.columns.inputs:
            symbol = sympy.Symbol(label, real=True)
            return sympy.diff(self.formulas[0][claim.output], symbol)
        key = claim.by, claim.output
        if key not in self.cuts:
            alone = self.circuit.with_outputs([("y", claim.output)])
            cut = alone.cut(claim.by)
            given = symbols(cut) | {label: sympy.Dummy(label, real=True)}
            formula = formulas(cut, given)[cut.outputs[0][1]]
            self.cuts[key] = given[label], formula
        symbol, formula = self.cuts[key]
        value = self.formulas[0][claim.by]
        derivative = sympy.diff(formula, symbol)
        return derivative if value is None else derivative.subs(symbol, value)
