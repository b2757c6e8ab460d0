"""Matrices with a row for each tile of queries, or a row or column for each of keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attn_dsl.render.canvas import Group, Item, Point, Rect
from attn_dsl.render.palette import (
    GRID,
    INK,
    KEY,
    KEY_NOW,
    OTHER,
    OUTPUT,
    OUTPUT_NOW,
    QUERY,
    QUERY_NOW,
    SCORE,
    SCORE_NOW,
    VALUE,
    VALUE_NOW,
)
from attn_dsl.render.tiles.plan import Area, Plan
from attn_dsl.render.tiles.view import span

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

THICK, THIN = 1.6, 0.6


def cell(plan: Plan, kind: str, area: Area, now: bool) -> Rect:
    """The ground of a cell; `now` is whether it is worked on."""
    fill = FILLS[kind][now]
    return Rect(*area, fill, INK if now else GRID, THICK if now else plan.thick(THIN))


def strip(plan: Plan, kind: str, axis: str, size: Point, corner: Point) -> tuple[Item, ...]:
    """A cell of `size` for each tile along `axis`, `q` or `k`: downwards, of keys to the right."""
    count = plan.view.tiles.shape["qk".index(axis)]
    now = None if plan.now is None else plan.now["qk".index(axis)]
    cells = []
    for index in range(count):
        right, down = (index * size[0], 0.0) if kind == "key" else (0.0, index * size[1])
        ground = cell(plan, kind, (corner[0] + right, corner[1] + down, *size), index == now)
        title = _title(plan, axis, index)
        cells.append(Group((ground,), title, f"cell {kind}", {"at": f"{axis}{index}"}))
    return last(cells, now)


def _title(plan: Plan, axis: str, index: int) -> str:
    if axis == "q":
        return span("queries", plan.view.queries(index))
    return span("keys", plan.view.keys(index))


def last(cells: Sequence[Group], now: int | None) -> tuple[Item, ...]:
    """The cells with the one that is worked on in front, so that its outline is seen."""
    if now is None:
        return tuple(cells)
    return (*cells[:now], *cells[now + 1 :], cells[now])
