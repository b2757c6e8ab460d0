"""Keys and values that a drawing gathers from pages: the kernel finds the pages itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attn_dsl.expr import INDICES, SCORE, Expr, Name, Number
from attn_dsl.ir import Graph, Statement, TensorType
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import HEADS, UNPAGED, GatherPages, Row, page_dims, page_of
from attn_dsl.passes.fuse.operands import Operand

BATCH = ("h", "b")
"""What counts the batch dims of scores, from the right."""


def in_pages(graph: Graph, operands: Sequence[Operand], query: str) -> list[Operand]:
    """Keys, then values: as the pools that they are gathered from, if pages can be found there.

    Others are copied as drawn: where neither `b` nor `h` counts what has pages of its own, where
    heads that serve several have, and where a pool has not the layout of the first.
    """
    found: list[Operand] = []
    for operand in operands:
        pooled = _pooled(graph, operand, graph.types[query])
        layouts = {o.axis for o in (*found, pooled) if o.page != UNPAGED}
        found.append(pooled if len(layouts) < 2 else operand)
    return found


def _pooled(graph: Graph, operand: Operand, query: TensorType) -> Operand:
    """The pool in place of `operand`, if it may be."""
    table = {**graph.table, **{s.name: s for s in operand.new}}
    statement = table[operand.name]
    is_shared = isinstance(statement.op, Row) and statement.op.axis == HEADS
    gathered = table[statement.op.operands[0]] if is_shared else statement
    if not isinstance(gathered.op, GatherPages) or len(statement.type.dims) > len(query.dims):
        return operand
    heads, slots, _ = page_dims(graph.types[gathered.op.pool], gathered.op.axis)
    if heads and (is_shared or not (operand.grouped or heads[0] in (ONE, query.dims[HEADS]))):
        return operand
    indices = _indices(graph.types[gathered.op.table], query, len(heads) or int(is_shared))
    if indices is None:
        return operand
    if {*slots.symbols} & {*INDICES, SCORE.id}:
        return operand
    page = page_of(gathered.op.table, indices, slots)
    origins = _only_here(graph, gathered)
    return replace(
        operand, name=gathered.op.pool, new=(), page=page, axis=gathered.op.axis, absorbed=origins
    )


def _indices(table: TensorType, query: TensorType, inner: int) -> tuple[Expr, ...] | None:
    """Which row of `table` a query reads; None if no index counts one of its dims.

    What is gathered has `inner` batch dims after those of the table.
    """
    if table.batch:
        return None
    found: list[Expr] = []
    for place, dim in enumerate(reversed(table.dims[:-1]), start=inner):
        if dim == ONE:
            found.insert(0, Number(0))
        elif place < len(BATCH) and query.dims[-3 - place] == dim:
            found.insert(0, Name(BATCH[place]))
        else:
            return None
    return tuple(found)


def _only_here(graph: Graph, gathered: Statement) -> tuple[Statement, ...]:
    """The gathering, if nothing else needs what it gives."""
    alone = len(graph.users(gathered.name)) == 1 and not graph.is_output(gathered.name)
    return (gathered,) if alone else ()
