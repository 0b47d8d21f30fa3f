"""Determinants: one polynomial, by algorithms of very different circuits."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from circuitgrad.builder import Builder, Expr
from circuitgrad.circuit import Circuit
from circuitgrad.families.blocks import chain, product
from circuitgrad.families.inputs import matrix
from circuitgrad.families.joining import settled
from circuitgrad.families.registry import family
from circuitgrad.vectors import Vector

__all__ = ["det_bareiss", "det_berkowitz", "det_clow", "det_faddeev", "det_gauss"]


@family("det-gauss", gates=lambda n: n**3)
def det_gauss(n: int) -> Circuit:
    """Determinant by Gaussian elimination, without pivots.

    (n-1)(2n² - n + 6)/6 products, n(n-1)/2 divisions, n(n-1)(2n-1)/6 differences; depth
    3n - 2.  Formal degree grows like 2^n, as eliminating has it, though the value is of
    degree n.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``; no value where a leading minor but the last is 0.

    References
    ----------
    G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section
    3.2.
    """
    builder = Builder("det_gauss")
    a = matrix(builder, "x", n, n)
    product = a[0, 0]
    for _ in range(n - 1):
        a = a[1:, 1:] - (a[1:, :1] / a[0, 0]) * a[:1, 1:]
        product = product * a[0, 0]
    builder.output("det", product)
    return builder.finish()


@family("det-bareiss", gates=lambda n: 2 * n**3)
def det_bareiss(n: int) -> Circuit:
    """Determinant by Bareiss's elimination, whose divisions leave no remainder.

    n(n-1)(2n-1)/3 products, (n-2)(n-1)(2n-3)/6 divisions, n(n-1)(2n-1)/6 differences;
    depth 3n - 4 from n = 2 on.  All that is computed are minors, so from whole numbers
    come whole numbers.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``; no value where a leading minor of 1 to n - 2 rows is 0.

    References
    ----------
    E. H. Bareiss, "Sylvester's identity and multistep integer-preserving Gaussian
    elimination", Mathematics of Computation, 1968.
    """
    builder = Builder("det_bareiss")
    a = matrix(builder, "x", n, n)
    last = None
    for _ in range(n - 1):
        pivot = a[0, 0]
        a = pivot * a[1:, 1:] - a[1:, :1] * a[:1, 1:]
        if last is not None:
            a = a / last
        last = pivot
    builder.output("det", a[0, 0])
    return builder.finish()


@family("det-berkowitz", gates=lambda n: n**4 // 2)
def det_berkowitz(n: int) -> Circuit:
    """Determinant by Samuelson and Berkowitz, without divisions.

    (n-1)(3n³ - n² - 4n + 12)/12 products and n(n-1)(3n² - 5n + 4)/12 sums; depth
    n² - n, of which n - 1 are products.  Signs are weights and cost nothing: written as
    products by -1 they would be up to n(n+1)/2 more, and one level of depth.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``.

    Notes
    -----
    With det(t + A) = t^r + e_1 t^(r-1) + ... + e_r for the first r rows and columns,
    the next row R and column S, and a where they cross, the coefficients of r + 1 rows
    are those of the product of t^r + e_1 t^(r-1) + ... and

        t + a - R S/t + R A S/t² - R A² S/t³ + ...

    as far as powers of t are not negative.

    References
    ----------
    P. A. Samuelson, "A method of determining explicitly the coefficients of the
    characteristic equation", Annals of Mathematical Statistics, 1942.
    S. J. Berkowitz, "On computing the determinant in small parallel time using a small
    number of processors", Information Processing Letters, 1984.
    """
    builder = Builder("det_berkowitz")
    x = matrix(builder, "x", n, n)
    e: list[Expr] = []
    for r in range(n):
        a, row, column = x[:r, :r], x[r : r + 1, :r], x[:r, r : r + 1]
        t = [x[r, r]]
        for i in range(r):
            t.append((-1) ** (i + 1) * product(row, column)[0, 0])
            column = product(a, column) if i < r - 1 else column
        wanted = range(r + 1) if r < n - 1 else [r]  # in the end, the determinant alone
        e = [
            chain([t[k], *(t[k - 1 - j] * e[j] for j in range(k)), *e[k : k + 1]])
            for k in wanted
        ]
    builder.output("det", e[-1])
    return builder.finish()


@family("det-faddeev", gates=lambda n: 2 * n**4)
def det_faddeev(n: int) -> Circuit:
    """Determinant by Faddeev and LeVerrier, from traces of products.

    n²(n-1)² products, n(n-1)(n² - 2n + 3) sums, n - 1 products by a number; depth
    (n-1)(3n+1), of which n - 1 are products.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``.

    Notes
    -----
    B_1 = A, q_k = tr(B_k)/k and B_(k+1) = A (B_k - q_k); then the determinant is q_n,
    or -q_n for even n.

    References
    ----------
    F. R. Gantmacher, "The Theory of Matrices", volume 1, 1959, chapter IV, section 5.
    """
    builder = Builder("det_faddeev")
    a = b = matrix(builder, "x", n, n)
    diagonal = np.arange(n)
    trace = chain(a[diagonal, diagonal])
    for k in range(1, n):
        q = settled(trace / k)
        shifted = b.vertices.copy()
        shifted[diagonal, diagonal] = (b[diagonal, diagonal] - q).vertices
        b = Vector(builder, shifted)
        if k < n - 1:
            b = product(a, b)
            trace = chain(b[diagonal, diagonal])
        else:  # of the last product, the trace alone
            trace = chain((a * b.T).reshape(n * n))
    builder.output("det", (-1) ** (n - 1) * trace / n)
    return builder.finish()


@family("det-clow", gates=lambda n: 2 * n**4)
def det_clow(n: int) -> Circuit:
    """Determinant by closed ordered walks (clows), without divisions.

    (4n⁴ - 10n³ - n² - 5n + 84)/6 products and (4n⁴ - 22n³ + 29n² + 55n - 120)/3 sums
    from n = 4 on, 2 and 1 for n = 2, 17 and 11 for n = 3; depth
    (n³ - 3n² + 11n - 12)/3 from n = 2 on, of which n - 1 are products.

    Parameters
    ----------
    n : int
        Rows and columns; entries are the inputs ``x1_1`` to ``xn_n``, in row order.

    Returns
    -------
    Circuit
        One output, ``det``.

    Notes
    -----
    A clow is a closed walk that visits its least vertex, its head, once.  The
    determinant is the sum over all sequences of clows, of growing heads and n edges
    together, of the product of the entries at their edges, times (-1)^(n + clows): what
    is no permutation cancels.  Step i holds, for each head, vertex and parity of the
    number of clows closed so far, the sum over all beginnings with i edges.

    References
    ----------
    M. Mahajan and V. Vinay, "Determinant: combinatorics, algorithms, and complexity",
    Chicago Journal of Theoretical Computer Science, 1997.
    """
    builder = Builder("det_clow")
    x: list[list[Expr]] = [list(row) for row in matrix(builder, "x", n, n)]
    last_head = n - 1
    states: dict[tuple[int, int, int], Expr | None] = {
        (0, head, head): None for head in range(max(last_head, 1))
    }

    def along(weight: Expr | None, here: int, there: int) -> Expr:
        return x[here][there] if weight is None else weight * x[here][there]

    for edges in range(1, n):
        # From the last head nothing but closing is left.
        heads = n if edges == n - 1 else last_head
        found = defaultdict(list)
        for (parity, head, here), weight in states.items():
            for there in range(head + 1, n):
                found[parity, head, there].append(along(weight, here, there))
            if head + 1 < heads:
                closed = along(weight, here, head)
                for other in range(head + 1, heads):
                    found[1 - parity, other, other].append(closed)
        states = {state: chain(terms) for state, terms in found.items()}
    ends = defaultdict(list)
    for (parity, head, here), weight in states.items():
        ends[parity].append(along(weight, here, head))
    even, odd = (chain(ends[p]) if ends[p] else None for p in (0, 1))
    plus, minus = (odd, even) if n % 2 == 0 else (even, odd)
    builder.output("det", plus if minus is None else plus - minus)
    return builder.finish()
