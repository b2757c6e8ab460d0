"""Modules that are diagrams themselves, and the words by which drawings call them.

In: the name of a module. Out: the path of its `.attn` file, which is read like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

WORDS: Mapping[str, tuple[str, ...]] = {
    "scaled_dot_product_attention": (
        "Scaled Dot-Product Attention",
        "Dot-Product Attention",
        "Attention",
        "Self-Attention",
        "Dot-Product Self-Attention",
        "Self-Attention Layer",
        "Single-Head Attention",
        "Attention Head",
        "Attention Layer",
        "Attention Function",
        "Attention Pooling",
        "SDPA",
    ),
    "multi_head_attention": (
        "Multi-Head Attention",
        "Multi-Headed Attention",
        "Multihead Attention",
        "MultiHeadAttention",
        "Multi-Head Attention Layer",
        "Multi-Head Dot-Product Attention",
        "Multi-Head Self-Attention",
        "Multi-Headed Self-Attention",
        "Multihead Self-Attention",
        "Multi-Head Cross-Attention",
        "Cross-Attention",
        "Encoder Self-Attention",
        "Encoder-Decoder Attention",
        "MHA",
        "MHSA",
    ),
    "masked_multi_head_attention": (
        "Masked Multi-Head Attention",
        "Masked Multi-Headed Attention",
        "Masked Multihead Attention",
        "Masked Multi-Head Self-Attention",
        "Masked Multi-Headed Self-Attention",
        "Masked Self-Attention",
        "Decoder Self-Attention",
        "Causal Multi-Head Attention",
        "Causal Multi-Head Self-Attention",
        "Causal Self-Attention",
        "CausalSelfAttention",
        "Masked MHA",
    ),
    "feed_forward": (
        "Feed Forward",
        "Feed Forward Network",
        "Feed Forward Neural Network",
        "Feed Forward Layer",
        "Feed Forward Block",
        "Feedforward",
        "Feedforward Network",
        "Feedforward Neural Network",
        "Position-wise Feed Forward",
        "Position-wise Feed Forward Network",
        "Position-wise FFN",
        "Positionwise Feed Forward",
        "Positionwise Feed Forward Network",
        "Positionwise FFN",
        "Multi-Layer Perceptron",
        "Multilayer Perceptron",
        "FFN",
        "MLP",
    ),
    "add_norm": (
        "Add & Norm",
        "Add and Norm",
        "AddNorm",
        "Add & LayerNorm",
        "Add & Layer Norm",
        "Add & Normalize",
        "Residual & Norm",
    ),
    "encoder_block": (
        "Encoder Block",
        "Encoder Layer",
        "Transformer Block",
        "Transformer Encoder Block",
        "Transformer Encoder Layer",
    ),
    "decoder_block": (
        "Decoder Block",
        "Decoder Layer",
        "Transformer Decoder Block",
        "Transformer Decoder Layer",
    ),
}
"""Every module of the library, and what drawings call it."""

_X = 'x(["x : f32[N, D]"])'
EXAMPLES: Mapping[str, str] = {
    "scaled_dot_product_attention": "Q & K & V --> y[Attention]",
    "multi_head_attention": f"{_X} --> y[Multi-Head Attention]@{{ heads: 8 }}",
    "masked_multi_head_attention": f"{_X} --> y[Masked Multi-Head Attention]@{{ heads: 8 }}",
    "feed_forward": f"{_X} --> y[Feed Forward]@{{ hidden: 4*d_model }}",
    "add_norm": f'{_X} & s(["s : f32[N, D]"]) --> y[Add & Norm]',
    "encoder_block": f"{_X} --> y[Encoder Block]@{{ heads: 8 }}",
    "decoder_block": f'{_X} & m(["m : f32[M, D]"]) --> y[Decoder Block]@{{ heads: 8 }}',
}
"""A line of a diagram that uses each of them."""


@cache
def library_path(name: str) -> Path:
    """The file of the module `name`, which is a key of `WORDS`."""
    with as_file(files(__name__).joinpath(f"{name}.attn")) as path:
        return path
