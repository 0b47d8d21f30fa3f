"""Forward and reverse mode on circuits of arrays: the chain rule, gate by gate.

The same sweeps as in `circuitgrad.passes.chain_rule`: forward (5), reverse (6).  What a
wire contributes is the pushforward or the pullback of its gate
(`circuitgrad.passes.linear`), and no Jacobian is formed.  Circuits of arrays have few
gates, so this is a loop over handles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.gates import CONSTANT
from circuitgrad.passes.emission import Emission, Request
from circuitgrad.passes.linear import Gate, by_jacobian, full
from circuitgrad.provenance import ADJOINT, NEW, PARTIAL, PRODUCT, TANGENT
from circuitgrad.shapes import Shape, entries, format_shape

__all__ = ["forward_arrays", "reverse_arrays"]


class ArraySweep:
    """A circuit of arrays on its way to its derivatives.

    Parameters
    ----------
    emission : Emission
        Where the emitted vertices go.
    request : Request
    """

    def __init__(
        self, emission: Emission, request: Request, seeded: bool = False
    ) -> None:
        self.emission, self.request = emission, request
        circuit = emission.circuit
        self.columns = columns = circuit.columns
        self.builder = builder = Builder()
        for vertex in range(len(columns)):
            code, param = int(columns.op[vertex]), int(columns.params[vertex])
            if code == CONSTANT:
                builder.constant_vertex(param)
                continue
            operands = columns.operands_of(vertex)
            weights = columns.weights_of(vertex)
            plain = all(place == exact.ONE for place in weights)
            builder.add(code, operands, None if plain else weights, param)
            if code < CONSTANT and columns.shapes[vertex]:
                builder.shapes[vertex] = int(columns.shapes[vertex])
        self.handles = [builder.handle(v) for v in range(len(columns))]
        self._gates: dict[int, Gate] = {}
        self.roles: list[tuple[int, int, int, int]] = []
        self.varies = self._reach(request.wrt_vertices.tolist())
        for name, vertex in request.of:
            if columns.shapes[vertex] and not seeded:
                shape = format_shape(columns.shape(vertex))
                raise ShapeError(
                    f"the output {name!r} has shape {shape}: a gradient is that of "
                    "a scalar, as sum(..., axis=all) is one; bp{seed=w} gives "
                    "the product of a vector with the "
                    "Jacobian, and the pass scalarize makes outputs of the entries"
                )

    def seed(self, name: str | None) -> Expr:
        """Give the derivative of an output by itself: the number 1, or a new input."""
        if name is None:
            return self.builder.constant(1)
        if len(self.request.of) != 1:
            raise CircuitError("a seed needs one output: say which with of=")
        if name in self.emission.circuit.names:
            raise CircuitError(f"the seed's name {name!r} is taken by a vertex")
        ((_, output),) = self.request.of
        handle = self.builder.input(name, self.columns.shape(output))
        self.emission.names[handle.vertex] = name
        return handle

    def _reach(self, sources: Iterable[int]) -> list[bool]:
        """Tell which vertices have a derivative by some source."""
        found = [False] * len(self.columns)
        for vertex in sources:
            found[vertex] = True
        for v in range(self.columns.sources, len(self.columns)):
            operands = enumerate(self.columns.operands_of(v))
            found[v] = found[v] or any(
                found[u] and not self.gate(v).is_zero(slot) for slot, u in operands
            )
        return found

    def gate(self, vertex: int) -> Gate:
        """Give a gate with what its derivatives share."""
        found = self._gates.get(vertex)
        if found is None:
            columns = self.columns
            found = self._gates[vertex] = Gate(
                int(columns.op[vertex]),
                self.handles[vertex],
                [self.handles[u] for u in columns.operands_of(vertex)],
                [exact.rational(place) for place in columns.weights_of(vertex)],
                int(columns.params[vertex]),
            )
        return found

    def emitted(self, role: int, vertex: int, slot: int, other: int) -> None:
        """Say what all vertices that were emitted since the last call are."""
        missing = len(self.builder) - len(self.columns) - len(self.roles)
        self.roles += [(role, vertex, slot, other)] * missing

    def settled(self, terms: list[Expr], vertex: int, other: int, role: int) -> Expr:
        """Sum the terms of a derivative; one that is not a number is that term."""
        count = len(self.columns)
        if len(terms) == 1:
            found = self.builder.handle(terms[0].settled())
        else:
            found = self.builder.sum(terms)
        self.emitted(role, vertex, -1, other)
        at = found.vertex - count
        if at >= 0 and self.roles[at][0] == PRODUCT:  # the term is the derivative
            self.roles[at] = (role, vertex, -1, other)
        return found

    # ------------------------------------------------------------ the two modes

    def adjoints(self, output: int, seed: Expr, jacobians: bool) -> dict[int, Expr]:
        """Visit vertices from an output down: the derivative by each, compact."""
        columns = self.columns
        live = columns.live(np.array([output]))
        terms: dict[int, list[Expr]] = {output: [seed]}
        found: dict[int, Expr] = {}
        self.emitted(ADJOINT, output, -1, output)
        for v in range(output, -1, -1):
            if not live[v] or v not in terms or not self.varies[v]:
                continue
            u = found[v] = self.settled(terms.pop(v), v, output, ADJOINT)
            if v < columns.sources:
                continue
            gate = self.gate(v)
            for slot, operand in enumerate(columns.operands_of(v)):
                if not self.varies[operand] or gate.is_zero(slot):
                    continue
                gate.prepare()
                self.emitted(PARTIAL, v, slot, -1)
                if jacobians and gate.is_activation:
                    jacobian = gate.jacobian()
                    self.emitted(PARTIAL, v, slot, -1)
                    term = by_jacobian(jacobian, full(u, gate.y.shape))
                else:
                    term = gate.pullback(slot, u)
                self.emitted(PRODUCT, v, slot, -1)
                terms.setdefault(operand, []).append(term)
        return found

    def tangents(self, x: int) -> dict[int, Expr]:
        """Visit vertices from a source up: the derivative of each, compact.

        Those by an array have its axes in front.
        """
        columns = self.columns
        lead = columns.shape(x)
        found: dict[int, Expr] = {x: self._identity(lead)}
        self.emitted(TANGENT, x, -1, x)
        for v in range(max(x + 1, columns.sources), len(columns)):
            gate = self.gate(v)
            terms = []
            for slot, operand in enumerate(columns.operands_of(v)):
                if operand in found and not gate.is_zero(slot):
                    gate.prepare()
                    self.emitted(PARTIAL, v, slot, -1)
                    terms.append(gate.pushforward(slot, found[operand], lead))
                    self.emitted(PRODUCT, v, slot, -1)
            if terms:
                found[v] = self.settled(terms, v, x, TANGENT)
        return found

    def _identity(self, shape: Shape) -> Expr:
        """Give the derivative of a vertex by itself: 1, or the identity."""
        one = self.builder.constant(1)
        if not shape:
            return one
        g: Any = self.builder.functions
        ones = g.broadcast(one, shape=(entries(shape),))
        eye: Expr = g.diag(ones)
        return eye if len(shape) == 1 else g.reshape(eye, shape=(*shape, *shape))

    # ------------------------------------------------------------ the end

    def whole(self, derivative: Expr | None, shape: Shape) -> int:
        """Give the vertex of a derivative with all its entries; None is zero."""
        if derivative is None:
            derivative = self.builder.constant(0)
        return full(derivative, shape).settled()

    def finish(
        self,
        outputs: list[tuple[str, int]],
        names: list[tuple[str, int]],
        pass_name: str,
    ) -> Circuit:
        """Make the circuit of what was emitted."""
        emission = self.emission
        self.emitted(NEW, -1, -1, -1)
        roles = np.array(self.roles, dtype=np.int64).reshape(-1, 4).T
        emission.append(
            self.builder.raw(),
            lambda: (
                roles[0].astype(np.uint8),
                roles[1].astype(np.int32),
                roles[2].astype(np.int32),
                roles[3].astype(np.int32),
            ),
        )
        emission.constants = {
            place: vertex
            for vertex, place in enumerate(emission.params[: emission.count].tolist())
            if emission.op[vertex] == CONSTANT
        }
        return emission.finish(outputs, names, pass_name)


def reverse_arrays(
    circuit: Circuit,
    of: Sequence[str] | None,
    wrt: Sequence[str] | None,
    value: bool,
    every_vertex: bool,
    seed: str | None,
    jacobians: bool,
) -> Circuit:
    """Emit what `circuitgrad.reverse_mode` says, of a circuit of arrays."""
    emission = Emission(circuit, {exact.ONE})
    circuit = emission.circuit
    request = Request.make(circuit, of, wrt, every_vertex)
    sweep = ArraySweep(emission, request, seeded=seed is not None)
    start = sweep.seed(seed)
    outputs = list(circuit.outputs) if value else []
    names: list[tuple[str, int]] = []
    for label, vertex in request.of:
        adjoints = sweep.adjoints(vertex, start, jacobians)
        for name, x in request.wrt:
            found = sweep.whole(adjoints.get(x), circuit.columns.shape(x))
            sweep.emitted(ADJOINT, x, -1, vertex)
            outputs.append((f"d{label}_d{name}", found))
        names += _named(f"d{label}_d{{}}", adjoints, circuit)
    return sweep.finish(outputs, names, "reverse_mode")


def forward_arrays(
    circuit: Circuit,
    of: Sequence[str] | None,
    wrt: Sequence[str] | None,
    value: bool,
    every_vertex: bool,
) -> Circuit:
    """Emit what `circuitgrad.forward_mode` says, of a circuit of arrays."""
    emission = Emission(circuit, {exact.ONE})
    circuit = emission.circuit
    request = Request.make(circuit, of, wrt, every_vertex)
    sweep = ArraySweep(emission, request)
    names: list[tuple[str, int]] = []
    tangents = []
    for name, x in request.wrt:
        found = sweep.tangents(x)
        tangents.append(found)
        names += _named(f"d{{}}_d{name}", found, circuit)
    outputs = list(circuit.outputs) if value else []
    for label, vertex in request.of:
        for (name, x), tangent in zip(request.wrt, tangents, strict=True):
            at = sweep.whole(tangent.get(vertex), circuit.columns.shape(x))
            sweep.emitted(TANGENT, vertex, -1, x)
            outputs.append((f"d{label}_d{name}", at))
    return sweep.finish(outputs, names, "forward_mode")


def _named(
    form: str, derivatives: dict[int, Expr], circuit: Circuit
) -> list[tuple[str, int]]:
    """Name derivatives that are new vertices after those that have names."""
    return [
        (form.format(circuit.names[v]), derivative.vertex)
        for v, derivative in derivatives.items()
        if circuit.names[v] is not None and derivative.vertex >= len(circuit.columns)
    ]
