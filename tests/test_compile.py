"""Compiled circuits compute what `evaluate` computes, on any batch, in any process."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import threading
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import POINTS, circuits

import circuitgrad as cg
from circuitgrad import gates, loops
from circuitgrad.evaluation import running
from circuitgrad.evaluation.instructions import GATE_INSTRUCTIONS
from circuitgrad.evaluation.lowering import Reading, lower
from circuitgrad.evaluation.native import CHUNK
from circuitgrad.gates import GATES

pytestmark = pytest.mark.filterwarnings("default")  # numba's own, on new Pythons

EXPONENTS = [0, 1, 2, 3, 7, -1, -2, -8, 9, 20, (1, 2), (-1, 2), (3, 2), (1, 3)]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 30.0, -30.0, 800.0, -800.0]
SPECIAL += [1e300, -1e300, 1e-310, 5e-324, 1e10, math.inf, -math.inf, math.nan]
BUILT_IN = [gate for gate in GATES if gate.name in GATE_INSTRUCTIONS]


def single(name, arity, param=None):
    builder = cg.Builder()
    inputs = [builder.input(f"x{i}") for i in range(arity)]
    param = Fraction(*param) if isinstance(param, tuple) else param
    if name == "sum":
        terms = [(i - 2) * x + x / 3 for i, x in enumerate(inputs)]
        builder.output("f", builder.sum(terms))
    else:
        builder.output("f", builder.gate(name, *inputs, param=param))
    return builder.finish()


CASES = [
    pytest.param(
        single(gate.name, arity, param), gate, id=f"{gate.name}-{arity}-{param}"
    )
    for gate in BUILT_IN
    for arity in ([gate.arity] if gate.arity else [1, 2, 3, 5])
    for param in (
        EXPONENTS if gate.name == "power" else [0.5] if gate.takes_parameter else [None]
    )
]


def agree(found, expected, tolerance=2e-15):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=5e-324)


def domain_points(gate, arity, count=300):
    draw = np.random.default_rng(0)
    low, high = zip(*(gate.interval(i) for i in range(arity)), strict=True)
    return draw.uniform(low, high, (count, arity))


def special_points(arity):
    """Each special value in each slot, beside every other and beside itself."""
    values = np.array(SPECIAL)
    if arity == 1:
        return values[:, None]
    rows = [np.full(arity, 0.75) for _ in SPECIAL for _ in range(arity)]
    for i, row in enumerate(rows):
        row[i % arity] = values[i // arity]
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL])
    wide = np.full((len(pairs), arity), 0.75)
    wide[:, :2] = pairs
    return np.concatenate([np.array(rows), wide])


def test_every_gate_type_of_the_table_has_an_instruction():
    names = [gate.name for gate in gates.SCALAR_GATES]
    assert sorted(GATE_INSTRUCTIONS) == sorted(names)


@pytest.mark.parametrize(("circuit", "gate"), CASES)
def test_an_instruction_agrees_with_the_value_rule(circuit, gate):
    points = domain_points(gate, len(circuit.inputs))
    expected = cg.evaluate(circuit, dict(zip(circuit.inputs, points.T, strict=True)))
    for strict in (False, True):
        function = cg.compile(circuit, strict=strict)
        tolerance = 4e-15
        if gate.name == "sum":  # terms may cancel
            tolerance = 1e-13
        agree(function.points(points)[:, 0], expected["f"], tolerance)
        alone = [function.points(point)[0] for point in points[:5]]
        agree(alone, expected["f"][:5], tolerance)


@pytest.mark.parametrize(("circuit", "gate"), CASES)
def test_special_values_are_those_of_the_value_rule(circuit, gate):
    points = special_points(len(circuit.inputs))
    if gate.name == "power":  # NumPy's (-inf)^(1/2) is inf or nan, by version
        points = points[points[:, 0] != -math.inf]
    expected = cg.evaluate(circuit, dict(zip(circuit.inputs, points.T, strict=True)))
    strict = cg.compile(circuit, strict=True)
    agree(strict.points(points)[:, 0], expected["f"])
    for point, value in list(zip(points, expected["f"], strict=True))[:40]:
        agree(strict.points(point)[0], value)
    loose = cg.compile(circuit).points(points)[:, 0]
    if gate.name == "power":  # what is multiplied out may leave the range on the way
        inside = np.isfinite(expected["f"]) & (np.abs(expected["f"]) > 1e-300)
        agree(loose[inside], expected["f"][inside], 1e-14)
        assert np.array_equal(np.isnan(loose), np.isnan(expected["f"]))
    elif gate.name == "sum":
        assert np.array_equal(np.isfinite(loose), np.isfinite(expected["f"]))
    else:
        agree(loose, expected["f"])


@pytest.mark.parametrize("gate", [g for g in BUILT_IN if g.kinks], ids=lambda g: g.name)
def test_values_at_kinks_are_those_declared(gate):
    for kink in gate.kinks:
        param = 0.5 if gate.takes_parameter else None
        function = cg.compile(single(gate.name, len(kink.operands), param))
        assert function(*map(float, kink.operands))["f"] == kink.value
        batch = np.tile(np.array(kink.operands, dtype=float), (20, 1))
        assert set(function.points(batch)[:, 0].tolist()) == {float(kink.value)}


@settings(max_examples=150, deadline=None)
@given(circuits(), POINTS)
def test_random_circuits_agree_with_evaluate(circuit, point):
    values = np.array([float(point[name]) for name in circuit.inputs])
    near = values + np.linspace(0, 1e-3, 20)[:, None]
    with np.errstate(all="ignore"):
        expected = cg.evaluate(circuit, dict(zip(circuit.inputs, near.T, strict=True)))
    strict = cg.compile(circuit, strict=True).points(near)
    loose = cg.compile(circuit).points(near)
    for k, name in enumerate(circuit.output_names):
        wanted = expected[name]
        if not np.abs(wanted).max() < 1e6:
            continue
        if np.ptp(wanted) < 1e-2 * (1 + np.abs(wanted).max()):  # no jump in between
            np.testing.assert_allclose(strict[:, k], wanted, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(loose[:, k], wanted, rtol=1e-6, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(circuits(most=30))
def test_lowering_interpreted_equals_compiled(circuit):
    """The two loops of lowering, as those of the passes, have one source."""
    for strict in (False, True):
        reading = Reading(circuit, strict)
        emitted = circuit.live & circuit.columns.is_gate
        with pytest.MonkeyPatch.context() as patch:
            interpreted = lower(reading, emitted, circuit.output_vertices)
            patch.setattr(loops, "COMPILE_FROM", 0)
            compiled = lower(reading, emitted, circuit.output_vertices)
        for name, value in vars(interpreted).items():
            np.testing.assert_array_equal(value, getattr(compiled, name))


ARITHMETIC = ("sum", "prod", "div", "inv", "sqrt", "abs", "relu", "max", "min")


@settings(max_examples=150, deadline=None)
@given(circuits(names=ARITHMETIC), POINTS)
def test_strict_is_bit_for_bit_what_evaluate_gives(circuit, point):
    values = np.array([float(point[name]) for name in circuit.inputs])
    points = values * np.linspace(0.7, 1.3, 37)[:, None]
    expected = cg.evaluate(circuit, dict(zip(circuit.inputs, points.T, strict=True)))
    found = cg.compile(circuit, strict=True).points(points)
    for k, name in enumerate(circuit.output_names):
        np.testing.assert_array_equal(found[:, k], expected[name])
        alone = [cg.compile(circuit, strict=True).points(p)[k] for p in points[:3]]
        np.testing.assert_array_equal(alone, expected[name][:3])


def test_strict_keeps_the_order_of_a_sum():
    circuit = cg.parse("input x, y, z\nf = x + y + z + 3*x*y\noutput f\n")
    values = {"x": 1e16, "y": 1.0, "z": -1e16}
    assert cg.compile(circuit, strict=True)(**values) == cg.evaluate(circuit, values)


def test_shapes_of_batches():
    circuit = cg.parse_expression("x*y + exp(x)")
    f = cg.compile(circuit)
    xs, ys = np.linspace(0, 1, 5), np.arange(3.0)[:, None]
    for x, y in (
        (0.5, 2.0),
        (xs, 2.0),
        (xs, xs[::-1]),
        (xs, ys),
        (np.float32(0.5), ys),
        (np.zeros((0, 2)), 1.0),
        (np.ones((2, 1, 3)), np.ones((4, 1))),
        (np.broadcast_to(0.25, (7,)), xs[0]),
        (np.arange(40.0)[::3], np.arange(14)),
        (np.asfortranarray(np.arange(12.0).reshape(3, 4)), 1),
        (np.arange(3).astype(">f8"), np.arange(3, dtype=np.uint8)),
        (True + 0.0, Fraction(1, 3)),
    ):
        expected = cg.evaluate(circuit, x=x, y=y, exact=False)["f"]
        found = f(x, y=y)["f"]
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert isinstance(f(1, 2)["f"], np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_points_are_rows(dtype):
    circuit = cg.gradient(example("worked_example"), value=True)
    f = cg.compile(circuit, dtype=dtype)
    grid = np.random.default_rng(0).uniform(-1, 1, (6, 50, 2)).astype(dtype)
    found = f.points(grid)
    assert (found.shape, found.dtype) == ((6, 50, 3), dtype)
    by_name = f(x1=grid[..., 0], x2=grid[..., 1])
    for k, name in enumerate(f.outputs):
        np.testing.assert_allclose(found[..., k], by_name[name], rtol=1e-6)
    for out in (
        np.empty((6, 50, 3), dtype),
        np.empty((3, 50, 6), dtype).T,
        np.empty((6, 100, 3), dtype)[:, ::2],
    ):
        assert f.points(grid, out=out) is out
        np.testing.assert_array_equal(out, found)
    assert f.points(grid[0, 0]).shape == (3,)
    assert f.points(np.empty((0, 2))).shape == (0, 3)
    assert f.points(grid.tolist()).shape == (6, 50, 3)
    shared = np.zeros((50, 5), dtype)
    shared[:, :2] = grid[0]
    f.points(shared[:, :2], out=shared[:, 1:4])  # in the place of its own input
    np.testing.assert_array_equal(shared[:, 1:4], found[0])


def test_float32_is_computed_in_float32():
    third = cg.compile(cg.parse_expression("x/3 + y"), dtype=np.float32)
    x = np.arange(20, dtype=np.float32)
    found = third(x, np.float32(1e8))["f"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x * np.float32(1 / 3) + np.float32(1e8))
    assert third(1e300, 0)["f"] == np.inf
    assert isinstance(third(1, 2)["f"], np.float32)


def test_what_does_not_vary_is_computed_once():
    """And gives the same: any inputs may stand still while others vary."""
    circuit = cg.parse(
        "input a, b, x\nu = exp(a)*b\nv = sin(u) + 1/3\nf = v*x + u\n"
        "g = u\nh = a\nk = pi\noutput f, g, h, k, x\n"
    )
    f = cg.compile(circuit)
    xs = np.linspace(0, 1, 30)
    for values in (
        {"a": 0.5, "b": 2.0, "x": xs},
        {"a": xs, "b": 2.0, "x": 0.1},
        {"a": 0.5, "b": xs, "x": 0.1},
        {"a": xs, "b": xs, "x": -1.0},
        {"a": np.zeros(30), "b": xs, "x": np.broadcast_to(3.0, 30)},
        {"a": 0.5, "b": np.full((30,), 2.0), "x": xs},
    ):
        expected = cg.evaluate(circuit, values)
        for name, found in f(**values).items():
            np.testing.assert_allclose(found, expected[name], rtol=1e-14)
    assert f.instructions == 5


def test_many_patterns_of_what_varies_are_not_all_kept():
    names = [f"x{i}" for i in range(6)]
    circuit = cg.trace(lambda *x: sum(x) * x[0], inputs=names)
    f = cg.compile(circuit)
    for pattern in range(1, 63):
        values = [
            np.arange(9.0) if pattern >> i & 1 else 2.0 for i in range(len(names))
        ]
        expected = cg.evaluate(circuit, dict(zip(names, values, strict=True)))["f"]
        np.testing.assert_allclose(f(*values)["f"], expected)
    assert len(f._splits) <= 16


def test_outputs_of_every_kind():
    circuit = cg.parse(
        "input x, unused\nc = 1/4\ndead = sin(x)\ny = 2*x\noutput x, y, c\n"
    )
    circuit = circuit.with_outputs([*circuit.outputs, ("again", circuit.vertex("y"))])
    f = cg.compile(circuit)
    assert f.instructions == 1
    assert f(3.0, 0.0) == {"x": 3.0, "y": 6.0, "c": 0.25, "again": 6.0}
    found = f(np.arange(12.0), np.nan)
    assert found["c"].tolist() == [0.25] * 12
    assert found["again"].tolist() == (2 * np.arange(12.0)).tolist()


def test_a_circuit_without_inputs():
    circuit = cg.parse("c = 3\noutput c\n")
    f = cg.compile(circuit)
    assert f() == {"c": 3.0}
    assert f.points(np.empty((5, 0))).tolist() == [[3.0]] * 5


def test_threads_give_the_same_bytes(monkeypatch):
    circuit = cg.gradient(cg.parse_expression("sin(x*y)*exp(-x) + tanh(y)"))
    points = np.random.default_rng(0).standard_normal((20_011, 2))
    alone = cg.compile(circuit, threads=1).points(points)
    monkeypatch.setattr(running, "THREADS_FROM", 0)
    monkeypatch.setattr(running, "PIECE", 2**14)
    for threads in (2, 3, 8):
        found = cg.compile(circuit, threads=threads).points(points)
        assert found.tobytes() == alone.tobytes()


def test_calls_from_several_threads_do_not_disturb_each_other():
    f = cg.compile(cg.parse_expression("x^3 + sin(y)"))
    points = np.random.default_rng(0).standard_normal((8, 500, 2))
    expected = [f.points(each) for each in points]
    found = [None] * 8

    def work(k):
        for _ in range(20):
            found[k] = f.points(points[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_error_in_one_thread_ends_all():
    done = []

    def work(pieces):
        for piece in pieces:
            if piece == 3:
                raise ValueError("piece 3")
            done.append(piece)

    with pytest.raises(ValueError, match="piece 3"):
        running._share(work, running.Shared(iter(range(10**9))), 4)
    assert len(done) < 10**6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork with threads about
def test_a_forked_process_has_threads_of_its_own():
    f = cg.compile(cg.parse_expression("sin(x)*y + exp(x*y)"), threads=2)
    at = np.random.default_rng(1).uniform(size=(running.THREADS_FROM, 2))
    expected = f.points(at)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(f.points(at), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_pickles_give_the_same_in_another_process(tmp_path):
    circuit = cg.gradient(example("perceptron"), value=True)
    f = cg.compile(circuit, strict=True, threads=1)
    points = np.random.default_rng(0).standard_normal((40, len(f.inputs)))
    (tmp_path / "f.pickle").write_bytes(pickle.dumps(f))
    np.save(tmp_path / "points.npy", points)
    program = (
        "import pickle, numpy as np\n"
        "f = pickle.load(open('f.pickle', 'rb'))\n"
        "np.save('found.npy', f.points(np.load('points.npy')))\n"
        "print(f)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == f"{f!r}\n"
    found = np.load(tmp_path / "found.npy")
    assert found.tobytes() == f.points(points).tobytes()


def test_bad_input():
    f = cg.compile(cg.parse_expression("x*y"))
    for call, message in (
        (lambda: f(1), "no value for the input 'y'"),
        (lambda: f(1, 2, 3), "3 values for 2 inputs: x, y"),
        (lambda: f(1, x=2), "two values for the input 'x'"),
        (lambda: f(1, 2, z=3), "no input 'z'; the inputs are x, y"),
        (lambda: f(np.ones(2), np.ones(3)), r"together: x \(2,\), y \(3,\)"),
        (lambda: f(1j, 2), "x: complex128 should be real numbers"),
        (lambda: f("1", 2), "x: <U1 should be real numbers"),
        (lambda: f(None, 2), "x: object should be real numbers"),
        (lambda: f(1, [True]), "y: bool should be real numbers"),
        (lambda: f([[1], [1, 2]], 2), "x: rows of different lengths"),
        (lambda: f.points(np.ones((4, 3))), r"\(4, 3\); it should be \(..., 2\)"),
        (lambda: f.points(1.0), r"points of shape \(\)"),
        (lambda: f.points(np.ones((4, 2)), out=np.ones(4)), r"should be \(4, 1\)"),
        (lambda: f.points(np.ones((4, 2)), out=[0.0]), "out of shape list"),
        (
            lambda: f.points(np.ones((4, 2)), out=np.ones((4, 1), np.float32)),
            "a writeable array of float64",
        ),
        (lambda: cg.compile(f.circuit, dtype=int), "int64 is not float64 or float32"),
        (lambda: cg.compile(f.circuit, dtype="no"), "'no' is not float64 or float32"),
        (lambda: cg.compile(f.circuit, threads=0), "threads should be 1 or more"),
    ):
        with pytest.raises(cg.CircuitError, match=message):
            call()


def test_a_gate_type_of_the_user_is_evaluated_by_its_value_rule():
    """In a process of its own, since the table is the process's."""
    program = """
import numpy as np
import circuitgrad as cg
cg.register(cg.GateType("cube", 1, lambda m, u: u*u*u, lambda g, y, u: [3*u**2]))
text = "input x, y\\nc = cube(x)\\nf = c + y\\nk = 2\\noutput f, k\\n"
f = cg.compile(cg.parse(text))
assert "by value rules, for want of cube" in repr(f)
points = np.random.default_rng(0).standard_normal((9001, 2))
found = f.points(points)
np.testing.assert_allclose(found[:, 0], points[:, 0]**3 + points[:, 1])
assert set(found[:, 1]) == {2.0}
assert f(2, 1.0)["f"] == 9.0
assert f.points(points, out=np.empty((9001, 2))).tobytes() == found.tobytes()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_wide_sums_and_long_chains():
    names = [f"x{i}" for i in range(5_000)]
    wide = cg.trace(
        lambda *x: cg.functions.sum(*x, *(a * b for a, b in pairwise(x))),
        inputs=names,
    )
    points = np.random.default_rng(0).standard_normal((40, 5_000))
    expected = points.sum(1) + (points[:, 1:] * points[:, :-1]).sum(1)
    f = cg.compile(wide)
    np.testing.assert_allclose(f.points(points)[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(f.points(points[0])[0], expected[0], rtol=1e-9)
    assert f.instructions == 1
    lines = "".join(f"s{i} = sin(y{i})\ny{i + 1} = s{i}*y{i}\n" for i in range(50_000))
    chain = cg.parse(f"input y0\n{lines}output y50000\n")
    f = cg.compile(chain)
    assert (f.instructions, f.registers) == (100_000, 3)
    assert f(0.5)["y50000"] == pytest.approx(cg.evaluate(chain, y0=0.5)["y50000"])


def test_products_become_terms_of_dots():
    """Each once; but not one that is used twice, or an output, or if strict."""
    circuit = cg.parse_expression("a*b + 2*c*d - e*e + (3*a)*(5*b) + a*c*e + 7")
    f = cg.compile(circuit)
    assert f.instructions == 2  # a*c, and the dot
    point = [1.5, -2.0, 3.0, 0.25, 4.0]
    expected = cg.evaluate(circuit, dict(zip(circuit.inputs, point, strict=True)))
    assert f(*point) == pytest.approx(expected)
    assert cg.compile(circuit, strict=True).instructions == circuit.size
    twice = cg.parse("input x, y\np = x*y\nf = p + x\ng = p + y\noutput f, g\n")
    assert cg.compile(twice).instructions == 3
    output = cg.parse("input x, y\np = x*y\nf = p + x\noutput f, p\n")
    assert cg.compile(output)(2.0, 3.0) == {"f": 8.0, "p": 6.0}


def test_value_and_gradient():
    circuit = cg.parse_expression("(1 - x)^2 + 100*(y - x^2)^2")
    v = cg.value_and_grad(circuit)
    value, slope = v([0.5, 2.0])
    assert (value, type(value)) == (306.5, float)
    np.testing.assert_allclose(slope, [-351.0, 350.0])
    values, slopes = v(np.array([[0.5, 2.0], [1.0, 1.0]]))
    assert (values.shape, slopes.shape) == ((2,), (2, 2))
    assert slopes[1].tolist() == [0.0, 0.0]
    several = cg.parse("input x, y\nf = x*y\ng = x + y\noutput f, g\n")
    with pytest.raises(cg.CircuitError, match="several outputs"):
        cg.value_and_grad(several)
    value, slope = cg.value_and_grad(several, of="f", wrt="y")([2.0, 5.0])
    assert (value, slope.tolist()) == (10.0, [2.0])
    value, slope = cg.value_and_grad(several, of="f", wrt=["y", "x"])([2.0, 5.0])
    assert slope.tolist() == [2.0, 5.0]
    with pytest.raises(cg.CircuitError, match="no input 'z'; the inputs are x, y"):
        cg.value_and_grad(several, of="f", wrt="z")
    with pytest.raises(cg.CircuitError, match="it should be"):
        v([1.0, 2.0, 3.0])
    again = pickle.loads(pickle.dumps(v))
    assert again([0.5, 2.0])[0] == 306.5


def test_scipy_minimizes_it():
    optimize = pytest.importorskip("scipy.optimize")
    circuit = cg.parse_expression("(1 - x)^2 + 100*(y - x^2)^2")
    found = optimize.minimize(cg.value_and_grad(circuit), [-1.0, 1.0], jac=True)
    np.testing.assert_allclose(found.x, [1.0, 1.0], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(circuits(most=25), POINTS, st.sampled_from([np.float64, np.float32]))
def test_native_code_gives_what_the_interpreter_gives(circuit, point, dtype):
    values = [float(point[name]) for name in circuit.inputs]
    for strict in (False, True):
        native = cg.compile(circuit, native=True, strict=strict, dtype=dtype)
        interpreted = cg.compile(circuit, strict=strict, dtype=dtype)
        found, expected = native.points(values), interpreted.points(values)
        if strict:
            np.testing.assert_array_equal(found, expected)
        elif np.abs(expected).max() < 1e6:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_native_code_of_many_chunks():
    circuit = cg.gradient(
        cg.trace(
            lambda *x: sum((b - a**2) ** 2 / (1 + a * a) for a, b in pairwise(x)),
            inputs=[f"x{i}" for i in range(300)],
        ),
        value=True,
    )
    f, native = cg.compile(circuit), cg.compile(circuit, native=True)
    assert len(f._program.code) > 3 * CHUNK
    points = np.random.default_rng(0).standard_normal((3, 300))
    np.testing.assert_allclose(native.points(points), f.points(points), rtol=1e-12)
    assert repr(native).endswith(", float64, native>")
    again = pickle.loads(pickle.dumps(native))
    np.testing.assert_array_equal(again.points(points), native.points(points))
    one = dict(zip(circuit.inputs, [*points[0, :-1], points[:, 0]], strict=True))
    np.testing.assert_allclose(native(**one)["f"], f(**one)["f"], rtol=1e-12)


def test_native_code_has_a_limit(monkeypatch):
    from circuitgrad.evaluation import native

    monkeypatch.setattr(native, "MAX_NATIVE", 3)
    with pytest.raises(cg.LimitError, match="too large for native code"):
        cg.compile(cg.parse_expression("x*y + 1"), native=True)
