"""What the fused operation reads: the key behind its transpose, heads behind their copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from attn_dsl.expr import Expr
from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import HEADS, UNPAGED, Input, Op, RepeatHeads, Row, Transpose
from attn_dsl.rewrite import fresh_name


@dataclass(frozen=True)
class Operand:
    """A key or value: statements to be added, if any, of which the last defines `name`.

    `grouped`, if its heads serve several heads of the query each. If it is a pool, `page` says
    on which page a key is, `axis` which one the rows of a page are, and `absorbed` what need not
    be gathered.
    """

    name: str
    new: tuple[Statement, ...] = ()
    grouped: bool = False
    page: Expr = UNPAGED
    axis: int = -2
    absorbed: tuple[Statement, ...] = ()


def find_key(graph: Graph, transposed: str, heads: Dim) -> Operand:
    """The key, given keyᵀ and the heads of the query."""
    op = graph.table[transposed].op
    if isinstance(op, Transpose):
        return _uncopied(graph, op.x, heads)
    if _is_of_heads(op) and isinstance(graph.table[op.x].op, Transpose):
        # A transpose and what is done to heads commute.
        inner = find_key(graph, op.x, ONE)
        if isinstance(op, Row):
            return _add(graph, inner, Row(inner.name, HEADS), f"{inner.name}_head")
        if _serves(op, heads):
            return Operand(inner.name, inner.new, graph.types[op.x].dims[-3] != ONE)
    return _add(graph, Operand(transposed), Transpose(transposed), f"{transposed}_T")


def is_key(graph: Graph, transposed: str) -> bool:
    """Whether this is keys, as a product of scores takes them: transposed, and no weight."""
    op = graph.table[transposed].op
    while _is_of_heads(op):
        op = graph.table[op.x].op
    source = graph.table[op.x].op if isinstance(op, Transpose) else None
    is_weight = isinstance(source, Input) and (source.role == "weight" or source.parameter)
    return source is not None and not is_weight


def _is_of_heads(op: Op) -> TypeGuard[RepeatHeads | Row]:
    """Whether it makes other heads of the same matrices."""
    return isinstance(op, RepeatHeads) or (isinstance(op, Row) and op.axis == HEADS)


def find_value(graph: Graph, value: str, heads: Dim, key: Operand) -> Operand:
    """The value, given the key. Its heads are as many as the key's, or those of the query."""
    found = _uncopied(graph, value, heads)
    groups = {graph.types[o.name].dims[-3] for o in (key, found) if o.grouped}
    return Operand(value) if len(groups) > 1 else found


def _uncopied(graph: Graph, value: str, heads: Dim) -> Operand:
    """What was copied for the heads of the query, which need no copies."""
    op = graph.table[value].op
    if isinstance(op, RepeatHeads) and _serves(op, heads):
        return Operand(op.x, (), graph.types[op.x].dims[-3] != ONE)
    return Operand(value)


def _serves(op: RepeatHeads, heads: Dim) -> bool:
    """Whether the copies are one for each head of the query."""
    return Dim.from_expr(op.heads) == heads


def _add(graph: Graph, operand: Operand, op: Op, wish: str) -> Operand:
    types = {**graph.types, **{s.name: s.type for s in operand.new}}
    made = Statement(fresh_name(graph, wish), op, op.infer(types))
    return Operand(made.name, (*operand.new, made), operand.grouped)
