"""What an operation does that is drawn for each member of a family: one rule an operation.

A rule gets arguments that are families, which pair by their index, or the same for all members.
It does what each box does alone, for all members at once. Two things are more than that: a
product of vectors is one number a member, and a softmax of such numbers runs along the family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from attn_dsl.ir.ops import (
    Add,
    Concatenate,
    Divide,
    Elementwise,
    Embedding,
    Function,
    LayerNorm,
    Linear,
    Mask,
    MatMul,
    Mean,
    MergeHeads,
    Multiply,
    Op,
    Positions,
    Row,
    Scale,
    Score,
    Softmax,
    SplitHeads,
    Subtract,
    Sum,
    Transpose,
)
from attn_dsl.semantics import layers
from attn_dsl.semantics.mask_operands import scores_of_softmax
from attn_dsl.semantics.member_expressions import (
    beside_scores,
    build_equation,
    build_on_scores,
    masks_of,
)
from attn_dsl.semantics.member_layers import build_embedding, build_linear, build_norm, note_shared
from attn_dsl.semantics.member_products import build_product
from attn_dsl.semantics.site import Argument, Site, has_operands
from attn_dsl.semantics.softmax import is_sink
from attn_dsl.semantics.stacks import aligned, common_rank, with_types
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.work import NoRule, Reported, Work, is_family, stack_of

Rule = Callable[[Work, Sequence[Argument]], Value]
MANY = 1000


def build_for_members(work: Work, arguments: Sequence[Argument]) -> Value:
    """The value of an operation that is drawn for each member; raises NoRule or Reported."""
    rule = _rule(work.site)
    families = [*map(is_family, arguments), *(mask.family for mask in masks_of(work.site))]
    if not any(families) and rule not in _OWN_PARAMETERS:
        return work.plain(work.site, arguments)  # it is the same for all members
    sizes = {stack_of(a).size: None for a in arguments if a.value.family}
    if len(sizes) > 1:
        raise NoRule(f"there are {' and '.join(map(str, sizes))} members")
    return rule(work, arguments)


def _rule(site: Site) -> Rule:
    meaning = site.meaning
    if meaning.module:
        return build_module
    if meaning.equation is not None:
        return build_equation
    assert meaning.op is not None
    if issubclass(meaning.op, Function):
        return build_alike
    return RULES.get(meaning.op, _without_rule)


def _without_rule(work: Work, arguments: Sequence[Argument]) -> Value:
    raise NoRule("")


def build_alike(work: Work, arguments: Sequence[Argument]) -> Value:
    """An operation on single numbers: members stay what they are."""
    x = work.only(arguments)
    return work.given(work.build([x]), x.value.family)


def on_trailing_dims(least: int, more: int, why: str) -> Rule:
    """A rule for what acts on the last dims of a member; it has `least` of them, then `more`."""

    def rule(work: Work, arguments: Sequence[Argument]) -> Value:
        x = work.only(arguments)
        if work.rank(x) < least:
            raise NoRule(why)
        stack = stack_of(x)
        return work.given(work.build([x]), replace(stack, rank=stack.rank + more))

    return rule


def build_positions(work: Work, arguments: Sequence[Argument]) -> Value:
    """Of vectors, the place in the family is the position; matrices have rows of their own."""
    x = work.only(arguments)
    _has_rows(work, work.rank(x))
    return work.given(work.build([x]), x.value.family)


def _has_rows(work: Work, rank: int) -> None:
    if rank == 0 or (rank == 1 and work.site.scope.members is not None):
        raise NoRule("positions are those of rows")


def add_positions(work: Work, name: str, positions: Sequence[Argument]) -> str:
    """`name`, with positions that have no arrow in: they are as long and wide as it is."""
    nodes = [a.value.pending for a in positions if a.value.pending is not None]
    added = layers.add_positions(work.builder, work.site, name, nodes)
    if added is None:
        raise Reported
    return added


def build_transpose(work: Work, arguments: Sequence[Argument]) -> Value:
    """Of matrices; a vector is what it is, as a product takes it either way."""
    x = work.only(arguments)
    return x.value if work.rank(x) < 2 else work.given(work.build([x]), x.value.family)


def build_softmax(work: Work, arguments: Sequence[Argument]) -> Value:
    """Along the family for scalars; else along an axis of each member.

    Masks flow in for each member, or one for all; a sink is one for all.
    """
    arguments = [work.settled(a) for a in arguments]
    sinks = [a for a in arguments if len(arguments) > 1 and is_sink(a)]
    rest = [a for a in arguments if a not in sinks]
    scores = scores_of_softmax(work.builder, rest)
    if any(map(is_family, sinks)) or (scores is not None and not is_family(scores)):
        raise NoRule("one for each member are masks and scores")
    x = work.resolved(scores) if scores is not None else work.only(rest)
    axis = work.site.meaning.axis or -1
    if work.rank(x) == 0 and work.site.scope.members is not None:
        raise NoRule("inside a module it is of one member, which is a single number")
    if axis < -max(work.rank(x), 1):
        raise NoRule(f"a member has no axis {axis}")
    beside = beside_scores(work, [x if a is scores else a for a in rest], x, work.rank(x))
    return work.given(work.build([*beside, *sinks]), x.value.family)


def build_reduction(work: Work, arguments: Sequence[Argument]) -> Value:
    """A sum or a mean within each member; of two values, their product."""
    if len(arguments) == 2 and work.site.meaning.op is Sum:
        return build_product(work, arguments)
    x = work.only(arguments)
    stack, axis = stack_of(x), work.site.meaning.axis or -1
    if -axis > stack.rank:
        raise NoRule(f"a member has no axis {axis}" if stack.rank else "there is nothing to add up")
    name = work.build([x])
    if stack.rank == 1:
        name = work.add(Row(name), f"{work.site.wish}_row")
    return work.given(name, replace(stack, rank=stack.rank - 1))


def build_elementwise(work: Work, arguments: Sequence[Argument]) -> Value:
    """Member by member; what is the same for all is taken for each."""
    op = work.site.meaning.op
    assert op is not None
    assert issubclass(op, Elementwise)
    many = op in (Add, Multiply)
    wanted = "two values or more" if many else "two values"
    if not has_operands(work.builder, work.site, arguments, range(2, MANY if many else 3), wanted):
        raise Reported
    positions = [a for a in arguments if a.value.is_positions]
    arguments = with_types(work, [a for a in arguments if not a.value.is_positions])
    rank = common_rank(work, arguments)
    total, *others = aligned(work, arguments, rank)
    for other in others:
        total = work.add(op(total, other))
    if positions:
        _has_rows(work, rank)
        total = add_positions(work, total, positions)
    family = next(a for a in arguments if a.value.family)
    return work.given(total, replace(stack_of(family), rank=rank))


def build_concatenate(work: Work, arguments: Sequence[Argument]) -> Value:
    """Within each member."""
    arguments = [work.resolved(argument) for argument in arguments]
    ranks, axis = {work.rank(a) for a in arguments}, work.site.meaning.axis or -1
    if not all(a.value.family for a in arguments):
        raise NoRule("what is the same for all of them cannot stand beside each")
    if len(ranks) > 1 or -axis > min(ranks):
        raise NoRule(f"members have no axis {axis} in common")
    return work.given(work.build(arguments), arguments[0].value.family)


def build_module(work: Work, arguments: Sequence[Argument]) -> Value:
    """The module's drawing, each of its operations for all members."""
    arguments = [work.settled(a) for a in arguments]
    arguments = [work.settled(a) for a in arguments]
    if any(a.value.family and stack_of(a).rank == 0 for a in arguments):
        raise NoRule("a module takes vectors or matrices")
    sizes = [stack_of(a).size for a in arguments if a.value.family]
    if not sizes or sizes[0].constant is not None or work.site.scope.members is not None:
        return work.plain(work.site, arguments)
    parameters = len(work.builder.inputs)
    value = work.plain(replace(work.site, is_open=True), arguments)
    if len(work.builder.inputs) > parameters:
        note_shared(work, sizes[0])
    return value


RULES: Mapping[type[Op], Rule] = {
    MatMul: build_product,
    Softmax: build_softmax,
    Sum: build_reduction,
    Mean: build_reduction,
    Transpose: build_transpose,
    Scale: build_alike,
    Mask: build_on_scores,
    Score: build_on_scores,
    Add: build_elementwise,
    Subtract: build_elementwise,
    Multiply: build_elementwise,
    Divide: build_elementwise,
    Linear: build_linear,
    LayerNorm: build_norm,
    Embedding: build_embedding,
    Positions: build_positions,
    SplitHeads: on_trailing_dims(2, 1, "heads are split from the columns of a matrix"),
    MergeHeads: on_trailing_dims(3, -1, "a member has no heads"),
    Concatenate: build_concatenate,
}
_OWN_PARAMETERS = (build_linear, build_norm, build_embedding)
"""Where members differ though all that flows in is the same for all of them."""
