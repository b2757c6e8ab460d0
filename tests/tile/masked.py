"""A mask written out, and what the analysis says of each of its tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from support import NDArray

from attn_dsl.expr import Expr, Kind, evaluate
from attn_dsl.tile import Edges, MaskAnalysis, Range, analyse

QUERIES, KEYS = 11, 14
SIZES = {"N": QUERIES, "M": KEYS, "P": 4, "W": 3, "h": 2}
KINDS = {"b": Kind.BOOL, "i": Kind.INT, "f": Kind.FLOAT}


def _pairs(size: int) -> tuple[NDArray, NDArray]:
    """First and last index of every non-empty range."""
    first, last = np.triu_indices(size)
    return first, last


@dataclass(frozen=True)
class Masked:
    """A mask over all queries and keys, and over every tile of them: rows × columns of tiles."""

    mask: Expr
    tensors: Mapping[str, NDArray] = field(default_factory=dict)

    @cached_property
    def analysis(self) -> MaskAnalysis:
        """What is tested."""
        return analyse(self.mask, {n: KINDS[t.dtype.kind] for n, t in self.tensors.items()})

    @cached_property
    def kept(self) -> NDArray:
        """The mask, element by element."""
        names = SIZES | {"q": np.arange(QUERIES)[:, None], "k": np.arange(KEYS)}
        found = evaluate(self.mask, names, self.tensors)
        return np.broadcast_to(found, (QUERIES, KEYS)).astype(bool)

    @cached_property
    def counts(self) -> tuple[NDArray, NDArray]:
        """How many scores each tile keeps, and how many it has."""
        summed = np.pad(self.kept.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        rows = summed[q1 + 1] - summed[q0]
        return rows[:, k1 + 1] - rows[:, k0], np.outer(q1 + 1 - q0, k1 + 1 - k0)

    @cached_property
    def ends(self) -> Mapping[str, NDArray]:
        """The ranges over every tile."""
        return {
            name: end
            for r in self.analysis.ranges
            for name, end in zip((r.low.name, r.high.name), self._ends(r), strict=True)
        }

    def _ends(self, range: Range) -> tuple[NDArray, NDArray]:
        size = {"q": QUERIES, "k": KEYS, "": 1}[range.axis]
        found = evaluate(range.expr, SIZES | {range.axis: np.arange(size)}, self.tensors)
        values = np.broadcast_to(found, (size,))
        pairs = list(zip(*_pairs(size), strict=True)) if range.axis else [(0, 0)]
        low, high = (np.array([f(values[a : b + 1]) for a, b in pairs]) for f in (np.min, np.max))
        return (low[:, None], high[:, None]) if range.axis == "q" else (low, high)

    def ask(self, condition: Expr) -> NDArray:
        """A condition on tiles, for every tile."""
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        names = {"q_first": q0[:, None], "q_last": q1[:, None], "k_first": k0, "k_last": k1}
        found = evaluate(condition, SIZES | names, self.ends)
        return np.broadcast_to(found, (q0.size, k0.size)).astype(bool)

    def bound(self, bound: Expr | None, default: int) -> NDArray:
        """A bound of the loop over keys, for every range of queries."""
        q0, q1 = _pairs(QUERIES)
        if bound is None:
            return np.full(q0.shape, default)
        found = evaluate(bound, SIZES | {"q_first": q0, "q_last": q1}, self.ends)
        return np.broadcast_to(found, q0.shape)

    def check(self) -> None:
        """No kept score is skipped, and no hidden one is let through."""
        (kept, size), analysis = self.counts, self.analysis
        live = self.ask(analysis.live)
        assert not np.any(kept[~live])
        full = self.ask(analysis.full)
        assert np.array_equal(kept[full], size[full])
        (k0, k1), keys = _pairs(KEYS), analysis.keys
        begin, end = self.bound(keys.begin, 0)[:, None], self.bound(keys.end, KEYS)[:, None]
        inside = (k1 >= begin) & (k0 < end) & (begin < end)
        assert np.array_equal(live, self.ask(keys.live) & inside)
        if analysis.edges is not None:
            self._check_edges(analysis.edges)

    def _check_edges(self, edges: Edges) -> None:
        """Between the full bounds nothing is hidden; before and after the queries' all is."""
        (q0, q1), (k0, k1) = _pairs(QUERIES), _pairs(KEYS)
        begin = self.bound(edges.full_begin, 0)[:, None]
        end = self.bound(edges.full_end, KEYS)[:, None]
        keys, queries = np.arange(KEYS), np.arange(QUERIES)
        seen_by_all = np.array([self.kept[a : b + 1].all(0) for a, b in zip(q0, q1, strict=True)])
        assert not np.any(~seen_by_all & (keys >= begin) & (keys < end))
        tile = SIZES | {"k_first": k0, "k_last": k1}
        first, after = (
            np.broadcast_to(default if e is None else evaluate(e, tile, self.ends), k0.shape)
            for e, default in ((edges.first_query, 0), (edges.end_query, QUERIES))
        )
        seeing = np.array([self.kept[:, a : b + 1].any(1) for a, b in zip(k0, k1, strict=True)])
        outside = (queries < first[:, None]) | (queries >= after[:, None])
        assert not np.any(seeing & outside)

    @property
    def is_exact(self) -> bool:
        """Whether no full or empty tile is called partial."""
        (kept, size), analysis = self.counts, self.analysis
        live, full = self.ask(analysis.live), self.ask(analysis.full)
        return np.array_equal(live, kept > 0) and np.array_equal(full, kept == size)
