"""Sizes in expressions: those of a module, and `d`, `d_k`, `D` for what a product contracted."""

from __future__ import annotations

from attn_dsl.expr import INDICES, SCORE, Expr, names_in, substitute
from attn_dsl.ir import Dim
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.site import Site

HEAD_DIM_NAMES = ("d", "d_k", "D", "D_k", "dk")
"""What drawings call the dim that the scores' product contracted."""

NO_SIZES = frozenset((*INDICES, SCORE.id))
"""What is no size where there are indices, even if a type declares one of that name."""


def undeclared_dims(builder: Builder, factor: Expr) -> frozenset[str]:
    """The names of a head dim in `factor` that no type declares."""
    return (names_in(factor) & frozenset(HEAD_DIM_NAMES)) - builder.symbols


def with_sizes(
    builder: Builder, site: Site, expr: Expr, scores: str = "", *, indices: bool = False
) -> Expr:
    """`expr` in the sizes of the whole graph; with `indices`, `b h q k` and `s` are no sizes.

    Inside a module its own sizes are those of the call. A head dim that is not declared there is
    what the product behind `scores` contracted, if it is known.
    """
    own = site.scope.parameters
    sizes = dict(own)
    contracted = builder.contracted.get(scores)
    if contracted is not None:
        declared = own if site.scope.prefix else builder.symbols
        heads = [name for name in HEAD_DIM_NAMES if name not in declared]
        sizes |= dict.fromkeys(heads, contracted)
    if not indices:
        return substitute(expr, {name: dim.to_expr() for name, dim in sizes.items()})
    used = sorted((names_in(expr) & sizes.keys()) - NO_SIZES)
    return substitute(expr, {name: beside_indices(builder, site, sizes[name]) for name in used})


def beside_indices(builder: Builder, site: Site, dim: Dim) -> Expr:
    """`dim` in an expression where `b h q k` are indices; an error if it has such a name."""
    for symbol in sorted(NO_SIZES.intersection(dim.symbols)):
        builder.found.append(errors.size_or_index(part(site.label, symbol), symbol))
    return dim.to_expr()
