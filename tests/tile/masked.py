"""A mask written out, and what the analysis says of each of its tiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from support import NDArray

from attn_dsl.expr import Expr, evaluate
from attn_dsl.tile import Edges, certain, find_edges, key_loop, possible

QUERIES, KEYS = 11, 14
SIZES = {"N": QUERIES, "M": KEYS, "P": 4, "W": 3, "h": 2}


def _pairs(size: int) -> tuple[NDArray, NDArray]:
    """First and last index of every non-empty range."""
    first, last = np.triu_indices(size)
    return first, last


@dataclass(frozen=True)
class Masked:
    """A mask over all queries and keys, and over every tile of them: rows × columns of tiles."""

    mask: Expr

    @cached_property
    def kept(self) -> NDArray:
        """The mask, element by element."""
        names = SIZES | {"q": np.arange(QUERIES)[:, None], "k": np.arange(KEYS)}
        doc = {"doc": np.arange(KEYS) // 5}
        return np.broadcast_to(evaluate(self.mask, names, doc), (QUERIES, KEYS)).astype(bool)

    @cached_property
    def counts(self) -> tuple[NDArray, NDArray]:
        """How many scores each tile keeps, and how many it has."""
        summed = np.pad(self.kept.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        rows = summed[q1 + 1] - summed[q0]
        return rows[:, k1 + 1] - rows[:, k0], np.outer(q1 + 1 - q0, k1 + 1 - k0)

    def ask(self, condition: Expr) -> NDArray:
        """A condition on tiles, for every tile."""
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        names = {"q_first": q0[:, None], "q_last": q1[:, None], "k_first": k0, "k_last": k1}
        found = evaluate(condition, SIZES | names, {})
        return np.broadcast_to(found, (q0.size, k0.size)).astype(bool)

    def bound(self, bound: Expr | None, default: int) -> NDArray:
        """A bound of the loop over keys, for every range of queries."""
        q0, q1 = _pairs(QUERIES)
        return _value(bound, default, {"q_first": q0, "q_last": q1})

    def check_edges(self, edges: Edges) -> None:
        """Between the full bounds nothing is hidden; before and after the queries' all is."""
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        begin = self.bound(edges.full_begin, 0)[:, None]
        end = self.bound(edges.full_end, KEYS)[:, None]
        columns = np.arange(KEYS)
        seen_by_all = np.array([self.kept[a : b + 1].all(0) for a, b in zip(q0, q1, strict=True)])
        assert not np.any(~seen_by_all & (columns >= begin) & (columns < end))
        tile: dict[str, NDArray] = {"k_first": k0, "k_last": k1}
        first = _value(edges.first_query, 0, tile)[:, None]
        after = _value(edges.end_query, QUERIES, tile)[:, None]
        seeing = np.array([self.kept[:, a : b + 1].any(1) for a, b in zip(k0, k1, strict=True)])
        rows = np.arange(QUERIES)
        assert not np.any(seeing & ((rows < first) | (rows >= after)))

    def check(self) -> None:
        """No kept score is skipped, and no hidden one is let through."""
        kept, size = self.counts
        assert not np.any(kept[~self.ask(possible(self.mask))])
        full = self.ask(certain(self.mask))
        assert np.array_equal(kept[full], size[full])
        loop = key_loop(possible(self.mask))
        assert not np.any(kept[~self.ask(loop.live)])
        columns = np.arange(KEYS)
        begin, end = self.bound(loop.begin, 0)[:, None], self.bound(loop.end, KEYS)[:, None]
        seen = np.array(
            [self.kept[a : b + 1].any(0) for a, b in zip(*_pairs(QUERIES), strict=True)]
        )
        assert not np.any(seen & ((columns < begin) | (columns >= end)))
        edges = find_edges(possible(self.mask), certain(self.mask))
        if edges is not None:
            self.check_edges(edges)


def _value(bound: Expr | None, default: int, names: dict[str, NDArray]) -> NDArray:
    """A bound at every tile that `names` tells of."""
    found = default if bound is None else evaluate(bound, SIZES | names, {})
    return np.broadcast_to(found, next(iter(names.values())).shape)
