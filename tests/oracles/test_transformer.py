"""The encoder-decoder drawing equals torch.nn.Transformer with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attn_dsl
from attn_dsl.ir.ops.layers import sinusoids

torch = pytest.importorskip("torch")
FILE = f"{Path(__file__).parents[2] / 'examples' / 'attention.md'}#4"
WIDTH, HEADS, LAYERS, VOCABULARY = 32, 4, 3, 50
NDArray = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def model() -> Any:
    """No final norms, as the drawing has none."""
    torch.manual_seed(0)
    transformer = torch.nn.Transformer(
        WIDTH, HEADS, LAYERS, LAYERS, 4 * WIDTH, dropout=0.0, batch_first=True
    )
    transformer.encoder.norm = None
    transformer.decoder.norm = None
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return transformer.eval()


def weights_of(model: Any) -> dict[str, NDArray]:
    """PyTorch's weights under the paths of the drawing."""
    weights: dict[str, NDArray] = {}

    def put(path: str, tensor: Any) -> None:
        weights[path] = tensor.detach().numpy()

    def layer(path: str, module: Any) -> None:
        put(f"{path}.weight", module.weight)
        put(f"{path}.bias", module.bias)

    def attention(path: str, module: Any) -> None:
        for name, weight, bias in zip(
            "qkv", module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True
        ):
            put(f"{path}.{name}.weight", weight)
            put(f"{path}.{name}.bias", bias)
        layer(f"{path}.out", module.out_proj)

    for i, block in enumerate(model.encoder.layers):
        path = f"Encoder.EncoderBlock.{i}"
        attention(f"{path}.E_MHA", block.self_attn)
        layer(f"{path}.E_Norm1", block.norm1)
        layer(f"{path}.E_FFN.up", block.linear1)
        layer(f"{path}.E_FFN.down", block.linear2)
        layer(f"{path}.E_Norm2", block.norm2)
    for i, block in enumerate(model.decoder.layers):
        path = f"Decoder.DecoderBlock.{i}"
        attention(f"{path}.D_MHA", block.self_attn)
        layer(f"{path}.D_Norm1", block.norm1)
        attention(f"{path}.CrossAttn", block.multihead_attn)
        layer(f"{path}.D_Norm2", block.norm2)
        layer(f"{path}.D_FFN.up", block.linear1)
        layer(f"{path}.D_FFN.down", block.linear2)
        layer(f"{path}.D_Norm3", block.norm3)
    return weights


@pytest.fixture(scope="module")
def kernel() -> attn_dsl.Kernel:
    return attn_dsl.compile(FILE, settings={"N": LAYERS, "heads": HEADS})


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("source", "target"), [(9, 9), (11, 7), (5, 13)])
def test_equals_torch(
    kernel: attn_dsl.Kernel, model: Any, source: int, target: int, padded: bool
) -> None:
    random = np.random.default_rng(source)
    weights = weights_of(model)
    for name, shape in (
        ("Encoder.InputEmbed.weight", (VOCABULARY, WIDTH)),
        ("Decoder.OutputEmbed.weight", (VOCABULARY, WIDTH)),
        ("Decoder.FinalLinear.weight", (VOCABULARY, WIDTH)),
        ("Decoder.FinalLinear.bias", (VOCABULARY,)),
    ):
        weights[name] = random.standard_normal(shape).astype(np.float32)
    tokens = random.integers(0, VOCABULARY, (2, source))
    shifted = random.integers(0, VOCABULARY, (2, target))
    keep = np.ones((2, source), bool)
    if padded:
        keep[1, -2:] = False
    assert set(kernel.parameters) == set(weights)
    masks = (
        {
            "Encoder.EncoderBlock.E_MHA.mask": keep[:, None, None],
            "Decoder.DecoderBlock.CrossAttn.mask": keep[:, None, None],
        }
        if padded
        else {}
    )
    found = kernel.load(weights)(Input=tokens, Output=shifted, **masks)
    expected = reference(model, weights, tokens, shifted, keep)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def reference(
    model: Any, weights: dict[str, NDArray], tokens: NDArray, shifted: NDArray, keep: NDArray
) -> NDArray:
    def embed(table: str, ids: NDArray) -> Any:
        rows = weights[table][ids] + sinusoids(ids.shape[1], WIDTH)
        return torch.from_numpy(rows.astype(np.float32))

    hidden = model(
        embed("Encoder.InputEmbed.weight", tokens),
        embed("Decoder.OutputEmbed.weight", shifted),
        tgt_mask=torch.nn.Transformer.generate_square_subsequent_mask(shifted.shape[1]),
        src_key_padding_mask=torch.from_numpy(~keep),
        memory_key_padding_mask=torch.from_numpy(~keep),
        tgt_is_causal=True,
    )
    weight, bias = (
        torch.from_numpy(weights[f"Decoder.FinalLinear.{name}"]) for name in ("weight", "bias")
    )
    logits = hidden @ weight.T + bias
    return torch.softmax(logits, dim=-1).detach().numpy()


def test_three_attentions_a_layer_pair(kernel: attn_dsl.Kernel) -> None:
    assert f"fused: {3 * LAYERS} attentions" in kernel.explain()
