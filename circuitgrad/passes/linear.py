"""Pushforward and pullback of one gate on arrays, from its record's one declaration.

A scalar gate has partials: a tangent is multiplied by them entry by entry, an adjoint
too, and summed over what broadcasting repeated.  A matrix gate says what a tangent of
an operand becomes, by gates that are linear in it; the pullback is the transpose of
that, gate by gate from the last one.  Linear gates say their own transpose.

Derivatives may be *compact*: of a shape that broadcasts to that of their vertex, so
that the adjoint of what is summed up need not be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.errors import CircuitError
from circuitgrad.gates import CONSTANT, DIV, PROD, SUM, GateType, gate_type
from circuitgrad.gates.maps import unbroadcast
from circuitgrad.passes.partials import template
from circuitgrad.shapes import Shape

__all__ = ["Gate", "by_jacobian", "full"]


def full(u: Expr, shape: Shape) -> Expr:
    """Give a compact derivative all the entries of its vertex."""
    if u.shape == shape:
        return u
    return u.builder.gate("broadcast", u, shape=shape)


class Gate:
    """One gate of the circuit that is differentiated, by handles.

    Parameters
    ----------
    code : int
        Its gate type.
    y : Expr
        The gate itself.
    operands : sequence of Expr
    weights : sequence of Fraction
        Those of its wires.
    param : int
        The place of its parameter.
    """

    def __init__(
        self,
        code: int,
        y: Expr,
        operands: Sequence[Expr],
        weights: Sequence[Fraction],
        param: int,
    ) -> None:
        self.code, self.type = code, gate_type(code)
        self.y, self.operands, self.weights = y, operands, weights
        self.g: Any = y.builder.functions
        self.options: Mapping[str, Any] = (
            self.type.named(exact.options(param)) if self.type.options else {}
        )
        self.param = param
        self._partials: list[Any] | None = None

    @property
    def partials(self) -> list[Any]:
        """The partials of a scalar gate, times the wires' weights; made once."""
        if self._partials is None:
            parameter = [exact.number(self.param)] if self.type.takes_parameter else []
            found = self.type.partials(self.g, self.y, *self.operands, *parameter)
            self._partials = [
                partial if isinstance(partial, Expr) else
                self.y.builder.lift(partial) if isinstance(partial, exact.Pi) else
                exact.as_fraction(partial) * weight
                for partial, weight in zip(found, self.weights, strict=True)
            ]  # fmt: skip
        return self._partials

    def prepare(self) -> None:
        """Emit the partials of a scalar gate, if that is not done yet."""
        if not self.type.matrix:
            assert self.partials is not None

    def is_zero(self, slot: int) -> bool:
        """Tell whether the derivative by a slot is structurally zero."""
        if not self.type.matrix:
            number = template(self.code, len(self.operands), self.param).number[slot]
            return bool(number == exact.ZERO) or self.weights[slot] == 0
        return not isinstance(self._tangent(slot)[0], Expr)

    # ------------------------------------------------------------ pullback

    def pullback(self, slot: int, u: Expr) -> Expr:
        """Give what an adjoint u of the gate contributes to an operand's; compact."""
        if not self.type.matrix:
            partial = self.partials[slot]
            if isinstance(partial, Fraction):
                return self._summed(u.times(partial), slot)
            return self._summed(u * partial, slot)
        u = full(u, self.y.shape)
        if self.type.transpose is not None:
            found = self.type.transpose(self.g, slot, u, *self.operands, **self.options)
            if found is not None:
                return self.y.builder.lift(found)
        return self._transposed(slot, u)

    def _summed(self, term: Expr, slot: int) -> Expr:
        """Sum a term over what broadcasting repeated in this operand."""
        return _summed(self.g, term, self.operands[slot].shape, self.y.shape)

    def _tangent(self, slot: int) -> tuple[Any, Builder, Expr, list[Expr], Expr]:
        """Write what a tangent of an operand becomes, in a circuit for itself."""
        builder = Builder()
        operands = [
            builder.input(f"x{i}", each.shape) for i, each in enumerate(self.operands)
        ]
        y = builder.input("y", self.y.shape)
        t = builder.input("t", self.operands[slot].shape)
        return (
            self._pushed(builder.functions, y, slot, t, operands),
            *(builder, y, operands, t),
        )

    def _pushed(
        self, g: Any, y: Expr, slot: int, t: Expr, operands: Sequence[Expr]
    ) -> Any:
        if self.type.differential is not None:
            return self.type.differential(g, y, slot, t, *operands, **self.options)
        # linear in the slot: the gate itself, whose axes count from the last one
        used = [t if i == slot else each for i, each in enumerate(operands)]
        rank, lead = len(operands[0].shape), t.shape[: len(t.shape) - len(
            operands[slot].shape
        )]  # fmt: skip
        options = dict(self.options)
        if "shape" in options:
            options["shape"] = (*lead, *options["shape"])
            rank = len(self.y.shape)
        if "axis" in options:
            axis = options["axis"]
            options["axis"] = (
                axis - rank
                if isinstance(axis, int)
                else tuple(each - rank for each in axis)
            )
        return t.builder.gate(self.type.name, *used, **options)

    def _transposed(self, slot: int, u: Expr) -> Expr:
        """Transpose the linear circuit of the differential, gate by gate."""
        result, builder, y, operands, t = self._tangent(slot)
        known = {y.vertex: self.y}
        known |= {
            each.vertex: own for each, own in zip(operands, self.operands, strict=True)
        }
        linear = _Linear(builder, known, self.g)
        found = linear.transposed(result, t.vertex, u)
        return self.y.builder.lift(found)

    # ------------------------------------------------------------ Jacobians

    @property
    def is_activation(self) -> bool:
        """Whether this is an activation of vectors, which has a Jacobian matrix.

        Along another axis than the last one it is none: its rows are no vectors.
        """
        last = len(self.y.shape) - 1
        along = self.options.get("axis", last) == last
        return "activation" in self.type.traits and bool(self.y.shape) and along

    def jacobian(self) -> Expr:
        """Give the Jacobian of an activation, one for each row of a batch.

        Row i is the pullback of the i-th unit vector; for a scalar gate that is the
        partial, on the diagonal.
        """
        builder, shape = self.y.builder, self.y.shape
        if not self.type.matrix:
            (partial,) = self.partials
            found: Expr = self.g.diag(full(builder.lift(partial), shape))
            return found
        n, axis = shape[-1], len(shape) - 1
        square = (*shape[:-1], n, n)  # a row for each unit vector
        options = [
            value + 1 if name == "axis" and value == axis else value
            for name, value in self.options.items()
        ]
        rows = Gate(
            self.code,
            self.g.broadcast(self.y, shape=square, axis=axis),
            [self.g.broadcast(self.operands[0], shape=square, axis=axis)],
            self.weights,
            exact.intern(tuple(options)) if options else -1,
        )
        eye = self.g.diag(self.g.broadcast(builder.constant(1), shape=(n,)))
        return full(rows.pullback(0, eye), square)

    # ------------------------------------------------------------ pushforward

    def pushforward(self, slot: int, t: Expr, lead: Shape) -> Expr:
        """Give what a tangent of an operand contributes to the gate's.

        The tangent has the axes ``lead`` in front of the operand's, and is compact;
        so is the result.
        """
        operand = self.operands[slot]
        if self.type.matrix:
            whole = full(t, (*lead, *operand.shape))
            return self.y.builder.lift(
                self._pushed(self.g, self.y, slot, whole, self.operands)
            )
        more = len(self.y.shape) - len(operand.shape)
        if more and len(t.shape) > len(operand.shape):
            front = len(t.shape) - len(operand.shape)
            shape = (*t.shape[:front], *(1,) * more, *t.shape[front:])
            t = self.y.builder.handle(t.settled())
            t = self.g.reshape(t, shape=shape)
        partial = self.partials[slot]
        return t.times(partial) if isinstance(partial, Fraction) else t * partial


def by_jacobian(jacobian: Expr, u: Expr) -> Expr:
    """Pull an adjoint back by Jacobians: J^T u, or u J for each row of a batch."""
    if len(u.shape) == 1:
        return jacobian.T @ u
    g: Any = u.builder.functions
    row = g.reshape(u, shape=(*u.shape[:-1], 1, u.shape[-1]))
    found: Expr = g.reshape(row @ jacobian, shape=u.shape)
    return found


def _summed(g: Any, term: Expr, own: Shape, whole: Shape) -> Expr:
    """Give a term of shape ``whole``, compact, the shape of an operand, by sums."""
    if own == whole:
        return term
    weight = term.weight
    alone = term.builder.handle(term.vertex)
    summed: Expr = unbroadcast(g, full(alone, whole), own)
    return summed.times(weight)


class _Linear:
    """A circuit that is linear in one input, on its way to its transpose.

    Parameters
    ----------
    builder : Builder
        It holds the circuit.
    known : dict of int to Expr
        The handles, elsewhere, of its other inputs; gates that do not depend on the
        tangent are copied there when they are needed.
    g : Functions
        Those of the other builder.
    """

    def __init__(self, builder: Builder, known: dict[int, Expr], g: Any) -> None:
        raw = builder.raw()
        self.builder, self.known, self.g = builder, known, g
        self.op, self.params = raw.op.tolist(), raw.params.tolist()
        offsets, operands = raw.offsets.tolist(), raw.operands.tolist()
        weights = raw.weights.tolist()
        wires = [range(a, b) for a, b in pairwise(offsets)]
        self.operands = [[operands[w] for w in each] for each in wires]
        self.weights = [[exact.rational(weights[w]) for w in each] for each in wires]

    def copied(self, vertex: int) -> Expr:
        """Give the handle of a vertex that does not depend on the tangent."""
        found = self.known.get(vertex)
        if found is None:
            target: Builder = next(iter(self.known.values())).builder
            code, param = self.op[vertex], self.params[vertex]
            if code == CONSTANT:
                found = target.handle(target.constant_vertex(param))
            else:
                used = [self.copied(u).vertex for u in self.operands[vertex]]
                places = [exact.intern(w) for w in self.weights[vertex]]
                weights = places if code == SUM else None
                found = target.handle(target.add(code, used, weights, param))
            self.known[vertex] = found
        return found

    def transposed(self, result: Expr, tangent: int, u: Expr) -> Expr:
        """Give the adjoint of the tangent where that of the result is u."""
        depends = [False] * len(self.op)
        depends[tangent] = True
        for v, operands in enumerate(self.operands):
            depends[v] = depends[v] or any(depends[each] for each in operands)
        terms: dict[int, list[Expr]] = {result.vertex: [u.times(result.weight)]}
        for v in range(result.vertex, tangent, -1):
            if v not in terms or not depends[v]:
                continue
            adjoint = _added(terms.pop(v))
            for slot, operand in enumerate(self.operands[v]):
                if depends[operand]:
                    terms.setdefault(operand, []).append(
                        self._pulled(v, slot, adjoint, depends)
                    )
        return _added(terms[tangent])

    def _pulled(self, v: int, slot: int, u: Expr, depends: list[bool]) -> Expr:
        """Pull an adjoint back through a gate that is linear in the slot."""
        code, operands = self.op[v], self.operands[v]
        own, whole = self.builder.shape(operands[slot]), self.builder.shape(v)
        if code == SUM:
            return _summed(self.g, u.times(self.weights[v][slot]), own, whole)
        others = [w for i, w in enumerate(operands) if i != slot]
        if code == PROD:
            product = u
            for each in others:
                product = product * self.copied(each)
            return _summed(self.g, product, own, whole)
        if code == DIV and slot == 0:
            return _summed(self.g, u / self.copied(operands[1]), own, whole)
        gate: GateType = gate_type(code)
        used = [
            Expr(self.builder, w) if depends[w] else self.copied(w) for w in operands
        ]
        options = gate.named(exact.options(self.params[v])) if gate.options else {}
        if gate.transpose is None:
            raise CircuitError(f"{gate.name} is not linear: it has no transpose")
        alone = full(u.builder.handle(u.vertex), whole)
        found: Expr = gate.transpose(self.g, slot, alone, *used, **options)
        return found.times(u.weight)


def _added(terms: list[Expr]) -> Expr:
    """Add derivatives; one alone is itself."""
    return terms[0] if len(terms) == 1 else terms[0].builder.sum(terms)
