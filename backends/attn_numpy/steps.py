"""The steps of a tile program as lines of NumPy.

Exponentials are powers of two, which NumPy computes in half the time: exp(x) is
2 ** (x * LOG2_E), and the factor goes into the scale of the queries where it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attn_dsl.expr import (
    FALSE,
    SCORE,
    TRUE,
    Binary,
    Expr,
    Kind,
    Name,
    Tensor,
    names_in,
    tensors_in,
)
from attn_dsl.ir.dims import ONE
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import (
    Begin,
    Buffer,
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
    TileProgram,
    Weigh,
    full_queries,
)
from attn_numpy.counting import count_read, count_step
from attn_numpy.expressions import IN_A_TILE, ArrayPrinter, Arrays, ScalarPrinter
from attn_numpy.score_printer import ScorePrinter
from attn_numpy.tile_map import dtypes_of

scalar = ScalarPrinter().print
MUL = ArrayPrinter.operators["*"][1]
LOG2_E = Name("LOG2_E")
CONVERT = {Kind.BOOL: "bool", Kind.INT: "int", Kind.FLOAT: "float"}
"""Python's types by kind."""
BY_ROW = ("query_tile", "maximum", "total", "accumulator")
"""The buffers with a row for each query of the tile."""


@dataclass(frozen=True)
class Site:
    """What is printed where.

    A job takes one head, or as many together as have so many `rows_together`. If `slices`, a
    step is about the rows `seen` alone. With `count`, it counts what it does.
    """

    out: TextBuilder
    program: TileProgram
    rows_together: int = 0
    slices: bool = False
    count: bool = False

    def sliced(self) -> Site:
        """The same, on some rows."""
        return replace(self, slices=True)

    def rows(self, buffer: str) -> str:
        """The rows of `buffer` that a step of the loop is about."""
        return f"{buffer}{self.of('seen')}" if self.slices and buffer in BY_ROW else buffer

    def of(self, rows: str, columns: str = ":") -> str:
        """The index of these rows, of each head if there are several."""
        inner = rows if columns == ":" else f"{rows}, {columns}"
        return f"[..., {rows}, {columns}]" if self.in_blocks else f"[{inner}]"

    def rows_by(self, columns: str) -> str:
        """The shape of an array with these columns and a row for each query of the tile."""
        rows = "*query_tile.shape[:-1]" if self.in_blocks else "q_end - q_begin"
        return f"({rows}, {columns})"

    @property
    def in_blocks(self) -> bool:
        """Whether a job takes several heads."""
        return self.rows_together > 0

    @property
    def head(self) -> str:
        """The index of the heads of a job."""
        return "head_block" if self.in_blocks else "head"

    @property
    def tile(self) -> str:
        """The index of the scores of a tile in a tensor of all scores."""
        return f"[{self.head}]{self.of('rows', 'keys')}"

    def of_map(self, name: str) -> str:
        """The row of the map `live` or `full` that is about the job's tiles."""
        if self.in_blocks:
            return f"{name}[head_block[:-1]][0, q_begin // QUERY_TILE]"
        return f"{name}[head][q_begin // QUERY_TILE]"

    @property
    def arrays(self) -> frozenset[str]:
        """The indices that are arrays in a tile."""
        return IN_A_TILE | {"h"} if self.in_blocks else IN_A_TILE

    @property
    def given(self) -> Arrays:
        """What the names in masks and scores stand for."""
        scalars = {buffer.name for buffer in self.program.captured if is_scalar(buffer)}

        def element(name: str) -> str:
            return name if name in scalars else f"{name}{self.tile}"

        given = Arrays(dtypes_of(self.program), element, self.arrays)
        return replace(given, read=count_read) if self.count else given

    @property
    def reads_tiles(self) -> bool:
        """Whether a mask or a score reads a tensor at the scores."""
        return any(tensors_in(expr, gathered=False) for expr in self._expressions)

    @property
    def indices(self) -> frozenset[str]:
        """The indices that masks and scores mention."""
        return frozenset().union(*map(names_in, self._expressions)) & {"q", "k"}

    @property
    def _expressions(self) -> list[Expr]:
        steps = [step for step in self.program.body if isinstance(step, Map | Hide)]
        return [step.score if isinstance(step, Map) else step.mask for step in steps]

    def maps_index(self, index: str) -> bool:
        """Whether a score expression mentions the index `q` or `k`."""
        scores = (step.score for step in self.program.body if isinstance(step, Map))
        return any(index in names_in(score) for score in scores)


def is_normalized(program: TileProgram) -> bool:
    """Whether the weights are those of a softmax."""
    return any(isinstance(step, Exponentiate) for step in program.body)


def is_bounded(program: TileProgram) -> bool:
    """Whether a look at all keys tells how large scores may be; not where they lie in pages."""
    return is_product(program) and not any(is_paged(step) for step in program.body)


def is_paged(step: Step) -> bool:
    """Whether it loads keys or values from pages."""
    return isinstance(step, Load) and step.pages is not None


def is_product(program: TileProgram) -> bool:
    """Whether a softmax takes products of queries and keys, but for what an optional input adds."""
    maps = [step for step in program.body if isinstance(step, Map)]
    return is_normalized(program) and all(step.given is not None for step in maps)


def is_scalar(buffer: Buffer) -> bool:
    """Whether it is one number for all scores."""
    return not buffer.shape and not buffer.optional


def print_body(site: Site) -> None:
    """The steps on one key tile."""
    maps = [s for s in site.program.body if isinstance(s, Map) and s.given is None]
    if site.count:
        site.out.line('count("tiles", heads_in(query_tile))')
    for step in site.program.body:
        if isinstance(step, Hide) and step.given is None and site.program.asks_each_tile:
            _print_mapped(site, step)
            continue
        print_step(site, step)
        if maps and step is maps[-1] and is_normalized(site.program):
            site.out.line(f"{step.buffer} *= LOG2_E")


def print_step(site: Site, step: Step) -> None:
    """The lines of one step; those of the running maximum stand together."""
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
            _print_hide(site, step)
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


def _print_hide(site: Site, step: Hide) -> None:
    """A condition that scores have to meet, where the tile does not meet it as a whole."""
    if step.full == FALSE and step.given is None:
        _print_hidden(site, [step])
        return
    partial = scalar(site.program.scope.opposite(step.full))
    with site.out.block(f"if {f'{step.given} is not None' if step.given else partial}:"):
        _print_hidden(site, [step], None if step.given else _cut(site, step))


@dataclass(frozen=True)
class Cut:
    """The queries of a tile that do not see all of its keys: from `first` on, up to `end`."""

    first: str = "q_first"
    end: str = "q_last + 1"

    @property
    def rows(self) -> str:
        """Their rows among those of the tile."""
        if self.first == "q_first":
            return f"slice({self.end} - q_first)"
        return f"slice({self.first} - q_first, None)"


def _cut(site: Site, step: Hide) -> Cut | None:
    """Where the mask cuts through a tile on one side: the other queries need not be asked."""
    if tensors_in(step.mask, gathered=False):
        return None
    full = full_queries(step.full, site.program.scope)
    if full.live != TRUE or (full.begin is None) == (full.end is None):
        return None
    if full.begin is not None:
        return Cut(end=f"min({scalar(full.begin)}, q_last + 1)")
    assert full.end is not None
    return Cut(first=f"max({scalar(full.end)}, q_first)")


def _print_mapped(site: Site, step: Hide) -> None:
    """All conditions of a mask together, where the map of tiles says that one may fail."""
    hides = [s for s in site.program.body if isinstance(s, Hide) and s.given is None]
    if step is not hides[0]:
        return
    if site.program.full == FALSE:
        _print_hidden(site, hides)
        return
    with site.out.block(f"if not {site.of_map('full')}[k_first // KEY_TILE]:"):
        _print_hidden(site, hides)


def _print_hidden(site: Site, hides: Sequence[Hide], cut: Cut | None = None) -> None:
    """Let the scores be -inf, or weigh 0, that one of the conditions hides: those of `cut`."""
    out, names = site.out, frozenset().union(*(names_in(hide.mask) for hide in hides))
    rows = ""
    if cut is not None:
        out.line(f"cut = {cut.rows}  # who sees not all of them")
        rows = site.of("cut")
    if "q" in names and (cut is not None or not site.maps_index("q")):
        first, end = (cut.first, cut.end) if cut is not None else ("q_first", "q_last + 1")
        out.line(f"q = np.arange({first}, {end})[:, None]")
    if "k" in names and not site.maps_index("k"):
        out.line("k = np.arange(k_first, k_last + 1)")
    for hide in hides:
        hidden = ArrayPrinter(site.given).print(site.program.scope.opposite(hide.mask))
        value = "0" if hide.value == 0 else "-np.inf"
        out.line(f"np.copyto({hide.buffer}{rows}, {value}, where={hidden})")
        if site.count and hide.given is None:
            out.line('count("masked", heads_in(query_tile))')
