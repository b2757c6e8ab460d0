"""The loop of a kernel as frames: every tile that is visited, with the running maximum and sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attn_dsl.expr import evaluate
from attn_dsl.render.frames import Frame
from attn_dsl.render.tiles.scores import tile_scores
from attn_dsl.render.tiles.view import FULL, NDArray, TilesView, span
from attn_dsl.tile import Begin, RowMax

Place = tuple[int, int]


def tile_frames(view: TilesView) -> tuple[Frame, ...]:
    """A frame for each visited tile, query tile by query tile, in the order of the loop.

    `values` has `m` and `l`, the running maximum and sum of the last query of the tile after
    this step, if there is a softmax. They are no more than a picture has tiles, MAX_TILES.
    """
    return tuple(frame for row in range(len(view.tiles)) for frame in row_frames(view, row))


def middle(view: TilesView) -> Place | None:
    """The tile that a still picture highlights, somewhat past the middle of the loops."""
    rows = [row for row in range(len(view.tiles)) if view.visited(row)]
    if not rows:
        return None
    row = rows[(3 * len(rows)) // 5]
    columns = view.visited(row)
    return row, columns[(3 * len(columns)) // 5]


def row_frames(view: TilesView, row: int) -> Iterator[Frame]:
    """The frames of one query tile."""
    queries = view.queries(row)
    steps = _running(view, queries[-1], view.visited(row))
    for column, values in zip(view.visited(row), steps, strict=True):
        kind = "full" if view.tiles[row, column] == FULL else "partial"
        keys = view.keys(column)
        label = f"{span('queries', queries)}, {span('keys', keys)}: {kind}"
        yield Frame(label, (f"q{row}", f"k{column}"), values)


def _running(view: TilesView, query: int, columns: list[int]) -> Iterator[dict[str, str]]:
    """The running maximum and sum of one query after each tile; nothing without a softmax."""
    if not any(isinstance(step, RowMax) for step in view.program.body):
        yield from ({} for _ in columns)
        return
    maximum = _sink(view, query)
    total = 0.0 if maximum == -np.inf else 1.0
    for column in columns:
        scores, _ = tile_scores(view, np.asarray([query]), view.keys(column))
        highest = np.maximum(maximum, scores.max())
        total = total * _weight(maximum, highest) + _weight(scores, highest).sum()
        maximum = highest
        yield {"m": f"{maximum:.6g}", "l": f"{total:.6g}"}


def _weight(scores: NDArray | float, highest: float) -> NDArray:
    """exp(scores - highest), 0 for a score of -inf."""
    with np.errstate(all="ignore"):
        return np.where(np.equal(scores, -np.inf), 0.0, np.exp(np.subtract(scores, highest)))


def _sink(view: TilesView, query: int) -> float:
    """The logit with which the maximum begins; -inf if there is none."""
    for step in view.program.prologue:
        if isinstance(step, Begin):
            names = {**view.sizes, "q": query, "k": 0, "b": view.head[0], "h": view.head[1]}
            return float(evaluate(step.sink, names, view.captured))
    return -np.inf
