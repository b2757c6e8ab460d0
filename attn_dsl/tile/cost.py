"""What a tile program costs, from the program alone: FLOPs, bytes moved, memory on chip.

The model is that of "FlashAttention on a Napkin" (arXiv 2412.03317): the program says which
tiles it visits and what each step moves from one memory to another, so costs are sums over the
tiles. There are no times in it, and no caches beside those that the program names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from attn_dsl.expr import Expr, Tensor, names_in, tensors_in, walk
from attn_dsl.ir import Dim
from attn_dsl.tile.count import EMPTY, PARTIAL, map_of
from attn_dsl.tile.grid import Arrays, Grid, NDArray, make_grid
from attn_dsl.tile.program import (
    Contract,
    Exponentiate,
    Hide,
    Load,
    Map,
    Step,
    Store,
    Tier,
    TileProgram,
)

Sizes = Mapping[str, int]
Extent = Counter[frozenset[str]]
"""Sums over tiles, by the axes that are counted: rows ("q"), keys ("k"), scores (both), and the
tiles themselves (none)."""
TILES, ROWS, KEYS, SCORES = (frozenset(axes) for axes in ("", "q", "k", "qk"))


@dataclass(frozen=True)
class Cost:
    """Of one call, over all heads.

    `visited` tiles are computed, of these `partial` with the mask. `flops` are those of the
    products, a multiplication and an addition counting as two; `loaded` and `stored` are bytes
    between global memory and the tiles. Optional inputs, and the ranges of captured tensors,
    which are read once a call, are not in it.
    """

    visited: int = 0
    partial: int = 0
    flops: int = 0
    loaded: int = 0
    stored: int = 0


def cost(program: TileProgram, sizes: Sizes, tensors: Arrays | None = None) -> Cost:
    """What a call costs; captured tensors that are not given make tiles partial, as they may.

    `sizes` has every symbol; `...` counts as no batch dims.
    """
    queries, visited, partial = _extents(program, sizes, tensors or {})
    total = Counter(visited=visited[TILES], partial=partial[TILES])
    for step in (*program.prologue, *program.epilogue):
        total += _cost_of(program, step, queries, sizes)
    for step in program.body:
        total += _cost_of(program, step, partial if isinstance(step, Hide) else visited, sizes)
    return Cost(**total)


def _cost_of(program: TileProgram, step: Step, extent: Extent, sizes: Sizes) -> Counter[str]:
    """What a step costs on the tiles on which it is done, by the names that `Cost` has."""
    match step:
        case Load(into, source, axis):
            row = _bytes(program.buffer(source).dtype.size, program.buffer(into).shape[1:], sizes)
            return Counter(loaded=extent[frozenset(axis)] * row)
        case Store(into, buffer):
            row = _bytes(program.buffer(into).dtype.size, program.buffer(buffer).shape[1:], sizes)
            return Counter(stored=extent[ROWS] * row)
        case Contract(into, lhs, _, transposed):
            inner = program.buffer(lhs if transposed else into).shape[1].value(sizes)
            return Counter(flops=2 * inner * extent[SCORES])
        case Map(_, expr, None) | Hide(_, expr, _, None):
            return Counter(loaded=sum(_read(program, expr, extent)))
    return Counter()


def _read(program: TileProgram, expr: Expr, extent: Extent) -> Iterator[int]:
    """The bytes of each element that an expression reads, wherever it needs it."""
    for node in walk(expr):
        if isinstance(node, Tensor):
            at_score = node.indices is None or bool(tensors_in(node, gathered=False))
            axes = SCORES if at_score else SCORES & names_in(node)
            yield extent[axes] * program.buffer(node.name).dtype.size


def _extents(program: TileProgram, sizes: Sizes, tensors: Arrays) -> tuple[Extent, Extent, Extent]:
    """Of all heads: the tiles of queries; of these and keys those visited, and the partial ones."""
    batch = [dim.value(sizes) for dim in program.batch]
    alike = 1 if _depends_on_head(program) else prod(batch[-2:])
    heads = np.ndindex(*([1] * (2 - len(batch)) + batch[-2:])) if alike == 1 else [(0, 0)]
    total = [Extent(), Extent(), Extent()]
    for b, h in heads:
        for extent, more in zip(total, _of_head(program, sizes, tensors, (b, h)), strict=True):
            extent.update(more)
    factor = alike * prod(batch[:-2])
    queries, visited, partial = (Extent({a: factor * n for a, n in e.items()}) for e in total)
    return queries, visited, partial


def _depends_on_head(program: TileProgram) -> bool:
    expressions = [program.live, program.full, *(r.expr for r in program.ranges)]
    read_at_score = any(tensors_in(r.expr, gathered=False) for r in program.ranges)
    return read_at_score or any(names_in(expr) & {"b", "h"} for expr in expressions)


def _of_head(
    program: TileProgram, sizes: Sizes, tensors: Arrays, head: tuple[int, int]
) -> Iterator[Extent]:
    grid = make_grid(program, sizes, tensors, head)
    tiles = map_of(program, grid)
    rows = np.broadcast_to(grid.names["q_last"] + 1 - grid.names["q_first"], tiles.shape)
    keys = np.broadcast_to(_keys_within_bounds(program, grid), tiles.shape)
    yield _extent(rows[:, :1], np.zeros((len(rows), 1), int))
    yield _extent(rows[tiles != EMPTY], keys[tiles != EMPTY])
    yield _extent(rows[tiles == PARTIAL], keys[tiles == PARTIAL])


def _keys_within_bounds(program: TileProgram, grid: Grid) -> NDArray:
    """How many keys of a tile are within the bounds of the loop, for every tile."""
    last = int(grid.names["k_last"].max(initial=-1))
    begin: NDArray = np.maximum(grid.names["k_first"], grid.bound(program.keys.begin, 0))
    end = np.minimum(grid.names["k_last"] + 1, grid.bound(program.keys.end, last + 1))
    count: NDArray = end - begin
    return count


def _extent(rows: NDArray, keys: NDArray) -> Extent:
    sums = {TILES: rows.size, ROWS: rows.sum(), KEYS: keys.sum(), SCORES: (rows * keys).sum()}
    return Extent({axes: int(number) for axes, number in sums.items()})


def least_traffic(program: TileProgram, sizes: Sizes) -> int:
    """The bytes of the inputs, each read once, and of the result, written once."""
    buffers = (b for b in program.buffers if b.tier is Tier.GLOBAL and not b.optional)
    return sum(_bytes(b.dtype.size, (*b.outer, *b.shape), sizes) for b in buffers)


def unfused_traffic(program: TileProgram, sizes: Sizes) -> int:
    """The bytes that the drawn operations move one by one: each score is written, and read again.

    That is done to the product, what is made of it by scale, score and mask, and the weights.
    """
    scores = (*program.batch, program.query_length, program.key_length)
    scaled = sum(isinstance(step, Load) and step.scale is not None for step in program.prologue)
    changes = sum(
        isinstance(step, Exponentiate | Map | Hide)
        or (isinstance(step, Contract) and step.transposed)
        for step in program.body
        if getattr(step, "given", None) is None
    )
    passes = 2 * (scaled + changes)
    size = program.buffer("out").dtype.size
    return least_traffic(program, sizes) + passes * _bytes(size, scores, sizes)


def on_chip(program: TileProgram, sizes: Sizes) -> int:
    """The bytes of the buffers that a tile has in cache and in registers."""
    buffers = (b for b in program.buffers if b.tier is not Tier.GLOBAL)
    return sum(_bytes(b.dtype.size, b.shape, sizes) for b in buffers)


def _bytes(size: int, shape: Iterable[Dim], sizes: Sizes) -> int:
    return size * prod(dim.value(sizes) for dim in shape)
