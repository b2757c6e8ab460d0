"""A long trace made small: a cell for a block of scores, with their mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attn_dsl.render.trace.numbers import NDArray
from attn_dsl.render.trace.record import Trace


def block_sizes(shape: tuple[int, int], side: int, cells: int) -> tuple[int, int]:
    """The smallest blocks of which there are `cells` at most, and `side` at most along each axis.

    They are square, with a power of two as their side, where there are as many queries and keys.
    """
    queries, keys = shape
    block = 1
    while True:
        down, across = -(-queries // block), -(-keys // block)
        if max(down, across) <= side and down * across <= cells:
            return min(block, queries), min(block, keys)
        block *= 2


def by_blocks(trace: Trace, block: tuple[int, int]) -> Trace:
    """Scores and weights by their means over blocks; the vectors stay as they are.

    The means are over what the mask leaves of a block; a block without any is hidden.
    """
    if block == (1, 1):
        return trace
    seen = ~trace.hidden
    count = _sums(seen.astype(float), block)
    scores, weights = (
        _sums(np.where(seen, x, 0.0), block) / np.maximum(count, 1)
        for x in (trace.scores, trace.weights)
    )
    return replace(trace, scores=np.where(count > 0, scores, -np.inf), weights=weights)


def _sums(x: NDArray, block: tuple[int, int]) -> NDArray:
    """The sum over each block; the last ones may be smaller."""
    for axis, size in enumerate(block):
        x = np.add.reduceat(x, np.arange(0, x.shape[axis], size), axis=axis)
    return x
