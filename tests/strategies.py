"""Hypothesis strategies: random circuits over all gate types."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.gates import GATES

WEIGHTS = st.sampled_from(
    [Fraction(n) for n in (-3, -2, -1, 0, 1, 1, 2, 5)]
    + [Fraction(1, 3), Fraction(-5, 2)]
)
RATIONAL = ("sum", "prod", "power", "abs", "relu", "max", "min", "step", "leaky_relu")


@st.composite
def circuits(
    draw: st.DrawFn, *, names: tuple[str, ...] | None = None, most: int = 14
) -> cg.Circuit:
    """Draw a circuit; gates draw their operands from everything before them."""
    builder = cg.Builder()
    handles = [
        builder.input(name) for name in ("x", "y", "z")[: draw(st.integers(1, 3))]
    ]
    handles.append(builder.constant(draw(WEIGHTS)))
    if names is None:
        handles.append(builder.constant(cg.PI))
    types = [gate for gate in GATES if names is None or gate.name in names]
    for number in range(draw(st.integers(1, most))):
        gate = draw(st.sampled_from(types))
        arity = gate.arity or draw(st.integers(1, 4))
        operands = [draw(st.sampled_from(handles)) for _ in range(arity)]
        if gate.name == "sum":
            made = builder.sum([draw(WEIGHTS) * u for u in operands])
        elif gate.takes_parameter:
            param = draw(st.sampled_from([0, 1, 2, 3]))
            made = builder.gate(gate.name, *operands, param=param)
        else:
            made = builder.gate(gate.name, *operands)
        handles.append(made)
        if draw(st.booleans()):
            builder.names[made.vertex] = f"n{number}"
    for label in ("f", "h")[: draw(st.integers(1, 2))]:
        builder.output(label, draw(st.sampled_from(handles[-4:])))
    return builder.finish()


def rational_circuits() -> st.SearchStrategy[cg.Circuit]:
    """Draw a circuit with a rational value at every rational point."""
    return circuits(names=RATIONAL)


POINTS = st.fixed_dictionaries(
    {name: st.fractions(-2, 2, max_denominator=4) for name in ("x", "y", "z")}
)


def at(circuit: cg.Circuit, point: dict[str, Fraction]) -> dict[str, Fraction]:
    """Restrict a point to a circuit's inputs."""
    return {name: point[name] for name in circuit.inputs}
