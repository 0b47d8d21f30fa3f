"""Circuits of arrays as functions of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitgrad.circuit import Circuit
from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.evaluation.arguments import bind, read_array, read_dtype
from circuitgrad.evaluation.array_instructions import Registers, RoundedFloats
from circuitgrad.evaluation.array_layout import Array
from circuitgrad.evaluation.array_plan import Plan, Result, plan_arrays
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.shapes import format_shape

__all__ = ["CompiledArrays"]


class CompiledArrays:
    """A circuit of arrays as a function; `circuitgrad.compile` makes it.

    Everything about it is planned once: a call does the steps, in memory that it had
    before.  It can be called from several threads at once, each call in memory of its
    own, and pickled.

    Attributes
    ----------
    circuit : Circuit
    inputs, outputs : tuple of str
        Names, in order.
    shapes : dict
        The shape of each output, by name.
    dtype : numpy.dtype
    strict : bool
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        dtype: npt.DTypeLike = np.float64,
        strict: bool = False,
    ) -> None:
        self.dtype = read_dtype(dtype)
        self.circuit = circuit
        self.inputs = circuit.inputs
        self.outputs = circuit.output_names
        self.strict = strict
        columns = circuit.columns
        self._wanted = [columns.shape(v) for v in range(columns.inputs)]
        self.shapes = {name: columns.shape(v) for name, v in circuit.outputs}
        self._numbers = [name for name, shape in self.shapes.items() if not shape]
        self._plan = Plan(0, 0) if strict else plan_arrays(circuit, self.dtype)
        self._idle: list[Registers] = []  # workspaces that no call is using

    # ------------------------------------------------------------------ calls

    def __call__(
        self, *values: Any, out: Mapping[str, Array] | None = None, **named: Any
    ) -> dict[str, Any]:
        """Evaluate the circuit.

        Parameters
        ----------
        *values, **named : array
            A value for each input, by position or by name, of the input's shape.
            Other numbers are converted to this function's dtype.
        out : mapping, optional
            Arrays that outputs are written into, by name; of the output's shape and
            this function's dtype.  They may be arrays that inputs are read from.

        Returns
        -------
        dict
            For each output the array of ``out``, else a new one; a NumPy scalar where
            the output is a number.

        Raises
        ------
        ShapeError
            If a value has another shape than the input.
        CircuitError
            If values are missing, surplus or no real numbers, or ``out`` has an array
            for no output or one that will not do.

        Notes
        -----
        A circuit that has an input ``out`` takes it here, and no arrays to write into.
        """
        if "out" in self.inputs and out is not None:
            named, out = {**named, "out": out}, None
        found = self.at(bind(self.inputs, values, named), out)
        for name in self._numbers:
            if not out or name not in out:
                found[name] = found[name][()]
        return found

    def at(
        self, values: Sequence[Any], out: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Evaluate the circuit, as a call does, at values in the order of the inputs.

        Outputs are arrays throughout, those of numbers as well.
        """
        dtype, arrays = self.dtype, []
        for name, value, shape in zip(self.inputs, values, self._wanted, strict=True):
            as_it_is = type(value) is np.ndarray and value.dtype is dtype
            array = value if as_it_is else read_array(name, value, dtype)
            if array.shape != shape:
                raise ShapeError(
                    f"{name!r} has shape {format_shape(array.shape)}; "
                    f"the circuit's input has {format_shape(shape)}"
                )
            arrays.append(array)
        targets = self._targets(out) if out else [None] * len(self.outputs)
        run = self._by_rules if self.strict else self._run
        return dict(zip(self.outputs, run(arrays, targets), strict=True))

    def _targets(self, out: Mapping[str, Array]) -> list[Array | None]:
        """Check the arrays that outputs are to be written into."""
        apart = True
        for name, target in out.items():
            shape = self.shapes.get(name)
            if shape is None:
                known = ", ".join(self.outputs)
                raise CircuitError(f"out: no output {name!r}; the outputs are {known}")
            if not isinstance(target, np.ndarray) or target.shape != shape:
                found = getattr(target, "shape", type(target).__name__)
                raise ShapeError(
                    f"out: {name!r} has shape {found}; it should be {shape}"
                )
            if target.dtype != self.dtype or not target.flags.writeable:
                raise CircuitError(
                    f"out: {name!r} should be a writeable array of {self.dtype}"
                )
            apart = apart and target.base is None
        if not apart or len(set(map(id, out.values()))) < len(out):
            _see_apart(out)
        return [out.get(name) for name in self.outputs]

    # ------------------------------------------------------------------ evaluation

    def _run(self, arrays: list[Array], targets: Sequence[Array | None]) -> list[Array]:
        """Do the steps, in a workspace that no other call is using."""
        plan = self._plan
        try:
            r = self._idle.pop()
        except IndexError:
            r = plan.workspace()
        r[: len(arrays)] = arrays
        found, copies = self._place(r, arrays, targets)
        for register, source, view in plan.moving:
            r[register] = view(r[source])
        with np.errstate(all="ignore"):
            for step in plan.steps:
                step(r)
        if copies:
            _copy([(array, r[vertex]) for array, vertex in copies])
        for register in plan.foreign:  # which must not be kept alive
            r[register] = None
        self._idle.append(r)
        return found

    def _place(
        self, r: Registers, arrays: list[Array], targets: Sequence[Array | None]
    ) -> tuple[list[Array], list[tuple[Array, int]]]:
        """Give each output its array, and say which are copies in the end."""
        found: list[Array] = []
        copies: list[tuple[Array, int]] = []
        for result, shape, target in zip(
            self._plan.results, self.shapes.values(), targets, strict=True
        ):
            block = array = np.empty(shape, self.dtype) if target is None else target
            found.append(array)
            if result.home is None:
                copies.append((array, result.vertex))
                continue
            if target is not None and not _may_write(target, result, arrays):
                block = self._plan.spare(r, len(found) - 1, shape, self.dtype)
                copies.append((array, result.vertex))
            r[result.root] = result.home.seen(block)
        return found, copies

    def _by_rules(
        self, arrays: list[Array], targets: Sequence[Array | None]
    ) -> list[Array]:
        """Evaluate gate by gate, as `circuitgrad.evaluate` does."""
        with np.errstate(all="ignore"):
            values = vertex_values(
                self.circuit, RoundedFloats(self.dtype), [a[()] for a in arrays]
            )
        pairs = []
        for (name, v), given in zip(self.circuit.outputs, targets, strict=True):
            array = np.empty(self.shapes[name], self.dtype) if given is None else given
            pairs.append((array, np.asarray(values[v], self.dtype)))
        _copy(pairs)
        return [array for array, _ in pairs]

    # ------------------------------------------------------------------ what it is

    @property
    def instructions(self) -> int:
        """Number of steps; 0 where gates are evaluated by their value rules."""
        return len(self._plan.steps)

    @property
    def memory(self) -> int:
        """Bytes that a call needs beside its inputs and outputs."""
        return sum(self._plan.buffers)

    def __repr__(self) -> str:
        what = "by value rules, strict"
        if not self.strict:
            buffers = f"{len(self._plan.buffers)} buffers of {self.memory} bytes"
            what = f"{self.instructions} instructions on {buffers}"
        return (
            f"<compiled {self.circuit.name or 'circuit'}: {len(self.inputs)} inputs, "
            f"{len(self.outputs)} outputs, {what}, {self.dtype}>"
        )

    def __reduce__(self) -> tuple[Callable[..., CompiledArrays], tuple[Any, ...]]:
        # A plan is made again from the circuit sooner than it is read from a file.
        return _unpickle, (self.circuit, self.dtype.str, self.strict)


def _may_write(target: Array, result: Result, arrays: Sequence[Array]) -> bool:
    """Tell whether a result may be computed in an array of the caller's.

    It may be an input's: then nothing may read that after the first write.
    """
    if not target.flags.c_contiguous:
        return False
    return not any(np.may_share_memory(target, arrays[i]) for i in result.later)


def _see_apart(out: Mapping[str, Array]) -> None:
    """See that no two arrays share memory."""
    for (name, one), (other, two) in combinations(out.items(), 2):
        if np.may_share_memory(one, two) and np.shares_memory(one, two):
            raise CircuitError(f"out: {name!r} and {other!r} share memory")


def _copy(pairs: list[tuple[Array, Array]]) -> None:
    """Copy the second array of each pair into the first.

    One may be written over what another is copied from.
    """
    sources = [
        source.copy()
        if any(np.may_share_memory(array, source) for array, _ in pairs)
        else source
        for _, source in pairs
    ]
    for (array, _), source in zip(pairs, sources, strict=True):
        np.copyto(array, source)


def _unpickle(circuit: Circuit, dtype: str, strict: bool) -> CompiledArrays:
    return CompiledArrays(circuit, dtype=dtype, strict=strict)
