"""A process of its own for row 14: what a compiler takes, and what its program.

``attempt.py PEER N`` prints the seconds to a compiled program of value and gradient of
the n x n determinant, those of one call of it, and what it gives.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNS = 21


def with_jax(n: int, point: Any) -> Callable[[], Any]:
    """Trace scalar code, differentiate and compile it, of one array."""
    import jax
    import jax.numpy as jnp
    from programs import elimination

    jax.config.update("jax_enable_x64", True)

    def scalar(*x: Any) -> Any:
        return elimination([list(x[i * n : (i + 1) * n]) for i in range(n)])

    def both(x: Any) -> Any:
        value, partials = jax.value_and_grad(scalar, tuple(range(n * n)))(*x)
        return jnp.stack([value, *partials])

    given = jnp.asarray(point)
    program = jax.jit(both).lower(given).compile()
    return lambda: program(given).block_until_ready()


def with_sympy(n: int, point: Any) -> Callable[[], Any]:
    """Differentiate the formula, and have ``lambdify`` share and print it."""
    import sympy
    from programs import elimination

    x = sympy.symbols(f"x:{n * n}", real=True)
    f = elimination([list(x[i * n : (i + 1) * n]) for i in range(n)])
    program = sympy.lambdify(x, [f, *(f.diff(u) for u in x)], cse=True)
    given = point.tolist()
    return lambda: program(*given)


def main() -> None:
    """Print what one attempt gave."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    name, n = sys.argv[1], int(sys.argv[2])
    import numpy as np

    from speeds.determinants import matrix

    __import__(name)  # importing is not compiling
    point = np.ravel(matrix(n))
    start = time.perf_counter()
    call = {"jax": with_jax, "sympy": with_sympy}[name](n, point)
    found = call()
    compiling = time.perf_counter() - start
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    values = np.asarray(found, float).tolist()
    run = statistics.median(times)
    print(json.dumps({"compile": compiling, "run": run, "values": values}))


if __name__ == "__main__":
    main()
