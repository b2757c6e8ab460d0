"""A tile program as a kernel: a block of 256 threads for each tile of queries.

The threads stand in 16 groups of 16 lanes. A group has 4 rows of the tile, each of its lanes
every 16th column, so that a thread keeps a small matrix of scores in registers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from attn_cuda.attention.plan import QUERIES, Attention
from attn_cuda.attention.ranges import print_ranges
from attn_cuda.attention.site import Site
from attn_cuda.attention.steps import hide_past_the_end, print_step
from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.names import comment
from attn_cuda.cxx.simplify import fold
from attn_cuda.cxx.sizes import divides, tiles, times
from attn_cuda.cxx.views import product
from attn_cuda.kernels.kernel import (
    COMMENT,
    Launch,
    define,
    factor,
    index_names,
    place,
    remark,
)
from attn_dsl.expr import TRUE, Expr, Number, to_text
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import KeyLoop, Load, RowMax, Tier, formula

MEMORY = {Tier.GLOBAL: "global memory", Tier.CACHE: "shared memory", Tier.REGISTER: "registers"}


def attention_launch(attention: Attention) -> Launch:
    """The kernel, and how to call it."""
    unit, program = attention.unit, attention.program
    body = TextBuilder()
    _body(body, attention)
    scale = next((s.scale for s in program.prologue if isinstance(s, Load)), None)
    text, numbers = define(unit, attention.kernel, attention.operands, scale, body.text)
    out = TextBuilder()
    _shared(out, attention)
    size = f"sizeof({attention.kernel}_tiles) == {attention.shared_bytes}"
    out.lines([f"static_assert({size});  // the launcher asks for as much", ""])
    _explain(out, attention)
    batch, heads, _, _ = attention.shape
    query_tiles = tiles(program.query_length.to_expr(), QUERIES)
    beside = attention.beside.name if attention.beside else ""
    lines = formula(attention.statement.name, attention.op, beside)
    notes = tuple(comment(line) for line in lines)
    return Launch(
        title=", ".join(notes[-1 - bool(beside) :]),
        kernel=attention.kernel,
        text=out.text + text,
        blocks=times(query_tiles, heads.to_expr(), batch.to_expr()),
        tensors=attention.operands,
        numbers=numbers,
        scale=scale,
        shared=f"{attention.kernel}_tiles",
        shared_bytes=attention.shared_bytes,
        requires=divides(*program.groups) if program.groups else (),
        notes=(*notes, *memory_lines(attention)),
    )


def _explain(out: TextBuilder, attention: Attention) -> None:
    remark(
        out,
        f"{attention.statement.name}: a block has {QUERIES} queries of one head and passes once "
        "over the keys, with the online softmax: a running maximum and sum for each row, and the "
        "result so far rescaled when the maximum rises. Thread 16 * group + lane has the rows "
        "4 * group to 4 * group + 3 of the tile, and of these the columns lane, lane + 16, "
        "lane + 32 and so on.",
    )


def _shared(out: TextBuilder, attention: Attention) -> None:
    """The struct of what the block keeps in shared memory."""
    unit, program = attention.unit, attention.program
    head, value = (CudaPrinter(unit).dim(dim)[0] for dim in (program.head_dim, program.value_dim))
    keys, odd = program.key_tile, factor(unit, program.head_dim)
    remark(
        out,
        "What the threads of a block share. What is read by column is stored transposed, so that "
        "a thread finds its 4 rows side by side. The other rows have an odd length, so that 16 "
        "lanes, each at its own row or column, never meet in one memory bank.",
    )
    with out.block(f"struct alignas(16) {attention.kernel}_tiles {{", "};"):
        out.line(f"float query_tile[{head}][{QUERIES} + 4];")
        if not attention.has_values:
            out.line(f"float key_tile[{keys}][{odd} | 1];")
            return
        out.line(f"float weights[{keys}][{QUERIES} + 4];")
        with out.block("union {  // these two take turns", "};"):
            out.line(f"float key_tile[{keys}][{odd} | 1];")
            out.line(f"float value_tile[{keys}][({value} + 15) / 16 * 16 + 1];")


def _body(out: TextBuilder, attention: Attention) -> None:
    inner = TextBuilder()
    site = _site(inner, attention)
    for step in attention.program.prologue:
        print_step(step, site)
    inner.line()
    _loop(inner, attention, site)
    for step in attention.program.epilogue:
        inner.line()
        print_step(step, site)
    _opening(out, attention, inner.text)
    out.lines(inner.text.splitlines())


def _site(out: TextBuilder, attention: Attention) -> Site:
    names = index_names(attention.shape)
    return Site(out, attention.printer(), attention.program, names["b"], names["h"])


def _opening(out: TextBuilder, attention: Attention, body: str) -> None:
    """Sizes, memory, and which part of the work is this thread's."""
    unit, program = attention.unit, attention.program
    value = factor(unit, program.value_dim)
    out.line(f"constexpr int QUERIES = {QUERIES}, KEYS = {program.key_tile};  // of a tile")
    out.line("constexpr int ROWS = QUERIES / 16, COLUMNS = KEYS / 16;  // of a thread's scores")
    if attention.has_values:
        out.line(
            f"constexpr int VALUES = ({value} + 15) / 16;  // of each row of a thread's result"
        )
    out.line("extern __shared__ float4 memory[];")
    struct = f"{attention.kernel}_tiles"
    out.line(f"{struct}& shared = *reinterpret_cast<{struct}*>(memory);")
    out.line("const int lane = threadIdx.x % 16, group = threadIdx.x / 16;")
    length = factor(unit, program.query_length)
    batch, heads, _, _ = attention.shape
    if str(heads) != "1" or str(batch) != "1":
        out.line(f"const long long tiles = ({length} + QUERIES - 1) / QUERIES;")
    axes = [("tile", "tiles"), ("h", factor(unit, heads)), ("b", factor(unit, batch))]
    place(out, "blockIdx.x", axes)
    if program.groups is not None:
        many, few = (factor(unit, dim) for dim in program.groups)
        out.line(f"const long long key_head = h / ({many} / {few});  // which several heads share")
    out.line("const long long q_first = tile * QUERIES;")
    out.line(f"const int q_count = {_count(length, 'q_first', 'QUERIES')};")
    if mentions(body, "q_last"):
        out.line("const long long q_last = q_first + q_count - 1;")
    out.line()


def _loop(out: TextBuilder, attention: Attention, site: Site) -> None:
    """The loop over key tiles, within the bounds that follow from the mask."""
    keys = attention.loop
    print_ranges(site, keys, "")
    print_ranges(site, keys, "q")
    begin, end = _bounds(out, attention, keys)
    body = TextBuilder()
    inside = _site(body, attention)
    print_ranges(inside, keys, "k")
    if (live := fold(keys.live)) != TRUE:
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
        out.line(f"const int k_count = {_count(length, 'k_first', 'KEYS')};")
        if mentions(body.text, "k_last"):
            out.line("const long long k_last = k_first + k_count - 1;")
        out.lines(body.text.splitlines())
        out.line("__syncthreads();  // the next keys may overwrite these values")


def _count(length: str, first: str, tile: str) -> str:
    """How many rows of a tile are there: all, but in the last one."""
    return f"{length} - {first} < {tile} ? int({length} - {first}) : {tile}"


def _bounds(out: TextBuilder, attention: Attention, keys: KeyLoop) -> tuple[str, str]:
    """Where the loop begins and ends, in C; their definitions, where these are not plain."""
    length = product(attention.unit, (attention.program.key_length,))
    begin, end = "0", length
    if keys.begin is not None or keys.end is not None:
        out.line("// From the mask: no query of this tile sees a key outside of these bounds.")
    if keys.begin is not None:
        text = _bound(attention, keys.begin)
        out.line(f"const long long k_begin = max({text}, 0LL) / KEYS * KEYS;")
        begin = "k_begin"
    if keys.end is not None:
        out.line(f"const long long k_end = min({_bound(attention, keys.end)}, {length});")
        end = "k_end"
    return begin, end


def _bound(attention: Attention, bound: Expr) -> str:
    """A bound as a 64-bit number, also where it is made of constants alone."""
    printer, folded = attention.printer(), fold(bound)
    text = printer.print(folded)
    if isinstance(folded, Number):
        return f"{text}LL"
    return text if printer.is_wide(folded) else f"(long long)({text})"


def memory_lines(attention: Attention) -> Iterator[str]:
    """Tile sizes, and what lies in which memory, for the file's header."""
    program = attention.program
    yield f"in tiles of {program.query_tile} queries and {program.key_tile} keys, with"
    tiers: dict[Tier, list[str]] = {}
    for buffer in program.buffers:
        dims = ",".join(comment(to_text(dim.to_expr())) for dim in buffer.shape)
        tiers.setdefault(buffer.tier, []).append(f"{buffer.value or buffer.name}[{dims}]")
    for tier, buffers in tiers.items():
        lead = f"{MEMORY[tier] + ':':15} "
        lines = textwrap.wrap(", ".join(buffers), COMMENT - len(lead))
        yield from (f"{lead if n == 0 else ' ' * len(lead)}{line}" for n, line in enumerate(lines))
