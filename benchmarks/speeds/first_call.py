"""A process of its own for row 13: what its first calls take."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Print the seconds of building a circuit, of the first calls, and of the next."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import numpy as np
    from programs import determinant

    import circuitgrad as cg

    n = int(sys.argv[1])
    clock = [time.perf_counter()]
    circuit = determinant(n)
    clock.append(time.perf_counter())
    point = np.eye(n).reshape(1, -1)
    for _ in range(2):
        found = cg.compile(cg.gradient(circuit, value=True)).points(point)
        clock.append(time.perf_counter())
    right = np.append(1, np.eye(n))  # the adjugate of the identity
    if not np.array_equal(found[0], right):
        raise SystemExit("the gradient is wrong")
    building, calls, again = np.diff(clock).tolist()
    times = {"building": building, "calls": calls, "again": again}
    print(json.dumps({"gates": circuit.size, **times}))


if __name__ == "__main__":
    main()
