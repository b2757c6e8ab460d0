"""Operations on attention scores `[..., query, key]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from attn_dsl.expr import (
    MINUS_INF,
    SCORE,
    Binary,
    Expr,
    Kind,
    Tensor,
    kind_of,
    to_text,
    walk,
    where,
)
from attn_dsl.expr import evaluate as evaluate_expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, expression, operand
from attn_dsl.ir.types import ElementMismatch, TensorType, TypeMismatch, broadcasts_to, real


def score_names(shape: tuple[int, ...], sizes: Mapping[str, int]) -> dict[str, Any]:
    """`b h q k` as index arrays that broadcast to `shape`, and the sizes.

    They count dims from the right: k is the last, q the one before, then h, then b; a dim that
    is not there has index 0.
    """
    names: dict[str, Any] = dict(sizes)
    for axis, index in enumerate(("k", "q", "h", "b")):
        if axis < len(shape):
            places = np.arange(shape[-1 - axis], dtype=np.int64)
            names[index] = places.reshape(-1, *[1] * axis)
        else:
            names[index] = np.int64(0)
    return names


def check_captured(op: Op, scores: TensorType, types: Mapping[str, TensorType]) -> None:
    """Tensors used without indices must broadcast to the scores; gathers need all indices."""
    kinds = {name: types[name].dtype.kind for name in op.captured}
    for _, expr in op.fields_of("expression"):
        for tensor in (node for node in walk(expr) if isinstance(node, Tensor)):
            type_ = types[tensor.name]
            if tensor.indices is None and not broadcasts_to(type_, scores):
                raise TypeMismatch(
                    f"{type_} does not broadcast to the scores {scores}", tensor.name
                )
            if tensor.indices is not None and (
                type_.batch or len(type_.dims) != len(tensor.indices)
            ):
                count = len(tensor.indices)
                message = f"{type_} is indexed with {count} {'index' if count == 1 else 'indices'}"
                raise TypeMismatch(message, tensor.name)
            for index in tensor.indices or ():
                if kind_of(index, kinds) is Kind.FLOAT:
                    message = f"an index is a whole number, and `{to_text(index)}` is none"
                    raise ElementMismatch(message, tensor.name)


@dataclass(frozen=True)
class Scale(Op):
    """x * factor, where the factor depends on sizes only."""

    mnemonic: ClassVar[str] = "scale"
    words: ClassVar[tuple[str, ...]] = (
        "Scale",
        "Scaling",
        "Scaled",
        "Scale Scores",
        "Scale Factor",
        "Scaling Factor",
        "Scale Dot Products",
    )
    example: ClassVar[str] = 'Q & K --> S[MatMul] --> y["Scale by 1/√d_k"]'

    x: str = operand()
    factor: Expr = expression()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x."""
        return real(types[self.x], "x")

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """One factor for all scores, in the dtype of x."""
        return values[self.x] * float(evaluate_expr(self.factor, sizes, {}))

    def as_score(self, scores: str) -> Expr | None:
        """`s * factor`."""
        return Binary("*", SCORE, self.factor)


@dataclass(frozen=True)
class Mask(Op):
    """where(keep, x, -inf): the scores that a query may see; the others weigh nothing."""

    mnemonic: ClassVar[str] = "mask"
    words: ClassVar[tuple[str, ...]] = (
        "Mask",
        "Masking",
        "Masked",
        "Apply Mask",
        "Attention Mask",
        "Causal",
        "Causal Mask",
        "Causal Masking",
        "Causal Attention Mask",
        "Autoregressive Mask",
        "Look-Ahead Mask",
        "Subsequent Mask",
        "Future Mask",
        "Future Masking",
        "Mask Future Positions",
        "Padding Mask",
        "Key Padding Mask",
    )
    example: ClassVar[str] = 'Q & K --> S[MatMul] --> y["Mask: k <= q"]'

    x: str = operand()
    keep: Expr = expression()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x; the mask must be boolean and fit the scores."""
        check_captured(self, types[self.x], types)
        if kind_of(self.keep, {n: types[n].dtype.kind for n in self.captured}) is not Kind.BOOL:
            message = "a mask is a condition, such as `k <= q`; this is a number"
            raise ElementMismatch(message, "keep")
        return real(types[self.x], "x")

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """-inf where the mask says no."""
        x = values[self.x]
        keep = evaluate_expr(self.keep, score_names(x.shape, sizes) | {"s": x}, values)
        return np.where(keep, x, np.asarray(-np.inf, x.dtype))

    def as_score(self, scores: str) -> Expr | None:
        """`where(keep, s, -inf)`, unless the mask is made of these scores."""
        return None if scores in self.captured else where(self.keep, SCORE, MINUS_INF)


@dataclass(frozen=True)
class Score(Op):
    """Each score s becomes `value`, an expression of s, b, h, q, k, sizes and tensors."""

    mnemonic: ClassVar[str] = "score"
    example: ClassVar[str] = 'Q & K --> S[MatMul] --> y["Score: 50 * tanh(s / 50)"]'

    x: str = operand()
    value: Expr = expression()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x."""
        check_captured(self, types[self.x], types)
        return real(types[self.x], "x")

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The expression at every index, in the dtype of x."""
        x = values[self.x]
        names = score_names(x.shape, sizes) | {"s": x}
        return np.broadcast_to(evaluate_expr(self.value, names, values), x.shape).astype(x.dtype)

    def as_score(self, scores: str) -> Expr | None:
        """The expression itself, unless it captures these scores."""
        return None if scores in self.captured else self.value
