"""The exact identity of reverse mode, and the bounds of Baur and Strassen."""

from __future__ import annotations

import inspect
import json

import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import POINTS, WEIGHTS

import circuitgrad as cg
from circuitgrad.accounting import BACKPROPAGATION, accounting
from circuitgrad.families import FAMILIES, det_gauss
from circuitgrad.families.registry import PARAMETERS
from circuitgrad.metrics import levels
from circuitgrad.operations import Operations, operations


def small(family):
    """Give small circuits of a family: every parameter without a default is n or 2."""
    found = []
    for n in (1, 2, 3, 4):
        options = {"n": n} if "n" in family.parameters else {}
        for name, default in family.parameters.items():
            if name != "n" and default is inspect.Parameter.empty:
                options[name] = [2, 2] if PARAMETERS[name].many else 2
        try:
            found.append(family(**options))
        except cg.CircuitError:  # not of that size
            continue
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_the_identity_holds_on_every_family(name):
    circuits = small(FAMILIES[name])
    assert circuits
    for circuit in circuits:
        for label, vertex in circuit.outputs[:3]:
            one = circuit.with_outputs([(label, vertex)])
            found = accounting(one)
            if found is None:
                assert operations(one).other or not circuit.columns.varies[vertex]
            else:
                assert found.holds
                assert found.emitted.nonscalar == 3 * found.source.nonscalar
                assert found.emitted.total <= found.bound


@st.composite
def rational(draw):
    """Draw a circuit of sums, products, quotients and powers, of one output."""
    builder = cg.Builder()
    handles = [builder.input(f"x{i}") for i in range(draw(st.integers(1, 3)))]
    handles.append(builder.constant(draw(WEIGHTS.filter(bool))))
    for _ in range(draw(st.integers(1, 14))):
        name = draw(st.sampled_from(["sum", "prod", "div", "inv", "power"]))
        arity = {"div": 2, "inv": 1, "power": 1}.get(name) or draw(st.integers(1, 4))
        operands = [draw(st.sampled_from(handles)) for _ in range(arity)]
        if name == "sum":
            handles.append(builder.sum([draw(WEIGHTS) * u for u in operands]))
        elif name == "power":
            power = draw(st.sampled_from([-3, -1, 0, 1, 2, 5]))
            handles.append(builder.gate(name, *operands, param=power))
        else:
            handles.append(builder.gate(name, *operands))
    builder.output("f", handles[-1])
    return builder.finish()


@settings(max_examples=400, deadline=None)
@given(rational())
def test_the_identity_holds_on_random_circuits(circuit):
    found = accounting(circuit)
    if found is not None:
        assert found.holds
        assert found.emitted.total <= found.bound


@settings(max_examples=150, deadline=None)
@given(rational(), POINTS)
def test_the_passes_of_the_identity_keep_values(circuit, point):
    point = {
        name: 1 + abs(x)
        for name, x in zip(circuit.inputs, point.values(), strict=False)
    }
    emitted = cg.run(circuit, "expand_powers," + BACKPROPAGATION.format("w"))
    try:
        literal = cg.evaluate(cg.reverse_mode(circuit, value=True), point)
        value = cg.evaluate(emitted, {**point, "w": 1})
    except cg.EvaluationError:
        return
    assert value == literal


def test_determinants_by_elimination_take_what_is_published():
    """With a seed of 1, which makes products with it nothing: two are left out."""
    for n in (2, 3, 4, 5, 8):
        found = accounting(det_gauss(n))
        assert found.holds
        seed_1 = cg.run(det_gauss(n), "binarize,bp{value},divide_adjoints,fold,dce")
        assert operations(seed_1) == Operations(
            multiplications=n**3 - n**2 + 3 * n - 5,
            divisions=n * (n - 1),
            additions=n * (n - 1) ** 2,
            scalar=0,
            other=0,
        )
        assert operations(seed_1).total == found.total - 2


def test_squares_constants_and_weights():
    """Squares are products of two wires; c counts 3 in the sum, and 1 in 1/x."""
    found = accounting(cg.parse_expression("x^2 - 5*x*y + 3 + 1/x"))
    assert found.source == Operations(2, 1, 3, 1, 0)
    assert (found.inputs, found.constants) == (2, 2)
    assert found.accumulations == 2 + 1 + 3 - 2 - 2 + 1
    assert found.holds
    assert accounting(cg.parse("input x, y\nf = sum(0*x, y)\noutput f\n")).holds


def test_the_identity_is_of_rational_circuits_of_one_output():
    for text in ("sin(x)", "sqrt(x)", "x^y", "max(x, y)", "5"):
        assert accounting(cg.parse_expression(text)) is None
    assert accounting(cg.parse("input x, y\noutput a = x, b = y\n")) is None
    assert accounting(cg.parse("input w\nf = w*w\noutput f\n")).holds  # a seed w_


def test_a_seed_of_one_and_simplifying_stay_below():
    circuit = det_gauss(4)
    found = accounting(circuit)
    tidy = operations(cg.gradient(circuit, value=True, pipeline="size"))
    assert tidy.total < found.total


def test_quotients_are_divided_only_where_a_differentiation_made_them():
    circuit = cg.parse_expression("5*(1/x)*y")
    assert cg.run(circuit, "divide_adjoints") is circuit
    emitted = cg.run(cg.parse_expression("x/y"), "bp{seed=w value},divide_adjoints,dce")
    assert str(emitted) == (
        "input x, y, w\nf = x/y\ndf_dx = w/y\ng1 = df_dx*f\ndf_dy = -g1\n"
        "output f, df_dx, df_dy\n"
    )


@pytest.mark.parametrize("power", [-7, -2, -1, 0, 1, 2, 3, 10, 63])
def test_powers_are_products_by_squaring(power):
    circuit = cg.Builder()
    circuit.output("f", circuit.gate("power", circuit.input("x"), param=power))
    circuit = circuit.finish()
    expanded = cg.run(circuit, "expand_powers")
    assert operations(expanded) == operations(circuit)
    assert "power" not in {
        expanded.gate_type(v).name
        for v in range(1, len(expanded.columns))
        if expanded.columns.is_gate[v]
    }
    assert cg.run(expanded, "expand_powers") is expanded
    assert cg.evaluate(expanded, x=3) == cg.evaluate(circuit, x=3)


def test_roots_are_left_alone():
    circuit = cg.parse_expression("sqrt(x) + x^(3/2)")
    assert cg.run(circuit, "expand_powers") is circuit


def test_gates_of_each_level():
    circuit = cg.parse_expression("(x + y)*(x - y) + x*y")
    assert levels(circuit) == [3, 1, 1]
    assert sum(levels(det_gauss(5))) == det_gauss(5).size
    assert levels(cg.parse("input x\noutput f = x\n")) == []


def test_stats_beside_the_source(run, tmp_path):
    source = example("worked_example")
    (tmp_path / "f.cg").write_text(str(source))
    (tmp_path / "g.cg").write_text(str(cg.gradient(source, value=True)))
    status, out, _ = run("stats", "g.cg", "--source", "f.cg")
    assert status == 0
    assert out.splitlines()[-3:] == [
        "Theorem 3: literal output 10 gates, at most 3 wires + vertices = 30",
        "Baur and Strassen: 4 nonscalar operations, 3 * 2 = 6 suffice; "
        "9 in all, 4 * 4 = 16 suffice",
        "f and w * gradient of f: 11 operations, exactly L + 2(M+D) + S + sums "
        "= 4 + 4 + 0 + 3; 6 nonscalar, exactly 3(M+D)",
    ]
    data = json.loads(run("stats", "g.cg", "--source", "f.cg", "--json")[1])
    assert data["theorem3"] == {"literal": 10, "bound": 30}
    assert data["backpropagation"]["holds"] is True
    assert data["backpropagation"]["identity"] == {"total": 11, "nonscalar": 6}
    assert data["operations"]["gradient"]["multiplications"] == 4
    assert json.loads(run("stats", "f.cg", "--levels", "--json")[1])["levels"] == (
        [2, 1, 1]
    )
    assert run("stats", "f.cg", "--levels")[1] == (
        "level  gates\n1          2\n2          1\n3          1\n"
    )
    assert run("stats", "f.cg", "--levels", "--source", "f.cg")[0] == 2
    words = run("grad", "f.cg")[2]
    assert "Baur and Strassen: 3 nonscalar operations, 3 * 2 = 6 suffice" in words
    assert "Baur" not in run("grad", "-e", "sin(x)")[2]
    assert "Theorem 3" in run("stats", "f.cg", "--source", "f.cg")[1]


def test_stats_of_a_jacobian_has_no_bounds(run, tmp_path):
    (tmp_path / "f.cg").write_text("input x, y\noutput a = x, b = y\n")
    status, out, _ = run("stats", "f.cg", "--source", "f.cg")
    assert (status, "Theorem" in out) == (0, False)
    assert "theorem3" not in json.loads(
        run("stats", "f.cg", "--source", "f.cg", "--json")[1]
    )
