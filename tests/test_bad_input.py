"""Bad input: what was wrong, where, what would be right; nothing written."""

from __future__ import annotations

import json

import pytest

import circuitgrad as cg
from circuitgrad.formats.cgz import parse_cgz
from circuitgrad.formats.formats import render
from circuitgrad.formats.json import parse_json, write_json

# text -> line, column, part of the message
BAD_TEXT = {
    "input x\nf = x*q\noutput f\n": (2, 7, "unknown name 'q'"),
    "input alpha\nf = alhpa\noutput f\n": (2, 5, "did you mean 'alpha'"),
    "input x\nf = g*x\ng = x\noutput f\n": (
        2,
        5,
        "used before it is defined, in line 3",
    ),
    "input x\nf = f + x\noutput f\n": (2, 5, "used in its own definition"),
    "input x\nf = x\n\nf = x*x\noutput f\n": (4, 1, "second time; first in line 2"),
    "input x, y, x\nf = x\noutput f\n": (1, 13, "defined already, in line 1"),
    "input x\nx = 3\noutput x\n": (2, 1, "'x' is an input (line 1)"),
    "input x\nf = x*x\n": (2, 1, "no output"),
    "input x\nf = x @ x\noutput f\n": (2, 7, "@ multiplies arrays"),
    "input x\nf = x $ x\noutput f\n": (2, 7, "'$' (U+0024) is no character"),
    "input x\nf = x \u2212 x\noutput f\n": (2, 7, "U+2212"),
    "input x\nf = (x + (x*x)\noutput f\n": (2, 5, "never closed"),
    "input x\nf = x + x)\noutput f\n": (2, 10, "a bracket too many"),
    "input x\nf = snh(x)\noutput f\n": (
        2,
        5,
        "unknown function 'snh'; did you mean 'sinh'?",
    ),
    "input x\nf = sin(x, x)\noutput f\n": (2, 5, "sin takes 1 argument, not 2"),
    "input x\nf = sin()\noutput f\n": (2, 5, "sin takes 1 argument, not 0"),
    "input x\nf = sin + x\noutput f\n": (2, 5, "needs its arguments in brackets"),
    "input x\nf = leaky_relu(x)\noutput f\n": (
        2,
        5,
        "takes a number as its last argument",
    ),
    "input x\nf = x +\noutput f\n": (2, 8, "ends where an operand"),
    "input x\nf = x * / x\noutput f\n": (2, 9, "'/' stands where an operand should"),
    "input x\nf = 3 x\noutput f\n": (2, 7, "write * for a product"),
    "input x\nf = x, x\noutput f\n": (2, 6, "a comma too many"),
    "input x\nf = (x, x)\noutput f\n": (2, 7, "between arguments"),
    "input x\nf = x = x\noutput f\n": (2, 7, "a second '='"),
    "input x\nf = x/0\noutput f\n": (2, 6, "division by the number zero"),
    "input x\nf = x/(1 - 1)\noutput f\n": (2, 6, "division by the number zero"),
    "input x\nf = 0^-1*x\noutput f\n": (2, 6, "division by the number zero"),
    "input x\npi = x\noutput pi\n": (2, 1, "pi is a constant"),
    "input x\noutput y\n": (2, 8, "unknown name 'y'"),
    "input x\noutput x, x\n": (2, 11, "two outputs are named 'x'"),
    "input x\noutput x,\n": (2, 10, "a name should follow"),
    "input 3\noutput x\n": (1, 7, "'3' stands where a name should"),
    "input x y\noutput x\n": (1, 9, "a comma should stand before 'y'"),
    "inptu x\noutput x\n": (1, 7, "did you mean 'input'?"),
    "circuit a\ncircuit b\n": (2, 1, "a second circuit line"),
    "f(x) = x\noutput f\n": (1, 2, "a line should be"),
}


@pytest.mark.parametrize("text", BAD_TEXT)
def test_bad_text_has_its_place(text):
    line, column, message = BAD_TEXT[text]
    with pytest.raises(cg.FormatError) as caught:
        cg.parse(text, "bad.cg")
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert message in error.message
    shown = str(error).splitlines()
    assert shown[0].startswith(f"bad.cg:{line}:{column}: error: ")
    assert shown[1] == "    " + text.split("\n")[line - 1]
    assert shown[2] == " " * (3 + column) + "^"


# text -> the limit that it passes, and what is said of it
LIMITED = {
    "f = 1e999999999\noutput f\n": ("exponent", "a decimal exponent beyond"),
    "f = 1e-999999999\noutput f\n": ("exponent", "a decimal exponent beyond"),
    "f = 2^999999999\noutput f\n": ("digits", "a power of more than"),
    "f = 9^9^9\noutput f\n": ("digits", "a power of more than"),
    f"f = {'9' * 5000}\noutput f\n": ("digits", "a number of more than 4000 digits"),
    "f = 1e4000*1e4000\noutput f\n": ("digits", "a number of more than 4000 digits"),
    "input x\nf = " + "(" * 20_000 + "x" + ")" * 20_000 + "\noutput f\n": (
        "nesting",
        "nested deeper than 10000",
    ),
    f"input x\nf = x^{'9' * 101}\noutput f\n": ("power", "an exponent of more than"),
    f"input {'x' * 10_001}\noutput x\n": ("name", "a name of more than 10000"),
}


@pytest.mark.parametrize("text", LIMITED)
def test_limits_answer_at_once_with_their_place(text):
    name, message = LIMITED[text]
    with pytest.raises(cg.LimitError, match=message) as caught:
        cg.parse(text, "big.cg")
    assert f"--limit {name}=N raises it" in caught.value.message
    assert caught.value.exit_status == 4
    assert caught.value.line is not None
    assert caught.value.column is not None
    assert all(len(line) < 120 for line in str(caught.value).splitlines())


CHAIN = "input x\ng1 = x*x\ng2 = g1*x\nf = g2*x\noutput f, g1\n"
RAISED = {
    "gates": (CHAIN, 3, 4),
    "outputs": (CHAIN, 1, 2),
    "name": ("input xx\noutput xx\n", 1, 2),
    "digits": (f"input x\nf = x + {5000 * '9'}.25\noutput f\n", 4_000, 6_000),
    "exponent": ("input x\nf = x + 1e12\noutput f\n", 11, 12),
    "power": ("input x\nf = x^100\noutput f\n", 2, 3),
    "nesting": ("input x\nf = ((x))\noutput f\n", 1, 2),
}


@pytest.mark.parametrize("ending", [".cg", ".json", ".cgz"])
@pytest.mark.parametrize("name", RAISED)
def test_limits_hold_in_every_format_and_can_be_raised(name, ending, tmp_path):
    if name in ("exponent", "nesting") and ending != ".cg":
        pytest.skip("only text says it so")
    text, low, enough = RAISED[name]
    with cg.limits(**{name: enough}):
        circuit = cg.parse(text)
        cg.write(circuit, tmp_path / f"c{ending}")
        if ending == ".cg":
            (tmp_path / "c.cg").write_text(text)
        assert cg.read(tmp_path / f"c{ending}") == circuit
    with cg.limits(**{name: low}), pytest.raises(cg.LimitError, match=f"{name}=N"):
        cg.read(tmp_path / f"c{ending}")


@pytest.mark.parametrize("name", ["file", "text"])
def test_limits_of_files(name, tmp_path):
    (tmp_path / "c.cg").write_text(CHAIN)
    with cg.limits(**{name: len(CHAIN)}):
        cg.read(tmp_path / "c.cg")
    with cg.limits(**{name: len(CHAIN) - 1}), pytest.raises(cg.LimitError) as caught:
        cg.read(tmp_path / "c.cg")
    assert caught.value.path == str(tmp_path / "c.cg")


def test_gradients_that_would_be_too_large_are_refused():
    circuit = cg.parse(CHAIN)
    with cg.limits(outputs=1), pytest.raises(cg.LimitError, match="outputs=N"):
        cg.jacobian(circuit)
    for mode in ("reverse", "forward"):
        with cg.limits(gates=5), pytest.raises(cg.LimitError, match="gates=N"):
            cg.jacobian(circuit, mode=mode)


def test_a_slope_may_be_longer_than_an_exponent():
    circuit = cg.parse(f"input x\nf = leaky_relu(x, {'9' * 200})\noutput f\n")
    for form in ("json", "cgz"):
        data = render(circuit, form)
        again = parse_cgz(data) if form == "cgz" else parse_json(data.decode())
        assert again == circuit


def test_a_name_that_could_not_be_read_is_not_written():
    circuit = cg.parse(f"input {6_000 * 'x'}\nf = {6_000 * 'x'}^2\noutput f\n")
    assert cg.gradient(circuit).output_names == (f"df_d{6_000 * 'x'}",)
    long = cg.parse(f"input {6_000 * 'x'}\noutput {6_000 * 'x'}\n")
    with pytest.raises(cg.LimitError, match="name=N"):
        cg.gradient(long)


def test_bulk_reading_keeps_the_limits():
    lines = "".join(f"a{k} = x*x\n" for k in range(30_000))
    plain = f"input x\n{lines}"
    for text, limit in (
        (f"{plain}{'b' * 10_001} = x*x\noutput a1\n", "name"),
        (f"{plain}b = x^{'9' * 101}\noutput a1\n", "power"),
        (f"{plain}b = {'9' * 4_001}*x\noutput a1\n", "digits"),
    ):
        with pytest.raises(cg.LimitError, match=f"{limit}=N") as caught:
            cg.parse(text)
        assert caught.value.line == 30_002
    with cg.limits(gates=1_000), pytest.raises(cg.LimitError, match="gates=N"):
        cg.parse(f"{plain}output a1\n")


def test_limits_that_cannot_be():
    with (
        pytest.raises(cg.CircuitError, match="no limit 'gate'; there are: file"),
        cg.limits(gate=3),
    ):
        pass
    with (
        pytest.raises(cg.CircuitError, match="should be 1 to 2,147,483,647"),
        cg.limits(gates=0),
    ):
        pass


@pytest.mark.parametrize(
    "read",
    [
        lambda: cg.parse(f"input x\nf = {'q' * 100_000}\noutput f\n", "long.cg"),
        lambda: cg.run(cg.parse_expression("x"), "q" * 100_000),
        lambda: cg.run(cg.parse_expression("x"), f"cse,\n{'dce,' * 1000}\u202efold"),
        lambda: cg.gradient(cg.parse_expression("x"), wrt=["q" * 100_000]),
    ],
)
def test_a_long_name_makes_no_long_message(read):
    with pytest.raises(cg.CircuitgradError) as caught:
        read()
    text = str(caught.value)
    assert len(text) < 1_400
    assert "..." in text
    lines = text.splitlines()
    if len(lines) > 1:  # a line and a caret
        assert lines[-1].strip() == "^"
        assert len(lines) == 3 and len(lines[1]) < 100


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.cg", b"", "the file is empty"),
        ("blank.cg", b"\n\n", "the file is empty"),
        ("binary.cg", b"\x7fELF\0\0\0", "a binary file"),
        ("latin.cg", "input é\n".encode("latin-1"), "not UTF-8: byte 0xe9 in line 1"),
    ],
)
def test_files_that_are_no_text(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(cg.FormatError, match=message) as caught:
        cg.read(path)
    assert caught.value.path == str(path)


def test_missing_files_and_directories(tmp_path):
    with pytest.raises(cg.FormatError, match="no such file"):
        cg.read(tmp_path / "no.cg")
    with pytest.raises(cg.FormatError, match="a directory, not a file"):
        cg.read(tmp_path)


GOOD = json.loads(write_json(cg.parse("input x, y\nf = x^2 + 3*y\noutput f\n")))


def broken(**changes):
    """Give good JSON data with entries replaced by path: ``nodes.2.op``."""
    data = json.loads(json.dumps(GOOD))
    for path, value in changes.items():
        *way, last = path.split("__")
        at = data
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at[key]
        if value is None:
            del at[int(last) if isinstance(at, list) else last]
        else:
            at[int(last) if isinstance(at, list) else last] = value
    return json.dumps(data)


BAD_JSON = {
    "cycle": (
        broken(edges__0__source=3),
        "the wires go round in a cycle|node 2",
    ),
    "dangling": (
        broken(edges__0__source=99),
        "edge 99 -> 2: 99 is no node: the edge dangles",
    ),
    "slot": (broken(edges__0__key=4), "node 2: its slots are"),
    "op": (broken(nodes__2__op="cube"), "node 2: there is no gate type 'cube'"),
    "arity": (broken(nodes__3__op="exp"), r"node 3: exp takes 1 operand\(s\), not 2"),
    "param": (broken(nodes__2__param=None), "node 2: the param None is no number"),
    "param text": (
        broken(nodes__2__param="two"),
        "node 2: the param 'two' is no number",
    ),
    "weight": (
        broken(edges__2__weight="1/0"),
        r"edge 2 -> 3 \(slot 0\): the weight '1/0' divides by zero",
    ),
    "weight outside a sum": (broken(edges__0__weight="2"), "only the wires of a sum"),
    "name": (
        broken(nodes__0__name="a b"),
        "node 0: the name 'a b' is not an identifier",
    ),
    "two names": (broken(nodes__0__name="y"), "nodes 0 and 1 are both named 'y'"),
    "output": (broken(graph__outputs=[["f", 9]]), "output 'f': 9 is no node"),
    "no output": (broken(graph__outputs=[]), "'outputs' should be a list"),
    "input": (broken(graph__inputs=[0]), "node 1 is an input that"),
    "input op": (broken(graph__inputs=[0, 1, 3]), "node 3 is listed among the inputs"),
    "format": (broken(graph__format="other"), "'format' should be 'circuitgrad/1'"),
    "undirected": (broken(directed=False), "'directed' should be true"),
    "nan": ('{"graph": NaN}', "NaN is no number"),
    "infinity": ('{"graph": {"x": -Infinity}}', "-Infinity is no number"),
    "twice": ('{"graph": {}, "graph": {}}', "the key 'graph' stands twice"),
    "list": ("[]", "an object in networkx's node-link form"),
    "digits": ('{"a": ' + "9" * 5000 + "}", "not JSON for a circuit"),
    "node": (
        '{"directed": true, "multigraph": true, "graph": {"format": "circuitgrad/1"},'
        ' "nodes": [3], "edges": []}',
        "node 3 has no 'id'",
    ),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json_names_the_node_or_edge(case, tmp_path):
    text, message = BAD_JSON[case]
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(cg.FormatError, match=message) as caught:
        cg.read(path)
    assert str(caught.value).startswith(f"{path}: error: ")


def test_broken_json_has_line_and_column(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"directed": true,\n "nodes": [}')
    with pytest.raises(cg.FormatError, match="not JSON") as caught:
        cg.read(path)
    assert (caught.value.line, caught.value.column) == (2, 12)


def test_nested_json_is_a_limit(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(cg.LimitError, match="nested too deep"):
        cg.read(path)


def test_links_are_accepted_for_edges(tmp_path):
    data = dict(GOOD)
    data["links"] = data.pop("edges")
    path = tmp_path / "old.json"
    path.write_text(json.dumps(data))
    assert cg.read(path) == cg.parse("input x, y\nf = x^2 + 3*y\noutput f\n")


def test_a_float_means_its_shortest_decimal():
    circuit = cg.trace(lambda x: 0.1 * x)
    assert "1/10*x" in str(circuit)
    with pytest.raises(ValueError, match="nan is not a number"):
        cg.trace(lambda x: float("nan") * x)
    with pytest.raises(TypeError, match="no truth value"):
        cg.trace(lambda x: x if x else 1)


def test_reserved_words_of_networkx_are_only_keys(tmp_path):
    """Attributes named as its parameters reach no function call."""
    data = json.loads(json.dumps(GOOD))
    data["graph"] |= {"incoming_graph_data": 1, "self": 2}
    data["nodes"][0] |= {"node_for_adding": 3}
    data["edges"][0] |= {"u_for_edge": 4, "self": 5}
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(data))
    assert cg.read(path).size == 2


def test_numbers_of_json_that_are_none(tmp_path):
    for text, error in (("1e-+5", cg.FormatError), ("1e999999999", cg.LimitError)):
        path = tmp_path / "bad.json"
        path.write_text(broken(edges__2__weight=text))
        with pytest.raises(error, match="edge 2 -> 3"):
            cg.read(path)


def test_what_is_no_graph_and_no_expression():
    with pytest.raises(cg.FormatError, match="int is no networkx graph"):
        cg.Circuit.from_graph(3)
    with pytest.raises(cg.CircuitError, match="str is no sympy expression"):
        cg.from_sympy("__import__('os')")
    for value in ("1", None, 1j):
        with pytest.raises(cg.CircuitError, match="is no real number"):
            cg.evaluate(cg.parse_expression("x"), x=value)
