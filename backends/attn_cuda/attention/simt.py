"""A tile program on plain threads: a block of 256 threads for each tile of queries.

The threads stand in 16 groups of 16 lanes. A group has 4 rows of the tile, each of its lanes
every 16th column, so that a thread keeps a small matrix of scores in registers.
"""

from __future__ import annotations

from attn_cuda.attention.frame import launch_of, print_bounds, print_place, site_of
from attn_cuda.attention.plan import Attention
from attn_cuda.attention.ranges import print_ranges
from attn_cuda.attention.site import GROUPS, Site
from attn_cuda.attention.steps import hide_past_the_end, print_step
from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.simplify import fold
from attn_cuda.kernels.kernel import Launch, factor, remark, rows_there
from attn_dsl.expr import TRUE
from attn_dsl.links import part_mark
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Part, RowMax

ABOUT = (
    "a block has {queries} queries of one head and passes once over the keys, with the online "
    "softmax: a running maximum and sum for each row, and the result so far rescaled when the "
    "maximum rises. Thread 16 * group + lane has the rows 4 * group to 4 * group + 3 of the tile, "
    "and of these the columns lane, lane + 16, lane + 32 and so on."
)


def simt_launch(attention: Attention) -> Launch:
    """The kernel, and how to call it."""
    about = ABOUT.format(queries=attention.tiling.queries)
    return launch_of(attention, _shared(attention), about, _body(attention))


def _shared(attention: Attention) -> str:
    """The struct of what the block keeps in shared memory."""
    out, unit, program = TextBuilder(), attention.unit, attention.program
    head, value = (CudaPrinter(unit).dim(dim)[0] for dim in (program.head_dim, program.value_dim))
    queries, keys = program.query_tile, program.key_tile
    odd = factor(unit, program.head_dim)
    remark(
        out,
        "What the threads of a block share. What is read by column is stored transposed, so that "
        "a thread finds its 4 rows side by side. The other rows have an odd length, so that 16 "
        "lanes, each at its own row or column, never meet in one memory bank.",
    )
    with out.block(f"struct alignas(16) {attention.kernel}_tiles {{", "};"):
        out.line(f"float query_tile[{head}][{queries} + 4];")
        key_tile = f"float key_tile[{keys}][{odd} | 1];"
        if not attention.has_values:
            out.line(key_tile)
        else:
            out.line(f"float weights[{keys}][{queries} + 4];")
            with out.block("union {  // these two take turns", "};"):
                out.line(key_tile)
                out.line(f"float value_tile[{keys}][({value} + 15) / 16 * 16 + 1];")
    return out.text


def _body(attention: Attention) -> str:
    inner = TextBuilder()
    site = site_of(inner, attention, GROUPS)
    for step in attention.program.prologue:
        print_step(step, site)
    inner.line()
    _loop(inner, attention, site)
    for step in attention.program.epilogue:
        inner.line()
        print_step(step, site)
    out = TextBuilder()
    _constants(out, attention)
    print_place(out, attention, inner.text)
    out.lines(inner.text.splitlines())
    return out.text


def _constants(out: TextBuilder, attention: Attention) -> None:
    """Sizes, and which part of the work is this thread's."""
    program = attention.program
    value = factor(attention.unit, program.value_dim)
    sizes = f"QUERIES = {program.query_tile}, KEYS = {program.key_tile}"
    out.line(f"constexpr int {sizes};  // of a tile")
    out.line("constexpr int ROWS = QUERIES / 16, COLUMNS = KEYS / 16;  // of a thread's scores")
    if attention.has_values:
        out.line(
            f"constexpr int VALUES = ({value} + 15) / 16;  // of each row of a thread's result"
        )
    out.line("const int lane = threadIdx.x % 16, group = threadIdx.x / 16;")


def _loop(out: TextBuilder, attention: Attention, site: Site) -> None:
    """The loop over key tiles, within the bounds that follow from the mask."""
    keys = attention.loop
    print_ranges(site, keys, "")
    print_ranges(site, keys, "q")
    with out.about(part_mark(Part.MASK)):
        begin, end = print_bounds(out, attention, keys)
    body = TextBuilder()
    inside = site_of(body, attention, GROUPS)
    print_ranges(inside, keys, "k")
    if (live := fold(keys.live)) != TRUE:
        with body.about(part_mark(Part.MASK)):
            body.line("// Of some tiles the mask keeps nothing: all threads pass over them.")
            body.line(f"if (!({inside.printer.print(live)})) continue;")
    for step in attention.program.body:
        if isinstance(step, RowMax):
            hide_past_the_end(inside)
            body.line()
        print_step(step, inside)
        body.line()
    with out.block(f"for (long long k_first = {begin}; k_first < {end}; k_first += KEYS) {{", "}"):
        length = factor(attention.unit, attention.program.key_length)
        out.line(f"const int k_count = {rows_there(length, 'k_first', 'KEYS')};")
        if mentions(body.text, "k_last"):
            out.line("const long long k_last = k_first + k_count - 1;")
        out.lines(body.text.splitlines())
        out.line("barrier();  // the next keys may overwrite these values")
