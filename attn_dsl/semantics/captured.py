"""What the names in an expression mean: indices, the score, sizes, tensors with an arrow in."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.expr import INDICES, SCORE, Expr, names_in, resolve, tensors_in
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.site import Argument, Site


def mentioned(expr: Expr, argument: Argument) -> bool:
    """Whether `expr` names the argument, which so is captured."""
    names = {*names_in(expr), *tensors_in(expr)} - {*INDICES, SCORE.id}
    return not names.isdisjoint(argument.value.known_as)


def bind_tensors(expr: Expr, values: Sequence[tuple[Argument, str]]) -> Expr:
    """Let the names of the arguments mean their values."""
    tensors = {name: value for argument, value in values for name in argument.value.known_as}
    return resolve(expr, tensors)


def check_names(
    builder: Builder,
    site: Site,
    expr: Expr,
    captured: Sequence[Argument] = (),
    *,
    indices: bool = True,
) -> bool:
    """Report names that are no index, no size and no tensor with an arrow into the node."""
    tensors = [name for argument in captured for name in argument.value.known_as]
    scope = [*INDICES, SCORE.id] if indices else []
    scope += sorted(builder.symbols)
    unknown = [name for name in sorted(names_in(expr)) if name not in (*scope, *tensors)]
    unknown += [name for name in tensors_in(expr) if name not in tensors]
    for name in unknown:
        span = part(site.label, name)
        drawn = site.scope.draws(name)
        builder.found.append(errors.unknown_name(span, name, [*scope, *tensors], drawn=drawn))
    return not unknown
