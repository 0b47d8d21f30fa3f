"""Hypothesis strategies: random circuits over all gate types, and files near them."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.formats.json import write_json
from circuitgrad.gates import SCALAR_GATES as GATES

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


# ------------------------------------------------------------------ files near circuits

TOKENS = st.sampled_from(
    ["input", "output", "circuit", "x", "y", "f", "g1", "pi", "=", ",", "(", ")", "+"]
    + ["-", "*", "/", "^", "**", "0", "1", "2", "0.5", "1/3", "1e3", "1e9999", "9" * 50]
    + [f"{name}(" for name in ("sin", "exp", "max", "sum", "prod", "leaky_relu", "inv")]
    + ["\n", "\n", "\n", "#", "\r\n", "\t", "x^2", "f = ", "output f\n", "input x, y\n"]
    + ["θ", "x²", "٣", "\u202e", "e\u0301", "\ufeff", "\0", "$", "@", "lambda", "1x"]
)


def soups() -> st.SearchStrategy[str]:
    """Draw words of circuit text in any order."""
    return st.lists(TOKENS, max_size=40).map(" ".join) | st.lists(
        TOKENS, max_size=40
    ).map("".join)


@st.composite
def near_texts(draw: st.DrawFn) -> str:
    """Draw the text of a circuit in which a few tokens are others."""
    parts = re.findall(r"\s+|\w+|.", str(draw(circuits(most=6))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(parts)))
        parts[at : at + draw(st.integers(0, 2))] = draw(st.lists(TOKENS, max_size=2))
    return "".join(parts)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["", "x", "pi", "1/0", "-1/3", "1e9999", "a b", "sum", "input"])
    | st.sampled_from([10**30, "θ", "\ud800", "constant", "power", "exp", "0x10"])
    | st.builds(list)
    | st.builds(dict)
    | st.lists(st.lists(st.sampled_from(["f", 0, 1, 2]), max_size=3), max_size=2)
)


@st.composite
def near_jsons(draw: st.DrawFn) -> str:
    """Draw a circuit as node-link JSON in which a few values are others."""
    data = json.loads(write_json(draw(circuits(most=6))))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(_places(data)))
        if draw(st.booleans()):
            holder[key] = draw(VALUES)
        elif draw(st.booleans()):
            del holder[key]
        else:
            other, where = draw(st.sampled_from(_places(data)))
            holder[key] = json.loads(json.dumps(other[where]))
        if not _places(data):
            break
    return json.dumps(data)


def _places(data: Any) -> list[tuple[Any, Any]]:
    """List every place of JSON data that holds a value: its holder, and the key."""
    found, waiting = [], [data]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each))
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys if isinstance(each[key], (dict, list))]
    return found
