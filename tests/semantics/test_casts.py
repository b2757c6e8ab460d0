"""Casts by word, by metadata, on arrows: absorbed where they widen, never where they narrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import attention, body, codes, compiled, normal, operations

from attn_dsl.diagnostics import DiagnosticError
from attn_dsl.ir import evaluate
from attn_dsl.pipeline import load

X = 'x(["x : f32[N, D]"])\n'
WORDS = {
    "Cast to f64": "f64",
    "cast to Float16": "f16",
    "Convert to bfloat16": "bf16",
    "To f16": "f16",
    "Float64": "f64",
    "FP64": "f64",
    "Upcast to f64": "f64",
    "Downcast to half": "f16",
}


@pytest.mark.parametrize("word", WORDS)
def test_by_word(word: str) -> None:
    expected = [f'%y = cast(%x) {{dtype="{WORDS[word]}"}} : {WORDS[word]}[N, D]']
    assert body(compiled(f'{X}x --> y["{word}"]').drawn) == expected


def test_by_metadata_and_on_an_arrow() -> None:
    assert '{dtype="i64"}' in body(compiled(f"{X}x --> y[Cast]@{{ dtype: i64 }}").drawn)[0]
    assert '{dtype="f64"}' in body(compiled(f'{X}x --> y["wide"]@{{ op: "Cast to f64" }}').drawn)[0]
    drawn = body(compiled(f'{X}x -- "Cast to f64" --> y[Softmax]').drawn)
    assert drawn[0].startswith("%y_x = cast(%x)")
    assert drawn[1].endswith(": f64[N, D]")


def test_to_the_type_that_it_has() -> None:
    assert operations(compiled(f"{X}x --> y[Cast to f32] --> z[Softmax]").drawn) == ["softmax"]


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("x --> y[Cast]", ["E035"]),
        ("x --> y[Cast]@{ dtype: f8 }", ["E035"]),
        ('x --> y[Cast]@{ dtype: "f16 f32" }', ["E035"]),
        ('x & z(["z : f32[N]"]) --> y[Cast to f16]', ["E033"]),
    ],
)
def test_errors(drawing: str, expected: list[str]) -> None:
    assert codes(X + drawing) == expected


HALF = """
Q(["Q : {dtype}[B, N, D]"]) & K(["K : {dtype}[B, N, D]"]) --> S[MatMul]
S --> up[Cast to {wide}] --> C[Scale] --> m["Mask: k <= q"] --> P[Softmax]
P --> down[Cast to {dtype}]
down & V(["V : {dtype}[B, N, D]"]) --> O[MatMul]
"""


@pytest.mark.parametrize(("dtype", "wide"), [("f16", "f32"), ("f32", "f64"), ("bf16", "f32")])
def test_scores_in_a_wider_type(dtype: str, wide: str) -> None:
    """As most implementations have it: scores and softmax wide, everything else narrow."""
    found = compiled(HALF.format(dtype=dtype, wide=wide), D=8)
    assert operations(found.fused) == ["tiled_attention"]
    assert f'precision="{wide}"' in body(found.fused)[0]
    if dtype == "bf16":
        return  # NumPy has no such arrays of its own
    given: dict[str, Any] = {
        n: normal(i, 2, 9, 8).astype({"f16": "float16"}.get(dtype, "float32"))
        for i, n in enumerate("QKV")
    }
    q, k, v = (given[n].astype(np.float64) for n in "QKV")
    expected = attention(q, k, v, 8**-0.5, np.tri(9, dtype=bool))
    (drawn,) = evaluate(found.drawn, given).values()
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)
    result = load(found, "numpy")(**given)
    assert result.dtype == given["Q"].dtype
    np.testing.assert_allclose(result, expected, atol=1e-3 if dtype == "f16" else 1e-7)


def test_scores_in_a_wider_type_are_computed_in_it() -> None:
    """Scores that differ in the eighth digit: in f32 they would be the same."""
    found = compiled(HALF.format(dtype="f32", wide="f64").replace("C[Scale]", 'C["Scale: 1000"]'))
    q = np.full((1, 2, 2), 1, np.float32)
    k = np.array([[[1000, 0.0001], [1000, 0.0002]]], np.float32)
    v = np.array([[[1, 0], [0, 1]]], np.float32)
    weight = 1 / (1 + np.exp(1000 * (float(k[0, 0, 1]) - float(k[0, 1, 1]))))
    result = load(found, "numpy")(Q=q, K=k, V=v)
    np.testing.assert_allclose(result[0, 1], [1 - weight, weight], atol=1e-6)


def test_narrowed_scores_are_not_fused() -> None:
    drawing = HALF.format(dtype="f64", wide="f32")
    found = compiled(drawing)
    (remark,) = found.remarks
    assert not remark.fused
    assert remark.reason == "it narrows the scores from f64 to f32"
    given = {n: normal(i, 2, 9, 8).astype(np.float64) for i, n in enumerate("QKV")}
    (expected,) = evaluate(found.drawn, given).values()
    np.testing.assert_allclose(load(found, "numpy")(**given), expected, atol=1e-6)


def test_cuda_says_which_types_it_computes_in() -> None:
    with pytest.raises(DiagnosticError) as caught:
        load(compiled(HALF.format(dtype="f32", wide="f64"), D=8), "cuda", emulate=True)
    (error,) = caught.value.diagnostics
    assert error.code == "E062"
    assert "computes its scores in f64" in error.message


def test_a_cast_of_a_mask_is_a_number() -> None:
    """The other common mask: what is hidden gets a large negative bias."""
    drawing = """
    Q(["Q : f32[N, D]"]) & K(["K : f32[M, D]"]) --> S[MatMul]
    keep(["keep : bool[M]"]) --> one[Cast to f32] --> bias["Score: (s - 1) * 10000"]
    S & bias --> A[Add] --> P[Softmax]
    P & V(["V : f32[M, D]"]) --> O[MatMul]
    """
    found = compiled(drawing, D=4)
    assert [remark.fused for remark in found.remarks] == [True]
    q, k, v = normal(0, 5, 4), normal(1, 6, 4), normal(2, 6, 4)
    keep = np.array([True, False, True, True, False, True])
    wide = [x.astype(np.float64) for x in (q, k, v)]
    expected = attention(*wide, keep=keep)
    for target in ("numpy", "cuda"):
        kernel = load(found, target, emulate=target == "cuda")
        np.testing.assert_allclose(kernel(Q=q, K=k, V=v, keep=keep), expected, atol=1e-5)
