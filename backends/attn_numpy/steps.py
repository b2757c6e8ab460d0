"""The steps of a tile program as lines of NumPy.

Exponentials are powers of two, which NumPy computes in half the time: exp(x) is
2 ** (x * LOG2_E), and the factor goes into the scale of the queries where it can.
"""

from __future__ import annotations

from dataclasses import replace

from attn_dsl.expr import (
    SCORE,
    Binary,
    Name,
    Tensor,
    names_in,
)
from attn_dsl.ir.dims import ONE
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
    Pages,
    Rescale,
    RowMax,
    RowSum,
    Step,
    Store,
    Weigh,
    part_of,
)
from attn_numpy.counting import count_step
from attn_numpy.expressions import ArrayPrinter, ScalarPrinter
from attn_numpy.hiding import print_hide, print_mapped
from attn_numpy.score_printer import ScorePrinter
from attn_numpy.site import Site, is_bounded, is_normalized, is_product

scalar = ScalarPrinter().print
MUL = ArrayPrinter.operators["*"][1]
LOG2_E = Name("LOG2_E")


def print_body(site: Site) -> None:
    """The steps on one key tile."""
    maps = [s for s in site.program.body if isinstance(s, Map) and s.given is None]
    if site.count:
        site.out.line('count("tiles", heads_in(query_tile))')
    for step in site.program.body:
        if isinstance(step, Hide) and step.given is None and site.program.asks_each_tile:
            with site.out.about(part_mark(part_of(step))):
                print_mapped(site, step)
            continue
        print_step(site, step)
        if maps and step is maps[-1] and is_normalized(site.program):
            site.out.line(f"{step.buffer} *= LOG2_E")


def print_step(site: Site, step: Step) -> None:
    """The lines of one step; those of the running maximum stand together."""
    with site.out.about(part_mark(part_of(step))):
        _print(site, step)


def _print(site: Site, step: Step) -> None:
    out, program, rows = site.out, site.program, site.rows
    match step:
        case Load():
            _print_load(site, step)
        case Begin():
            _print_begin(site, step)
        case Fill(buffer, value):
            _print_fill(site, buffer, value)
        case Contract(into, lhs, rhs, transposed, accumulate):
            sign, transpose = "+=" if accumulate else "=", ".mT" if site.in_blocks else ".T"
            out.line(f"{rows(into)} {sign} {rows(lhs)} @ {rhs}{transpose if transposed else ''}")
        case Map():
            _print_map(site, step)
        case Hide():
            print_hide(site, step)
        case RowMax():
            _print_running_maximum(site, step)
        case Exponentiate(into, scores, _):
            out.line(f"{into} = np.exp2({scores}, out={scores})")
        case Weigh(into, scores):
            out.line(f"{into} = {scores}")
        case RowSum(into, weights):
            out.line(f"{rows(into)} += {weights} @ one[keys]  # the sum of each row")
        case Normalize(buffer, total):
            out.line(f"{buffer} /= np.where({total} == 0, 1, {total})  # 0 where no key is seen")
        case LogSum():
            _print_log_sum(site, step)
        case Store():
            _print_store(site, step)
    if site.count:
        count_step(out, program, step)


def _print_load(site: Site, step: Load) -> None:
    out, program, into, scale = site.out, site.program, step.into, step.scale
    head, place = (
        "group" if step.grouped else site.head,
        "q_begin:q_end" if step.axis == "q" else "keys",
    )
    rows = f"{program.buffer(step.source).value}[{head}]{site.of(place)}"
    if step.pages is not None:
        rows = _in_pages(step.pages, str(program.buffer(step.source).value), head)
    if step.axis == "k":
        out.line(f"{into} = {rows}")
        return
    if program.buffer(into).dtype is not program.buffer(step.source).dtype:
        rows += f".astype(np.{program.buffer(into).dtype.numpy})"
    factor = scale
    if is_product(program):  # no other step is in between that is not linear
        factor = LOG2_E if scale is None else Binary("*", scale, LOG2_E)
    out.line(f"{into} = {rows}" + ("" if factor is None else f" * ({scalar(factor)})"))
    if is_bounded(program):
        out.line("# Scores are within ± this bound (Cauchy and Schwarz). If it is small, no power")
        out.line("# of two is out of range, and no maximum has to be subtracted before.")
        absent = [s.given for s in program.body if isinstance(s, Map)]
        conditions = [f"longest({into}) * longest_key <= 64"]
        conditions += [f"{given} is None" for given in absent]
        out.line(f"bounded = {' and '.join(conditions)}")


def _print_store(site: Site, step: Store) -> None:
    result, tile = site.program.buffer(step.into), site.program.buffer(step.buffer)
    rows = site.of("q_begin:q_end")
    if len(tile.shape) > 1:
        column = ""
    else:
        rows = "[..., q_begin:q_end]" if site.in_blocks else "[q_begin:q_end]"
        column = "[..., 0]"
    site.out.line(f"{result.value}[{site.head}]{rows} = {tile.name}{column}")


def _in_pages(pages: Pages, pool: str, head: str) -> str:
    """The keys of the tile, from the pages of their sequence."""
    if pages.heads is not None:
        colons = ":, " * (-1 - pages.axis)
        pool = f"{pool}[{colons}{'0' if pages.heads == ONE else f'{head}[-1]'}]"
    *sequence, _ = pages.page.indices or ()
    row = f"[{', '.join(map(scalar, sequence))}]" if sequence else ""
    return f"in_pages({pool}, {pages.page.name}{row}, keys)"


def _print_begin(site: Site, step: Begin) -> None:
    """The sink of each row, as the power of two that it is."""
    out, program = site.out, site.program
    dtype = f"np.{program.buffer(step.maximum).dtype.numpy}"
    printer = ArrayPrinter(replace(site, count=False).given)  # once a row: not worth counting
    sink = printer.within(step.sink, MUL)
    if "q" in names_in(step.sink):
        out.line("q = np.arange(q_begin, q_end)[:, None]")
    out.line("# A row begins with its sink, a logit that has no key.")
    out.line(f"{step.maximum} = np.full({site.rows_by('1')}, {sink} * LOG2_E, {dtype})")
    begun = f"np.where({step.maximum} == -np.inf, 0, 1)"
    if is_bounded(program):
        out.line(f"bounded = bounded and np.abs({step.maximum}).max() <= 64")
        begun = f"np.exp2({step.maximum}) if bounded else {begun}"
    out.line(f"{step.total} = ({begun}).astype({dtype})")


def _print_fill(site: Site, name: str, value: float) -> None:
    buffer = site.program.buffer(name)
    columns = scalar(buffer.shape[1].to_expr()) if len(buffer.shape) > 1 else "1"
    dtype = f"np.{buffer.dtype.numpy}"
    shape = site.rows_by(columns)
    if value == 0:
        site.out.line(f"{name} = np.zeros({shape}, {dtype})")
    else:
        number = ScalarPrinter().number(value)[0]
        site.out.line(f"{name} = np.full({shape}, {number}, {dtype})")


def _print_running_maximum(site: Site, step: RowMax) -> None:
    """The scores relative to the running maximum, and what is summed so far as well."""
    out = site.out
    rescale = next(s for s in site.program.body if isinstance(s, Rescale))
    if is_bounded(site.program):
        with out.block("if not bounded:"):
            _print_shift(site, step, rescale)
        return
    _print_shift(site, step, rescale)


def _print_shift(site: Site, step: RowMax, rescale: Rescale) -> None:
    out, previous = site.out, site.rows(step.previous)
    highest = f"{step.scores}.max(axis={-1 if site.in_blocks else 1}, keepdims=True)"
    out.line(f"{step.into} = np.maximum({previous}, {highest})")
    out.line("# A row that has seen no key yet is -inf; shifted by 0, it stays without weight.")
    out.line(f"shift = np.where({step.into} == -np.inf, 0, {step.into})")
    out.line(f"{step.scores} -= shift")
    out.line(f"rescale = np.exp2({previous} - shift)")
    out.lines(f"{site.rows(buffer)} *= rescale" for buffer in rescale.buffers)
    out.line(f"{previous} = {step.into}")


def _print_log_sum(site: Site, step: LogSum) -> None:
    shift = f"{step.maximum} / LOG2_E"
    if is_bounded(site.program):
        shift = f"(0 if bounded else {shift})"
    with site.out.block('with np.errstate(divide="ignore"):  # where no key is seen, it is -inf'):
        site.out.line(f"{step.into} = np.log({step.total}) + {shift}")


def _print_map(site: Site, step: Map) -> None:
    """A change of the scores."""
    out, program = site.out, site.program
    dtype = program.buffer(step.buffer).dtype
    if step.given is not None and is_product(program):
        assert step.score == Binary("+", SCORE, Tensor(step.given))
        with out.block(f"if {step.given} is not None:"):
            out.line(f"{step.buffer} += {step.given}{site.tile} * LOG2_E")
        return
    line = _changed(ScorePrinter(site.given, dtype), step)
    if step.given is None:
        out.line(line)
        return
    with out.block(f"if {step.given} is not None:"):
        out.line(line)


def _changed(printer: ScorePrinter, step: Map) -> str:
    """The line that changes the scores, in place if it can."""
    scores, text = step.buffer, printer.print(step.score)
    match step.score:
        case Binary("+" | "-" | "*" | "/" as op, lhs, rhs) if lhs == SCORE:
            if SCORE.id not in names_in(rhs):
                return f"{scores} {op}= {printer.print(rhs)}"
    if SCORE.id not in names_in(step.score):  # what is read of a tensor must not be written to
        return f"{scores} = np.array(np.broadcast_to({text}, {scores}.shape), {scores}.dtype)"
    return f"{scores} = {text}"
