"""Rewrite rules: each fires where it should and nowhere else, and keeps the values."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

import circuitgrad as cg
from circuitgrad.errors import RewriteError
from circuitgrad.evaluation.balls import Balls, precision
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.passes import PASSES
from circuitgrad.simplify.matching import Matcher, rule_circuits
from circuitgrad.simplify.rewrites import recording
from circuitgrad.simplify.rules import (
    EXTENDS,
    NORMAL_RULES,
    RULES,
    SHARING_RULES,
    Rule,
    all_rules,
)
from circuitgrad.simplify.terms import Terms

#: A formula for each rule that looks like its left side, and that it must leave alone.
MUST_NOT_FIRE = {
    "flatten-sum": "sin(u + v) + w",
    "distribute": "2*sin(u + v) + w",
    "add-numbers": "2*u + 3",
    "collect-terms": "2*u + 3*v",
    "cancel-terms": "u + v - w",
    "cancel-in-sum": "(u - v)^2 + (u - v) + w",
    "absorb-zero": "u + v",
    "negate-sum": "(u - v)*(v - w)",
    "scale-sum": "(u + 2*v)*(2*u + 3*v)",
    "flatten-product": "u*sin(v*w)",
    "collect-factors": "u*v*w",
    "cancel-factors": "u*v/w",
    "move-number": "2*u*v",
    "power-of-product": "(u + v)^2*w",
    "power-of-power": "sin(u^2)^3",
    "inverse-of-inverse": "1/(1 + 1/u)",
    "power-of-root": "sqrt(u)*v^2",
    "power-zero": "u^1 + v",
    "flatten-chain": "max(u, min(v, w))",
    "idempotent": "max(u, v, -u)",
    "odd": "cos(-u)",
    "even": "sin(-u)",
    "reciprocal": "v*sin(-u)",
    "log-of-exp": "log(1 + v + exp(u))",
    "exp-of-log": "exp(u + log(u))",
    "exp-of-multiple-of-log": "exp(v + log(u))",
    "sin-of-asin": "sin(acos(u))",
    "cos-of-acos": "cos(asin(u))",
    "tan-of-atan": "tan(asin(u))",
    "pythagoras": "sin(u)^2 + cos(v)^2",
    "hyperbolic-pythagoras": "cosh(u)^2 + sinh(u)^2",
    "tangent": "sin(u)/cos(v)",
    "cotangent": "cos(u)*sin(u)",
    "tanh": "sinh(u)/cosh(v)",
    "sigmoid": "1/(2 + exp(u))",
    "sigmoid-of-inverse": "1/(2 + 1/exp(u))",
    "softplus": "log(2 + exp(u))",
    "softplus-of-inverse": "log(2 + 1/exp(u))",
    "abs-of-abs": "abs(sin(u))",
    "abs-of-exp": "abs(log(u))",
    "abs-of-square": "abs(u^3)",
    "square-of-abs": "abs(u)",
    "root-of-square": "sqrt(u^3)",
    "sign-of-sign": "sign(sin(u))",
    "u-by-sign": "u*sign(v)",
    "relu-of-relu": "relu(sin(u))",
    "relu-of-abs": "abs(relu(u))",
    "relu-by-step": "relu(u)*step(v)",
    "u-by-step": "u/step(u)",
    "step-of-step": "step(sin(u))",
    "square-of-step": "step(u)*step(v)",
    "factor": "u*v + w",
    "divide-product": "f = u*v*w",
    "share-product": "u*v + u*w",
    "share-sum": "(u + v)*(u + w)",
    "share-multiple": "2*u + 3*v",
}

#: Programs in which the sharing passes find something, and the pass.
SHARING = {
    "factor": ("factor", ["f = x*y + x*z"]),
    "divide-product": ("share_products", ["f = x*y*z", "g = x*y*z*w^3"]),
    "share-product": ("share_products", ["f = sin(x*y*z)", "g = x*y*w", "h = w*x*y*v"]),
    "share-sum": ("share_sums", ["f = x + y + z", "g = x + y + w"]),
    "share-multiple": ("share_sums", ["f = 2*x + 4*y + z", "g = x + 2*y + w"]),
}

IDS = {"ids": lambda rule: rule.name}
POINTS = [
    {"u": Fraction(3, 10), "v": Fraction(7, 5), "w": Fraction(2)},
    {"u": Fraction(9, 10), "v": Fraction(1, 3), "w": Fraction(-3, 7)},
    {"u": Fraction(-2, 5), "v": Fraction(1, 2), "w": Fraction(1)},
]

#: What works on scalar gates; `test_matrix_rules` has the others.
SCALAR_RULES = (*NORMAL_RULES, *RULES, *SHARING_RULES)


def program(lines):
    """Make a circuit whose outputs are the names on the left."""
    text = "input v, w, x, y, z\n" + "\n".join(lines) + "\n"
    return cg.parse(text + "output " + ", ".join(line[0] for line in lines) + "\n")


def fired(circuit, name="rewrite", **options):
    """Run a pass; give its circuit and the names of the rules that fired."""
    with recording() as journal:
        made = PASSES[name].function(circuit, **options).verify()
    return made, [rewrite.rule.name for rewrite in journal.rewrites()]


@pytest.fixture(autouse=True)
def enough_bits():
    """Let balls be small."""
    with precision(256):
        yield


def values(circuit, point):
    """Enclose the outputs; None where there is no value."""
    arithmetic = Balls()
    try:
        found = vertex_values(
            circuit, arithmetic, [arithmetic.number(point[n]) for n in circuit.inputs]
        )
    except cg.EvaluationError:
        return None
    return [found[v].value for _, v in circuit.outputs]


def same_values(left, right):
    """Compare two circuits of one output where the left one has a value."""
    met = 0
    for point in POINTS:
        a, b = values(left, point), values(right, point)
        if a is None:
            continue
        met += 1
        if b is None or not abs(a[0] - b[0]) < 1e-40 * (1 + abs(a[0])):
            return False
    assert met, "no point where the left side has a value"
    return True


@pytest.mark.parametrize("rule", SCALAR_RULES, **IDS)
def test_both_sides_are_equal(rule):
    assert same_values(*rule_circuits(rule))


def test_a_wrong_rule_is_caught():
    """The test above fails on a sign, a factor, a function that is not the one."""
    for identity in (
        "sin(u)/cos(u) = tanh(u)",
        "log(exp(u)) = -u",
        "u*step(u) = abs(u)",
        "2*u + 3*u = 6*u",
    ):
        assert not same_values(*rule_circuits(Rule("wrong", identity, "exact")))


def test_a_wrong_rule_in_the_table_is_caught(monkeypatch):
    """Planted among the rules, it makes a gradient that its check refuses."""
    wrong = Matcher([Rule("wrong", "sinh(u)/cosh(u) = tan(u)", "exact")])
    monkeypatch.setattr(
        "circuitgrad.passes.rewrite.default_matcher", lambda ieee: wrong
    )
    circuit = cg.parse_expression("x*sinh(x)/cosh(x)")
    emitted = cg.gradient(circuit, pipeline="rewrite,fold,cse,dce")
    assert cg.check_gradient(circuit, emitted).failed


@pytest.mark.parametrize("rule", (*NORMAL_RULES, *RULES), **IDS)
def test_a_rule_fires_and_keeps_the_values(rule):
    """On its own left side, which becomes the right side and costs no more."""
    left, right = rule_circuits(rule)
    flatten = "none" if rule.name == "cancel-in-sum" else "single"
    made, names = fired(left, flatten=flatten)
    assert rule.name in names
    assert same_values(left, made)
    if rule in RULES:  # the normal form counts wires, not operations
        assert made.stats().ops < left.stats().ops
    assert made.stats().wires <= left.stats().wires
    wanted, _ = fired(right, flatten=flatten)
    # inputs that the right side has lost stay in the left one's circuit
    if left.inputs == right.inputs:
        assert cg.isomorphic(made, wanted)


@pytest.mark.parametrize("name", SHARING)
def test_a_sharing_rule_fires_and_saves(name):
    pass_name, lines = SHARING[name]
    circuit = program(lines)
    made, names = fired(circuit, pass_name)
    assert name in names
    assert made.stats().ops < circuit.stats().ops
    point = {n: Fraction(i + 2, 3) for i, n in enumerate(circuit.inputs)}
    for a, b in zip(values(circuit, point), values(made, point), strict=True):
        assert abs(a - b) < 1e-40


@pytest.mark.parametrize("rule", SCALAR_RULES, **IDS)
def test_a_rule_does_not_fire_elsewhere(rule):
    text = MUST_NOT_FIRE[rule.name]
    if text.startswith("f ="):
        circuit = program(["f = x*y*z"])
    else:
        circuit = cg.parse_expression(text)
    pass_name = SHARING[rule.name][0] if rule in SHARING_RULES else "rewrite"
    _, names = fired(circuit, pass_name)
    assert rule.name not in names


@pytest.mark.parametrize("rule", SCALAR_RULES, **IDS)
def test_under_ieee_only_rounding_changes(rule):
    left, _ = rule_circuits(rule)
    for name in ("rewrite", "factor", "share_products", "share_sums"):
        _, names = fired(left, name, ieee=True)
        kept = {r.name for r in SCALAR_RULES if r.ieee}
        assert set(names) <= kept


def test_ieee_pipelines_keep_infinities_and_nans():
    """0*u at an infinity, u/u at 0, u - u at an infinity, 2*(u + v) that overflows."""
    circuit = cg.parse(
        "input u, v\na = prod(0, u)\nb = u/u\nc = 1*u - v\nd = 1/(1/u)\n"
        "e = 2*c + u\ng = sqrt(u)^2\noutput a, b, c, d, e, g\n"
    )
    import numpy as np

    for level in ("tidy", "size", "depth"):
        steps = cg.passes.with_ieee(cg.passes.parse_pipeline(level))
        made = cg.run(circuit, steps)
        points = [(0.0, 1.0), (np.inf, np.inf), (-1.0, 2.0), (1e308, -1e308)]
        for u, v in points:
            with np.errstate(all="ignore"):
                a = cg.evaluate(circuit, {"u": u, "v": v}, exact=False)
                b = cg.evaluate(made, {"u": u, "v": v}, exact=False)
            for name in circuit.output_names:
                assert a[name] == b[name] or (a[name] != a[name] and b[name] != b[name])


def test_every_rule_has_a_case_where_it_must_not_fire():
    assert set(MUST_NOT_FIRE) == {rule.name for rule in SCALAR_RULES}
    assert set(SHARING) == {rule.name for rule in SHARING_RULES}


def test_names_are_distinct_and_classes_known():
    rules = SCALAR_RULES
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.soundness in ("exact", "extends", "reassociates")
        assert re.fullmatch(r"[a-z-]+", rule.name)


def test_an_exact_rule_has_no_value_where_the_left_has_none():
    """At 0, 1 and -1, where divisions and logarithms of the left side end."""
    for rule in (*RULES, *NORMAL_RULES):
        if rule.soundness == EXTENDS:
            continue
        left, right = rule_circuits(rule)
        for number in (0, 1, -1):
            point = dict.fromkeys("uvw", Fraction(number))
            if values(left, point) is None:
                assert values(right, point) is None, (rule.name, number)


def test_no_rule_shrinks_the_domain():
    for rule in SCALAR_RULES:
        left, right = rule_circuits(rule)
        for number in (0, 1, -1):
            point = dict.fromkeys("uvw", Fraction(number))
            if values(left, point) is not None:
                assert values(right, point) is not None, (rule.name, number)


def test_a_rule_that_costs_more_is_refused():
    with pytest.raises(RewriteError, match="costs 2 operations, the left 1"):
        Matcher([Rule("worse", "tan(u) = sin(cos(u))", "exact")])
    with pytest.raises(RewriteError, match="w is only on the right"):
        Matcher([Rule("loose", "sin(u)*cos(u) = w", "exact")])


def test_rules_in_a_circle_are_stopped():
    """The guard names them, whatever the measure says."""
    there, back = Rule("there", "u = u", "exact"), Rule("back", "u = u", "exact")
    flip = {True: there, False: back}

    def match(terms, value):
        return flip[len(terms.fired) % 2 == 0], value

    terms = Terms(match=match)
    with pytest.raises(RewriteError, match="undo one another: there"):
        terms.call(cg.gates.code_of("sin"), [terms.leaf(0)])


@pytest.mark.parametrize("rule", (*NORMAL_RULES, *RULES), **IDS)
def test_a_rule_before_differentiation_keeps_declared_derivatives(rule):
    """At kinks, where the gate table says what the derivative is."""
    left, _ = rule_circuits(rule)
    plain, made = (cg.jacobian(left, pipeline=level) for level in ("none", "size"))
    for number in (0, 1, -1, 2):
        point = dict.fromkeys(left.inputs, Fraction(number))
        a = values(plain, point)
        if a is not None:
            b = values(made, point)
            assert b is not None
            a, b = (
                dict(zip(c.output_names, v, strict=True))
                for c, v in ((plain, a), (made, b))
            )
            for name in a:
                assert abs(a[name] - b[name]) < 1e-40, (name, number)


#: Circuits that once went wrong: a lost factor, a term cancelled twice, roots of 1.
REGRESSIONS = [
    "g = x*y\ns = sqrt(g)\nf = s*s*x*g\nh = sin(g)",
    "g0 = x + y\ng1 = g0 + x\nf = g1 - g0\nh = g0*g1",
    "f = 1^(5/2) + x\nh = (x/x)^(3/2) + y",
    "f = sqrt(1)^3*x\nh = x^0*y",
    "g = sqrt(1/2)\nn = prod(g, 1/2, x, g)\nf = n + y\nh = 3*n",
    "a = y/x\nb = sqrt(sqrt(a))\nc = (x/y)*a\nf = sqrt(y)/c*b\nh = 1/a + c",
    "f = pi*x*y\nh = f*4*x",
    "f = x^2*sqrt(2)\nh = exp(-(x/y)^2/2)/(y*sqrt(2*pi))",
    "f = cos(0*(x*y)) + 1\nh = max(0*(x*y), x)",
    "f = x + 3*(0/y)\nh = (3 - 3)*(3/x)",
    "a = x^27\nb = a^27\nc = b^27\nd = c^27\ne = d^27\nf = 0*e + x\nh = d^27*e^27",
]


@pytest.mark.parametrize("lines", REGRESSIONS)
def test_circuits_that_once_went_wrong(lines):
    circuit = cg.parse(f"input x, y\n{lines}\noutput f, h\n")
    single = [
        name for name, p in PASSES.items() if p.name == name and "limit" in p.options()
    ]
    for ieee in (False, True):
        made = [fired(circuit, name, ieee=ieee)[0] for name in single]
        made.append(fired(circuit, "share_products", numbers="all", ieee=ieee)[0])
        for level in ("size", "depth"):
            steps = cg.passes.parse_pipeline(level)
            made.append(cg.run(circuit, cg.passes.with_ieee(steps) if ieee else steps))
            gradient = cg.jacobian(circuit, value=True, pipeline=level, ieee=ieee)
            outputs = [o for o in gradient.outputs if o[0] in ("f", "h")]
            made.append(gradient.with_outputs(outputs))
        for point in (
            {"x": Fraction(1, 3), "y": Fraction(2, 7)},
            {"x": Fraction(-1), "y": Fraction(-1)},
        ):
            a = values(circuit, point)
            for other in made:
                if a is not None:
                    b = values(other, point)
                    for u, v in zip(sorted(a), sorted(b), strict=True):
                        assert abs(u - v) <= 1e-40 * (1 + abs(u))


def test_ieee_leaves_a_callers_steps_alone():
    steps = cg.passes.parse_pipeline("fold{ieee=false},(|factor)")
    cg.passes.with_ieee(steps)
    assert [str(step) for step in steps] == ["fold{ieee=false}", "(|factor)"]


@pytest.mark.parametrize("flatten", ["none", "single", "all"])
def test_products_divide_by_nothing_new(flatten):
    """A product f = x*y*z is never divided by x; x*z/y may be divided by y again."""
    circuit = cg.parse("input x, y, z\nf = x*y*z\noutput f\n")
    emitted = cg.gradient(circuit, value=True, pipeline="size")
    point = {"x": 0, "y": 0, "z": 0}
    assert set(cg.evaluate(emitted, point).values()) == {0}
    quotient = cg.parse_expression("x*z/y")
    made = cg.gradient(quotient, value=True, pipeline=f"rewrite{{flatten={flatten}}}")
    assert cg.evaluate(made, {"x": 0, "y": 1, "z": 0})["f"] == 0


def test_the_square_of_a_root_stays_a_root_of_a_square():
    """(x^2)^(1/2) is |x|, not x."""
    made, _ = fired(cg.parse_expression("sqrt(x^2)"))
    assert cg.evaluate(made, {"x": -3})["f"] == 3


def test_long_numbers_are_not_made():
    """A weight of more than 64 digits is left as it is written."""
    big = "9" * 40
    text = f"input x, y\na = {big}*x + y\nb = {big}*a + x\nf = {big}*b*b\noutput f\n"
    circuit = cg.parse(text)
    for pass_name in ("rewrite", "factor", "share_products", "share_sums", "orient"):
        made, _ = fired(circuit, pass_name)
        point = {"x": Fraction(1, 3), "y": Fraction(2)}
        assert cg.evaluate(made, point) == cg.evaluate(circuit, point)


def test_log_and_list_on_the_command_line(tmp_path, run):
    log = tmp_path / "log.jsonl"
    status, _, _ = run(
        "opt", "-e", "sin(-x)*exp(log(y))", "-p", "rewrite", "--log-rewrites", str(log)
    )
    assert status == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"pass": "rewrite", "rule": "odd", "gate": "g1", "class": "exact"} in [
        {**line, "gate": "g1"} for line in lines
    ]
    assert all(set(line) == {"pass", "rule", "gate", "class"} for line in lines)
    assert "exp-of-log" in {line["rule"] for line in lines}
    status, out, _ = run("rules", "--json")
    assert [json.loads(line)["rule"] for line in out.splitlines()] == [
        rule.name for rule in all_rules()
    ]
    status, out, _ = run("rules")
    assert "sin(-u) = -sin(u)" in out
    status, out, _ = run("passes")
    assert "share_products" in out and "-O size" in out


def test_the_page_of_the_rules_is_current(run):
    page = Path(__file__).parent.parent / "docs" / "rules.md"
    _, out, _ = run("rules", "--markdown")
    assert page.read_text() == out
