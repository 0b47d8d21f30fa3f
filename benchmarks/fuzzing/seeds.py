"""What inputs are made of in the beginning: the project's own files, and more.

Nothing is kept in the project for this: seeds are examples, golden files, what the
writers make of them, and a few lines here.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

import circuitgrad as cg
from circuitgrad.check.certificate import certificate
from circuitgrad.circuit import Circuit
from circuitgrad.formats.formats import render
from circuitgrad.passes import LEVELS

__all__ = [
    "WORDS",
    "archives",
    "certificates",
    "certified",
    "commands",
    "compiled",
    "files",
    "formulas",
    "jsons",
    "pipelines",
    "small",
    "tables",
    "texts",
]

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = ROOT.parent / "shared" / "data"
#: Bytes that a seed may have: small ones are tried more often.
MAX_SEED: Final = 3_000

_TEXTS: Final = (
    "input x\nf = 5/x + 2^x\noutput f\n",
    "input x\nc = 5\nd = c\nf = x^c + c*x\noutput f, g = d\n",
    "input exp\nsin = sin(exp)\nf = sin^-1 * 2\noutput sin, f\n",
    "input x, y\nf = leaky_relu(max(x, y, 2), 0.01)\noutput f\n",
    "input x\nf = sum(1)\nh = prod(x, 3, 2)\noutput f, h, one = f\n",
    "input x\nf = ((((x + 1)*2)*3 - x)/4)^(1/2)\noutput f # a comment\n",
    "circuit c\r\ninput x\r\nf = pi*x^pi\r\noutput f\r\n",
    "input θ, é\nf = θ*é\noutput f\n",
    "input x\nf = x - -x\noutput df_dx = f, f = x\n",
)
_FORMULAS: Final = (
    "x^2 + 3*y", "sin(x)/y", "1/x", "5/x", "x^y^2", "-x^2", "2*3", "pi", "max(x, 2, y)",
    "leaky_relu(x, 0.01)", "sqrt(x^2 + 1)*exp(-y)", "1e3*x", "f + g + h", "(x*y)*(x*y)",
    "sigmoid(x)*softplus(y) - erf(x)", "acos(x) + log(y)^3", "sum(x, 1)*prod(y, 2)",
)  # fmt: skip

#: What words of a command are replaced by.
WORDS: Final = (
    b"-", b"-h", b"--help", b"--version", b"--debug", b"-e", b"x*y", b"-f", b"json",
    b"cg", b"cgz", b"-t", b"dot", b"py", b"c", b"tex", b"svg", b"-o", b"out.cg",
    b"new.cg", b"new.c", b"new.json", b"new.cgz", b"new", b"new.h", b"new.svg", b"--of",
    b"f", b"--wrt", b"x,y", b"--value", b"--all", b"-O", b"none", b"tidy", b"size",
    b"depth", b"-p", b"bp,fold", b"--check", b"--no-check", b"--certificate",
    b"certificate.json", b"new.txt", b"--ranges", b"x=1:5", b"--prime", b"61", b"521",
    b"--trials", b"3", b"--json", b"--ieee", b"--time-passes", b"--log-rewrites",
    b"--verify", b"--print-between-passes", b"--mode", b"forward", b"f.cg", b"f.json",
    b"f.cgz", b"grad.cg", b"points.csv", b"missing.cg", b"folder", b"folder/new.cg",
    b"--exact", b"--batch", b"--dtype", b"float32", b"--threads", b"2", b"x=1/3",
    b"--source", b"--seed", b"7", b"--replay", b"-v", b"$(x)", b"a;b", b"", b"--",
    b"\xc3\xa9", b"\xed\xa0\x80", b"%s", b"{0}", b"*", b"~", b"x=y", b"=", b"1e99999",
)  # fmt: skip

_COMMANDS: Final = (
    "grad f.cg", "grad f.cg -o new.cg", "grad -e x*sin(x*y) --no-check -O size",
    "grad f.cg --mode forward --value -t json", "grad f.json --wrt x --of f --json",
    "grad f.cg --all --certificate new.txt -o new.cgz", "grad - -p bp,fold,cse",
    "grad f.cg --ranges x=1:5 --prime 521 --trials 2 --check",
    "grad f.cg --time-passes --print-between-passes --log-rewrites new.txt -o new.cg",
    "opt f.cg -O size -o out.cg --verify", "opt -e x+0*y -p fold,dce --ieee",
    "opt f.cg -O depth", "stats f.cg", "stats grad.cg --source f.cg --json",
    "eval f.cg x=1 y=1/3 --exact", "eval -e x*y x=2 y=3 --json",
    "eval f.cg --batch points.csv -o new.csv --threads 2", "eval f.cg --batch -",
    "check f.cg grad.cg -v", "check f.cg grad.cg --replay certificate.json",
    "check f.cg grad.cg --certificate new.txt --seed 3 --json", "draw f.cg -o new.svg",
    "draw -e x*y -t svg", "convert f.cg new.c", "convert f.json new.py",
    "convert f.cgz - -t tex", "convert - new.cgz -f cg", "diff f.cg f.json",
    "diff - f.cg --json", "rules", "passes", "--help", "grad --help", "--version",
)  # fmt: skip


@functools.cache
def small() -> Circuit:
    """Give the circuit that pipelines are run on."""
    return cg.parse("input x, y\nu = x*y + 2\nf = u^2 + 3*u/y\noutput f\n")


@functools.cache
def compiled() -> cg.Compiled:
    """Give the function that points are evaluated with."""
    text = "input x, y\nf = x*y + exp(x)\nh = x/y\noutput f, h\n"
    function = cg.compile(cg.parse(text), threads=1)
    function(x=1.0, y=np.ones(2))  # the first call on a machine takes seconds
    return function


@functools.cache
def certified() -> tuple[Circuit, Circuit]:
    """Give the circuits that certificates are of."""
    circuit = cg.parse("input x, y\nf = x^2*y + abs(x)\noutput f\n")
    return circuit, cg.gradient(circuit)


@functools.cache
def _circuits() -> list[Circuit]:
    folders = (ROOT / "examples", ROOT / "tests" / "golden", SHARED / "size")
    paths = [path for folder in folders for path in sorted(folder.glob("*.cg"))]
    paths += sorted((SHARED / "feynman").glob("*.cg"))[::8]
    found = [cg.read(path) for path in paths if path.stat().st_size < MAX_SEED]
    found += [cg.parse(text) for text in _TEXTS]
    found += [cg.parse_expression(text) for text in _FORMULAS]
    return found


def texts() -> list[bytes]:
    """Give circuit texts."""
    found = [text.encode() for text in _TEXTS]
    found += [render(circuit) for circuit in _circuits()]
    return [b"", b"\n", *found]


def formulas() -> list[bytes]:
    """Give inline formulas."""
    return [text.encode() for text in _FORMULAS]


def _small_files(form: str) -> list[bytes]:
    found = [render(circuit, form) for circuit in _circuits()]
    return [data for data in found if len(data) < 2 * MAX_SEED]


def jsons() -> list[bytes]:
    """Give circuits as node-link JSON."""
    return [b"{}", *_small_files("json")]


def archives() -> list[bytes]:
    """Give circuits as zips of columns."""
    return _small_files("cgz")


def tables() -> list[bytes]:
    """Give files of points for `compiled`: CSV, and NumPy's arrays."""
    found = [b"x,y\n1,2\n-0.5,1e-3\n", b"\xef\xbb\xbfy, x\r\ninf,nan\r\n", b"x,y\n"]
    pair = np.array([(1.0, 2.0)], dtype=[("x", "<f8"), ("y", "<f4")])
    for array in (np.ones((2, 2)), np.ones((3, 2), dtype=np.int32), pair):
        buffer = io.BytesIO()
        np.save(buffer, array)
        found.append(buffer.getvalue())
    return found


def certificates() -> list[bytes]:
    """Give certificates of `certified`."""
    found = []
    for options in ({}, {"prime": 61, "seed": 5}, {"ranges": {"x": (1.0, 2.0)}}):
        report = cg.check_gradient(*certified(), **options)
        found.append(json.dumps(certificate(*certified(), report)).encode())
    return found


def pipelines() -> list[bytes]:
    """Give pipelines: those of the levels, and each pass by itself."""
    from circuitgrad.passes.registry import PASSES

    found = [*LEVELS, *(level.after for level in LEVELS.values()), *PASSES]
    found += ["bp{wrt=x seed=w},fold", "(|factor),bp,fold,(cse|fuse,cse),dce"]
    found += ["fp{wrt=x,y value=true}", "fuse{flatten=all},binarize,balance"]
    return [text.encode() for text in found]


@functools.cache
def files() -> Mapping[str, bytes]:
    """Give the files that a command finds where it runs."""
    circuit, gradient = certified()
    compiled()
    return {
        "f.cg": render(circuit),
        "f.json": render(circuit, "json"),
        "f.cgz": render(circuit, "cgz"),
        "grad.cg": render(gradient),
        "points.csv": b"x,y\n1,2\n3,4\n",
        "certificate.json": certificates()[0],
        "out.cg": b"what stood there before\n",
    }


def commands() -> list[bytes]:
    """Give commands, with what they read from standard input."""
    stdin = (render(small()), b"x,y\n1,2\n")
    return [
        b"\0".join(text.encode().split()) + b"\xff" + stdin["--batch" in text]
        for text in _COMMANDS
    ]
