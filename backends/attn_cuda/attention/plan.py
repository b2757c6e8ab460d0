"""Which tiles a fused operation is computed in on a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attn_cuda.attention.split import Split, split_of
from attn_cuda.attention.tile_ranges import TileRanges, tile_ranges_of
from attn_cuda.attention.tiling import Tiling, of_fragments, of_groups
from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.unit import HALVES, Shape, Unit, four
from attn_cuda.kernels.kernel import Operand, index_names
from attn_dsl.expr import FALSE, SCORE, TRUE, Binary, Call, Expr, Number, evaluate, names_in, walk
from attn_dsl.ir import Statement, TensorType
from attn_dsl.ir.ops import TiledAttention, TiledScores
from attn_dsl.tile import (
    Begin,
    Buffer,
    KeyLoop,
    Load,
    Map,
    Pages,
    Tier,
    TileProgram,
    range_kinds,
    schedule,
)

DIVISIONS = ("/", "//", "%", "**")


@dataclass(frozen=True)
class Attention:
    """A fused statement with its plan, and the log-sum-exp that comes `beside` an attention."""

    unit: Unit
    statement: Statement
    op: TiledScores
    program: TileProgram
    tiling: Tiling
    beside: Statement | None = None

    @property
    def kernel(self) -> str:
        """The kernel's name."""
        return self.unit.kernels[self.statement.name]

    @property
    def has_values(self) -> bool:
        """Whether it is an attention, and not a log-sum-exp alone."""
        return isinstance(self.op, TiledAttention)

    @property
    def is_softmax(self) -> bool:
        """Whether weights are exponentials of scores, and not the scores."""
        return not isinstance(self.op, TiledAttention) or self.op.normalizer == "softmax"

    @property
    def element(self) -> str:
        """The type of an element of queries, keys and values."""
        return self.program.buffer("query").dtype.value

    @property
    def scale(self) -> Expr | None:
        """The scale of the scores."""
        loads = (step.scale for step in self.program.prologue if isinstance(step, Load))
        return next(loads, None)

    @property
    def scaled_late(self) -> bool:
        """Whether the scale can wait for the exponential: it is positive, and nothing between."""
        scale, constants = self.scale, self.unit.constants
        if not self.tiling.row_tiles or not self.is_softmax or scale is None:
            return False
        between = (*self.program.prologue, *self.program.body)
        if any(isinstance(step, Map | Begin) for step in between):
            return False
        return names_in(scale) <= {*constants} and evaluate(scale, constants, {}).item() > 0

    @property
    def later_tiles_are_longer(self) -> bool:
        """Whether a tile sees more keys the later its queries come, as with a causal mask."""
        begin, end = self.loop.begin, self.loop.end
        return begin is None and end is not None and "q_last" in names_in(end)

    def tier(self, buffer: Buffer) -> Tier:
        """Where a buffer lies: on tensor cores, weights stay in registers."""
        in_registers = buffer.name == "weights" and self.tiling.row_tiles
        return Tier.REGISTER if in_registers else buffer.tier

    @property
    def between(self) -> dict[str, TensorType]:
        """What its kernels leave to each other."""
        split, ranges = self.split, self.ranges
        return {**(split.memory if split else {}), **(ranges.memory if ranges else {})}

    @property
    def operands(self) -> list[Operand]:
        """The tensors that the kernel is given, the results last."""
        axes = {
            self.program.buffer(load.source).value: _pool_axes(load.pages)
            for load in self.program.body
            if isinstance(load, Load) and load.pages is not None
        }
        loads = (s for s in (*self.program.prologue, *self.program.body) if isinstance(s, Load))
        pieces = {self.program.buffer(s.source).value for s in loads if self.tiling.row_tiles}
        read = [
            Operand(value, axes=axes.get(value, (0, 1, 2, 3)), rows=value in pieces)
            for value in self.op.operands
        ]
        parts = self.split.operands(written=True) if self.split else ()
        ranges = self.ranges.operands(written=False) if self.ranges else ()
        return [*read, *ranges, *self.results, *parts]

    @property
    def results(self) -> list[Operand]:
        """What the kernel writes: the result, and the log-sum-exp beside it."""
        return [self._result(buffer) for buffer in self.program.results]

    @property
    def ranges(self) -> TileRanges | None:
        """What conditions on tiles mention of the keys, if a kernel before this one finds it."""
        if not self.tiling.row_tiles:
            return None
        batch, heads, _, _ = self.shape
        name, program = self.statement.name, self.program
        return tile_ranges_of(self.unit, name, program, self.loop, (batch, heads))

    @property
    def split(self) -> Split | None:
        """How blocks share few queries, if they may."""
        if not (self.tiling.row_tiles and self.has_values and self.is_softmax):
            return None
        batch, heads, _, width = self.shape
        queries, keys = self.program.query_length, self.program.key_length
        return split_of(self.unit, self.statement.name, queries, keys, (batch, heads), width)

    @staticmethod
    def _result(buffer: Buffer) -> Operand:
        """A result by rows; one number a row has no columns, and its last axis is that of rows."""
        assert buffer.value is not None
        axes = (0, 1, 2, 3) if len(buffer.shape) > 1 else (1, 2, 3, 0)
        return Operand(buffer.value, written=True, axes=axes)

    @property
    def shape(self) -> Shape:
        """The dims of the scores, or of the result: batch, head, rows, and what is not walked."""
        if isinstance(self.op, TiledAttention):
            return self.unit.shape(self.statement.name)
        return four(self.op.scores_type(self.unit.graph.types))

    def printer(self) -> CudaPrinter:
        """Prints the kernel's expressions. `b` and `h` count the scores' batch dims."""
        scores = four(self.op.scores_type(self.unit.graph.types))
        names = {**index_names(scores), "q": "q", "k": "k"}
        return CudaPrinter(self.unit, names, ranges=range_kinds(self.program.ranges))

    @property
    def loop(self) -> KeyLoop:
        """The bounds of the loop over keys; a mask that is never true leaves no keys."""
        keys = self.program.keys
        if fold(keys.live) == FALSE:
            return KeyLoop(None, Number(0), TRUE)
        return keys


def _pool_axes(pages: Pages) -> tuple[int, int, int, int]:
    """The axes of a pool, of four dims with ones before them: page, head, row, column."""
    if pages.heads is None:
        return 1, 0, 2, 3
    return (0, 1, 2, 3) if pages.axis == -2 else (0, 2, 1, 3)


def plan(unit: Unit, statement: Statement, op: TiledScores, beside: Statement | None) -> Attention:
    """Choose tiles for the statement and schedule it."""
    query = unit.graph.types[op.query]
    head = query.dims[-1].value(unit.constants)
    has_values = isinstance(op, TiledAttention)
    value = statement.type.dims[-1].value(unit.constants) if has_values else 0
    if query.dtype in HALVES:
        tiling = of_fragments(head, value, query.dims[-2].constant, _is_plain(op))
    else:
        tiling = of_groups(head, value, _is_plain(op))
    program = schedule(unit.graph, statement, tiling.sizes, beside)
    attention = Attention(unit, statement, op, program, tiling, beside)
    return replace(attention, unit=replace(unit, between=attention.between))


def _is_plain(op: TiledScores) -> bool:
    """Whether little is done with a score: it is compared with sums of indices, if at all."""
    parts = walk(op.mask)
    hard = any(isinstance(p, Call) or (isinstance(p, Binary) and p.op in DIVISIONS) for p in parts)
    return op.score == SCORE and not op.captured and not hard
