"""The typed tensor program between the drawing and the kernels.

In: operations on named values (from `semantics`, or from the IR's own text). Out: a `Graph` in
SSA form, whose types are inferred, which can be verified, printed, read back and evaluated in
float64. That evaluation is the meaning that every backend is tested against.
"""

from attn_dsl.ir.binding import Sizes, bind
from attn_dsl.ir.dims import Dim
from attn_dsl.ir.evaluate import evaluate, evaluate_all
from attn_dsl.ir.graph import Graph, Origin, Statement
from attn_dsl.ir.text import from_text, to_text
from attn_dsl.ir.types import DType, TensorType, TypeMismatch, broadcast, parse_type
from attn_dsl.ir.verify import InvalidGraph, verify

__all__ = [
    "DType",
    "Dim",
    "Graph",
    "InvalidGraph",
    "Origin",
    "Sizes",
    "Statement",
    "TensorType",
    "TypeMismatch",
    "bind",
    "broadcast",
    "evaluate",
    "evaluate_all",
    "from_text",
    "parse_type",
    "to_text",
    "verify",
]
