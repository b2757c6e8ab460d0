"""What a tile program costs, from the program alone: FLOPs, bytes moved, memory on chip.

The model is that of "FlashAttention on a Napkin" (arXiv 2412.03317): the program says which
tiles it visits and what each step moves from one memory to another, so costs are sums over the
tiles. There are no times in it, and no caches beside those that the program names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from math import prod

import numpy as np

from attn_dsl.expr import Expr, Tensor, names_in, tensors_in, walk
from attn_dsl.ir import Dim
from attn_dsl.tile.blocks import Blocks, blocks_of
from attn_dsl.tile.grid import Arrays, NDArray, check_tiles
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

    `tiles` are computed, and `masked` counts the conditions of the mask that these have to ask.
    `flops` are those of the products, a multiplication and an addition counting as two;
    `loaded` and `stored` are bytes between global memory and the tiles. Optional inputs, and
    the ranges of captured tensors, which are read once a call, are not in it.
    """

    tiles: int = 0
    masked: int = 0
    flops: int = 0
    loaded: int = 0
    stored: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: int) -> Cost:
        return Cost(*(factor * number for number in astuple(self)))


def cost(program: TileProgram, sizes: Sizes, tensors: Arrays | None = None) -> Cost:
    """What a call costs; captured tensors that are not given make tiles partial, as they may.

    `sizes` has every symbol; `...` counts as no batch dims. Raises TooManyTiles.
    """
    queries = program.query_length.value(sizes)
    tiles = Extent({ROWS: queries})
    total = Cost()
    for count, blocks in _heads(program, sizes, tensors or {}):
        visited = _extent(blocks.rows, blocks.keys)
        found = Cost(tiles=visited[TILES])
        for step in (*program.prologue, *program.epilogue):
            found += _cost_of(program, step, tiles, sizes)
        for step in program.body:
            extent = visited
            if isinstance(step, Hide) and step.given is None:
                asked = blocks.asked[step]
                extent = _extent(blocks.rows[asked], blocks.keys[asked])
                found += Cost(masked=extent[TILES])
            found += _cost_of(program, step, extent, sizes)
        total += found * count
    return total


def _cost_of(program: TileProgram, step: Step, extent: Extent, sizes: Sizes) -> Cost:
    """What a step costs on the tiles on which it is done."""
    match step:
        case Load(into, source, axis):
            row = _bytes(program.buffer(source).dtype.size, program.buffer(into).shape[1:], sizes)
            return Cost(loaded=extent[frozenset(axis)] * row)
        case Store(into, buffer):
            row = _bytes(program.buffer(into).dtype.size, program.buffer(buffer).shape[1:], sizes)
            return Cost(stored=extent[ROWS] * row)
        case Contract(into, lhs, _, transposed):
            inner = program.buffer(lhs if transposed else into).shape[1].value(sizes)
            return Cost(flops=2 * inner * extent[SCORES])
        case Map(_, expr, None) | Hide(_, expr, _, None):
            return Cost(loaded=sum(_read(program, expr, extent)))
    return Cost()


def _read(program: TileProgram, expr: Expr, extent: Extent) -> Iterator[int]:
    """The bytes of each element that an expression reads, wherever it needs it."""
    for node in walk(expr):
        if isinstance(node, Tensor):
            at_score = node.indices is None or bool(tensors_in(node, gathered=False))
            axes = SCORES if at_score else SCORES & names_in(node)
            yield extent[axes] * program.buffer(node.name).dtype.size


def _heads(program: TileProgram, sizes: Sizes, tensors: Arrays) -> Iterator[tuple[int, Blocks]]:
    """The blocks of each head, and how many heads have the same."""
    batch = [dim.value(sizes) for dim in program.batch]
    outer = prod(batch[:-2])
    if not program.differs_by("b", "h"):
        yield outer * prod(batch[-2:]), blocks_of(program, sizes, tensors, (0, 0))
        return
    check_tiles(prod(batch[-2:]) * program.query_length.value(sizes) // program.query_tile)
    for b, h in np.ndindex(*([1] * (2 - len(batch)) + batch[-2:])):
        yield outer, blocks_of(program, sizes, tensors, (b, h))


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
    made: list[Step] = [s for s in program.prologue if isinstance(s, Load) and s.scale is not None]
    steps = [s for s in program.body if getattr(s, "given", None) is None]
    made += [s for s in steps if isinstance(s, Contract) and s.transposed]
    made += [s for s in steps if isinstance(s, Map | Exponentiate)]
    made += [s for s in steps if isinstance(s, Hide)][:1]  # one mask, in parts
    size = program.buffer("out").dtype.size
    return least_traffic(program, sizes) + 2 * len(made) * _bytes(size, scores, sizes)


def on_chip(program: TileProgram, sizes: Sizes) -> int:
    """The bytes of the buffers that a tile has in cache and in registers."""
    buffers = (b for b in program.buffers if b.tier is not Tier.GLOBAL)
    return sum(_bytes(b.dtype.size, b.shape, sizes) for b in buffers)


def _bytes(size: int, shape: Iterable[Dim], sizes: Sizes) -> int:
    return size * prod(dim.value(sizes) for dim in shape)
