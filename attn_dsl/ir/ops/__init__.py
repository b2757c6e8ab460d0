"""The operations of the IR, one small class each.

In: the types of the operands, or their values. Out: the type of the result, or its value.

An operation declares its operands, its attributes, its shape rule, its meaning in NumPy and the
words that drawings use for it; printing, reading, renaming and the vocabulary derive from that.
"""

from attn_dsl.ir.ops.attention import TiledAttention
from attn_dsl.ir.ops.base import Op
from attn_dsl.ir.ops.elementwise import Add, Divide, Elementwise, Multiply, Pointwise, Subtract
from attn_dsl.ir.ops.heads import (
    Concatenate,
    Mean,
    MergeHeads,
    Reduction,
    Row,
    Slice,
    SplitHeads,
    Sum,
    Vector,
)
from attn_dsl.ir.ops.inputs import Input
from attn_dsl.ir.ops.layers import (
    Embedding,
    Function,
    Identity,
    LayerNorm,
    Linear,
    Positions,
    Relu,
    Tanh,
)
from attn_dsl.ir.ops.linear_algebra import MatMul, Transpose
from attn_dsl.ir.ops.scores import Mask, Scale, Score, Softmax

OPS: dict[str, type[Op]] = {
    op.mnemonic: op
    for op in (
        Input,
        MatMul,
        Transpose,
        Scale,
        Mask,
        Score,
        Softmax,
        Add,
        Subtract,
        Multiply,
        Divide,
        Pointwise,
        Linear,
        LayerNorm,
        Embedding,
        Positions,
        Relu,
        Tanh,
        Identity,
        SplitHeads,
        MergeHeads,
        Concatenate,
        Slice,
        Row,
        Vector,
        Sum,
        Mean,
        TiledAttention,
    )
}
"""Every operation by the name that the IR's text gives it."""

__all__ = [
    "OPS",
    "Add",
    "Concatenate",
    "Divide",
    "Elementwise",
    "Embedding",
    "Function",
    "Identity",
    "Input",
    "LayerNorm",
    "Linear",
    "Mask",
    "MatMul",
    "Mean",
    "MergeHeads",
    "Multiply",
    "Op",
    "Pointwise",
    "Positions",
    "Reduction",
    "Relu",
    "Row",
    "Scale",
    "Score",
    "Slice",
    "Softmax",
    "SplitHeads",
    "Subtract",
    "Sum",
    "Tanh",
    "TiledAttention",
    "Transpose",
    "Vector",
]
