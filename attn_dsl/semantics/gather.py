"""What one box does with all members of a family that flow into it.

Most operations take the family as one tensor, with an axis of its own. Those that take any number
of values take the members: a sum adds them, a concatenation puts them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from attn_dsl.ir.ops import (
    Add,
    Concatenate,
    Function,
    Mask,
    MatMul,
    Mean,
    MergeHeads,
    Multiply,
    Op,
    Reduction,
    Scale,
    Score,
    Softmax,
    Sum,
    Transpose,
    Vector,
)
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.member_expressions import build_on_scores
from attn_dsl.semantics.members import add_positions, build_alike, build_softmax
from attn_dsl.semantics.site import Argument
from attn_dsl.semantics.stacks import as_tensor, rows
from attn_dsl.semantics.values import Value
from attn_dsl.semantics.work import NoRule, Reported, Work, is_family, name_of, stack_of

Rule = Callable[[Work, Sequence[Argument]], Value]


def build_gathered(work: Work, arguments: Sequence[Argument]) -> Value:
    """The value of one operation on whole families; raises NoRule or Reported."""
    return _rule(work, arguments)(work, arguments)


def _rule(work: Work, arguments: Sequence[Argument]) -> Rule:
    op = work.site.meaning.op
    if op is None:
        return as_tensors
    numbers = [a for a in arguments if a.value.family and stack_of(a).rank == 0]
    on_each = issubclass(op, Function) or op in (Scale, Mask, Score, Softmax)
    if numbers and on_each:
        return _ON_NUMBERS.get(op, build_alike)
    return RULES.get(op, as_tensors)


def as_tensors(work: Work, arguments: Sequence[Argument]) -> Value:
    """Each family as one tensor."""
    return work.plain(work.site, [_tensor(work, a) for a in arguments])


def _tensor(work: Work, argument: Argument) -> Argument:
    if not is_family(argument):
        return argument
    value = work.resolved(argument).value
    tensor = as_tensor(work.builder, value, work.site.origin("Vector"))
    if tensor.name is None:
        raise Reported
    return replace(argument, value=tensor)


def build_reduction(work: Work, arguments: Sequence[Argument]) -> Value:
    """The sum, or the mean, of the members; along an axis that is said, of the one tensor."""
    op = work.site.meaning.op
    assert op is not None
    assert issubclass(op, Reduction)
    if len(arguments) == 2 and op is Sum:
        return build_product(work, arguments)
    if len(arguments) != 1 or work.site.meaning.axis is not None:
        return as_tensors(work, arguments)
    return work.given(_reduced(work, op, arguments[0]), None)


def _reduced(work: Work, op: type[Reduction], argument: Argument, wish: str = "") -> str:
    rank = stack_of(work.resolved(argument)).rank
    return work.add(op(name_of(_tensor(work, argument)), -rank - 1), wish)


def build_add(work: Work, arguments: Sequence[Argument]) -> Value:
    """All members, and what else flows in."""
    positions = [a for a in arguments if a.value.is_positions]
    arguments = [a for a in arguments if not a.value.is_positions]
    if len(arguments) == 1:
        total = _reduced(work, Sum, arguments[0])
        return work.given(add_positions(work, total, positions), None)
    names = []
    for argument in arguments:
        if is_family(argument):
            name = argument.value.name or "members"
            names.append(_reduced(work, Sum, argument, f"{name}_sum"))
        else:
            names.append(name_of(work.resolved(argument)))
    total, *others = names
    for other in others:
        total = work.add(Add(total, other))
    return work.given(add_positions(work, total, positions), None)


def build_multiply(work: Work, arguments: Sequence[Argument]) -> Value:
    """It would be the product of all members."""
    raise NoRule("members are not multiplied with each other: draw a Multiply for each")


def build_concatenate(work: Work, arguments: Sequence[Argument]) -> Value:
    """Members side by side, on their last axis or the one before; with what else flows in."""
    if _is_scattered(work.site.scope.drawing, work.site.drawn):
        raise NoRule("they do not flow in one after the other, in the order of their indices")
    axis = work.site.meaning.axis or -1
    alone = len(arguments) == 1
    names = [
        _side_by_side(work, a, axis, alone) if is_family(a) else name_of(work.resolved(a))
        for a in arguments
    ]
    if alone:
        return work.given(names[0], None)
    return work.given(work.add(Concatenate(tuple(names), axis)), None)


def _is_scattered(drawing: Mapping[str, Drawn], drawn: Drawn) -> bool:
    """Whether arrows from members, on their way here, come in another order than the members."""
    stack, seen = [drawn], {drawn.node.id}
    while stack:
        for operand in stack.pop().operands:
            source = drawing.get(operand.source)
            if operand.scattered:
                return True
            if source is None or source.family is not None or source.meaning.acts:
                continue
            if operand.source not in seen:
                seen.add(operand.source)
                stack.append(source)
    return False


def _side_by_side(work: Work, argument: Argument, axis: int, alone: bool) -> str:
    argument = work.resolved(argument)
    name, rank = name_of(argument), stack_of(argument).rank
    wish = work.site.wish if alone else f"{name}_joined"
    if axis < -max(rank, 1) or rank > 2:
        raise NoRule(f"a member has no axis {axis}" if rank <= 2 else "a member has heads")
    if rank == 0:
        return name_of(_tensor(work, argument))
    if rank == 1:
        row = work.add(MergeHeads(name_of(rows(work, argument))), f"{wish}_row")
        return work.add(Vector(row), wish)
    if axis == -1:
        return work.add(MergeHeads(name), wish)
    columns = work.add(MergeHeads(work.add(Transpose(name), f"{name}_T")), f"{wish}_columns")
    return work.add(Transpose(columns), wish)


def build_product(work: Work, arguments: Sequence[Argument]) -> Value:
    """Numbers of members, as weights, times what has a row for each; else of whole tensors."""
    arguments = [work.resolved(a) for a in arguments]
    numbers = [a for a in arguments if a.value.family and stack_of(a).rank == 0]
    if len(arguments) != 2 or not numbers:
        return as_tensors(work, arguments)
    if len(numbers) == 2:
        raise NoRule("of two numbers for each, the product is drawn for each")
    (weights,) = numbers
    others = [_tensor(work, a) for a in arguments if a is not weights]
    if work.rank(others[0]) < 2:
        raise NoRule("weights are spent on vectors, one for each, or on a matrix")
    row = work.add(MatMul(name_of(weights), name_of(others[0])), f"{work.site.wish}_row")
    return work.given(work.add(Vector(row)), None)


_ON_NUMBERS: Mapping[type[Op], Rule] = {
    Softmax: build_softmax,
    Mask: build_on_scores,
    Score: build_on_scores,
}
"""One box for the numbers of all members: they stay one for each."""
RULES: Mapping[type[Op], Rule] = {
    Sum: build_reduction,
    Mean: build_reduction,
    Add: build_add,
    Multiply: build_multiply,
    Concatenate: build_concatenate,
    MergeHeads: build_concatenate,
    MatMul: build_product,
}
