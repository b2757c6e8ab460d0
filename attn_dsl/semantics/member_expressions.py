"""Masks, scores and equations that are drawn for each member of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.expr import Binary, Call, Expr, Tensor, Unary, names_in, tensors_in, walk
from attn_dsl.ir.ops import Mask
from attn_dsl.semantics import errors
from attn_dsl.semantics.captured import mentioned
from attn_dsl.semantics.mask_operands import find_scores
from attn_dsl.semantics.scope import Path
from attn_dsl.semantics.site import Argument, Site
from attn_dsl.semantics.stacks import aligned, common_rank, with_types
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.work import NoRule, Reported, Work, is_family, renamed, stack_of


def build_on_scores(work: Work, arguments: Sequence[Argument]) -> Value:
    """A mask or a score; what its expression names is captured for each member."""
    arguments = [work.settled(a) for a in arguments]
    scores = _scores(work, arguments)
    if scores is None:
        work.builder.found.append(errors.no_scores(work.site.place))
        raise Reported
    if scores.value.pending is not None:
        work.resolved(scores)
    stack = scores.value.family
    if stack is None:
        raise NoRule("the scores are the same for all of them")
    lifted = beside_scores(work, arguments, scores, stack.rank)
    return work.given(_with_masks(work, stack.rank).build(lifted), stack)


def beside_scores(
    work: Work, arguments: Sequence[Argument], scores: Argument, rank: int
) -> list[Argument]:
    """The arguments, masks and captured tensors as they meet the `scores` of each member."""
    return [a if a is scores else _lifted(work, a, rank) for a in arguments]


def masks_of(site: Site) -> Sequence[Value]:
    """What the arrows into a module bring for an optional mask that is drawn in it."""
    meaning = site.meaning
    takes = meaning.op is Mask and meaning.optional and meaning.expr is None
    return site.scope.masks.get((site.drawn.node.id,), ()) if takes else ()


def _with_masks(work: Work, rank: int) -> Work:
    """The same work, the masks from around the module as they meet the scores of all members."""
    site, masks = work.site, masks_of(work.site)
    arguments = [_lifted(work, Argument(mask, site.place), rank) for mask in masks]
    path: Path = (site.drawn.node.id,)
    lifted = tuple(argument.value for argument in arguments)
    scope = replace(site.scope, masks={**site.scope.masks, path: lifted})
    return replace(work, site=replace(site, scope=scope)) if masks else work


def _lifted(work: Work, argument: Argument, rank: int) -> Argument:
    """A mask, or a captured tensor, so that it broadcasts to the scores of each member."""
    value, expr = argument.value, work.site.meaning.expr
    if value.name is None:
        return argument  # the scores tell of what type it is
    if expr is not None and {*value.known_as} & ({*tensors_in(expr)} - names_in(expr)):
        return argument  # it is read at indices of its own
    if rank == 0 and expr is None and value.family is None and work.rank(argument) > 0:
        raise NoRule("the mask of each member is a single boolean, or one number that is added")
    (name,) = aligned(work, [argument], rank)
    lifted = renamed(argument, name)
    return lifted if expr else replace(lifted, value=replace(lifted.value, role="mask"))


def _scores(work: Work, arguments: Sequence[Argument]) -> Argument | None:
    """The argument that brings the scores."""
    expr = work.site.meaning.expr
    if expr is not None:
        found = [a for a in arguments if not mentioned(expr, a)]
        return found[0] if len(found) == 1 else None
    return find_scores(work.builder, arguments) or arguments[0]


def build_equation(work: Work, arguments: Sequence[Argument]) -> Value:
    """An equation on single numbers; one with products, or elements at indices, needs matrices."""
    equation = work.site.meaning.equation
    assert equation is not None
    said = {name for id in names_in(equation) for name in (id, f"{id}ᵀ")}
    named = [a for a in arguments if not said.isdisjoint(a.value.known_as)]
    read = {*tensors_in(equation)} - said
    indexed = [a for a in arguments if a not in named and read & {*a.value.known_as}]
    if any(map(is_family, indexed)):
        raise NoRule("elements at indices are those of what is the same for all")
    if not any(map(is_family, named)):
        return work.plain(work.site, arguments)  # it is the same for all members
    named = with_types(work, named)
    rank = common_rank(work, named)
    least = min(work.rank(a) for a in named if a.value.family)
    if least < 2 and any(map(_mixes, walk(equation))):
        raise NoRule("an equation with products and transposes is about matrices")
    names = aligned(work, named, rank)
    pairs = [renamed(a, name) for a, name in zip(named, names, strict=True)]
    name = work.build([*pairs, *indexed])
    stack = replace(next(stack_of(a) for a in named if a.value.family), rank=rank)
    dims = work.builder.type_of(name).dims
    if len(dims) <= rank or dims[-max(rank + 1, 1)] != stack.size:
        raise NoRule("it gives no value for each of them")
    return work.given(name, stack)


def _mixes(expr: Expr) -> bool:
    """Whether it takes more than one element of a tensor to compute one."""
    match expr:
        case Binary("@") | Unary("ᵀ") | Call("softmax") | Tensor():
            return True
    return False
