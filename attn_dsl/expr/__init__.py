"""Scalar expressions: masks, scores, scales, dims.

In: the text of an expression. Out: an immutable tree, which can be printed back, evaluated with
NumPy under Python's meaning, and printed by each backend in its own language.
"""

from attn_dsl.expr.evaluate import evaluate
from attn_dsl.expr.kinds import Kind, kind_of
from attn_dsl.expr.parse import MAX_NESTING, ExpressionError, parse
from attn_dsl.expr.printer import Printer, to_text
from attn_dsl.expr.sign import is_positive
from attn_dsl.expr.tree import (
    FALSE,
    FUNCTIONS,
    INDICES,
    MINUS_INF,
    OPPOSITE,
    SCORE,
    TRUE,
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Tensor,
    Unary,
    children,
    conjunction,
    depth,
    disjunction,
    has_more_nodes,
    names_in,
    negation,
    resolve,
    substitute,
    tensors_in,
    transform,
    walk,
    where,
    with_children,
)

__all__ = [
    "FALSE",
    "FUNCTIONS",
    "INDICES",
    "MAX_NESTING",
    "MINUS_INF",
    "OPPOSITE",
    "SCORE",
    "TRUE",
    "Binary",
    "Call",
    "Compare",
    "Expr",
    "ExpressionError",
    "Kind",
    "Name",
    "Number",
    "Printer",
    "Tensor",
    "Unary",
    "children",
    "conjunction",
    "depth",
    "disjunction",
    "evaluate",
    "has_more_nodes",
    "is_positive",
    "kind_of",
    "names_in",
    "negation",
    "parse",
    "resolve",
    "substitute",
    "tensors_in",
    "to_text",
    "transform",
    "walk",
    "where",
    "with_children",
]
