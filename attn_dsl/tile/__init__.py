"""The plan of a fused operation: which tiles, in which memory, in which order.

In: a `TiledAttention` and the types of its operands. Out: a `TileProgram`: the grid of query
tiles, the loop over key tiles, the buffers with their memory tier and the steps on them. Every
backend prints this one value.
"""

from attn_dsl.tile.analysis import MaskAnalysis, analyse, conjuncts
from attn_dsl.tile.blocks import Blocks, blocks_of
from attn_dsl.tile.bounds import Edges, KeyLoop, full_queries
from attn_dsl.tile.choose import choose_tiles
from attn_dsl.tile.cost import Cost, cost, least_traffic, on_chip, unfused_traffic
from attn_dsl.tile.count import TileCount, count_tiles, tile_map
from attn_dsl.tile.formula import formula
from attn_dsl.tile.grid import TooManyTiles
from attn_dsl.tile.local_names import local_names
from attn_dsl.tile.parts import Part, part_of, parts_of
from attn_dsl.tile.program import (
    Begin,
    Buffer,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    LogSum,
    Map,
    Normalize,
    Pages,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Tier,
    TileProgram,
    Weigh,
)
from attn_dsl.tile.ranges import Range, range_kinds
from attn_dsl.tile.schedule import TileSizes, schedule
from attn_dsl.tile.together import together

__all__ = [
    "Begin",
    "Blocks",
    "Buffer",
    "Contract",
    "Cost",
    "Edges",
    "Exponentiate",
    "Fill",
    "Hide",
    "KeyLoop",
    "Load",
    "LogSum",
    "Map",
    "MaskAnalysis",
    "Normalize",
    "Pages",
    "Part",
    "Range",
    "Rescale",
    "RowMax",
    "RowSum",
    "Step",
    "Store",
    "Tier",
    "TileCount",
    "TileProgram",
    "TileSizes",
    "TooManyTiles",
    "Weigh",
    "analyse",
    "blocks_of",
    "choose_tiles",
    "conjuncts",
    "cost",
    "count_tiles",
    "formula",
    "full_queries",
    "least_traffic",
    "local_names",
    "on_chip",
    "part_of",
    "parts_of",
    "range_kinds",
    "schedule",
    "tile_map",
    "together",
    "unfused_traffic",
]
