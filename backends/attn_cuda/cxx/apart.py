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
    if not isinstance(statement.op, Slice) or not isinstance(layer, Linear):
        return statement
    weights = _inputs(graph, layer.weight, axis=-2)
    biases = _inputs(graph, layer.bias, axis=-1) if layer.bias else ("",) * len(weights)
    first, wanted = Dim.of(0), Dim.from_expr(statement.op.first)
    for weight, bias in zip(weights, biases, strict=False):
        rows = graph.types[weight].dims[:1]
        goes_with_it = not bias or graph.types[bias].dims == rows
        if first == wanted and rows == statement.type.dims[-1:] and goes_with_it:
            return replace(statement, op=Linear(layer.x, weight, bias))
        first = first + rows[0]
    return statement


def _inputs(graph: Graph, value: str, axis: int) -> tuple[str, ...]:
    """The inputs that `value` joins along `axis`; none if it is no such thing."""
    op = graph.table[value].op
    if not isinstance(op, Concatenate) or op.axis != axis or op.spreads(graph.types):
        return ()
    given = all(isinstance(graph.table[part].op, Input) for part in op.parts)
    return op.parts if given else ()
