"""Compiled circuits of arrays compute what `evaluate` does, in their own memory."""

from __future__ import annotations

import math
import pickle
import random
import sys
import threading
import tracemalloc
from fractions import Fraction

import networks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_cases import CASES, case_id, gate_circuit, point, weighted

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812
from circuitgrad.errors import ShapeError
from circuitgrad.gates.scalar import SCALAR_GATES

FLOATS = [np.float64, np.float32]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 30.0, -30.0, 800.0, -800.0]
SPECIAL += [1e300, -1e300, 5e-324, math.inf, -math.inf, math.nan]
UNARY = ["tanh", "sigmoid", "softplus", "relu", "step", "abs", "exp", "softmax"]


def values_of(circuit, seed=0):
    draw = np.random.default_rng(seed)
    shapes = [circuit.columns.shape(v) for v in range(len(circuit.inputs))]
    return {
        name: draw.normal(size=shape)
        for name, shape in zip(circuit.inputs, shapes, strict=True)
    }


def agree(found, expected, dtype=np.float64, tolerance=None):
    """Compare to rounding, relative to the largest entry."""
    assert list(found) == list(expected)
    tolerance = tolerance or (1e-12 if dtype == np.float64 else 2e-4)
    for name, value in expected.items():
        assert np.shape(found[name]) == np.shape(value)
        assert found[name].dtype == dtype
        finite = np.abs(np.where(np.isfinite(value), value, 0))
        np.testing.assert_allclose(
            found[name], value, rtol=tolerance, atol=tolerance * max(finite.max(), 1)
        )


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_every_matrix_gate_and_its_gradient(case, dtype):
    source = weighted(case)
    for circuit in (gate_circuit(case), source, cg.gradient(source, value=True)):
        values = point(case, circuit)
        function = cg.compile(circuit, dtype=dtype)
        for _ in range(2):
            agree(function(**values), cg.evaluate(circuit, values), dtype)


@pytest.mark.parametrize("gate", SCALAR_GATES, ids=lambda gate: gate.name)
def test_every_scalar_gate_acts_on_the_entries(gate):
    builder = cg.Builder()
    for arity in [gate.arity] if gate.arity else [1, 2, 4]:
        shapes = [(20, 3), (3,), (20, 1), ()][:arity]
        operands = [builder.input(f"x{arity}_{i}", s) for i, s in enumerate(shapes)]
        param = Fraction(1, 2) if gate.takes_parameter else None
        builder.output(f"f{arity}", builder.gate(gate.name, *operands, param=param))
    circuit = builder.finish()
    draw = np.random.default_rng(0)
    values = {
        name: draw.uniform(*gate.interval(int(name[-1])), circuit.columns.shape(v))
        for v, name in enumerate(circuit.inputs)
    }
    for dtype in FLOATS:
        agree(
            cg.compile(circuit, dtype=dtype)(**values),
            cg.evaluate(circuit, values),
            dtype,
        )


@pytest.mark.parametrize("gate", SCALAR_GATES, ids=lambda gate: gate.name)
def test_special_values_are_those_of_the_value_rule(gate):
    """Kinks, infinities and nan, where an instruction is written otherwise."""
    special = np.array(SPECIAL)
    for param in [2, -1, 3, Fraction(1, 2), 0] if gate.takes_parameter else [None]:
        builder = cg.Builder()
        x = builder.input("x", (len(special), 1))
        y = builder.input("y", (len(special),))
        operands = [x, y] if gate.accepts(2) else [x]
        builder.output("f", builder.gate(gate.name, *operands, param=param))
        circuit = builder.finish()
        values = {"x": special[:, None], "y": special}
        found, expected = cg.compile(circuit)(**values), cg.evaluate(circuit, values)
        np.testing.assert_allclose(found["f"], expected["f"], rtol=1e-14, atol=0)


@pytest.mark.parametrize("weights", [(1,), (-1,), (3,), (1, 1), (1, -1), (-1, 1)])
@pytest.mark.parametrize("more", [(), (-1, -1), (2, 1), (1, 2, Fraction(-1, 3))])
@pytest.mark.parametrize("last", [False, True])
def test_sums_take_weights_and_keep_what_is_still_read(weights, more, last):
    """Terms that nothing else reads are scaled where they are, the others are not."""
    every = (*weights, *more)
    builder = cg.Builder()
    shapes = [[(4, 3), (3,), (4, 1)][i % 3] for i in range(len(every))]
    inputs = [builder.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    terms = [builder.gate("exp", x) for x in inputs]
    total = builder.sum(
        [*(w * t for w, t in zip(every, terms, strict=True)), builder.constant(5)]
    )
    builder.output("f", builder.gate("tanh", total))
    if not last:
        builder.output("kept", builder.gate("sum_axes", builder.prod(terms)))
    circuit = builder.finish()
    values = values_of(circuit)
    for dtype in FLOATS:
        agree(
            cg.compile(circuit, dtype=dtype)(**values),
            cg.evaluate(circuit, values),
            dtype,
        )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "log_sum_exp"])
def test_large_logits_give_no_nan(name, dtype):
    z = np.array([[1000.0, -1000.0], [-1000.0, -1000.0], [1000.0, 999.0]])
    circuit = gate_circuit((name, [z.shape], {}))
    found = cg.compile(circuit, dtype=dtype)(z)["f"]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, cg.evaluate(circuit, x0=z)["f"], rtol=1e-6)


def test_one_exponential_for_a_cross_entropy():
    circuit = cg.trace(
        lambda z: [
            F.log_softmax(z, axis=1),
            F.softmax(z, axis=1),
            F.softmax(z, axis=0),
        ],
        shapes={"z": (5, 4)},
    )
    z = 30 * values_of(circuit)["z"]
    agree(cg.compile(circuit)(z), cg.evaluate(circuit, z=z))


def test_matrices_that_have_no_inverse_give_nan_and_spoil_no_others():
    solve = gate_circuit(("solve", [(2, 2, 2), (2, 2, 1)], {}))
    a = np.array([np.eye(2), np.ones((2, 2))])
    b = np.ones((2, 2, 1))
    cholesky = gate_circuit(("cholesky", [(2, 2)], {}))
    for evaluated in (cg.evaluate, lambda c, p: cg.compile(c)(**p)):
        found = evaluated(solve, {"x0": a, "x1": b})["f"]
        assert (found[0] == 1).all() and np.isnan(found[1]).all()
        assert np.isnan(evaluated(cholesky, {"x0": -np.eye(2)})["f"]).all()


# ---------------------------------------------------------------------- any circuit


def random_circuit(draw: random.Random) -> cg.Circuit:
    """Make a circuit of arrays: views of views, sums with weights, many outputs."""
    builder = cg.Builder()

    def shape():
        return tuple(
            draw.choice([2, 3, 4]) for _ in range(draw.choice([0, 1, 2, 2, 3]))
        )

    pool = [builder.input(f"x{i}", shape()) for i in range(4)]
    pool.append(builder.constant(2))
    makers = [
        lambda: builder.gate(draw.choice(UNARY), draw.choice(pool)),
        lambda: builder.sum(
            draw.choice([1, 1, -1, 2, Fraction(1, 3)]) * u
            for u in draw.sample(pool, draw.randint(1, 4))
        ),
        lambda: builder.prod(draw.sample(pool, draw.randint(1, 3))),
        lambda: draw.choice(pool) @ draw.choice(pool),
        lambda: draw.choice(pool) @ draw.choice(pool),
        lambda: draw.choice(pool).T,
        lambda: draw.choice(pool).T,
        lambda: builder.gate(
            "reshape",
            draw.choice(pool),
            shape=draw.choice([(-1,), (-1, 1), (1, -1), (2, -1), (-1, 2)]),
        ),
        lambda: builder.gate(
            "sum_axes",
            draw.choice(pool),
            axis=draw.choice([0, -1]),
            keep=draw.randint(0, 1),
        ),
        lambda: builder.gate("slice", draw.choice(pool), axis=-1, start=1),
        lambda: builder.gate("diagonal", draw.choice(pool)),
        lambda: builder.gate("broadcast", draw.choice(pool), shape=(2, 3, 4)),
        lambda: builder.gate("squared_norm", draw.choice(pool)),
    ]
    for _ in range(draw.randint(3, 25)):
        try:
            made = draw.choice(makers)()
        except ShapeError:
            continue
        pool.append(made)
    if not builder.shapes:
        pool.append(builder.input("x", (2,)))
    for i in range(draw.randint(1, 4)):
        builder.output(f"f{i}", draw.choice(pool[-6:]))
    return builder.finish()


CIRCUITS = (
    st.randoms(use_true_random=False)
    .map(random_circuit)
    .filter(lambda circuit: circuit.columns.shaped)
)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.tanh(x) - 2 * F.tanh(x).T,  # two views of one array, one scaled
        lambda x: F.tanh(x) + 2 * F.tanh(x) + F.tanh(x).T,
        lambda x: F.exp(F.tanh(x).T * F.tanh(x)),
        lambda x: x + 2 * F.broadcast(F.tanh(x[0]), shape=(4, 4)),  # not to be written
        lambda x: x[1:] + 2 * F.tanh(x)[:3] + F.tanh(x)[1:],
        lambda x: F.reshape(F.tanh(x), shape=(2, 8)).T,  # copied: no view of a block
        lambda x: F.reshape(F.tanh(x).T, shape=(2, 8)),
        lambda x: F.reshape(x.T, shape=(16,)) @ F.reshape(x, shape=(16,)),
        lambda x: x @ F.broadcast(F.tanh(x[0]), shape=(4, 4)),  # not for BLAS as it is
        lambda x: F.broadcast(F.tanh(x[0]), shape=(4, 4)).T @ x[:, 1:3],
        lambda x: [F.tanh(x), F.tanh(x).T, F.tanh(x)[1:], x.T],
    ],
)
def test_views_of_what_is_scaled_or_stored_elsewhere(function):
    circuit = cg.run(cg.trace(function, shapes={"x": (4, 4)}), "cse,dce")
    values = values_of(circuit)
    for dtype in FLOATS:
        found = cg.compile(circuit, dtype=dtype)(**values)
        agree(found, cg.evaluate(circuit, values), dtype)


@settings(max_examples=300, deadline=None)
@given(CIRCUITS, st.randoms(use_true_random=False))
def test_any_circuit_into_new_arrays_and_into_those_of_inputs(circuit, draw):
    values = values_of(circuit)
    expected = {name: np.asarray(v) for name, v in cg.evaluate(circuit, values).items()}
    function = cg.compile(circuit)
    given_arrays = {name: array.copy() for name, array in values.items()}
    found = function(**given_arrays)
    agree(found, expected, tolerance=1e-9)
    for name, array in values.items():
        assert np.array_equal(given_arrays[name], array)
        assert not any(np.shares_memory(given_arrays[name], f) for f in found.values())
    out, left = {}, draw.sample([*given_arrays.values()], len(given_arrays))
    for name, value in expected.items():
        same = [array for array in left if array.shape == value.shape]
        out[name] = same[0] if same else np.empty(value.shape[::-1]).T
        left = [array for array in left if array is not out[name]]
    into = function(**given_arrays, out=out)
    agree(into, expected, tolerance=1e-9)
    assert all(into[name] is out[name] for name in out)
    agree(found, expected, tolerance=1e-9)  # what was given before stays


@settings(max_examples=50, deadline=None)
@given(CIRCUITS)
def test_strict_is_evaluate_bit_for_bit(circuit):
    values = values_of(circuit)
    found = cg.compile(circuit, strict=True)(**values)
    for name, value in cg.evaluate(circuit, values).items():
        np.testing.assert_array_equal(found[name], value)


# ---------------------------------------------------------------------- memory


def network(dtype=np.float32):
    """Give the gradient of a network, compiled, and a point."""
    shapes = networks.shapes_of(30, 20, 5, 16)
    loss = networks.loss_circuit(shapes)
    gradient = cg.gradient(loss, wrt=networks.PARAMETERS, value=True)
    return cg.compile(gradient, dtype=dtype), networks.start(shapes)


def test_transposes_and_reshapes_are_views():
    circuit = cg.trace(
        lambda a, b: {"f": (a.T @ b).T, "g": F.reshape(a @ b.T, shape=(-1,))},
        shapes={"a": (4, 3), "b": (4, 3)},
    )
    function = cg.compile(circuit)
    assert (function.instructions, function.memory) == (2, 0)
    values = values_of(circuit)
    found = function(**values)
    agree(found, cg.evaluate(circuit, values))
    assert found["f"].flags.c_contiguous


def test_a_product_is_stored_as_it_is_read():
    """Transposed where its transpose is added to something, row by row."""
    circuit = cg.trace(
        lambda a, b, w: F.tanh(w - 2 * (a.T @ b).T),
        shapes={"a": (5, 4), "b": (5, 3), "w": (3, 4)},
    )
    function, values = cg.compile(circuit), values_of(circuit)
    agree(function(**values), cg.evaluate(circuit, values))
    assert function.memory == 3 * 4 * 8
    (registers,) = function._idle
    (product,) = (r for r in registers if r is not None and r.shape == (4, 3))
    assert product.T.flags.c_contiguous


def test_memory_is_used_again():
    def chain(x):
        for _ in range(20):
            x = F.tanh(2 * x)
        return F.sum(x, axis=None)

    function = cg.compile(cg.trace(chain, shapes={"x": (50, 50)}))
    assert function.memory == 50 * 50 * 8  # each result is written over the last


def test_what_depends_on_no_input_is_computed_once():
    circuit = cg.trace(
        lambda x: x + F.broadcast(F.exp(x.builder.constant(1)), shape=(2, 3)),
        shapes={"x": (2, 3)},
    )
    function = cg.compile(circuit)
    assert function.instructions == 1
    agree(function(np.zeros((2, 3))), {"f": np.full((2, 3), math.e)})


def test_float32_is_kept_throughout():
    function, arrays = network()
    assert all(value.dtype == np.float32 for value in function(**arrays).values())
    (registers,) = function._idle
    kinds = {array.dtype.name for array in registers if array is not None}
    assert kinds <= {"float32", "bool"}


def test_a_call_with_out_allocates_next_to_nothing():
    shapes = networks.shapes_of(200, 150, 10, 100)
    loss = networks.loss_circuit(shapes)
    step = networks.Ours(networks.step_circuit(loss), networks.start(shapes))
    step()
    tracemalloc.start()
    step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000  # NumPy casts by parts; a matrix of weights has 120,000 bytes


def test_inputs_and_outputs_are_not_kept_alive():
    function, arrays = network()
    found = function(**arrays)
    (registers,) = function._idle
    for array in (*arrays.values(), *found.values()):
        held = [r for r in registers if r is not None and np.ndim(r)]
        assert not any(np.may_share_memory(r, array) for r in held)


def test_threads_and_copies_do_not_disturb_each_other():
    function, arrays = network(np.float64)
    copy = pickle.loads(pickle.dumps(function))
    points = [{**arrays, "X": arrays["X"] * k} for k in range(1, 5)]
    expected = [copy(**each) for each in points]
    wrong = []

    def work(k):
        for _ in range(50):
            found = function(**points[k])
            if any((found[name] != expected[k][name]).any() for name in found):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---------------------------------------------------------------------- arguments


@pytest.fixture
def product():
    return cg.compile(cg.trace(lambda a, b: a @ b, shapes={"a": (2, 3), "b": (3,)}))


def test_numbers_of_any_kind_are_converted(product):
    expected = [[14.0], [32.0]]
    for a in ([[1, 2, 3], [4, 5, 6]], np.arange(1, 7, dtype=np.uint8).reshape(2, 3)):
        for b in ([1, 2, 3], np.array([1, 2, 3], np.float16), np.arange(6.0)[1:4]):
            assert np.array_equal(product(a, b=b)["f"][:, None], expected)
    turned = np.asfortranarray([[1.0, 2, 3], [4, 5, 6]])
    assert np.array_equal(product(turned, [1, 2, 3])["f"], [14, 32])
    big = np.array([2**70, 1, 1], dtype=np.longdouble)
    assert product(np.ones((2, 3)), big)["f"][0] == float(2**70)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], r"'b' has shape \(2,\); the circuit's input has \(3,\)"),
        ([[1, 2, 3]], r"'b' has shape \(1, 3\); the circuit's input has \(3,\)"),
        (1.0, r"'b' has shape \(\); the circuit's input has \(3,\)"),
        ([[1], [2, 3]], "'b' is ragged"),
        ([1j, 2, 3], "'b' is complex128, not an array of real numbers"),
        (["1", "2", "3"], "'b' is <U1, not an array of real numbers"),
        ([None, 1, 2], "'b' is object, not an array of real numbers"),
    ],
)
def test_values_that_will_not_do(product, value, message):
    for strict in (False, True):
        function = cg.compile(product.circuit, strict=strict)
        with pytest.raises(cg.CircuitError, match=message):
            function(np.ones((2, 3)), value)


@pytest.mark.parametrize(
    ("values", "named", "message"),
    [
        ((), {}, "no value for the input 'a'"),
        ((1, 2, 3), {}, "3 values for 2 inputs: a, b"),
        ((1, 2), {"c": 3}, "no input 'c'; the inputs are a, b"),
        ((1,), {"a": 3}, "two values for the input 'a'"),
    ],
)
def test_values_that_are_missing_or_surplus(product, values, named, message):
    with pytest.raises(cg.CircuitError, match=message):
        product(*values, **named)


def test_arrays_for_outputs_that_will_not_do():
    circuit = cg.trace(lambda x: [x + 1, x + 2], shapes={"x": (2,)})
    function, x = cg.compile(circuit), np.zeros(2)
    locked = np.empty(2)
    locked.setflags(write=False)
    shared = np.empty(3)
    for out, message in [
        ({"g": x}, "out: no output 'g'; the outputs are f1, f2"),
        ({"f1": np.empty(3)}, r"out: 'f1' has shape \(3,\); it should be \(2,\)"),
        ({"f1": [0, 0]}, "out: 'f1' has shape list"),
        ({"f1": np.empty(2, np.float32)}, "out: 'f1' should be a writeable array of"),
        ({"f1": locked}, "out: 'f1' should be a writeable array of float64"),
        ({"f1": shared[:2], "f2": shared[1:]}, "out: 'f1' and 'f2' share memory"),
        ({"f1": x, "f2": x}, "out: 'f1' and 'f2' share memory"),
    ]:
        with pytest.raises(cg.CircuitError, match=message):
            function(x, out=out)
    pairs = np.empty((2, 2))
    function(x, out={"f1": pairs[:, 0], "f2": pairs[:, 1]})
    assert pairs.tolist() == [[1, 2], [1, 2]]


def test_inputs_may_change_places():
    function = cg.compile(cg.trace(lambda x, y: [y, x], shapes={"x": (3,), "y": (3,)}))
    x, y = np.zeros(3), np.ones(3)
    function(x, y, out={"f1": x, "f2": y})
    assert (x.tolist(), y.tolist()) == ([1, 1, 1], [0, 0, 0])


def test_an_input_may_be_called_out():
    function = cg.compile(cg.trace(lambda out: 2 * out, shapes={"out": (2,)}))
    for found in (function(np.ones(2)), function(out=np.ones(2))):
        assert found["f"].tolist() == [2, 2]


def test_options_that_arrays_do_not_have(product):
    with pytest.raises(cg.CircuitError, match="circuits of scalars alone"):
        cg.compile(product.circuit, native=True)
    with pytest.raises(cg.CircuitError, match="OPENBLAS_NUM_THREADS"):
        cg.compile(product.circuit, threads=2)
    for dtype in (np.int64, "no dtype"):
        with pytest.raises(cg.CircuitError, match="is not float64 or float32"):
            cg.compile(product.circuit, dtype=dtype)
    with pytest.raises(cg.CircuitError, match="a circuit of arrays"):
        cg.Compiled(product.circuit)


def test_what_it_is(product):
    assert (product.inputs, product.outputs) == (("a", "b"), ("f",))
    assert repr(product) == (
        "<compiled circuit: 2 inputs, 1 outputs, "
        "1 instructions on 0 buffers of 0 bytes, float64>"
    )
    strict = cg.compile(product.circuit, strict=True, dtype="float32")
    assert "by value rules, strict, float32" in repr(strict)
    assert pickle.loads(pickle.dumps(strict)).strict


def test_numbers_are_scalars_but_in_out():
    function = cg.compile(cg.trace(lambda x: F.sum(x, axis=None), shapes={"x": (2,)}))
    assert type(function([1, 2])["f"]) is np.float64
    out = {"f": np.empty(())}
    assert function([1, 2], out=out)["f"] is out["f"]
    assert out["f"] == 3


def test_a_gate_type_that_was_registered_goes_by_its_rule(monkeypatch):
    monkeypatch.setattr(cg.gates, "GATES", [*cg.gates.GATES])
    monkeypatch.setattr(cg.gates, "_codes", {**cg.gates._codes})
    cg.register(
        cg.GateType(
            "cube_of_arrays",
            arity=1,
            value=lambda m, u: u * u * u + m.number(1),
            partials=lambda g, y, u: [3 * u**2],
        )
    )
    builder = cg.Builder()
    builder.output("f", builder.gate("cube_of_arrays", builder.input("x", (3,))))
    found = cg.compile(builder.finish(), dtype=np.float32)([1, 2, 3])["f"]
    assert found.dtype == np.float32
    assert found.tolist() == [2, 9, 28]


def test_the_benchmark_runs_and_its_contenders_agree(capsys, monkeypatch, tmp_path):
    path = tmp_path / "networks.json"
    monkeypatch.setitem(sys.modules, "jax", None)  # test_jax.py has it run
    words = ["networks.py", "--quick", "--rounds", "1", "--json", str(path)]
    monkeypatch.setattr("sys.argv", words)
    assert networks.main() == 0
    assert "NumPy by hand" in capsys.readouterr().out
    assert '"emit"' in path.read_text()
