"""Every span covers the characters that it speaks of."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from attn_dsl.diagnostics import DiagnosticError, Source
from attn_dsl.syntax import parse

TEXT = """\
---
title: Scores
attn:
  dims: {N: 4}
  dtype: f16
---
flowchart LR
  %% a comment
  Q(["Q : f16[B, N]"]) -- " lhs " --> S[Score]:::hot
  subgraph Box["A box"]
    S e1@-->|rhs| T@{ op: softmax, axis: -1 }
  end
  T --> U & V
"""


def test_nodes_and_labels() -> None:
    nodes = parse(Source("x", TEXT)).nodes
    assert nodes["Q"].span.text == 'Q(["Q : f16[B, N]"])'
    assert nodes["Q"].label.span.text == "Q : f16[B, N]"
    assert nodes["S"].span.text == "S[Score]:::hot"
    assert nodes["T"].span.text == "T@{ op: softmax, axis: -1 }"
    assert nodes["T"].label.span.text == "T"
    assert (nodes["U"].span.line, nodes["U"].span.column) == (13, 9)


def test_edges() -> None:
    first, second, third, fourth = parse(Source("x", TEXT)).edges
    assert first.span.text == '-- " lhs " -->'
    assert first.label is not None
    assert first.label.span.text == "lhs"
    assert second.span.text == "e1@-->|rhs|"
    assert second.id == "e1"
    assert third.span == fourth.span


def test_subgraph_runs_to_its_end() -> None:
    (box,) = parse(Source("x", TEXT)).subgraphs
    assert box.span.text.startswith('subgraph Box["A box"]\n')
    assert box.span.text.endswith("end")
    assert box.title.span.text == "A box"


def test_metadata_and_settings() -> None:
    diagram = parse(Source("x", TEXT))
    assert diagram.nodes["T"].data.spans["axis"].text == "axis: -1"
    assert diagram.settings.values == {"dims": {"N": 4}, "dtype": "f16"}
    assert diagram.settings.spans["dtype"].text == "dtype: f16"
    assert diagram.settings.spans["dims"].line == 4
    assert diagram.title == "Scores"


def test_a_block_in_a_longer_text() -> None:
    before, after = "# Title\n\n```mermaid\n", "```\nmore\n"
    body = "flowchart TD\n  A[x] --> B\n"
    diagram = parse(Source("x", before + body + after), len(before), len(before + body))
    assert diagram.nodes["A"].span.text == "A[x]"
    assert diagram.nodes["A"].span.line == 5


def test_windows_line_ends_keep_places() -> None:
    diagram = parse(Source("x", "flowchart TD\r\n  %% c\r\n  A[x] --> B\r\n"))
    assert diagram.nodes["A"].span.text == "A[x]"
    assert list(diagram.nodes) == ["A", "B"]


@settings(deadline=None)
@given(st.text(alphabet="AB[](){}|\">-=.x&@:;%# \n'e1nd", max_size=40))
def test_any_text_gives_a_diagram_or_places_inside_it(text: str) -> None:
    source = Source("x", "flowchart TD\n" + text)
    try:
        spans = [node.span for node in parse(source).nodes.values()]
    except DiagnosticError as error:
        spans = [d.span for d in error.diagnostics if d.span]
        assert spans
    for span in spans:
        assert 0 <= span.start <= span.end <= len(source.text)
        assert span.line >= 2
