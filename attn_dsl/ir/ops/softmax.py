"""Softmax, and the logarithm of the sum that it divides by; both may count a sink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import MINUS_INF, SCORE, Expr, Kind, kind_of, names_in, tensors_in, to_text
from attn_dsl.expr import evaluate as evaluate_expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, attribute, expression, operand
from attn_dsl.ir.ops.scores import check_captured, score_names
from attn_dsl.ir.types import TensorType, TypeMismatch, real


def check_sink(sink: Expr, types: Mapping[str, TensorType]) -> None:
    """A sink is one number for a row of scores: no key is in it, and no score."""
    for name in tensors_in(sink, gathered=False):
        if types[name].dims or types[name].batch:
            raise TypeMismatch(f"{types[name]} has to be indexed, as in `{name}[h]`", name)
    if names_in(sink) & {"k", SCORE.id}:
        message = f"a sink is one number for a row of scores, and `{to_text(sink)}` is several"
        raise TypeMismatch(message, "sink")
    if kind_of(sink, {name: types[name].dtype.kind for name in tensors_in(sink)}) is Kind.BOOL:
        raise TypeMismatch(f"a sink is a number, and `{to_text(sink)}` is a condition", "sink")


def sink_of(
    sink: Expr, scores: Array, values: Mapping[str, Array], sizes: Mapping[str, int]
) -> Array:
    """The sink of each row of `scores` [..., N, M], as [..., N, 1]."""
    names = score_names(scores.shape, sizes)
    found = evaluate_expr(sink, names, values)
    return np.broadcast_to(found, (*scores.shape[:-1], 1)).astype(scores.dtype)


@dataclass(frozen=True)
class Softmax(Op):
    """exp(x - max x) / sum over `axis`; a row that is -inf throughout gives 0.

    The sum may count one more logit that has no weight in the result, `sink`: an expression of
    b, h, q, sizes and tensors, such as `sinks[h]` (StreamingLLM, Xiao et al. 2023).
    """

    mnemonic: ClassVar[str] = "softmax"
    words: ClassVar[tuple[str, ...]] = (
        "Softmax",
        "Soft Max",
        "Row Softmax",
        "Row-wise Softmax",
        "Softmax Function",
        "Softmax Layer",
        "Softmax Activation",
        "Softmax Normalization",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Softmax]'

    x: str = operand()
    axis: int = attribute(default=-1)
    sink: Expr = expression(default=MINUS_INF)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """As x."""
        return _checked(self, types)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """Shifted by the maximum, so that it never overflows."""
        x = values[self.x]
        if self.sink == MINUS_INF:
            return softmax(x, self.axis)
        return softmax(x, self.axis, sink_of(self.sink, x, values, sizes))


@dataclass(frozen=True)
class LogSumExp(Op):
    """log(sum exp x) over `axis`; -inf for a row that is -inf throughout.

    A `sink` counts, as it does in `Softmax`.
    """

    mnemonic: ClassVar[str] = "log_sum_exp"
    words: ClassVar[tuple[str, ...]] = (
        "Log-Sum-Exp",
        "LogSumExp",
        "Log Sum of Exponentials",
        "LSE",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Log-Sum-Exp]'

    x: str = operand()
    axis: int = attribute(default=-1)
    sink: Expr = expression(default=MINUS_INF)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The axis goes."""
        x = _checked(self, types)
        dims = list(x.dims)
        del dims[self.axis]
        return x.with_dims(*dims)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """Shifted by the maximum, so that it never overflows."""
        x = values[self.x]
        if self.sink == MINUS_INF:
            return log_sum_exp(x, self.axis)
        return log_sum_exp(x, self.axis, sink_of(self.sink, x, values, sizes))


def _checked(op: Softmax | LogSumExp, types: Mapping[str, TensorType]) -> TensorType:
    """The type of x, if axis and sink fit it."""
    x = real(types[op.x], "x")
    if not -len(x.dims) <= op.axis < 0:
        name = type(op).__name__.lower()
        raise TypeMismatch(f"{name} over axis {op.axis} of {x}: axes are -1, -2, …", "axis")
    if op.sink != MINUS_INF and (op.axis != -1 or len(x.dims) < 2):
        raise TypeMismatch("a sink belongs to the rows of scores, over the last axis", "sink")
    check_captured(op, x, types)
    check_sink(op.sink, types)
    return x


def softmax(x: Array, axis: int = -1, sink: Array = -np.inf) -> Array:
    """Softmax of `x` along `axis` with one more logit, `sink`; 0 where all of a row is -inf."""
    shift, shifted = _shifted(x, axis, sink)
    total = np.sum(shifted, axis=axis, keepdims=True) + np.exp(sink - shift)
    return shifted / np.where(total == 0, 1, total)


def log_sum_exp(x: Array, axis: int = -1, sink: Array = -np.inf) -> Array:
    """log(exp sink + sum exp x) along `axis`, which goes."""
    shift, shifted = _shifted(x, axis, sink)
    total = np.sum(shifted, axis=axis, keepdims=True) + np.exp(sink - shift)
    with np.errstate(divide="ignore"):  # nothing is seen, and the logarithm of 0 is -inf
        return np.squeeze(shift + np.log(total), axis)


def _shifted(x: Array, axis: int, sink: Array) -> tuple[Array, Array]:
    """The maximum, 0 where that is -inf, and the exponentials relative to it."""
    highest = np.maximum(np.max(x, axis=axis, keepdims=True, initial=-np.inf), sink)
    shift = np.where(np.isneginf(highest), 0, highest)
    return shift, np.exp(x - shift)
