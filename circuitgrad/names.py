"""Names of vertices: a sparse column, as most gates of large circuits have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from circuitgrad.columns import Bools, Ints
from circuitgrad.errors import CircuitError
from circuitgrad.limits import exceeded, limit

__all__ = ["Names", "check_length", "is_identifier"]


def is_identifier(name: str) -> bool:
    """Tell whether circuit text can say the name: letters, digits and ``_``, not pi."""
    if name.isascii() and name.isidentifier():
        return name != "pi"
    return (
        bool(name)
        and all(char.isalnum() or char == "_" for char in name)
        and not name[0].isdecimal()
    )


def check_length(name: str) -> str:
    """Return a name that a file holds, or raise `LimitError` where it is too long."""
    if len(name) > limit("name"):
        raise exceeded("name", f"a name of more than {limit('name')} characters")
    return name


def _all_plain(names: list[str]) -> bool:
    """Tell, quickly, whether all are identifiers in ASCII."""
    try:
        plain = all(map(str.isascii, names)) and all(map(str.isidentifier, names))
    except TypeError:  # not even text
        return False
    return plain and "pi" not in names


class Names:
    """The names of a circuit's vertices, as two arrays: vertices and texts.

    Parameters
    ----------
    count : int
        Number of vertices, with a name or without.
    vertices : array of int
        The vertices that have a name, ascending.
    texts : array of object
        Their names, in that order.
    """

    def __init__(
        self, count: int, vertices: Ints, texts: npt.NDArray[np.object_]
    ) -> None:
        self.count = count
        self.vertices = vertices
        self.texts = texts
        vertices.setflags(write=False)
        texts.setflags(write=False)

    @classmethod
    def of(cls, count: int, names: Mapping[int, str]) -> Names:
        """Make the names of some vertices."""
        vertices = np.array(sorted(names), dtype=np.int64)
        texts = np.empty(len(vertices), dtype=object)
        texts[:] = [names[v] for v in vertices.tolist()]
        return cls(count, vertices, texts)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str | None]:
        return iter(self.tolist())

    def __getitem__(self, vertex: int) -> str | None:
        if not 0 <= vertex < self.count:
            raise IndexError(f"no vertex {vertex}: there are {self.count}")
        at = int(np.searchsorted(self.vertices, vertex))
        if at < len(self.vertices) and self.vertices[at] == vertex:
            text: str = self.texts[at]
            return text
        return None

    def __contains__(self, name: object) -> bool:
        return name in self.distinct

    def items(self) -> Iterator[tuple[int, str]]:
        """Give each vertex that has a name, and the name."""
        return zip(self.vertices.tolist(), self.texts.tolist(), strict=True)

    @cached_property
    def distinct(self) -> frozenset[str]:
        """The names as a set."""
        return frozenset(self.texts.tolist())

    def tolist(self) -> list[str | None]:
        """Give a name or None for every vertex."""
        found: list[str | None] = [None] * self.count
        for vertex, text in self.items():
            found[vertex] = text
        return found

    @cached_property
    def mask(self) -> Bools:
        """Which vertices have a name."""
        mask = np.zeros(self.count, dtype=np.bool_)
        mask[self.vertices] = True
        return mask

    def with_changes(
        self, changes: Mapping[int, str | None], count: int = -1, moved: bool = False
    ) -> Names:
        """Give other names to some vertices, None for none.

        ``moved`` says that all of them are names which other vertices lose.
        """
        count = self.count if count < 0 else count
        if not changes:
            return self._some(count, self.vertices, self.texts)
        new = Names.of(count, {v: t for v, t in changes.items() if t is not None})
        if len(new.vertices) == len(changes) and (
            not len(self.vertices) or self.vertices[-1] < new.vertices[0]
        ):  # names for vertices behind all that have one
            vertices = np.concatenate([self.vertices, new.vertices])
            return Names(count, vertices, np.concatenate([self.texts, new.texts]))
        staying = np.ones(len(self.vertices), dtype=np.bool_)
        staying[np.isin(self.vertices, list(changes))] = False
        vertices = np.concatenate([self.vertices[staying], new.vertices])
        texts = np.concatenate([self.texts[staying], new.texts])
        if (np.diff(vertices) <= 0).any():
            order = np.argsort(vertices)
            vertices, texts = vertices[order], texts[order]
        if moved:
            return self._some(count, vertices, texts)
        return Names(count, vertices, texts)

    def where(self, mask: Bools) -> Names:
        """Give the names of the vertices of a mask alone."""
        chosen = mask[self.vertices]
        return self._some(self.count, self.vertices[chosen], self.texts[chosen])

    def _some(
        self, count: int, vertices: Ints, texts: npt.NDArray[np.object_]
    ) -> Names:
        found = Names(count, vertices, texts)
        if "verified" in self.__dict__:  # some of distinct names are distinct
            found.__dict__["verified"] = True
        return found

    def moved(self, place: Ints, count: int) -> Names:
        """Follow each vertex to its place among ``count``; -1 is gone.

        Of several names that come to one place, the first vertex's stays.
        """
        new = place[self.vertices].astype(np.int64)
        kept = new >= 0
        new, texts = (new, self.texts) if kept.all() else (new[kept], self.texts[kept])
        if (np.diff(new) <= 0).any():
            new, first = np.unique(new, return_index=True)
            texts = texts[first]
        return self._some(count, new, texts)

    def taken(self, origin: Ints) -> Names:
        """Give each new vertex the name of the old one at ``origin``; -1 has none."""
        at = np.full(self.count + 1, -1, dtype=np.int64)  # the last place is -1's
        at[self.vertices] = np.arange(len(self.vertices))
        chosen = at[origin]
        new = np.flatnonzero(chosen >= 0)
        return Names(len(origin), new, self.texts[chosen[new]])

    @cached_property
    def verified(self) -> bool:
        """Whether it is known that names are identifiers and distinct: True, or raises.

        Raises
        ------
        CircuitError
            If one is no identifier, or two are the same.
        """
        names = self.texts.tolist()
        for name in names if not _all_plain(names) else ():
            if not isinstance(name, str) or not is_identifier(name):
                raise CircuitError(f"{name!r} is not an identifier")
        if len(self.distinct) != len(self.texts):
            twice = next(a for a, b in pairwise(sorted(names)) if a == b)
            raise CircuitError(f"two vertices are named {twice!r}")
        return True
