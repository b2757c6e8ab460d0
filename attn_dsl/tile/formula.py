"""A fused operation in words that its reader knows."""

from __future__ import annotations

from attn_dsl.expr import SCORE, TRUE, Number, to_text
from attn_dsl.ir.ops import TiledAttention


def formula(name: str, op: TiledAttention) -> list[str]:
    """What `name = op` computes, a line for the scores, each change of them, and the result."""
    product = f"{op.query} {op.key}ᵀ"
    factor = "" if op.scale == Number(1) else f" · {to_text(op.scale)}"
    lines = [f"s = {product}{factor}"]
    if op.score != SCORE:
        lines.append(f"s = {to_text(op.score)}")
    if op.mask != TRUE:
        lines.append(f"s = -inf unless {to_text(op.mask)}")
    return [*lines, f"{name} = softmax(s) {op.value}"]
