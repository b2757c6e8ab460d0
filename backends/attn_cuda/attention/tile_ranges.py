"""What a mask reads of the keys, for all tiles: a kernel before the attention's finds the ranges.

By these, each warp of the attention asks 32 tiles at once whether the mask keeps anything of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from attn_cuda.attention.ranges import print_range, range_type, used_ranges
from attn_cuda.attention.site import Site
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.sizes import count, tiles, times
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import (
    THREADS,
    Launch,
    Operand,
    define,
    factor,
    place,
    remark,
    rows_there,
)
from attn_dsl.expr import Number, names_in, tensors_in, to_text
from attn_dsl.ir import Dim, DType, TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import KeyLoop, Range, TileProgram

DTYPES = {"float": DType.F32, "int": DType.I32, "long long": DType.I64}


@dataclass(frozen=True)
class TileRanges:
    """The ranges over keys that conditions on tiles mention, and the tensors that they are kept in.

    `heads` are the batch dims along which they differ.
    """

    ranges: tuple[Range, ...]
    tensors: tuple[str, ...]
    types: tuple[str, ...]
    heads: tuple[Dim, Dim]
    keys: Dim
    key_tile: int

    @property
    def memory(self) -> dict[str, TensorType]:
        """Two numbers for each tile; there are fewer tiles than keys, or one."""
        dims = (*self.heads, self.keys + Dim.of(2))
        return {
            tensor: TensorType(DTYPES[type_], dims)
            for tensor, type_ in zip(self.tensors, self.types, strict=True)
        }

    def operands(self, *, written: bool) -> list[Operand]:
        """The tensors, along batch, head, tile and the two ends of a range."""
        (batch, heads), row = self.heads, self.keys + Dim.of(2)
        none = Number(0)
        strides = (
            none if batch == ONE else count((heads, row)),
            none if heads == ONE else row.to_expr(),
            Number(2),
            Number(1),
        )
        return [Operand(tensor, written=written, strides=strides) for tensor in self.tensors]


def tile_ranges_of(
    unit: Unit, name: str, program: TileProgram, loop: KeyLoop, heads: tuple[Dim, Dim]
) -> TileRanges | None:
    """Those of an attention; None where its mask reads nothing of the keys."""
    ranges = tuple(r for r in used_ranges(program, loop) if r.axis == "k")
    if not ranges:
        return None
    by = {index for r in ranges for index in names_in(r.expr)}
    if any(tensors_in(r.expr, gathered=False) for r in ranges):
        by |= {"b", "h"}
    batch, head = (dim if index in by else ONE for dim, index in zip(heads, "bh", strict=True))
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values())
    names = identifiers([f"{name}_{r.name}" for r in ranges], taken)
    types = tuple(range_type(unit, r) for r in ranges)
    tensors = tuple(names.values())
    return TileRanges(ranges, tensors, types, (batch, head), program.key_length, program.key_tile)


def print_tile_ranges(site: Site, found: TileRanges, ranges: set[str]) -> None:
    """Define those ranges of the tile at `k_first` that are named."""
    b, h = (
        "0" if dim == ONE else index
        for dim, index in zip(found.heads, (site.b, site.h), strict=True)
    )
    for range, tensor, type_ in zip(found.ranges, found.tensors, found.types, strict=True):
        if ranges & {range.low.name, range.high.name}:
            for end, column in ((range.low.name, 0), (range.high.name, 1)):
                element = f"{tensor}.at({b}, {h}, k_first / KEYS, {column})"
                site.out.line(f"const {type_} {end} = {element};")


def tile_ranges_launch(site: Site, found: TileRanges, kernel: str) -> Launch:
    """The kernel that finds them: a warp for each tile."""
    unit, out = site.printer.unit, site.out
    length = factor(unit, found.keys)
    out.line(f"constexpr int KEYS = {found.key_tile};  // of a tile")
    out.line(f"const long long tiles = ({length} + KEYS - 1) / KEYS;")
    out.line("const long long n = blockIdx.x * (THREADS / 32LL) + threadIdx.x / 32;")
    batch, heads = (factor(unit, dim) for dim in found.heads)
    every = " * ".join(["tiles", *(size for size in (heads, batch) if size != "1")])
    out.line(f"if (n >= {every}) return;")
    place(out, "n", [("tile", "tiles"), ("h", heads), ("b", batch)])
    out.line("const long long k_first = tile * KEYS;")
    out.line(f"const int k_count = {rows_there(length, 'k_first', 'KEYS')};")
    b, h = ("0" if dim == ONE else i for dim, i in zip(found.heads, "bh", strict=True))
    for range, tensor in zip(found.ranges, found.tensors, strict=True):
        print_range(site, range)
        ends = ((range.low.name, 0), (range.high.name, 1))
        stores = [f"{tensor}.at({b}, {h}, tile, {column}) = {end};" for end, column in ends]
        with out.block("if (threadIdx.x % 32 == 0) {", "}"):
            out.lines(stores)
    read = {name: None for range in found.ranges for name in tensors_in(range.expr)}
    tensors = [*(Operand(name) for name in read), *found.operands(written=True)]
    name = f"{kernel}_ranges"
    text, numbers = define(unit, name, tensors, None, out.text)
    about = TextBuilder()
    what = ", ".join(to_text(range.expr) for range in found.ranges)
    remark(about, f"For each tile of keys, the least and the greatest of {what}; a warp finds it.")
    dims = (found.heads[1].to_expr(), found.heads[0].to_expr())
    blocks = tiles(times(tiles(found.keys.to_expr(), found.key_tile), *dims), THREADS // 32)
    title = f"the ranges of {what} over tiles of keys"
    memory = found.memory
    return Launch(title, name, about.text + text, blocks, tensors, numbers, between=memory)
