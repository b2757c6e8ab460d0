"""Diagrams as Mermaid text: it parses, and draws the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attn_dsl.pipeline import Compiled
from attn_dsl.render import fused_mermaid, mermaid_text, node_operations
from attn_dsl.syntax import Diagram, parse, read_document

CASES = sorted((Path(__file__).parent / "cases").glob("*.mmd"))
Parse = Callable[[str], Diagram]


def shown(diagram: Diagram) -> tuple[object, ...]:
    """What of a diagram is seen, but for its subgraphs."""
    return (
        {n.id: (n.label.text, n.shape or "square", n.classes) for n in diagram.nodes.values()},
        [(e.source, e.target, e.label and e.label.text, e.stroke, e.arrow) for e in diagram.edges],
        diagram.direction,
        diagram.title,
        diagram.styles,
        diagram.class_styles,
        diagram.link_styles,
    )


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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_written_anew_it_draws_the_same(
    case: Path, diagram: Parse, compiled: Callable[[str], Compiled]
) -> None:
    block = read_document(str(case))
    original = parse(block.source, block.start, block.end)
    graph = compiled("causal.attn").drawn
    again = diagram(fused_mermaid(original, graph, []))
    assert shown(again) == shown(original)
    assert [(s.title.text, s.parent, s.direction) for s in again.subgraphs] == [
        (s.title.text, s.parent, s.direction) for s in original.subgraphs
    ]


def test_fused_subgraphs_hold_what_was_absorbed(
    diagram: Parse, compiled: Callable[[str], Compiled]
) -> None:
    found = compiled("attention.md#2")
    again = diagram(fused_mermaid(found.diagram, found.fused, found.remarks))
    (box,) = [s for s in again.subgraphs if s.id.startswith("fused_")]
    assert set(box.nodes) == {"MatMul", "Scale", "Softmax", "MatMul2"}
    assert box.parent == "subGraph1"
