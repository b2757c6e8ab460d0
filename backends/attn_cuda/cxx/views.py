"""Tensors as the launcher hands them to kernels: a pointer and four strides."""

from __future__ import annotations

import math

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.sizes import count
from attn_cuda.cxx.unit import Unit
from attn_dsl.expr import Expr, Number
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
AXES = ("batch", "head", "row", "column")
Strides = tuple[Expr, Expr, Expr, Expr]


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


def strides(unit: Unit, value: str) -> Strides:
    """How many elements apart neighbours of a contiguous value are, along each of four axes."""
    shape = unit.shape(value)
    steps = [
        Number(0) if dim == ONE else count(shape[axis + 1 :]) for axis, dim in enumerate(shape)
    ]
    return steps[0], steps[1], steps[2], steps[3]


def source(unit: Unit, value: str) -> tuple[str, bool]:
    """The value whose memory holds `value`, and whether its last two axes are swapped there."""
    op = unit.graph.table[value].op
    if isinstance(op, Transpose):
        base, swapped = source(unit, op.x)
        return base, not swapped
    return value, False
