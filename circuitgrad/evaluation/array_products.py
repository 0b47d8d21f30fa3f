"""Instructions of matrix gates: products, sums over axes, entries that move."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np

from circuitgrad.evaluation.array_instructions import (
    ELEMENTWISE,
    Instruction,
    Registers,
    Run,
    Site,
    by_rule,
)
from circuitgrad.evaluation.array_layout import Array

__all__ = ["instruction"]


def instruction(site: Site) -> Instruction:
    """Make the instruction of a gate."""
    name = site.node.gate.name
    maker = _MATRIX.get(name) or ELEMENTWISE.get(name)
    found = maker(site) if maker else None
    return found or by_rule(site)


# ---------------------------------------------------------------------- products


def _matmul(site: Site) -> Instruction:
    """Multiply by BLAS, which takes matrices row by row or column by column.

    A batch of matrices times one matrix is one product of all rows.
    """
    y, used = site.node.vertex, list(site.node.operands)
    copies = []
    for slot, form in enumerate(site.forms):
        if not _suits_blas(form):
            copies.append((site.temporary(form.shape), used[slot]))
            used[slot] = copies[-1][0]
    a, b = used
    left, right = site.forms
    if left.ndim > 2 and right.ndim == 2 and site.form.flags.c_contiguous:
        rows, columns = left.shape[-1], right.shape[-1]

        def multiply(r: Registers) -> None:
            flat = r[a].reshape(-1, rows)
            np.matmul(flat, r[b], out=r[y].reshape(-1, columns))
    else:

        def multiply(r: Registers) -> None:
            np.matmul(r[a], r[b], out=r[y])

    if not copies:
        return Instruction(multiply)

    def run(r: Registers) -> None:
        for copy, operand in copies:
            np.copyto(r[copy], r[operand])
        multiply(r)

    return Instruction(run)


def _suits_blas(form: Array) -> bool:
    """Tell whether BLAS takes a matrix, or a batch of them, as it lies."""
    steps = [each // form.itemsize for each in form.strides[-2:]]
    if form.ndim == 1:
        return steps[0] > 0
    rows, columns = form.shape[-2:]
    return (steps[1] == 1 and steps[0] >= columns) or (
        steps[0] == 1 and steps[1] >= rows
    )


def _dot(site: Site) -> Instruction:
    y, (a, b) = site.node.vertex, site.node.operands

    def run(r: Registers) -> None:
        np.vecdot(r[a], r[b], out=r[y])

    return Instruction(run)


def _outer(site: Site) -> Instruction:
    y, (a, b) = site.node.vertex, site.node.operands

    def run(r: Registers) -> None:
        np.multiply(r[a][..., :, None], r[b][..., None, :], out=r[y])

    return Instruction(run)


def _squared_norm(site: Site) -> Instruction | None:
    """Take the dot product of all entries with themselves, in any order."""
    y, (a,), (form,) = site.node.vertex, site.node.operands, site.forms
    flipped = form.ndim > 1 and form.swapaxes(-1, -2).flags.c_contiguous
    if not (flipped or form.flags.c_contiguous):
        return None

    def run(r: Registers) -> None:
        flat = (r[a].swapaxes(-1, -2) if flipped else r[a]).reshape(-1)
        np.vecdot(flat, flat, out=r[y])

    return Instruction(run)


# ---------------------------------------------------------------------- over axes


def _reduce(ufunc: np.ufunc, y: int, a: int, axis: Any, keep: int) -> Run:
    reduce, keepdims = ufunc.reduce, bool(keep)

    def run(r: Registers) -> None:
        reduce(r[a], axis=axis, out=r[y], keepdims=keepdims)

    return run


def _over_axes(ufunc: np.ufunc) -> Callable[[Site], Instruction]:
    def make(site: Site) -> Instruction:
        y, (a,) = site.node.vertex, site.node.operands
        axis, keep = site.node.options["axis"], site.node.options["keep"]
        return Instruction(_reduce(ufunc, y, a, axis, keep))

    return make


def _mean(site: Site) -> Instruction:
    y, (a,), options = site.node.vertex, site.node.operands, site.node.options
    axis = options["axis"]
    total = _reduce(np.add, y, a, axis, options["keep"])
    count = int(np.prod([site.forms[0].shape[i] for i in axis], dtype=np.int64))
    share = site.number(Fraction(1, count))

    def run(r: Registers) -> None:
        total(r)
        np.multiply(r[y], share, out=r[y])

    return Instruction(run)


def _trace(site: Site) -> Instruction:
    y, (a,) = site.node.vertex, site.node.operands

    def run(r: Registers) -> None:
        np.add.reduce(r[a].diagonal(0, -2, -1), axis=-1, out=r[y])

    return Instruction(run)


def _largest(site: Site, axis: int) -> tuple[int, Run]:
    """Make scratch that holds the largest entry along an axis, of length 1 there."""
    shape = list(site.forms[0].shape)
    shape[axis] = 1
    largest = site.temporary(tuple(shape))
    return largest, _reduce(np.maximum, largest, site.node.operands[0], (axis,), keep=1)


def _softmax(site: Site) -> Instruction:
    """Give exponentials of z - max z, which do not overflow, by their sum."""
    y, (a,), axis = site.node.vertex, site.node.operands, site.node.options["axis"]
    t, largest = _largest(site, axis)

    def run(r: Registers) -> None:
        largest(r)
        np.subtract(r[a], r[t], out=r[y])
        np.exp(r[y], out=r[y])
        np.add.reduce(r[y], axis=axis, out=r[t], keepdims=True)
        np.divide(r[y], r[t], out=r[y])

    return Instruction(run, (0,))


def _log_softmax(site: Site) -> Instruction:
    y, (a,), axis = site.node.vertex, site.node.operands, site.node.options["axis"]
    t, largest = _largest(site, axis)
    e = site.temporary(site.shape)

    def run(r: Registers) -> None:
        largest(r)
        np.subtract(r[a], r[t], out=r[y])
        np.exp(r[y], out=r[e])
        np.add.reduce(r[e], axis=axis, out=r[t], keepdims=True)
        np.log(r[t], out=r[t])
        np.subtract(r[y], r[t], out=r[y])

    return Instruction(run, (0,))


def _log_sum_exp(site: Site) -> Instruction:
    y, (a,), axis = site.node.vertex, site.node.operands, site.node.options["axis"]
    t, largest = _largest(site, axis)
    total = site.temporary(site.scratch[-1][0])  # as t
    e = site.temporary(site.forms[0].shape)

    def run(r: Registers) -> None:
        largest(r)
        np.subtract(r[a], r[t], out=r[e])
        np.exp(r[e], out=r[e])
        np.add.reduce(r[e], axis=axis, out=r[total], keepdims=True)
        np.log(r[total], out=r[total])
        np.add(r[t], r[total], out=r[y].reshape(r[t].shape))

    return Instruction(run)


# ---------------------------------------------------------------------- moving


def _reshape(site: Site) -> Instruction | None:
    """Copy the entries row by row, where reshaping is no view."""
    y, (a,), (form,) = site.node.vertex, site.node.operands, site.forms
    if not site.form.flags.c_contiguous:
        return None

    def run(r: Registers) -> None:
        np.copyto(r[y].reshape(form.shape), r[a])

    return Instruction(run)


def _pad(site: Site) -> Instruction:
    y, (a,), options = site.node.vertex, site.node.operands, site.node.options
    axis, before = options["axis"], options["before"]
    stop = before + site.forms[0].shape[axis]
    inside = (*(slice(None),) * axis, slice(before, stop))

    def run(r: Registers) -> None:
        r[y].fill(0)
        np.copyto(r[y][inside], r[a])

    return Instruction(run, once=False)


def _concatenate(site: Site) -> Instruction:
    y, used, axis = site.node.vertex, site.node.operands, site.node.options["axis"]

    def run(r: Registers) -> None:
        np.concatenate([r[u] for u in used], axis=axis, out=r[y])

    return Instruction(run, once=False)


def _diag(site: Site) -> Instruction:
    y, (a,) = site.node.vertex, site.node.operands

    def run(r: Registers) -> None:
        r[y].fill(0)
        np.copyto(np.einsum("...ii->...i", r[y]), r[a])  # a view, to be written

    return Instruction(run, once=False)


def _tril(site: Site) -> Instruction:
    y, (a,) = site.node.vertex, site.node.operands
    rows, columns = site.shape[-2:]
    below = np.tri(rows, columns, site.node.options["k"], dtype=np.bool_)

    def run(r: Registers) -> None:
        r[y].fill(0)
        np.copyto(r[y], r[a], where=below)

    return Instruction(run, once=False)


_MATRIX: Final[dict[str, Callable[[Site], Instruction | None]]] = {
    "reshape": _reshape,
    "pad": _pad,
    "concatenate": _concatenate,
    "diag": _diag,
    "tril": _tril,
    "sum_axes": _over_axes(np.add),
    "max_axes": _over_axes(np.maximum),
    "mean": _mean,
    "trace": _trace,
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "squared_norm": _squared_norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "log_sum_exp": _log_sum_exp,
}
