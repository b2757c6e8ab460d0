"""The library's encoder and decoder block equal PyTorch's layers with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import attn_dsl

torch = pytest.importorskip("torch")
WIDTH, HEADS, HIDDEN = 24, 3, 40
NDArray = np.ndarray[Any, Any]
OPTIONS = {"dim_feedforward": HIDDEN, "dropout": 0.0, "batch_first": True}
SETTINGS = {"heads": HEADS, "hidden": HIDDEN}


def randomised(layer: Any) -> Any:
    """The layer with weights that are not near 0, gains that are not 1."""
    torch.manual_seed(0)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return layer.eval()


def weights(layer: Any, names: dict[str, str]) -> dict[str, NDArray]:
    """PyTorch's weights under the names of the block `B`; `names` maps modules to nodes."""
    found: dict[str, NDArray] = {}
    for name, tensor in layer.named_parameters():
        module, _, last = name.rpartition(".")
        if last.startswith("in_proj"):
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                found[f"B.{names[module]}.{part}.{last[8:]}"] = rows.detach().numpy()
        else:
            found[f"B.{names[module]}.{last}"] = tensor.detach().numpy()
    return found


ENCODER = {
    "self_attn": "attention",
    "self_attn.out_proj": "attention.out",
    "linear1": "ffn.up",
    "linear2": "ffn.down",
    "norm1": "norm1",
    "norm2": "norm2",
}
DECODER = {
    **ENCODER,
    "self_attn": "self_attention",
    "self_attn.out_proj": "self_attention.out",
    "multihead_attn": "cross_attention",
    "multihead_attn.out_proj": "cross_attention.out",
    "norm3": "norm3",
}


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("length", [1, 7, 33])
def test_encoder_block(length: int, padded: bool) -> None:
    kernel = attn_dsl.compile(
        'flowchart TD\nx(["x : f32[..., N, E]"]) --> B[Encoder Block]\n', settings=SETTINGS
    )
    layer = randomised(torch.nn.TransformerEncoderLayer(WIDTH, HEADS, **OPTIONS))
    x = np.random.default_rng(1).standard_normal((2, length, WIDTH)).astype(np.float32)
    keep = np.ones((2, length), bool)
    keep[1, 3:] = not padded
    masks = {"B.attention.mask": keep[:, None, None]} if padded else {}
    found = kernel.load(weights(layer, ENCODER))(x, **masks)
    mask = torch.from_numpy(~keep) if padded else None
    expected = layer(torch.from_numpy(x), src_key_padding_mask=mask).detach().numpy()
    np.testing.assert_allclose(found[keep], expected[keep], atol=1e-5)


@pytest.mark.parametrize(("source", "target"), [(7, 7), (9, 4), (3, 11)])
def test_decoder_block(source: int, target: int) -> None:
    kernel = attn_dsl.compile(
        'flowchart TD\nx(["x : f32[..., N, E]"]) & memory(["m : f32[..., M, E]"]) --> '
        "B[Decoder Block]\n",
        settings=SETTINGS,
    )
    layer = randomised(torch.nn.TransformerDecoderLayer(WIDTH, HEADS, **OPTIONS))
    random = np.random.default_rng(2)
    x = random.standard_normal((2, target, WIDTH)).astype(np.float32)
    memory = random.standard_normal((2, source, WIDTH)).astype(np.float32)
    found = kernel.load(weights(layer, DECODER))(x, memory)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(target)
    expected = layer(torch.from_numpy(x), torch.from_numpy(memory), causal, tgt_is_causal=True)
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-5)
