"""Signs of sums: u - v or v - u, whichever leaves fewer minus signs to compute."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

from circuitgrad.circuit import Circuit
from circuitgrad.simplify.rewrites import too_large
from circuitgrad.simplify.terms import ONE, Terms
from circuitgrad.simplify.writing import Plan

__all__ = ["orient"]

#: Terms that may be looked at before the search ends where it is.
MAX_VISITS = 200_000
#: Sums that are turned in one chain.
CHAIN = 6
#: Wholes with more parts than this are not searched for neighbours.
MAX_BESIDE = 64
FORBIDDEN = 1 << 30


def orient(circuit: Circuit, *, ieee: bool = False, limit: int = 1_000_000) -> Circuit:
    """Choose for each sum whether it or its negative is computed.

    A minus sign costs an operation where nothing absorbs it: at an output, before a
    function, and in a sum whose weights would all be -1.  Signs pass through products
    to the sums that use them.  Local search: single sums are turned as long as that
    saves, then chains of up to six neighbours.  A factor that several negative outputs
    have in common is negated once for all of them.

    Parameters
    ----------
    circuit : Circuit
    ieee : bool
        Changes nothing: signs are exact.
    limit : int
        Circuits with more vertices are left as they are.

    Notes
    -----
    Exact everywhere.  Each trial visits the products between a sum and the next sums.
    """
    if too_large(circuit, "orient", limit):
        return circuit
    terms = Terms(ieee=ieee, numbers=False)
    plan = Plan.read(circuit, terms, products="none")
    _Signs(plan).run()
    return plan.write("orient")


class _Signs:
    """The sign of each term against the way it is written."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.order = plan.order()
        self.place = {term: i for i, term in enumerate(self.order)}
        self.users: dict[int, list[int]] = {term: [] for term in self.order}
        for term in self.order:
            for part in plan.parts(term):
                self.users[part].append(term)
        self.sign = dict.fromkeys(self.order, 1)
        self.outputs: dict[int, set[int]] = {}
        for _, (number, term) in plan.outputs:
            if abs(number) == 1:
                self.outputs.setdefault(term, set()).add(int(number))
        # A term under a root or in a box keeps its sign.
        self.fixed = {
            part
            for term in self.order
            if plan.kind(term) in ("root", "boxed")
            for part in plan.parts(term)
        }
        self.visits = 0
        self.sums = [t for t in self.order if plan.kind(t) == "sum"]

    def run(self) -> None:
        for length in (1, CHAIN):
            turned = True
            while turned and self.visits < MAX_VISITS:
                starts = self.near_minuses()
                turned = False
                for term in starts:
                    turned |= self.try_chain(term, length)
        self.apply()
        self.share_minuses()

    def near_minuses(self) -> list[int]:
        """Give the sums that a computed minus sign can come from."""
        starts: dict[int, None] = {}
        for term in self.order:
            if self.minuses(term):
                near = [term, *self.plan.parts(term)[:MAX_BESIDE]]
                for part in list(near):
                    if part in self.plan.products:
                        near += self.plan.products[part]
                starts.update(dict.fromkeys(t for t in near if t in self.plan.sums))
        return list(starts)

    def try_chain(self, first: int, length: int) -> bool:
        """Turn a sum, then the neighbour for which it costs least, and so on.

        Goes on where a single step saves nothing, and goes back to the best on the way
        (Kernighan and Lin).
        """
        chain: list[int] = []
        change = best = kept = 0
        offers = {first}
        while offers and len(chain) < length and self.visits < MAX_VISITS:
            costs = {term: self.change(term) for term in sorted(offers)}
            term = min(costs, key=lambda t: (costs[t], t))
            if costs[term] >= FORBIDDEN:
                break
            self.turn(term)
            chain.append(term)
            change += costs[term]
            if change < best:
                best, kept = change, len(chain)
            if len(chain) < length:
                offers = {t for t in self.neighbours(term) if t not in chain}
        for term in chain[kept:]:
            self.turn(term)
        return kept > 0

    def change(self, term: int) -> int:
        """Count the minus signs more that turning a sum would cost."""
        touched = dict.fromkeys(self.turn(term))
        self.visits += 2 * len(touched)
        after = self.cost(touched)
        allowed = not any(self.sign[t] < 0 and t in self.fixed for t in touched)
        self.turn(term)
        return after - self.cost(touched) if allowed else FORBIDDEN

    def neighbours(self, term: int) -> set[int]:
        """Give the sums that use a sum, or are used beside it, through one product."""
        near: dict[int, None] = {}
        for user in self.users[term]:
            for other in (user, *self.users[user]):
                near[other] = None
                parts = self.plan.parts(other)
                if len(parts) <= MAX_BESIDE:
                    near.update(dict.fromkeys(parts))
        return {t for t in near if t != term and t in self.plan.sums}

    def turn(self, term: int) -> list[int]:
        """Turn a sum and the products that follow; give all terms that may notice."""
        self.sign[term] = -self.sign[term]
        touched, heap = [term], [self.place[u] for u in self.users[term]]
        heapq.heapify(heap)
        last = -1
        while heap:
            place = heapq.heappop(heap)
            if place == last:
                continue
            last, user = place, self.order[place]
            touched.append(user)
            row = self.plan.products.get(user)
            if row is None:
                continue
            sign = 1
            for base, exponent in row.items():
                if self.sign[base] < 0 and exponent % 2:
                    sign = -sign
            if sign != self.sign[user]:
                self.sign[user] = sign
                for other in self.users[user]:
                    heapq.heappush(heap, self.place[other])
        return touched

    def cost(self, terms: Iterable[int]) -> int:
        """Count the minus signs that terms compute."""
        return sum(self.minuses(term) for term in terms)

    def minuses(self, term: int) -> int:
        sign = self.sign
        count = sum(s * sign[term] < 0 for s in self.outputs.get(term, ()))
        row = self.plan.sums.get(term)
        if row is not None:
            return count + all(
                part != ONE and weight * sign[part] * sign[term] == -1
                for part, weight in row.items()
            )
        operands = self.plan.calls.get(term, ())
        return count + sum(w * sign[u] == -1 for w, u in operands if u != ONE)

    def apply(self) -> None:
        """Write the signs into rows, calls and outputs."""
        plan, sign = self.plan, self.sign
        for term, row in plan.sums.items():
            for part in row:
                row[part] *= sign[part] * sign[term]
        plan.turned = {t for t in self.order if sign[t] < 0}
        for operands in plan.calls.values():
            operands[:] = [(number * sign[part], part) for number, part in operands]
        plan.outputs = [
            (name, (number * sign[term], term)) for name, (number, term) in plan.outputs
        ]

    def share_minuses(self) -> None:
        """Negate a factor once that several negative products have in common.

        A constant factor is negated for nothing.  Only in products that nothing else
        uses than the output that negates them.
        """
        plan = self.plan
        uses = Counter(part for term in plan.order() for part in plan.parts(term))
        uses.update(term for _, (_, term) in plan.outputs)
        negative = {
            term: plan.products[term]
            for _, (number, term) in plan.outputs
            if number == -1 and uses[term] == 1 and term in plan.products
        }
        done = set()
        for term, row in negative.items():
            for base, exponent in row.items():
                minus = plan.terms.negated(base) if plan.constant(base) else base
                if exponent % 2 and minus not in row:
                    row[minus] = row.pop(base)
                    done.add(term)
                    break
        having: dict[int, list[int]] = {}
        for term, row in negative.items():
            for base, exponent in row.items():
                if exponent % 2 and term not in done:
                    having.setdefault(base, []).append(term)
        for base in sorted(having, key=lambda t: (-len(having[t]), t)):
            left = [term for term in having[base] if term not in done]
            if len(left) < 2:
                continue
            minus = plan.terms.new()
            plan.sums[minus] = {base: -1}
            for term in left:
                row = negative[term]
                row[minus] = row.pop(base)
            done.update(left)
        plan.turned ^= done
        plan.outputs = [
            (name, (-number, term) if term in done else (number, term))
            for name, (number, term) in plan.outputs
        ]
