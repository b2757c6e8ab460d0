"""A model of blocks in a Markdown file equals the same layers of PyTorch with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attn_dsl
from attn_dsl.ir.ops.layers import sinusoids

torch = pytest.importorskip("torch")
FILE = f"{Path(__file__).parents[2] / 'examples' / 'modules' / 'pre_norm.md'}#Model"
WIDTH, HEADS, LAYERS, VOCABULARY, LENGTH = 24, 3, 2, 11, 9
NDArray = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def kernel() -> attn_dsl.Kernel:
    return attn_dsl.compile(FILE, settings={"heads": HEADS, "Stack.N": LAYERS})


@pytest.fixture(scope="module")
def weights(kernel: attn_dsl.Kernel) -> dict[str, NDArray]:
    random = np.random.default_rng(0)
    sizes = {"d_model": WIDTH, "4*d_model": 4 * WIDTH, "embed_vocabulary": VOCABULARY}
    drawn = {}
    for name, type_ in kernel.parameters.items():
        shape = [sizes[dim] for dim in type_[4:-1].split(", ")]
        drawn[name] = (random.standard_normal(shape) / 4).astype(np.float32)
    return drawn


def reference(weights: dict[str, NDArray], tokens: NDArray, mask: Any) -> NDArray:
    """Layer by layer, in PyTorch's own attention and norm."""
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}

    def linear(x: Any, path: str) -> Any:
        return torch.nn.functional.linear(x, tensors[f"{path}.weight"], tensors[f"{path}.bias"])

    def norm(x: Any, path: str) -> Any:
        gain, bias = tensors[f"{path}.weight"], tensors[f"{path}.bias"]
        return torch.nn.functional.layer_norm(x, (WIDTH,), gain, bias)

    def heads(x: Any) -> Any:
        return x.unflatten(-1, (HEADS, -1)).transpose(-2, -3)

    x = tensors["embed.weight"][torch.from_numpy(tokens)]
    x = x + torch.from_numpy(sinusoids(tokens.shape[1], WIDTH).astype(np.float32))
    for i in range(LAYERS):
        path = f"Stack.{i}.block"
        y = norm(x, f"{path}.norm1")
        q, k, v = (heads(linear(y, f"{path}.attention.{part}")) for part in "qkv")
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + linear(y.transpose(-2, -3).flatten(-2), f"{path}.attention.out")
        y = norm(x, f"{path}.norm2")
        gate = torch.sigmoid(linear(y, f"{path}.gate.open"))
        x = x + linear(linear(y, f"{path}.gate.hidden") * gate, f"{path}.down")
    return linear(norm(x, "norm"), "logits").numpy()


@pytest.mark.parametrize("kind", ["none", "boolean", "float"])
def test_model_of_own_blocks(
    kernel: attn_dsl.Kernel, weights: dict[str, NDArray], kind: str
) -> None:
    tokens = np.random.default_rng(1).integers(0, VOCABULARY, (2, LENGTH))
    keep = np.ones((2, 1, 1, LENGTH), bool)
    keep[1, ..., 5:] = False
    masks = {
        "none": None,
        "boolean": keep,
        "float": np.where(keep, 0, -30).astype(np.float32),
    }
    mask = masks[kind]
    given = {} if mask is None else {"padding": mask}
    found = kernel.load(weights)(tokens=tokens, **given)
    expected = reference(weights, tokens, None if mask is None else torch.from_numpy(mask))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_every_attention_fuses(kernel: attn_dsl.Kernel) -> None:
    assert f"fused: {LAYERS} attentions" in kernel.explain()
