"""The drawing as Mermaid text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attn_dsl.render import palette
from attn_dsl.render.diagram.css import box_css
from attn_dsl.syntax import Diagram, find_blocks

NONE: Mapping[str, str] = {}
_OUTLINE = f"stroke:{palette.LINE},color:{palette.INK}"


def mermaid_text(diagram: Diagram, operations: Mapping[str, str] = NONE) -> str:
    """The author's own text, with the classic colours for nodes without a style of their own.

    `operations` says which operation a node draws, by its mnemonic.
    """
    styles = list(_classic(diagram, operations))
    lines = [_own_text(diagram).rstrip(), *[""] * bool(styles), *(f"    {s}" for s in styles)]
    return "\n".join(lines) + "\n"


def _own_text(diagram: Diagram) -> str:
    """The diagram's part of its source, which may be Markdown."""
    text = diagram.source.text
    starts = [node.span.start for node in diagram.nodes.values()]
    starts += [subgraph.span.start for subgraph in diagram.subgraphs]
    for block in find_blocks(text):
        if starts and block.start <= starts[0] < block.end:
            return text[block.start : block.end]
    return text


def _classic(diagram: Diagram, operations: Mapping[str, str]) -> Iterator[str]:
    for id in diagram.nodes:
        operation = operations.get(id, "input")
        if operation != "input" and not box_css(diagram, id):
            yield f"style {id} fill:{palette.fill_of(operation)},{_OUTLINE}"
