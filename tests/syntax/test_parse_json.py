"""The shape of `attn parse --json`."""

from __future__ import annotations

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import parse, refusal, to_json


def test_a_diagram() -> None:
    text = 'flowchart LR\nsubgraph S["t"]\ndirection TD\nA[x]@{ op: y } -->|z| B\nend\n'
    assert to_json("f.attn", parse(Source("f.attn", text))) == {
        "file": "f.attn",
        "ok": True,
        "direction": "LR",
        "nodes": [
            {"id": "A", "text": "x", "shape": "square", "data": {"op": "y"}},
            {"id": "B", "text": "B", "shape": None, "data": {}},
        ],
        "edges": [{"from": "A", "to": "B", "text": "z", "id": "L_A_B_0"}],
        "subgraphs": [{"id": "S", "title": "t", "nodes": ["B", "A"], "dir": "TD"}],
    }


def test_a_refused_file() -> None:
    try:
        parse(Source("f.attn", "flowchart TD\nA[x\nx-->y\n"))
    except DiagnosticError as error:
        answer = refusal("f.attn", error.diagnostics)
    assert answer == {
        "file": "f.attn",
        "ok": False,
        "error": "f.attn:2:2: `[` is not closed\nf.attn:3:1: the arrow comes from nowhere",
    }
