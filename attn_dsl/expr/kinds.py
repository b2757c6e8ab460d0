"""Whether an expression is boolean, an integer, or a floating-point number."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from attn_dsl.expr.tree import Binary, Call, Compare, Expr, Name, Number, Tensor, Unary


class Kind(IntEnum):
    """Kinds in the order of promotion."""

    BOOL = 0
    INT = 1
    FLOAT = 2


def kind_of(expr: Expr, tensors: Mapping[str, Kind]) -> Kind:
    """The kind of `expr`, given those of the tensors it mentions; `s` is floating-point."""
    match expr:
        case Number(value):
            return {bool: Kind.BOOL, int: Kind.INT}.get(type(value), Kind.FLOAT)
        case Name(id):
            return Kind.FLOAT if id == "s" else Kind.INT
        case Tensor(name):
            return tensors.get(name, Kind.FLOAT)
        case Compare() | Unary("not"):
            return Kind.BOOL
        case Unary(_, x):
            return max(Kind.INT, kind_of(x, tensors))
        case Binary("and" | "or"):
            return Kind.BOOL
        case Binary("/"):
            return Kind.FLOAT
        case Binary("**", lhs, Number(int(exponent))) if exponent >= 0:
            return max(Kind.INT, kind_of(lhs, tensors))
        case Binary("**"):
            return Kind.FLOAT
        case Binary(_, lhs, rhs):
            return max(Kind.INT, kind_of(lhs, tensors), kind_of(rhs, tensors))
        case Call("where", (_, yes, no)):
            return max(kind_of(yes, tensors), kind_of(no, tensors))
        case Call("min" | "max" | "abs", arguments):
            return max(Kind.INT, *(kind_of(a, tensors) for a in arguments))
        case Call("floor"):
            return Kind.INT
        case Call():
            return Kind.FLOAT
