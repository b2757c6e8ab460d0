"""New statements as they come to be: their names, types and origins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from attn_dsl.ir import Graph, Origin, Statement
from attn_dsl.ir.ops import Op
from attn_dsl.rewrite.match import NoMatch
from attn_dsl.rewrite.replace import fresh_name


class Definitions:
    """Statements that are to be added to `graph`, operands before users."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.types = dict(graph.types)
        self.statements: list[Statement] = []

    def add(self, wish: str, op: Op, origins: Iterable[Origin] = ()) -> str:
        """Define `wish`, or nearly so, as `op`; TypeMismatch if its operands do not fit."""
        name = fresh_name(self._graph, wish)
        while name in self.types:
            name = fresh_name(self._graph, f"{name}_")
        self.keep(Statement(name, op, op.infer(self.types), tuple(dict.fromkeys(origins))))
        return name

    def keep(self, statement: Statement) -> None:
        """Add a statement as it is."""
        self.types[statement.name] = statement.type
        self.statements.append(statement)

    def instead_of(self, old: Statement) -> list[Statement]:
        """All statements, of which the last takes the place of `old`; NoMatch if it is no such."""
        *before, last = self.statements
        if last.type != old.type:
            raise NoMatch(f"it would be {last.type}, and not {old.type}", old)
        return [*before, replace(last, name=old.name)]
