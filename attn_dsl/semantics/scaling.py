"""Sizes in expressions: those of a module, and `d`, `d_k`, `D` for what a product contracted."""

from __future__ import annotations

from attn_dsl.expr import Expr, names_in, substitute
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Site

HEAD_DIM_NAMES = ("d", "d_k", "D", "D_k", "dk")
"""What drawings call the dim that the scores' product contracted."""


def undeclared_dims(builder: Builder, factor: Expr) -> frozenset[str]:
    """The names of a head dim in `factor` that no type declares."""
    return (names_in(factor) & frozenset(HEAD_DIM_NAMES)) - builder.symbols


def with_sizes(builder: Builder, site: Site, expr: Expr, scores: str = "") -> Expr:
    """`expr` in the sizes of the whole graph.

    Inside a module its own sizes are those of the call. A head dim that is not declared there is
    what the product behind `scores` contracted, if it is known.
    """
    own = site.scope.parameters
    sizes = {name: dim.to_expr() for name, dim in own.items()}
    contracted = builder.contracted.get(scores)
    if contracted is not None:
        declared = own if site.scope.prefix else builder.symbols
        heads = [name for name in HEAD_DIM_NAMES if name not in declared]
        sizes |= dict.fromkeys(heads, contracted.to_expr())
    return substitute(expr, sizes)
