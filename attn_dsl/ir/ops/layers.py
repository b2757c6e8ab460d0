"""Layers with parameters, and the element-wise functions between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import SCORE, Call, Expr, Number
from attn_dsl.expr.evaluate import Array, sigmoid
from attn_dsl.ir.ops.base import Op, attribute, operand
from attn_dsl.ir.types import DType, TensorType, TypeMismatch, broadcast, real


@dataclass(frozen=True)
class Linear(Op):
    """x @ weightᵀ + bias: weight [out, in], bias [out] or none, as in PyTorch."""

    mnemonic: ClassVar[str] = "linear"
    words: ClassVar[tuple[str, ...]] = (
        "Linear",
        "Linear Layer",
        "Linear Transformation",
        "Linear Transform",
        "Linear Projection",
        "Learned Linear Projection",
        "Affine",
        "Affine Transformation",
        "Projection",
        "Projection Layer",
        "Input Projection",
        "Query Projection",
        "Key Projection",
        "Value Projection",
        "Output Projection",
        "Out Projection",
        "Out Proj",
        "Dense",
        "Dense Layer",
        "Fully Connected",
        "Fully Connected Layer",
        "FC",
        "FC Layer",
        "Final Linear",
        "Final Linear Layer",
        "LM Head",
        "Language Model Head",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Linear]@{ out: 3*D }'

    x: str = operand()
    weight: str = operand(owned=True)
    bias: str = operand(default="", owned=True)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., in] to [..., out]."""
        x, weight = real(types[self.x], "x"), types[self.weight]
        if not x.dims or x.dims[-1] != weight.dims[-1]:
            raise TypeMismatch(f"a weight {weight} does not fit {x}", "weight")
        return x.with_dims(*x.dims[:-1], weight.dims[0])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """One matrix product for all leading dims."""
        product = np.matmul(values[self.x], np.swapaxes(values[self.weight], -1, -2))
        return product + values[self.bias] if self.bias else product


@dataclass(frozen=True)
class LayerNorm(Op):
    """(x - mean) / sqrt(variance + epsilon) * gain + bias over the last axis (Ba et al. 2016)."""

    mnemonic: ClassVar[str] = "layer_norm"
    words: ClassVar[tuple[str, ...]] = (
        "Norm",
        "LN",
        "Layer Norm",
        "LayerNorm",
        "Final Norm",
        "Final Layer Norm",
        "Final LayerNorm",
        "Layer Normalization",
        "Layer Normalisation",
        "LayerNormalization",
        "Normalization",
        "Normalisation",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Layer Norm]'

    x: str = operand()
    gain: str = operand(owned=True)
    bias: str = operand(owned=True)
    epsilon: float = attribute(default=1e-5)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The broadcast of x, gain and bias, which have one last dim."""
        x = result = real(types[self.x], "x")
        for name in ("gain", "bias"):
            given = types[getattr(self, name)]
            try:
                result = broadcast(result, given)
            except TypeMismatch:
                result = given.with_dims()
            if not result.dims or given.dims[-1:] != x.dims[-1:]:
                raise TypeMismatch(f"a {name} {given} does not fit {x}", name)
        return result

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The variance is that of the whole row, not a sample's."""
        x = values[self.x]
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt(variance + self.epsilon)
        return normal * values[self.gain] + values[self.bias]


@dataclass(frozen=True)
class Embedding(Op):
    """table[ids]: a row for each id; an id outside of the table gives zeros."""

    mnemonic: ClassVar[str] = "embedding"
    words: ClassVar[tuple[str, ...]] = (
        "Embedding",
        "Embeddings",
        "Embedding Layer",
        "Embedding Lookup",
        "Input Embedding",
        "Output Embedding",
        "Source Embedding",
        "Target Embedding",
        "Token Embedding",
        "Word Embedding",
    )
    example: ClassVar[str] = 'ids(["ids : i64[N]"]) --> x[Embedding]'

    ids: str = operand()
    table: str = operand(owned=True)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """ids [..., n] and table [vocabulary, width] give [..., n, width]."""
        ids, table = types[self.ids], types[self.table]
        if ids.dtype not in (DType.I32, DType.I64):
            raise TypeMismatch(f"ids are i32 or i64, and these are {ids}", "ids")
        return TensorType(table.dtype, (*ids.dims, table.dims[1]), ids.batch)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's take along the rows."""
        ids, table = values[self.ids], values[self.table]
        inside = (ids >= 0) & (ids < table.shape[0])
        return np.where(inside[..., None], table[np.where(inside, ids, 0)], 0)


@dataclass(frozen=True)
class Positions(Op):
    """x plus sines and cosines of the position (Vaswani et al. 2017, section 3.5)."""

    mnemonic: ClassVar[str] = "positions"
    words: ClassVar[tuple[str, ...]] = (
        "Positional Encoding",
        "Position Encoding",
        "Positional Embedding",
        "Sinusoidal Encoding",
        "Sinusoidal Position Encoding",
        "Sinusoidal Positional Encoding",
        "Add Position Encoding",
        "Add Positional Encoding",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Positional Encoding]'

    x: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x, which is [..., n, width]."""
        x = real(types[self.x], "x")
        if len(x.dims) < 2:
            raise TypeMismatch(f"positions need two dims, {x} has less", "x")
        return x

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """sin(p / 10000^(i/width)) in column i if i is even, the cosine after it if odd."""
        x = values[self.x]
        return x + sinusoids(*x.shape[-2:]).astype(x.dtype)


def sinusoids(length: int, width: int) -> Array:
    """The positional encoding [length, width], in float64."""
    column = np.arange(width)
    angle = np.arange(length)[:, None] / 10000.0 ** ((column - column % 2) / max(width, 1))
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))


@dataclass(frozen=True)
class Function(Op):
    """An element-wise function of one tensor; `element` is what becomes of an element `s`."""

    function: ClassVar[Callable[..., Array]]
    element: ClassVar[Expr]

    x: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x."""
        return real(types[self.x], "x")

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The function, element by element."""
        return type(self).function(values[self.x])

    def as_score(self, scores: str) -> Expr | None:
        """The function of one score."""
        return type(self).element


class Relu(Function):
    """max(x, 0)."""

    mnemonic = "relu"
    function = staticmethod(lambda x: np.maximum(x, 0))
    element = Call("max", (SCORE, Number(0)))
    words = ("ReLU", "ReLU Activation", "Rectifier", "Rectified Linear Unit")
    example = 'x(["x : f32[N, D]"]) --> y[ReLU]'


class Tanh(Function):
    """tanh(x)."""

    mnemonic = "tanh"
    function = np.tanh
    element = Call("tanh", (SCORE,))
    words = ("Tanh", "Tanh Activation", "Hyperbolic Tangent")
    example = 'x(["x : f32[N, D]"]) --> y[Tanh]'


class Sigmoid(Function):
    """1 / (1 + exp(-x))."""

    mnemonic = "sigmoid"
    function = staticmethod(sigmoid)
    element = Call("sigmoid", (SCORE,))
    words = ("Sigmoid", "Sigmoid Activation", "Sigmoid Function", "Logistic", "σ")
    example = 'x(["x : f32[N, D]"]) --> y[Sigmoid]'


class Identity(Function):
    """x: what dropout is when nothing is trained."""

    mnemonic = "identity"
    function = staticmethod(lambda x: x)
    element = SCORE
    words = (
        "Dropout",
        "Dropout Layer",
        "Attention Dropout",
        "Residual Dropout",
        "Identity",
    )
    example = 'x(["x : f32[N, D]"]) --> y[Dropout]'
