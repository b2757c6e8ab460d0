"""Arithmetic on tensors, element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from attn_dsl.expr import (
    SCORE,
    Binary,
    Expr,
    Kind,
    Tensor,
    kind_of,
    names_in,
    tensors_in,
    transform,
)
from attn_dsl.expr import evaluate as evaluate_expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, attribute, expression, operand
from attn_dsl.ir.ops.scores import check_captured, score_names
from attn_dsl.ir.types import DType, ElementMismatch, TensorType, TypeMismatch, broadcast, real


@dataclass(frozen=True)
class Elementwise(Op):
    """lhs ∘ rhs for the operator `symbol`."""

    symbol: ClassVar[str]
    function: ClassVar[Callable[..., Array]]
    is_real: ClassVar[bool] = False
    """Whether it has a meaning for floating-point numbers alone."""
    joins_conditions: ClassVar[bool] = False
    """Whether of two conditions it makes one."""

    lhs: str = operand()
    rhs: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The broadcast of both, which hold numbers, or may both be conditions."""
        are_conditions = types[self.lhs].dtype is types[self.rhs].dtype is DType.BOOL
        for side, name in self.fields_of("operand"):
            is_condition = types[name].dtype is DType.BOOL
            if self.is_real or (is_condition and not (are_conditions and self.joins_conditions)):
                real(types[name], side)
        return broadcast(types[self.lhs], types[self.rhs])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's operator."""
        return type(self).function(values[self.lhs], values[self.rhs])

    def as_score(self, scores: str) -> Expr | None:
        """`s ∘ other`, or `other ∘ s`; with the scores on both sides it is no such thing."""
        if self.lhs == self.rhs:
            return None
        sides: list[Expr] = [SCORE if v == scores else Tensor(v) for v in (self.lhs, self.rhs)]
        return Binary(self.symbol, sides[0], sides[1])


class Add(Elementwise):
    """lhs + rhs."""

    mnemonic = "add"
    symbol = "+"
    function = np.add
    words = (
        "Add",
        "Addition",
        "Plus",
        "Element-wise Add",
        "Element-wise Addition",
        "Elementwise Add",
        "Elementwise Addition",
        "Residual",
        "Residual Add",
        "Add Residual",
        "Residual Connection",
        "Skip Connection",
        "Bias",
        "Add Bias",
        "Bias Add",
        "Add Mask",
        "+",
        "⊕",
    )
    example = 'x(["x : f32[N, D]"]) & y(["y : f32[N, D]"]) --> z[Add]'


class Subtract(Elementwise):
    """lhs - rhs."""

    mnemonic = "subtract"
    symbol = "-"
    function = np.subtract
    words = ("Subtract", "Subtraction", "Minus", "Difference", "⊖")
    example = 'x(["x : f32[N, D]"]) & y(["y : f32[N, D]"]) --> z[Subtract]'


class Multiply(Elementwise):
    """lhs * rhs, element-wise."""

    mnemonic = "multiply"
    joins_conditions = True  # both hold
    symbol = "*"
    function = np.multiply
    words = (
        "Multiply",
        "Mul",
        "Times",
        "Element-wise Multiply",
        "Element-wise Multiplication",
        "Element-wise Product",
        "Elementwise Multiply",
        "Elementwise Multiplication",
        "Elementwise Product",
        "Pointwise Multiplication",
        "Hadamard Product",
        "⊙",
        "⊗",
    )
    example = 'x(["x : f32[N, D]"]) & y(["y : f32[N, D]"]) --> z[Multiply]'


class Divide(Elementwise):
    """lhs / rhs."""

    mnemonic = "divide"
    symbol = "/"
    function = np.true_divide
    is_real = True
    words = ("Divide", "Division", "Div", "Element-wise Division", "Elementwise Division")
    example = 'x(["x : f32[N, D]"]) & y(["y : f32[N, D]"]) --> z[Divide]'


@dataclass(frozen=True)
class Pointwise(Op):
    """Each element is `value`, an expression of b, h, q, k, sizes and tensors.

    The result has the dims that the tensors without indices broadcast to; `b h q k` count these
    from the right. A condition gives booleans. Whole numbers have the dtype of the whole tensors
    without indices, i64 if there are several or none. Real numbers have that of the real ones;
    `dtype` where none is without indices.
    """

    mnemonic = "pointwise"

    value: Expr = expression()
    dtype: str = attribute(default="f32")

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The broadcast of the tensors without indices, in the dtype of the expression."""
        first, *others = tensors_in(self.value, gathered=False) or ("",)
        if not first:
            raise TypeMismatch("no tensor without indices says of what shape the result is")
        if SCORE.id in names_in(self.value):
            raise TypeMismatch("there is no score `s` outside of attention")
        result = types[first]
        for name in others:
            try:
                result = broadcast(replace(result, dtype=types[name].dtype), types[name])
            except TypeMismatch as mismatch:
                raise TypeMismatch(str(mismatch), name) from mismatch
        result = replace(result, dtype=self._dtype(types, (first, *others)))
        check_captured(self, result, types)
        return result

    def _dtype(self, types: Mapping[str, TensorType], whole: Sequence[str]) -> DType:
        kind = kind_of(self.value, {name: types[name].dtype.kind for name in self.captured})
        found = {types[name].dtype: name for name in whole if types[name].dtype.kind is kind}
        if kind is Kind.FLOAT and len(found) > 1:
            (one, _), (other, name), *_ = found.items()
            raise ElementMismatch(f"{one.value} beside {other.value}", name)
        default = {Kind.BOOL: DType.BOOL, Kind.INT: DType.I64}.get(kind, DType(self.dtype))
        return next(iter(found)) if len(found) == 1 else default

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The expression at every index."""
        whole = [np.asarray(values[name]) for name in tensors_in(self.value, gathered=False)]
        shape = np.broadcast_shapes(*(array.shape for array in whole))
        found = np.asarray(evaluate_expr(self.value, score_names(shape, sizes), values))
        like = {array.dtype for array in whole if array.dtype.kind == found.dtype.kind}
        dtype = like.pop() if len(like) == 1 else {"b": bool, "i": np.int64}.get(found.dtype.kind)
        return np.broadcast_to(found, shape).astype(dtype or np.float64)

    def as_score(self, scores: str) -> Expr | None:
        """`value`, with `s` for the element of `scores`; other elements of it are other scores."""
        if scores not in tensors_in(self.value, gathered=False):
            return None
        score = transform(self.value, lambda e: SCORE if e == Tensor(scores) else e)
        return None if scores in tensors_in(score) else score
