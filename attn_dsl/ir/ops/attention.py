"""The fused operation: scores, mask, softmax and weighted sum as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import SCORE, TRUE, Expr, Number
from attn_dsl.expr import evaluate as evaluate_expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, expression, operand
from attn_dsl.ir.ops.scores import check_captured, score_names, softmax
from attn_dsl.ir.types import TensorType, TypeMismatch, broadcast


@dataclass(frozen=True)
class TiledAttention(Op):
    """softmax(where(mask, score(scale · query keyᵀ), -inf)) value, tile by tile.

    query `[..., N, D]`, key `[..., M, D]`, value `[..., M, E]`, result `[..., N, E]`; batch dims
    broadcast. `scale` depends on sizes; `score` is an expression of the scaled score `s`;
    `mask` says which keys a query sees. A row that sees no key gives 0.
    """

    mnemonic: ClassVar[str] = "tiled_attention"

    query: str = operand()
    key: str = operand()
    value: str = operand()
    scale: Expr = expression(default=Number(1))
    score: Expr = expression(default=SCORE)
    mask: Expr = expression(default=TRUE)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., N, E]."""
        scores = self.scores_type(types)
        check_captured(self, scores, types)
        value = types[self.value]
        if value.dims[-2] != scores.dims[-1]:
            message = f"{scores.dims[-1]} weights a row for {value.dims[-2]} values"
            raise TypeMismatch(message, "value")
        outer = broadcast(_outer(scores), _outer(value))
        return outer.with_dims(*outer.dims, scores.dims[-2], value.dims[-1])

    def scores_type(self, types: Mapping[str, TensorType]) -> TensorType:
        """The type of the scores that are never stored: [..., N, M]."""
        query, key = types[self.query], types[self.key]
        if query.dims[-1] != key.dims[-1]:
            message = f"queries have {query.dims[-1]} components, keys {key.dims[-1]}"
            raise TypeMismatch(message, "key")
        outer = broadcast(_outer(query), _outer(key))
        return outer.with_dims(*outer.dims, query.dims[-2], key.dims[-2])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The same, in one piece."""
        scores = np.matmul(values[self.query], np.swapaxes(values[self.key], -1, -2))
        scores = scores * float(evaluate_expr(self.scale, sizes, {}))
        names = score_names(scores.shape, sizes) | {"s": scores}
        scores = np.broadcast_to(evaluate_expr(self.score, names, values), scores.shape)
        keep = evaluate_expr(self.mask, names, values)
        weights = softmax(np.where(keep, scores, np.asarray(-np.inf, scores.dtype)))
        return np.matmul(weights, values[self.value])


def _outer(type_: TensorType) -> TensorType:
    """The batch dims alone."""
    return type_.with_dims(*type_.dims[:-2])
