"""For each matrix gate, operands' shapes and options: what its tests run on."""

from __future__ import annotations

from typing import Any

import numpy as np

import circuitgrad as cg
from circuitgrad.passes.scalarize import entry_names

Case = tuple[str, list[tuple[int, ...]], dict[str, Any]]

_CASES: dict[str, list[tuple[list[tuple[int, ...]], dict[str, Any]]]] = {
    "transpose": [([(2, 3)], {}), ([(2, 3, 4)], {})],
    "reshape": [([(2, 3)], {"shape": (3, 2)}), ([(6,)], {"shape": (-1, 2)})],
    "broadcast": [
        ([(3,)], {"shape": (2, 3)}),
        ([(2, 1)], {"shape": (2, 3)}),
        ([(2,)], {"shape": (2, 3), "axis": 1}),
        ([()], {"shape": (2,)}),
        ([(1, 3)], {"shape": (2, 4, 3)}),
    ],
    "slice": [
        ([(4, 3)], {"start": 1, "stop": 3}),
        ([(2, 4)], {"axis": -1, "start": 2}),
    ],
    "pad": [([(2, 2)], {"axis": 1, "before": 1, "after": 2})],
    "concatenate": [([(2,), (3,)], {}), ([(2, 1), (2, 2), (2, 1)], {"axis": 1})],
    "diag": [([(3,)], {}), ([(2, 3)], {})],
    "diagonal": [([(3, 3)], {}), ([(2, 2, 2)], {})],
    "tril": [([(3, 3)], {}), ([(2, 2, 3)], {"k": -1})],
    "sum_axes": [
        ([(2, 3)], {}),
        ([(2, 3)], {"axis": 0}),
        ([(2, 3)], {"axis": 1}),
        ([(2, 3, 2)], {"axis": (0, 2), "keep": 1}),
        ([(2, 3, 2)], {"axis": 1}),
    ],
    "mean": [
        ([(2, 3)], {}),
        ([(2, 3)], {"axis": 1}),
        ([(2, 3)], {"axis": 1, "keep": 1}),
    ],
    "avg_pool": [([(4,)], {"window": 2}), ([(2, 4, 4)], {"window": (2, 2)})],
    "trace": [([(3, 3)], {}), ([(2, 2, 2)], {})],
    "matmul": [
        ([(2, 3), (3, 4)], {}),
        ([(2, 3), (3,)], {}),
        ([(3,), (3, 2)], {}),
        ([(3,), (3,)], {}),
        ([(2, 2, 3), (3, 2)], {}),
        ([(2, 3), (2, 3, 2)], {}),
        ([(2, 2, 3), (3,)], {}),
        ([(3,), (2, 3, 2)], {}),
        ([(2, 2, 3), (2, 3, 2)], {}),
        ([(1, 2, 3), (2, 3, 2)], {}),
        ([(2, 1), (1, 3)], {}),
    ],
    "dot": [([(3,), (3,)], {}), ([(2, 3), (2, 3)], {}), ([(2, 3), (3,)], {})],
    "outer": [([(2,), (3,)], {}), ([(2, 2), (2, 3)], {}), ([(2,), (2, 3)], {})],
    "squared_norm": [([(3,)], {}), ([(2, 2)], {}), ([()], {})],
    "max_axes": [
        ([(4,)], {}),
        ([(2, 3)], {"axis": 1}),
        ([(3, 2)], {"axis": 0, "keep": 1}),
        ([(2, 2)], {}),
        ([(1, 2)], {"axis": 0}),
    ],
    "first_max": [([(4,)], {}), ([(2, 3)], {"axis": 1}), ([(3, 2)], {"axis": 0})],
    "max_pool": [([(4,)], {"window": 2}), ([(2, 4, 4)], {"window": (2, 2)})],
    "softmax": [([(3,)], {}), ([(2, 3)], {}), ([(3, 2)], {"axis": 0})],
    "log_softmax": [([(3,)], {}), ([(2, 3)], {"axis": 0})],
    "log_sum_exp": [([(3,)], {}), ([(2, 3)], {"axis": 0}), ([(2, 3)], {"keep": 1})],
    "radial_sigmoid": [([(3,)], {}), ([(2, 2)], {})],
    "det": [([(1, 1)], {}), ([(2, 2)], {}), ([(3, 3)], {}), ([(2, 2, 2)], {})],
    "adjugate": [([(2, 2)], {}), ([(3, 3)], {})],
    "inverse": [([(2, 2)], {}), ([(3, 3)], {}), ([(2, 2, 2)], {})],
    "solve": [
        ([(3, 3), (3,)], {}),
        ([(2, 2), (2, 3)], {}),
        ([(2, 2, 2), (2, 2, 1)], {}),
        ([(2, 2, 2), (2,)], {}),
    ],
    "cholesky": [([(2, 2)], {}), ([(3, 3)], {})],
}

#: Name of the gate, shapes of its operands, options.
CASES: list[Case] = [
    (name, shapes, options)
    for name, cases in _CASES.items()
    for shapes, options in cases
]


def case_id(case: Case) -> str:
    """Name a case for pytest."""
    name, shapes, options = case
    parts = ["x".join(map(str, shape)) or "scalar" for shape in shapes]
    parts += [f"{key}={value}" for key, value in options.items()]
    return "-".join([name, *parts]).replace(" ", "")


def gate_circuit(case: Case) -> cg.Circuit:
    """Make the circuit of one gate, with the output ``f``."""
    name, shapes, options = case
    builder = cg.Builder()
    operands = [builder.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    builder.output("f", builder.gate(name, *operands, **options))
    return builder.finish()


def weighted(case: Case) -> cg.Circuit:
    """Make the scalar circuit <w, gate>, whose gradient is the gate's pullback of w."""
    name, shapes, options = case
    builder = cg.Builder()
    operands = [builder.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    y = builder.gate(name, *operands, **options)
    product = y * builder.input("w", y.shape)
    builder.output("f", builder.gate("sum_axes", product) if y.shape else product)
    return builder.finish()


def point(case: Case, circuit: cg.Circuit, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw values of all inputs: matrices are regular, or positive definite."""
    draw = np.random.default_rng(seed)
    found = {}
    for vertex, name in enumerate(circuit.inputs):
        shape = circuit.columns.shape(vertex)
        value = draw.normal(size=shape)
        if case[0] in ("inverse", "solve", "adjugate", "det") and name == "x0":
            value = value + 2 * np.eye(shape[-1])
        if case[0] == "cholesky" and name == "x0":
            value = value @ np.swapaxes(value, -1, -2) + 3 * np.eye(shape[-1])
        found[name] = value
    return found


def entries_of(values: dict[str, np.ndarray]) -> dict[str, float]:
    """Give the entries of arrays by the names that scalarize gives them."""
    return {
        entry: value
        for name, array in values.items()
        for entry, value in zip(
            entry_names(name, np.shape(array)), np.ravel(array).tolist(), strict=True
        )
    }
