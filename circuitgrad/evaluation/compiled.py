"""Circuits as functions of NumPy arrays, evaluated at the speed of the machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import Bools, Ints
from circuitgrad.errors import CircuitError
from circuitgrad.evaluation.arguments import bind, flattened, mismatch, read_dtype
from circuitgrad.evaluation.arithmetic import Floats
from circuitgrad.evaluation.array_program import CompiledArrays
from circuitgrad.evaluation.evaluate import vertex_values
from circuitgrad.evaluation.lowering import Program, Reading, lower
from circuitgrad.evaluation.running import Strided, run_program

if TYPE_CHECKING:
    from circuitgrad.evaluation.native import Native

__all__ = ["Compiled", "CompiledArrays", "compile"]

Array = npt.NDArray[Any]

#: Splittings into what varies and what does not that are kept.
MAX_SPLITS: Final = 16
#: Points at a time where a gate type has no instruction.
RULE_BLOCK: Final = 4096


def compile(  # noqa: A001 (as re.compile)
    circuit: Circuit,
    *,
    dtype: npt.DTypeLike = np.float64,
    strict: bool = False,
    native: bool = False,
    threads: int | None = None,
) -> Compiled | CompiledArrays:
    """Make a fast function of a circuit, over numbers and NumPy arrays.

    Nothing is compiled for the circuit: it is lowered to instructions, in a hundredth
    of a second for 300,000 gates, which one loop interprets over blocks of samples.
    The loop itself is compiled once a machine, in some seconds.

    A circuit of arrays is planned instead, and evaluated by NumPy, gate by gate
    (`circuitgrad.evaluation.array_program`).

    Parameters
    ----------
    circuit : Circuit
    dtype : float64 or float32
        In which inputs are taken, everything is computed and outputs are given.
    strict : bool
        Whether to keep the circuit's order of operations and round each by itself:
        then results are those of `circuitgrad.evaluate` bit for bit, but for
        elementary functions, which differ by an ulp or two.  Else sums may be taken in
        another order, and a product and a sum be rounded once.  Circuits of arrays are
        then evaluated by value rules, bit for bit as there.
    native : bool
        Whether to make machine code of this circuit for single points, on the first
        call, which may take seconds: for one evaluated very often
        (`circuitgrad.evaluation.native`).
    threads : int, optional
        How many threads a call may use; as many as there are cores where left out.

    Returns
    -------
    Compiled, or CompiledArrays of a circuit of arrays

    Raises
    ------
    CircuitError
        If ``dtype`` or ``threads`` is none of those, or the circuit has arrays and
        ``native`` or ``threads`` is given.
    LimitError
        If the circuit is too large for native code.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> f = compile(parse_expression("x*y + y^2"))
    >>> f(2.0, y=3.0)
    {'f': np.float64(15.0)}
    >>> f(np.arange(3.0), 2.0)["f"]
    array([4., 6., 8.])
    >>> f.points([[1.0, 2.0], [3.0, 4.0]])
    array([[ 6.],
           [28.]])
    """
    if not circuit.columns.shaped:
        return Compiled(
            circuit, dtype=dtype, strict=strict, native=native, threads=threads
        )
    if native:
        raise CircuitError("native: machine code is made of circuits of scalars alone")
    if threads is not None:
        raise CircuitError(
            "threads: arrays are multiplied by NumPy's BLAS, whose threads are set "
            "where the process is started: OPENBLAS_NUM_THREADS, or MKL_NUM_THREADS"
        )
    return CompiledArrays(circuit, dtype=dtype, strict=strict)


class Compiled:
    """A circuit as a function; `circuitgrad.compile` makes it.

    It can be called from several threads at once, and pickled.

    Attributes
    ----------
    circuit : Circuit
    inputs, outputs : tuple of str
        Names, in order.
    dtype : numpy.dtype
    strict, native : bool
    threads : int or None
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        dtype: npt.DTypeLike = np.float64,
        strict: bool = False,
        native: bool = False,
        threads: int | None = None,
    ) -> None:
        self.dtype = read_dtype(dtype)
        if circuit.columns.shaped:
            raise CircuitError(
                "a circuit of arrays, where one of scalars is needed: "
                "circuitgrad.compile makes a function of it"
            )
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise CircuitError(f"threads should be 1 or more, not {threads!r}")
        self.circuit = circuit
        self.inputs = circuit.inputs
        self.outputs = circuit.output_names
        self._input_names = frozenset(self.inputs)
        self.strict = strict
        self.native = native
        self._machine_code: WeakKeyDictionary[Program, Native] = WeakKeyDictionary()
        self.threads = threads
        self._reading = Reading(circuit, strict)
        self._splits: dict[bytes, tuple[Program, Program]] = {}
        self._program = None if self._reading.lacking else self._lower_all()
        if native and self._program:
            self._native(self._program)  # which may be too large for it
        self._pinned_all = (
            self._constants(self._program) if self._program else np.empty(0)
        )

    # ------------------------------------------------------------------ calls

    def __call__(self, *values: Any, **named: Any) -> dict[str, Any]:
        """Evaluate the circuit.

        Parameters
        ----------
        *values, **named : number or array
            A value for each input, by position or by name.  They broadcast to the
            shape of the batch.  What depends only on values that do not vary over the
            batch is computed once.

        Returns
        -------
        dict
            For each output an array of the batch's shape; a NumPy scalar where all
            values are numbers.

        Raises
        ------
        CircuitError
            If values are missing, surplus or no real numbers, or their shapes do not
            go together.
        """
        bound = bind(self.inputs, values, named, self._input_names)
        arrays = [
            self._array(value, name)
            for value, name in zip(bound, self.inputs, strict=True)
        ]
        try:
            shape = np.broadcast_shapes(*(a.shape for a in arrays))
        except ValueError:
            raise CircuitError(mismatch(self.inputs, arrays)) from None
        count = math.prod(shape)
        found = np.empty((len(self.outputs), count), self.dtype)
        flat = [flattened(a, shape) for a in arrays]
        self._evaluate(Strided.rows_of(flat), found.T)
        return {
            name: row.reshape(shape)[()]
            for name, row in zip(self.outputs, found, strict=True)
        }

    def points(self, points: Any, out: Array | None = None) -> Array:
        """Evaluate the circuit at points that are rows of an array.

        Parameters
        ----------
        points : array of shape (*batch, inputs)
            The values of the inputs, in the order of ``inputs``.
        out : array of shape (*batch, outputs), optional
            Where to put the result; of this function's dtype.

        Returns
        -------
        array of shape (*batch, outputs)

        Raises
        ------
        CircuitError
            If a shape or a dtype is wrong.
        """
        points = self._array(points, "the points")
        if points.ndim == 0 or points.shape[-1] != len(self.inputs):
            raise CircuitError(
                f"points of shape {points.shape}; it should be "
                f"(..., {len(self.inputs)}): one number for each input"
            )
        batch = points.shape[:-1]
        count = math.prod(batch)
        wanted = (*batch, len(self.outputs))
        if out is None:
            out = np.empty(wanted, self.dtype)
        elif not isinstance(out, np.ndarray) or out.shape != wanted:
            shape = getattr(out, "shape", type(out).__name__)
            raise CircuitError(f"out of shape {shape}; it should be {wanted}")
        elif out.dtype != self.dtype or not out.flags.writeable:
            raise CircuitError(f"out should be a writeable array of {self.dtype}")
        elif np.may_share_memory(points, out):
            points = points.copy()
        rows = points.reshape(count, len(self.inputs))
        flat = out.reshape(count, len(self.outputs))
        self._evaluate(Strided.columns_of(rows), flat)
        if not np.may_share_memory(flat, out) and out.size:
            out[...] = flat.reshape(wanted)
        return out

    # ------------------------------------------------------------------ what it is

    @property
    def instructions(self) -> int:
        """Number of instructions; 0 where gates are evaluated by their value rules."""
        return self._program.instructions if self._program else 0

    @property
    def registers(self) -> int:
        """Numbers that must be kept at once, for each sample."""
        return self._program.registers if self._program else 0

    def __repr__(self) -> str:
        what = f"{self.instructions} instructions on {self.registers} registers"
        if self._reading.lacking:
            what = f"by value rules, for want of {', '.join(self._reading.lacking)}"
        options = ", strict" if self.strict else ""
        options += ", native" if self.native and self._program else ""
        return (
            f"<compiled {self.circuit.name or 'circuit'}: {len(self.inputs)} inputs, "
            f"{len(self.outputs)} outputs, {what}, {self.dtype}{options}>"
        )

    def __reduce__(self) -> tuple[Callable[..., Compiled], tuple[Any, ...]]:
        # A program is made again from the circuit sooner than it is read from a file.
        options = (self.dtype.str, self.strict, self.native, self.threads)
        return _unpickle, (self.circuit, *options)

    # ------------------------------------------------------------------ arguments

    def _array(self, value: Any, name: str) -> Array:
        """Read a value as an array of the function's dtype."""
        if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
            value = exact.to_float(Fraction(value))
        try:
            array = np.asarray(value)
        except ValueError:
            raise CircuitError(f"{name}: rows of different lengths") from None
        if array.dtype.kind not in "fiu":
            raise CircuitError(
                f"{name}: {array.dtype} should be real numbers, in an array or alone"
            )
        if array.dtype != self.dtype:
            with np.errstate(over="ignore"):  # beyond float32 lies infinity
                array = array.astype(self.dtype)
        odd = not array.flags.aligned or any(s % array.itemsize for s in array.strides)
        return array.copy() if odd else array

    # ------------------------------------------------------------------ evaluation

    def _evaluate(self, inputs: Strided, out: Array) -> None:
        """Fill ``out``, of shape (points, outputs)."""
        count = len(out)
        if self._program is None:
            self._by_rules(inputs.arrays(), out)
            return
        varies: Bools = inputs.steps != 0
        if count == 1 or varies.all():
            self._run(self._program, inputs, out)
        elif varies.any():
            once, program = self._split(varies)
            self._run(program, inputs, out, self._pinned(once, program, inputs))
        elif count:
            self._run(self._program, inputs, out[:1])
            out[1:] = out[0]

    def _run(
        self,
        program: Program,
        inputs: Strided,
        out: Array,
        pinned: Array | None = None,
    ) -> None:
        """Run a program at as many points as ``out`` has.

        ``pinned`` may be left out for the program of the whole circuit.
        """
        all_read = len(program.inputs) == len(self.inputs)
        run_program(
            program,
            self._pinned_all if pinned is None else pinned,
            inputs if all_read else inputs.take(program.inputs),
            Strided.columns_of(out),
            len(out),
            self.threads,
            self._native(program) if self.native else None,
        )

    def _native(self, program: Program) -> Native:
        """Give the machine code of a program; it is made when it is first called."""
        found = self._machine_code.get(program)
        if found is None:
            from circuitgrad.evaluation.native import Native

            found = self._machine_code.setdefault(program, Native(program))
        return found

    def _constants(self, program: Program) -> Array:
        """Give the values of a program's pinned vertices, all constants."""
        places = self.circuit.columns.params[program.pinned]
        return self._reading.values[places].astype(self.dtype)

    def _pinned(self, once: Program, program: Program, inputs: Strided) -> Array:
        """Compute what does not vary over the batch."""
        columns = self.circuit.columns
        vertices = program.pinned
        pinned = np.empty(len(vertices), self.dtype)
        constant = (vertices >= columns.inputs) & (vertices < columns.sources)
        pinned[constant] = self._reading.values[columns.params[vertices[constant]]]
        rest = np.empty((1, int(np.count_nonzero(~constant))), self.dtype)
        self._run(once, inputs, rest, self._constants(once))
        pinned[~constant] = rest[0]
        return pinned

    def _lower_all(self) -> Program:
        circuit = self.circuit
        gates = circuit.live & circuit.columns.is_gate
        return self._lower(gates, circuit.output_vertices)

    def _lower(
        self, gates: Bools, roots: Sequence[int] | Ints, fixed: Bools | None = None
    ) -> Program:
        program = lower(self._reading, gates, roots, fixed)
        return replace(program, numbers=program.numbers.astype(self.dtype))

    def _split(self, varies: Bools) -> tuple[Program, Program]:
        """Lower what does not vary, and what does; the last few splittings are kept."""
        key = varies.tobytes()
        found = self._splits.get(key)
        if found is None:
            circuit, columns = self.circuit, self.circuit.columns
            moving: Bools = columns.depends_on(np.flatnonzero(varies))
            gates: Bools = circuit.live & columns.is_gate
            varying = self._lower(gates & moving, circuit.output_vertices, ~moving)
            vertices: Ints = varying.pinned
            constant = (vertices >= columns.inputs) & (vertices < columns.sources)
            found = self._lower(gates & ~moving, vertices[~constant]), varying
            while len(self._splits) >= MAX_SPLITS:
                self._splits.pop(next(iter(self._splits)), None)
            self._splits[key] = found
        return found

    def _by_rules(self, inputs: list[Array], out: Array) -> None:
        """Evaluate by the gates' value rules, some points at a time."""
        for start in range(0, len(out), RULE_BLOCK):
            block = slice(start, min(start + RULE_BLOCK, len(out)))
            with np.errstate(all="ignore"):
                values = vertex_values(
                    self.circuit, Floats(), [a[block] for a in inputs]
                )
                for k, (_, vertex) in enumerate(self.circuit.outputs):
                    out[block, k] = values[vertex]


def _unpickle(
    circuit: Circuit, dtype: str, strict: bool, native: bool, threads: int | None
) -> Compiled:
    return Compiled(circuit, dtype=dtype, strict=strict, native=native, threads=threads)
