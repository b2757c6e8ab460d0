"""What is done with a tile of keys on tensor cores, while the next one is copied."""

from __future__ import annotations

from collections.abc import Iterable

from attn_cuda.attention.fragments import print_fragment_step
from attn_cuda.attention.frame import site_of
from attn_cuda.attention.plan import Attention
from attn_cuda.attention.ranges import full_conditions, hides_of, tensors_of
from attn_cuda.attention.site import COLUMNS, FRAGMENTS, ROWS, Site, block, each
from attn_cuda.attention.steps import hide_past_the_end, print_hide
from attn_cuda.attention.tile_ranges import print_tile_ranges
from attn_cuda.cxx.helpers import mentions
from attn_cuda.kernels.kernel import factor, rows_there
from attn_dsl.links import part_mark
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Contract, Hide, Load, Part, RowMax, Step, Weigh

K_LAST = "const long long k_last = k_first + k_count - 1;"


def print_visit(site: Site, attention: Attention, end: str, following: str, *, both: bool) -> None:
    """Print it, for `both` kinds of tiles, or for masked ones alone."""
    out, steps = site.out, [s for s in attention.program.body if not isinstance(s, Load | Hide)]
    first = next(i for i, step in enumerate(steps) if isinstance(step, RowMax | Weigh))
    scores, weights = _steps(attention, steps[:first]), _steps(attention, steps[first:])
    counted = not both or mentions(scores, "k_count")  # before the scores, and not only to hide
    out.line(f"const long long k_next = {following};")
    if counted:
        print_count(out, attention, "kind.MASKED && " if both else "")
    out.line("wait_for_copies<0>();")
    out.line("barrier();  // the tile has arrived, and nobody reads the one before any more")
    out.line(f"if (k_next < {end}) copy_tile(k_next, stage ^ 1);")
    out.lines(["commit_copies();", "", *scores.splitlines()])
    with block(site, *(["if constexpr (kind.MASKED) {"] if both else [])):
        if not counted:
            print_count(out, attention)
        out.lines(_hiding(attention).splitlines())
    out.lines(["", *weights.splitlines(), "k_first = k_next;", "stage ^= 1;"])


def print_count(out: TextBuilder, attention: Attention, only: str = "") -> None:
    """How many keys of the tile are there: all, but in the last one; `only` if that holds, too."""
    length = factor(attention.unit, attention.program.key_length)
    out.line(f"const int k_count = {only}{rows_there(length, 'k_first', 'KEYS')};")


def _steps(attention: Attention, steps: Iterable[Step]) -> str:
    out = TextBuilder()
    site = site_of(out, attention, FRAGMENTS)
    late = attention.scale is None or attention.scaled_late
    for step in steps:
        print_fragment_step(step, site)
        if isinstance(step, Contract) and step.transposed and not late:
            with out.about(part_mark(Part.SCALE)):
                each(site, f"{step.into}[i][j] *= scale;", ROWS, COLUMNS)
        out.line()
    return out.text


def _hiding(attention: Attention) -> str:
    """Hide what the mask does not keep, and columns past the last key.

    Where there are several reasons to hide something of a tile, it is asked for each.
    """
    body, hides = TextBuilder(), hides_of(attention.program)
    site = site_of(body, attention, FRAGMENTS)
    with body.about(part_mark(Part.MASK)):
        if len(hides) > 1 and attention.ranges:
            asked = tensors_of(*full_conditions(attention.program))
            print_tile_ranges(site, attention.ranges, asked)
        for step in hides:
            print_hide(step, site, asked=len(hides) > 1)
            body.line()
        hidden = "-INFINITY" if attention.is_softmax else "0.0f"
        hide_past_the_end(site, hidden, asked=bool(hides))
    return f"{K_LAST}\n{body.text}" if mentions(body.text, "k_last") else body.text
