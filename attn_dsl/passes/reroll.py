"""sum over i of w[i] · v[i]  →  w v: what was drawn member by member is a matrix product.

A factor that is the same for all i, and dropout, may come before the sum or after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Identity, MatMul, Multiply, Scale, Sum, Transpose, Vector
from attn_dsl.passes.remark import Rewritten
from attn_dsl.rewrite import NoMatch, fresh_name, only_user, replace_statements


def reroll(graph: Graph) -> Rewritten:
    """Turn weighted sums over an axis into products; what does not match stays."""
    new: dict[str, Statement] = {}
    for statement in graph.statements:
        if isinstance(statement.op, Sum) and statement.op.axis == -2:
            try:
                new |= {s.name: s for s in _product(graph, statement)}
            except NoMatch:
                continue  # a sum that is no weighted one is right as it is
    return Rewritten(replace_statements(graph, new.values()) if new else graph)


def _product(graph: Graph, total: Statement) -> Iterator[Statement]:
    """The product of a row of weights and the vectors, its only row, and the steps after it."""
    assert isinstance(total.op, Sum)
    weighted, steps = _before(graph, total.op.x)
    if not isinstance(weighted.op, Multiply):
        raise NoMatch("it sums no products", weighted)
    weights, vectors = _sides(graph, weighted)
    product = MatMul(weights, vectors)
    name = fresh_name(graph, f"{total.name}_row")
    row = Statement(name, product, product.infer(graph.types), weighted.origins + total.origins)
    vector = Vector(name)
    result = vector.infer({name: row.type})
    if result != total.type:
        raise NoMatch(f"the product would be {result}", total)
    yield row
    made = Statement(fresh_name(graph, f"{total.name}_plain"), vector, result, total.origins)
    for step in steps:
        yield made
        op = step.op.rename({step.op.operands[0]: made.name})
        made = Statement(step.name, op, result, step.origins)
    yield replace(made, name=total.name)


def _before(graph: Graph, value: str) -> tuple[Statement, list[Statement]]:
    """What is summed before any steps that a sum may come before as well, and these steps."""
    steps: list[Statement] = []
    statement = graph.table[value]
    only_user(graph, statement)
    while isinstance(statement.op, Scale | Identity):
        steps.insert(0, statement)
        statement = graph.table[statement.op.x]
        only_user(graph, statement)
    return statement, steps


def _sides(graph: Graph, weighted: Statement) -> tuple[str, str]:
    """The weights [..., 1, n], of which the transpose weighs, and the vectors [..., n, d]."""
    assert isinstance(weighted.op, Multiply)
    for column, vectors in (
        (weighted.op.lhs, weighted.op.rhs),
        (weighted.op.rhs, weighted.op.lhs),
    ):
        op = graph.table[column].op
        if isinstance(op, Transpose):
            rows, vector = graph.types[op.x].dims, graph.types[vectors].dims
            if len(vector) > 1 and rows[-2] == ONE and rows[-1] == vector[-2] and vector[-1] != ONE:
                return op.x, vectors
    raise NoMatch("it weighs no vectors", weighted)
