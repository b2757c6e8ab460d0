"""The author's own drawing, in the colours of what its boxes mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.pipeline import analyse
from attn_dsl.render import (
    Picture,
    collapsed,
    diagram_dot,
    drawn_links,
    edge_types,
    mermaid_text,
    node_operations,
    node_types,
    untyped,
)
from attn_dsl.semantics import drawn_operations
from attn_dsl.syntax import Block, Diagram, parse
from attn_dsl.views.asked import Asked


@dataclass(frozen=True)
class _Meanings:
    """What the nodes and edges of a drawing are, by their names."""

    operations: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def diagram_picture(block: Block, settings: Mapping[str, Any], asked: Asked) -> Picture:
    """The drawing; it has to parse, and need not compile."""
    diagram = parse(block.source, block.start, block.end)
    meanings = _meanings(block, diagram, settings)
    types = {} if asked.no_types else meanings.types
    mermaid = mermaid_text(diagram, meanings.operations)
    if asked.no_types:
        diagram = untyped(diagram)
    if asked.depth is None:
        return Picture(
            diagram_dot(diagram, meanings.operations, types), mermaid, dict(meanings.links)
        )
    shown, homes = collapsed(diagram, asked.depth)
    links: dict[str, dict[str, None]] = {}
    for name, found in meanings.links.items():
        links.setdefault(homes.get(name, name), {}).update(dict.fromkeys(found))
    dot = diagram_dot(shown, meanings.operations, types)
    return Picture(dot, mermaid, {name: tuple(found) for name, found in links.items()})


def _meanings(block: Block, diagram: Diagram, settings: Mapping[str, Any]) -> _Meanings:
    """What the compiler found; from the words alone where it does not compile."""
    try:
        compiled = analyse(block, settings)
    except DiagnosticError:
        return _Meanings(drawn_operations(diagram))
    drawn = compiled.drawn
    types = {**edge_types(diagram, drawn), **node_types(diagram, drawn)}
    links = drawn_links(diagram, compiled.fused)
    return _Meanings(node_operations(diagram, drawn), types, links)
