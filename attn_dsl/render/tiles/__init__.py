"""Pictures of the tiles of a fused attention.

In: a `TilesView`, one head of a tile program at given sizes with its arrays. Out: the picture
of its matrices in their memories, the frames of its loop, and a small map of its tiles.
"""

from attn_dsl.render.tiles.frames import tile_frames
from attn_dsl.render.tiles.picture import tiles_picture
from attn_dsl.render.tiles.scores import of_head
from attn_dsl.render.tiles.tilemap import tile_map_svg
from attn_dsl.render.tiles.view import TilesView, cannot_show, check_side

__all__ = [
    "TilesView",
    "cannot_show",
    "check_side",
    "of_head",
    "tile_frames",
    "tile_map_svg",
    "tiles_picture",
]
