"""Products of matrices: as the definition says, with seven products, in chains."""

from __future__ import annotations

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.families.blocks import (
    Multiply,
    product,
    seven_products,
    strassen,
    winograd,
)
from circuitgrad.families.inputs import matrix, outputs, without_zeros
from circuitgrad.families.registry import family

__all__ = ["imm", "matmul", "matmul_strassen", "matmul_winograd"]


@family("matmul", gates=lambda n: 2 * n**3)
def matmul(n: int) -> Circuit:
    """Product of two matrices, as the definition says.

    n³ products and n³ - n² sums; depth n.

    Parameters
    ----------
    n : int
        Rows and columns; the inputs are ``a1_1`` to ``an_n`` and ``b1_1`` to ``bn_n``.

    Returns
    -------
    Circuit
        Outputs ``c1_1`` to ``cn_n``, in row order.

    References
    ----------
    G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition, 2013, section
    1.1.
    """
    return _multiply("matmul", n, product)


@family("matmul-strassen", gates=lambda n: 7 * seven_products(n))
def matmul_strassen(n: int) -> Circuit:
    """Product of two matrices by Strassen's seven products.

    For n = 2^k there are 7^k products and 6(7^k - 4^k) sums; depth 4k + 1.  Other sizes
    are padded: wherever a side is odd, a row or a column of zeros is added, and what
    zeros make superfluous is folded away.

    Parameters
    ----------
    n : int
        Rows and columns; the inputs are ``a1_1`` to ``an_n`` and ``b1_1`` to ``bn_n``.

    Returns
    -------
    Circuit
        Outputs ``c1_1`` to ``cn_n``, in row order.

    References
    ----------
    V. Strassen, "Gaussian elimination is not optimal", Numerische Mathematik, 1969.
    """
    return _multiply("matmul_strassen", n, strassen)


@family("matmul-winograd", gates=lambda n: 6 * seven_products(n))
def matmul_winograd(n: int) -> Circuit:
    """Product of two matrices by seven products and fifteen sums.

    For n = 2^k there are 7^k products and 5(7^k - 4^k) sums; depth 5k + 1.  Other sizes
    are padded as in ``matmul-strassen``.

    Parameters
    ----------
    n : int
        Rows and columns; the inputs are ``a1_1`` to ``an_n`` and ``b1_1`` to ``bn_n``.

    Returns
    -------
    Circuit
        Outputs ``c1_1`` to ``cn_n``, in row order.

    References
    ----------
    S. Winograd, "On multiplication of 2 x 2 matrices", Linear Algebra and its
    Applications, 1971; the form with 15 sums is in D. E. Knuth, "The Art of Computer
    Programming", volume 2, section 4.6.4.
    """
    return _multiply("matmul_winograd", n, winograd)


@family("imm", gates=lambda n, d: 2 * n * n * (d or max(n, 2)))
def imm(n: int, d: int | None = None) -> Circuit:
    """Iterated product of matrices: one entry, from a row to a column.

    n²(d-2) + n products and (n² - n)(d-2) + n - 1 sums; depth n(d-1).  The entry in the
    corner of a product of d matrices needs the first row of the first and the first
    column of the last alone; that row is multiplied by one matrix after another.

    Parameters
    ----------
    n : int
        Rows and columns.
    d : int, optional
        Factors, two at least; n of them (or 2) where left out.  The inputs of factor k
        are ``xk_1_1`` to ``xk_n_n``.

    Returns
    -------
    Circuit
        One output, ``f``.

    References
    ----------
    N. Nisan and A. Wigderson, "Lower bounds on arithmetic circuits via partial
    derivatives", Computational Complexity, 1996.
    """
    factors = max(n, 2) if d is None else d
    builder = Builder("imm")
    row = matrix(builder, "x1_", 1, n)
    inner = [matrix(builder, f"x{k}_", n, n) for k in range(2, factors)]
    for factor in [*inner, matrix(builder, f"x{factors}_", n, 1)]:
        row = product(row, factor)
    builder.output("f", row[0, 0])
    return builder.finish()


def _multiply(name: str, n: int, multiply: Multiply) -> Circuit:
    builder = Builder(name)
    a, b = matrix(builder, "a", n, n), matrix(builder, "b", n, n)
    outputs(builder, "c", multiply(a, b))
    return without_zeros(builder.finish())
