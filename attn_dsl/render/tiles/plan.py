"""What all matrices of a picture share: the tiles, their sizes on paper, what is highlighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attn_dsl.render.canvas import Point
from attn_dsl.render.tiles.scores import parts
from attn_dsl.render.tiles.view import NDArray, TilesView

Area = tuple[float, float, float, float]
"""x, y, width and height."""

Place = tuple[int, int]
"""A row and a column of tiles."""

LONGEST, LARGEST, LEAST = 300.0, 64.0, 4.0
"""Pixels of the longer side of the scores, of a tile at most, and at least."""
LEAST_PART = 2.2
"""Pixels of the smallest part of a tile that is told apart."""
MOST_UNEQUAL = 4.0
"""How much longer than wide a tile is drawn at most."""


@dataclass(frozen=True)
class Plan:
    """One picture. `side` is a tile's pixels along queries and keys, `step` its parts' scores.

    `kept` are the scores that the mask leaves of each part of a tile, as `parts` gives them.
    """

    view: TilesView
    side: Point
    step: tuple[int, int]
    kept: Mapping[Place, NDArray]
    now: Place | None

    def area(self, place: Place, corner: Point) -> Area:
        """Where a tile lies in a matrix with its upper left corner at `corner`."""
        high, wide = self.side
        return corner[0] + place[1] * wide, corner[1] + place[0] * high, wide, high

    def thick(self, pixels: float) -> float:
        """The thickness of a line between tiles, less where tiles are small."""
        return min(pixels, 0.06 * min(self.side))


def plan(view: TilesView, now: Place | None) -> Plan:
    """The sizes at which all that is shown can be told apart. Raises DiagnosticError (E083)."""
    side = _side(view)
    tile = view.program.query_tile, view.program.key_tile
    step = _step(tile[0], side[0]), _step(tile[1], side[1])
    return Plan(view, side, step, parts(view, step), now)


def _side(view: TilesView) -> Point:
    """A tile's pixels: in the proportion of its queries and keys, unless it is too long."""
    rows, columns = view.tiles.shape
    tile = view.program.query_tile, view.program.key_tile
    high, wide = (min(MOST_UNEQUAL, length / min(tile)) for length in tile)
    unit = LONGEST / max(rows * high, columns * wide)
    unit = max(LEAST, min(unit, LARGEST))
    return unit * high, unit * wide


def _step(tile: int, side: float) -> int:
    """How many queries or keys a part has: the fewest that divide the tile and can be seen."""
    return next(s for s in range(1, tile + 1) if tile % s == 0 and side * s / tile >= LEAST_PART)
