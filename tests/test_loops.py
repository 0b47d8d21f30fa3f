"""The loops, interpreted and compiled, give the same bytes."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import circuits

import circuitgrad as cg
from circuitgrad import loops
from circuitgrad.check.certified import Certifier
from circuitgrad.check.claims import claims
from circuitgrad.formats.text import reader

pytestmark = pytest.mark.filterwarnings("default")  # numba's own, on new Pythons


class Both:
    """Runs a kernel both ways, and holds the bytes of all buffers together."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.calls = 0

    def __call__(self, *arguments):
        """Run both, compare, and leave what the loop as it stands has made."""
        results = []
        for run in (self.kernel.interpreted, self.kernel.compiled):
            copies = [a if type(a) is int else np.array(a) for a in arguments]
            run(*copies)
            results.append([a if type(a) is int else a.tobytes() for a in copies])
        assert results[0] == results[1], self.kernel.function.__name__
        self.kernel.interpreted(*arguments)
        self.calls += 1


def kernels():
    """Find every kernel of the package, with the modules that know it."""
    found = {}
    for info in pkgutil.walk_packages(cg.__path__, "circuitgrad."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, loops.Kernel):
                found.setdefault(value, []).append((module, name))
    return found


@pytest.fixture
def both(monkeypatch):
    """Run every kernel both ways; give them by name."""
    monkeypatch.setattr(reader, "BULK_FROM", 0)
    # a buffer that is not filled to its end is compared all the same
    monkeypatch.setattr(np, "empty", np.zeros)
    made = {}
    for kernel, places in kernels().items():
        made[kernel.function.__name__] = stand_in = Both(kernel)
        for module, name in places:
            monkeypatch.setattr(module, name, stand_in)
    return made


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(circuit=circuits(most=20))
def test_interpreted_equals_compiled(both, circuit):
    """In both modes, all default passes, with --ieee, in counts and in lowering."""
    for mode in ("reverse", "forward"):
        gradient = cg.jacobian(circuit, mode=mode, value=True)
        gradient.stats()
        cg.parse(str(gradient))
    cg.run(cg.reverse_mode(circuit), "fuse{ieee}")
    cg.compile(circuit)


def test_every_kernel_is_compared(both):
    circuit = cg.parse(
        "input x, y\ns = x + 2*y\nt = 3*s - x\nu = -s\nf = t*u*x + u + sin(u)\noutput f"
    )
    cg.gradient(circuit, mode="forward").stats()
    cg.compile(cg.gradient(circuit, value=True))
    cg.fuse(cg.parse("input x, y\ns = x + y - y\nf = s*x\noutput f"))
    cg.parse(str(circuit))
    certified = cg.parse("input x\nf = x*x + sin(x)\noutput f")
    gradient = cg.gradient(certified)
    for readings in claims(certified, gradient).values():
        list(Certifier(certified, gradient, readings[:1]).verdicts())
    unused = {name for name, kernel in both.items() if not kernel.calls}
    assert not unused


def test_large_circuits_are_compiled(monkeypatch):
    """The size decides, and the result of a whole pass is the same."""
    circuit = cg.jacobian(
        cg.parse_expression("x*y*sin(x*y) + cos(y*x)"), pipeline="none"
    )
    circuit = cg.parse(str(circuit))
    interpreted = str(cg.cse(circuit)), circuit.stats()
    monkeypatch.setattr(loops, "COMPILE_FROM", 0)
    fresh = cg.parse(str(circuit))
    assert (str(cg.cse(fresh)), fresh.stats()) == interpreted


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch):
    """Then a loop is compiled for large circuits alone."""
    import numba

    real = numba.njit

    def refuse(*args, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", refuse)
    loops.cached.cache_clear()
    try:
        kernel = loops.Kernel(loops.levels.function)
        for extra in (loops.COMPILE_FROM, loops.UNCACHED_FROM):
            level = np.zeros(extra + 1, dtype=np.int64)
            offsets = np.ones(extra + 2, dtype=np.int64)
            offsets[0] = 0
            step = np.ones(extra + 1, dtype=np.int64)
            kernel(offsets, np.array([0]), step, level)
            assert level[:3].tolist() == [1, 1, 1]
            assert ("compiled" in kernel.__dict__) == (extra == loops.UNCACHED_FROM)
    finally:
        loops.cached.cache_clear()
