"""The factor of a scale: `d`, `d_k`, `D` undeclared are the dim that the product contracted."""

from __future__ import annotations

from attn_dsl.expr import Expr, names_in, substitute
from attn_dsl.semantics.builder import Builder

HEAD_DIM_NAMES = ("d", "d_k", "D", "D_k", "dk")
"""What drawings call the dim that the scores' product contracted."""


def undeclared_dims(builder: Builder, factor: Expr) -> frozenset[str]:
    """The names of a head dim in `factor` that no type declares."""
    return (names_in(factor) & frozenset(HEAD_DIM_NAMES)) - builder.symbols


def with_head_dim(builder: Builder, scores: str, factor: Expr) -> Expr:
    """`factor` with these names as what the product behind `scores` contracted, if it is known."""
    contracted = builder.contracted.get(scores)
    if contracted is None:
        return factor
    dim = contracted.to_expr()
    return substitute(factor, dict.fromkeys(undeclared_dims(builder, factor), dim))
