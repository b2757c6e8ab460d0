"""Which expressions are above 0, whatever the sizes are."""

from __future__ import annotations

from attn_dsl.expr.tree import INDICES, SCORE, Binary, Call, Expr, Name, Number, tensors_in


def is_positive(factor: Expr) -> bool:
    """Whether `factor` is above 0 for all sizes; no answer counts as no."""
    if tensors_in(factor):
        return False
    match factor:
        case Number(value):
            return value > 0
        case Name(id):
            return id not in (*INDICES, SCORE.id)  # a size
        case Binary("+" | "*" | "/" | "**", lhs, rhs):
            return is_positive(lhs) and is_positive(rhs)
        case Call("sqrt" | "min" | "max", arguments):
            return all(is_positive(a) for a in arguments)
        case Call("exp", _):
            return True
    return False
