"""An operation on families while it is built: what each rule asks, adds and raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from attn_dsl.ir import Dim, TensorType
from attn_dsl.ir.ops import Op, Row
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument, Site, has_operands, typed
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

    def only(self, arguments: Sequence[Argument]) -> Argument:
        """The only argument, with a name."""
        if not has_operands(self.builder, self.site, arguments, range(1, 2), "one value"):
            raise Reported
        return self.resolved(arguments[0])

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
