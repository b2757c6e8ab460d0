"""What the kernels of fused operations have in common: their place in the grid, their loop's ends.

The parts that differ come from `simt.py`, for plain threads, and from `tensor_cores.py`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from attn_cuda.attention.plan import Attention
from attn_cuda.attention.site import Layout, Site
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
    rows_there,
)
from attn_dsl.expr import Expr, Number, to_text
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import KeyLoop, Tier, formula

MEMORY = {Tier.GLOBAL: "global memory", Tier.CACHE: "shared memory", Tier.REGISTER: "registers"}


def launch_of(attention: Attention, shared: str, about: str, body: str) -> Launch:
    """How to call the kernel with this body, this struct in shared memory, and this said of it."""
    unit, program, tiling = attention.unit, attention.program, attention.tiling
    struct = f"{attention.kernel}_tiles"
    threads = attention.tiling.threads
    scale = attention.scale
    split = attention.split
    given = {"splits": split.count} if split else {}
    text, numbers = define(
        unit,
        attention.kernel,
        attention.operands,
        scale,
        body,
        given=[*given],
        threads=threads,
        blocks=tiling.blocks,
    )
    out = TextBuilder()
    out.lines(shared.splitlines())
    size = f"sizeof({struct}) == {tiling.shared_bytes}"
    out.lines([f"static_assert({size});  // the launcher asks for as much", ""])
    remark(out, f"{attention.statement.name}: {about}")
    batch, heads, _, _ = attention.shape
    query_tiles = tiles(program.query_length.to_expr(), tiling.queries)
    beside = attention.beside.name if attention.beside else ""
    lines = formula(attention.statement.name, attention.op, beside)
    notes = tuple(comment(line) for line in lines)
    return Launch(
        title=", ".join(notes[-1 - bool(beside) :]),
        kernel=attention.kernel,
        text=out.text + text,
        blocks=times(query_tiles, *given.values(), heads.to_expr(), batch.to_expr()),
        tensors=attention.operands,
        numbers=[*given.values(), *numbers],
        scale=scale,
        threads=threads,
        shared=struct,
        shared_bytes=tiling.shared_bytes,
        architecture=80 if tiling.row_tiles else 75,
        requires=divides(*program.groups) if program.groups else (),
        notes=(*notes, *_memory_lines(attention)),
        between=attention.between,
    )


def site_of(out: TextBuilder, attention: Attention, layout: Layout) -> Site:
    """Where the kernel's steps are printed."""
    names = index_names(attention.shape)
    program, b, h = attention.program, names["b"], names["h"]
    late, splits = attention.scaled_late, attention.split is not None
    return Site(out, attention.printer(), program, b, h, layout, late, splits)


def print_place(out: TextBuilder, attention: Attention, body: str) -> None:
    """The block's shared memory, and its queries."""
    unit, program = attention.unit, attention.program
    out.line("extern __shared__ float4 memory[];")
    struct = f"{attention.kernel}_tiles"
    out.line(f"{struct}& shared = *reinterpret_cast<{struct}*>(memory);")
    length = factor(unit, program.query_length)
    batch, heads, _, _ = attention.shape
    last_first = attention.later_tiles_are_longer
    parts = [("split", "splits")] if attention.split else []
    if parts or last_first or str(heads) != "1" or str(batch) != "1":
        out.line(f"const long long tiles = ({length} + QUERIES - 1) / QUERIES;")
    turn = "turn" if last_first else "tile"
    axes = [(turn, "tiles"), *parts, ("h", factor(unit, heads)), ("b", factor(unit, batch))]
    place(out, "blockIdx.x", axes)
    if last_first:
        why = "  // those with the most keys begin first"
        out.line(f"const long long tile = tiles - 1 - turn;{why}")
    if program.groups is not None:
        many, few = (factor(unit, dim) for dim in program.groups)
        out.line(f"const long long key_head = h / ({many} / {few});  // which several heads share")
    out.line("const long long q_first = tile * QUERIES;")
    out.line(f"const int q_count = {rows_there(length, 'q_first', 'QUERIES')};")
    if mentions(body, "q_last"):
        out.line("const long long q_last = q_first + q_count - 1;")
    out.line()


def print_bounds(out: TextBuilder, attention: Attention, keys: KeyLoop) -> tuple[str, str]:
    """Where the loop begins and ends, in C; their definitions, where these are not plain."""
    length = product(attention.unit, (attention.program.key_length,))
    begin, end = "0", length
    if keys.begin is not None or keys.end is not None:
        out.line("// From the mask: no query of this tile sees a key outside of these bounds.")
    if keys.begin is not None:
        text = bound_text(attention, keys.begin)
        out.line(f"const long long k_begin = max({text}, 0LL) / KEYS * KEYS;")
        begin = "k_begin"
    if keys.end is not None:
        out.line(f"const long long k_end = min({bound_text(attention, keys.end)}, {length});")
        end = "k_end"
    return begin, end


def bound_text(attention: Attention, bound: Expr) -> str:
    """A bound as a 64-bit number, also where it is made of constants alone."""
    printer, folded = attention.printer(), fold(bound)
    text = printer.print(folded)
    if isinstance(folded, Number):
        return f"{text}LL"
    return text if printer.is_wide(folded) else f"(long long)({text})"


def _memory_lines(attention: Attention) -> Iterator[str]:
    """Tile sizes, and what lies in which memory, for the file's header."""
    program = attention.program
    yield f"in tiles of {program.query_tile} queries and {program.key_tile} keys, with"
    tiers: dict[Tier, list[str]] = {}
    for buffer in program.buffers:
        dims = ",".join(comment(to_text(dim.to_expr())) for dim in buffer.shape)
        tier = attention.tier(buffer)
        tiers.setdefault(tier, []).append(f"{buffer.value or buffer.name}[{dims}]")
    for tier, buffers in tiers.items():
        lead = f"{MEMORY[tier] + ':':15} "
        lines = textwrap.wrap(", ".join(buffers), COMMENT - len(lead))
        yield from (f"{lead if n == 0 else ' ' * len(lead)}{line}" for n, line in enumerate(lines))
