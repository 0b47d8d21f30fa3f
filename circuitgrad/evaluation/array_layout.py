"""Where the arrays of a circuit lie in memory: views, and the order of entries.

A transpose, a slice or a broadcast computes nothing: it is another view of the array it
is made of.  The other gates *store* their result, row by row in a block of memory;
where an output is a view of it, or what uses it wants it transposed, the block holds
that view instead, and the gate writes through the inverse one.  BLAS takes matrices
either way, so that no transpose of a gradient is ever carried out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from circuitgrad.gates import GateType
from circuitgrad.shapes import Shape

__all__ = ["Array", "Home", "Layout", "Node", "View", "lay_out"]

Array = npt.NDArray[Any]
View = Callable[[Array], Array]


@dataclass(frozen=True)
class Node:
    """A gate of the circuit, as compiling sees it.

    ``param`` has the number that the type takes as a parameter, if it does.
    """

    vertex: int
    gate: GateType
    operands: list[int]
    weights: list[Fraction]
    shape: Shape
    param: tuple[Fraction, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def value(self, m: Any, operands: Sequence[Any]) -> Any:
        """Give the gate's value by its rule, of operands that are weighted."""
        return self.gate.value(m, *operands, *self.param, **self.options)


@dataclass(frozen=True)
class Home:
    """How a result is stored: row by row as ``shape``, seen through ``views``.

    ``output`` is the number of the output whose array it is stored in, if any.
    """

    shape: Shape
    views: tuple[View, ...] = ()
    output: int | None = None

    def seen(self, block: Array) -> Array:
        """Give the result's array in a block of memory of this shape."""
        for view in self.views:
            block = view(block)
        return block


@dataclass
class Layout:
    """Where the values of all vertices lie.

    Attributes
    ----------
    forms : dict
        For each vertex an array of its shape and strides, without entries.
    roots : dict
        The vertex in whose block a vertex's value lies; its own where it is no view.
    whole : set
        Vertices that see all of their root's block.
    views : dict
        The operand, and the view of it, of a gate that is one.
    homes : dict
        How the results of the other gates are stored.
    """

    forms: dict[int, Array] = field(default_factory=dict)
    roots: dict[int, int] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    views: dict[int, tuple[int, View]] = field(default_factory=dict)
    homes: dict[int, Home] = field(default_factory=dict)


def lay_out(
    sources: Mapping[int, Array],
    nodes: Mapping[int, Node],
    outputs: Sequence[int],
    dtype: np.dtype[Any],
) -> Layout:
    """Decide where values lie.

    Parameters
    ----------
    sources : mapping
        Inputs and constants by vertex: arrays of their shapes and strides.
    nodes : mapping
        The gates by vertex, in topological order.
    outputs : sequence of int
        The vertex of each output.
    dtype : numpy.dtype
    """
    shapes = {v: a.shape for v, a in sources.items()}
    shapes |= {v: node.shape for v, node in nodes.items()}
    homes = _homes_in_outputs(nodes, outputs, shapes)
    _add_transposed(homes, nodes)
    layout = Layout(dict(sources), {v: v for v in sources}, set(sources))
    taken = {home.output for home in homes.values()}
    numbers = {v: number for number, v in reversed([*enumerate(outputs)])}
    for v, node in nodes.items():
        first = node.operands[0]
        view = view_of(node, layout.forms[first])
        if view is not None:
            layout.views[v] = first, view
            layout.forms[v] = view(layout.forms[first])
            layout.roots[v] = layout.roots[first]
            if first in layout.whole and inverse_of(node, shapes[first]) is not None:
                layout.whole.add(v)
            continue
        home = homes.get(v)
        if home is None:
            if v in numbers and numbers[v] not in taken:
                home = Home(node.shape, (), numbers[v])
            elif _all_transposed(node, layout.forms):
                home = Home(_swapped(node.shape), (_swap,))
            else:
                home = Home(node.shape)
        layout.homes[v], layout.roots[v] = home, v
        layout.forms[v] = home.seen(without_entries(home.shape, dtype))
        layout.whole.add(v)
    return layout


def without_entries(shape: Shape, dtype: npt.DTypeLike) -> Array:
    """Give an array, row by row, that nobody may look into."""
    nothing = np.empty(0, dtype)
    strides = [nothing.itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(nothing, shape, strides, writeable=False)


# ---------------------------------------------------------------------- views


@dataclass(frozen=True)
class _Reshape:
    """The view of the same entries, row by row, in another shape."""

    shape: Shape

    def __call__(self, a: Array) -> Array:
        return a.reshape(self.shape)

    def copies(self, form: Array) -> bool:
        """Tell whether reshaping an array of this form may copy it."""
        with_ones = _longer(form.shape) == _longer(self.shape)
        return not (form.flags.c_contiguous or with_ones)


def _longer(shape: Shape) -> list[int]:
    return [n for n in shape if n != 1]


def _swap(a: Array) -> Array:
    return a.swapaxes(-1, -2)


def _same(a: Array) -> Array:
    return a


def _swapped(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def _broadcasting(node: Node) -> View:
    shape, new = node.options["shape"], node.options["axis"]
    at = tuple(None if i in new else slice(None) for i in range(len(shape)))
    return lambda a: np.broadcast_to(a[at], shape)


def _slicing(node: Node) -> View:
    axis, start, stop = (node.options[name] for name in ("axis", "start", "stop"))
    at = (*(slice(None),) * axis, slice(start, stop))
    return lambda a: a[at]


def _reshaped(node: Node, form: Array) -> View | None:
    view = _Reshape(node.shape)
    return None if view.copies(form) else view


def _sums_nothing(node: Node, form: Array) -> View | None:
    alone = all(form.shape[i] == 1 for i in node.options["axis"])
    return _Reshape(node.shape) if alone else None


def _if_alone(node: Node, form: Array) -> View | None:
    alone = len(node.operands) == 1 and node.weights[0] == 1
    return _same if alone else None


#: By gate type, the view that a gate is of its first operand; None where it is none.
_VIEWS: Final[dict[str, Callable[[Node, Array], View | None]]] = {
    "transpose": lambda node, form: _swap,
    "reshape": _reshaped,
    "broadcast": lambda node, form: _broadcasting(node),
    "slice": lambda node, form: _slicing(node),
    "diagonal": lambda node, form: lambda a: a.diagonal(0, -2, -1),
    "sum_axes": _sums_nothing,
    "mean": _sums_nothing,
    "max_axes": _sums_nothing,
    "sum": _if_alone,
    "prod": _if_alone,
    "max": _if_alone,
    "min": _if_alone,
    "concatenate": _if_alone,
}


def view_of(node: Node, form: Array) -> View | None:
    """Give the view that a gate is of its first operand, which has this form."""
    maker = _VIEWS.get(node.gate.name)
    return maker(node, form) if maker else None


def inverse_of(node: Node, operand: Shape) -> View | None:
    """Give the view that leads back to all of the operand, if there is one."""
    if view_of(node, without_entries(operand, np.float64)) is None:
        return None
    if node.gate.name == "transpose":
        return _swap
    if math.prod(node.shape) == math.prod(operand) and node.gate.name != "broadcast":
        return _Reshape(operand)
    return None


# ---------------------------------------------------------------------- homes


def _homes_in_outputs(
    nodes: Mapping[int, Node], outputs: Sequence[int], shapes: Mapping[int, Shape]
) -> dict[int, Home]:
    """Find the results that can be written where an output wants them."""
    homes: dict[int, Home] = {}
    for number, v in enumerate(outputs):
        views: list[View] = []
        shape = shapes[v]
        while v in nodes:
            operand = nodes[v].operands[0]
            inverse = inverse_of(nodes[v], shapes[operand])
            if inverse is None:
                break
            views.append(inverse)
            v = operand
        if v not in nodes or v in homes or not _writable(shape, views):
            continue
        first = without_entries(shapes[nodes[v].operands[0]], np.float64)
        if view_of(nodes[v], first) is None:  # else it is a part of another result
            homes[v] = Home(shape, tuple(views), number)
    return homes


def _writable(shape: Shape, views: Sequence[View]) -> bool:
    """Tell whether all of these are views of a block, and none a copy."""
    form = without_entries(shape, np.float64)
    for view in views:
        if isinstance(view, _Reshape) and view.copies(form):
            return False
        form = view(form)
    return True


def _add_transposed(homes: dict[int, Home], nodes: Mapping[int, Node]) -> None:
    """Store products as their transpose, where that is what is read row by row."""
    uses: dict[int, list[Node]] = {v: [] for v in nodes}
    for node in nodes.values():
        for operand in node.operands:
            if operand in uses:
                uses[operand].append(node)
    for v, node in nodes.items():
        if v in homes or node.gate.name not in ("matmul", "outer"):
            continue
        if len(node.shape) < 2:
            continue
        flipped = [use for use in uses[v] if use.gate.name == "transpose"]
        straight = len(uses[v]) - len(flipped) - _to_blas(uses[v])
        turned = sum(
            len(uses[each.vertex]) - _to_blas(uses[each.vertex]) for each in flipped
        )
        if turned > straight:
            homes[v] = Home(_swapped(node.shape), (_swap,))


def _to_blas(uses: Sequence[Node]) -> int:
    return sum(use.gate.name == "matmul" for use in uses)


def _all_transposed(node: Node, forms: Mapping[int, Array]) -> bool:
    """Tell whether the large operands of an elementwise gate are transposed."""
    if node.gate.matrix or len(node.shape) < 2:
        return False
    large = [f for f in map(forms.__getitem__, node.operands) if f.shape == node.shape]
    return bool(large) and all(
        not form.flags.c_contiguous and _swap(form).flags.c_contiguous for form in large
    )
