from .builder import Builder, Expr, functions, trace
from .check import Report, Verdict, check_gradient
from .circuit import Circuit
from .descent import Descent, descend
from .errors import (
    CircuitError,
    CircuitgradError,
    EvaluationError,
    FormatError,
    LimitError,
    PipelineError,
    RenderError,
    ShapeError,
    WriteError,
)
from .evaluation.array_program import CompiledArrays
from .evaluation.chunks import map_reduce
from .evaluation.compiled import Compiled, compile  # noqa: A004
from .evaluation.evaluate import evaluate
from .evaluation.jax_functions import to_jax
from .exact import PI
from .families.inverses import inverse_from_determinant
from .figures import Figure, Frames, draw, steps, tree
from .figures.webpage import page
from .formats.formats import read, write
from .formats.sympy import from_sympy
from .formats.text import parse, parse_expression
from .gates import GateType, register
from .gradients import gradient, jacobian
from .isomorphism import isomorphic
from .lagrangian import Lagrangian, lagrangian
from .limits import limits
from .metrics import Stats, stats
from .objective import ValueAndGrad, value_and_grad
from .passes.cse import cse
from .passes.dce import dce
from .passes.finite_differences import finite_differences
from .passes.fold import fold
from .passes.forward_mode import forward_mode
from .passes.fuse import fuse
from .passes.registry import register_pass
from .passes.reverse_mode import reverse_mode
from .passes.running import run
from .provenance import Provenance
from .vectors import Vector

__version__: str

__all__ = [
    "PI",
    "Builder",
    "Circuit",
    "CircuitError",
    "CircuitgradError",
    "Compiled",
    "CompiledArrays",
    "Descent",
    "EvaluationError",
    "Expr",
    "Figure",
    "FormatError",
    "Frames",
    "GateType",
    "Lagrangian",
    "LimitError",
    "PipelineError",
    "Provenance",
    "RenderError",
    "Report",
    "ShapeError",
    "Stats",
    "ValueAndGrad",
    "Vector",
    "Verdict",
    "WriteError",
    "check_gradient",
    "compile",
    "cse",
    "dce",
    "descend",
    "draw",
    "evaluate",
    "finite_differences",
    "fold",
    "forward_mode",
    "from_sympy",
    "functions",
    "fuse",
    "gradient",
    "inverse_from_determinant",
    "isomorphic",
    "jacobian",
    "lagrangian",
    "limits",
    "map_reduce",
    "page",
    "parse",
    "parse_expression",
    "read",
    "register",
    "register_pass",
    "reverse_mode",
    "run",
    "stats",
    "steps",
    "to_jax",
    "trace",
    "tree",
    "value_and_grad",
    "write",
]
