"""Comparisons of a distance or an extreme, as comparisons of what these are of.

`abs(q - k) <= 3` is `q - k <= 3 and k - q <= 3`, and so gives bounds on the key; `max(k, 4) < q`
is `k < q and 4 < q`. Only whole numbers are split: a NaN would be on neither side.
"""

from __future__ import annotations

from dataclasses import replace

from attn_dsl.expr import Binary, Call, Compare, Expr, Number, Unary
from attn_dsl.tile.linear import Linear
from attn_dsl.tile.scope import Scope


def split_comparisons(mask: Expr, scope: Scope) -> Expr:
    """The same condition, its comparisons split as far as they can be."""
    match mask:
        case Unary("not", x):
            return replace(mask, x=split_comparisons(x, scope))
        case Binary("and" | "or" as op, lhs, rhs):
            return Binary(op, split_comparisons(lhs, scope), split_comparisons(rhs, scope))
        case Call("where", parts):
            return Call("where", tuple(split_comparisons(part, scope) for part in parts))
        case Compare(op, lhs, rhs) if scope.is_integer(lhs, rhs):
            return _split(op, Linear.of(lhs) + Linear.of(rhs) * -1, scope) or mask
    return mask


def _split(op: str, sum: Linear, scope: Scope) -> Expr | None:
    """`sum op 0` in parts, if its one varying term is a distance or an extreme."""
    varying = [item for item in sum.terms.items() if scope.varies(item[0])]
    match varying:
        case [(Call("abs", (x,)) as term, 1 | -1 as factor)]:
            function, sides = "max", (Linear.of(x), Linear.of(x) * -1)
        case [(Call("max" | "min" as function, (x, y)) as term, 1 | -1 as factor)]:
            sides = Linear.of(x), Linear.of(y)
        case _:
            return None
    if op in ("==", "!="):
        joint, orders = ("and", ("<=", ">=")) if op == "==" else ("or", ("<", ">"))
        return Binary(joint, *(split_comparisons(_compare(o, sum), scope) for o in orders))
    rest = sum + Linear({term: -factor})
    is_above = (op in ("<", "<=")) == (factor == 1)  # all of the term's sides are below something
    joint = "and" if is_above == (function == "max") else "or"
    parts = (_compare(op, side * factor + rest) for side in sides)
    return Binary(joint, *(split_comparisons(part, scope) for part in parts))


def _compare(op: str, sum: Linear) -> Expr:
    return Compare(op, sum.to_expr(), Number(0))
