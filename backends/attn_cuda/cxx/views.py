"""Tensors as the launcher hands them to kernels: a pointer and four strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.sizes import count
from attn_cuda.cxx.unit import MAX_RANK, Unit
from attn_dsl.expr import Expr
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import Dim, DType
from attn_dsl.ir.dims import ONE
from attn_dsl.ir.ops import Identity, Row, Transpose, Vector

SAME_MEMORY = (Identity, Row, Vector)
"""Operations whose result is what they take, with a dim of 1 more or less."""

C_TYPES = {
    DType.F16: "f16",
    DType.BF16: "bf16",
    DType.F32: "float",
    DType.I32: "int",
    DType.I64: "long long",
    DType.BOOL: "bool",
}
SMALL = 1024  # times three head dims of 128 it still fits an int


def c_type(unit: Unit, value: str) -> str:
    """The C type of an element of `value`."""
    return C_TYPES[unit.graph.types[value].dtype]


def product(unit: Unit, dims: tuple[Dim, ...]) -> str:
    """The product of some sizes in C, such as `H * N * 64`: never in 32 bits if it is large."""
    constant = math.prod(dim.constant for dim in dims if dim.constant is not None)
    printed = [CudaPrinter(unit).dim(dim) for dim in dims if dim.constant is None]
    if constant != 1 or not printed:
        printed.append((f"{constant}LL" if constant > SMALL else str(constant), ATOM))
    if len(printed) == 1:
        return printed[0][0]
    return " * ".join(text if binding >= 6 else f"({text})" for text, binding in printed)


def contiguous(dims: Sequence[Dim]) -> tuple[Expr, ...]:
    """How many elements apart neighbours are along each dim of a tensor without gaps."""
    return tuple(count(dims[position + 1 :]) for position in range(len(dims)))


@dataclass(frozen=True)
class Layout:
    """Where a value lies: in the memory of `base`, an input or what a kernel has computed.

    `axes` says along which dim of `base` each dim of the value goes; None is a new dim of 1.
    """

    base: str
    axes: tuple[int | None, ...]


def layout(unit: Unit, value: str) -> Layout:
    """The layout of a value, through all that only looks at memory in another way."""
    op = unit.graph.table[value].op
    match op:
        case Transpose(x):
            inner = layout(unit, x)
            *before, row, column = inner.axes
            return Layout(inner.base, (*before, column, row))
        case Row(x, axis):
            inner = layout(unit, x)
            at = len(inner.axes) + 1 + axis
            return Layout(inner.base, (*inner.axes[:at], None, *inner.axes[at:]))
        case Vector(x):
            inner = layout(unit, x)
            return Layout(inner.base, (*inner.axes[:-2], inner.axes[-1]))
        case Identity(x):
            return layout(unit, x)
    return own_layout(unit, value)


def own_layout(unit: Unit, value: str) -> Layout:
    """The layout of a value in memory of its own."""
    return Layout(value, tuple(range(len(unit.graph.types[value].dims))))


def view_axes(
    dims: Sequence[Dim], axes: Sequence[int | None], order: Sequence[int]
) -> list[int | None]:
    """Along which dim of its base each axis of a view goes: batch, head, row, column in `order`.

    `axes` say that of a value with these `dims`. None is an axis of one element: its stride is 0.
    """
    walked = [None if d == ONE else axis for axis, d in zip(axes, dims, strict=True)]
    missing = MAX_RANK - len(walked)
    return [walked[axis - missing] if axis >= missing else None for axis in order]
