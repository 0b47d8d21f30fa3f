# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Circuit complexity, and what backpropagation says about it
#
# Section 5 of the lecture notes, run: symmetric polynomials, the Fourier transform,
# matrix products, determinants, and the inverse of a matrix from its determinant.

# %%
from fractions import Fraction

import circuitgrad as cg
from circuitgrad.families import (
    det_bareiss,
    det_berkowitz,
    det_clow,
    det_faddeev,
    det_gauss,
    esym_naive,
    esym_square,
    fft,
    matmul,
    matmul_strassen,
    network,
)
from circuitgrad.operations import operations

# %% [markdown]
# ## The second symmetric polynomial
#
# As it stands, σ₂ takes n (n - 1)/2 products and a sum; from the square of the sum it
# takes n + 4 gates.

# %%
for n in (3, 10, 40):
    naive, square = esym_naive(n, 2), esym_square(n)
    assert naive.size == n * (n - 1) // 2 + 1
    assert square.size == n + 4
    print(f"n = {n}: {naive.size} gates, or {square.size}")

# %%
esym_square(3)

# %% [markdown]
# ## The butterfly
#
# The Fourier transform of N = 2^k values in N log N operations.

# %%
for k in range(1, 7):
    counts = operations(fft(2**k))
    assert counts.additions == k * 2**k
    print(
        f"N = {2**k}: {counts.additions} additions, {counts.scalar} by roots of unity"
    )

# %%
fft(4)

# %% [markdown]
# ## Products of matrices
#
# Strassen's algorithm has 7^k products of entries for matrices of 2^k rows.

# %%
for k in range(1, 5):
    n = 2**k
    classical, strassen = operations(matmul(n)), operations(matmul_strassen(n))
    assert (classical.multiplications, strassen.multiplications) == (n**3, 7**k)
    print(
        f"n = {n}: {classical.multiplications} products, or {strassen.multiplications}"
    )

# %% [markdown]
# ## INV from DET
#
# Backpropagation turns any circuit of the determinant into one of the inverse:
# (X⁻¹)ᵢⱼ = (∂DET/∂xⱼᵢ)/DET. It takes at most three times as many products and
# divisions as the determinant, and n² divisions more (Baur and Strassen).

# %%
print("n  determinant    DET    INV")
for make in (det_gauss, det_bareiss, det_berkowitz, det_faddeev, det_clow):
    for n in (3, 5):
        determinant = make(n)
        inverse = cg.inverse_from_determinant(determinant)
        before, after = operations(determinant), operations(inverse)
        assert after.nonscalar <= 3 * before.nonscalar + n * n
        print(f"{n}  {make.__name__:<13} {before.total:>4} {after.total:>6}")

# %% [markdown]
# X times its inverse is the identity, exactly.

# %%
n = 4
inverse = cg.inverse_from_determinant(det_bareiss(n))
entries = [[Fraction(1, i + j) for j in range(1, n + 1)] for i in range(1, n + 1)]
names = [f"x{i}_{j}" for i in range(1, n + 1) for j in range(1, n + 1)]
point = dict(zip(names, [value for row in entries for value in row], strict=True))
found = list(cg.evaluate(inverse, point, exact=True).values())
rows = [found[n * i : n * i + n] for i in range(n)]
for i in range(n):
    for j in range(n):
        entry = sum(entries[i][k] * rows[k][j] for k in range(n))
        assert entry == (i == j)
rows

# %% [markdown]
# ## Forward propagation and backpropagation
#
# On a network of a thousand weights, in ten layers, FP's circuit is a hundred times as
# large as BP's.  Both are right.

# %%
c = network([10] * 11)
weights = [name for name in c.inputs if name[0] == "w"]
backward = cg.gradient(c, wrt=weights, pipeline="none")
forward = cg.gradient(c, wrt=weights, mode="forward", pipeline="none")
print(f"{len(weights)} weights; C: {c.size} gates, {c.stats().wires} wires")
print(f"BP: {backward.size:,} gates; FP: {forward.size:,}")
assert len(weights) == 1000
assert forward.size > 100 * backward.size
assert cg.check_gradient(c, backward).passed
assert cg.check_gradient(c, forward).passed

# %% [markdown]
# ## The multipliers
#
# Let each gate be a variable, and its definition a constraint: backpropagation's
# derivatives are the Lagrange multipliers.

# %%
problem = cg.lagrangian(
    cg.parse("""
input x1, x2
u1 = x1 + x2
u2 = x1*x2
u3 = u1 + u2
y = u1*u3
output y
""")
)
print(problem.text())
assert problem.check().counts == {"proved": 6}
