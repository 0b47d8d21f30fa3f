"""Greedy extraction of pairs that many rows have in common.

Shared sub-products and shared sub-sums are found the same way: of all pairs of entries
in all rows, the one that saves most becomes a row of its own, and an entry of each row
that had it.  Counts are kept up to date, so the time is that of listing the pairs: the
square of a row's length.  Rows of more than `MAX_ROW` entries are left out, and where
there would be more than `MAX_PAIRS` pairs, the longest rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Protocol, TypeVar

from circuitgrad.exact import Rational
from circuitgrad.simplify.rewrites import note
from circuitgrad.simplify.terms import Row

__all__ = ["MAX_ROW", "Pairing", "extract_pairs"]

#: Rows longer than this are left out.
MAX_ROW = 64
#: Pairs that are listed to begin with.
MAX_PAIRS = 300_000

Key = TypeVar("Key", bound=Hashable)


class Pairing(Protocol[Key]):
    """What `extract_pairs` asks of sums and products."""

    def pair(self, u: int, p: Rational, v: int, q: Rational) -> Key | None:
        """Name the pair of two entries u < v of a row, None where it is not shared."""

    def saving(self, key: Key, rows: list[Row]) -> int:
        """Count the operations saved by making a pair a row of its own."""

    def make(self, key: Key, rows: list[Row]) -> Row:
        """Give the new row of a pair."""

    def replace(self, key: Key, new: int, made: Row, row: Row) -> None:
        """Put the new entry into a row, for the pair."""

    def order(self, key: Key) -> tuple[int, ...]:
        """Order pairs that save the same."""


def extract_pairs(
    rows: dict[int, Row],
    pairing: Pairing[Key],
    fresh: Callable[[], int],
    note_taken: Callable[[Row, list[int]], None],
) -> None:
    """Extract pairs from rows, in place, as long as one saves.

    ``note_taken`` is told of each new row, and of those that it was taken from.
    """
    having: dict[Key, dict[int, None]] = {}
    heap: list[tuple[int, tuple[int, ...], Key]] = []

    def saving(key: Key) -> int:
        return pairing.saving(key, [rows[t] for t in having[key]])

    def pairs(row: Row, only: int | None) -> Iterator[Key]:
        """List the pairs of a row; where ``only`` is given, those with that entry."""
        if len(row) > MAX_ROW:
            return
        items = sorted(row.items()) if only is None else [(only, row[only])]
        for place, (u, p) in enumerate(items):
            others = items[place + 1 :] if only is None else row.items()
            for v, q in others:
                if u != v:
                    key = pairing.pair(*((u, p, v, q) if u < v else (v, q, u, p)))
                    if key is not None:
                        yield key

    def enter(term: int, only: int | None = None) -> None:
        for key in pairs(rows[term], only):
            having.setdefault(key, {})[term] = None
            touched[key] = None

    def leave(term: int, entry: int) -> None:
        for key in pairs(rows[term], entry):
            if key in having:
                having[key].pop(term, None)

    def push() -> None:
        for key in touched:
            saved = saving(key)
            if saved > 0:
                heapq.heappush(heap, (-saved, pairing.order(key), key))
        touched.clear()

    touched: dict[Key, None] = {}
    longest = _longest(len(row) for row in rows.values())
    for term, row in rows.items():
        if 2 <= len(row) <= longest:
            enter(term)
    push()
    while heap:
        saved, order, key = heapq.heappop(heap)
        now = saving(key) if having.get(key) else 0
        if now <= 0:
            continue
        if now < -saved:
            heapq.heappush(heap, (-now, order, key))
            continue
        users = list(having[key])
        new = fresh()
        made = pairing.make(key, [rows[t] for t in users])
        for term in users:
            for entry in made:
                leave(term, entry)
            pairing.replace(key, new, made, rows[term])
            enter(term, new)
            for entry in made:
                if entry in rows[term]:
                    enter(term, entry)
        rows[new] = made
        enter(new)
        push()
        note_taken(made, users)


def _longest(lengths: Iterable[int]) -> int:
    """Give the length up to which rows are paired."""
    pairs = longest = 0
    for length in sorted(lengths):
        pairs += length * (length - 1) // 2
        if length > MAX_ROW or pairs > MAX_PAIRS:
            note(f"sharing: rows of {length} operands and more left out")
            return longest
        longest = length
    return longest
