"""The scores of a tile, by the steps of its program: float64, for pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from attn_dsl.expr import Expr, evaluate, tensors_in
from attn_dsl.render.tiles.view import FULL, PARTIAL, NDArray, TilesView, cannot_show
from attn_dsl.tile import Contract, Hide, Load, Map

MAX_SCORES = 2**27
"""How many scores are computed for a picture: some seconds."""


def tile_scores(view: TilesView, queries: range | NDArray, keys: range) -> tuple[NDArray, NDArray]:
    """The scores of these queries and keys, and which of them are kept: not hidden, nor -inf."""
    rows, columns = np.asarray(queries)[:, None], np.asarray(keys)[None, :]
    names = {**view.sizes, "q": rows, "k": columns, "b": view.head[0], "h": view.head[1]}
    scores = np.zeros((rows.size, columns.size))
    kept = np.ones(scores.shape, bool)
    for step in view.steps:
        match step:
            case Contract(transposed=True):
                scores = view.query[rows[:, 0]] @ view.key[columns[0]].T * _scale(view)
            case Map(_, expr):
                tensors = _tensors(view, expr, rows, columns)
                found = evaluate(expr, {**names, "s": scores}, tensors)
                scores = np.broadcast_to(found, scores.shape)
            case Hide(_, expr, value=hidden):
                tensors = _tensors(view, expr, rows, columns)
                keep = evaluate(expr, {**names, "s": scores}, tensors)
                kept = kept & keep
                scores = np.where(kept, scores, hidden)
    return scores, kept & (scores != -np.inf)


def _scale(view: TilesView) -> float:
    """What the queries are multiplied with when they are loaded."""
    scales = [step.scale for step in view.program.prologue if isinstance(step, Load)]
    return float(np.prod([evaluate(scale, view.sizes, {}) for scale in scales if scale]))


def _tensors(view: TilesView, expr: Expr, rows: NDArray, columns: NDArray) -> Mapping[str, NDArray]:
    """The tensors of an expression: whole for a gather, else the elements at these scores."""
    found = {name: view.captured[name] for name in tensors_in(expr)}
    for name in tensors_in(expr, gathered=False):
        found[name] = _elements(of_head(view.captured[name], view.head), rows, columns)
    return found


def of_head(tensor: NDArray, head: tuple[int, int]) -> NDArray:
    """The last two dims of a head; batch dims may lack, be 1 for all, and are 0 before `b`."""
    outer = max(0, tensor.ndim - 2)
    wanted = [0] * max(0, outer - 2) + [*head][2 - min(outer, 2) :]
    sizes = tensor.shape[:outer]
    place = tuple(min(i, size - 1) for i, size in zip(wanted, sizes, strict=True))
    return np.asarray(tensor[place])


def _elements(matrix: NDArray, rows: NDArray, columns: NDArray) -> NDArray:
    """What broadcasts with the scores of these rows and columns."""
    indices: list[Any] = [rows[:, 0], columns[0]][2 - matrix.ndim :]
    for axis, index in enumerate(indices):
        if matrix.shape[axis] != 1:
            matrix = np.take(matrix, index, axis)
    return matrix


def parts(view: TilesView, step: tuple[int, int]) -> dict[tuple[int, int], NDArray]:
    """What the mask leaves of the visited tiles: the number of kept scores in each part.

    Parts hold `step` queries and keys, fewer at the ends. Tiles that are kept whole are left
    out, unless something else than the mask may hide their scores. Raises DiagnosticError (E083)
    if these are too many scores.
    """
    asked = [PARTIAL, FULL] if any(isinstance(s, Map) for s in view.steps) else [PARTIAL]
    places = [(int(row), int(column)) for row, column in np.argwhere(np.isin(view.tiles, asked))]
    _check(len(places) * view.program.query_tile * view.program.key_tile)
    return {(row, column): _kept(view, row, column, step) for row, column in places}


def _kept(view: TilesView, row: int, column: int, step: tuple[int, int]) -> NDArray:
    _, kept = tile_scores(view, view.queries(row), view.keys(column))
    counts = kept.astype(np.int64)
    for axis in (0, 1):
        counts = np.add.reduceat(counts, np.arange(0, kept.shape[axis], step[axis]), axis)
    return counts


def _check(scores: int) -> None:
    if scores > MAX_SCORES:
        message = f"the mask would have to be asked at {scores:,} scores"
        raise cannot_show(message, "give smaller sizes with --set, or smaller tiles")
