"""Copies of what tensor cores cannot load as it lies: they take rows 16 bytes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from attn_cuda.cxx.layouts import Layout, contiguous, given_strides
from attn_cuda.cxx.names import identifiers
from attn_cuda.cxx.unit import Unit
from attn_cuda.cxx.views import is_half
from attn_dsl.expr import Expr, Number, substitute
from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.ops import Cast, TiledScores

NUMBERS = 8  # of 16 bits in 16 bytes


def straighten_rows(unit: Unit, layouts: Mapping[str, Layout]) -> Unit:
    """Queries, keys and values of 16 bits that do not lie in such rows are copied before."""
    statements: list[Statement] = []
    copies: dict[str, str] = {}
    taken = (*unit.graph.table, *unit.symbols.values(), *unit.kernels.values())
    for statement in unit.graph.statements:
        for value in _read_in_rows(unit, statement):
            if value not in copies and not _in_rows(unit, layouts[value]):
                copies[value] = identifiers([f"{value}_rows"], taken)[f"{value}_rows"]
                type_ = unit.graph.types[value]
                copy = Cast(value, type_.dtype.value)  # to its own type: no more than a copy
                statements.append(Statement(copies[value], copy, type_))
        fused = isinstance(statement.op, TiledScores)
        op = statement.op.rename(copies) if fused else statement.op
        statements.append(replace(statement, op=op))
    graph = Graph(unit.graph.name, tuple(statements), unit.graph.outputs)
    types = {copy: unit.types[value] for value, copy in copies.items()}
    return replace(unit, graph=graph, types={**unit.types, **types}) if copies else unit


def _read_in_rows(unit: Unit, statement: Statement) -> Iterator[str]:
    if isinstance(statement.op, TiledScores) and is_half(unit, statement.op.query):
        yield statement.op.query
        yield from (read.name for read in statement.op.read)


def _in_rows(unit: Unit, layout: Layout) -> bool:
    """Whether each row begins at a multiple of 16 bytes, and its numbers lie side by side."""
    *outer, last = layout.strides
    begins = [*outer, layout.offset or Number(0)]
    return last == Number(1) and all(_whole(unit, begin) for begin in begins)


def _whole(unit: Unit, count: Expr) -> bool:
    """Whether so many numbers are a multiple of 16 bytes, where inputs have no gaps."""
    plain: dict[str, Expr] = {}
    for statement in unit.graph.inputs:
        names = (name.id for name in given_strides(unit, statement.name))
        plain |= zip(names, contiguous(statement.type.dims), strict=True)
    dim = Dim.from_expr(substitute(count, plain)).substitute(unit.constants)
    return all(factor % NUMBERS == 0 for _, factor in dim.terms)
