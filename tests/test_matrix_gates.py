"""Every matrix gate, from its record: values, derivatives, counts, scalar gates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from matrix_cases import CASES, case_id, entries_of, gate_circuit, point, weighted

import circuitgrad as cg
from circuitgrad import functions as F  # noqa: N812
from circuitgrad.gates import MATRIX_GATES, code_of
from circuitgrad.passes.scalarize import scalarize

every_case = pytest.mark.parametrize("case", CASES, ids=case_id)

#: Gates whose derivatives read some entries of an array alone: scalarized, what the
#: others took is not needed, and not counted.
PICKY = ("pad", "diag", "tril", "cholesky")


def test_every_matrix_gate_has_cases():
    assert {name for name, _, _ in CASES} == {gate.name for gate in MATRIX_GATES}


@every_case
def test_forward_and_reverse_mode_agree_with_differences(case):
    circuit = weighted(case)
    values = point(case, circuit)
    back = cg.evaluate(cg.reverse_mode(circuit), values)
    forth = cg.evaluate(cg.forward_mode(circuit), values)
    draw = np.random.default_rng(1)
    for name, value in values.items():
        derivative = back[f"df_d{name}"]
        assert np.shape(derivative) == np.shape(value)
        np.testing.assert_allclose(forth[f"df_d{name}"], derivative, atol=1e-12)
        direction = draw.normal(size=np.shape(value))
        step = 1e-6 * direction
        above = cg.evaluate(circuit, {**values, name: value + step})["f"]
        below = cg.evaluate(circuit, {**values, name: value - step})["f"]
        assert (above - below) / 2e-6 == pytest.approx(
            float(np.sum(derivative * direction)), rel=1e-5, abs=1e-7
        )


@every_case
def test_simplifying_keeps_the_values(case):
    circuit = weighted(case)
    values = point(case, circuit, seed=2)
    literal = cg.evaluate(cg.gradient(circuit, pipeline="none"), values)
    for level in ("tidy", "size", "depth"):
        emitted = cg.gradient(circuit, pipeline=level)
        found = cg.evaluate(emitted, values)
        for name, value in literal.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12)


@every_case
def test_scalar_gates_compute_the_same(case):
    circuit = gate_circuit(case)
    values = point(case, circuit, seed=3)
    lowered = scalarize(circuit)
    assert not lowered.columns.shaped
    found = cg.evaluate(lowered, {k: float(v) for k, v in entries_of(values).items()})
    wanted = entries_of(cg.evaluate(circuit, values))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert list(found) == list(wanted)


@every_case
def test_operations_are_those_of_the_scalar_gates(case):
    circuit = weighted(case)
    made = [circuit]
    if case[0] not in PICKY:
        made += [cg.forward_mode(circuit), cg.reverse_mode(circuit)]
    for each in made:
        counts, lowered = each.stats(), scalarize(each).stats()
        assert (counts.ops, counts.nonscalar) == (lowered.ops, lowered.nonscalar)


CHECKED = [case for case in CASES if case[0] not in ("cholesky", "adjugate")]


@pytest.mark.parametrize("case", CHECKED, ids=case_id)
def test_the_pullback_is_checked_on_scalar_gates(case):
    """Entry by entry, by what knows nothing of matrix gates."""
    circuit = weighted(case)
    emitted = cg.gradient(circuit, value=True)
    report = cg.check_gradient(circuit, emitted)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", ["cholesky", "adjugate"])
def test_gates_with_roots_or_large_formulas_are_checked_where_they_have_values(name):
    circuit = weighted((name, [(2, 2)], {}))
    ranges = {"x0": (1.0, 2.0)}
    if name == "cholesky":
        builder = cg.Builder()
        b, w = builder.input("b", (2, 2)), builder.input("w", (2, 2))
        eye = builder.functions.diag(
            builder.functions.broadcast(b[0, 0] ** 2, shape=(2,))
        )
        factor = builder.functions.cholesky(b @ b.T + eye)
        builder.output("f", builder.functions.sum(factor * w, axis=(0, 1)))
        circuit, ranges = builder.finish(), {"b": (1.0, 2.0)}
    report = cg.check_gradient(circuit, cg.gradient(circuit), ranges=ranges)
    assert report.passed, str(report)


EXACT = [
    case
    for case in CASES
    if "rational" in MATRIX_GATES[[g.name for g in MATRIX_GATES].index(case[0])].traits
]


@pytest.mark.parametrize("case", EXACT, ids=case_id)
def test_rationals_are_exact(case):
    """From integers, exactly; the same as in floating point."""
    circuit = gate_circuit(case)
    draw = np.random.default_rng(4)
    values = {
        name: draw.integers(-5, 6, size=circuit.columns.shape(v))
        for v, name in enumerate(circuit.inputs)
    }
    if case[0] in ("inverse", "solve"):
        n = values["x0"].shape[-1]
        values["x0"] = values["x0"] + 20 * np.eye(n, dtype=int)
    exactly = cg.evaluate(circuit, values, exact=True)["f"]
    for entry in np.ravel(np.array(exactly, dtype=object)):
        assert isinstance(entry, Fraction)
    rounded = cg.evaluate(circuit, values, exact=False)["f"]
    np.testing.assert_allclose(np.array(exactly, dtype=float), rounded, atol=1e-9)


# ---------------------------------------------------------------------- special points


def of(function, **values):
    """Evaluate a function of arrays, and its gradient, at a point."""
    arrays = {name: np.array(value, dtype=float) for name, value in values.items()}
    circuit = cg.trace(function, shapes={k: v.shape for k, v in arrays.items()})
    emitted = cg.gradient(circuit, value=True)
    return cg.evaluate(emitted, arrays)


@pytest.mark.parametrize("size", [1000.0, -1000.0])
def test_exponentials_do_not_overflow(size):
    """At ±1000 softmax and its like give what they should, and no nan."""
    z = [size, size + 1, -size]
    soft = np.exp(np.array(z) - max(z)) / np.exp(np.array(z) - max(z)).sum()
    w = np.array([1.0, 2.0, 4.0])
    found = of(lambda z, w: F.dot(F.softmax(z), w), z=z, w=w)
    np.testing.assert_allclose(found["df_dw"], soft, atol=1e-300)
    np.testing.assert_allclose(found["df_dz"], soft * (w - soft @ w), atol=1e-12)
    found = of(lambda z: F.log_sum_exp(z), z=z)
    assert found["f"] == pytest.approx(
        max(z) + np.log(np.exp(np.array(z) - max(z)).sum())
    )
    np.testing.assert_allclose(found["df_dz"], soft)
    found = of(lambda z, w: F.dot(F.log_softmax(z), w), z=z, w=w)
    assert np.isfinite(found["f"])
    np.testing.assert_allclose(found["df_dz"], w - soft * w.sum(), atol=1e-12)


def test_a_tie_of_the_largest_goes_to_the_first():
    found = of(lambda z: F.max(z, axis=0), z=[1, 3, 3])
    assert found["df_dz"].tolist() == [0, 1, 0]
    found = of(lambda z: F.sum(F.max_pool(z, window=2), axis=0), z=[2, 2, 1, 5])
    assert found["df_dz"].tolist() == [1, 0, 0, 1]
    found = of(lambda z: F.max(z, axis=(0, 1)), z=[[0, 7], [7, 7]])
    assert found["df_dz"].tolist() == [[0, 1], [0, 0]]


def test_the_radial_sigmoid_is_declared_at_0():
    found = of(lambda z, w: F.dot(F.radial_sigmoid(z), w), z=[0, 0], w=[1, 2])
    assert found["f"] == 0
    assert found["df_dz"].tolist() == [0, 0]
    assert found["df_dw"].tolist() == [0, 0]


def test_the_gradient_of_a_determinant_needs_no_inverse():
    """It is the adjugate, of a singular matrix too."""
    found = of(lambda a: F.det(a), a=[[1, 2], [2, 4]])
    assert found["f"] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(found["df_da"], [[4, -2], [-2, 1]], atol=1e-12)


def test_where_a_gate_has_no_derivative_is_said_in_its_record():
    said = {gate.name for gate in MATRIX_GATES if gate.undifferentiable}
    assert said == {
        *("max_axes", "first_max", "max_pool", "radial_sigmoid"),
        *("adjugate", "inverse", "solve", "cholesky"),
    }


# ---------------------------------------------------------------------- exercises 1, 2


def jacobian_of(function, z):
    """Give the Jacobian matrix of a function of a vector, a row a component."""
    z = np.array(z, dtype=float)
    circuit = cg.trace(function, shapes={"z": z.shape})
    pulled = cg.reverse_mode(circuit, seed="w", jacobians=True)
    shape = circuit.columns.shape(circuit.outputs[0][1])
    rows = np.eye(*shape) if shape else [1.0]
    return np.array([cg.evaluate(pulled, z=z, w=row)["df_dz"] for row in rows])


Z = np.array([0.5, -1.25, 2.0])
S = 1 / (1 + np.exp(-Z))
SOFT = np.exp(Z) / np.exp(Z).sum()
R = np.linalg.norm(Z)
SR = 1 / (1 + np.exp(-R))
RADIAL = (
    SR / R * (np.eye(3) - np.outer(Z, Z) / R**2) + SR * (1 - SR) * np.outer(Z, Z) / R**2
)


@pytest.mark.parametrize(
    ("function", "jacobian"),
    [
        (lambda z: F.sigmoid(z), np.diag(S * (1 - S))),
        (lambda z: F.relu(z), np.diag([1.0, 0.0, 1.0])),
        (lambda z: F.atan(z), np.diag(1 / (1 + Z**2))),
        (lambda z: F.softmax(z), np.diag(SOFT) - np.outer(SOFT, SOFT)),
        (lambda z: F.radial_sigmoid(z), RADIAL),
        (lambda z: F.max(z, axis=0), np.array([[0.0, 0.0, 1.0]])),
        (lambda z: F.mean(z, axis=0), np.full((1, 3), 1 / 3)),
    ],
    ids=["sigmoid", "relu", "arctan", "softmax", "radial", "max", "average"],
)
def test_the_jacobians_of_exercises_1_and_2(function, jacobian):
    np.testing.assert_allclose(jacobian_of(function, Z), jacobian, atol=1e-12)


def test_exercise_3_the_transpose_of_a_product_by_a_vector():
    """Of M -> M a + b, at any M: v -> v a^T."""
    circuit = cg.trace(
        lambda M, a, b: M @ a + b, shapes={"M": (2, 3), "a": (3,), "b": (2,)}
    )
    emitted = cg.run(cg.reverse_mode(circuit, wrt=["M"], seed="v"), "tidy")
    wanted = cg.trace(
        lambda M, a, b, v: {"df_dM": F.outer(v, a)},
        shapes={"M": (2, 3), "a": (3,), "b": (2,), "v": (2,)},
    )
    assert cg.isomorphic(emitted, wanted)


# ---------------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("function", "shapes", "words"),
    [
        (lambda a, b: a @ b, {"a": (2, 3), "b": (2, 3)}, "3 columns"),
        (lambda a, b: a + b, {"a": (2, 3), "b": (2,)}, "a of shape (2, 3)"),
        (lambda a: a.T, {"a": (3,)}, "a matrix is needed"),
        (lambda a: F.det(a), {"a": (2, 3)}, "a square matrix"),
        (lambda a: F.sum(a, axis=2), {"a": (2, 3)}, "no axis 2"),
        (lambda a: F.sum(a, axis=(0, -2)), {"a": (2, 3)}, "an axis twice"),
        (lambda a: F.reshape(a, shape=(4,)), {"a": (2, 3)}, "6 entries"),
        (lambda a: F.slice(a, start=2, stop=2), {"a": (2, 3)}, "start < stop"),
        (lambda a: F.max_pool(a, window=2), {"a": (3,)}, "do not divide"),
        (lambda a: F.softmax(a), {"a": ()}, "no axis"),
        (lambda a: F.softmax(a, dim=1), {"a": (3,)}, "no option 'dim'"),
        (lambda a: F.reshape(a), {"a": (3,)}, "'shape' is needed"),
        (lambda a, b: F.concatenate(a, b), {"a": (2, 3), "b": (2, 4)}, "axis 0"),
        (lambda a: F.broadcast(a, shape=(2, 2)), {"a": (3,)}, "does not broadcast"),
        (lambda a: a, {"a": (2, 0)}, "axis of length 0"),
    ],
)
def test_shapes_that_do_not_go_together(function, shapes, words):
    with pytest.raises(cg.ShapeError) as caught:
        cg.trace(function, shapes=shapes)
    assert words in str(caught.value)


def test_values_of_other_shapes_are_refused():
    circuit = cg.trace(lambda a: F.squared_norm(a), shapes={"a": (2, 2)})
    assert cg.evaluate(circuit, a=[[1, 2], [3, 4]]) == {"f": 30}
    for value, words in (
        ([1, 2], "shape (2,)"),
        ([[1, 2], [3]], "ragged"),
        (np.zeros((0, 2)), "shape (0, 2)"),
        ([["1", "2"], ["3", "4"]], "real numbers"),
        ([[1j, 2], [3, 4]], "real numbers"),
    ):
        with pytest.raises(
            cg.CircuitError, match=words.replace("(", r"\(").replace(")", r"\)")
        ):
            cg.evaluate(circuit, a=value)


def test_dtypes_mix():
    circuit = cg.trace(lambda a, b: a @ b, shapes={"a": (2, 2), "b": (2,)})
    found = cg.evaluate(
        circuit, a=np.eye(2, dtype=np.float32), b=np.array([1, 2], dtype=np.int8)
    )
    assert found["f"].tolist() == [1, 2]


def test_too_large_an_array_is_refused():
    with pytest.raises(cg.LimitError, match="entries"):
        cg.trace(lambda a: a, shapes={"a": (10**6, 10**6)})


def test_matrix_gates_have_codes():
    assert all(code_of(gate.name) > 1 for gate in MATRIX_GATES)


def test_shapes_and_options_are_pythons_own_integers():
    """NumPy's are taken, and leave no trace in the text; what is none is refused."""
    k = np.array([0, 6]).max() + 1
    circuit = cg.trace(
        lambda a: F.sum(F.sum(a, axis=np.int64(0)), axis="all"), shapes={"a": (k, k)}
    )
    assert "input a[7, 7]" in str(circuit)
    assert cg.parse(str(circuit)) == circuit
    assert all(type(n) is int for n in circuit.columns.shape(0))
    for shape in ((2.0,), (True, 2), (2.5,), 3, "3", None, ("2",)):
        with pytest.raises(cg.ShapeError):
            cg.trace(lambda a: a, shapes={"a": shape})
    with pytest.raises(cg.ShapeError, match="axis"):
        cg.trace(lambda a: F.sum(a, axis=0.0), shapes={"a": (2, 2)})
    with pytest.raises(cg.ShapeError, match="one length"):
        cg.trace(lambda a: F.reshape(a, shape=(-1, -1)), shapes={"a": (2, 2)})


def test_an_array_is_iterated_over_by_rows():
    circuit = cg.trace(
        lambda a: {"f": sum(row[0] * row[-1] for row in a)}, shapes={"a": (2, 3)}
    )
    assert cg.evaluate(circuit, a=[[1, 2, 3], [4, 5, 6]]) == {"f": 27}
    for index in (2, -3, (0, 3), (0, 0, 0)):
        with pytest.raises(IndexError):
            cg.trace(lambda a, i=index: a[i], inputs=["a"], shapes={"a": (2, 3)})
