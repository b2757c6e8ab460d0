"""A tile program on tensor cores: four or eight warps for each tile of queries.

A warp has 16 or 32 rows of the tile. While it computes on one tile of keys and values, the next
one is on its way to shared memory.
"""

from __future__ import annotations

from attn_cuda.attention.fragments import add_up, print_fragment_step
from attn_cuda.attention.frame import launch_of, print_place, site_of
from attn_cuda.attention.key_loop import print_key_loop
from attn_cuda.attention.plan import Attention
from attn_cuda.attention.site import FRAGMENTS, padded_factor
from attn_cuda.attention.split import print_part
from attn_cuda.attention.tile_ranges import TileRanges, tile_ranges_launch
from attn_cuda.kernels.kernel import Launch, remark
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Load, Normalize

ABOUT = (
    "a block has {queries} queries of one head and passes once over the keys, with the online "
    "softmax: a running maximum and sum for each row, and the result so far rescaled when the "
    "maximum rises. Each of its {warps} warps has {rows} of the queries. As tensor cores hand them "
    "out, lane 4 * m + n of a warp has every 8th row from m on, and of each 8 columns 2 * n and "
    "2 * n + 1."
)


def ranges_launch(attention: Attention, ranges: TileRanges) -> Launch:
    """The kernel before it, which finds what the mask reads of each tile of keys."""
    site = site_of(TextBuilder(), attention, FRAGMENTS)
    return tile_ranges_launch(site, ranges, attention.kernel)


def tensor_core_launch(attention: Attention) -> Launch:
    """The kernel, and how to call it."""
    tiling = attention.tiling
    rows = 16 * tiling.row_tiles
    about = ABOUT.format(queries=tiling.queries, warps=tiling.warps, rows=rows)
    return launch_of(attention, _shared(attention), about, _body(attention))


def _shared(attention: Attention) -> str:
    """The struct of what the block keeps in shared memory."""
    out, program, element = TextBuilder(), attention.program, attention.element
    dims = (program.head_dim, program.value_dim)
    head, value = (padded_factor(attention.unit, dim) for dim in dims)
    keys = program.key_tile
    remark(
        out,
        "What the threads of a block share. Rows are a multiple of 16 numbers, with zeros behind "
        "the last, and 8 more, so that any 8 rows lie in different memory banks. Of keys and "
        "values there are two stages: a tile is computed on while the next one arrives.",
    )
    with out.block(f"struct alignas(16) {attention.kernel}_tiles {{", "};"):
        out.line(f"{element} query_tile[{program.query_tile}][{head} + 8];")
        out.line(f"{element} key_tile[2][{keys}][{head} + 8];")
        if attention.has_values:
            out.line(f"{element} value_tile[2][{keys}][{value} + 8];")
    return out.text


def _body(attention: Attention) -> str:
    inner = TextBuilder()
    site = site_of(inner, attention, FRAGMENTS)
    for step in attention.program.prologue:
        if not isinstance(step, Load):
            print_fragment_step(step, site)
    inner.line()
    print_key_loop(site, attention)
    if attention.is_softmax:
        inner.line()
        add_up("total", site)
    for step in attention.program.epilogue:
        inner.line()
        print_fragment_step(step, site)
        if attention.split and isinstance(step, Normalize):
            print_part(site, attention.split)
    out = TextBuilder()
    _constants(out, attention)
    print_place(out, attention, inner.text)
    out.lines(inner.text.splitlines())
    return out.text


def _constants(out: TextBuilder, attention: Attention) -> None:
    """Sizes, and which part of the work is this thread's."""
    tiling, program = attention.tiling, attention.program
    out.line(f"constexpr int WARPS = {tiling.warps};")
    sizes = f"QUERIES = {program.query_tile}, KEYS = {program.key_tile}"
    out.line(f"constexpr int {sizes};  // of a tile")
    scores = f"ROWS = {2 * tiling.row_tiles}, COLUMNS = KEYS / 4"
    out.line(f"constexpr int {scores};  // of a thread's scores")
    if attention.has_values:
        values = padded_factor(attention.unit, program.value_dim)
        out.line(f"constexpr int VALUES = {values} / 4;  // of each row of a thread's result")
    out.line("const int lane = threadIdx.x % 32, warp_first = threadIdx.x / 32 * 8 * ROWS;")
    out.line("const int row_first = warp_first + lane / 4, column_first = lane % 4 * 2;")
    column = "column_first + 8 * (j / 2) + j % 2"
    out.line(f"const auto column_of = [=](int j) {{ return {column}; }};")
