"""Mask analysis: what a mask can be anywhere on a tile, by interval arithmetic.

A tile holds the queries `q_first … q_last` and the keys `k_first … k_last` of one head. From the
mask, two conditions on these four numbers follow, as expressions: `possible` is true wherever
some score of the tile may be kept (a tile where it is false is *empty* and skipped), `certain`
only where all are (the tile is *full*, the mask is not evaluated). Both err to the safe side: a
captured tensor, or an operation without a rule here, makes tiles partial, never wrong.
"""

from __future__ import annotations

import math

from attn_dsl.expr import (
    FALSE,
    TRUE,
    Binary,
    Call,
    Compare,
    Expr,
    Name,
    Number,
    Unary,
    conjunction,
    disjunction,
    negation,
    where,
)

Q_FIRST, Q_LAST = Name("q_first"), Name("q_last")
K_FIRST, K_LAST = Name("k_first"), Name("k_last")
Interval = tuple[Expr, Expr]
FLIPPED = {">": "<", ">=": "<="}


def possible(mask: Expr) -> Expr:
    """A condition that holds on every tile with a score that `mask` keeps."""
    match mask:
        case Number(value):
            return TRUE if value else FALSE
        case Unary("not", x):
            return negation(certain(x))
        case Binary("and", lhs, rhs):
            return conjunction(possible(lhs), possible(rhs))
        case Binary("or", lhs, rhs):
            return disjunction(possible(lhs), possible(rhs))
        case Compare(op, lhs, rhs):
            return _compare(op, lhs, rhs, certainly=False)
    return TRUE


def certain(mask: Expr) -> Expr:
    """A condition that holds only on tiles whose scores `mask` all keeps."""
    match mask:
        case Number(value):
            return TRUE if value else FALSE
        case Unary("not", x):
            return negation(possible(x))
        case Binary("and", lhs, rhs):
            return conjunction(certain(lhs), certain(rhs))
        case Binary("or", lhs, rhs):
            return disjunction(certain(lhs), certain(rhs))
        case Compare(op, lhs, rhs):
            return _compare(op, lhs, rhs, certainly=True)
    return FALSE


def _compare(op: str, lhs: Expr, rhs: Expr, certainly: bool) -> Expr:
    if op in FLIPPED:
        return _compare(FLIPPED[op], rhs, lhs, certainly)
    if op == "!=":
        return negation(_compare("==", lhs, rhs, not certainly))
    left, right = interval(lhs), interval(rhs)
    if left is None or right is None:
        return FALSE if certainly else TRUE
    low, high = (left[1], right[0]) if certainly else (left[0], right[1])
    if op != "==":
        return Compare(op, low, high)
    # Equal everywhere: each side's top is not above the other's bottom. Somewhere: they overlap.
    other = (right[1], left[0]) if certainly else (right[0], left[1])
    return conjunction(Compare("<=", low, high), Compare("<=", *other))


def interval(expr: Expr) -> Interval | None:
    """The least and greatest value of a number over a tile; None where no rule gives them."""
    match expr:
        case Number(value) if not isinstance(value, bool) and math.isfinite(value):
            return expr, expr  # inf times 0, or less inf, is no number
        case Name("q"):
            return Q_FIRST, Q_LAST
        case Name("k"):
            return K_FIRST, K_LAST
        case Name(id) if id != "s":
            return expr, expr
        case Unary("-", x):
            inner = interval(x)
            return inner and (_minus(inner[1]), _minus(inner[0]))
        case Binary(op, lhs, rhs):
            return _binary(op, interval(lhs), interval(rhs))
        case Call("min" | "max" as function, (lhs, rhs)):
            left, right = interval(lhs), interval(rhs)
            if left is None or right is None:
                return None
            return Call(function, (left[0], right[0])), Call(function, (left[1], right[1]))
        case Call("abs", (x,)):
            inner = interval(x)
            return inner and _absolute(*inner)
    return None


def _binary(op: str, lhs: Interval | None, rhs: Interval | None) -> Interval | None:
    if lhs is None or rhs is None:
        return None
    match op:
        case "+":
            return _sum(lhs[0], rhs[0]), _sum(lhs[1], rhs[1])
        case "-":
            return _difference(lhs[0], rhs[1]), _difference(lhs[1], rhs[0])
        case "*" if lhs[0] == lhs[1] and rhs[0] == rhs[1]:
            return (product := Binary("*", lhs[0], rhs[0])), product
        case "*" if _is_positive(lhs):
            return Binary("*", lhs[0], rhs[0]), Binary("*", lhs[0], rhs[1])
        case "*" | "//" | "/" if _is_positive(rhs):
            return Binary(op, lhs[0], rhs[0]), Binary(op, lhs[1], rhs[0])
        case "%" if _is_positive(rhs) and isinstance(rhs[0], Number):
            return _remainder(lhs, rhs[0])
    return None


def _remainder(x: Interval, divisor: Number) -> Interval:
    """Within one period the remainder rises with x; across a border it may be anything."""
    one_period = Compare("==", Binary("//", x[0], divisor), Binary("//", x[1], divisor))
    low = where(one_period, Binary("%", x[0], divisor), Number(0))
    return low, where(one_period, Binary("%", x[1], divisor), divisor)


def _absolute(low: Expr, high: Expr) -> Interval:
    nearest = Call("max", (Call("max", (low, _minus(high))), Number(0)))
    return nearest, Call("max", (_minus(low), high))


def _is_positive(x: Interval) -> bool:
    return x[0] == x[1] and isinstance(x[0], Number) and x[0].value > 0


def _sum(lhs: Expr, rhs: Expr) -> Expr:
    return lhs if rhs == Number(0) else rhs if lhs == Number(0) else Binary("+", lhs, rhs)


def _difference(lhs: Expr, rhs: Expr) -> Expr:
    return lhs if rhs == Number(0) else Binary("-", lhs, rhs)


def _minus(x: Expr) -> Expr:
    return Number(-x.value) if isinstance(x, Number) else Unary("-", x)
