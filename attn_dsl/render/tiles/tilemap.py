"""A picture of which tiles a mask leaves: SVG, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

NDArray = np.ndarray[Any, Any]
CELL = 10
"""Pixels of a tile's side."""
LINE, FILL = "#c9d1d9", "#0550ae"


def tile_map_svg(tiles: NDArray, title: str) -> str:
    """A square for each tile of `tiles` `[query tiles, key tiles]`, queries down, keys across.

    2, a tile that is kept whole, is filled; 1, one that the mask cuts through, is filled below
    its diagonal; 0, one that is skipped, is empty.
    """
    rows, columns = tiles.shape
    width, height = columns * CELL + 2, rows * CELL + 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="-1 -1 {width} {height}" role="img">',
        f"<title>{_escaped(title)}</title>",
        f'<rect width="{columns * CELL}" height="{rows * CELL}" fill="#ffffff"/>',
        *_cells(tiles),
        f'<path d="{_grid(rows, columns)}" stroke="{LINE}" fill="none"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _cells(tiles: NDArray) -> Iterator[str]:
    """One path for all whole tiles, and one for all that are cut."""
    for kind, shape in ((2, f"h{CELL}v{CELL}h-{CELL}z"), (1, f"v{CELL}h{CELL}z")):
        places = zip(*np.nonzero(tiles == kind), strict=True)
        path = "".join(f"M{k * CELL} {q * CELL}{shape}" for q, k in places)
        if path:
            yield f'<path d="{path}" fill="{FILL}"/>'


def _grid(rows: int, columns: int) -> str:
    across = "".join(f"M0 {y * CELL}h{columns * CELL}" for y in range(rows + 1))
    return across + "".join(f"M{x * CELL} 0v{rows * CELL}" for x in range(columns + 1))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
