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
    format_of,
    fused_dot,
    fused_mermaid,
    mermaid_text,
    node_operations,
    node_types,
    write,
)
from attn_dsl.render.tiles import tiles_picture
from attn_dsl.semantics import drawn_operations
from attn_dsl.syntax import Block, Diagram, parse
from attn_dsl.tiles_view import TilesAsked, tiles_view


def write_picture(
    block: Block,
    path: Path,
    view: str,
    settings: Mapping[str, Any],
    theme: Theme = Theme.LIGHT,
    tiles: TilesAsked | None = None,
) -> None:
    """Draw `block` to `path`; `view` is `diagram`, `fused` or `tiles`, which shows `tiles`.

    Raises DiagnosticError if it cannot be drawn or written. The diagram's own view needs no
    more than a drawing that parses.
    """
    format_of(path)
    if view == "tiles":
        picture = tiles_picture(tiles_view(analyse(block, settings), tiles or TilesAsked()))
    else:
        picture = VIEWS[view](block, settings)
    write(picture, path, theme)


def _diagram(block: Block, settings: Mapping[str, Any]) -> Picture:
    diagram = parse(block.source, block.start, block.end)
    operations, types = _meanings(block, diagram, settings)
    return Picture(diagram_dot(diagram, operations, types), mermaid_text(diagram, operations))


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
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The operations and types of the nodes; from the words alone where it does not compile."""
    try:
        drawn = analyse(block, settings).drawn
    except DiagnosticError:
        return drawn_operations(diagram), {}
    return node_operations(diagram, drawn), node_types(diagram, drawn)
