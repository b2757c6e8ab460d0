"""Comparisons of whole numbers in normal form, and whether several may hold at one score.

A comparison says that some sum is at most 0, or that a remainder is one of some. A sum is looked
at where it is least, in one corner of the tile; constraints on one sum are intersected.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from attn_dsl.expr import (
    FALSE,
    OPPOSITE,
    TRUE,
    Binary,
    Call,
    Compare,
    Expr,
    Number,
    conjunction,
)
from attn_dsl.tile.congruence import Congruence
from attn_dsl.tile.intervals import sum_interval
from attn_dsl.tile.linear import Linear, at_most_zero
from attn_dsl.tile.scope import Scope

FLIPPED = {">": "<", ">=": "<="}
Constraint = Linear | Congruence
"""A sum that is at most 0, or a remainder."""


def constraints_of(mask: Expr, truth: bool, scope: Scope) -> list[Constraint] | None:
    """What a comparison of whole numbers says, where that needs no `or`."""
    match mask:
        case Compare(op, lhs, rhs) if scope.is_integer(lhs, rhs) and scope.varies(mask):
            op = op if truth else OPPOSITE[op]
            if op in FLIPPED:
                op, lhs, rhs = FLIPPED[op], rhs, lhs
            sum = Linear.of(lhs) + Linear.of(rhs) * -1
            if op != "!=" or Congruence.of(op, sum):
                return _constraints(op, sum, scope)
    return None


def _constraints(op: str, sum: Linear, scope: Scope) -> list[Constraint]:
    """What `sum op 0` says, as few sums or remainders."""
    congruence = Congruence.of(op, sum)
    if congruence:
        return [congruence]
    if op == "==":
        return [x for side in (sum, sum * -1) for x in _constraints("<=", side, scope)]
    sum = sum.plus(op == "<").tightened()
    multiple = _without_quotient(sum, scope)
    return [sum] if multiple is None else _constraints("<=", multiple, scope)


def _without_quotient(sum: Linear, scope: Scope) -> Linear | None:
    """What is at most 0 exactly where `sum` is, if its one varying term is `x // number`."""
    varying = [(term, factor) for term, factor in sum.terms.items() if scope.varies(term)]
    match varying:
        case [(Binary("//", x, Number(int(divisor))) as term, 1 | -1 as factor)] if divisor > 0:
            rest = sum + Linear({term: -factor})
            return Linear.of(x) * factor + (rest * divisor).plus((1 - divisor) * (factor == 1))
    return None


def jointly(constraints: Iterable[Constraint], scope: Scope) -> Expr:
    """A condition that holds on every tile where all constraints hold at one score."""
    sums: list[Linear] = []
    congruences: list[Congruence] = []
    for constraint in constraints:
        if isinstance(constraint, Congruence):
            congruences = _joined(congruences, constraint)
        else:
            sums.append(constraint)
    if any((x + y).constant > 0 and not (x + y).terms for x, y in combinations(sums, 2)):
        return FALSE
    condition: Expr = TRUE
    for sum in sums:
        ends = sum_interval(sum, scope)
        condition = conjunction(condition, at_most_zero(ends[0]) if ends else TRUE)
    for congruence in congruences:
        condition = conjunction(condition, _reached(congruence, sums, scope))
    return condition


def _joined(congruences: list[Congruence], new: Congruence) -> list[Congruence]:
    """The congruences with a new one, which those on the same number are made one with."""
    others = []
    for old in congruences:
        both = old & new
        if both is None:
            others.append(old)
        else:
            new = both
    return [*others, new]


def _reached(congruence: Congruence, sums: Iterable[Linear], scope: Scope) -> Expr:
    """Whether the tile has a number with the right remainder, within the bounds on it."""
    ends = sum_interval(congruence.number, scope)
    if ends is None:
        return TRUE
    low, high = ends[0].to_expr(), ends[1].to_expr()
    for sum in sums:
        above, below = (sum + congruence.number * sign for sign in (1, -1))
        if not scope.varies(above.to_expr()):
            low = Call("max", (low, above.to_expr()))
        elif not scope.varies(below.to_expr()):
            high = Call("min", (high, (below * -1).to_expr()))
    return congruence.holds_between(low, high)
