"""Diagrams as Mermaid text: the author's own, with the classic colours."""

from __future__ import annotations

from collections.abc import Callable

from attn_dsl.pipeline import Compiled
from attn_dsl.render import mermaid_text, node_operations
from attn_dsl.syntax import Diagram

Parse = Callable[[str], Diagram]


def test_the_authors_text_is_kept(diagram: Parse) -> None:
    text = "flowchart TD\n    %% mine\n    A[MatMul] --> B[Scale]\n    style B fill:#fff\n"
    drawn = mermaid_text(diagram(text), {"A": "matmul", "B": "scale"})
    assert drawn.startswith(text)
    assert drawn.removeprefix(text).split() == [
        "style",
        "A",
        "fill:#dcd5f3,stroke:#3d4350,color:#20242e",
    ]
    assert mermaid_text(diagram(text)) == text


def test_a_block_of_markdown_is_taken_alone(compiled: Callable[[str], Compiled]) -> None:
    found = compiled("attention.md#2")
    text = mermaid_text(found.diagram, node_operations(found.diagram, found.drawn))
    assert text.startswith("graph TD\n    subgraph Inputs\n")
    assert "```" not in text
