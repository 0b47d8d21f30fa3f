"""How small `-O size` makes gradient circuits, and that they are still right."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from conftest import SHARED, shared_files
from hypothesis import given, settings
from strategies import POINTS, at, circuits

import circuitgrad as cg
from circuitgrad.evaluation.balls import Balls, precision
from circuitgrad.evaluation.evaluate import is_rational, vertex_values

#: Operations of f with its gradient: what is reached, which must not get worse.
REACHED = {
    "fig1": 25,
    "symmetric2": 91,
    "product": 85,
    "rosenbrock": 636,
    "helmholtz": 319,
    "determinant": 378,
    "network": 432,
}
FEYNMAN = 1122


def small(circuit, level="size"):
    return cg.jacobian(circuit, value=True, pipeline=level)


def agree(left, right, points):
    """Compare outputs: exactly where they are rational, else in balls, to 40 digits."""
    exact = is_rational(left) and is_rational(right)
    for point in points:
        if exact:
            a, b = cg.evaluate(left, point), cg.evaluate(right, point)
            assert a == b
            continue
        arithmetic, names = Balls(), dict(right.outputs)
        with precision(512):
            inputs = [arithmetic.number(point[name]) for name in left.inputs]
            a, b = (vertex_values(c, arithmetic, inputs) for c in (left, right))
            for name, vertex in left.outputs:
                x, y = a[vertex].value, b[names[name]].value
                assert abs(x - y) < 1e-40 * (1 + abs(x)), name


def points(circuit, count=2, seed=0):
    made = random.Random(seed)
    low, high = (1, 5) if circuit.name == "helmholtz" else (20, 60)  # log(1 - b*x)
    return [
        {name: Fraction(made.randint(low, high), 61) for name in circuit.inputs}
        for _ in range(count)
    ]


@pytest.mark.parametrize("path", [*shared_files("size"), *shared_files("lecture")])
def test_programs_are_as_small_as_they_were_and_right(path):
    circuit = cg.read(path)
    literal, made = small(circuit, "none"), small(circuit)
    assert made.stats().ops <= REACHED.get(
        path.stem, small(circuit, "tidy").stats().ops
    )
    agree(literal, made, points(circuit))
    deep = small(circuit, "depth")
    assert deep.depth <= made.depth
    agree(literal, deep, points(circuit, 1))


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data beside the project")
def test_the_feynman_formulas_are_as_small_as_they_were_and_right():
    total = 0
    for path in sorted((SHARED / "feynman").glob("*.cg")):
        circuit = cg.read(path)
        literal, made, deep = (small(circuit, x) for x in ("none", "size", "depth"))
        total += made.stats().ops
        assert made.stats().ops <= small(circuit, "tidy").stats().ops
        assert deep.depth <= made.depth
        try:
            agree(literal, made, points(circuit))
        except cg.EvaluationError:  # a root or an arc sine: drawn by the check
            assert cg.check_gradient(circuit, made).passed
    assert total <= FEYNMAN


@settings(max_examples=60, deadline=None)
@given(circuits())
def test_size_never_loses_against_tidy_nor_depth_against_size(circuit):
    tidy, made, deep = (small(circuit, x) for x in ("tidy", "size", "depth"))
    assert made.stats().ops <= tidy.stats().ops
    assert deep.depth <= made.depth


# ------------------------------------------------------------------ families


def shuffled(values, seed):
    values = list(values)
    random.Random(seed).shuffle(values)
    return values


def symmetric2(n, seed):
    builder = cg.Builder()
    x = shuffled([builder.input(f"x{i}") for i in range(n)], seed)
    pairs = shuffled([(i, j) for i in range(n) for j in range(i)], seed)
    builder.output("f", builder.sum([x[i] * x[j] for i, j in pairs]))
    return builder.finish()


def product(n, seed):
    builder = cg.Builder()
    inputs = shuffled([builder.input(f"x{i}") for i in range(n)], seed)
    builder.output("f", builder.prod(inputs))
    return builder.finish()


def rosenbrock(n, seed):
    builder = cg.Builder()
    x = [builder.input(f"x{i}") for i in range(n)]
    terms = [100 * (x[i + 1] - x[i] ** 2) ** 2 for i in range(n - 1)]
    terms += [(1 - x[i]) ** 2 for i in range(n - 1)]
    builder.output("f", builder.sum(shuffled(terms, seed)))
    return builder.finish()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("n", [5, 12, 24])
def test_no_rule_knows_a_program(n, seed):
    """Other sizes and orders of the same families do as well."""
    assert small(symmetric2(n, seed)).stats().ops <= 5 * n - 9
    assert small(product(n, seed)).stats().ops <= 3 * n - 5
    assert small(rosenbrock(n, seed)).stats().ops <= 13 * n - 14
    for family in (symmetric2, product, rosenbrock):
        circuit = family(n, seed)
        agree(small(circuit, "none"), small(circuit), points(circuit, 1))


# What parts of a formula may share, and the operations that are left.
SHARED_PROGRAMS = {
    "a factor of sums": ("2*x + 2*y + 2*z", 3),
    "powers": ("x^3 + x^2", 3),
    "inverses": ("1/x + 1/x^2", 3),
    "exponentials": ("exp(x) + exp(-x)", 3),
    "roots": ("sqrt(x) + 1/sqrt(x)", 3),
    "a common factor": ("x*y + x*z", 2),
    "numbers that meet": ("4*pi*x/(2*pi)", 1),
    "a constant product": ("pi*x*y/12", 2),
}


@pytest.mark.parametrize("name", SHARED_PROGRAMS)
def test_what_is_shared(name):
    text, ops = SHARED_PROGRAMS[name]
    circuit = cg.parse_expression(text)
    made = cg.run(circuit, "size")
    assert made.stats().ops <= ops
    agree(circuit, made, points(circuit))


def test_outputs_of_functions_are_used_in_their_partials():
    for name in ("exp", "tanh", "sigmoid", "tan", "sqrt"):
        circuit = cg.parse_expression(f"{name}(x)")
        kinds = cg.metrics.operation_set(small(circuit))
        assert kinds <= {name, "sum", "prod", "power", "div", "inv"}, kinds


@settings(max_examples=60, deadline=None)
@given(circuits(), POINTS)
def test_a_name_stays_with_its_value(circuit, point):
    """Every name of the source that is still there means what it meant."""
    for level, mode in (("size", "reverse"), ("depth", "forward")):
        made = cg.jacobian(circuit, value=True, pipeline=level, mode=mode)
        known = {name: v for v, name in enumerate(circuit.names.tolist()) if name}
        kept = [(n, v) for v, n in enumerate(made.names.tolist()) if n in known]
        if not kept:
            continue
        inputs = at(circuit, point)
        try:
            before = cg.evaluate(
                circuit.with_outputs([(n, known[n]) for n, _ in kept]), inputs
            )
            after = cg.evaluate(made.with_outputs(kept), inputs)
        except cg.EvaluationError:
            continue
        for name in before:
            assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-6)


def test_a_gate_that_is_balanced_away_leaves_its_name_to_nothing_else():
    circuit = cg.parse(
        "input x, y, z\nn = x*y\nm = n*z\nf = m*x\ng = f + 1\noutput g\n"
    )
    made = cg.run(circuit, "balance")
    values = {"x": 2, "y": 3, "z": 5}
    for name in set(made.names.tolist()) & {"n", "m", "f"}:
        wanted = cg.evaluate(
            circuit.with_outputs([(name, circuit.vertex(name))]), values
        )
        assert (
            cg.evaluate(made.with_outputs([(name, made.vertex(name))]), values)
            == wanted
        )


def test_nothing_runs_before_differentiation_where_gates_are_asked_for():
    circuit = cg.parse("input x, y, z\na = x*y\nb = x*z\nf = a + b\noutput f\n")
    every = cg.gradient(circuit, all=True, pipeline="size")
    assert {"df_da", "df_db"} <= set(every.output_names)
    assert cg.check_gradient(circuit, every).passed
    one = cg.gradient(circuit, wrt=["a"], pipeline="size")
    assert cg.evaluate(one, x=1, y=2, z=3) == {"df_da": 1}
