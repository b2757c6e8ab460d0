"""What an expression of a score is where that score is hidden: at -inf, or at a weight of 0."""

from __future__ import annotations

import math
from dataclasses import replace

from attn_dsl.expr import (
    FUNCTIONS,
    SCORE,
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Unary,
    evaluate,
    is_positive,
    names_in,
)


def value_at(expr: Expr, score: float | None) -> float | None:
    """The value of `expr` where `s` is `score`, if it is the same for all sizes, indices, tensors.

    None is a value that is not known.
    """
    match expr:
        case Name("s"):
            return score
        case Number(value):
            return float(value)
        case Unary("-", x):
            inner = value_at(x, score)
            return None if inner is None else -inner
        case Binary("+" | "-" | "*" | "/" | "**" as op, lhs, rhs):
            return _binary(op, lhs, rhs, score)
        case Compare(_, lhs, rhs):
            return _computed(expr, [value_at(lhs, score), value_at(rhs, score)])
        case Call("where", (condition, yes, no)):
            kept, values = value_at(condition, score), (value_at(yes, score), value_at(no, score))
            if kept is not None:
                return values[0] if kept else values[1]
            return values[0] if values[0] == values[1] else None
        case Call(function, arguments) if function in FUNCTIONS and function != "floor":
            return _computed(expr, [value_at(argument, score) for argument in arguments])
    return None


def _binary(op: str, lhs: Expr, rhs: Expr, score: float | None) -> float | None:
    left, right = value_at(lhs, score), value_at(rhs, score)
    if left is not None and right is not None:
        return _computed(Binary(op, lhs, rhs), [left, right])
    match op:
        case "+" if right is not None:
            return _unmoved(right, lhs)
        case "+" | "-" if left is not None:
            return _unmoved(left, rhs)
        case "*" if right is not None:
            return _unscaled(right, lhs)
        case "*" | "/" if left is not None:
            return _unscaled(left, rhs)
    return None


def _unmoved(value: float, other: Expr) -> float | None:
    """An infinity stays what it is, whatever is added to it."""
    return value if math.isinf(value) and SCORE.id not in names_in(other) else None


def _unscaled(value: float, factor: Expr) -> float | None:
    """So does an infinity, and 0, under a factor above 0."""
    return value if (math.isinf(value) or value == 0) and is_positive(factor) else None


def _computed(expr: Binary | Compare | Call, values: list[float | None]) -> float | None:
    """The operation of `expr` on known values; NaN is not known."""
    known = tuple(Number(value) for value in values if value is not None)
    if len(known) < len(values):
        return None
    operation: Expr
    if isinstance(expr, Call):
        operation = Call(expr.function, known)
    else:
        operation = replace(expr, lhs=known[0], rhs=known[1])
    result = float(evaluate(operation, {}, {}))
    return None if math.isnan(result) else result
