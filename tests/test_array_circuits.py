"""Random circuits of arrays: passes keep values, modes agree, files say the same."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.errors import ShapeError
from circuitgrad.formats.cgz import parse_cgz, write_cgz
from circuitgrad.formats.json import parse_json, write_json
from circuitgrad.gates import MATRIX_GATES, gate_type
from circuitgrad.passes.scalarize import entry_names, scalarize
from circuitgrad.shapes import Shape, entries

#: Passes and levels that compute what was computed.
KEEPING = (
    "fold", "matrices", "matrices{diagonals}", "fuse", "cse", "dce", "desugar", "sugar",
    "binarize", "balance", "expand_powers", "tidy", "size", "depth", "scalarize",
    "fold{ieee},matrices{ieee},fuse{ieee}", "scalarize,fold,fuse,cse,dce",
)  # fmt: skip

#: Gates that read some entries of an array alone, or whose pullback does.
PARTS = frozenset(("slice", "pad", "diag", "diagonal", "tril", "trace", "cholesky"))
#: Gates whose algorithm, entry by entry, makes more than it needs.
SOLVING = frozenset(("det", "adjugate", "inverse", "solve", "cholesky"))

LENGTHS = st.sampled_from((1, 2, 2, 3, 3))
SHAPES = st.lists(LENGTHS, max_size=3).map(tuple)
NUMBERS = st.sampled_from([Fraction(n) for n in (-2, -1, 1, 2)] + [Fraction(1, 2)])
#: Numbers that passes treat apart; a factor 0 takes from a gate what it varies with.
ODD_NUMBERS = NUMBERS | st.just(Fraction(0))

#: What is drawn, by the method of `Drawn` that draws it; each is as likely.
RATIONAL = {
    "entrywise": "add add prod prod times power",
    "moved": "transpose reshape broadcast slice pad concatenate",
    "diagonals": "diag diagonal tril trace",
    "reduced": "sum mean squared_norm avg_pool max_axes max_pool",
    "product": "matmul matmul dot outer",
}
SMOOTH = {
    "unary": "sin cos tanh sigmoid atan softplus",
    "quotient": "div inv sqrt log pow",
    "activation": "softmax log_softmax log_sum_exp radial_sigmoid",
    "solved": "det adjugate inverse solve cholesky",
}


def few(count: int) -> Any:
    """Give the settings of a property that runs on so many circuits, the same ones."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class Drawn:
    """A circuit of arrays on its way; each method draws one gate.

    Values stay small, and functions away from kinks and poles: a divisor is 1 and a
    square, a matrix that is inverted is diagonally dominant, and the largest is taken
    of inputs alone, whose entries differ.
    """

    def __init__(self, draw: Any, rational: bool, zeros: bool) -> None:
        self.draw, self.rational = draw, rational
        self.numbers = ODD_NUMBERS if zeros else NUMBERS
        self.builder = cg.Builder()
        self.g: Any = self.builder.functions
        shape = draw(SHAPES)
        shapes = [shape] + [draw(SHAPES) for _ in range(draw(st.integers(0, 2)))]
        self.inputs = [
            self.builder.input(name, each)
            for name, each in zip("xyz", shapes, strict=False)
        ]
        self.handles = list(self.inputs)

    # ------------------------------------------------------------ what is there

    def operand(self, low: int = 0, square: bool = False) -> Any:
        """Draw something with so many axes; it is repeated where nothing has them."""
        fit = [u for u in self.handles if len(u.shape) >= low]
        if square:
            fit = [u for u in fit if u.shape[-1] == u.shape[-2]]
        if fit:
            return self.draw(st.sampled_from(fit[-6:]))
        u = self.draw(st.sampled_from(self.handles))
        if square:
            n = self.draw(LENGTHS)
            return self.g.broadcast(
                self.g.sum(u, axis=tuple(range(len(u.shape)))), shape=(n, n)
            )
        shape = tuple(self.draw(LENGTHS) for _ in range(low - len(u.shape)))
        return self.g.broadcast(u, shape=(*shape, *u.shape))

    def fitting(self, shape: Shape) -> Any:
        """Draw what broadcasts with a shape: a part of something, or repeated."""
        fit = [u for u in self.handles if _broadcasts(u.shape, shape)]
        return self.draw(st.sampled_from(fit[-6:])) if fit else self.builder.constant(2)

    def of_shape(self, shape: Shape) -> Any:
        """Draw something of just this shape: the entries of another, and again."""
        fit = [u for u in self.handles if u.shape == shape]
        if fit:
            return self.draw(st.sampled_from(fit))
        u = self.fitting(shape)
        if len(u.shape) <= len(shape) and _broadcasts_to(u.shape, shape):
            return self.g.broadcast(u, shape=shape)
        whole = self.g.sum(u, axis=tuple(range(len(u.shape))))
        return self.g.broadcast(whole, shape=shape)

    def axes(self, rank: int) -> tuple[int, ...]:
        """Draw some axes, as many as none or all."""
        some = [axis for axis in range(rank) if self.draw(st.booleans())]
        return tuple(axis - rank if self.draw(st.booleans()) else axis for axis in some)

    def axis(self, u: Any) -> int:
        """Draw an axis, counted from the first or the last one."""
        axis: int = self.draw(st.integers(-len(u.shape), len(u.shape) - 1))
        return axis

    # ------------------------------------------------------------ gates on entries

    def entrywise(self, which: str) -> Any:
        """Draw a gate on entries: a sum, a product, a power, a multiple."""
        u = self.operand()
        if which == "times":
            return self.draw(self.numbers) * u
        if which == "power":
            exponents = [0, 1, 2, 3] if self.numbers is ODD_NUMBERS else [2, 3]
            return u ** self.draw(st.sampled_from(exponents))
        if which == "prod":
            factors = [u, self.fitting(u.shape)]
            if self.draw(st.integers(0, 4)) == 0:
                factors.append(self.builder.constant(self.draw(self.numbers)))
            return self.builder.prod(factors)
        others = [self.fitting(u.shape) for _ in range(self.draw(st.integers(0, 2)))]
        terms = [self.draw(self.numbers) * each for each in (u, *others)]
        if self.draw(st.booleans()):
            terms.append(self.draw(NUMBERS))
        return self.builder.sum(terms)

    def unary(self, which: str) -> Any:
        """Draw a smooth function."""
        return getattr(self.g, which)(self.operand())

    def quotient(self, which: str) -> Any:
        """Draw a quotient whose divisor is 1 and a square."""
        u = self.operand()
        below = 1 + self.fitting(u.shape) ** 2
        if which == "div":
            return u / below
        if which == "inv":
            return 1 / below
        if which == "pow":
            return below ** self.g.tanh(u)
        return getattr(self.g, which)(below)

    # ------------------------------------------------------------ matrix gates

    def moved(self, which: str) -> Any:
        """Draw a gate that moves entries about."""
        if which == "transpose":
            return self.operand(2).T
        u = self.operand(which not in ("reshape", "broadcast"))
        if which == "reshape":
            n = entries(u.shape)
            found = [(n,), (1, n), (n, 1), (-1,), (*u.shape, 1), (1, *u.shape)]
            found += [(2, -1)] if n % 2 == 0 else []
            return self.g.reshape(u, shape=self.draw(st.sampled_from(found)))
        if which == "broadcast":
            at, n = self.draw(st.integers(0, len(u.shape))), self.draw(LENGTHS)
            shape = [n if k == 1 else k for k in u.shape]
            shape.insert(at, n)
            return self.g.broadcast(u, shape=tuple(shape), axis=at)
        axis = self.axis(u)
        if which == "slice":
            start = self.draw(st.integers(0, u.shape[axis] - 1))
            stop = self.draw(st.integers(start + 1, u.shape[axis]))
            return self.g.slice(u, axis=axis, start=start, stop=stop)
        if which == "pad":
            before, after = self.draw(st.integers(0, 1)), self.draw(st.integers(0, 1))
            return self.g.pad(u, axis=axis, before=before, after=after)
        return self.g.concatenate(u, self.of_shape(u.shape), axis=axis)

    def diagonals(self, which: str) -> Any:
        """Draw a diagonal, or a matrix that has one."""
        if which == "diag":
            return self.g.diag(self.operand(1))
        if which == "tril":
            return self.g.tril(self.operand(2), k=self.draw(st.integers(-1, 1)))
        return getattr(self.g, which)(self.operand(2, square=True))

    def reduced(self, which: str) -> Any:
        """Draw a sum, a mean, a norm or the largest along axes."""
        if which == "squared_norm":
            return self.g.squared_norm(self.operand())
        u = self.operand(which == "avg_pool")
        if which.startswith("max"):
            some = [x for x in self.inputs if x.shape]
            if not some:
                return self.g.mean(u)
            u = self.draw(st.sampled_from(some))
        if which.endswith("pool"):
            window = tuple(
                self.draw(st.sampled_from([k for k in (1, 2, 3) if n % k == 0]))
                for n in u.shape[-self.draw(st.integers(1, len(u.shape))) :]
            )
            return getattr(self.g, which)(u, window=window)
        axes, keep = self.axes(len(u.shape)), self.draw(st.integers(0, 1))
        return getattr(self.g, which)(u, axis=axes, keep=keep)

    def product(self, which: str) -> Any:
        """Draw a product of matrices or vectors."""
        a = self.operand(1)
        if which == "outer":
            return self.g.outer(a, self.of_shape(a.shape))
        if which == "dot":
            axes = self.draw(st.integers(1, 3))
            return self.g.dot(a, self.of_shape(a.shape[-axes:]))
        return a @ self.right_side(a, a.shape[-1], 2)

    def right_side(self, a: Any, rows: int, columns: int) -> Any:
        """Draw a vector or matrices of so many rows, a batch that fits."""
        fit = [
            u
            for u in self.handles
            if u.shape
            and u.shape[-2:][0] == rows
            and _broadcasts(u.shape[:-2], a.shape[:-2])
        ]
        if fit:
            return self.draw(st.sampled_from(fit))
        return self.of_shape((rows, columns))

    def activation(self, which: str) -> Any:
        """Draw an activation of vectors."""
        u = self.operand(1)
        if which == "radial_sigmoid":
            return self.g.radial_sigmoid(u + 2)
        return getattr(self.g, which)(u, axis=self.axis(u))

    def solved(self, which: str) -> Any:
        """Draw a gate of square matrices that are regular."""
        a = self.g.tanh(self.operand(2, square=True))
        n = a.shape[-1]
        four = self.builder.constant(4)
        eye = self.g.diag(self.g.broadcast(four, shape=(n,)))
        if which == "cholesky":
            return self.g.cholesky(a @ a.T + eye)
        a = a + eye
        if which == "solve":
            return self.g.solve(a, self.right_side(a, n, 1))
        return getattr(self.g, which)(a)

    # ------------------------------------------------------------ the whole

    def scalar(self, u: Any) -> Any:
        """Give a number that depends on every entry, each in another way."""
        total = self.g.sum(u, axis=tuple(range(len(u.shape))))
        return total + self.g.squared_norm(u) / 2

    def add(self) -> None:
        """Draw one more gate, with what it needs."""
        kinds = RATIONAL if self.rational else RATIONAL | SMOOTH
        pairs = [
            (kind, name) for kind, names in kinds.items() for name in names.split()
        ]
        kind, name = self.draw(st.sampled_from(pairs))
        try:
            made = getattr(self, kind)(name)
        except ShapeError:
            made = 2 * self.operand()
        made = self.builder.handle(made.settled())
        if entries(made.shape) > 36:
            made = self.g.mean(made, axis=0)
        self.handles.append(made)
        if self.draw(st.booleans()):
            self.builder.names.setdefault(made.vertex, f"n{len(self.handles)}")


def _broadcasts(a: Shape, b: Shape) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def _broadcasts_to(a: Shape, b: Shape) -> bool:
    return _broadcasts(a, b) and np.broadcast_shapes(a, b) == b


@st.composite
def arrays(
    draw: st.DrawFn,
    *,
    rational: bool = False,
    zeros: bool = False,
    outputs: int = 1,
    most: int = 12,
) -> cg.Circuit:
    """Draw a circuit of arrays: the scalar output ``f``, and others of any shape."""
    work = Drawn(draw, rational, zeros)
    for _ in range(draw(st.integers(3, most))):
        work.add()
    last = work.handles[-draw(st.integers(1, 3)) :]
    work.builder.output("f", work.builder.sum([work.scalar(u) for u in last]))
    for label in ("h1", "h2")[: draw(st.integers(0, outputs - 1))]:
        work.builder.output(label, draw(st.sampled_from(work.handles)))
    return work.builder.finish()


def point(circuit: cg.Circuit, seed: int = 0) -> dict[str, Any]:
    """Draw values of all inputs, none of them 0."""
    draw = np.random.default_rng(seed)
    return {
        name: draw.uniform(0.25, 1, size=shape) * draw.choice([-1, 1], size=shape)
        for name, shape in _inputs(circuit)
    }


def rationals(circuit: cg.Circuit) -> dict[str, Any]:
    """Give rational values of all inputs, no two of them equal."""
    draw = np.random.default_rng(1)
    found = {}
    for name, shape in _inputs(circuit):
        numbers = draw.permutation(entries(shape)) - entries(shape) // 2
        array = np.array([Fraction(2 * int(n) + 1, 12) for n in numbers], dtype=object)
        found[name] = array.reshape(shape) if shape else array[0]
    return found


def _inputs(circuit: cg.Circuit) -> list[tuple[str, Shape]]:
    return [(name, circuit.columns.shape(v)) for v, name in enumerate(circuit.inputs)]


def flat(values: dict[str, Any]) -> dict[str, Any]:
    """Give the entries of arrays by the names that scalarize gives them."""
    return {
        entry: value
        for name, array in values.items()
        for entry, value in zip(
            entry_names(name, np.shape(array)),
            np.ravel(np.array(array)).tolist(),
            strict=True,
        )
    }


def same(found: dict[str, Any], wanted: dict[str, Any], rtol: float = 1e-8) -> None:
    """See that two circuits have the same outputs, of the same shapes and values."""
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert np.shape(found[name]) == np.shape(value), name
        scale = max(1.0, float(np.max(np.abs(value))))
        np.testing.assert_allclose(
            np.asarray(found[name], float),
            np.asarray(value, float),
            rtol=rtol,
            atol=rtol * scale,
            err_msg=name,
        )


def shapes(circuit: cg.Circuit) -> dict[str, Shape]:
    return {name: circuit.columns.shape(v) for name, v in circuit.outputs}


# ---------------------------------------------------------------------- properties


@given(arrays(zeros=True, outputs=3))
@few(90)
def test_passes_keep_values_and_shapes(circuit):
    circuit.verify()
    values = point(circuit)
    wanted = cg.evaluate(circuit, values)
    for pipeline in KEEPING:
        made = cg.run(circuit, pipeline)
        made.verify()
        if "scalarize" in pipeline:
            assert not made.columns.shaped
            same(cg.evaluate(made, flat(values)), flat(wanted))
        else:
            assert shapes(made) == shapes(circuit)
            same(cg.evaluate(made, values), wanted)


@given(arrays())
@few(80)
def test_the_modes_agree_with_each_other_and_with_differences(circuit):
    values = point(circuit)
    back = cg.reverse_mode(circuit, of=["f"])
    found = cg.evaluate(back, values)
    for each in (
        cg.forward_mode(circuit, of=["f"]),
        cg.reverse_mode(circuit, of=["f"], jacobians=True),
        cg.gradient(circuit, of="f"),
        cg.gradient(circuit, of="f", pipeline="size"),
        cg.gradient(circuit, of="f", pipeline="size", jacobians=True),
    ):
        same(cg.evaluate(each.verify(), values), found)
    lowered = scalarize(circuit)
    entry_by_entry = cg.evaluate(cg.reverse_mode(lowered, of=["f"]), flat(values))
    same(flat(found), entry_by_entry)
    draw = np.random.default_rng(2)
    for name, value in values.items():
        derivative = found[f"df_d{name}"]
        assert np.shape(derivative) == np.shape(value)
        direction = draw.choice([-1.0, 1.0], size=np.shape(value))
        slope = float(np.sum(derivative * direction))
        coarse, fine = (
            _difference(lowered, values, name, h * direction) / h
            for h in (2.0**-11, 2.0**-12)
        )
        rounding = 1e-10 * abs(cg.evaluate(circuit, values)["f"])
        error = rounding + abs(fine - coarse)
        assert abs(slope - fine) <= 1e-6 * (1 + abs(slope)) + error


def _difference(
    lowered: cg.Circuit, values: dict[str, Any], name: str, step: Any
) -> float:
    """Give a difference of fourth order, by the circuit of scalar gates."""

    def moved(times: int) -> float:
        moved = {**values, name: values[name] + times * step}
        return float(cg.evaluate(lowered, flat(moved))["f"])

    return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / 12


@given(arrays(zeros=True, outputs=3))
@few(40)
def test_derivatives_by_gates_and_of_arrays(circuit):
    """By every gate, in both modes; of an output that is an array, by a seed."""
    values = point(circuit)
    back = cg.reverse_mode(circuit, of=["f"], all=True)
    forth = cg.forward_mode(circuit, of=["f"], all=True)
    for v, label in enumerate(circuit.labels):
        if f"df_d{label}" in back.output_names:
            assert shapes(back)[f"df_d{label}"] == circuit.columns.shape(v)
    found = cg.evaluate(back, values)
    same(found, cg.evaluate(forth, values))
    gates = list(np.flatnonzero(circuit.columns.is_gate).tolist())
    for vertex in gates[:: 1 + len(gates) // 4]:  # (C - z), and z where it was
        label = circuit.labels[vertex]
        now = circuit.with_outputs([(label, vertex)])
        at = {**values, label: cg.evaluate(now, values)[label]}
        of_cut = cg.reverse_mode(circuit.cut(label).verify(), of=["f"], wrt=[label])
        name = f"df_d{label}"
        same(cg.evaluate(of_cut, at), {name: found[name]})
    for label, vertex in circuit.outputs:
        pulled = cg.reverse_mode(circuit, of=[label], seed="seed").verify()
        seed = np.random.default_rng(3).normal(size=circuit.columns.shape(vertex))
        at = {**values, "seed": seed}
        wanted = cg.evaluate(cg.reverse_mode(_weighted(circuit, label), wrt=values), at)
        found = cg.evaluate(pulled, at)
        same(found, {f"d{label}{n.removeprefix('dw')}": v for n, v in wanted.items()})


def _weighted(circuit: cg.Circuit, label: str) -> cg.Circuit:
    """Give the circuit <seed, output>, by its text."""
    shape = shapes(circuit)[label]
    lines = str(circuit.with_outputs([(label, dict(circuit.outputs)[label])])).split(
        "\n"
    )
    at = next(i for i, line in enumerate(lines) if line.startswith("output "))
    of = lines[at].removeprefix("output ").rpartition(" = ")[2]
    axes = ", ".join(map(str, range(len(shape))))
    total = f"sum(seed*{of}, axis=({axes},))" if shape else f"seed*{of}"
    inside = f"[{', '.join(map(str, shape))}]" if shape else ""
    before = [f"input seed{inside}", *lines[:at]]
    return cg.parse("\n".join([*before, f"w = {total}", "output w", ""]))


@given(arrays(zeros=True, outputs=3))
@few(35)
def test_files_say_the_same(circuit):
    for each in (circuit, cg.reverse_mode(circuit, of=["f"])):
        text = str(each)
        assert cg.parse(text) == each
        assert str(cg.parse(text)) == text
        assert cg.Circuit.from_graph(each.graph) == each
        assert pickle.loads(pickle.dumps(each)) == each
        assert str(parse_json(write_json(each))) == text
        assert str(parse_cgz(write_cgz(each))) == text


@given(arrays(zeros=True, outputs=2))
@few(50)
def test_operations_are_those_of_the_scalar_gates(circuit):
    """Of all that are made; an output may need some entries of an array alone."""
    for each in (circuit, cg.reverse_mode(circuit, of=["f"])):
        counts, lowered = each.stats(), scalarize(each)
        needed, made = lowered.stats(), _all_of(lowered).stats()
        types = {gate_type(int(code)).name for code in each.columns.op if code > 1}
        assert needed.ops <= counts.ops
        if not types & SOLVING:
            assert (counts.ops, counts.nonscalar) == (made.ops, made.nonscalar)
        if not types & PARTS:
            assert (counts.ops, counts.nonscalar) == (needed.ops, needed.nonscalar)


def _all_of(circuit: cg.Circuit) -> cg.Circuit:
    """Make all gates outputs, so that all of them count."""
    gates = np.flatnonzero(circuit.columns.is_gate).tolist()
    return circuit.with_outputs([*circuit.outputs, *((f"all{v}", v) for v in gates)])


@given(arrays(rational=True, zeros=True, outputs=3))
@few(40)
def test_exact_values_are_those_of_floats(circuit):
    values = rationals(circuit)
    for each in (circuit, cg.gradient(circuit, of="f", value=True)):
        exactly = cg.evaluate(each, values, exact=True)
        for value in exactly.values():
            assert all(isinstance(e, Fraction) for e in np.ravel(np.array(value)))
        same(cg.evaluate(each, values, exact=False), exactly)


@given(arrays(most=4))
@few(6)
def test_gradients_pass_their_check(circuit):
    report = cg.check_gradient(circuit, cg.gradient(circuit, of="f"))
    assert not report.failed, str(report)


def test_all_matrix_gates_are_drawn():
    """But one that has no derivative, and is drawn as that of the largest."""
    seen: set[str] = set()

    @given(arrays(outputs=3))
    @few(200)
    def collect(circuit):
        seen.update(gate_type(int(c)).name for c in circuit.columns.op if c > 1)

    collect()
    assert {gate.name for gate in MATRIX_GATES} - seen == {"first_max"}


# ---------------------------------------------------------------------- found this way


@pytest.mark.parametrize(
    "text", ["softmax(x, axis=0)", "softmax(reshape(x, shape=(2, 3, 1)), axis=1)"]
)
def test_jacobians_of_a_softmax_along_any_axis(text):
    """Its rows are not those of a batch where the axis is not the last one."""
    circuit = cg.parse(f"input x[2, 3]\ny = {text}\nf = squared_norm(y)\noutput f\n")
    values = point(circuit)
    formed = cg.reverse_mode(circuit, jacobians=True)
    same(cg.evaluate(formed, values), cg.evaluate(cg.reverse_mode(circuit), values))


def test_a_power_0_of_an_array_is_an_array():
    circuit = cg.parse("input x[2]\ny = x^0\nf = sum(y, axis=0)\noutput f, y\n")
    made = cg.run(circuit, "expand_powers").verify()
    same(cg.evaluate(made, x=[2.0, 3.0]), {"f": 2.0, "y": np.ones(2)})


def test_exact_values_of_matrix_gates_of_numbers():
    """The gradient of a sum is a number, repeated."""
    circuit = cg.parse("input x[2]\nf = sum(x, axis=0)\noutput f\n")
    found = cg.evaluate(cg.gradient(circuit), x=[1, 2])
    assert found["df_dx"].tolist() == [1, 1]


def test_long_chains_of_products():
    """Of more factors than Python's stack is deep."""
    builder = cg.Builder()
    a = product = builder.input("a", (2, 2))
    for _ in range(2_000):
        product = product @ a
    builder.output("f", builder.functions.trace(product))
    builder.output("h", product.T)
    circuit = builder.finish()
    values = {"a": np.eye(2)}
    same(cg.evaluate(cg.run(circuit, "tidy"), values), cg.evaluate(circuit, values))


def test_an_input_keeps_its_name_beside_entries_of_an_output():
    circuit = cg.parse("input x[2], f_1\nf = f_1*x\noutput f\n")
    lowered = scalarize(circuit).verify()
    found = cg.evaluate(lowered, x_1=2.0, x_2=3.0, f_1=5.0)
    assert list(found.values()) == [10, 15]


# ---------------------------------------------------------------------- checks


def checked(text: str, **options: Any) -> cg.Report:
    circuit = cg.parse(text)
    return cg.check_gradient(circuit, cg.gradient(circuit, **options))


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("z = broadcast(sum(x, axis=0), shape=(2,))\nf = dot(z, x)", "z"),
        # gates without a name are numbered otherwise among scalar gates
        ("f = 1/2*squared_norm(tanh(tanh(x)))", None),
    ],
    ids=["repeated", "numbers"],
)
def test_a_right_gradient_by_gates_is_not_said_to_be_wrong(text, by):
    options = {"all": True} if by is None else {"wrt": by.split(",")}
    report = checked(f"input x[2]\n{text}\noutput f\n", **options)
    assert not report.failed, str(report)


def _moved() -> cg.Circuit:
    """Give |z|^2 + |t|^2, where z is t in another shape, and t has no name."""
    builder = cg.Builder()
    t = builder.input("x", (2,)) ** 2
    z = builder.functions.reshape(t, shape=(1, 2))
    builder.names[z.vertex] = "z"
    norms = [builder.functions.squared_norm(u) for u in (z, t)]
    builder.output("f", builder.sum(norms))
    return builder.finish()


def test_a_gradient_by_moved_entries_is_that_by_them_alone():
    circuit = _moved()
    right = cg.gradient(circuit, wrt="z")
    assert not cg.check_gradient(circuit, right).failed
    text = "input x[2]\nt = 4*x^2\ndf_dz = reshape(t, shape=(1, 2))\noutput df_dz\n"
    assert not cg.check_gradient(circuit, cg.parse(text)).passed


@pytest.mark.parametrize("part", ["slice(x, stop=1)", "slice(x, axis=1, stop=2)"])
def test_a_part_of_a_gradient_is_not_proved(part):
    circuit = cg.parse("input x[2, 3]\nf = 1/2*squared_norm(x)\noutput f\n")
    claimed = cg.parse(f"input x[2, 3]\ndf_dx = {part}\noutput df_dx\n")
    assert not cg.check_gradient(circuit, claimed).passed


@pytest.mark.parametrize("factor", ["12", "20"])
def test_names_that_entries_of_two_vertices_would_bear_are_undecided(factor):
    """A wrong derivative by z_1 must not be proved as that by the entry of z."""
    source = "input x[2]\nz = 2*x\nz_1 = sum(x, axis=0)\n"
    circuit = cg.parse(f"{source}f = squared_norm(z)*z_1\noutput f\n")
    claimed = cg.parse(
        f"{source}a = sum(slice(z, stop=1), axis=0)\nd = {factor}*a*z_1\n"
        "output df_dz_1 = d\n"
    )
    report = cg.check_gradient(circuit, claimed)
    assert report.counts == {"undecided": 1}
    assert "z_1" in str(report)
