"""A file's picture: what its boxes mean decides their colours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.pipeline import Compiled, analyse
from attn_dsl.render import (
    diagram_dot,
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


def write_picture(block: Block, path: Path, view: str, settings: Mapping[str, Any]) -> None:
    """Draw `block` to `path`; `view` is `diagram` or `fused`.

    Raises DiagnosticError if it cannot be drawn or written. The diagram's own view needs no
    more than a drawing that parses.
    """
    as_mermaid = format_of(path) == "mmd"
    diagram = parse(block.source, block.start, block.end)
    if view == "fused":
        write(_fused(analyse(block, settings), as_mermaid), path)
        return
    operations, types = _meanings(block, diagram, settings)
    text = mermaid_text if as_mermaid else lambda d, o: diagram_dot(d, o, types)
    write(text(diagram, operations), path)


def _fused(compiled: Compiled, as_mermaid: bool) -> str:
    diagram, graph, remarks = compiled.diagram, compiled.fused, compiled.remarks
    operations = node_operations(diagram, compiled.drawn)
    if as_mermaid:
        return fused_mermaid(diagram, graph, remarks, operations)
    return fused_dot(diagram, graph, remarks, operations, node_types(diagram, compiled.drawn))


def _meanings(
    block: Block, diagram: Diagram, settings: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The operations and types of the nodes; from the words alone where it does not compile."""
    try:
        drawn = analyse(block, settings).drawn
    except DiagnosticError:
        return drawn_operations(diagram), {}
    return node_operations(diagram, drawn), node_types(diagram, drawn)
