"""Plant errors in gradients, passes, rules and gates; count what certificates catch.

    python benchmarks/mutants.py [--circuits N] [--passes N] [--right N] [--markdown]

A mutant that passes all the same must be equivalent, and polynomials or sympy must show
it, or, with kinks, no point of many tell it apart; otherwise it has escaped, and the
exit status is 1.  With ``--right``, gradients of so
many random circuits are certified as they are, too: each that is not is a false alarm.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

import circuitgrad as cg
from circuitgrad import exact, gates
from circuitgrad.check.certified import Settings
from circuitgrad.check.claims import Claim, claims
from circuitgrad.check.confirmed import certify
from circuitgrad.check.proved import Prover
from circuitgrad.circuit import Circuit
from circuitgrad.errors import RewriteError
from circuitgrad.passes import partials
from circuitgrad.passes.registry import PASSES
from circuitgrad.simplify.matching import Matcher
from circuitgrad.simplify.rules import RULES, Rule

__all__ = [
    "CAUGHT",
    "EQUIVALENT",
    "ESCAPED",
    "MUTATIONS",
    "formulas",
    "planted",
    "same",
    "tried",
    "wrong_rules",
]

CAUGHT, EQUIVALENT, ALIKE, ESCAPED = "caught", "equivalent", "alike", "escaped"
#: Points at which what nobody can prove is compared.
POINTS = 100_000

Random = random.Random
Columns = dict[str, Any]


def formula(draw: Random, depth: int, kinks: bool = False) -> str:
    """Draw a formula; no two of its parts cancel more often than chance has it."""
    if depth == 0:
        return draw.choice(["x", "y", "z", "x", "y", "2", "3/2"])
    a = formula(draw, depth - 1, kinks)
    b = formula(draw, draw.randrange(depth), kinks)
    if kinks and draw.random() < 0.5:
        return draw.choice(
            [
                f"relu(3*({a}) - {b})",
                f"abs({a})*3",
                f"max({a}, 2*({b}))",
                f"({a})*step({b} + 1/2)",
                f"sqrt(3*({a})^2)",
                f"leaky_relu(2*({a}), 1/7)",
            ]
        )
    return draw.choice(
        [
            f"({a} + {b})",
            f"({a} - 3*{b})",
            f"({a})*({b})",
            f"({a})*({b})",
            f"({a})/({b} + 5)",
            f"({a})^{draw.choice((2, 3, -1))}",
            f"{draw.choice(('sin', 'exp', 'tanh', 'atan', 'sigmoid'))}({a})",
            f"sqrt(({a})^2 + 1)",
        ]
    )


def formulas(count: int, seed: int = 0, kinks: bool = False) -> Iterator[Circuit]:
    """Give random circuits that depend on an input."""
    draw = random.Random(seed)
    while count:
        circuit = cg.parse_expression(formula(draw, draw.randrange(2, 5), kinks))
        if circuit.inputs and circuit.size > 1:
            count -= 1
            yield circuit


# ------------------------------------------------------------------ mutations


def _wire(circuit: Circuit, draw: Random, least: int = 1, sums: bool = False) -> int:
    """Choose a wire of a live gate with so many operands, -1 if there is none."""
    columns = circuit.columns
    fits = circuit.live[columns.consumer] & (columns.fan_in[columns.consumer] >= least)
    if sums:
        fits &= columns.op[columns.consumer] == gates.SUM
    wires = np.flatnonzero(fits).tolist()
    return draw.choice(wires) if wires else -1


def _changed(circuit: Circuit, **arrays: Any) -> Circuit | None:
    """Give the circuit with other columns; None where that is no circuit."""
    columns = dataclasses.replace(circuit.columns, **arrays)
    made = Circuit(columns, circuit.names, circuit.outputs, circuit.name)
    try:
        return made.verify()
    except cg.CircuitError:
        return None


def reweighted(circuit: Circuit, draw: Random, factor: int) -> Circuit | None:
    """Multiply the weight of a sum's wire."""
    wire = _wire(circuit, draw, sums=True)
    if wire < 0:
        return None
    weights = circuit.columns.weights.copy()
    weights[wire] = exact.intern(exact.rational(int(weights[wire])) * factor)
    return _changed(circuit, weights=weights)


def rewired(circuit: Circuit, draw: Random) -> Circuit | None:
    """Let a wire come from another vertex before its gate."""
    wire = _wire(circuit, draw)
    if wire < 0:
        return None
    operands = circuit.columns.operands.copy()
    operands[wire] = draw.randrange(int(circuit.columns.consumer[wire]))
    return _changed(circuit, operands=operands)


def swapped(circuit: Circuit, draw: Random) -> Circuit | None:
    """Exchange the operands of a gate for which their order matters."""
    columns = circuit.columns
    ordered = [gates.code_of(name) for name in ("div", "pow")]
    fits = np.flatnonzero(circuit.live & np.isin(columns.op, ordered))
    if not len(fits):
        return None
    at = int(columns.offsets[draw.choice(fits.tolist())])
    operands = columns.operands.copy()
    operands[[at, at + 1]] = operands[[at + 1, at]]
    return _changed(circuit, operands=operands)


def dropped(circuit: Circuit, draw: Random) -> Circuit | None:
    """Take a wire away."""
    return _with_wires(circuit, _wire(circuit, draw, least=2), 0)


def doubled(circuit: Circuit, draw: Random) -> Circuit | None:
    """Let a wire be there twice."""
    wire = _wire(circuit, draw)
    code = int(circuit.columns.op[circuit.columns.consumer[wire]]) if wire >= 0 else 0
    return _with_wires(circuit, wire if code in (gates.SUM, gates.PROD) else -1, 2)


def _with_wires(circuit: Circuit, wire: int, times: int) -> Circuit | None:
    if wire < 0:
        return None
    columns = circuit.columns
    many = np.ones(columns.wires, dtype=np.int64)
    many[wire] = times
    offsets = columns.offsets.copy()
    offsets[int(columns.consumer[wire]) + 1 :] += times - 1
    return _changed(
        circuit,
        offsets=offsets,
        operands=np.repeat(columns.operands, many),
        weights=np.repeat(columns.weights, many),
    )


def exchanged(circuit: Circuit, draw: Random) -> Circuit | None:
    """Exchange two outputs."""
    if len(circuit.outputs) < 2:
        return None
    (a, u), (b, v) = draw.sample(circuit.outputs, 2)
    other = {a: v, b: u}
    return circuit.with_outputs(
        (name, other.get(name, w)) for name, w in circuit.outputs
    )


def retyped(circuit: Circuit, draw: Random) -> Circuit | None:
    """Make a gate one of another type with as many operands."""
    columns = circuit.columns
    types = {
        gates.code_of(name): gates.code_of(other)
        for name, other in (
            ("sin", "cos"), ("cos", "sin"), ("exp", "tanh"), ("sqrt", "exp"),
            ("tanh", "sigmoid"), ("sigmoid", "tanh"), ("atan", "sin"), ("inv", "exp"),
        )
    }  # fmt: skip
    fits = np.flatnonzero(circuit.live & np.isin(columns.op, list(types))).tolist()
    if not fits:
        return None
    op, vertex = columns.op.copy(), draw.choice(fits)
    op[vertex] = types[int(op[vertex])]
    return _changed(circuit, op=op)


#: What is done to a gradient circuit, by name.
MUTATIONS: dict[str, Callable[[Circuit, Random], Circuit | None]] = {
    "wrong sign": lambda circuit, draw: reweighted(circuit, draw, -1),
    "reweighted wire": lambda circuit, draw: reweighted(circuit, draw, 2),
    "rewired": rewired,
    "swapped operands": swapped,
    "dropped wire": dropped,
    "doubled wire": doubled,
    "exchanged outputs": exchanged,
    "wrong gate": retyped,
}


def same(circuit: Circuit, mutant: Circuit) -> list[Claim]:
    """Claim that outputs of the same name compute the same."""
    outputs = dict(circuit.outputs)
    return [Claim(name, v, outputs[name], -1, name) for name, v in mutant.outputs]


def tried(
    circuit: Circuit,
    mutant: Circuit,
    all_claims: Sequence[Claim] | None = None,
    right: Circuit | None = None,
) -> str:
    """Say what the certificate makes of a mutant: of a gradient, unless it claims.

    Where neither polynomials nor sympy can tell whether one that passes is equivalent,
    it is compared with the ``right`` circuit.
    """
    if all_claims is None:
        all_claims = [readings[0] for readings in claims(circuit, mutant).values()]
    found, _ = certify(circuit, mutant, all_claims, Settings(), {})
    levels = {verdict.level for verdict in found.values()}
    if levels & {"failed", "undecided"}:
        return CAUGHT
    prover = Prover(circuit, mutant)
    if all(map(prover.proves, all_claims)):
        return EQUIVALENT
    return ALIKE if right is not None and alike(right, mutant) else ESCAPED


def alike(circuit: Circuit, other: Circuit) -> bool:
    """Tell whether no point of many tells two circuits apart."""
    draw = np.random.default_rng(0)
    sizes = draw.choice([0.1, 1.0, 5.0], (len(circuit.inputs), POINTS))
    values = 4 * sizes * draw.uniform(-1, 1, sizes.shape)
    point = dict(zip(circuit.inputs, values, strict=True))
    found = [cg.evaluate(each, point) for each in (circuit, other)]
    return all(
        np.isclose(value, found[1][name], rtol=1e-6, atol=1e-9, equal_nan=True).all()
        for name, value in found[0].items()
    )


def in_gradients(circuits: Iterable[Circuit]) -> Iterator[tuple[str, str]]:
    """Plant errors in the gradients of circuits: what was done, what came of it."""
    for number, circuit in enumerate(circuits):
        for mode in ("reverse", "forward"):
            pipeline = ("tidy", "none")[number % 2]
            gradient = cg.gradient(circuit, mode=mode, value=True, pipeline=pipeline)
            for name, mutation in MUTATIONS.items():
                draw = random.Random(f"{number} {mode} {name}")
                mutant = mutation(gradient, draw)
                if mutant is not None:
                    yield name, tried(circuit, mutant, right=gradient)


# ------------------------------------------------------------------ the gate table


def _wrong(kind: str, partials_of: Callable[..., Any]) -> Callable[..., Any]:
    """Make a partials rule wrong in one slot: the last, or all of them exchanged."""

    def rule(g: Any, y: Any, *operands: Any) -> list[Any]:
        found = list(partials_of(g, y, *operands))
        if kind == "exchanged partials":
            return [*found[1:], found[0]]
        last = found[-1]
        found[-1] = {
            "negated partial": -last,
            "doubled partial": 2 * last,
            "partial left out": Fraction(0),
            "partial off by one": last + 1,
        }[kind]
        return found

    return rule


WRONG_PARTIALS = (
    "negated partial",
    "doubled partial",
    "partial left out",
    "partial off by one",
    "exchanged partials",
)


def planted(kind: str) -> Iterator[tuple[str, str, str]]:
    """Plant a wrong partial in each gate type: its name, the mode, what came of it."""
    for place, gate in enumerate(list(gates.SCALAR_GATES)):
        arity = 2 if gate.arity is None else gate.arity
        if kind == "exchanged partials" and arity < 2:
            continue
        builder = cg.Builder()
        inputs = [builder.input(f"u{k}") for k in range(arity)]
        bent = [
            builder.gate("prod", u, builder.lift(k + 2)) for k, u in enumerate(inputs)
        ]
        param = exact.intern(Fraction(5, 3)) if gate.takes_parameter else -1
        vertex = builder.add(place + 2, [u.vertex for u in bent], None, param)
        builder.outputs.append(("f", vertex))
        circuit = builder.finish()
        right = cg.gradient(circuit)
        wrong = dataclasses.replace(gate, partials=_wrong(kind, gate.partials))
        for mode in ("reverse", "forward"):
            gates.GATES[place] = wrong
            partials.template.cache_clear()
            try:
                mutant = cg.gradient(circuit, mode=mode)
            finally:
                gates.GATES[place] = gate
                partials.template.cache_clear()
            same = cg.isomorphic(right, mutant)
            yield gate.name, mode, EQUIVALENT if same else tried(circuit, mutant)


# ------------------------------------------------------------------ passes and rules


def in_passes(count: int) -> Iterator[tuple[str, str]]:
    """Plant errors in what each pass makes: its name, what came of it."""
    passes = [name for name, p in PASSES.items() if name == p.name]
    for number, circuit in enumerate(formulas(count, seed=7)):
        mode = ("reverse", "forward")[number % 2]
        before = cg.gradient(circuit, mode=mode, value=True, pipeline="none")
        for name in passes:
            if PASSES[name].differentiates:
                continue
            after = cg.run(before, name)
            for kind, mutation in MUTATIONS.items():
                mutant = mutation(after, random.Random(f"{number} {name} {kind}"))
                if mutant is not None:
                    yield name, tried(before, mutant, same(before, mutant))


#: What a rule's right side might be by mistake.
_ANOTHER = {
    "tanh": "tan", "tan": "tanh", "abs": "relu", "relu": "abs", "sigmoid": "tanh",
    "softplus": "sigmoid", "exp": "sinh", "sign": "step", "step": "sign",
}  # fmt: skip


def wrong_rules() -> Iterator[Rule]:
    """Give wrong versions of each rule that the matcher would take."""
    for rule in RULES:
        left, right = rule.sides
        name = right.partition("(")[0]
        others = [f"-({right})", f"2*({right})", "u + 1", "2", "u^2"]
        if name in _ANOTHER:
            others.append(_ANOTHER[name] + right[len(name) :])
        for other in others:
            wrong = Rule(rule.name, f"{left} = {other}", rule.soundness)
            try:
                Matcher([wrong])
            except RewriteError:  # it costs more
                continue
            if other != right:
                yield wrong


def in_rules() -> Iterator[str]:
    """Plant each wrong rule, in `rewrite` alone and behind both modes."""
    rewriting = importlib.import_module("circuitgrad.passes.rewrite")
    usual = rewriting.default_matcher
    for wrong in wrong_rules():
        matcher = Matcher([wrong])
        left = cg.parse_expression(wrong.sides[0])
        rewriting.default_matcher = lambda ieee, matcher=matcher: matcher
        try:
            plain = cg.run(left, "rewrite")
            emitted = [
                cg.gradient(left, mode=mode, value=True, pipeline="rewrite,fold,cse")
                for mode in ("reverse", "forward")
            ]
        finally:
            rewriting.default_matcher = usual
        if not cg.isomorphic(plain, cg.run(left, "fold")):  # it fired
            yield tried(left, plain, same(left, plain))
        for mutant in emitted:
            yield tried(left, mutant)


# ------------------------------------------------------------------ the table


def false_alarms(count: int) -> int:
    """Count right outputs that are not certified, of so many random circuits."""
    alarms = 0
    for number, circuit in enumerate(formulas(count, seed=99)):
        mode = ("reverse", "forward")[number % 2]
        pipeline = ("tidy", "none")[number // 2 % 2]
        gradient = cg.gradient(circuit, mode=mode, value=True, pipeline=pipeline)
        right = [readings[0] for readings in claims(circuit, gradient).values()]
        found, _ = certify(circuit, gradient, right, Settings(), {})
        alarms += sum(verdict.level != "certified" for verdict in found.values())
    return alarms


def main() -> int:
    """Run all mutants, print the table, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--circuits", type=int, default=200, help="random circuits")
    parser.add_argument("--passes", type=int, default=25, help="circuits for passes")
    parser.add_argument("--right", type=int, default=0, help="right gradients, too")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    for name, found in in_gradients(formulas(arguments.circuits)):
        counts.setdefault(name, Counter())[found] += 1
    for _, found in in_gradients(formulas(arguments.circuits // 2, 5, kinks=True)):
        counts.setdefault("with kinks and roots", Counter())[found] += 1
    for kind in WRONG_PARTIALS:
        for _, _, found in planted(kind):
            counts.setdefault(f"gate table: {kind}", Counter())[found] += 1
    for name, found in in_passes(arguments.passes):
        counts.setdefault(f"in the pass {name}", Counter())[found] += 1
    for found in in_rules():
        counts.setdefault("wrong rewrite rule", Counter())[found] += 1
    heads = ["planted", "mutants", CAUGHT, EQUIVALENT, ALIKE, ESCAPED]
    rows = [
        [name, str(found.total()), *(str(found[key]) for key in heads[2:])]
        for name, found in counts.items()
    ]
    total = sum(counts.values(), Counter())
    rows.append(["all", str(total.total()), *(str(total[key]) for key in heads[2:])])
    if arguments.markdown:
        print("|", " | ".join(heads), "|\n|---|---:|---:|---:|---:|---:|")
        print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    else:
        for row in [heads, *rows]:
            print(row[0].ljust(32), *(cell.rjust(10) for cell in row[1:]))
    alarms = false_alarms(arguments.right)
    if arguments.right:
        print(f"{alarms} false alarms in {arguments.right:,} circuits")
    return 1 if total[ESCAPED] or alarms else 0


if __name__ == "__main__":
    sys.exit(main())
