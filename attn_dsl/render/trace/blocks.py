"""A long trace made small: a cell for a block of scores, with their mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attn_dsl.render.trace.numbers import NDArray
from attn_dsl.render.trace.record import Trace


def block_sizes(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """How many queries and keys a block needs, for at most `side` blocks along each."""
    queries, keys = (-(-count // side) for count in shape)
    return queries, keys


def by_blocks(trace: Trace, block: tuple[int, int]) -> Trace:
    """Scores and weights by their means over blocks; the vectors stay as they are.

    The mean of weights is over all of a block, that of scores over those that are seen, and -inf
    where none is.
    """
    if block == (1, 1):
        return trace
    seen = ~trace.hidden
    count, seen_count = (_sums(np.asarray(x, float), block) for x in (np.ones(seen.shape), seen))
    scores = _sums(np.where(seen, trace.scores, 0.0), block) / np.maximum(seen_count, 1)
    return replace(
        trace,
        scores=np.where(seen_count > 0, scores, -np.inf),
        weights=_sums(trace.weights, block) / count,
    )


def _sums(x: NDArray, block: tuple[int, int]) -> NDArray:
    """The sum over each block; the last ones may be smaller."""
    for axis, size in enumerate(block):
        x = np.add.reduceat(x, np.arange(0, x.shape[axis], size), axis=axis)
    return x
