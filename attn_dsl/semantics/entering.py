"""What enters the members of a family from outside: shared by all, or a part for each.

Heads that are concatenated split what enters them on its last axis. Everything else that is no
family is the same for all members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.ir import Dim
from attn_dsl.ir.ops import Elementwise, Linear, Mask, MatMul, Row, Score, SplitHeads
from attn_dsl.semantics.drawing import Operand
from attn_dsl.semantics.matmul import side_of
from attn_dsl.semantics.member_count import member_count
from attn_dsl.semantics.site import Argument
from attn_dsl.semantics.stacks import as_tensor, member_type
from attn_dsl.semantics.values import Stack, Value
from attn_dsl.semantics.work import NoRule, Work


def entering(work: Work, values: Sequence[Value]) -> list[Value]:
    """The values at the tails of the arrows into a family's node, in order.

    Raises Reported or NoRule.
    """
    operands = work.site.drawn.operands
    values = [
        as_tensor(work.builder, value, work.site.origin("Vector")) if operand.whole else value
        for operand, value in zip(operands, values, strict=True)
    ]
    if any(value.failed for value in values):
        return values
    values = [_dealt(work, value) for value in values]
    family = work.site.drawn.family
    if family is None or not family.joined or not work.site.meaning.acts:
        return values
    return [
        _split(work, operand, value) if _is_split(work, position, values) else value
        for position, (operand, value) in enumerate(zip(operands, values, strict=True))
    ]


def _dealt(work: Work, value: Value) -> Value:
    """What was split into heads before has a part for each already."""
    if value.name is None or value.family is not None:
        return value
    op = work.builder.statements[value.name].op
    if not isinstance(op, SplitHeads):
        return value
    family = work.site.drawn.family
    assert family is not None
    if isinstance(family.size, int) and family.size != op.heads:
        raise NoRule(f"there are {family.size} of them, and {op.heads} heads flow in")
    return replace(value, family=Stack(Dim.of(op.heads), 2))


def _is_split(work: Work, position: int, values: Sequence[Value]) -> bool:
    """Whether a value has a part for each head that is concatenated, and is not shared by all."""
    operand, value = work.site.drawn.operands[position], values[position]
    families = [v for v in values if v.family is not None]
    if value.family is not None or _is_shared_by_its_use(work, operand, value):
        return False
    if value.name is None:  # of what type it is, its use would have to tell
        return not families and value.pending is not None and value.pending.family is None
    type_ = work.builder.type_of(value.name)
    if not families:
        return type_.dtype.is_float and len(type_.dims) > 1
    if not type_.dtype.is_float or not type_.dims or value.role == "weight":
        return False
    return _is_as_wide_as_all(work, position, values, families)


def _is_shared_by_its_use(work: Work, operand: Operand, value: Value) -> bool:
    """Masks, what a mask or a score reads, what a Linear of each head projects; positions."""
    op, operands = work.site.meaning.op, work.site.drawn.operands
    if value.is_positions or "mask" in (value.role, operand.change.role):
        return True
    return Linear in (op, operand.change.op) or (op in (Mask, Score) and len(operands) > 1)


def _is_as_wide_as_all(
    work: Work, position: int, values: Sequence[Value], families: Sequence[Value]
) -> bool:
    """Whether a value, beside `families`, is as wide as all heads together, and not as one."""
    op, types = work.site.meaning.op, [member_type(work.builder, v) for v in families]
    type_ = member_type(work.builder, values[position])
    width, of_each = type_.dims[-1], types[0].dims
    assert families[0].family is not None
    if families[0].family.rank < 2:
        return False
    if op is not None and issubclass(op, Elementwise):
        return width == of_each[-1] * families[0].family.size
    if len(type_.dims) < 2:
        return False
    if op is MatMul:
        operands = work.site.drawn.operands
        last = max(range(len(operands)), key=lambda i: (side_of(operands[i].change.role), i))
        return last == position or width not in of_each[-2:]
    return all(width != of_one.dims[-1] for of_one in types)


def _split(work: Work, operand: Operand, value: Value) -> Value:
    """A part of the columns for each head."""
    argument = work.resolved(Argument(value, operand.edge.span))
    name = argument.value.name
    assert name is not None
    count = member_count(work.builder, work.site)
    if len(work.builder.type_of(name).dims) == 1:
        name = work.once(Row(name), f"{name}_row")
    split = work.once(SplitHeads(name, count), f"{name}_heads")
    return replace(argument.value, name=split, family=Stack(Dim.of(count), 2))
