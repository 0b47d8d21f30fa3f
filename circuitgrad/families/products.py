"""Products of variables, of least size and of least depth."""

from __future__ import annotations

from circuitgrad.builder import Builder
from circuitgrad.circuit import Circuit
from circuitgrad.families.inputs import vector
from circuitgrad.families.registry import family

__all__ = ["product_chain", "product_tree"]


@family("product-chain", gates=lambda n: n)
def product_chain(n: int) -> Circuit:
    """Product of n variables, one after the other.

    n - 1 products of two; depth n - 1.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.

    Returns
    -------
    Circuit
        One output, ``f``.

    References
    ----------
    B. Speelpenning, "Compiling fast partial derivatives of functions given by
    algorithms", thesis, University of Illinois, 1980: his example.
    """
    builder = Builder("product_chain")
    x = vector(builder, "x", n)
    found = x[0]
    for factor in x[1:]:
        found = found * factor
    builder.output("f", found)
    return builder.finish()


@family("product-tree", gates=lambda n: n)
def product_tree(n: int) -> Circuit:
    """Product of n variables, in pairs, pairs of pairs and so on.

    n - 1 products of two; depth ⌈log₂n⌉, the least there is.

    Parameters
    ----------
    n : int
        Variables ``x1`` to ``xn``.

    Returns
    -------
    Circuit
        One output, ``f``.

    References
    ----------
    J. JáJá, "An introduction to parallel algorithms", 1992: balanced trees.
    """
    builder = Builder("product_tree")
    layer = list(vector(builder, "x", n))
    while len(layer) > 1:
        odd = layer[len(layer) - len(layer) % 2 :]
        pairs = zip(layer[::2], layer[1::2], strict=False)
        layer = [u * v for u, v in pairs] + odd
    builder.output("f", layer[0])
    return builder.finish()
