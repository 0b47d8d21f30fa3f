"""How times are taken, and how results are compared."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from speeds.figure import DisagreementError

__all__ = ["Settings", "agree", "median_of", "race"]

#: A contest of calls as short as this goes on, so that a pause of the machine is rare.
SHORT = 0.1
SHORT_CONTEST = 1.0
MAX_RUNS = 200


@dataclass(frozen=True)
class Settings:
    """How large and how often.

    Parameters
    ----------
    quick : bool
        Small circuits, for a try or a test; the bars are not about them.
    runs : int
        Runs that are counted, at least.
    """

    quick: bool = False
    runs: int = 5

    def pick(self, full: int, quick: int) -> int:
        """Give the size that is asked for."""
        return quick if self.quick else full


def race(settings: Settings, *contenders: Callable[[], Any]) -> list[list[float]]:
    """Time contenders in turns, ABAB, after one round that is not counted.

    Garbage is collected before each run, and collection is on in it as it is for users;
    what a run returns is freed after the clock has stopped.  Contests of calls shorter
    than `SHORT` go on for `SHORT_CONTEST` seconds, and garbage is collected once, since
    that empties the caches of the processor.
    """
    runs = settings.runs
    longest = max(_time(work) for work in contenders)
    if longest < SHORT and not settings.quick:
        rounds = SHORT_CONTEST / max(longest * len(contenders), 1e-6)
        runs = max(runs, min(MAX_RUNS, int(rounds)))
    times: list[list[float]] = [[] for _ in contenders]
    for _ in range(runs):
        for work, found in zip(contenders, times, strict=True):
            found.append(_time(work, collect=longest >= SHORT))
    return times


def median_of(times: Sequence[Sequence[float]]) -> list[float]:
    """Give the median of each contender."""
    return [statistics.median(each) for each in times]


def _time(work: Callable[[], Any], collect: bool = True) -> float:
    if collect:
        gc.collect()
    start = time.perf_counter()
    result = work()
    taken = time.perf_counter() - start
    del result
    return taken


def agree(
    ours: np.ndarray, theirs: np.ndarray, what: str, tolerance: float = 1e-9
) -> None:
    """Compare to rounding, relative to the largest.

    Raises
    ------
    DisagreementError
        If they differ by more, or are not finite.
    """
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    if ours.shape != theirs.shape:
        raise DisagreementError(f"{what}: {ours.size} numbers and {theirs.size}")
    largest = np.abs(theirs).max()
    apart = np.abs(ours - theirs).max()
    if not apart <= tolerance * largest:
        raise DisagreementError(f"{what}: {apart:.3g} apart, the largest {largest:.3g}")
