"""Matrix products and what only rearranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, operand
from attn_dsl.ir.types import TensorType, TypeMismatch, broadcast, real


@dataclass(frozen=True)
class MatMul(Op):
    """lhs @ rhs: contracts lhs's last dim with rhs's last but one; batch dims broadcast."""

    mnemonic: ClassVar[str] = "matmul"
    words: ClassVar[tuple[str, ...]] = (
        "MatMul",
        "Mat Mul",
        "Matrix Multiply",
        "Matrix Multiplication",
        "Matrix Product",
        "Dot Product",
        "Inner Product",
        "Batch MatMul",
        "Batched MatMul",
        "Batch Matrix Multiply",
        "Batch Matrix Multiplication",
        "Batched Matrix Multiplication",
        "BMM",
        "GEMM",
        "Similarity",
    )
    example: ClassVar[str] = "Q & K --> S[MatMul]"

    lhs: str = operand()
    rhs: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., n, d] @ [..., d, m] is [..., n, m]."""
        lhs, rhs = types[self.lhs], types[self.rhs]
        for side, type_ in (("lhs", lhs), ("rhs", rhs)):
            if len(type_.dims) < 2:
                raise TypeMismatch(f"a matrix product needs two dims, {type_} has less", side)
            real(type_, side)
        if lhs.dims[-1] != rhs.dims[-2]:
            message = f"{lhs} @ {rhs} contracts {lhs.dims[-1]} with {rhs.dims[-2]}"
            raise TypeMismatch(message, "rhs")
        outer = broadcast(lhs.with_dims(*lhs.dims[:-2]), rhs.with_dims(*rhs.dims[:-2]))
        return outer.with_dims(*outer.dims, lhs.dims[-2], rhs.dims[-1])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's matmul."""
        return np.matmul(values[self.lhs], values[self.rhs])


@dataclass(frozen=True)
class Transpose(Op):
    """xᵀ: swaps the last two dims."""

    mnemonic: ClassVar[str] = "transpose"
    words: ClassVar[tuple[str, ...]] = (
        "Transpose",
        "Transposed",
        "Transposition",
        "Swap Axes",
        "T",
        "ᵀ",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Transpose]'

    x: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., n, m] to [..., m, n]."""
        x = types[self.x]
        if len(x.dims) < 2:
            raise TypeMismatch(f"a transpose needs two dims, {x} has less", "x")
        return x.with_dims(*x.dims[:-2], x.dims[-1], x.dims[-2])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's swapaxes."""
        return np.swapaxes(values[self.x], -1, -2)
