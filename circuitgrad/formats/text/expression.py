"""Reading an expression of circuit text: how notation becomes gates.

The reader never simplifies.  It is an operator-precedence parser with explicit stacks,
so nesting costs no recursion, and problems carry the token where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final, Protocol

from circuitgrad import exact
from circuitgrad.builder import Builder
from circuitgrad.errors import FormatError, LimitError, ShapeError
from circuitgrad.gates import (
    DIV,
    INV,
    POW,
    POWER,
    PROD,
    SUM,
    code_of,
    gate_type,
    gate_types,
    has_gate,
)
from circuitgrad.gates.options import (
    OptionError,
    code_with_options,
    read_options,
    require_needed,
)
from circuitgrad.limits import exceeded, limit
from circuitgrad.names import check_length
from circuitgrad.shapes import SCALAR, Shape, broadcast, checked, shape_at

__all__ = [
    "OPERATORS",
    "TOKEN",
    "UNKNOWN_NAME",
    "ExpressionReader",
    "ProblemError",
    "bad_character",
    "is_function",
]

#: What an unknown name is reported as, before the file says where it may come from.
UNKNOWN_NAME: Final = "unknown name"

TOKEN = re.compile(
    r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[^\W\d]\w*|\*\*|\S", re.UNICODE
)
OPERATORS: Final = frozenset("+-*/@^(),=.[]") | {"**"}
_PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "neg": 3, "^": 4}
_MATMUL: Final = code_of("matmul")
_TRANSPOSE: Final = code_of("transpose")
#: Further names of functions, in reading.
_ALIASES: Final = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
#: What is no gate type but reads as a function all the same.
_FURTHER: Final = frozenset({"square", *_ALIASES})


class Term:
    """A number times factors; two factors or more are a product that is still open.

    An open product of arrays has the shape of its factors together.
    """

    __slots__ = ("coefficient", "factors", "shape")

    def __init__(
        self, coefficient: Fraction, factors: list[int], shape: Shape = ()
    ) -> None:
        self.coefficient = coefficient
        self.factors = factors
        self.shape = shape

    def times(self, number: Fraction) -> Term:
        """Give the same factors with another number."""
        coefficient = exact.check_digits(number * self.coefficient)
        return Term(coefficient, self.factors, self.shape)


class Sum:
    """A sum still open: (vertex, weight) pairs, vertex None for the number 1.

    One of arrays has the shape of its terms together.
    """

    __slots__ = ("shape", "terms")

    def __init__(
        self, terms: list[tuple[int | None, Fraction]], shape: Shape = ()
    ) -> None:
        self.terms = terms
        self.shape = shape


Value = Fraction | Term | Sum


class Scope(Protocol):
    """What knows the vertex of each name."""

    def get(self, name: str) -> int | None:
        """Give a name's vertex, None where it has none."""

    def __setitem__(self, name: str, vertex: int) -> None: ...


class ProblemError(Exception):
    """Something wrong at a token of the line at hand."""

    def __init__(
        self, message: str, token: int, error: type[FormatError] = FormatError
    ):
        super().__init__(message)
        self.message, self.token, self.error = message, token, error


class _Pending:
    """An operator that waits for its right side, or a bracket that is open.

    A function's bracket has its name and the arguments so far.
    """

    __slots__ = ("arguments", "depth", "index", "name", "operator")

    def __init__(
        self, operator: str, index: int, name: str = "", depth: int = 0
    ) -> None:
        self.operator, self.index, self.name, self.depth = operator, index, name, depth
        self.arguments: list[Value] = []


class ExpressionReader:
    """Reads one expression of a line into a builder."""

    def __init__(self, builder: Builder, scope: Scope, free: bool = False) -> None:
        self.builder = builder
        self.scope = scope
        self.free = free  # an unknown name is a new input

    # ------------------------------------------------------------------ vertices

    def vertex(self, value: Value) -> int:
        """Make a value one vertex: the gates that its notation stands for."""
        builder = self.builder
        if isinstance(value, Fraction):
            return builder.constant_vertex(exact.intern(value))
        if isinstance(value, Term):
            factors = value.factors
            product = factors[0] if len(factors) == 1 else builder.add(PROD, factors)
            return builder.scaled(product, value.coefficient)
        vertices = [
            builder.constant_vertex(exact.ONE) if vertex is None else vertex
            for vertex, _ in value.terms
        ]
        return builder.add(SUM, vertices, [exact.intern(w) for _, w in value.terms])

    def ended(self, value: Value) -> Value:
        """End a maximal sum: one of numbers alone is a number."""
        if isinstance(value, Sum) and all(vertex is None for vertex, _ in value.terms):
            return exact.check_digits(sum((w for _, w in value.terms), Fraction(0)))
        return value

    def closed(self, value: Value) -> Fraction | Term:
        """Close a bracket: only a number and one other factor stay apart."""
        value = self.ended(value)
        if isinstance(value, Fraction):
            return value
        if isinstance(value, Term) and len(value.factors) == 1:
            return value
        return Term(Fraction(1), [self.vertex(value)])

    def whole(self, value: Value) -> Value:
        """Make the gate of a product that is still open, its number apart."""
        if isinstance(value, Term) and len(value.factors) > 1:
            product = self.vertex(Term(Fraction(1), value.factors))
            return Term(value.coefficient, [product])
        return value

    def sum_term(self, value: Value) -> tuple[int | None, Fraction]:
        """Read a value as a term of a sum: its number factor is the wire's weight."""
        if isinstance(value, Fraction):
            return None, value
        value = self.whole(value)
        if isinstance(value, Term):
            return value.factors[0], value.coefficient
        return self.vertex(value), Fraction(1)

    # ------------------------------------------------------------------ operators

    def add(self, left: Value, right: Value, sign: int) -> Value:
        """``t1 + t2 - t3 ...`` is one sum gate, a wire a term, numbers too."""
        terms = left.terms if isinstance(left, Sum) else [self.sum_term(left)]
        vertex, weight = self.sum_term(right)
        shape: Shape = ()
        if self.builder.shapes:
            shape = left.shape if isinstance(left, Sum) else self.shape(terms[0][0])
            others = (u for u, _ in terms if u is not None)
            shape = self.joined(SUM, shape, others, vertex)
        terms.append((vertex, sign * weight))
        return Sum(terms, shape)

    def multiply(self, left: Value, right: Value) -> Value:
        """``2*x*y*z`` is one product gate, its number factor a weight."""
        left, right = self.factor(left), self.factor(right)
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return exact.check_digits(left * right)
        if isinstance(left, Fraction):
            assert isinstance(right, Term)
            return right.times(left)
        if isinstance(right, Fraction):
            return left.times(right)
        coefficient = exact.check_digits(left.coefficient * right.coefficient)
        shape: Shape = ()
        if self.builder.shapes:
            one = len(left.factors) == 1
            shape = self.shape(left.factors[0]) if one else left.shape
            for vertex in right.factors:
                shape = self.joined(PROD, shape, left.factors, vertex)
        left.factors += right.factors  # in place: a long product is linear
        return Term(coefficient, left.factors, shape)

    def shape(self, vertex: int | None) -> Shape:
        """Give the shape of a vertex, None for the number 1."""
        if vertex is None:
            return ()
        return shape_at(self.builder.shapes.get(vertex, SCALAR))

    def joined(
        self, code: int, shape: Shape, others: Iterable[int], vertex: int | None
    ) -> Shape:
        """Give the shape of an open sum or product with one operand more.

        Sums and products become gates at their end; so it is said at the operator that
        this operand does not fit, and which other one it does not fit with.
        """
        own = self.shape(vertex)
        if not own or own == shape:
            return shape
        try:
            return checked(broadcast(shape, own))
        except ShapeError:
            assert vertex is not None, "a number fits with everything"
            for other in others:
                self.builder.check_broadcast((other, vertex), code)
            raise

    def factor(self, value: Value) -> Fraction | Term:
        """Take a value as a factor: a sum is one vertex, a product stays open."""
        if isinstance(value, Sum):
            return Term(Fraction(1), [self.vertex(value)])
        return value

    def divide(self, left: Value, right: Value, token: int) -> Value:
        """``a/b`` is a division gate, ``2/b`` an inv of weight 2, ``a/4`` a weight."""
        left = self.factor(left)
        if isinstance(right, Fraction):
            if right == 0:
                raise ProblemError("division by the number zero", token)
            return self.multiply(left, 1 / right)
        below = self.vertex(right)
        if isinstance(left, Fraction):
            return Term(left, [self.builder.add(INV, (below,))])
        above = self.vertex(Term(Fraction(1), left.factors))
        return Term(left.coefficient, [self.builder.add(DIV, (above, below))])

    def matmul(self, left: Value, right: Value) -> Value:
        """Make ``A @ B`` a matmul gate; numbers stay outside, as those of products."""
        left, right = (
            u if isinstance(u, Term) else Term(Fraction(1), [self.vertex(u)])
            for u in (self.whole(left), self.whole(right))
        )
        gate = self.builder.add(_MATMUL, (*left.factors, *right.factors))
        coefficient = exact.check_digits(left.coefficient * right.coefficient)
        return Term(coefficient, [gate])

    def transpose(self, value: Value) -> Value:
        """``A.T`` is a transpose gate, a number factor outside."""
        value = self.factor(value)
        if isinstance(value, Fraction):
            value = Term(Fraction(1), [self.vertex(value)])
        gate = self.builder.add(_TRANSPOSE, value.factors)
        return Term(value.coefficient, [gate])

    def power(self, base: Value, exponent: Value, token: int) -> Value:
        """``u^2`` has a constant exponent, ``u^v`` two wires; numbers are a number."""
        if isinstance(exponent, Fraction):
            if isinstance(base, Fraction) and exponent.denominator == 1:
                if base == 0 and exponent < 0:
                    raise ProblemError("division by the number zero", token)
                return exact.integer_power(base, int(exponent))
            place = exact.intern(exact.check_power(exponent))
            gate = self.builder.add(POWER, (self.vertex(base),), None, place)
        else:
            gate = self.builder.add(POW, (self.vertex(base), self.vertex(exponent)))
        return Term(Fraction(1), [gate])

    def negate(self, value: Value) -> Value:
        """``-x`` alone is a sum gate with a wire of weight -1; ``-(-x)`` is no gate."""
        return self.multiply(Fraction(-1), value)

    def call(
        self,
        name: str,
        arguments: list[Value],
        token: int,
        given: Mapping[str, Any] | None = None,
    ) -> Value:
        """``exp(u)``, ``max(u, v)``, ``sum(A, axis=0)``: the gate that is so named."""
        name = _ALIASES.get(name, name)
        try:
            return self._called(name, arguments, token, given or {})
        except OptionError as error:
            raise ProblemError(error.message, error.token) from None
        except (LimitError, ShapeError) as error:
            raise self.problem(error, token) from None

    def _called(
        self,
        name: str,
        arguments: list[Value],
        token: int,
        given: Mapping[str, Any],
    ) -> Value:
        count = len(arguments)
        if name == "square":
            if count != 1:
                raise ProblemError(f"square takes 1 argument, not {count}", token)
            return self.power(
                Term(Fraction(1), [self.vertex(arguments[0])]), Fraction(2), token
            )
        if name == "sum" and count and not given:
            terms = [self.sum_term(value) for value in arguments]
            return Term(Fraction(1), [self.vertex(Sum(terms))])
        code = code_with_options(name) if given else code_of(name)
        gate = gate_type(code)
        param = -1
        if gate.takes_parameter:
            slope = arguments.pop() if count > 1 else None
            if not isinstance(slope, Fraction):
                raise ProblemError(f"{name} takes a number as its last argument", token)
            param = exact.intern(slope)
        if not gate.accepts(len(arguments)):
            wanted = gate.arity if gate.arity is not None else "at least 1"
            wanted = gate.arity + 1 if gate.takes_parameter and gate.arity else wanted
            plural = "argument" if str(wanted).endswith("1") else "arguments"
            more = " before its options" if given else ""
            message = f"{name} takes {wanted} {plural}{more}, not {count}"
            raise ProblemError(message, token)
        operands = [self.vertex(value) for value in arguments]
        if gate.options:
            require_needed(gate, name, given, token)
            param = self.builder.options_place(code, operands, given)
        return Term(Fraction(1), [self.builder.add(code, operands, None, param)])

    def problem(self, error: LimitError | ShapeError, token: int) -> ProblemError:
        """Give the problem that an error is at a token."""
        message = str(error.args[0])
        if isinstance(error, LimitError):
            return ProblemError(message, token, LimitError)
        return ProblemError(f"{message}{_INLINE if self.free else ''}", token)

    def atom(self, token: str, index: int) -> Value:
        """Read a number or a name."""
        first = token[0]
        if first.isdecimal() or first == ".":
            return exact.check_digits(exact.parse_decimal(token))
        vertex = self.scope.get(token)
        if vertex is None:
            if token == "pi":
                vertex = self.builder.constant_vertex(exact.PI_PLACE)
            elif self.free:
                vertex = self.builder.input(check_length(token)).vertex
                self.scope[token] = vertex
            else:
                raise ProblemError(UNKNOWN_NAME, index)
        return Term(Fraction(1), [vertex])

    # ------------------------------------------------------------------ parsing

    def expression(self, tokens: list[str], start: int) -> Value:
        """Parse all of ``tokens[start:]``, by operator precedence, explicit stacks."""
        values: list[Value] = []
        pending: list[_Pending] = []
        want_operand = True
        index, end = start, len(tokens)
        while index < end:
            token = tokens[index]
            following = tokens[index + 1] if index + 1 < end else ""
            try:
                if not want_operand:
                    if token == "." and following == "T":
                        values.append(self.transpose(values.pop()))
                        index += 1
                    else:
                        want_operand = self._operator(token, index, values, pending)
                elif following == "(" and token[0].isidentifier():
                    if not is_function(token):
                        raise ProblemError(_unknown_function(token), index)
                    index += 1
                    _open(pending, index, token)
                elif following == "=" and _at_argument(tokens, index, pending):
                    index = self._options(tokens, index, values, pending)
                    want_operand = False
                else:
                    want_operand = self._operand(token, index, values, pending)
            except (LimitError, ShapeError) as error:
                raise self.problem(error, index) from None
            index += 1
        if want_operand:
            raise ProblemError("the expression ends where an operand should stand", end)
        self._reduce(values, pending, 0)
        if pending:
            raise ProblemError("this bracket is never closed", pending[-1].index)
        try:
            return self.ended(values.pop())
        except LimitError as error:
            raise ProblemError(error.message, start, LimitError) from None

    def _operand(
        self, token: str, index: int, values: list[Value], pending: list[_Pending]
    ) -> bool:
        """Take a token where an operand should stand; tell whether one still should."""
        if token == "(":
            _open(pending, index, "")
        elif token == "-":
            pending.append(_Pending("neg", index, depth=_depth(pending)))
        elif token == "+":
            pass
        elif token in OPERATORS:
            self._no_operand(token, index, pending)
            # a call without arguments: the gate says how many it takes
            last = pending.pop()
            self.call(last.name, [], last.index - 1)
        elif not (token[0].isalnum() or token[0] in "_."):
            raise ProblemError(bad_character(token), index)
        else:
            values.append(self.atom(token, index))
            return False
        return True

    def _options(
        self,
        tokens: list[str],
        index: int,
        values: list[Value],
        pending: list[_Pending],
    ) -> int:
        """Read the options of a function, which come last; give where it ends."""
        last = pending.pop()
        known = has_gate(last.name)
        gate = gate_type(code_with_options(last.name) if known else POWER)
        try:
            given, index = read_options(gate, last.name, tokens, index)
        except OptionError as error:
            raise ProblemError(error.message, error.token) from None
        if index == len(tokens):
            raise ProblemError("this bracket is never closed", last.index)
        if tokens[index] != ")":
            raise ProblemError(f"a comma should stand before {tokens[index]!r}", index)
        values.append(self.call(last.name, last.arguments, last.index - 1, given))
        return index

    def _operator(
        self, token: str, index: int, values: list[Value], pending: list[_Pending]
    ) -> bool:
        """Take a token after an operand; tell whether an operand should follow."""
        if token in (")", ","):
            self._reduce(values, pending, 0)
            return self._close(token, index, values, pending)
        operator = "^" if token == "**" else token
        if operator not in _PRECEDENCE:
            raise ProblemError(self._no_operator(token), index)
        level = _PRECEDENCE[operator]
        self._reduce(values, pending, level + 1 if operator == "^" else level)
        if level == 1 or operator == "@":
            # a product left of + or @ is whole: its gate comes first
            values.append(self.whole(values.pop()))
        pending.append(_Pending(operator, index, depth=_depth(pending)))
        return True

    def _close(
        self, token: str, index: int, values: list[Value], pending: list[_Pending]
    ) -> bool:
        """End a bracket, or an argument of a function."""
        if not pending:
            what = "bracket" if token == ")" else "comma"
            raise ProblemError(f"a {what} too many: nothing is open here", index)
        last = pending[-1]
        if token == ",":
            if not last.name:
                message = "a comma stands between arguments of a function"
                raise ProblemError(message, index)
            last.arguments.append(self.ended(values.pop()))
            return True
        pending.pop()
        value = self.ended(values.pop())
        if last.name:
            value = self.call(last.name, [*last.arguments, value], last.index - 1)
        values.append(self.closed(value))
        return False

    def _reduce(
        self,
        values: list[Value],
        pending: list[_Pending],
        level: int,
    ) -> None:
        """Apply the pending operators that bind at least as tightly as ``level``."""
        while pending and pending[-1].operator != "(":
            operator, index = pending[-1].operator, pending[-1].index
            if _PRECEDENCE[operator] < level:
                return
            pending.pop()
            right = values.pop()
            try:
                if operator == "neg":
                    values.append(self.negate(right))
                    continue
                left = values.pop()
                if operator == "+" or operator == "-":
                    values.append(self.add(left, right, 1 if operator == "+" else -1))
                elif operator == "*":
                    values.append(self.multiply(left, right))
                elif operator == "/":
                    values.append(self.divide(left, right, index))
                elif operator == "@":
                    values.append(self.matmul(left, right))
                else:
                    values.append(self.power(left, right, index))
            except (LimitError, ShapeError) as error:
                raise self.problem(error, index) from None

    @staticmethod
    def _no_operand(token: str, index: int, pending: list[_Pending]) -> None:
        empty_call = token == ")" and pending and pending[-1].name
        if not (empty_call and not pending[-1].arguments):
            raise ProblemError(f"{token!r} stands where an operand should", index)

    def _no_operator(self, token: str) -> str:
        if token == ".":
            return "a dot stands before T alone: A.T is the transpose"
        if token == "[":
            if self.free:
                return f"an operator should stand before '['{_INLINE}"
            return "no entries are taken so: write slice(A, axis=0, start=0, stop=1)"
        if token[0].isalnum() or token[0] in "_.(":
            return f"an operator should stand before {token!r}: write * for a product"
        if token == "=":
            return "a second '=': one definition a line"
        return bad_character(token)


#: Why an array may be missing from an inline formula.
_INLINE: Final = (
    "; the names of an inline formula are scalars: "
    "arrays are inputs of a file, by a line such as 'input A[3, 4]'"
)


def _depth(pending: list[_Pending]) -> int:
    return pending[-1].depth if pending else 0


def _open(pending: list[_Pending], index: int, name: str) -> None:
    depth = _depth(pending) + 1
    if depth > limit("nesting"):
        raise exceeded("nesting", f"brackets nested deeper than {limit('nesting')}")
    pending.append(_Pending("(", index, name, depth))


def _at_argument(tokens: list[str], index: int, pending: list[_Pending]) -> bool:
    """Tell whether an argument of a function begins at a token."""
    return bool(pending and pending[-1].name) and tokens[index - 1] in ("(", ",")


def is_function(name: str) -> bool:
    """Tell whether a name followed by a bracket is a function."""
    return has_gate(name) or name in _FURTHER


def bad_character(token: str) -> str:
    """Say that a character has no meaning."""
    return f"{token!r} (U+{ord(token[0]):04X}) is no character of circuit text"


def _unknown_function(name: str) -> str:
    known = [*(gate.written or gate.name for gate in gate_types()), *sorted(_FURTHER)]
    close = get_close_matches(name, known, 1)
    return f"unknown function {name!r}" + (
        f"; did you mean {close[0]!r}?" if close else ""
    )
