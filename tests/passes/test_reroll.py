"""A sum of weighted vectors is a product; what only looks like one stays."""

from __future__ import annotations

import numpy as np
import pytest
from support import draw

from attn_dsl.ir import Sizes, evaluate, from_text, to_text, verify
from attn_dsl.passes import run_passes
from attn_dsl.passes.reroll import reroll

SIZES = Sizes({"n": 5, "d": 4}, (3,))
TEXT = """graph "g"
%w = input() {name="w", type="f32[..., 1, n]"} : f32[..., 1, n]
%v = input() {name="v", type="f32[..., n, d]"} : f32[..., n, d]
%t = transpose(%w) : f32[..., n, 1]
%p = multiply(%t, %v) : f32[..., n, d]
%o = sum(%p) {axis=-2} : f32[..., d]
return "o" = %o
"""


@pytest.mark.parametrize("sides", ["%t, %v", "%v, %t"])
def test_a_weighted_sum_is_a_product(sides: str) -> None:
    graph = verify(from_text(TEXT.replace("%t, %v", sides)))
    rolled = verify(reroll(graph).graph)
    assert [line for line in to_text(rolled).splitlines() if "input" not in line] == [
        'graph "g"',
        "%o_row = matmul(%w, %v) : f32[..., 1, d]",
        "%o = vector(%o_row) : f32[..., d]",
        'return "o" = %o',
    ]
    arrays = draw(graph, SIZES)
    found, wanted = evaluate(rolled, arrays)["o"], evaluate(graph, arrays)["o"]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%o = sum(%p) {axis=-2} : f32[..., d]", "%o = sum(%p) : f32[..., n]"),
        ("%p = multiply(%t, %v)", "%p = add(%t, %v)"),
        ("%p = multiply(%t, %v)", "%p = divide(%v, %t)"),
        ('return "o" = %o', 'return "o" = %o\nreturn "p" = %p'),
        ("%t = transpose(%w)", '%t = input() {name="t", type="f32[..., n, 1]"}'),
    ],
)
def test_what_stays(old: str, new: str) -> None:
    assert old in TEXT
    graph = verify(from_text(TEXT.replace(old, new)))
    assert reroll(graph).graph == graph


@pytest.mark.parametrize("steps", [("scale",), ("identity", "scale"), ("scale", "scale")])
def test_a_factor_may_come_before_the_sum(steps: tuple[str, ...]) -> None:
    lines, last = [], "p"
    for at, step in enumerate(steps):
        factor = ' {factor="2 / d"}' if step == "scale" else ""
        lines.append(f"%s{at} = {step}(%{last}){factor} : f32[..., n, d]\n")
        last = f"s{at}"
    text = TEXT.replace("%o = sum(%p)", f"{''.join(lines)}%o = sum(%{last})")
    graph = verify(from_text(text))
    rolled = verify(reroll(graph).graph)
    ops = [s.op.mnemonic for s in rolled.statements]
    assert ops == ["input", "input", "matmul", "vector", *steps]
    arrays = draw(graph, SIZES)
    found, wanted = evaluate(rolled, arrays)["o"], evaluate(graph, arrays)["o"]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_attention_drawn_token_by_token_is_fused() -> None:
    graph = verify(
        from_text(
            TEXT.replace(
                '%w = input() {name="w", type="f32[..., 1, n]"} : f32[..., 1, n]\n',
                '%q = input() {name="q", type="f32[..., 1, d]"} : f32[..., 1, d]\n'
                '%k = input() {name="k", type="f32[..., n, d]"} : f32[..., n, d]\n'
                "%kt = transpose(%k) : f32[..., d, n]\n"
                "%u = matmul(%q, %kt) : f32[..., 1, n]\n"
                "%w = softmax(%u) : f32[..., 1, n]\n",
            )
            .replace("%q", "%x")
            .replace("%k ", "%y ")
            .replace("%k)", "%y)")
        )
    )
    rewritten = run_passes(graph)
    assert [remark.fused for remark in rewritten.remarks] == [True]
    assert "sum(" not in to_text(rewritten.graph)
    arrays = draw(graph, SIZES)
    found, wanted = evaluate(rewritten.graph, arrays)["o"], evaluate(graph, arrays)["o"]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
