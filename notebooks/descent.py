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
# # Perceptrons and networks, trained by gradient circuits
#
# Section 4 of the lecture notes, run.

# %%
import numpy as np

import circuitgrad as cg
from circuitgrad.families import network, perceptron
from circuitgrad.families.data import DATA

# %% [markdown]
# ## A perceptron
#
# y = σ(w₀ + w₁x₁ + ... + wₙxₙ), a model of a neuron.

# %%
perceptron(3)

# %% [markdown]
# With five sensors that say 1 for light and -1 for dark, and all weights 1, it says how
# bright a room is:

# %%
five = perceptron(5)
weights = {"w0": 0} | {f"w{i}": 1 for i in range(1, 6)}
brightness = [
    float(
        cg.evaluate(
            five, weights | {f"x{i}": 1 if i <= k else -1 for i in range(1, 6)}
        )["y"]
    )
    for k in range(6)
]
assert brightness == sorted(brightness)
[round(value, 4) for value in brightness]

# %% [markdown]
# ## Training
#
# Four students, three numbers each, and whether they passed. The loss is the sum of
# squared errors, a circuit of the four weights; its gradient circuit is emitted and
# compiled once.

# %%
loss = cg.parse("""
circuit perceptron
input w0, w1, w2, w3
alice = sigmoid(w0 + 39*w1 + 31*w2 + 12*w3)
bob = sigmoid(w0 + 45*w1 + 11*w2 + 3*w3)
charlie = sigmoid(w0 + 43*w1 + 25*w2 + 6*w3)
zack = sigmoid(w0 + 50*w1 + 40*w2)
loss = (1 - alice)^2 + bob^2 + (1 - charlie)^2 + (1 - zack)^2
output loss
""")
loss

# %%
trained = cg.descend(loss, dict.fromkeys(loss.inputs, 0), rate=0.001, steps=3000)
assert trained.value < 0.01
print(trained)
trained.draw()

# %% [markdown]
# Its weights tell the four apart:

# %%
w = trained.point
for *x, passed in DATA["students"]:
    score = w["w0"] + sum(w[f"w{i}"] * value for i, value in enumerate(x, 1))
    assert (score > 0) == bool(passed)
    print(x, "passed" if passed else "failed", round(score, 2))

# %% [markdown]
# ## A network of two layers
#
# XOR is out of reach of a perceptron, and two spirals are further. With one hidden
# layer both are learned.

# %%
xor = network([2, 3, 1], data="xor", loss="cross-entropy")
cg.gradient(xor).stats()

# %%
found = cg.descend(xor, rate=0.3, steps=2000)
assert found.value < 0.05
print(found)

# %%
spirals = network([2, 16, 1], data="spirals", loss="cross-entropy")
found = cg.descend(spirals, rate=0.02, steps=3000, momentum=0.9)
print(found)
found.draw()


# %%
def logit(point, x, hidden=16):
    """Compute the network's last sum: above 0 is the first arm."""
    w1 = [[point[f"w1_{i}_{j}"] for j in (1, 2)] for i in range(1, hidden + 1)]
    b1 = [point[f"b1_{i}"] for i in range(1, hidden + 1)]
    w2 = [point[f"w2_1_{j}"] for j in range(1, hidden + 1)]
    return np.array(w2) @ np.tanh(np.array(w1) @ x + b1) + point["b2_1"]


right = [
    (logit(found.point, np.array([x, y])) > 0) == bool(arm)
    for x, y, arm in DATA["spirals"]
]
assert all(right)
print(f"{sum(right)} of {len(right)} points on their arm")
