"""Arithmetic on two tensors, element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import SCORE, Binary, Expr, Tensor
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.ops.base import Op, operand
from attn_dsl.ir.types import TensorType, broadcast


@dataclass(frozen=True)
class Elementwise(Op):
    """lhs ∘ rhs for the operator `symbol`."""

    symbol: ClassVar[str]
    function: ClassVar[Callable[..., Array]]

    lhs: str = operand()
    rhs: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The broadcast of both."""
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
    words = ("Divide", "Division", "Div", "Element-wise Division", "Elementwise Division")
    example = 'x(["x : f32[N, D]"]) & y(["y : f32[N, D]"]) --> z[Divide]'
