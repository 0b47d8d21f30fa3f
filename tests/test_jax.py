"""Circuits as functions of JAX: the same values, under its transformations."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matrix_cases import CASES, point, weighted

import circuitgrad as cg
from circuitgrad.gates.matrix import MATRIX_GATES
from circuitgrad.gates.scalar import SCALAR_GATES

jax = pytest.importorskip("jax", reason="jax is not installed: the extra jax")

ROSENBROCK = "(1 - x)^2 + 100*(y - x^2)^2"


def cases_of(gate):
    return [case for case in CASES if case[0] == gate.name]


def all_cases(gate):
    """Make one circuit of all cases of a gate, and a point."""
    builder, values = cg.Builder(), {}
    for number, case in enumerate(cases_of(gate)):
        name, shapes, options = case
        drawn = point(case, weighted(case))
        operands = []
        for i, shape in enumerate(shapes):
            operands.append(builder.input(f"x{number}_{i}", shape))
            values[f"x{number}_{i}"] = drawn[f"x{i}"]
        builder.output(f"f{number}", builder.gate(name, *operands, **options))
    return builder.finish(), values


def agree(found, expected, tolerance=2e-4):
    for name, value in expected.items():
        assert found[name].shape == np.shape(value)
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance)


def single(values):
    return {name: np.float32(value) for name, value in values.items()}


@pytest.mark.parametrize("gate", MATRIX_GATES, ids=lambda gate: gate.name)
def test_every_matrix_gate(gate):
    circuit, values = all_cases(gate)
    found = jax.jit(cg.to_jax(circuit))(**single(values))
    agree(found, cg.evaluate(circuit, values))


@pytest.mark.parametrize("gate", MATRIX_GATES, ids=lambda gate: gate.name)
def test_its_gradient_is_ours(gate):
    """`jax.grad` of the value rules, and JAX on our gradient circuit."""
    case = cases_of(gate)[0]
    circuit = weighted(case)
    values = point(case, circuit)
    gradient = cg.gradient(circuit)
    expected = cg.evaluate(gradient, values)
    agree(jax.jit(cg.to_jax(gradient))(**single(values)), expected, 2e-3)
    function = cg.to_jax(circuit)
    theirs = jax.jit(jax.grad(lambda p: function(**p)["f"]))(single(values))
    agree({f"df_d{name}": g for name, g in theirs.items()}, expected, 2e-3)


def test_every_scalar_gate():
    builder, values = cg.Builder(), {}
    draw = np.random.default_rng(0)
    for gate in SCALAR_GATES:
        operands = []
        for i in range(gate.arity or 3):
            operands.append(builder.input(f"{gate.name}{i}"))
            values[f"{gate.name}{i}"] = draw.uniform(*gate.interval(i), 7)
        for k in [2, -1, 0.5] if gate.takes_parameter else [None]:
            made = builder.gate(gate.name, *operands, param=k)
            builder.output(f"f_{gate.name}_{len(builder.outputs)}", made)
    circuit = builder.finish()
    found = jax.jit(cg.to_jax(circuit))(**single(values))
    agree(found, cg.evaluate(circuit, values), 1e-5)


def test_kinks_are_those_declared():
    builder = cg.Builder()
    x = builder.input("x")
    for name in ("abs", "sign", "step", "relu"):
        builder.output(name, builder.gate(name, x))
    circuit = builder.finish()
    at = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan])
    agree(cg.to_jax(circuit)(np.float32(at)), cg.evaluate(circuit, x=at))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_numbers_take_on_the_dtype_of_arrays(dtype):
    text = "x*sin(pi*y)^3/7 + sqrt(2) - 1/3*x^(1/2) + sigmoid(x) + erf(y)"
    circuit = cg.gradient(cg.parse_expression(text), value=True)
    x = jax.numpy.full((3,), 0.5, dtype)
    for function in (cg.to_jax(circuit), jax.jit(cg.to_jax(circuit))):
        found = function(x, y=x)
        assert {value.dtype.name for value in found.values()} == {dtype}
        assert all(value.shape == (3,) for value in found.values())


def test_constants_and_whole_numbers():
    constant = cg.to_jax(cg.gradient(cg.parse_expression("3*x"), value=True))
    assert constant(np.ones(2, np.float32))["df_dx"].tolist() == [3, 3]
    assert constant(2)["f"] == 6
    assert constant(True)["f"] == 3
    assert cg.to_jax(cg.parse_expression("2^3 + 1"))()["f"] == 9


def test_vmap_maps_a_circuit_of_scalars_and_one_of_arrays():
    scalars = cg.to_jax(cg.gradient(cg.parse_expression(ROSENBROCK)))
    points = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    found = jax.vmap(scalars)(*points.T)
    expected = cg.evaluate(
        cg.gradient(cg.parse_expression(ROSENBROCK)), x=points[:, 0], y=points[:, 1]
    )
    agree(found, expected, 1e-4)
    product = cg.trace(lambda a, b: a @ b, shapes={"a": (2, 3), "b": (3,)})
    a, b = np.ones((2, 3), np.float32), np.arange(12, dtype=np.float32).reshape(4, 3)
    found = jax.vmap(cg.to_jax(product), in_axes=(None, 0))(a, b)
    agree(found, {"f": b @ a.T})


def test_shard_map_spreads_a_batch_over_devices():
    """In a process of its own, which has two devices."""
    code = """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import jax, networks, numpy as np
import circuitgrad as cg
from jax.sharding import AxisType, PartitionSpec as P
shapes = networks.shapes_of(6, 5, 3, 4)
loss = networks.loss_circuit(shapes)
function = cg.to_jax(cg.gradient(loss, wrt=networks.PARAMETERS, value=True))
arrays = networks.start(shapes)
halves = [networks.start(shapes)[name][::-1] for name in ("X", "Y")]
x, y = (np.concatenate([arrays[n], h]) for n, h in zip(("X", "Y"), halves))
def mean(p, x, y):
    found = function(**p, X=x, Y=y)
    return {name: jax.lax.pmean(value, "rows") for name, value in found.items()}
mesh = jax.make_mesh((2,), ("rows",), axis_types=(AxisType.Auto,))
spread = jax.shard_map(
    mean, mesh=mesh, in_specs=(P(), P("rows"), P("rows")), out_specs=P()
)
p = {name: arrays[name] for name in networks.PARAMETERS}
found = jax.jit(spread)(p, x, y)
each = [cg.evaluate(cg.gradient(loss, wrt=networks.PARAMETERS, value=True),
                    **p, X=x[k : k + 4], Y=y[k : k + 4]) for k in (0, 4)]
assert len(found["f"].sharding.device_set) == 2
for name in each[0]:
    np.testing.assert_allclose(
        found[name], (each[0][name] + each[1][name]) / 2, rtol=1e-4, atol=1e-6
    )
"""
    paths = f"import sys; sys.path[:0] = {[p for p in sys.path if p]}\n"
    subprocess.run([sys.executable, "-c", paths + code], check=True)


def test_the_benchmark_beside_jax(capsys, monkeypatch):
    import networks

    monkeypatch.setattr("sys.argv", ["networks.py", "--quick", "--rounds", "1"])
    assert networks.main() == 0
    assert "to_jax" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((np.ones((2, 2)), np.ones(3)), r"'a' has shape \(2, 2\); the circuit's input"),
        ((np.ones((2, 3)),), "no value for the input 'b'"),
        ((np.ones((2, 3)), ["a", "b", "c"]), "'b' is <U1, not an array of real"),
        ((np.ones((2, 3)), [[1], [2, 3]]), "'b' is ragged"),
        ((np.ones((2, 3)), np.ones(3) + 1j), "'b' is complex128, not an array of real"),
        ((np.ones((2, 3)), jax.numpy.ones(3) + 1j), "'b' is complex64, not"),
    ],
)
def test_arguments_that_will_not_do(values, message):
    product = cg.trace(lambda a, b: a @ b, shapes={"a": (2, 3), "b": (3,)})
    with pytest.raises(cg.CircuitError, match=message):
        cg.to_jax(product)(*values)


def test_shapes_of_scalars_that_do_not_go_together():
    function = cg.to_jax(cg.parse_expression("x + y"))
    with pytest.raises(cg.CircuitError, match=r"do not go together: \(2,\), \(3,\)"):
        function(np.ones(2), np.ones(3))


def test_without_jax_the_error_says_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(cg.CircuitError, match=r"pip install 'circuitgrad\[jax\]'"):
        cg.to_jax(cg.parse_expression("x"))
