"""PyTorch's scaled_dot_product_attention gives the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attn_dsl

torch = pytest.importorskip("torch")
EXAMPLES = Path(__file__).parents[2] / "examples"
RANDOM = np.random.default_rng(0)
Q, K, V = (RANDOM.standard_normal((2, 3, n, 64)).astype(np.float32) for n in (70, 90, 90))


def sdpa(q: Any, k: Any, v: Any, **options: Any) -> Any:
    arrays = [torch.from_numpy(np.asarray(a, np.float64)) for a in (q, k, v)]
    return torch.nn.functional.scaled_dot_product_attention(*arrays, **options).numpy()


MASKS = {
    "none": None,
    "boolean": RANDOM.random((70, 90)) < 0.7,
    "heads": RANDOM.random((3, 70, 90)) < 0.7,
    "added": RANDOM.standard_normal((2, 1, 70, 90)).astype(np.float32),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", ["scaled_dot_product_attention.attn", "attention.md#2"])
def test_optional_mask(name: str, mask: str) -> None:
    kernel = attn_dsl.compile(EXAMPLES / name)
    argument = {"Mask": "Mask", "mask": "mask"}[list(kernel.inputs)[-1]]
    given = MASKS[mask]
    attended = None if given is None else torch.from_numpy(given)
    if attended is not None and attended.is_floating_point():
        attended = attended.double()
    expected = sdpa(Q, K, V, attn_mask=attended)
    np.testing.assert_allclose(kernel(Q, K, V, **{argument: given}), expected, atol=1e-5)


def test_causal() -> None:
    kernel = attn_dsl.compile(EXAMPLES / "causal.attn")
    expected = sdpa(K, K, V, is_causal=True)
    np.testing.assert_allclose(kernel(K, K, V), expected, atol=1e-5)


def test_padding_in_cross_attention() -> None:
    kernel = attn_dsl.compile(EXAMPLES / "cross_attention.attn")
    padding = RANDOM.random((2, 1, 1, 90)) < 0.5
    expected = sdpa(Q, K, V, attn_mask=torch.from_numpy(padding))
    np.testing.assert_allclose(kernel(Q, K, V, padding), expected, atol=1e-5)


def test_masked_attention_is_unscaled() -> None:
    kernel = attn_dsl.compile(EXAMPLES / "masked_attention.attn")
    mask = RANDOM.standard_normal((70, 90)).astype(np.float32)
    q, k, v = Q[0, 0], K[0, 0], V[0, 0]
    expected = sdpa(q, k, v, attn_mask=torch.from_numpy(mask).double(), scale=1.0)
    result = kernel(Q=q, Kᵀ=np.ascontiguousarray(k.T), V=v, mask=mask)
    np.testing.assert_allclose(result, expected, atol=1e-5)
