"""Mask analysis: which tiles a mask leaves empty, which it keeps whole, which keys it bounds.

A tile holds the queries `q_first … q_last` and the keys `k_first … k_last` of one head. From the
mask, conditions on these four numbers follow, as expressions: where `live` is false all scores
of the tile are hidden (it is *empty*, and skipped), where `full` is true all are kept (the mask
is not evaluated). What is captured enters by its ranges. Both err to the safe side: what has no
rule makes tiles partial, never wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from attn_dsl.expr import Expr, Kind, conjunction, tensors_in
from attn_dsl.tile.bounds import KeyLoop, key_loop
from attn_dsl.tile.conditions import may_be
from attn_dsl.tile.ranges import Axes, Range, extract_ranges
from attn_dsl.tile.scope import Scope


@dataclass(frozen=True)
class MaskAnalysis:
    """`live` and `full` are conditions on a tile, `keys` is `live` as bounds of the loop over keys.

    `ranges` are those whose least and greatest values the three mention.
    """

    live: Expr
    full: Expr
    keys: KeyLoop
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
    live, full = may_be(body, True, scope), scope.opposite(may_be(body, False, scope))
    keys = key_loop(live, scope)
    live = conjunction(live, keys.nonempty)
    named = set(tensors_in(live) + tensors_in(full))
    used = (r for r in ranges.values() if named & {r.low.name, r.high.name})
    return MaskAnalysis(live, full, keys, tuple(used))
