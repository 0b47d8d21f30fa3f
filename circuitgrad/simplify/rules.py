"""Rewrite rules as data: a name, the identity in circuit text, and how sound it is.

A rule's identity is its definition: both sides are read as circuit text, letters are
any vertices, and the left side is matched up to the normal form of `terms`.  The rules
of `NORMAL_RULES` are what that normal form does itself to n-ary sums and products and
by the traits of the gate table; their identities are instances, which tests run.  So
are those of `MATRIX_RULES`, which `circuitgrad.passes.matrices` applies.

Soundness
    ``exact``: equal wherever the left side has a value, and undefined where it is not.
    ``extends``: equal where the left side has a value; the right may have more.
    ``reassociates``: equal, but floating point rounds differently.

Caveats
    ``distributes``: uses the distributive law.  ``infinity``: an overflow or underflow
    on the way may come or go.

Under ``--ieee`` rules that extend or have a caveat are left out.  The sign of a zero is
not kept by any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "MATRIX_RULES",
    "NORMAL_RULES",
    "RULES",
    "SHARING_RULES",
    "Rule",
    "all_rules",
]

EXACT: Final = "exact"
EXTENDS: Final = "extends"
REASSOCIATES: Final = "reassociates"
DISTRIBUTES: Final = frozenset({"distributes"})
INFINITY: Final = frozenset({"infinity"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rewrite rule.

    Parameters
    ----------
    name : str
    identity : str
        ``left = right`` in circuit text.
    soundness : {"exact", "extends", "reassociates"}
    caveats : frozenset of {"distributes", "infinity"}
    shapes : str
        For a rule of arrays, the inputs of its identity, which is an instance.
    """

    name: str
    identity: str
    soundness: str
    caveats: frozenset[str] = frozenset()
    shapes: str = ""

    @property
    def ieee(self) -> bool:
        """Whether floating point changes by rounding alone."""
        return self.soundness != EXTENDS and not self.caveats

    @property
    def sides(self) -> tuple[str, str]:
        """The left and the right side, circuit text both."""
        left, _, right = self.identity.partition(" = ")
        return left, right


FLATTEN_SUM = Rule("flatten-sum", "(u + v) + w = u + v + w", REASSOCIATES)
DISTRIBUTE = Rule(
    "distribute", "2*(u + v) + w = 2*u + 2*v + w", REASSOCIATES, DISTRIBUTES
)
ADD_NUMBERS = Rule("add-numbers", "2 + u + 3 = u + 5", REASSOCIATES)
COLLECT_TERMS = Rule("collect-terms", "2*u + 3*u = 5*u", REASSOCIATES, DISTRIBUTES)
CANCEL_TERMS = Rule("cancel-terms", "u + v - u = v", EXTENDS)
CANCEL_IN_SUM = Rule("cancel-in-sum", "(u - v) + v = u", EXTENDS)
ABSORB = Rule("absorb-zero", "0*u + v = v", EXTENDS)
NEGATE_SUM = Rule("negate-sum", "(u - v)*(v - u) = -((u - v)^2)", EXACT)
SCALE_SUM = Rule(
    "scale-sum", "(u + 2*v)*(2*u + 4*v) = 2*(u + 2*v)^2", REASSOCIATES, DISTRIBUTES
)
FLATTEN_PRODUCT = Rule("flatten-product", "u*(v*w) = u*v*w", REASSOCIATES)
COLLECT_FACTORS = Rule("collect-factors", "u*v*u = u^2*v", REASSOCIATES)
CANCEL_FACTORS = Rule("cancel-factors", "u*v/u = v", EXTENDS)
MOVE_NUMBER = Rule("move-number", "prod(2, u)*prod(3, v) = 6*(u*v)", REASSOCIATES)
POWER_OF_PRODUCT = Rule("power-of-product", "(u*v)^2*w = u^2*v^2*w", REASSOCIATES)
POWER_OF_POWER = Rule("power-of-power", "(u^2)^3 = u^6", REASSOCIATES)
INVERSE_OF_INVERSE = Rule("inverse-of-inverse", "1/(1/u) = u", EXTENDS)
POWER_ZERO = Rule("power-zero", "u^0 + v = 1 + v", EXTENDS)
POWER_OF_ROOT = Rule("power-of-root", "sqrt(u)^2 = u", EXTENDS)
ODD = Rule("odd", "sin(-u) = -sin(u)", EXACT)
EVEN = Rule("even", "cos(-u) = cos(u)", EXACT)
RECIPROCAL = Rule("reciprocal", "v*exp(-u) = v/exp(u)", EXACT, INFINITY)
IDEMPOTENT = Rule("idempotent", "max(u, v, u) = max(u, v)", EXACT)
FLATTEN_CHAIN = Rule("flatten-chain", "max(u, max(v, w)) = max(u, v, w)", EXACT)

#: What the normal form does to n-ary gates, and by the traits of the gate table.
NORMAL_RULES: Final = (
    FLATTEN_SUM,
    DISTRIBUTE,
    ADD_NUMBERS,
    COLLECT_TERMS,
    CANCEL_TERMS,
    CANCEL_IN_SUM,
    ABSORB,
    NEGATE_SUM,
    SCALE_SUM,
    FLATTEN_PRODUCT,
    COLLECT_FACTORS,
    CANCEL_FACTORS,
    MOVE_NUMBER,
    POWER_OF_PRODUCT,
    POWER_OF_POWER,
    INVERSE_OF_INVERSE,
    POWER_ZERO,
    POWER_OF_ROOT,
    FLATTEN_CHAIN,
    IDEMPOTENT,
    ODD,
    EVEN,
    RECIPROCAL,
)

#: What is matched: the left side becomes the right side, which never costs more.
RULES: Final = (
    # inverse functions
    Rule("log-of-exp", "log(exp(u)) = u", EXACT, INFINITY),
    Rule("exp-of-log", "exp(log(u)) = u", EXTENDS),
    Rule("exp-of-multiple-of-log", "exp(v*log(u)) = u^v", EXTENDS, INFINITY),
    Rule("sin-of-asin", "sin(asin(u)) = u", EXTENDS),
    Rule("cos-of-acos", "cos(acos(u)) = u", EXTENDS),
    Rule("tan-of-atan", "tan(atan(u)) = u", EXACT, INFINITY),
    # trigonometric and hyperbolic identities
    Rule("pythagoras", "sin(u)^2 + cos(u)^2 = 1", EXTENDS),
    Rule("hyperbolic-pythagoras", "cosh(u)^2 - sinh(u)^2 = 1", EXTENDS),
    Rule("tangent", "sin(u)/cos(u) = tan(u)", EXACT, INFINITY),
    Rule("cotangent", "cos(u)/sin(u) = 1/tan(u)", EXACT, INFINITY),
    Rule("tanh", "sinh(u)/cosh(u) = tanh(u)", EXACT, INFINITY),
    # idioms of networks
    Rule("sigmoid", "1/(1 + exp(u)) = sigmoid(-u)", EXACT, INFINITY),
    Rule("sigmoid-of-inverse", "1/(1 + 1/exp(u)) = sigmoid(u)", EXACT, INFINITY),
    Rule("softplus", "log(1 + exp(u)) = softplus(u)", EXACT, INFINITY),
    Rule("softplus-of-inverse", "log(1 + 1/exp(u)) = softplus(-u)", EXACT, INFINITY),
    # kinks
    Rule("abs-of-abs", "abs(abs(u)) = abs(u)", EXACT),
    Rule("abs-of-exp", "abs(exp(u)) = exp(u)", EXACT),
    Rule("abs-of-square", "abs(u^2) = u^2", EXACT),
    Rule("square-of-abs", "abs(u)^2 = u^2", EXACT),
    Rule("root-of-square", "sqrt(u^2) = abs(u)", EXACT, INFINITY),
    Rule("sign-of-sign", "sign(sign(u)) = sign(u)", EXACT),
    Rule("u-by-sign", "u*sign(u) = abs(u)", EXACT, INFINITY),
    Rule("relu-of-relu", "relu(relu(u)) = relu(u)", EXACT),
    Rule("relu-of-abs", "relu(abs(u)) = abs(u)", EXACT),
    Rule("relu-by-step", "relu(u)*step(u) = relu(u)", EXACT, INFINITY),
    Rule("u-by-step", "u*step(u) = relu(u)", EXACT, INFINITY),
    Rule("step-of-step", "step(step(u)) = step(u)", EXACT),
    Rule("square-of-step", "step(u)^2 = step(u)", EXACT),
)

FACTOR = Rule("factor", "u*v + u*w = u*(v + w)", REASSOCIATES, DISTRIBUTES)
DIVIDE_PRODUCT = Rule("divide-product", "u*v*w = (u*v)*w", REASSOCIATES)
SHARE_PRODUCT = Rule("share-product", "u*v*w = (u*v)*w", REASSOCIATES)
SHARE_SUM = Rule("share-sum", "u + v + w = (u + v) + w", REASSOCIATES)
SHARE_MULTIPLE = Rule(
    "share-multiple", "2*u + 4*v + w = 2*(u + 2*v) + w", REASSOCIATES, DISTRIBUTES
)
#: What the passes that share apply where it saves.
SHARING_RULES: Final = (
    FACTOR,
    DIVIDE_PRODUCT,
    SHARE_PRODUCT,
    SHARE_SUM,
    SHARE_MULTIPLE,
)


# Arrays: identities are instances, of the shapes that the rule says.
_A: Final = "A[2, 3]"

TRANSPOSE_OF_TRANSPOSE = Rule("transpose-of-transpose", "A.T.T = A", EXACT, shapes=_A)
TRANSPOSE_OF_PRODUCT = Rule(
    "transpose-of-product", "(A @ B).T = B.T @ A.T", EXACT, shapes="A[2, 3], B[3, 2]"
)
TRANSPOSE_OF_OUTER = Rule(
    "transpose-of-outer", "outer(u, v).T = outer(v, u)", EXACT, shapes="u[2], v[3]"
)
TRANSPOSE_OF_DIAG = Rule(
    "transpose-of-diag", "diag(u).T = diag(u)", EXACT, shapes="u[3]"
)
TRANSPOSE_OF_SCALED = Rule(
    "transpose-of-scaled",
    "sum(2*A).T + B = 2*A.T + B",
    EXACT,
    shapes="A[2, 3], B[3, 2]",
)
SUM_OF_ONE = Rule(
    "sum-of-one", "sum(A, axis=0) = reshape(A, shape=(3,))", EXACT, shapes="A[1, 3]"
)
SUM_OF_SUM = Rule(
    "sum-of-sum",
    "sum(sum(A, axis=0), axis=0) = sum(A, axis=(0, 1))",
    REASSOCIATES,
    shapes=_A,
)
SUM_OF_SCALED = Rule(
    "sum-of-scaled",
    "sum(2*A, axis=0) = 2*sum(A, axis=0)",
    REASSOCIATES,
    DISTRIBUTES,
    shapes=_A,
)
SUM_OF_BROADCAST = Rule(
    "sum-of-broadcast",
    "sum(broadcast(u, shape=(4, 3)), axis=0) = 4*u",
    REASSOCIATES,
    shapes="u[3]",
)
SCALED_IN_PRODUCT = Rule(
    "scaled-in-product",
    "A + u*sum(2*A) = A + 2*(u*A)",
    REASSOCIATES,
    shapes=f"{_A}, u[3]",
)
BROADCAST_TO_ITSELF = Rule(
    "broadcast-to-itself", "broadcast(A, shape=(2, 3)) = A", EXACT, shapes=_A
)
BROADCAST_OF_BROADCAST = Rule(
    "broadcast-of-broadcast",
    "broadcast(broadcast(u, shape=(2, 3)), shape=(4, 2, 3))"
    " = broadcast(u, shape=(4, 2, 3))",
    EXACT,
    shapes="u[3]",
)
BROADCAST_IN_SUM = Rule(
    "broadcast-in-sum",
    "A + broadcast(u, shape=(2, 3)) = A + u",
    EXACT,
    shapes=f"{_A}, u[3]",
)
BROADCAST_IN_PRODUCT = Rule(
    "broadcast-in-product",
    "A*broadcast(u, shape=(2, 3)) = A*u",
    EXACT,
    shapes=f"{_A}, u[3]",
)
RESHAPE_TO_ITSELF = Rule(
    "reshape-to-itself", "reshape(A, shape=(2, 3)) = A", EXACT, shapes=_A
)
RESHAPE_OF_RESHAPE = Rule(
    "reshape-of-reshape",
    "reshape(reshape(A, shape=(6,)), shape=(3, 2)) = reshape(A, shape=(3, 2))",
    EXACT,
    shapes=_A,
)
RESHAPE_OF_SCALED = Rule(
    "reshape-of-scaled",
    "u + reshape(2*A, shape=(6,)) = u + 2*reshape(A, shape=(6,))",
    EXACT,
    shapes=f"{_A}, u[6]",
)
SLICE_OF_ALL = Rule(
    "slice-of-all", "slice(A, axis=0, start=0, stop=2) = A", EXACT, shapes=_A
)
SLICE_OF_CONCATENATE = Rule(
    "slice-of-concatenate",
    "slice(concatenate(u, v), axis=0, start=2, stop=5) = v",
    EXTENDS,
    shapes="u[2], v[3]",
)
SLICE_OF_PAD = Rule(
    "slice-of-pad",
    "slice(pad(u, before=1, after=2), start=1, stop=4) = u",
    EXACT,
    shapes="u[3]",
)
PRODUCT_OF_SCALED = Rule(
    "product-of-scaled",
    "sum(2*A) @ v = 2*(A @ v)",
    REASSOCIATES,
    DISTRIBUTES,
    shapes=f"{_A}, v[3]",
)
ASSOCIATE = Rule(
    "associate",
    "(A @ B) @ v = A @ (B @ v)",
    REASSOCIATES,
    shapes="A[2, 3], B[3, 2], v[2]",
)
DIAGONAL_BY_VECTOR = Rule(
    "diagonal-by-vector", "diag(u) @ v = u*v", EXTENDS, shapes="u[3], v[3]"
)
MATRIX_BY_DIAGONAL = Rule(
    "matrix-by-diagonal", "A @ diag(u) = A*u", EXTENDS, shapes=f"{_A}, u[3]"
)

#: What `circuitgrad.passes.matrices` applies.
MATRIX_RULES: Final = (
    TRANSPOSE_OF_TRANSPOSE,
    TRANSPOSE_OF_PRODUCT,
    TRANSPOSE_OF_OUTER,
    TRANSPOSE_OF_DIAG,
    TRANSPOSE_OF_SCALED,
    SUM_OF_ONE,
    SUM_OF_SUM,
    SUM_OF_SCALED,
    SUM_OF_BROADCAST,
    SCALED_IN_PRODUCT,
    BROADCAST_TO_ITSELF,
    BROADCAST_OF_BROADCAST,
    BROADCAST_IN_SUM,
    BROADCAST_IN_PRODUCT,
    RESHAPE_TO_ITSELF,
    RESHAPE_OF_RESHAPE,
    RESHAPE_OF_SCALED,
    SLICE_OF_ALL,
    SLICE_OF_CONCATENATE,
    SLICE_OF_PAD,
    PRODUCT_OF_SCALED,
    ASSOCIATE,
    DIAGONAL_BY_VECTOR,
    MATRIX_BY_DIAGONAL,
)


def all_rules() -> tuple[Rule, ...]:
    """Give every rule: of the normal form, matched, of sharing, of arrays."""
    return (*NORMAL_RULES, *RULES, *SHARING_RULES, *MATRIX_RULES)
