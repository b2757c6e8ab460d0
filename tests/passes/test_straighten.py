"""Scores with a row for each key, and transposes on the way: straightened, and never wrongly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chains import chains
from hypothesis import assume, given
from support import examples, same_numbers

from attn_dsl.expr import MINUS_INF
from attn_dsl.ir import Graph, Sizes, Statement, from_text, to_text, verify
from attn_dsl.ir.ops import LogSumExp, Softmax, Transpose
from attn_dsl.passes import run_passes
from attn_dsl.passes.straighten import straighten

SIZES = Sizes({"B": 2, "H": 3, "N": 5, "M": 6, "D": 4, "E": 3, "J": 6, "G": 3, "h": 4}, (2,))
COLUMNS = """graph "g"
%Q = input() {name="Q", type="f64[H, D, N]"} : f64[H, D, N]
%K = input() {name="K", type="f64[H, D, M]"} : f64[H, D, M]
%V = input() {name="V", type="f64[H, E, M]"} : f64[H, E, M]
%rows = input() {name="rows", type="f64[M, 1]"} : f64[M, 1]
%t = input() {name="t", type="f64[M, N]"} : f64[M, N]
%row = input() {name="row", type="f64[N]"} : f64[N]
%one = input() {name="one", type="f64[]"} : f64[]
%Kt = transpose(%K) : f64[H, M, D]
%S = matmul(%Kt, %Q) : f64[H, M, N]
STEPS
%P = softmax(%X) {axis=-2} : f64[H, M, N]
%O = matmul(%V, %P) : f64[H, E, N]
return "O" = %O
"""


def columns(steps: str, *outputs: str) -> Graph:
    lines = [f"{line} : f64[H, M, N]" for line in steps.split("\n")]
    text = COLUMNS.replace("STEPS", "\n".join(lines))
    graph = verify(from_text(text + "".join(f'return "{o}" = %{o}\n' for o in outputs)))
    return Graph.ordered(graph.name, graph.statements, graph.outputs)


def same(graph: Graph, other: Graph) -> None:
    same_numbers(graph, other, SIZES)


STRAIGHT = {
    "plain": "%X = identity(%S)",
    "scaled": '%X = scale(%S) {factor="1 / sqrt(D)"}',
    "masked by expression": '%X = mask(%S) {keep="q <= k + h and 2 * q - k < 7"}',
    "a score": '%A = score(%S, %one) {value="s - abs(q - 2 * k) * one"}\n%X = tanh(%A)',
    "a tensor of all scores": "%X = add(%t, %S)",
    "a tensor for each key": "%A = multiply(%S, %rows)\n%X = subtract(%one, %A)",
    "gathered": '%X = score(%S, %t) {value="s + t[q, k]"}',
}


@pytest.mark.parametrize("name", STRAIGHT)
def test_tokens_as_columns(name: str) -> None:
    graph = columns(STRAIGHT[name])
    straight = verify(straighten(graph).graph)
    assert "axis=-2" not in to_text(straight)
    same(graph, straight)
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    same(graph, rewritten.graph)


@pytest.mark.parametrize(
    "steps",
    ["%X = add(%S, %row)", '%X = score(%S, %t) {value="s + t"}', "%X = multiply(%S, %S)"],
)
def test_what_stays(steps: str) -> None:
    graph = columns(steps)
    assert "axis=-2" in to_text(straighten(graph).graph)
    same(graph, run_passes(graph).graph)


def test_scores_that_are_an_output_stay() -> None:
    for output in ("S", "X"):
        graph = columns(STRAIGHT["scaled"], output)
        assert straighten(graph).graph == graph
        same(graph, run_passes(graph).graph)


def test_a_log_sum_exp_of_columns() -> None:
    text = COLUMNS.replace("STEPS\n", "").replace("%X", "%S")
    text = text.replace("%O = matmul(%V, %P) : f64[H, E, N]", "").replace('"O" = %O', '"L" = %L')
    text = text.replace(
        "%P = softmax(%S) {axis=-2} : f64[H, M, N]", "%L = log_sum_exp(%S) {axis=-2} : f64[H, N]"
    )
    graph = verify(from_text(text))
    graph = Graph.ordered(graph.name, graph.statements, graph.outputs)
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    same(graph, rewritten.graph)


TURNED = """graph "g"
%Q = input() {name="Q", type="f64[H, N, D]"} : f64[H, N, D]
%K = input() {name="K", type="f64[H, M, D]"} : f64[H, M, D]
%V = input() {name="V", type="f64[H, M, E]"} : f64[H, M, E]
%Qt = transpose(%Q) : f64[H, D, N]
%S = matmul(%K, %Qt) : f64[H, M, N]
%A = mask(%S) {keep="q <= k"} : f64[H, M, N]
%T = transpose(%A) : f64[H, N, M]
%X = mask(%T) {keep="q - k < 4"} : f64[H, N, M]
%P = softmax(%X) : f64[H, N, M]
%O = matmul(%P, %V) : f64[H, N, E]
return "O" = %O
"""


def test_scores_that_are_transposed_on_the_way() -> None:
    """Before the transpose `q` counts keys: the masks together are those of a window."""
    graph = verify(from_text(TURNED))
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    line = next(x for x in to_text(rewritten.graph).splitlines() if "tiled" in x)
    assert line.startswith("%O = tiled_attention(%Q, %K, %V)")
    assert 'mask="k <= q and q - k < 4"' in line
    same(graph, rewritten.graph)


def test_roles_follow_the_drawing_and_not_the_names() -> None:
    """Weights over queries, spent on values of the queries: the key is `Q` here."""
    text = TURNED.replace(
        '"V", type="f64[H, M, E]"} : f64[H, M', '"V", type="f64[H, N, E]"} : f64[H, N'
    )
    text = text.replace("%T = transpose(%A) : f64[H, N, M]\n", "").replace("mask(%T)", "mask(%A)")
    text = text.replace("f64[H, N, M]", "f64[H, M, N]").replace(
        ": f64[H, N, E]\nret", ": f64[H, M, E]\nret"
    )
    graph = verify(from_text(text))
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    assert "tiled_attention(%K, %Q, %V)" in to_text(rewritten.graph)
    same(graph, rewritten.graph)


@examples(120)
@given(chains(rows=True))
def test_random_chains_drawn_as_columns(graph: Graph) -> None:
    """softmax(x) is the transpose of the softmax down the columns of xᵀ."""
    softmax = next(s for s in graph.statements if isinstance(s.op, Softmax))
    rows = next(s for s in graph.statements if isinstance(s.op, LogSumExp))
    assert isinstance(softmax.op, Softmax)
    assume(softmax.op.sink == MINUS_INF)
    turned = Transpose(softmax.op.x)
    type_ = turned.infer(graph.types)
    new = {
        rows.name: replace(rows, op=LogSumExp("x_T", axis=-2)),
        softmax.name: Statement(softmax.name, Transpose("p_T"), softmax.type),
    }
    statements = [
        *(new.get(s.name, s) for s in graph.statements),
        Statement("x_T", turned, type_),
        Statement("p_T", Softmax("x_T", axis=-2), type_),
    ]
    drawn = verify(Graph.ordered("test", statements, graph.outputs))
    same(graph, drawn)
    rewritten = run_passes(drawn)
    assert [remark.fused for remark in rewritten.remarks] == [True, True]
    same(graph, rewritten.graph)
