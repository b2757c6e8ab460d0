"""What a fused operation absorbed of the drawing, and what it computes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from attn_dsl.ir import Graph, Origin, Statement
from attn_dsl.ir.ops import TiledScores
from attn_dsl.render.diagram.reach import between
from attn_dsl.render.origins import drawn_at, edge_names, node_operations
from attn_dsl.syntax import Diagram
from attn_dsl.tile import formula


class FusionRemark(Protocol):
    """What a pass says of a fusion: which value, whether it was made, and from what."""

    @property
    def value(self) -> str:
        """The name of the fused operation."""

    @property
    def fused(self) -> bool:
        """Whether it was made."""

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The drawn operations that it absorbed."""


@dataclass(frozen=True)
class Group:
    """A fused operation: its title and formula, and the nodes and edges that it absorbed."""

    id: str
    title: str
    formula: tuple[str, ...]
    nodes: tuple[str, ...]
    edges: frozenset[str]


def fused_groups(diagram: Diagram, graph: Graph, remarks: Iterable[FusionRemark]) -> list[Group]:
    """One group for each operation that the passes fused, if any part of it was drawn."""
    groups: list[Group] = []
    for remark in remarks:
        statement = graph.table.get(remark.value)
        if not remark.fused or statement is None:
            continue
        drawn = {name for origin in remark.origins for name in drawn_at(diagram, origin)}
        taken = {id for group in groups for id in group.nodes}
        absorbed = _absorbed(diagram, graph, drawn) - taken
        nodes = tuple(id for id in diagram.nodes if id in absorbed)
        if nodes:
            title = statement.op.mnemonic.replace("_", " ").capitalize()
            edges = frozenset(drawn - diagram.nodes.keys())
            groups.append(Group(statement.name, title, _formula(statement), nodes, edges))
    return groups


def _absorbed(diagram: Diagram, graph: Graph, drawn: set[str]) -> set[str]:
    """The nodes that an operation drawn at `drawn` makes, and those that only pass its values on.

    A node that names no operation has that of its arrow.
    """
    boxes = diagram.nodes.keys() - {subgraph.id for subgraph in diagram.subgraphs}
    named = node_operations(diagram, graph).keys()
    arrows = zip(edge_names(diagram), diagram.edges, strict=True)
    made = {edge.target for name, edge in arrows if name in drawn and edge.target not in named}
    members = (drawn | made) & boxes
    return members | ((between(diagram, members) & boxes) - named)


def _formula(statement: Statement) -> tuple[str, ...]:
    if not isinstance(statement.op, TiledScores):
        return ()
    lines = formula(statement.name, statement.op)
    return tuple(re.sub(r"\bsqrt\((\w+)\)", r"√\1", line) for line in lines)
