"""The level "proved": sympy compares formulas, within a size cap computed before."""

from __future__ import annotations

from math import comb
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.check.claims import Claim
from circuitgrad.circuit import Circuit
from circuitgrad.evaluation.arithmetic import Formulas
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.gates import DIV, INV, POWER, PROD, SUM

__all__ = [
    "MAX_FORMULA",
    "MAX_TERMS",
    "Prover",
    "formula_sizes",
    "formulas",
    "is_zero",
    "symbols",
]

#: Largest formula, written out as a tree, that sympy is given, in vertices.
MAX_FORMULA: Final = 3_000
#: Most terms that a formula may have when it is multiplied out.
MAX_TERMS: Final = 3_000
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


def formula_sizes(circuit: Circuit) -> list[tuple[int, int]]:
    """Bound, for each vertex, its formula's size as a tree and when multiplied out.

    Returns
    -------
    list of (int, int)
        Vertices of the tree; the most terms in the numerator or denominator of any
        subformula over a common denominator.  Both stop at 10^12.

    Notes
    -----
    One pass, linear in wires; no sympy.
    """
    columns = circuit.columns
    op, params = columns.op.tolist(), columns.params.tolist()
    offsets, operands = columns.offsets.tolist(), columns.operands.tolist()
    tree, worst = [1] * len(op), [1] * len(op)
    above, below = [1] * len(op), [1] * len(op)  # terms of numerator and denominator
    for v in range(columns.sources, len(op)):
        used = operands[offsets[v] : offsets[v + 1]]
        tree[v] = min(_HUGE, 1 + sum(tree[u] for u in used))
        n, d = 1, 1
        if op[v] == SUM:
            for u in used:
                d = min(_HUGE, d * below[u])
            n = min(_HUGE, sum(above[u] * max(1, d // below[u]) for u in used))
        elif op[v] == PROD:
            for u in used:
                n, d = min(_HUGE, n * above[u]), min(_HUGE, d * below[u])
        elif op[v] == DIV:
            u, w = used
            n, d = min(_HUGE, above[u] * below[w]), min(_HUGE, below[u] * above[w])
        elif op[v] == INV:
            n, d = below[used[0]], above[used[0]]
        elif op[v] == POWER:
            n, d = _power_terms(above[used[0]], below[used[0]], params[v])
        above[v], below[v] = n, d
        worst[v] = max(n, d, *(worst[u] for u in used))
    return list(zip(tree, worst, strict=True))


def _power_terms(above: int, below: int, param: int) -> tuple[int, int]:
    exponent = exact.rational(param)
    if exponent.denominator != 1:
        return 1, 1  # a kernel, which is not multiplied out
    size = abs(int(exponent))
    if size > 1000 and max(above, below) > 1:
        return _HUGE, _HUGE
    n = min(_HUGE, comb(above + size - 1, above - 1)) if above < _HUGE else _HUGE
    d = min(_HUGE, comb(below + size - 1, below - 1)) if below < _HUGE else _HUGE
    return (n, d) if exponent >= 0 else (d, n)


def is_zero(expression: Any) -> bool:
    """Tell whether sympy shows that an expression is 0; False is no disproof.

    Equality is meant away from kinks and jumps, where the gate table declares what
    holds: Heaviside's function is 0 at 0 and Dirac's vanishes.
    """
    import sympy

    if expression == 0:
        return True
    expression = expression.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    expression = expression.replace(
        sympy.Heaviside, lambda u, *_: sympy.Heaviside(u, 0)
    )
    expanded = sympy.expand(expression)
    if expanded == 0 or sympy.powsimp(expanded) == 0:
        return True
    numerator, _ = sympy.fraction(sympy.together(expression))
    return bool(sympy.expand(numerator) == 0)


class Prover:
    """Proves claims by sympy, where the formulas are small enough."""

    def __init__(self, circuit: Circuit, gradient: Circuit) -> None:
        self.circuit = circuit
        self.gradient = gradient
        self.budget = MAX_FORMULAS
        self.sizes: tuple[list[tuple[int, int]], list[tuple[int, int]]] | None = None
        self.built: tuple[list[Any], list[Any]] | None = None
        self.cuts: dict[int, tuple[Circuit, list[Any]]] = {}

    def proves(self, claim: Claim) -> bool:
        """Tell whether sympy shows that a claim holds; False is no disproof."""
        if max(self.circuit.columns.wires, self.gradient.columns.wires) > MAX_WIRES:
            return False
        if self.sizes is None:
            sizes = (
                formula_sizes(self.circuit),
                formula_sizes(self.gradient),
            )
            self.sizes = sizes
        source, emitted = self.sizes[0][claim.output], self.sizes[1][claim.found]
        tree = source[0] + emitted[0]
        if tree > MAX_FORMULA or max(source[1], emitted[1]) > MAX_TERMS:
            return False
        self.budget -= tree
        if self.budget < 0:
            return False
        return is_zero(self.expected(claim) - self.formula_of(1)[claim.found])

    def formula_of(self, which: int) -> list[Any]:
        """Give the formulas of the source (0) or the gradient circuit (1)."""
        if self.built is None:
            symbol = symbols(self.circuit)
            claimed = self.circuit, self.gradient
            self.built = tuple(  # type: ignore[assignment]
                formulas(self.small(circuit, i), symbol)
                for i, circuit in enumerate(claimed)
            )
        assert self.built is not None
        return self.built[which]

    def small(self, circuit: Circuit, which: int) -> Circuit:
        """Keep the outputs whose formulas are within the cap: no other is built."""
        assert self.sizes is not None
        sizes = self.sizes[which]
        kept = [
            (label, vertex)
            for label, vertex in circuit.outputs
            if sizes[vertex][0] <= MAX_FORMULA and sizes[vertex][1] <= MAX_TERMS
        ]
        return circuit.with_outputs(kept)

    def expected(self, claim: Claim) -> Any:
        """Differentiate the source formula: in (C - z), then with z's formula in it."""
        import sympy

        if claim.by < 0:
            return self.formula_of(0)[claim.output]
        label = self.circuit.labels[claim.by]
        if claim.by < self.circuit.columns.inputs:
            symbol = sympy.Symbol(label, real=True)
            return sympy.diff(self.formula_of(0)[claim.output], symbol)
        if claim.by not in self.cuts:
            cut = self.circuit.cut(claim.by)
            given = symbols(cut)
            given[label] = sympy.Dummy(label, real=True)
            self.cuts[claim.by] = cut, [given[label], formulas(cut, given)]
        cut, (symbol, built) = self.cuts[claim.by]
        output = next(
            after
            for (_, before), (_, after) in zip(
                self.circuit.outputs, cut.outputs, strict=True
            )
            if before == claim.output
        )
        value = self.formula_of(0)[claim.by]
        derivative = sympy.diff(built[output], symbol)
        return derivative if value is None else derivative.subs(symbol, value)
