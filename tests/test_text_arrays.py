"""Arrays and matrix gates in files: text, JSON and columns, and what is wrong there."""

from __future__ import annotations

import io
import json
import re
import zipfile

import networkx as nx
import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.errors import ShapeError
from circuitgrad.formats.cgz import parse_cgz, write_cgz
from circuitgrad.formats.json import parse_json, write_json
from circuitgrad.formats.text import reader, write_text
from circuitgrad.gates.matrix import MATRIX_GATES
from circuitgrad.gates.record import NEEDED

A, V, SQUARE, BATCH = (3, 4), (4,), (4, 4), (2, 3, 4)

# For each record: operands' shapes, options, and the gate as text writes it.
WRITTEN = {
    "transpose": [([A], {}, "a.T"), ([BATCH], {}, "a.T")],
    "reshape": [
        ([A], {"shape": (2, 6)}, "reshape(a, shape=(2, 6))"),
        ([A], {"shape": (-1,)}, "reshape(a, shape=(12,))"),
        ([(1, 1)], {"shape": ()}, "reshape(a, shape=())"),
        ([()], {"shape": 1}, "reshape(a, shape=(1,))"),
    ],
    "broadcast": [
        ([V], {"shape": A}, "broadcast(a, shape=(3, 4))"),
        ([(3,)], {"shape": A, "axis": 1}, "broadcast(a, shape=(3, 4), axis=1)"),
        ([(3,)], {"shape": BATCH, "axis": -1},
         "broadcast(a, shape=(2, 3, 4), axis=(0, 2))"),
        ([()], {"shape": A, "axis": (-1, 0)}, "broadcast(a, shape=(3, 4))"),
    ],
    "slice": [
        ([A], {"start": 1, "stop": -1}, "slice(a, start=1, stop=2)"),
        ([A], {"axis": -1, "start": -2}, "slice(a, axis=1, start=2)"),
        ([A], {}, "slice(a)"),
    ],
    "pad": [
        ([A], {"before": 1}, "pad(a, before=1)"),
        ([A], {"axis": 1, "after": 2}, "pad(a, axis=1, after=2)"),
    ],
    "concatenate": [
        ([A, SQUARE, A], {}, "concatenate(a, b, c)"),
        ([A, A], {"axis": -1}, "concatenate(a, b, axis=1)"),
    ],
    "diag": [([V], {}, "diag(a)")],
    "diagonal": [([SQUARE], {}, "diagonal(a)")],
    "tril": [([A], {}, "tril(a)"), ([A], {"k": -1}, "tril(a, k=-1)")],
    "sum_axes": [
        ([A], {}, "sum(a, axis=(0, 1))"),
        ([A], {"axis": -1}, "sum(a, axis=1)"),
        ([A], {"axis": (1, 0), "keep": 1}, "sum(a, axis=(0, 1), keep=1)"),
        ([V], {}, "sum(a, axis=0)"),
        ([()], {}, "sum(a, axis=())"),
    ],
    "mean": [([A], {}, "mean(a)"), ([A], {"axis": 0}, "mean(a, axis=0)")],
    "avg_pool": [([SQUARE], {"window": (2, 4)}, "avg_pool(a, window=(2, 4))")],
    "trace": [([SQUARE], {}, "trace(a)")],
    "matmul": [([A, V], {}, "a @ b"), ([A, (4, 5)], {}, "a @ b")],
    "dot": [([V, V], {}, "dot(a, b)")],
    "outer": [([V, (3,)], {}, "outer(a, b)")],
    "squared_norm": [([A], {}, "squared_norm(a)")],
    "max_axes": [
        ([A], {"axis": 1}, "max(a, axis=1)"),
        ([BATCH], {"keep": 1}, "max(a, axis=(0, 1, 2), keep=1)"),
    ],
    "first_max": [
        ([A], {}, "first_max(a)"),
        ([A], {"axis": 0}, "first_max(a, axis=0)"),
    ],
    "max_pool": [([V], {"window": 2}, "max_pool(a, window=(2,))")],
    "softmax": [
        ([A], {"axis": 1}, "softmax(a)"),
        ([A], {"axis": 0}, "softmax(a, axis=0)"),
    ],
    "log_softmax": [([V], {}, "log_softmax(a)")],
    "log_sum_exp": [
        ([A], {}, "log_sum_exp(a)"),
        ([A], {"axis": 0, "keep": 1}, "log_sum_exp(a, axis=0, keep=1)"),
    ],
    "radial_sigmoid": [([V], {}, "radial_sigmoid(a)")],
    "det": [([SQUARE], {}, "det(a)")],
    "adjugate": [([SQUARE], {}, "adjugate(a)")],
    "inverse": [([SQUARE], {}, "inverse(a)")],
    "solve": [([SQUARE, V], {}, "solve(a, b)")],
    "cholesky": [([SQUARE], {}, "cholesky(a)")],
}  # fmt: skip
CASES = [
    pytest.param(name, *case, id=f"{name}-{number}")
    for name, cases in WRITTEN.items()
    for number, case in enumerate(cases)
]


def round_trips(circuit):
    """See that every format gives the same circuit, and the same bytes again."""
    shapes = circuit.columns.shapes.tolist()
    text, columns, graph = write_text(circuit), write_cgz(circuit), write_json(circuit)
    for again, write, written in (
        (cg.parse(text), write_text, text),
        (parse_cgz(columns), write_cgz, columns),
        (parse_json(graph), write_json, graph),
    ):
        assert again == circuit
        assert again.columns.shapes.tolist() == shapes
        assert write(again) == written
    assert cg.Circuit.from_graph(circuit.graph) == circuit
    assert nx.utils.graphs_equal(parse_json(graph).graph, circuit.graph)
    return text


def test_every_record_is_tried():
    assert list(WRITTEN) == [gate.name for gate in MATRIX_GATES]


@pytest.mark.parametrize(("name", "shapes", "options", "written"), CASES)
def test_every_matrix_gate_round_trips(name, shapes, options, written):
    builder = cg.Builder()
    operands = [
        builder.input(each, shape) for each, shape in zip("abc", shapes, strict=False)
    ]
    made = builder.gate(name, *operands, **options)
    builder.output("f", made)
    builder.output("h", 2 * made + 1)
    circuit = builder.finish()
    assert f"\nf = {written}\n" in round_trips(circuit)


def test_the_page_lists_every_matrix_gate():
    """With the options of its record, in their order."""
    page = (ROOT / "docs/circuit_text.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*?) ?\| .+ \| .+ \|$", page, re.M)
    table = {name: (written, options) for name, written, options in rows}
    for gate in MATRIX_GATES:
        written, options = table.pop(gate.name)
        assert re.findall(r"`(\w+)`", options) == list(gate.options)
        if gate.name not in ("matmul", "transpose"):
            assert written.startswith(f"{gate.written or gate.name}(")
        needed = [name for name, default in gate.options.items() if default is NEEDED]
        assert all(f"{name}=" in written for name in needed)
    assert not table


# ------------------------------------------------------------------ notation

HEADER = "input A[3, 4], B[4, 3], b[4], s\n"
NOTATION = {
    "A @ B": ["f = A @ B"],
    "A @ B @ A": ["g1 = A @ B", "f = g1 @ A"],
    "A*A @ B": ["g1 = A*A", "f = g1 @ B"],
    "A @ B*s": ["g1 = A @ B", "f = g1*s"],
    "A @ B/s": ["g1 = A @ B", "f = g1/s"],
    "A/s @ B": ["g1 = A/s", "f = g1 @ B"],
    "A @ B + 1": ["g1 = A @ B", "f = g1 + 1"],
    "A*A @ (B + B)": ["g1 = A*A", "g2 = B + B", "f = g1 @ g2"],
    "2*A @ B": ["g1 = A @ B", "f = 2*g1"],
    "A @ (3*B)": ["g1 = A @ B", "f = 3*g1"],
    "2*A @ (3*B)": ["g1 = A @ B", "f = 6*g1"],
    "-A @ B": ["g1 = A @ B", "f = -g1"],
    "A @ -B": ["g1 = A @ B", "f = -g1"],
    "A @ (s*B)": ["g1 = s*B", "f = A @ g1"],
    "A.T": ["f = A.T"],
    "A . T": ["f = A.T"],
    "A.T.T": ["g1 = A.T", "f = g1.T"],
    "(A @ B).T": ["g1 = A @ B", "f = g1.T"],
    "A @ A.T": ["g1 = A.T", "f = A @ g1"],
    "-A.T": ["g1 = A.T", "f = -g1"],
    "(3*A).T": ["g1 = A.T", "f = 3*g1"],
    "A.T^2": ["g1 = A.T", "f = g1^2"],
    "relu(A).T": ["g1 = relu(A)", "f = g1.T"],
    "sum(A)": ["f = sum(A)"],
    "sum(A, B.T)": ["g1 = B.T", "f = A + g1"],
    "sum(A, axis=0)": ["f = sum(A, axis=0)"],
    "sum(A, axis=-1)": ["f = sum(A, axis=1)"],
    "sum(A, axis=+1)": ["f = sum(A, axis=1)"],
    "sum(A, axis=(0, 1), keep=1)": ["f = sum(A, axis=(0, 1), keep=1)"],
    "sum(A, keep=1)": ["f = sum(A, axis=(0, 1), keep=1)"],
    "sum(A, axis=all)": ["f = sum(A, axis=(0, 1))"],
    "sum(A, axis=())": ["f = sum(A, axis=())"],
    "sum(2*A, axis=0)": ["g1 = 2*A", "f = sum(g1, axis=0)"],
    "sum_axes(A)": ["f = sum(A, axis=(0, 1))"],
    "3*mean(A)": ["g1 = mean(A)", "f = 3*g1"],
    "max(A, axis=1)": ["f = max(A, axis=1)"],
    "max(A, b)": ["f = max(A, b)"],
    "reshape(A, shape=(-1, 6))": ["f = reshape(A, shape=(2, 6))"],
    "reshape(A, shape=12)": ["f = reshape(A, shape=(12,))"],
    "reshape(A, shape=(12,))": ["f = reshape(A, shape=(12,))"],
    "broadcast(1/2, shape=(5,))": ["f = broadcast(1/2, shape=(5,))"],
    "softmax(A, axis=1)": ["f = softmax(A)"],
    "matmul(A, B)": ["f = A @ B"],
    "A + b": ["f = A + b"],
    "A*b*s": ["f = A*b*s"],
    "A^2 - 3": ["g1 = A^2", "f = g1 - 3"],
    "A/b": ["f = A/b"],
    "arctan(s)": ["f = atan(s)"],
    "arcsin(s)": ["f = asin(s)"],
    "arccos(A)": ["f = acos(A)"],
}


@pytest.mark.parametrize("formula", NOTATION)
def test_notation(formula):
    circuit = cg.parse(f"{HEADER}f = {formula}\noutput f\n")
    written = round_trips(circuit).removeprefix(HEADER).splitlines()
    assert written == [*NOTATION[formula], "output f"]


def test_a_name_is_no_option_elsewhere():
    """Names of options, of functions and ``T`` and ``all`` are names."""
    circuit = cg.parse(
        "input T[2, 2], axis, all\nsum = T.T\nmax = sum(sum, axis=0)\n"
        "slice = axis*all\noutput max, slice\n"
    )
    assert circuit.output_names == ("max", "slice")
    round_trips(circuit)


def test_long_lines_of_inputs_are_wrapped():
    names = ", ".join(f"weights{i}[{i}, 2]" for i in range(1, 40))
    circuit = cg.parse(f"input {names}\nf = weights1 @ weights2\noutput f\n")
    text = round_trips(circuit)
    assert max(map(len, text.splitlines())) <= 88


def test_numbers_that_are_operands_of_matrix_gates():
    circuit = cg.parse(
        "c = -5\na = broadcast(c, shape=(2,))\nb = broadcast(-1/3, shape=(2,))\n"
        "p = concatenate(a, b, broadcast(pi, shape=1))\noutput p\n"
    )
    text = round_trips(circuit)
    assert "a = broadcast(c, shape=(2,))" in text
    assert "broadcast(-1/3, shape=(2,))" in text


# ------------------------------------------------------------------ what is wrong

BOTH = "they should be equal, or one be 1"
# text -> line, column, part of the message
BAD_TEXT = {
    "input x[0]\n": (1, 9, "an axis of length 0: it has at least one entry"),
    "input x[3, -2]\n": (1, 12, "an axis of length -2"),
    "input x[]\n": (1, 9, "a whole number should stand here, not ']'"),
    "input x[3,]\n": (1, 11, "a whole number should stand here, not ']'"),
    "input x[3\n": (1, 8, "this bracket is never closed"),
    "input x[\n": (1, 9, "a whole number should stand here"),
    "input x[2.5]\n": (1, 9, "a whole number should stand here, not '2.5'"),
    "input x[n]\n": (1, 9, "a whole number should stand here, not 'n'"),
    "input x[٣]\n": (1, 9, "a whole number should stand here, not '٣'"),
    f"input x[{'9' * 5000}]\n": (1, 9, "a whole number of more than 18 digits"),
    "input x[3 4]\n": (1, 11, "a comma should stand before '4'"),
    "input x[3](4)\n": (1, 11, "a comma should stand before '('"),
    "circuit x[3]\n": (1, 10, "a circuit has no shape"),
    "f[3] = x\n": (1, 2, "a line should be"),
    "output f[3]\n": (1, 9, "a comma should stand before '['"),
    "f = A[0]\n": (2, 6, "slice(A, axis=0, start=0, stop=1)"),
    "f = [A]\n": (2, 5, "'[' stands where an operand should"),
    "f = A.t\n": (2, 6, "a dot stands before T alone: A.T is the transpose"),
    "f = .T\n": (2, 5, "'.' stands where an operand should"),
    "f = b.T\n": (2, 6, "transpose of b of shape (4,): a matrix is needed"),
    "f = 2*s.T\n": (2, 8, "transpose of s of shape (): a matrix is needed"),
    "f = (1 + 1).T\n": (2, 12, "a matrix is needed"),
    "f = @ A\n": (2, 5, "'@' stands where an operand should"),
    "f = A @ s\n": (
        2,
        7,
        "matmul of A of shape (3, 4) and s of shape (): @ multiplies arrays",
    ),
    "f = s + A @ A\n": (
        2,
        11,
        "the 4 columns of the first should be as many as the 3 rows of the second",
    ),
    "f = 2 @ A\n": (2, 7, "* multiplies by a scalar"),
    "f = A + s - B\n": (
        2,
        11,
        f"sum of A of shape (3, 4) and B of shape (4, 3): "
        f"axis -2 has 3 entries in one and 4 in another: {BOTH}",
    ),
    "f = s*b*2*A*B + c*d\n": (2, 12, "prod of b of shape (4,) and B of shape (4, 3)"),
    "f = s + 2*(s + A*B)\n": (2, 17, "prod of A of shape (3, 4) and B of shape"),
    "f = A/B\n": (2, 6, "div of A of shape (3, 4) and B of shape (4, 3)"),
    "f = A^B\n": (2, 6, "pow of A of shape (3, 4) and B of shape (4, 3)"),
    "f = 1 + sum(A, s, B)\n": (2, 9, "sum of A of shape (3, 4) and s of shape ()"),
    "f = prod(A, B)\n": (2, 5, "prod of A of shape"),
    "f = max(A, B)\n": (2, 5, "max of A of shape"),
    "f = exp(det(A))\n": (2, 9, "det of A of shape (3, 4): a square matrix is needed"),
    "f = sum(A, axis=2)\n": (2, 5, "there is no axis 2: its axes are 0 to 1"),
    "f = sum(A, axis=(0, -2))\n": (2, 5, "an axis twice among (0, -2)"),
    "f = sum(A, keep=2)\n": (2, 5, "keep is 0 or 1"),
    "f = sum(A, axis=x)\n": (2, 17, "a whole number should stand here, not 'x'"),
    "f = sum(A, axis=1.5)\n": (2, 17, "a whole number should stand here, not '1.5'"),
    "f = sum(A, axis=(0 1))\n": (2, 20, "a comma should stand before '1'"),
    "f = sum(A, axis=(0, 1\n": (2, 17, "this bracket is never closed"),
    "f = sum(A, axis=0\n": (2, 8, "this bracket is never closed"),
    "f = sum(A, axis=\n": (2, 17, "a whole number should stand here"),
    "f = sum(A, axis=0 + 1)\n": (2, 19, "a comma should stand before '+'"),
    "f = sum(A, axis=0, B)\n": (2, 20, "an option should stand here, NAME=value"),
    "f = sum(A, axis=0,)\n": (2, 19, "an option should stand here, NAME=value"),
    "f = sum(A, 3=0)\n": (2, 12, "an option should stand here, NAME=value"),
    "f = sum(A, axes=0)\n": (
        2,
        12,
        "sum has no option 'axes'; its options are: axis, keep; did you mean 'axis'?",
    ),
    "f = sum(A, axis=0, axis=1)\n": (2, 20, "the option 'axis' is given twice"),
    "f = sum(A, B, axis=0)\n": (2, 5, "sum takes 1 argument before its options, not 2"),
    "f = sum(axis=0)\n": (2, 5, "sum takes 1 argument before its options, not 0"),
    "f = sum((axis=0))\n": (2, 10, "unknown name 'axis'"),
    "f = sin(s, axis=0)\n": (2, 12, "sin takes no options"),
    "f = det(A, axis=0)\n": (2, 12, "det takes no options"),
    "f = square(s, axis=0)\n": (2, 15, "square takes no options"),
    "f = arctan(s, k=0)\n": (2, 15, "arctan takes no options"),
    "f = 2*reshape(A)\n": (
        2,
        7,
        "reshape needs the option 'shape'; its options are: shape",
    ),
    "f = broadcast(s, axis=0)\n": (2, 5, "its options are: shape, axis"),
    "f = reshape(A, shape=(5, 2))\n": (2, 5, "12 entries do not make (5, 2), of 10"),
    "f = reshape(A, shape=(0, 2))\n": (2, 5, "an axis of length 0 in (0, 2)"),
    "f = reshape(A, shape=all)\n": (2, 22, "shape is a whole number, or several"),
    "f = softmax(A, axis=(0, 1))\n": (2, 21, "axis is one whole number"),
    "f = softmax(A, axis=all)\n": (2, 21, "axis is one whole number"),
    "f = slice(A, stop=(1, 2))\n": (2, 19, "stop is one whole number"),
    "f = slice(A, start=2, stop=1)\n": (2, 5, "0 <= start < stop <= 3 is needed"),
    f"f = reshape(A, shape=({'1, ' * 40}))\n": (2, 22, "more than 32 numbers"),
    "f = solev(A, b)\n": (2, 5, "unknown function 'solev'; did you mean 'solve'?"),
    "f = arctn(s)\n": (2, 5, "did you mean 'arctan'?"),
    "f = arctan + s\n": (2, 5, "the function 'arctan' needs its arguments"),
}


@pytest.mark.parametrize("text", BAD_TEXT)
def test_bad_text_has_its_place(text):
    line, column, message = BAD_TEXT[text]
    text = text if line == 1 else HEADER + text
    with pytest.raises(cg.FormatError) as caught:
        cg.parse(text + "output f\n", "bad.cg")
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert message in error.message
    shown = str(error).splitlines()
    assert shown[0].startswith(f"bad.cg:{line}:{column}: error: ")
    assert shown[2].strip() == "^"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("input A[100000, 100000]\nf = A\noutput f\n", 8),
        ("input a[100000, 1], b[100000]\nf = 2*a + b\noutput f\n", 9),
        ("input a[100000, 1], b[100000]\nf = a*b*2\noutput f\n", 6),
        ("input a[100000]\nf = 1 + outer(a, a)\noutput f\n", 9),
    ],
)
def test_arrays_that_are_too_large(text, column):
    with pytest.raises(cg.LimitError, match="--limit entries=N") as caught:
        cg.parse(text, "bad.cg")
    assert caught.value.column == column
    assert caught.value.line is not None


def test_too_many_axes_are_refused():
    with pytest.raises(cg.FormatError, match="33 axes: at most 32") as caught:
        cg.parse(f"input a[1{', 1' * 32}]\nf = a\noutput f\n", "bad.cg")
    assert (caught.value.line, caught.value.column) == (1, 7)


def test_the_error_of_the_page():
    text = "input W[32, 784], x[784], c[3]\n\nz = W @ x + c\noutput z\n"
    with pytest.raises(cg.FormatError) as caught:
        cg.parse(text, "layer.cg")
    shown = str(caught.value).splitlines()[0]
    page = (ROOT / "docs/circuit_text.md").read_text()
    assert (
        re.search(r"layer\.cg.*(?= \.\.\.\n)", page)[0]
        == shown[: shown.index(" in one")]
    )


@pytest.mark.parametrize("formula", ["A @ x", "A.T", "softmax(x)", "A[3, 4] @ x"])
def test_an_inline_formula_says_where_arrays_are(formula):
    with pytest.raises(cg.FormatError, match="arrays are inputs of a file"):
        cg.parse_expression(formula)


def test_sums_and_products_are_checked_in_linear_time():
    """Each operand is compared with those before it once, all together."""
    many = 20_000
    text = f"input A[3, 4]\nf = {' + '.join(['A'] * many)}\noutput f\n"
    assert cg.parse(text).columns.wires == many
    text = f"input A[3, 4]\nf = {'*'.join(['A'] * many)}\noutput f\n"
    assert cg.parse(text).columns.wires == many


def test_bulk_reading_ends_where_arrays_begin(monkeypatch):
    """The same circuit and the same error, however long the text is."""
    monkeypatch.setattr(reader, "BULK_FROM", 0)
    text = "input x, y\ng = x*y\nB = broadcast(g, shape=(2, 3))\nh = B*x\nf = h.T\n"
    circuit = cg.parse(f"{text}output f\n")
    assert circuit.columns.shape(circuit.vertex("f")) == (3, 2)
    round_trips(circuit)
    with pytest.raises(cg.FormatError, match="prod of f of shape") as caught:
        cg.parse(f"{text}k = f*h\noutput k\n")
    assert (caught.value.line, caught.value.column) == (6, 6)
    text = "input A[2, 3], x\nB = A*x\nc = sin(x)\nf = c*B\noutput f\n"
    assert cg.parse(text).columns.shape(4) == (2, 3)


# ------------------------------------------------------------------ JSON

GOOD = json.loads(
    write_json(
        cg.parse(
            "input A[3, 4], b[4]\nf = A @ b\ns = sum(A, axis=0, keep=1)\n"
            "r = reshape(A, shape=12)\nh = A + b\noutput f, s, r, h\n"
        )
    )
)


def test_shapes_and_options_in_json():
    nodes = {node["name"]: node for node in GOOD["nodes"] if "name" in node}
    assert nodes["A"] == {"op": "input", "name": "A", "shape": [3, 4], "id": 0}
    assert nodes["f"]["shape"] == [3]
    assert nodes["s"]["param"] == "axis=0, keep=1"
    assert nodes["r"]["param"] == "shape=(12,)"
    scalar = cg.parse("input x\nf = x*x\noutput f\n").graph
    assert not any("shape" in data for _, data in scalar.nodes(data=True))


def changed(node, **attributes):
    data = json.loads(json.dumps(GOOD))
    found = next(each for each in data["nodes"] if each.get("name") == node)
    found.update(attributes)
    for key in [key for key, value in attributes.items() if value is None]:
        del found[key]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("node", "attributes"),
    [
        ("f", {"shape": None}),
        ("s", {"param": "keep=1, axis=(-2,)"}),
        ("r", {"param": "shape=(-1,)"}),
    ],
)
def test_json_may_say_less(node, attributes):
    text = changed(node, **attributes)
    assert write_json(parse_json(text)) == write_json(parse_json(json.dumps(GOOD)))


BAD_JSON = {
    "a shape of text": (changed("A", shape="3"), "node 0: the shape '3' should be"),
    "no axis": (changed("A", shape=[3, 0]), "node 0: the shape .3, 0. should be"),
    "a truth value": (changed("A", shape=[True]), "node 0: the shape .True. should"),
    "too large": (changed("A", shape=[10**9]), r"node 0: .*--limit entries=N"),
    "no shape": (changed("A", shape=None), "node 2: matmul of A of shape .. and b"),
    "another shape": (changed("f", shape=[4]), r"node 2 has the shape \(3,\), not \(4"),
    "a scalar's": (changed("f", shape=[]), r"node 2 has the shape \(3,\), not \(\)"),
    "no option": (changed("r", param=None), "node 4: reshape needs the option 'sha"),
    "a number": (changed("r", param=12), "node 4: the param 12 is no text of options"),
    "no param": (changed("f", param="axis=0"), "node 2: matmul takes no param"),
    "no value": (changed("s", param="axis"), "node 3: an option should stand here"),
    "code": (changed("s", param="axis=len([])"), "node 3: a whole number should stand"),
    "unknown": (changed("s", param="axes=0"), "node 3: sum_axes has no option 'axes'"),
    "twice": (changed("s", param="axis=0, axis=0"), "node 3: the option 'axis' is gi"),
    "behind": (changed("s", param="axis=0)"), "node 3: a comma should stand before"),
    "an axis": (changed("s", param="axis=7"), "node 3: sum of A .*there is no axis 7"),
    "entries": (changed("r", param="shape=5"), "node 4: .*12 entries do not make"),
    "operands": (changed("b", shape=[5]), "node 2: .*the 4 columns of the first"),
    "broadcast": (
        changed("b", shape=[3]),
        "node 2: .*the 4 columns of the first should be as many as the 3 entries",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json_names_the_node(case):
    text, message = BAD_JSON[case]
    with pytest.raises(cg.FormatError, match=message) as caught:
        parse_json(text, "bad.json")
    assert str(caught.value).startswith("bad.json: error: ")


# ------------------------------------------------------------------ columns

COLUMNS = cg.parse(
    "input A[3, 4], s\nf = sum(A, axis=0)\nh = tril(A, k=-1)\nk = s^3\noutput f, h, k\n"
)
PARTS = {
    info.filename: zipfile.ZipFile(io.BytesIO(write_cgz(COLUMNS))).read(info)
    for info in zipfile.ZipFile(io.BytesIO(write_cgz(COLUMNS))).infolist()
}


def rewritten(**changes):
    """Give a file with parts changed; checksums are right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in PARTS.items():
            array = changes.get(name.partition(".")[0])
            if isinstance(array, str):
                array = np.frombuffer(array.encode(), dtype=np.uint8)
            if array is not None:
                made = io.BytesIO()
                np.save(made, array)
                data = made.getvalue()
            target.writestr(name, data)
    return buffer.getvalue()


def part(name):
    return np.load(io.BytesIO(PARTS[f"{name}.npy"]))


def test_what_the_damaged_files_are_made_of():
    assert bytes(part("numbers")).decode().split("\n") == [
        "1",
        "3",
        "[(0,), 0]",
        "[-1]",
    ]
    assert bytes(part("lengths")).decode().split("\n") == ["", "3 4", "4"]
    assert part("shapes").tolist() == [1, 0, 2, 1, 0]
    assert part("params").tolist() == [-1, -1, 2, 3, 1]
    assert parse_cgz(rewritten()) == COLUMNS


def ints(*values):
    return np.array(values, dtype=np.int32)


def numbers(*lines):
    return {"numbers": "\n".join(("1", "3", *lines))}


DAMAGE = {
    "place of a shape": ({"shapes": ints(1, 0, 3, 1, 0)}, "shapes: a place outside"),
    "negative place": ({"shapes": ints(1, -1, 2, 1, 0)}, "shapes: a place outside"),
    "another shape": (
        {"shapes": ints(1, 0, 1, 1, 0)},
        r"vertex 2 has the shape \(4,\), not \(3, 4\)",
    ),
    "an input's shape": ({"shapes": ints(0, 0, 2, 1, 0)}, "vertex 2, sum_axes: there"),
    "no scalar": ({"lengths": "3\n3 4\n4"}, "lengths: the first shape"),
    "a length of 0": ({"lengths": "\n3 0\n4"}, "lengths: '3 0' is no shape"),
    "blanks": ({"lengths": "\n3  4\n4"}, "lengths: '3  4' is no shape"),
    "no length": ({"lengths": "\nn\n4"}, "lengths: 'n' is no shape"),
    "axes": ({"lengths": f"\n{'1 ' * 32}1\n4"}, "is no shape"),
    "entries": ({"lengths": "\n99999 99999\n4"}, "--limit entries=N"),
    "a long length": ({"lengths": f"\n{'9' * 5000}\n4"}, "is no shape"),
    "no brackets": (numbers("[(0,), 0", "[-1]"), "is no options"),
    "all axes": (numbers("[all, 0]", "[-1]"), "axes should be numbers"),
    "code": (numbers("[len(), 0]", "[-1]"), "is no options"),
    "no comma": (numbers("[(0,) 0]", "[-1]"), "a comma should stand before '0'"),
    "a long option": (numbers("[(0,), 0]", f"[{'9' * 5000}]"), "more than 18 digits"),
    "too few": (numbers("[(0,)]", "[-1]"), "vertex 2, sum_axes: 2 options, not 1"),
    "none": (numbers("[]", "[-1]"), "vertex 2, sum_axes: 2 options, not 0"),
    "an axis": (numbers("[(2,), 0]", "[-1]"), "vertex 2, sum_axes: there is no axis 2"),
    "a last axis": (numbers("[(-2,), 0]", "[-1]"), "should be counted from 0"),
    "order": (numbers("[(1, 0), 0]", "[-1]"), "should be counted from 0"),
    "kind": (numbers("[(0,), 0]", "[(1,)]"), "vertex 3, tril: k is one whole number"),
    "a number": ({"params": ints(-1, -1, 1, 3, 1)}, "params: options are the param"),
    "no options": ({"params": ints(-1, -1, -1, 3, 1)}, "params: options are the par"),
    "an exponent": ({"params": ints(-1, -1, 2, 3, 3)}, "params: options are the para"),
    "an operand": ({"operands": ints(0, 4, 1)}, "vertex 3: operands that tril does"),
    "another gate": ({"gates": "sum_axes\nsoftmax\npower"}, "params|vertex 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_columns(case):
    changes, message = DAMAGE[case]
    with pytest.raises(cg.FormatError, match=message) as caught:
        parse_cgz(rewritten(**changes), "f.cgz")
    assert str(caught.value).startswith("f.cgz: error: ")


# ------------------------------------------------------------------ random circuits

SHAPES = st.sampled_from([(), (4,), (1, 4), (3, 4), (4, 4), (2, 3, 4), (2, 4, 4)])
OPERATORS = (
    *("{} + {}", "{} - 2*{}", "{}*{}", "{}/{}", "{} @ {}", "3*{} @ {}", "{}^2 + {}"),
    *("{}.T @ {}", "{} @ {}.T", "({} + {}).T", "max({}, {})", "relu({}) + {}"),
)  # fmt: skip


@st.composite
def array_texts(draw):
    """Draw lines, some of which have no shape."""
    names = ["a", "b", "c"]
    lines = [
        f"input {name}{list(shape) or ''}" for name in names for shape in [draw(SHAPES)]
    ]
    for number in range(draw(st.integers(1, 8))):
        chosen = draw(st.sampled_from([*MATRIX_GATES, *OPERATORS, *OPERATORS]))
        if isinstance(chosen, str):
            formula = chosen.format(*(draw(st.sampled_from(names)) for _ in range(2)))
        else:
            cases = [options for _, options, _ in WRITTEN[chosen.name]]
            options = draw(st.sampled_from(cases))
            said = [f"{name}={value}" for name, value in options.items()]
            if chosen.written and not said:
                said = ["axis=all"]
            arity = chosen.arity or draw(st.integers(1, 3))
            operands = [draw(st.sampled_from(names)) for _ in range(arity)]
            name = chosen.written or chosen.name
            formula = f"{name}({', '.join([*operands, *said])})"
        lines.append(f"n{number} = {formula}")
        names.append(f"n{number}")
    return lines


@settings(max_examples=150, deadline=None)
@given(array_texts())
def test_random_arrays(lines):
    """A line is read, and then comes back in every format, or it has an error."""
    good, outputs = [], []
    for line in lines:
        name = line.split()[1 if line.startswith("input") else 0].partition("[")[0]
        try:
            cg.parse("\n".join([*good, line, f"output {name}"]))
        except cg.FormatError as error:
            assert error.line is not None and error.column is not None
        else:
            good.append(line)
            outputs.append(name)
    round_trips(cg.parse("\n".join([*good, f"output {', '.join(outputs)}"])))


def test_text_and_builder_agree():
    """The same shapes and the same words, without a place."""
    builder = cg.Builder()
    a, b = builder.input("A", (3, 4)), builder.input("B", (4, 3))
    with pytest.raises(ShapeError) as built:
        a + b
    with pytest.raises(cg.FormatError) as read:
        cg.parse(f"{HEADER}f = A + B\noutput f\n")
    assert str(built.value) == read.value.message
