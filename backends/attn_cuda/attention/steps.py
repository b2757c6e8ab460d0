"""The steps of a tile program in C++, a function for each."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from functools import singledispatch

from attn_cuda.attention.site import COLUMNS, ROWS, VALUES, Site, block, each, each_score, given
from attn_cuda.cxx.simplify import fold
from attn_dsl.expr import FALSE, Unary, names_in, negation, tensors_in, to_text
from attn_dsl.links import part_mark
from attn_dsl.tile import (
    Begin,
    Contract,
    Exponentiate,
    Fill,
    Hide,
    Load,
    LogSum,
    Map,
    Normalize,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Weigh,
    part_of,
)


def print_step(step: Step, site: Site) -> None:
    """Add the C++ of one step."""
    with about(step, site):
        step_lines(step, site)


def about(step: Step, site: Site) -> AbstractContextManager[None]:
    """What is added inside is linked to the part of the attention that `step` is."""
    return site.out.about(part_mark(part_of(step)))


@singledispatch
def step_lines(step: object, site: Site) -> None:
    """The same, without links."""
    raise NotImplementedError(f"the cuda target has no {type(step).__name__}")


@step_lines.register
def _(step: Load, site: Site) -> None:
    out, dims = site.out, site.dims(step.into)
    first, count = f"{step.axis}_first", f"{step.axis}_count"
    rows = "QUERIES" if step.axis == "q" else "KEYS"
    element = site.at(step.source, f"{first} + row", "d", grouped=step.grouped)
    there = f"row < {count}"
    past = "Rows past the end are 0."
    if step.pages is not None:
        element, there = site.on_page(step.source, step.pages, "d", grouped=step.grouped), "inside"
        past = "Rows past the end, and of pages that are not there, are 0."
    value = element if step.scale is None else f"{element} * scale"
    wanted = ""
    place = "[d][row]" if step.axis == "q" else "[row][d]"
    if step.into == "value_tile":
        out.line("barrier();  // nobody reads the keys any more")
        if not site.whole_values:  # threads read 16 columns at a time, so all of them are filled
            there, past = "inside", past.replace("Rows", "Rows and columns")
            wanted, dims = f" && d < {dims}", "(16 * VALUES)"
    scaled = "" if step.scale is None else ", scaled once here and not in every score"
    what = site.program.buffer(step.source).value
    site.remark(f"Load a tile of {what}{scaled}. {past}")
    why = "  // more at once would cost registers, and so blocks" if step.axis == "q" else ""
    out.line(f"#pragma unroll 2{why}")
    with block(site, f"for (int n = threadIdx.x; n < {rows} * {dims}; n += THREADS) {{"):
        out.line(f"const int row = n / {dims}, d = n % {dims};")
        if step.pages is not None:
            page, pages = site.page(step.pages)
            out.line(f"const long long k = {first} + row;")
            out.line(f"const long long page = row < {count} ? {page} : -1;")
            out.line(f"const bool inside = page >= 0 && page < {pages}{wanted};")
        elif wanted:
            out.line(f"const bool inside = row < {count}{wanted};")
        out.line(f"shared.{step.into}{place} = {there} ? {value} : 0.0f;")
    if step.axis == "k":
        out.line("barrier();  // the tile is complete")


@step_lines.register
def _(step: Fill, site: Site) -> None:
    columns = "[VALUES]" if len(site.program.buffer(step.buffer).shape) == 2 else ""
    declaration = f"float {step.buffer}[ROWS]{columns}"
    if step.value == 0:
        site.out.line(f"{declaration} = {{}};")
        return
    site.out.line(f"{declaration};")
    value, _ = replace(site.printer, single=True).number(step.value)
    each(site, f"{step.buffer}[i] = {value};", ROWS)


@step_lines.register
def _(step: Begin, site: Site) -> None:
    site.remark("Each row begins with its sink, a logit that has no key.")
    site.out.line(f"float {step.maximum}[ROWS], {step.total}[ROWS];")
    printer = replace(site.printer, names={**site.printer.names, "k": "0"})
    with block(site, ROWS):
        if "q" in names_in(step.sink):
            site.out.line(f"const long long q = {site.query};")
        site.out.line(f"{step.maximum}[i] = {printer.print(step.sink)};")
        site.out.line(f"{step.total}[i] = {step.maximum}[i] == -INFINITY ? 0.0f : 1.0f;")


@step_lines.register
def _(step: Contract, site: Site) -> None:
    out = site.out
    lhs, rhs = step.lhs.removesuffix("_tile").rstrip("s"), step.rhs.removesuffix("_tile")
    inner, columns = ("d", COLUMNS) if step.transposed else ("m", VALUES)
    width = "COLUMNS" if step.transposed else "VALUES"
    length = site.dims(step.lhs) if step.transposed else "KEYS"
    place = f"[lane + 16 * j][{inner}]" if step.transposed else f"[{inner}][lane + 16 * j]"
    sign = "+=" if step.accumulate else "="
    transposed = "ᵀ" if step.transposed else ""
    site.remark(
        f"{step.into} {sign} {step.lhs} {step.rhs}{transposed}: ROWS + {width} numbers from shared "
        f"memory are enough for ROWS * {width} products."
    )
    if not step.accumulate:
        out.line(f"float {step.into}[ROWS][{width}] = {{}};")
    with block(site, f"for (int {inner} = 0; {inner} < {length}; ++{inner}) {{"):
        out.line(f"float {lhs}[ROWS], {rhs}[{width}];")
        each(site, f"{lhs}[i] = shared.{step.lhs}[{inner}][ROWS * group + i];", ROWS)
        each(site, f"{rhs}[j] = shared.{step.rhs}{place};", columns)
        each(site, f"{step.into}[i][j] += {lhs}[i] * {rhs}[j];", ROWS, columns)


@step_lines.register
def _(step: Map, site: Site) -> None:
    with given(site, step.given) as inside:
        inside.remark(f"The score s becomes {to_text(step.score)}.")
        with each_score(inside, step.score) as printer:
            scored = f"{step.buffer}[i][j]"
            named = replace(printer, names={**printer.names, "s": scored})
            inside.out.line(f"{scored} = {named.print(step.score)};")


@step_lines.register
def _(step: Hide, site: Site) -> None:
    print_hide(step, site)


def print_hide(step: Hide, site: Site, asked: bool = True) -> None:
    """Hide what a part of the mask does not keep; first, where `asked`, whether that is nothing."""
    out, full = site.out, fold(step.full)
    with given(site, step.given) as inside:
        test = []
        if full == FALSE or not asked:
            inside.remark("Hide the scores that the mask does not keep.")
        else:
            inside.remark(
                "Hide the scores that the mask does not keep. A tile that it keeps throughout "
                "needs no test, and all threads know that at once."
            )
            test = [f"if ({inside.printer.print(site.program.scope.opposite(full))}) {{"]
        with block(inside, *test), each_score(inside, step.mask) as printer:
            mask = fold(step.mask)
            # A tensor may hold NaN, of which every comparison is false, reversed ones too.
            turned = Unary("not", mask) if tensors_in(mask) else negation(mask)
            hidden = printer.print(turned)
            value = "0.0f" if step.value == 0 else "-INFINITY"
            out.line(f"if ({hidden}) {step.buffer}[i][j] = {value};")


def hide_past_the_end(site: Site, value: str = "-INFINITY", asked: bool = True) -> None:
    """Of columns without a key; first, where `asked`, whether the tile has such columns."""
    site.remark("In the last tile, columns past the last key have no score.")
    with block(site, *(["if (k_count < KEYS) {"] if asked else []), COLUMNS):
        site.out.line(f"if ({site.layout.column} < k_count) continue;")
        each(site, f"scores[i][j] = {value};", ROWS)


@step_lines.register
def _(step: RowMax, site: Site) -> None:
    out = site.out
    lanes = site.layout.lanes
    site.remark(
        f"The maximum of each row, with the tiles before, of which {lanes} lanes have parts."
    )
    out.line(f"float {step.into}[ROWS];")
    with block(site, ROWS):
        out.line(f"float highest = {step.previous}[i];")
        each(site, f"highest = fmaxf(highest, {step.scores}[i][j]);", COLUMNS)
        out.line(f"{step.into}[i] = lane_max<{lanes}>(highest);")


@step_lines.register
def _(step: Exponentiate, site: Site) -> None:
    out = site.out
    site.remark(
        "Weights are at most 1, so they never overflow. A row without a key so far is not shifted, "
        "since -inf minus -inf is no number: its weights are exp(-inf), which is 0."
    )
    out.line(f"float {step.into}[ROWS][COLUMNS];")
    with block(site, ROWS):
        out.line(f"const float shift = {step.maximum}[i] == -INFINITY ? 0.0f : {step.maximum}[i];")
        with block(site, COLUMNS):
            out.line(f"{step.into}[i][j] = expf({step.scores}[i][j] - shift);")
            if any(buffer.name == "value_tile" for buffer in site.program.buffers):
                place = f"shared.{step.into}[lane + 16 * j][ROWS * group + i]"
                out.line(f"{place} = {step.into}[i][j];")


@step_lines.register
def _(step: Weigh, site: Site) -> None:
    site.remark(
        "The scores are the weights. In the last tile, columns past the last key have none."
    )
    with block(site, ROWS, COLUMNS):
        there = "lane + 16 * j < k_count"
        place = f"shared.{step.into}[lane + 16 * j][ROWS * group + i]"
        site.out.line(f"{place} = {there} ? {step.scores}[i][j] : 0.0f;")


@step_lines.register
def _(step: Rescale, site: Site) -> None:
    out = site.out
    site.remark("What was summed so far was relative to the maximum so far.")
    with block(site, ROWS):
        factor = f"expf({step.previous}[i] - {step.maximum}[i])"
        out.line("float rescale = 1.0f;")
        out.line(f"if ({step.maximum}[i] > -INFINITY) rescale = {factor};")
        for name in step.buffers:
            if len(site.program.buffer(name).shape) == 1:
                out.line(f"{name}[i] *= rescale;")
                continue
            each(site, f"{name}[i][j] *= rescale;", VALUES)
        out.line(f"{step.previous}[i] = {step.maximum}[i];")


@step_lines.register
def _(step: RowSum, site: Site) -> None:
    out = site.out
    site.remark("The sum of each row's weights.")
    with block(site, ROWS):
        out.line("float sum = 0.0f;")
        each(site, f"sum += {step.weights}[i][j];", COLUMNS)
        out.line(f"{step.into}[i] += lane_sum<16>(sum);")


@step_lines.register
def _(step: Normalize, site: Site) -> None:
    out = site.out
    site.remark("Divide by the sum of the weights. A row that saw no key at all stays 0.")
    with block(site, ROWS):
        out.line(f"const float inverse = {step.total}[i] == 0.0f ? 0.0f : 1.0f / {step.total}[i];")
        each(site, f"{step.buffer}[i][j] *= inverse;", VALUES)


@step_lines.register
def _(step: LogSum, site: Site) -> None:
    site.remark("The logarithm of each row's sum; -inf, which logf gives for 0, if no key is seen.")
    site.out.line(f"float {step.into}[ROWS];")
    each(site, f"{step.into}[i] = {site.natural_maximum} + logf({step.total}[i]);", ROWS)


@step_lines.register
def _(step: Store, site: Site) -> None:
    out, width = site.out, site.dims(step.into)
    if len(site.program.buffer(step.buffer).shape) == 1:
        _store_rows(step, site)
        return
    site.remark("Store the rows that are queries, and not past the end.")
    with block(site, ROWS):
        out.line("const int row = ROWS * group + i;")
        with block(site, VALUES):
            out.line("const int e = lane + 16 * j;")
            inside = "row < q_count" + ("" if site.whole_values else f" && e < {width}")
            element = site.at(step.into, "q_first + row", "e")
            out.line(f"if ({inside}) {element} = {step.buffer}[i][j];")


def _store_rows(step: Store, site: Site) -> None:
    """A number for each row, which all lanes of a group know."""
    site.remark("Store a number for each query; one lane of a group does.")
    with block(site, "if (lane == 0) {", ROWS):
        site.out.line("const int row = ROWS * group + i;")
        element = site.at(step.into, "q_first + row", "0")
        site.out.line(f"if (row < q_count) {element} = {step.buffer}[i];")
