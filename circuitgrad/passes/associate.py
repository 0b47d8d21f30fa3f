"""The order of least cost for a chain of matrix products."""

from __future__ import annotations

from functools import cache

from circuitgrad.shapes import Shape

__all__ = ["MAX_CHAIN", "Chain", "best_order"]

#: A factor by its number, or a pair of chains.
Chain = int | tuple["Chain", "Chain"]

#: Longer chains are left as they are.
MAX_CHAIN = 60


def best_order(shapes: list[Shape], split: int) -> Chain | None:
    """Give the order in which a chain costs least, None where it does so now.

    Parameters
    ----------
    shapes : list of tuple
        Those of the factors: matrices, and vectors at the ends.
    split : int
        Where the chain is cut now.

    Notes
    -----
    O(k^3) for k factors, by dynamic programming.

    References
    ----------
    S. S. Godbole, "On efficient computation of matrix chain products", 1973.
    """
    count = len(shapes)
    inner = shapes[1:-1]
    if count > MAX_CHAIN or any(len(shape) != 2 for shape in inner):
        return None
    rows = [1 if len(shape) == 1 else shape[0] for shape in shapes]
    columns = [1 if len(shape) == 1 else shape[1] for shape in shapes]
    rows[-1] = shapes[-1][0]
    columns[0] = shapes[0][-1]

    @cache
    def cost(first: int, last: int) -> tuple[int, int]:
        """Give the operations of a part, and after which factor it is cut."""
        if first == last:
            return 0, first
        return min(
            (
                cost(first, at)[0]
                + cost(at + 1, last)[0]
                + rows[first] * columns[last] * (2 * columns[at] - 1),
                at,
            )
            for at in range(first, last)
        )

    def order(first: int, last: int) -> Chain:
        if first == last:
            return first
        at = cost(first, last)[1]
        return order(first, at), order(at + 1, last)

    now = (
        cost(0, split - 1)[0]
        + cost(split, count - 1)[0]
        + rows[0] * columns[-1] * (2 * columns[split - 1] - 1)
    )
    return order(0, count - 1) if cost(0, count - 1)[0] < now else None
