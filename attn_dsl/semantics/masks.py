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
from attn_dsl.ir.ops import Add, Mask, Op, Score
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
from attn_dsl.semantics.mask_operands import find_scores, fits
from attn_dsl.semantics.scaling import beside_indices, with_sizes
from attn_dsl.semantics.site import Argument, Site, has_operands, typed
from attn_dsl.semantics.values import Value
from attn_dsl.syntax import Text


def build_score(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """`Score: EXPR`."""
    return with_expression(builder, site, arguments, Score)


def build_mask(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """A mask by expression, by input, optional, or causal by its word."""
    if site.meaning.expr is not None:
        return with_expression(builder, site, arguments, Mask)
    if len(arguments) > 1:
        return _by_operand(builder, site, arguments)
    if not has_operands(builder, site, arguments, range(1, 2), "scores and a mask"):
        return None
    scores = typed(builder, site, arguments[0], None)
    if scores is None:
        return None
    given = site.scope.masks.get((site.drawn.node.id,), ())
    if site.meaning.optional and given:
        place = site.scope.call or site.place
        masks = [Argument(value, place, ("mask",)) for value in given]
        return apply_masks(builder, site, arguments[0], masks)
    if site.meaning.optional:
        return _optional(builder, site, scores)
    if site.meaning.causal:
        return _mask(builder, site, scores, causal(builder, site, scores))
    builder.found.append(errors.which_mask(site.place))
    return None


def causal(builder: Builder, site: Site, scores: str) -> Expr:
    """Aligned bottom-right: the last query sees all keys, whatever the two lengths are."""
    dims = builder.type_of(scores).dims
    if len(dims) < 2 or dims[-1] == dims[-2]:
        return Compare("<=", Name("k"), Name("q"))
    more_keys = dims[-1] + dims[-2] * Dim.of(-1)
    offset = beside_indices(builder, site, more_keys)
    return Compare("<=", Name("k"), Binary("+", Name("q"), offset))


def mask_alone(builder: Builder, site: Site, arguments: Sequence[Argument]) -> Value | None:
    """`Mask: EXPR` into which no scores flow, but all that flows in is named by it.

    It can be a mask of any scores, as an input that is a mask can. None if scores flow in.
    """
    if site.meaning.op is not Mask or site.meaning.expr is None:
        return None
    expr = with_sizes(builder, site, site.meaning.expr, indices=True)
    if not all(mentioned(expr, argument) for argument in arguments):
        return None
    keeps = _bound(builder, site, expr, arguments)
    return Value() if keeps is None else Value(role="mask", pending=site.drawn, keeps=keeps)


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
    bound = _bound(builder, site, expr, captured)
    if scores is None or bound is None:
        return scores  # reported; go on with it, to find what else is wrong
    _check_indices(builder, site.label, expr, scores)
    made: Op = op(scores, bound)
    places = places_of(site.label, (argument.value for argument in captured))
    return builder.add(site.wish, made, site.origin(op.__name__), places)


def _bound(builder: Builder, site: Site, expr: Expr, captured: Sequence[Argument]) -> Expr | None:
    """`expr` on the values that its names mean; None once what is wrong was reported."""
    values = [typed(builder, site, argument, None) for argument in captured]
    tensors = [(a, value) for a, value in zip(captured, values, strict=True) if value is not None]
    known = check_names(builder, site, expr, captured)
    if not known or len(tensors) < len(captured):
        return None
    bound = bind_tensors(expr, tensors)
    kinds = {value: builder.type_of(value).dtype.kind for _, value in tensors}
    if site.meaning.op is Mask and kind_of(bound, kinds) is not Kind.BOOL:
        assert site.meaning.expr is not None
        builder.found.append(errors.no_condition(site.place, to_text(site.meaning.expr)))
        return None
    return bound


def _check_indices(builder: Builder, label: Text, expr: Expr, scores: str) -> None:
    """Report the indices in `expr` that these scores have no dim for."""
    type_ = builder.type_of(scores)
    for index in sorted(names_in(expr) & indices_of_no_dim(type_)):
        place = part(label, index)
        builder.found.append(errors.index_of_no_dim(place, index, str(type_)))


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
    """One argument brings the scores, and the others are masks."""
    scores = find_scores(builder, arguments)
    if scores is None:
        builder.found.append(errors.two_masks(site.place, [a.place for a in arguments]))
        return None
    return apply_masks(builder, site, scores, [a for a in arguments if a is not scores])


def apply_masks(
    builder: Builder, site: Site, scores: Argument, masks: Sequence[Argument]
) -> str | None:
    """The scores after one mask after the other, each of which is a value."""
    made = typed(builder, site, scores, None)
    for mask in masks:
        if made is None:
            return None
        made = _apply(builder, site, made, mask.value)
    return made


def _apply(builder: Builder, site: Site, scores: str, mask: Value) -> str | None:
    drawn = mask.pending
    if drawn is not None and mask.is_condition:
        said = replace(site, place=drawn.place, label=drawn.label)
        keeps = mask.keeps or causal(builder, said, scores)
        _check_indices(builder, drawn.label, keeps, scores)
        return _mask(builder, said, scores, keeps)
    if drawn is not None:
        required = not drawn.meaning.optional
        type_, place = builder.type_of(scores), drawn.node.span
        keep, bias = builder.mask_input(mask.called, type_, place, required=required)
        return _keep_and_add(builder, site, scores, keep, bias, "Mask")
    if mask.name is None or not fits(builder, site, scores, mask.name, mask.known_as):
        return None
    if builder.type_of(mask.name).dtype is DType.BOOL:
        return _mask(builder, site, scores, Tensor(mask.name))
    return builder.add(site.wish, Add(scores, mask.name), site.origin("Mask"))


def _mask(builder: Builder, site: Site, scores: str, keep: Expr) -> str | None:
    return builder.add(site.wish, Mask(scores, keep), site.origin("Mask"))


def _keep_and_add(
    builder: Builder, site: Site, scores: str, keep: str, bias: str, title: str
) -> str | None:
    """Both forms of a mask whose kind the call tells; the one that is not given changes nothing."""
    origin = site.origin(title)
    added = builder.add(f"{site.wish}_added", Add(scores, bias), origin)
    return added and builder.add(site.wish, Mask(added, Tensor(keep)), origin)
