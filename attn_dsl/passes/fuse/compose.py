"""Steps on single scores, composed: one factor, one score expression, one mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attn_dsl.expr import (
    MINUS_INF,
    SCORE,
    TRUE,
    Binary,
    Call,
    Expr,
    Name,
    Number,
    Unary,
    is_positive,
    names_in,
    substitute,
)
from attn_dsl.ir.ops import Op, Scale


@dataclass(frozen=True)
class Composed:
    """where(mask, score(scale · s), -inf)."""

    scale: Expr
    score: Expr
    mask: Expr


def compose(steps: Sequence[tuple[Op, Expr]]) -> Composed:
    """Compose `steps`, first one first, each an operation and its expression of `s`.

    Factors at the front are the scale, which a kernel folds into the query. A mask joins the
    mask if every later step maps -inf to -inf; else it stays in the score.
    """
    scale: Expr = Number(1)
    rest = list(steps)
    while rest and isinstance(first := rest[0][0], Scale):
        scale = first.factor if scale == Number(1) else Binary("*", scale, first.factor)
        rest.pop(0)
    score: Expr = SCORE
    mask: Expr = TRUE
    hides_last = True
    for _, expr in reversed(rest):
        condition = _mask_condition(expr)
        if condition is not None and hides_last:
            mask = condition if mask == TRUE else Binary("and", condition, mask)
        else:
            score = substitute(score, {"s": expr})
            hides_last = hides_last and keeps_minus_inf(expr)
    return Composed(scale, score, mask)


def _mask_condition(expr: Expr) -> Expr | None:
    """`c` where `expr` is `where(c, s, -inf)`, or the other way round, for a c without s."""
    match expr:
        case Call("where", (condition, yes, no)) if "s" not in names_in(condition):
            if (yes, no) == (SCORE, MINUS_INF):
                return condition
            if (yes, no) == (MINUS_INF, SCORE):
                return Unary("not", condition)
    return None


def keeps_minus_inf(expr: Expr) -> bool:
    """Whether `expr` is -inf wherever `s` is, so that a mask before it is a mask after it."""
    match expr:
        case Name("s"):
            return True
        case Number():
            return expr == MINUS_INF
        case Binary("+", lhs, rhs):
            return _one_side(lhs, rhs) or _one_side(rhs, lhs)
        case Binary("-", lhs, rhs):
            return _one_side(lhs, rhs)
        case Binary("*", lhs, rhs):
            return (keeps_minus_inf(lhs) and is_positive(rhs)) or (
                keeps_minus_inf(rhs) and is_positive(lhs)
            )
        case Binary("/", lhs, rhs):
            return keeps_minus_inf(lhs) and is_positive(rhs)
        case Call("where", (condition, yes, no)) if "s" not in names_in(condition):
            return keeps_minus_inf(yes) and keeps_minus_inf(no)
    return False


def _one_side(scores: Expr, other: Expr) -> bool:
    return keeps_minus_inf(scores) and "s" not in names_in(other)
