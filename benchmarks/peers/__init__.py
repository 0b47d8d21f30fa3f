"""Other programs that differentiate, each asked for the same thing.

A peer is a module with ``OPTIONS``, a line that says how the peer is used, and one
function, ``gradient(circuit, partials=True)``.  It writes the circuit in the peer's own
expressions, has the peer differentiate and share, and reads the peer's program back as
a `circuitgrad.Circuit` with the outputs of `circuitgrad.jacobian(circuit, value=True)`,
by name; without ``partials``, the outputs of the circuit alone.  So every program is
counted by the one function that counts ours, and evaluated by the one that evaluates
ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final

from circuitgrad import Circuit
from peers.program import UnreadableError

__all__ = ["PEERS", "UnreadableError", "gradient_function", "options"]

#: The peers, in the order of the table.
PEERS: Final = ("casadi", "sympy", "symengine", "jax")


def gradient_function(peer: str) -> Callable[..., Circuit]:
    """Import a peer; `ImportError` where it is not installed."""
    found: Callable[..., Circuit] = importlib.import_module(f"peers.{peer}").gradient
    return found


def options(peer: str) -> str:
    """Say how a peer is used; `ImportError` where it is not installed."""
    found: str = importlib.import_module(f"peers.{peer}").OPTIONS
    return found
