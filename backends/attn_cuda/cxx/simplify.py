"""Expressions with their constant parts computed, and conditions turned around."""

from __future__ import annotations

from attn_dsl.expr import (
    FALSE,
    TRUE,
    Binary,
    Expr,
    Number,
    Tensor,
    children,
    evaluate,
    transform,
)


def fold(expr: Expr) -> Expr:
    """Compute what has numbers only; drop the constants that change no condition."""

    def change(node: Expr) -> Expr:
        match node:
            case Binary("and", lhs, rhs) | Binary("or", lhs, rhs) if TRUE in (lhs, rhs) or (
                FALSE in (lhs, rhs)
            ):
                neutral = TRUE if node.op == "and" else FALSE
                other = rhs if lhs == neutral else lhs
                return other if neutral in (lhs, rhs) else Number(node.op == "or")
        parts = children(node)
        constant = parts and all(isinstance(part, Number) for part in parts)
        if constant and not isinstance(node, Tensor):
            return Number(evaluate(node, {}, {}).item())
        return node

    return transform(expr, change)
