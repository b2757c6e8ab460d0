"""A cache in pages, and the table that says which of them a sequence has."""

from __future__ import annotations

from collections.abc import Sequence

from attn_dsl.ir import DType
from attn_dsl.ir.ops import GatherPages
from attn_dsl.semantics.builder import Builder
from attn_dsl.semantics.site import Argument, Site, has_operands, typed


def build_gather_pages(builder: Builder, site: Site, arguments: Sequence[Argument]) -> str | None:
    """The whole numbers are the table, whichever arrow comes first."""
    if not has_operands(builder, site, arguments, range(2, 3), "a pool of pages and a table"):
        return None
    pool, table = (typed(builder, site, argument, None) for argument in arguments)
    if pool is None or table is None:
        return None
    if builder.type_of(pool).dtype in (DType.I32, DType.I64):
        pool, table = table, pool
    op = GatherPages(pool, table, site.meaning.axis or -2)
    return builder.add(site.wish, op, site.origin("GatherPages"))
