"""Graphs as text, and back."""

from __future__ import annotations

import pytest
from chains import chains
from hypothesis import given
from support import examples

from attn_dsl.ir import Graph, from_text, to_text, verify
from attn_dsl.passes import fuse_attention

TEXT = """\
graph "a \\"quoted\\" name, λ"
%Q = input() {name="Q", type="f32[..., N, 1 + D]", role="query"} : f32[..., N, D + 1]
%doc = input() {name="doc", type="i32[2, N]"} : i32[2, N]
%keep = input() {name="mask", type="bool[N, N]", optional=true} : bool[N, N]
%T = transpose(%Q) : f32[..., D + 1, N]
%S = matmul(%Q, %T) : f32[..., N, N]
%M = mask(%S, %doc, %keep) {keep="doc[b, q] == doc[b, k] and keep"} : f32[..., N, N]
%P = softmax(%M) {axis=-2} : f32[..., N, N]
return "Output, \\"O\\"" = %P
return "S" = %S
"""


def test_what_is_written_is_read() -> None:
    assert to_text(from_text(TEXT)) == TEXT
    verify(from_text(TEXT))


@examples(150)
@given(chains())
def test_round_trip(graph: Graph) -> None:
    fused = fuse_attention(graph).graph
    assert from_text(to_text(graph)) == graph
    assert from_text(to_text(fused)) == fused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%x = relu()", "the first line is `graph NAME`"),
        ('graph "g"\n%x = fnord() : f32[N]', "there is no operation 'fnord'"),
        ('graph "g"\n%x = softmax(%y)', "not a statement of the IR: '%x = softmax"),
        ('graph "g"\nreturn %x', "not a statement of the IR"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_text(text)


def test_order_follows_use_and_roles_and_not_the_lines() -> None:
    graph = from_text(TEXT)
    for statements in (graph.statements[::-1], graph.statements[3:] + graph.statements[:3]):
        assert Graph.ordered(graph.name, statements, graph.outputs) == Graph.ordered(
            graph.name, graph.statements, graph.outputs
        )
    ordered = Graph.ordered(graph.name, graph.statements[::-1], graph.outputs)
    assert [s.name for s in ordered.inputs] == ["Q", "doc", "keep"]
    only_scores = Graph.ordered(graph.name, graph.statements, [("S", "S")])
    assert [s.name for s in only_scores.statements] == ["Q", "T", "S"]


def test_renaming_reaches_captured_tensors_and_outputs() -> None:
    renamed = from_text(TEXT).rename({"doc": "ids", "P": "weights"})
    text = to_text(renamed)
    assert 'keep="ids[b, q] == ids[b, k] and keep"' in text
    assert text.count("%weights") == 2
    assert "doc" not in text.replace('name="doc"', "")


def test_users_and_symbols() -> None:
    graph = from_text(TEXT)
    assert [s.name for s in graph.users("Q")] == ["T", "S"]
    assert graph.is_output("S")
    assert not graph.is_output("M")
    assert graph.symbols == ("N", "D")
