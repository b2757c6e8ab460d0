"""Element types that change on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from attn_dsl.expr import SCORE, Expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, attribute, operand
from attn_dsl.ir.types import DType, TensorType, TypeMismatch

BITS = {DType.F16: 16, DType.BF16: 16, DType.F32: 32, DType.F64: 64}
"""How wide the floating-point types are."""


@dataclass(frozen=True)
class Cast(Op):
    """x with another element type: numbers towards 0 where it is whole, a condition as 0 or 1."""

    mnemonic: ClassVar[str] = "cast"
    words: ClassVar[tuple[str, ...]] = (
        "Cast",
        "Type Cast",
        "Cast to f16",
        "Cast to f32",
        "Convert to f32",
        "Upcast to f32",
        "Downcast to f16",
        "To f32",
        "Float16",
        "BFloat16",
        "Float32",
        "Float64",
    )
    example: ClassVar[str] = 'x(["x : f16[N, D]"]) --> y[Cast to f32]'

    x: str = operand()
    dtype: str = attribute()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The same dims."""
        if self.dtype not in [dtype.value for dtype in DType]:
            raise TypeMismatch(f"`{self.dtype}` is no element type", "dtype")
        return replace(types[self.x], dtype=DType(self.dtype))

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The reference computes all real numbers in float64, and so rounds nothing."""
        dtype = DType(self.dtype)
        return np.asarray(values[self.x]).astype(np.float64 if dtype.is_float else dtype.numpy)

    def as_score(self, scores: str) -> Expr | None:
        """The score itself; whether its type is wide enough, types say."""
        return SCORE


def is_wider(new: DType, old: DType) -> bool:
    """Whether every real number of the type `old` is one of `new`, and there are more."""
    return BITS.get(new, 0) > BITS.get(old, BITS[DType.F64])
