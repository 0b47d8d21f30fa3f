"""A circuit as a C99 function with a header, written."""

from __future__ import annotations

import os
import re
import textwrap
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from circuitgrad import exact
from circuitgrad.errors import CircuitError, EvaluationError
from circuitgrad.formats.naming import (
    C_FUNCTIONS,
    C_RESERVED,
    MATH_FUNCTIONS,
    Names,
    ascii_name,
    renaming,
)
from circuitgrad.formats.parts import Part, cut
from circuitgrad.formats.printing import (
    BOTH,
    CHOICE,
    EITHER,
    PRODUCT,
    Expression,
    Printer,
    Program,
    filled,
    print_gates,
)
from circuitgrad.simplify.rewrites import note

if TYPE_CHECKING:
    from circuitgrad.circuit import Circuit

__all__ = ["write_c", "write_c_files"]

#: Doubles that a function keeps on the stack; more of them are allocated.
MAX_STACK: Final = 4_096

_HELPERS: Final = {
    # fmax and fmin drop a nan, which the gates keep
    "cg_max": ("double u, double v", "u >= v || u != u ? u : v"),
    "cg_min": ("double u, double v", "u <= v || u != u ? u : v"),
    "cg_sign": ("double u", "u > 0.0 ? 1.0 : u < 0.0 ? -1.0 : u"),
    "cg_step": ("double u", "u > 0.0 ? 1.0 : u <= 0.0 ? 0.0 : u"),
}
_OWN: Final = frozenset({"in", "out", "work", *_HELPERS})


class CPrinter(Printer):
    """An arithmetic of C expressions that compute what `Floats` computes."""

    language = "C"
    pi_text, infinity = repr(np.pi), "INFINITY"

    def function(self, name: str) -> str:
        """Give the name of a function of <math.h>, which is the rule's own."""
        if name not in MATH_FUNCTIONS:
            raise EvaluationError(f"<math.h> has no function {name!r}")
        return name

    def absolute(self, u: Any) -> Expression:
        """Write the absolute value."""
        return self.call("fabs", u)

    def maximum(self, u: Any, v: Any) -> Expression:
        """Write the larger; nan where either is."""
        return self.helper("cg_max", u, v)

    def minimum(self, u: Any, v: Any) -> Expression:
        """Write the smaller; nan where either is."""
        return self.helper("cg_min", u, v)

    def sign(self, u: Any) -> Expression:
        """Write 1, 0 or -1; nan stays nan."""
        return self.helper("cg_sign", u)

    def step(self, u: Any) -> Expression:
        """Write 1 where positive, else 0; nan stays nan."""
        return self.helper("cg_step", u)

    def select(self, condition: Any, u: Any, v: Any) -> Expression:
        """Choose by a condition."""
        condition, u, v = self.lift(condition), self.lift(u), self.lift(v)
        texts = [self.bracketed(value, CHOICE + 1) for value in (condition, u, v)]
        depth = 1 + max(condition.depth, u.depth, v.depth)
        text = f"{texts[0]} ? {texts[1]} : {texts[2]}"
        return self.settled(Expression(self, text, CHOICE, depth=depth))

    def both(self, left: Expression, right: Expression) -> Expression:
        """Write a conjunction of two conditions."""
        return self.infix(left, "&&", right, BOTH)

    def either(self, left: Expression, right: Expression) -> Expression:
        """Write a disjunction of two conditions."""
        first, second = (self.bracketed(u, BOTH + 1) for u in (left, right))
        depth = 1 + max(left.depth, right.depth)
        text = f"{first} || {second}"
        return self.settled(Expression(self, text, EITHER, depth=depth))

    def power(self, base: Any, exponent: Any) -> Expression:
        """Write a square or a cube as a product, a half as a root, else ``pow``."""
        base = self.lift(base)
        if not isinstance(exponent, Expression):
            exponent = exact.as_fraction(exponent)
            if exponent == Fraction(1, 2):  # as NumPy has it: nan at -inf
                return self.call("sqrt", base)
            if exponent in (2, 3) and base.text.isidentifier():
                text = " * ".join([base.text] * int(exponent))
                return Expression(self, text, PRODUCT, depth=base.depth)
        return self.call("pow", base, exponent)


def write_c(circuit: Circuit, header: str | None = None) -> str:
    """Write a circuit as a C99 file with one function ``void NAME(in, out)``.

    The function takes the inputs as an array of doubles in their order, and fills one
    with the outputs.  It is named as the circuit is, or ``circuit``, and needs
    <math.h> alone, and <stdlib.h> where it is very long.

    Parameters
    ----------
    circuit : Circuit
    header : str, optional
        The header to include; without it the declarations stand in the file.

    Raises
    ------
    CircuitError
        If <math.h> has no function that a gate needs, or the circuit has arrays.

    Notes
    -----
    Complexity: linear in wires.  Compilers take longer than that for one function, so
    a circuit of more than a thousand gates becomes several functions over a workspace:
    on the stack where it is small, else allocated, and where there is no memory all
    outputs are nan.  So the function can run in many threads at once.
    """
    return _Writer(circuit).source(header)


def write_c_files(circuit: Circuit, path: str) -> dict[str, str]:
    """Write a C file and its header: the text of each, by path, the header first.

    Raises
    ------
    CircuitError
        If no header can have such a name, or <math.h> lacks a function.
    """
    stem = os.path.splitext(path)[0]
    header = os.path.basename(stem) + ".h"
    if path == f"{stem}.h":
        raise CircuitError(f"{path}: a header is written beside the .c file")
    if not header.isprintable() or set(header) & set('"\\'):
        raise CircuitError(f"{path}: C cannot include a header of such a name")
    writer = _Writer(circuit)
    return {f"{stem}.h": writer.header(), path: writer.source(header)}


class _Writer:
    """Writes the two files of one circuit."""

    def __init__(self, circuit: Circuit) -> None:
        circuit.require_scalars("a C program")
        self.circuit = circuit
        columns = circuit.columns
        self.labels = circuit.labels
        wanted = [self.labels[v] for v in np.flatnonzero(circuit.live).tolist()]
        wanted = list(dict.fromkeys([*circuit.inputs, *wanted]))
        label = circuit.name or "circuit"
        own = Names([label], ascii_name, C_FUNCTIONS | _OWN)
        self.function = own[label]
        constants = range(columns.inputs, columns.sources)
        literal = {self.labels[v] for v in constants}
        variables = [name for name in wanted if name not in literal]
        self.names = Names(variables, ascii_name, C_RESERVED | _OWN)
        self.variables = set(self.names.given.values())
        self.ins = Names(circuit.inputs, ascii_name)
        self.outs = Names(circuit.output_names, ascii_name)
        given = [self.names.given.get(label) for label in self.labels]
        self.printer = CPrinter(self.names)
        self.program: Program = print_gates(circuit, self.printer, given)
        self.parts, self.room = cut(circuit, self.program)
        self.renamed, said = renaming(
            own.renamed, self.names.renamed, self.ins.renamed, self.outs.renamed
        )
        if said:
            note(f"C: {said}")

    # ------------------------------------------------------------------ declarations

    def header(self) -> str:
        """Give the header's text."""
        guard = f"CIRCUITGRAD_{self.function.upper()}_H"
        lines = [
            *_comment([self._what("The declaration of")]),
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *self._places(),
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            *self._explanation(),
            f"void {self.function}(const double *in, double *out);",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            "#endif",
        ]
        return "\n".join(lines) + "\n"

    def _what(self, kind: str) -> str:
        named = f"the circuit {self.circuit.name}" if self.circuit.name else "a circuit"
        return f"{kind} {named}, written by circuitgrad."

    def _explanation(self) -> list[str]:
        text = (
            "Computes the outputs from the inputs. The two arrays must not overlap; "
            "the function has no state, so threads may share it."
        )
        if self.room > MAX_STACK:
            text += (
                f" It allocates {self.room} doubles while it runs; "
                "where there is no memory every output is nan."
            )
        return _comment([text])

    def _places(self) -> list[str]:
        """Name the place of each input and output in its array."""
        lines = []
        for kind, names, many in (
            ("in", [self.ins[name] for name in self.circuit.inputs], "inputs"),
            ("out", [self.outs[name] for name in self.circuit.output_names], "outputs"),
        ):
            items = [
                f"{self.function}_{kind}_{name} = {i}" for i, name in enumerate(names)
            ]
            items.append(f"{self.function}_{many} = {len(names)}")
            lines += ["enum {", ",\n".join(f"    {item}" for item in items), "};"]
        return lines

    # ------------------------------------------------------------------ functions

    def source(self, header: str | None) -> str:
        """Give the C file's text."""
        lines = _comment([self._what("A C99 function for"), *self.renamed])
        lines.append("#include <math.h>")
        if self.room > MAX_STACK:
            lines.append("#include <stdlib.h>")
        if header is not None:
            lines += ["", f'#include "{header}"', ""]
        else:
            lines += ["", *self._places(), "", *self._explanation()]
            lines += [f"void {self.function}(const double *in, double *out);", ""]
        for name in self.printer.helpers:
            arguments, value = _HELPERS[name]
            lines += [f"static inline double {name}({arguments})", "{"]
            lines += [f"    return {value};", "}", ""]
        long = len(self.parts) > 1
        if long:
            for number, part in enumerate(self.parts, start=1):
                body = self._body(part)
                lines += [*self._head(number), *_unused(body, "in", "work", "out")]
                lines += [*body, "}", ""]
        lines += [
            f"void {self.function}(const double *restrict in, double *restrict out)",
            "{",
        ]
        body = self._calls() if long else self._body(*self.parts)
        body += self._sources()
        return "\n".join([*lines, *_unused(body, "in"), *body, "}"]) + "\n"

    def _head(self, number: int) -> list[str]:
        return [
            f"static void {self.function}_part{number}(const double *restrict in,",
            "    double *restrict work, double *restrict out)",
            "{",
        ]

    def _calls(self) -> list[str]:
        """Make room for what parts share, and call them in order."""
        if self.room <= MAX_STACK:
            lines, end = [f"    double work[{max(self.room, 1)}];", ""], []
        else:
            outputs = len(self.circuit.outputs)
            lines = [
                f"    double *work = malloc({self.room} * sizeof *work);",
                "    if (work == NULL) {",
                f"        for (int i = 0; i < {outputs}; i++)",
                "            out[i] = NAN;",
                "        return;",
                "    }",
                "",
            ]
            end = ["    free(work);"]
        for number in range(1, len(self.parts) + 1):
            lines.append(f"    {self.function}_part{number}(in, work, out);")
        return lines + end

    def _body(self, part: Part) -> list[str]:
        columns = self.circuit.columns
        computed = {step.vertex for step in part.steps}
        used: dict[int, None] = {}
        for step in part.steps:
            used.update(dict.fromkeys(columns.operands_of(step.vertex)))
        lines = [
            f"    const double {self._name(v)} = in[{v}];"
            for v in sorted(used)
            if v < columns.inputs
        ]
        lines += [
            f"    const double {self._name(vertex)} = work[{place}];"
            for vertex, place in part.loads
        ]
        if lines:
            lines.append("")
        for step in part.steps:
            for name, value in step.statements:
                first = f"    const double {name} ="
                lines += filled(f"{value.text};", f"{first} ", "        ")
        stores = [f"    work[{p}] = {self._name(v)};" for v, p in part.stores]
        stores += [
            f"    out[{place}] = {value.text};"
            for place, (_, vertex, value) in enumerate(self.program.outputs)
            if vertex in computed
        ]
        # A rule may ignore an operand, and compilers warn of a variable without use.
        words = Counter(re.findall(r"\w+", "\n".join(lines + stores)))
        once = [name for name in words if words[name] == 1]
        unused = [f"    (void){name};" for name in once if name in self.variables]
        return [*lines, *unused, *stores]

    def _sources(self) -> list[str]:
        """Give the outputs that are inputs or numbers."""
        columns = self.circuit.columns
        return [
            f"    out[{place}] = "
            + (f"in[{vertex}];" if vertex < columns.inputs else f"{value.text};")
            for place, (_, vertex, value) in enumerate(self.program.outputs)
            if vertex < columns.sources
        ]

    def _name(self, vertex: int) -> str:
        return self.names[self.labels[vertex]]


def _unused(body: list[str], *names: str) -> list[str]:
    """Give the statements that tell a compiler which parameters are not used."""
    words = set(re.findall(r"\w+", "\n".join(body)))
    return [f"    (void){name};" for name in names if name not in words]


def _comment(paragraphs: list[str]) -> list[str]:
    lines = []
    for paragraph in paragraphs:
        lines += textwrap.wrap(paragraph, 73, break_long_words=False)
    if len(lines) == 1:
        return [f"/* {lines[0]} */"]
    return [
        f"/* {lines[0]}",
        *(f" * {line}" for line in lines[1:-1]),
        f" * {lines[-1]} */",
    ]
