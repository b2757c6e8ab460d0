"""A tile program on tensor cores: four or eight warps for each tile of queries.

A warp has 16 or 32 rows of the tile. While it computes on one tile of keys and values, the next
one is on its way to shared memory.
"""

from __future__ import annotations

from attn_cuda.attention.fragments import add_up, print_copy, print_fragment_step
from attn_cuda.attention.frame import launch_of, print_bounds, print_place, site_of
from attn_cuda.attention.plan import Attention
from attn_cuda.attention.ranges import full_conditions, print_ranges, tensors_of
from attn_cuda.attention.site import COLUMNS, FRAGMENTS, ROWS, Site, each, padded_factor
from attn_cuda.attention.split import print_part, print_part_bounds
from attn_cuda.attention.steps import hide_past_the_end
from attn_cuda.attention.tile_ranges import TileRanges, print_tile_ranges, tile_ranges_launch
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.simplify import fold
from attn_cuda.kernels.kernel import Launch, factor, remark, rows_there
from attn_dsl.expr import TRUE
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Contract, Load, Normalize, RowMax

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
    _loop(inner, attention, site)
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


def _loop(out: TextBuilder, attention: Attention, site: Site) -> None:
    """The loop over key tiles, within the bounds that follow from the mask."""
    keys = attention.loop
    print_ranges(site, keys, "")
    print_ranges(site, keys, "q")
    begin, end = print_bounds(out, attention, keys)
    if attention.split:
        begin, end = print_part_bounds(site, begin, end)
    _copies(site, attention)
    begin, following = _next_tile(site, attention, begin, end)
    print_copy(next(s for s in attention.program.prologue if isinstance(s, Load)), site)
    out.line(f"long long k_first = {begin}, k_next;")
    out.line(f"if (k_first < {end}) copy_tile(k_first, 0);")
    out.lines(["commit_copies();", ""])
    if attention.is_softmax:
        to_log2 = "scale * 1.44269504f" if attention.scaled_late else "1.44269504f"
        also = ", with the scale" if attention.scaled_late else ""
        out.line(f"const float to_log2 = {to_log2};  // from powers of e to powers of 2{also}")
    with out.block(f"for (int stage = 0; k_first < {end}; k_first = k_next, stage ^= 1) {{", "}"):
        _turn(out, attention, end, following)


def _copies(site: Site, attention: Attention) -> None:
    """Define how a tile of keys and values gets to shared memory."""
    out, length = site.out, factor(attention.unit, attention.program.key_length)
    what = "keys and values" if attention.has_values else "keys"
    site.remark(f"Starts to copy a tile of {what} to one of the two stages.")
    with out.block("const auto copy_tile = [&](long long first, int stage) {", "};"):
        out.line(f"const int count = {rows_there(length, 'first', 'KEYS')};")
        for step in attention.program.body:
            if isinstance(step, Load):
                print_copy(step, site)


def _next_tile(site: Site, attention: Attention, begin: str, end: str) -> tuple[str, str]:
    """The first tile and the one after `k_first`: where some are passed over, by a function."""
    out, live = site.out, fold(attention.loop.live)
    if live == TRUE:
        return begin, "k_first + KEYS"
    body = TextBuilder()
    inside = site_of(body, attention, FRAGMENTS)
    if ranges := attention.ranges:
        print_tile_ranges(inside, ranges, tensors_of(live))
    body.line(f"live = {inside.printer.print(live)};")
    site.remark(
        "Of some tiles the mask keeps nothing. Each warp asks for 32 at once, a lane for each, and "
        "all find the same."
    )
    with out.block("const auto next_tile = [&](long long first) {", "};"):
        with out.block(f"for (; first < {end}; first += 32 * KEYS) {{", "}"):
            out.line("const long long k_first = first + lane * KEYS;")
            out.line("bool live = false;")
            with out.block(f"if (k_first < {end}) {{", "}"):
                _keys_there(out, attention, body.text)
                out.lines(body.text.splitlines())
            out.line("const unsigned found = vote(live);")
            out.line("if (found != 0) return first + (__ffs(int(found)) - 1) * KEYS;")
        out.line("return first;")
    return f"next_tile({begin})", "next_tile(k_first + KEYS)"


def _keys_there(out: TextBuilder, attention: Attention, body: str) -> None:
    length = factor(attention.unit, attention.program.key_length)
    if mentions(body, "k_count") or mentions(body, "k_last"):
        out.line(f"const int k_count = {rows_there(length, 'k_first', 'KEYS')};")
    if mentions(body, "k_last"):
        out.line("const long long k_last = k_first + k_count - 1;")


def _turn(out: TextBuilder, attention: Attention, end: str, following: str) -> None:
    """What is done with a tile of keys, while the next one is copied."""
    body = TextBuilder()
    site = site_of(body, attention, FRAGMENTS)
    if ranges := attention.ranges:
        print_tile_ranges(site, ranges, tensors_of(*full_conditions(attention.program)))
    for step in attention.program.body:
        if isinstance(step, Load):
            continue
        if isinstance(step, RowMax):
            hide_past_the_end(site)
            body.line()
        print_fragment_step(step, site)
        late = attention.scale is None or attention.scaled_late
        if isinstance(step, Contract) and step.transposed and not late:
            each(site, f"{step.into}[i][j] *= scale;", ROWS, COLUMNS)
        body.line()
    out.line(f"k_next = {following};")
    _keys_there(out, attention, body.text)
    out.line("wait_for_copies<0>();")
    out.line("barrier();  // the tile has arrived, and nobody reads the one before any more")
    out.line(f"if (k_next < {end}) copy_tile(k_next, stage ^ 1);")
    out.lines(["commit_copies();", "", *body.text.rstrip().splitlines()])
