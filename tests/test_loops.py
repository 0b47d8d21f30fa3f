"""The loops, interpreted and compiled, give the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad import loops
from circuitgrad.columns import trait_table

pytestmark = pytest.mark.filterwarnings("default")  # numba's own, on new Pythons


def arguments(circuit):
    """Give each loop with arguments, the last of which it fills."""
    columns = circuit.columns
    count, wires = len(columns), columns.wires
    on = np.arange(wires) % 3 != 0
    mask = np.zeros(count, dtype=np.bool_)
    mask[:2] = mask[-2:] = True
    table = np.full(256, -1, dtype=np.int64)
    scratch = np.zeros(wires, dtype=np.int64)
    common = columns.offsets, columns.operands
    return [
        (loops.reach_sinks, (*common, on, mask)),
        (loops.reach_sources, (*common, on, mask)),
        (
            loops.levels,
            (
                *common,
                columns.is_gate.astype(np.int64),
                np.zeros(count, dtype=np.int64),
            ),
        ),
        (
            loops.number_values,
            (
                columns.op,
                *common,
                columns.weights,
                columns.params,
                trait_table("commutative"),
                table,
                scratch,
                np.zeros(count, dtype=np.int64),
            ),
        ),
    ]


@settings(max_examples=60, deadline=None)
@given(circuits(most=20))
def test_interpreted_equals_compiled(circuit):
    for kernel, given_arguments in arguments(circuit):
        results = []
        for run in (kernel.interpreted, kernel.compiled):
            copies = [np.array(a) for a in given_arguments]
            run(*copies)
            results.append([a.tobytes() for a in copies])
        assert results[0] == results[1]


def test_large_circuits_are_compiled(monkeypatch):
    """The size decides, and the result of a whole pass is the same."""
    circuit = cg.jacobian(
        cg.parse_expression("x*y*sin(x*y) + cos(y*x)"), pipeline="none"
    )
    circuit = cg.parse(str(circuit))
    interpreted = str(cg.cse(circuit)), circuit.stats()
    monkeypatch.setattr(loops, "COMPILE_FROM", 0)
    fresh = cg.parse(str(circuit))
    assert (str(cg.cse(fresh)), fresh.stats()) == interpreted


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch):
    import numba

    real = numba.njit

    def refuse(*args, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", refuse)
    kernel = loops.Kernel(loops.levels.function)
    level = np.zeros(2, dtype=np.int64)
    kernel.compiled(np.array([0, 0, 1]), np.array([0]), np.array([0, 1]), level)
    assert level.tolist() == [0, 1]
