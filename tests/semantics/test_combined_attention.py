"""Differential attention, and scores in two parts (latent attention), as they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import attention, compiled, normal, operations, remarked

from attn_dsl.ir import evaluate
from attn_dsl.pipeline import load

DIFFERENTIAL = """
Q1(["Q1 : f32[H, N, D]"]) & K1(["K1 : f32[H, N, D]"]) --> S1[MatMul] --> C1[Scale]
Q2(["Q2 : f32[H, N, D]"]) & K2(["K2 : f32[H, N, D]"]) --> S2[MatMul] --> C2[Scale]
C1 --> M1["Mask: k <= q"] --> A1[Softmax]
C2 --> M2["Mask: k <= q"] --> A2[Softmax]
{difference}
A & V(["V : f32[H, N, E]"]) --> O[MatMul]
"""
DIFFERENCES = {
    "boxes": 'A2 & lam(["lam : f32[H, 1, 1]"]) --> L[Multiply]\nA1 & L --> A[Subtract]',
    "score": 'lam(["lam : f32[H]"]) & A2 --> L["Score: lam[h] * s"]\nA1 & L --> A[Minus]',
    "equation": 'A1 & A2 & lam(["lam : f32[H, 1, 1]"]) --> A["A = A1 - lam * A2"]',
}
LATENT = """
Q(["Q : f32[B, H, N, D]"]) --> C[MatMul]
K(["K : f32[B, H, M, D]"]) -- Transpose --> C
QR(["QR : f32[B, H, N, R]"]) --> P[MatMul]
KR(["KR : f32[B, M, R]"]) -- Transpose --> P
C & P --> S[Add] --> X["Scale by 1/√(D + R)"] --> W[Causal Mask] --> A[Softmax]
A & V(["V : f32[B, H, M, E]"]) --> O[MatMul]
"""
BESIDE = """
Q(["Q : f32[B, H, N, D]"]) & QR(["QR : f32[B, H, N, R]"]) --> q[Concatenate]
K(["K : f32[B, H, M, D]"]) & KR(["KR : f32[B, M, R]"]) --> k1[Concatenate]
q & k1 --> X[MatMul] --> Y[Scale] --> W[Causal Mask] --> A[Softmax]
A & V(["V : f32[B, H, M, E]"]) --> O[MatMul]
"""


@pytest.mark.parametrize("form", DIFFERENCES)
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_differential_attention(form: str, target: str) -> None:
    found = compiled(DIFFERENTIAL.format(difference=DIFFERENCES[form]), D=8, E=5)
    assert [remark.fused for remark in found.remarks] == [True, True]
    assert "softmax" not in operations(found.fused)
    given: dict[str, Any] = {n: normal(i, 2, 70, 8) for i, n in enumerate(("Q1", "K1", "Q2", "K2"))}
    lam = normal(8, 2, 1, 1)
    given |= {"V": normal(7, 2, 70, 5), "lam": lam[:, 0, 0] if form == "score" else lam}
    q1, k1, q2, k2, v = (given[n].astype(np.float64) for n in ("Q1", "K1", "Q2", "K2", "V"))
    keep = np.tri(70, dtype=bool)
    first = attention(q1, k1, np.eye(70), 8**-0.5, keep)
    second = attention(q2, k2, np.eye(70), 8**-0.5, keep)
    expected = (first - lam * second) @ v
    (drawn,) = evaluate(found.drawn, given).values()
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)
    kernel = load(found, target, emulate=target == "cuda")
    np.testing.assert_allclose(kernel(**given), expected, atol=1e-5)


@pytest.mark.parametrize("drawing", [LATENT, BESIDE], ids=["two products", "side by side"])
@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_latent_attention(drawing: str, target: str) -> None:
    """The keys of the position have no heads: all share them."""
    found = compiled(drawing, D=8, E=5, R=4)
    assert "N024" in remarked(found)
    assert [remark.fused for remark in found.remarks] == [True]
    assert "matmul" not in operations(found.fused)
    shapes = {"Q": (2, 3, 65, 8), "K": (2, 3, 70, 8), "QR": (2, 3, 65, 4), "KR": (2, 70, 4)}
    given: dict[str, Any] = {n: normal(i, *shape) for i, (n, shape) in enumerate(shapes.items())}
    given["V"] = normal(9, 2, 3, 70, 5)
    q, k, qr, kr, v = (given[n].astype(np.float64) for n in ("Q", "K", "QR", "KR", "V"))
    scores = np.einsum("bhnd,bhmd->bhnm", q, k) + np.einsum("bhnr,bmr->bhnm", qr, kr)
    scores = np.where(np.tri(65, 70, 5, dtype=bool), scores / 12**0.5, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    expected = weights / weights.sum(-1, keepdims=True) @ v
    (drawn,) = evaluate(found.drawn, given).values()
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)
    kernel = load(found, target, emulate=target == "cuda")
    np.testing.assert_allclose(kernel(**given), expected, atol=1e-5)
