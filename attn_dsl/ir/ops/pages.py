"""Keys and values in pages: a pool of them, and a table that says which ones a sequence has.

So serving systems keep caches whose sequences grow (PagedAttention, Kwon et al. 2023, arXiv
2309.06180): no sequence needs memory in one piece, and pages are shared by changing a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import Binary, Expr, Name, Number, Tensor, to_text
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.dims import ONE, Dim
from attn_dsl.ir.ops.base import Op, attribute, operand
from attn_dsl.ir.types import DType, ElementMismatch, TensorType, TypeMismatch, real

UNPAGED: Expr = Number(0)
"""In place of the page of a key, where keys lie in one piece."""


@dataclass(frozen=True)
class GatherPages(Op):
    """The pages of `pool` that `table` lists, one after the other; zeros for one that is not there.

    pool `[P, S, D]` or `[P, H, S, D]`, or, with `axis` -3, `[P, S, H, D]`: P pages of S rows.
    table `[..., J]` gives `[..., J*S, D]` or `[..., H, J*S, D]`.
    """

    mnemonic: ClassVar[str] = "gather_pages"
    words: ClassVar[tuple[str, ...]] = (
        "Gather Pages",
        "Gather Blocks",
        "Paged Cache",
        "Paged KV Cache",
        "Paged Key Cache",
        "Paged Value Cache",
        "Block Table Lookup",
        "Page Table Lookup",
    )
    example: ClassVar[str] = (
        'pool(["pool : f32[P, S, D]"]) & table(["table : i32[B, J]"]) --> y[Paged Cache]'
    )

    pool: str = operand()
    table: str = operand()
    axis: int = attribute(default=-2)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The table's rows, with the heads of a page, and the rows of all its pages."""
        table, pool = types[self.table], real(types[self.pool], "pool")
        check_table(table)
        check_pool(pool, self.axis)
        heads, slots, width = page_dims(pool, self.axis)
        *outer, count = table.dims
        return TensorType(pool.dtype, (*outer, *heads, count * slots, width), table.batch)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """A copy."""
        return gather_pages(values[self.pool], values[self.table], self.axis)


def check_table(table: TensorType) -> None:
    """Raise TypeMismatch if `table` cannot list pages."""
    if table.dtype not in (DType.I32, DType.I64):
        message = f"a table lists pages by their numbers, i32 or i64, and this is {table}"
        raise ElementMismatch(message, "table")
    if not table.dims:
        raise TypeMismatch(f"a table has a row of pages for each sequence, and this is {table}")


def check_pool(pool: TensorType, axis: int) -> None:
    """Raise TypeMismatch if `pool` has no pages of rows, or `axis` is not that of the rows."""
    help = "declare it as f32[P, S, D], or with heads f32[P, H, S, D], P pages of S rows"
    if pool.batch or len(pool.dims) not in (3, 4):
        raise TypeMismatch(f"a pool has pages of rows, and this is {pool}", "pool", help)
    if axis not in (-2, -3) or (axis < -2 and len(pool.dims) < 4):
        help = "it is -2, or -3 for a pool f32[P, S, H, D]"
        raise TypeMismatch(f"axis {axis} of {pool} is not that of a page's rows", "axis", help)


def page_dims(pool: TensorType, axis: int) -> tuple[tuple[Dim, ...], Dim, Dim]:
    """The heads of a page, if it has any; its rows; the width of a row."""
    _, *heads, width = pool.dims
    slots = heads.pop(axis + 1)
    return tuple(heads), slots, width


def gather_pages(pool: Array, table: Array, axis: int = -2) -> Array:
    """The rows of the pages that `table` lists; zeros for a number that is no page's."""
    if axis == -3:
        pool = np.swapaxes(pool, -2, -3)
    there = (table >= 0) & (table < len(pool))
    pages = np.zeros((*table.shape, *pool.shape[1:]), pool.dtype)
    pages[there] = pool[table[there]]
    pages = np.moveaxis(pages, table.ndim - 1, -3)
    return pages.reshape(*pages.shape[:-3], pages.shape[-3] * pages.shape[-2], pages.shape[-1])


def page_of(table: str, outer: tuple[Expr, ...], slots: Dim) -> Tensor:
    """The page that has key `k`: `table[b, k // S]`."""
    return Tensor(table, (*outer, Binary("//", Name("k"), slots.to_expr())))


def row_of(page: Tensor) -> Expr:
    """The row of that page: `k % S`."""
    *_, place = page.indices or ()
    assert isinstance(place, Binary)
    return Binary("%", place.lhs, place.rhs)


def whole_type(
    pool: TensorType, page: Expr, axis: int, types: Mapping[str, TensorType]
) -> TensorType:
    """The type of keys in `pool`, of which `page` says where they are: as if in one piece.

    Its heads are those of the pool, or what the table has along `h`.
    """
    if page == UNPAGED:
        return pool
    check_pool(pool, axis)
    heads, slots, width = page_dims(pool, axis)
    if not isinstance(page, Tensor) or page != page_of(page.name, _outer(page), slots):
        raise TypeMismatch(f"`{to_text(page)}` is not how a page of {slots} keys is found")
    table = types[page.name]
    check_table(table)
    outer = [to_text(index) for index in _outer(page)]
    if not {*outer} <= {"b", "h", "0"}:
        raise TypeMismatch(f"`{to_text(page)}` has other indices than b and h of a sequence")
    along = dict(zip(outer, table.dims, strict=False))
    if heads and "h" in along:
        raise TypeMismatch(f"`{to_text(page)}` is for each head, and so are the pages of {pool}")
    dims = [along.get("b", ONE), *(heads or (along.get("h", ONE),))]
    while dims and dims[0] == ONE:
        del dims[0]
    return TensorType(pool.dtype, (*dims, table.dims[-1] * slots, width))


def whole(pool: Array, page: Expr, axis: int, values: Mapping[str, Array]) -> Array:
    """The keys of `whole_type` in one piece."""
    if not isinstance(page, Tensor):
        return pool
    gathered = gather_pages(pool, values[page.name], axis)
    outer = [*map(to_text, _outer(page)), *["h"] * (pool.ndim - 3)]
    ones = tuple(place for place, index in enumerate(outer) if index == "0")
    gathered = gathered.squeeze(ones)
    return np.expand_dims(gathered, -3) if "b" in outer and "h" not in outer else gathered


def _outer(page: Tensor) -> tuple[Expr, ...]:
    """The indices of the table's row."""
    return (page.indices or ())[:-1]
