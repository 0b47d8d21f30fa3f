"""Arrays of handles: many gates by one operator.

Python's operators on single handles take some 0.3 microseconds a gate.  Where a program
works on rows and matrices anyway, an array of handles makes the gates of a whole row at
once, elementwise, by NumPy's rules for shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitgrad.builder import DIFFERENCE, Builder, Elementwise, Expr, Scaled
from circuitgrad.errors import CircuitError
from circuitgrad.gates import DIV, PROD, SUM

if TYPE_CHECKING:
    from circuitgrad.columns import Ints

__all__ = ["Vector"]


class Vector(Elementwise):
    """An array of handles of one builder, of any shape, with elementwise operators.

    Parameters
    ----------
    builder : Builder
    vertices : array of int
        The vertex of each element.

    Examples
    --------
    >>> b = Builder()
    >>> x = Vector.inputs(b, [f"x{i}" for i in range(1, 4)])
    >>> y = x * x - x[0]
    >>> b.output("f", y.sum())
    >>> print(b.finish())
    input x1, x2, x3
    g1 = x1*x1
    g2 = x2*x2
    g3 = x3*x3
    g4 = g1 - x1
    g5 = g2 - x1
    g6 = g3 - x1
    f = g4 + g5 + g6
    output f
    <BLANKLINE>
    """

    __array_ufunc__ = None  # a NumPy array on the left leaves the operator to us

    def __init__(self, builder: Builder, vertices: Ints) -> None:
        self.builder = builder
        self.vertices = np.asarray(vertices, dtype=np.int64)

    @classmethod
    def inputs(cls, builder: Builder, names: Sequence[str]) -> Vector:
        """Add an input for each name.

        Raises
        ------
        CircuitError
            If a name is no identifier or is taken.
        """
        return cls(builder, np.array([builder.input(name).vertex for name in names]))

    @classmethod
    def of(cls, handles: Sequence[Expr]) -> Vector:
        """Make an array of handles; one times a number becomes a gate of its own."""
        if not handles:
            raise CircuitError("an array of handles needs one handle at least")
        builder = handles[0].builder
        return cls(builder, np.array([builder.lift(h).settled() for h in handles]))

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.vertices.shape

    def __len__(self) -> int:
        return len(self.vertices)

    def __getitem__(self, at: Any) -> Any:
        """Give an element as a handle, or a part of the array."""
        found = self.vertices[at]
        if np.ndim(found) == 0:
            return Expr(self.builder, int(found))
        return Vector(self.builder, found)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: int) -> Vector:
        """Give the same elements in another shape."""
        return Vector(self.builder, self.vertices.reshape(*shape))

    @property
    def T(self) -> Vector:  # noqa: N802 (as NumPy says it)
        """The transpose."""
        return Vector(self.builder, self.vertices.T)

    def sum(self) -> Expr:
        """Give the sum of all elements, one gate."""
        return self.builder.sum(
            [Expr(self.builder, v) for v in self.vertices.ravel().tolist()]
        )

    def elementwise(
        self, function: Callable[..., Expr], operands: Sequence[object]
    ) -> Vector:
        """Apply a function of handles: ``functions.sin(x)``, ``functions.max(x, 0)``.

        Arrays among the operands broadcast; anything else goes with each element.
        """
        vectors = [u for u in operands if isinstance(u, Vector)]
        if any(vector.builder is not self.builder for vector in vectors):
            raise CircuitError("a handle of another builder")
        arrays = [vector.vertices for vector in vectors]
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError:
            raise CircuitError(
                "arrays of shapes that do not go together: "
                + ", ".join(str(array.shape) for array in arrays)
            ) from None
        columns = [
            np.broadcast_to(u.vertices, shape).ravel().tolist()
            if isinstance(u, Vector)
            else None
            for u in operands
        ]
        made = [
            function(
                *(
                    other if column is None else Expr(self.builder, column[i])
                    for column, other in zip(columns, operands, strict=True)
                )
            ).settled()
            for i in range(int(np.prod(shape)))
        ]
        return Vector(self.builder, np.array(made, dtype=np.int64).reshape(shape))

    # -------------------------------------------------------------- operators

    def __add__(self, other: object) -> Vector:
        return self._with(other, SUM, lambda u, v: u + v)

    def __radd__(self, other: object) -> Vector:
        return self._with(other, SUM, lambda u, v: v + u, turned=True)

    def __sub__(self, other: object) -> Vector:
        return self._with(other, DIFFERENCE, lambda u, v: u - v)

    def __rsub__(self, other: object) -> Vector:
        return self._with(other, DIFFERENCE, lambda u, v: v - u, turned=True)

    def __mul__(self, other: object) -> Vector:
        return self._with(other, PROD, lambda u, v: u * v)

    def __rmul__(self, other: object) -> Vector:
        return self._with(other, PROD, lambda u, v: v * u, turned=True)

    def __truediv__(self, other: object) -> Vector:
        return self._with(other, DIV, lambda u, v: u / v)

    def __rtruediv__(self, other: object) -> Vector:
        return self._with(other, DIV, lambda u, v: v / u, turned=True)

    def __pow__(self, other: object) -> Vector:
        return self._each(lambda u: u**other)

    def __neg__(self) -> Vector:
        return self._each(lambda u: -u)

    def _with(
        self,
        other: object,
        code: int,
        each: Callable[[Any, Any], Expr],
        turned: bool = False,
    ) -> Vector:
        """Make a gate for each pair of elements; a number goes with each element."""
        if isinstance(other, Vector):
            builder, theirs = other.builder, other.vertices
        elif isinstance(other, Expr) and not isinstance(other, Scaled):
            builder, theirs = other.builder, np.array(other.vertex)
        else:
            return self._each(lambda u: each(u, other))
        if builder is not self.builder:
            raise CircuitError("a handle of another builder")
        pair = (theirs, self.vertices) if turned else (self.vertices, theirs)
        try:
            left, right = np.broadcast_arrays(*pair)
        except ValueError:
            shapes = f"{self.shape}, {theirs.shape}"
            raise CircuitError(
                f"arrays of shapes that do not go together: {shapes}"
            ) from None
        rows = np.empty((left.size, 3), dtype=np.int64)
        rows[:, 0] = code
        rows[:, 1] = left.ravel()
        rows[:, 2] = right.ravel()
        first = len(builder)
        builder.tape += rows.ravel().tolist()
        made = np.arange(first, first + left.size)
        return Vector(builder, made.reshape(left.shape))

    def _each(self, function: Callable[[Expr], Any]) -> Vector:
        """Apply a function of one handle to each element."""
        handles = [
            function(Expr(self.builder, v)).settled()
            for v in self.vertices.ravel().tolist()
        ]
        vertices = np.array(handles, dtype=np.int64)
        return Vector(self.builder, vertices.reshape(self.shape))

    def __repr__(self) -> str:
        return f"<Vector of {self.shape} handles>"
