"""Expressions with their constant parts computed, and conditions turned around."""

from __future__ import annotations

from attn_dsl.expr import (
    FALSE,
    TRUE,
    Binary,
    Compare,
    Expr,
    Number,
    Tensor,
    Unary,
    children,
    evaluate,
    transform,
)

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


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


def negated(condition: Expr) -> Expr:
    """`not condition`, a comparison turned around."""
    match condition:
        case Number(value):
            return Number(not value)
        case Compare(op, lhs, rhs):
            return Compare(OPPOSITE[op], lhs, rhs)
        case Unary("not", x):
            return x
    return Unary("not", condition)
