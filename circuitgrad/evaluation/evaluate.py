"""Evaluating a circuit at a point: floats, exact rationals, arrays, any arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import option_table
from circuitgrad.errors import CircuitError, EvaluationError, ShapeError
from circuitgrad.evaluation.arithmetic import Floats, Rationals, Symbolic
from circuitgrad.evaluation.entries import Cells, Entries
from circuitgrad.gates import CONSTANT, gate_type
from circuitgrad.shapes import format_shape

__all__ = ["evaluate", "values_at", "vertex_values"]


def evaluate(
    circuit: Circuit,
    point: Mapping[str, Any] | None = None,
    /,
    *,
    exact: bool | None = None,
    **values: Any,
) -> dict[str, Any]:
    """Evaluate the outputs of a circuit.

    Parameters
    ----------
    circuit : Circuit
    point : mapping, optional
        Values by input name; so may be keyword arguments.  Numbers, or NumPy arrays of
        one shape (or of shapes that broadcast), which are taken elementwise.  Where
        inputs of the circuit are arrays, or it has matrix gates, arrays of the shapes
        of its inputs.
    exact : bool, optional
        Whether to compute with rationals.  By default when some value is a `Fraction`
        (or a sympy rational), or when all are integers and every gate is rational.

    Returns
    -------
    dict
        The value of each output by name: `float`, `Fraction` or array of float64.

    Raises
    ------
    CircuitError
        If an input has no value, or a value no input.
    ShapeError
        If a value has another shape than the circuit's input.
    EvaluationError
        In exact arithmetic, where a gate has no rational value; the message names it.
        In floating point such gates give infinities and nan.

    Examples
    --------
    >>> from circuitgrad.formats.text import parse_expression
    >>> evaluate(parse_expression("x*y + 1/x"), x=2, y=Fraction(1, 3))
    {'f': Fraction(7, 6)}
    """
    inputs = _inputs(circuit, {**(point or {}), **values})
    if circuit.columns.shaped:
        return _evaluate_arrays(circuit, inputs, exact)
    if exact is None:
        exact = _asks_for_exact(circuit, inputs)
    if exact:
        return _outputs(circuit, Rationals(), [_fraction(value) for value in inputs])
    arrays = [np.asarray(_float(value), dtype=np.float64)[()] for value in inputs]
    try:
        shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    except ValueError:
        shapes = ", ".join(str(np.shape(a)) for a in arrays)
        raise CircuitError(
            f"values of shapes that do not go together: {shapes}"
        ) from None
    with np.errstate(all="ignore"):
        found = _outputs(circuit, Floats(), arrays)
    if shape:
        return {
            name: np.broadcast_to(value, shape).copy() for name, value in found.items()
        }
    return {name: float(value) for name, value in found.items()}


def values_at(
    circuit: Circuit, point: Mapping[str, Any], held: Mapping[int, Any] | None = None
) -> list[Any]:
    """Evaluate every vertex that some output depends on.

    Parameters
    ----------
    circuit : Circuit
    point : mapping
        Values of the inputs by name.
    held : mapping, optional
        Values that gates are held at, as if they were inputs.

    Returns
    -------
    list of Fraction, float, array or None
        Rationals where all is rational, and floats elsewhere; None for other vertices.
        Those of a circuit of arrays are floats and arrays of them, of their shapes.

    Raises
    ------
    CircuitError
        If an input has no value, or a value no input.
    EvaluationError
        If a gate has no rational value: it divides by zero.
    """
    inputs, held = _inputs(circuit, point), held or {}
    if circuit.columns.shaped:
        return _array_values(circuit, inputs, held)
    given = [*inputs, *held.values()]
    exactly = is_rational(circuit) and all(
        isinstance(value, (int, Fraction)) for value in given
    )
    number = _fraction if exactly else lambda value: np.float64(_float(value))
    kept = {vertex: number(value) for vertex, value in held.items()}
    values = [number(value) for value in inputs]
    if exactly:
        return vertex_values(circuit, Rationals(), values, held=kept)
    with np.errstate(all="ignore"):
        found = vertex_values(circuit, Floats(), values, held=kept)
    return [None if value is None else float(value) for value in found]


def _array_values(
    circuit: Circuit, inputs: Sequence[Any], held: Mapping[int, Any]
) -> list[Any]:
    columns, labels = circuit.columns, circuit.labels

    def array(vertex: int, value: Any) -> Any:
        return as_floats(as_array(labels[vertex], value, columns.shape(vertex)))

    points = [array(v, value) for v, value in enumerate(inputs)]
    kept = {vertex: array(vertex, value) for vertex, value in held.items()}
    with np.errstate(all="ignore"):
        found = vertex_values(circuit, Floats(), points, held=kept)
    return [
        None if value is None else np.broadcast_to(value, columns.shape(v))[()]
        for v, value in enumerate(found)
    ]


def _inputs(circuit: Circuit, given: Mapping[str, Any]) -> list[Any]:
    """Give the values of the inputs in order: one for each, and no others."""
    known_names = set(circuit.inputs)
    missing = [name for name in circuit.inputs if name not in given]
    surplus = [name for name in given if name not in known_names]
    if missing:
        raise CircuitError(f"no value for the input {missing[0]!r}")
    if surplus:
        known = ", ".join(circuit.inputs) or "none"
        raise CircuitError(f"no input {surplus[0]!r}; the inputs are {known}")
    return [given[name] for name in circuit.inputs]


def _evaluate_arrays(
    circuit: Circuit, inputs: Sequence[Any], exactly: bool | None
) -> dict[str, Any]:
    """Evaluate a circuit of arrays at one point."""
    columns = circuit.columns
    arrays = [
        as_array(name, value, columns.shape(v))
        for v, (name, value) in enumerate(zip(circuit.inputs, inputs, strict=True))
    ]
    if exactly is None:
        entries = [entry for array in arrays for entry in array.flat[:1000]]
        exactly = _asks_for_exact(circuit, entries)
    if exactly:
        cells = [Cells.of(map(_fraction, a.ravel().tolist()), a.shape) for a in arrays]
        found = _outputs(circuit, Entries(Rationals()), cells)
        values = {name: _entries_of(value) for name, value in found.items()}
    else:
        floats = [as_floats(a) for a in arrays]
        with np.errstate(all="ignore"):
            values = _outputs(circuit, Floats(), floats)
    shapes = {name: columns.shape(v) for name, v in circuit.outputs}
    return {
        name: np.array(np.broadcast_to(value, shapes[name])) if shapes[name] else value
        for name, value in values.items()
    }


def as_array(name: str, value: Any, shape: tuple[int, ...]) -> Any:
    """See that a value is an array of numbers of the shape of an input.

    Raises
    ------
    ShapeError
        If it is ragged, or of another shape.
    CircuitError
        If it is no array of real numbers.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(
            f"{name!r} is ragged: its rows differ in length, not {format_shape(shape)}"
        ) from None
    if array.dtype.kind not in "biufO" or (
        array.dtype.kind == "O"
        and any(isinstance(e, (str, bytes, complex, list)) for e in array.flat)
    ):
        raise CircuitError(f"{name!r} is {array.dtype}, not an array of real numbers")
    if array.shape != shape:
        raise ShapeError(
            f"{name!r} has shape {format_shape(array.shape)}; "
            f"the circuit's input has {format_shape(shape)}"
        )
    return array


def as_floats(array: Any) -> Any:
    """Round an array of numbers to float64."""
    if array.dtype.kind == "O":
        array = np.vectorize(_float, otypes=[float])(array)
    return np.asarray(array, dtype=np.float64)[()]


def _entries_of(value: Any) -> Any:
    """Give the entries of an array of rationals, a rational alone for a scalar."""
    if not isinstance(value, Cells):
        return value
    return value.entries if value.shape else value.entries[()]


def _asks_for_exact(circuit: Circuit, values: Sequence[Any]) -> bool:
    integers = (int, np.integer)
    if any(
        isinstance(v, Fraction) or (hasattr(v, "p") and hasattr(v, "q")) for v in values
    ):
        return True
    return all(isinstance(v, integers) for v in values) and is_rational(circuit)


def is_rational(circuit: Circuit) -> bool:
    """Tell whether a circuit maps rational points to rational values, poles apart."""
    columns = circuit.columns
    live = np.flatnonzero(circuit.live)
    for vertex in live.tolist():
        code, param = int(columns.op[vertex]), int(columns.params[vertex])
        if code == CONSTANT:
            if param == exact.PI_PLACE:
                return False
        elif code > CONSTANT:
            gate = gate_type(code)
            if "rational" not in gate.traits:
                return False
            if gate.name == "power" and exact.rational(param).denominator != 1:
                return False
    return True


def _fraction(value: Any) -> Fraction:
    try:
        return exact.as_fraction(value)
    except (TypeError, ValueError) as error:
        raise CircuitError(f"no exact value: {error}") from None


def _float(value: Any) -> Any:
    if isinstance(value, (str, bytes, complex)) or value is None:
        raise CircuitError(f"{value!r} is no real number")
    return (
        exact.to_float(Fraction(value)) if isinstance(value, (int, Fraction)) else value
    )


def _outputs(
    circuit: Circuit, arithmetic: Any, inputs: Sequence[Any]
) -> dict[str, Any]:
    values = vertex_values(circuit, arithmetic, inputs)
    return {name: values[vertex] for name, vertex in circuit.outputs}


def vertex_values(
    circuit: Circuit,
    arithmetic: Any,
    inputs: Sequence[Any],
    shift: Callable[[int, Any], Any] | None = None,
    held: Mapping[int, Any] | None = None,
) -> list[Any]:
    """Evaluate every vertex that some output depends on, in any arithmetic.

    Parameters
    ----------
    circuit : Circuit
    arithmetic : Floats, Rationals, Balls, Formulas or a printer of `formats`
    inputs : sequence
        The values of the inputs, in order.
    shift : callable, optional
        Called with each input's and gate's number and value; its result replaces it.
    held : mapping, optional
        Values of gates that are held, as if they were inputs: they are not computed.

    Returns
    -------
    list
        A value for each vertex, None where no output depends on it.

    Raises
    ------
    EvaluationError
        Where a gate has no value; the message names it.
    """
    columns = circuit.columns
    live = circuit.live.tolist()
    op, params = columns.op.tolist(), columns.params.tolist()
    offsets, operands = columns.offsets.tolist(), columns.operands.tolist()
    weights = columns.weights.tolist()
    symbolic = isinstance(arithmetic, Symbolic)
    exactly = isinstance(arithmetic, Rationals)
    of_numbers = ~option_table()[columns.op]
    numbers = {
        place: exact.number(place)
        for place in {*columns.params[of_numbers].tolist(), *weights}
        if place >= 0
    }
    scale = {
        place: arithmetic.number(n) for place, n in numbers.items() if n is not exact.PI
    }
    values: list[Any] = [None] * len(op)
    for vertex, value in enumerate(inputs):
        values[vertex] = value if shift is None else shift(vertex, value)
    for vertex in range(columns.inputs, len(op)):
        if not live[vertex]:
            continue
        if op[vertex] == CONSTANT:
            number = arithmetic.number(numbers[params[vertex]])
            in_cells = isinstance(arithmetic, Entries)
            values[vertex] = Cells.of([number], ()) if in_cells else number
            continue
        if held is not None and vertex in held:
            values[vertex] = held[vertex]
            continue
        gate = gate_type(op[vertex])
        used = [
            values[operands[w]]
            if weights[w] == exact.ONE
            else scale[weights[w]] * values[operands[w]]
            for w in range(offsets[vertex], offsets[vertex + 1])
        ]
        options = {}
        if gate.takes_parameter:
            used.append(numbers[params[vertex]])
        elif gate.options:
            options = gate.named(exact.options(params[vertex]))
        rule = gate.formula if symbolic and gate.formula else gate.value
        try:
            value = rule(arithmetic, *used, **options)
            value = arithmetic.checked(value) if exactly else value
        except EvaluationError as error:
            raise type(error)(f"gate {circuit.labels[vertex]}: {error}") from None
        values[vertex] = value if shift is None else shift(vertex, value)
    return values
