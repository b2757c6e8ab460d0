"""The log-sum-exp of the scores, drawn beside an attention or alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import compiled, normal, operations, problems

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


STANDS = {
    "in its box": "m --> L[LSE]",
    "on an arrow": 'm -- "Log-Sum-Exp" --> L[Output]',
    "by a key": 'm --> L["total"]@{ op: log_sum_exp }',
    "before a function": "m --> L[LSE] --> T[Tanh]",
}


@pytest.mark.parametrize("place", STANDS)
def test_where_it_stands(place: str) -> None:
    found = compiled(DRAWING.format(rest=f"{ATTENTION}\n{STANDS[place]}"))
    assert [remark.fused for remark in found.remarks] == [True, True]
    given = {"Q": normal(0, 3, 9, 8), "K": normal(1, 3, 11, 8), "V": normal(2, 3, 11, 5)}
    result = load(found, "numpy")(**given)
    for name, value in evaluate(found.drawn, given).items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)


NOT_THESE_ROWS = {
    "of scores before the mask": ("C --> L[LSE]", "it is used 2 times"),
    "of the weights": ("P --> L[LSE]", "it is used 2 times"),
    "over the queries": ("m --> L[LSE]@{ axis: -2 }", "runs over axis -2"),
    "two of them": ("m --> L[LSE] & L2[LSE]", "it is used 3 times"),
}


@pytest.mark.parametrize("what", NOT_THESE_ROWS)
def test_other_rows_are_done_as_drawn(what: str) -> None:
    drawn, reason = NOT_THESE_ROWS[what]
    found = compiled(DRAWING.format(rest=f"{ATTENTION}\n{drawn}"))
    assert not any(remark.fused for remark in found.remarks)
    assert any(reason in remark.reason for remark in found.remarks)
    given = {"Q": normal(0, 3, 9, 8), "K": normal(1, 3, 11, 8), "V": normal(2, 3, 11, 5)}
    result = load(found, "numpy")(**given)
    for name, value in evaluate(found.drawn, given).items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('x(["x : f32[N, M]"]) --> y[LSE]@{ axis: -3 }', "E038", "axes are -1, -2"),
        ('x(["x : f32[]"]) --> y[LSE]', "E038", "axes are -1, -2"),
        ('x(["x : i32[N, M]"]) --> y[LSE]', "E038", "no floating-point"),
        ('x(["x : bool[N, M]"]) --> y[LSE]', "E038", "no floating-point"),
        ('x(["x : f32[N, M]"]) & z(["z : f32[N, M]"]) --> y[LSE]', "E033", "at most one sink"),
        ("y[LSE] --> z[Tanh]", "E033", "no value flows in"),
        (
            'x(["x : f32[N, M]"]) --> L[LSE]\nL & V(["V : f32[M, E]"]) --> O[MatMul]',
            "E038",
            "needs two dims",
        ),
    ],
)
def test_errors(text: str, code: str, said: str) -> None:
    (error,) = problems(text)
    assert error.code == code
    assert said in error.message
