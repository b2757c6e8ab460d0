"""Layers that are drawn for each member of a family: each box owns parameters of its own.

Those of all members stand one below the other in one parameter, called by the family's stem. A
family whose size only the call tells cannot own any per member: there they are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.ir import Dim, DType, TensorType
from attn_dsl.ir.ops import (
    Add,
    LayerNorm,
    Linear,
    MatMul,
    Row,
    SplitHeads,
    Transpose,
    Vector,
)
from attn_dsl.semantics import errors, layers
from attn_dsl.semantics.member_count import member_count
from attn_dsl.semantics.site import Argument, has_operands
from attn_dsl.semantics.stacks import aligned, as_tensor, rows
from attn_dsl.semantics.values import Stack, Value
from attn_dsl.semantics.work import NoRule, Reported, Work, is_family, name_of, stack_of


def build_linear(work: Work, arguments: Sequence[Argument]) -> Value:
    """x Wᵀ + b, with a weight for each member.

    What is the same for all members meets all weights in one product, which is then split.
    """
    x, count = _of_each(work, arguments)
    if count is None:
        return _shared(work, x)
    width = work.type(x).dims[-1]
    out = _out_width(work, x, count)
    weight, bias = _parameters(work, x, count, out, width)
    if x.value.family is None:
        return _side_by_side(work, x, count, weight, bias)
    each = _on_rows(work, x)
    columns = work.add(Transpose(weight), f"{work.site.wish}_columns")
    per_member = work.add(SplitHeads(columns, count), f"{work.site.wish}_weights")
    wish = f"{work.site.wish}_product" if bias or each is not x else ""
    product = work.add(MatMul(name_of(each), per_member), wish)
    if bias:
        product = work.add(
            Add(product, _rows_of(work, bias, count)),
            f"{work.site.wish}_sum" if each is not x else "",
        )
    if each is not x:
        product = work.add(Vector(product))
    return work.given(product, x.value.family)


def _of_each(work: Work, arguments: Sequence[Argument]) -> tuple[Argument, int | None]:
    """The only argument, and how many members there are; None if the call alone tells that."""
    if not has_operands(work.builder, work.site, arguments, range(1, 2), "one value"):
        raise Reported
    x = work.resolved(arguments[0])
    if x.value.family is not None:
        stack = stack_of(x)
        if stack.rank == 0:
            raise NoRule("it works along the last dim, and a member has none")
        if stack.rank > 2 and stack.size.constant is not None:
            raise NoRule("a member has heads of its own")
        return x, stack.size.constant
    if layers.width_of(work.builder, work.site, name_of(x)) is None:
        raise Reported
    members = work.site.members
    is_open = members is not None and members.is_open
    return x, None if is_open else member_count(work.builder, work.site)


def _shared(work: Work, x: Argument) -> Value:
    """One layer for all members."""
    if work.site.scope.members is None:
        note_shared(work, stack_of(x).size)
    return work.given(work.build([x]), x.value.family)


def note_shared(work: Work, size: Dim) -> None:
    """Tell that the members of a family do not own the parameters that each box has alone."""
    note = errors.shared_layer(work.site.place, work.site.label.text, str(size))
    work.builder.found.append(note)


def _out_width(work: Work, x: Argument, count: int) -> Dim:
    """As `out` says, else as wide as x; what ends side by side is then as wide all together."""
    builder, site = work.builder, work.site
    width = work.type(x).dims[-1]
    members = site.members
    is_said = "out" in site.data.values
    from_outside = x.value.family is None and site.scope.members is None
    if members is not None and members.family.joined and from_outside and not is_said:
        return width / count
    sizes = {}
    if members is not None and isinstance(members.family.size, str):
        sizes = {members.family.size: Dim.of(count)}
    return layers.out_width(builder, site, width, name_of(x), sizes)


def _parameters(work: Work, x: Argument, count: int, out: Dim, width: Dim) -> tuple[str, str]:
    """The weights [count * out, in] and the biases [count * out], or none."""
    builder, site, rows = work.builder, work.site, Dim.of(count) * out
    has_bias = site.data.values.get("bias", True) is not False
    weight = layers.parameter(builder, site, "weight", "linear", rows, width)
    bias = layers.parameter(builder, site, "bias", "bias", rows) if has_bias else ""
    if weight is None or bias is None:
        raise Reported
    return weight, bias


def _side_by_side(work: Work, x: Argument, count: int, weight: str, bias: str) -> Value:
    """One product with all weights; its columns are those of the members."""
    wish, name = work.site.wish, name_of(x)
    is_vector = len(work.type(x).dims) == 1
    if is_vector:
        name = work.once(Row(name), f"{name}_row")
    joined = work.add(Linear(name, weight, bias))
    split = work.add(SplitHeads(joined, count), f"{wish}_heads")
    if not is_vector:
        return work.given(split, Stack(Dim.of(count), 2))
    return work.given(work.add(Vector(split), f"{wish}_vectors"), Stack(Dim.of(count), 1))


def _on_rows(work: Work, x: Argument) -> Argument:
    """Vectors as matrices of one row; matrices as they are."""
    return rows(work, x) if stack_of(x).rank == 1 else x


def _rows_of(work: Work, parameter: str, count: int) -> str:
    """A parameter [count * d] as [count, 1, d], to meet the rows of each member."""
    row = work.add(Row(parameter), f"{parameter}_row")
    return work.add(SplitHeads(row, count), f"{parameter}_rows")


def build_norm(work: Work, arguments: Sequence[Argument]) -> Value:
    """Layer norm, with a gain and a bias for each member."""
    x, count = _of_each(work, arguments)
    if count is None:
        return _shared(work, x)
    builder, site, width = work.builder, work.site, work.type(x).dims[-1]
    all_rows = Dim.of(count) * width
    gain = layers.parameter(builder, site, "weight", "gain", all_rows)
    bias = layers.parameter(builder, site, "bias", "bias", all_rows)
    epsilon = layers.epsilon_of(builder, site)
    if gain is None or bias is None:
        raise Reported
    is_vector = work.rank(x) == 1
    (each,) = aligned(work, [rows(work, x) if is_vector else x], 2)
    gains, biases = (_rows_of(work, name, count) for name in (gain, bias))
    op = LayerNorm(each, gains, biases, epsilon)
    if not is_vector:
        return work.given(work.add(op), x.value.family or Stack(Dim.of(count), 2))
    name = work.add(Vector(work.add(op, f"{site.wish}_rows")))
    return work.given(name, Stack(Dim.of(count), 1))


def build_embedding(work: Work, arguments: Sequence[Argument]) -> Value:
    """A row of one table for each id of each member; undeclared members are one id each."""
    argument = arguments[0] if len(arguments) == 1 else None
    pending = argument.value.pending if argument is not None else None
    like = None
    if pending is not None and pending.family is not None:
        like = TensorType(DType.I64, (Dim.of(pending.family.size),), batch=True)
    members = work.site.members
    if argument is not None and not is_family(argument) and members and members.is_open:
        return work.plain(work.site, arguments)
    if argument is None or not is_family(argument):
        raise NoRule("what flows in is the same for all of them")
    x = work.resolved(argument, like)
    stack = stack_of(x)
    if stack.size.constant is not None:
        raise NoRule("each box has a table of its own: draw one Embedding")
    ids = Argument(as_tensor(work.builder, x.value, work.site.origin("Vector")), x.place)
    return work.given(work.build([ids]), Stack(stack.size, stack.rank + 1))
