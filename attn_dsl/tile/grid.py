"""The tiles of one head at given sizes, as arrays: their borders, and ranges over each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attn_dsl.expr import Binary, Expr, conjunction, disjunction, evaluate, tensors_in
from attn_dsl.tile.program import TileProgram
from attn_dsl.tile.ranges import Range

NDArray = np.ndarray[Any, Any]
Arrays = Mapping[str, NDArray]


MAX_TILES = 2**24
"""How many tiles are looked at one by one: some seconds, and some hundred megabytes."""


class TooManyTiles(ValueError):
    """Sizes at which there are too many tiles to look at each of them."""


def check_tiles(number: int) -> None:
    """Raise TooManyTiles for more than MAX_TILES."""
    if number > MAX_TILES:
        raise TooManyTiles(f"{number:,} tiles are too many to count")


@dataclass(frozen=True)
class Grid:
    """Sizes, indices and borders by name, and the ends of ranges: rows × columns of tiles.

    Borders and ranges of queries are columns, those of keys rows, so that all broadcast.
    """

    shape: tuple[int, ...]
    names: Mapping[str, Any]
    ends: Arrays

    def ask(self, condition: Expr, otherwise: Expr) -> NDArray:
        """A condition for every tile; `otherwise` stands for the parts of it that are not known."""
        found = evaluate(_where_known(condition, self.ends, otherwise), self.names, self.ends)
        return np.broadcast_to(found, self.shape).astype(bool)

    def bound(self, bound: Expr | None, otherwise: int) -> NDArray:
        """A bound of the loop over keys for each row of tiles, as a column."""
        known = bound is not None and all(name in self.ends for name in tensors_in(bound))
        found = evaluate(bound, self.names, self.ends) if known and bound else otherwise
        return np.broadcast_to(found, (self.shape[0], 1))


def make_grid(
    program: TileProgram, sizes: Mapping[str, int], tensors: Arrays, head: tuple[int, int]
) -> Grid:
    """The grid of one head. Ranges of tensors that are not given are not known.

    Raises TooManyTiles where it would have more than can be looked at.
    """
    rows = -(-program.query_length.value(sizes) // program.query_tile)
    check_tiles(rows * -(-program.key_length.value(sizes) // program.key_tile))
    borders = _borders(program, sizes)
    shape = (borders["q_first"].size, borders["k_first"].size)
    names = {**sizes, **borders, "b": head[0], "h": head[1]}
    known = [r for r in program.ranges if set(tensors_in(r.expr)) <= tensors.keys()]
    ends = {name: end for r in known for name, end in _ends(program, r, names, tensors).items()}
    return Grid(shape, names, ends)


def _borders(program: TileProgram, sizes: Mapping[str, int]) -> dict[str, NDArray]:
    queries, keys = program.query_length.value(sizes), program.key_length.value(sizes)
    q_first = np.arange(0, queries, program.query_tile)[:, None]
    k_first = np.arange(0, keys, program.key_tile)[None, :]
    return {
        "q_first": q_first,
        "q_last": np.minimum(q_first + program.query_tile, queries) - 1,
        "k_first": k_first,
        "k_last": np.minimum(k_first + program.key_tile, keys) - 1,
    }


def _ends(
    program: TileProgram, range: Range, names: Mapping[str, Any], tensors: Arrays
) -> dict[str, NDArray]:
    """The least and the greatest value of a range over every tile."""
    queries, keys = (names[last].max(initial=-1) + 1 for last in ("q_last", "k_last"))
    indices = {"q": np.arange(queries)[:, None], "k": np.arange(keys)[None, :]}
    elements = {name: tensors[name] for name in tensors_in(range.expr)}
    for name in tensors_in(range.expr, gathered=False):
        elements[name] = _of_head(tensors[name], names["b"], names["h"])
    values = np.asarray(evaluate(range.expr, {**names, **indices}, elements))
    if not range.axis:
        return {range.name: values}
    tile = program.query_tile if range.axis == "q" else program.key_tile
    shape = (queries, 1) if range.axis == "q" else (1, keys)
    low, high = tile_range(np.broadcast_to(values, shape), tile, "qk".index(range.axis))
    return {range.low.name: low, range.high.name: high}


def _of_head(tensor: NDArray, b: int, h: int) -> NDArray:
    """The rows and columns of one head, of a tensor that may lack leading dims, or repeat."""
    for index in (b, h)[max(0, 4 - tensor.ndim) :]:
        tensor = tensor[min(index, len(tensor) - 1)]
    return tensor


def tile_range(values: NDArray, tile: int, axis: int) -> tuple[NDArray, NDArray]:
    """The least and the greatest of every `tile` values along an axis; NaN if one is NaN."""
    first = np.arange(0, values.shape[axis], tile)
    low, high = (f.reduceat(values, first, axis) for f in (np.minimum, np.maximum))
    return low, high


def _where_known(condition: Expr, known: Collection[str], otherwise: Expr) -> Expr:
    """The condition, with `otherwise` for the parts that mention what is not known."""
    match condition:
        case Binary("and" | "or" as op, lhs, rhs):
            sides = (_where_known(side, known, otherwise) for side in (lhs, rhs))
            return conjunction(*sides) if op == "and" else disjunction(*sides)
    return condition if all(name in known for name in tensors_in(condition)) else otherwise
