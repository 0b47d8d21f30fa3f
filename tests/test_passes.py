"""Simplifying passes: the graph, the values, and where they must not fire."""

from __future__ import annotations

from fractions import Fraction

import pytest
from conftest import shared_files
from hypothesis import given, settings
from strategies import POINTS, at, circuits, rational_circuits

import circuitgrad as cg
from circuitgrad.passes import LEVELS, PASSES, parse_pipeline

SIMPLIFIERS = ("fold", "fuse", "cse", "dce")
RESHAPERS = ("binarize", "balance", "desugar", "sugar")
#: Passes on terms, in every setting that a level uses.
RESTRUCTURERS = (
    "rewrite",
    "rewrite{flatten=none}",
    "rewrite{flatten=all}",
    "rewrite{primitive}",
    "factor",
    "factor{shared}",
    "share_products",
    "share_products{numbers=in}",
    "share_products{numbers=all}",
    "share_products{divide=false}",
    "rewrite{flatten=none products=single}",
    "share_products{products=single}",
    "share_sums",
    "orient",
    "size",
    "depth",
)


def body(circuit):
    """Give the gates of a circuit as text, without inputs and outputs."""
    lines = str(circuit).splitlines()
    return [
        line for line in lines if not line.startswith(("input", "output", "circuit"))
    ]


def parsed(lines):
    names = [n for n in ("x", "y", "z") if any(n in line for line in lines)]
    return cg.parse(f"input {', '.join(names)}\n" + "\n".join(lines) + "\noutput f\n")


# pass, before, after; the same before and after is a case where it must not fire
CASES = {
    "fold numbers": ("fold", ["g = prod(2, 3)", "f = x + g"], ["f = x + 6"]),
    "fold a sum of numbers": ("fold", ["f = x + 2 + 3 - 5"], []),
    "fold adds numbers": ("fold", ["f = x + 2 + 3"], ["f = x + 5"]),
    "fold 1*u": ("fold", ["f = prod(1, x, y)"], ["f = x*y"]),
    "fold 1*u alone": ("fold", ["g = prod(1, x)", "f = sin(g)"], ["f = sin(x)"]),
    "fold 0*u": ("fold", ["g = prod(0, x)", "f = y + g + x"], ["f = y + x"]),
    "fold a weight 0": ("fold", ["f = 0*x + y*2 + 1"], ["f = 2*y + 1"]),
    "fold numbers of a product": (
        "fold",
        ["c = 2", "d = 3", "f = c*x*d*y"],
        ["c = 2", "d = 3", "f = prod(6, x, y)"],
    ),
    "fold a product into a weight": ("fold", ["f = prod(5, x)"], ["f = 5*x"]),
    "fold u/c": ("fold", ["c = 4", "f = x/c"], ["c = 4", "f = 1/4*x"]),
    "fold 1/u": ("fold", ["c = 1", "f = c/x"], ["c = 1", "f = 1/x"]),
    "fold 0/u": ("fold", ["c = 0", "g = c/x", "f = g + x"], ["c = 0"]),
    "fold u^1": ("fold", ["f = sin(x^1)"], ["f = sin(x)"]),
    "fold u^0": ("fold", ["f = x + x^0"], ["f = x + 1"]),
    "fold u^c": ("fold", ["c = 3", "f = x^c"], ["c = 3", "f = x^3"]),
    "fold sum(u)": ("fold", ["g = sum(x)", "f = sin(g)"], ["f = sin(x)"]),
    "fold max(u)": ("fold", ["f = sin(max(x))"], ["f = sin(x)"]),
    "fold abs": ("fold", ["f = x + abs(-2)"], ["f = x + 2"]),
    "fold goes on": ("fold", ["g = prod(0, x)", "h = g*y", "f = h + y"], []),
    "fold not 1/0": ("fold", ["c = 0", "g1 = 1/c", "f = x + g1"], None),
    "fold not u/0": ("fold", ["c = 0", "f = x/c"], None),
    "fold not sin(1)": ("fold", ["g1 = sin(1)", "f = x + g1"], None),
    "fold not 2^(1/2)": ("fold", ["g1 = 2^(1/2)", "f = x + g1"], None),
    "fold not pi": ("fold", ["f = pi*x"], None),
    "fold 2*pi": ("fold", ["g1 = prod(2, pi)", "f = g1*x"], ["g1 = 2*pi", "f = g1*x"]),
    "fold not x*x": ("fold", ["f = x*x"], None),
    "fuse a weight": ("fuse", ["g = 3*x", "f = 2*g + y"], ["f = 6*x + y"]),
    "fuse a chain": (
        "fuse",
        ["g = 3*x", "h = -g", "f = 2*h + y"],
        ["f = -6*x + y"],
    ),
    "fuse a sum": (
        "fuse",
        ["g = x + 2*y", "f = 3*g - z"],
        ["f = 3*x + 6*y - z"],
    ),
    "fuse sums with constants": (
        "fuse",
        ["g = x + 1", "f = 3*g + 2"],
        ["f = 3*x + 5"],
    ),
    "fuse equal terms": ("fuse", ["f = x + y + 2*x"], ["f = 3*x + y"]),
    "fuse terms that cancel": ("fuse", ["f = x + y - x"], []),
    "fuse everything cancels": (
        "fuse",
        ["g = x - x", "f = y + sin(x) + g"],
        ["g1 = sin(x)", "f = y + g1"],
    ),
    "fuse to a number": (
        "fuse",
        ["g = x - 2 - x", "f = sin(g)*y"],
        ["g1 = sin(-2)", "f = g1*y"],
    ),
    "fuse not used twice": (
        "fuse",
        ["g = x + y", "f = g*g + g"],
        ["g = x + y", "g1 = g*g", "f = g1 + g"],
    ),
    "fuse not in a product": ("fuse", ["g = x + y", "f = g*z"], None),
    "fuse not a weight in a product": ("fuse", ["g = 3*x", "f = g*z"], None),
    "cse": (
        "cse",
        ["g = x*y", "h = y*x", "f = g + sin(h)"],
        ["g = x*y", "g1 = sin(g)", "f = g + g1"],
    ),
    "cse goes on": (
        "cse",
        ["g = sin(x)", "h = sin(x)", "f = exp(g)/exp(h)"],
        ["g = sin(x)", "g1 = exp(g)", "f = g1/g1"],
    ),
    "cse sums": (
        "cse",
        ["g = x - 2*y", "h = -2*y + x", "f = g*h"],
        ["g = x - 2*y", "f = g*g"],
    ),
    "cse not other weights": ("cse", ["g = x - 2*y", "h = x + 2*y", "f = g*h"], None),
    "cse not other order": ("cse", ["g = x/y", "h = y/x", "f = g*h"], None),
    "cse not other exponents": ("cse", ["g = x^2", "h = x^3", "f = g*h"], None),
    "cse not other arity": ("cse", ["g = x*y", "h = x*y*y", "f = g*h"], None),
    "binarize": (
        "binarize",
        ["f = x - 2*y + z + 1"],
        ["g1 = x - 2*y", "g2 = g1 + z", "f = g2 + 1"],
    ),
    "binarize products": ("binarize", ["f = x*y*z"], ["g1 = x*y", "f = g1*z"]),
    "binarize not two": ("binarize", ["g = x + y", "f = g*max(x, z)"], None),
    "balance": ("balance", ["f = x*y*z*x"], ["g1 = x*y", "g2 = z*x", "f = g1*g2"]),
    "balance by depth": (
        "balance",
        ["f = sin(x)*y*z"],
        ["g1 = sin(x)", "g2 = y*z", "f = g1*g2"],
    ),
    "balance not what is shared": (
        "balance",
        ["g = x*y", "h = g*z", "f = h*x*sin(h)"],
        ["g1 = x*y", "h = z*g1", "g2 = sin(h)", "g3 = h*x", "f = g2*g3"],
    ),
    "balance a dead use": (
        "balance",
        ["g = x*y", "h = abs(g)", "f = z*x*g"],
        ["g1 = z*x", "g2 = x*y", "f = g1*g2"],
    ),
    "balance not over weights": (
        "balance",
        ["g = x + y", "h = 2*g + z", "f = h*h"],
        None,
    ),
    "desugar": ("desugar", ["f = x - 3*y + 5"], ["g1 = prod(-3, y)", "f = x + g1 + 5"]),
    "desugar alone": (
        "desugar",
        ["g = 3*x", "f = sin(g)"],
        ["g = prod(3, x)", "f = sin(g)"],
    ),
    "desugar not 1": ("desugar", ["f = x + y + 5"], None),
    "sugar": ("sugar", ["g = prod(3, y)", "f = x + g"], ["f = x + 3*y"]),
    "dce": ("dce", ["g = x*y", "h = sin(y)", "f = g"], ["g = x*y"]),
    "dce constants": ("dce", ["c = 5", "f = x*y"], ["f = x*y"]),
    "dce not what is used": ("dce", ["g = x*y", "f = sin(g)"], None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_pass_does_and_leaves(case):
    name, before, after = CASES[case]
    circuit = parsed(before)
    emitted = cg.run(circuit, name)
    if after is None:
        assert emitted is circuit
        return
    assert body(emitted) == after  # [] where f is now an input
    names = circuit.inputs
    for point in ({"x": 2, "y": 3, "z": 5}, {"x": -1, "y": 7, "z": 2}):
        chosen = {n: float(point[n]) for n in names}
        assert cg.evaluate(emitted, chosen)["f"] == pytest.approx(
            cg.evaluate(circuit, chosen)["f"]
        )


@pytest.mark.parametrize("name", [*SIMPLIFIERS, *RESHAPERS, *RESTRUCTURERS])
@settings(max_examples=120, deadline=None)
@given(rational_circuits(), POINTS)
def test_every_pass_keeps_the_values_exactly(name, circuit, point):
    emitted = cg.run(circuit, name)
    assert emitted.inputs == circuit.inputs
    assert cg.evaluate(emitted, at(circuit, point)) == cg.evaluate(
        circuit, at(circuit, point)
    )


@pytest.mark.parametrize("name", SIMPLIFIERS)
@settings(max_examples=120, deadline=None)
@given(circuits())
def test_passes_are_idempotent_and_never_grow(name, circuit):
    once = cg.run(circuit, name)
    assert cg.run(once, name) == once
    assert once.size <= circuit.size
    assert once.depth <= circuit.depth
    if name in ("cse", "dce"):
        assert once.stats().ops <= circuit.stats().ops


@settings(max_examples=80, deadline=None)
@given(circuits())
def test_tidy_never_has_more_gates_than_the_literal_output(circuit):
    literal = cg.jacobian(circuit, pipeline="none")
    assert cg.run(literal, "tidy").size <= literal.size


def test_weights_down_a_long_chain_do_not_explode():
    """A merge that would make a number of more than 64 digits does not fire."""
    lines = "".join(f"x{i + 1} = 10*x{i}\n" for i in range(200))
    circuit = cg.parse(f"input x0\n{lines}output x200\n")
    fused = cg.fuse(circuit)
    assert cg.evaluate(fused, x0=1) == {"x200": Fraction(10**200)}
    assert max(len(line) for line in str(cg.dce(fused)).splitlines()) < 90
    gradient = cg.gradient(circuit)
    assert cg.evaluate(gradient, x0=1) == {"dx200_dx0": 10**200}


def test_folding_makes_no_long_numbers():
    lines = "".join(f"c{i + 1} = prod(c{i}, c{i})\n" for i in range(12))
    circuit = cg.parse(f"input x\nc0 = 10\n{lines}f = c12*x\noutput f\n")
    folded = cg.run(circuit, "fold,dce")
    assert max(len(line) for line in str(folded).splitlines()) < 90
    assert cg.evaluate(folded, x=1) == {"f": 10 ** (2**12)}


def test_deep_sums_fuse_in_linear_time():
    lines = "".join(f"s{i + 1} = s{i} + x{i}\n" for i in range(2000))
    names = ", ".join(f"x{i}" for i in range(2000))
    circuit = cg.parse(f"input s0, {names}\n{lines}output s2000\n")
    fused = cg.run(circuit, "fuse,dce")
    assert fused.size == 1
    assert fused.stats().wires == 2001


def test_names_survive_when_gates_merge():
    circuit = cg.parse("input x\nnamed = prod(1, sin(x))\nf = exp(named)\noutput f\n")
    assert body(cg.fold(circuit)) == ["named = sin(x)", "f = exp(named)"]


@pytest.mark.parametrize("path", shared_files("size") + shared_files("lecture"))
def test_tidy_on_shared_circuits(path):
    circuit = cg.read(path)
    literal = cg.reverse_mode(circuit, value=True)
    tidy = cg.run(literal, LEVELS["tidy"].after)
    assert tidy.size <= literal.size
    assert tidy.stats().ops <= literal.stats().ops
    assert cg.run(tidy, "fold") == tidy


# ------------------------------------------------------------------ the language


def test_pipelines_are_read_and_shown():
    text = "bp{wrt=x,y seed=w value},fold, cse ,dce"
    steps = parse_pipeline(text)
    assert [str(step) for step in steps] == [
        "bp{wrt=x,y seed=w value}",
        "fold",
        "cse",
        "dce",
    ]
    assert parse_pipeline("tidy")[0].made_of is PASSES["fold"]
    assert parse_pipeline("fp{all=false}")[0].options == {"all": False}


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("fold,cze", 6, "no pass 'cze'; there are: bp, fp, fold"),
        ("fold cse", 6, "a comma should stand between passes"),
        ("", 1, "the name of a pass should stand here"),
        ("fold,", 6, "the name of a pass should stand here"),
        ("bp{wrt=}", 4, "needs a value"),
        ("bp{of=f wrong=x}", 9, "reverse_mode has no option 'wrong'; it has: of, wrt"),
        ("fold{x=1}", 6, "fold has no option 'x'; it has: ieee"),
        ("cse{x=1}", 5, "cse has no option 'x'; it has: none"),
        ("rewrite{flatten=some}", 9, "flatten is single or all or none"),
        ("orient{limit=-1}", 8, "limit is a whole number"),
        ("(fold|cse", 1, "this parenthesis is never closed"),
        ("(fold|cze)", 7, "no pass 'cze'"),
        ("(fold cse)", 7, "a comma should stand between passes"),
        ("fold)", 5, "there is nothing to close"),
        ("(" * 30, 21, "more than 20 nested alternatives"),
        ("big", 1, "and the levels none, tidy, size, depth"),
        ("bp{value=maybe}", 4, "value is true or false"),
    ],
)
def test_bad_pipelines(text, column, message):
    with pytest.raises(cg.PipelineError) as caught:
        parse_pipeline(text)
    assert str(caught.value).startswith(f"pipeline:{column}: ")
    assert message in str(caught.value)


def test_reports_have_times_and_circuits():
    seen = []
    cg.run(
        cg.parse_expression("x*1 + x"),
        "bp,tidy".replace("tidy", LEVELS["tidy"].after),
        report=seen.append,
    )
    steps = ["bp", "fold", "matrices", "fuse", "cse", "dce"]
    assert [str(ran.step) for ran in seen] == steps
    assert all(step.seconds > 0 for step in seen)
    assert seen[0].after is seen[1].before


def test_alternatives_multiply_and_the_best_is_kept():
    circuit = cg.parse_expression("x*y + x*z")
    seen = []
    made = cg.run(circuit, "(|factor),(dce|binarize)", report=seen.append)
    assert [str(ran.step) for ran in seen] == ["factor", "dce"]
    assert made.stats().ops == 2
    assert cg.run(circuit, "(|factor),(dce|binarize)", goal="depth").depth == 2
    assert cg.run(circuit, "(|)") is circuit
    nested = "(fold|(cse|dce,(orient|)))"
    assert str(parse_pipeline(nested)[0]) == nested
    with pytest.raises(
        cg.PipelineError, match="no goal 'speed'; there are: ops, depth"
    ):
        cg.run(circuit, "fold", goal="speed")


def test_every_level_is_one_list_of_passes():
    for level in LEVELS.values():
        for text in (level.before, level.after):
            if text:
                assert ",".join(map(str, parse_pipeline(text))) == text


def test_a_circuit_over_its_limit_is_left_as_it_is_and_that_is_said():
    from circuitgrad.simplify.rewrites import recording

    circuit = cg.parse_expression("x*y + x*z")
    for name in ("rewrite", "factor", "share_products", "share_sums", "orient"):
        with recording() as journal:
            assert cg.run(circuit, f"{name}{{limit=5}}") is circuit
        assert journal.notes == [f"{name} left out: 6 vertices, over its limit of 5"]


def test_alternatives_stop_at_the_budget_and_that_is_said(monkeypatch):
    """The first alternative with passes is run, whatever the size."""
    from circuitgrad.passes import running
    from circuitgrad.simplify.rewrites import recording

    monkeypatch.setattr(running, "MAX_VISITS", 10)
    circuit = cg.parse_expression("x*y + x*z + 0")
    with recording() as journal:
        made = cg.run(circuit, "(|factor,dce|share_sums,dce|orient,dce)")
    assert made.stats().ops == 2
    assert "2 alternatives of the pipeline left out" in journal.notes[0]


def test_registering_a_pass():
    def negate_outputs(circuit, *, only: str | None = None):
        """Do nothing, for a test."""
        return circuit

    entry = cg.register_pass(negate_outputs)
    try:
        assert entry.summary == "Do nothing, for a test."
        assert cg.run(cg.parse_expression("x"), "negate_outputs{only=f}").inputs == (
            "x",
        )
        with pytest.raises(cg.PipelineError, match="a pass 'negate_outputs' already"):
            cg.register_pass(negate_outputs)
    finally:
        del PASSES["negate_outputs"]


@settings(max_examples=80, deadline=None)
@given(circuits())
def test_reshaping_passes_do_what_they_promise(circuit):
    binary = cg.run(circuit, "binarize")
    assert binary.columns.fan_in.max(initial=0) <= 2
    assert cg.run(binary, "binarize") is binary
    balanced = cg.run(circuit, "balance")
    assert balanced.size == binary.size
    assert balanced.depth <= binary.depth
    assert cg.run(balanced, "balance").depth == balanced.depth
    plain = cg.run(circuit, "desugar")
    assert cg.run(plain, "desugar") is plain
    names = {n for n in circuit.names.tolist() if n}
    assert {n for n in binary.names.tolist() if n} == names


@pytest.mark.parametrize("k", [2, 3, 7, 64, 1000])
def test_a_balanced_product_has_logarithmic_depth(k):
    circuit = cg.trace(
        lambda *x: cg.functions.prod(*x), inputs=[f"x{i}" for i in range(k)]
    )
    balanced = cg.run(circuit, "balance")
    assert (balanced.size, balanced.depth) == (k - 1, (k - 1).bit_length())


W = 10**40


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["a = 3000000000*x", "b = a + y", "f = b - 3000000000*x"], []),
        (["a = x + 3000000000", "g = a - x", "f = abs(g)*y"], ["abs(3000000000)"]),
        (["a = x + y", f"b = {W}*x + z", f"f = a + {W}*b"], [f"x + y + {W}*b"]),
        (["g = x - x", "h = g*g", "f = g + 3/2*h + y"], ["3/2*h + y"]),
        (["f = x - x"], []),  # no wire is left anywhere
    ],
)
def test_fuse_with_long_numbers_and_cancelling_terms(before, after):
    """A merge that would be too long does not happen; the others do."""
    circuit = parsed(before)
    fused = cg.fuse(circuit).verify()
    assert cg.fuse(fused) == fused
    for text in after:
        assert any(text in line for line in body(fused)), body(fused)
    at = {"x": 2, "y": 3, "z": 5}
    point = {name: Fraction(at[name]) for name in circuit.inputs}
    assert cg.evaluate(fused, point) == cg.evaluate(circuit, point)


def test_fuse_under_ieee_with_long_numbers():
    circuit = parsed(["a = x + y", "b = 3000000000*z", "f = a + b"])
    assert body(cg.fuse(circuit, ieee=True)) == ["f = x + y + 3000000000*z"]


def test_a_web_of_sums_is_fused_in_time():
    """A Fibonacci-like web is one sum in the end, in one sweep."""
    lines = ["v0 = x + y", "v1 = x - y"]
    lines += [f"v{i} = v{i - 1} + v{i - 2}" for i in range(2, 40)]
    fused = cg.fuse(parsed([*lines, "f = v39 + z"]))
    assert fused.size == 1
    assert cg.evaluate(fused, x=1, y=0, z=0) == {"f": 102334155}
