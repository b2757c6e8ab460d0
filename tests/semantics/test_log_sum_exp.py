"""The log-sum-exp of the scores, drawn beside an attention or alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import codes, compiled, normal, operations

from attn_dsl.ir import evaluate
from attn_dsl.pipeline import load

DRAWING = """
Q(["Q : f32[H, N, D]"]) --> S[MatMul]
K(["K : f32[H, M, D]"]) -- Transpose --> S
S --> C[Scale] --> m["Mask: k < q"]
{rest}
"""
ATTENTION = 'm --> P[Softmax]\nP & V(["V : f32[H, M, E]"]) --> O[MatMul]'


@pytest.mark.parametrize("word", ["Log-Sum-Exp", "LogSumExp", "LSE", "log sum exp"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside an attention"])
def test_by_word(word: str, alone: bool) -> None:
    rest = f"m --> L[{word}]" + f"\n{ATTENTION}" * (not alone)
    sizes = {"D": 8} | ({} if alone else {"E": 5})
    found = compiled(DRAWING.format(rest=rest), **sizes)
    wanted = ["tiled_attention"] * (not alone) + ["tiled_log_sum_exp"]
    assert sorted(operations(found.fused)) == wanted
    given: dict[str, Any] = {"Q": normal(0, 3, 70, 8), "K": normal(1, 3, 90, 8)}
    given |= {} if alone else {"V": normal(2, 3, 90, 5)}
    q, k = (given[n].astype(np.float64) for n in "QK")
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(8)
    with np.errstate(divide="ignore"):
        expected = np.log(np.where(np.tri(70, 90, -1), np.exp(scores), 0).sum(-1))
    assert np.isneginf(expected[:, 0]).all()
    np.testing.assert_allclose(evaluate(found.drawn, given)["L"], expected, rtol=1e-12)
    for target in ("numpy", "cuda"):
        kernel = load(found, target, emulate=target == "cuda")
        result = kernel(**given)
        rows = result if alone else result["L"]
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected, atol=1e-5)
        if not alone:
            reference = evaluate(found.drawn, given)["O"]
            np.testing.assert_allclose(result["O"], reference, atol=1e-5)


def test_one_kernel_gives_both() -> None:
    found = compiled(DRAWING.format(rest=f"{ATTENTION}\nm --> L[LSE]"), D=8, E=8)
    assert "O, L = attention_O(" in load(found, "numpy").source
    assert load(found, "cuda", emulate=True).source.count("__global__") == 1
    text = load(found, "numpy").explain()
    assert "fused: 1 attention, 1 log-sum-exp" in text
    assert "the log-sum-exp of the scores of O, from the same kernel" in text


def test_parts_of_a_long_sequence_are_put_together() -> None:
    """What a log-sum-exp is for: two attentions over parts of the keys are one over all."""
    found = compiled(DRAWING.format(rest=f"{ATTENTION}\nm --> L[LSE]").replace("k < q", "k >= 0"))
    kernel = load(found, "numpy")
    q, k, v = normal(0, 1, 9, 8), normal(1, 1, 40, 8), normal(2, 1, 40, 8)
    whole = kernel(Q=q, K=k, V=v)
    parts = [kernel(Q=q, K=k[:, s], V=v[:, s]) for s in (slice(0, 13), slice(13, 40))]
    total = np.logaddexp(parts[0]["L"], parts[1]["L"])
    mixed = sum(np.exp(p["L"] - total)[..., None] * p["O"] for p in parts)
    np.testing.assert_allclose(total, whole["L"], atol=1e-5)
    np.testing.assert_allclose(mixed, whole["O"], atol=1e-5)


def test_with_a_sink() -> None:
    rest = f'{ATTENTION}\nt(["t : f32[H]"]) -- Sink --> L\nm --> L[LSE]\nt -- Sink --> P'
    found = compiled(DRAWING.format(rest=rest))
    assert "O, L = attention_O(" in load(found, "numpy").source


def test_of_what_is_no_product() -> None:
    found = compiled('x(["x : f32[N, M]"]) --> y[LSE]')
    assert [remark.fused for remark in found.remarks] == [False]
    x = normal(0, 4, 6)
    np.testing.assert_allclose(load(found, "numpy")(x), np.log(np.exp(x).sum(-1)), rtol=1e-5)


def test_errors() -> None:
    assert codes('x(["x : f32[N, M]"]) --> y[LSE]@{ axis: -3 }') == ["E038"]
    assert codes('x(["x : f32[N, M]"]) & z(["z : f32[N, M]"]) --> y[LSE]') == ["E033"]
