"""Conditions on a graph, each of which says why it does not hold."""

from __future__ import annotations

from attn_dsl.ir import Graph, Statement


class NoMatch(Exception):
    """A rewrite does not apply, for `reason`, because of the value `at`."""

    def __init__(self, reason: str, at: Statement) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at


def only_user(graph: Graph, statement: Statement) -> Statement:
    """The one statement that uses `statement`; `NoMatch` if there are others, or outputs."""
    users = graph.users(statement.name)
    if graph.is_output(statement.name):
        raise NoMatch("it is an output, so it has to be stored", statement)
    if len(users) != 1:
        raise NoMatch(f"it is used {len(users)} times, so it has to be stored", statement)
    return users[0]
