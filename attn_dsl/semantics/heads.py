"""Keys and values that have fewer heads than the queries, or none at all."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.ir import TensorType, TypeMismatch, broadcast
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import HEADS, RepeatHeads, Row
from attn_dsl.semantics import errors
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Site


def serve_heads(
    builder: Builder, site: Site, lhs: str, rhs: str, spelled: Sequence[str]
) -> str | None:
    """`rhs` for every head of `lhs`; `rhs` itself where their heads fit already.

    Where `rhs` lacks the dim before the last two, all heads share it; where the two differ in
    that one and in no other batch dim, heads are grouped. A note says so; both are called as
    `spelled`.
    """
    left, right = builder.type_of(lhs), builder.type_of(rhs)
    if len(left.dims) < 3 or len(right.dims) < 2 or _broadcast(left, right):
        return rhs
    heads = left.dims[-3]
    query, key = spelled
    if len(right.dims) < len(left.dims) and _broadcast(_without_heads(left), right):
        note = errors.one_head(site.place, query, key, heads)
        made = builder.add(f"{rhs}_head", Row(rhs, HEADS), site.origin("Row"))
    elif len(right.dims) > 2 and _broadcast(_without_heads(left), _without_heads(right)):
        note = errors.grouped_heads(site.place, query, key, heads, right.dims[-3])
        op = RepeatHeads(rhs, heads.to_expr())
        made = builder.add(f"{rhs}_repeated", op, site.origin("RepeatHeads"))
    else:
        return rhs  # the product itself says what does not fit
    builder.found += [note] if made is not None else []
    return made


def share_head(builder: Builder, site: Site, part: str, spelled: str, whole: str) -> str | None:
    """`part` with a dim for heads, where it lacks that of `whole`, as shared keys do."""
    wide, narrow = builder.type_of(whole), builder.type_of(part)
    lacks = len(narrow.dims) == len(wide.dims) - 1 and len(narrow.dims) > 1
    if not lacks or not _broadcast(_without_heads(wide), narrow):
        return part
    note = errors.one_head(site.place, whole, spelled, wide.dims[-3])
    builder.found.append(note)
    return builder.add(f"{part}_head", Row(part, HEADS), site.origin("Row"))


def _without_heads(type_: TensorType) -> TensorType:
    """The type of one head."""
    return type_.with_dims(*type_.dims[:-3], *type_.dims[-2:])


def _broadcast(lhs: TensorType, rhs: TensorType) -> bool:
    """Whether the batch dims of a product go together."""
    matrices = [type_.with_dims(*type_.dims[:-2], ONE, ONE) for type_ in (lhs, rhs)]
    try:
        broadcast(*matrices)
    except TypeMismatch:
        return False
    return True
