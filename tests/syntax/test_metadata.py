"""YAML in braces and in front matter."""

from __future__ import annotations

from typing import Any

import pytest

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import parse


def data(written: str) -> dict[str, Any]:
    return dict(parse(Source("x", "flowchart TD\nA@{" + written + "}")).nodes["A"].data.values)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (" op: matmul ", {"op": "matmul"}),
        (' type: "f16[B, H]", dims: [B, 2] ', {"type": "f16[B, H]", "dims": ["B", 2]}),
        ("\n  op: softmax\n  axis: -1\n", {"op": "softmax", "axis": -1}),
        ("\n  a:\n    b: [1, x]\n    c: {}\n".replace(" {}", " 1"), {"a": {"b": [1, "x"], "c": 1}}),
        (" on: yes, t: true, n: null, f: 1e-5 ", {"on": "yes", "t": True, "n": None, "f": 1e-5}),
        (" day: 2025-01-01 ", {"day": "2025-01-01"}),
        (' s: "a } b" ', {"s": "a } b"}),
        (' s: "a\n   b" ', {"s": "a<br/>b"}),
        ("\n  op: x\n  %% a comment\n  y: 1\n", {"op": "x", "y": 1}),
        (" 1: one ", {"1": "one"}),
        ("", {}),
        (" ", {}),
    ],
)
def test_values(written: str, values: dict[str, Any]) -> None:
    assert data(written) == values


def test_each_key_has_its_place_on_several_lines() -> None:
    text = "flowchart TD\nA@{\n  op: softmax\n  axis: -1\n}\n"
    spans = parse(Source("x", text)).nodes["A"].data.spans
    assert {key: (span.line, span.text) for key, span in spans.items()} == {
        "op": (3, "op: softmax"),
        "axis": (4, "axis: -1"),
    }


def test_a_comment_before_a_key_keeps_it_inside_the_block() -> None:
    text = "flowchart TD\nA@{\n  %% so\n  op: softmax\n}\n"
    span = parse(Source("x", text)).nodes["A"].data.spans["op"]
    assert "op: softmax" in span.text


def test_two_bad_blocks_are_two_errors() -> None:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("x", "flowchart TD\nA@{ a: [ }\nB@{ b: 1, b: 2 }\n"))
    assert [d.code for d in caught.value.diagnostics] == ["E018", "E018"]
    assert [d.span.line for d in caught.value.diagnostics if d.span] == [2, 3]


def test_other_front_matter_is_left_alone() -> None:
    text = "---\ntitle: 7\nconfig:\n  theme: dark\n---\nflowchart TD\nA\n"
    diagram = parse(Source("x", text))
    assert diagram.title == "7"
    assert diagram.settings.values == {}


@pytest.mark.parametrize(
    ("written", "shown"),
    [(".inf", "Infinity"), ("-.inf", "-Infinity"), (".nan", "A"), ("9" * 400, "Infinity")],
)
def test_a_label_that_is_no_number_is_shown_as_javascript_writes_it(
    written: str, shown: str
) -> None:
    text = f"flowchart TD\nA@{{ label: {written} }}\n"
    assert parse(Source("x", text)).nodes["A"].label.text == shown


def test_brackets_that_nest_deeply_are_refused_before_they_are_read() -> None:
    for brackets in ("[" * 101 + "]" * 101, "[" * 9_000):
        with pytest.raises(DiagnosticError, match="nested too deeply"):
            data(f" a: {brackets} ")
    assert data(f' a: "{"[" * 500}", b: {"[" * 90}{"]" * 90} ')["a"] == "[" * 500
