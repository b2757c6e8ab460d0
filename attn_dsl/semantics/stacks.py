"""The members of a family in one tensor: what each rule on families needs to build."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from attn_dsl.ir import Dim, Origin, TensorType
from attn_dsl.ir.ops import Op, Row, Transpose, Vector
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.values import Stack, Value

Plain = Callable[[Site, Sequence[Argument]], Value]
"""Builds what a site means as if there were no families."""


class Reported(Exception):
    """Something is wrong, and that was reported."""


class NoRule(Exception):
    """An operation that has no meaning on a family, for a reason that is its text."""


@dataclass(frozen=True)
class Work:
    """An operation on families that is being built; its methods raise `Reported`."""

    builder: Builder
    site: Site
    plain: Plain

    def add(self, op: Op, wish: str = "") -> str:
        """Add a statement, called as the site wishes unless there is another `wish`."""
        origin = self.site.origin(type(op).__name__)
        name = self.builder.add(wish or self.site.wish, op, origin)
        if name is None:
            raise Reported
        return name

    def once(self, op: Op, wish: str) -> str:
        """The same, or the statement of that name that does the same already."""
        made = self.builder.statements.get(wish)
        return wish if made is not None and made.op == op else self.add(op, wish)

    def build(self, arguments: Sequence[Argument]) -> str:
        """What the site means on plain values."""
        value = self.plain(self.site, arguments)
        if value.name is None:
            raise Reported
        return value.name

    def given(self, name: str, stack: Stack | None) -> Value:
        """The value of the site."""
        return Value(name, self.site.meaning.role, family=stack)

    def resolved(
        self, argument: Argument, like: TensorType | None = None, stack: Stack | None = None
    ) -> Argument:
        """The argument with a name; an undeclared input takes the type `like`.

        An undeclared family lies as `stack`, or begins with its axis.
        """
        pending = argument.value.pending
        name = typed(self.builder, self.site, argument, like)
        if name is None:
            raise Reported
        family = argument.value.family
        if pending is not None and pending.family is not None:
            rank = len(self.builder.type_of(name).dims) - 1
            begins = Stack(Dim.of(pending.family.size), rank)
            family = self.builder.stacks.setdefault(name, stack or begins)
            name = name if family.rank else self.once(Row(name), f"{name}_row")
        value = replace(argument.value, name=name, family=family, pending=None)
        return replace(argument, value=value)

    def settled(self, argument: Argument) -> Argument:
        """The argument, with a name if it is an input that has its type from another use."""
        pending = argument.value.pending
        is_typed = pending is not None and pending.name in self.builder.inputs
        return self.resolved(argument) if is_typed else argument

    def type(self, argument: Argument) -> TensorType:
        """The type of an argument that has a name: of all members together, if it is a family."""
        assert argument.value.name is not None
        return self.builder.type_of(argument.value.name)

    def rank(self, argument: Argument) -> int:
        """How many dims one member has, or a value that is the same for all."""
        family = argument.value.family
        return family.rank if family is not None else len(self.type(argument).dims)


def stack_of(argument: Argument) -> Stack:
    """How a family lies."""
    assert argument.value.family is not None
    return argument.value.family


def is_family(argument: Argument) -> bool:
    """Whether a value has a part for each member of a family."""
    value = argument.value
    if value.is_positions:
        return False  # they are the same for all members
    return value.family is not None or bool(value.pending and value.pending.family)


def name_of(argument: Argument) -> str:
    """The name of a value that has one."""
    assert argument.value.name is not None
    return argument.value.name


def renamed(argument: Argument, name: str, stack: Stack | None = None) -> Argument:
    """The same argument, now another value."""
    return replace(argument, value=replace(argument.value, name=name, family=stack))


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
