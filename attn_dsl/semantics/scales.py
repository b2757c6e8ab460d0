"""Scales: one factor for all scores, or one for each head, query or key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.expr import INDICES, SCORE, Binary, Call, Expr, Number, names_in
from attn_dsl.ir.ops import Scale, Score
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.captured import check_names, mentioned
from attn_dsl.semantics.masks import with_expression
from attn_dsl.semantics.scaling import undeclared_dims, with_sizes
from attn_dsl.semantics.site import Argument, Site, has_operands, typed


def build_scale(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """Scale by an expression; by 1/√d, with d what the product contracted, if there is none."""
    said = site.meaning.expr
    if said is not None and _varies(builder, said, arguments):
        return _by_score(builder, site, arguments, said)
    if not has_operands(builder, site, arguments, range(1, 2), "one value"):
        return None
    x = typed(builder, site, arguments[0], None)
    if x is None:
        return None
    contracted = builder.contracted.get(x)
    if said is None and contracted is not None:
        said = Binary("/", Number(1), Call("sqrt", (contracted.to_expr(),)))
    elif said is not None:
        said = with_sizes(builder, site, said, x)
    if said is None or undeclared_dims(builder, said):
        message = "this scale is 1/√d, and no matrix product before it says what d is"
        builder.found.append(errors.bad_expression(site.place, message, "write `Scale: 0.125`"))
        return None
    if not check_names(builder, site, said, indices=False):
        return x  # reported; go on with it, to find what else is wrong
    return builder.add(site.wish, Scale(x, said), site.origin("Scale"))


def _varies(builder: Builder, factor: Expr, arguments: Sequence[Argument]) -> bool:
    """Whether it is not one number for all scores: it reads a tensor, or counts heads."""
    indices = names_in(factor) & {*INDICES} - builder.symbols
    return bool(indices) or any(mentioned(factor, argument) for argument in arguments)


def _by_score(
    builder: Builder, site: Site, arguments: Sequence[Argument], factor: Expr
) -> str | None:
    """A temperature for each head, `1 / t[h]`: each score times its own factor."""
    carriers = [argument for argument in arguments if not mentioned(factor, argument)]
    if len(carriers) == 1:
        scores = typed(builder, site, carriers[0], None)
        factor = with_sizes(builder, site, factor, scores or "")
    meaning = replace(site.meaning, expr=Binary("*", SCORE, factor))
    return with_expression(builder, replace(site, meaning=meaning), arguments, Score)
