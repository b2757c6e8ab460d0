"""Masks and score expressions: what they capture, and what a mask without words means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.expr import (
    Binary,
    Compare,
    Expr,
    Kind,
    Name,
    Tensor,
    kind_of,
    names_in,
    to_text,
)
from attn_dsl.ir import DType
from attn_dsl.ir.dims import Dim
from attn_dsl.ir.ops import Add, Input, Mask, Op, Score
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.captured import (
    bind_tensors,
    check_names,
    indices_of_no_dim,
    mentioned,
    places_of,
)
from attn_dsl.semantics.labels import part
from attn_dsl.semantics.scaling import beside_indices, with_sizes
from attn_dsl.semantics.site import Argument, Site, has_operands, typed
from attn_dsl.semantics.values import Value


def build_score(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """`Score: EXPR`."""
    return with_expression(builder, site, arguments, Score)


def build_mask(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """A mask by expression, by input, optional, or causal by its word."""
    if site.meaning.expr is not None:
        return with_expression(builder, site, arguments, Mask)
    if len(arguments) == 2:
        return _by_operand(builder, site, arguments)
    if not has_operands(builder, site, arguments, range(1, 2), "scores and a mask"):
        return None
    scores = typed(builder, site, arguments[0], None)
    if scores is None:
        return None
    given = site.scope.masks.get((site.drawn.node.id,), ())
    if site.meaning.optional and given:
        return _all(builder, site, arguments[0], given)
    if site.meaning.optional:
        return _optional(builder, site, scores)
    if site.meaning.causal:
        return _mask(builder, site, scores, causal(builder, site, scores))
    builder.found.append(errors.which_mask(site.place))
    return None


def _all(builder: Builder, site: Site, scores: Argument, masks: Sequence[Value]) -> str | None:
    """One mask after the other: what the arrows into a module bring for the mask drawn here."""
    carrier: str | None = None
    for value in masks:
        mask = Argument(value, site.scope.call or site.place, ("mask",))
        carrier = _apply(builder, site, scores, mask)
        if carrier is None:
            return None
        scores = replace(scores, value=Value(carrier))
    return carrier


def causal(builder: Builder, site: Site, scores: str) -> Expr:
    """Aligned bottom-right: the last query sees all keys, whatever the two lengths are."""
    dims = builder.type_of(scores).dims
    if len(dims) < 2 or dims[-1] == dims[-2]:
        return Compare("<=", Name("k"), Name("q"))
    more_keys = dims[-1] + dims[-2] * Dim.of(-1)
    offset = beside_indices(builder, site, more_keys)
    return Compare("<=", Name("k"), Binary("+", Name("q"), offset))


def with_expression(
    builder: Builder, site: Site, arguments: Sequence[Argument], op: type[Mask] | type[Score]
) -> str | None:
    """One argument brings the scores; the others are tensors that the expression names."""
    assert site.meaning.expr is not None
    expr = with_sizes(builder, site, site.meaning.expr, indices=True)
    carriers = [argument for argument in arguments if not mentioned(expr, argument)]
    if len(carriers) != 1:
        builder.found.append(errors.no_scores(site.place))
        return None
    scores = typed(builder, site, carriers[0], None)
    captured = [argument for argument in arguments if argument is not carriers[0]]
    values = [typed(builder, site, argument, None) for argument in captured]
    tensors = [(a, value) for a, value in zip(captured, values, strict=True) if value is not None]
    known = check_names(builder, site, expr, captured)
    if scores is None or not known or len(tensors) < len(captured):
        return scores  # reported; go on with it, to find what else is wrong
    type_ = builder.type_of(scores)
    for index in sorted(names_in(expr) & indices_of_no_dim(type_)):
        place = part(site.label, index)
        builder.found.append(errors.index_of_no_dim(place, index, str(type_)))
    bound = bind_tensors(expr, tensors)
    kinds = {value: builder.type_of(value).dtype.kind for _, value in tensors}
    if op is Mask and kind_of(bound, kinds) is not Kind.BOOL:
        builder.found.append(errors.no_condition(site.place, to_text(site.meaning.expr)))
        return scores
    made: Op = op(scores, bound)
    places = places_of(site.label, (argument.value for argument in captured))
    return builder.add(site.wish, made, site.origin(op.__name__), places)


def _optional(builder: Builder, site: Site, scores: str) -> str | None:
    """An input of its own, absent unless the call gives it."""
    name = _mask_name(builder, site)
    keep, bias = builder.mask_input(name, builder.type_of(scores), site.place, required=False)
    return _keep_and_add(builder, site, scores, keep, bias, "Mask (optional)")


def _mask_name(builder: Builder, site: Site) -> str:
    """The node's id; `mask` on an arrow; its path in a module, shared by repeated copies."""
    if site.scope.prefix:
        return ".".join(site.scope.shared_path(site.drawn))
    if site.edge is None:
        return site.drawn.node.id
    drawing = site.scope.drawing
    changes = [operand.change for drawn in drawing.values() for operand in drawn.operands]
    several = sum(change.op is Mask and change.optional for change in changes) > 1
    return f"{site.drawn.node.id}_mask" if several or "mask" in drawing else "mask"


def _by_operand(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """The mask is the argument that is an input, or is boolean; the other brings the scores."""
    first, second = arguments
    mask, carrier = (first, second) if is_mask(builder, first) else (second, first)
    return _apply(builder, site, carrier, mask)


def _apply(builder: Builder, site: Site, carrier: Argument, mask: Argument) -> str | None:
    """The scores that `carrier` brings, under a mask that is a value."""
    scores = typed(builder, site, carrier, None)
    if scores is None:
        return None
    if mask.value.pending is not None:
        drawn = mask.value.pending
        required = not drawn.meaning.optional
        type_, place = builder.type_of(scores), drawn.node.span
        keep, bias = builder.mask_input(mask.value.called, type_, place, required=required)
        return _keep_and_add(builder, site, scores, keep, bias, "Mask")
    value = mask.value.name
    if value is None:
        return None
    if builder.type_of(value).dtype is DType.BOOL:
        return _mask(builder, site, scores, Tensor(value))
    return builder.add(site.wish, Add(scores, value), site.origin("Mask"))


def is_mask(builder: Builder, argument: Argument) -> bool:
    """Whether a value that flows into a mask is what masks, and not the scores."""
    value = argument.value
    if value.pending is not None or value.role == "mask":
        return True
    if value.name is None:
        return False
    statement = builder.statements[value.name]
    return isinstance(statement.op, Input) or statement.type.dtype is DType.BOOL


def _mask(builder: Builder, site: Site, scores: str, keep: Expr) -> str | None:
    return builder.add(site.wish, Mask(scores, keep), site.origin("Mask"))


def _keep_and_add(
    builder: Builder, site: Site, scores: str, keep: str, bias: str, title: str
) -> str | None:
    """Both forms of a mask whose kind the call tells; the one that is not given changes nothing."""
    origin = site.origin(title)
    added = builder.add(f"{site.wish}_added", Add(scores, bias), origin)
    return added and builder.add(site.wish, Mask(added, Tensor(keep)), origin)
