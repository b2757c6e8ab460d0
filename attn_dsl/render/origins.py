"""From the operations of a graph back to what was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attn_dsl.diagnostics import Span
from attn_dsl.ir import Graph, Origin, Statement
from attn_dsl.ir.ops import OPS, Input
from attn_dsl.syntax import Diagram
from attn_dsl.syntax.arrows import edge_id

_BY_TITLE = {op.__name__: mnemonic for mnemonic, op in OPS.items()}


def edge_names(diagram: Diagram) -> list[str]:
    """The name of every edge: its id, or else the one that mermaid makes up."""
    joined: Counter[tuple[str, str]] = Counter()
    names = []
    for edge in diagram.edges:
        ends = (edge.source, edge.target)
        names.append(edge.id or edge_id(*ends, joined[ends]))
        joined[ends] += 1
    return names


def node_operations(diagram: Diagram, graph: Graph) -> dict[str, str]:
    """The operation, by its mnemonic, that each node draws; fused ones count as drawn.

    An operation that is drawn on an edge stands under the edge's name (`edge_names`).
    """
    found: dict[str, str] = {}
    for statement in graph.statements:
        for origin in statement.origins:
            mnemonic = _mnemonic(statement, origin)
            for name in drawn_at(diagram, origin):
                if name not in found or not isinstance(statement.op, Input):
                    found[name] = mnemonic
    return found


def node_types(diagram: Diagram, graph: Graph) -> dict[str, str]:
    """The type of every input, by its node; that of an optional mask is the boolean one."""
    found: dict[str, str] = {}
    for statement in graph.inputs:
        for origin in statement.origins:
            for name in drawn_at(diagram, origin):
                if name in diagram.nodes and not diagram.edges_into(name):
                    found[name] = str(statement.type)
    return found


def drawn_at(diagram: Diagram, origin: Origin) -> list[str]:
    """The nodes and edges that draw `origin`: all members of a family, and the call of a module."""
    places = [origin.place, *origin.twins]
    return [name for place in places for name in _drawn_at(diagram, place)]


def _drawn_at(diagram: Diagram, span: Span | None) -> list[str]:
    """The nodes and edges that draw what stands at `span`.

    An edge draws it in its label, and so do the edges beside it that say the same; the title
    of a subgraph speaks of those of its nodes that take something in.
    """
    if span is None or span.source != diagram.source:
        return []
    nodes = [node.id for node in diagram.nodes.values() if span.within(node.span)]
    edges = list(_edges_at(diagram, span))
    titled = {s.id for s in diagram.subgraphs if span.within(s.title.span)}
    inside = [node.id for node in diagram.nodes.values() if node.subgraph in titled]
    return nodes or edges or [id for id in inside if diagram.edges_into(id)]


def _edges_at(diagram: Diagram, span: Span) -> Iterator[str]:
    labels = [(edge.target, edge.label) for edge in diagram.edges]
    said = {(target, label.text) for target, label in labels if label and span.within(label.span)}
    for name, (target, label) in zip(edge_names(diagram), labels, strict=True):
        if label and (target, label.text) in said:
            yield name


def _mnemonic(statement: Statement, origin: Origin) -> str:
    """A fused operation's origins say what each part was: `Mask (optional)` is a mask."""
    if origin.call is not None:
        return "module"
    word = origin.title.partition(" ")[0]
    return _BY_TITLE.get(word, statement.op.mnemonic)
