"""Which tiles a fused operation is computed in on a GPU."""

from __future__ import annotations

from dataclasses import dataclass

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.unit import Shape, Unit, four
from attn_cuda.kernels.kernel import Operand, index_names
from attn_dsl.expr import FALSE, TRUE, Number
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import TiledAttention, TiledScores
from attn_dsl.tile import (
    Buffer,
    KeyLoop,
    Load,
    Pages,
    TileProgram,
    TileSizes,
    range_kinds,
    schedule,
)

QUERIES = 64
KEY_TILES = (64, 32)
SHARED_BYTES = 80 * 1024  # two blocks then fit on a multiprocessor with 164 KiB, as sm_80 has


def choose_tiles(head_dim: int, value_dim: int) -> TileSizes:
    """The largest tile of keys with which two blocks share a multiprocessor."""
    for keys in KEY_TILES:
        if shared_bytes(head_dim, value_dim, keys) <= SHARED_BYTES:
            break
    return TileSizes(QUERIES, keys)


def shared_bytes(head_dim: int, value_dim: int, keys: int) -> int:
    """What a block keeps in shared memory: a log-sum-exp, of value dim 0, has no weights there."""
    rows = max(head_dim | 1, (value_dim + 15) // 16 * 16 + 1)
    weights = keys if value_dim else 0
    floats = (head_dim + weights) * (QUERIES + 4) + keys * rows
    return (4 * floats + 15) // 16 * 16


@dataclass(frozen=True)
class Attention:
    """A fused statement with its plan, and the log-sum-exp that comes `beside` an attention."""

    unit: Unit
    statement: Statement
    op: TiledScores
    program: TileProgram
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
    def shared_bytes(self) -> int:
        """What a block keeps in shared memory."""
        program, sizes = self.program, self.unit.constants
        head = program.head_dim.value(sizes)
        value = program.value_dim.value(sizes) if self.has_values else 0
        return shared_bytes(head, value, program.key_tile)

    @property
    def operands(self) -> list[Operand]:
        """The tensors that the kernel is given, the results last."""
        axes = {
            self.program.buffer(load.source).value: _pool_axes(load.pages)
            for load in self.program.body
            if isinstance(load, Load) and load.pages is not None
        }
        read = [Operand(value, axes=axes.get(value, (0, 1, 2, 3))) for value in self.op.operands]
        return [*read, *(self._result(buffer) for buffer in self.program.results)]

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
    head = unit.graph.types[op.query].dims[-1].value(unit.constants)
    has_values = isinstance(op, TiledAttention)
    value = statement.type.dims[-1].value(unit.constants) if has_values else 0
    program = schedule(unit.graph, statement, choose_tiles(head, value), beside)
    return Attention(unit, statement, op, program, beside)
