"""What a picture of tiles shows: one head of a fused attention, at given sizes, with its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from attn_dsl.diagnostics import Diagnostic, DiagnosticError, Span
from attn_dsl.ir import Dim
from attn_dsl.tile import Hide, Step, TileCount, TileProgram, tile_map

NDArray = np.ndarray[Any, Any]
SKIPPED, PARTIAL, FULL = 0, 1, 2
MAX_SIDE, MAX_TILES = 128, 4096
"""How many tiles a picture has along an axis, and in all: beyond it none could be told apart."""


@dataclass(frozen=True)
class TilesView:
    """One head, `(b, h)`, of the fused attention that `program` plans.

    `query` `[N, D]` and `key` `[M, D]` are that head's, float64; `captured` are whole tensors by
    value; `absent` are the optional ones among them that are not given. `symbols` are the values'
    short names by buffer (`query`, `key`, `value`, `out`, `lse_out`), `formula` what is computed,
    `title` of what, and `notes` what else a reader has to know, such as where the inputs come from.
    """

    title: str
    program: TileProgram
    sizes: Mapping[str, int]
    head: tuple[int, int]
    query: NDArray
    key: NDArray
    captured: Mapping[str, NDArray]
    absent: frozenset[str] = frozenset()
    symbols: Mapping[str, str] = field(default_factory=dict)
    formula: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def size(self, dim: Dim) -> int:
        """The number that a dim stands for here."""
        return dim.value(self.sizes)

    @cached_property
    def tiles(self) -> NDArray:
        """int8 `[query tiles, key tiles]`: SKIPPED, PARTIAL or FULL.

        A mask that is optional and given has to be asked on each tile that is visited.
        """
        optional = {b.name for b in self.program.captured if b.optional}
        known = {name: a for name, a in self.captured.items() if name not in optional}
        found = tile_map(self.program, self.sizes, known, self.head)
        asks = any(isinstance(step, Hide) and step.given for step in self.steps)
        return np.where(found == FULL, PARTIAL, found) if asks else found

    @cached_property
    def count(self) -> TileCount:
        """How many tiles are full, partial and skipped."""
        full, partial, skipped = (int((self.tiles == k).sum()) for k in (FULL, PARTIAL, SKIPPED))
        return TileCount(full, partial, skipped)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the loop that are done: not those for a tensor that is not given."""
        body = self.program.body
        return tuple(step for step in body if getattr(step, "given", None) not in self.absent)

    def queries(self, row: int) -> range:
        """The queries of a row of tiles."""
        return _part(row, self.program.query_tile, len(self.query))

    def keys(self, column: int) -> range:
        """The keys of a column of tiles."""
        return _part(column, self.program.key_tile, len(self.key))

    def visited(self, row: int) -> list[int]:
        """The key tiles that the loop of a row of tiles goes through, in its order."""
        return [int(column) for column in np.flatnonzero(self.tiles[row] != SKIPPED)]


def _part(index: int, tile: int, length: int) -> range:
    return range(index * tile, min((index + 1) * tile, length))


def span(axis: str, places: range) -> str:
    """`queries 64–127`, `key 3`: the first and the last."""
    if len(places) > 1:
        return f"{axis} {places[0]}–{places[-1]}"
    return f"{ {'queries': 'query', 'keys': 'key'}[axis] } {places[0]}"


def check_side(queries: int, keys: int) -> None:
    """Raise DiagnosticError (E083) for more tiles than a picture can show."""
    if queries < 1 or keys < 1:
        raise cannot_show("there are no scores: a length is 0", "give other inputs")
    if max(queries, keys) > MAX_SIDE or queries * keys > MAX_TILES:
        message = f"{queries:,} × {keys:,} tiles are too many for a picture"
        limit = f"it shows {MAX_TILES:,}, and {MAX_SIDE} along an axis"
        help = f"{limit}: --tile-size gives larger tiles, --set smaller sizes"
        raise cannot_show(message, help)


def cannot_show(message: str, help: str, span: Span | None = None) -> DiagnosticError:
    """The error for tiles that cannot be shown as they are asked for."""
    return DiagnosticError([Diagnostic("E083", message, span, help=help)])
