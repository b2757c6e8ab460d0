"""The meaning of an expression: NumPy, with Python's operators.

Arrays broadcast, so one evaluation gives a whole tile or matrix of scores. Index arithmetic
is 64-bit, `//` and `%` are floored, and an index out of range reads 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from attn_dsl.expr.tree import Binary, Call, Compare, Expr, Name, Number, Tensor, Unary

Array = Any
"""An array or a scalar of numbers or booleans."""

ARITHMETIC: Mapping[str, Callable[..., Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.remainder,
}
CONDITIONS: Mapping[str, Callable[..., Array]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
FUNCTIONS: Mapping[str, Callable[..., Array]] = {
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sigmoid": lambda x: sigmoid(x),
    "floor": lambda x: np.floor(x).astype(np.int64),
}


def evaluate(expr: Expr, names: Mapping[str, Array], tensors: Mapping[str, Array]) -> Array:
    """The value of `expr` where `names` and `tensors` have the given values.

    `names`: indices, the score and sizes, arrays that broadcast together. `tensors`: for a
    gather the whole tensor, for one without indices what broadcasts with the score.
    """
    with np.errstate(all="ignore"):
        return _value(expr, names, tensors)


def _value(node: Expr, names: Mapping[str, Array], tensors: Mapping[str, Array]) -> Array:
    """As `evaluate`, part by part. One inside it would refer to itself, and so keep the arrays."""

    def value(part: Expr) -> Array:
        return _value(part, names, tensors)

    match node:
        case Number(number):
            return number
        case Name(id):
            return names[id]
        case Tensor(name, None):
            return tensors[name]
        case Tensor(name, indices):
            return gather(tensors[name], [value(i) for i in indices or ()])
        case Unary("-", x):
            return np.negative(_number(value(x)))
        case Unary(_, x):
            return np.logical_not(value(x))
        case Binary("and" | "or" as op, lhs, rhs) | Compare(op, lhs, rhs):
            return CONDITIONS[op](value(lhs), value(rhs))
        case Binary("**", lhs, Number(int(exponent))) if exponent >= 0:
            return np.power(_number(value(lhs)), exponent)
        case Binary("**", lhs, rhs):
            return np.power(1.0 * _number(value(lhs)), _number(value(rhs)))
        case Binary(op, lhs, rhs):
            return ARITHMETIC[op](_number(value(lhs)), _number(value(rhs)))
        case Call("where", (condition, yes, no)):
            return np.where(value(condition), value(yes), value(no))
        case Call(function, arguments):
            return FUNCTIONS[function](*(_number(value(a)) for a in arguments))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), in a form that never overflows and is exact far below 0 too."""
    small = np.exp(-np.abs(x))
    return np.where(np.greater_equal(x, 0), 1.0, small) / (1.0 + small)


def gather(tensor: Array, indices: list[Array]) -> Array:
    """`tensor[i, j, …]` element by element; 0 where an index is out of range."""
    shape = np.shape(tensor)[: len(indices)]
    positions = [np.asarray(index, np.int64) for index in indices]
    inside: Array = True
    for position, size in zip(positions, shape, strict=True):
        inside = inside & (position >= 0) & (position < size)
    if 0 in shape:
        return np.zeros(np.broadcast_shapes(*(p.shape for p in positions)), tensor.dtype)
    clipped = tuple(np.clip(p, 0, n - 1) for p, n in zip(positions, shape, strict=True))
    found = tensor[clipped]
    return np.where(inside, found, np.zeros((), found.dtype))


def _number(x: Array) -> Array:
    """What arithmetic is done on: True is 1, and integers have 64 bits."""
    if isinstance(x, bool | int | float):
        return int(x) if isinstance(x, bool) else x
    return x.astype(np.int64, copy=False) if x.dtype.kind in "biu" else x
