"""Steps on single scores, composed: one factor, one score expression, one mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attn_dsl.expr import (
    SCORE,
    TRUE,
    Binary,
    Call,
    Expr,
    Number,
    Unary,
    names_in,
    substitute,
)
from attn_dsl.ir.ops import Op, Scale
from attn_dsl.passes.fuse.limits import value_at


@dataclass(frozen=True)
class Composed:
    """where(mask, score(scale · s), hidden)."""

    scale: Expr
    score: Expr
    mask: Expr


def compose(steps: Sequence[tuple[Op, Expr]], hidden: float = -math.inf) -> Composed:
    """Compose `steps`, first one first, each an operation and its expression of `s`.

    Factors at the front are the scale, which a kernel folds into the query. A mask joins the
    mask if what it hides comes out of all later steps as `hidden`; else it stays in the score.
    """
    scale: Expr = Number(1)
    rest = [(op, expr) for op, expr in steps if expr != SCORE]  # a cast changes no number
    while rest and isinstance(first := rest[0][0], Scale):
        scale = first.factor if scale == Number(1) else Binary("*", scale, first.factor)
        rest.pop(0)
    score: Expr = SCORE
    mask: Expr = TRUE
    exprs = [expr for _, expr in rest]
    for place, expr in reversed(list(enumerate(exprs))):
        masked = _masked(expr)
        if masked is not None and _comes_out(exprs[place + 1 :], masked.value) == hidden:
            mask = masked.keep if mask == TRUE else Binary("and", masked.keep, mask)
            score = substitute(score, {SCORE.id: masked.kept})
        else:
            score = substitute(score, {SCORE.id: expr})
    return Composed(scale, score, mask)


@dataclass(frozen=True)
class Masked:
    """where(keep, kept, value), of which `keep` does not depend on the score."""

    keep: Expr
    kept: Expr
    value: float


def _masked(expr: Expr) -> Masked | None:
    """`expr` as a mask, if it is one: a number stands for what it does not keep."""
    match expr:
        case Call("where", (condition, kept, Number(value))) if _is_free(condition):
            return Masked(condition, kept, float(value))
        case Call("where", (condition, Number(value), kept)) if _is_free(condition):
            return Masked(Unary("not", condition), kept, float(value))
    return None


def _is_free(condition: Expr) -> bool:
    return SCORE.id not in names_in(condition)


def _comes_out(steps: Sequence[Expr], value: float) -> float | None:
    """What the steps make of a score of this value, if that is the same everywhere."""
    found: float | None = value
    for step in steps:
        found = value_at(step, found)
    return found
