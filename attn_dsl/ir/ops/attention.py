"""The fused operation: scores, mask, softmax and weighted sum as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from attn_dsl.expr import MINUS_INF, SCORE, TRUE, Expr, Number
from attn_dsl.expr import evaluate as evaluate_expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.dims import ONE, Dim
from attn_dsl.ir.ops.base import Op, attribute, expression, operand
from attn_dsl.ir.ops.casts import is_wider
from attn_dsl.ir.ops.groups import check_groups, repeat_heads
from attn_dsl.ir.ops.pages import UNPAGED, whole, whole_type
from attn_dsl.ir.ops.scores import check_captured, score_names
from attn_dsl.ir.ops.softmax import check_sink, log_sum_exp, sink_of, softmax
from attn_dsl.ir.types import DType, TensorType, TypeMismatch, broadcast


class Read(NamedTuple):
    """Keys or values: the operand `name`, and how the `page` of a key is found in it."""

    name: str
    page: Expr


@dataclass(frozen=True, kw_only=True)
class TiledScores(Op):
    """where(mask, score(scale · query keyᵀ), -inf), of which no more than a tile is ever stored.

    query `[..., N, D]`, key `[..., M, D]`; batch dims broadcast. `scale` depends on sizes;
    `score` is an expression of the scaled score `s`; `mask` says which keys a query sees, and
    `sink` is a further logit of each row, which has no key.

    `grouped` says that keys (and values) may have fewer heads, the dim before the last two, than
    the query: G for its H, of which query head h then reads h // (H / G). `precision` is a wider
    element type than the query's, if the scores and all sums have one.

    Where `key_page` is `table[b, k // S]`, key k of sequence b is row k % S of that page of the
    pool `key`: see `GatherPages`, whose `axis` is `page_axis`.
    """

    query: str = operand()
    key: str = operand()
    scale: Expr = expression(default=Number(1))
    score: Expr = expression(default=SCORE)
    mask: Expr = expression(default=TRUE)
    sink: Expr = expression(default=MINUS_INF)
    grouped: bool = attribute(default=False)
    precision: str = attribute(default="")
    key_page: Expr = expression(default=UNPAGED)
    page_axis: int = attribute(default=-2)

    @property
    def read(self) -> tuple[Read, ...]:
        """What is read for each key."""
        return (Read(self.key, self.key_page),)

    def computed(self, types: Mapping[str, TensorType]) -> DType:
        """The element type of scores and sums."""
        dtype = types[self.query].dtype
        if not self.precision:
            return dtype
        if not is_wider(DType(self.precision), dtype):
            message = f"{self.precision} is no wider type than {dtype.value}"
            raise TypeMismatch(message, "precision")
        return DType(self.precision)

    def scores_type(self, types: Mapping[str, TensorType]) -> TensorType:
        """The type of the scores: [..., N, M]."""
        query, key = types[self.query], self.served(self.whole(self.read[0], types), types)
        if query.dims[-1] != key.dims[-1]:
            message = f"queries have {query.dims[-1]} components, keys {key.dims[-1]}"
            raise TypeMismatch(message, "key")
        outer = broadcast(outer_dims(query), outer_dims(key))
        scores = outer.with_dims(*outer.dims, query.dims[-2], key.dims[-2])
        return replace(scores, dtype=self.computed(types))

    def whole(self, read: Read, types: Mapping[str, TensorType]) -> TensorType:
        """The type of keys or values as if they lay in one piece."""
        return whole_type(types[read.name], read.page, self.page_axis, types)

    def served(self, type_: TensorType, types: Mapping[str, TensorType]) -> TensorType:
        """The type of keys or values as the heads of the query read them."""
        heads = _heads(types[self.query])
        if not self.grouped or _heads(type_) in (ONE, heads):
            return type_
        return type_.with_dims(*type_.dims[:-3], heads, *type_.dims[-2:])

    def groups(self, types: Mapping[str, TensorType]) -> Dim | None:
        """How many heads keys or values have, if these are fewer than those of the query."""
        heads = {_heads(self.whole(r, types)) for r in self.read} if self.grouped else set()
        fewer = heads - {ONE, _heads(types[self.query])}
        if len(fewer) > 1:
            found = " and ".join(sorted(map(str, fewer)))
            raise TypeMismatch(f"keys and values have {found} heads", "value")
        return fewer.pop() if fewer else None

    def check(self, types: Mapping[str, TensorType], sizes: Mapping[str, int]) -> None:
        """The heads of the query are a multiple of those that they read."""
        groups = self.groups(types)
        if groups is not None:
            check_groups(_heads(types[self.query]), groups, sizes)

    def scores(
        self, values: Mapping[str, Array], sizes: Mapping[str, int], hidden: float = -np.inf
    ) -> Array:
        """The scores in one piece, `hidden` where the mask does not keep them."""
        query, key = values[self.query], self.in_one_piece(self.read[0], values)
        scores = np.matmul(query, np.swapaxes(key, -1, -2))
        scores = scores * float(evaluate_expr(self.scale, sizes, {}))
        names = score_names(scores.shape, sizes) | {"s": scores}
        scores = np.broadcast_to(evaluate_expr(self.score, names, values), scores.shape)
        keep = evaluate_expr(self.mask, names, values)
        return np.where(keep, scores, np.asarray(hidden, scores.dtype))

    def in_one_piece(self, read: Read, values: Mapping[str, Array]) -> Array:
        """Keys or values, a head for each of the query's."""
        x = whole(values[read.name], read.page, self.page_axis, values)
        return repeat_heads(x, values[self.query].shape[-3]) if self.grouped and x.ndim > 2 else x


@dataclass(frozen=True, kw_only=True)
class TiledAttention(TiledScores):
    """softmax(scores) value, tile by tile; the scores are those of `TiledScores`.

    value `[..., M, E]`, result `[..., N, E]`. A row that sees no key gives 0. Without a
    `normalizer` ("none" in place of "softmax") the scores are the weights, 0 where the mask says.
    """

    mnemonic: ClassVar[str] = "tiled_attention"

    value: str = operand()
    normalizer: str = attribute(default="softmax")
    value_page: Expr = expression(default=UNPAGED)

    @property
    def read(self) -> tuple[Read, ...]:
        """What is read for each key."""
        return (*super().read, Read(self.value, self.value_page))

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., N, E]."""
        self.groups(types)
        scores = self.scores_type(types)
        check_captured(self, scores, types)
        check_sink(self.sink, types)
        if self.normalizer == "none" and self.sink != MINUS_INF:
            raise TypeMismatch("a sink belongs to a softmax", "sink")
        value = self.served(self.whole(self.read[1], types), types)
        if value.dims[-2] != scores.dims[-1]:
            message = f"{scores.dims[-1]} weights a row for {value.dims[-2]} values"
            raise TypeMismatch(message, "value")
        if value.dtype is not scores.dtype and not is_wider(scores.dtype, value.dtype):
            raise TypeMismatch(f"values are {value}, and weights {scores.dtype.value}", "value")
        outer = broadcast(replace(outer_dims(scores), dtype=value.dtype), outer_dims(value))
        return outer.with_dims(*outer.dims, scores.dims[-2], value.dims[-1])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The same, in one piece."""
        value = self.in_one_piece(self.read[1], values)
        if self.normalizer == "none":
            return np.matmul(self.scores(values, sizes, hidden=0.0), value)
        scores = self.scores(values, sizes)
        sink = sink_of(self.sink, scores, values, sizes)
        return np.matmul(softmax(scores, sink=sink), value)


@dataclass(frozen=True, kw_only=True)
class TiledLogSumExp(TiledScores):
    """log(sum exp(scores)), tile by tile: an attention without its values. Result `[..., N]`.

    With a `TiledAttention` of the same scores it is one kernel, which knows the sum anyway.
    """

    mnemonic: ClassVar[str] = "tiled_log_sum_exp"

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """[..., N]."""
        self.groups(types)
        scores = self.scores_type(types)
        check_captured(self, scores, types)
        check_sink(self.sink, types)
        return scores.with_dims(*scores.dims[:-1])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The same, in one piece."""
        scores = self.scores(values, sizes)
        return log_sum_exp(scores, sink=sink_of(self.sink, scores, values, sizes))


def outer_dims(type_: TensorType) -> TensorType:
    """The batch dims alone."""
    return type_.with_dims(*type_.dims[:-2])


def _heads(type_: TensorType) -> Dim:
    """The dim before the last two."""
    return type_.dims[-3] if len(type_.dims) > 2 else ONE
