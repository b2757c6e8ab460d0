"""The members of a family in one tensor: its type, and how it meets other values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.ir import Dim, Origin, TensorType
from attn_dsl.ir.ops import Row, Transpose, Vector
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument
from attn_dsl.semantics.values import Stack, Value
from attn_dsl.semantics.work import NoRule, Work, is_family, name_of, renamed, stack_of


def member_type(builder: Builder, value: Value) -> TensorType:
    """The type of one member, or of a value that is no family."""
    assert value.name is not None
    type_ = builder.type_of(value.name)
    if value.family is None:
        return type_
    if value.family.rank == 0:
        return type_.with_dims(*type_.dims[:-2])
    axis = len(type_.dims) - value.family.rank - 1
    return type_.with_dims(*type_.dims[:axis], *type_.dims[axis + 1 :])


def stacked(type_: TensorType, size: Dim) -> tuple[TensorType, Stack]:
    """The type of as many members of `type_`, as one input; dims before the last two are batch."""
    rank = min(len(type_.dims), 2)
    axis = len(type_.dims) - rank
    return type_.with_dims(*type_.dims[:axis], size, *type_.dims[axis:]), Stack(size, rank)


def as_tensor(builder: Builder, value: Value, origin: Origin) -> Value:
    """To the outside a family is one tensor, with an axis of its own."""
    if value.family is None or value.name is None:
        return value
    name = value.name if value.family.rank else all_numbers(builder, value.name, origin)
    return replace(value, name=name, family=None)


def all_numbers(builder: Builder, row: str, origin: Origin) -> str | None:
    """Scalars, which lie as a row, as a vector."""
    op = builder.statements[row].op
    if isinstance(op, Row) and op.axis == -2:
        return op.x
    return builder.add(f"{row}_all", Vector(row), origin)


def aligned(work: Work, arguments: Sequence[Argument], rank: int) -> list[str]:
    """The values, so that they broadcast member by member, each of `rank` dims."""
    return [
        _widened(work, a, rank) if a.value.family else _shared(work, a, rank) for a in arguments
    ]


def _widened(work: Work, argument: Argument, rank: int) -> str:
    """Members of fewer dims, with new dims of 1 before their own."""
    name, have = name_of(argument), stack_of(argument).rank
    if have == 0 and rank > 0:
        name, have = work.once(Transpose(name), f"{name}_T"), 1
    for dims in range(have, rank):
        name = _with_axis(work, name, -dims - 1, "wide")
    return name


def _shared(work: Work, argument: Argument, rank: int) -> str:
    """What is the same for all members, with a dim of 1 where theirs is."""
    name, type_ = name_of(argument), work.type(argument)
    have = len(type_.dims)
    if have <= rank and not type_.batch:
        return name  # it broadcasts as it is
    axes = [-have - 1] * (rank - have) + ([-1, -1] if rank == 0 else [-rank - 1])
    for axis in axes:
        name = _with_axis(work, name, axis, "shared")
    return name


def _with_axis(work: Work, name: str, axis: int, suffix: str) -> str:
    """A new dim of 1; a transpose stays the last thing that was done, where fusion looks for it."""
    op = work.builder.statements[name].op
    if isinstance(op, Transpose) and axis < -2:
        inner = _with_axis(work, op.x, axis, suffix)
        return work.once(Transpose(inner), f"{inner}_T")
    return work.once(Row(name, axis), f"{name}_{suffix}")


def common_rank(work: Work, arguments: Sequence[Argument]) -> int:
    """How many dims a member of an element-wise result has.

    Of a value that is the same for all, dims that the families have before their axis are batch.
    """
    families = [a for a in arguments if a.value.family]
    rank = max(work.rank(a) for a in families)
    is_batched = any(work.type(a).batch for a in families)
    before = min(len(work.type(a).dims) - max(work.rank(a), 1) - 1 for a in families)
    for other in (a for a in arguments if not a.value.family):
        more = work.rank(other) - before
        if more > rank and is_batched and not work.type(other).batch:
            raise NoRule(f"`...` of the members says nothing of the dims of {work.type(other)}")
        rank = max(rank, more)
    return rank


def rows(work: Work, argument: Argument) -> Argument:
    """A vector as a matrix of one row, for each member or for all."""
    name = work.once(Row(name_of(argument)), f"{name_of(argument)}_row")
    family = argument.value.family
    return renamed(argument, name, family and replace(family, rank=2))


def with_types(work: Work, arguments: Sequence[Argument]) -> list[Argument]:
    """The arguments with names; undeclared ones are of the type of the first that is a family."""
    known = next((a for a in arguments if a.value.family), None)
    if known is None:
        return [work.resolved(a) for a in arguments]
    all_members, one_member = work.type(known), member_type(work.builder, known.value)
    return [
        work.resolved(a, all_members if is_family(a) else one_member, known.value.family)
        for a in arguments
    ]
