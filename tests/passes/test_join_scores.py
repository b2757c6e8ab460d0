"""Scores in two parts are one product of queries and keys side by side; others stay a sum."""

from __future__ import annotations

import numpy as np
import pytest
from support import draw

from attn_dsl.ir import Graph, Sizes, evaluate, from_text, to_text, verify
from attn_dsl.passes import run_passes
from attn_dsl.passes.join_scores import join_scores

SIZES = Sizes({"B": 2, "H": 6, "G": 3, "N": 5, "M": 7, "D": 4, "R": 2, "E": 3}, (2,))
TEXT = """graph "g"
%Q = input() {name="Q", type="f64[B, H, N, D]"} : f64[B, H, N, D]
%K = input() {name="K", type="f64[B, H, M, D]"} : f64[B, H, M, D]
%V = input() {name="V", type="f64[B, H, M, E]"} : f64[B, H, M, E]
%Qr = input() {name="Qr", type="f64[B, H, N, R]"} : f64[B, H, N, R]
%Kr = input() {name="Kr", type="f64[B, H, M, R]"} : f64[B, H, M, R]
%Kt = transpose(%K) : f64[B, H, D, M]
%Krt = transpose(%Kr) : f64[B, H, R, M]
%S = matmul(%Q, %Kt) : f64[B, H, N, M]
%Sr = matmul(%Qr, %Krt) : f64[B, H, N, M]
%T = add(%S, %Sr) : f64[B, H, N, M]
%C = scale(%T) {factor="1 / sqrt(D + R)"} : f64[B, H, N, M]
%X = mask(%C) {keep="k <= q + h"} : f64[B, H, N, M]
%P = softmax(%X) : f64[B, H, N, M]
%O = matmul(%P, %V) : f64[B, H, N, E]
return "O" = %O
"""


def replaced(*changes: tuple[str, str]) -> Graph:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    graph = verify(from_text(text))
    return Graph.ordered(graph.name, graph.statements, graph.outputs)


def same(graph: Graph, other: Graph) -> None:
    arrays = draw(graph, SIZES)
    with np.errstate(all="ignore"):
        found, wanted = evaluate(verify(other), arrays), evaluate(graph, arrays)
    for label, value in wanted.items():
        np.testing.assert_allclose(found[label], value, rtol=1e-9)


def one_head(name: str, dims: str) -> tuple[tuple[str, str], ...]:
    """Keys of the second part with other heads than the first."""
    return (
        ('%Kr = input() {name="Kr", type="f64[B, H, M, R]"} : f64[B, H, M, R]',
         f'%Kr = input() {{name="Kr", type="f64[{dims}M, R]"}} : f64[{dims}M, R]'),
        ("%Krt = transpose(%Kr) : f64[B, H, R, M]", name),
    )  # fmt: skip


def scaled(name: str, factor: str) -> tuple[str, str]:
    """A factor on one part."""
    line = next(x for x in TEXT.splitlines() if x.startswith(f"%{name} ="))
    before = line.replace(f"%{name} =", f"%{name}_0 =")
    after = f'%{name} = scale(%{name}_0) {{factor="{factor}"}} : f64[B, H, N, M]'
    return line, f"{before}\n{after}"


JOINED = {
    "as it is": (),
    "a factor of one": (scaled("Sr", "0.5"),),
    "a factor of each": (scaled("Sr", "0.5"), scaled("S", "1 / D")),
    "the same factor": (scaled("Sr", "1 / D"), scaled("S", "1 / D")),
    "one head": one_head("%Krt = transpose(%Kr) : f64[B, 1, R, M]", "B, 1, "),
    "no heads": one_head(
        "%Kr0 = transpose(%Kr) : f64[B, R, M]\n%Krt = row(%Kr0) {axis=-3} : f64[B, 1, R, M]", "B, "
    ),
    "no batch": one_head("%Krt = transpose(%Kr) : f64[R, M]", ""),
    "the same queries": (
        ("%Sr = matmul(%Qr, %Krt)", "%Sr = matmul(%Q, %Krt)"),
        ("f64[B, H, M, R]", "f64[B, H, M, D]"),
        ("f64[B, H, R, M]", "f64[B, H, D, M]"),
        ("D + R", "D"),
        ('%Qr = input() {name="Qr", type="f64[B, H, N, R]"} : f64[B, H, N, R]\n', ""),
    ),
    "the same twice": (
        ("%Sr = matmul(%Qr, %Krt)", "%Sr = matmul(%Q, %Kt)"),
        ("D + R", "D"),
    ),
}


@pytest.mark.parametrize("name", JOINED)
def test_two_products_become_one(name: str) -> None:
    graph = replaced(*JOINED[name])
    joined = verify(join_scores(graph).graph)
    assert to_text(joined).count(" matmul(") == 2
    same(graph, joined)
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    text = to_text(rewritten.graph)
    assert "matmul" not in text
    assert 'mask="k <= q + h"' in text
    same(graph, rewritten.graph)


def test_grouped_heads_stay_grouped() -> None:
    keys = ("Kt = transpose(%K) : f64[B, H, D, M]", "Kr2 = transpose(%Kr) : f64[B, 1, R, M]")
    graph = replaced(
        ('type="f64[B, H, M, D]"} : f64[B, H, M, D]', 'type="f64[B, G, M, D]"} : f64[B, G, M, D]'),
        (f"%{keys[0]}", '%K0 = transpose(%K) : f64[B, G, D, M]\n'
         '%Kt = repeat_heads(%K0) {heads="H"} : f64[B, H, D, M]'),
        *one_head("%Krt = transpose(%Kr) : f64[B, 1, R, M]", "B, 1, "),
    )  # fmt: skip
    rewritten = run_passes(graph)
    text = to_text(rewritten.graph)
    assert "grouped=true" in text
    assert "f64[B, G, M, D + R]" in text
    assert "repeat_heads" not in text
    same(graph, rewritten.graph)


STAYS = {
    "no softmax": (("%P = softmax(%X)", "%P = relu(%X)"),),
    "softmax of something else": (("%X = mask(%C)", "%Z = sum(%C) : f64[B, H, N]\n%X = mask(%S)"),),
    "a bias": (
        ("%Sr = matmul(%Qr, %Krt)", '%Sr = input() {name="Sr", type="f64[B, H, N, M]"}'),
        ("D + R", "D"),
    ),
    "a product of no keys": (
        ("%Krt = transpose(%Kr)", '%Krt = input() {name="w", type="f64[B, H, R, M]"}'),
    ),
    "a part that is an output": (('return "O"', 'return "Sr" = %Sr\nreturn "O"'),),
    "a difference": (("%T = add(", "%T = subtract("),),
    "other heads": (
        *one_head(
            "%Kr0 = transpose(%Kr) : f64[B, G, R, M]\n"
            '%Krt = repeat_heads(%Kr0) {heads="H"} : f64[B, H, R, M]',
            "B, G, ",
        ),
    ),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_stays(name: str) -> None:
    graph = replaced(*STAYS[name])
    assert join_scores(graph).graph == graph
    same(graph, run_passes(graph).graph)
