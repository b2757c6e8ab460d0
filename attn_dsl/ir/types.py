"""Tensor types: a dtype and symbolic dims, with an optional `...` for any batch dims."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import ClassVar

from attn_dsl.expr import Kind, parse
from attn_dsl.ir.dims import ONE, Dim


class DType(Enum):
    """Element types, named as the language writes them."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    I32 = "i32"
    I64 = "i64"
    BOOL = "bool"

    @property
    def numpy(self) -> str:
        """NumPy's name of this dtype (`bfloat16` is that of ml_dtypes)."""
        return _NUMPY[self]

    @property
    def size(self) -> int:
        """The bytes of an element."""
        return 1 if self is DType.BOOL else int(self.value.lstrip("bfi")) // 8

    @property
    def is_float(self) -> bool:
        """Whether arithmetic on it is floating-point."""
        return self in (DType.F16, DType.BF16, DType.F32, DType.F64)

    @property
    def kind(self) -> Kind:
        """The kind of an expression that reads one element."""
        return Kind.FLOAT if self.is_float else Kind.BOOL if self is DType.BOOL else Kind.INT


_NUMPY = {
    DType.F16: "float16",
    DType.BF16: "bfloat16",
    DType.F32: "float32",
    DType.F64: "float64",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.BOOL: "bool",
}


class TypeMismatch(ValueError):
    """Types that do not fit together.

    `operand` is to blame: a field of the op, or a value that it captures. `what` does not fit.
    """

    what: ClassVar[str] = "shapes"

    def __init__(self, message: str, operand: str = "", help: str = "") -> None:
        super().__init__(message)
        self.operand, self.help = operand, help


class ElementMismatch(TypeMismatch):
    """Element types that do not fit: a number where there has to be a condition, say."""

    what = "element types"


@dataclass(frozen=True)
class TensorType:
    """`dtype[dims]`. `batch` stands for a leading `...`: the same batch dims in every type."""

    dtype: DType
    dims: tuple[Dim, ...]
    batch: bool = False

    def with_dims(self, *dims: Dim) -> TensorType:
        """The same dtype and batch, other dims."""
        return TensorType(self.dtype, dims, self.batch)

    def substitute(self, sizes: Mapping[str, int]) -> TensorType:
        """Put numbers in for the symbols that `sizes` names."""
        return self.with_dims(*(dim.substitute(sizes) for dim in self.dims))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of all dims, each once, in order."""
        return tuple(dict.fromkeys(s for dim in self.dims for s in dim.symbols))

    def __str__(self) -> str:
        dims = ["..."] * self.batch + [str(dim) for dim in self.dims]
        return f"{self.dtype.value}[{', '.join(dims)}]"


ALIASES = {
    **dict.fromkeys(("float", "float32", "fp32", "F32"), "f32"),
    **dict.fromkeys(("half", "float16", "fp16", "F16"), "f16"),
    **dict.fromkeys(("double", "float64", "fp64", "F64"), "f64"),
    **dict.fromkeys(("bfloat16", "BF16"), "bf16"),
    **dict.fromkeys(("int", "int32", "I32"), "i32"),
    **dict.fromkeys(("long", "int64", "I64"), "i64"),
    **dict.fromkeys(("boolean", "Bool", "BOOL", "b1"), "bool"),
}
"""How element types are called elsewhere."""

_TYPE = re.compile(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", re.DOTALL)


@cache
def parse_type(text: str) -> TensorType:
    """Read `f16[..., H*D]`; ValueError says what is wrong with it."""
    match = _TYPE.fullmatch(text)
    names = [dtype.value for dtype in DType]
    if match is None or match[1] not in names:
        if match is not None and match[1] in ALIASES:
            ours = f"{ALIASES[match[1]]}{text[match.end(1) :].rstrip()}"
            raise ValueError(f"`{text.strip()}` is written `{ours}` here")
        if text.strip().startswith("["):
            raise ValueError(f"the element type is missing: `f32{text.strip()}`")
        expected = f"a type is one of {', '.join(names)} and dims in brackets, as in f32[N, D]"
        raise ValueError(f"`{text.strip()}` is no type: {expected}")
    parts = [part.strip() for part in _split(match[2])] if match[2] else []
    batch = bool(parts) and parts[0] in ("...", "…")
    dims = tuple(Dim.from_expr(parse(part)) for part in parts[batch:])
    if any(dim.constant is not None and dim.constant < 0 for dim in dims):
        raise ValueError(f"`{text.strip()}` has a negative size")
    return TensorType(DType(match[1]), dims, batch)


def _split(dims: str) -> list[str]:
    """The parts between the commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in dims:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def real(type_: TensorType, operand: str) -> TensorType:
    """`type_`, if it is floating-point; else raises `TypeMismatch` about `operand`."""
    if not type_.dtype.is_float:
        help = "`1.0 * x` in an equation makes floating-point numbers of x"
        raise ElementMismatch(f"{type_} holds no floating-point numbers", operand, help)
    return type_


def broadcast(lhs: TensorType, rhs: TensorType) -> TensorType:
    """The type of an element-wise result, by NumPy's rule on symbols.

    Dims are aligned from the right; equal ones stay, 1 gives way. Raises `TypeMismatch`.
    """
    if lhs.dtype is not rhs.dtype:
        raise ElementMismatch(f"{lhs.dtype.value} beside {rhs.dtype.value}", "rhs")
    wide, narrow = (lhs, rhs) if len(lhs.dims) >= len(rhs.dims) else (rhs, lhs)
    gap = len(wide.dims) - len(narrow.dims)
    if gap and narrow.batch:
        raise TypeMismatch(f"{lhs} and {rhs} do not broadcast: `...` stands for other dims", "rhs")
    dims = list(wide.dims[:gap])
    for a, b in zip(wide.dims[gap:], narrow.dims, strict=True):
        if a != b and ONE not in (a, b):
            raise TypeMismatch(f"{lhs} and {rhs} do not broadcast: {a} is not {b}", "rhs")
        dims.append(b if a == ONE else a)
    return TensorType(lhs.dtype, tuple(dims), lhs.batch or rhs.batch)


def broadcasts_to(narrow: TensorType, wide: TensorType) -> bool:
    """Whether `narrow` broadcasts to exactly the dims of `wide`, whatever the dtypes."""
    same = TensorType(wide.dtype, narrow.dims, narrow.batch)
    try:
        return broadcast(same, wide) == wide
    except TypeMismatch:
        return False
