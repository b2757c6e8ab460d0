"""Which tiles a fused operation is computed in on a GPU."""

from __future__ import annotations

from dataclasses import dataclass

from attn_cuda.expressions import CudaPrinter
from attn_cuda.kernel import Operand, index_names
from attn_cuda.simplify import fold
from attn_cuda.unit import Unit, four
from attn_dsl.expr import FALSE, TRUE, Number
from attn_dsl.ir import Statement
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.tile import KeyLoop, TileProgram, TileSizes, range_kinds, schedule

QUERIES = 64
KEY_TILES = (64, 32)
SHARED_BYTES = 80 * 1024  # two blocks then fit on a multiprocessor with 164 KiB, as sm_80 has


def choose_tiles(head_dim: int, value_dim: int) -> TileSizes:
    """The largest tile of keys with which two blocks share a multiprocessor."""
    for keys in KEY_TILES:
        rows = max(head_dim | 1, (value_dim + 15) // 16 * 16 + 1)
        if 4 * ((head_dim + keys) * (QUERIES + 4) + keys * rows) <= SHARED_BYTES:
            break
    return TileSizes(QUERIES, keys)


@dataclass(frozen=True)
class Attention:
    """A fused statement with its plan."""

    unit: Unit
    statement: Statement
    op: TiledAttention
    program: TileProgram

    @property
    def kernel(self) -> str:
        """The kernel's name."""
        return self.unit.kernels[self.statement.name]

    @property
    def operands(self) -> list[Operand]:
        """The tensors that the kernel is given, the result last."""
        read = [Operand(value) for value in self.op.operands]
        return [*read, Operand(self.statement.name, written=True)]

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


def plan(unit: Unit, statement: Statement, op: TiledAttention) -> Attention:
    """Choose tiles for the statement and schedule it."""
    types = unit.graph.types
    head, value = (types[v].dims[-1].value(unit.constants) for v in (op.query, op.value))
    program = schedule(unit.graph, statement, choose_tiles(head, value))
    return Attention(unit, statement, op, program)
