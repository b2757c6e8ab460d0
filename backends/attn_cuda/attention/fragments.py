"""The steps of a tile program on tensor cores, where these differ from those of plain threads.

The recipe is that of FlashAttention-2 (arXiv 2307.08691): products of fragments of 16 x 8 whose
numbers lie in the registers of a warp, weights that go from one product to the next without
leaving them, and exponentials to the base of 2.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from attn_cuda.attention.site import COLUMNS, ROWS, VALUES, Site, block, each
from attn_cuda.attention.steps import about, step_lines
from attn_dsl.expr import names_in
from attn_dsl.links import part_mark
from attn_dsl.tile import (
    Begin,
    Contract,
    Exponentiate,
    Load,
    Part,
    Rescale,
    RowSum,
    Step,
    Store,
    Weigh,
    part_of,
)

TILES = "for (int i = 0; i < ROWS; i += 2) {"
"""Over the tiles of 16 rows of which a thread has two rows each."""


def print_fragment_step(step: Step, site: Site) -> None:
    """Add the C++ of one step; most are the same as for plain threads."""
    with about(step, site):
        _lines(step, site)


@singledispatch
def _lines(step: object, site: Site) -> None:
    step_lines(step, site)


def print_copy(step: Load, site: Site) -> None:
    """Start to copy a tile of keys or values, from `first` on, to a stage of shared memory."""
    part = Part.SCORES if step.axis == "q" else part_of(step)  # queries are scaled later
    with site.out.about(part_mark(part)):
        _copy(step, site)


def _copy(step: Load, site: Site) -> None:
    out, dims = site.out, site.dims(step.into)
    target, first, count = f"shared.{step.into}[stage]", "first", "count"
    if step.axis == "q":
        target, first, count = f"shared.{step.into}", "q_first", "q_count"
    head = f"copy_rows<32 * WARPS, {dims}>({target}, {count}, [&](int row)"
    if step.pages is None:
        element = site.at(step.source, f"{first} + row", "0", grouped=step.grouped)
        out.line(f"{head} {{")
        out.line(f"    return &{element};")
        out.line("});")
        return
    page, pages = site.page(step.pages)
    element = site.on_page(step.source, step.pages, "0", grouped=step.grouped)
    out.line(f"{head} -> const {site.element}* {{")
    out.line(f"    const long long k = {first} + row;")
    out.line(f"    const long long page = {page};")
    out.line(f"    return page >= 0 && page < {pages} ? &{element} : nullptr;")
    out.line("});")


@_lines.register
def _(step: Begin, site: Site) -> None:
    site.remark(
        "Each row begins with its sink, a logit that has no key; one of its four lanes counts it."
    )
    site.out.line(f"float {step.maximum}[ROWS], {step.total}[ROWS];")
    printer = replace(site.printer, names={**site.printer.names, "k": "0"})
    with block(site, ROWS):
        if "q" in names_in(step.sink):
            site.out.line(f"const long long q = {site.query};")
        sink = printer.print(step.sink)
        if site.splits:
            sink = f"split > 0 ? -INFINITY : {sink}"
        site.out.line(f"{step.maximum}[i] = {sink};")
        counts = f"lane % 4 == 0 && {step.maximum}[i] > -INFINITY"
        site.out.line(f"{step.total}[i] = {counts} ? 1.0f : 0.0f;")


@_lines.register
def _(step: Contract, site: Site) -> None:
    (_scores if step.transposed else _weighted_sum)(step, site)


def _scores(step: Contract, site: Site) -> None:
    out = site.out
    site.remark(f"{step.into} = {step.lhs} {step.rhs}ᵀ: 16 components of 16 queries and keys each.")
    out.line(f"float {step.into}[ROWS][COLUMNS] = {{}};")
    out.line("#pragma unroll 4  // more at once would cost registers")
    with block(site, f"for (int d = 0; d < {site.width(step.lhs)}; d += 16) {{"):
        out.line("unsigned query[ROWS / 2][4];")
        with block(site, TILES):
            out.line("const int row = warp_first + 8 * i + lane % 16, column = d + lane / 16 * 8;")
            out.line(f"load_matrices(query[i / 2], &shared.{step.lhs}[row][column]);")
        with block(site, "for (int j = 0; j < COLUMNS; j += 4) {"):
            out.line("unsigned key[4];")
            out.line("const int row = 4 * j + lane / 16 * 8 + lane % 8;")
            out.line("const int column = d + lane / 8 % 2 * 8;")
            out.line(f"load_matrices(key, &shared.{step.rhs}[stage][row][column]);")
            _products(site, step.into, "query", "key")


def _weighted_sum(step: Contract, site: Site) -> None:
    out, pack = site.out, f"pack_{site.element}"
    site.remark(
        f"{step.into} += {step.lhs} {step.rhs}, 16 keys at a time. A thread has the {step.lhs} in "
        "the registers that the next product wants them in."
    )
    with block(site, "for (int n = 0; n < COLUMNS; n += 4) {"):
        out.line("unsigned weight[ROWS / 2][4];")
        with block(site, TILES):
            out.line(f"const float *upper = {step.lhs}[i] + n, *lower = {step.lhs}[i + 1] + n;")
            for part, pair in enumerate(("upper[0], upper[1]", "lower[0], lower[1]")):
                out.line(f"weight[i / 2][{part}] = {pack}({pair});")
            for part, pair in enumerate(("upper[2], upper[3]", "lower[2], lower[3]"), 2):
                out.line(f"weight[i / 2][{part}] = {pack}({pair});")
        with block(site, "for (int j = 0; j < VALUES; j += 4) {"):
            out.line("unsigned value[4];")
            out.line("const int row = 4 * n + lane % 16, column = 4 * j + lane / 16 * 8;")
            out.line(f"load_transposed(value, &shared.{step.rhs}[stage][row][column]);")
            _products(site, step.into, "weight", "value")


def _products(site: Site, into: str, lhs: str, rhs: str) -> None:
    """Two instructions for each tile of rows: with the next 8 columns, and the 8 after these."""
    with block(site, TILES):
        site.out.line(f"float *upper = {into}[i] + j, *lower = {into}[i + 1] + j;")
        mma = f"mma_{site.element}"
        site.out.line(f"{mma}(upper, lower, {lhs}[i / 2], {rhs}[0], {rhs}[1]);")
        site.out.line(f"{mma}(upper + 2, lower + 2, {lhs}[i / 2], {rhs}[2], {rhs}[3]);")


@_lines.register
def _(step: Exponentiate, site: Site) -> None:
    out = site.out
    site.remark(
        "Weights are at most 1, so they never overflow. A row of which all scores so far are -inf, "
        "hidden or by themselves, is not shifted, since -inf minus -inf is no number: its weights "
        "are exp2(-inf), which is 0."
    )
    out.line(f"float {step.into}[ROWS][COLUMNS];")
    with block(site, ROWS):
        maximum = f"{step.maximum}[i]"
        out.line(f"const float shift = {maximum} == -INFINITY ? 0.0f : {maximum} * to_log2;")
        with block(site, COLUMNS):
            out.line(f"const float power = fmaf({step.scores}[i][j], to_log2, -shift);")
            out.line(f"{step.into}[i][j] = exp2_approx(power);")


@_lines.register
def _(step: Weigh, site: Site) -> None:
    site.out.line(
        f"auto& {step.into} = {step.scores};  // as they are, and 0 where they are hidden"
    )


@_lines.register
def _(step: Rescale, site: Site) -> None:
    out = site.out
    site.remark("What was summed so far was relative to the maximum so far.")
    with block(site, ROWS):
        out.line(f"const float power = ({step.previous}[i] - {step.maximum}[i]) * to_log2;")
        known = f"{step.maximum}[i] > -INFINITY"
        out.line(f"const float rescale = {known} ? exp2_approx(power) : 1.0f;")
        for name in step.buffers:
            if len(site.program.buffer(name).shape) == 1:
                out.line(f"{name}[i] *= rescale;")
                continue
            each(site, f"{name}[i][j] *= rescale;", VALUES)
        out.line(f"{step.previous}[i] = {step.maximum}[i];")


@_lines.register
def _(step: RowSum, site: Site) -> None:
    site.remark("Each thread sums the weights of its own columns; its row is added up at the end.")
    each(site, f"{step.into}[i] += {step.weights}[i][j];", ROWS, COLUMNS)


def add_up(total: str, site: Site) -> None:
    """Add the four parts of each row's sum."""
    site.remark("Four lanes have a part of each row's sum.")
    each(site, f"{total}[i] = lane_sum<4>({total}[i]);", ROWS)


@_lines.register
def _(step: Store, site: Site) -> None:
    out = site.out
    if len(site.program.buffer(step.buffer).shape) == 1:
        site.remark("Store a number for each query; one of its four lanes does.")
        with block(site, "if (lane % 4 == 0) {", ROWS):
            out.line(f"const int row = {site.layout.row};")
            target = site.at(step.into, "q_first + row", "0")
            type_ = site.program.buffer(step.into).dtype.value
            value = f"{step.buffer}[i]" if type_ == "f32" else f"{type_}({step.buffer}[i])"
            out.line(f"if (row < q_count) {target} = {value};")
        return
    site.remark("Store the rows that are queries, and not past the end, two numbers at a time.")
    element = site.program.buffer(step.into).dtype.value
    pair, pack = ("float2", "make_float2") if element == "f32" else ("unsigned", f"pack_{element}")
    with block(site, ROWS):
        out.line(f"const int row = {site.layout.row};")
        with block(site, "for (int j = 0; j < VALUES; j += 2) {"):
            out.line("const int e = column_first + 4 * j;")
            outside = "row >= q_count"
            outside += "" if site.whole_values else f" || e >= {site.dims(step.into)}"
            out.line(f"if ({outside}) continue;")
            target = site.at(step.into, "q_first + row", "e")
            out.line(f"auto* pair = reinterpret_cast<{pair}*>(&{target});")
            out.line(f"*pair = {pack}({step.buffer}[i][j], {step.buffer}[i][j + 1]);")
