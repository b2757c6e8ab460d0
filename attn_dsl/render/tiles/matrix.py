"""The matrices of scores and weights: a cell for each pair of a query tile and a key tile."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from attn_dsl.render.canvas import Group, Item, Lines, Patches, Point, Rect
from attn_dsl.render.palette import GRID, HATCH, INK, LINE, PLAIN
from attn_dsl.render.tiles.cells import THICK, THIN, cell
from attn_dsl.render.tiles.plan import Area, Place, Plan
from attn_dsl.render.tiles.tile_parts import hidden_parts, score_lines
from attn_dsl.render.tiles.view import FULL, PARTIAL, SKIPPED, span

HATCH_GAP = 7.0
"""About how many pixels lie between the lines of a hatch."""


def matrix(plan: Plan, kind: str, corner: Point) -> tuple[Item, ...]:
    """Scores or weights: grey where they are hidden, hatched where tiles are skipped."""
    view = plan.view
    places = [(row, column) for row in range(len(view.tiles)) for column in view.visited(row)]
    # Outlines of partial tiles lie before the others, and that of the highlighted one before all.
    places.sort(key=lambda place: (place == plan.now, view.tiles[place] == PARTIAL))
    cells = [_cell(plan, kind, place, corner) for place in places]
    ground = (_ground(plan, corner), *_skipped(plan, kind, corner))
    if plan.now is None:
        return (*ground, *cells)
    return (*ground, *cells[:-1], _band(plan, plan.now[0], corner), cells[-1])


def _ground(plan: Plan, corner: Point) -> Rect:
    rows, columns = plan.view.tiles.shape
    high, wide = plan.side
    return Rect(*corner, columns * wide, rows * high, PLAIN, GRID, THIN)


def _cell(plan: Plan, kind: str, place: Place, corner: Point) -> Group:
    """A tile that is visited; the ground is its first rectangle."""
    view, now = plan.view, place == plan.now
    area = plan.area(place, corner)
    inside: list[Item] = [cell(plan, kind, area, now)]
    if place in plan.kept:
        inside += hidden_parts(plan, place, area)
    if view.tiles[place] == PARTIAL:
        inside.append(Rect(*area, "", INK if now else LINE, THICK if now else plan.thick(0.8)))
    inside += score_lines(plan, place, area)
    what = "full" if view.tiles[place] == FULL else "partial"
    queries, keys = view.queries(place[0]), view.keys(place[1])
    title = f"{span('queries', queries)}, {span('keys', keys)}: {what}"
    return Group(tuple(inside), title, f"cell {kind} {what}", {"at": f"q{place[0]} k{place[1]}"})


def _skipped(plan: Plan, kind: str, corner: Point) -> Iterator[Item]:
    """Tiles that are never visited: one group, hatched."""
    places = [(int(row), int(column)) for row, column in np.argwhere(plan.view.tiles == SKIPPED)]
    if not places:
        return
    areas = tuple(plan.area(place, corner) for place in places)
    every = max(1, ceil(HATCH_GAP / max(plan.side)))  # of small tiles, not all have a line
    lines = [
        line
        for area, place in zip(areas, places, strict=True)
        if sum(place) % every == 0
        for line in hatched(area)
    ]
    items: list[Item] = [Patches(areas, PLAIN), Lines(tuple(lines), HATCH, 0.5)]
    items += [Rect(*area, "", GRID, plan.thick(0.3)) for area in areas if every == 1]
    title = f"{len(places):,} tiles are skipped" if len(places) > 1 else "1 tile is skipped"
    yield Group(tuple(items), title, f"skipped {kind}")


def hatched(area: Area) -> Iterator[tuple[Point, Point]]:
    """Diagonals across a rectangle, from its left and lower sides to its upper and right ones."""
    x, y, wide, high = area
    count = max(1, round((wide + high) / 2 / HATCH_GAP))
    for index in range(1, 2 * count):
        near, far = min(index, count) / count, max(index - count, 0) / count
        yield (x + wide * far, y + high * near), (x + wide * near, y + high * far)


def _band(plan: Plan, row: int, corner: Point) -> Rect:
    """An outline around the tiles that the loop of this row goes through."""
    columns = plan.view.visited(row)
    x, y, wide, high = plan.area((row, columns[0]), corner)
    return Rect(x, y, wide * (columns[-1] + 1 - columns[0]), high, "", INK, 1.2, dashed=True)
