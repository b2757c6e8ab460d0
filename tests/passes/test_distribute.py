"""Sums of weights spend their values one by one; what is not linear in the weights stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from support import build, examples, same_numbers

from attn_dsl.expr import Name, Number, parse, resolve
from attn_dsl.ir import Graph, Sizes, from_text, to_text, verify
from attn_dsl.ir.ops import (
    Add,
    Divide,
    Identity,
    Input,
    MatMul,
    Multiply,
    Op,
    Pointwise,
    Scale,
    Score,
    Softmax,
    Subtract,
    Transpose,
)
from attn_dsl.passes import run_passes
from attn_dsl.passes.distribute import distribute

SIZES = Sizes({"H": 2, "N": 5, "M": 6, "D": 4, "E": 3}, (2,))
HEAD = """graph "g"
%Q = input() {name="Q", type="f64[H, N, D]"} : f64[H, N, D]
%K = input() {name="K", type="f64[H, M, D]"} : f64[H, M, D]
%V = input() {name="V", type="f64[H, M, E]"} : f64[H, M, E]
%R = input() {name="R", type="f64[H, M, D]"} : f64[H, M, D]
%lam = input() {name="lam", type="f64[H, 1, 1]"} : f64[H, 1, 1]
%row = input() {name="row", type="f64[N, 1]"} : f64[N, 1]
%t = input() {name="t", type="f64[H]"} : f64[H]
%one = input() {name="one", type="f64[]"} : f64[]
%wide = input() {name="wide", type="f64[N, M]"} : f64[N, M]
%keys = input() {name="keys", type="f64[M]"} : f64[M]
%Kt = transpose(%K) : f64[H, D, M]
%Rt = transpose(%R) : f64[H, D, M]
%S1 = matmul(%Q, %Kt) : f64[H, N, M]
%S2 = matmul(%Q, %Rt) : f64[H, N, M]
%A1 = softmax(%S1) : f64[H, N, M]
%A2 = softmax(%S2) : f64[H, N, M]
"""
TAIL = '%O = matmul(%A, %V) : f64[H, N, E]\nreturn "O" = %O\n'
W = "f64[H, N, M]"


def graph_of(lines: str, tail: str = TAIL) -> Graph:
    body = "".join(f"{line} : {W}\n" for line in lines.split("\n"))
    graph = verify(from_text(HEAD + body + tail))
    return Graph.ordered(graph.name, graph.statements, graph.outputs)


def same(graph: Graph, other: Graph) -> None:
    same_numbers(graph, other, SIZES)


LINEAR = {
    "difference": "%A = subtract(%A1, %A2)",
    "sum": "%A = add(%A1, %A2)",
    "differential": "%L = multiply(%A2, %lam)\n%A = subtract(%A1, %L)",
    "factor on the left": "%L = multiply(%one, %A2)\n%A = add(%L, %A1)",
    "a factor for each row": "%L = divide(%A2, %row)\n%A = add(%L, %A1)",
    "a size": '%L = scale(%A2) {factor="1 / N"}\n%A = subtract(%L, %A1)',
    "an expression": '%L = score(%A2, %t, %one) {value="-t[h] * s * one / (q + 1)"}\n'
    "%A = subtract(%A1, %L)",
    "an expression of elements": '%L = pointwise(%t, %A2, %one) {value="t[h] * A2 / (one + q)"}\n'
    "%A = subtract(%A1, %L)",
    "dropout": "%L = identity(%A2)\n%A = subtract(%A1, %L)",
    "a factor of the difference": "%L = subtract(%A1, %A2)\n%A = multiply(%L, %lam)",
}


@pytest.mark.parametrize("name", LINEAR)
def test_each_softmax_spends_its_own_weights(name: str) -> None:
    graph = graph_of(LINEAR[name])
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True, True]
    assert "softmax" not in to_text(rewritten.graph)
    same(graph, distribute(graph).graph)
    same(graph, rewritten.graph)


def test_one_softmax_with_a_factor() -> None:
    graph = graph_of("%A = multiply(%A1, %lam)")
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    same(graph, rewritten.graph)


def test_what_was_done_to_the_weights_is_done_to_the_values() -> None:
    lines = to_text(distribute(graph_of(LINEAR["differential"])).graph).splitlines()
    assert {line for line in lines if line.endswith(": f64[H, N, E]")} == {
        "%A1_O = matmul(%A1, %V) : f64[H, N, E]",
        "%A2_O = matmul(%A2, %V) : f64[H, N, E]",
        "%L_O = multiply(%A2_O, %lam) : f64[H, N, E]",
        "%O = subtract(%A1_O, %L_O) : f64[H, N, E]",
    }


STAYS = {
    "a factor that depends on the key": "%L = multiply(%A2, %wide)\n%A = subtract(%A1, %L)",
    "a factor for each key": "%L = multiply(%A2, %keys)\n%A = subtract(%A1, %L)",
    "a product of weights": "%A = multiply(%A1, %A2)",
    "a sum with a tensor": "%A = add(%A1, %wide)",
    "a quotient": "%A = divide(%one, %A1)",
    "a square": '%L = score(%A2) {value="s * s"}\n%A = subtract(%A1, %L)',
    "an offset": '%L = score(%A2) {value="s + 1"}\n%A = subtract(%A1, %L)',
    "an expression of the key": '%L = score(%A2) {value="s * k"}\n%A = subtract(%A1, %L)',
    "an element for each key": '%L = score(%A2, %wide) {value="s * wide"}\n%A = subtract(%A1, %L)',
    "an element of the key": '%L = pointwise(%A2) {value="A2 * k"}\n%A = subtract(%A1, %L)',
    "elements at other places": '%L = pointwise(%A2) {value="A2 * A2[h, q, 0]"}\n%A = add(%A1, %L)',
    "a mask of weights": '%L = mask(%A2) {keep="k <= q"}\n%A = add(%A1, %L)',
    "twice the same": "%A = add(%A1, %A1)",
}


@pytest.mark.parametrize("name", STAYS)
def test_what_is_not_linear_stays(name: str) -> None:
    graph = graph_of(STAYS[name])
    assert distribute(graph).graph == graph
    same(graph, run_passes(graph).graph)


@pytest.mark.parametrize("output", ["A", "A1", "B"])
def test_weights_that_are_used_elsewhere_stay(output: str) -> None:
    lines = '%A = subtract(%A1, %A2)\n%B = scale(%A2) {factor="2"}'
    graph = graph_of(lines, TAIL + f'return "{output}" = %{output}\n')
    assert distribute(graph).graph == graph


def test_heads_of_the_values_alone() -> None:
    """`h` counts the heads of the result, which the weights do not have."""
    text = to_text(graph_of(LINEAR["an expression"])).replace("[H, N, D]", "[N, D]")
    text = text.replace("f64[H, M, D]", "f64[M, D]").replace("f64[H, D, M]", "f64[D, M]")
    graph = verify(from_text(text.replace(f": {W}", ": f64[N, M]")))
    assert distribute(graph).graph == graph


@st.composite
def sums(draw: DrawFn) -> Graph:
    """A random combination of weights, some of it not linear."""
    ops: list[tuple[str, Op]] = [
        ("Q", Input("Q", "f64[H, N, D]")),
        ("V", Input("V", "f64[M, E]")),
        ("lam", Input("lam", "f64[H, 1, 1]")),
        ("wide", Input("wide", "f64[N, M]")),
    ]
    weights = []
    for i in range(2):
        ops += [
            (f"K{i}", Input(f"K{i}", "f64[H, M, D]")),
            (f"T{i}", Transpose(f"K{i}")),
            (f"S{i}", MatMul("Q", f"T{i}")),
            (f"A{i}", Softmax(f"S{i}")),
        ]
        weights.append(_changed(draw, ops, f"A{i}"))
    ops.append(("sum", draw(st.sampled_from((Add, Subtract)))(*weights)))
    weights = [_changed(draw, ops, "sum")]
    ops.append(("O", MatMul(weights[0], "V")))
    return build(ops, "O")


def _changed(draw: DrawFn, ops: list[tuple[str, Op]], x: str) -> str:
    """Up to two steps on weights."""
    for i in range(draw(st.integers(0, 2))):
        ops.append((f"{x}_{i}", draw(st.sampled_from(_factors(x if i == 0 else f"{x}_0")))))
    return ops[-1][0]


def _factors(x: str) -> list[Op]:
    tensor = {"lam": "lam", "wide": "wide"}
    return [
        Identity(x),
        Scale(x, parse("1 / N")),
        Multiply(x, "lam"),
        Multiply("lam", x),
        Divide(x, "lam"),
        Multiply(x, "wide"),
        Score(x, parse("s * (q + h)")),
        Score(x, resolve(parse("s * lam"), tensor)),
        Score(x, resolve(parse("s * wide - s"), tensor)),
        Score(x, Name("s")),
        Score(x, Number(0.5)),
        Pointwise(resolve(parse(f"-{x} * lam[h, 0, 0] / (q + 1)"), {"lam": "lam", x: x}), "f64"),
        Pointwise(resolve(parse(f"wide * {x}"), {"wide": "wide", x: x}), "f64"),
    ]


@examples(150)
@given(sums())
def test_distributing_does_not_change_the_numbers(graph: Graph) -> None:
    same(graph, distribute(graph).graph)
    same(graph, run_passes(graph).graph)
