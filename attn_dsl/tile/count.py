"""Which tiles a program computes at given sizes, from the analysis alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_dsl.expr import (
    FALSE,
    TRUE,
    Binary,
    Expr,
    conjunction,
    disjunction,
    evaluate,
    tensors_in,
)
from attn_dsl.tile.program import TileProgram
from attn_dsl.tile.ranges import Range

NDArray = np.ndarray[Any, Any]
EMPTY, PARTIAL, FULL = 0, 1, 2


@dataclass(frozen=True)
class TileCount:
    """Tiles of one head: computed without the mask, with it, and not at all."""

    full: int
    partial: int
    skipped: int


def count_tiles(
    program: TileProgram,
    sizes: Mapping[str, int],
    tensors: Mapping[str, NDArray] | None = None,
    head: tuple[int, int] = (0, 0),
) -> TileCount:
    """Count the tiles of a head, as `tile_map` has them."""
    tiles = tile_map(program, sizes, tensors, head)
    full, partial, empty = (int((tiles == kind).sum()) for kind in (FULL, PARTIAL, EMPTY))
    return TileCount(full, partial, empty)


def tile_map(
    program: TileProgram,
    sizes: Mapping[str, int],
    tensors: Mapping[str, NDArray] | None = None,
    head: tuple[int, int] = (0, 0),
) -> NDArray:
    """int8 `[query tiles, key tiles]`: 0 for an empty tile, 1 for a partial one, 2 for a full one.

    `tensors` are captured ones by name; of one that is not given nothing is known, so it makes
    no tile empty or full. `head` is the batch and the head; optional masks count as not given.
    Time and memory grow with the number of tiles, and with the lengths: not with their product.
    """
    borders = tile_borders(program, sizes)
    names = {**sizes, **borders, "b": head[0], "h": head[1]}
    given = tensors or {}
    known = [r for r in program.ranges if set(tensors_in(r.expr)) <= given.keys()]
    ends = {name: end for r in known for name, end in _ends(program, r, names, given).items()}
    shape = (borders["q_first"].size, borders["k_first"].size)

    def ask(condition: Expr, otherwise: Expr) -> NDArray:
        found = evaluate(_where_known(condition, ends, otherwise), names, ends)
        return np.broadcast_to(found, shape).astype(bool)

    live, full = ask(program.live, TRUE), ask(program.full, FALSE)
    return live.astype(np.int8) + (live & full)


def tile_borders(program: TileProgram, sizes: Mapping[str, int]) -> dict[str, NDArray]:
    """The first and the last query of every tile, as columns, and the keys, as rows."""
    queries, keys = program.query_length.value(sizes), program.key_length.value(sizes)
    q_first = np.arange(0, queries, program.query_tile)[:, None]
    k_first = np.arange(0, keys, program.key_tile)[None, :]
    return {
        "q_first": q_first,
        "q_last": np.minimum(q_first + program.query_tile, queries) - 1,
        "k_first": k_first,
        "k_last": np.minimum(k_first + program.key_tile, keys) - 1,
    }


def _where_known(condition: Expr, known: Collection[str], otherwise: Expr) -> Expr:
    """The condition, with `otherwise` for the parts that mention what is not known."""
    match condition:
        case Binary("and", lhs, rhs):
            sides = (_where_known(side, known, otherwise) for side in (lhs, rhs))
            return conjunction(*sides)
        case Binary("or", lhs, rhs):
            sides = (_where_known(side, known, otherwise) for side in (lhs, rhs))
            return disjunction(*sides)
    return condition if all(name in known for name in tensors_in(condition)) else otherwise


def _ends(
    program: TileProgram, range: Range, names: Mapping[str, Any], tensors: Mapping[str, NDArray]
) -> dict[str, NDArray]:
    """The least and the greatest value of a range over every tile, to broadcast with borders."""
    queries, keys = (names[end].max(initial=-1) + 1 for end in ("q_last", "k_last"))
    indices = {"q": np.arange(queries)[:, None], "k": np.arange(keys)[None, :]}
    elements = {name: tensors[name] for name in tensors_in(range.expr)}
    for name in tensors_in(range.expr, gathered=False):
        elements[name] = _of_head(tensors[name], names["b"], names["h"])
    values = np.asarray(evaluate(range.expr, {**names, **indices}, elements))
    if range.axis:
        tile = program.query_tile if range.axis == "q" else program.key_tile
        shape = (queries, 1) if range.axis == "q" else (1, keys)
        low, high = tile_range(np.broadcast_to(values, shape), tile, "qk".index(range.axis))
        return {range.low.name: low, range.high.name: high}
    return {range.name: values}


def _of_head(tensor: NDArray, b: int, h: int) -> NDArray:
    """The rows and columns of one head, of a tensor that may lack leading dims, or repeat."""
    for index in (b, h)[max(0, 4 - tensor.ndim) :]:
        tensor = tensor[min(index, len(tensor) - 1)]
    return tensor


def tile_range(values: NDArray, tile: int, axis: int) -> tuple[NDArray, NDArray]:
    """The least and the greatest of every `tile` values along an axis; NaN if one is not finite."""
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.nan)
    first = np.arange(0, values.shape[axis], tile)
    low, high = (f.reduceat(values, first, axis) for f in (np.minimum, np.maximum))
    return low, high
