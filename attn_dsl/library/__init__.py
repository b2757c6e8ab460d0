"""Modules that are diagrams themselves, and the words by which drawings call them.

In: the name of a module. Out: the path of its `.attn` file, which is read like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

WORDS: Mapping[str, tuple[str, ...]] = {
    "scaled_dot_product_attention": (
        "Scaled Dot-Product Attention",
        "Dot-Product Attention",
        "Attention",
        "Self-Attention",
        "Attention Head",
        "SDPA",
    ),
    "multi_head_attention": (
        "Multi-Head Attention",
        "Multi-Head Self-Attention",
        "Multi-Head Cross-Attention",
        "Cross-Attention",
        "MHA",
        "Encoder-Decoder Attention",
    ),
    "masked_multi_head_attention": (
        "Masked Multi-Head Attention",
        "Masked Multi-Head Self-Attention",
        "Masked Self-Attention",
        "Causal Multi-Head Attention",
        "Causal Self-Attention",
        "Masked MHA",
    ),
    "feed_forward": (
        "Feed Forward",
        "Feed Forward Network",
        "Feed Forward Layer",
        "Position-wise Feed Forward",
        "Position-wise Feed Forward Network",
        "FFN",
        "MLP",
    ),
    "encoder_block": (
        "Encoder Block",
        "Encoder Layer",
        "Transformer Block",
        "Transformer Encoder Layer",
    ),
    "decoder_block": ("Decoder Block", "Decoder Layer", "Transformer Decoder Layer"),
}
"""Every module of the library, and what drawings call it."""


def library_path(name: str) -> Path:
    """The file of the module `name`, which is a key of `WORDS`."""
    with as_file(files(__name__).joinpath(f"{name}.attn")) as path:
        return path
