"""Who uses whom: the direct users, and the whole as networkx has it."""

from __future__ import annotations

from pathlib import Path

import networkx as nx

from attn_dsl.ir import Graph
from attn_dsl.pipeline import analyse, read

EXAMPLES = Path(__file__).parents[2] / "examples"


def drawn() -> Graph:
    return analyse(read(EXAMPLES / "self_attention.attn")).drawn


def test_digraph_has_an_edge_for_every_use() -> None:
    graph = drawn()
    for statement in graph.statements:
        assert set(graph.digraph.predecessors(statement.name)) == set(statement.op.operands)
        users = {user.name for user in graph.users(statement.name)}
        assert set(graph.digraph.successors(statement.name)) == users


def test_statements_stand_in_the_order_of_use() -> None:
    graph = drawn()
    order = {statement.name: position for position, statement in enumerate(graph.statements)}
    assert nx.is_directed_acyclic_graph(graph.digraph)
    assert all(order[operand] < order[user] for operand, user in graph.digraph.edges)


def test_every_value_reaches_an_output() -> None:
    graph = drawn()
    outputs = [value for _, value in graph.outputs]
    needed = set(outputs).union(*(nx.ancestors(graph.digraph, value) for value in outputs))
    assert needed == set(graph.table)
