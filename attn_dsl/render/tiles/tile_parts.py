"""What is seen inside a tile: which of its scores the mask hides, and lines between scores."""

from __future__ import annotations

from collections.abc import Iterator

from attn_dsl.render.canvas import Item, Lines, Patches
from attn_dsl.render.palette import GRID, HIDDEN
from attn_dsl.render.tiles.plan import Area, Place, Plan

SEEN = 7.0
"""Pixels of a score from which on there are lines between single ones."""
MIXED = 0.5
"""How much of the grey a part has of which some scores are hidden, and some are not."""


def hidden_parts(plan: Plan, place: Place, area: Area) -> Iterator[Item]:
    """Grey for parts whose scores are all hidden, paler where some are."""
    counts = plan.kept[place]
    tile = len(plan.view.queries(place[0])), len(plan.view.keys(place[1]))
    rows = [_extent(i, plan.step[0], tile[0], area[1], area[3]) for i in range(len(counts))]
    columns = [_extent(j, plan.step[1], tile[1], area[0], area[2]) for j in range(counts.shape[1])]
    hidden: list[Area] = []
    mixed: list[Area] = []
    for (y, high, queries), row in zip(rows, counts, strict=True):
        for (x, wide, keys), count in zip(columns, row, strict=True):
            if count < queries * keys:
                (mixed if count else hidden).append((x, y, wide, high))
    if mixed:
        yield Patches(_joined(mixed), HIDDEN, MIXED)
    if hidden:
        yield Patches(_joined(hidden), HIDDEN)


def _extent(
    index: int, step: int, length: int, start: float, pixels: float
) -> tuple[float, float, int]:
    """Where a part begins, its pixels, and how many queries or keys it has."""
    first, end = index * step, min((index + 1) * step, length)
    return start + pixels * first / length, pixels * (end - first) / length, end - first


def _joined(areas: list[Area]) -> tuple[Area, ...]:
    """Neighbours in a row as one, so that no seams show."""
    found = areas[:1]
    for x, y, wide, high in areas[1:]:
        before = found[-1]
        if before[1] == y and abs(before[0] + before[2] - x) < 1e-6:
            found[-1] = (before[0], y, before[2] + wide, high)
        else:
            found.append((x, y, wide, high))
    return tuple(found)


def score_lines(plan: Plan, place: Place, area: Area) -> Iterator[Item]:
    """Lines between single scores, where there is room for them."""
    x, y, wide, high = area
    queries, keys = len(plan.view.queries(place[0])), len(plan.view.keys(place[1]))
    if min(wide / keys, high / queries) < SEEN or queries * keys == 1:
        return
    heights = [y + high * i / queries for i in range(1, queries)]
    places = [x + wide * j / keys for j in range(1, keys)]
    across = [((x, at), (x + wide, at)) for at in heights]
    down = [((at, y), (at, y + high)) for at in places]
    yield Lines((*across, *down), GRID, 0.4)
