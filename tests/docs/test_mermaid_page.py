"""`docs/mermaid.md`: each of mermaid's silent losses gets the code that the page promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import parse

PAGE = (Path(__file__).parents[2] / "docs" / "mermaid.md").read_text(encoding="utf-8")
LOSSES = [
    ('A["the direction LR"] --> B', "W002"),
    ("%%", "W006"),
    ('A["k<q"]', "W001"),
    ('A["#word;"]', "W009"),
    ("A x-- text --> B", "W004"),
    ("e1@{ role: lhs }\nA e1@--> B", "W005"),
    ("A@{\n  op softmax\n}", "W010"),
    ("subgraph the end\nA\nB\nend", "W011"),
    ("accTitle:\nA --> B", "W012"),
    ("click A\nB", "W012"),
    ("accDescr { text\nA --> B", "W012"),
    ("A\n%%{ B --> C", "W013"),
    ("A --> B %% so", "E016"),
    ("x-->y", "E013"),
]


@pytest.mark.parametrize(("text", "code"), LOSSES)
def test_a_loss_is_told(text: str, code: str) -> None:
    try:
        said = parse(Source("x", f"flowchart TD\n{text}\n")).warnings
    except DiagnosticError as error:
        said = error.diagnostics
    assert code in {diagnostic.code for diagnostic in said}
    assert code in PAGE
