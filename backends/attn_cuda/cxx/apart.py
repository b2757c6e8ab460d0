"""Products of joined weights, taken apart again: a GPU would have to copy the weights each time."""

from __future__ import annotations

from dataclasses import replace

from attn_dsl.ir import Dim, Graph, Statement
from attn_dsl.ir.ops import Concatenate, Input, Linear, Slice


def take_apart(graph: Graph) -> Graph:
    """Columns of linear(x, [a; b; …]) that are those of one weight become linear(x, a).

    Only where each weight is an input: nobody has joined them yet.
    """
    needed = {value for _, value in graph.outputs}
    statements: list[Statement] = []
    for statement in reversed(graph.statements):
        if isinstance(statement.op, Input):
            statements.append(statement)
        elif statement.name in needed:
            statements.append(_apart(graph, statement))
            needed.update(statements[-1].op.operands)
    return Graph(graph.name, tuple(reversed(statements)), graph.outputs)


def _apart(graph: Graph, statement: Statement) -> Statement:
    layer = graph.table[statement.op.x].op if isinstance(statement.op, Slice) else None
    weight = graph.table.get(layer.weight) if isinstance(layer, Linear) else None
    if not isinstance(statement.op, Slice) or not isinstance(layer, Linear) or weight is None:
        return statement
    if not isinstance(weight.op, Concatenate):
        return statement
    parts = weight.op.parts
    biases: tuple[str, ...] = ("",) * len(parts)
    if layer.bias:
        joined = graph.table[layer.bias].op
        if not isinstance(joined, Concatenate) or len(joined.parts) != len(parts):
            return statement
        biases = joined.parts
    first, wanted = Dim.of(0), Dim.from_expr(statement.op.first)
    for part, bias in zip(parts, biases, strict=True):
        rows = graph.types[part].dims[0]
        fits = first == wanted and rows == statement.type.dims[-1]
        fits &= not bias or graph.types[bias].dims[0] == rows
        if fits and isinstance(graph.table[part].op, Input):
            return replace(statement, op=Linear(layer.x, part, bias))
        first = first + rows
    return statement
