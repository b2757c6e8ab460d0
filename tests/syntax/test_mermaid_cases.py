"""Flowcharts beside mermaid's own answer, recorded: what it accepts, and what it makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import Diagram, find_blocks, parse, to_json

CASES = Path(__file__).parent / "cases"
SEED = Path(__file__).parents[2] / "examples" / "attention.md"
KEYS = {
    "nodes": ("id", "text", "shape"),
    "edges": ("from", "to", "text", "id"),
    "subgraphs": ("id", "title", "nodes", "dir"),
}


def cases() -> list[Any]:
    return [
        pytest.param(case["text"], case["mermaid"], id=f"{path.stem}-{number}")
        for path in sorted(CASES.glob("*.json"))
        if path.stem != "attention"
        for number, case in enumerate(json.loads(path.read_text(encoding="utf-8")))
    ]


def compare(diagram: Diagram, mermaid: dict[str, Any]) -> None:
    ours = to_json("case", diagram)
    assert ours["direction"] == mermaid["direction"]
    for kind, keys in KEYS.items():
        expected = [{key: entry[key] for key in keys} for entry in mermaid[kind]]
        assert [{key: entry[key] for key in keys} for entry in ours[kind]] == expected
    for edge, expected in zip(diagram.edges, mermaid["edges"], strict=True):
        if expected["arrow"] != "INVALID":
            assert (edge.stroke, edge.arrow) == (expected["stroke"], expected["arrow"])


@pytest.mark.parametrize(("text", "mermaid"), cases())
def test_agrees_with_mermaid(text: str, mermaid: dict[str, Any]) -> None:
    if not mermaid["ok"]:
        with pytest.raises(DiagnosticError):
            parse(Source("case", text))
        return
    compare(parse(Source("case", text)), mermaid)


@pytest.mark.parametrize("number", range(4))
def test_the_blocks_of_a_markdown_file(number: int) -> None:
    source = Source(str(SEED), SEED.read_text(encoding="utf-8"))
    block = find_blocks(source.text)[number]
    mermaid = json.loads((CASES / "attention.json").read_text(encoding="utf-8"))[number]
    compare(parse(source, block.start, block.end), mermaid)
