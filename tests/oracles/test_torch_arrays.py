"""PyTorch's tensors as arguments: taken as they lie, and given back as tensors."""

from __future__ import annotations

import numpy as np
import pytest

import attn_dsl

torch = pytest.importorskip("torch")
DIAGRAM = """flowchart TD
    Q["Q : f32[B, H, N, D]"] & K["K : f32[B, H, M, D]"] --> S[MatMul] --> W["Mask (opt.)"]
    W --> P[Softmax] --> O[MatMul]
    V["V : f32[B, H, M, D]"] --> O
"""


@pytest.mark.parametrize("target", ["numpy", "cuda"])
def test_tensors_in_tensors_out(target: str) -> None:
    kernel = attn_dsl.compile(DIAGRAM, target, {"D": 8}, emulate=target == "cuda")
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 3, 8).transpose(1, 2) for n in (5, 7, 7))
    keep = torch.rand(2, 1, 5, 7) < 0.8
    found = kernel(q, k, v, W=keep)
    wanted = torch.nn.functional.scaled_dot_product_attention(q, k, v, keep, scale=1.0)
    assert isinstance(found, torch.Tensor)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_tensors_that_the_host_kernels_refuse() -> None:
    kernel = attn_dsl.compile(DIAGRAM, "cuda", {"D": 8}, emulate=True)
    q = torch.randn(1, 1, 2, 8)
    with pytest.raises(TypeError, match=r"input 'Q' is float64, and has to be float32"):
        kernel(q.double(), q, q)
    with pytest.raises(TypeError, match=r"'K' requires a gradient.*K\.detach\(\)"):
        kernel(q, q.clone().requires_grad_(), q)


def test_sixteen_bits() -> None:
    text = DIAGRAM.replace("f32", "bf16")
    kernel = attn_dsl.compile(text, "numpy", {"D": 8})
    q = torch.randn(1, 1, 4, 8).to(torch.bfloat16)
    found = kernel(q, q, q)
    assert found.dtype is torch.bfloat16
    wanted = torch.nn.functional.scaled_dot_product_attention(q, q, q, scale=1.0)
    np.testing.assert_allclose(found.float(), wanted.float(), atol=0.05)
