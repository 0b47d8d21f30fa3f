"""Inverses of matrices: by elimination, by blocks, and from any determinant."""

from __future__ import annotations

import math

import numpy as np

from circuitgrad import exact
from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.columns import RawColumns, starts_of
from circuitgrad.errors import CircuitError
from circuitgrad.families.blocks import (
    quarters,
    seven_products,
    strassen,
    whole,
)
from circuitgrad.families.inputs import matrix, outputs, without_zeros
from circuitgrad.families.registry import FAMILIES, family
from circuitgrad.gates import DIV
from circuitgrad.gradients import gradient
from circuitgrad.provenance import Provenance
from circuitgrad.vectors import Vector

__all__ = ["inv_det", "inv_gauss", "inv_strassen", "inverse_from_determinant"]

#: The derivatives of u/v by u and by v, each times w, are w/v and -(w/v)(u/v): sharing
#: w/v makes them two nonscalar operations, as Baur and Strassen count, and not four.
SHARED = "divide_adjoints,fold,fuse,cse,dce,share_products{products=single}"


@family("inv-gauss", gates=lambda n: 2 * n**3)
def inv_gauss(n: int) -> Circuit:
    """Inverse by Gauss-Jordan elimination, without pivots.

    n²(n-1) products, n² divisions, n(n-1)² differences; depth 3n from n = 2 on.  The
    inverse takes the place of the matrix, so nothing is spent on the identity beside
    it: multiplications and divisions are n³ together.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        Outputs ``y1_1`` to ``yn_n``, in row order; no value where a leading minor is 0.

    References
    ----------
    N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, 2002,
    section 14.4.
    """
    builder = Builder("inv_gauss")
    # Handles and not arrays of them: the signs of column k stay weights, no gates.
    a: list[list[Expr]] = [list(row) for row in matrix(builder, "x", n, n)]
    for k in range(n):
        inverse = 1 / a[k][k]
        others = [j for j in range(n) if j != k]
        for j in others:
            a[k][j] = a[k][j] / a[k][k]
        for i in others:
            factor = a[i][k]
            for j in others:
                a[i][j] = a[i][j] - factor * a[k][j]
            a[i][k] = -(factor * inverse)
        a[k][k] = inverse
    for i, row in enumerate(a, start=1):
        for j, entry in enumerate(row, start=1):
            builder.output(f"y{i}_{j}", entry)
    return builder.finish()


@family("inv-strassen", gates=lambda n: 8 * seven_products(n))
def inv_strassen(n: int) -> Circuit:
    """Inverse by blocks: two inverses and six products of half the size.

    For n = 2^k there are 6(7^k - 2^k)/5 products, n divisions and
    36(7^k - 2^k)/5 - 17(4^k - 2^k) sums; depth 23n - 16k - 22.  Products are
    Strassen's; other sizes are cut into unequal halves.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        Outputs ``y1_1`` to ``yn_n``, in row order; no value where a leading minor is 0.

    References
    ----------
    V. Strassen, "Gaussian elimination is not optimal", Numerische Mathematik, 1969.
    """
    builder = Builder("inv_strassen")
    outputs(builder, "y", _by_halves(matrix(builder, "x", n, n)))
    return without_zeros(builder.finish())


def _by_halves(x: Vector) -> Vector:
    """Invert by Strassen's seven steps, which he numbers as here."""
    if len(x) == 1:
        return 1 / x
    half = len(x) - len(x) // 2
    x11, x12, x21, x22 = quarters(x, half, half)
    r1 = _by_halves(x11)
    r2 = strassen(x21, r1)
    r3 = strassen(r1, x12)
    r4 = strassen(x21, r3)
    r5 = r4 - x22
    r6 = _by_halves(r5)
    y12 = strassen(r3, r6)
    y21 = strassen(r6, r2)
    r7 = strassen(r3, y21)
    return whole(r1 - r7, y12, y21, -r6)


@family(
    "inv-det",
    gates=lambda n, det: 5 * FAMILIES[f"det-{det}"].gates(n) + n * n,
)
def inv_det(n: int, det: str = "gauss") -> Circuit:
    """Inverse from a determinant, by backpropagation and n² divisions.

    At most 3 times the multiplications and divisions of the determinant, and n²
    divisions; see `circuitgrad.inverse_from_determinant`.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.
    det : {"gauss", "bareiss", "berkowitz", "faddeev", "clow"}
        The determinant's algorithm.

    Returns
    -------
    Circuit
        Outputs ``y1_1`` to ``yn_n``, in row order; no value where the determinant is 0,
        or has none.

    References
    ----------
    W. Baur and V. Strassen, "The complexity of partial derivatives", Theoretical
    Computer Science, 1983.
    """
    inverse = inverse_from_determinant(FAMILIES[f"det-{det}"](n))
    return Circuit(
        inverse.columns, inverse.names, inverse.outputs, "inv_det", inverse.provenance
    )


def inverse_from_determinant(det: Circuit, *, pipeline: str = SHARED) -> Circuit:
    """Turn a circuit of a determinant into one of the inverse matrix.

    The circuit is differentiated by backpropagation, and each partial derivative is
    divided by the determinant: n² divisions more, no other gates.

    Parameters
    ----------
    det : Circuit
        One output, the determinant of the matrix of its inputs ``x1_1`` to ``xn_n``, in
        any order.  Nobody checks that it is that determinant.
    pipeline : str
        A level, or the passes that follow differentiation (`circuitgrad.run`).  Those
        of ``tidy`` by default, and two that share what the two derivatives of a
        division, and products, have in common.

    Returns
    -------
    Circuit
        Outputs ``y1_1`` to ``yn_n``, in row order.

    Raises
    ------
    CircuitError
        If there is more than one output, or the inputs are not those of a square
        matrix.

    Notes
    -----
    Where the determinant has L operations, sums among them, and M + D multiplications
    and divisions, it and its gradient have 4 L at most, and 3 (M + D).

    The derivative of the determinant by the entry (i, j) is the cofactor: the minor
    without row i and column j *times (-1)^(i+j)*.  So backpropagation has Cramer's
    signs right by itself, and the entry (i, j) of the inverse is the cofactor of
    (j, i), *transposed*, divided by the determinant:

        y_ij = (d det / d x_ji) / det.

    References
    ----------
    W. Baur and V. Strassen, "The complexity of partial derivatives", Theoretical
    Computer Science, 1983.

    Examples
    --------
    >>> from circuitgrad.builder import trace
    >>> det = trace(
    ...     lambda x1_1, x1_2, x2_1, x2_2: {"det": x1_1 * x2_2 - x1_2 * x2_1}
    ... )
    >>> print(inverse_from_determinant(det))
    input x1_1, x1_2, x2_1, x2_2
    g1 = x1_1*x2_2
    g2 = x1_2*x2_1
    g3 = g1 - g2
    ddet_dx1_2 = -x2_1
    ddet_dx2_1 = -x1_2
    y1_1 = x2_2/g3
    y1_2 = ddet_dx2_1/g3
    y2_1 = ddet_dx1_2/g3
    y2_2 = x1_1/g3
    output y1_1, y1_2, y2_1, y2_2
    <BLANKLINE>
    """
    if len(det.outputs) != 1:
        names = ", ".join(det.output_names)
        raise CircuitError(f"a determinant is one output, not several: {names}")
    n = _side(det)
    label = det.output_names[0]
    cofactors = gradient(det, value=True, pipeline=pipeline)
    vertices = dict(cofactors.outputs)
    above = [
        vertices[f"d{label}_dx{j}_{i}"]
        for i in range(1, n + 1)
        for j in range(1, n + 1)
    ]
    first = len(cofactors.columns)
    raw = RawColumns.joined(
        [RawColumns.of(cofactors.columns), _quotients(above, vertices[label])]
    )
    return Circuit.assemble(
        raw,
        cofactors.names.moved(np.arange(first), len(raw.op)),
        [(f"y{k // n + 1}_{k % n + 1}", first + k) for k in range(n * n)],
        name=det.name,
        provenance=Provenance.of(cofactors).extended_by(n * n),
    ).verify()


def _side(det: Circuit) -> int:
    """Give n where the inputs are x1_1 to xn_n."""
    n = math.isqrt(len(det.inputs))
    entries = {f"x{i}_{j}" for i in range(1, n + 1) for j in range(1, n + 1)}
    if not entries or set(det.inputs) != entries:
        others = [name for name in det.inputs if name not in entries]
        found = ", ".join(others[:3] or det.inputs[:3]) or "none"
        raise CircuitError(
            "the inputs of a determinant are x1_1, x1_2 ... xn_n; "
            f"there are {len(det.inputs)}: {found} ..."
        )
    return n


def _quotients(above: list[int], below: int) -> RawColumns:
    """Make a division of each vertex by one."""
    count = len(above)
    fan_in = np.full(count, 2)
    return RawColumns(
        np.full(count, DIV, dtype=np.uint8),
        starts_of(fan_in),
        np.array([(u, below) for u in above], dtype=np.int32).ravel(),
        np.full(2 * count, exact.ONE, dtype=np.int32),
        np.full(count, -1, dtype=np.int32),
        np.zeros(count, dtype=np.int32),
    )
