"""Statements exchanged for others."""

from __future__ import annotations

from collections.abc import Iterable

from attn_dsl.ir import Graph, Statement


def fresh_name(graph: Graph, wish: str) -> str:
    """`wish`, or `wish_2`, `wish_3`, … if a value or a size is called so."""
    name, count = wish, 1
    while name in graph.table or name in graph.symbols:
        count += 1
        name = f"{wish}_{count}"
    return name


def replace_statements(graph: Graph, new: Iterable[Statement]) -> Graph:
    """Define values anew, or additional ones; what is no longer needed goes.

    Inputs keep their order: it is that of the arguments.
    """
    table = dict(graph.table) | {statement.name: statement for statement in new}
    ordered = Graph.ordered(graph.name, table.values(), graph.outputs)
    kept = {statement.name for statement in ordered.inputs}
    inputs = [statement for statement in graph.inputs if statement.name in kept]
    rest = ordered.statements[len(inputs) :]
    return Graph(graph.name, (*inputs, *rest), graph.outputs)
