"""What is printed where: the tile program, and what its parts are called in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attn_dsl.expr import Expr, names_in, tensors_in
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Buffer, Exponentiate, Hide, Load, Map, Step, TileProgram
from attn_numpy.counting import count_read
from attn_numpy.expressions import IN_A_TILE, Arrays
from attn_numpy.tile_map import dtypes_of

BY_ROW = ("query_tile", "maximum", "total", "accumulator")
"""The buffers with a row for each query of the tile."""


@dataclass(frozen=True)
class Site:
    """What is printed where.

    A job takes one head, or as many together as have so many `rows_together`. If `slices`, a
    step is about the rows `seen` alone. With `count`, it counts what it does.
    """

    out: TextBuilder
    program: TileProgram
    rows_together: int = 0
    slices: bool = False
    count: bool = False

    def sliced(self) -> Site:
        """The same, on some rows."""
        return replace(self, slices=True)

    def rows(self, buffer: str) -> str:
        """The rows of `buffer` that a step of the loop is about."""
        return f"{buffer}{self.of('seen')}" if self.slices and buffer in BY_ROW else buffer

    def of(self, rows: str, columns: str = ":") -> str:
        """The index of these rows, of each head if there are several."""
        inner = rows if columns == ":" else f"{rows}, {columns}"
        return f"[..., {rows}, {columns}]" if self.in_blocks else f"[{inner}]"

    def rows_by(self, columns: str) -> str:
        """The shape of an array with these columns and a row for each query of the tile."""
        rows = "*query_tile.shape[:-1]" if self.in_blocks else "q_end - q_begin"
        return f"({rows}, {columns})"

    @property
    def in_blocks(self) -> bool:
        """Whether a job takes several heads."""
        return self.rows_together > 0

    @property
    def head(self) -> str:
        """The index of the heads of a job."""
        return "head_block" if self.in_blocks else "head"

    @property
    def tile(self) -> str:
        """The index of the scores of a tile in a tensor of all scores."""
        return f"[{self.head}]{self.of('rows', 'keys')}"

    def of_map(self, name: str) -> str:
        """The row of the map `live` or `full` that is about the job's tiles."""
        if self.in_blocks:
            return f"{name}[head_block[:-1]][0, q_begin // QUERY_TILE]"
        return f"{name}[head][q_begin // QUERY_TILE]"

    @property
    def arrays(self) -> frozenset[str]:
        """The indices that are arrays in a tile."""
        return IN_A_TILE | {"h"} if self.in_blocks else IN_A_TILE

    @property
    def given(self) -> Arrays:
        """What the names in masks and scores stand for."""
        scalars = {buffer.name for buffer in self.program.captured if is_scalar(buffer)}

        def element(name: str) -> str:
            return name if name in scalars else f"{name}{self.tile}"

        given = Arrays(dtypes_of(self.program), element, self.arrays)
        return replace(given, read=count_read) if self.count else given

    @property
    def reads_tiles(self) -> bool:
        """Whether a mask or a score reads a tensor at the scores."""
        return any(tensors_in(expr, gathered=False) for expr in self._expressions)

    @property
    def indices(self) -> frozenset[str]:
        """The indices that masks and scores mention."""
        return frozenset().union(*map(names_in, self._expressions)) & {"q", "k"}

    @property
    def _expressions(self) -> list[Expr]:
        steps = [step for step in self.program.body if isinstance(step, Map | Hide)]
        return [step.score if isinstance(step, Map) else step.mask for step in steps]

    def maps_index(self, index: str) -> bool:
        """Whether a score expression mentions the index `q` or `k`."""
        scores = (step.score for step in self.program.body if isinstance(step, Map))
        return any(index in names_in(score) for score in scores)


def is_normalized(program: TileProgram) -> bool:
    """Whether the weights are those of a softmax."""
    return any(isinstance(step, Exponentiate) for step in program.body)


def is_bounded(program: TileProgram) -> bool:
    """Whether a look at all keys tells how large scores may be; not where they lie in pages."""
    return is_product(program) and not any(is_paged(step) for step in program.body)


def is_paged(step: Step) -> bool:
    """Whether it loads keys or values from pages."""
    return isinstance(step, Load) and step.pages is not None


def is_product(program: TileProgram) -> bool:
    """Whether a softmax takes products of queries and keys, but for what an optional input adds."""
    maps = [step for step in program.body if isinstance(step, Map)]
    return is_normalized(program) and all(step.given is not None for step in maps)


def is_scalar(buffer: Buffer) -> bool:
    """Whether it is one number for all scores."""
    return not buffer.shape and not buffer.optional
