"""The page in a browser: what is seen, typed, pointed at and refused."""

from __future__ import annotations

import json
import math
import os
import random
import time
from contextlib import suppress
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, browser
from conftest import example

import circuitgrad as cg
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.figures.steps import steps_of
from circuitgrad.figures.webpage.view import program
from circuitgrad.gates import SCALAR_GATES as GATES

PROGRAM = browser()
if PROGRAM is None:
    pytest.skip("no Chromium: tests/browser/setup installs it", allow_module_level=True)

#: Seconds that a test may take.
LIMIT = 60.0


@pytest.fixture(scope="module")
def one():
    """Start one browser for all tests, and end it."""
    with Chromium(PROGRAM) as started:
        yield started


@pytest.fixture
def chrome(one):
    """A browser as it is at first, with a window of 1280 by 800."""
    one.until = time.monotonic() + LIMIT
    one.size(1280, 800)
    one.media(prefers_color_scheme="light", prefers_reduced_motion="no-preference")
    return one


@pytest.fixture
def show(chrome, tmp_path):
    """Open the page of a circuit."""

    def call(circuit, **options):
        cg.page(circuit, str(tmp_path / "f.html"), **options)
        chrome.open(tmp_path / "f.html")
        return chrome

    return call


def values(chrome):
    """Give the outputs in the panel, as the page computes them."""
    return chrome.run(
        """Object.fromEntries([...document.querySelectorAll("output")].map(
             (each) => [each.dataset.name, Number(each.dataset.value ?? "x")]))"""
    )


def value_at(chrome, key):
    return chrome.run(
        f"""document.querySelector('[data-key="{key}"] .value').textContent"""
    )


def shown(chrome):
    """Give the keys of the nodes that are there at this step."""
    return set(
        chrome.run(
            """[...document.querySelectorAll(".node[data-key]:not(.later)")].map(
                 (each) => each.dataset.key)"""
        )
    )


def test_the_page_runs_without_complaint_and_asks_for_nothing(show, any_example):
    for width, height in ((1024, 768), (1280, 800)):
        for scheme in ("light", "dark"):
            chrome = show(any_example, of=any_example.output_names[0])
            chrome.size(width, height)
            chrome.media(prefers_color_scheme=scheme)
            for key in ("ArrowRight", "ArrowRight", "ArrowDown", "f", "End", "b", "0"):
                chrome.press(key)
            assert chrome.complaints() == []
            inside = "[document.documentElement.scrollWidth, innerWidth]"
            needed, there = chrome.run(inside)
            assert needed <= there == width
            assert chrome.run("document.documentElement.scrollHeight") <= height


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_every_gate_computes_what_it_should(chrome, gate):
    """At points of its domain, where it has kinks, and where it has no value."""
    exponents = [Fraction(n, d) for n, d in ((0, 1), (2, 1), (3, 1), (-2, 1), (1, 2))]
    parameters = exponents if gate.name == "power" else [Fraction(1, 2)]
    script = (
        files("circuitgrad.figures.webpage").joinpath("gates.js").read_text("utf-8")
    )
    chosen = random.Random(gate.name)
    special = [0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -7.5, 40.0, -800.0, 1e-9, 1e9]
    for arity in [gate.arity] if gate.arity else [1, 2, 3]:
        for parameter in parameters:
            builder = cg.Builder()
            operands = [builder.input(f"x{i}") for i in range(arity)]
            given = {"param": parameter} if gate.takes_parameter else {}
            builder.output("f", builder.gate(gate.name, *operands, **given))
            circuit = builder.finish()
            points = [list(kink.operands) for kink in gate.kinks]
            points = [[float(u) for u in p] for p in points if len(p) == arity]
            points += [[chosen.choice(special) for _ in operands] for _ in range(25)]
            points += [
                [chosen.uniform(*gate.interval(slot)) for slot in range(arity)]
                for _ in range(25)
            ]
            points += [[u] * arity for u in special]
            found = chrome.run(
                f"""(() => {{ {script}
                  const program = {json.dumps(program(circuit))};
                  return {points!r}.map((p) => String(run(program, p).at(-1)));
                }})()"""
            )
            with np.errstate(all="ignore"):
                expected = [
                    float(
                        vertex_values(circuit, Floats(), list(map(np.float64, p)))[-1]
                    )
                    for p in points
                ]
            for point, one, other in zip(points, found, expected, strict=True):
                close = math.isclose(float(one), other, rel_tol=1e-13, abs_tol=1e-300)
                both = math.isnan(float(one)) and math.isnan(other)
                assert close or both, (point, one, other)


@pytest.mark.parametrize("name", ["worked_example", "fig1", "perceptron"])
def test_values_are_those_of_evaluate(show, name):
    circuit = example(name)
    chrome = show(circuit)
    point = {x: Fraction(2 * k + 1, 3 + k) for k, x in enumerate(circuit.inputs)}
    for number, value in enumerate(point.values()):
        chrome.write(f"#input{number}", str(value))
    gradient = cg.gradient(circuit, value=True)
    expected = cg.evaluate(gradient, {x: float(v) for x, v in point.items()})
    for key in ("f", "b"):
        chrome.run("document.activeElement.blur()")
        chrome.press(key)
        assert values(chrome) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_values_flow_to_every_gate(show):
    chrome = show(example("worked_example"))
    keys = ["n0", "n2", "n3", "n4", "n5", "m4", "m2", "m0", "m1"]
    assert [value_at(chrome, k) for k in keys] == [
        *("1", "3", "2", "5", "15", "3", "8", "14", "11")
    ]
    chrome.write("#input0", "1/3")
    assert [value_at(chrome, k) for k in keys] == [
        *("0.3333", "2.333", "0.6667", "3", "7", "2.333", "5.333", "10", "6.111")
    ]
    chrome.write("#input0", "-1e-3")
    assert value_at(chrome, "n0") == "−0.001"
    chrome.write("#input0", "12345678")
    assert value_at(chrome, "n0") == "1.235·10⁷"


@pytest.mark.parametrize("text", ["", "x", "1/0", "1+1", "alert(1)", "1e999", "0x10"])
def test_what_is_no_number_has_no_values(show, text):
    chrome = show(example("worked_example"))
    chrome.write("#input0", text)
    assert value_at(chrome, "n5") == ""
    assert chrome.text(".output output") == "–"
    invalid = chrome.run(
        "document.querySelector('#input0').getAttribute('aria-invalid')"
    )
    assert invalid == ("true" if text else "false")
    assert ("such as 0.5" in chrome.text("#input0wrong")) == bool(text)
    chrome.write("#input0", "2")
    assert value_at(chrome, "n5") == "32"
    assert chrome.complaints() == []


def test_where_a_gate_has_no_value_it_says_so(show):
    chrome = show(cg.parse_expression("log(x) + 1/y"))
    chrome.write("#input0", "-1")
    assert chrome.text(".output output") == "undefined"
    chrome.write("#input0", "1")
    chrome.write("#input1", "0")
    assert chrome.text(".output output") == "∞"
    assert chrome.complaints() == []


def test_a_gate_of_the_user_has_no_values(show, monkeypatch):
    import circuitgrad.figures.webpage.view as view

    def foreign(circuit):
        return [
            ["bessel", *g[1:]] if isinstance(g, list) else g for g in program(circuit)
        ]

    monkeypatch.setattr(view, "program", foreign)
    chrome = show(example("worked_example"))
    assert "does not know the gate bessel" in chrome.text("#outputs")
    assert value_at(chrome, "n5") == ""
    chrome.press("ArrowRight")
    assert chrome.text("#title").startswith("Step 1 of 6")
    assert chrome.complaints() == []


@pytest.mark.parametrize(("mode", "key"), [("reverse", "b"), ("forward", "f")])
@pytest.mark.parametrize("name", ["worked_example", "fig1"])
def test_arrow_keys_step_through(show, name, mode, key):
    """What is there at each step, and its chain rule, are those of `steps_of`."""
    circuit = example(name)
    chrome = show(circuit)
    expected = steps_of(circuit, mode=mode)
    nodes = {k for k in expected.scene.nodes if k[0] != "o"}
    chrome.press(key)
    assert shown(chrome) == nodes  # all of it, before the first step
    chrome.press("Home")
    there = nodes.intersection(expected.start)
    assert shown(chrome) == there
    for number, step in enumerate(expected.steps, 1):
        chrome.press("ArrowRight")
        there |= nodes.intersection(step.keys)
        assert shown(chrome) == there
        visit = f"Step {number} of {len(expected.steps)}: visit {step.name.text}"
        assert chrome.text("#title") == visit
        for rule in step.rules:
            assert f"{rule.derivative.text} =" in chrome.text("#rule")
        said = f"Step {number} of {len(expected.steps)}, {step.name.text}: "
        assert chrome.text("#spoken") == said + step.rule.text
    chrome.press("ArrowRight")
    assert shown(chrome) == nodes
    chrome.press("ArrowLeft")
    assert shown(chrome) == nodes - set(expected.steps[-1].keys)
    chrome.press("End")
    assert shown(chrome) == nodes


def test_the_figure_fits_and_stays_where_it_is(show):
    """Whatever a step says below it; and it is scrolled to where it is larger."""
    chrome = show(example("fig1"))
    place = """(() => {
      const [f, s] = ["svg.figure", "#stage"].map(
        (each) => document.querySelector(each).getBoundingClientRect());
      return [f.left >= s.left && f.right <= s.right && f.top >= s.top
        && f.bottom <= s.bottom, f.left, f.top, f.width];
    })()"""
    for key, width in (("b", 1024), ("f", 1280)):
        chrome.size(width, 768)
        chrome.press(key)
        seen = {json.dumps(chrome.run(place))}
        for _ in range(10):
            chrome.press("ArrowRight")
            seen.add(json.dumps(chrome.run(place)))
        assert len(seen) == 1
        assert seen.pop().startswith("[true")
    for _ in range(5):
        chrome.press("+")
    fits, *_, width = chrome.run(place)
    assert not fits
    assert width > 1500


def test_an_output_comes_with_its_gate(show):
    chrome = show(example("fig1"))
    chrome.press("f")
    chrome.press("Home")
    later = """[...document.querySelectorAll("svg .output")].map(
        (each) => each.classList.contains("later"))"""
    arrows_and_names = chrome.run(later)
    assert sorted(arrows_and_names) == [False] * 2 + [True] * 6


def test_buttons_do_what_keys_do(show):
    chrome = show(example("worked_example"))
    chrome.click("#first")
    assert chrome.run("document.querySelector('#back').disabled")
    chrome.click("#next")
    assert chrome.text("#title").startswith("Step 1 of 6")
    chrome.click("#last")
    assert chrome.text("#title").startswith("Step 6 of 6")
    chrome.click("[data-mode=forward]")
    assert chrome.text("#title").startswith("All 4 steps")
    pressed = "document.querySelector('[data-mode=forward]').ariaPressed"
    assert chrome.run(pressed) == "true"


def test_arrow_keys_in_a_field_move_the_caret(show):
    chrome = show(example("worked_example"))
    chrome.run("document.querySelector('#input0').focus()")
    chrome.press("ArrowRight")
    chrome.press("f")
    assert chrome.text("#title").startswith("All 6 steps")


def test_pointing_at_a_gate_says_what_it_is(show):
    chrome = show(example("worked_example"))
    chrome.point('[data-key="n5"]')
    said = chrome.text("#gate")
    for part in ("y = 15", "formula", "y = u₁·u₃", "∂y∂u₁ = u₃", "∂y∂u₃ = u₁"):
        assert part in said
    assert "prod gate of C, output y" in said
    chrome.point('[data-key="b8"]')
    assert "product of y at slot 0" in chrome.text("#gate")
    chrome.point('[data-key="m2"]')
    said = chrome.text("#gate")
    assert "∂y/∂u₁ = ∂y/∂u₃·1 + ∂y/∂y·u₃" in said
    assert "adjoint of u1 for y" in said
    assert chrome.run("document.querySelector('.partner').dataset.key") == "n2"
    chrome.point("h1")
    assert "Point at a gate" in chrome.text("#gate")


def test_gates_are_reached_by_keyboard(show):
    chrome = show(example("worked_example"))
    focused = "document.activeElement.dataset.key ?? document.activeElement.id"
    for _ in range(12):
        chrome.press("Tab")
        if chrome.run(focused) == "n0":
            break
    assert chrome.run(focused) == "n0"
    assert "x₁ = 1" in chrome.text("#gate")
    chrome.press("ArrowDown")
    chrome.press("ArrowDown")
    assert chrome.run(focused) == "n2"
    assert "u₁ = x₁ + x₂" in chrome.text("#gate")
    chrome.press("m")
    assert chrome.run(focused) == "m2"
    chrome.press("m")
    assert chrome.run(focused) == "n2"
    label = chrome.run("document.activeElement.getAttribute('aria-label')")
    assert label == "C: u₁ = x₁ + x₂, sum gate of C"
    border = (
        "getComputedStyle(document.querySelector('[data-key=n2] ellipse')).strokeWidth"
    )
    assert float(chrome.run(border).removesuffix("px")) > 3
    chrome.press("Tab")
    assert chrome.run(focused) == "first"


def test_every_field_and_button_has_a_name(show):
    chrome = show(example("perceptron"))
    tree = chrome.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox"}
    named = [n for n in tree if n.get("role", {}).get("value") in roles]
    assert len(named) > 20
    assert all(n["name"].get("value", "").strip() for n in named)


def test_light_and_dark(show):
    chrome = show(example("worked_example"))
    paper = "getComputedStyle(document.body).backgroundColor"
    fill = "getComputedStyle(document.querySelector('[data-key=m2] ellipse')).fill"
    assert chrome.run(paper) == "rgb(255, 255, 255)"
    assert chrome.run(fill) == "rgb(253, 238, 221)"
    chrome.media(prefers_color_scheme="dark")
    assert chrome.run(paper) == "rgb(27, 29, 34)"
    assert chrome.run(fill) == "rgb(84, 40, 10)"
    chrome.press("t")
    assert chrome.run(paper) == "rgb(255, 255, 255)"
    chrome.click("#theme")
    assert chrome.run(paper) == "rgb(27, 29, 34)"


def test_motion_is_left_out_where_it_is_not_wanted(show):
    chrome = show(example("worked_example"))
    chrome.write("#input0", "3")
    name = "getComputedStyle(document.querySelector('.changed .value')).animationName"
    assert chrome.run(name) == "flow"
    chrome.media(prefers_reduced_motion="reduce")
    assert chrome.run(name) == "none"


def test_the_policy_refuses_scripts_and_connections(show):
    chrome = show(example("worked_example"))
    chrome.run(
        """document.body.append(Object.assign(document.createElement("script"),
             {textContent: "window.bad = 1"}))"""
    )
    assert chrome.run("window.bad") is None
    chrome.run("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"bad=1\">')")
    chrome.run("document.body.lastChild.click()")
    assert chrome.run("window.bad") is None
    refused = chrome.run("fetch('https://example.org').then(() => 1, () => 'refused')")
    assert refused == "refused"
    assert any("Content Security Policy" in text for text in chrome.complaints())


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>window.bad=1</script>",
        "<img src=x onerror=window.bad=1>",
        "\"'><b onmouseover=window.bad=1>\\",
        "a:b`${window.bad=1}`{{SCRIPT}}",
        "\u202eabc\u2066\u05d0\u2028",
        "ש" * 200,
        "__proto__",
    ],
)
def test_names_inject_nothing(show, name, monkeypatch):
    """Not even those that no circuit can have."""
    for module in ("names", "circuit", "builder"):
        monkeypatch.setattr(f"circuitgrad.{module}.is_identifier", lambda text: True)
    builder = cg.Builder(name)
    x, y = builder.input(name), builder.input(f"{name}2")
    square = builder.sum([3 * (x * y), builder.constant(2)])
    builder.names[square.vertex] = f"{name}3"
    builder.output(f"{name}4", square * x)
    chrome = show(builder.finish())
    for key in ("n0", "n3", "m3"):
        chrome.point(f'[data-key="{key}"]')
    for key in ("ArrowRight", "ArrowRight", "f", "ArrowRight"):
        chrome.press(key)
    assert chrome.run("window.bad") is None
    assert chrome.run("document.querySelectorAll('img, b, script').length") == 2
    assert chrome.complaints() == []
    assert next(iter(values(chrome).values())) == 8.0
    assert chrome.run("document.documentElement.scrollWidth") <= 1280


def running(folder):
    """Give the processes of the browser whose folder this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if f"--user-data-dir={folder}".encode() in process.read_bytes():
                found.append(process)
    return found


def test_the_browser_leaves_nothing_behind():
    with Chromium(PROGRAM) as started:
        folder = started.folder
        assert os.path.isdir(folder)
    until = time.monotonic() + 20
    while running(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert running(folder) == []
    assert not os.path.exists(folder)
