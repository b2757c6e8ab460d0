"""A diagram as `attn parse --json` prints it: as mermaid's own parser would describe it.

Not repeated are three of mermaid's accidents: a subgraph's members do not include `;` after a
doubled semicolon or `end;`, nor the text of an `accTitle` inside it, and named entities are
decoded, all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from attn_dsl.diagnostics import Diagnostic
from attn_dsl.syntax.arrows import edge_id
from attn_dsl.syntax.diagram import Diagram, Edge, Node, Subgraph, Text


def to_json(name: str, diagram: Diagram) -> dict[str, Any]:
    """The object for the file `name`; subgraphs in the order in which they close, as mermaid's."""
    closing = sorted(diagram.subgraphs, key=lambda subgraph: subgraph.span.end)
    return {
        "file": name,
        "ok": True,
        "direction": diagram.direction,
        "nodes": [_node(node) for node in diagram.nodes.values()],
        "edges": _edges(diagram.edges),
        "subgraphs": [_subgraph(subgraph) for subgraph in closing],
    }


def refusal(name: str, diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """The object for a file that could not be read."""
    places = ((d.span.place + ": " if d.span else "") + d.message for d in diagnostics)
    return {"file": name, "ok": False, "error": "\n".join(places)}


def _node(node: Node) -> dict[str, Any]:
    shape, data = node.shape or None, dict(node.data.values)
    return {"id": node.id, "text": _shown(node.label), "shape": shape, "data": data}


def _edges(edges: Iterable[Edge]) -> list[dict[str, Any]]:
    joined: Counter[tuple[str, str]] = Counter()
    described = []
    for edge in edges:
        ends = edge.source, edge.target
        text = _shown(edge.label) if edge.label else ""
        id = edge.id or edge_id(*ends, joined[ends])
        described.append({"from": edge.source, "to": edge.target, "text": text, "id": id})
        joined[ends] += 1
    return described


def _subgraph(subgraph: Subgraph) -> dict[str, Any]:
    title, nodes = _shown(subgraph.title), list(subgraph.nodes)
    return {"id": subgraph.id, "title": title, "nodes": nodes, "dir": subgraph.direction}


def _shown(text: Text) -> str:
    return text.text if text.shown is None else text.shown
