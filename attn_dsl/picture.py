"""A file's picture: what its boxes mean decides their colours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.pipeline import analyse
from attn_dsl.render import (
    Picture,
    Theme,
    diagram_dot,
    drawn_links,
    format_of,
    fused_dot,
    fused_mermaid,
    mermaid_text,
    node_operations,
    node_types,
    write,
)
from attn_dsl.semantics import drawn_operations
from attn_dsl.syntax import Block, Diagram, parse


def write_picture(
    block: Block, path: Path, view: str, settings: Mapping[str, Any], theme: Theme = Theme.LIGHT
) -> None:
    """Draw `block` to `path`; `view` is `diagram` or `fused`.

    Raises DiagnosticError if it cannot be drawn or written. The diagram's own view needs no
    more than a drawing that parses.
    """
    format_of(path)
    write(VIEWS[view](block, settings), path, theme)


def _diagram(block: Block, settings: Mapping[str, Any]) -> Picture:
    diagram = parse(block.source, block.start, block.end)
    operations, types, links = _meanings(block, diagram, settings)
    dot, mermaid = diagram_dot(diagram, operations, types), mermaid_text(diagram, operations)
    return Picture(dot, mermaid, links)


def _fused(block: Block, settings: Mapping[str, Any]) -> Picture:
    compiled = analyse(block, settings)
    diagram, graph, remarks = compiled.diagram, compiled.fused, compiled.remarks
    operations = node_operations(diagram, compiled.drawn)
    types = node_types(diagram, compiled.drawn)
    return Picture(
        fused_dot(diagram, graph, remarks, operations, types),
        fused_mermaid(diagram, graph, remarks, operations),
    )


VIEWS = {"diagram": _diagram, "fused": _fused}


def _meanings(
    block: Block, diagram: Diagram, settings: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    """Operations, types and links of the nodes; from the words alone where it does not compile."""
    try:
        compiled = analyse(block, settings)
    except DiagnosticError:
        return drawn_operations(diagram), {}, {}
    drawn = compiled.drawn
    links = drawn_links(diagram, compiled.fused)
    return node_operations(diagram, drawn), node_types(diagram, drawn), links
