"""The operations of the IR, one small class each.

In: the types of the operands, or their values. Out: the type of the result, or its value.

An operation declares its operands, its attributes, its shape rule, its meaning in NumPy and the
words that drawings use for it; printing, reading, renaming and the vocabulary derive from that.
"""

from attn_dsl.ir.ops.attention import Read, TiledAttention, TiledLogSumExp, TiledScores
from attn_dsl.ir.ops.base import Op
from attn_dsl.ir.ops.casts import Cast, is_wider
from attn_dsl.ir.ops.elementwise import Add, Divide, Elementwise, Multiply, Pointwise, Subtract
from attn_dsl.ir.ops.groups import RepeatHeads
from attn_dsl.ir.ops.heads import (
    HEADS,
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
    Sigmoid,
    Tanh,
)
from attn_dsl.ir.ops.linear_algebra import MatMul, Transpose
from attn_dsl.ir.ops.pages import UNPAGED, GatherPages, page_dims, page_of, row_of
from attn_dsl.ir.ops.scores import Mask, Scale, Score
from attn_dsl.ir.ops.softmax import LogSumExp, Softmax

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
        LogSumExp,
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
        Sigmoid,
        Tanh,
        Identity,
        Cast,
        SplitHeads,
        MergeHeads,
        RepeatHeads,
        GatherPages,
        Concatenate,
        Slice,
        Row,
        Vector,
        Sum,
        Mean,
        TiledAttention,
        TiledLogSumExp,
    )
}
"""Every operation by the name that the IR's text gives it."""

__all__ = [
    "HEADS",
    "OPS",
    "UNPAGED",
    "Add",
    "Cast",
    "Concatenate",
    "Divide",
    "Elementwise",
    "Embedding",
    "Function",
    "GatherPages",
    "Identity",
    "Input",
    "LayerNorm",
    "Linear",
    "LogSumExp",
    "Mask",
    "MatMul",
    "Mean",
    "MergeHeads",
    "Multiply",
    "Op",
    "Pointwise",
    "Positions",
    "Read",
    "Reduction",
    "Relu",
    "RepeatHeads",
    "Row",
    "Scale",
    "Score",
    "Sigmoid",
    "Slice",
    "Softmax",
    "SplitHeads",
    "Subtract",
    "Sum",
    "Tanh",
    "TiledAttention",
    "TiledLogSumExp",
    "TiledScores",
    "Transpose",
    "Vector",
    "is_wider",
    "page_dims",
    "page_of",
    "row_of",
]
