"""A fused operation in words that its reader knows."""

from __future__ import annotations

from attn_dsl.expr import SCORE, TRUE, Number, to_text
from attn_dsl.ir.ops import TiledAttention
from attn_dsl.tile.local_names import local_names


def formula(name: str, op: TiledAttention) -> list[str]:
    """What `name = op` computes, a line for the scores, each change of them, and the result.

    Values are called without the path of their module.
    """
    _, names = local_names(name, op)
    short = op.rename(names)
    assert isinstance(short, TiledAttention)
    return _lines(names.get(name, name), short)


def _lines(name: str, op: TiledAttention) -> list[str]:
    product = f"{op.query} {op.key}ᵀ"
    factor = "" if op.scale == Number(1) else f" · {to_text(op.scale)}"
    lines = [f"s = {product}{factor}"]
    if op.score != SCORE:
        lines.append(f"s = {to_text(op.score)}")
    if op.mask != TRUE:
        lines.append(f"s = -inf unless {to_text(op.mask)}")
    return [*lines, f"{name} = softmax(s) {op.value}"]
