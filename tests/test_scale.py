"""Depth and size: no recursion over gates anywhere."""

from __future__ import annotations

import sys

import circuitgrad as cg
from circuitgrad.formats.text import write_text
from circuitgrad.metrics import literal_size, theorem3_bound


def test_a_chain_of_100_000_gates():
    """Read, differentiate in both modes, simplify, count, write, read again."""
    limit = sys.getrecursionlimit()
    half = 50_000
    lines = "".join(f"s{i} = sin(y{i})\ny{i + 1} = s{i}*y{i}\n" for i in range(half))
    circuit = cg.parse(f"input y0\n{lines}output y{half}\n")
    stats = circuit.stats()
    assert (stats.size, stats.depth) == (2 * half, 2 * half)
    literal = cg.reverse_mode(circuit)
    assert literal_size(cg.dce(literal)) <= theorem3_bound(circuit)
    reverse = cg.run(literal, "tidy")
    forward = cg.gradient(circuit, mode="fp")
    assert reverse.stats().depth > 2 * half
    assert cg.evaluate(reverse, y0=0.5) == cg.evaluate(forward, y0=0.5)
    text = write_text(reverse)
    assert cg.parse(text) == reverse
    assert cg.isomorphic(reverse, cg.parse(text))
    assert sys.getrecursionlimit() == limit


def test_a_wide_sum_and_a_wide_product():
    names = [f"x{i}" for i in range(20_000)]
    for kind in ("sum", "prod"):
        circuit = cg.trace(
            lambda *x, kind=kind: getattr(cg.functions, kind)(*x), inputs=names
        )
        gradient = cg.gradient(circuit)
        assert len(gradient.outputs) == 20_000
        assert cg.parse(str(gradient)) == gradient


def test_deep_formulas_in_json_and_graphs(tmp_path):
    lines = "".join(f"x{i + 1} = sin(x{i})\n" for i in range(20_000))
    circuit = cg.parse(f"input x0\n{lines}output x20000\n")
    cg.write(circuit, tmp_path / "deep.json")
    assert cg.read(tmp_path / "deep.json") == circuit
