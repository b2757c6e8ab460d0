"""Element types and sizes in C."""

from __future__ import annotations

import math

from attn_cuda.cxx.expressions import CudaPrinter
from attn_cuda.cxx.unit import HALVES, Unit
from attn_dsl.expr.printer import ATOM
from attn_dsl.ir import Dim, DType

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
    return C_TYPES[unit.type_of(value).dtype]


def is_half(unit: Unit, value: str) -> bool:
    """Whether `value` is stored in 16 bits, and computed with in float."""
    return unit.graph.types[value].dtype in HALVES


def local_type(unit: Unit, value: str) -> str:
    """The C type of an element of `value` in a register."""
    return "float" if unit.graph.types[value].dtype.is_float else c_type(unit, value)


def product(unit: Unit, dims: tuple[Dim, ...]) -> str:
    """The product of some sizes in C, such as `H * N * 64`: never in 32 bits if it is large."""
    constant = math.prod(dim.constant for dim in dims if dim.constant is not None)
    printed = [CudaPrinter(unit).dim(dim) for dim in dims if dim.constant is None]
    if constant != 1 or not printed:
        printed.append((f"{constant}LL" if constant > SMALL else str(constant), ATOM))
    if len(printed) == 1:
        return printed[0][0]
    return " * ".join(text if binding >= 6 else f"({text})" for text, binding in printed)
