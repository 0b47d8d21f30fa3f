"""Backpropagation as the Lagrange multipliers of a circuit's gates.

Let every vertex be a variable z_i, and its definition a constraint, z_i = f_i of its
operands.  With a multiplier λ_i for each, the Lagrangian of the output z_n is

    L = z_n - Σ λ_i (z_i - f_i).

∂L/∂λ_i = 0 are the constraints, which evaluation solves, and ∂L/∂z_j = 0 are the
adjoint equations, λ_j = Σ λ_i ∂f_i/∂z_j over the gates i that use j, with 1 more for
the output: backpropagation solves them, and λ_j is ∂z_n/∂z_j.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.check.evaluator import relation
from circuitgrad.check.gradient import check_same
from circuitgrad.check.proved import formula_sizes, formulas, symbols
from circuitgrad.check.report import Report
from circuitgrad.check.zero import is_zero
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.figures.formulas import Formulas
from circuitgrad.figures.labels import Names
from circuitgrad.figures.mirror import alone
from circuitgrad.figures.scene import Label
from circuitgrad.figures.steps import Rule
from circuitgrad.gates import INPUT
from circuitgrad.gradients import gradient

__all__ = ["Lagrangian", "lagrangian"]

#: Sympy is given equations of at most so many vertices, both sides written out.
MAX_FORMULA: Final = 200


@dataclass(frozen=True)
class Lagrangian:
    """The Lagrangian of a circuit with one output; `circuitgrad.lagrangian` makes it.

    Attributes
    ----------
    circuit : Circuit
        What its output depends on.
    multipliers : dict of str to str
        For each input and gate, the name of its multiplier: ``lambda_g1``.
    constraints : tuple of Rule
        For each gate, what it is equal to.
    adjoint_equations : tuple of Rule
        For each gate and input, from the output down, what its multiplier is equal to.

    Notes
    -----
    A `Rule` has ``label()``, whose ``text`` is Unicode and whose ``tex`` is LaTeX.
    """

    circuit: Circuit
    multipliers: dict[str, str]
    constraints: tuple[Rule, ...]
    adjoint_equations: tuple[Rule, ...]

    def text(self) -> str:
        """Write the constraints and the adjoint equations, a line each."""
        lines = [
            "constraints:",
            *(f"  {rule.label().text}" for rule in self.constraints),
            "adjoint equations:",
            *(f"  {rule.label().text}" for rule in self.adjoint_equations),
        ]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """Write the same in LaTeX, to be taken into a document that has amsmath."""
        rules = (*self.constraints, *self.adjoint_equations)
        lines = [
            f"{rule.derivative.tex} &= " + " + ".join(each.tex for each in rule.terms)
            for rule in rules
        ]
        body = " \\\\\n".join(lines)
        return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"

    def sides(self, adjoints: Circuit | None = None) -> tuple[Circuit, Circuit]:
        """Give both sides of the adjoint equations, with adjoints for multipliers.

        Parameters
        ----------
        adjoints : Circuit, optional
            A gradient of the circuit by every vertex, outputs ``dy_dz``; by default
            what backpropagation emits.

        Returns
        -------
        left, right : Circuit
            An output for each multiplier: the adjoint, and what its equation says.  The
            partials of gates on the right are sympy's derivatives of their formulas:
            the gate table's, which backpropagation uses, have no part in it.

        Raises
        ------
        CircuitError
            If ``adjoints`` lacks one, or there are arrays: of those the equations are
            written, and those of the scalarized circuit can be checked.
        """
        self.circuit.require_scalars("checking the equations")
        if adjoints is None:
            adjoints = gradient(self.circuit, all=True, value=True, pipeline="none")
        return _sides(self, adjoints)

    def check(self, adjoints: Circuit | None = None) -> Report:
        """Check that backpropagation's adjoints, or others, solve the equations.

        Returns
        -------
        Report
            A verdict for each multiplier: certified in a prime field, or sampled, and
            proved where sympy finds both sides of a small equation to be equal.

        Notes
        -----
        Where a gate is at a kink at every point, as max(x, x) is, its derivative is
        what the gate table declares, of which sympy knows nothing: it may say failed.
        """
        left, right = self.sides(adjoints)
        report = check_same(left, right)
        proved = _proved(left, right)
        verdicts = [
            replace(verdict, level="proved", detail="")
            if verdict.level == "certified" and verdict.output in proved
            else verdict
            for verdict in report.verdicts
        ]
        return Report(tuple(verdicts), report.evidence)


def lagrangian(circuit: Circuit, *, of: str | None = None) -> Lagrangian:
    r"""Give the constraints, the multipliers and the adjoint equations of a circuit.

    Parameters
    ----------
    circuit : Circuit
    of : str, optional
        The output, where there are several.

    Returns
    -------
    Lagrangian

    Raises
    ------
    CircuitError
        If there are several outputs and ``of`` is left out, or no such output.

    References
    ----------
    Y. LeCun, "A theoretical framework for back-propagation", 1988.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse
    >>> print(lagrangian(parse("input x\ng = x*x\nf = g + x\noutput f")).text())
    constraints:
      g = x·x
      f = g + x
    adjoint equations:
      λ[f] = 1
      λ[g] = λ[f]·1
      λ[x] = λ[g]·x + λ[g]·x + λ[f]·1
    <BLANKLINE>
    """
    cone = alone(circuit, of)
    columns, labels, names = cone.columns, cone.labels, Names(cone)
    output, formulas = cone.outputs[0][1], Formulas(cone, names)
    visited = [
        v
        for v in range(len(columns))
        if v < columns.inputs or (v >= columns.sources and cone.live[v])
    ]
    multiplier = {v: _multiplier(names[labels[v]]) for v in visited}
    terms: dict[int, list[Label]] = {v: [] for v in visited}
    if output in terms:  # it may be a constant
        terms[output].append(Label("1", "1"))
    constraints = []
    for gate in visited:
        if gate < columns.sources:
            continue
        constraints.append(Rule(names[labels[gate]], (formulas.gate(gate),)))
        for slot, u in enumerate(columns.operands_of(gate)):
            if u in terms:
                terms[u].append(formulas.term(multiplier[gate], gate, slot))
    equations = [
        Rule(multiplier[v], tuple(terms[v]) or (Label("0", "0"),))
        for v in reversed(visited)
    ]
    return Lagrangian(
        cone,
        {labels[v]: f"lambda_{labels[v]}" for v in visited},
        tuple(constraints),
        tuple(equations),
    )


def _multiplier(name: Label) -> Label:
    return Label(f"λ[{name.text}]", rf"\lambda_{{{name.tex}}}", plain=name.plain)


def _sides(problem: Lagrangian, adjoints: Circuit) -> tuple[Circuit, Circuit]:
    source = problem.circuit
    columns, labels = source.columns, source.labels
    builder = Builder()
    given = {name: builder.input(name) for name in source.inputs}
    z = _copied(builder, source, [given[name] for name in source.inputs])
    known = _copied(builder, adjoints, [given[name] for name in adjoints.inputs])
    ((of, output),) = source.outputs
    vertices = dict(adjoints.outputs)
    multiplier: dict[int, Expr] = {}
    for v in range(len(columns)):
        if labels[v] in problem.multipliers:
            name = f"d{of}_d{labels[v]}"
            if name not in vertices:
                raise CircuitError(f"no output {name} among the adjoints")
            multiplier[v] = known[vertices[name]]
    terms: dict[int, list[Any]] = {v: [] for v in multiplier}
    if output in terms:
        terms[output].append(1)
    for gate in multiplier:
        operands = columns.operands_of(gate)
        if not operands:
            continue
        weights = [
            exact.as_fraction(exact.number(int(columns.weights[wire])))
            for wire in columns.wires_of(gate)
        ]
        code, param = int(columns.op[gate]), int(columns.params[gate])
        rules = relation(code, len(operands), param)
        scaled = [z[u].times(w) for u, w in zip(operands, weights, strict=True)]
        partials = _copied(builder, rules, scaled)
        for u, weight, (_, at) in zip(operands, weights, rules.outputs, strict=True):
            if u in terms:
                terms[u].append(multiplier[gate].times(weight) * partials[at])
    names = {v: problem.multipliers[labels[v]] for v in multiplier}
    left = [(names[v], builder.lift(value)) for v, value in multiplier.items()]
    right = [(names[v], builder.sum(each or [0])) for v, each in terms.items()]
    for name, value in left:
        builder.output(name, value)
    for name, value in right:
        builder.output(f"{name}_", value)
    both = builder.finish()
    ends = dict(both.outputs)
    return (
        both.with_outputs([(name, ends[name]) for name in names.values()]),
        both.with_outputs([(name, ends[f"{name}_"]) for name in names.values()]),
    )


def _proved(left: Circuit, right: Circuit) -> set[str]:
    """Name the equations that are small, and whose sides sympy finds equal."""
    sizes = [formula_sizes(side) for side in (left, right)]
    small = {
        name
        for (name, a), (_, b) in zip(left.outputs, right.outputs, strict=True)
        if sizes[0][a] + sizes[1][b] <= MAX_FORMULA
    }
    if not small:
        return set()
    symbol = symbols(left)
    sides = []
    for side in (left, right):
        chosen = side.with_outputs([each for each in side.outputs if each[0] in small])
        found = formulas(chosen, symbol)
        sides.append({name: found[vertex] for name, vertex in chosen.outputs})
    return {name for name in small if is_zero(sides[0][name] - sides[1][name])}


def _copied(builder: Builder, circuit: Circuit, inputs: list[Expr]) -> list[Expr]:
    """Make a circuit's vertices anew on other inputs: a handle for each."""
    columns = circuit.columns
    made: list[Expr] = []
    for v in range(len(columns)):
        code, param = int(columns.op[v]), int(columns.params[v])
        if code == INPUT:
            made.append(inputs[v])
            continue
        if v < columns.sources:
            made.append(Expr(builder, builder.constant_vertex(param)))
            continue
        operands = [made[u].settled() for u in columns.operands_of(v)]
        weights = [int(columns.weights[w]) for w in columns.wires_of(v)]
        made.append(Expr(builder, builder.add(code, operands, weights, param)))
    return made
