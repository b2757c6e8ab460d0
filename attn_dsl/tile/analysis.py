"""Mask analysis: which tiles a mask leaves empty, which it keeps whole, which keys it bounds.

A tile holds the queries `q_first … q_last` and the keys `k_first … k_last` of one head. From the
mask, conditions on these four numbers follow, as expressions: where `live` is false all scores
of the tile are hidden (it is *empty*, and skipped), where `full` is true all are kept (the mask
is not evaluated). What is captured enters by its ranges. Both err to the safe side: what has no
rule makes tiles partial, never wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from attn_dsl.expr import TRUE, Binary, Expr, Kind, Tensor, conjunction, tensors_in, transform
from attn_dsl.tile.bounds import Edges, KeyLoop, find_edges, key_loop
from attn_dsl.tile.conditions import may_be
from attn_dsl.tile.ranges import Axes, Range, extract_ranges
from attn_dsl.tile.scope import Scope


@dataclass(frozen=True)
class MaskAnalysis:
    """`live` and `full` are conditions on a tile, `keys` is `live` as bounds of the loop over keys.

    `edges` are both, where bounds say all of them. `parts` are the conditions that the mask joins,
    each with its own `full`. `ranges` are those whose least and greatest values these mention.
    """

    live: Expr
    full: Expr
    keys: KeyLoop
    edges: Edges | None
    parts: tuple[tuple[Expr, Expr], ...]
    ranges: tuple[Range, ...]


def analyse(
    mask: Expr,
    kinds: Mapping[str, Kind] | None = None,
    axes: Axes | None = None,
    taken: Collection[str] = (),
) -> MaskAnalysis:
    """What follows from `mask` for any tile.

    `kinds` are those of the captured tensors. Of those that are read at the score itself, `axes`
    says along which of `q` and `k` they have more than one element, where that is not both.
    `taken` are the names that a range may not have.
    """
    body, ranges = extract_ranges(mask, kinds or {}, axes or {}, taken)
    scope = Scope(ranges, kinds or {})
    live, full = may_be(body, True, scope), _certain(body, scope)
    keys = key_loop(live, scope)
    edges = find_edges(live, full, scope)
    parts = [(_written_out(part, ranges), _certain(part, scope)) for part in conjuncts(body)]
    live = conjunction(live, keys.nonempty)
    named = set(tensors_in(live) + tensors_in(full))
    used = (r for r in ranges.values() if named & {r.low.name, r.high.name})
    return MaskAnalysis(live, full, keys, edges, tuple(parts), tuple(used))


def _certain(mask: Expr, scope: Scope) -> Expr:
    return scope.opposite(may_be(mask, False, scope))


def _written_out(part: Expr, ranges: Mapping[str, Range]) -> Expr:
    """A part of the mask with what was read in the place of each range."""

    def change(node: Expr) -> Expr:
        is_range = isinstance(node, Tensor) and node.name in ranges
        return ranges[node.name].expr if is_range else node  # type: ignore[union-attr]

    return transform(part, change)


def conjuncts(condition: Expr) -> Iterator[Expr]:
    """The conditions that `condition` joins by `and`, without those that are always true."""
    if isinstance(condition, Binary) and condition.op == "and":
        yield from conjuncts(condition.lhs)
        yield from conjuncts(condition.rhs)
    elif condition != TRUE:
        yield condition
