"""Scales: one factor for all scores, or a temperature for each head, query or key."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import attention, body, codes, compiled, normal

from attn_dsl.pipeline import load

DRAWING = """
Q(["Q : f32[B, H, N, D]"]) & K(["K : f32[B, H, N, D]"]) --> S[MatMul]
S --> T["{label}"]
{tensor}
T --> m["Mask: k <= q"] --> P[Softmax]
P & V(["V : f32[B, H, N, D]"]) --> O[MatMul]
"""
HEADS = 't(["t : f32[H]"]) --> T'
LABELS = (
    "Scale: 1 / (t[h] * √d_k)",
    "Divide by t[h] * √D",
    "Score: s / (t[h] * √D)",
    "÷ √D * t[h]",
)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_a_temperature_for_each_head(label: str, target: str) -> None:
    found = compiled(DRAWING.format(label=label, tensor=HEADS), D=8)
    assert [remark.fused for remark in found.remarks] == [True]
    q, k, v = (normal(i, 2, 3, 9, 8) for i in range(3))
    t = np.abs(normal(4, 3)) + np.float32(0.5)
    wide = [x.astype(np.float64) for x in (q / t[:, None, None], k, v)]
    expected = attention(*wide, 8**-0.5, np.tri(9, dtype=bool))
    kernel = load(found, target, emulate=target == "cuda")
    np.testing.assert_allclose(kernel(Q=q, K=k, V=v, t=t), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("label", "tensor", "line"),
    [
        ("Scale: 1 / √D", "", '%T = scale(%S) {factor="1 / sqrt(D)"}'),
        ("Scale: 1 / √d_k", "", '%T = scale(%S) {factor="1 / sqrt(D)"}'),
        ("Scale: 2 ** -h", "", '%T = score(%S) {value="s * 2 ** -h"}'),
        ("Scale: t", 't(["t : f32[]"]) --> T', '%T = score(%S, %t) {value="s * t"}'),
        ("Scale: log(q + 1) * a[q]", 'a(["a : f32[N]"]) --> T',
         '%T = score(%S, %a) {value="s * (log(q + 1) * a[q])"}'),
    ],
)  # fmt: skip
def test_what_a_scale_is(label: str, tensor: str, line: str) -> None:
    found = compiled(DRAWING.format(label=label, tensor=tensor))
    assert line in [x.split(" : ")[0] for x in body(found.drawn)]


def test_a_size_that_is_called_as_an_index_is_a_size() -> None:
    drawing = 'x(["x : f32[h, k]"]) --> y["Scale: 1 / √h"]'
    assert body(compiled(drawing).drawn) == ['%y = scale(%x) {factor="1 / sqrt(h)"} : f32[h, k]']


@pytest.mark.parametrize(
    ("label", "tensor", "expected"),
    [
        ("Scale: 1 / t[h]", "", ["E037"]),
        ("Scale: 1 / u[h]", HEADS, ["E046"]),
        ("Scale: 1 / t[h, q]", HEADS, ["E038"]),
        ("Scale: t[h] +", HEADS, ["E036"]),
        ("Scale", HEADS, ["E033"]),
    ],
)
def test_errors(label: str, tensor: str, expected: list[str]) -> None:
    assert codes(DRAWING.format(label=label, tensor=tensor)) == expected
