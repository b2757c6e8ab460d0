"""Every rule of a graph, broken once."""

from __future__ import annotations

import pytest

from attn_dsl.ir import InvalidGraph, from_text, verify

INPUTS = """graph "g"
%Q = input() {name="Q", type="f32[N, D]"} : f32[N, D]
%K = input() {name="K", type="f32[D, M]"} : f32[D, M]
%m = input() {name="m", type="bool[N, M]"} : bool[N, M]
%i = input() {name="i", type="i32[M]"} : i32[M]
%S = matmul(%Q, %K) : f32[N, M]
"""
RETURN = 'return "S" = %S\n'


def test_a_good_graph_is_returned() -> None:
    graph = from_text(INPUTS + RETURN)
    assert verify(graph) is graph


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%S = transpose(%Q) : f32[D, N]", "%S is defined twice"),
        ("%T = transpose(%x) : f32[D, N]", "%T uses %x before it is defined"),
        ("%T = softmax(%T) : f32[D, N]", "%T uses %T before it is defined"),
        ('%T = mask(%S, %x) {keep="x"} : f32[N, M]', "%T uses %x before it is defined"),
        ("%T = transpose(%Q) : f32[N, D]", r"%T is f32\[N, D\], its op gives f32\[D, N\]"),
        ("%T = matmul(%Q, %Q) : f32[N, N]", "%T: .* contracts D with N"),
        ("%T = matmul(%i, %K) : f32[M]", "a matrix product needs two dims"),
        ("%T = transpose(%i) : i32[M]", "a transpose needs two dims"),
        ("%T = add(%S, %Q) : f32[N, M]", "do not broadcast: M is not D"),
        ("%T = add(%S, %i) : f32[N, M]", "f32 beside i32"),
        ("%T = add(%S, %m) : f32[N, M]", "holds no floating-point numbers"),
        ("%T = subtract(%m, %m) : bool[N, M]", "holds no floating-point numbers"),
        ("%T = divide(%i, %i) : i32[M]", "holds no floating-point numbers"),
        ("%T = softmax(%i) : i32[M]", "holds no floating-point numbers"),
        ('%T = scale(%i) {factor="2"} : i32[M]', "holds no floating-point numbers"),
        ('%T = mask(%i) {keep="k < 2"} : i32[M]', "holds no floating-point numbers"),
        ('%T = score(%i) {value="s + 1"} : i32[M]', "holds no floating-point numbers"),
        ("%T = matmul(%m, %K) : bool[N, M]", "holds no floating-point numbers"),
        ("%T = sum(%m) : bool[N]", "holds no floating-point numbers"),
        ("%T = tanh(%i) : i32[M]", "holds no floating-point numbers"),
        ('%T = pointwise(%i) {value="i[q]"} : i32[M]', "no tensor without indices"),
        ('%T = pointwise(%S, %Q) {value="S < Q"} : bool[N, M]', "do not broadcast: M is not D"),
        ('%T = pointwise(%S, %i) {value="S + i[S]"} : f32[N, M]', "`S` is none"),
        ('%T = pointwise(%S, %i) {value="S + i[k, q]"} : f32[N, M]', "with 2 indices"),
        ('%T = pointwise(%S) {value="S + s"} : f32[N, M]', "there is no score `s`"),
        ("%T = softmax(%S) {axis=-3} : f32[N, M]", "softmax over axis -3"),
        ("%T = softmax(%S) {axis=0} : f32[N, M]", "softmax over axis 0"),
        ('%T = mask(%S) {keep="k + q"} : f32[N, M]', "a mask is a condition"),
        ('%T = mask(%S, %i) {keep="i"} : f32[N, M]', "a mask is a condition"),
        ('%T = mask(%S) {keep="k < L"} : f32[N, M]', "%T mentions L, which is no size"),
        ('%T = scale(%S) {factor="1 / H"} : f32[N, M]', "%T mentions H, which is no size"),
        ('%T = score(%S, %Q) {value="s + Q"} : f32[N, M]', "does not broadcast to the scores"),
        ('%T = score(%S, %i) {value="s + i[q, k]"} : f32[N, M]', "is indexed with 2 indices"),
        ('%T = score(%S, %i) {value="s + i[k / 2]"} : f32[N, M]', "`k / 2` is none"),
        ("%M = transpose(%Q) : f32[D, N]", "%M has the name of a size or an index"),
        ("%k = transpose(%Q) : f32[D, N]", "%k has the name of a size or an index"),
        ('%x = input() {name="x", type="f32[N/]"} : f32[N]', "%x: "),
        ("%T = tiled_attention(%Q, %K, %K) : f32[N, M]", "queries have D components, keys M"),
        ("%T = tiled_attention(%Q, %Q, %K) : f32[N, M]", "N weights a row for D values"),
    ],
)
def test_a_broken_statement(line: str, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        verify(from_text(INPUTS + line + "\n" + RETURN))


def test_an_output_without_a_value() -> None:
    with pytest.raises(InvalidGraph, match="output S is %T, which is not defined"):
        verify(from_text(INPUTS + 'return "S" = %T\n'))
