"""How many tiles a program computes at given sizes, from the analysis alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attn_dsl.expr import evaluate
from attn_dsl.tile.program import TileProgram


@dataclass(frozen=True)
class TileCount:
    """Tiles of one head: computed without the mask, with it, and not at all."""

    full: int
    partial: int
    skipped: int


def count_tiles(program: TileProgram, sizes: Mapping[str, int]) -> TileCount:
    """Count the tiles of head 0 in batch 0, optional masks taken as not given."""
    queries, keys = program.query_length.value(sizes), program.key_length.value(sizes)
    q_first = np.arange(0, queries, program.query_tile)[:, None]
    k_first = np.arange(0, keys, program.key_tile)[None, :]
    names = dict(sizes) | {
        "q_first": q_first,
        "q_last": np.minimum(q_first + program.query_tile, queries) - 1,
        "k_first": k_first,
        "k_last": np.minimum(k_first + program.key_tile, keys) - 1,
        "b": 0,
        "h": 0,
    }
    shape = (q_first.size, k_first.size)
    live = np.broadcast_to(evaluate(program.live, names, {}), shape)
    full = np.broadcast_to(evaluate(program.full, names, {}), shape) & live
    return TileCount(int(full.sum()), int((live & ~full).sum()), int((~live).sum()))
