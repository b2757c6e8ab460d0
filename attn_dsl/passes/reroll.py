"""sum over i of w[i] · v[i]  →  w v: what was drawn member by member is a matrix product."""

from __future__ import annotations

from attn_dsl.ir import Graph, Statement
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import MatMul, Multiply, Sum, Transpose, Vector
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


def _product(graph: Graph, total: Statement) -> tuple[Statement, Statement]:
    """The product of a row of weights and the vectors, and its only row."""
    assert isinstance(total.op, Sum)
    weighted = graph.table[total.op.x]
    only_user(graph, weighted)
    if not isinstance(weighted.op, Multiply):
        raise NoMatch("it sums no products", weighted)
    weights, vectors = _sides(graph, weighted)
    types = graph.types
    product = MatMul(weights, vectors)
    name = fresh_name(graph, f"{total.name}_row")
    row = Statement(name, product, product.infer(types), weighted.origins + total.origins)
    vector = Vector(name)
    result = vector.infer({name: row.type})
    if result != total.type:
        raise NoMatch(f"the product would be {result}", total)
    return row, Statement(total.name, vector, result, total.origins)


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
