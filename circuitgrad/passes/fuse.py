"""Fusing sums of sums."""

from __future__ import annotations

from typing import Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Columns
from circuitgrad.gates import CONSTANT, SUM
from circuitgrad.loops import kernel
from circuitgrad.passes.edit import Edit
from circuitgrad.passes.fuse_exactly import fuse_exactly
from circuitgrad.provenance import Provenance

__all__ = ["fuse"]

_LIMIT: Final = 2**31  # products of two such numbers fit into 63 bits
_MANY: Final = -2
_NOBODY: Final = -1


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
    """
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
def _roots(op, offsets, operands, live, ieee, hard, root):  # type: ignore[no-untyped-def]
    """Find the one sum that each vertex's value flows into, through sums alone.

    ``hard`` marks the vertices with a use that is no sum, outputs at first.  A sum of
    several wires with a root and no hard use is merged into its root.
    """
    for v in range(len(op) - 1, -1, -1):
        if not live[v] or op[v] <= CONSTANT:
            continue
        start, stop = offsets[v], offsets[v + 1]
        if op[v] != SUM:
            for w in range(start, stop):
                hard[operands[w]] = True
            continue
        into = v  # what flows into v flows into this
        if not hard[v]:
            if stop - start == 1 or root[v] >= 0:
                into = root[v]
        elif stop - start == 1 and root[v] != _NOBODY:
            into = _MANY  # into v itself, and into the sums that use v
        for w in range(start, stop):
            u = operands[w]
            if root[u] == _NOBODY:
                root[u] = into
            elif root[u] != into or ieee:
                root[u] = _MANY


@kernel
def _through(  # type: ignore[no-untyped-def]
    offsets, operands, weights, single, numerators, denominators, end, num, den,
):  # fmt: skip
    """Look through sums of one wire: where they end, and the number on the way.

    ``den`` is 0 where that number is large.
    """
    for v in range(len(single)):
        if not single[v]:
            continue
        w = offsets[v]
        u = operands[w]
        n, d = numerators[weights[w]], denominators[weights[w]]
        end[v] = u
        if single[u]:
            end[v] = end[u]
            n *= num[u]
            d *= den[u]
            a, b = n, d
            while b:
                a, b = b, a % b
            if d > 1:
                a = a if a > 0 else -a
                n //= a
                d //= a
        large = not (-_LIMIT < n < _LIMIT and d < _LIMIT)
        num[v] = 0 if large else n
        den[v] = 0 if large else d


@kernel
def _splice(  # type: ignore[no-untyped-def]
    op, offsets, operands, weights, live, single, merged, end, num, den,
    numerators, denominators, ieee, seen, item, inner, sum_num, sum_den, at, stop,
    place, new_offsets, new_operands, new_weights, odd_wire, odd_num, odd_den,
    found,
):  # fmt: skip
    """Write the wires of all live gates again, sums with the sums in them taken apart.

    Gates and operands are numbered as ``place`` says, -1 for gates that go.  Weights
    other than 0, 1 and -1 are left to the caller, as fractions, with the wires that
    have them.  ``found`` counts wires, odd weights and sums with weights that are too
    large for this loop, tells whether another round may find more, and counts sums that
    were written anew and uses of gates that go.
    """
    wire, odd, many_large, renewed, stale = 0, 0, 0, 0, 0
    for r in range(len(op)):
        if op[r] <= CONSTANT or place[r] < 0:
            continue
        first, last = offsets[r], offsets[r + 1]
        # The vertices that flow into r, in order: its terms, and sums that are merged.
        items, inners = 0, 0
        touched, kept_apart = False, False
        if op[r] == SUM and live[r]:
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
                if single[u] or (no_number and not ieee):
                    touched = True
                unit = True
                if ieee:  # merged under a sign alone
                    n, d = numerators[weights[w]], denominators[weights[w]]
                    if single[u]:
                        n *= num[u]
                        d *= den[u]
                    unit = d != 0 and (n == d or n == -d)
                u = end[u] if single[u] else u
                if seen[u] >> 32 == r:
                    touched = True
                    kept_apart = kept_apart or ieee
                    continue
                seen[u] = (r << 32) | items
                item[items] = u
                sum_num[items] = 0
                sum_den[items] = 1
                if merged[u] and unit:
                    touched = True
                    sum_den[items] = -1  # to be taken apart
                    inner[inners] = u
                    inners += 1
                    top += 1
                    at[top], stop[top] = offsets[u], offsets[u + 1]
                items += 1
        fits = touched and not kept_apart

        # Later sums first, by Shell's sort: a weight must be whole when it is used.
        gap = inners // 2 if fits else 0
        while gap:
            for i in range(gap, inners):
                u = inner[i]
                j = i
                while j >= gap and inner[j - gap] < u:
                    inner[j] = inner[j - gap]
                    j -= gap
                inner[j] = u
            gap = 1 if gap == 2 else gap * 5 // 11
        i = -1
        while fits and i < inners:
            v = r if i < 0 else inner[i]
            a, b = 1, 1
            if i >= 0:
                k = seen[v] & 0xFFFFFFFF
                a, b = sum_num[k], -sum_den[k]
            i += 1
            if a == 0 and not ieee:
                continue
            for w in range(offsets[v], offsets[v + 1]):
                u = operands[w]
                n = a * numerators[weights[w]]
                d = b * denominators[weights[w]]
                for further in range(2):  # the weight, then that of a sum of one wire
                    if further:
                        if not single[u]:
                            break
                        n *= num[u]
                        d *= den[u]
                        u = end[u]
                    if d != 1:
                        c, e = n, d
                        while e:
                            c, e = e, c % e
                        c = c if c > 0 else -c
                        if c > 1:
                            n //= c
                            d //= c
                    if not (-_LIMIT < n < _LIMIT and 0 < d < _LIMIT):
                        fits = False
                        break
                if not fits:
                    break
                k = seen[u] & 0xFFFFFFFF
                sign = 1 if sum_den[k] > 0 else -1
                before = sum_den[k] * sign
                if d == before:
                    n += sum_num[k]
                else:
                    n = n * before + sum_num[k] * d
                    d *= before
                if d != 1:
                    c, e = n, d
                    while e:
                        c, e = e, c % e
                    c = c if c > 0 else -c
                    if c > 1:
                        n //= c
                        d //= c
                if not (-_LIMIT < n < _LIMIT and d < _LIMIT):
                    fits = False
                    break
                sum_num[k] = n
                sum_den[k] = d * sign
            if not fits:
                break

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
        columns, count = self.columns, len(circuit.columns)
        self.hard = np.zeros(count, dtype=np.bool_)
        self.hard[circuit.output_vertices] = True
        self.root = np.full(count, _NOBODY, dtype=np.int32)
        _roots(
            columns.op, columns.offsets, columns.operands, circuit.live, int(ieee),
            self.hard, self.root,
        )  # fmt: skip
        is_sum = (columns.op == SUM) & circuit.live
        self.single = is_sum & (columns.fan_in == 1)
        self.merged = is_sum & ~self.hard & (self.root >= 0) & ~self.single
        self.inner = self.single | self.merged

    def circuit(self) -> Circuit | None:
        """Give the circuit after this round; None where a number is too large."""
        columns = self.columns
        if not self.inner.any() and not self._idle():
            return self.source
        keep = self.source.live & ~self.merged & (self.hard | ~self.single)
        keep[: columns.sources] = True
        made = self._spliced(keep)
        if made is None and self.ieee:  # a sum that was to go may be used after all
            made = self._spliced(np.ones(len(columns), dtype=np.bool_))
        if made is None or made is self.source:
            return made
        edit = Edit(made)
        self._shorten(edit)
        if edit.changed or not made.uses_its_constants():
            made = edit.finish("", live_only=True)
        return made

    def _spliced(self, keep: Bools) -> Circuit | None:
        """Take sums apart, and keep the gates that are said to stay.

        None where a number is too large, or a gate would go that is used after all.
        """
        circuit, columns = self.source, self.columns
        count, room = len(columns), 2 * columns.wires + 1
        place = (np.cumsum(keep) - 1).astype(np.int32)
        place[~keep] = -1
        numerators, denominators = exact.small_fractions()
        end = np.empty(count, dtype=np.int32)
        num, den, seen, sum_num, sum_den, at, stop = np.empty((7, count + 1), np.int64)
        item, inner = np.empty((2, count), dtype=np.int32)
        seen[:] = -1
        offsets = np.zeros(int(keep.sum()) + 1, dtype=np.int64)
        operands, weights = np.empty((2, room), dtype=np.int32)
        odd_wire, odd_num, odd_den = np.empty((3, room), dtype=np.int64)
        found = np.zeros(6, dtype=np.int64)
        _through(
            columns.offsets, columns.operands, columns.weights, self.single,
            numerators, denominators, end, num, den,
        )  # fmt: skip
        _splice(
            columns.op, columns.offsets, columns.operands, columns.weights,
            circuit.live, self.single, self.merged, end, num, den,
            numerators, denominators, int(self.ieee), seen, item, inner,
            sum_num, sum_den, at, stop, place,
            offsets, operands, weights, odd_wire, odd_num, odd_den, found,
        )  # fmt: skip
        wires, odd, large, again, renewed, stale = found.tolist()
        self.again = bool(again)
        if large or stale:
            return None
        if not renewed:
            return circuit
        weights[odd_wire[:odd]] = exact.intern_fractions(odd_num[:odd], odd_den[:odd])
        made = Columns(
            columns.op[keep],
            offsets,
            operands[:wires],
            weights[:wires],
            columns.params[keep],
            columns.shapes[keep],
        )
        return Circuit(
            made,
            circuit.names.moved(place, len(made)),
            [(label, int(place[vertex])) for label, vertex in circuit.outputs],
            circuit.name,
            Provenance.of(circuit).take(np.flatnonzero(keep), "fuse"),
        )

    def _idle(self) -> bool:
        """Tell whether a sum has two wires from one vertex, or the number 0."""
        columns = self.columns
        chosen = ((columns.op == SUM) & self.source.live)[columns.consumer]
        number = columns.op[columns.operands[chosen]] == CONSTANT
        if not self.ieee and (columns.weights[chosen][number] == exact.ZERO).any():
            return True
        key = columns.consumer[chosen] * np.int64(len(columns))
        key += columns.operands[chosen]
        key.sort()
        return bool((key[1:] == key[:-1]).any())

    def _shorten(self, edit: Edit) -> None:
        """Make a sum without terms, of a number or of one term alone what it is."""
        columns = edit.columns
        short = (columns.op == SUM) & (columns.fan_in <= 1)
        alone = short & (columns.fan_in == 1)
        wires = columns.offsets[:-1][alone]
        one = columns.place_of_constant(exact.ONE)
        number = columns.operands[wires] == (-1 if one is None else one)
        short[alone] = number | (columns.weights[wires] == exact.ONE)
        for vertex in np.flatnonzero(short).tolist():
            if not columns.fan_in[vertex]:
                edit.alias[vertex] = edit.constant(exact.ZERO)
                continue
            [operand], [place] = columns.operands_of(vertex), columns.weights_of(vertex)
            if operand == one:
                edit.alias[vertex] = edit.constant(place)
            else:
                edit.alias[vertex] = edit.alias[operand]
