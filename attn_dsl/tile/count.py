"""Which tiles a program computes at given sizes, from the analysis alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attn_dsl.expr import FALSE, TRUE
from attn_dsl.tile.grid import Arrays, Grid, NDArray, make_grid
from attn_dsl.tile.program import TileProgram

EMPTY, PARTIAL, FULL = 0, 1, 2


@dataclass(frozen=True)
class TileCount:
    """Tiles that are computed without the mask, with it, and not at all."""

    full: int
    partial: int
    skipped: int


def tile_map(
    program: TileProgram,
    sizes: Mapping[str, int],
    tensors: Arrays | None = None,
    head: tuple[int, int] = (0, 0),
) -> NDArray:
    """int8 `[query tiles, key tiles]`: 0 for an empty tile, 1 for a partial one, 2 for a full one.

    `tensors` are captured ones by name; of one that is not given nothing is known, so it makes
    no tile empty or full. `head` is the batch and the head; optional masks count as not given.
    Time and memory grow with the number of tiles, and with the lengths: not with their product.
    """
    return map_of(program, make_grid(program, sizes, tensors or {}, head))


def map_of(program: TileProgram, grid: Grid) -> NDArray:
    """The same, of a grid that is made."""
    live, full = grid.ask(program.live, TRUE), grid.ask(program.full, FALSE)
    return live.astype(np.int8) + (live & full)


def count_tiles(
    program: TileProgram,
    sizes: Mapping[str, int],
    tensors: Arrays | None = None,
    head: tuple[int, int] = (0, 0),
) -> TileCount:
    """Count the tiles of one head, as `tile_map` has them."""
    tiles = tile_map(program, sizes, tensors, head)
    full, partial, empty = (int((tiles == kind).sum()) for kind in (FULL, PARTIAL, EMPTY))
    return TileCount(full, partial, empty)
