"""Fusing sums of sums."""

from __future__ import annotations

from typing import Final

import numpy as np

from circuitgrad import buffers, exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Columns, Ints
from circuitgrad.gates import CONSTANT, SUM
from circuitgrad.loops import kernel, part
from circuitgrad.passes.edit import Edit
from circuitgrad.passes.fuse_exactly import fuse_exactly
from circuitgrad.provenance import Provenance

__all__ = ["fuse"]

_LIMIT: Final = 2**31  # products of two such numbers fit into 63 bits
_FEW: Final = 8  # terms that are compared in pairs
_MANY: Final = -2
_NOBODY: Final = -1
_SINGLE: Final = 1  # a sum of one wire
_MERGED: Final = 2  # a sum that the one sum which it flows into takes apart


def fuse(circuit: Circuit, *, ieee: bool = False) -> Circuit:
    """Make sums of sums one sum.

    A sum with one wire becomes a weight on the sums that use it.  A longer sum is
    merged into the sum that uses it when that is its only use.  Wires of a sum that
    then come from the same vertex become one.  What no output needs any more goes.

    Parameters
    ----------
    circuit : Circuit
    ieee : bool
        Whether to leave out what uses the distributive law: sums of several wires are
        merged only where their weight is 1 or -1, and equal terms stay apart.

    Notes
    -----
    Reassociates and adds the weights of equal terms; terms that cancel go, which
    extends the domain where they have no value.  A merge that would make a weight of
    more than 64 digits does not happen: weights multiplied down a long chain explode.
    Linear in wires, but for another round where terms cancelled or only one was left,
    and for numbers of 2^31 or more (`circuitgrad.passes.fuse_exactly`); idempotent.
    Among arrays a sum is merged only into one of its own shape: it would be repeated.
    """
    if circuit.columns.shaped:
        return fuse_exactly(circuit, ieee)
    exactly = False
    while True:
        work = _Fuse(circuit, ieee)
        fused = work.circuit()
        if fused is None:
            fused, exactly = fuse_exactly(circuit, ieee), True
        if fused is circuit or not (work.again or exactly):
            return fused
        circuit = fused


@kernel
def _roots(op, offsets, operands, live, ieee, hard, root, inner, keep, found):  # type: ignore[no-untyped-def]
    """Find the one sum that each vertex's value flows into, through sums alone.

    ``hard`` marks the vertices with a use that is no sum, outputs at first.  A sum of
    several wires with a root and no hard use is merged into its root: ``inner`` says
    that, and which sums have one wire; the root of those becomes their number.
    ``keep`` says which vertices stay; ``found`` counts the merged and the single ones.
    """
    merged, single = 0, 0
    for v in range(len(op) - 1, -1, -1):
        if op[v] <= CONSTANT or not live[v]:
            keep[v] = op[v] <= CONSTANT
            continue
        keep[v] = True
        start, stop = offsets[v], offsets[v + 1]
        if op[v] != SUM:
            for w in range(start, stop):
                hard[operands[w]] = True
            continue
        into = v  # what flows into v flows into this
        if stop - start == 1:
            inner[v] = _SINGLE
            keep[v] = hard[v]
            if not hard[v]:
                into = root[v]
            elif root[v] != _NOBODY:
                into = _MANY  # into v itself, and into the sums that use v
            root[v] = single
            single += 1
        elif not hard[v] and root[v] >= 0:
            merged += 1
            inner[v] = _MERGED
            keep[v] = False
            into = root[v]
        for w in range(start, stop):
            u = operands[w]
            if root[u] == _NOBODY:
                root[u] = into
            elif root[u] != into or ieee:
                root[u] = _MANY
    found[0] = merged
    found[1] = single


@kernel
def _repeats(op, offsets, operands, weights, live, ieee, last, found):  # type: ignore[no-untyped-def]
    """Tell whether a sum has two wires from one vertex, or the number 0.

    ``last`` is all zeros; it takes the last long sum that each vertex was met in.
    """
    for v in range(len(op)):
        if op[v] != SUM or not live[v]:
            continue
        start, stop = offsets[v], offsets[v + 1]
        for w in range(start, stop):
            u = operands[w]
            if weights[w] == exact.ZERO and op[u] == CONSTANT and not ieee:
                found[0] = True
            if stop - start > _FEW:
                found[0] |= last[u] == v
                last[u] = v
            else:
                for x in range(start, w):
                    found[0] |= operands[x] == u
        if found[0]:
            break


@part
def _lowest(n, d):  # type: ignore[no-untyped-def]
    """Cancel what numerator and denominator share; 0 and 0 where one is too large."""
    if d != 1:
        a, b = n, d
        while b:
            a, b = b, a % b
        a = a if a > 0 else -a
        if a > 1:
            n //= a
            d //= a
    if -_LIMIT < n < _LIMIT and d < _LIMIT:
        return n, d
    return 0, 0


@kernel
def _through(  # type: ignore[no-untyped-def]
    offsets, operands, weights, inner, index, numerators, denominators, end, num, den,
):  # fmt: skip
    """Look through sums of one wire: where they end, and the number on the way.

    They are counted by ``index``; ``den`` is 0 where that number is large.
    """
    for v in range(len(inner)):
        if inner[v] != _SINGLE:
            continue
        w, k = offsets[v], index[v]
        u = operands[w]
        n, d = numerators[weights[w]], denominators[weights[w]]
        if inner[u] == _SINGLE:
            n, d = n * num[index[u]], d * den[index[u]]
            u = end[index[u]]
        n, d = _lowest(n, d)
        end[k] = u
        num[k] = n
        den[k] = d


@kernel
def _splice(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, params, live, inner, index, end, num, den,
    numerators, denominators, ieee, seen, item, taken, sum_num, sum_den, at, stop,
    place, new_op, new_offsets, new_operands, new_weights, new_params,
    odd_wire, odd_num, odd_den, found,
):  # fmt: skip
    """Write all live gates again, sums with the sums in them taken apart.

    Gates and operands are numbered as ``place`` says, -1 for gates that go; sums of one
    wire are counted by ``index``.  A vertex u is among the items of the sum at hand
    where its place ``seen[u]`` in them holds u, so ``seen`` is never cleared.  Weights
    other than 0, 1 and -1 are left to the caller, as fractions, with the wires that
    have them.  ``found`` counts wires, odd weights and sums with weights that are too
    large for this loop, tells whether another round may find more, and counts sums that
    were written anew and uses of gates that go.
    """
    wire, odd, many_large, renewed, stale = 0, 0, 0, 0, 0
    for r in range(len(op)):
        if place[r] < 0:
            continue
        new_op[place[r]] = op[r]
        new_params[place[r]] = params[r]
        first, last = offsets[r], offsets[r + 1]
        look = False
        if op[r] == SUM and live[r]:
            look = last - first > _FEW
            for w in range(first, last):
                u = operands[w]
                if inner[u] or (weights[w] == exact.ZERO and op[u] == CONSTANT):
                    look = True
                if look:
                    break
                for x in range(first, w):
                    if operands[x] == u:
                        look = True
        # The vertices that flow into r, in order: its terms, and sums that are merged.
        items, many = 0, 0
        touched, kept_apart = False, False
        if look:
            at[0], stop[0] = first, last
            top = 0
            while top >= 0:
                if at[top] == stop[top]:
                    top -= 1
                    continue
                w = at[top]
                at[top] += 1
                u = operands[w]
                no_number = weights[w] == exact.ZERO and op[u] == CONSTANT
                if inner[u] == _SINGLE or (no_number and not ieee):
                    touched = True
                unit = True
                if ieee:  # merged under a sign alone
                    n, d = numerators[weights[w]], denominators[weights[w]]
                    if inner[u] == _SINGLE:
                        n *= num[index[u]]
                        d *= den[index[u]]
                    unit = d != 0 and (n == d or n == -d)
                u = end[index[u]] if inner[u] == _SINGLE else u
                if seen[u] < items and item[seen[u]] == u:
                    touched = True
                    kept_apart = kept_apart or ieee
                    continue
                seen[u] = items
                item[items] = u
                sum_num[items] = 0
                sum_den[items] = 1
                if inner[u] == _MERGED and unit:
                    touched = True
                    sum_den[items] = -1  # to be taken apart
                    taken[many] = u
                    many += 1
                    top += 1
                    at[top], stop[top] = offsets[u], offsets[u + 1]
                items += 1
        fits = touched and not kept_apart

        # Later sums first, by Shell's sort: a weight must be whole when it is used.
        gap = many // 2 if fits else 0
        while gap:
            for i in range(gap, many):
                u = taken[i]
                j = i
                while j >= gap and taken[j - gap] < u:
                    taken[j] = taken[j - gap]
                    j -= gap
                taken[j] = u
            gap = 1 if gap == 2 else gap * 5 // 11
        i = -1
        while fits and i < many:
            v = r if i < 0 else taken[i]
            a, b = 1, 1
            if i >= 0:
                k = seen[v]
                a, b = sum_num[k], -sum_den[k]
            i += 1
            if a == 0 and not ieee:
                continue
            for w in range(offsets[v], offsets[v + 1]):
                u = operands[w]
                n, d = a * numerators[weights[w]], b * denominators[weights[w]]
                n, d = _lowest(n, d)
                if inner[u] == _SINGLE:  # the weight, then that of a sum of one wire
                    n, d = _lowest(n * num[index[u]], d * den[index[u]])
                    u = end[index[u]]
                k = seen[u]
                sign = 1 if sum_den[k] > 0 else -1
                before = sum_den[k] * sign
                fits = d > 0
                if d == before:
                    n, d = _lowest(n + sum_num[k], d)
                else:
                    n, d = _lowest(n * before + sum_num[k] * d, d * before)
                fits = fits and d > 0
                if not fits:
                    break
                sum_num[k] = n
                sum_den[k] = d * sign

        if not fits:
            if touched and not kept_apart:
                many_large += 1
            for w in range(first, last):
                if place[operands[w]] < 0:
                    stale += 1
                new_operands[wire] = place[operands[w]]
                new_weights[wire] = weights[w]
                wire += 1
            new_offsets[place[r] + 1] = wire
            continue
        begin = wire
        for k in range(items):
            n, d = sum_num[k], sum_den[k]
            if d < 0:
                continue  # taken apart
            if n == 0 and not ieee:
                found[3] = True
                continue
            if place[item[k]] < 0:
                stale += 1
            new_operands[wire] = place[item[k]]
            if d == 1 and n == 1:
                new_weights[wire] = exact.ONE
            elif d == 1 and n == -1:
                new_weights[wire] = exact.MINUS_ONE
            elif n == 0:
                new_weights[wire] = exact.ZERO
            else:
                odd_wire[odd] = wire
                odd_num[odd] = n
                odd_den[odd] = d
                odd += 1
            wire += 1
        if wire - begin <= 1 < last - first:
            found[3] = True
        renewed += 1
        new_offsets[place[r] + 1] = wire
    found[0] = wire
    found[1] = odd
    found[2] = many_large
    found[4] = renewed
    found[5] = stale


class _Fuse:
    """One round of fusing.

    Attributes
    ----------
    again : bool
        Whether another round may find more.
    """

    def __init__(self, circuit: Circuit, ieee: bool) -> None:
        self.source, self.columns, self.ieee = circuit, circuit.columns, ieee
        self.again = False

    def circuit(self) -> Circuit | None:
        """Give the circuit after this round; None where a number is too large."""
        columns, count = self.columns, len(self.columns)
        hard = np.zeros(count, dtype=np.bool_)
        hard[self.source.output_vertices] = True
        inner = np.zeros(count, dtype=np.uint8)
        root = buffers.full(count, _NOBODY, np.int32)
        keep, found = np.empty(count, dtype=np.bool_), np.zeros(2, dtype=np.int64)
        _roots(
            columns.op, columns.offsets, columns.operands, self.source.live,
            int(self.ieee), hard, root, inner, keep, found,
        )  # fmt: skip
        merged, single = found.tolist()
        if not merged and not single and not self._idle():
            return self.source
        made = self._spliced(inner, root, single, keep)
        if made is None and self.ieee:  # a sum that was to go may be used after all
            made = self._spliced(inner, root, single, np.ones(count, dtype=np.bool_))
        if made is None or made is self.source:
            return made
        return _shortened(made)

    def _spliced(
        self, inner: Ints, index: Ints, single: int, keep: Bools
    ) -> Circuit | None:
        """Take sums apart, and keep the gates that are said to stay.

        None where a number is too large, or a gate would go that is used after all.
        """
        circuit, columns = self.source, self.columns
        count, room = len(columns), 2 * columns.wires + 1
        place = buffers.empty(count, np.int32)
        np.cumsum(keep, out=place)
        staying = int(place[-1])
        place -= 1
        place[~keep] = -1
        numerators, denominators = exact.small_fractions()
        num, den = (buffers.empty(single, np.int64) for _ in range(2))
        end = buffers.empty(single, np.int32)
        _through(
            columns.offsets, columns.operands, columns.weights, inner, index,
            numerators, denominators, end, num, den,
        )  # fmt: skip
        sum_num, sum_den, at, stop = np.empty((4, count), dtype=np.int64)
        item, taken = np.empty((2, count), dtype=np.int32)
        op = buffers.empty(staying, np.uint8)
        offsets = buffers.full(staying + 1, 0, np.int32)
        params = buffers.empty(staying, np.int32)
        operands, weights = (buffers.empty(room, np.int32) for _ in range(2))
        odd_wire, odd_num, odd_den = np.empty((3, room), dtype=np.int64)
        found = np.zeros(6, dtype=np.int64)
        _splice(
            columns.op, columns.offsets, columns.operands, columns.weights,
            columns.params, circuit.live, inner, index, end, num, den,
            numerators, denominators, int(self.ieee), buffers.full(count, 0, np.int32),
            item, taken, sum_num, sum_den, at, stop, place,
            op, offsets, operands, weights, params,
            odd_wire, odd_num, odd_den, found,
        )  # fmt: skip
        wires, odd, large, again, renewed, stale = found.tolist()
        self.again = bool(again)
        if large or stale:
            return None
        if not renewed:
            return circuit
        weights[odd_wire[:odd]] = exact.intern_fractions(odd_num[:odd], odd_den[:odd])
        shapes = np.zeros(staying, dtype=np.int32)
        if columns.shapes.any():
            shapes[:] = columns.shapes[keep]
        return Circuit(
            Columns(op, offsets, operands[:wires], weights[:wires], params, shapes),
            circuit.names.moved(place, staying),
            circuit.outputs_at(place),
            circuit.name,
            Provenance.of(circuit).moved(place, staying, "fuse"),
        )

    def _idle(self) -> bool:
        """Tell whether a sum has two wires from one vertex, or the number 0."""
        columns = self.columns
        found = np.zeros(1, dtype=np.bool_)
        _repeats(
            columns.op, columns.offsets, columns.operands, columns.weights,
            self.source.live, int(self.ieee),
            np.zeros(len(columns), dtype=np.int32), found,
        )  # fmt: skip
        return bool(found[0])


def _shortened(circuit: Circuit) -> Circuit:
    """Make a sum without terms, of a number or of one term alone what it is.

    What no output needs any more goes.
    """
    columns = circuit.columns
    short = (columns.op == SUM) & (columns.fan_in <= 1)
    alone = short & (columns.fan_in == 1)
    wires = columns.offsets[:-1][alone]
    one = columns.place_of_constant(exact.ONE)
    number = columns.operands[wires] == (-1 if one is None else one)
    short[alone] = number | (columns.weights[wires] == exact.ONE)
    if not short.any() and circuit.uses_its_constants():
        return circuit
    edit = Edit(circuit)
    for vertex in np.flatnonzero(short).tolist():
        if not alone[vertex]:
            edit.alias[vertex] = edit.constant(exact.ZERO)
            continue
        [operand], [place] = columns.operands_of(vertex), columns.weights_of(vertex)
        if operand == one:
            edit.alias[vertex] = edit.constant(place)
        else:
            edit.alias[vertex] = edit.alias[operand]
    return edit.finish("", live_only=True)
