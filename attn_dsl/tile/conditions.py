"""Whether a mask may be true, or false, somewhere on a tile: a condition on the tile's borders.

Of a conjunction, comparisons of whole numbers are looked at together; all else by itself, which
may find less empty than there is. What has no rule may be either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attn_dsl.expr import (
    FALSE,
    OPPOSITE,
    TRUE,
    Binary,
    Call,
    Compare,
    Expr,
    Kind,
    Number,
    Tensor,
    Unary,
    conjunction,
    disjunction,
)
from attn_dsl.tile.comparisons import split_comparisons
from attn_dsl.tile.constraints import FLIPPED, Constraint, constraints_of, jointly
from attn_dsl.tile.intervals import interval
from attn_dsl.tile.scope import Scope


def may_be(mask: Expr, truth: bool, scope: Scope) -> Expr:
    """A condition that holds on every tile with a score at which `mask` is `truth`."""
    return _possible(split_comparisons(mask, scope), truth, scope)


def _possible(mask: Expr, truth: bool, scope: Scope) -> Expr:
    """Whether `mask` may be `truth` somewhere on the tile."""
    match mask:
        case Number(value):
            return TRUE if bool(value) is truth else FALSE
        case Unary("not", x):
            return _possible(x, not truth, scope)
        case Binary("and" | "or" as op, lhs, rhs):
            if (op == "and") is truth:
                return _all(_conjuncts(mask, truth), scope)
            return disjunction(_possible(lhs, truth, scope), _possible(rhs, truth, scope))
        case Call("where", (condition, yes, no)):
            chosen = (
                conjunction(_possible(condition, which, scope), _possible(value, truth, scope))
                for which, value in ((True, yes), (False, no))
            )
            return disjunction(*chosen)
    return _all([(mask, truth)], scope)


def _conjuncts(mask: Expr, truth: bool) -> Iterator[tuple[Expr, bool]]:
    """What must all be so for `mask` to be `truth`."""
    match mask:
        case Unary("not", x):
            yield from _conjuncts(x, not truth)
        case Binary("and" | "or" as op, lhs, rhs) if (op == "and") is truth:
            yield from _conjuncts(lhs, truth)
            yield from _conjuncts(rhs, truth)
        case _:
            yield mask, truth


def _all(conjuncts: Iterable[tuple[Expr, bool]], scope: Scope) -> Expr:
    """Whether all may be so at one score of the tile."""
    constraints: list[Constraint] = []
    rest: Expr = TRUE
    for mask, truth in conjuncts:
        found = constraints_of(mask, truth, scope)
        if found is None:
            rest = conjunction(rest, _single(mask, truth, scope))
        else:
            constraints += found
    return conjunction(jointly(constraints, scope), rest)


def _single(mask: Expr, truth: bool, scope: Scope) -> Expr:
    """Whether what is no comparison of whole numbers may be `truth` somewhere on the tile."""
    match mask:
        case _ if not scope.varies(mask) and scope.kind(mask) is Kind.BOOL:
            return mask if truth else scope.opposite(mask)
        case Number() | Unary("not") | Binary("and" | "or") | Call("where"):
            return _possible(mask, truth, scope)
        case Compare("==" | "!=", lhs, rhs) if scope.is_integer(lhs, rhs):
            sides = (_possible(Compare(op, lhs, rhs), True, scope) for op in ("<", ">"))
            return disjunction(*sides)  # a difference: where there is none, it is a comparison
        case Compare(op, lhs, rhs):
            return _real_comparison(op if truth else OPPOSITE[op], lhs, rhs, scope)
        case Tensor(name) if name in scope.ranges and scope.ranges[name].kind is Kind.BOOL:
            range = scope.ranges[name]
            return range.high if truth else Unary("not", range.low)
    if scope.kind(mask) is not Kind.BOOL:
        return _possible(Compare("!=", mask, Number(0)), truth, scope)
    return TRUE


def _real_comparison(op: str, lhs: Expr, rhs: Expr, scope: Scope) -> Expr:
    """Real numbers may compare so unless their intervals say no: which NaN never does."""
    if op in FLIPPED:
        return _real_comparison(FLIPPED[op], rhs, lhs, scope)
    left, right = interval(lhs, scope), interval(rhs, scope)
    if left is None or right is None:
        return TRUE
    if op == "!=":
        same = (Compare("==", left[0], right[1]), Compare("==", left[1], right[0]))
        return Unary("not", conjunction(*same))
    if op == "==":
        apart = (Compare(">", left[0], right[1]), Compare(">", right[0], left[1]))
        return conjunction(Unary("not", apart[0]), Unary("not", apart[1]))
    return Unary("not", Compare(OPPOSITE[op], left[0], right[1]))
