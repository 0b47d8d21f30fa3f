"""Forward and reverse mode: the notes' numbers, literal emission, names, bounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conftest import example, shared_files
from hypothesis import given, settings
from strategies import POINTS, at, circuits, rational_circuits

import circuitgrad as cg
from circuitgrad.gates import GATES
from circuitgrad.metrics import literal_size, operation_set, theorem3_bound
from circuitgrad.passes.partials import template
from circuitgrad.provenance import ADJOINT, COPY, PARTIAL, PRODUCT, TANGENT


def test_forward_mode_of_figure_1_has_42_gates():
    """3 + 3 * 13, as the notes count: the squares of Figure 1 are products."""
    literal = cg.gradient(example("fig1"), mode="forward", pipeline="none")
    assert literal.size == 42
    text = str(literal)
    assert "dg1_dx = sum(1)" in text
    assert "dg1_dy = sum(-3)" in text


def test_backpropagation_of_figure_1_with_squares_is_figure_3():
    gradient = cg.gradient(example("fig1_square"))
    assert cg.isomorphic(gradient, example("fig3"))
    stats = gradient.stats()
    assert (stats.size, stats.depth, stats.ops) == (6, 2, 28)


def test_the_worked_example():
    """dy/du3 = dy/du2 = u1 and dy/du1 = u1 + u3, each proved on (C - z)."""
    circuit = example("worked_example")
    gradient = cg.gradient(circuit, all=True)
    by_output = dict(gradient.outputs)
    labels = gradient.labels
    assert labels[by_output["dy_du3"]] == labels[by_output["dy_du2"]] == "u1"
    assert cg.check_gradient(circuit, gradient).counts == {"proved": 6}
    with_value = cg.gradient(circuit, all=True, value=True)
    assert "dy_du1 = u1 + u3" in str(with_value)
    assert with_value.size <= 9
    # Without y, u3 has one use, and fuse writes 2 u1 + u2, as the notes do next.
    assert "dy_du1 = 2*u1 + u2" in str(gradient)


def test_the_execution_of_backpropagation_is_literal():
    """As the notes draw it, with dy/dy = 1 and its products kept."""
    literal = cg.gradient(example("worked_example"), pipeline="none", value=True)
    assert str(literal) == (
        "circuit worked_example\n"
        "input x1, x2\n"
        "u1 = x1 + x2\n"
        "u2 = x1*x2\n"
        "u3 = u1 + u2\n"
        "y = u1*u3\n"
        "dy_du3 = prod(1, u1)\n"
        "g1 = prod(1, u3)\n"
        "dy_du1 = dy_du3 + g1\n"
        "g2 = dy_du3*x1\n"
        "dy_dx2 = dy_du1 + g2\n"
        "g3 = dy_du3*x2\n"
        "dy_dx1 = dy_du1 + g3\n"
        "output y, dy_dx1, dy_dx2\n"
    )


def test_a_least_squares_loss_gives_twice_its_transposed_residual():
    """||Ax - b||^2 with square gates: the gradient is that of 2 A^T (Ax - b)."""
    random = np.random.default_rng(0)
    a = random.integers(-9, 10, (6, 4))
    a[a == 0] = 3
    b = random.integers(1, 10, 6)
    inputs = [f"x{j}" for j in range(4)]

    def residuals(x):
        builder = x[0].builder
        rows = [
            builder.sum([int(w) * u for w, u in zip(row, x, strict=True)] + [-int(c)])
            for row, c in zip(a, b, strict=True)
        ]
        return builder, rows

    def loss(*x):
        builder, rows = residuals(x)
        return builder.sum([r**2 for r in rows])

    def gradient(*x):
        builder, rows = residuals(x)
        return {
            f"df_dx{j}": builder.sum([2 * int(a[i, j]) * r for i, r in enumerate(rows)])
            for j in range(4)
        }

    emitted = cg.gradient(cg.trace(loss, inputs=inputs))
    assert emitted.size == 6 + 4
    assert cg.isomorphic(emitted, cg.trace(gradient, inputs=inputs))


def test_structural_zeros_leave_no_gates():
    circuit = cg.parse("input x, y, z\nf = x*y + step(z)\noutput f\n")
    gradient = cg.gradient(circuit, pipeline="none")
    assert "df_dz = 0" in str(gradient)
    assert "step" not in operation_set(gradient)
    assert cg.check_gradient(circuit, gradient).passed


def test_outputs_that_are_inputs_or_constants():
    circuit = cg.parse("input x, y\nc = 3\noutput x, c, again = x\n")
    jacobian = cg.jacobian(circuit)
    assert jacobian.output_names == (
        "dx_dx",
        "dx_dy",
        "dc_dx",
        "dc_dy",
        "dagain_dx",
        "dagain_dy",
    )
    assert list(cg.evaluate(jacobian, x=5, y=7).values()) == [1, 0, 0, 0, 1, 0]
    for mode in ("bp", "fp"):
        emitted = cg.jacobian(circuit, mode=mode, pipeline="none")
        assert cg.parse(str(emitted)) == emitted


def test_names_of_adjoints_and_tangents():
    circuit = cg.parse("input x\ng = sin(x)\ndf_dg = exp(g)\nf = df_dg*g\noutput f\n")
    reverse = cg.gradient(circuit, pipeline="none")
    assert "df_dg_2" in reverse.labels  # the name df_dg is a gate's
    assert "df_ddf_dg" in reverse.labels
    forward = cg.gradient(circuit, mode="fp", pipeline="none")
    assert {"dg_dx", "ddf_dg_dx"} <= set(forward.labels)


def test_second_derivatives_are_named_by_the_same_rule():
    first = cg.gradient(cg.parse_expression("x^2*y"))
    second = cg.gradient(first, of="df_dx", wrt=["x", "y"])
    assert second.output_names == ("ddf_dx_dx", "ddf_dx_dy")
    assert cg.evaluate(second, x=3, y=5) == {"ddf_dx_dx": 10, "ddf_dx_dy": 6}


def test_wrt_of_and_value():
    circuit = cg.parse("input x, y\nu = x*y\nf = u*x\nh = u + y\noutput f, h\n")
    chosen = cg.jacobian(circuit, of="h", wrt=["y", "u"], value=True)
    assert chosen.output_names == ("f", "h", "dh_dy", "dh_du")
    assert cg.evaluate(chosen, x=2, y=5) == {"f": 20, "h": 15, "dh_dy": 3, "dh_du": 1}
    assert cg.check_gradient(circuit, chosen).counts == {"proved": 4}


@pytest.mark.parametrize("mode", ["bp", "fp"])
def test_unknown_names_are_refused(mode):
    circuit = cg.parse("input x\nc = 3\nf = c*x\noutput f\n")
    for options, message in (
        ({"wrt": ["q"]}, "no vertex 'q'"),
        ({"wrt": ["c"]}, "'c' is a constant"),
        ({"of": "q"}, "no output 'q'; the outputs are f"),
        ({"all": True, "wrt": ["x"]}, "exclude each other"),
    ):
        with pytest.raises(cg.CircuitError, match=message):
            cg.jacobian(circuit, mode=mode, **options)
    with pytest.raises(cg.CircuitError, match="no mode 'sideways'"):
        cg.gradient(circuit, mode="sideways")


def test_gradient_asks_which_output():
    circuit = cg.parse("input x\nf = x*x\nh = sin(x)\noutput f, h\n")
    with pytest.raises(cg.CircuitError, match=r"several outputs \(f, h\)"):
        cg.gradient(circuit)


def test_a_symbolic_seed_gives_a_vector_jacobian_product():
    circuit = cg.parse_expression("x*sin(y)")
    emitted = cg.reverse_mode(circuit, seed="w")
    assert emitted.inputs == ("x", "y", "w")
    value = cg.evaluate(emitted, x=2.0, y=0.5, w=3.0)
    plain = cg.evaluate(cg.gradient(circuit), x=2.0, y=0.5)
    assert value["df_dx"] == pytest.approx(3 * plain["df_dx"])
    with pytest.raises(cg.CircuitError, match="'x' is taken"):
        cg.reverse_mode(circuit, seed="x")
    with pytest.raises(cg.CircuitError, match="one output"):
        cg.reverse_mode(cg.parse("input x\noutput x, y = x\n"), seed="w")


def test_provenance_says_what_each_gate_is():
    circuit = example("worked_example")
    literal = cg.reverse_mode(circuit)
    provenance = literal.provenance
    assert provenance.source is circuit
    assert provenance.passes == ("reverse_mode",)
    says = {
        literal.labels[v]: provenance.describe(v) for v in range(len(literal.columns))
    }
    assert says["u1"] == "u1"
    assert says["dy_du1"] == "adjoint of u1 for y"
    assert says["g1"] == "product of y at slot 0"
    tidy = cg.run(literal, "fold,fuse,cse,dce")
    assert tidy.provenance.source is circuit
    assert tidy.provenance.passes == ("reverse_mode", "fold", "fuse")
    roles = set(
        cg.reverse_mode(cg.parse_expression("sigmoid(x)*y")).provenance.role.tolist()
    )
    assert {COPY, ADJOINT, PARTIAL} <= roles
    forward = cg.forward_mode(cg.parse_expression("sigmoid(x)*x"))
    assert {TANGENT, PRODUCT} <= set(forward.provenance.role.tolist())


def allowed_operations(circuit):
    """Give B, the gates of B's partials, + and x."""
    allowed = operation_set(circuit) | {"sum", "prod"}
    columns = circuit.columns
    for vertex in range(columns.sources, len(columns)):
        partials = template(
            int(columns.op[vertex]),
            int(columns.fan_in[vertex]),
            int(columns.params[vertex]),
        )
        allowed |= {
            GATES[code - 2].name for code in partials.columns.op.tolist() if code > 1
        }
    return allowed


def assert_theorem_3(circuit):
    for name in circuit.output_names:
        alone = circuit.with_outputs([(name, dict(circuit.outputs)[name])])
        literal = cg.reverse_mode(alone, all=True)
        assert literal_size(cg.dce(literal)) <= theorem3_bound(alone)
        assert operation_set(literal) <= allowed_operations(alone)


def test_theorem_3_on_the_examples(any_example):
    assert_theorem_3(any_example)


@pytest.mark.parametrize(
    "path", shared_files("feynman") + shared_files("lecture") + shared_files("size")
)
def test_theorem_3_on_the_shared_circuits(path):
    assert_theorem_3(cg.read(path))


def test_theorem_3_holds_gate_by_gate_for_products_of_two():
    """For sums, squares and products of two, no partial is more than one gate."""
    circuit = example("fig1_square")
    literal = cg.gradient(circuit, pipeline="none", all=True, value=True)
    assert literal.size <= theorem3_bound(circuit)
    assert literal_size(literal) == literal.size


@settings(max_examples=100, deadline=None)
@given(circuits())
def test_theorem_3_on_random_circuits(circuit):
    assert_theorem_3(circuit)


@settings(max_examples=100, deadline=None)
@given(rational_circuits(), POINTS)
def test_both_modes_agree_exactly_on_random_circuits(circuit, point):
    values = [
        cg.evaluate(
            cg.jacobian(circuit, mode=mode, pipeline=p, all=True), at(circuit, point)
        )
        for mode in ("bp", "fp")
        for p in ("none", "tidy")
    ]
    assert values[0] == values[1] == values[2] == values[3]


@settings(max_examples=60, deadline=None)
@given(rational_circuits())
def test_a_gradient_circuit_contains_its_source(circuit):
    literal = cg.reverse_mode(circuit, value=True)
    assert cg.isomorphic(
        literal.with_outputs(literal.outputs[: len(circuit.outputs)]), circuit
    )


def test_an_n_ary_product_has_linearly_many_partial_gates():
    """Prefix and suffix products: 3k - 6 products of two for the k partials."""
    for k in (3, 4, 10, 50):
        circuit = cg.trace(
            lambda *x: cg.functions.prod(*x), inputs=[f"x{i}" for i in range(k)]
        )
        literal = cg.reverse_mode(circuit)
        partial = literal.provenance.role == PARTIAL
        assert np.count_nonzero(partial) == 3 * k - 6
        at_zero = cg.evaluate(cg.gradient(circuit), {f"x{i}": i for i in range(k)})
        product = Fraction(1)
        for i in range(1, k):
            product *= i
        assert at_zero["df_dx0"] == product
        assert at_zero["df_dx1"] == 0


def test_a_derivative_that_the_source_names_already():
    """The source has a gate df_dx, and so has the Jacobian an output of that name."""
    first = cg.gradient(cg.parse_expression("sin(x)^2"), value=True)
    again = cg.jacobian(first, value=True, of="df_dx")
    assert again.output_names == ("f", "df_dx", "ddf_dx_dx")
    with pytest.raises(cg.CircuitError, match="two outputs would be named 'df_dx'"):
        cg.jacobian(first, value=True)
    both = cg.jacobian(first, mode="fp")
    assert both.output_names == ("df_dx", "ddf_dx_dx")
    assert cg.check_gradient(first, both).passed


def test_a_gradients_gradient_counts_its_own_partials():
    """In memory as from a file: gates of the first derivative are the source's."""
    first = cg.dce(cg.reverse_mode(cg.parse_expression("sigmoid(x)*sigmoid(x*y)")))
    first = first.with_outputs(first.outputs[:1])
    second = cg.dce(cg.reverse_mode(first))
    from_file = cg.dce(cg.reverse_mode(cg.parse(str(first))))
    assert literal_size(second) == literal_size(from_file)
    said = [second.provenance.describe(v) for v in range(len(second.columns))]
    assert any(text.endswith("in derivative 2") for text in said)
