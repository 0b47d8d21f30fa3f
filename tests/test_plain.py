"""Plain lines in bulk: the same circuits and the same errors as line by line."""

from __future__ import annotations

import random

import pytest
from conftest import EXAMPLES
from hypothesis import HealthCheck, given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad.formats.text import reader


@pytest.fixture
def both(monkeypatch):
    """Read a text in bulk and line by line; give the circuit, or the error."""

    def read(text):
        results = []
        for least in (0, len(text) + 1_000):
            monkeypatch.setattr(reader, "BULK_FROM", least)
            try:
                circuit = cg.parse(text, "f.cg")
            except cg.CircuitgradError as error:
                results.append((type(error), str(error)))
            else:
                results.append((circuit, circuit.names.tolist(), circuit.name))
        assert results[0] == results[1], text
        return results[0]

    return read


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(circuit=circuits())
def test_random_circuits_and_their_gradients(both, circuit):
    assert both(str(circuit))[0] == circuit
    literal = cg.jacobian(circuit, pipeline="none", value=True)
    assert both(str(literal))[0] == literal


LINES = {
    "sums": "f = x - 3*y + 2/3*a*b - 1/4*x + 5",
    "one factor": "f = -2.50*x",
    "a product": "f = 3*x*y*a",
    "minus": "f = -x*y",
    "a quotient": "f = 3*x/y - a/b",
    "an inverse": "f = 1/x - 1/y",
    "two over": "f = 2/x",
    "powers": "f = x^2*y^-1 + a^(1/2) - b^(-3/2)",
    "a power of a function": "f = sin(x)^2",
    "functions": "f = max(x, y, a)*exp(b) + prod(x, y)",
    "a function of a number": "f = max(x, 2) + leaky_relu(y, 1/3)",
    "brackets": "f = (x + y)*a",
    "one": "f = 1*x + 1.0*y + 2/2*a",
    "one alone": "f = 1*x",
    "zero": "f = 0*x + y",
    "a comment": "f = x*y # and more",
    "blanks": "  f=x  *\ty  \r",
    "two names": "g = x\nf = g*y",
    "a number": "g = 5\nf = g*y",
    "pi": "f = pi*x",
    "letters": "é = x*y\nf = é + x",
    "powers of powers": "f = x^2^3",
    "stars": "f = x**2",
    "decimals": "f = 0.1*x + 1e-3*y",
    "twice": "g = x*y\ng = x + y\nf = g",
    "an input twice": "x = y*y\nf = x",
    "later": "f = g*x\ng = y*y",
    "itself": "f = f*x",
    "unknown": "f = x*q",
    "by zero": "f = 1/0*x",
    "too many operands": "f = sin(x, y)",
    "too few": "f = sin()",
    "no operand": "f = x +",
    "a sign too many": "f = x - -y",
    "a character": "f = x ? y",
    "two dots": "f = 1.2.3*x",
    "a reserved name": "pi = x*y\nf = pi",
    "no name": "= x*y",
    "a number of many digits": f"f = {'7' * 5000}*x",
}


@pytest.mark.parametrize("case", LINES)
def test_lines(both, case):
    for end in ("", "\n"):
        both(f"input x, y, a, b\nh = x*y\n{LINES[case]}\nk = h + a\noutput f, k{end}")


def test_mutated_texts(both):
    """Whatever is wrong, the general reader says it."""
    source = random.Random(0)
    alphabet = "xyab019 \t()+-*/^,=#.\r\nesinpi_é2/1"
    texts = [path.read_text() for path in sorted(EXAMPLES.glob("*.cg"))]
    texts.append("input x\ny = x*x\nz = x/y\nw = -z^(1/2) + 1.5*y\noutput w, z\n")
    wrong = 0
    for _ in range(1_500):
        text = list(source.choice(texts))
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(text))
            text[at : at + source.randint(0, 1)] = source.choice(alphabet)
        wrong += isinstance(both("".join(text))[0], type)
    assert 500 < wrong < 1_500


def test_a_long_text_is_mostly_plain(monkeypatch):
    """The loop reads it all, but for what defines inputs and outputs."""
    general = []
    statement = reader._File.statement

    def counted(self, tokens, number):
        general.append(number)
        statement(self, tokens, number)

    monkeypatch.setattr(reader._File, "statement", counted)
    half = reader.BULK_FROM // 20
    lines = "".join(f"s{i} = sin(y{i})\ny{i + 1} = s{i}*y{i}\n" for i in range(half))
    circuit = cg.parse(f"input y0\n{lines}output y{half}\n")
    assert circuit.size == 2 * half
    assert general == [1, 2 * half + 2]
