"""Kernels that only move elements: copies, repeated heads, pages, parts of a concatenation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attn_cuda.cxx.sizes import count, divides, tiles
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import c_type
from attn_cuda.kernels.kernel import THREADS, Axes, Launch, Operand, elements
from attn_dsl.expr import Binary, Expr
from attn_dsl.ir import Dim, Statement
from attn_dsl.ir.ops import Concatenate, GatherPages, MergeHeads, RepeatHeads, page_dims

PLACE = """\
    const long long n = blockIdx.x * (long long)THREADS + threadIdx.x;
    if (n >= count) return;
    const long long k = n % columns, q = n / columns % rows;
    const long long h = n / columns / rows % heads, b = n / columns / rows / heads;
"""

COPY = f"""\
// out = x, element by element.
template <typename T>
__global__ void __launch_bounds__(THREADS)
copy(View<const T> x, View<T> out, long long count, long long heads, long long rows,
     long long columns) {{
{PLACE}\
    out.at(b, h, q, k) = x.at(b, h, q, k);
}}
"""

REPEAT = f"""\
// out = x, of which each head serves `each` heads, one after the other.
template <typename T>
__global__ void __launch_bounds__(THREADS)
repeat_heads(View<const T> x, View<T> out, long long count, long long heads, long long rows,
             long long columns, long long each) {{
{PLACE}\
    out.at(b, h, q, k) = x.at(b, h / each, q, k);
}}
"""

GATHER_PAGES = f"""\
// out = the pages of the pool that the table lists, one after the other, of `slots` rows each;
// zeros for a number that is no page's.
template <typename Page, typename T>
__global__ void __launch_bounds__(THREADS)
gather_pages(View<const Page> table, View<const T> pool, View<T> out, long long count,
             long long heads, long long rows, long long columns, long long pages,
             long long slots) {{
{PLACE}\
    const long long page = table.at(b, h, 0, q / slots);
    const bool there = page >= 0 && page < pages;
    out.at(b, h, q, k) = there ? pool.at(page, h, q % slots, k) : T(0.0f);
}}
"""


def copy_launch(unit: Unit, value: str, out: Operand) -> Launch:
    """A value to another place: the memory of an output, or of heads that are merged."""
    title = f"{out.memory or out.value} = {value}"
    return _launch(unit, title, "copy", COPY, unit.shape(value), (Operand(value), out))


def merge_heads_launch(
    unit: Unit, statement: Statement, op: MergeHeads, strides: tuple[Expr, ...]
) -> Launch:
    """Heads side by side, where they do not lie so already; `strides` as each head is written."""
    out = Operand(statement.name, written=True, strides=strides)
    title = f"{statement.name} = {op.x}, its heads merged"
    return _launch(unit, title, "copy", COPY, unit.shape(op.x), (Operand(op.x), out))


def repeat_heads_launch(unit: Unit, statement: Statement, op: RepeatHeads) -> Launch:
    """Copies of heads, for what is not fused."""
    dims, groups = unit.shape(statement.name), unit.shape(op.x)[1]
    each = Binary("//", dims[1].to_expr(), groups.to_expr())
    operands = Operand(op.x), Operand(statement.name, written=True)
    title = f"{statement.name} = {op.x}, its heads repeated"
    launch = _launch(unit, title, "repeat_heads", REPEAT, dims, operands, each)
    return replace(launch, requires=divides(dims[1], groups))


def gather_pages_launch(unit: Unit, statement: Statement, op: GatherPages) -> Launch:
    """Copies of pages, for what is not fused."""
    pool = unit.graph.types[op.pool]
    heads, slots, _ = page_dims(pool, op.axis)
    table: Axes = (2, 1, 0, 3) if heads else (1, 2, 0, 3)  # batch, head, none, place
    axes: Axes = (1, 0, 2, 3) if not heads else (0, 1, 2, 3) if op.axis == -2 else (0, 2, 1, 3)
    out = Operand(statement.name, written=True)
    operands = Operand(op.table, axes=table), Operand(op.pool, axes=axes), out
    kernel = f"gather_pages<{c_type(unit, op.table)}, {c_type(unit, op.pool)}>"
    title = f"{statement.name} = {op.pool}, the pages in {op.table}"
    dims, numbers = unit.shape(statement.name), (pool.dims[0].to_expr(), slots.to_expr())
    return _launch(unit, title, kernel, GATHER_PAGES, dims, operands, *numbers)


def concatenate_launches(unit: Unit, statement: Statement, op: Concatenate) -> Iterator[Launch]:
    """A copy of each part to its place; a part that broadcasts is read as often as it takes."""
    shape, axis = unit.shape(statement.name), op.axis + 4
    first = Dim.of(0)
    for part in op.parts:
        dims = (*shape[:axis], unit.shape(part)[axis], *shape[axis + 1 :])
        offset = count((first, *shape[axis + 1 :])) if first != Dim.of(0) else None
        target = Operand(statement.name, written=True, offset=offset)
        title = f"{statement.name} = {', '.join(op.parts)} along axis {op.axis}"
        yield _launch(unit, title, "copy", COPY, dims, (Operand(part), target))
        first = first + unit.shape(part)[axis]


def _launch(
    unit: Unit,
    title: str,
    kernel: str,
    text: str,
    dims: tuple[Dim, ...],
    operands: tuple[Operand, ...],
    *numbers: Expr,
) -> Launch:
    """A thread for each element of a tensor with these dims."""
    blocks = tiles(count(dims), THREADS)
    if "<" not in kernel:
        kernel = f"{kernel}<{c_type(unit, operands[-1].value)}>"
    return Launch(title, kernel, text, blocks, operands, (*elements(dims), *numbers))
