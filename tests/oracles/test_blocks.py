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


MASKS = {
    "boolean": (lambda keep: keep, lambda keep: torch.from_numpy(~keep)),
    "float": (
        lambda keep: np.where(keep, 0, -1e9).astype(np.float32),
        lambda keep: torch.from_numpy(np.where(keep, 0, -1e9).astype(np.float32)),
    ),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("masks", ["src_mask", "src_key_padding_mask", "both"])
def test_masks_drawn_into_an_encoder_block(masks: str, kind: str) -> None:
    """A box `Mask` goes to the block's attention; two boxes hold together."""
    ours, theirs = MASKS[kind]
    random, length = np.random.default_rng(3), 9
    see = random.random((length, length)) < 0.6
    np.fill_diagonal(see, True)
    keep = np.ones((2, length), bool)
    keep[1, 6:] = False
    given = {"src_mask": see, "src_key_padding_mask": keep}
    given = {name: mask for name, mask in given.items() if masks in (name, "both")}
    boxes = "".join(f"{name}[Mask] --> B\n" for name in given)
    text = f'flowchart TD\nx(["x : f32[..., N, E]"]) --> B[Encoder Block]\n{boxes}'
    kernel = attn_dsl.compile(text, settings=SETTINGS)
    layer = randomised(torch.nn.TransformerEncoderLayer(WIDTH, HEADS, **OPTIONS))
    x = random.standard_normal((2, length, WIDTH)).astype(np.float32)
    seen = {n: m[:, None, None] if m is keep else m for n, m in given.items()}
    found = kernel.load(weights(layer, ENCODER))(x=x, **{n: ours(m) for n, m in seen.items()})
    expected = layer(torch.from_numpy(x), **{n: theirs(m) for n, m in given.items()})
    rows = keep if "src_key_padding_mask" in given else np.ones_like(keep)
    np.testing.assert_allclose(found[rows], expected.detach().numpy()[rows], atol=1e-5)


@pytest.mark.parametrize("kind", MASKS)
def test_masks_drawn_into_a_decoder_block(kind: str) -> None:
    """Each goes to the attention that its arrow names."""
    ours, theirs = MASKS[kind]
    random, target, source = np.random.default_rng(4), 7, 5
    text = (
        'flowchart TD\nx(["x : f32[..., N, E]"]) & memory(["m : f32[..., M, E]"]) --> '
        'B[Decoder Block]\nown[Mask] -- "Self-attention mask" --> B\n'
        'padding["Padding Mask"] -- "Cross-attention mask" --> B\n'
    )
    kernel = attn_dsl.compile(text, settings=SETTINGS)
    layer = randomised(torch.nn.TransformerDecoderLayer(WIDTH, HEADS, **OPTIONS))
    x = random.standard_normal((2, target, WIDTH)).astype(np.float32)
    memory = random.standard_normal((2, source, WIDTH)).astype(np.float32)
    see = np.tri(target, dtype=bool) & ~np.eye(target, k=-2, dtype=bool)
    keep = np.ones((2, source), bool)
    keep[0, 3:] = False
    found = kernel.load(weights(layer, DECODER))(
        x=x, m=memory, own=ours(see), padding=ours(keep)[:, None, None]
    )
    expected = layer(
        torch.from_numpy(x),
        torch.from_numpy(memory),
        tgt_mask=theirs(see),
        memory_key_padding_mask=theirs(keep),
    )
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-5)
