"""The cells of the matrices: a row or column for each tile of queries or keys, a cell for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from attn_dsl.render.canvas import Group, Item, Lines, Patches, Point, Rect
from attn_dsl.render.palette import (
    GRID,
    HATCH,
    HIDDEN,
    INK,
    KEY,
    KEY_NOW,
    LINE,
    OTHER,
    OUTPUT,
    OUTPUT_NOW,
    PLAIN,
    QUERY,
    QUERY_NOW,
    SCORE,
    SCORE_NOW,
    VALUE,
    VALUE_NOW,
)
from attn_dsl.render.tiles.view import FULL, SKIPPED, NDArray, TilesView

FILLS: Mapping[str, tuple[str, str]] = {
    "query": (QUERY, QUERY_NOW),
    "key": (KEY, KEY_NOW),
    "value": (VALUE, VALUE_NOW),
    "output": (OUTPUT, OUTPUT_NOW),
    "score": (SCORE, SCORE_NOW),
    "weight": (SCORE, SCORE_NOW),
    "running": (OTHER, SCORE_NOW),
}
"""The colours of each kind of cell, and of the one that is worked on."""

HATCH_GAP = 7.0
SEEN = 7.0
"""Pixels between the lines of a hatch; and from which on lines between single scores are drawn."""

Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scale:
    """Pixels of a tile along the queries and the keys, and how many scores a part of it has."""

    query: float
    key: float
    step: tuple[int, int]

    def place(self, row: int, column: int) -> Place:
        """Where a tile lies in the matrix of scores."""
        return column * self.key, row * self.query, self.key, self.query


def strip(
    kind: str, x: float, y: float, size: Point, names: list[str], titles: list[str], now: int | None
) -> tuple[Item, ...]:
    """A matrix of one cell for each tile: downwards, or to the right where names begin with k.

    `size` is that of a cell; `names` are the keys of the cells' frames.
    """
    wide, high = size
    across = kind == "key"
    cells = []
    for index, (name, title) in enumerate(zip(names, titles, strict=True)):
        place = (x + index * wide, y) if across else (x, y + index * high)
        rect = _cell(kind, (*place, wide, high), index == now)
        cells.append(Group((rect,), title, f"cell {kind}", {"at": name}))
    return _last(cells, now)


def _cell(kind: str, place: Place, now: bool) -> Rect:
    fill = FILLS[kind][now]
    return Rect(*place, fill, INK if now else GRID, 1.6 if now else 0.6)


def _last(cells: list[Group], now: int | None) -> tuple[Item, ...]:
    """The cells with the one that is worked on in front, so that its outline is seen."""
    if now is None:
        return tuple(cells)
    return (*cells[:now], *cells[now + 1 :], cells[now])


def matrix(
    view: TilesView,
    kind: str,
    corner: Point,
    scale: Scale,
    kept: Mapping[tuple[int, int], NDArray],
    now: tuple[int, int] | None,
) -> tuple[Item, ...]:
    """Scores or weights: grey where they are hidden, hatched where tiles are skipped."""
    rows, columns = view.tiles.shape
    ground = Rect(*corner, columns * scale.key, rows * scale.query, PLAIN, GRID, 0.6)
    places = [(row, column) for row in range(rows) for column in view.visited(row)]
    places.sort(key=lambda place: (place == now, place in kept))  # their outlines lie in front
    cells = [_score_cell(view, kind, corner, scale, at, kept, at == now) for at in places]
    skipped = _skipped(view, kind, corner, scale)
    if now is None:
        return (ground, *skipped, *cells)
    return (ground, *skipped, *cells[:-1], _band(view, corner, scale, now[0]), cells[-1])


def _score_cell(
    view: TilesView,
    kind: str,
    corner: Point,
    scale: Scale,
    at: tuple[int, int],
    kept: Mapping[tuple[int, int], NDArray],
    now: bool,
) -> Group:
    x, y, wide, high = scale.place(*at)
    x, y = corner[0] + x, corner[1] + y
    rect = _cell(kind, (x, y, wide, high), now)
    inside: list[Item] = [rect]
    tile = (len(view.queries(at[0])), len(view.keys(at[1])))
    if at in kept:
        inside += _parts(kept[at], tile, (x, y, wide, high), scale)
        outline = INK if now else LINE
        inside.append(Rect(x, y, wide, high, "", outline, 1.6 if now else 0.8))
    inside += _single_scores(tile, (x, y, wide, high), scale)
    what = "full" if view.tiles[at] == FULL else "partial"
    title = f"queries {span(view.queries(at[0]))}, keys {span(view.keys(at[1]))}: {what}"
    return Group(tuple(inside), title, f"cell {kind} {what}", {"at": f"q{at[0]} k{at[1]}"})


def _parts(counts: NDArray, tile: tuple[int, int], place: Place, scale: Scale) -> Iterator[Item]:
    """Grey for parts that are hidden; half of it where some scores are."""
    hidden, mixed = [], []
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            extents = [
                _extent(index, step, length, size)
                for index, step, length, size in (
                    (j, scale.step[1], tile[1], place[2]),
                    (i, scale.step[0], tile[0], place[3]),
                )
            ]
            (x, wide), (y, high) = (e[:2] for e in extents)
            scores = extents[0][2] * extents[1][2]
            where = (place[0] + x, place[1] + y, wide, high)
            if count == 0:
                hidden.append(where)
            elif count < scores:
                mixed.append(where)
    if mixed:
        yield Patches(tuple(mixed), HIDDEN, opacity=0.5)
    if hidden:
        yield Patches(_joined(hidden), HIDDEN)


def _extent(index: int, step: int, length: int, size: float) -> tuple[float, float, int]:
    """Where a part begins, its pixels, and how many queries or keys it has."""
    first, end = index * step, min((index + 1) * step, length)
    return size * first / length, size * (end - first) / length, end - first


def _joined(places: list[Place]) -> tuple[Place, ...]:
    """Neighbours in a row as one, so that no seams show."""
    found: list[Place] = []
    for x, y, wide, high in places:
        if found:
            before = found[-1]
            if before[1] == y and abs(before[0] + before[2] - x) < 1e-6:
                found[-1] = (before[0], y, before[2] + wide, high)
                continue
        found.append((x, y, wide, high))
    return tuple(found)


def _single_scores(tile: tuple[int, int], place: Place, scale: Scale) -> Iterator[Item]:
    """Lines between single scores, where there is room for them."""
    x, y, wide, high = place
    if min(wide / tile[1], high / tile[0]) < SEEN or scale.step != (1, 1):
        return
    across = [
        ((x, y + high * i / tile[0]), (x + wide, y + high * i / tile[0])) for i in range(1, tile[0])
    ]
    down = [
        ((x + wide * j / tile[1], y), (x + wide * j / tile[1], y + high)) for j in range(1, tile[1])
    ]
    if across + down:
        yield Lines((*across, *down), GRID, 0.4)


def _skipped(view: TilesView, kind: str, corner: Point, scale: Scale) -> Iterator[Item]:
    """Tiles that are never visited: one group, hatched."""
    places = []
    for row in range(len(view.tiles)):
        for column, found in enumerate(view.tiles[row]):
            if found == SKIPPED:
                x, y, wide, high = scale.place(row, column)
                places.append((corner[0] + x, corner[1] + y, wide, high))
    if not places:
        return
    hatch = [line for place in places for line in hatched(place)]
    borders = [Rect(*place, "", GRID, 0.3) for place in places]
    title = f"{len(places)} tiles are skipped" if len(places) > 1 else "1 tile is skipped"
    items: list[Item] = [Patches(tuple(places), PLAIN), Lines(tuple(hatch), HATCH, 0.5)]
    yield Group((*items, *borders), title, f"skipped {kind}")


def hatched(place: Place) -> Iterator[tuple[Point, Point]]:
    """Diagonals across a rectangle, from its left and lower sides to its upper and right ones."""
    x, y, wide, high = place
    count = max(1, round((wide + high) / 2 / HATCH_GAP))
    for index in range(1, 2 * count):
        near, far = min(index, count) / count, max(index - count, 0) / count
        yield (x + wide * far, y + high * near), (x + wide * near, y + high * far)


def _band(view: TilesView, corner: Point, scale: Scale, row: int) -> Rect:
    """An outline around the tiles that the loop of this row goes through."""
    columns = view.visited(row)
    x, y, _, high = scale.place(row, columns[0])
    wide = (columns[-1] + 1 - columns[0]) * scale.key
    return Rect(corner[0] + x, corner[1] + y, wide, high, "", INK, 1.2, dashed=True)


def span(places: range) -> str:
    """`64–127`: the first and the last."""
    return f"{places[0]}–{places[-1]}" if len(places) > 1 else f"{places[0]}"
