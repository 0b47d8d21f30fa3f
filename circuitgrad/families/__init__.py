"""Circuits of the literature, each a function of its size."""

from __future__ import annotations

from circuitgrad.families.determinants import (
    det_bareiss,
    det_berkowitz,
    det_clow,
    det_faddeev,
    det_gauss,
)
from circuitgrad.families.elimination import cholesky, lu
from circuitgrad.families.fourier import dft, fft
from circuitgrad.families.inverses import (
    inv_det,
    inv_gauss,
    inv_strassen,
    inverse_from_determinant,
)
from circuitgrad.families.matrices import (
    imm,
    matmul,
    matmul_strassen,
    matmul_winograd,
)
from circuitgrad.families.networks import network, perceptron
from circuitgrad.families.permanents import perm_dp, perm_glynn, perm_naive, perm_ryser
from circuitgrad.families.polynomials import (
    horner,
    paterson_stockmeyer,
    polymul,
    polymul_karatsuba,
)
from circuitgrad.families.products import product_chain, product_tree
from circuitgrad.families.registry import FAMILIES, Family
from circuitgrad.families.symmetric import (
    esym_benor,
    esym_dp,
    esym_naive,
    esym_newton,
    esym_square,
    power_sum,
)

__all__ = [
    "FAMILIES",
    "Family",
    "cholesky",
    "det_bareiss",
    "det_berkowitz",
    "det_clow",
    "det_faddeev",
    "det_gauss",
    "dft",
    "esym_benor",
    "esym_dp",
    "esym_naive",
    "esym_newton",
    "esym_square",
    "fft",
    "horner",
    "imm",
    "inv_det",
    "inv_gauss",
    "inv_strassen",
    "inverse_from_determinant",
    "lu",
    "matmul",
    "matmul_strassen",
    "matmul_winograd",
    "network",
    "paterson_stockmeyer",
    "perceptron",
    "perm_dp",
    "perm_glynn",
    "perm_naive",
    "perm_ryser",
    "polymul",
    "polymul_karatsuba",
    "power_sum",
    "product_chain",
    "product_tree",
]
