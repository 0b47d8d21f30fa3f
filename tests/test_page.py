"""The page as a file: its size, its bytes, what names may do to it (nothing)."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from fractions import Fraction
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from conftest import EXAMPLES, example
from test_names_hostile import named, short

import circuitgrad as cg
from circuitgrad.figures.palette import ROLES, THEMES
from circuitgrad.figures.webpage.html import WORDS
from circuitgrad.gates import SCALAR_GATES as GATES

NAMES = (
    *("script", "href", "n0", "constructor", "__proto__", "df_dx", "θ", "é", "变量"),
    *("שלום", "متغير", "𝔘𝔫𝔦", "x" * 4_000),
)

#: What an attacker would call a circuit, if a name could be this.
HOSTILE = (
    "</script><script>window.bad=1</script>",
    "<!--<script>",
    "<img src=x onerror=window.bad=1>",
    "\"'><b onmouseover=window.bad=1>",
    "a\\b:c;d{e}f`${window.bad=1}`",
    "]]>&lt;&#60;\u2028\u2029",
    "\u202eabc\u2066\u05d0",
    "x" * 200,
)


def data_of(text):
    (block,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', text
    )
    return json.loads(block)


def page_of(circuit):
    """Give the page of a circuit, of its first output."""
    return cg.page(circuit, of=circuit.output_names[0])


def sized(gates):
    """Make a circuit of so many gates, of several types, wires across its layers."""
    chosen, builder = random.Random(1), cg.Builder("sized")
    made = [builder.input(f"x{i}") for i in range(1, 6)]
    ends = dict.fromkeys(range(5))
    while len(made) < 5 + gates - 1:
        i, j = chosen.sample(range(max(len(made) - 12, 0), len(made)), 2)
        a, b = made[i], made[j]
        kind = chosen.choice("spf")
        made.append(
            2 * a + b if kind == "s" else a * b if kind == "p" else cg.functions.sin(a)
        )
        ends = {k: None for k in (*ends, len(made) - 1) if k not in (i, j)}
    builder.output("f", builder.sum([made[k] for k in ends]))
    return builder.finish()


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.seen = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep an element and its attributes."""
        self.seen.append((tag, dict(attrs)))


def test_a_page_is_the_same_each_time_and_needs_nothing_else(any_example):
    text = page_of(any_example)
    assert text == page_of(any_example)
    loading = {"src", "href", "srcset", "style", "action", "data", "poster"}
    for tag, attributes in Tags(text).seen:
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        assert not loading.intersection(attributes)
        assert not any(name.startswith("on") for name in attributes)
    addresses = set(re.findall(r"\w+://[^\s\"'<>)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, no address


def test_the_policy_names_the_style_and_the_script(any_example):
    text = page_of(any_example)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for tag in ("style", "script"):
        (block,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == f"'sha256-{digest}'"


def test_a_page_of_sixty_gates_is_small():
    circuit = sized(65)
    assert 60 <= circuit.stats().size <= 65
    text = cg.page(circuit)
    (block,) = re.findall(r'id="data">(.*?)</script>', text)
    assert len(text.encode()) - len(block) < 50_000
    assert len(text.encode()) < 300_000


@pytest.mark.parametrize("name", NAMES, ids=short)
def test_names_are_only_data(name):
    text = cg.page(named(name), of=name)
    assert [tag for tag, _ in Tags(text).seen] == ELEMENTS
    assert data_of(text)["inputs"][0][0] == name[:200]


@pytest.fixture
def any_name(monkeypatch):
    """Take every text for a name."""
    for module in ("names", "circuit", "builder"):
        monkeypatch.setattr(f"circuitgrad.{module}.is_identifier", lambda text: True)


@pytest.mark.parametrize("name", HOSTILE, ids=short)
def test_what_no_name_can_be_is_only_data_as_well(name, any_name):
    text = cg.page(named(name), of=name)
    assert [tag for tag, _ in Tags(text).seen] == ELEMENTS
    assert "\u202e" not in text
    assert text.partition('id="data">')[2].partition("</script>")[0].isascii()


ELEMENTS = [tag for tag, _ in Tags(cg.page(example("worked_example"))).seen]


def test_the_page_computes_every_gate_type():
    """That it does so rightly is for tests/browser to see."""
    script = (
        files("circuitgrad.figures.webpage").joinpath("gates.js").read_text("utf-8")
    )
    table = script.partition("const GATES = {")[2].partition("\n};")[0]
    known = {
        gate.name for gate in GATES if not gate.value.__module__.startswith("test")
    }
    assert set(re.findall(r"^  (\w+):", table, re.M)) == known


def luminance(color):
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_contrast_is_that_of_wcag_aa(name):
    theme, words = THEMES[name], WORDS[name]
    for paper in (theme.background, words["panel"]):
        for ink in (theme.ink, words["soft"], words["accent"], words["wrong"]):
            assert contrast(ink, paper) >= 4.5
    for role in ROLES:
        look = theme.look(role)
        assert contrast(theme.ink, look.fill) >= 4.5
        assert contrast(words["accent"], look.fill) >= 3  # of what is chosen
        assert contrast(look.border, theme.background) >= 2.9


def test_values_to_start_with():
    def start(text, **at):
        data = data_of(cg.page(cg.parse_expression(text), at=at))
        return {name: value for name, _, value in data["inputs"]}

    assert start("x*y + z") == {"x": "1", "y": "2", "z": "3"}
    assert start("asin(x)*asin(y)") == {"x": "1/2", "y": "1/3"}  # inside the domain
    assert start("x*y", y=Fraction(-1, 3))["y"] == "-1/3"
    assert start("x*y", x=0.001)["x"] == "0.001"
    assert start("log(x - 10)") == {"x": "1"}  # nowhere finite: the first choice


def test_what_cannot_be_a_page(run):
    with pytest.raises(cg.CircuitError, match="no input 'q'; the inputs are x"):
        cg.page(cg.parse_expression("x^2"), at={"q": 1})
    with pytest.raises(cg.CircuitError, match="several outputs"):
        cg.page(cg.gradient(example("fig1")))
    large = cg.trace(lambda x: sum((cg.functions.sin(x * k) for k in range(300)), x))
    with pytest.raises(cg.LimitError, match="at most 500 gates"):
        cg.page(large)


def test_the_command(run, tmp_path):
    fig1 = EXAMPLES / "fig1.cg"
    assert run("page", fig1, "-o", "f.html")[::2] == (0, "")
    text = (tmp_path / "f.html").read_text("utf-8")
    assert text == cg.page(example("fig1"))
    assert run("page", fig1, "--at", "x=1/2", "-O", "tidy")[0] == 0
    assert run("page", fig1, "-o", "f.html", "--at", "q=1")[0] == 2
    assert run("page", fig1, "-o", "f.html", "--of", "g")[0] == 2
    assert run("page", fig1, "-o", "f.html", "-p", "fuze")[0] == 2
    assert run("page", fig1, "-o", "none/f.html")[0] == 4
    assert (tmp_path / "f.html").read_text("utf-8") == text


def test_forward_mode_is_by_one_input_where_there_are_many():
    circuit = cg.trace(
        lambda *x: sum(a * b * c for a, b, c in zip(x, x[1:], x[2:], strict=False)),
        inputs=[f"x{i}" for i in range(1, 41)],
    )
    data = data_of(cg.page(circuit))
    assert data["note"].startswith("By x1 alone; by all inputs")
    assert [name for name, _, _ in data["views"][1]["outputs"]] == ["f", "df_dx1"]
