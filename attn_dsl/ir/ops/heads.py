"""Axes that are split, joined, added, or summed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from attn_dsl.expr import Expr
from attn_dsl.expr.evaluate import Array
from attn_dsl.ir.dims import ONE, Dim
from attn_dsl.ir.ops.base import Op, attribute, expression, operand, operands
from attn_dsl.ir.types import TensorType, TypeMismatch, broadcast, real

HEADS = -3
"""The axis of heads; a dim of 1 there is one head that all share (multi-query attention)."""


@dataclass(frozen=True)
class SplitHeads(Op):
    """[..., n, heads * d] to [..., heads, n, d]: each head takes its columns."""

    mnemonic: ClassVar[str] = "split_heads"
    words: ClassVar[tuple[str, ...]] = (
        "Split Heads",
        "Split into Heads",
        "Divide into Heads",
        "Reshape to Heads",
        "Reshape into Heads",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) --> y[Split Heads]@{ heads: 8 }'

    x: str = operand()
    heads: int = attribute()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The last dim is divided by the number of heads."""
        x = types[self.x]
        if len(x.dims) < 2:
            raise TypeMismatch(f"heads are split from two dims, {x} has less", "x")
        width = x.dims[-1].constant
        if width is not None and width % self.heads:
            raise TypeMismatch(f"{width} columns are not a multiple of {self.heads} heads", "x")
        head = x.dims[-1] / self.heads
        return x.with_dims(*x.dims[:-2], Dim.of(self.heads), x.dims[-2], head)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """A view."""
        x = values[self.x]
        split = x.reshape(*x.shape[:-1], self.heads, x.shape[-1] // self.heads)
        return np.swapaxes(split, -2, -3)


@dataclass(frozen=True)
class MergeHeads(Op):
    """[..., heads, n, d] to [..., n, heads * d]: the heads' columns side by side."""

    mnemonic: ClassVar[str] = "merge_heads"
    words: ClassVar[tuple[str, ...]] = (
        "Merge Heads",
        "Combine Heads",
        "Join Heads",
        "Concat Heads",
        "Concatenate Heads",
    )
    example: ClassVar[str] = 'x(["x : f32[H, N, D]"]) --> y[Merge Heads]'

    x: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The last dim is multiplied by the number of heads."""
        x = types[self.x]
        if len(x.dims) < 3:
            raise TypeMismatch(f"heads are merged from three dims, {x} has less", "x")
        heads, rows, columns = x.dims[-3:]
        return x.with_dims(*x.dims[:-3], rows, heads * columns)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """The inverse of splitting."""
        x = np.swapaxes(values[self.x], -2, -3)
        return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


@dataclass(frozen=True)
class Concatenate(Op):
    """The parts one after the other along `axis`."""

    mnemonic: ClassVar[str] = "concatenate"
    words: ClassVar[tuple[str, ...]] = (
        "Concatenate",
        "Concat",
        "Concatenation",
        "Concat Layer",
        "Join",
    )
    example: ClassVar[str] = 'x(["x : f32[N, D]"]) & y(["y : f32[N, E]"]) --> z[Concatenate]'

    parts: tuple[str, ...] = operands()
    axis: int = attribute(default=-1)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The sizes along the axis are added; all others are equal, or 1 and give way."""
        first = types[self.parts[0]]
        total, like = Dim.of(0), self._along(first, ONE)
        for part in self.parts:
            other = types[part]
            message = f"{first} and {other} differ in more than axis {self.axis}"
            if len(other.dims) != len(first.dims):
                raise TypeMismatch(message)
            try:
                like = broadcast(like, self._along(other, ONE))
            except TypeMismatch as mismatch:
                raise TypeMismatch(message) from mismatch
            total = total + other.dims[self.axis]
        return self._along(like, total)

    def spreads(self, types: Mapping[str, TensorType]) -> bool:
        """Whether a part broadcasts, as it has other dims than the rest."""
        return len({self._along(types[part], ONE) for part in self.parts}) > 1

    def _along(self, type_: TensorType, size: Dim) -> TensorType:
        """The type with another size along the axis."""
        if not -len(type_.dims) <= self.axis < 0:
            raise TypeMismatch(f"concatenation over axis {self.axis} of {type_}", "axis")
        dims = list(type_.dims)
        dims[self.axis] = size
        return type_.with_dims(*dims)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's concatenate, once all parts have the other dims of all."""
        return concatenate([values[part] for part in self.parts], self.axis)


def concatenate(parts: list[Array], axis: int) -> Array:
    """The parts along `axis`; along the others they broadcast."""
    lengths = [part.shape[axis] for part in parts]
    shape = list(np.broadcast_shapes(*(np.take(part, [], axis).shape for part in parts)))
    spread = []
    for part, length in zip(parts, lengths, strict=True):
        shape[axis] = length
        spread.append(np.broadcast_to(part, shape))
    return np.concatenate(spread, axis)


@dataclass(frozen=True)
class Slice(Op):
    """Columns `[first, first + count)` of x; both are sizes."""

    mnemonic: ClassVar[str] = "slice"

    x: str = operand()
    first: Expr = expression()
    count: Expr = expression()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The last dim becomes `count`."""
        x = types[self.x]
        return x.with_dims(*x.dims[:-1], Dim.from_expr(self.count))

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """A view."""
        first = Dim.from_expr(self.first).value(sizes)
        return values[self.x][..., first : first + Dim.from_expr(self.count).value(sizes)]


@dataclass(frozen=True)
class Row(Op):
    """x with a new dim of 1 at `axis`: a vector [..., d] is a matrix of one row [..., 1, d]."""

    mnemonic: ClassVar[str] = "row"

    x: str = operand()
    axis: int = attribute(default=-2)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """A dim of 1 more."""
        x = types[self.x]
        at = len(x.dims) + 1 + self.axis
        if not 0 <= at <= len(x.dims):
            raise TypeMismatch(f"a new axis {self.axis} of {x}", "axis")
        return x.with_dims(*x.dims[:at], ONE, *x.dims[at:])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """A view."""
        return np.expand_dims(values[self.x], self.axis)


@dataclass(frozen=True)
class Vector(Op):
    """A matrix of one row [..., 1, d] as a vector [..., d]."""

    mnemonic: ClassVar[str] = "vector"

    x: str = operand()

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The dim of 1 goes."""
        x = types[self.x]
        if len(x.dims) < 2 or x.dims[-2] != ONE:
            raise TypeMismatch(f"{x} is no single row", "x")
        return x.with_dims(*x.dims[:-2], x.dims[-1])

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """A view."""
        return values[self.x][..., 0, :]


@dataclass(frozen=True)
class Reduction(Op):
    """All along `axis` as one number, which `function` makes."""

    function: ClassVar[Callable[..., Array]]

    x: str = operand()
    axis: int = attribute(default=-1)

    def infer(self, types: Mapping[str, TensorType]) -> TensorType:
        """The axis goes."""
        x = real(types[self.x], "x")
        if not -len(x.dims) <= self.axis < 0:
            axis = f"{self.mnemonic} over axis {self.axis}"
            raise TypeMismatch(f"{axis} of {x}: axes are -1, -2, …", "axis")
        dims = list(x.dims)
        del dims[self.axis]
        return x.with_dims(*dims)

    def evaluate(self, values: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
        """NumPy's function of that name."""
        return type(self).function(values[self.x], axis=self.axis)


class Sum(Reduction):
    """The sum over `axis`."""

    mnemonic = "sum"
    function = np.sum
    words = (
        "Sum",
        "Summation",
        "Sum Up",
        "Weighted Sum",
        "Reduce Sum",
        "ReduceSum",
        "Σ",
        "∑",
    )
    example = 'x(["x : f32[N, D]"]) --> y[Sum]'


class Mean(Reduction):
    """The mean over `axis`."""

    mnemonic = "mean"
    function = np.mean
    words = ("Mean", "Average", "Averaging", "Reduce Mean")
    example = 'x(["x : f32[N, D]"]) --> y[Mean]'
