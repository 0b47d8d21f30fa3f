"""Planning a program of arrays: its steps, and the memory that they share.

Registers are the arrays of vertices, by number, and scratch behind them.  Results that
are no outputs lie in *buffers*, blocks of memory that are used again once nothing reads
what is in them; a step may write its result over an operand that it is the last to
read.  All of this is decided once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Columns
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.array_instructions import Registers, Run, Site
from circuitgrad.evaluation.array_layout import (
    Array,
    Home,
    Layout,
    Node,
    View,
    lay_out,
    without_entries,
)
from circuitgrad.evaluation.array_products import instruction
from circuitgrad.gates import CONSTANT, code_of, gate_type
from circuitgrad.shapes import Shape

__all__ = ["Plan", "Result", "plan_arrays"]

#: Blocks of memory start at multiples of this, for vector instructions.
_ALIGNMENT: Final = 64
#: When nobody reads a value any more: never.
NEVER: Final = 2**62


@dataclass(frozen=True)
class Result:
    """Where an output comes from.

    ``home`` says how its array is seen as the result of ``root``; where that is None
    the output is a copy of the vertex's array in the end.  ``later`` has the inputs
    that are read after the first write into it.
    """

    vertex: int
    root: int
    home: Home | None
    later: tuple[int, ...] = ()


@dataclass
class Plan:
    """What is done in a call.

    Attributes
    ----------
    constants : dict
        Registers that hold the same array in every call.
    buffers : list of int
        Bytes of each buffer.
    stored : list
        A register, its buffer, its dtype and how it lies there.
    fixed, moving : list
        A register, the one it is a view of, and the view: once and for all, or, where
        it is a view of an input or an output, in every call.
    steps : list of callable
    results : list of Result
        One an output.
    """

    inputs: int
    registers: int
    constants: dict[int, Array] = field(default_factory=dict)
    buffers: list[int] = field(default_factory=list)
    stored: list[tuple[int, int, np.dtype[Any], Home]] = field(default_factory=list)
    fixed: list[tuple[int, int, View]] = field(default_factory=list)
    moving: list[tuple[int, int, View]] = field(default_factory=list)
    steps: list[Run] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def workspace(self) -> Registers:
        """Make registers, with buffers of their own."""
        r: Registers = [None] * self.registers
        for register, array in self.constants.items():
            r[register] = array
        blocks = [_block(size) for size in self.buffers]
        for register, buffer, dtype, home in self.stored:
            size = math.prod(home.shape) * dtype.itemsize
            block = blocks[buffer][:size].view(dtype).reshape(home.shape)
            r[register] = home.seen(block)
        for register, source, view in self.fixed:
            r[register] = view(r[source])
        return r + [None] * len(self.results)

    def spare(
        self, r: Registers, number: int, shape: Shape, dtype: np.dtype[Any]
    ) -> Array:
        """Give an array for an output that cannot be written in its own place yet."""
        at = self.registers + number
        if r[at] is None:
            r[at] = np.empty(shape, dtype)
        found: Array = r[at]
        return found

    @cached_property
    def foreign(self) -> list[int]:
        """Registers of arrays that belong to a call: inputs, outputs, views of them."""
        found = [*range(self.inputs), *(v for v, _, _ in self.moving)]
        return found + [each.root for each in self.results if each.home is not None]


def _block(size: int) -> Array:
    whole = np.empty(size + _ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % _ALIGNMENT
    return whole[start : start + size]


def plan_arrays(circuit: Circuit, dtype: np.dtype[Any]) -> Plan:
    """Plan how a circuit of arrays is evaluated, in time linear in its gates."""
    columns = circuit.columns
    constants = _constants(circuit, dtype)
    gates = np.flatnonzero(circuit.live & columns.is_gate & columns.varies)
    nodes = _with_one_softmax({v: _node(columns, v) for v in gates.tolist()})
    sources: dict[int, Array] = dict(constants)
    for v in range(columns.inputs):
        sources[v] = without_entries(columns.shape(v), dtype)
    outputs = [vertex for _, vertex in circuit.outputs]
    layout = lay_out(sources, nodes, outputs, dtype)
    return _Planner(circuit, dtype, constants, nodes, layout).plan()


def _node(columns: Columns, v: int) -> Node:
    gate, place = gate_type(int(columns.op[v])), int(columns.params[v])
    return Node(
        v,
        gate,
        columns.operands_of(v),
        [exact.rational(weight) for weight in columns.weights_of(v)],
        columns.shape(v),
        (exact.rational(place),) if gate.takes_parameter else (),
        gate.named(exact.options(place)) if gate.options else {},
    )


def _constants(circuit: Circuit, dtype: np.dtype[Any]) -> dict[int, Array]:
    """Compute what depends on no input, in float64."""
    columns, m = circuit.columns, Floats()
    found: dict[int, Any] = {}
    fixed = circuit.live & ~columns.varies
    with np.errstate(all="ignore"):
        for v in np.flatnonzero(fixed).tolist():
            if columns.op[v] == CONSTANT:
                found[v] = m.number(exact.number(int(columns.params[v])))
                continue
            node = _node(columns, v)
            pairs = zip(node.operands, node.weights, strict=True)
            found[v] = node.value(
                m, [m.number(weight) * found[u] for u, weight in pairs]
            )
        return {
            v: np.broadcast_to(
                np.asarray(value).astype(dtype, copy=False), columns.shape(v)
            )
            for v, value in found.items()
        }


def _with_one_softmax(nodes: dict[int, Node]) -> dict[int, Node]:
    """Make softmax z of log softmax z, where that is there: one exponential is left.

    The gradient of a cross-entropy has both.
    """
    logs = {}
    for v, node in nodes.items():
        key = node.operands[0], node.options.get("axis")
        if node.gate.name == "log_softmax":
            logs[key] = v
        elif node.gate.name == "softmax" and key in logs:
            nodes[v] = replace(
                node, gate=gate_type(code_of("exp")), operands=[logs[key]], options={}
            )
    return nodes


class _Planner:
    """Goes through the gates once, and gives each its memory."""

    def __init__(
        self,
        circuit: Circuit,
        dtype: np.dtype[Any],
        constants: dict[int, Array],
        nodes: dict[int, Node],
        layout: Layout,
    ) -> None:
        self.dtype, self.layout, self.constants = dtype, layout, constants
        self.inputs = circuit.columns.inputs
        self.outputs = [vertex for _, vertex in circuit.outputs]
        self.nodes = nodes
        self.gates = [node for v, node in nodes.items() if v in layout.homes]
        self.built = Plan(self.inputs, len(circuit.columns), dict(constants))
        self.last = self._last_reads()
        self.buffer_of: dict[int, int] = {}  # of roots
        self.free: list[int] = []
        self.written: dict[int, tuple[int, bool]] = {}

    def plan(self) -> Plan:
        """Make the plan."""
        for number, node in enumerate(self.gates):
            self._add(number, node)
        kept = {*self.constants, *self.buffer_of}
        for v, (source, view) in self.layout.views.items():
            fixed = self.layout.roots[v] in kept
            (self.built.fixed if fixed else self.built.moving).append((v, source, view))
        self.built.results = [
            self._result(number, v) for number, v in enumerate(self.outputs)
        ]
        return self.built

    def _last_reads(self) -> dict[int, int]:
        """Find the last step that reads each root; outputs are read in the end."""
        roots, last = self.layout.roots, {}
        for number, node in enumerate(self.gates):
            for u in node.operands:
                last[roots[u]] = number
        for v in self.outputs:
            last[roots[v]] = NEVER
        return last

    def _result(self, number: int, v: int) -> Result:
        root = self.layout.roots[v]
        home = self.layout.homes.get(root)
        if home is None or home.output != number:
            return Result(v, root, None)
        step, once = self.written[root]
        reads = [self.last.get(u, -1) for u in range(self.inputs)]
        later = [u for u, last in enumerate(reads) if last > step - (not once)]
        return Result(v, root, home, tuple(later))

    def _add(self, number: int, node: Node) -> None:
        """Plan a step: its instruction, where it writes, and what is free after it."""
        layout, v = self.layout, node.vertex
        roots = [layout.roots[u] for u in node.operands]
        site = Site(
            node,
            layout.forms[v],
            [layout.forms[u] for u in node.operands],
            [self.constants.get(u) for u in node.operands],
            [
                self._dies(root, number)
                and roots.count(root) == 1
                and u in layout.whole
                for u, root in zip(node.operands, roots, strict=True)
            ],
            self.dtype,
            self.built.registers,
        )
        found = instruction(site)
        self.built.steps.append(found.run)
        self.written[v] = number, found.once
        home = layout.homes[v]
        over = None
        if home.output is None:
            over = self._place(v, home, site, found.reuse)
        self._add_scratch(site)
        for root in dict.fromkeys(roots):
            if self._dies(root, number) and root != over:
                self.free.append(self.buffer_of[root])

    def _dies(self, root: int, number: int) -> bool:
        return root in self.buffer_of and self.last[root] == number

    def _place(
        self, v: int, home: Home, site: Site, reuse: Sequence[int]
    ) -> int | None:
        """Give a result a buffer; return the root whose buffer it takes, if any."""
        over, buffer = None, -1
        for slot in reuse:
            form = site.forms[slot]
            same = form.shape == site.shape and form.strides == site.form.strides
            if same and site.spare[slot]:
                over = self.layout.roots[site.node.operands[slot]]
                buffer = self.buffer_of[over]
                break
        else:
            buffer = self._take(math.prod(home.shape) * self.dtype.itemsize)
        self.buffer_of[v] = buffer
        self.built.stored.append((v, buffer, self.dtype, home))
        return over

    def _add_scratch(self, site: Site) -> None:
        taken = []
        for register, held in enumerate(site.scratch, start=site.first):
            if isinstance(held, np.ndarray):
                self.built.constants[register] = held
                continue
            shape, dtype = held
            taken.append(self._take(math.prod(shape) * dtype.itemsize))
            self.built.stored.append((register, taken[-1], dtype, Home(shape)))
        self.built.registers += len(site.scratch)
        self.free += taken

    def _take(self, size: int) -> int:
        """Take the smallest free buffer that is large enough, or enlarge another."""
        sizes = self.built.buffers
        large = [buffer for buffer in self.free if sizes[buffer] >= size]
        if large:
            found = min(large, key=lambda buffer: (sizes[buffer], buffer))
        elif self.free:
            found = max(self.free, key=lambda buffer: (sizes[buffer], -buffer))
            sizes[found] = size
        else:
            sizes.append(size)
            return len(sizes) - 1
        self.free.remove(found)
        return found
