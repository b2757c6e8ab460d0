"""Attention without a softmax: sigmoid, squared ReLU, decay; drawn, fused, and run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawn import compiled, normal, operations, problems

from attn_dsl.ir import evaluate
from attn_dsl.kernel import Kernel
from attn_dsl.pipeline import load

DRAWING = """
Q(["Q : f32[H, N, D]"]) --> S[MatMul]
K(["K : f32[H, N, D]"]) -- Transpose --> S
S --> C["Scale by 1/√d"]
{middle}
P & V(["V : f32[H, N, E]"]) --> O[MatMul]
"""
TRI = np.tri(70, dtype=bool)
DISTANCE = np.maximum(np.arange(70)[:, None] - np.arange(70), 0)
GAMMA = np.float32([0.9, 0.95, 0.5])
DRAWN: dict[str, tuple[str, Any]] = {
    "sigmoid": (
        'C --> M[Causal Mask] --> B["Score: s - log(N)"] --> P[Sigmoid]',
        lambda s: np.where(TRI, 1 / (1 + 70 * np.exp(-s)), 0),
    ),
    "mask after the bias": (
        'C --> B["Score: s - log(N)"] --> M["Mask: k <= q"] --> P["σ"]',
        lambda s: np.where(TRI, 1 / (1 + 70 * np.exp(-s)), 0),
    ),
    "squared ReLU": (
        'C --> P0[ReLU] --> P["Score: s ** 2"]',
        lambda s: np.where(s > 0, s, 0) ** 2,
    ),
    "retention": (
        'C --> P["Score: where(k <= q, s * gamma[h] ** (q - k), 0)"]\n'
        'gamma(["gamma : f32[H]"]) --> P',
        lambda s: np.where(TRI, s * GAMMA[:, None, None] ** DISTANCE, 0),
    ),
    "causal linear": ('C --> P["Score: where(k <= q, s, 0)"]', lambda s: np.where(TRI, s, 0)),
}


def arrays(name: str) -> dict[str, Any]:
    given: dict[str, Any] = {n: normal(i, 3, 70, 8) for i, n in enumerate("QKV")}
    return given | ({"gamma": GAMMA} if name == "retention" else {})


@pytest.mark.parametrize("name", DRAWN)
def test_it_runs_as_one_kernel(name: str) -> None:
    middle, weights = DRAWN[name]
    found = compiled(DRAWING.format(middle=middle), D=8, E=8)
    assert operations(found.fused) == ["tiled_attention"]
    given = arrays(name)
    q, k, v = (given[n].astype(np.float64) for n in "QKV")
    expected = weights(q @ np.swapaxes(k, -1, -2) / np.sqrt(8)) @ v
    (drawn,) = evaluate(found.drawn, given).values()
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)
    for target in ("numpy", "cuda"):
        kernel = load(found, target, emulate=target == "cuda")
        np.testing.assert_allclose(kernel(**given), expected, rtol=1e-4, atol=1e-5)


def explained(middle: str) -> str:
    kernel: Kernel = load(compiled(DRAWING.format(middle=middle)), "numpy")
    return kernel.explain()


def test_the_mask_spares_tiles() -> None:
    text = explained(DRAWN["sigmoid"][0])
    assert "s = 0 unless k <= q" in text
    assert "120 full, 16 partial, 120 skipped" in text
    assert "\n    O = s V\n" in text


def test_why_it_is_not_fused() -> None:
    text = explained("C --> P[Sigmoid]\nP --> Weights")
    assert "not fused: 1 without" in text
    assert "because it is an output, so it has to be stored" in text


def test_a_sink_belongs_to_a_softmax() -> None:
    (error,) = problems(DRAWING.format(middle="C --> P[Sigmoid]\nsinks -- Sink --> P"))
    assert error.code == "E033"
