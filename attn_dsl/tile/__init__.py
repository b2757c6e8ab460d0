"""The plan of a fused operation: which tiles, in which memory, in which order.

In: a `TiledAttention` and the types of its operands. Out: a `TileProgram`: the grid of query
tiles, the loop over key tiles, the buffers with their memory tier and the steps on them. Every
backend prints this one value.
"""

from attn_dsl.tile.analysis import certain, possible
from attn_dsl.tile.bounds import Edges, KeyLoop, conjuncts, find_edges, key_loop
from attn_dsl.tile.count import TileCount, count_tiles
from attn_dsl.tile.formula import formula
from attn_dsl.tile.local_names import local_names
from attn_dsl.tile.program import (
    Buffer,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    Map,
    Normalize,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Tier,
    TileProgram,
)
from attn_dsl.tile.schedule import TileSizes, schedule

__all__ = [
    "Buffer",
    "Contract",
    "Edges",
    "Exponentiate",
    "Fill",
    "Hide",
    "KeyLoop",
    "Load",
    "Map",
    "Normalize",
    "Rescale",
    "RowMax",
    "RowSum",
    "Step",
    "Store",
    "Tier",
    "TileCount",
    "TileProgram",
    "TileSizes",
    "certain",
    "conjuncts",
    "count_tiles",
    "find_edges",
    "formula",
    "key_loop",
    "local_names",
    "possible",
    "schedule",
]
