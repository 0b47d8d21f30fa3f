"""The passes that there are, and the levels of ``-O``: one visible list each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circuitgrad.passes.binarize import balance, binarize
from circuitgrad.passes.cse import cse
from circuitgrad.passes.dce import dce
from circuitgrad.passes.desugar import desugar, sugar
from circuitgrad.passes.divide_adjoints import divide_adjoints
from circuitgrad.passes.expand_powers import expand_powers
from circuitgrad.passes.factor import factor
from circuitgrad.passes.finite_differences import finite_differences
from circuitgrad.passes.fold import fold
from circuitgrad.passes.forward_mode import forward_mode
from circuitgrad.passes.fuse import fuse
from circuitgrad.passes.matrices import matrices
from circuitgrad.passes.orient import orient
from circuitgrad.passes.registry import register_pass
from circuitgrad.passes.reverse_mode import reverse_mode
from circuitgrad.passes.rewrite import rewrite
from circuitgrad.passes.scalarize import scalarize
from circuitgrad.passes.share_products import share_products
from circuitgrad.passes.share_sums import share_sums

__all__ = ["LEVELS", "Level"]

register_pass(reverse_mode, "bp", differentiates=True)
register_pass(forward_mode, "fp", differentiates=True)
register_pass(fold)
register_pass(fuse)
register_pass(cse)
register_pass(dce)
register_pass(rewrite, scalar=True)
register_pass(factor, scalar=True)
register_pass(share_products, scalar=True)
register_pass(share_sums, scalar=True)
register_pass(orient, scalar=True)
register_pass(binarize)
register_pass(balance)
register_pass(expand_powers)
register_pass(divide_adjoints, scalar=True)
register_pass(desugar)
register_pass(sugar)
register_pass(matrices)
register_pass(scalarize)
register_pass(finite_differences, "fd", approximates=True)


@dataclass(frozen=True, slots=True)
class Level:
    """A level of ``-O``.

    Parameters
    ----------
    before : str
        The passes before differentiation, if any.
    after : str
        The passes after it, and all that `opt` runs.
    goal : {"ops", "depth"}
        What is least in the circuit that is kept, of all that alternatives make.
    """

    before: str
    after: str
    goal: str = "ops"


_TIDY = "fold,matrices,fuse,cse,dce"

# Circuits of arrays; others are left as they are.
_ARRAYS = "matrices{diagonals}"

# Tried first is what is best alone; large circuits go no further.
_BEFORE = (
    "(|rewrite{flatten=none},(factor{shared}|factor,share_products,share_sums"
    "|share_products,share_sums|factor))"
)
_SMALL = (
    "(|(rewrite{flatten=none},factor{shared limit=60000},share_products{numbers=all}"
    "|rewrite{flatten=none},factor,share_products"
    "|rewrite{flatten=all},share_products{numbers=all}"
    "|rewrite{flatten=none products=single},share_products{products=single})"
    ",share_sums,orient{limit=60000},fold,cse,dce)"
)
_SHALLOW = "(|rewrite{flatten=all},cse,dce|balance)"

#: What each level of ``-O`` runs.
LEVELS: Final[dict[str, Level]] = {
    "none": Level("", "dce"),
    "tidy": Level("", _TIDY),
    "size": Level(_BEFORE, f"{_TIDY},{_ARRAYS},{_SMALL}"),
    "depth": Level(_BEFORE, f"{_TIDY},{_ARRAYS},{_SMALL},{_SHALLOW}", goal="depth"),
}
