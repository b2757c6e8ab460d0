"""Where words of the vocabulary are used: texts that were read, and the words found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A text, and the `words` that it uses for operations and modules, as it spells them."""

    author: str
    title: str
    year: str
    address: str
    found: str

    @property
    def words(self) -> list[str]:
        """The words of the list `found`."""
        return [word.strip() for word in self.found.split(",")]


SOURCES: Mapping[str, Source] = {
    "V": Source(
        "Vaswani et al.",
        "Attention Is All You Need (text; Figure 2 as others describe it)",
        "2017",
        "https://arxiv.org/abs/1706.03762",
        "Scaled Dot-Product Attention, Multi-Head Attention, Encoder-Decoder Attention, "
        "Attention Function, Residual Connection, Layer Normalization, Dot Product, "
        "Linear Transformation, Linear Projection, Softmax Function, Concat, MatMul, "
        "Scale, Mask, SoftMax, Positional Encoding",
    ),
    "A": Source(
        "Huang et al., after Rush",
        "The Annotated Transformer",
        "2022",
        "https://github.com/harvardnlp/annotated-transformer",
        "LayerNorm, Subsequent Mask, Embeddings, Encoder Layer, Decoder Layer, Scaled Dot "
        "Product Attention, Encoder Self Attention, Decoder Self Attention, Position-wise "
        "Feed-Forward Networks, Positional Encoding, Residual Connection",
    ),
    "I": Source(
        "Alammar",
        "The Illustrated Transformer",
        "2018",
        "https://jalammar.github.io/illustrated-transformer/",
        "Dot Product, Feed-Forward Neural Network, Self-Attention Layer, Linear Layer, "
        "Softmax Layer, Encoder-Decoder Attention, Word Embedding",
    ),
    "D": Source(
        "Zhang, Lipton, Li, Smola",
        "Dive into Deep Learning",
        "2023",
        "https://d2l.ai/chapter_attention-mechanisms-and-transformers/multihead-attention.html",
        "Add & Norm, AddNorm, Positionwise Feed-Forward Networks, PositionWise FFN, "
        "Transformer Encoder Block, Attention Pooling, Fully Connected Layer, Dense",
    ),
    "S": Source(
        "Hewitt",
        "CS 224n, note 10: Self-Attention & Transformers",
        "2023",
        "https://scribd.com/document/743594110/Cs224n-Self-Attention-Transformers-2023-Draft",
        "Add & Norm, Multi-Head Attention, Masked Multi-Head Attention, Feed-Forward, "
        "Linear, Softmax, Embeddings",
    ),
    "P": Source(
        "PyTorch",
        "torch.bmm, TransformerEncoderLayer, scaled_dot_product_attention",
        "",
        "https://docs.pytorch.org/docs/stable/",
        "BMM, Transformer Encoder Layer, Scaled Dot Product Attention, Attention Mask, "
        "Feedforward Network",
    ),
    "K": Source(
        "Keras",
        "Merging layers; MultiHeadAttention",
        "",
        "https://keras.io/2/api/layers/merging_layers",
        "Concatenate, Add, Subtract, Multiply, MultiHeadAttention",
    ),
    "O": Source(
        "ONNX",
        "Operators",
        "",
        "https://onnx.ai/onnx/operators/",
        "MatMul, Gemm, Add, Concat, Div, Dropout, Attention",
    ),
    "F": Source(
        "Flax",
        "flax.linen: SelfAttention, MultiHeadDotProductAttention, make_causal_mask",
        "",
        "https://flax.readthedocs.io/en/v0.6.10/api_reference/_autosummary/flax.linen.SelfAttention.html",
        "Multi-Head Dot-Product Attention, Causal Mask, Attention Mask, Self-Attention",
    ),
    "H": Source(
        "Hugging Face",
        "Transformers: glossary",
        "",
        "https://huggingface.co/docs/transformers/glossary",
        "Attention Mask",
    ),
    "M": Source(
        "maximalfocus",
        "Attention, a note with Mermaid drawings",
        "2025",
        "https://maximalfocus.github.io/posts/2025-10-01-attention",
        "Similarity, Multiply, Sum, Matrix Multiply, Softmax, Linear",
    ),
    "T": Source(
        "Alibhji",
        "deep_learning_fundamentals: ADVANCED_GRAPH.md, a Mermaid drawing",
        "",
        "https://github.com/Alibhji/deep_learning_fundamentals",
        "Reshape to Heads, Concat Heads, Output Projection, Position-wise FFN, Token "
        "Embedding, LayerNorm, Dropout, Residual Connection",
    ),
    "G": Source(
        "Kurra",
        "Building GPT-2 from Scratch, with a Mermaid drawing",
        "",
        "https://blogs.gruheshkurra.com/blog/build-gpt2-from-scratch/",
        "Token Embedding, Final LayerNorm, Transformer Block, MLP, Causal Self-Attention, "
        "Causal Multi-Head Self-Attention",
    ),
    "J": Source(
        "FlashInfer",
        "batch_prefill_with_paged_kv_cache",
        "",
        "https://docs.flashinfer.ai/",
        "Paged KV Cache",
    ),
}
"""By the letter that the page gives them."""
