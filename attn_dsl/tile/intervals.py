"""Interval arithmetic: the least and the greatest value of an expression over a tile.

A tile holds the queries `q_first … q_last` and the keys `k_first … k_last` of one head; both
ends of an interval are expressions of these four and of the ranges. An end may be out of reach,
never too near; where no rule gives one there is no interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from attn_dsl.expr import (
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Tensor,
    Unary,
    tensors_in,
    walk,
    where,
)
from attn_dsl.tile.linear import K_FIRST, K_LAST, Q_FIRST, Q_LAST, Linear
from attn_dsl.tile.scope import Scope

Interval = tuple[Expr, Expr]


def interval(expr: Expr, scope: Scope) -> Interval | None:
    """The least and greatest value of a number over a tile; None where no rule gives them."""
    if not scope.varies(expr):
        return expr, expr
    if isinstance(expr, Tensor):
        range = scope.ranges.get(expr.name)
        return (range.low, range.high) if range else None
    if not scope.is_integer(expr):
        return _real(expr, scope)
    sum = Linear.of(expr)
    if sum.terms != {expr: 1}:
        ends = sum_interval(sum, scope)
        return ends and (ends[0].to_expr(), ends[1].to_expr())
    return _integer(expr, scope)


def sum_interval(sum: Linear, scope: Scope) -> tuple[Linear, Linear] | None:
    """The interval of a sum, as sums."""
    low = high = Linear({}, sum.constant)
    for term, factor in sum.terms.items():
        ends = interval(term, scope)
        if ends is None:
            return None
        least, greatest = ends if factor > 0 else ends[::-1]
        low, high = low + Linear.of(least) * factor, high + Linear.of(greatest) * factor
    return low, high


def _integer(expr: Expr, scope: Scope) -> Interval | None:
    """A whole number that is no sum."""
    match expr:
        case Name("q"):
            return Q_FIRST, Q_LAST
        case Name("k"):
            return K_FIRST, K_LAST
        case Binary("*", lhs, rhs):
            size, other = (rhs, lhs) if scope.varies(lhs) else (lhs, rhs)
            if isinstance(size, Name) and not scope.varies(size):  # never negative
                return _each(lambda end: Binary("*", size, end), interval(other, scope))
        case Compare() | Unary("not"):
            return Number(0), Number(1)
    return _function(expr, scope)


def _real(expr: Expr, scope: Scope) -> Interval | None:
    """A real number. Only of finite constants: inf times 0, or less inf, is no number."""
    constants = [node.value for node in walk(expr) if isinstance(node, Number)]
    if tensors_in(expr) or not all(math.isfinite(value) for value in constants):
        return None
    match expr:
        case Unary("-", x):
            return _each(lambda end: Unary("-", end), _swapped(interval(x, scope)))
        case Binary("+" | "-" as op, lhs, rhs):
            left, right = interval(lhs, scope), interval(rhs, scope)
            if left is None or right is None:
                return None
            least, greatest = right if op == "+" else right[::-1]
            return Binary(op, left[0], least), Binary(op, left[1], greatest)
        case Binary("*", lhs, rhs) if _is_positive(lhs) or _is_positive(rhs):
            factor, x = (lhs, rhs) if _is_positive(lhs) else (rhs, lhs)
            return _each(lambda end: Binary("*", end, factor), interval(x, scope))
        case Binary("/", x, divisor) if _is_positive(divisor):
            return _each(lambda end: Binary("/", end, divisor), interval(x, scope))
    return _function(expr, scope)


def _function(expr: Expr, scope: Scope) -> Interval | None:
    """What has one rule for all numbers."""
    match expr:
        case Binary("//", x, divisor) if _is_positive(divisor):
            return _each(lambda end: Binary("//", end, divisor), interval(x, scope))
        case Binary("%", x, Number() as divisor) if _is_positive(divisor):
            ends = interval(x, scope)
            return ends and _remainder(ends, divisor, scope.is_integer(expr))
        case Call("min" | "max" as function, (lhs, rhs)):
            left, right = interval(lhs, scope), interval(rhs, scope)
            if left is None or right is None:
                return None
            return Call(function, (left[0], right[0])), Call(function, (left[1], right[1]))
        case Call("abs", (x,)):
            ends = interval(x, scope)
            return ends and _absolute(*ends)
        case Binary("**", x, Number(2)) | Binary("*", x, _) if _is_square(expr):
            ends = interval(Call("abs", (x,)), scope)
            return _each(lambda end: Binary("**", end, Number(2)), ends)
    return None


def _each(change: Callable[[Expr], Expr], ends: Interval | None) -> Interval | None:
    """The interval of something that rises where its argument rises."""
    return ends and (change(ends[0]), change(ends[1]))


def _swapped(ends: Interval | None) -> Interval | None:
    return ends and (ends[1], ends[0])


def _remainder(x: Interval, divisor: Number, is_integer: bool) -> Interval:
    """Within one period the remainder rises with x; across a border it may be anything."""
    low, high = (Binary("%", end, divisor) for end in x)
    periods = (Binary("//", end, divisor) for end in x)
    one = Compare("==", *periods)
    return where(one, low, Number(0)), where(one, high, Number(divisor.value - is_integer))


def _absolute(low: Expr, high: Expr) -> Interval:
    minus_low, minus_high = Unary("-", low), Unary("-", high)
    nearest = Call("max", (Call("max", (low, minus_high)), Number(0)))
    return nearest, Call("max", (minus_low, high))


def _is_square(expr: Binary) -> bool:
    return expr.op == "**" or expr.lhs == expr.rhs


def _is_positive(x: Expr) -> bool:
    return isinstance(x, Number) and x.value > 0
