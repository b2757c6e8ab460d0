"""The fused view: one box for each fused operation, around exactly what it absorbed."""

from __future__ import annotations

from collections.abc import Callable

import pygraphviz
import pytest

from attn_dsl.pipeline import Compiled
from attn_dsl.render import fused_dot, fused_mermaid, node_operations

ABSORBED = {
    "scaled_dot_product_attention.attn": [{"MatMul", "Scale", "Mask", "SoftMax", "Weighted"}],
    "attention.md#2": [{"MatMul", "Scale", "L_Scale_Softmax_0", "Softmax", "MatMul2"}],
    "causal.attn": [{"S", "Scale", "Mask", "P", "O"}],
}
Compile = Callable[[str], Compiled]


def boxes(dot: str) -> dict[str, set[str]]:
    """The boxes of fused operations, wherever they stand; formulas count as part of them."""
    whole = pygraphviz.AGraph(string=dot)
    found, todo = {}, [whole]
    while todo:
        graph = todo.pop()
        todo += graph.subgraphs()
        if (graph.name or "").startswith("cluster_fused_"):
            found[graph.name] = {str(n) for n in graph.nodes() if not n.startswith("formula of ")}
    return found


@pytest.mark.parametrize("name", ABSORBED)
def test_a_box_holds_exactly_what_was_absorbed(name: str, compiled: Compile) -> None:
    found = compiled(name)
    operations = node_operations(found.diagram, found.drawn)
    dot = fused_dot(found.diagram, found.fused, found.remarks, operations)
    assert list(boxes(dot).values()) == ABSORBED[name]


def test_every_fused_operation_has_its_box(compiled: Compile) -> None:
    for name in ABSORBED:
        found = compiled(name)
        fused = [remark.value for remark in found.remarks if remark.fused]
        names = boxes(fused_dot(found.diagram, found.fused, found.remarks))
        assert list(names) == [f"cluster_fused_{value}" for value in fused]


def test_the_box_says_what_it_computes(compiled: Compile) -> None:
    found = compiled("causal.attn")
    dot = fused_dot(found.diagram, found.fused, found.remarks)
    mermaid = fused_mermaid(found.diagram, found.fused, found.remarks)
    for line in ("s = Q Kᵀ · 1 / √D", "O = softmax(s) V"):
        assert line in dot
        assert line in mermaid
    assert "s = -inf unless k &lt;= q" in dot
    assert "s = -inf unless k <= q" in mermaid


def test_what_did_not_fuse_has_no_box(compiled: Compile) -> None:
    found = compiled("causal.attn")
    dot = fused_dot(found.diagram, found.drawn, [])
    assert boxes(dot) == {}
