"""Simplifying circuits of arrays: transposes, broadcasts, sums, chains of products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.gates import PROD, SUM, code_of, gate_type
from circuitgrad.gates.forms import reduced
from circuitgrad.passes.associate import MAX_CHAIN, Chain, best_order
from circuitgrad.passes.rebuild import Rebuild, rebuild
from circuitgrad.shapes import Shape, broadcast, entries
from circuitgrad.simplify import rules
from circuitgrad.simplify.rewrites import note_rewrites
from circuitgrad.simplify.rules import Rule

__all__ = ["matrices"]


def matrices(
    circuit: Circuit, *, diagonals: bool = False, ieee: bool = False
) -> Circuit:
    """Apply the rules of matrix algebra; a circuit of scalars is left as it is.

    Transposes are pushed to operands and cancel; scales move out of linear gates;
    broadcasts go where an elementwise gate repeats by itself, and into sums over what
    they repeat; a chain of products is taken in the order of least cost.

    Parameters
    ----------
    circuit : Circuit
    diagonals : bool
        Whether products with diagonal matrices become elementwise: then Jacobians of
        pointwise activations, where they were formed, are gone.
    ieee : bool
        Whether only rules fire under which floating point changes by rounding alone.

    Notes
    -----
    The rules are `MATRIX_RULES` of `circuitgrad.simplify.rules`.  Linear in gates, but
    for chains of k products, which take k^3.
    """
    if not circuit.columns.shaped:
        return circuit
    return _Matrices(circuit, diagonals, ieee).run()


@dataclass(frozen=True)
class _Made:
    """A gate that was emitted."""

    code: int
    operands: tuple[int, ...]
    weights: tuple[int, ...]
    param: int

    @property
    def name(self) -> str:
        return gate_type(self.code).name

    @property
    def options(self) -> dict[str, Any]:
        gate = gate_type(self.code)
        return gate.named(exact.options(self.param)) if gate.options else {}


class _Matrices:
    def __init__(self, circuit: Circuit, diagonals: bool, ieee: bool) -> None:
        self.circuit, self.diagonals, self.ieee = circuit, diagonals, ieee
        columns = circuit.columns
        live_wire = (circuit.live & columns.is_gate)[columns.consumer]
        uses = np.bincount(columns.operands[live_wire], minlength=len(columns))
        np.add.at(uses, circuit.output_vertices, 1)
        self.uses_before = uses.tolist()
        in_sums = live_wire & (columns.op == SUM)[columns.consumer]
        sums = np.bincount(columns.operands[in_sums], minlength=len(columns))
        self.other_uses_before = (uses - sums).tolist()  # sums take a weight up
        self.uses: dict[int, int] = {}  # of new vertices
        self.other_uses: dict[int, int] = {}
        self.made: dict[int, _Made] = {}
        self.fired: list[tuple[Rule, int]] = []
        self.pushed = 0  # how deep a transpose is being pushed
        self.work: Rebuild
        self.at = -1
        self.by_name: dict[str, Callable[[_Made], int | None]] = {
            "transpose": self.transpose,
            "sum_axes": self.sum_axes,
            "broadcast": self.broadcast,
            "reshape": self.reshape,
            "slice": self.slice,
            "matmul": self.matmul,
            "sum": self.elementwise,
            "prod": self.product,
        }

    def run(self) -> Circuit:
        found = rebuild(self.circuit, "matrices", self.emit)
        if not self.fired:
            return self.circuit
        note_rewrites(self.circuit, self.fired)
        return found

    def emit(self, work: Rebuild, vertex: int) -> int:
        """Emit an old gate, simplified."""
        self.work, self.at = work, vertex
        columns = self.circuit.columns
        operands, weights = work.operands(vertex)
        found = self.add(
            int(columns.op[vertex]), operands, weights, int(columns.params[vertex])
        )
        self.uses[found] = self.uses.get(found, 0) + self.uses_before[vertex]
        self.other_uses[found] = (
            self.other_uses.get(found, 0) + self.other_uses_before[vertex]
        )
        return found

    # ------------------------------------------------------------ emitting

    def fire(self, rule: Rule) -> None:
        self.fired.append((rule, self.at))

    def shape(self, vertex: int) -> Shape:
        return self.work.builder.shape(vertex)

    def add(
        self,
        code: int,
        operands: list[int],
        weights: list[int] | None = None,
        param: int = -1,
    ) -> int:
        """Emit a gate, or what a rule makes of it."""
        places = [exact.ONE] * len(operands) if weights is None else weights
        gate = _Made(code, tuple(operands), tuple(places), param)
        rule = self.by_name.get(gate.name)
        found = rule(gate) if rule is not None else None
        if found is not None:
            return found
        plain = all(place == exact.ONE for place in places)
        found = self.work.builder.add(code, operands, None if plain else places, param)
        self.made[found] = gate
        return found

    def gate(self, name: str, *operands: int, **options: Any) -> int:
        """Emit a matrix gate by name."""
        code = code_of(name)
        param = -1
        if gate_type(code).options:
            param = self.work.builder.options_place(code, operands, options)
        return self.add(code, list(operands), None, param)

    def scaled(self, vertex: int, weight: Fraction) -> int:
        """Emit a number times a vertex."""
        if weight == 1:
            return vertex
        return self.add(SUM, [vertex], [exact.intern(weight)])

    def is_gate(self, vertex: int, name: str) -> _Made | None:
        """Give a gate if it is of a type."""
        found = self.made.get(vertex)
        return found if found is not None and found.name == name else None

    def scale_of(self, vertex: int) -> tuple[int, Fraction] | None:
        """Take a number times a vertex apart, where it is that and used once.

        Uses in sums do not count: there the number is a weight.
        """
        found = self.is_gate(vertex, "sum")
        many = self.other_uses.get(vertex, 0) > 1
        if found is None or len(found.operands) != 1 or many:
            return None
        weight = exact.rational(found.weights[0])
        return (found.operands[0], weight) if weight != 1 else None

    # ------------------------------------------------------------ rules, gate by gate

    def transpose(self, gate: _Made) -> int | None:
        (a,) = gate.operands
        inner = self.made.get(a)
        if inner is None:
            return None
        if inner.name == "transpose":
            self.fire(rules.TRANSPOSE_OF_TRANSPOSE)
            return inner.operands[0]
        if inner.name == "diag" and len(self.shape(a)) == 2:
            self.fire(rules.TRANSPOSE_OF_DIAG)
            return a
        if self.uses.get(a, 0) > 1:
            return None
        if (
            inner.name == "matmul"
            and self.pushed < MAX_CHAIN
            and all(len(self.shape(u)) > 1 for u in inner.operands)
        ):
            self.fire(rules.TRANSPOSE_OF_PRODUCT)
            left, right = inner.operands
            self.pushed += 1  # transposes are pushed on from here, not forever
            product = self.gate(
                "matmul", self.gate("transpose", right), self.gate("transpose", left)
            )
            self.pushed -= 1
            return product
        if inner.name == "outer":
            self.fire(rules.TRANSPOSE_OF_OUTER)
            return self.gate("outer", *reversed(inner.operands))
        return self.out_of(rules.TRANSPOSE_OF_SCALED, gate)

    def out_of(self, rule: Rule, gate: _Made) -> int | None:
        """Move a number out of a gate that is linear in its one operand.

        That saves where the result has fewer entries, or sums take the number up.
        """
        apart = self.scale_of(gate.operands[0])
        saves = gate.name == "sum_axes" or self.other_uses_before[self.at] == 0
        if apart is None or not saves or (self.ieee and not rule.ieee):
            return None
        self.fire(rule)
        inner = self.add(gate.code, [apart[0]], None, gate.param)
        return self.scaled(inner, apart[1])

    def sum_axes(self, gate: _Made) -> int | None:
        (a,) = gate.operands
        axis, keep = gate.options["axis"], gate.options["keep"]
        inner = self.made.get(a)
        if all(self.shape(a)[i] == 1 for i in axis):
            self.fire(rules.SUM_OF_ONE)
            shape = reduced(self.shape(a), axis, keep)
            return a if keep or not axis else self.gate("reshape", a, shape=shape)
        if inner is None:
            return None
        if inner.name == "sum_axes" and not keep and not inner.options["keep"]:
            if self.uses.get(a, 0) > 1:
                return None
            first = inner.options["axis"]
            left = [
                i for i in range(len(self.shape(inner.operands[0]))) if i not in first
            ]
            both = tuple(sorted((*first, *(left[i] for i in axis))))
            self.fire(rules.SUM_OF_SUM)
            return self.gate("sum_axes", inner.operands[0], axis=both)
        if inner.name == "broadcast" and not keep:
            return self.sum_of_broadcast(inner, axis)
        return self.out_of(rules.SUM_OF_SCALED, gate)

    def sum_of_broadcast(self, inner: _Made, axis: Shape) -> int | None:
        """Sum over just the axes that a broadcast made: a multiple."""
        shape, new = inner.options["shape"], inner.options["axis"]
        own = self.shape(inner.operands[0])
        if tuple(axis) != tuple(new) or reduced(shape, new) != own:
            return None
        self.fire(rules.SUM_OF_BROADCAST)
        return self.scaled(inner.operands[0], Fraction(prod(shape[i] for i in axis)))

    def broadcast(self, gate: _Made) -> int | None:
        (a,) = gate.operands
        shape = gate.options["shape"]
        if shape == self.shape(a):
            self.fire(rules.BROADCAST_TO_ITSELF)
            return a
        inner = self.is_gate(a, "broadcast")
        if inner is None:
            return None
        rank = len(self.shape(a))
        if gate.options["axis"] != tuple(range(len(shape) - rank)):
            return None
        own = self.shape(inner.operands[0])
        if inner.options["axis"] != tuple(range(rank - len(own))):
            return None
        self.fire(rules.BROADCAST_OF_BROADCAST)
        return self.gate("broadcast", inner.operands[0], shape=shape)

    def reshape(self, gate: _Made) -> int | None:
        (a,) = gate.operands
        shape = gate.options["shape"]
        if shape == self.shape(a):
            self.fire(rules.RESHAPE_TO_ITSELF)
            return a
        inner = self.is_gate(a, "reshape")
        if inner is not None:
            self.fire(rules.RESHAPE_OF_RESHAPE)
            return self.gate("reshape", inner.operands[0], shape=shape)
        return self.out_of(rules.RESHAPE_OF_SCALED, gate)

    def slice(self, gate: _Made) -> int | None:
        (a,) = gate.operands
        axis, start, stop = (gate.options[key] for key in ("axis", "start", "stop"))
        if self.shape(a)[axis] == stop - start:
            self.fire(rules.SLICE_OF_ALL)
            return a
        inner = None if self.ieee else self.is_gate(a, "concatenate")
        if inner is not None and inner.options["axis"] == axis:
            end = 0
            for operand in inner.operands:
                begin, end = end, end + self.shape(operand)[axis]
                if (begin, end) == (start, stop):
                    self.fire(rules.SLICE_OF_CONCATENATE)
                    return operand
        padded = self.is_gate(a, "pad")
        if padded is not None and padded.options["axis"] == axis:
            before = padded.options["before"]
            length = self.shape(padded.operands[0])[axis]
            if before == start and before + length == stop:
                self.fire(rules.SLICE_OF_PAD)
                return padded.operands[0]
        return None

    def matmul(self, gate: _Made) -> int | None:
        left, right = gate.operands
        if self.diagonals and not self.ieee:
            found = self.by_diagonal(left, right)
            if found is not None:
                return found
        result = entries(
            gate_type(gate.code).shape_of([*map(self.shape, (left, right))])
        )
        for side, vertex in enumerate((left, right)):
            apart = None if self.ieee else self.scale_of(vertex)
            if apart is not None and entries(self.shape(vertex)) > result:
                self.fire(rules.PRODUCT_OF_SCALED)
                pair = (apart[0], right) if side == 0 else (left, apart[0])
                return self.scaled(self.gate("matmul", *pair), apart[1])
        return None if self.ieee else self.associated(left, right)

    def by_diagonal(self, left: int, right: int) -> int | None:
        """Make a product with a diagonal matrix an elementwise one."""
        shapes = self.shape(left), self.shape(right)
        first, second = self.is_gate(left, "diag"), self.is_gate(right, "diag")
        if first is not None and len(shapes[1]) == 1:
            self.fire(rules.DIAGONAL_BY_VECTOR)
            return self.add(PROD, [first.operands[0], right])
        if second is not None:
            # the columns of the left side are scaled
            self.fire(rules.MATRIX_BY_DIAGONAL)
            factor = second.operands[0]
            own = self.shape(factor)
            if len(shapes[0]) > 1 and len(own) > 1:
                factor = self.gate("reshape", factor, shape=(*own[:-1], 1, own[-1]))
            return self.add(PROD, [left, factor])
        return None

    def associated(self, left: int, right: int) -> int | None:
        """Take a chain of products in the order of least cost."""
        chain = self.chain(left) + self.chain(right)
        if len(chain) < 3:
            return None
        order: Chain | None = best_order(
            [self.shape(v) for v in chain], len(self.chain(left))
        )
        if order is None:
            return None
        self.fire(rules.ASSOCIATE)

        def made(part: Chain) -> int:
            if isinstance(part, int):
                return chain[part]
            a, b = made(part[0]), made(part[1])
            found = self.work.builder.add(code_of("matmul"), [a, b])
            self.made[found] = _Made(code_of("matmul"), (a, b), (exact.ONE,) * 2, -1)
            self.uses[found] = 1
            return found

        product = made(order)
        del self.uses[product]  # those of the gate that it stands for
        return product

    def chain(self, vertex: int) -> list[int]:
        """Give the factors of a chain of products that nothing else uses."""
        factors, waiting = [], [vertex]
        while waiting:
            at = waiting.pop()
            found = self.is_gate(at, "matmul")
            alone = self.uses.get(at, 0) <= 1 and len(self.shape(at)) <= 2
            if (
                found is None
                or not alone
                or any(not 0 < len(self.shape(u)) <= 2 for u in found.operands)
            ):
                factors.append(at)
            else:
                waiting += reversed(found.operands)
            if len(factors) + len(waiting) > MAX_CHAIN:
                return [vertex]
        return factors

    def product(self, gate: _Made) -> int | None:
        """Move numbers out of a product that sums alone use: they take them up."""
        if self.other_uses_before[self.at] == 0:
            for slot, vertex in enumerate(gate.operands):
                apart = self.scale_of(vertex)
                if apart is not None:
                    self.fire(rules.SCALED_IN_PRODUCT)
                    operands = list(gate.operands)
                    operands[slot] = apart[0]
                    return self.scaled(self.add(PROD, operands), apart[1])
        return self.elementwise(gate)

    def elementwise(self, gate: _Made) -> int | None:
        """Leave out a broadcast where the other operands have the whole shape."""
        shape = broadcast(*map(self.shape, gate.operands))
        for slot, vertex in enumerate(gate.operands):
            inner = self.is_gate(vertex, "broadcast")
            if inner is None:
                continue
            small = inner.operands[0]
            axis = inner.options["axis"]
            others = [self.shape(u) for i, u in enumerate(gate.operands) if i != slot]
            leading = axis == tuple(range(len(axis)))
            if not others or broadcast(*others) != shape or not leading:
                continue
            self.fire(rules.BROADCAST_IN_SUM if gate.code == SUM else
                      rules.BROADCAST_IN_PRODUCT)  # fmt: skip
            operands = list(gate.operands)
            operands[slot] = small
            return self.add(gate.code, operands, list(gate.weights), gate.param)
        return None
