"""Where steps are printed: the loops, names and places of one kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from attn_cuda.attention.tiling import padded
from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.unit import Unit
from attn_cuda.kernels.kernel import factor, remark
from attn_dsl.expr import Expr, names_in, tensors_in
from attn_dsl.ir import Dim
from attn_dsl.textbuilder import TextBuilder
from attn_dsl.tile import Pages, TileProgram

ROWS = "for (int i = 0; i < ROWS; ++i) {"
COLUMNS = "for (int j = 0; j < COLUMNS; ++j) {"
VALUES = "for (int j = 0; j < VALUES; ++j) {"


@dataclass(frozen=True)
class Layout:
    """Which scores of a tile a thread has: `scores[i][j]` stands in this row and this column.

    `lanes` neighbouring threads share a row.
    """

    row: str
    column: str
    lanes: int


GROUPS = Layout("ROWS * group + i", "lane + 16 * j", 16)
"""Groups of 16 threads have some rows each, and each thread every 16th column."""

FRAGMENTS = Layout("row_first + 8 * i", "column_of(j)", 4)
"""As tensor cores hand out a product of 16 x 8: four threads share a row, two columns each."""


@dataclass(frozen=True)
class Site:
    """Where steps are printed: the text, the program, and the block's batch and head.

    `scaled_late`: whether scores are still without their scale, which the exponential brings.
    `splits`: whether blocks may share queries.
    """

    out: TextBuilder
    printer: CudaPrinter
    program: TileProgram
    b: str
    h: str
    layout: Layout
    scaled_late: bool
    splits: bool = False

    def remark(self, text: str) -> None:
        """Add a comment."""
        remark(self.out, text)

    def dims(self, buffer: str) -> str:
        """The length of a row of a buffer, in C."""
        return factor(self.printer.unit, self.program.buffer(buffer).shape[-1])

    @property
    def natural_maximum(self) -> str:
        """The maximum of a row, as the score that it is."""
        return "maximum[i] * scale" if self.scaled_late else "maximum[i]"

    @property
    def element(self) -> str:
        """The type of an element of queries, keys and values."""
        return self.program.buffer("query").dtype.value

    def width(self, tile: str) -> str:
        """The length of a row in shared memory, which fragments of 16 fill."""
        return padded_factor(self.printer.unit, self.program.buffer(tile).shape[-1])

    @property
    def query(self) -> str:
        """The query of row `i` of a thread; past the end the last one."""
        return f"q_first + min({self.layout.row}, q_count - 1)"

    @property
    def whole_values(self) -> bool:
        """Whether the columns of a value are a multiple of the lanes that have one each."""
        return self.program.value_dim.value(self.printer.unit.constants) % 16 == 0

    def at(self, buffer: str, row: str, column: str, *, grouped: bool = False) -> str:
        """An element of a global buffer, in this block's batch and head.

        Where it is `grouped`, heads of the query share one of its heads.
        """
        head = "key_head" if grouped else self.h
        return f"{self.program.buffer(buffer).value}.at({self.b}, {head}, {row}, {column})"

    def page(self, pages: Pages) -> tuple[str, str]:
        """The page that has key `k`, and how many there are."""
        return self.printer.print(pages.page), factor(self.printer.unit, pages.count)

    def on_page(self, buffer: str, pages: Pages, column: str, *, grouped: bool) -> str:
        """A component of key `k`, which is on `page` of a pool."""
        head = "0" if pages.heads is None else "key_head" if grouped else self.h
        size = factor(self.printer.unit, pages.size)
        return f"{self.program.buffer(buffer).value}.at(page, {head}, k % {size}, {column})"


def padded_factor(unit: Unit, dim: Dim) -> str:
    """The next multiple of 16: the size itself where it is one."""
    size = dim.value(unit.constants)
    return factor(unit, dim) if size == padded(size) else str(padded(size))


@contextmanager
def block(site: Site, *heads: str) -> Iterator[None]:
    """Nested C blocks."""
    if not heads:
        yield
        return
    with site.out.block(heads[0], "}"), block(site, *heads[1:]):
        yield


def each(site: Site, statement: str, *heads: str) -> None:
    """One statement in loops, whose heads end with a brace: it needs none."""
    with block(site, *heads[:-1]):
        site.out.line(f"{heads[-1].removesuffix(' {')} {statement}")


@contextmanager
def given(site: Site, tensor: str | None) -> Iterator[Site]:
    """Only if the optional tensor was handed over; the same for all threads."""
    if tensor is None:
        yield site
        return
    printer = replace(site.printer, given=site.printer.given | {tensor})
    with block(site, f"if ({tensor}.data != nullptr) {{"):
        yield replace(site, printer=printer)


@contextmanager
def each_score(site: Site, expr: Expr) -> Iterator[CudaPrinter]:
    """Each of a thread's scores, with its query and key as far as `expr` needs them.

    Past the ends these are the last ones, so that nothing is read that is not there.
    """
    out, element = site.out, bool(tensors_in(expr, gathered=False))
    with block(site, ROWS):
        if element or "q" in names_in(expr):
            out.line(f"const long long q = {site.query};")
        with block(site, COLUMNS):
            if element or "k" in names_in(expr):
                column = f"min({site.layout.column}, k_count - 1)"
                out.line(f"const long long k = k_first + {column};")
            yield site.printer
