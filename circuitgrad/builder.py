"""Building circuits in Python: a builder, handles with operators, and tracing.

A handle (`Expr`) is a vertex and a number factor: ``3*x`` makes no gate until something
other than a sum uses it, so ``x - 3*y`` is one sum gate whose second wire has weight
-3, exactly as in circuit text.

Programs of millions of gates are built through the operators, so what a builder
collects is one flat list of integers, three a vertex, made columns in bulk at the end.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.circuit import Circuit
from circuitgrad.columns import RawColumns, infer_shape, shaping_table, starts_of
from circuitgrad.errors import CircuitError, ShapeError
from circuitgrad.gates import (
    CONSTANT,
    DIV,
    INPUT,
    INV,
    POW,
    POWER,
    PROD,
    SUM,
    code_of,
    gate_type,
)
from circuitgrad.gates.matrix import MATRIX_GATES
from circuitgrad.names import Names, is_identifier
from circuitgrad.shapes import (
    SCALAR,
    Shape,
    broadcast,
    checked,
    place_of,
    shape_at,
)

__all__ = [
    "DIFFERENCE",
    "Array",
    "Builder",
    "Elementwise",
    "Expr",
    "Functions",
    "functions",
    "trace",
]

_WIDE = 256  # past the codes of gate types, which are a byte
#: On the tape: a sum of two wires with the weights 1 and -1.
DIFFERENCE = 2 * _WIDE


class Builder:
    """Collects vertices one by one and makes them a circuit.

    Examples
    --------
    >>> b = Builder()
    >>> x, y = b.input("x"), b.input("y")
    >>> b.output("f", x * b.functions.sin(x * y))
    >>> print(b.finish())
    input x, y
    g1 = x*y
    g2 = sin(g1)
    f = x*g2
    output f
    <BLANKLINE>
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.names: dict[int, str] = {}
        self.outputs: list[tuple[str, int]] = []
        self.functions = Functions(self)
        # Three numbers a vertex: (code, u, v) with -1 for no operand, (CONSTANT, place,
        # -1), (DIFFERENCE, u, v) for u - v, and (_WIDE + code, place in wide, -1).
        self.tape: list[int] = []
        self.wide: list[tuple[Sequence[int], Sequence[int] | None, int]] = []
        self.before = 0  # vertices that are not on the tape any more
        self.shapes: dict[int, int] = {}  # places of shapes other than ()
        self._constants: dict[int, int] = {}
        self._inputs: set[str] = set()
        self._shaping: list[bool] = shaping_table().tolist()

    # -------------------------------------------------------------- vertices by number

    def __len__(self) -> int:
        return self.before + len(self.tape) // 3

    def code(self, vertex: int) -> int:
        """Give the gate type code of a vertex."""
        code = self.tape[3 * vertex]
        return SUM if code == DIFFERENCE else code % _WIDE

    def param(self, vertex: int) -> int:
        """Give the place of a gate's parameter, -1 where it has none."""
        at = 3 * (vertex - self.before)
        code, place = self.tape[at : at + 2]
        return self.wide[place][2] if _WIDE <= code < DIFFERENCE else -1

    def add(
        self,
        code: int,
        operands: Sequence[int],
        weights: Sequence[int] | None = None,
        param: int = -1,
    ) -> int:
        """Append a vertex and give its number; the caller answers for the arity.

        Parameters
        ----------
        code : int
            Gate type code.
        operands : sequence of int
            Vertices, by slot.
        weights : sequence of int, optional
            Places of the weights; all 1 where left out.
        param : int
            Place of the parameter.
        """
        tape = self.tape
        count = len(operands)
        if code == CONSTANT:
            tape += (CONSTANT, param, -1)
        elif param >= 0 or weights is not None or count > 2:
            tape += (_WIDE + code, len(self.wide), -1)
            self.wide.append((operands, weights, param))
        elif count == 2:
            tape += (code, operands[0], operands[1])
        else:
            tape += (code, operands[0] if count else -1, -1)
        vertex = self.before + len(tape) // 3 - 1
        if self.shapes or self._shaping[code]:
            self._shape(vertex, code, operands, param)
        return vertex

    def _shape(
        self, vertex: int, code: int, operands: Sequence[int], param: int
    ) -> None:
        """Find the shape of a vertex; where it has none, take the vertex back."""
        if code <= CONSTANT:
            return
        try:
            place = infer_shape(
                code, param, [self.shapes.get(u, SCALAR) for u in operands]
            )
        except ShapeError as error:
            if self.tape[-3] >= _WIDE and self.tape[-3] != DIFFERENCE:
                self.wide.pop()
            del self.tape[-3:]
            raise ShapeError(self._misfit(code, operands, error)) from None
        if place:
            self.shapes[vertex] = place

    def _misfit(self, code: int, operands: Sequence[int], error: ShapeError) -> str:
        gate = gate_type(code)
        shown = [
            f"{self.names.get(u) or 'a gate'} of shape {self.shape(u)}"
            for u in operands[:4]
        ]
        more = "" if len(operands) <= 4 else f" and {len(operands) - 4} more"
        return f"{gate.written or gate.name} of {' and '.join(shown)}{more}: {error}"

    def shape(self, vertex: int) -> Shape:
        """Give the shape of a vertex."""
        return shape_at(self.shapes.get(vertex, SCALAR))

    def check_broadcast(self, vertices: Sequence[int], code: int = SUM) -> None:
        """See that an elementwise gate may have these operands.

        Raises
        ------
        ShapeError
            If their shapes do not go together.
        """
        if self.shapes:
            try:
                broadcast(*map(self.shape, vertices))
            except ShapeError as error:
                raise ShapeError(self._misfit(code, vertices, error)) from None

    def constant_vertex(self, place: int) -> int:
        """Give the vertex of a constant, by the place of its value."""
        vertex = self._constants.get(place)
        if vertex is None:
            vertex = self._constants[place] = self.add(CONSTANT, (), None, place)
        return vertex

    def scaled(self, vertex: int, weight: Fraction) -> int:
        """Give a vertex of a vertex times a number: itself, or a sum of one wire."""
        if weight == 1:
            return vertex
        return self.add(SUM, (vertex,), (exact.intern(weight),))

    # -------------------------------------------------------------- handles

    def handle(self, vertex: int) -> Expr:
        """Give a handle of a vertex."""
        return Array(self, vertex) if vertex in self.shapes else Expr(self, vertex)

    def input(self, name: str, shape: Sequence[int] = ()) -> Expr:
        """Add an input, a scalar or an array.

        Raises
        ------
        CircuitError
            If the name is no identifier or is taken.
        ShapeError
            If an axis has no entry.
        """
        if not is_identifier(name):
            raise CircuitError(f"{name!r} is not an identifier")
        if name in self._inputs:
            raise CircuitError(f"there is a vertex {name!r} already")
        place = place_of(checked(shape))
        self._inputs.add(name)
        vertex = self.add(INPUT, ())
        if place:
            self.shapes[vertex] = place
        self.names[vertex] = name
        return self.handle(vertex)

    def constant(self, value: object) -> Expr:
        """Give the constant vertex of a number, or of pi."""
        number = value if isinstance(value, exact.Pi) else exact.as_fraction(value)
        return Expr(self, self.constant_vertex(exact.intern(number)))

    def lift(self, value: object) -> Expr:
        """Give a handle of a handle or a number."""
        if not isinstance(value, Expr):
            return self.constant(value)
        if value.builder is not self:
            raise CircuitError("a handle of another builder")
        return value

    def gate(
        self, name: str, *operands: object, param: object = None, **options: Any
    ) -> Expr:
        """Add a gate of any type by name; matrix gates take options by keyword.

        Raises
        ------
        CircuitError
            If there is no such type, or it does not take these operands or a parameter.
        ShapeError
            If the operands' shapes do not go together, or an option does not suit them.
        """
        code = code_of(name)
        gate = gate_type(code)
        if not gate.accepts(len(operands)):
            wanted = "at least one" if gate.arity is None else gate.arity
            raise CircuitError(f"{name} takes {wanted} operand(s), not {len(operands)}")
        if gate.takes_parameter != (param is not None):
            what = "takes a parameter" if gate.takes_parameter else "takes no parameter"
            raise CircuitError(f"{name} {what}")
        place = -1 if param is None else exact.intern(exact.as_fraction(param))
        vertices = [self.lift(u).settled() for u in operands]
        if gate.options or options:
            place = self.options_place(code, vertices, options)
        return self.handle(self.add(code, vertices, None, place))

    def options_place(
        self, code: int, vertices: Sequence[int], given: Mapping[str, Any]
    ) -> int:
        """Complete the options of a matrix gate, and give their place.

        Raises
        ------
        ShapeError
            If an option does not suit the operands' shapes.
        """
        try:
            chosen = gate_type(code).settled([*map(self.shape, vertices)], given)
        except ShapeError as error:
            raise ShapeError(self._misfit(code, vertices, error)) from None
        return exact.intern(chosen)

    def sum(self, terms: Iterable[object]) -> Expr:
        """Add one sum gate; a handle's number factor becomes its wire's weight."""
        handles = [self.lift(term) for term in terms]
        if not handles:
            raise CircuitError("a sum takes at least one operand")
        weights = [exact.intern(handle.weight) for handle in handles]
        return self.handle(
            self.add(SUM, [handle.vertex for handle in handles], weights)
        )

    def prod(self, factors: Iterable[object]) -> Expr:
        """Add one product gate; number factors of the handles are taken out."""
        handles = [self.lift(factor) for factor in factors]
        if not handles:
            raise CircuitError("a product takes at least one operand")
        weight = Fraction(1)
        for handle in handles:
            weight *= handle.weight
        return _scaled(
            self, self.add(PROD, [handle.vertex for handle in handles]), weight
        )

    def output(self, name: str, value: object) -> None:
        """Make a handle, or a number, an output."""
        self.outputs.append((name, self.lift(value).settled()))

    # -------------------------------------------------------------- the circuit

    def raw(self) -> RawColumns:
        """Give what was collected as arrays."""
        table = np.array(self.tape, dtype=np.int32).reshape(-1, 3)
        code, first, second = table[:, 0], table[:, 1], table[:, 2]
        wide = (code >= _WIDE) & (code != DIFFERENCE)
        constant = code == CONSTANT
        one = (first >= 0) & ~wide & ~constant
        two = second >= 0
        fan_in = one.astype(np.int64) + two
        gates = [self.wide[i] for i in first[wide].tolist()]
        fan_in[wide] = [len(operands) for operands, _, _ in gates]
        offsets = starts_of(fan_in)
        operands = np.empty(offsets[-1], dtype=np.int32)
        weights = np.full(offsets[-1], exact.ONE, dtype=np.int32)
        operands[offsets[:-1][one]] = first[one]
        operands[offsets[:-1][two] + 1] = second[two]
        weights[offsets[:-1][code == DIFFERENCE] + 1] = exact.MINUS_ONE
        params = np.where(constant, first, -1).astype(np.int32)
        params[wide] = [param for _, _, param in gates]
        wires = np.repeat(wide, fan_in)
        operands[wires] = list(chain.from_iterable(gate[0] for gate in gates))
        weights[wires] = list(
            chain.from_iterable(
                [exact.ONE] * len(used) if places is None else places
                for used, places, _ in gates
            )
        )
        op = np.where(code == DIFFERENCE, SUM, code % _WIDE).astype(np.uint8)
        shapes = np.zeros(len(table), dtype=np.int32)
        if not self.before:
            shapes[list(self.shapes)] = list(self.shapes.values())
        return RawColumns(op, offsets, operands, weights, params, shapes)

    def finish(self) -> Circuit:
        """Make the circuit, verified."""
        names = Names.of(len(self), self.names)
        return Circuit.assemble(
            self.raw(), names, self.outputs, name=self.name
        ).verify()


def _scaled(builder: Builder, vertex: int, weight: Fraction) -> Expr:
    """Give a handle of a vertex times a number."""
    return builder.handle(vertex) if weight == 1 else Scaled(builder, vertex, weight)


class Elementwise:
    """What has operators of its own with handles (`circuitgrad.Vector`)."""

    def elementwise(
        self, function: Callable[..., Expr], operands: Sequence[object]
    ) -> Any:
        """Apply a function of handles to the elements of all operands."""
        raise NotImplementedError


class Expr:
    """A handle on a vertex of a builder; it has the operators.

    Numbers are exact: an integer, a `Fraction`, or a float, which means its shortest
    decimal.
    """

    __slots__ = ("builder", "vertex")
    __array_ufunc__ = None  # a NumPy scalar on the left leaves the operator to us

    weight: Fraction = Fraction(1)

    def __init__(self, builder: Builder, vertex: int) -> None:
        self.builder = builder
        self.vertex = vertex

    def settled(self) -> int:
        """Give a vertex of the value: with a number factor, a sum gate of one wire."""
        return self.builder.scaled(self.vertex, self.weight)

    def times(self, factor: Fraction) -> Expr:
        """Give a handle of the value times a number; no gate is made."""
        return _scaled(self.builder, self.vertex, self.weight * factor)

    def __bool__(self) -> bool:
        raise TypeError(
            "a handle has no truth value: circuits do not branch; use step or max"
        )

    def __neg__(self) -> Expr:
        return self.times(Fraction(-1))

    def __pos__(self) -> Expr:
        return self

    # The operators of two handles without number factors are what large circuits are
    # built with: they append to the tape themselves.

    def __add__(self, other: object) -> Expr:
        builder = self.builder
        if type(other) is not Expr or other.builder is not builder:
            if isinstance(other, Elementwise):
                return NotImplemented
            return builder.sum([self, other])
        tape = builder.tape
        tape += (SUM, self.vertex, other.vertex)
        return Expr(builder, len(tape) // 3 - 1)

    def __radd__(self, other: object) -> Expr:
        return self.builder.sum([other, self])

    def __sub__(self, other: object) -> Expr:
        builder = self.builder
        if type(other) is not Expr or other.builder is not builder:
            if isinstance(other, Elementwise):
                return NotImplemented
            return builder.sum([self, -builder.lift(other)])
        tape = builder.tape
        tape += (DIFFERENCE, self.vertex, other.vertex)
        return Expr(builder, len(tape) // 3 - 1)

    def __rsub__(self, other: object) -> Expr:
        return self.builder.sum([other, -self])

    def __mul__(self, other: object) -> Expr:
        builder = self.builder
        if type(other) is Expr and other.builder is builder:
            tape = builder.tape
            tape += (PROD, self.vertex, other.vertex)
            return Expr(builder, len(tape) // 3 - 1)
        if isinstance(other, Elementwise):
            return NotImplemented
        if isinstance(other, (Expr, exact.Pi)):
            return builder.prod([self, other])
        return self.times(exact.as_fraction(other))

    def __rmul__(self, other: object) -> Expr:
        if isinstance(other, exact.Pi):
            return self.builder.prod([other, self])
        return self.times(exact.as_fraction(other))

    def __truediv__(self, other: object) -> Expr:
        if isinstance(other, Elementwise):
            return NotImplemented
        if not isinstance(other, (Expr, exact.Pi)):
            factor = exact.as_fraction(other)
            if factor == 0:
                raise CircuitError("division by the number zero")
            return self.times(1 / factor)
        below = self.builder.lift(other).settled()
        quotient = self.builder.add(DIV, (self.vertex, below))
        return _scaled(self.builder, quotient, self.weight)

    def __matmul__(self, other: object) -> Expr:
        left, right = self, self.builder.lift(other)
        product = self.builder.gate(
            "matmul",
            left.builder.handle(left.vertex),
            self.builder.handle(right.vertex),
        )
        return product.times(left.weight * right.weight)

    @property
    def T(self) -> Expr:  # noqa: N802 - as NumPy calls it
        """The transpose, of the last two axes."""
        flipped = self.builder.gate("transpose", self.builder.handle(self.vertex))
        return flipped.times(self.weight)

    @property
    def shape(self) -> Shape:
        """The shape, ``()`` for a scalar."""
        return self.builder.shape(self.vertex)

    def __iter__(self) -> Iterator[Expr]:
        """Give the rows of an array, or the entries of a vector."""
        if not self.shape:
            raise TypeError("a scalar has no entries to iterate over")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, index: int | slice | tuple[int | slice, ...]) -> Expr:
        """Give a part, by whole numbers and slices without steps, as NumPy does."""
        found = self
        indices = index if isinstance(index, tuple) else (index,)
        gone = []
        for axis, each in enumerate(indices):
            if isinstance(each, slice):
                if each.step not in (None, 1):
                    raise ShapeError("a slice of every entry: steps are not known")
                if each.start is None and each.stop is None:
                    continue
                start, stop = each.start or 0, each.stop
            else:
                length = self.shape[axis] if axis < len(self.shape) else 0
                if not -length <= each < length:
                    raise IndexError(
                        f"index {each} of an axis of {length} entries"
                        if length
                        else f"{len(indices)} indices for the shape {self.shape}"
                    )
                gone.append(axis)
                start, stop = each, each + 1 or None
            found = self.builder.gate("slice", found, axis=axis, start=start, stop=stop)
        if gone:
            left = [n for i, n in enumerate(found.shape) if i not in gone]
            found = self.builder.gate("reshape", found, shape=tuple(left))
        return found

    def __rtruediv__(self, other: object) -> Expr:
        if isinstance(other, exact.Pi):
            return self.builder.lift(other) / self
        inverse = self.builder.add(INV, (self.settled(),))
        return _scaled(self.builder, inverse, exact.as_fraction(other))

    def __pow__(self, other: object) -> Expr:
        if isinstance(other, (Expr, exact.Pi)):
            exponent = self.builder.lift(other).settled()
            power = self.builder.add(POW, (self.settled(), exponent))
        else:
            place = exact.intern(exact.as_fraction(other))
            power = self.builder.add(POWER, (self.settled(),), None, place)
        return self.builder.handle(power)

    def __rpow__(self, other: object) -> Expr:
        return self.builder.lift(other) ** self

    def __abs__(self) -> Expr:
        return self.builder.gate("abs", self)

    def __repr__(self) -> str:
        name = self.builder.names.get(self.vertex, f"vertex {self.vertex}")
        return f"<Expr {'' if self.weight == 1 else f'{self.weight} * '}{name}>"


class Array(Expr):
    """A handle on an array; its operators look at shapes."""

    __slots__ = ()

    def __add__(self, other: object) -> Expr:
        if isinstance(other, Elementwise):
            return NotImplemented
        return self.builder.sum([self, other])

    def __sub__(self, other: object) -> Expr:
        if isinstance(other, Elementwise):
            return NotImplemented
        return self.builder.sum([self, -self.builder.lift(other)])

    def __mul__(self, other: object) -> Expr:
        if isinstance(other, Elementwise):
            return NotImplemented
        if isinstance(other, (Expr, exact.Pi)):
            return self.builder.prod([self, other])
        return self.times(exact.as_fraction(other))


class Scaled(Array):
    """A handle on a vertex times a number other than 1."""

    __slots__ = ("weight",)

    def __init__(self, builder: Builder, vertex: int, weight: Fraction) -> None:
        self.builder = builder
        self.vertex = vertex
        self.weight = weight


class Functions:
    """Every gate type as a function of handles: ``functions.sin(x)``.

    The gate's parameter, where it has one, is the last argument:
    ``functions.leaky_relu(x, 0.01)``.  ``functions.pi`` is the constant.  Matrix gates
    take their options by keyword: ``functions.sum(a, axis=0)``.
    """

    pi = exact.PI

    def __init__(self, builder: Builder | None = None) -> None:
        self._builder = builder

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            code = code_of(name)
        except CircuitError as error:
            raise AttributeError(str(error)) from None
        takes_parameter = gate_type(code).takes_parameter
        plain = not takes_parameter and not gate_type(code).matrix
        unary = gate_type(code).accepts(1) and plain
        over_axes = _OVER_AXES.get(name, name)

        def apply(*operands: object, **options: Any) -> Any:
            if unary and len(operands) == 1 and type(operands[0]) is Expr:
                handle = operands[0]
                return Expr(handle.builder, handle.builder.add(code, (handle.vertex,)))
            for operand in operands:
                if isinstance(operand, Elementwise):
                    return operand.elementwise(apply, operands)
            handles = [u for u in operands if isinstance(u, Expr)]
            builder = handles[0].builder if handles else self._builder
            if builder is None:
                raise TypeError(
                    f"{name} needs a handle of a circuit among its operands"
                )
            if takes_parameter and len(operands) > 1:
                return builder.gate(name, *operands[:-1], param=operands[-1])
            return builder.gate(over_axes if options else name, *operands, **options)

        apply.__name__ = name
        setattr(self, name, apply)  # the next look-up finds it at once
        return apply

    def square(self, operand: Expr) -> Expr:
        """Give ``operand ** 2``."""
        return operand**2

    def __dir__(self) -> list[str]:
        from circuitgrad.gates import GATES

        return ["pi", "square", *(gate.name for gate in GATES)]


#: Gates over axes that are written as another gate, with options.
_OVER_AXES: Final = {gate.written: gate.name for gate in MATRIX_GATES if gate.written}

#: The gate types as functions, for use in `trace`.
functions = Functions()


def trace(
    function: Callable[..., Any],
    *,
    inputs: Sequence[str] | None = None,
    name: str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Circuit:
    """Make a circuit by calling a Python function once, on handles.

    Parameters
    ----------
    function : callable
        A function of the inputs, which returns a value, a sequence of values (outputs
        ``f1``, ``f2`` ...) or a mapping from output names to values.
    inputs : sequence of str, optional
        Input names; the names of the function's parameters where left out.
    name : str, optional
        The circuit's name.
    shapes : mapping, optional
        The shapes of inputs that are arrays, by name.

    Returns
    -------
    Circuit

    Raises
    ------
    ShapeError
        If the shapes of a gate's operands do not go together.

    Examples
    --------
    >>> print(trace(lambda x, y: x * functions.exp(y) - 3 * y))
    input x, y
    g1 = exp(y)
    g2 = x*g1
    f = g2 - 3*y
    output f
    <BLANKLINE>
    """
    if inputs is None:
        parameters = inspect.signature(function).parameters.values()
        flexible = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if any(parameter.kind in flexible for parameter in parameters):
            raise CircuitError(
                "name the inputs of a function with a variable argument list"
            )
        inputs = [parameter.name for parameter in parameters]
    builder = Builder(name)
    shapes = shapes or {}
    for each in shapes:
        if each not in inputs:
            raise CircuitError(f"a shape for {each!r}, which is no input")
    result = function(*[builder.input(each, shapes.get(each, ())) for each in inputs])
    if isinstance(result, Mapping):
        outputs = dict(result)
    elif isinstance(result, (list, tuple)):
        outputs = {f"f{i}": value for i, value in enumerate(result, start=1)}
    else:
        outputs = {"f": result}
    for label, value in outputs.items():
        builder.output(label, value)
    return builder.finish()
