"""Blocks that share their queries: each has a part of the keys, and a second kernel joins them.

Where there are few queries, as in decoding, there are few tiles of queries, and most of a GPU would
have nothing to do: "Flash-Decoding" (Dao, Haziza, Massa, Sizov, 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

from attn_cuda.attention.site import ROWS, Site, block
from attn_cuda.attention.tiling import FEW_QUERIES
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.sizes import count
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import Operand, factor
from attn_dsl.expr import Binary, Call, Compare, Expr, Number
from attn_dsl.ir import Dim, DType, TensorType
from attn_dsl.ir.dims import ONE

PART = 1024
"""The keys of a part, a multiple of any tile."""

Heads = tuple[Dim, Dim]


@dataclass(frozen=True)
class Split:
    """Where blocks leave what they have: results in `parts`, each with the log-sum-exp in `sums`.

    Both are called so in the file, and have rows for each part, each head and each query.
    `queries` and `keys` are how many there are.
    """

    parts: str
    sums: str
    queries: Dim
    keys: Dim
    heads: Heads
    width: Dim

    @property
    def count(self) -> Expr:
        """How many parts there are: one, unless queries are few."""
        several = Binary("+", Binary("//", self.keys.to_expr(), Number(PART)), Number(1))
        few = Compare("<=", self.queries.to_expr(), Number(FEW_QUERIES))
        return fold(Call("where", (few, several, Number(1))))

    @property
    def memory(self) -> dict[str, TensorType]:
        """As much as the parts of few queries take at most."""
        rows = self.keys + Dim.of(PART)  # for each PART of these, FEW_QUERIES rows
        columns = self.width.constant
        assert columns is not None
        narrow = Dim.of(-(-columns * FEW_QUERIES // PART))
        return {
            self.parts: TensorType(DType.F32, (*self.heads, rows, narrow)),
            self.sums: TensorType(DType.F32, (*self.heads, rows)),
        }

    def operands(self, *, written: bool) -> tuple[Operand, Operand]:
        """Both, along parts, heads, queries and columns."""
        rows = (*self.heads, self.queries)
        one = Number(1)
        row = self.width.to_expr()
        wide = (count((*rows, self.width)), count((self.queries, self.width)), row, one)
        narrow = (count(rows), self.queries.to_expr(), one, Number(0))
        return (
            Operand(self.parts, written=written, strides=wide),
            Operand(self.sums, written=written, strides=narrow),
        )


def split_of(
    unit: Unit, name: str, queries: Dim, keys: Dim, heads: Heads, width: Dim
) -> Split | None:
    """How the keys are split; not where there are as many queries as keys, or always many."""
    if queries == keys or (queries.constant or 0) > FEW_QUERIES:
        return None
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values())
    wishes = f"{name}_parts", f"{name}_sums"
    names = identifiers(wishes, taken)
    columns = Dim.of(width.value(unit.constants))
    return Split(names[wishes[0]], names[wishes[1]], queries, keys, heads, columns)


def print_part_bounds(site: Site, begin: str, end: str) -> tuple[str, str]:
    """Define where the keys of this block begin and end, within these bounds."""
    site.remark("Where several blocks share these queries, each has a part of the keys.")
    first = f"split * {PART}"
    if begin != "0":
        first = f"max({begin}, {first})"
    site.out.line(f"const long long part_begin = {first};")
    last = f"min({end}, (split + 1) * {PART})"
    site.out.line(f"const long long part_end = splits > 1 ? {last} : {end};")
    return "part_begin", "part_end"


def print_part(site: Site, split: Split) -> None:
    """Leave the results of a part of the keys, where there are several."""
    out = site.out
    out.line()
    site.remark("Blocks that share these queries leave what they have to combine_parts.")
    with block(site, "if (splits > 1) {"):
        many = factor(site.printer.unit, split.heads[1])
        head = site.h if split.heads[0] == ONE else f"{site.b} * {many} + {site.h}"
        out.line(f"const long long head = {head};")
        with block(site, ROWS):
            out.line(f"const int row = {site.layout.row};")
            out.line("if (row >= q_count) continue;")
            out.line(f"const float sum = {site.natural_maximum} + logf(total[i]);")
            place = f"{split.sums}.at(split, head, q_first + row, 0)"
            out.line(f"if (lane % 4 == 0) {place} = sum;")
            with block(site, "for (int j = 0; j < VALUES; j += 2) {"):
                out.line("const int e = column_first + 4 * j;")
                if not site.whole_values:
                    out.line(f"if (e >= {site.dims('out')}) continue;")
                out.line(f"float* pair = &{split.parts}.at(split, head, q_first + row, e);")
                out.line("pair[0] = accumulator[i][j];")
                out.line("pair[1] = accumulator[i][j + 1];")
        out.line("return;")
