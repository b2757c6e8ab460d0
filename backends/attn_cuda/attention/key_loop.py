"""The loop over key tiles on tensor cores, in two: for whole tiles, and for those with a mask.

A tile is whole if the mask keeps all of it and none of its columns is past the last key. What is
done with a tile is printed once, as a function that is compiled for both kinds of tiles; the code
that hides scores is in it for one of them.
"""

from __future__ import annotations

from attn_cuda.attention.fragments import print_copy
from attn_cuda.attention.frame import bound_text, print_bounds, site_of
from attn_cuda.attention.plan import Attention
from attn_cuda.attention.ranges import full_conditions, hides_of, print_ranges, tensors_of
from attn_cuda.attention.site import FRAGMENTS, Site
from attn_cuda.attention.split import print_part_bounds
from attn_cuda.attention.tile_ranges import print_tile_ranges
from attn_cuda.attention.visit import K_LAST, print_count, print_visit
from attn_cuda.cxx.helpers import mentions
from attn_cuda.cxx.simplify import fold
from attn_cuda.kernels.kernel import factor, rows_there
from attn_dsl.expr import FALSE, TRUE, Compare, Expr, Name, conjunction
from attn_dsl.links import part_mark
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Load, Part


def print_key_loop(site: Site, attention: Attention) -> None:
    """Print the loop over key tiles, within the bounds that follow from the mask."""
    out, keys = site.out, attention.loop
    print_ranges(site, keys, "")
    print_ranges(site, keys, "q")
    with out.about(part_mark(Part.MASK)):
        begin, end = print_bounds(out, attention, keys)
    if attention.split:
        begin, end = print_part_bounds(site, begin, end)
    _copies(site, attention)
    with out.about(part_mark(Part.MASK)):
        begin, following = _next_tile(site, attention, begin, end)
    print_copy(next(s for s in attention.program.prologue if isinstance(s, Load)), site)
    out.line(f"long long k_first = {begin};")
    out.line("int stage = 0;")
    out.line(f"if (k_first < {end}) copy_tile(k_first, stage);")
    out.lines(["commit_copies();", ""])
    if attention.is_softmax:
        to_log2 = "scale * 1.44269504f" if attention.scaled_late else "1.44269504f"
        also = ", with the scale" if attention.scaled_late else ""
        with out.about(part_mark(Part.SCALE if also else Part.SOFTMAX)):
            out.line(f"const float to_log2 = {to_log2};  // from powers of e to powers of 2{also}")
        out.line()
    if _may_be_whole(attention):
        _both_kinds(site, attention, end, following)
        return
    with out.block(f"while (k_first < {end}) {{", "}"):
        print_visit(site, attention, end, following, both=False)


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
                if mentions(body.text, "k_count") or mentions(body.text, "k_last"):
                    print_count(out, attention)
                if mentions(body.text, "k_last"):
                    out.line(K_LAST)
                out.lines(body.text.splitlines())
            out.line("const unsigned found = vote(live);")
            out.line("if (found != 0) return first + (__ffs(int(found)) - 1) * KEYS;")
        out.line("return first;")
    return f"next_tile({begin})", "next_tile(k_first + KEYS)"


def _may_be_whole(attention: Attention) -> bool:
    """Whether conditions on a tile may find that nothing of it is hidden."""
    hides = hides_of(attention.program)
    return all(step.given is not None or fold(step.full) != FALSE for step in hides)


def _both_kinds(site: Site, attention: Attention, end: str, following: str) -> None:
    """Loops over whole tiles and over the others, where bounds say which ones these are."""
    out, program = site.out, attention.program
    site.remark(
        "What is done with a tile. It is compiled twice: for whole tiles, of which nothing is "
        "hidden, and for masked ones, of which something may be."
    )
    with out.block("const auto visit = [&](auto kind) {", "};"):
        print_visit(site, attention, end, following, both=True)
    out.line()
    edges = program.edges
    if program.full == TRUE or (edges is not None and edges.full_begin is None):
        _whole_first(site, attention, end)
        return
    with out.about(part_mark(Part.MASK)):
        site.remark(
            "Whether a tile is whole: the mask keeps all of it, and no column is past the end."
        )
        with out.block("const auto is_whole = [&] {", "};"):
            _is_whole(site, attention)
    out.line()
    if edges is None:
        with out.block(f"while (k_first < {end}) {{", "}"):
            out.lines(["if (is_whole()) visit(Whole());", "else visit(Masked());"])
        return
    site.remark("Whole tiles are side by side; before and behind them are masked ones.")
    with out.block(f"while (k_first < {end}) {{", "}"):
        out.line(f"while (k_first < {end} && is_whole()) visit(Whole());")
        out.line(f"while (k_first < {end} && !is_whole()) visit(Masked());")


def _whole_first(site: Site, attention: Attention, end: str) -> None:
    """Of a mask that cuts only the last of the tiles, or none: those before are whole."""
    out, edges, whole_end = site.out, attention.program.edges, end
    if edges is not None and edges.full_end is not None:
        whole_end = "whole_end"
        bound = bound_text(attention, edges.full_end)
        with out.about(part_mark(Part.MASK)):
            out.line("// From the mask: all queries of this tile see all keys up to here.")
            out.line(f"const long long {whole_end} = min({bound}, {end});")
    there = [*_masks_not_given(attention), f"k_first + KEYS <= {whole_end}"]
    out.line(f"while ({' && '.join(there)}) visit(Whole());")
    out.line(f"while (k_first < {end}) visit(Masked());")


def _is_whole(site: Site, attention: Attention) -> None:
    program = attention.program
    if ranges := attention.ranges:
        print_tile_ranges(site, ranges, tensors_of(*full_conditions(program)))
    site.out.line("const long long k_last = k_first + KEYS - 1;")
    full: Expr = Compare("<", Name("k_last"), program.key_length.to_expr())
    for step in hides_of(program):
        full = conjunction(full, TRUE if step.given else fold(step.full))
    tests = [site.printer.print(full), *_masks_not_given(attention)]
    site.out.line(f"return {' && '.join(tests)};")


def _masks_not_given(attention: Attention) -> list[str]:
    """Without these, a tile may be whole."""
    given = [step.given for step in hides_of(attention.program)]
    return [f"{tensor}.data == nullptr" for tensor in given if tensor is not None]
