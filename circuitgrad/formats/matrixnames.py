"""What matrix gates are called in mathematics, with the options that matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from circuitgrad.gates import MATRIX_GATES, GateType
from circuitgrad.shapes import Shape

__all__ = [
    "MATRIX_NAMES",
    "Symbol",
    "matrix_symbol",
    "shape_tex",
    "shape_text",
    "subscript",
]

#: A symbol in Unicode, and in LaTeX.
Symbol = tuple[str, str]

#: The matrix gates that are called so; others are called by their names.
MATRIX_NAMES: Final = frozenset(gate.name for gate in MATRIX_GATES)

_SUBSCRIPTS: Final = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")

#: Symbols of matrix gates in LaTeX; those of the others are words.
_TEX: Final = {
    "transpose": r"(\cdot)^{\mathsf{T}}",
    "sum_axes": r"\sum",
    "avg_pool": r"\mathrm{avg\,pool}",
    "matmul": "@",
    "dot": r"\langle\cdot,\cdot\rangle",
    "outer": r"\otimes",
    "squared_norm": r"{\|\cdot\|}^{2}",
    "max_axes": r"\max",
    "first_max": r"\mathrm{first\,max}",
    "max_pool": r"\mathrm{max\,pool}",
    "log_softmax": r"\log\,\mathrm{softmax}",
    "radial_sigmoid": r"\mathrm{radial}\,\sigma",
    "det": r"\det",
    "inverse": r"(\cdot)^{-1}",
}


def matrix_symbol(gate: GateType, options: dict[str, Any], shape: Shape) -> Symbol:
    """Give the symbol of a matrix gate.

    Parameters
    ----------
    gate : GateType
        One of `MATRIX_NAMES`.
    options : dict
        By name.  Those are said that the shapes of operands and result do not tell.
    shape : Shape
        That of the first operand.
    """
    said = _OPTIONS.get(gate.name)
    text, tex = said(shape, options) if said else ("", "")
    if gate.name == "log_sum_exp":  # what is summed is said in the middle
        return f"log Σ{text} exp", rf"\log\sum{tex}\exp"
    own = _TEX.get(gate.name) or rf"\mathrm{{{gate.symbol}}}"
    return gate.symbol + text, own + tex


def shape_text(shape: Shape) -> str:
    """Write a shape: 32 by 784, with a cross between; that of a vector as ``[784]``.

    A number alone would be a weight.
    """
    return f"[{shape[0]}]" if len(shape) == 1 else "×".join(map(str, shape))


def shape_tex(shape: Shape) -> str:
    """Write a shape in LaTeX."""
    return f"[{shape[0]}]" if len(shape) == 1 else r"\!\times\!".join(map(str, shape))


def subscript(value: int) -> str:
    """Write an index: ``₁₂``."""
    return str(value).translate(_SUBSCRIPTS)


# ---------------------------------------------------------------------- options


def _below(numbers: Sequence[int]) -> Symbol:
    """Write axes below a symbol."""
    return ",".join(map(subscript, numbers)), f"_{{{','.join(map(str, numbers))}}}"


def _axes(shape: Shape, options: dict[str, Any]) -> Symbol:
    """Say over which axes, unless over all of them."""
    axes = options["axis"]
    return ("", "") if len(axes) == len(shape) else _below(axes)


def _unless_first(shape: Shape, options: dict[str, Any]) -> Symbol:
    """Say which axes are new, unless they are those in front."""
    axes = options["axis"]
    return ("", "") if axes == tuple(range(len(axes))) else _below(axes)


def _unless_last(shape: Shape, options: dict[str, Any]) -> Symbol:
    axis = options["axis"]
    return ("", "") if axis == len(shape) - 1 else _below([axis])


def _unless_vector(shape: Shape, options: dict[str, Any]) -> Symbol:
    return ("", "") if len(shape) == 1 else _below([options["axis"]])


def _diagonal(shape: Shape, options: dict[str, Any]) -> Symbol:
    return _below([options["k"]]) if options["k"] else ("", "")


def _part(shape: Shape, options: dict[str, Any]) -> Symbol:
    """Say which part a slice is, as NumPy writes it; entries are counted from 0."""
    before = ":, " * options["axis"]
    text = f" [{before}{options['start']}:{options['stop']}]"
    return text, text.replace(" ", r"\,").replace(":", "{:}")


def _around(shape: Shape, options: dict[str, Any]) -> Symbol:
    """Say how many zeros are before and after."""
    text, tex = _unless_vector(shape, options)
    zeros = options["before"], options["after"]
    return f"{text} {zeros[0]}, {zeros[1]}", rf"{tex}\,{zeros[0]},{zeros[1]}"


def _window(shape: Shape, options: dict[str, Any]) -> Symbol:
    window = options["window"]
    return f" {shape_text(window)}", rf"\,{shape_tex(window)}"


_OPTIONS: Final[dict[str, Callable[[Shape, dict[str, Any]], Symbol]]] = {
    "broadcast": _unless_first,
    "slice": _part,
    "pad": _around,
    "concatenate": _unless_vector,
    "tril": _diagonal,
    "sum_axes": _axes,
    "mean": _axes,
    "avg_pool": _window,
    "max_axes": _axes,
    "first_max": _axes,
    "max_pool": _window,
    "softmax": _unless_last,
    "log_softmax": _unless_last,
    "log_sum_exp": _unless_last,
}
