"""Operations of the binary model: what the literature counts, kind by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circuitgrad import exact
from circuitgrad.columns import Bools
from circuitgrad.gates import DIV, INV, POWER, PROD, SUM

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["Operations", "operations"]


@dataclass(frozen=True)
class Operations:
    """Operations of a circuit whose gates are cut into those of two operands.

    Attributes
    ----------
    multiplications : int
        Products of two arguments that depend on inputs; a square is one, and a whole
        power p takes as many as squaring and multiplying by the bits of p.
    divisions : int
        Quotients whose divisor depends on inputs.
    additions : int
        Sums and differences: a sign is a weight, and costs nothing.
    scalar : int
        Products of a constant other than 1 and -1, weights among them, and an argument
        that depends on inputs; quotients by a constant.
    other : int
        Elementary functions, roots, general powers, kinks.
    """

    multiplications: int
    divisions: int
    additions: int
    scalar: int
    other: int

    @property
    def nonscalar(self) -> int:
        """Multiplications and divisions: Ostrowski's measure."""
        return self.multiplications + self.divisions

    @property
    def total(self) -> int:
        """All operations: L."""
        return self.nonscalar + self.additions + self.scalar + self.other


def operations(circuit: Circuit) -> Operations:
    """Count the operations of a circuit in the binary model.

    What depends on no input is computed beforehand and costs nothing; nor does what no
    output depends on.

    Notes
    -----
    O(wires).  A sum of k operands is k - 1 additions, a product of k is k - 1
    multiplications; in a product with constants, all of them are one scalar.
    """
    circuit.require_scalars("the binary model")
    columns = circuit.columns
    varies = columns.varies
    counted = circuit.live & columns.is_gate & varies
    fan_in = columns.fan_in
    wires = np.zeros(len(columns), dtype=np.int64)  # operands that depend on inputs
    np.add.at(wires, columns.consumer[varies[columns.operands]], 1)

    sums, products = counted & (columns.op == SUM), counted & (columns.op == PROD)
    plain = np.isin(columns.weights, (exact.ONE, exact.MINUS_ONE))
    weighted = sums[columns.consumer] & varies[columns.operands] & ~plain
    constants = products & (wires < fan_in)
    quotients, inverses = counted & (columns.op == DIV), counted & (columns.op == INV)
    by_constant = quotients & ~_second_varies(circuit, quotients)
    powers = counted & (columns.op == POWER)
    exponents = [exact.number(int(place)) for place in columns.params[powers]]
    whole = [
        e.numerator
        for e in exponents
        if not isinstance(e, exact.Pi) and e.denominator == 1
    ]
    reciprocal = sum(e < 0 for e in whole)
    known = sums | products | quotients | inverses | powers
    return Operations(
        multiplications=int((wires[products] - 1).sum())
        + sum(_by_squaring(abs(e)) for e in whole),
        divisions=int(np.count_nonzero((quotients & ~by_constant) | inverses))
        + reciprocal,
        additions=int((fan_in[sums] - 1).sum()),
        scalar=int(np.count_nonzero(weighted))
        + int(np.count_nonzero(constants))
        + int(np.count_nonzero(by_constant)),
        other=int(np.count_nonzero(counted & ~known)) + len(exponents) - len(whole),
    )


def _second_varies(circuit: Circuit, quotients: Bools) -> Bools:
    """Tell which quotients have a divisor that depends on inputs."""
    columns = circuit.columns
    found = np.zeros(len(columns), dtype=np.bool_)
    at = np.flatnonzero(quotients)
    found[at] = columns.varies[columns.operands[columns.offsets[at] + 1]]
    return found


def _by_squaring(exponent: int) -> int:
    return max(exponent.bit_length() + exponent.bit_count() - 2, 0)
