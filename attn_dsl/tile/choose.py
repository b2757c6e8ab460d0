"""Tile sizes from the cost of the programs that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attn_dsl.tile.cost import cost, on_chip
from attn_dsl.tile.program import TileProgram
from attn_dsl.tile.schedule import TileSizes


def choose_tiles(
    candidates: Iterable[TileSizes],
    plan: Callable[[TileSizes], TileProgram],
    sizes: Mapping[str, int],
    budget: int,
    visit: Callable[[TileProgram], int] = lambda program: 0,
) -> TileSizes:
    """The tiles with the least work at `sizes`, and of equals those that move the fewest bytes.

    Work is the FLOPs of the tiles that the mask leaves, and `visit` FLOPs more for each tile of
    a head, which is what it takes to begin one. Only tiles whose buffers take `budget` bytes at
    most are considered; if there are none, the smallest is taken. Of equals in all the first is
    taken.
    """
    programs = {tiles: plan(tiles) for tiles in candidates}
    memory = {tiles: on_chip(program, sizes) for tiles, program in programs.items()}
    fitting = [tiles for tiles in programs if memory[tiles] <= budget]

    def price(tiles: TileSizes) -> tuple[int, int]:
        total = cost(programs[tiles], sizes)
        work = total.flops + visit(programs[tiles]) * total.tiles
        return work, total.loaded + total.stored

    return min(fitting, key=price) if fitting else min(programs, key=memory.__getitem__)
