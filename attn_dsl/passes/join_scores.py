"""a bᵀ + c dᵀ  →  (a beside c) (b beside d)ᵀ: scores in two parts are one product.

So is the score of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1.3):
one part for the content, one for the position, whose keys all heads share.
"""

from __future__ import annotations

from dataclasses import dataclass

from attn_dsl.expr import Binary, Expr, Number
from attn_dsl.ir import Dim, Graph, Statement, TypeMismatch
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import (
    HEADS,
    Add,
    Concatenate,
    MatMul,
    RepeatHeads,
    Row,
    Scale,
    Transpose,
)
from attn_dsl.passes.fuse.operands import Operand, find_key, is_key
from attn_dsl.passes.remark import Rewritten
from attn_dsl.passes.straighten import reaches_rows
from attn_dsl.rewrite import Definitions, NoMatch, only_user, replace_statements


def join_scores(graph: Graph) -> Rewritten:
    """Join sums of products of queries and keys, where a softmax takes them."""
    for name in [s.name for s in graph.statements if isinstance(s.op, Add)]:
        total = graph.table[name]
        if isinstance(total.op, Add) and total.op.lhs != total.op.rhs:
            try:
                graph = replace_statements(graph, _joined(graph, total, total.op))
            except (NoMatch, TypeMismatch):
                continue  # what does not match is right as it is
    return Rewritten(graph)


@dataclass(frozen=True)
class Part:
    """factor · query keyᵀ, where the key may have fewer heads than the query."""

    product: Statement
    factor: Expr
    query: str
    key: Operand


def _joined(graph: Graph, total: Statement, op: Add) -> list[Statement]:
    """One product in place of `total`, and what it takes."""
    if not reaches_rows(graph, total):
        raise NoMatch("no softmax takes the sum", total)
    parts = [_part(graph, side) for side in (op.lhs, op.rhs)]
    origins = [o for part in parts for o in part.product.origins] + list(total.origins)
    made = Definitions(graph)
    query = _queries(made, parts)
    key, grouped = _keys(made, parts, total)
    transposed = made.add(f"{key}_T", Transpose(key))
    if grouped:
        heads = made.types[query].dims[-3].to_expr()
        transposed = made.add(f"{transposed}_repeated", RepeatHeads(transposed, heads))
    product = made.add(f"{total.name}_joined", MatMul(query, transposed), origins)
    if parts[0].factor == parts[1].factor != Number(1):
        made.add(f"{total.name}_scaled", Scale(product, parts[0].factor), origins)
    return made.instead_of(total)


def _part(graph: Graph, name: str) -> Part:
    statement = graph.table[name]
    factor: Expr = Number(1)
    while isinstance(statement.op, Scale):
        only_user(graph, statement)
        said = statement.op.factor
        factor = said if factor == Number(1) else Binary("*", said, factor)
        statement = graph.table[statement.op.x]
    only_user(graph, statement)
    if not isinstance(statement.op, MatMul) or not is_key(graph, statement.op.rhs):
        raise NoMatch("it is no product of queries and keys", statement)
    query = statement.op.lhs
    key = find_key(graph, statement.op.rhs, _heads(graph.types[query].dims))
    return Part(statement, factor, query, key)


def _queries(made: Definitions, parts: list[Part]) -> str:
    """The queries side by side, each times its factor unless both have the same."""
    same = parts[0].factor == parts[1].factor
    names = []
    for part in parts:
        scaled = not same and part.factor != Number(1)
        name = part.query
        names.append(made.add(f"{name}_scaled", Scale(name, part.factor)) if scaled else name)
    return _beside(made, names)


def _keys(made: Definitions, parts: list[Part], total: Statement) -> tuple[str, bool]:
    """The keys side by side, and whether their heads serve several of the query's."""
    keys = [part.key for part in parts]
    for key in keys:
        for statement in key.new:
            made.keep(statement)
    counts = {_heads(made.types[key.name].dims) for key in keys} - {ONE}
    if len(counts) > 1:
        found = " and ".join(sorted(map(str, counts)))
        raise NoMatch(f"the keys have {found} heads", total)
    return _beside(made, [key.name for key in keys]), any(key.grouped for key in keys)


def _beside(made: Definitions, names: list[str]) -> str:
    """Side by side in the last axis; what has no heads is shared by all."""
    rank = max(len(made.types[name].dims) for name in names)
    for place, name in enumerate(names):
        while len(made.types[name].dims) < rank:
            name = made.add(f"{name}_head", Row(name, HEADS))
        names[place] = name
    return made.add("_and_".join(names), Concatenate(tuple(names)))


def _heads(dims: tuple[Dim, ...]) -> Dim:
    return dims[-3] if len(dims) > 2 else ONE
