"""Operations on families: each one once, along the family's axis.

Vectors, one a member, are `[..., n, d]`; scalars, one a member, are a row `[..., 1, n]`; heads,
one a member, are `[..., n, rows, d]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.ir.ops import (
    Concatenate,
    MatMul,
    MergeHeads,
    Multiply,
    Row,
    Softmax,
    SplitHeads,
    Sum,
    Transpose,
)
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.drawing import Drawn
from attn_dsl.semantics.lookup import count
from attn_dsl.semantics.site import Argument, Site, typed
from attn_dsl.semantics.values import Value

SCALARS, VECTORS, HEADS = "scalars", "vectors", "heads"


def has_family(site: Site, arguments: Sequence[Argument]) -> bool:
    """Whether an operation belongs to a family, or takes one."""
    return site.drawn.family is not None or any(a.value.family for a in arguments)


def build_on_family(builder: Builder, site: Site, arguments: Sequence[Argument]) -> Value:
    """The value of a plain operation on families; a failed one, once that was reported."""
    op, kinds = site.meaning.op, [a.value.family for a in arguments]
    names = [typed(builder, site, argument, None) for argument in arguments]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return Value()
    if op is MatMul and sorted(kinds) == ["", VECTORS]:
        pair = [known[kinds.index(kind)] for kind in ("", VECTORS)]
        return Value(_similarity(builder, site, *pair), family=SCALARS)
    if op is Softmax and kinds == [SCALARS]:
        return Value(
            builder.add(site.wish, Softmax(known[0]), site.origin("Softmax")), family=SCALARS
        )
    if op is Multiply and sorted(kinds) == [SCALARS, VECTORS]:
        pair = [known[kinds.index(kind)] for kind in (SCALARS, VECTORS)]
        return Value(_weigh(builder, site, *pair), family=VECTORS)
    if op is Sum and kinds == [VECTORS]:
        return Value(builder.add(site.wish, Sum(known[0], -2), site.origin("Sum")))
    if op is Concatenate and kinds == [HEADS]:
        return Value(builder.add(site.wish, MergeHeads(known[0]), site.origin("Concatenate")))
    builder.found.append(errors.no_family_rule(site.place, site.label.text, kinds))
    return Value()


def _similarity(builder: Builder, site: Site, vector: str, keys: str) -> str | None:
    """One dot product a member: a row of scores."""
    row = builder.add(f"{vector}_row", Row(vector), site.origin("Row"))
    keys_t = builder.add(f"{keys}_T", Transpose(keys), site.origin("Transpose"))
    if row is None or keys_t is None:
        return None
    return builder.add(site.wish, MatMul(row, keys_t), site.origin("MatMul"))


def _weigh(builder: Builder, site: Site, weights: str, vectors: str) -> str | None:
    """Each member's vector times its weight."""
    column = builder.add(f"{weights}_T", Transpose(weights), site.origin("Transpose"))
    return column and builder.add(site.wish, Multiply(column, vectors), site.origin("Multiply"))


def split_for_heads(
    builder: Builder, site: Site, arguments: Sequence[Argument]
) -> list[Argument] | None:
    """What enters heads that are concatenated is split on its last axis, a part for each."""
    count = _count(builder, site, site.drawn)
    if count is None:
        return None
    split: dict[str, str | None] = {}
    result = []
    for argument in arguments:
        if argument.value.role == "mask":
            result.append(argument)  # it broadcasts over the heads
            continue
        name = typed(builder, site, argument, None)
        if name is None:
            return None
        if name not in split:
            op, origin = SplitHeads(name, count), site.origin("SplitHeads")
            split[name] = builder.add(f"{name}_heads", op, origin)
        if split[name] is None:
            return None
        result.append(replace(argument, value=replace(argument.value, name=split[name])))
    return result


def as_heads(value: Value) -> Value:
    """What a module gives for heads: one value a head, or several such."""
    outputs = {name: replace(output, family=HEADS) for name, output in value.outputs.items()}
    return replace(value, role="", family=HEADS, outputs=outputs)


def _count(builder: Builder, site: Site, drawn: Drawn) -> int | None:
    """How many heads: drawn in full, or a setting for the letter, or `heads`."""
    family = drawn.family
    assert family is not None
    if isinstance(family.size, int):
        return family.size
    data, steps = drawn.node.data, site.scope.steps(drawn)
    for name in (family.size, "heads"):
        place = data.spans.get(name, site.place)
        given = count(builder, site.scope, steps, name, data.values.get(name), place)
        if isinstance(given, int) and not isinstance(given, bool) and given > 0:
            return given
        if given is not None:
            builder.found.append(errors.no_heads(place, given, f"{family.stem}.{name}"))
            return None
    is_size = family.size in builder.declared
    error = errors.no_members(site.place, family.size, family.stem, is_size=is_size)
    builder.found.append(error)
    return None
