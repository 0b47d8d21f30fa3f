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
# # Training a network on handwritten digits, from its circuit
#
# A network of 9,610 weights learns to read digits. Its loss is a circuit of eleven
# gates, its gradient a circuit that backpropagation emits, and a step of gradient
# descent is a circuit, too. Nothing else computes a derivative here: NumPy holds the
# numbers, and scikit-learn has the digits.

# %%
import numpy as np
from sklearn.datasets import load_digits

import circuitgrad as cg
from circuitgrad.families import network
from circuitgrad.figures.chart import Panel, Series, chart
from circuitgrad.figures.drawing import written
from circuitgrad.figures.scene import Label

# %% [markdown]
# ## The digits
#
# 1,797 pictures of 8 × 8 pixels, from 0 (white) to 16. Each is a row of 64 numbers, and
# its label a row of Y with a 1 in the place of the digit. 357 of them, drawn at random,
# are held out: training never sees them. (It does see others by the same 13 hands.)

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(1797)
X, Y = digits.data[order] / 16, np.eye(10)[digits.target[order]]
X_train, Y_train = X[:1440], Y[:1440]
X_held, Y_held = X[1440:], Y[1440:]


# %%
def pictures(rows, captions, size=6):
    """Draw digits side by side, a caption below each."""
    side = 8 * size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{(side + 24) * len(rows)}" '
        f'height="{side + 30}" font-family="sans-serif" font-size="12" '
        'text-anchor="middle" shape-rendering="crispEdges">'
        '<rect width="100%" height="100%" fill="white"/>'
    ]
    for number, (row, caption) in enumerate(zip(rows, captions, strict=True)):
        left = 12 + (side + 24) * number
        for place, ink in enumerate(row):
            y, x = divmod(place, 8)
            grey = 255 - round(255 * ink)
            parts.append(
                f'<rect x="{left + size * x}" y="{8 + size * y}" width="{size}" '
                f'height="{size}" fill="rgb({grey},{grey},{grey})"/>'
            )
        parts.append(f'<text x="{left + side / 2}" y="{side + 24}">{caption}</text>')
    return cg.Figure("".join([*parts, "</svg>"]).encode(), "svg")


pictures(X_train[Y_train.argmax(axis=0)], range(10))

# %% [markdown]
# ## The loss
#
# Two layers: 64 pixels, 128 neurons with ReLU, 10 scores, one a digit. The 32 pictures
# of a *batch* are the rows of X, and
#
# $$Z_1 = X W_1^T + b_1, \quad A_1 = \mathrm{ReLU}(Z_1), \quad
# Z_2 = A_1 W_2^T + b_2, \quad
# \mathrm{loss} = -\sum_{r,k} Y_{rk} \log \mathrm{softmax}(Z_2)_{rk}.$$
#
# The circuit says just that, a gate an operation on arrays:

# %%
LAYERS, BATCH, WEIGHTS = [64, 128, 10], 32, ["W1", "b1", "W2", "b2"]
KIND = {"activation": "relu", "loss": "cross-entropy"}
loss = network(LAYERS, batch=BATCH, **KIND)
assert loss.size == 11
print(loss)

# %% [markdown]
# Every wire carries an array, whose shape stands on it; @ is the product of matrices,
# whose operands are numbered, and ⊙ that of entries.

# %%
loss.draw()

# %% [markdown]
# ## Its gradient
#
# Backpropagation visits these gates from the loss down, as it does gates of numbers.
# Each gate pulls the gradient by its result back to its operands: the product
# $Z = A W^T$ with
#
# $$\frac{\partial\,\mathrm{loss}}{\partial W} =
# \Big(\frac{\partial\,\mathrm{loss}}{\partial Z}\Big)^T A, \qquad
# \frac{\partial\,\mathrm{loss}}{\partial A} =
# \frac{\partial\,\mathrm{loss}}{\partial Z}\, W,$$
#
# ReLU with its slope, which is a step, and a bias, which every row has, with a sum over
# the rows.

# %%
gradient = cg.gradient(loss, wrt=WEIGHTS)
print(gradient)

# %% [markdown]
# The gradient by the scores is softmax(Z₂) - Y, but for a factor: the sum of each row
# of Y. It is 1 for labels, which the compiler cannot know: the circuit is right for
# every Y. Drawn, with the gates of the loss in blue:

# %%
loss.draw(gradient="reverse", wrt=WEIGHTS, pipeline="tidy", legend=True)

# %% [markdown]
# ### It is Algorithm 2 of the notes, and Algorithm 5
#
# The notes write backpropagation through a layered network by hand: Algorithm 2 by the
# gradients of the $Z$, Algorithm 5 by those of the $A$ as well, both for a batch.

# %%
algorithm_2 = network(LAYERS, batch=BATCH, variant=2, **KIND)
print(algorithm_2)

# %% [markdown]
# What BP emits is the same circuit, gate for gate, up to names and order:

# %%
for variant in (2, 5):
    by_hand = network(LAYERS, batch=BATCH, variant=variant, **KIND)
    assert cg.isomorphic(cg.run(by_hand, "tidy"), gradient)

# %% [markdown]
# ### It is right
#
# The check knows no matrices. It takes the network to gates of numbers and certifies
# the gradient there, which it does for small shapes: here for 3-4-2 and two rows, whose
# loss is 114 operations.

# %%
small = network([3, 4, 2], batch=2, **KIND)
scalar = cg.run(small, "scalarize")
assert scalar.stats().ops == small.stats().ops == 114
report = cg.check_gradient(small, cg.gradient(small, wrt=WEIGHTS))
assert report.counts == {"certified": 4}
report

# %% [markdown]
# The large network is the same circuit: of the text, only the shapes of the inputs
# differ.

# %%
lines, small_lines = (
    str(each).splitlines() for each in (gradient, cg.gradient(small, wrt=WEIGHTS))
)
print(*small_lines[:2], *lines[:2], sep="\n")
assert lines[2:] == small_lines[2:]

# %% [markdown]
# ### It is small
#
# How many operations on numbers do these gates stand for? A product of an m × k matrix
# and a k × n one takes mn(2k - 1), and so on.

# %%
forward = cg.gradient(loss, wrt=WEIGHTS, mode="fp")
counts = {"loss": loss, "gradient by BP": gradient, "gradient by FP": forward}
base = loss.stats().ops
for name, circuit in counts.items():
    ops = circuit.stats().ops
    print(f"{name:15}{circuit.size:4} gates{ops:15,} operations{ops / base:9,.1f}")
assert base < gradient.stats().ops < 2.2 * base
assert forward.stats().ops > 8000 * base

# %% [markdown]
# BP costs about two losses. Each product of the loss gives two more, by its weights and
# by what is below it; but the first and largest gives only one, because nobody asks for
# ∂loss/∂X. FP takes a tangent through the network for each of the 9,610 weights.
#
# ## A step is a circuit
#
# Gradient descent replaces each weight by $W - \eta\,\partial\mathrm{loss}/\partial W$:
# one more gate for each array, written below the gradient's. The loss is a sum over 32
# rows, so this rate is 1/10 for their mean.

# %%
rate = "1/320"
gates = str(gradient).rpartition("output")[0]
updates = [f"{w}_new = {w} - {rate}*dloss_d{w}" for w in WEIGHTS]
outputs = ", ".join(f"{w}_new" for w in WEIGHTS)
step = cg.parse("\n".join([gates, *updates, f"output {outputs}"]))
print(*updates, sep="\n")
assert step.size == gradient.size + 4

# %% [markdown]
# ## Training
#
# To see how it goes, the loss and the scores Z2 of all pictures of a side: the circuit
# of the loss once more, for as many rows, with Z2 as an output. A digit is read as the
# place of its largest score.


# %%
def measure(x, y):
    """Make what finds, for weights, the mean loss of pictures and which are wrong."""
    every = network(LAYERS, batch=len(x), **KIND)
    outputs = [(name, every.vertex(name)) for name in ("loss", "Z2")]
    evaluate = cg.compile(every.with_outputs(outputs), dtype="float32")

    def at(weights):
        found = evaluate(X=x, Y=y, **weights)
        read = found["Z2"].argmax(axis=1)
        return float(found["loss"]) / len(x), read, read != y.argmax(axis=1)

    return at


sides = {"training": measure(X_train, Y_train), "held out": measure(X_held, Y_held)}

# %% [markdown]
# Weights start at random, biases at 0. An epoch takes the 1,440 pictures in a new
# order, 32 a step: 45 evaluations of the circuit, whose outputs are its next inputs. We
# look after some of the first steps, and after some epochs.

# %%
random = np.random.default_rng(0)
weights = {
    "W1": random.normal(0, np.sqrt(2 / 64), (128, 64)),
    "b1": np.zeros(128),
    "W2": random.normal(0, np.sqrt(2 / 128), (10, 128)),
    "b2": np.zeros(10),
}
LOOKS = (1, 2, 4, 8, 16, 32, *(45 * e for e in (1, 2, 3, 5, 8, 12, 20, 30, 45, 60)))
take = cg.compile(step, dtype="float32")
curves = {name: [] for name in sides}
taken = 0
for _ in range(60):
    for rows in random.permutation(1440).reshape(45, BATCH):
        found = take(X=X_train[rows], Y=Y_train[rows], **weights)
        weights = {w: found[f"{w}_new"] for w in WEIGHTS}
        taken += 1
        if taken in LOOKS:
            for name, at in sides.items():
                mean, _, wrong = at(weights)
                curves[name].append((taken / 45, mean, 100 * wrong.mean()))
print("epoch", *(f"right, {name}" for name in sides), sep="  ")
for looks in zip(*curves.values(), strict=True):
    print(f"{looks[0][0]:5.2f}", *(f"{100 - wrong:13.1f} %" for *_, wrong in looks))

# %% [markdown]
# On logarithmic axes:

# %%
ROLES = {"training": "gate", "held out": "adjoint"}
panels = [
    Panel(
        title,
        "epochs",
        [
            Series(
                Label(name, rf"\text{{{name}}}", 0.75),
                ROLES[name],
                [(each[0], each[column]) for each in curve if each[column] > 0],
            )
            for name, curve in curves.items()
        ],
    )
    for column, title in ((1, "mean loss"), (2, "wrong digits in 100"))
]
scene = chart(panels, "64-128-10 on handwritten digits, by gradient descent")
cg.Figure(written(scene, "svg", "light"), "svg")

# %% [markdown]
# How many of the digits that it has never seen does it read?

# %%
_, read, wrong = sides["held out"](weights)
print(f"{(~wrong).sum()} of 357 right: {100 * (~wrong).mean():.1f} %")
assert (~wrong).mean() >= 0.96

# %% [markdown]
# And the others: what they are, and not, as the circuit read them.

# %%
(missed,) = np.nonzero(wrong)
truth = Y_held.argmax(axis=1)
pictures(X_held[missed], [f"{truth[i]}, not {read[i]}" for i in missed])
