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
# # A tour of circuitgrad
#
# A circuit shows itself as a picture. This is Figure 1 of the lecture notes: a
# sum-of-squares loss, with square gates.

# %%
import circuitgrad as cg

c = cg.trace(
    lambda x, y, z: cg.functions.sum(
        (x - 3 * y - 3 * z + 5) ** 2,
        (x - 2 * y - 2 * z) ** 2,
        (x + y - 5 * z - 3) ** 2,
    )
)
c = cg.run(c, "fuse,dce")
c

# %% [markdown]
# ## Backpropagation
#
# The gradient is a circuit of its own. Blue gates are those of C, orange ones its
# adjoints.

# %%
g = cg.gradient(c)
g

# %%
print(g)

# %% [markdown]
# It is smaller than the circuit that it came from, and sympy proves it right.

# %%
print(c.stats())
print(g.stats())
assert (c.stats().size, g.stats().size) == (7, 6)
report = cg.check_gradient(c, g)
assert report.counts == {"proved": 3}
print(report)

# %% [markdown]
# ## What the algorithm makes, step by step
#
# `reverse_mode` emits literally what the notes write; the passes make it small.

# %%
literal = cg.dce(cg.reverse_mode(c))
sizes = {"literal": literal.size}
circuit = literal
for name in ("fold", "fuse", "cse", "dce"):
    circuit = cg.run(circuit, name)
    sizes[name] = circuit.size
sizes

# %% [markdown]
# Each gate knows what it is.

# %%
for vertex in range(g.columns.sources, len(g.columns)):
    print(g.labels[vertex], "is", g.provenance.describe(vertex))

# %% [markdown]
# ## The derivative by a gate
#
# ∂y/∂u₁ is the derivative in (C − u₁), where u₁ is an input (Definition 2).

# %%
w = cg.parse("""
input x1, x2
u1 = x1 + x2
u2 = x1*x2
u3 = u1 + u2
y = u1*u3
output y
""")
w.cut("u1")

# %%
every = cg.gradient(w, all=True, value=True)
assert cg.check_gradient(w, every).counts == {"proved": 7}
every

# %% [markdown]
# ## Numbers, graphs, formulas

# %%
print(cg.evaluate(every, x1=1, x2=2))
print(cg.gradient(w).to_sympy())
print(w.graph)
