"""What backpropagation costs: the exact count, and the bounds of the literature."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.gates import DIV, INV, SUM
from circuitgrad.metrics import literal_size, theorem3_bound
from circuitgrad.operations import Operations, operations
from circuitgrad.passes import run

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = [
    "BACKPROPAGATION",
    "BINARY",
    "Account",
    "Accounting",
    "accounting",
    "baur_strassen",
    "theorem3",
]

#: What makes a circuit one of the binary model: gates of two operands, squares as
#: products of a gate with itself, nothing that the output does not depend on.
BINARY: Final = "expand_powers,binarize,dce"
#: Backpropagation that meets the identity gate by gate, with a seed of its own.
BACKPROPAGATION: Final = "bp{{seed={} value}},divide_adjoints,dce"


@dataclass(frozen=True)
class Accounting:
    """The operations of a circuit C and of backpropagation on it, in the binary model.

    Attributes
    ----------
    source : Operations
        Those of C: M multiplications, D divisions, A additions, S scalars, L in all.
    inputs : int
        n, the inputs that the output depends on.
    constants : int
        c, the operands of additions and divisions that depend on no input; 1 in 1/u.
    emitted : Operations
        Those of the circuit of f and w * grad f, with an input w as seed, as
        `BACKPROPAGATION` emits it.

    Notes
    -----
    Each product and each quotient takes two more operations on the way back, each
    weight one, and a sum a - 1 additions at a vertex that a derivatives run into.  A
    vertex but the output has one such for each operand slot that it fills: 2(M+A+D) - c
    + S slots in all, of M+A+D+S vertices but one, and n inputs.  So

        L(f, w * grad f) = L + 2(M+D) + S + (M+A+D - c - n + 1),

    of which exactly 3(M+D) are nonscalar.  A sign is a weight, and costs nothing.

    References
    ----------
    W. Baur and V. Strassen, "The complexity of partial derivatives", 1983.
    """

    source: Operations
    inputs: int
    constants: int
    emitted: Operations

    @property
    def accumulations(self) -> int:
        """The additions in which derivatives are summed up."""
        inner = self.source.nonscalar + self.source.additions
        return inner - self.constants - self.inputs + 1

    @property
    def total(self) -> int:
        """What the identity says that f and w * grad f take together."""
        more = 2 * self.source.nonscalar + self.source.scalar + self.accumulations
        return self.source.total + more

    @property
    def nonscalar(self) -> int:
        """What the identity says of multiplications and divisions: 3(M+D)."""
        return 3 * self.source.nonscalar

    @property
    def bound(self) -> int:
        """Baur and Strassen's bound of all operations: 4 L."""
        return 4 * self.source.total

    @property
    def holds(self) -> bool:
        """Whether the circuit that is emitted has the operations of the identity."""
        found = self.emitted.total, self.emitted.nonscalar
        return found == (self.total, self.nonscalar)

    @property
    def line(self) -> str:
        """The identity, in numbers."""
        source, emitted = self.source, self.emitted
        terms = {
            "L": source.total,
            "2(M+D)": 2 * source.nonscalar,
            "S": source.scalar,
            "sums": self.accumulations,
        }
        return (
            f"f and w * gradient of f: {emitted.total} operations, exactly "
            f"{' + '.join(terms)} = {' + '.join(map(str, terms.values()))}; "
            f"{emitted.nonscalar} nonscalar, exactly 3(M+D)"
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the counts by name."""
        return {
            **asdict(self),
            "accumulations": self.accumulations,
            "identity": {"total": self.total, "nonscalar": self.nonscalar},
            "bound": {"total": self.bound, "nonscalar": self.nonscalar},
            "holds": self.holds,
        }


def accounting(circuit: Circuit) -> Accounting | None:
    """Account for backpropagation on a circuit of one output.

    Returns
    -------
    Accounting or None
        None where there are several outputs, or where a gate that the output depends on
        is no sum, product, quotient or whole power: the identity is of those alone; and
        where the output depends on no input.

    Notes
    -----
    The circuit is made one of the binary model first (`BINARY`), and wires of weight 0
    are left out, by `fold`: no derivative runs along them.  Linear in wires.
    """
    if len(circuit.outputs) != 1 or operations(circuit).other:
        return None
    live = circuit.live[circuit.columns.consumer]
    if (circuit.columns.weights[live] == exact.ZERO).any():
        circuit = run(circuit, "fold")
    binary = run(circuit, BINARY)
    columns = binary.columns
    if not columns.varies[binary.output_vertices].any():
        return None
    seed = "w"
    while seed in binary.names:
        seed += "_"
    return Accounting(
        operations(binary),
        inputs=int(np.count_nonzero(binary.live[: columns.inputs])),
        constants=_constants(binary),
        emitted=operations(run(binary, BACKPROPAGATION.format(seed))),
    )


def _constants(circuit: Circuit) -> int:
    """Count the operands of additions and divisions that no derivative goes to."""
    columns, varies = circuit.columns, circuit.columns.varies
    counted = circuit.live & varies
    fixed = counted[columns.consumer] & ~varies[columns.operands]
    op = columns.op[columns.consumer]
    divisors = np.zeros(columns.wires, dtype=np.bool_)
    divisors[columns.offsets[1:][columns.op == DIV] - 1] = True
    above = fixed & (op == DIV) & ~divisors  # by a constant divisor it is a scalar
    ones = np.count_nonzero(counted & (columns.op == INV))
    return int(np.count_nonzero(fixed & (op == SUM)) + np.count_nonzero(above) + ones)


def baur_strassen(source: Operations, gradient: Operations) -> str | None:
    """Say what a gradient circuit has of Baur and Strassen's bounds.

    Their theorem is of f and its gradient together, and of sums, products and
    quotients; None for other circuits.  It says what suffices: a circuit may have more.
    """
    if source.other:
        return None
    nonscalar, total = source.nonscalar, source.total
    return (
        f"Baur and Strassen: {gradient.nonscalar} nonscalar operations, "
        f"3 * {nonscalar} = {3 * nonscalar} suffice; "
        f"{gradient.total} in all, 4 * {total} = {4 * total} suffice"
    )


def theorem3(literal: int, bound: int) -> str:
    """Say what backpropagation's literal output has of Theorem 3's bound."""
    return (
        f"Theorem 3: literal output {literal} gates, "
        f"at most 3 wires + vertices = {bound}"
    )


@dataclass(frozen=True)
class Account:
    """A gradient circuit beside the bounds of its source.

    Attributes
    ----------
    literal, bound : int
        Gates of backpropagation's literal output, and Theorem 3's bound of them.
    source, gradient : Operations
        Those of the two circuits, in the binary model.
    exact : Accounting or None
        As `accounting` gives it, where it does.
    """

    literal: int
    bound: int
    source: Operations
    gradient: Operations
    exact: Accounting | None

    @classmethod
    def of(cls, source: Circuit, gradient: Circuit) -> Account:
        """Count a circuit of one output and its gradient circuit, linear in wires."""
        return cls(
            literal_size(run(source, "bp,dce")),
            theorem3_bound(source),
            operations(source),
            operations(gradient),
            accounting(source),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the counts by name."""
        return {
            "theorem3": {"literal": self.literal, "bound": self.bound},
            "operations": {
                "source": asdict(self.source),
                "gradient": asdict(self.gradient),
            },
            "backpropagation": self.exact.as_dict() if self.exact else None,
        }

    def lines(self) -> list[str]:
        """Say what the bounds are, and what the gradient circuit has of them."""
        lines = [theorem3(self.literal, self.bound)]
        more = baur_strassen(self.source, self.gradient)
        if more is not None:
            lines.append(more)
        if self.exact is not None:
            lines.append(self.exact.line)
        return lines
