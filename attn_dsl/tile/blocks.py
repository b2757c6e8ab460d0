"""The blocks of scores that the loops over the keys of one head compute, at given sizes.

Tiles of one size, or, where a program has an `edge_tile`, large ones between the edges of the
mask and small ones at them, of which the queries that see no key are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attn_dsl.expr import FALSE, Expr, evaluate
from attn_dsl.tile.count import EMPTY, PARTIAL, map_of
from attn_dsl.tile.grid import Arrays, Grid, NDArray, make_grid
from attn_dsl.tile.program import Hide, TileProgram

BORDERS = ("q_first", "q_last", "k_first", "k_last")


@dataclass(frozen=True)
class Blocks:
    """An element for each block: where it begins, how many `rows` and `keys` it has.

    `asked` says for each condition of the mask where it is asked.
    """

    q_first: NDArray
    k_first: NDArray
    rows: NDArray
    keys: NDArray
    asked: Mapping[Hide, NDArray]


def blocks_of(
    program: TileProgram, sizes: Mapping[str, int], tensors: Arrays, head: tuple[int, int]
) -> Blocks:
    """The blocks of one head; captured tensors that are not given make tiles partial."""
    grid = make_grid(program, sizes, tensors, head)
    if program.by_edges and all(r.low.name in grid.ends for r in program.ranges):
        return _edge_blocks(program, grid)
    tiles = map_of(program, grid)
    visited = tiles != EMPTY
    borders = {name: np.broadcast_to(grid.names[name], tiles.shape)[visited] for name in BORDERS}
    return _blocks(borders, dict.fromkeys(_conditions(program), (tiles == PARTIAL)[visited]))


def _edge_blocks(program: TileProgram, grid: Grid) -> Blocks:
    found = list(_between_edges(program, grid))
    empty = {name: np.zeros(0, np.int64) for name in BORDERS}
    borders = {name: np.concatenate([empty[name], *(b[name] for b in found)]) for name in BORDERS}
    one_by_one = replace(grid, shape=borders["q_first"].shape, names={**grid.names, **borders})
    asked = {hide: ~one_by_one.ask(hide.full, FALSE) for hide in _conditions(program)}
    return _blocks(borders, asked)


def _blocks(borders: Mapping[str, NDArray], asked: Mapping[Hide, NDArray]) -> Blocks:
    q_first, q_last, k_first, k_last = (borders[name] for name in BORDERS)
    return Blocks(q_first, k_first, q_last + 1 - q_first, k_last + 1 - k_first, asked)


def _conditions(program: TileProgram) -> list[Hide]:
    return [step for step in program.body if isinstance(step, Hide) and step.given is None]


def _between_edges(program: TileProgram, grid: Grid) -> Iterator[dict[str, NDArray]]:
    """The borders of the blocks of each query tile."""
    keys, edges = program.keys, program.edges
    assert edges is not None
    length = int(grid.names["k_last"].max(initial=-1)) + 1
    for q_first, q_last in zip(
        *(grid.names[n].ravel() for n in ("q_first", "q_last")), strict=True
    ):
        names = {**grid.names, "q_first": q_first, "q_last": q_last}
        begin, full_begin = (_at(b, names, grid, 0, max) for b in (keys.begin, edges.full_begin))
        full_end, end = (_at(b, names, grid, length, min) for b in (edges.full_end, keys.end))
        k_first, k_last = _spans(program, begin, full_begin, full_end, end)
        names |= {"k_first": k_first, "k_last": k_last}
        least = _at(edges.first_query, names, grid, q_first, np.maximum)
        last = _at(edges.end_query, names, grid, q_last + 1, np.minimum) - 1
        borders = {"q_first": least, "q_last": last, "k_first": k_first, "k_last": k_last}
        spread = {name: np.broadcast_to(border, k_first.shape) for name, border in borders.items()}
        seen = spread["q_first"] <= spread["q_last"]
        yield {name: border[seen] for name, border in spread.items()}


def _at(bound: Expr | None, names: Mapping[str, Any], grid: Grid, limit: Any, tighter: Any) -> Any:
    """A bound within its limit."""
    return limit if bound is None else tighter(limit, evaluate(bound, names, grid.ends))


def _spans(
    program: TileProgram, begin: int, full_begin: int, full_end: int, end: int
) -> tuple[NDArray, NDArray]:
    """First and last key of each tile, as the kernels that have an `edge_tile` find them."""
    edge = program.edge_tile
    assert edge is not None
    if begin >= end:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begin = begin // edge * edge
    full_begin = min(max(begin, -(-full_begin // edge) * edge), end)
    full_end = min(max(full_begin, full_end // edge * edge), end)
    parts = (
        np.arange(begin, full_begin, edge),
        np.arange(full_begin, full_end, program.key_tile),
        np.arange(full_end, end, edge),
    )
    first = np.concatenate(parts).astype(np.int64)
    return first, np.append(first[1:], end) - 1
