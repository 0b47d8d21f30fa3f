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
# # Circuits, forward propagation, backpropagation
#
# Sections 1 to 3 of the lecture notes on backpropagation, run: each circuit is made,
# each figure drawn, each number computed and each claim checked.

# %%
import sympy

import circuitgrad as cg
from circuitgrad.metrics import literal_size, operation_set, theorem3_bound

# %% [markdown]
# ## 1 Circuits
#
# The loss of a linear regression, formula (1) of the notes:
#
# $$f(x,y,z) = (x-3y-3z+5)^2 + (x-2y-2z)^2 + (x+y-5z-3)^2.$$
#
# As a circuit it is **Figure 1**. Numbers on wires scale what goes through them.

# %%
FIGURE_1 = """
circuit C
input x, y, z
g1 = x - 3*y - 3*z + 5
g2 = x - 2*y - 2*z
g3 = x + y - 5*z - 3
f = g1*g1 + g2*g2 + g3*g3
output f
"""
C = cg.parse(FIGURE_1)
C.draw()

# %% [markdown]
# Its size is the number of its gates, and its depth the length of its longest path.

# %%
assert (C.size, C.depth) == (7, 3)
C.stats()

# %% [markdown]
# A factor on a wire is syntactic sugar for a product with a constant:

# %%
cg.run(cg.parse_expression("x - 3*y"), "desugar")

# %% [markdown]
# An example evaluation: every gate shows its value.

# %%
C.draw(at={"x": 1, "y": 2, "z": 0})

# %%
assert cg.evaluate(C, x=1, y=2, z=0) == {"f": 9}

# %% [markdown]
# ## 2 Forward propagation
#
# By the rules of calculus, (3) and (4) of the notes:

# %%
x, y, z = sympy.symbols("x y z", real=True)
g1, g2, g3 = x - 3 * y - 3 * z + 5, x - 2 * y - 2 * z, x + y - 5 * z - 3
by_hand = {
    x: 2 * g1 + 2 * g2 + 2 * g3,
    y: -6 * g1 - 4 * g2 + 2 * g3,
    z: -6 * g1 - 4 * g2 - 10 * g3,
}
f = C.to_sympy()["f"]
for variable, formula in by_hand.items():
    assert sympy.expand(sympy.diff(f, variable) - formula) == 0

# %% [markdown]
# Forward propagation does the same to circuits. For every gate g with operands
# u, v, ..., w and every input x it makes a gate ∂g/∂x by the chain rule (5),
#
# $$\frac{\partial g}{\partial x} = \frac{\partial u}{\partial x} \cdot \partial_u[g] +
# \frac{\partial v}{\partial x} \cdot \partial_v[g] + \dots +
# \frac{\partial w}{\partial x} \cdot \partial_w[g].$$
#
# The portion that computes ∂f/∂x is **Figure 2**: 3 gates of C and 13 more.

# %%
portion = cg.gradient(C, mode="forward", wrt="x", pipeline="none")
assert portion.size == 3 + 13
C.draw(gradient="forward", wrt="x")

# %% [markdown]
# With all three partial derivatives there are 3 + 3 · 13 = 42 gates.

# %%
forward = cg.gradient(C, mode="forward", pipeline="none")
assert forward.size == 3 + 3 * 13 == 42

# %% [markdown]
# The algorithm, gate by gate:

# %%
print(cg.steps(C, mode="forward", wrt="x").text())

# %%
cg.steps(C, mode="forward", wrt="x")

# %% [markdown]
# **Theorem 1.** Each gate ∂g/∂x computes the partial derivative of g by x. Here it is
# proved for every gate of C and every input.

# %%
every_g = C.with_outputs([(name, C.vertex(name)) for name in ("g1", "g2", "g3", "f")])
every_dg_dx = cg.jacobian(every_g, mode="forward", pipeline="none")
report = cg.check_gradient(every_g, every_dg_dx)
assert report.counts == {"proved": 12}
report

# %% [markdown]
# For n inputs FP emits Θ(n (s + w)) gates, w being the number of wires. Take the sum of
# n inputs, squared n times over, so that every gate depends on every input. Twice as
# many inputs make C and its BP gradient about twice as large, and FP's four times:


# %%
def tower(n):
    """Make (x1 + ... + xn)^(2^n) by n products."""
    builder = cg.Builder()
    value = builder.sum(builder.input(f"x{i}") for i in range(1, n + 1))
    for _ in range(n):
        value = value * value
    builder.output("f", value)
    return builder.finish()


def sizes(n):
    """Count s + w of the tower, and the gates of its gradient by FP and BP."""
    c = tower(n)
    modes = [cg.gradient(c, mode=mode, pipeline="none").size for mode in ("fp", "bp")]
    return [c.size + c.stats().wires, *modes]


for n in (8, 16, 32, 64):
    print(n, sizes(n))
assert [round(b / a) for a, b in zip(sizes(32), sizes(64), strict=True)] == [2, 4, 2]

# %% [markdown]
# A much smaller circuit for the gradient exists, which the notes find by hand from (3)
# and (4). It is **Figure 3**, and has 6 gates.

# %%
by_inspection = cg.parse("""
input x, y, z
g1 = x - 3*y - 3*z + 5
g2 = x - 2*y - 2*z
g3 = x + y - 5*z - 3
p = 2*g1 + 2*g2 + 2*g3
q = -6*g1 - 4*g2 + 2*g3
r = -6*g1 - 4*g2 - 10*g3
output df_dx = p, df_dy = q, df_dz = r
""")
assert by_inspection.size == 6
assert cg.check_gradient(C, by_inspection).counts == {"proved": 3}
by_inspection.draw()

# %% [markdown]
# ## 3 Backpropagation
#
# Definition 2 needs the circuit (C - z): C without the edges that point to z, which
# becomes an input. The partial derivative ∂y/∂z is the derivative by z of what y
# computes there. The example of the notes is y = (x₁ + x₂ + x₁x₂)(x₁ + x₂):

# %%
W = cg.parse("""
circuit W
input x1, x2
u1 = x1 + x2
u2 = x1*x2
u3 = u1 + u2
y = u1*u3
output y
""")
W.draw()

# %% [markdown]
# In (C - u₃), y is u₁ · u₃, and so ∂y/∂u₃ = u₁ = x₁ + x₂.

# %%
W.draw(cut="u3")

# %%
x1, x2, u1, u3 = (sympy.Symbol(name, real=True) for name in ("x1", "x2", "u1", "u3"))
without_u3 = W.cut("u3").to_sympy()["y"]
assert sympy.expand(sympy.diff(without_u3, u3) - (x1 + x2)) == 0
without_u3

# %% [markdown]
# In (C - u₁) the input u₁ is used twice, and ∂y/∂u₁ = 2u₁ + u₂.

# %%
W.draw(cut="u1")

# %%
without_u1 = W.cut("u1").to_sympy()["y"]
assert sympy.expand(sympy.diff(without_u1, u1) - (2 * u1 + x1 * x2)) == 0
sympy.diff(without_u1, u1)

# %% [markdown]
# Let the out-edges of g point to the gates u, v, ..., w. The chain rule is now
#
# $$\frac{\partial y}{\partial g} = \frac{\partial y}{\partial u} \cdot \partial_g[u] +
# \frac{\partial y}{\partial v} \cdot \partial_g[v] + \dots +
# \frac{\partial y}{\partial w} \cdot \partial_g[w], \tag{6}$$
#
# and backpropagation visits the vertices in reverse topological order, y first, and
# makes for each a subcircuit for ∂y/∂g from those that are there already. The gate
# ∂y/∂z stands where it mirrors z.

# %%
steps = cg.steps(W)
visited = [step.name.text for step in steps.steps.steps]
assert visited == ["y", "u₃", "u₂", "u₁", "x₂", "x₁"]
print(steps.text())

# %% [markdown]
# The first vertex is y, and ∂y/∂y = 1.

# %%
steps.figures[1]

# %% [markdown]
# u₃ has one out-edge, to y.

# %%
steps.figures[2]

# %% [markdown]
# u₂ has one out-edge, to the sum u₃: no gate is needed, which is what the dashes say.

# %%
steps.figures[3]

# %% [markdown]
# u₁ has two.

# %%
steps.figures[4]

# %% [markdown]
# Then the inputs, x₂ and x₁.

# %%
steps.figures[5]

# %%
steps.figures[6]

# %% [markdown]
# The same, moving:

# %%
steps

# %% [markdown]
# Is it right? At the point (1, 2), with ∂y/∂y = 1 folded away as in the notes:

# %%
W.draw(mirror=True, pipeline="fold,cse,dce", at={"x1": 1, "x2": 2})

# %% [markdown]
# And everywhere: ∂y/∂x₁ = 2x₁ + 2x₂ + 2x₁x₂ + x₂².

# %%
gradient = cg.gradient(W, all=True, value=True)
found = sympy.expand(gradient.to_sympy()["dy_dx1"])
assert found == sympy.expand(2 * x1 + 2 * x2 + 2 * x1 * x2 + x2**2)
assert cg.check_gradient(W, gradient).counts == {"proved": 7}
found

# %% [markdown]
# **Theorem 3.** The circuit ∇C has gates for ∂y/∂u for every node u of C, of operations
# of C, their partial derivatives, + and ×. It has at most three gates for each wire of
# C and one for each node.

# %%
for c in (W, C):
    literal = cg.gradient(c, all=True, pipeline="none")
    new = literal_size(literal)
    bound = theorem3_bound(c)
    assert new <= bound
    operations = ", ".join(sorted(operation_set(literal)))
    print(f"{c.name}: {new} gates, at most {bound}, of {operations}")

# %% [markdown]
# With square gates in place of the products, backpropagation on the circuit of Figure 1
# finds 2 Aᵀ(Ax - b), and that is the circuit of Figure 3: 6 gates, where C has 7 and FP
# needs 42.

# %%
square = cg.parse(FIGURE_1.replace("g1*g1 + g2*g2 + g3*g3", "g1^2 + g2^2 + g3^2"))
found = cg.gradient(square)
assert cg.isomorphic(found, by_inspection)
assert (C.size, forward.size, found.size) == (7, 42, 6)
square.draw(gradient="reverse", pipeline="tidy", legend=True)
